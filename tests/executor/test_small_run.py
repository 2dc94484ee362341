"""Which of Java's compilers a run gets: the quick one alone where it reads little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from executor.commands import as_written, kind_of_run
from executor.running.small_run import LITTLE_BYTES, LONG_SECONDS
from executor.running.values import values_from
from executor.spark.jvm import RUN, SMALL_RUN

EXTRACT = {"type": "DelimitedExtract", "name": "read", "outputView": "rows"}
SQL = {"type": "SQLTransform", "name": "sums", "sql": "SELECT 1", "outputView": "sums"}
ANOTHER_BUCKET = {"roots": {"open": {"connection": "aws", "address": "s3a://bucket/there"}}}


def lies(lake: Path, place: str, size: int) -> None:
    (lake / place).parent.mkdir(parents=True, exist_ok=True)
    with (lake / place).open("wb") as file:
        file.truncate(size)


def kind(lake: Path, *stages: dict[str, Any], **values: Any) -> str:
    given = values_from({"lake": str(lake), **values})
    return kind_of_run({"parameters": {"month": {"type": "string", "default": "05"}}, "stages": [*stages, SQL]}, "dev", given)


@pytest.mark.parametrize(
    ("size", "name", "expected"),
    [
        (LITTLE_BYTES, "a.csv", SMALL_RUN),
        (LITTLE_BYTES + 1, "a.csv", RUN),
        (LITTLE_BYTES // 4, "a.CSV.GZ", SMALL_RUN),
        (LITTLE_BYTES // 4 + 1, "a.parquet", RUN),
    ],
)
def test_the_size_of_what_is_read_decides(tmp_path: Path, size: int, name: str, expected: str) -> None:
    lies(tmp_path, f"raw/{name}", size)
    assert kind(tmp_path, EXTRACT | {"inputURI": f"raw/{name}"}) == expected


def test_all_that_is_read_counts_together(tmp_path: Path) -> None:
    for month in ("04", "05", "06"):
        lies(tmp_path, f"raw/{month}.csv", LITTLE_BYTES // 2)
    assert kind(tmp_path, EXTRACT | {"inputURI": "raw"}) == kind(tmp_path, EXTRACT | {"inputURI": "raw/*.csv"}) == RUN
    one = EXTRACT | {"inputURI": "raw/${month}.csv"}
    assert kind(tmp_path, one) == SMALL_RUN
    assert kind(tmp_path, one, EXTRACT | {"inputURI": "raw/06.csv"}) == SMALL_RUN
    assert kind(tmp_path, one, EXTRACT | {"inputURI": "raw/06.csv"}, EXTRACT | {"inputURI": "raw/04.csv"}) == RUN
    assert kind(tmp_path, one, EXTRACT | {"inputURI": "raw/0[46].csv", "environments": ["prod"]}) == SMALL_RUN  # not here


def test_what_is_not_in_a_folder_of_this_machine_may_be_any_size(tmp_path: Path) -> None:
    assert kind(tmp_path) == SMALL_RUN
    for elsewhere in ("open:a.csv", "s3a://bucket/there/a.csv", "nowhere:a.csv", "../a.csv"):
        assert kind(tmp_path, EXTRACT | {"inputURI": elsewhere}, **ANOTHER_BUCKET) == RUN
    assert kind(tmp_path, {"type": "JDBCExtract", "name": "read", "connection": "shop", "table": "a", "outputView": "rows"}) == RUN


@pytest.mark.parametrize("wrong", [b"{", {}, {"stages": 3}, {"stages": [3, {"type": "No"}, {"type": "DelimitedExtract", "inputURI": 3}]}])
def test_a_document_that_is_wrong_is_judged_later(tmp_path: Path, wrong: Any) -> None:
    assert kind_of_run(as_written(wrong), None, values_from({"lake": str(tmp_path)})) in (RUN, SMALL_RUN)


def test_a_job_that_took_long_before_is_no_small_run(tmp_path: Path) -> None:
    assert kind(tmp_path, took_seconds=LONG_SECONDS) == SMALL_RUN
    assert kind(tmp_path, took_seconds=LONG_SECONDS + 1) == RUN
