"""What happens around every request, in the event loop as in a thread."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from portal import urls as site
from portal.audit import actions as audit
from portal.audit.models import AuditEvent
from portal.errors import Conflict, NotAllowed, PortalError

pytestmark = pytest.mark.django_db

HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@login_not_required
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def lines():
        for number in range(3):
            await asyncio.sleep(0)
            yield f"data: {number}\n\n"

    return StreamingHttpResponse(lines(), content_type="text/event-stream")


@login_not_required
async def origin_in_a_thread(request: HttpRequest) -> HttpResponse:
    from asgiref.sync import sync_to_async

    return HttpResponse(await sync_to_async(lambda: audit.origin.get().request_id)())


@login_not_required
def conflict(request: HttpRequest) -> HttpResponse:
    raise Conflict("Ben saved v4 a minute ago.", fix="Compare, then save again.")


def refuse(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        audit.record(action="start_run", actor=request.user)
        raise NotAllowed("start_run", request.user)


@login_not_required
def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret inside")


@login_not_required
def no_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("could not connect to server at 10.0.0.1")


@login_not_required
def unavailable(request: HttpRequest) -> HttpResponse:
    raise PortalError("The preview service does not answer.", status=503, code="previews-away")


urlpatterns = [
    path("stream", stream),
    path("origin", origin_in_a_thread),
    path("conflict", conflict),
    path("refuse", refuse),
    path("fail", fail),
    path("no-database", no_database),
    path("unavailable", unavailable),
    *site.urlpatterns,
]
handler400, handler403, handler404, handler500 = site.handler400, site.handler403, site.handler404, site.handler500
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def quiet(client):
    client.raise_request_exception = False
    return client


async def test_a_stream_passes_untouched_through_every_layer():
    answer = await AsyncClient().get("/stream")
    assert answer.is_async
    assert [part async for part in answer.streaming_content] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert answer["X-Request-Id"]
    for name, value in HEADERS.items():
        assert answer[name].startswith(value)


async def test_the_audit_knows_the_request_in_the_threads_of_a_stream():
    answer = await AsyncClient().get("/origin")
    assert answer.content.decode() == answer["X-Request-Id"]


async def test_files_are_served_in_the_event_loop():
    answer = await AsyncClient().get("/static/css/base.css")
    assert answer.status_code == 200
    assert not answer.streaming
    assert len(answer.content) == int(answer["Content-Length"])
    assert answer["Content-Type"].startswith("text/css")
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize(
    "address", ["/sign-in", "/nowhere", "/fail", "/conflict", "/static/nothing.css", "/api/v1/me", "/healthz", "/stream", "/"]
)
def test_every_answer_has_the_security_headers_and_an_id(address):
    answer = quiet(Client()).get(address)
    for name, value in HEADERS.items():
        assert answer[name].startswith(value), name
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert len(answer["X-Request-Id"]) == 36


def test_files_may_do_nothing_and_be_framed_by_nobody():
    answer = Client().get("/static/sluice.svg")
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (answer["X-Content-Type-Options"], answer["Cross-Origin-Resource-Policy"]) == ("nosniff", "same-origin")


def test_two_requests_have_two_ids():
    client = Client()
    assert client.get("/healthz")["X-Request-Id"] != client.get("/healthz")["X-Request-Id"]


def test_a_page_says_an_error_in_plain_words():
    answer = Client().get("/conflict")
    assert answer.status_code == 409
    assert b"Ben saved v4 a minute ago." in answer.content
    assert b"Compare, then save again." in answer.content
    assert answer["X-Request-Id"].encode() in answer.content


@pytest.mark.parametrize("headers", [{"Accept": "application/json"}, {"HX-Request": "true"}])
def test_a_script_gets_the_same_error_as_json(headers):
    answer = Client().get("/conflict", headers=headers)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Ben saved v4 a minute ago."
    assert answer.json()["fix"] == "Compare, then save again."


def test_a_refusal_is_recorded_although_what_was_begun_is_undone(ana, browser_of):
    answer = browser_of(ana).get("/refuse")
    assert answer.status_code == 404
    (event,) = AuditEvent.objects.filter(action="start_run")
    assert (event.result, event.actor, event.request_id) == ("refused", ana, answer["X-Request-Id"])


def test_what_is_forbidden_looks_like_what_is_not_there(ana, browser_of):
    browser = browser_of(ana)
    refused, unknown = browser.get("/refuse"), browser.get("/nowhere")
    same = [answer.content.replace(answer["X-Request-Id"].encode(), b"") for answer in (refused, unknown)]
    assert same[0] == same[1]


def test_a_fault_of_ours_shows_its_id_and_nothing_of_its_inside():
    answer = quiet(Client()).get("/fail")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert answer["X-Request-Id"].encode() in answer.content


def test_a_database_that_is_away_is_said_and_the_browser_told_to_come_back():
    answer = quiet(Client()).get("/no-database")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"10.0.0.1" not in answer.content


def test_a_part_that_is_away_is_a_503():
    assert Client().get("/unavailable").status_code == 503


def test_a_session_that_ended_is_told_to_a_script_so_that_the_draft_is_kept():
    answer = Client().post("/p/flights/jobs/x/draft", "{}", content_type="application/json", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert "drafts are kept" in answer.json()["fix"]


def test_a_session_that_ended_at_a_button_leads_back_to_the_page_of_the_button():
    answer = Client().post("/account/password", headers={"Referer": "http://testserver/account"})
    assert answer["Location"] == "/sign-in?next=http%3A//testserver/account" or "next=/account" in answer["Location"]


def test_too_much_at_once_is_said(ana, browser_of, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = browser_of(ana).post("/account", {"name": "x" * 5000}, headers={"Accept": "application/json"})
    assert answer.status_code == 413
    assert "larger" in answer.json()["detail"]


def test_an_unknown_host_is_refused():
    answer = Client(headers={"Host": "evil.example"}).get("/sign-in")
    assert answer.status_code == 400
    assert b"evil" not in answer.content


# --- health ----------------------------------------------------------------------------------------------------------


def test_the_process_says_that_it_lives():
    assert Client().get("/healthz").content == b"ok\n"


def test_readiness_names_what_is_missing(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nothing.sock"
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["state"] == "degraded"
    broker = next(part for part in answer.json()["parts"] if part["name"] == "broker")
    assert not broker["is_well"]
    assert "Redis" in broker["says"]


@pytest.mark.parametrize("full", ["SLUICE_HOME", "LAKE_DIR"])
def test_a_disk_that_is_nearly_full_is_said_on_every_page(ana, browser_of, settings, monkeypatch, tmp_path, full):
    from portal import health

    setattr(settings, full, tmp_path)
    free = os.statvfs
    monkeypatch.setattr(
        health.os, "statvfs", lambda folder: SimpleNamespace(f_bavail=0, f_frsize=1) if folder == tmp_path else free(folder)
    )
    monkeypatch.setattr(health._remembered, "until", 0.0)
    assert b"The disk is nearly full" in browser_of(ana).get("/account").content
    disk = next(part for part in Client().get("/readyz").json()["parts"] if part["name"] == "disk")
    assert not disk["is_well"] and "Make room" in disk["says"]
    monkeypatch.setattr(health._remembered, "until", 0.0)


@pytest.mark.parametrize("door", ["/p/flights/jobs/", "/api/v1/projects/flights/jobs/"])
def test_a_database_whose_disk_is_full_is_no_fault_of_ours(ana, flights, browser_of, monkeypatch, door):
    def full(*_, **__):
        raise OperationalError("database or disk is full")

    browser = browser_of(ana)
    monkeypatch.setattr("portal.accounts.policy.find", full)
    monkeypatch.setattr("portal.accounts.policy.require", full)
    answer = browser.get(door, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "database-away")
    assert answer.json()["detail"] == "The disk of the database is full." and "room" in answer.json()["fix"]


@pytest.mark.parametrize(("why", "status"), [("database or disk is full", 503), ("", 401)])
def test_a_session_that_cannot_be_kept_costs_no_page_and_makes_no_request_senseless(ana, flights, browser_of, monkeypatch, why, status):
    def refused(*_, **__):
        raise OperationalError(why) if why else DatabaseError("Save with update_fields did not affect any rows.")

    browser = browser_of(ana)
    monkeypatch.setattr("django.contrib.sessions.models.Session.save", refused)
    assert browser.get("/p/flights/jobs/").status_code == 200
    answer = browser.post("/switch-project", {"project": "flights"})
    assert answer.status_code == status and b"makes no sense" not in answer.content


def test_people_are_told_when_redis_is_away(ana, browser_of, settings, tmp_path, monkeypatch):
    from portal import health

    settings.REDIS_URL = f"unix://{tmp_path}/nothing.sock"
    monkeypatch.setattr(health._remembered, "until", 0.0)
    assert b"Redis does not answer" in browser_of(ana).get("/account").content
    monkeypatch.setattr(health._remembered, "until", 0.0)
