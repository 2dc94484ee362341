"""No value is lost in silence: what a run says of values that did not fit, and how often it counts them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.events import ValueWarnings, open_fields
from executor.value_kinds import value_sentence
from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

ROWS = "id,amount,at\n1,2.5,2024-01-05\nx,n/a,05/01/2024\n3,4,2024-01-07\nx,5,2024-01-08\n5,n/a,2024-01-09\n"
READ = {"type": "DelimitedExtract", "name": "read", "inputURI": "in.csv", "header": True, "outputView": "texts"}
SCHEMA = [
    {"name": "id", "type": "integer", "nullable": True},
    {"name": "amount", "type": "double", "nullable": True},
    {"name": "at", "type": "date", "nullable": True, "formatters": ["uuuu-MM-dd"]},
]
TYPED = {"type": "TypingTransform", "name": "typed", "inputView": "texts", "outputView": "v", "schema": SCHEMA}
SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "v", "outputURI": "out"}
ALL_FOUND = {("amount", "not-double", 2), ("id", "not-integer", 2), ("at", "not-date", 1)}


def query(sql: str, view: str) -> dict[str, Any]:
    return {"type": "SQLTransform", "name": view, "sql": sql, "outputView": view}


def warning(outcome: Outcome) -> dict[str, Any]:
    (event,) = outcome.named("value_warnings")
    return event


def found(event: dict[str, Any]) -> set[tuple[str, str, int]]:
    return {(name, count["kind"], count["rows"]) for name, count in zip(event["names"], event["counts"], strict=True)}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "in.csv").write_text(ROWS)
    return tmp_path


def test_the_sentence_shows_no_value_and_says_how_much_was_read() -> None:
    told = [{"column": "amount", "kind": "not-double", "rows": 2}, {"kind": "not-json", "rows": 1}]
    words = "2 of 5 rows have values to look at: amount (2, not a number), whole rows (1, not JSON; kept as text)."
    assert value_sentence(told, [], 5, 2, is_whole=True) == words
    assert value_sentence(told[:1], [], 5, 1, is_whole=False).startswith("1 of the 5 rows that were read has values")


def test_a_name_that_only_the_data_has_needs_the_right_to_data() -> None:
    event = ValueWarnings(
        stage_index=0, stage="read", view="v", rows=3, affected=1, counts=[{"column": "", "kind": "not-exact", "rows": 1}], names=["canary"]
    )
    assert "canary" in event.words() and "names" not in open_fields(ValueWarnings)
    assert "a column (1" in replace(event, names=[]).words()


@pytest.mark.spark
def test_a_run_with_values_that_do_not_fit_succeeds_with_warnings(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [READ, TYPED, SAVE], lake)
    event = warning(outcome)
    assert (outcome.code, outcome.result, outcome.events[-1]["warnings"]) == (0, "succeeded_with_warnings", 1)
    assert (event["stage"], event["view"], event["rows"], event["affected"], event["is_whole"]) == ("typed", "v", 5, 3, True)
    assert found(event) == ALL_FOUND


@pytest.mark.spark
@pytest.mark.parametrize(
    "between",
    [
        [],
        [query("SELECT a.id FROM v a JOIN v b ON a.id = b.id JOIN v c ON a.id = c.id", "w")],
        [query("SELECT count(*) AS n FROM v", "w"), {"type": "ConsoleLoad", "name": "show", "inputView": "v"}],
        [query("SELECT * FROM v UNION ALL SELECT * FROM v", "w")],
    ],
)
def test_rows_that_are_read_several_times_are_counted_once(spark_process: SparkProcess, lake: Path, between: list[dict[str, Any]]) -> None:
    more = [{"type": "ParquetLoad", "name": "more", "inputView": "w", "outputURI": "more"}] if between else []
    event = warning(run_here(spark_process, [READ, TYPED, *between, *more, SAVE], lake))
    assert (event["rows"], event["affected"], found(event)) == (5, 3, ALL_FOUND)


@pytest.mark.spark
def test_a_filter_of_a_later_query_hides_no_row_from_the_count(spark_process: SparkProcess, lake: Path) -> None:
    few = query("SELECT id FROM v WHERE id = 1", "few")
    save = SAVE | {"inputView": "few"}
    outcome = run_here(spark_process, [READ, TYPED, few, save], lake)
    assert found(warning(outcome)) == ALL_FOUND
    assert outcome.events[-1]["outputs"][0]["rows"] == 1


@pytest.mark.spark
def test_a_limit_is_said_rather_than_a_part_counted_as_the_whole(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("id,amount,at\n" + "x,1,2024-01-05\n" * 500)
    outcome = run_here(spark_process, [READ, TYPED, query("SELECT id FROM v LIMIT 3", "few"), SAVE | {"inputView": "few"}], lake)
    event, of_limit = outcome.named("value_warnings")
    assert of_limit["counts"][0]["kind"] == "any-rows" and not event["is_whole"] and event["rows"] < 500


@pytest.mark.spark
def test_a_view_that_nothing_reads_is_not_counted(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [READ, TYPED], lake)
    assert (outcome.result, outcome.named("value_warnings")) == ("succeeded", [])


@pytest.mark.spark
def test_a_run_that_fails_later_still_tells_of_its_values(spark_process: SparkProcess, lake: Path) -> None:
    check = {"type": "SQLValidate", "name": "check", "sql": "SELECT count(*) = 99 AS outcome, 'no' AS message FROM v"}
    outcome = run_here(spark_process, [READ, TYPED, check], lake)
    assert outcome.result == "failed" and found(warning(outcome)) == ALL_FOUND


@pytest.mark.spark
def test_rows_of_typed_views_and_of_their_sources_are_known_without_counting(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [READ, TYPED, SAVE], lake)
    rows = {(event["stage"], event["direction"]): event["rows"] for event in outcome.named("stage_rows")}
    assert rows == {("read", "out"): 5, ("typed", "out"): 5}
    assert outcome.named("stage_finished")[-1]["rows_in"] == 5


@pytest.mark.spark
def test_a_kept_view_is_counted_in_its_own_stage(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [READ, TYPED | {"persist": True}, SAVE], lake)
    assert {event["stage"]: event.get("rows_out") for event in outcome.named("stage_finished")}["typed"] == 5
    assert found(warning(outcome)) == ALL_FOUND


@pytest.mark.spark
def test_a_wide_typed_view_that_is_kept_and_joined_is_planned(spark_process: SparkProcess, lake: Path) -> None:
    """Spark would work out for ever what must be true of each column, were it let."""
    names = [f"c{place}" for place in range(16)]
    (lake / "wide.csv").write_text(",".join(names) + "\n" + "\n".join(",".join(str(row) for _ in names) for row in range(5)) + "\n")
    read = READ | {"inputURI": "wide.csv", "outputView": "wide"}
    schema = [{"name": name, "type": "double" if place % 2 else "integer", "nullable": True} for place, name in enumerate(names)]
    typed = TYPED | {"inputView": "wide", "schema": schema}
    hourly = query("SELECT c0, c2, c4, c6, max(c1) AS m1, max(c3) AS m3, max(c5) AS m5, max(c7) AS m7 FROM v GROUP BY c0, c2, c4, c6", "g")
    joined = query(
        "SELECT v.c8, count(*) AS n, avg(g.m1) AS a FROM v JOIN g ON v.c0 = g.c0 AND v.c2 = g.c2 AND v.c4 = g.c4 GROUP BY v.c8", "j"
    )
    outcome = run_here(spark_process, [read, typed, hourly, joined, SAVE | {"inputView": "j"}], lake)
    assert (outcome.result, outcome.events[-1]["outputs"][0]["rows"]) == ("succeeded", 5)


@pytest.mark.spark
def test_rows_of_another_width_are_counted_where_they_were_read(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("id,amount,at\n1,2,2024-01-05\n2\n3,x,2024-01-05\n")
    outcome = run_here(spark_process, [READ | {"otherWidths": "reject"}, TYPED, SAVE], lake)
    read, typed = outcome.named("value_warnings")
    assert (read["stage_index"], read["rows"], read["affected"], read["can_show"]) == (0, 3, 1, True)
    assert [(count["kind"], count["rows"]) for count in read["counts"]] == [("another-width", 1)]
    assert typed["stage_index"] == 1 and typed["affected"] == 1


@pytest.mark.spark
def test_years_of_two_digits_far_ahead_and_times_of_regions_shown_twice_are_told(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("born,at\n05.01.75,2024-10-27 02:30 Europe/Berlin\n05.01.24,2024-07-01 10:00 Europe/Berlin\n")
    schema = [
        {"name": "born", "type": "date", "nullable": True, "formatters": ["dd.MM.yy"]},
        {"name": "at", "type": "timestamp", "nullable": True, "formatters": ["uuuu-MM-dd HH:mm VV"], "timezoneId": "UTC"},
    ]
    event = warning(run_here(spark_process, [READ, TYPED | {"schema": schema}, SAVE], lake))
    assert (found(event), event["affected"]) == ({("born", "year-ahead", 1), ("at", "time-twice", 1)}, 1)


@pytest.mark.spark
def test_values_that_fit_two_formats_of_their_column_are_told(spark_process: SparkProcess, lake: Path) -> None:
    rows = ("05/06/2024,1.234,10:30,2024-05-06", "13/06/2024,1.5,10:30:05,06.05.2024", '06/13/2024,"1,5",23:59,2024-13-05')
    (lake / "in.csv").write_text("\n".join(["d,n,t,other", *rows]) + "\n")
    schema = [
        {"name": "d", "type": "date", "nullable": True, "formatters": ["dd/MM/uuuu", "MM/dd/uuuu"]},
        {"name": "n", "type": "double", "nullable": True, "formatters": ["#,##0.###", "#.##0,###"]},
        {"name": "t", "type": "time", "nullable": True, "formatters": ["HH:mm", "mm:ss", "HH:mm:ss"]},
        {"name": "other", "type": "date", "nullable": True, "formatters": ["uuuu-MM-dd", "dd.MM.uuuu", "uuuu-dd-MM"]},
    ]
    event = warning(run_here(spark_process, [READ, TYPED | {"schema": schema}, SAVE], lake))
    assert found(event) == {("d", "fits-two", 1), ("n", "fits-two", 1), ("t", "fits-two", 2), ("other", "fits-two", 1)}


@pytest.mark.spark
def test_an_empty_text_that_names_a_folder_is_told(spark_process: SparkProcess, lake: Path) -> None:
    made = query("SELECT explode(array('', 'x')) AS k, 1 AS n", "v")
    event = warning(run_here(spark_process, [made, SAVE | {"partitionBy": ["k"]}], lake))
    assert found(event) == {("k", "empty-folder", 1)}


@pytest.mark.spark
def test_numbers_that_json_has_not_are_counted_at_any_depth(spark_process: SparkProcess, lake: Path) -> None:
    made = query("SELECT array(double('NaN')) AS a, struct(map('k', float('inf')) AS m) AS s, array(1D) AS fine", "v")
    event = warning(run_here(spark_process, [made, SAVE | {"type": "JSONLoad"}], lake))
    assert found(event) == {("a", "not-in-json", 1), ("s", "not-in-json", 1)}


@pytest.mark.spark
def test_a_row_that_was_rejected_is_told_once_also_where_columns_must_have_values(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("id,amount\n1,2.5\n2\n3,n/a\n")
    read = READ | {"otherWidths": "reject"}
    schema = [SCHEMA[0] | {"nullable": False}, SCHEMA[1]]
    outcome = run_here(spark_process, [read, TYPED | {"schema": schema}, SAVE], lake)
    assert [found(event) for event in outcome.named("value_warnings")] == [{("", "another-width", 1)}, {("amount", "not-double", 1)}]


@pytest.mark.spark
def test_rows_of_a_typed_view_are_known_where_nothing_can_be_wrong(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("id,name\n1,a\n2,b\n")
    for schema, mode in (
        ([SCHEMA[0] | {"nullable": False}, {"name": "name", "type": "string", "nullable": True}], "permissive"),
        ([SCHEMA[0], {"name": "name", "type": "string", "nullable": True, "regex": "[a-z]"}], "failfast"),
    ):
        outcome = run_here(spark_process, [READ, TYPED | {"schema": schema, "failMode": mode}, SAVE], lake)
        assert outcome.result == "succeeded"
        assert [(event["view"], event["rows"]) for event in outcome.named("stage_rows") if event.get("view") == "v"] == [("v", 2)]


@pytest.mark.spark
def test_a_text_that_breaks_a_rule_of_its_column_is_counted(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "in.csv").write_text("name,other\nA1,x\nabc,y\n")
    plain = {"name": "other", "type": "string", "nullable": True}
    outcome = run_here(spark_process, [READ, TYPED | {"schema": [plain | {"name": "name", "maxLength": 2}, plain]}, SAVE], lake)
    assert found(warning(outcome)) == {("name", "not-string", 1)}


@pytest.mark.spark
def test_digits_with_an_e_among_them_are_told_where_they_become_numbers(spark_process: SparkProcess, lake: Path) -> None:
    """A code of tomorrow's file, in a column whose values were plain numbers yesterday."""
    (lake / "in.csv").write_text("id,amount,at\n1E5,2e3,1\n7,2.5,1E3\n7.0E+02,1E-1,5\n")
    kinds = ({"type": "integer"}, {"type": "decimal", "precision": 12, "scale": 2}, {"type": "double"})
    schema = [{"name": name, "nullable": True, **kind} for name, kind in zip(("id", "amount", "at"), kinds, strict=True)]
    outcome = run_here(spark_process, [READ, TYPED | {"schema": schema}, SAVE], lake)
    assert found(warning(outcome)) == {("id", "not-integer", 1), ("amount", "maybe-code", 1)}
