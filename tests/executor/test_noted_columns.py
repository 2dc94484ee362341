"""A run notes the columns of what it reads and writes, in the same words as the look at the place where it shall run next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from executor.files.folder import place_of
from executor.look.footers import columns_by_footers
from executor.running.survey import survey
from executor.stores.roots import Roots
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
    told = survey({"document": json.dumps({"stages": stages})}, Roots(lake), lambda what, done, whole: None)
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


BY_PLACE = {"type": "DelimitedExtract", "name": "bare", "inputURI": "raw/month.csv", "header": False, "outputView": "bare"}
NAMED = {**BY_PLACE, "header": True}
ADDED = {"type": "SQLTransform", "name": "all", "sql": "SELECT sum(CAST(_c1 AS DOUBLE)) AS total FROM bare", "outputView": "rows"}
COUNTED = {**ADDED, "sql": "SELECT sum(try_cast(v AS DOUBLE)) AS total FROM bare"}
SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "rows", "outputURI": "curated/total"}
TYPED = {
    "type": "TypingTransform",
    "name": "typed",
    "inputView": "bare",
    "outputView": "rows",
    "schema": [
        {"name": "k", "type": "integer", "nullable": True},
        {"name": "v", "type": "decimal", "precision": 9, "scale": 2, "nullable": True},
    ],
}
EVERYTHING = {**ADDED, "sql": "SELECT * FROM bare"}


def months(process: SparkProcess, lake: Path, stages: list[dict[str, Any]], *texts: str) -> list[list[dict[str, Any]]]:
    """The warnings of the stage that reads, month by month."""
    told = []
    for text in texts:
        (lake / "raw/month.csv").write_text(text)
        (finished, *_) = run_here(process, stages, lake).named("stage_finished")
        told.append([one for one in finished["details"].get("warnings", []) if one["code"] == "input-columns-changed"])
    return told


@pytest.mark.parametrize(
    ("stages", "first", "second", "found"),
    [
        ([BY_PLACE, ADDED, SAVE], "1,10,5\n2,20,6\n", "x,1,10,5\nx,2,20,6\n", "3 columns before, 4 now"),
        ([BY_PLACE, ADDED, SAVE], "a,10,5\nb,20,6\n", "10,5,a\n20,6,b\n", "“_c0” held other text and holds whole numbers now; "),
        ([NAMED, COUNTED, SAVE], "k,v\n1,1.5\n2,2.5\n", 'k,v\n1,"1,5"\n2,"2,5"\n', "decimal point and holds numbers with a decimal comma"),
        (
            [NAMED, COUNTED, SAVE],
            "k,v\n13/01/2024,1\n",
            "k,v\n01/14/2024,1\n",
            "dates with the day first and holds dates with the month first",
        ),
        (
            [NAMED, COUNTED, SAVE],
            "k,v\n2024-01-13 10:00,1\n",
            "k,v\n2024-01-13 10:00+02:00,1\n",
            "held dates with the year first and holds times with a zone",
        ),
        (
            [NAMED, COUNTED, SAVE],
            "k,v\n2024-01-13,1\n",
            "k,v\n13.01.2024,1\n",
            "dates with the year first and holds dates with the day first",
        ),
        ([NAMED, TYPED, SAVE], "k,v\n1,1.5\n", "k,price\n1,7.25\n", "“v” is gone; “price” is new"),
        ([NAMED, TYPED, SAVE], "k,v\n1,1.5\n", "k,v\n", "it had rows, and has none now"),
        ([NAMED, COUNTED, SAVE], "k,v\n1,1.5\n", "k,v\n", "it had rows, and has none now"),
        ([NAMED, EVERYTHING, SAVE], "k,v\n1,1.5\n", "K\n1\n", "“v” is gone"),
    ],
)
def test_the_next_file_of_a_job_that_is_written_otherwise_is_told(
    spark_process: SparkProcess, lake: Path, stages: list[dict[str, Any]], first: str, second: str, found: str
) -> None:
    once, other = months(spark_process, lake, stages, first, second)
    assert not once
    (warning,) = other
    assert found in warning["found"]


@pytest.mark.parametrize(
    ("stages", "first", "second"),
    [([BY_PLACE, ADDED, SAVE], "1,10\n", "1,10,5\n"), ([NAMED, TYPED, SAVE], "k,v\n1,1.5\n", "k,price\n1,7.25\n")],
    ids=["by place", "by name"],
)
def test_the_next_file_is_told_once(spark_process: SparkProcess, lake: Path, stages: list[dict[str, Any]], first: str, second: str) -> None:
    told = months(spark_process, lake, stages, first, first, second, second)
    assert [len(warnings) for warnings in told] == [0, 0, 1, 0]


def test_a_column_that_a_new_file_of_a_folder_lacks_and_a_file_that_is_gone_are_told_once(spark_process: SparkProcess, lake: Path) -> None:
    """That some files lacked another one was said to be right: `otherHeaders: fill`."""
    (lake / "raw/months").mkdir()
    read = {**NAMED, "inputURI": "raw/months", "otherHeaders": "fill", "names": ["k", "v", "w"]}
    told = []
    files = {"a": "k,v,w\n1,2,3\n", "b": "k,v\n4,5\n", "c": "k,v\n6,7\n", "d": "k,w\n8,9\n", "e": "K,W\n1,1\n"}
    for name, text in [*files.items(), ("c", ""), ("c", "")]:
        file = lake / f"raw/months/{name}.csv"
        file.write_text(text) if text else file.unlink(missing_ok=True)
        (finished, *_) = run_here(spark_process, [read, COUNTED, SAVE], lake).named("stage_finished")
        told.append([warning["found"] for warning in finished["details"].get("warnings", [])])
    lacks = [["“w” was in every file, and some lack it now"], [], ["“v” was in every file, and some lack it now"]]
    assert told == [[], *lacks, [], ["“raw/months/c.csv”"], []]


def test_columns_that_parquet_files_lack_are_known(tmp_path: Path) -> None:
    for name, columns in (("a", {"k": [1], "V": [2]}), ("b", {"K": [3], "v": [4], "w": [5]})):
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    assert columns_by_footers(place_of(str(tmp_path), "raw")).partial == ["w"]


@pytest.mark.parametrize("place", ["curated/total", "curated/${month}"])
def test_a_file_named_by_a_parameter_is_compared_with_that_of_the_last_run(spark_process: SparkProcess, lake: Path, place: str) -> None:
    """Where the output has a place of its own each month, what the job has noted lies beside it."""
    results = []
    stages = [{**BY_PLACE, "inputURI": "raw/${month}.csv"}, ADDED, SAVE | {"outputURI": place}]
    for month, text in (("1", "1,10,5\n"), ("2", "1,10,5\n"), ("3", "1,1,10,5\n")):
        (lake / f"raw/{month}.csv").write_text(text)
        declared = {"month": {"type": "string"}}
        results.append(run_here(spark_process, stages, lake, declared=declared, parameters={"month": month}).result)
    assert results == ["succeeded", "succeeded", "succeeded_with_warnings"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("k,v\nA1,1\nB2,2\n", "k,v\n11,1\n12,2\n"),
        ("k,v\n1,1\n", "k,w,v\n1,x,1\n"),
        ("k,v\n1,1\n", "v,k\n1.5,1\n"),
        ("k,v\n1,1\n", "V,K,x\n2,1,5\n"),
        ("k,v\n", "k,v\n1,1\n"),
        ("k,v\n01/02/2024,1\n", "k,v\n14/02/2024,1\n"),
        ("k,v\n,1\n", "k,v\n2024-01-01,1\n"),
        ("k,v\nn/a,1\n1.5,1\n", 'k,v\n"1,5",1\n'),
    ],
)
def test_what_changes_nothing_for_columns_with_names_is_not_told(spark_process: SparkProcess, lake: Path, first: str, second: str) -> None:
    assert months(spark_process, lake, [NAMED, COUNTED, SAVE], first, second) == [[], []]
