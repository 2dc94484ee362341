"""Parquet files of several programs in one folder: one table, and nothing changed without a word."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

    from executor.spark.session import SparkProcess
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark
NANOS = 1_700_000_000_123_456_789
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123456)
MILLIS = MOMENT.replace(microsecond=123000)


def extract(**more: Any) -> dict[str, Any]:
    return {"type": "ParquetExtract", "name": "read", "outputView": "t", "inputURI": "d", **more}


def write(lake: Path, *columns: pa.Array, **options: Any) -> None:
    """A file in the folder for each column `c`, beside which `id` is the number of the file."""
    for number, column in enumerate(columns):
        file = lake / "d" / f"{number}.parquet"
        file.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"c": column, "id": pa.array([number] * len(column), pa.int32())}), file, **options)


def warned(process: SparkProcess, lake: Path) -> list[tuple[str, int]]:
    """(kind, rows) of what a run over the folder remarks."""
    look = {"type": "ConsoleLoad", "name": "show", "inputView": "t"}
    found = run_here(process, [extract(), look], lake).named("value_warnings")
    return [(count["kind"], count["rows"]) for event in found for count in event["counts"]]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (pa.nulls(1), pa.array(["x"]), ("string", [None, "x"])),
        (pa.array(["x"]), pa.nulls(1), ("string", ["x", None])),
        (pa.nulls(1), pa.array([[1]]), ("array<bigint>", [None, [1]])),
        (pa.nulls(1), pa.array([{"a b": 1}]), ("struct<a b:bigint>", [None, {"a b": 1}])),
        (pa.nulls(1), pa.array([NANOS], pa.timestamp("ns")), ("timestamp_ntz", [None, MOMENT])),
        (pa.array([[None]]), pa.array([["x"]]), ("array<string>", [[None], ["x"]])),
        (pa.array([{"k": None}]), pa.array([{"k": 1.5}]), ("struct<k:double>", [{"k": None}, {"k": 1.5}])),
        (pa.array([NANOS], pa.timestamp("ns")), pa.array([NANOS // 10**6], pa.timestamp("ms")), ("timestamp_ntz", [MOMENT, MILLIS])),
        (pa.array([NANOS // 1000], pa.timestamp("us")), pa.array([NANOS], pa.timestamp("ns")), ("timestamp_ntz", [MOMENT, MOMENT])),
        (
            pa.array([[NANOS]], pa.list_(pa.timestamp("ns"))),
            pa.array([[NANOS // 1000]], pa.list_(pa.timestamp("us"))),
            ("array<timestamp_ntz>", [[MOMENT], [MOMENT]]),
        ),
        (pa.array([1000], pa.time32("ms")), pa.array([1], pa.time64("us")), ("string", ["00:00:01", "00:00:00.000001"])),
        (pa.array([np.float16(1.5)]), pa.array([0.1]), ("double", [1.5, 0.1])),
        (pa.array([2**40]), pa.array([0.5]), ("double", [2.0**40, 0.5])),
        (
            pa.array([{"x": 1, "y": 2}]),
            pa.array([{"Y": 20, "x": 10, "z": 30}]),
            ("struct<x:bigint,y:bigint,z:bigint>", [{"x": 1, "y": 2, "z": None}, {"x": 10, "y": 20, "z": 30}]),
        ),
    ],
    ids=lambda value: str(value.type)[:40] if isinstance(value, pa.Array) else "",
)
def test_types_of_two_programs_are_one_column(bench: Bench, one: pa.Array, other: pa.Array, expected: tuple[str, list[Any]]) -> None:
    write(bench.lake, one, other)
    frame = bench.run(extract()).view("t")
    rows = [row.asDict(recursive=True) for row in frame.orderBy("id").collect()]
    assert (frame.schema["c"].dataType.simpleString(), [row["c"] for row in rows]) == expected
    assert [(row["_filename"], row["_index"]) for row in rows] == [("d/0.parquet", 1), ("d/1.parquet", 1)]


def test_files_read_in_several_ways_keep_folders_and_are_previewed(bench: Bench) -> None:
    write(bench.lake, pa.nulls(3), pa.array(["x", "y"]))
    (bench.lake / "d/year=2013").mkdir()
    (bench.lake / "d/1.parquet").rename(bench.lake / "d/year=2013/1.parquet")
    rows = bench.run(extract()).view("t").select("c", "year", "_index").orderBy("id", "_index").collect()
    assert [tuple(row) for row in rows] == [(None, None, 1), (None, None, 2), (None, None, 3), ("x", "2013", 1), ("y", "2013", 2)]
    bench.row_limit = 4
    assert bench.run(extract()).view("t").count() == 4


def test_what_reading_changes_is_counted_over_all_files(spark_process: SparkProcess, tmp_path: Path) -> None:
    write(tmp_path, pa.array([NANOS, NANOS - 789, None], pa.timestamp("ns")), pa.array([1, 2], pa.timestamp("us")))
    assert warned(spark_process, tmp_path) == [("too-fine", 1)]
    write(tmp_path, pa.array([2**53 + 1, 5, None]), pa.array([0.5]))
    assert warned(spark_process, tmp_path) == [("not-exact", 1)]
    write(tmp_path, pa.array([[{"n": 2**53 + 1}], [{"n": 2**53}]]), pa.array([[{"n": 0.5}]]))
    assert warned(spark_process, tmp_path) == [("not-exact", 1)]


@pytest.mark.parametrize(
    ("column", "many"),
    [
        (pa.array([NANOS, None, NANOS - 789, 1001], pa.timestamp("ns")), "2 times are"),
        (pa.array([[1, 2000], None, []], pa.list_(pa.timestamp("ns"))), "1 time is"),
        (pa.array(range(10_000), pa.timestamp("ns")), "9,990 times are"),
    ],
)
def test_old_times_that_are_cut_are_counted(bench: Bench, column: pa.Array, many: str) -> None:
    write(bench.lake, column, use_deprecated_int96_timestamps=True, row_group_size=3000)
    (problem,) = bench.run(extract()).warnings
    assert problem.code == "too-fine" and f"d: {many} finer than microseconds" in problem.message and "“c”" in str(problem.found)


def test_old_times_that_are_kept_whole_are_no_matter(bench: Bench) -> None:
    write(bench.lake, pa.array([NANOS - 789], pa.timestamp("ns")), use_deprecated_int96_timestamps=True)
    assert not bench.run(extract()).warnings


def test_names_inside_that_differ_only_by_case_are_told(bench: Bench) -> None:
    write(bench.lake, pa.array([[{"x": 1, "X": 2}]]))
    problem = bench.fails(extract())
    assert problem.code == "parquet-same-names" and ".x” and “c." in str(problem.found) and problem.file == "d/0.parquet"


def test_a_file_without_rows_may_be_of_any_type(bench: Bench) -> None:
    write(bench.lake, pa.array([1.5, 2.5]), pa.array([], pa.string()), pa.array([], pa.list_(pa.string())))
    bench.run(extract())
    assert bench.view("t").selectExpr("sum(c)").collect()[0][0] == 4.0
    write(bench.lake, pa.array([], pa.int32()), pa.array([], pa.string()), pa.array([], pa.list_(pa.string())))
    bench.run(extract())
    assert bench.view("t").count() == 0
    write(bench.lake, pa.array([1.5]), pa.array([], pa.string()), pa.array([[1]]))
    assert bench.fails(extract()).code == "parquet-types"
