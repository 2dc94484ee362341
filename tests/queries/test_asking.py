"""From a query to what Spark is asked: which tables, with whose right, noted by whom, and in what words it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from executor.language.shaping import shape_of
from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from tests.factories import make_person

pytestmark = pytest.mark.django_db(transaction=True)
DELAYS = "SELECT n FROM curated_daily_delays"


def ask(client: Any, sql: str, *, where: str = "dev", door: str = "run", **more: Any) -> list[dict[str, Any]]:
    """The events of the answer; of a refusal its status alone."""
    answer = client.post(f"/p/flights/data/{where}/query/{door}", json.dumps({"sql": sql, **more}), content_type="application/json")
    if not answer.streaming:
        return [{"status": answer.status_code, **(answer.json() if answer["Content-Type"].endswith("json") else {})}]

    async def all_of() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return [json.loads(line) for line in async_to_sync(all_of)().splitlines()]


def problem_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    assert events[-1]["last"] is True
    return dict(events[-1]["problem"])


def test_a_query_is_a_document_that_reads_its_tables_in_full_and_writes_nothing(
    browser_of: Any, ana: User, dev: Environment, service: list[dict[str, Any]]
) -> None:
    events = ask(browser_of(ana), DELAYS)
    assert [event["event"] for event in events] == ["waiting", "reading", "rows"]
    assert events[1]["tables"][0] | {"words": ""} == {
        "name": "curated_daily_delays", "uri": "curated/daily_delays", "words": "", "questions": [], "remarks": [], "columns": None,
    }  # fmt: skip
    [asked] = service
    message = asked["message"]
    assert (asked["do"], asked["user"], asked["environment"], asked["job"]) == ("query", ana.pk, dev.pk, 0)
    assert (message["input"], message["to"], message["plain"]) == ("full", 1, ["curated_daily_delays"])
    assert message["stops"] == "by column", "a value of a column that nobody asks for stops nothing"
    read, query = message["document"]["stages"]
    assert (read["type"], read["inputURI"], read["outputView"]) == ("ParquetExtract", "curated/daily_delays", "curated_daily_delays")
    assert query == {"type": "SQLTransform", "name": "query", "sql": DELAYS, "outputView": "query_result"}


def test_who_asks_what_is_in_the_audit_and_the_text_is_not(browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    ask(browser_of(ana), DELAYS + " WHERE day = 'Miller'")
    event = AuditEvent.objects.get(action="query_data")
    assert (event.actor, event.environment, event.details["uris"]) == (ana, "dev", ["curated/daily_delays"])
    assert len(event.details["sql_sha256"]) == 64 and "Miller" not in json.dumps(event.details)


def test_without_the_right_to_see_data_nothing_is_asked(
    browser_of: Any, vic: User, ana: User, ada: User, outsider: User, service: list[dict[str, Any]]
) -> None:
    """Ana sees data in dev and test, and in prod what there is; Ada manages the environments."""
    for person, where in ((vic, "dev"), (outsider, "dev"), (ada, "dev"), (ana, "prod")):
        for door in ("run", "columns", "download"):
            assert ask(browser_of(person), DELAYS, where=where, door=door, form="csv", table="x")[0]["status"] == 404
    page = browser_of(vic).get("/p/flights/data/dev/query").content.decode()
    assert "curated_daily_delays" in page and "You see what there is" in page and "sql-box" not in page
    assert service == [] and not AuditEvent.objects.filter(action="query_data").exists()


def test_where_no_drafts_are_allowed_who_may_see_data_may_query(
    browser_of: Any, flights: Any, test_env: Environment, service: list[dict[str, Any]]
) -> None:
    dora = make_person("dora", flights, "data_viewer@test")
    assert ask(browser_of(dora), DELAYS, where="test")[-1]["event"] == "rows"
    assert service[0]["do"] == "query" and service[0]["environment"] == test_env.pk
    assert ask(browser_of(dora), DELAYS, where="dev")[0]["status"] == 404


@pytest.mark.parametrize(
    ("sql", "code", "line", "column"),
    [
        ("SELECT *\nFROM curated_daily_delay", "table-unknown", 2, 6),
        ("SELECT * FROM `raw/none.csv`", "table-unknown", 1, 16),
        ("DROP TABLE curated_daily_delays", "sql-command", 1, 1),
        ("SELECT 1; SELECT 2", "sql-two-statements", 1, 11),
        ("SELECT 'a", "sql-unclosed", 1, 8),
        ("", "sql-empty", None, None),
    ],
)
def test_what_no_executor_need_see_is_told_at_its_place(
    browser_of: Any, ana: User, service: list[dict[str, Any]], sql: str, code: str, line: int, column: int
) -> None:
    problem = problem_of(ask(browser_of(ana), sql))
    assert (problem["code"], problem.get("line"), problem.get("column")) == (code, line, column)
    assert "stage" not in (problem["message"] + problem["fix"]), "a query has no stages"
    assert service == []


def test_a_name_of_two_tables_asks_which_is_meant(browser_of: Any, ana: User, lake: Path, service: list[dict[str, Any]]) -> None:
    (lake / "curated" / "daily_delays.csv").write_bytes(b"n\n1\n")
    problem = problem_of(ask(browser_of(ana), DELAYS))
    assert (problem["code"], problem["line"], problem["column"]) == ("table-ambiguous", 1, 15)
    assert "curated_daily_delays_csv" in problem["fix"] and service == []


def test_a_part_of_a_query_may_be_called_as_the_table_that_it_reads(browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    sql = "WITH curated_daily_delays AS (SELECT * FROM curated_daily_delays), t AS (SELECT 1) SELECT * FROM curated_daily_delays, t"
    assert ask(browser_of(ana), sql)[-1]["event"] == "rows"
    assert [stage["name"] for stage in service[0]["message"]["document"]["stages"]] == ["read_curated_daily_delays", "query"]


def test_a_password_in_a_query_is_refused(browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    sql = "SELECT * FROM curated_daily_delays WHERE day = 'postgres://u:hunter22@db/x'"
    [refused] = ask(browser_of(ana), sql)
    assert refused["status"] == 422 and "hunter22" not in json.dumps(refused) and service == []


def test_parameters_go_with_their_types_and_only_those_that_are_used(browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    given = {"least": {"type": "integer", "value": "5"}, "unused": {"type": "string", "value": "x"}}
    ask(browser_of(ana), DELAYS + " WHERE n > ${ least } AND day <> '${environment}'", parameters=given)
    message = service[0]["message"]
    assert message["document"]["parameters"] == {"least": {"type": "integer"}} and message["values"] == {"parameters": {"least": "5"}}
    for kind in ("secret", "identifier", "int", None):
        [refused] = ask(browser_of(ana), DELAYS, parameters={"p": {"type": kind, "value": "x"}})
        assert refused["status"] == 422


def test_order_and_filters_are_a_further_query_over_the_whole_result(browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    filters = [{"column": "day", "how": "contains", "value": "O'Hare${x}"}, {"column": "n`n", "how": "is empty"}]
    ask(browser_of(ana), DELAYS, order="n", descending=True, filters=filters)
    message = service[0]["message"]
    assert message["to"] == 1 and message["shape"] == {
        "order": "n", "descending": True, "filters": [filters[0], {"column": "n`n", "how": "is empty", "value": ""}],
    }  # fmt: skip
    assert shape_of(message["shape"]).stage("query_result", {})["sql"] == (
        "SELECT * FROM `query_result`\nWHERE contains(lower(CAST(`day` AS STRING)), lower('O''Hare\\u0024{x}'))\nAND `n``n` IS NULL"
        "\nORDER BY `n` DESC NULLS LAST"
    )
    [refused] = ask(browser_of(ana), DELAYS, filters=[{"column": "n", "how": "= 1 OR 1 =", "value": "1"}])
    assert refused["status"] == 422


def test_what_went_wrong_says_whether_in_the_text_a_table_or_the_order(browser_of: Any, ana: User, service: Any) -> None:
    for stage, about in ((0, "table"), (1, "query"), (2, "shape")):
        failed = {"code": "x", "message": "m", "stage_index": stage, "line": 3, "column": 4}
        service.events = [{"event": "stage_failed", "stage_index": stage, "problem": failed, "last": True}]
        problem = problem_of(ask(browser_of(ana), DELAYS, order="n"))
        assert problem["about"] == about and ("line" in problem) is (about != "table")
        assert problem.get("table") == ("curated_daily_delays" if about == "table" else None)
    service.events = [{"event": "problem", "problem": {"code": "preview-too-long", "message": "m", "fix": "f"}, "last": True}]
    assert "five minutes" in problem_of(ask(browser_of(ana), DELAYS))["message"]


def test_a_table_that_was_looked_at_can_be_read_as_text_by_its_name(
    browser_of: Any, ana: User, lake: Path, service: list[dict[str, Any]]
) -> None:
    problem = problem_of(ask(browser_of(ana), DELAYS.replace("delays", "delays_as_text")))
    assert problem["code"] == "table-has-types" and service == []
    (lake / "curated" / "daily_delays_as_text").mkdir()
    (lake / "curated" / "daily_delays" / "part-0.parquet").rename(lake / "curated" / "daily_delays_as_text" / "part-0.parquet")
    assert ask(browser_of(ana), DELAYS.replace("delays", "delays_as_text"))[-1]["event"] == "rows", "a table that is called so comes first"


def test_ways_out_of_a_problem_of_a_table_are_those_of_this_page(browser_of: Any, ana: User, service: Any) -> None:
    failed = {"code": "x", "message": "Bad (stage “read_a”).", "stage_index": 0, "fix": "Set “Rows of another width” (otherWidths) to fit."}
    service.events = [{"event": "stage_failed", "stage_index": 0, "problem": failed, "last": True}]
    problem = problem_of(ask(browser_of(ana), DELAYS))
    assert (problem["message"], problem["uri"]) == ("Bad.", "curated/daily_delays") and problem["fix"].startswith("Look at the file")


def test_a_right_that_went_while_a_file_was_looked_at_is_noticed(
    browser_of: Any, ana: User, service: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.queries import asking

    reading = asking.reading_of

    async def slowly(*arguments: Any, **more: Any) -> Any:
        from asgiref.sync import sync_to_async

        await sync_to_async(ana.memberships.all().delete)()
        return await reading(*arguments, **more)

    monkeypatch.setattr(asking, "reading_of", slowly)
    ask(browser_of(ana), DELAYS)
    assert service == [] and AuditEvent.objects.filter(action="query_data").exists(), "the look has opened the file"
