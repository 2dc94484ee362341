"""Queries that people keep: whose they are, what others see, two at once, and what a history holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from portal.accounts.models import Project, User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.queries import actions, history
from portal.queries.asking import Query
from portal.queries.models import PastQuery, SavedQuery
from tests.factories import make_person
from tests.queries.test_asking import DELAYS, ask

pytestmark = pytest.mark.django_db(transaction=True)
QUERIES = "/api/v1/projects/flights/queries/"
SQL = {"sql": "SELECT 1", "parameters": {"p": {"type": "integer", "value": 5}}}


async def all_of(answer: Any) -> list[bytes]:
    return [part async for part in answer.streaming_content]


def save(who: User, project: Project, name: str = "mine", sql: str = "SELECT 1", **more: Any) -> SavedQuery:
    return actions.save_query(actor=who, project=project, name=name, query=Query(sql), **more)


def test_a_query_is_its_owners_alone_until_it_is_shared(program_of: Any, ana: User, ben: User, vic: User, flights: Project) -> None:
    kept = program_of(ana).post(QUERIES, {"name": "  mine ", **SQL, "chart": {"kind": "bar", "x": "a", "y": ["b"]}}, format="json").json()
    version = kept["version"]
    assert (kept["name"], version["number"], version["saved_by"]) == ("mine", 1, "ana")
    assert (version["parameters"], version["chart"]) == (SQL["parameters"], {"kind": "bar", "x": "a", "y": ["b"], "by": ""})
    address = QUERIES + kept["id"]
    assert program_of(ben).get(address).status_code == 404 and program_of(ben).get(QUERIES).json()["results"] == []
    assert program_of(ana).patch(address, {"is_shared": True}, format="json").json()["is_shared"] is True
    assert program_of(ben).get(address).json()["version"]["sql"] == "SELECT 1"
    assert [one["name"] for one in program_of(ben).get(QUERIES).json()["results"]] == ["mine"]
    for change in (
        program_of(ben).patch(address, {"name": "his"}, format="json"),
        program_of(ben).post(address + "/versions/", {**SQL, "base": 1}, format="json"),
        program_of(ben).delete(address),
    ):
        assert change.status_code == 404, "only the owner changes it"
    assert program_of(vic).get(address).status_code == 404, "its text may quote data"
    program_of(ana).patch(address, {"is_shared": False}, format="json")
    assert program_of(ben).get(address).status_code == 404


def test_who_may_no_longer_see_data_sees_no_text_of_a_query(program_of: Any, ana: User, ben: User, flights: Project) -> None:
    mine = save(ana, flights, is_shared=True)
    ana.memberships.exclude(role="viewer").delete()
    assert program_of(ana).get(f"{QUERIES}{mine.pk}").status_code == 404
    with pytest.raises(NotAllowed):
        save(ana, flights, "more")
    assert program_of(ben).get(f"{QUERIES}{mine.pk}").status_code == 200


def test_each_save_is_a_version_and_of_two_tabs_the_later_is_told(program_of: Any, ana: User, flights: Project) -> None:
    mine = save(ana, flights)
    versions = f"{QUERIES}{mine.pk}/versions/"
    assert program_of(ana).post(versions, {"sql": "SELECT 2", "base": 1}, format="json").json()["number"] == 2
    late = program_of(ana).post(versions, {"sql": "SELECT 3", "base": 1}, format="json")
    assert late.status_code == 409 and "version 2 is newer" in late.json()["detail"]
    listed = program_of(ana).get(versions).json()["results"]
    assert [(one["number"], one["sql"], one["saved_by"]) for one in listed] == [(2, "SELECT 2", "ana"), (1, "SELECT 1", "ana")]


def test_names_are_free_between_people_and_not_for_one(ana: User, ben: User, flights: Project) -> None:
    save(ana, flights, is_shared=True)
    save(ben, flights)
    other = save(ana, flights, "other")
    with pytest.raises(Conflict, match="already"):
        save(ana, flights)
    with pytest.raises(Conflict, match="already"):
        actions.rename_query(actor=ana, saved=other, name="mine")
    for wrong in ("", "  ", "x" * 81, "a\x00b"):
        with pytest.raises(PortalError):
            save(ana, flights, wrong)


def test_no_password_is_kept_and_the_audit_has_no_text(ana: User, flights: Project) -> None:
    with pytest.raises(PortalError) as refused:
        save(ana, flights, sql="SELECT 'password=hunter22x'")
    assert "hunter22x" not in f"{refused.value} {refused.value.fix} {refused.value.problems}"
    mine = save(ana, flights, sql="SELECT 'Miller'")
    actions.share_query(actor=ana, saved=mine, is_shared=True)
    actions.delete_query(actor=ana, saved=mine)
    said = AuditEvent.objects.filter(action__in=("save_query", "share_query", "delete_query"), result="done")
    assert said.count() == 3 and "Miller" not in json.dumps([event.details for event in said])


def test_of_two_who_delete_and_save_one_is_told(ana: User, flights: Project) -> None:
    mine = save(ana, flights)
    actions.delete_query(actor=ana, saved=SavedQuery.objects.get(pk=mine.pk))
    with pytest.raises(Conflict):
        actions.save_version(actor=ana, saved=mine, base=1, query=Query("SELECT 2"))


def test_a_history_holds_texts_and_how_they_ended_for_oneself_alone(
    browser_of: Any, program_of: Any, ana: User, ben: User, dev: Environment, service: Any
) -> None:
    ask(browser_of(ana), DELAYS)
    ask(browser_of(ana), DELAYS, order="n")
    service.events = [{"event": "problem", "problem": {"code": "x", "message": "the value Miller"}, "last": True}]
    ask(browser_of(ana), DELAYS + " LIMIT 5")
    service.events = []
    ask(browser_of(ana), DELAYS + " LIMIT 6")
    address = "/api/v1/projects/flights/environments/dev/query/history"
    mine = program_of(ana).get(address).json()["results"]
    assert [(one["outcome"], one["problem"], one["rows"], one["tables"]) for one in mine] == [
        ("stopped", "", None, ["curated/daily_delays"]),
        ("failed", "x", None, ["curated/daily_delays"]),
        ("done", "", 1, ["curated/daily_delays"]),
    ], "another order is no other query"
    assert "Miller" not in json.dumps(mine) and mine[2]["is_complete"] is True
    assert program_of(ben).get(address).json()["results"] == []


def test_a_history_forgets_the_oldest(ana: User, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    for number in range(5):
        history.begin(ana, dev, Query(f"SELECT {number}"))
    assert sorted(PastQuery.objects.values_list("sql", flat=True)) == ["SELECT 2", "SELECT 3", "SELECT 4"]


def test_the_api_asks_as_the_page_does(program_of: Any, ana: User, dev: Environment, service: Any) -> None:
    program = program_of(ana, "read")
    address = "/api/v1/projects/flights/environments/dev/query"
    assert program.get(address + "/tables").json() == {
        "tables": [{"name": "curated_daily_delays", "uri": "curated/daily_delays", "kind": "Parquet, 1 part"}],
        "warnings": [],
    }
    filters = [{"column": "n", "how": ">", "value": "0"}]
    answer = program.post(address, {"sql": DELAYS, "rows": 7, "filters": filters}, format="json").json()
    assert (answer["rows"], answer["complete"], answer["tables"][0]["uri"]) == ([[1]], True, "curated/daily_delays")
    assert (service[0]["message"]["rows"], service[0]["message"]["to"]) == (7, 1)
    assert service[0]["message"]["shape"]["filters"] == filters
    wrong = program.post(address, {"sql": "SELECT * FROM nowhere"}, format="json")
    assert (wrong.status_code, wrong.json()["problems"][0]["line"]) == (422, 1)
    assert program.post(address, {"sql": DELAYS, "how": 1}, format="json").status_code == 400
    assert program_of(make_person("eve")).post(address, {"sql": DELAYS}, format="json").status_code == 404


def test_rows_taken_home_are_those_of_the_order_and_filters_and_in_the_audit(
    program_of: Any, ana: User, dev: Environment, service: Any
) -> None:
    service.events = [
        {"event": "piece", "data": "bgox"},
        {"event": "exported", "rows": 1, "complete": False, "bytes": 3, "notes": [], "last": True},
    ]
    body = {"sql": DELAYS, "form": "csv", "name": "Delays by day", "order": "n"}
    answer = program_of(ana, "read").post("/api/v1/projects/flights/environments/dev/query/download", body, format="json")
    assert b"".join(part for part in async_to_sync(all_of)(answer)) == b"n\n1"
    assert answer["Content-Disposition"].endswith("Delays%20by%20day_first_1_rows.csv") and answer["X-Sluice-Complete"] == "no"
    message = service[0]["message"]
    assert (message["request"], message["input"], message["to"], message["plain"]) == ("export", "full", 1, ["curated_daily_delays"])
    assert message["shape"]["order"] == "n"
    taken = AuditEvent.objects.get(action="download_data")
    assert (taken.details["uris"], taken.details["rows"]) == (["curated/daily_delays"], 1)
