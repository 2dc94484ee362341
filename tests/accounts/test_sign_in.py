from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import SignInFailure
from portal.audit.models import AuditEvent

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def ana_with_password(ana):
    ana.set_password(PASSWORD)
    ana.save()
    return ana


def try_in(client, username="ana", password=PASSWORD, **more):
    return client.post("/sign-in", {"username": username, "password": password, **more})


def test_the_right_password_leads_to_where_one_wanted_to_go(ana_with_password):
    client = Client()
    assert client.get("/p/flights/settings/people")["Location"] == "/sign-in?next=/p/flights/settings/people"
    answer = try_in(client, next="/p/flights/settings/people")
    assert (answer.status_code, answer["Location"]) == (302, "/p/flights/settings/people")
    assert client.get("/p/flights/settings/people").status_code == 200
    assert AuditEvent.objects.filter(action="sign_in", actor=ana_with_password, result="done").count() == 1


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_off_the_site(ana_with_password, elsewhere):
    assert try_in(Client(), next=elsewhere)["Location"] == "/"


def test_the_session_key_changes_at_sign_in(ana_with_password):
    client = Client()
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    try_in(client)
    assert client.session.session_key != before


def test_a_wrong_password_and_an_unknown_name_read_the_same(ana_with_password):
    wrong, unknown = try_in(Client(), password="wrong"), try_in(Client(), username="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert b"do not fit together" in wrong.content
    assert b"do not fit together" in unknown.content


def test_failed_sign_ins_are_in_the_audit_without_what_was_typed(ana_with_password):
    try_in(Client(), password="wrong-secret-1")
    try_in(Client(), username="my-secret-by-mistake")
    known, unknown = AuditEvent.objects.filter(action="sign_in", result="failed").order_by("seq")
    assert (known.actor_name, unknown.actor_name) == ("ana", "unknown")
    everything = " ".join(str(vars(event)) for event in (known, unknown))
    assert "secret" not in everything


def test_the_sixth_try_within_a_minute_is_refused_even_with_the_right_password(ana_with_password):
    client = Client()
    for _ in range(5):
        assert try_in(client, password="wrong").status_code == 401
    refused = try_in(client)
    assert refused.status_code == 429
    assert b"Wait a minute" in refused.content
    assert AuditEvent.objects.filter(action="sign_in", result="refused").count() == 1
    SignInFailure.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert try_in(client).status_code == 302


def test_tries_from_one_address_do_not_lock_out_another(ana_with_password):
    for _ in range(6):
        try_in(Client(REMOTE_ADDR="10.0.0.9"), password="wrong")
    assert try_in(Client(REMOTE_ADDR="10.0.0.10")).status_code == 302


def test_signing_out_ends_the_session_on_the_server(ana, browser_of):
    browser = browser_of(ana)
    stolen = browser.cookies["sluice"].value
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    thief = Client()
    thief.cookies["sluice"] = stolen
    assert thief.get("/").status_code == 302
    assert AuditEvent.objects.filter(action="sign_out", actor=ana).exists()


def test_signing_out_by_a_link_is_not_possible(ana, browser_of):
    assert browser_of(ana).get("/sign-out").status_code == 405


def test_somebody_who_left_cannot_sign_in(ana_with_password):
    ana_with_password.is_active = False
    ana_with_password.save()
    assert try_in(Client()).status_code == 401


def test_signing_in_needs_the_csrf_token(ana_with_password):
    answer = try_in(Client(enforce_csrf_checks=True))
    assert answer.status_code == 403
    assert b"open too long" in answer.content


# --- the demo's people -----------------------------------------------------------------------------------------------


def as_demo(user):
    user.is_demo, user.about = True, "Author: writes jobs"
    user.save()


def test_demo_people_sign_in_by_one_click_in_demo_mode(ana, settings):
    settings.DEMO = True
    as_demo(ana)
    page = Client().get("/sign-in")
    assert b"Author: writes jobs" in page.content
    client = Client()
    assert client.post("/sign-in-as", {"username": "ana"})["Location"] == "/"
    assert client.get("/").status_code == 200


def test_without_demo_mode_there_is_no_one_click(ana, settings):
    settings.DEMO = False
    as_demo(ana)
    assert b"Author: writes jobs" not in Client().get("/sign-in").content
    assert Client().post("/sign-in-as", {"username": "ana"}).status_code == 404
    assert AuditEvent.objects.filter(action="sign_in", result="refused").exists()


def test_real_people_have_no_one_click_even_in_demo_mode(ana, settings):
    settings.DEMO = True
    assert Client().post("/sign-in-as", {"username": "ana"}).status_code == 404
