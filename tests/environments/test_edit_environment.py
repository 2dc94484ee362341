from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from portal.accounts import policy
from portal.accounts.models import Project
from portal.audit.models import AuditEvent
from portal.environments import actions, parameters
from portal.environments.models import ComputeProfile, Environment
from portal.errors import NotAllowed, PortalError
from tests import factories

pytestmark = pytest.mark.django_db


def page(environment):
    return f"/p/flights/settings/environments/{environment.name}"


def form(environment, *rows, **fields):
    names, kinds, texts = zip(*rows, strict=True) if rows else ((), (), ())
    return {"compute": environment.compute.pk, "approvals_needed": 1, "name": names, "kind": kinds, "text": texts, **fields}


def test_an_admin_sets_typed_parameters(ada, prod, browser_of):
    rows = [
        ("year", "integer", "2013"),
        ("region", "string", "New York"),
        ("share", "decimal", "0.10"),
        ("is_full", "boolean", "yes"),
        ("since", "date", "2013-01-01"),
    ]
    answer = browser_of(ada).post(page(prod), form(prod, *rows, ("", "string", "")))
    assert answer.status_code == 302
    prod.refresh_from_db()
    assert prod.parameters == {"year": 2013, "region": "New York", "share": "0.10", "is_full": True, "since": "2013-01-01"}
    event = AuditEvent.objects.get(action="edit_environment")
    assert (event.environment, event.details["after"]["parameters"]["year"]) == ("prod", 2013)


def test_who_opened_the_form_before_another_saved_does_not_undo_it(ada, prod, browser_of):
    browser, opened = browser_of(ada), prod.edition
    assert f'name="edition" value="{opened}"' in browser.get(page(prod)).content.decode()
    assert browser.post(page(prod), form(prod, ("year", "integer", "2013"), edition=opened)).status_code == 302
    answer = browser.post(page(prod), form(prod, ("region", "string", "x"), edition=opened))
    html = answer.content.decode()
    assert answer.status_code == 409 and "Somebody has changed prod since you opened it." in html
    assert 'value="region"' in html, "what was typed stands"
    assert "Parameter year: 2013" in html and "There is no parameter region" in html, "and what is there now"
    assert "Compute:" not in html
    api = f"/api/v1/projects/flights/environments/{prod.name}"
    said = browser.patch(api, {"parameters": {}, "edition": opened}, "application/json")
    assert (said.status_code, said.json()["code"]) == (409, "changed-meanwhile")
    prod.refresh_from_db()
    assert prod.parameters == {"year": 2013}
    assert f'name="edition" value="{prod.edition}"' in html
    assert browser.post(page(prod), form(prod, ("region", "string", "x"), edition=prod.edition)).status_code == 302
    prod.refresh_from_db()
    assert prod.parameters == {"region": "x"}


def test_the_form_shows_what_is_kept_with_its_kind(ada, prod, browser_of):
    Environment.objects.filter(pk=prod.pk).update(parameters={"year": 2013, "since": "2013-01-01"})
    html = browser_of(ada).get(page(prod)).content.decode()
    assert 'value="2013-01-01"' in html
    assert '<option value="date" selected>' in html
    assert '<option value="integer" selected>' in html


def test_every_wrong_value_is_said_at_once_and_nothing_is_changed(ada, prod, browser_of):
    rows = [
        ("year", "integer", "twenty"),
        ("1st", "string", "x"),
        ("run_id", "string", "x"),
        ("day", "date", "2013-02-30"),
        ("a", "string", ""),
        ("a", "string", ""),
    ]
    answer = browser_of(ada).post(page(prod), form(prod, *rows))
    assert answer.status_code == 422
    html = answer.content.decode()
    for words in (
        "“twenty” is not right",
        "a whole number, for instance 2013",
        "begins with a letter",
        "Sluice sets this one itself",
        "a date that exists",
        "there twice",
    ):
        assert words in html
    assert 'value="twenty"' in html  # what was typed is still there
    prod.refresh_from_db()
    assert prod.parameters == {}


def test_markup_in_a_value_is_shown_as_text(ada, prod, browser_of):
    browser_of(ada).post(page(prod), form(prod, ("note", "string", "<script>alert(1)</script>")))
    for address in (page(prod), "/p/flights/settings/environments"):
        html = browser_of(ada).get(address).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


@pytest.mark.parametrize("person", ["ana", "pat", "olu", "vic", "outsider"])
def test_nobody_else_may(person, request, prod, browser_of):
    user = request.getfixturevalue(person)
    assert browser_of(user).get(page(prod)).status_code == 404
    assert browser_of(user).post(page(prod), form(prod)).status_code == 404
    with pytest.raises(NotAllowed):
        actions.edit_environment(actor=user, environment=prod, parameters={}, compute=prod.compute, approvals_needed=1)


def test_an_admin_of_dev_does_not_change_prod(flights, dev, prod, browser_of):
    dee = factories.make_person("dee", flights, "environment_admin@dev", "viewer")
    assert browser_of(dee).get(page(dev)).status_code == 200
    assert browser_of(dee).get(page(prod)).status_code == 404


def test_drafts_are_allowed_in_the_lowest_environment_only(prod, dev):
    assert dev.allows_drafts
    with pytest.raises(IntegrityError), transaction.atomic():
        Environment.objects.filter(pk=prod.pk).update(allows_drafts=True)


def test_the_api_changes_what_is_named_and_keeps_the_rest(ada, prod, program_of):
    program = program_of(ada)
    address = "/api/v1/projects/flights/environments/prod"
    assert program.patch(address, {"parameters": {"year": 2014}}, format="json").json()["parameters"] == {"year": 2014}
    assert program.patch(address, {"approvals_needed": prod.approvals_needed}, format="json").json()["parameters"] == {"year": 2014}
    wrong = program.patch(address, {"parameters": {"list": [1]}}, format="json")
    assert wrong.status_code == 422
    assert wrong.json()["problems"][0]["field"] == "list"


def test_how_many_must_agree_is_changed_by_a_person_who_is_signed_in(ada, prod, program_of, browser_of):
    address = "/api/v1/projects/flights/environments/prod"
    for body in ({"approvals_needed": 2}, {"upload_roles": ["operator"]}):
        assert program_of(ada).patch(address, body, format="json").status_code == 404, body
    prod.refresh_from_db()
    assert (prod.approvals_needed, prod.upload_roles) == (1, prod._meta.get_field("upload_roles").get_default())
    assert browser_of(ada).patch(address, {"approvals_needed": 2}, content_type="application/json").status_code == 200


def test_viewers_see_environments_in_the_api_lowest_first(vic, program_of):
    rows = program_of(vic).get("/api/v1/projects/flights/environments/").json()["results"]
    assert [row["name"] for row in rows] == ["dev", "test", "prod"]


def test_a_platform_admin_makes_a_compute_profile(ada, flights, browser_of):
    figures = {"name": "large", "cores": 8, "memory_mb": 8192, "shuffle_partitions": 32, "time_limit_minutes": 120}
    assert browser_of(ada).post("/p/flights/settings/compute", figures).status_code == 302
    assert ComputeProfile.objects.get(name="large").cores == 8
    with pytest.raises(PortalError, match="from 1 to 64"):
        actions.save_compute_profile(actor=ada, **(figures | {"cores": 65}))


def test_a_new_project_has_dev_test_and_prod_and_its_maker_in_it(ada, flights, browser_of):
    answer = browser_of(ada).post("/settings/projects/new", {"slug": "ferries", "name": "Ferries"})
    assert answer["Location"] == "/p/ferries/settings/people"
    assert list(Environment.objects.filter(project__slug="ferries").values_list("name", "allows_drafts")) == [
        ("dev", True),
        ("test", False),
        ("prod", False),
    ]
    assert browser_of(ada).post("/settings/projects/new", {"slug": "ferries", "name": "Again"}).status_code == 422
    made = Project.objects.get(slug="ferries")
    assert [role for role, _ in policy.roles_of(ada, made) if role != "platform_admin"] == ["environment_admin"]
    assert not any(policy.can(ada, right, made) for right in ("view_data", "approve_promotion", "edit_job"))
    assert AuditEvent.objects.get(action="create_project").details["roles_of_maker"] == ["environment_admin"]
    assert browser_of(ada).get("/p/ferries/jobs/").status_code == 200


def test_whoever_makes_a_project_may_write_jobs_in_it_when_they_say_so(ada, flights, harbour, browser_of, program_of):
    browser_of(ada).post("/settings/projects/new", {"name": "Ferries & Ports 2024", "as_author": "on"})
    made = Project.objects.get(slug="ferries-ports-2024")
    assert policy.can(ada, "edit_job", made) and not policy.can(ada, "edit_job", harbour)
    assert browser_of(ada).post("/settings/projects/new", {"name": "日本"}).context["form"].errors["slug"]
    by_api = {"slug": "by_api", "name": "A", "as_author": True}
    assert program_of(ada, "read", "write").post("/api/v1/projects/", by_api, format="json").status_code == 404
    assert browser_of(ada).post("/api/v1/projects/", by_api, content_type="application/json").status_code == 201
    assert policy.can(ada, "edit_job", Project.objects.get(slug="by_api"))


def test_the_first_admin_of_a_new_sluice_makes_the_first_project(compute, browser_of):
    browser = browser_of(factories.make_person("eve", None, platform_admin=True))
    assert b'href="/settings/projects/new"' in browser.get("/").content
    assert b"Make the project" in browser.get("/settings/projects/new").content
    browser.post("/settings/projects/new", {"slug": "ferries", "name": "Ferries"})
    page = browser.get("/", follow=True)
    assert page.status_code == 200 and not page.redirect_chain


def test_who_only_manages_a_project_is_led_to_its_people_and_nowhere_else(ada, flights, harbour, browser_of):
    browser = browser_of(ada)
    html = browser.post("/switch-project", {"project": "harbour"}, follow=True).content.decode()
    assert "Give this role" in html
    assert "/p/harbour/jobs/" not in html


def test_only_platform_admins_make_projects(ana, browser_of):
    assert browser_of(ana).get("/settings/projects/new").status_code == 404
    assert browser_of(ana).post("/settings/projects/new", {"slug": "ferries", "name": "Ferries"}).status_code == 404


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "boolean"), (7, "integer"), ("x", "string"), ("1.50", "decimal"), ("2013-01-01", "date"), ("2013-01-01 06:00", "timestamp")],
)
def test_a_kept_value_is_shown_as_what_it_is(value, kind):
    assert parameters.kind_of(value) == kind
    assert parameters.read_rows([("a", kind, parameters.shown(value))]) == {"a": value}
