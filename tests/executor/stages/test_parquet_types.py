"""Parquet as other programs write it: each type is read exactly, or told with its column and a fix."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark
NANOS = 1_700_000_000_123_456_789
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123456)
ID = UUID("f675b815-3d3b-490a-9646-c6faf41e0c07")


def extract(**more: Any) -> dict[str, Any]:
    return {"type": "ParquetExtract", "name": "read", "outputView": "t", "inputURI": "raw/a.parquet", **more}


def write(bench: Bench, column: pa.Array, uri: str = "raw/a.parquet", **options: Any) -> None:
    (bench.lake / uri).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": pa.array(range(len(column))), "c": column}), bench.lake / uri, **options)


def value(bench: Bench, column: pa.Array, **options: Any) -> Any:
    """The first value as Spark has it."""
    write(bench, column, **options)
    (row, *_) = bench.run(extract()).view("t").orderBy("id").collect()
    return row.asDict(recursive=True)["c"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1], pa.int8()), 1),
        (pa.array([255], pa.uint8()), 255),
        (pa.array([65535], pa.uint16()), 65535),
        (pa.array([4294967295], pa.uint32()), 4294967295),
        (pa.array([2**64 - 1], pa.uint64()), Decimal(2**64 - 1)),
        (pa.array([2**63 - 1], pa.int64()), 2**63 - 1),
        (pa.array([True], pa.bool_()), True),
        (pa.array([1.5], pa.float32()), 1.5),
        (pa.array([np.float16(-0.0999755859375)], pa.float16()), -0.0999755859375),
        (pa.array([np.float16(6e-8)], pa.float16()), 2**-24),
        (pa.array([np.float16("inf")], pa.float16()), float("inf")),
        (pa.array([Decimal("12345678901234567890123456789012.123456")]), Decimal("12345678901234567890123456789012.123456")),
        (pa.array([Decimal("-1.5")], pa.decimal256(20, 2)), Decimal("-1.50")),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array(["a"], pa.large_string()), "a"),
        (pa.array([b"a"], pa.binary()), bytearray(b"a")),
        (pa.array([b"ab"], pa.binary(2)), bytearray(b"ab")),
        (pa.array([ID.bytes], pa.uuid()), str(ID)),
        (pa.array([date(1500, 1, 1)]), date(1500, 1, 1)),
        (pa.array([NANOS], pa.timestamp("ns")), MOMENT),
        (pa.array([NANOS // 1000], pa.timestamp("us")), MOMENT),
        (pa.array([1_700_000_000_123], pa.timestamp("ms")), MOMENT.replace(microsecond=123000)),
        (pa.array([3_600_000], pa.time32("ms")), "01:00:00"),
        (pa.array([3_600_000_001], pa.time64("us")), "01:00:00.000001"),
        (pa.array([3_600_500_000_000], pa.time64("ns")), "01:00:00.5"),
        (pa.array([5], pa.duration("us")), 5),
        (pa.nulls(1), None),
        (pa.array([[NANOS]], pa.list_(pa.timestamp("ns"))), [MOMENT]),
        (
            pa.array([{"at": NANOS, "n": [3_600_000]}], pa.struct([("at", pa.timestamp("ns")), ("n", pa.list_(pa.time32("ms")))])),
            {"at": MOMENT, "n": ["01:00:00"]},
        ),
        (pa.array([[("k", 3_600_000_000)]], pa.map_(pa.string(), pa.time64("us"))), {"k": "01:00:00"}),
        (pa.array([[[1], None]], pa.list_(pa.list_(pa.int32()))), [[1], None]),
    ],
    ids=lambda value: str(value.type)[:40] if isinstance(value, pa.Array) else "",
)
def test_a_type_is_read_exactly(bench: Bench, column: pa.Array, expected: Any) -> None:
    assert value(bench, column) == expected


def test_moments_in_utc_and_before_1970_are_cut_not_rounded(bench: Bench) -> None:
    write(bench, pa.array([NANOS, -1, None], pa.timestamp("ns", "UTC")))
    bench.run(extract())
    found = [row.m for row in bench.spark.sql("SELECT unix_micros(c) AS m FROM t ORDER BY id").collect()]
    assert found == [NANOS // 1000, -1, None]


def test_old_forms_of_moments_and_lists_are_read(bench: Bench) -> None:
    write(bench, pa.array([NANOS - 789], pa.timestamp("ns")), use_deprecated_int96_timestamps=True)
    bench.run(extract())
    assert bench.spark.sql("SELECT unix_micros(CAST(c AS timestamp)) AS m FROM t").collect()[0].m == NANOS // 1000
    write(bench, pa.array([[1, 2]], pa.list_(pa.int32())), use_compliant_nested_type=False)
    assert bench.run(extract()).view("t").collect()[0].c == [1, 2]


def test_a_type_that_spark_has_not_is_told_with_its_column_and_can_be_left_out(bench: Bench) -> None:
    write(bench, pa.array([Decimal("123.45")], pa.decimal256(50, 2)))
    problem = bench.fails(extract())
    assert (problem.code, problem.data_column, problem.file) == ("parquet-unreadable", "c", "raw/a.parquet")
    assert problem.found == "“c” is DECIMAL(50,2) in raw/a.parquet" and "unreadableColumns" in (problem.fix or "")
    assert bench.run(extract(unreadableColumns="leave-out")).view("t").drop("_filename", "_index").columns == ["id"]
    assert [problem.found for problem in bench.warnings] == ["“c” (DECIMAL(50,2))"]


def test_names_that_differ_only_by_case_are_told(bench: Bench) -> None:
    (bench.lake / "raw").mkdir()
    pq.write_table(pa.table({"Id": [1], "id": [2]}), bench.lake / "raw/a.parquet")
    problem = bench.fails(extract())
    assert (problem.code, problem.found) == ("parquet-same-names", "“Id” and “id” in raw/a.parquet")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (pa.array([1], pa.int32()), pa.array([2**40], pa.int64()), ("bigint", [1, 2**40])),
        (pa.array([1], pa.int8()), pa.array([300], pa.int32()), ("int", [1, 300])),
        (pa.array([1.5], pa.float32()), pa.array([0.1], pa.float64()), ("double", [1.5, 0.1])),
        (
            pa.array([Decimal("1.5")], pa.decimal128(8, 2)),
            pa.array([Decimal("1.234")], pa.decimal128(12, 3)),
            ("decimal(12,3)", [Decimal("1.500"), Decimal("1.234")]),
        ),
        (pa.array([[1]], pa.list_(pa.int32())), pa.array([[2**40]], pa.list_(pa.int64())), ("array<bigint>", [[1], [2**40]])),
    ],
)
def test_types_of_two_files_are_widened(bench: Bench, one: pa.Array, other: pa.Array, expected: tuple[str, list[Any]]) -> None:
    write(bench, one, "raw/d/a.parquet")
    write(bench, other, "raw/d/b.parquet")
    frame = bench.run(extract(inputURI="raw/d")).view("t")
    assert (frame.schema["c"].dataType.simpleString(), [row.c for row in frame.orderBy("_filename").collect()]) == expected
    assert any("read as" in line for line in bench.logs)


@pytest.mark.parametrize("other", [pa.array(["x"]), pa.array([date(2024, 1, 1)]), pa.array([True]), pa.array([NANOS], pa.timestamp("ns"))])
def test_types_that_no_type_holds_are_told_with_both_files(bench: Bench, other: pa.Array) -> None:
    write(bench, pa.array([1], pa.int64()), "raw/d/a.parquet")
    write(bench, other, "raw/d/b.parquet")
    problem = bench.fails(extract(inputURI="raw/d"))
    assert problem.code == "parquet-types" and problem.data_column == "c"
    assert "raw/d/a.parquet" in str(problem.found) and "raw/d/b.parquet" in str(problem.found)


def test_a_column_that_one_file_has_not_is_null_there(bench: Bench) -> None:
    write(bench, pa.array([NANOS], pa.timestamp("ns")), "raw/d/a.parquet")
    pq.write_table(pa.table({"id": [9]}), bench.lake / "raw/d/b.parquet")
    rows = bench.run(extract(inputURI="raw/d")).view("t").orderBy("id").collect()
    assert [row.c for row in rows] == [MOMENT, None]


def test_the_rows_are_counted_by_the_footers(bench: Bench) -> None:
    write(bench, pa.array(range(1000)))
    bench.run(extract())
    assert bench.counts == {"out": 1000}


def test_rows_of_folders_by_a_column_keep_it(bench: Bench) -> None:
    write(bench, pa.array([NANOS], pa.timestamp("ns")), "raw/d/year=2013/a.parquet")
    (row,) = bench.run(extract(inputURI="raw/d")).view("t").collect()
    assert (row.c, str(row.year)) == (MOMENT, "2013")


def test_moments_with_a_zone_stay_moments(bench: Bench) -> None:
    write(bench, pa.array([NANOS], pa.timestamp("ns", "Europe/Berlin")))
    frame = bench.run(extract()).view("t")
    assert frame.schema["c"].dataType.simpleString() == "timestamp"
    assert frame.collect()[0].c.astimezone(UTC).replace(tzinfo=None) == MOMENT


def test_a_file_that_spark_cannot_unpack_is_told_before_it_is_read(bench: Bench) -> None:
    write(bench, pa.array([1.5, 2.5]), use_dictionary=False, column_encoding={"c": "BYTE_STREAM_SPLIT", "id": "PLAIN"})
    problem = bench.fails(extract())
    assert (problem.code, problem.data_column, problem.found) == ("parquet-packed", "c", "BYTE_STREAM_SPLIT of “c”")
    write(bench, pa.array([1.5]), compression="brotli")
    problem = bench.fails(extract())
    assert problem.code == "parquet-packed" and "zstd" in (problem.fix or "")
    for packed in ("gzip", "zstd", "lz4", "snappy", "none"):
        assert value(bench, pa.array([1.5]), compression=packed) == 1.5


def test_a_file_with_a_part_cut_out_is_told(bench: Bench) -> None:
    write(bench, pa.array([f"text {number}" for number in range(1000)]), use_dictionary=False, compression="none")
    file = bench.lake / "raw" / "a.parquet"
    content = file.read_bytes()
    file.write_bytes(content[:5000] + content[5600:])
    assert (bench.fails(extract()).code, "missing" in bench.fails(extract()).message) == ("parquet-packed", True)


def test_encrypted_files_are_called_so(bench: Bench) -> None:
    bench.write("raw/a.parquet", b"PARE" + bytes(100) + b"PARE")
    assert "encrypted" in (bench.fails(extract()).found or "")


def test_a_name_that_stands_twice_in_a_file_is_told_with_the_file(bench: Bench) -> None:
    (bench.lake / "raw").mkdir()
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), bench.lake / "raw" / "a.parquet")
    problem = bench.fails(extract())
    assert (problem.code, problem.file) == ("parquet-same-names", "raw/a.parquet")


def test_whole_numbers_and_decimals_of_two_files_are_one_column(bench: Bench) -> None:
    write(bench, pa.array([Decimal("1.23")]), "d/a.parquet")
    for number, kind in enumerate((pa.int8(), pa.int32(), pa.int64())):
        write(bench, pa.array([5], kind), f"d/b{number}.parquet")
    rows = bench.run(extract(inputURI="d")).view("t").select("c").collect()
    assert sorted(row.c for row in rows) == [Decimal("1.23"), Decimal("5.00"), Decimal("5.00"), Decimal("5.00")]
