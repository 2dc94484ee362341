"""Arrow, polars, DuckDB and delta-rs tell no NaN where they tell the greatest value of a file: rows with it are found all the same."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from executor.files.delta_commit import put_commit, text_of
from executor.files.delta_log import LOG
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ASKED = {
    "f > 5": 1, "f >= 5": 1, "NOT f <= 5": 1, "f = double('NaN')": 1, "f IN (double('NaN'), 7D)": 1, "f > 1.5D": 2, "f <= 2": 2,
    "isnan(f)": 1, "s.g > 5": 1, "NOT s.g < 5": 1, "id > 2": 1,
    "d = 12345678901234567.89": 1, "d IN (12345678901234567.89, 0)": 1, "NOT d > 12345678901234567.89": 2, "d IS NULL": 1,
}  # fmt: skip
"""Condition → rows. To Spark NaN is equal to itself and above all numbers."""
DECIMALS = [Decimal("12345678901234567.89"), Decimal("12345678901234567.88"), None]
AS_DOUBLE = 12345678901234568.0
"""As delta-rs tells the least and the greatest of them."""


def write(process: SparkProcess, file: Path) -> None:
    assert process.session  # while it starts, pandas is hidden from pyarrow
    numbers = pa.array([math.nan, 1.0, 2.0], pa.float64())
    nested = pa.StructArray.from_arrays([numbers.cast(pa.float32())], ["g"])
    decimals = pa.array(DECIMALS, pa.decimal128(19, 2))
    pq.write_table(pa.Table.from_arrays([pa.array([1, 2, 3], pa.int64()), numbers, nested, decimals], ["id", "f", "s", "d"]), file)
    assert pq.read_metadata(file).row_group(0).column(1).statistics.max == 2.0


def asked(process: SparkProcess, lake: Path, read: dict[str, Any]) -> dict[str, int]:
    counts = ", ".join(f"(SELECT count(*) FROM there WHERE {one}) AS c{place}" for place, one in enumerate(ASKED))
    count = {"type": "SQLTransform", "name": "count", "sql": f"SELECT {counts}", "outputView": "counts"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "counts", "outputURI": "out"}
    outcome = run_here(process, [read | {"name": "read", "outputView": "there"}, count, save], lake)
    assert outcome.result.startswith("succeeded"), outcome.events[-3:]
    (row,) = process.session.read.parquet(str(lake / "out")).collect()
    return dict(zip(ASKED, row, strict=True))


def test_rows_of_parquet_files(spark_process: SparkProcess, tmp_path: Path) -> None:
    write(spark_process, tmp_path / "a.parquet")
    assert asked(spark_process, tmp_path, {"type": "ParquetExtract", "inputURI": "a.parquet"}) == ASKED


def make_table(process: SparkProcess, place: Path) -> None:
    (place / LOG).mkdir(parents=True)
    write(process, place / "a.parquet")
    about = {
        "id": "x",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": process_schema(process, place / "a.parquet"),
        "partitionColumns": [],
        "configuration": {},
    }
    bounds = [{"id": number, "f": edge, "s": {"g": edge}, "d": AS_DOUBLE} for number, edge in ((1, 1.0), (3, 2.0))]
    stats = {"numRecords": 3, "minValues": bounds[0], "maxValues": bounds[1], "nullCount": {"id": 0, "f": 0, "s": {"g": 0}, "d": 1}}
    size = (place / "a.parquet").stat().st_size
    add = {"path": "a.parquet", "partitionValues": {}, "size": size, "modificationTime": 1, "dataChange": True, "stats": json.dumps(stats)}
    actions: list[dict[str, Any]] = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": about}, {"add": add}]
    put_commit(place, 0, text_of(actions))


def test_rows_of_tables(spark_process: SparkProcess, tmp_path: Path) -> None:
    make_table(spark_process, tmp_path / "t")
    assert asked(spark_process, tmp_path, {"type": "DeltaLakeExtract", "inputURI": "t"}) == ASKED


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("F > 5", "CAST(9 AS DOUBLE) AS f"),
        ("s.g > 5", "named_struct('g', CAST(9 AS FLOAT)) AS s"),
        (f"d = {DECIMALS[0]}", f"{DECIMALS[0]} AS d"),
    ],
)
@pytest.mark.parametrize("way", ["replaced", "merged"])
def test_rows_of_tables_that_are_written(spark_process: SparkProcess, tmp_path: Path, condition: str, value: str, way: str) -> None:
    """A row of which the files say nothing is replaced, and met by its key, as any other: else it would be there twice."""
    make_table(spark_process, tmp_path / "t")
    others = {"f": "CAST(NULL AS DOUBLE) AS f", "s": "CAST(NULL AS struct<g: float>) AS s", "d": "CAST(NULL AS DECIMAL(19, 2)) AS d"}
    name = value[-1]
    columns = ", ".join((others | {name: value.replace(str(DECIMALS[0]), f"CAST('{DECIMALS[0]}' AS DECIMAL(19, 2))")}).values())
    rows = {"type": "SQLTransform", "name": "rows", "sql": f"SELECT 1L AS id, {columns}", "outputView": "rows"}
    to = {"name": "save", "inputView": "rows", "outputURI": "t"}
    replaced = {"type": "DeltaLakeLoad", **to, "replaceWhere": condition}
    merged = {"type": "MergeLoad", **to, "keys": ["id"], "matchCondition": f"target.{condition}"}
    outcome = run_here(spark_process, [rows, replaced if way == "replaced" else merged], tmp_path)
    assert outcome.result.startswith("succeeded"), outcome.events[-3:]
    assert sorted(row.id for row in spark_process.session.read.format("delta").load(str(tmp_path / "t")).collect()) == [1, 2, 3]


def process_schema(process: SparkProcess, file: Path) -> str:
    return str(process.session.read.parquet(str(file)).schema.json())
