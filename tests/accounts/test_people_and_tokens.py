from __future__ import annotations

import re

import pytest

from portal.accounts import actions
from portal.accounts.models import ApiToken, Membership, User
from portal.audit.models import AuditEvent
from portal.errors import NotAllowed, PortalError
from tests import factories

pytestmark = pytest.mark.django_db

PEOPLE = "/p/flights/settings/people"


def roles_of(user):
    return set(Membership.objects.filter(user=user).values_list("role", "environment"))


# --- people and roles ------------------------------------------------------------------------------------------------


def test_everybody_in_the_project_sees_who_else_is_there(vic, ana, browser_of):
    html = browser_of(vic).get(PEOPLE).content.decode()
    assert "Ana" in html
    assert "Give this role" not in html


def test_an_admin_gives_a_role_in_one_environment(ada, vic, browser_of):
    answer = browser_of(ada).post(f"{PEOPLE}/add", {"person": "vic", "role": "operator", "environment": "test"}, follow=True)
    assert b"is Operator in test" in answer.content
    assert ("operator", "test") in roles_of(vic)
    event = AuditEvent.objects.get(action="add_member")
    assert event.details == {"person": "vic", "role": "operator", "environment_of_role": "test"}


def test_a_role_is_given_once(ada, vic, browser_of):
    answer = browser_of(ada).post(f"{PEOPLE}/add", {"person": "vic", "role": "viewer", "environment": ""})
    assert answer.status_code == 409
    assert b"has that role already" in answer.content


def test_an_admin_takes_a_role_away(ada, olu, browser_of):
    row = Membership.objects.get(user=olu)
    browser_of(ada).post(f"{PEOPLE}/{row.pk}/remove")
    assert roles_of(olu) == set()
    assert AuditEvent.objects.get(action="remove_member").details["person"] == "olu"


def test_nobody_changes_their_own_roles(ada, flights, browser_of):
    with pytest.raises(PortalError, match="their own roles"):
        actions.add_member(actor=ada, project=flights, person=ada, role="approver")
    row = Membership.objects.get(user=ada, role="auditor")
    answer = browser_of(ada).post(f"{PEOPLE}/{row.pk}/remove", follow=True)
    assert b"Nobody changes their own roles" in answer.content
    assert Membership.objects.filter(pk=row.pk).exists()


def test_an_admin_of_one_environment_gives_roles_there_only(flights, vic):
    dee = factories.make_person("dee", flights, "environment_admin@dev")
    actions.add_member(actor=dee, project=flights, person=vic, role="author", environment="dev")
    for environment in ("prod", ""):
        with pytest.raises(NotAllowed):
            actions.add_member(actor=dee, project=flights, person=vic, role="author", environment=environment)
    everywhere = Membership.objects.get(user=vic, role="viewer", environment="")
    with pytest.raises(NotAllowed):
        actions.remove_member(actor=dee, membership=everywhere)


def test_nobody_becomes_platform_admin_by_a_role_of_a_project(ada, flights, vic):
    with pytest.raises(PortalError, match="no role"):
        actions.add_member(actor=ada, project=flights, person=vic, role="platform_admin")


@pytest.mark.parametrize("person", ["ana", "pat", "olu", "vic", "outsider"])
def test_nobody_else_gives_roles(person, request, flights, browser_of):
    user, other = request.getfixturevalue(person), factories.make_person("new")
    assert browser_of(user).post(f"{PEOPLE}/add", {"person": "new", "role": "viewer"}).status_code == 404
    assert roles_of(other) == set()
    assert AuditEvent.objects.filter(actor=user, result="refused").exists()


def test_a_platform_admin_without_a_role_manages_people_and_sees_no_job(flights, ana, browser_of):
    factories.make_job(flights, ana, "secret_job")
    root = browser_of(factories.make_person("root", platform_admin=True))
    assert b"Give this role" in root.get(PEOPLE).content
    assert root.get("/p/flights/jobs/").status_code == 404
    assert b"secret_job" not in root.get("/").content


def test_a_new_person_gets_a_password_that_works_and_is_shown_once(ada, flights, browser_of, client):
    answer = browser_of(ada).post(f"{PEOPLE}/new", {"username": "nia", "name": "Nia", "email": "nia@sluice.test"})
    password = re.search(rb'first password <span\s+class="mono"\s*>([^<]+)<', answer.content)[1].decode()
    assert client.post("/sign-in", {"username": "nia", "password": password}).status_code == 302
    assert password not in str(AuditEvent.objects.get(action="create_person").details)
    assert password.encode() not in browser_of(ada).get(PEOPLE).content
    own = "/account/first-password"
    for address in ("/", PEOPLE, "/account"):
        assert client.get(address)["Location"] == own
    assert client.get("/api/v1/me").status_code == 403
    wrong = client.post(own, {"old": "not that", "new": "a long one of my own"})
    assert b"not your present password" in wrong.content
    assert b"already" in client.post(own, {"old": password, "new": password}).content
    assert client.post(own, {"old": password, "new": "a long one of my own"})["Location"] == "/"
    assert b"You have no role in a project yet" in client.get("/").content
    assert client.get(own)["Location"] == "/"


@pytest.mark.parametrize(("keep", "left"), [({"end_tokens": "on"}, 0), ({}, 1)])
def test_tokens_end_with_the_password_unless_they_are_to_stay(keep, left, browser_of, ana, flights):
    ana.set_password("the old long one")
    ana.save()
    actions.create_token(actor=ana, name="nightly", scopes=["read"])
    browser = browser_of(ana)
    given = {"old": "the old long one", "new": "another long one", **keep}
    answer = browser.post("/account/password", given, follow=True)
    said = "Your API tokens still work." if left else "So has your API token."
    assert said in answer.content.decode()
    assert b"Your password is changed" in answer.content and (b"So has your API token" in answer.content) == (not left)
    assert ana.api_tokens.filter(revoked_at=None).count() == left


@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_viewer_learns_nothing_about_user_names(method, browser_of, vic, ana, flights):
    factories.make_job(flights, ana)
    where = {"post": "/api/v1/projects/flights/members/", "patch": "/api/v1/projects/flights/jobs/daily_delays"}[method]
    told = []
    for name in ("ana", "nobody-there"):
        body = {"post": {"username": name, "role": "viewer"}, "patch": {"owner": name}}[method]
        answer = getattr(browser_of(vic), method)(where, body, content_type="application/json")
        told.append((answer.status_code, answer.json()["detail"]))
    assert told[0] == told[1] and told[0][0] == 404


def test_markup_in_a_name_is_shown_as_text(ada, flights, browser_of):
    User.objects.create_user("xss", email="x@sluice.test", first_name="<img src=x onerror=alert(1)>")
    answer = browser_of(ada).post(f"{PEOPLE}/add", {"person": "xss", "role": "viewer"}, follow=True)
    assert b"<img src=x" not in answer.content
    assert b"&lt;img src=x" in answer.content


def test_switching_the_project_is_remembered(flights, harbour, browser_of):
    user = factories.make_person("two", flights, "viewer")
    Membership.objects.create(user=user, project=harbour, role="viewer")
    browser = browser_of(user)
    assert b"Flights" in browser.get("/").content
    browser.post("/switch-project", {"project": "harbour"})
    assert browser.get("/").context["project"] == harbour


def test_nobody_switches_to_a_project_they_have_no_role_in(ana, harbour, browser_of):
    assert browser_of(ana).post("/switch-project", {"project": "harbour"}).status_code == 404


# --- API tokens ------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works(ana, browser_of, client):
    browser = browser_of(ana)
    answer = browser.post("/account", {"name": "nightly", "scopes": ["read"], "days": "30"})
    text = re.search(rb"slc_[\w-]{43}", answer.content)[0].decode()
    assert answer["Cache-Control"].find("no-store") >= 0
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {text}"}).json()["username"] == "ana"
    assert text.encode() not in browser.get("/account").content
    assert text not in str(AuditEvent.objects.get(action="create_token").__dict__)


def test_a_token_needs_a_scope(ana, browser_of):
    assert browser_of(ana).post("/account", {"name": "x", "days": "30"}).status_code == 422


def test_a_revoked_token_says_so_and_opens_nothing(ana, browser_of, client):
    text = factories.make_token(ana)
    answer = browser_of(ana).post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke", follow=True)
    assert b"opens nothing any more" in answer.content
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_nobody_revokes_the_token_of_another(ana, pat, browser_of):
    factories.make_token(ana)
    token = ApiToken.objects.get()
    assert browser_of(pat).post(f"/account/tokens/{token.pk}/revoke").status_code == 404
    assert ApiToken.objects.get().state == "active"


@pytest.mark.parametrize(
    ("given", "code"), [({"scopes": ["approve"]}, "bad-scopes"), ({"days": 366}, "bad-expiry"), ({"name": " "}, "no-name")]
)
def test_a_token_that_makes_no_sense_is_refused(ana, given, code):
    with pytest.raises(PortalError) as refused:
        actions.create_token(actor=ana, **{"name": "x", "scopes": ["read"], "days": 30, **given})
    assert refused.value.code == code


def test_changing_the_password_ends_other_sessions_and_keeps_this_one(ana, client):
    from django.test import Client

    ana.set_password("the old long password")
    ana.save()
    here, there = Client(), Client()
    for browser in (here, there):
        browser.post("/sign-in", {"username": "ana", "password": "the old long password"})
    weak = here.post("/account/password", {"old": "the old long password", "new": "short"}, follow=True)
    assert b"too short" in weak.content
    here.post("/account/password", {"old": "the old long password", "new": "an even longer password"})
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302


def test_the_first_admin_is_made_on_the_command_line(monkeypatch, client):
    import io

    from django.core.management import CommandError, call_command

    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
    call_command("create_admin", "root", "root@sluice.test", stdout=io.StringIO())
    assert client.post("/sign-in", {"username": "root", "password": "a long enough password"}).status_code == 302
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="too short"):
        call_command("create_admin", "other", "other@sluice.test", stdout=io.StringIO())


def test_an_admin_gives_the_first_roles_of_a_new_project(ada, vic, compute, browser_of):
    browser = browser_of(ada)
    browser.post("/api/v1/projects/", {"slug": "ferries", "name": "Ferries"}, content_type="application/json")
    assert "ferries" in [found["slug"] for found in browser.get("/api/v1/projects/").json()["results"]]
    given = browser.post("/api/v1/projects/ferries/members/", {"username": "vic", "role": "author"}, content_type="application/json")
    assert given.status_code == 201
    roles = [(row["username"], row["role"]) for row in browser.get("/api/v1/projects/ferries/members/").json()["results"]]
    assert roles == [("ada", "environment_admin"), ("vic", "author")]
    assert browser.delete(f"/api/v1/projects/ferries/members/{given.json()['id']}").status_code == 204
    assert browser_of(vic).get("/api/v1/projects/ferries/jobs/").status_code == 404


def test_a_session_that_a_new_password_has_just_ended_makes_nothing_that_outlives_it(ana):
    """Whoever holds it could ask for a token again and again until one comes in the moment of the change."""
    ana.set_password("an old long password 1")
    ana.save()
    stale = User.objects.get(pk=ana.pk)
    actions.change_password(actor=ana, old="an old long password 1", new="a new long password 22")
    for late in (
        lambda: actions.create_token(actor=stale, name="t", scopes=["read"]),
        lambda: actions.change_password(actor=stale, old="an old long password 1", new="their long password 333"),
    ):
        with pytest.raises(PortalError, match="was changed in this moment"):
            late()
    assert User.objects.get(pk=ana.pk).check_password("a new long password 22") and not ApiToken.objects.exists()


def test_a_session_is_no_way_to_guess_the_password(ana):
    ana.set_password("an old long password 1")
    ana.save()
    codes = []
    for guess in range(7):
        with pytest.raises(PortalError) as refused:
            actions.change_password(actor=ana, old=f"guess {guess}", new="a new long password 22")
        codes.append(refused.value.code)
    assert codes == ["wrong-password"] * 5 + ["too-many-tries"] * 2
    assert AuditEvent.objects.filter(action="change_password", result="failed").count() == 5
    with pytest.raises(PortalError, match="Too many"):  # the right one does not help before the minute is over, either
        actions.change_password(actor=ana, old="an old long password 1", new="a new long password 22")
