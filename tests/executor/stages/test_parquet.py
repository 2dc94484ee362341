"""Writing files and reading Parquet again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def view(sql: str, name: str = "v") -> dict[str, Any]:
    return {"type": "SQLTransform", "name": name, "sql": sql, "outputView": name}


def load(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": "save", "inputView": "v", "outputURI": "out", **more}


EXTRACT = {"type": "ParquetExtract", "name": "read", "inputURI": "out", "outputView": "t"}
TWO = view("SELECT * FROM VALUES (1, 'a'), (2, 'b') AS x(n, s)")


def lines(bench: Bench) -> list[str]:
    return sorted(line for file in (bench.lake / "out").rglob("part-*") for line in file.read_text().splitlines())


def test_what_was_written_is_read_again_with_its_types_and_numbers(bench: Bench) -> None:
    bench.run(TWO, load("ParquetLoad", numPartitions=1), EXTRACT)
    rows = bench.view("t").orderBy("n").collect()
    assert [(row.n, row.s, row._index) for row in rows] == [(1, "a", 1), (2, "b", 2)]
    assert rows[0]._filename.startswith("out/part-")


@pytest.mark.parametrize("numbered", [True, False])
def test_the_rows_of_the_files_are_told(bench: Bench, numbered: bool) -> None:
    bench.run(TWO, load("ParquetLoad"))
    bench.counts.clear()
    bench.run({**EXTRACT, "contiguousIndex": numbered})
    assert bench.counts == {"out": 2}


def test_folders_by_a_column_become_a_column_again(bench: Bench) -> None:
    bench.run(TWO, load("ParquetLoad", partitionBy=["s"]), EXTRACT)
    assert not [line for line in bench.logs if "names of folders are text" in line]
    assert sorted(folder.name for folder in (bench.lake / "out").iterdir() if folder.is_dir()) == ["s=a", "s=b"]
    assert sorted(row.s for row in bench.view("t").collect()) == ["a", "b"]


def test_a_number_that_names_folders_is_told_to_come_back_as_text(bench: Bench) -> None:
    bench.run(TWO, load("ParquetLoad", partitionBy=["n"]))
    told = [line for line in bench.logs if "names of folders are text" in line]
    assert len(told) == 1 and "“n” (int)" in told[0]


def test_a_folder_column_that_is_not_there_is_told(bench: Bench) -> None:
    problem = bench.fails(TWO, load("ParquetLoad", partitionBy=["m"]))
    assert (problem.code, problem.found) == ("column-unknown", "m")


def test_every_column_as_folder_leaves_nothing_to_write(bench: Bench) -> None:
    assert bench.fails(TWO, load("ParquetLoad", partitionBy=["n", "s"])).code == "partition-by-all"


def test_the_number_of_files_is_as_told(bench: Bench) -> None:
    bench.run(view("SELECT id FROM range(100)"), load("ParquetLoad", numPartitions=3))
    assert len(list((bench.lake / "out").glob("part-*"))) == 3


def test_a_text_that_is_called_parquet_is_told(bench: Bench) -> None:
    bench.write("out/a.parquet", "origin,dest\n")
    problem = bench.fails(EXTRACT)
    assert (problem.code, problem.found, problem.expected) == ("input-format", "text", "Parquet")


def test_files_with_different_columns_are_read_together(bench: Bench) -> None:
    bench.run(view("SELECT 1 AS a"), load("ParquetLoad", outputURI="out/x=1"))
    bench.run(view("SELECT 2 AS b"), load("ParquetLoad", outputURI="out/x=2"))
    bench.run(EXTRACT)
    assert bench.view("t").select("a", "b").orderBy("x").collect() == [(1, None), (None, 2)]


def test_columns_of_nothing_but_null_are_left_out_and_told(bench: Bench) -> None:
    bench.run(view("SELECT 1 AS a, NULL AS b"), load("ParquetLoad"), EXTRACT)
    assert "b" not in bench.view("t").columns
    assert [problem.code for problem in bench.warnings] == ["columns-left-out"]
    assert "“b” (void)" in bench.warnings[0].message


def test_delimited_text_is_written_as_told(bench: Bench) -> None:
    bench.run(
        view("SELECT 1 AS a, 'x|y' AS b, CAST(NULL AS string) AS c, ' pad ' AS d"), load("DelimitedLoad", header=True, delimiter="Pipe")
    )
    assert lines(bench) == ['1|"x|y"|| pad ', "a|b|c|d"]


def test_lists_do_not_fit_into_delimited_text(bench: Bench) -> None:
    bench.run(view("SELECT 1 AS a, array(1) AS b"), load("DelimitedLoad"))
    assert lines(bench) == ["1"]
    assert [problem.code for problem in bench.warnings] == ["columns-left-out"]


def test_json_is_written_one_object_a_line(bench: Bench) -> None:
    bench.run(view("SELECT 1 AS a, named_struct('b', 'ü') AS s, CAST(NULL AS int) AS n"), load("JSONLoad"))
    assert lines(bench) == ['{"a":1,"s":{"b":"ü"}}']


def test_console_load_shows_the_first_rows_in_the_log(bench: Bench) -> None:
    bench.run(
        view("SELECT id AS n, CAST(NULL AS int) AS gap FROM range(30) ORDER BY id"),
        {"type": "ConsoleLoad", "name": "show", "inputView": "v"},
    )
    assert bench.logs[:3] == ["n  | gap", "---+----", "0  | ∅"]
    assert bench.logs[-1] == "… only the first 20 rows are shown"


def test_far_and_early_times_are_the_same_for_other_programs(bench: Bench) -> None:
    """The old type of times (INT96) has no zone, and Arrow takes the year 9999 of it for 1816."""
    times = ["0001-01-01 00:00:00", "1500-02-28 12:00:00", "2024-03-31 02:30:00.123456", "9999-12-31 23:59:59.999999"]
    bench.run(view("SELECT * FROM VALUES " + ", ".join(f"(TIMESTAMP'{time}')" for time in times) + " AS x(t)"), load("ParquetLoad"))
    found = [time for file in sorted((bench.lake / "out").glob("part-*")) for time in pq.read_table(file)["t"].to_pylist()]
    assert sorted(found) == [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times]


@pytest.mark.parametrize("kind", ["ParquetLoad", "DelimitedLoad", "JSONLoad"])
def test_texts_that_name_no_folder_lie_with_the_rows_without_a_value(bench: Bench, kind: str) -> None:
    sql = "SELECT * FROM VALUES (1, ''), (2, NULL), (3, '__HIVE_DEFAULT_PARTITION__'), (4, 'a') AS x(n, P)"
    bench.run(view(sql), load(kind, partitionBy=["p"], numPartitions=1))
    folders = sorted(folder.name for folder in (bench.lake / "out").iterdir() if folder.is_dir())
    assert [name.lower() for name in folders] == ["p=__hive_default_partition__", "p=a"]


@pytest.mark.parametrize("value", ["X'ff'", "array(1)", "struct(1)"])
def test_bytes_and_nested_values_name_no_folders(bench: Bench, value: str) -> None:
    problem = bench.fails(view(f"SELECT 1 AS n, {value} AS p"), load("ParquetLoad", partitionBy=["p"]))
    assert (problem.code, problem.data_column) == ("folder-type", "p")


@pytest.mark.parametrize("sql", ["INTERVAL '1' DAY", "array(INTERVAL '2' YEAR)"])
def test_intervals_of_which_others_see_a_number_are_told(bench: Bench, sql: str) -> None:
    bench.run(view(f"SELECT 1 AS id, {sql} AS gone"), load("ParquetLoad"))
    assert [warning.code for warning in bench.warnings] == ["interval-as-number"]
    assert bench.warnings[0].found == "“gone”"
