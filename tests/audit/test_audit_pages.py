from __future__ import annotations

import csv
import io
import json

import pytest

from portal.audit import actions as audit
from portal.audit import chain
from portal.audit.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(ana, pat, flights, harbour, dev):
    audit.record(action="start_run", actor=ana, subject=dev, environment="dev")
    audit.record(action="approve_promotion", actor=pat, subject=flights, result="refused")
    audit.record(action="create_job", actor=ana, project="flights", label='=HYPERLINK("x")')
    audit.record(action="start_run", actor=pat, project="harbour")
    audit.record(action="sign_in", actor=None, actor_name="unknown", result="failed")


def shown(answer) -> list[str]:
    return [f"{event.actor_name} {event.action}" for event in answer.context["page"].object_list]


def test_an_auditor_sees_the_newest_first_and_only_the_own_projects(flights, events, browser_of):
    auditor = factories.make_person("aud", flights, "auditor")
    assert shown(browser_of(auditor).get("/audit/")) == ["ana create_job", "pat approve_promotion", "ana start_run"]


def test_a_platform_admin_sees_what_belongs_to_no_project_too(ada, events, browser_of):
    assert "unknown sign_in" in shown(browser_of(ada).get("/audit/"))


@pytest.mark.parametrize("person", ["ana", "pat", "olu", "vic", "outsider"])
@pytest.mark.parametrize("address", ["/audit/", "/audit/1", "/audit/export.csv", "/audit/verify", "/api/v1/audit/", "/api/v1/audit/verify"])
def test_nobody_else_reads_the_audit(person, address, request, events, browser_of):
    assert browser_of(request.getfixturevalue(person)).get(address).status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("actor=ana", ["ana create_job", "ana start_run"]),
        ("result=refused", ["pat approve_promotion"]),
        ("action=start_run&project=flights", ["ana start_run"]),
        ("environment=dev", ["ana start_run"]),
        ("text=dev", ["ana start_run"]),
        ("since=2999-01-01", []),
        ("since=2000-01-01&until=2999-01-01&actor=pat&result=done", []),
    ],
)
def test_filters_are_in_the_address(flights, events, browser_of, query, expected):
    auditor = factories.make_person("aud", flights, "auditor")
    assert shown(browser_of(auditor).get(f"/audit/?{query}")) == expected


def test_a_filter_that_makes_no_sense_is_said(ada, events, browser_of):
    assert b"makes no sense" in browser_of(ada).get("/audit/?since=yesterday").content


def test_the_export_can_be_checked_without_sluice(ada, events, browser_of):
    """The JSON lines hold everything the hashes are made of."""
    answer = browser_of(ada).get("/audit/export.jsonl?project=flights")
    lines = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert [line["action"] for line in lines] == ["create_job", "approve_promotion", "start_run"]
    for line in lines:
        event = AuditEvent.objects.get(seq=line["seq"])
        assert line["hash"] == chain.hash_of(event)
        assert line["at"] == event.at.isoformat()
    assert AuditEvent.objects.latest("seq").action == "export_audit"


def test_a_spreadsheet_does_not_run_what_somebody_typed(ada, flights, browser_of):
    audit.record(action="create_job", actor=ada, project="flights", actor_name="x", subject=factories.make_person("=cmd|calc"))
    rows = list(csv.DictReader(io.StringIO(browser_of(ada).get("/audit/export.csv").content.decode())))
    assert any(row["subject_label"] == "'=cmd|calc" for row in rows)


def test_the_page_verifies_the_chain_on_a_button(ada, events, browser_of):
    assert b"The audit is whole" in browser_of(ada).get("/audit/verify").content


def test_an_event_shows_its_details_as_text(ada, flights, browser_of):
    event = audit.record(action="create_job", actor=ada, project="flights", label="<script>alert(1)</script>")
    html = browser_of(ada).get(f"/audit/{event.seq}").content.decode()
    assert "&lt;script&gt;" in html
    assert "<script>alert" not in html
    assert "fits the content" in html


def test_the_api_gives_pages_of_events(ada, events, program_of):
    page = program_of(ada).get("/api/v1/audit/?limit=2&project=flights").json()
    assert [row["action"] for row in page["results"]] == ["create_job", "approve_promotion"]
    assert program_of(ada).get(page["next"]).json()["results"][0]["action"] == "start_run"


def test_a_program_can_verify_the_audit(ada, flights, program_of):
    before = program_of(ada).get("/api/v1/audit/verify").json()
    assert (before["broken_seq"], before["count"]) == (None, AuditEvent.objects.count())
