"""A warm session answers previews: right, never stale, and it can be stopped."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.files import made_of
from tests.executor.running import start

pytestmark = pytest.mark.spark

EXTRACT = {"type": "DelimitedExtract", "name": "flights", "inputURI": "raw/flights.csv", "header": True, "outputView": "flights"}


def transform(sql: str, name: str = "shown") -> dict[str, Any]:
    return {"type": "SQLTransform", "name": name, "sql": sql, "outputView": name}


class Client:
    """Speaks to one `serve` process."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake
        self.process = start("serve", cwd=lake)
        self._count = 0
        assert self._next()["event"] == "ready"

    def _next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while True:
            event = json.loads(self.process.stdout.readline())
            if event["event"] != "log":
                return dict(event)

    def send(self, **request: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def request(self, kind: str, stages: list[dict[str, Any]], **more: Any) -> str:
        self._count += 1
        request_id = f"q{self._count}"
        self.send(request=kind, id=request_id, document={"stages": stages} | more.pop("top", {}), values={"lake": str(self.lake)}, **more)
        return request_id

    def answer(self, request_id: str) -> list[dict[str, Any]]:
        """The events of one answer; all of them carry its id, and only the last one says so."""
        events = [self._next()]
        while not events[-1].get("last"):
            events.append(self._next())
        assert {event["id"] for event in events} == {request_id}
        return events

    def ask(self, kind: str, stages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return self.answer(self.request(kind, stages, **more))[-1]

    def preview(self, stages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return self.ask("preview", stages, **({"to": len(stages) - 1, "rows": 100} | more))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    lake = tmp_path_factory.mktemp("lake")
    (lake / "raw").mkdir()
    one = Client(lake)
    yield one
    one.process.kill()
    one.process.communicate()


@pytest.fixture(autouse=True)
def flights(client: Client) -> Path:
    path = client.lake / "raw" / "flights.csv"
    path.write_text("origin,delay\nJFK,12\nEWR,\nJFK,40\n")
    return path


def cells(event: dict[str, Any]) -> list[list[Any]]:
    assert event["event"] == "rows", event
    return list(event["rows"])


def test_a_preview_shows_rows_with_types_and_nulls(client: Client) -> None:
    sql = "SELECT origin, CAST(delay AS INT) AS delay FROM flights ORDER BY 2 NULLS FIRST"
    event = client.preview([EXTRACT, transform(sql)])
    assert cells(event) == [["EWR", None], ["JFK", 12], ["JFK", 40]]
    assert [(column["name"], column["type"]) for column in event["columns"]] == [("origin", "string"), ("delay", "int")]
    assert (event["view"], event["stage_index"], event["complete"], event["input"], event["total_rows"]) == ("shown", 1, True, "sample", 3)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["name", "name_2"], ["name", "name_2"]),
        (["delay", "origin"], ["delay", "origin"]),
        (["only one"], ["origin", "delay"]),
        (["a", "A"], ["origin", "delay"]),
        (["a", 2], ["origin", "delay"]),
    ],
)
def test_rows_come_under_the_names_that_were_asked_for(client: Client, names: list[Any], shown: list[str]) -> None:
    """In their order, and only where they fit; also in a file to take home, and not in the answers that are remembered."""
    rows = client.answer(client.request("preview", [EXTRACT], to=0, rows=10, names=names))[-1]
    assert [column["name"] for column in rows["columns"] if not column.get("internal")] == shown
    assert [row[:2] for row in cells(rows)] == [["JFK", "12"], ["EWR", None], ["JFK", "40"]]
    events = client.answer(client.request("export", [EXTRACT], to=0, form="csv", rows=100, names=names))
    text = b"".join(base64.b64decode(event["data"]) for event in events if event["event"] == "piece").decode()
    assert text.splitlines()[0] == ",".join(shown) and text.splitlines()[1] == "JFK,12"
    again = client.answer(client.request("preview", [EXTRACT], to=0, rows=10))[-1]
    assert [column["name"] for column in again["columns"] if not column.get("internal")] == ["origin", "delay"]


def test_plain_views_have_the_columns_of_the_data_alone(client: Client) -> None:
    """What tells where a row came from makes each row another one: DISTINCT and UNION would find none twice."""
    stages = [EXTRACT | {"outputView": "Flights"}, transform("SELECT DISTINCT * FROM flights UNION SELECT * FROM flights")]
    asked = {"to": 1, "rows": 10, "input": "full"}
    rows = client.answer(client.request("preview", stages, plain=["flights"], **asked))[-1]
    assert [column["name"] for column in rows["columns"]] == ["origin", "delay"] and len(rows["rows"]) == 3
    events = client.answer(client.request("export", stages, to=1, form="csv", rows=100, plain=["flights"]))
    assert events[-1]["rows"] == 3


@pytest.fixture(scope="module")
def query_of(client: Client) -> Any:
    """`query_of("id,n\\n1,2\\n", "SELECT … FROM t")` asks it of such a file as the query page does, and gives the last event."""
    from datetime import UTC, datetime

    from executor.look.looking import look
    from executor.stores.roots import Roots
    from portal.data.listing import Table
    from portal.queries.reading import _as_proposed

    def asked(text: str, sql: str) -> dict[str, Any]:
        (client.lake / "raw" / "a.csv").write_text(text)
        proposal = look(Roots(client.lake), "raw/a.csv", {}, limit_bytes=None, seconds=15, tell=lambda *said: None)
        table = Table("raw/a.csv", False, "CSV", 1, 1, datetime.now(tz=UTC), "1", "csv")
        stages = [*_as_proposed(proposal, table, "t", frozenset()).stages, transform(sql)]
        return client.preview(stages, rows=10, input="full", stops="by column")

    return asked


def test_the_stages_of_the_query_page_are_read_in_full_and_stop_where_a_value_does_not_fit(query_of: Any) -> None:
    """As `portal.queries.reading` makes them of a look: what cannot be told stays text, and no sum lacks a row."""
    many = "".join(f"{number},{number}.50\n" for number in range(12_000))
    assert cells(query_of("id,amount\n" + many, "SELECT count(*), sum(amount), max(id) FROM t")) == [[12_000, "72000000.00", 11_999]]
    stopped = query_of(f"id,amount\n{many}12000,n/a?\n", "SELECT sum(amount) FROM t")
    assert (stopped["event"], stopped["problem"]["code"], stopped["problem"]["found"]) == ("stage_failed", "value-does-not-fit", "n/a?")
    assert "Row 12,001" in stopped["problem"]["message"] and stopped["problem"]["data_column"] == "amount"


def test_a_query_fails_by_values_of_no_column_but_those_that_it_asks_for(client: Client, query_of: Any) -> None:
    many = "".join(f"{number},{number}.50,2024-01-{number % 28 + 1:02}\n" for number in range(500))
    wrong = f"id,amount,day\n{many}500,n/a?,2024-02-01\n501,7.50,soon\n,-?-,\n,,\n"
    for sql, rows in (
        ("SELECT count(*), sum(id) FROM t", [[503, 125_751]]),
        ("SELECT max(id), count(id) FROM t WHERE id IS NOT NULL", [[501, 502]]),
        ("SELECT a.id FROM t a JOIN t b ON a.id = b.id + 1 ORDER BY a.id DESC LIMIT 1", [[501]]),
        ("SELECT sum(amount) FROM t WHERE id < 10", [["50.00"]]),
        ("WITH u AS (SELECT *, id + 1 AS next FROM t) SELECT max(next) FROM u", [[502]]),
    ):
        for _ in range(2):  # rows that are kept in memory answer as those that are read
            assert cells(query_of(wrong, sql)) == rows, sql
    for sql, column, row in (
        ("SELECT sum(amount) FROM t", "amount", "Row 501"),
        ("SELECT count(*) FROM t WHERE amount IS NULL", "amount", "Row 501"),
        ("SELECT count(amount) FROM t", "amount", "Row 501"),
        ("SELECT id FROM t ORDER BY day DESC", "day", "Row 502"),
        ("SELECT DISTINCT * EXCEPT (amount) FROM t", "day", "Row 502"),
    ):
        problem = query_of(wrong, sql).get("problem", {})
        assert (problem.get("code"), problem.get("data_column")) == ("value-does-not-fit", column), (sql, problem)
        assert row in problem["message"], problem


TYPED = """SELECT * FROM VALUES
    (1, 12345678901234567890BD, 1.50BD, float(0.1), 0.1D, DATE '2024-01-01', TIMESTAMP '2024-01-01 10:00:00',
        TIMESTAMP_NTZ '2024-01-01 10:00:00', true, '1', 9007199254740993, array(1)),
    (2, 12345678901234567891BD, 2.25BD, float(0.3), 0.3D, DATE '2024-01-02', TIMESTAMP '2024-01-01 10:00:01',
        TIMESTAMP_NTZ '2024-01-01 10:00:01', false, '01', 9007199254740992, array(2))
    AS t(id, big, amount, f, d, day, at, local, yes, code, whole, list)"""
FILTERED: list[tuple[str, str, str, list[int] | str]] = [
    ("big", "is", "12345678901234567891", [2]), ("BIG", ">", "12345678901234567890", [2]), ("big", "is not", "12345678901234567891.0", [1]),
    ("big", "is", "123456789012345678901", "filter-value"), ("big", ">", "1.5", "filter-value"),
    ("amount", "is", "1.5", [1]), ("amount", "is", " 225e-2 ", [2]), ("amount", "<", "1,600", "filter-value"),
    ("f", "is", "0.1", [1]), ("f", ">", "0.1", [2]), ("f", "is", "16777217", "filter-value"),
    ("d", "is", "0.1", [1]), ("d", "<=", "0.30000000000000000001", "filter-value"), ("d", "<", "NaN", [1, 2]),
    ("day", ">", "2024-01-01", [2]), ("day", ">", "2024-01-01 10:00", "filter-value"), ("day", "is", "2024-02-30", "filter-value"),
    ("at", ">", "2024-01-01 10:00", [2]), ("at", "is", "2024-01-01T10:00:01Z", [2]), ("at", ">", "2024-01-01", [1, 2]),
    ("at", ">", "1 o'clock", "filter-value"),
    ("local", "is", "2024-01-01 10:00:01", [2]), ("local", "is", "2024-01-01 10:00:01Z", "filter-value"),
    ("yes", "is", "TRUE", [1]), ("yes", "is", "1", "filter-value"),
    ("code", "is", "1", [1]), ("code", "is", "", []), ("code", "is", "O'Hare${x}", []),
    ("whole", "is", "9007199254740993", [1]), ("whole", ">=", "9007199254740993", [1]), ("whole", "is", "", "filter-value"),
    ("list", "is", "1", "filter-value"), ("list", "contains", "2", [2]), ("none", "is", "1", "column-unknown"),
]  # fmt: skip
"""Column, filter and value of the query page, and the rows that are left or the code of the refusal."""


def test_filters_compare_as_the_type_of_the_column_does(client: Client) -> None:
    """Spark compares a decimal and a float with a text as doubles, and cuts the time off what is compared with a day."""
    wrong = []
    for column, how, value, expected in FILTERED:
        shape = {"order": "id", "descending": False, "filters": [{"column": column, "how": how, "value": value}]}
        event = client.preview([transform(TYPED)], shape=shape)
        found = [row[0] for row in event["rows"]] if event["event"] == "rows" else event["problem"]["code"]
        place = event.get("stage_index", event.get("problem", {}).get("stage_index"))
        if found != expected or place != 1:
            wrong.append((column, how, value, found, place))
    assert wrong == []
    refused = client.preview([transform(TYPED)], shape={"filters": [{"column": "day", "how": ">", "value": "2024-01-01 10:00"}]})["problem"]
    assert refused["message"] == "“day” holds days without a time; what it is compared with is none."
    assert (refused["found"], refused["fix"]) == ("2024-01-01 10:00", "Write one as in 2024-01-31.")


def test_order_and_filters_go_home_too_and_are_told_like_a_query(client: Client) -> None:
    shape = {"order": "delay", "descending": True, "filters": [{"column": "delay", "how": "is not empty", "value": ""}]}
    stages = [transform("SELECT * FROM VALUES ('JFK', '9'), ('EWR', NULL), ('LGA', '10') AS t(origin, delay)")]
    events = client.answer(client.request("preview", stages, to=0, rows=10, input="full", shape=shape))
    assert cells(events[-1]) == [["JFK", "9"], ["LGA", "10"]]
    (told,) = [event for event in events if event["event"] == "value_warnings"]
    assert (told["stage_index"], told["counts"][0]["kind"]) == (1, "numbers-by-letters")
    events = client.answer(client.request("export", stages, to=0, form="csv", rows=100, shape=shape))
    text = b"".join(base64.b64decode(event["data"]) for event in events if event["event"] == "piece")
    assert text.split() == [b"origin,delay", b"JFK,9", b"LGA,10"]


def test_every_kind_of_cell_is_json(client: Client) -> None:
    sql = """SELECT 9007199254740993 AS big, 1.50BD AS dec, DATE '2013-01-01' AS d, TIMESTAMP '2013-01-01 10:00:00' AS t, X'00ff' AS b,
        array(1, null) AS l, map('k', 1.5D) AS m, struct(1 AS x, null AS y) AS s, double('NaN') AS nan, float(0.1) AS f, true AS yes,
        repeat('x', 5000) AS long, 1 AS same, 2 AS same2, null AS nothing, '<script>alert(1)</script>' AS html"""
    (row,) = cells(client.preview([transform(sql)]))
    assert row[:5] == ["9007199254740993", "1.50", "2013-01-01", "2013-01-01 10:00:00", "AP8="]
    assert row[5:11] == [[1, None], {"k": 1.5}, {"x": 1, "y": None}, "NaN", 0.1, True]
    assert len(row[11]) == 4001 and row[11].endswith("…")
    assert row[14] is None and row[15] == "<script>alert(1)</script>"


def test_a_preview_stops_at_the_number_of_rows_asked_for(client: Client) -> None:
    event = client.preview([transform("SELECT id FROM range(100)")], rows=7)
    assert len(cells(event)) == 7
    assert event["complete"] is False and "total_rows" not in event


def test_the_same_preview_again_is_answered_from_what_is_kept(client: Client) -> None:
    stages = [EXTRACT, transform("SELECT origin, delay FROM flights")]
    first = client.preview(stages)
    request_id = client.request("preview", stages, to=1, rows=100)
    again = client.answer(request_id)
    assert cells(again[-1]) == cells(first)
    kept = [event for event in again if event["event"] == "stage_finished"]
    assert kept and all(event["details"] == {"kept": True} for event in kept)


def test_what_a_stage_said_is_said_again_when_it_is_kept(client: Client, flights: Path) -> None:
    flights.write_text("origin,delay\nJFK,12\nEWR\n")
    stages = [EXTRACT | {"otherWidths": "pad"}, transform("SELECT origin FROM flights")]
    for _ in range(2):
        events = client.answer(client.request("preview", stages, to=1, rows=100))
        (read,) = [event for event in events if event["event"] == "stage_finished" and event["stage_index"] == 0]
        assert (read["outcome"], [one["code"] for one in read["details"]["warnings"]]) == ("warning", ["rows-of-other-width"])
    assert read["details"]["kept"] is True


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_rows_taken_home_are_told_like_those_that_are_shown(client: Client, flights: Path, form: str) -> None:
    flights.write_text("origin,delay\nJFK,12\nEWR\nLGA,soon\n")
    typed = {
        "type": "TypingTransform", "name": "typed", "inputView": "flights", "outputView": "typed",
        "schema": [{"name": "origin", "type": "string", "nullable": True}, {"name": "delay", "type": "integer", "nullable": True}],
    }  # fmt: skip
    events = client.answer(client.request("export", [EXTRACT | {"otherWidths": "reject"}, typed], to=1, form=form, rows=100))
    told = {event["stage"]: event["counts"] for event in events if event["event"] == "value_warnings"}
    assert [one["kind"] for one in told["flights"]] == ["another-width"]
    assert [(one["kind"], one["rows"]) for one in told["typed"]] == [("not-integer", 1)]
    assert (events[-1]["event"], events[-1]["rows"]) == ("exported", 3)


def test_numbers_compared_as_text_are_told_with_the_change_each_time(client: Client, flights: Path) -> None:
    flights.write_text("origin,delay\nJFK,9\nEWR,10\n")
    for _ in range(2):
        events = client.answer(client.request("preview", [EXTRACT, transform("SELECT max(delay) AS m FROM flights")], to=1, rows=100))
        (told,) = [event for event in events if event["event"] == "value_warnings"]
        assert (told["stage_index"], told["rows"], told["counts"]) == (1, 2, [{"column": "delay", "kind": "numbers-by-letters", "rows": 2}])
        (hint,) = told["hints"]
        assert (hint["found"], hint["edit"]["text"], hint["severity"]) == ("delay", "CAST(delay AS BIGINT)", "warning")


def test_a_join_that_multiplies_rows_is_told_each_time_and_no_more_when_it_is_mended(client: Client, flights: Path) -> None:
    flights.write_text("origin,delay\nJFK,9\nJFK,10\nEWR,1\n")
    (flights.parent / "airports.csv").write_text("code,name\nJFK,Kennedy\nJFK,Idlewild\nEWR,Newark\n")
    airports = EXTRACT | {"name": "airports", "inputURI": "raw/airports.csv", "outputView": "airports"}
    joined = "SELECT f.delay, a.name FROM flights AS f JOIN airports AS a ON a.code = f.origin"
    for _ in range(2):
        events = client.answer(client.request("preview", [EXTRACT, airports, transform(joined)], to=2, rows=100))
        (told,) = [event for event in events if event["event"] == "value_warnings"]
        assert told["counts"] == [{"column": "origin = code", "kind": "rows-multiplied", "rows": 4}]
        assert told["hints"][0]["value"].startswith("JFK: 2 rows on the left side, 2 on the right")
    mended = joined.replace("airports AS a", "(SELECT code, max(name) AS name FROM airports GROUP BY code) AS a")
    undone = mended.replace("JOIN", "LEFT JOIN") + " WHERE a.name <> 'Newark'"
    for sql, codes in ((mended, []), (undone, ["join-undone"])):
        events = client.answer(client.request("preview", [EXTRACT, airports, transform(sql)], to=2, rows=100))
        assert not [event for event in events if event["event"] == "value_warnings"]
        asked = next(event for event in events if event["event"] == "stage_finished" and event["stage_index"] == 2)
        assert [one["code"] for one in asked["details"].get("warnings", [])] == codes, "where somebody works on the query"


def test_exact_numbers_compared_as_doubles_are_told_each_time_and_no_more_when_it_is_mended(client: Client, flights: Path) -> None:
    flights.write_text("origin,delay\n12345678901234567890,12345678901234567891\n")
    exact = transform("SELECT CAST(delay AS DECIMAL(38,0)) AS d, origin FROM flights", "exact")
    for sql, codes in (("d = origin", ["compared-as-double"]), ("d = CAST(origin AS DECIMAL(38,0))", [])):
        compared = transform(f"SELECT count(*) AS n FROM exact WHERE {sql}", "compared") | {"name": "compared"}
        for _ in range(2):
            events = client.answer(client.request("preview", [EXTRACT, exact, compared], to=2, rows=100))
            asked = next(event for event in events if event["event"] == "stage_finished" and event["stage_index"] == 2)
            assert [one["code"] for one in asked["details"].get("warnings", [])] == codes, sql


def test_a_limit_in_no_order_is_not_told_where_people_try_things_out(client: Client) -> None:
    events = client.answer(client.request("preview", [EXTRACT, transform("SELECT origin FROM flights LIMIT 1")], to=1, rows=100))
    assert len(cells(events[-1])) == 1
    assert not [event for event in events if event["event"] == "value_warnings"]


def test_a_changed_file_is_seen_at_once(client: Client, flights: Path) -> None:
    stages = [EXTRACT, transform("SELECT count(*) AS n FROM flights", "counted")]
    assert cells(client.preview(stages)) == [[3]]
    flights.write_text("origin,delay\nJFK,1\n")
    assert cells(client.preview(stages)) == [[1]]


@pytest.mark.parametrize(
    ("again", "uri", "how"), [("b", "raw/flights.csv", "full"), ("c", "raw/flights.csv", "sample"), ("d", "raw/f*.csv", "full")]
)
def test_a_changed_file_is_seen_under_every_name(client: Client, flights: Path, again: str, uri: str, how: str) -> None:
    """A table has two names on the page of queries; Spark keeps the rows of both as one."""
    first = [EXTRACT | {"outputView": f"first_{again}"}, transform(f"SELECT origin FROM first_{again}")]
    flights.write_text("origin,delay\nA,1\n")
    assert cells(client.preview(first, input="full")) == [["A"]]
    flights.write_text("origin,delay\nBB,1\n")
    second = [EXTRACT | {"inputURI": uri, "outputView": again}, transform(f"SELECT origin FROM {again}")]
    assert cells(client.preview(second, input=how)) == [["BB"]]
    assert cells(client.preview(first, input="full")) == [["BB"]]


SLOWLY = "SELECT f.origin, sum(hash(a.id, b.id)) AS n FROM flights f CROSS JOIN range(10000000) a CROSS JOIN range({}) b GROUP BY f.origin"


@pytest.mark.parametrize(("kind", "how"), [("preview", "renamed"), ("preview", "replaced"), ("export", "replaced")])
def test_a_file_that_is_changed_while_it_is_shown_or_taken_home_is_told_and_not_mixed(
    client: Client, flights: Path, kind: str, how: str
) -> None:
    more: dict[str, Any] = {"form": "csv", "rows": 100} if kind == "export" else {"rows": 100}
    request_id = client.request(kind, [EXTRACT, transform(SLOWLY.format(2))], to=1, input="full", **more)
    while client._next()["event"] != "stage_finished":
        pass
    other = flights.with_name("other.csv")
    other.write_text("origin,delay\nLGA,1\n")
    if how == "renamed":
        flights.rename(flights.with_name("elsewhere.csv"))
    else:
        other.replace(flights)
    events = client.answer(request_id)
    assert (events[-1]["event"], events[-1]["problem"]["code"]) == ("stage_failed", "input-changed")
    assert not [event for event in events if event["event"] in ("rows", "exported")]
    if how == "replaced":
        assert cells(client.preview([EXTRACT]))[0][0] == "LGA"


def test_a_file_whose_workbook_is_newer_is_not_shown_from_memory(client: Client, flights: Path) -> None:
    book, note = flights.with_name("book.xlsx"), flights.with_name(made_of.NOTE)
    book.write_bytes(b"May")
    was, made = made_of.state(book), made_of.state(flights)
    assert was and made
    note.write_text(made_of.text_of({flights.name: made_of.Origin("book.xlsx", "Sheet1.csv", was, made)}))
    stages = [EXTRACT, transform("SELECT count(*) AS n FROM flights", "counted")]
    assert cells(client.preview(stages)) == [[3]]
    book.write_bytes(b"June")
    problem = client.preview(stages)["problem"]
    assert (problem["code"], problem["stage"]) == ("input-outdated", "flights")


def test_a_changed_upstream_stage_is_seen_at_once(client: Client) -> None:
    def stages(limit: int) -> list[dict[str, Any]]:
        first = transform(f"SELECT * FROM range({limit})", "numbers")
        return [first, transform("SELECT count(*) AS n FROM numbers")]

    assert cells(client.preview(stages(5))) == [[5]]
    assert cells(client.preview(stages(6))) == [[6]]
    assert cells(client.preview(stages(5))) == [[5]]


def test_a_sample_is_the_beginning_of_each_input_and_full_is_all_of_it(client: Client) -> None:
    (client.lake / "raw" / "many.csv").write_text("a\n" + "1\n" * 12_000)
    stages = [EXTRACT | {"inputURI": "raw/many.csv"}, transform("SELECT count(*) AS n FROM flights")]
    assert cells(client.preview(stages, input="sample")) == [[10_000]]
    event = client.preview(stages, input="full")
    assert cells(event) == [[12_000]] and event["input"] == "full"


def test_an_input_is_read_in_full_once_for_all_queries_on_it(client: Client, flights: Path) -> None:
    def preview(sql: str) -> list[list[Any]]:
        return cells(client.preview([EXTRACT, transform(sql)], input="full"))

    assert preview("SELECT count(*) AS n FROM flights") == [[3]]
    state = flights.stat()
    flights.write_text(flights.read_text().replace("JFK", "LGA"))
    os.utime(flights, ns=(state.st_atime_ns, state.st_mtime_ns))  # nobody can see that it has changed: who reads it again shows LGA
    assert preview("SELECT max(origin) AS last FROM flights") == [["JFK"]]


def test_loads_write_nothing_and_show_what_they_would_write(client: Client) -> None:
    save = {"type": "ParquetLoad", "name": "save", "inputView": "shown", "outputURI": "curated/x"}
    event = client.preview([transform("SELECT 1 AS a"), save])
    assert cells(event) == [[1]]
    assert not (client.lake / "curated").exists()


def test_later_stages_may_still_be_wrong(client: Client) -> None:
    event = client.ask("preview", [transform("SELECT 1 AS a"), {"type": "SQLTransform", "name": ""}], to=0, rows=10)
    assert cells(event) == [[1]]


def test_a_parameter_that_only_later_stages_use_is_no_problem(client: Client) -> None:
    top = {"parameters": {"year": {"type": "integer", "default": 2013}}}
    event = client.ask("preview", [transform("SELECT 1 AS a"), transform("SELECT ${year} AS y", "later")], to=0, rows=10, top=top)
    assert cells(event) == [[1]]


def test_views_of_an_earlier_request_are_not_visible(client: Client) -> None:
    client.preview([transform("SELECT 1 AS a", "earlier")])
    event = client.preview([transform("SELECT * FROM earlier")])
    assert event["event"] in ("problem", "stage_failed")


def test_a_mistake_ends_the_answer_with_its_problem_and_the_session_lives(client: Client) -> None:
    event = client.preview([EXTRACT, transform("SELECT orgin FROM flights")])
    assert event["event"] == "stage_failed"
    assert event["problem"]["fix"] == "Did you mean “origin”?" and event["problem"]["line"] == 1
    event = client.preview([EXTRACT, transform("SELECT CAST(origin AS INT) AS n FROM flights")])
    assert event["event"] == "stage_failed" and event["problem"]["code"] == "value-not-typed"
    assert event["problem"]["stage"] == "shown"
    for bad in (
        {"request": "preview", "id": "x"},
        {"request": "nonsense", "id": "x"},
        {"id": "x"},
        {"request": "preview", "id": "x", "document": 3},
    ):
        client.send(**bad)
        assert client.answer("x")[-1]["event"] == "problem"
    assert cells(client.preview([transform("SELECT 1 AS a")])) == [[1]]


def test_analyse_says_every_mistake_and_the_columns_of_every_good_view(client: Client) -> None:
    stages = [
        EXTRACT,
        transform("SELECT orgin FROM flights", "first"),
        transform("SELECT sume(delay) AS s FROM flights", "second"),
        transform("SELECT * FROM first", "depends_on_a_broken_one"),
        transform("SELECT origin, CAST(delay AS INT) AS delay FROM flights", "good"),
        {"type": "SQLValidate", "name": "check", "sql": "SELECT nothing > 1 AS outcome, '' AS message FROM good"},
    ]
    events = client.answer(client.request("analyse", stages))
    problems = {event["problem"]["stage"]: event["problem"] for event in events if event["event"] == "problem"}
    assert set(problems) == {"first", "second", "check"}
    assert problems["first"]["fix"] == "Did you mean “origin”?"
    assert problems["second"]["fix"] == "Did you mean “sum”?"
    columns = events[-1]["columns"]
    assert columns["good"] == [{"name": "origin", "type": "string"}, {"name": "delay", "type": "int"}]
    assert "first" not in columns


def test_analyse_works_on_the_part_that_can_be_read(client: Client) -> None:
    events = client.answer(client.request("analyse", [transform("SELECT 1 AS a"), {"type": "NoSuchStage", "name": "x"}]))
    assert [event["event"] for event in events] == ["problem", "analysed"]
    assert events[-1]["columns"] == {"shown": [{"name": "a", "type": "int"}]}


def test_a_preview_can_be_cancelled_while_it_works(client: Client) -> None:
    endless = transform("SELECT count(*) AS n FROM range(10000000) a CROSS JOIN range(10000000) b")
    for seconds in (2, 0.4, 0.2, 0.1, 0.05, 0.02, 0):  # at work, while it is planned, before that
        request_id = client.request("preview", [endless], to=0, rows=10)
        time.sleep(seconds)
        client.send(request="cancel", id=request_id)
        events = client.answer(request_id)
        assert events[-1]["event"] == "cancelled"
        assert not [event for event in events if event["event"] == "stage_failed"]
    assert cells(client.preview([transform("SELECT 1 AS a")])) == [[1]]


def test_a_request_that_waits_can_be_cancelled(client: Client) -> None:
    endless = transform("SELECT count(*) AS n FROM range(10000000) a CROSS JOIN range(10000000) b")
    first = client.request("preview", [endless], to=0, rows=10)
    second = client.request("preview", [transform("SELECT 1 AS a")], to=0, rows=10)
    client.send(request="cancel", id=second)
    client.send(request="cancel", id=first)
    assert client.answer(first)[-1]["event"] == "cancelled"
    assert client.answer(second)[-1]["event"] == "cancelled"


def test_attacks_are_refused_here_too(client: Client) -> None:
    for sql in ("SELECT * FROM text.`/etc/passwd`", "SET spark.sql.runSQLOnFiles=true", "SELECT reflect('java.lang.System', 'exit', 0)"):
        event = client.preview([transform(sql)])
        assert event["event"] in ("problem", "stage_failed") and "root:" not in json.dumps(event)


def test_stop_ends_the_process_and_its_jvm(tmp_path: Path) -> None:
    client = Client(tmp_path)
    java = subprocess.run(["pgrep", "-P", str(client.process.pid)], capture_output=True, text=True).stdout.split()
    client.send(request="stop")
    client.process.communicate(timeout=30)
    assert client.process.returncode == 0
    assert java and not any(Path(f"/proc/{pid}").exists() for pid in java)
