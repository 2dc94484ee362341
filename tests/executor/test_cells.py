"""Values in previews and in the API are exact, also inside of structs, lists, maps and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from executor.running.cells import MAX_CELL, first_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("struct(12.30BD AS d, 9223372036854775807 AS n, 1 AS i, 0.1D AS x)", {"d": "12.30", "n": "9223372036854775807", "i": 1, "x": 0.1}),
        ("array(9007199254740993, 5)", ["9007199254740993", 5]),
        ("map('a', CAST(1 AS decimal(38,10)))", {"a": "1.0000000000"}),
        ("struct(struct(array(1.10BD) AS l) AS s)", {"s": {"l": ["1.10"]}}),
        (
            "struct(TIMESTAMP'2024-01-05 10:00:00.123456' AS t, TIMESTAMP'2024-01-05 10:00:00' AS u)",
            {"t": "2024-01-05 10:00:00.123456", "u": "2024-01-05 10:00:00"},
        ),
        ("struct(double('NaN') AS x, CAST(NULL AS int) AS y)", {"x": "NaN", "y": None}),
        (
            'parse_json(\'{"n": 9223372036854775807, "d": 0.1234567890123456789, "x": 1.5}\')',
            {"n": "9223372036854775807", "d": "0.1234567890123456789", "x": 1.5},
        ),
        ("struct(true AS b, 'NaN' AS s, '12' AS n)", {"b": True, "s": "NaN", "n": "12"}),
        ("struct(1.1F AS f, 1e300D AS g)", {"f": 1.1, "g": 1e300}),
    ],
)
def test_a_value_inside_is_as_exact_as_one_of_its_own(spark: SparkSession, sql: str, expected: Any) -> None:
    rows, complete, cut = first_rows(spark.sql(f"SELECT {sql} AS c"), 5)
    assert (rows, complete, cut) == ([[expected]], True, 0)


@pytest.mark.parametrize(
    "sql",
    ["repeat('é', 4001)", "cast(repeat('b', 3001) AS binary)", "array(repeat('a', 4001))", "named_struct('s', repeat('a', 5000))"],
)
def test_a_cell_that_is_cut_is_counted_and_ends_with_a_mark(spark: SparkSession, sql: str) -> None:
    (short, cell), cut = _of(spark, sql)
    assert (short, cut, cell[-1], len(cell)) == ("a…", 1, "…", MAX_CELL + 1)


@pytest.mark.parametrize("sql", ["repeat('é', 4000)", "cast(repeat('b', 3000) AS binary)", "repeat('…', 4000)"])
def test_a_cell_that_just_fits_is_whole(spark: SparkSession, sql: str) -> None:
    (_, cell), cut = _of(spark, sql)
    assert (cut, len(cell)) == (0, MAX_CELL)


def _of(spark: SparkSession, sql: str) -> tuple[list[Any], int]:
    """The cells of one row, and how many of them are cut."""
    found = first_rows(spark.sql(f"SELECT 'a…' AS s, {sql} AS c"), 5)
    return found.rows[0], found.cut_cells
