"""A run notes the columns of what it reads and writes, in the same words as the look at the place where it shall run next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from executor.running.survey import survey
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

CSV = {"type": "DelimitedExtract", "name": "flights", "inputURI": "raw/flights", "header": True, "outputView": "flights"}
LINES = {"type": "JSONExtract", "name": "planes", "inputURI": "raw/planes.jsonl", "multiLine": False, "outputView": "planes"}
DAILY = {
    "type": "SQLTransform",
    "name": "daily",
    "sql": "SELECT origin, CAST(delay AS DECIMAL(9,2)) AS delay, to_date(day) AS day, named_struct('a', 1L) AS s, array(1) AS l "
    "FROM flights",
    "outputView": "daily",
}


def load(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"{kind}Load", "name": f"save_{kind}", "inputView": "daily", "outputURI": f"curated/{kind}", **fields}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "raw/flights/year=2013").mkdir(parents=True)
    (tmp_path / "raw/flights/year=2013/a.csv").write_text("origin,delay,day\nJFK,12,2013-01-01\n")
    (tmp_path / "raw/planes.jsonl").write_text('{"tail": "N1", "seats": 2}\n{"tail": null}\n')
    return tmp_path


def noted(process: SparkProcess, stages: list[dict[str, Any]], lake: Path) -> dict[str, Any]:
    """Stage → what it noted."""
    outcome = run_here(process, stages, lake)
    assert outcome.result == "succeeded", outcome.events
    return {event["stage"]: event["details"] for event in outcome.named("stage_finished")}


def there(stages: list[dict[str, Any]], lake: Path) -> dict[str, Any]:
    """Stage → columns that the look before a run finds."""
    told = survey({"document": json.dumps({"stages": stages})}, lake, lambda what, done, whole: None)
    return {one["stage"]: one["columns"] for one in [*told["inputs"], *told["outputs"]]}


def test_what_a_run_notes_of_its_inputs_is_what_the_look_finds(spark_process: SparkProcess, lake: Path) -> None:
    stages = [CSV, LINES, DAILY, load("Parquet")]
    found = noted(spark_process, stages, lake)
    look = there(stages, lake)
    assert found["flights"]["read"] == {"uri": "raw/flights", **look["flights"]}
    assert found["planes"]["read"] == {"uri": "raw/planes.jsonl", **look["planes"]}
    assert look["flights"]["columns"] == [["origin", "text"], ["delay", "text"], ["day", "text"], ["year", "text, from the folder's name"]]
    assert look["planes"]["columns"] == [["tail", "text"], ["seats", "number"]]


def test_what_a_run_notes_of_its_output_is_what_lies_there_afterwards(spark_process: SparkProcess, lake: Path) -> None:
    flat = {**DAILY, "sql": "SELECT origin, CAST(delay AS DECIMAL(9,2)) AS delay, to_date(day) AS day FROM flights"}
    for stages in (
        [CSV, DAILY, load("Parquet", partitionBy=["day"])],
        [CSV, DAILY, load("JSON")],
        [CSV, flat, load("Delimited", header=True, delimiter="Pipe")],
        [CSV, flat, load("Delimited", header=False, outputURI="curated/bare")],
    ):
        wrote = noted(spark_process, stages, lake)[stages[-1]["name"]]["wrote"]
        look = there(stages, lake)[stages[-1]["name"]]
        same = ("columns", "is_named", "is_whole")
        assert wrote["columns"] and [wrote[key] for key in same] == [look[key] for key in same]


def test_types_of_parquet_are_told_in_words_of_sql(spark_process: SparkProcess, lake: Path) -> None:
    wrote = noted(spark_process, [CSV, DAILY, load("Parquet")], lake)["save_Parquet"]["wrote"]
    assert dict(wrote["columns"])["delay"] == "decimal(9, 2)" and dict(wrote["columns"])["day"] == "date"
    assert wrote["rows"] == 1


def test_times_that_spark_reads_alike_are_one_type(spark_process: SparkProcess, lake: Path) -> None:
    """Times as Spark writes them, and as pandas does with the name of a zone, in a dictionary, with large texts."""
    times = {**DAILY, "sql": "SELECT CAST(day AS TIMESTAMP) AS t, CAST(day AS TIMESTAMP_NTZ) AS n, origin FROM flights"}
    wrote = noted(spark_process, [CSV, times, load("Parquet")], lake)["save_Parquet"]["wrote"]
    assert wrote["columns"] == [["t", "timestamp"], ["n", "timestamp without zone"], ["origin", "string"]]
    kinds = [pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ms"), pa.dictionary(pa.int32(), pa.large_string())]
    made = pa.table([pa.array([None], kind) for kind in kinds], names=["t", "n", "origin"])
    (lake / "raw/pandas").mkdir()
    pq.write_table(made, lake / "raw/pandas/a.parquet")
    read = {"type": "ParquetExtract", "name": "pandas", "inputURI": "raw/pandas", "outputView": "pandas"}
    assert there([read], lake)["pandas"]["columns"] == wrote["columns"]


def test_a_table_that_is_too_wide_is_not_noted_as_whole(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "raw/wide.csv").write_text(",".join(f"c{index}" for index in range(1_200)) + "\n" + ",".join("1" * 1_200) + "\n")
    details = noted(spark_process, [{**CSV, "inputURI": "raw/wide.csv"}, load("Parquet", inputView="flights")], lake)
    assert details["flights"]["read"]["is_whole"] is False and len(details["flights"]["read"]["columns"]) == 1_000


SAVE_ALL = [
    {"type": "JSONExtract", "name": "read", "inputURI": "raw/in.jsonl", "multiLine": False, "outputView": "read"},
    {"type": "SQLTransform", "name": "all", "sql": "SELECT * EXCEPT (_filename, _index) FROM read", "outputView": "rows"},
]


@pytest.mark.parametrize("kind", ["Parquet", "JSON", "Delimited"])
def test_an_output_of_other_types_than_the_job_wrote_last_is_told(spark_process: SparkProcess, lake: Path, kind: str) -> None:
    """Numbers that come as text would be sorted and added up otherwise by whoever reads the output."""
    save = {"type": f"{kind}Load", "name": "save", "inputView": "rows", "outputURI": "curated/rows"}
    outcomes = []
    for text in ('{"id": 9, "v": 1}\n', '{"id": 10, "v": 2}\n', '{"id": "11", "w": 2}\n', '{"id": "12", "w": 3}\n'):
        (lake / "raw/in.jsonl").write_text(text)
        outcomes.append(run_here(spark_process, [*SAVE_ALL, save], lake))
    assert [outcome.result for outcome in outcomes] == ["succeeded", "succeeded", "succeeded_with_warnings", "succeeded"]
    (warning,) = next(event for event in outcomes[2].named("stage_finished") if event["stage"] == "save")["details"]["warnings"]
    assert warning["code"] == "output-columns-changed"
    assert "“id”" not in warning["message"], "names of columns come from the data; they are told once, and to whoever may see it"
    assert warning["found"] == "“id” was bigint and is string now; “v” is gone; “w” is new"


def test_another_document_may_write_other_columns(spark_process: SparkProcess, lake: Path) -> None:
    (lake / "raw/in.jsonl").write_text('{"id": 9}\n')
    for expression in ("id", "CAST(id AS string) AS id", "id, 1 AS one"):
        query = {"type": "SQLTransform", "name": "all", "sql": f"SELECT {expression} FROM read", "outputView": "rows"}
        save = {"type": "ParquetLoad", "name": "save", "inputView": "rows", "outputURI": "curated/rows"}
        assert run_here(spark_process, [SAVE_ALL[0], query, save], lake).result == "succeeded"
