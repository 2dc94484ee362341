"""What must be true of every stage type, whoever adds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.document.forms import form_fields
from executor.document.job import check
from executor.document.reference import reference
from executor.stages import STAGE_TYPES, Stage
from executor.stages.file_kinds import FileLoad
from tests.executor.documents import document, sql_stage

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

EVERY = pytest.mark.parametrize("cls", STAGE_TYPES.values(), ids=STAGE_TYPES.keys())
VIEWS = {
    "flights": "SELECT 'JFK' AS origin",
    "airlines": "SELECT 'UA' AS carrier, '1926' AS founded",
    "daily_delays": "SELECT 'JFK' AS origin, DATE'2013-01-01' AS day, 12 AS flights, 3.5 AS mean_delay",
}
"""Views that examples read."""


def job_around(example: dict[str, Any]) -> dict[str, Any]:
    """A job in which the example can work: the views it reads are made before it."""
    reads = STAGE_TYPES[example["type"]].model_validate(example).reads()
    return document(*[sql_stage(f"make_{name}", sql=VIEWS[name], outputView=name) for name in reads], example)


@EVERY
def test_it_says_what_it_does(cls: type[Stage]) -> None:
    assert cls.__doc__ and cls.__doc__.strip().endswith(".")


@EVERY
def test_every_field_has_a_label_and_help(cls: type[Stage]) -> None:
    silent = [field["name"] for field in form_fields(cls) if not field["help"] or field["label"] == field["name"]]
    assert silent == []


@EVERY
def test_its_example_is_right(cls: type[Stage]) -> None:
    assert check(job_around(cls.example)) == []


@EVERY
def test_its_icon_is_one_of_tablers(cls: type[Stage]) -> None:
    assert cls.icon != "point" and cls.icon.replace("-", "").isalnum()


@pytest.mark.parametrize("cls", [cls for cls in STAGE_TYPES.values() if issubclass(cls, FileLoad)])
def test_what_a_load_has_written_can_be_read_again(cls: type[FileLoad]) -> None:
    reader = {"name": "again", "inputURI": "out", "outputView": "again"} | cls.model_validate(cls.example).reader()
    assert check(document(reader)) == []


@EVERY
def test_it_stands_in_the_reference(cls: type[Stage]) -> None:
    assert f"### {cls.example['type']}\n" in reference()


@EVERY
def test_it_takes_all_common_fields(cls: type[Stage]) -> None:
    more = {"id": "1", "description": "why", "environments": ["dev"], "params": {"a": {"b": 1}}}
    assert check(job_around(cls.example | more)) == []


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Files that examples read."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "flights.csv").write_text("origin,dest\nJFK,LAX\n")
    (tmp_path / "raw" / "airports.json").write_text(json.dumps({"faa": "JFK"}) + "\n")
    return tmp_path


@pytest.mark.spark
@EVERY
def test_its_example_runs(cls: type[Stage], spark_process: SparkProcess, lake: Path) -> None:
    from tests.executor.running import run_here

    if cls.example["type"] == "ParquetExtract":
        spark_process.session.sql(VIEWS["daily_delays"]).write.parquet(str(lake / "curated" / "daily_delays"))
    outcome = run_here(spark_process, job_around(cls.example)["stages"], lake)
    assert (outcome.code, outcome.result) == (0, "succeeded"), outcome.events
