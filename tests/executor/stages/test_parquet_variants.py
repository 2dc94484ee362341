"""Parquet with variants, shapes and intervals, from Spark and from others: read right, or told with the column and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from executor.look.footers import _footer
from executor.problems import ProblemError
from executor.running.cells import first_rows
from executor.spark.errors import translated

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark
POINT = "0101000000000000000000f03f0000000000000040"
POINT_64 = "AQEAAAAAAAAAAADwPwAAAAAAAABA"
NO_NAMES = bytes([1, 0, 0])
"""The names of a variant that has none."""
READ = {"type": "ParquetExtract", "name": "read", "outputView": "t", "inputURI": "raw/a.parquet"}
OWN = {"type": "SQLTransform", "name": "own", "outputView": "u", "sql": "SELECT * EXCEPT (_filename, _index) FROM t"}
SHREDDING = "spark.sql.variant.writeShredding.enabled"
FORCED = "spark.sql.variant.forceShreddingSchemaForTest"


def load(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": kind, "inputView": "u", "outputURI": f"out/{kind}", **more}


def by_spark(bench: Bench, sql: str, **options: str) -> None:
    before = {name: bench.spark.conf.get(name, None) for name in options}
    for name, value in options.items():
        bench.spark.conf.set(name, value)
    try:
        bench.spark.sql(sql).coalesce(1).write.mode("append").parquet(str(bench.lake / "raw/a.parquet"))
    finally:
        for name, value in before.items():
            bench.spark.conf.unset(name) if value is None else bench.spark.conf.set(name, value)


def by_others(bench: Bench, column: str, fill: Callable[[Any, Callable[[bytes], Any]], Any]) -> None:
    """One row: a number `id`, and the column, which `fill` gives its value."""
    jvm: Any = bench.spark._jvm
    schema = jvm.org.apache.parquet.schema.MessageTypeParser.parseMessageType(f"message m {{ required int32 id; {column} }}")
    (bench.lake / "raw").mkdir(exist_ok=True)
    path = jvm.org.apache.hadoop.fs.Path(f"file://{bench.lake}/raw/a.parquet")
    builder = jvm.org.apache.parquet.hadoop.example.ExampleParquetWriter.builder(path)
    writer = builder.withType(schema).withDictionaryEncoding(False).build()
    row = jvm.org.apache.parquet.example.data.simple.SimpleGroupFactory(schema).newGroup()
    row.add("id", 1)
    fill(row, jvm.org.apache.parquet.io.api.Binary.fromConstantByteArray)
    writer.write(row)
    writer.close()


def variant(bench: Bench, value: Any, typed: str = "", names: bytes = NO_NAMES) -> None:
    """A variant as its bytes, or, with `typed`, in a column of its own."""

    def fill(row: Any, binary: Callable[[bytes], Any]) -> None:
        group = row.addGroup("c")
        group.add("metadata", binary(names))
        group.add("typed_value" if typed else "value", binary(value) if isinstance(value, bytes) else value)

    by_others(bench, f"optional group c (VARIANT(1)) {{ required binary metadata; optional binary value; {typed} }}", fill)


def looked(bench: Bench) -> str:
    """The type of the column, as the page shows it before anything runs."""
    place = bench.lake / "raw/a.parquet"
    file = place if place.is_file() else next(place.glob("part*"))
    return _footer(SimpleNamespace(path=str(file), name="a"))[0]["c"]  # type: ignore[arg-type]


def shown(bench: Bench) -> Any:
    """The value as a preview shows it."""
    return first_rows(bench.run(READ).view("t").select("c"), 1).rows[0][0]


BY_SPARK = [
    ('parse_json(\'{"a":1,"b":[1.5,null]}\')', {}, {"a": 1, "b": [1.5, None]}, "variant"),
    ("parse_json('{\"a\":1}')", {SHREDDING: "false"}, {"a": 1}, "variant"),
    ('parse_json(\'{"a":1,"b":"x"}\')', {SHREDDING: "true", FORCED: "a int, b int"}, {"a": 1, "b": "x"}, "variant"),
    ("parse_json('{\"a\":1}')", {"spark.sql.parquet.variant.annotateLogicalType.enabled": "false"}, {"a": 1}, "variant"),
    ("array(parse_json('[1]'), NULL)", {}, [[1], None], "list<element: variant>"),
    ("named_struct('v', parse_json('7'))", {}, {"v": 7}, "struct<v: variant not null>"),
]


@pytest.mark.parametrize(("value", "options", "expected", "words"), BY_SPARK)
def test_a_variant_of_spark_is_read_and_written(bench: Bench, value: str, options: dict[str, str], expected: Any, words: str) -> None:
    by_spark(bench, f"SELECT {value} AS c", **options)
    assert (looked(bench), shown(bench)) == (words, expected)
    bench.run(READ, OWN, load("ParquetLoad"), load("JSONLoad", nulls="write"))
    again = {**READ, "inputURI": "out/ParquetLoad", "outputView": "again"}
    assert first_rows(bench.run(again).view("again").select("c"), 1).rows == [[expected]]
    (text,) = [file.read_text(encoding="utf-8") for file in (bench.lake / "out/JSONLoad").glob("part*.json")]
    assert json.loads(text) == {"c": expected}


def test_variants_of_files_that_differ_in_their_columns_are_one_column(bench: Bench) -> None:
    by_spark(bench, "SELECT 1 AS id, parse_json('{\"a\":1}') AS c", **{SHREDDING: "true", FORCED: "a int"})
    by_spark(bench, "SELECT 2L AS id, parse_json('\"z\"') AS c", **{SHREDDING: "false"})
    rows = first_rows(bench.run(READ).view("t").select("id", "c").orderBy("id"), 5).rows
    assert rows == [[1, {"a": 1}], [2, "z"]]


@pytest.mark.parametrize(
    ("value", "typed", "expected"),
    [
        (bytes([12, 5]), "", 5),
        (bytes([0x50, *range(16)]), "", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        (7, "optional int32 typed_value;", 7),
    ],
)
def test_a_variant_of_others_is_read(bench: Bench, value: Any, typed: str, expected: Any) -> None:
    variant(bench, value, typed)
    assert (looked(bench), shown(bench)) == ("variant", expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1_700_000_000_123_456_789, "int64 typed_value (TIMESTAMP(NANOS,true))"),
        (1_700_000_000_123_456_789, "int64 typed_value (TIMESTAMP(NANOS,false))"),
        (3_600_000_000_000, "int64 typed_value (TIME(MICROS,false))"),
        (bytes(range(16)), "fixed_len_byte_array(16) typed_value (UUID)"),
    ],
)
def test_a_variant_in_columns_that_spark_has_not_is_told_before_a_row_is_read(bench: Bench, value: Any, kind: str) -> None:
    variant(bench, value, f"optional {kind};")
    problem = bench.fails(READ)
    assert (problem.code, problem.data_column, problem.file) == ("parquet-unreadable", "c", "raw/a.parquet")
    assert "a variant with" in str(problem.found) and "without shredding" in (problem.fix or "")
    left = bench.run({**READ, "unreadableColumns": "leave-out"}).view("t").drop("_filename", "_index")
    assert left.collect()[0].asDict() == {"id": 1}
    assert "without shredding" in (bench.warnings[0].fix or "")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_variant_in_columns_that_spark_has_not_beside_a_whole_one_is_told_so(bench: Bench, *, is_first: bool) -> None:
    odd = (1_700_000_000_123_456_789, "optional int64 typed_value (TIMESTAMP(NANOS,true));")
    (bench.lake / "f").mkdir()
    for number, (value, typed) in enumerate([odd, (bytes([12, 5]), "")] if is_first else [(bytes([12, 5]), ""), odd]):
        variant(bench, value, typed)
        (bench.lake / "raw/a.parquet").rename(bench.lake / "f" / f"{number}.parquet")
    problem = bench.fails({**READ, "inputURI": "f"})
    assert (problem.code, problem.data_column, problem.file) == ("parquet-unreadable", "c", f"f/{0 if is_first else 1}.parquet")
    assert "without shredding" in (problem.fix or "")
    left = bench.run({**READ, "inputURI": "f", "unreadableColumns": "leave-out"}).view("t").drop("_filename", "_index")
    assert [row.asDict() for row in left.collect()] == [{"id": 1}, {"id": 1}]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (bytes([0x48]) + (1_700_000_000_123_456_789).to_bytes(8, "little"), NO_NAMES),  # nanoseconds
        (bytes([0x44]) + (3_600_000_000).to_bytes(8, "little"), NO_NAMES),  # a time of day
        (b"\xff\xff", b"xx"),
    ],
)
@pytest.mark.parametrize("kind", ["JSONLoad", "ParquetLoad", ""])
def test_a_value_of_a_variant_that_spark_cannot_read_is_told_in_our_words(bench: Bench, value: bytes, names: bytes, kind: str) -> None:
    variant(bench, value, names=names)
    with pytest.raises(ProblemError) as raised, translated():
        bench.run(READ, OWN, load(kind)) if kind else shown(bench)
    (problem,) = raised.value.problems
    assert problem.code == "variant-unreadable" and "variant" in problem.message and "as text" in (problem.fix or "")


def test_a_variant_for_a_text_file_is_told_with_its_column(bench: Bench) -> None:
    by_spark(bench, "SELECT parse_json('[1]') AS c, 1 AS id")
    with pytest.raises(ProblemError) as raised, translated():
        bench.run(READ, OWN, load("DelimitedLoad", header=True))
    (problem,) = raised.value.problems
    assert problem.code == "type-not-writable" and "“c”" in problem.message and "to_json" in (problem.fix or "")


@pytest.mark.parametrize("kind", ["GEOMETRY", "GEOMETRY(OGC:CRS84)", "GEOGRAPHY(OGC:CRS84)"])
def test_shapes_of_others_are_read_as_their_bytes_which_is_told(bench: Bench, kind: str) -> None:
    by_others(bench, f"optional binary c ({kind});", lambda row, binary: row.add("c", binary(bytes.fromhex(POINT))))
    assert (looked(bench), shown(bench)) == ("binary", POINT_64)
    assert any("bytes (WKB)" in line and "“c”" in line for line in bench.logs)
    bench.run(READ, OWN, load("ParquetLoad"), load("JSONLoad"), load("DelimitedLoad", header=True))
    assert bench.spark.read.parquet(str(bench.lake / "out/ParquetLoad")).collect()[0].c == bytes.fromhex(POINT)
    assert bench.spark.read.json(str(bench.lake / "out/JSONLoad")).collect()[0].c == POINT_64
    assert bench.spark.read.csv(str(bench.lake / "out/DelimitedLoad"), header=True).collect()[0].c == POINT_64


@pytest.mark.parametrize("make", ["ST_GeomFromWKB", "ST_GeogFromWKB"])
def test_shapes_of_spark_are_read_as_their_bytes(bench: Bench, make: str) -> None:
    by_spark(bench, f"SELECT {make}(X'{POINT}') AS c")
    assert shown(bench) == POINT_64


def test_shapes_in_a_list_are_read(bench: Bench) -> None:
    column = "optional group c (LIST) { repeated group list { optional binary element (GEOMETRY); } }"
    by_others(bench, column, lambda row, binary: row.addGroup("c").addGroup("list").add("element", binary(bytes.fromhex(POINT))))
    assert (looked(bench), shown(bench)) == ("list<element: binary>", [POINT_64])
    assert any("LIST with shapes" in line for line in bench.logs)


@pytest.mark.parametrize("is_list", [False, True])
def test_intervals_of_others_are_told(bench: Bench, *, is_list: bool) -> None:
    kind = "optional fixed_len_byte_array(12) {} (INTERVAL);"
    column = f"optional group c (LIST) {{ repeated group list {{ {kind.format('element')} }} }}" if is_list else kind.format("c")

    def fill(row: Any, binary: Callable[[bytes], Any]) -> None:
        row.addGroup("c").addGroup("list").add("element", binary(bytes(12))) if is_list else row.add("c", binary(bytes(12)))

    by_others(bench, column, fill)
    problem = bench.fails(READ)
    assert (problem.code, problem.data_column, "interval" in str(problem.found).lower()) == ("parquet-unreadable", "c", True)
    assert looked(bench) == ("list<element: interval>" if is_list else "interval")
    assert bench.run({**READ, "unreadableColumns": "leave-out"}).view("t").drop("_filename", "_index").columns == ["id"]


def test_intervals_of_spark_are_read_and_written(bench: Bench) -> None:
    by_spark(bench, "SELECT INTERVAL '1 02:03' DAY TO MINUTE AS c")
    assert shown(bench) == "INTERVAL '1 02:03' DAY TO MINUTE"
    bench.run(READ, OWN, load("ParquetLoad"), load("JSONLoad"))
    assert [problem.code for problem in bench.warnings] == ["interval-as-number"]
