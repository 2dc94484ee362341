"""Loads that take what is new for all rows there are: told while the job is written, and by each run from the second one on."""

from __future__ import annotations

from typing import Any

import pytest

from executor.document.job import parse
from executor.document.only_new import problems_of

NEW = {"type": "JDBCExtract", "name": "new", "connection": "shop", "tableName": "orders", "watermarkColumn": "id", "outputView": "new"}
SUM = {"type": "SQLTransform", "name": "sum", "sql": "SELECT * FROM New", "outputView": "sums"}
TABLE = {"inputView": "sums", "outputURI": "curated/t"}


def told(*stages: dict[str, Any], environment: str = "dev") -> list[tuple[str | None, str | None, str | None]]:
    found = problems_of(parse({"stages": list(stages)}, environment=environment).stages, environment)
    return [(one.stage, one.field, one.found) for one in found]


@pytest.mark.parametrize(
    ("load", "field", "found"),
    [
        ({"type": "ParquetLoad", **TABLE}, "saveMode", "Overwrite"),
        ({"type": "DelimitedLoad", **TABLE, "saveMode": "Ignore"}, "saveMode", "Ignore"),
        ({"type": "DeltaLakeLoad", **TABLE}, "saveMode", "Overwrite"),
        ({"type": "DeltaLakeLoad", **TABLE, "replaceWhere": "day = '2024-01-01'"}, "saveMode", "Overwrite"),
        ({"type": "JDBCLoad", "inputView": "sums", "connection": "dwh", "tableName": "t"}, "saveMode", "Overwrite"),
        ({"type": "MergeLoad", **TABLE, "keys": ["id"], "notMatchedBySource": "delete"}, "notMatchedBySource", "delete"),
        (
            {"type": "MergeLoad", **TABLE, "keys": ["id"], "notMatchedBySource": "update", "notMatchedBySourceValues": {"a": "false"}},
            "notMatchedBySource",
            "update",
        ),
        ({"type": "Scd2Load", **TABLE, "keys": ["id"], "missing": "close"}, "missing", "close"),
    ],
)
def test_a_load_that_needs_all_rows_is_told(load: dict[str, Any], field: str, found: str) -> None:
    load = {"name": "save", **load}
    assert told(NEW, SUM, load) == [("save", field, found)]
    assert told({**NEW, "watermarkColumn": None}, SUM, load) == []
    assert told(NEW, SUM, {**load, "environments": ["prod"]}) == []


@pytest.mark.parametrize(
    "load",
    [
        {"type": "ParquetLoad", **TABLE, "saveMode": "Append"},
        {"type": "ParquetLoad", **TABLE, "saveMode": "ErrorIfExists"},
        {"type": "JDBCLoad", "inputView": "sums", "connection": "dwh", "tableName": "t", "saveMode": "Merge", "mergeKeys": ["id"]},
        {"type": "MergeLoad", **TABLE, "keys": ["id"]},
        {"type": "Scd2Load", **TABLE, "keys": ["id"]},
    ],
)
def test_a_load_that_adds_is_not_told(load: dict[str, Any]) -> None:
    assert told(NEW, SUM, {"name": "save", **load}) == []


def test_whoever_reads_what_is_there_as_well_writes_all_rows() -> None:
    there = {"type": "DeltaLakeExtract", "name": "there", "inputURI": "curated/T", "outputView": "there"}
    both = {**SUM, "sql": "SELECT * FROM there UNION ALL SELECT * FROM new"}
    load = {"type": "DeltaLakeLoad", "name": "save", **TABLE}
    assert told(there, NEW, both, load) == []
    assert told(there, NEW, SUM, load) == [("save", "saveMode", "Overwrite")]
    assert told(NEW, SUM, {**load, "name": "other", "outputURI": "curated/o"}, there, {**both, "name": "b", "outputView": "b"}) == [
        ("other", "saveMode", "Overwrite")
    ]
    beside = {"type": "ParquetExtract", "name": "beside", "inputURI": "raw/x", "outputView": "x"}
    assert told(NEW, beside, {**load, "inputView": "x"}) == []
