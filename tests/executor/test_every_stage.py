"""What must be true of every stage type, whoever adds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.connections import CONNECTION_KINDS
from executor.connections.base import NAME
from executor.document.forms import form_fields
from executor.document.job import check
from executor.document.places import addresses, addresses_as_written, connections_as_written
from executor.document.reference import reference
from executor.plain import PATTERNS
from executor.stages import STAGE_TYPES, Stage
from executor.stages.base import ACTS, DECIDES, LOOKS, READS, WRITES
from executor.stages.file_kinds import PlaceLoad
from executor.stages.kinds import Load
from portal.jobs.plain_words import sentence
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


@EVERY
def test_it_says_what_it_does_at_each_address(cls: type[Stage]) -> None:
    """What is read, written, kept with a version, listed as used and compared with the target of a promotion hangs on that alone."""
    drawn = {field["name"] for field in form_fields(cls) if field["widget"] == "uri"}
    assert cls.address_fields().keys() == drawn
    assert set(cls.address_fields().values()) <= {READS, WRITES, DECIDES, LOOKS}
    words = cls.example | {field: f"some/{field}" for field in drawn}
    stage = cls.model_construct(**{name: words.get(info.alias or name, info.default) for name, info in cls.model_fields.items()})
    found = [(address.field, address.uri, address.does) for address in addresses({0: stage}, None)]
    assert found == [(field, f"some/{field}", does) for field, does in cls.address_fields().items() if does != LOOKS]
    assert [(one.field, one.uri, one.does) for one in addresses_as_written({"stages": [words]}, "dev", {})] == found


@EVERY
def test_it_says_what_it_does_through_each_connection(cls: type[Stage]) -> None:
    """What a run is given, what it can reach and what the editor offers hangs on that alone."""
    drawn = {field["name"]: field.get("offers") for field in form_fields(cls) if field["widget"] == "connection"}
    assert cls.connection_fields().keys() == drawn.keys()
    assert set(cls.connection_fields().values()) <= {READS, WRITES, ACTS}
    assert set(drawn.values()) <= {kind.offers for kind in CONNECTION_KINDS.values()}
    words = cls.example | dict.fromkeys(drawn, "some_shop")
    found = [("some_shop", field, does) for field, does in cls.connection_fields().items()]
    assert [(use.address, use.field, use.does) for use in cls.model_validate(words).connections()] == found
    assert [(one.uri, one.field, one.does) for one in connections_as_written({"stages": [words]}, "dev", {})] == found
    for field in drawn:
        job = job_around(cls.example)
        wrong = check(job | {"stages": [*job["stages"][:-1], cls.example | {field: "Shop DB"}]})
        assert [(one.code, one.field, one.expected) for one in wrong] == [("value-wrong-type", field, PATTERNS[f"^{NAME}$"])]


@EVERY
def test_it_tells_its_queries(cls: type[Stage]) -> None:
    """Errors, gates and what a preview keeps hang on that."""
    drawn = {field["name"] for field in form_fields(cls) if field["widget"] == "sql"}
    told = {query.field: query.text for query in cls.model_validate(cls.example).queries()}
    assert told == {name: cls.example[name] for name in drawn if name in cls.example}
    if drawn:
        of_file = {key: value for key, value in cls.example.items() if key not in drawn} | {"inputURI": "sql/one.sql"}
        assert [(query.field, query.text) for query in cls.model_validate(of_file).queries()] == [("inputURI", None)]


@EVERY
def test_it_is_a_sentence_for_people_who_know_no_types(cls: type[Stage]) -> None:
    assert cls.sentence.endswith(".") and "…" not in sentence(cls.example)


@EVERY
def test_what_works_outside_the_job_takes_no_part_in_previews(cls: type[Stage]) -> None:
    stage = cls.model_validate(cls.example)
    writes = isinstance(stage, Load) or any(use.does == WRITES for use in stage.uses())
    assert stage.in_previews == (not writes and stage.kind != "execute")


@pytest.mark.parametrize("cls", [cls for cls in STAGE_TYPES.values() if issubclass(cls, PlaceLoad)])
def test_what_a_load_has_written_can_be_read_again(cls: type[PlaceLoad]) -> None:
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

    if cls.example["type"] == "DeltaLakeExtract":
        spark_process.session.sql("SELECT 1 AS id").write.format("delta").save(str(lake / cls.example["inputURI"]))
    if cls.connection_fields():
        outcome = run_here(spark_process, job_around(cls.example)["stages"], lake)
        assert (outcome.result, outcome.problem["code"]) == ("failed", "connection-unknown")
        return
    if cls.example["type"] == "ParquetExtract":
        spark_process.session.sql(VIEWS["daily_delays"]).write.parquet(str(lake / "curated" / "daily_delays"))
    outcome = run_here(spark_process, job_around(cls.example)["stages"], lake)
    assert (outcome.code, outcome.result) == (0, "succeeded"), outcome.events
