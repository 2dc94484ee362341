"""What a job publishes, as a statement for Hive and Athena: types just so, and no name or text that is read as anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from executor.catalog.hive import ddl
from executor.catalog.tables import Column, Table, table_at
from executor.catalog.types import hive_type
from executor.files import marks
from executor.problems import ProblemError
from executor.stores.roots import Roots

HERE = "file:///srv/lake"
EVIL = ["a`b", "`", "x` int) LOCATION '/etc' --", "sélect", "select", "数", "a b", "a'b", 'a"b', "a\\b", "--", "/*", "a=b", "👍"]


def field(name: str, kind: Any = "string", description: str = "", *, is_folder: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "description": description, "is_folder": is_folder}


def publish(lake: Path, *fields: dict[str, Any], form: str = "parquet", files: tuple[str, ...] = ("part-0",), **written: str) -> str:
    folder = lake / "curated/daily"
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("x")
    noted = marks.columns_noted(marks.Columns("sha", {}, schema=list(fields)))
    marks.mark(folder, {"run_id": "r1", "format": form, "written": written, **noted})
    return ddl(table_at(Roots(lake), "curated/daily", HERE))


def code_of(work: Any) -> str:
    with pytest.raises(ProblemError) as refused:
        work()
    return refused.value.problems[0].code


def test_a_table_of_parquet_with_folders(tmp_path: Path) -> None:
    kinds = ["long", "decimal(10,2)", "timestamp", {"type": "array", "elementType": "date", "containsNull": True}]
    struct = {"type": "struct", "fields": [{"name": "A", "type": "short"}, {"name": "b", "type": "binary"}]}
    fields = [field(f"C{place}", kind) for place, kind in enumerate(kinds)]
    said = publish(
        tmp_path,
        *fields,
        field("s", struct, "it's\na \\ `comment`; ${env:HOME}"),
        field("day", "date", is_folder=True),
        field("at", "timestamp", is_folder=True),
        files=("day=2013-01-01/at=2013-01-01 05%3A00%3A00/part-0",),
    )
    assert said == (
        "-- Times with a zone are told in UTC.\n"
        "-- After a publish with new folders: MSCK REPAIR TABLE again.\n"
        "CREATE EXTERNAL TABLE `curated_daily` (\n"
        "  `c0` bigint,\n  `c1` decimal(10,2),\n  `c2` timestamp,\n  `c3` array<date>,\n"
        "  `s` struct<a:smallint,b:binary> COMMENT 'it\\'s a \\\\ `comment`\\u003B \\u0024{env:HOME}'\n"
        ")\nPARTITIONED BY (\n  `day` date,\n  `at` string\n)\n"
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'\n"
        "WITH SERDEPROPERTIES ('serialization.format' = '1')\n"
        "STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'\n"
        "  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'\n"
        "LOCATION 'file:///srv/lake/curated/daily'\n"
        "TBLPROPERTIES ('classification' = 'parquet');\n"
        "MSCK REPAIR TABLE `curated_daily`;\n"
    )
    (partition,) = table_at(Roots(tmp_path), "curated/daily", HERE).partitions
    assert partition.values == ("2013-01-01", "2013-01-01 05:00:00") and partition.location.endswith("/at=2013-01-01 05%3A00%3A00")


def test_text_is_read_by_the_reader_that_takes_it_as_it_is_written(tmp_path: Path) -> None:
    fields = field("n", "integer", "how many"), field("t")
    quoted = publish(tmp_path, *fields, form="delimited", delimiter=",", quote='"', escape='"', header="true")
    assert "`n` string COMMENT 'how many (int)',\n  `t` string\n" in quoted and "OpenCSVSerde" in quoted
    assert "'escapeChar' = '\\u0001'" in quoted and "'skip.header.line.count' = '1'" in quoted
    plain = publish(tmp_path, *fields, form="delimited", delimiter="\t", quote="", header="false", nullValue="NA", decimalSign=".")
    assert "`n` int COMMENT 'how many'" in plain and "LazySimpleSerDe" in plain and "'serialization.null.format' = 'NA'" in plain
    assert "'field.delim' = '\\u0009'" in plain and "skip.header" not in plain
    comma = publish(tmp_path, field("d", "double"), form="delimited", delimiter=";", quote="", decimalSign=",")
    assert "`d` string COMMENT '(double)'" in comma and "'field.delim' = '\\u003B'" in comma
    assert code_of(lambda: publish(tmp_path, *fields, form="delimited", delimiter="||", quote='"')) == "catalog-text"


def test_days_and_bytes_are_text_in_json(tmp_path: Path) -> None:
    nested = {"type": "array", "elementType": "timestamp_ntz"}
    said = publish(tmp_path, field("d", "date"), field("n", "long"), field("a", nested), form="json")
    assert "`d` string,\n  `n` bigint,\n  `a` array<string>\n" in said and "JsonSerDe" in said


@pytest.mark.parametrize(
    "kind",
    [
        "interval day to second",
        "variant",
        "void",
        "decimal(39,2)",
        {"type": "struct", "fields": []},
        {"type": "struct", "fields": [{"name": "a:int,b", "type": "string"}]},
        {"type": "struct", "fields": [{"name": "a", "type": "string"}, {"name": "A", "type": "string"}]},
        {"type": "udt"},
        "string> , `x` array<int",
    ],
)
def test_a_type_that_hive_does_not_have_is_refused_by_its_column(kind: Any) -> None:
    with pytest.raises(ProblemError, match="“amount”"):
        hive_type(kind, "amount")


@pytest.mark.parametrize("name", ["a\nb", "a.b", "a:b", "a;b", "a,b", "${env:HOME}", "\x00", " a", "a\u2028b", "x" * 256])
def test_a_name_that_a_metastore_takes_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    assert code_of(lambda: publish(tmp_path, field(name))) == "catalog-name"


def test_names_that_differ_in_capitals_alone_are_one_there(tmp_path: Path) -> None:
    assert code_of(lambda: publish(tmp_path, field("a"), field("A"))) == "catalog-name"


def test_what_cannot_be_told_is_refused_in_words(tmp_path: Path) -> None:
    publish(tmp_path, field("a"))
    assert code_of(lambda: table_at(Roots(tmp_path), "curated/daily")) == "catalog-no-address"
    assert code_of(lambda: table_at(Roots(tmp_path), "raw/brought.csv", HERE)) == "catalog-no-columns"
    assert code_of(lambda: ddl(table_at(Roots(tmp_path), "curated/daily", HERE), name="a; DROP TABLE b")) == "catalog-name"
    odd = ("day=1/part-0", "part-1")
    assert code_of(lambda: publish(tmp_path, field("a"), field("day", is_folder=True), files=odd)) == "catalog-folders"


def evil_table() -> Table:
    columns = tuple(Column(name.lower(), "string", f"{name} ' \\' \n -- ${{x}} ;") for name in EVIL)
    return Table(
        "t", "delimited", columns, (Column("d`ay", "string"),), "s3://b/it's;${x}\\", True, written={"delimiter": ";", "quote": '"'}
    )


@pytest.mark.spark
def test_a_parser_of_such_statements_reads_every_name_and_text_back(spark_process: Any) -> None:
    create, repair, rest = ddl(evil_table(), "select", "table").split(";\n")
    parser = spark_process.session._jsparkSession.sessionState().sqlParser()
    plan = parser.parsePlan(create)
    names = [column.name() for column in java_list(spark_process, plan.columns())]
    comments = [column.comment().get() for column in java_list(spark_process, plan.columns()) if column.comment().isDefined()]
    assert names == [*(name.lower() for name in EVIL), "d`ay"] and not rest
    assert comments == [f"{name} ' \\' \n -- ${{x}} ;" for name in EVIL]
    assert plan.tableSpec().location().get() == "s3://b/it's;${x}\\" and "d`ay" in plan.partitioning().toString().replace("``", "`")
    assert "RepairTable" in parser.parsePlan(repair).getClass().getName()


def java_list(process: Any, found: Any) -> list[Any]:
    return list(process.session._jvm.scala.jdk.javaapi.CollectionConverters.asJava(found))
