from __future__ import annotations

import pytest

from portal.environments.models import Connection
from tests.environments.connected import KEYS, S3, make_root, make_s3

pytestmark = pytest.mark.django_db
API = "/api/v1/projects/flights/environments/prod"
ONE, ROOT = f"{API}/connections/lake_s3", f"{API}/roots/raw"


@pytest.fixture
def ask(ada, browser_of):
    browser = browser_of(ada)

    def asked(method, address, body=None):
        answer = getattr(browser, method)(address, body, **({} if method == "get" else {"content_type": "application/json"}))
        return answer.status_code, answer.json() if answer.content else None

    return asked


def test_a_program_makes_reads_changes_rotates_and_removes_a_connection(ask, prod):
    status, made = ask("post", f"{API}/connections", {"name": "lake_s3", "kind": "s3", "settings": S3, "secrets": KEYS})
    assert status == 201 and made["settings"]["region"] == "eu-central-1" and made["roots"] == []
    assert [(one["version"], one["key_shown"], one["set_by"], one["used_at"]) for one in made["versions"]] == [
        (1, "AKIA••••ARY1", "Ada", None)
    ]
    assert ask("get", ONE) == (200, made) and ask("get", f"{API}/connections") == (200, [made])
    status, changed = ask("patch", ONE, {"settings": {"requester_pays": True}, "edition": made["edition"]})
    assert status == 200 and changed["settings"] == made["settings"] | {"requester_pays": True}
    assert ask("patch", ONE, {"settings": {"region": "eu-west-1"}, "edition": made["edition"]})[0] == 409
    status, version = ask("post", f"{ONE}/rotate", {"secrets": KEYS})
    assert (status, version["version"], version["ends_at"]) == (200, 2, None)
    assert ask("delete", ONE) == (204, None) and ask("get", ONE)[0] == 404


def test_a_program_makes_reads_changes_and_removes_a_root(ada, ask, prod):
    make_s3(ada, prod)
    given = {"name": "raw", "connection": "lake_s3", "address": "s3://acme-landing/flights"}
    status, made = ask("post", f"{API}/roots", given)
    assert status == 201 and (made["address"], made["may_write"], made["is_default"]) == ("s3a://acme-landing/flights/", False, False)
    assert ask("get", ROOT) == (200, made) and [one["name"] for one in ask("get", f"{API}/roots")[1]] == ["lake", "raw"]
    assert ask("delete", ONE)[1]["code"] == "connection-in-use"
    status, changed = ask("patch", ROOT, {"may_write": True, "edition": made["edition"]})
    assert status == 200 and changed["may_write"] and changed["address"] == made["address"]
    assert ask("patch", ROOT, {"may_write": False, "edition": made["edition"]})[0] == 409
    assert [ask(method, f"{API}/roots/lake", body)[1]["code"] for method, body in (("patch", {"may_write": False}), ("delete", None))] == [
        "default-root"
    ] * 2
    assert ask("delete", ROOT) == (204, None) and ask("delete", ROOT)[0] == 404


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("post", f"{API}/connections", {"name": "x", "kind": "s3", "settings": S3, "secrets": KEYS, "password": "x"}),
        ("post", f"{API}/connections", {"name": "x", "kind": "s3", "settings": S3 | {"fs.s3a.endpoint": "x"}, "secrets": KEYS}),
        ("post", f"{API}/connections", {"name": "x", "kind": "s3", "settings": S3 | KEYS}),
        ("post", f"{API}/connections", {"name": "x", "kind": "s3", "settings": S3, "secrets": KEYS | {"token": "x" * 20}}),
        ("patch", ONE, {"settings": {"regoin": "eu-west-1"}}),
        ("patch", ONE, {"name": "other"}),
        ("patch", ONE, {"kind": "postgresql"}),
        ("post", f"{ONE}/rotate", {"secrets": KEYS, "minutes": 5}),
        ("post", f"{ONE}/rotate", {"secrets": {"password": "x" * 20}}),
        ("patch", ROOT, {"name": "other"}),
    ],
)
def test_a_field_that_nobody_knows_is_refused_and_nothing_is_done(method, address, body, ada, ask, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    status, said = ask(method, address, body)
    assert (status, said["code"]) == (400, "unknown-field")
    made.refresh_from_db()
    assert Connection.objects.count() == 1 and made.settings["region"] == "eu-central-1" and made.versions.count() == 1


@pytest.mark.parametrize(
    "settings", ["s3", [], None, {"region": {}}, {"region": ["x"]}, {"requester_pays": "yes"}, {"private_networks": "10.0.0.0/8"}]
)
def test_a_field_of_another_kind_of_value_is_said(settings, ask, prod):
    status, said = ask("post", f"{API}/connections", {"name": "x", "kind": "s3", "settings": settings, "secrets": KEYS})
    assert status == 422 and said["problems"]


def test_who_only_looks_sees_roots_and_no_connections(ada, vic, browser_of, prod):
    make_root(ada, make_s3(ada, prod))
    browser = browser_of(vic)
    assert [browser.get(address).status_code for address in (f"{API}/roots", ROOT, f"{API}/connections", ONE)] == [200, 200, 404, 404]
