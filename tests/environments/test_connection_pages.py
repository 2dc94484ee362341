from __future__ import annotations

import pytest

from executor.connections import CONNECTION_KINDS
from portal.environments import sealing
from portal.environments.connection_forms import form_of
from portal.environments.models import Connection, Root
from tests.environments.connected import KEYS, PASSWORD, make_database, make_root, make_s3

pytestmark = pytest.mark.django_db
PROD = "/p/flights/settings/environments/prod"
PAGE = f"{PROD}/connections/lake_s3"
S3 = {
    "service": "amazon", "endpoint": "", "region": "eu-central-1", "bucket_style": "host", "encryption": "none", "kms_key": "",
    "tls": "verified", "sign_in": "keys", "role": "", "private_networks": "",
}  # fmt: skip
SHOP = {
    "host": "db.example.org",
    "port": "5432",
    "database": "shop",
    "user": "sluice",
    "tls": "verify-full",
    "options": "connectTimeout = 10",
}


@pytest.fixture
def browser(ada, browser_of):
    return browser_of(ada)


def seen(answer, status=200):
    assert answer.status_code == status, answer.content.decode()
    html = answer.content.decode()
    assert not [value for value in (*KEYS.values(), *PASSWORD.values()) if value in html]
    return html


@pytest.mark.parametrize("kind", CONNECTION_KINDS)
def test_the_form_of_every_kind_takes_its_example(kind):
    cls = CONNECTION_KINDS[kind]
    shown = form_of(kind, initial=cls.model_validate(cls.example).settings())
    sent = {name: value for name in shown.fields if (value := shown[name].value()) not in (None, False)}
    form = form_of(kind, {"name": "x", **sent, **cls.example_secrets}, is_new=True)
    assert form.is_valid(), form.errors
    assert cls.model_validate(form.settings | form.secrets).settings() == cls.model_validate(cls.example).settings()


def test_an_empty_list_says_what_to_do_first(browser, prod):
    html = seen(browser.get(f"{PROD}/connections"))
    assert "No connections yet" in html and f'href="{PROD}/new-connection"' in html and "own folder" in html


def test_the_navigation_leads_there_who_looks_after_an_environment(browser, ana, browser_of, prod):
    assert 'href="/p/flights/connections/"' in seen(browser.get("/p/flights/jobs/"))
    assert browser.get("/p/flights/connections/")["Location"].endswith("/dev/connections")
    assert 'href="/p/flights/connections/"' not in seen(browser_of(ana).get("/p/flights/jobs/"))
    assert browser_of(ana).get("/p/flights/connections/").status_code == 404


def test_a_connection_is_made_and_changed_in_the_browser(browser, prod):
    answer = browser.post(f"{PROD}/new-connection?kind=s3", S3 | KEYS | {"name": "lake_s3"})
    assert answer["Location"] == PAGE
    html = seen(browser.get(PAGE))
    assert "AKIA••••ARY1" in html and "No run has got it yet" in html and "no root on it yet" in html
    made = Connection.objects.get()
    changed = S3 | {"encryption": "kms", "kms_key": "alias/lake", "edition": made.edition}
    assert browser.post(PAGE, changed)["Location"] == PAGE
    made.refresh_from_db()
    assert (made.settings["kms_key"], made.versions.count()) == ("alias/lake", 1)
    html = seen(browser.post(PAGE, S3 | {"edition": "old"}), 409)
    assert "Somebody has changed lake_s3" in html and "KMS key: alias/lake" in html


def test_a_database_is_made_with_its_options(browser, prod):
    browser.post(f"{PROD}/new-connection?kind=postgresql", SHOP | PASSWORD | {"name": "shop"})
    made = Connection.objects.get()
    assert made.settings["options"] == {"connectTimeout": "10"} and made.settings["port"] == 5432
    assert sealing.opened(made, used_by="x") == PASSWORD
    assert "connectTimeout = 10" in seen(browser.get(f"{PROD}/connections/shop"))


def test_what_is_missing_or_wrong_stands_beside_its_field(browser, prod):
    address = f"{PROD}/new-connection?kind=s3"
    html = seen(browser.post(address, S3 | KEYS | {"name": "lake_s3", "region": "nowhere"}), 422)
    assert "This is no region of Amazon." in html and 'value="nowhere"' in html
    assert "This field is required" in seen(browser.post(address, S3 | {"name": "lake_s3"}), 422)
    assert "A name has small letters" in seen(browser.post(address, S3 | KEYS | {"name": "Lake"}), 422)
    html = seen(
        browser.post(f"{PROD}/new-connection?kind=postgresql", SHOP | PASSWORD | {"name": "x", "options": "sslmode = disable"}), 422
    )
    assert "not among those that may be set" in html
    assert browser.get(f"{PROD}/new-connection?kind=x").status_code == 404
    assert not Connection.objects.exists()


def test_a_field_that_was_not_shown_is_left_out(browser, prod):
    hidden = {"endpoint": "https://minio.example.org", "role": "x", "kms_key": "alias/x", "sign_in": "nobody"}
    browser.post(f"{PROD}/new-connection?kind=s3", S3 | KEYS | hidden | {"name": "open_data"})
    made = Connection.objects.get()
    assert (made.settings["endpoint"], made.settings["role"], made.settings["kms_key"]) == ("", "", "") and not made.versions.exists()


def test_who_sends_it_elsewhere_is_asked_for_the_secret_again(ada, browser, prod):
    made = make_database(ada, prod)
    page, moved = f"{PROD}/connections/shop", SHOP | {"host": "db2.example.org"}
    assert 'name="password"' not in seen(browser.get(page)).split("<details")[0]
    html = seen(browser.post(page, moved), 422)
    assert "entered again" in html and 'value="db2.example.org"' in html
    assert browser.post(page, moved | PASSWORD).status_code == 302
    assert [version.number for version in made.versions.all()] == [2, 1]


def test_a_secret_is_rotated_in_the_browser(ada, browser, prod):
    made = make_s3(ada, prod)
    assert browser.post(f"{PAGE}/rotate", KEYS | {"old_for_minutes": "15"})["Location"] == PAGE
    html = seen(browser.get(PAGE))
    assert "for runs that began with it" in html and "<b>v2</b>" in html
    assert "This field is required" in seen(browser.post(f"{PAGE}/rotate", {"old_for_minutes": "15"}), 422)
    assert "Select a valid choice" in seen(browser.post(f"{PAGE}/rotate", KEYS | {"old_for_minutes": "99999"}), 422)
    assert made.versions.count() == 2


def test_roots_are_made_changed_and_removed_on_the_page(ada, browser, prod):
    make_s3(ada, prod)
    assert browser.post(f"{PAGE}/roots", {"name": "raw", "address": "s3://acme-landing/flights"})["Location"] == PAGE
    html = seen(browser.get(PAGE))
    assert "acme-landing.s3.eu-central-1.amazonaws.com:443" in html and "Remove: 1 root lies on it" in html
    assert "lies there" in seen(browser.post(f"{PAGE}/roots", {"name": "again", "address": "s3a://acme-landing/"}), 422)
    root = Root.objects.get(name="raw")
    browser.post(f"{PROD}/roots/raw/edit", {"may_write": "yes", "edition": root.edition})
    browser.post(f"{PROD}/roots/raw/edit", {"may_write": "no", "edition": root.edition})  # as it was before the other change
    root.refresh_from_db()
    assert root.may_write
    assert "Roots lie on lake_s3: raw" in seen(browser.post(f"{PAGE}/remove", follow=True))
    browser.post(f"{PROD}/roots/lake/remove")
    browser.post(f"{PROD}/roots/raw/remove")
    assert [one.name for one in prod.roots.all()] == ["lake"]
    assert browser.post(f"{PAGE}/remove")["Location"] == f"{PROD}/connections" and not Connection.objects.exists()


def test_the_same_name_elsewhere_is_told_to_who_looks_after_it(ada, browser, browser_of, prod, dev, flights):
    from tests import factories

    make_s3(ada, prod)
    make_s3(ada, dev, service="other", endpoint="https://store.example.org")
    assert "https://store.example.org" in seen(browser.get(PAGE))
    html = seen(browser_of(factories.make_person("otto", flights, "environment_admin@prod")).get(PAGE))
    assert "store.example.org" not in html and "others look after it" in html


def test_a_connection_that_no_longer_fits_is_shown_and_can_be_mended(ada, browser, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    Connection.objects.update(settings=made.settings | {"region": "nowhere"})
    assert "No run can use it as it is. This is no region" in seen(browser.get(PAGE))
    assert browser.post(PAGE, S3).status_code == 302
    for broken in ({"unknown": 1}, {}):
        Connection.objects.update(settings=made.settings | broken)
        seen(browser.get(PAGE))
        seen(browser.get(f"{PROD}/connections"))
