"""Reading delimited text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def extract(uri: str | None = "raw/a.csv", **more: Any) -> dict[str, Any]:
    given = {"inputURI": uri} if uri else {}
    return {"type": "DelimitedExtract", "name": "read", "outputView": "t", "header": True, **given, **more}


def test_all_columns_are_text_and_rows_are_numbered(bench: Bench) -> None:
    bench.write("raw/a.csv", "id,name\n1,ann\n2,\n")
    assert bench.run(extract()).table("t") == [("1", "ann", "raw/a.csv", 1), ("2", None, "raw/a.csv", 2)]
    assert bench.view("t").dtypes == [("id", "string"), ("name", "string"), ("_filename", "string"), ("_index", "bigint")]
    assert bench.view("t").schema["_index"].metadata["internal"] is True


def test_without_header_columns_have_numbers(bench: Bench) -> None:
    bench.write("raw/a.csv", "1;x\n")
    bench.run(extract(header=False, delimiter="Custom", customDelimiter=";"))
    assert bench.view("t").select("_c0", "_c1").collect()[0].asDict() == {"_c0": "1", "_c1": "x"}


def test_each_file_is_numbered_from_one_however_spark_splits_it(bench: Bench) -> None:
    bench.write("raw/a.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 2001)))
    bench.write("raw/b b.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 301)))
    bench.spark.conf.set("spark.sql.files.maxPartitionBytes", "1000")
    try:
        bench.run(extract("raw/*.csv"), extract("raw/a.csv", name="one", outputView="one"))
        for view, count in (("t", 2300), ("one", 2000)):
            rows = bench.view(view)
            assert rows.rdd.getNumPartitions() > 3
            assert (rows.count(), rows.where("int(n) <> _index").count()) == (count, 0)
        assert {row[0] for row in bench.view("t").select("_filename").distinct().collect()} == {"raw/a.csv", "raw/b b.csv"}
    finally:
        bench.spark.conf.unset("spark.sql.files.maxPartitionBytes")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_blanks_and_ends_at_any_place_of_a_part_move_no_number(bench: Bench, end: str) -> None:
    """Parts are cut at every place of a line, between the two signs of its end, too; a mark of byte order stands before the names."""
    lines = [f"{n},{'x' * (n % 7)}" + ("" if n % 5 else f"{end}{' ' * (n % 3)}{end}\t") for n in range(1, 401)]
    bench.write("raw/a.csv", "\ufeff" + end.join([" ", "n,text", *lines]))
    bench.spark.conf.set("spark.sql.files.maxPartitionBytes", "37")
    try:
        rows = bench.run(extract()).view("t")
        assert rows.rdd.getNumPartitions() > 50
        assert (rows.count(), rows.where("int(n) <> _index").count()) == (400, 0)
    finally:
        bench.spark.conf.unset("spark.sql.files.maxPartitionBytes")


def test_a_file_that_is_split_among_cores_is_numbered_without_a_gap(bench: Bench) -> None:
    """Spark splits what takes longer to read than to open, and gives each core a share of it."""
    bench.write("raw/a.csv", "n\n" + "".join(f"{n:>40}\n" for n in range(1, 120_001)))
    bench.spark.conf.set("spark.sql.files.minPartitionNum", "16")
    try:
        rows = bench.run(extract()).view("t")
        assert rows.rdd.getNumPartitions() == 2
        assert (rows.count(), rows.where("int(n) <> _index").count()) == (120_000, 0)
    finally:
        bench.spark.conf.unset("spark.sql.files.minPartitionNum")


def test_a_preview_reads_the_first_rows_with_their_numbers(bench: Bench) -> None:
    bench.write("raw/a.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 101)))
    bench.row_limit = 5
    assert bench.run(extract()).table("t") == [(str(n), "raw/a.csv", n) for n in range(1, 6)]


def test_without_contiguous_index_rows_get_some_number(bench: Bench) -> None:
    bench.write("raw/a.csv", "n\n1\n")
    assert bench.run(extract(contiguousIndex=False)).view("t").columns == ["n", "_monotonically_increasing_id", "_filename"]


def test_text_in_a_view_is_read(bench: Bench) -> None:
    lines = {
        "type": "SQLTransform",
        "name": "lines",
        "sql": "SELECT * FROM VALUES ('k', 'a|b'), ('l', 'c|d') AS t(k, v)",
        "outputView": "lines",
    }
    bench.run(lines, extract(None, header=False, inputView="lines", inputField="v", delimiter="Pipe"))
    assert bench.table("t") == [("a", "b", "", 1), ("c", "d", "", 2)]
    problem = bench.fails(lines, extract(None, inputView="lines"))
    assert (problem.code, problem.field) == ("input-field", "inputField")


def test_nothing_there_is_an_empty_view_when_the_columns_are_known(bench: Bench) -> None:
    known = (
        {"name": "id", "type": "integer", "nullable": True},
        {"name": "at", "type": "date", "nullable": True, "formatters": ["uuuu-MM-dd"]},
    )
    bench.write("schema.json", json.dumps(known))
    bench.write("raw/empty.csv", "")
    assert bench.run(extract("raw/empty.csv", schemaURI="schema.json")).table("t") == []
    assert bench.view("t").dtypes[:2] == [("id", "int"), ("at", "date")]
    assert bench.view("t").columns[2:] == ["_filename", "_index"]
    assert "holds nothing" in bench.logs[0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "input-empty"),
        ("a;b\n1;2\n", "input-separator"),
        ("a,b\n1,2\n3\n", "input-row-width"),
        (b"a,b\n1,\xfc\n", "input-encoding"),
        ('a,b\n1,"x\ny"\n', "input-line-break"),
    ],
)
def test_a_bad_file_fails_the_stage_before_spark_reads_it(bench: Bench, content: str | bytes, code: str) -> None:
    bench.write("raw/a.csv", content)
    assert bench.fails(extract()).code == code


def test_quoted_values_may_go_over_lines_when_told(bench: Bench) -> None:
    bench.write("raw/a.csv", 'a,b\n1,"x\ny"\n')
    assert bench.run(extract(multiLine=True)).table("t")[0][:2] == ("1", "x\ny")


def test_a_partition_column_that_is_not_there_is_told_with_the_nearest(bench: Bench) -> None:
    bench.write("raw/a.csv", "origin\nJFK\n")
    problem = bench.fails(extract(partitionBy=["orign"]))
    assert (problem.code, problem.field, problem.fix) == ("column-unknown", "partitionBy", "Did you mean “origin”?")


def test_a_field_that_does_nothing_yet_is_told_in_the_log(bench: Bench) -> None:
    bench.write("raw/a.csv", "n\n1\n")
    bench.run(extract(watermark={"eventTime": "n", "delayThreshold": "1 hour"}))
    assert bench.logs == ["“watermark” is set but not used: a watermark is for endless (streaming) input; this job reads files once."]
    bench.run(extract())
    assert len(bench.logs) == 1
