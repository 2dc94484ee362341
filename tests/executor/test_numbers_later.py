"""Columns of which later stages make numbers."""

from __future__ import annotations

import pytest

from executor.document.job import parse
from executor.running.numbers_later import made_numbers
from executor.stages.transform.sql_transform import SQLTransform

READ = {"type": "DelimitedExtract", "name": "r", "inputURI": "v.csv", "outputView": "v"}


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT CAST(a AS INT), try_cast ( v.`b` AS DECIMAL(9, 2)) FROM v", {"a", "b"}),
        ("SELECT trim(c)::bigint, d::double, double(e), int(rtrim(f)), to_number(g, '99') FROM v", {"c", "d", "e", "f", "g"}),
        ("SELECT SUM(h), avg(v.i), avg( j ) FROM v WHERE CAST( trim( k ) AS INT) > 1", {"h", "i", "j", "k"}),
        ("SELECT CAST(a AS DATE), upper(b), c::string, max(d), interval(e) FROM v", set()),
    ],
)
def test_of_queries(sql: str, names: set[str]) -> None:
    assert made_numbers(parse({"stages": [READ, {"type": "SQLTransform", "name": "s", "sql": sql, "outputView": "o"}]}).stages) == names


def test_of_typing() -> None:
    column = {"nullable": True, "trim": True}
    columns = [
        column | {"name": "n", "type": "integer"},
        column | {"name": "s", "type": "string"},
        column | {"name": "x", "type": "double"},
    ]
    stage = {"type": "TypingTransform", "name": "t", "inputView": "v", "outputView": "o", "schema": columns}
    assert made_numbers(parse({"stages": [READ, stage]}).stages) == {"n", "x"}


@pytest.mark.parametrize("part", ["a", " ", "trim", "trim(", "cast( ", "a::", "`.", "sum(a "])
def test_a_long_text_is_gone_through_once(part: str) -> None:
    """With what went back this took hours."""
    stage = {"type": "SQLTransform", "name": "s", "sql": f"SELECT '{part * 100_000}' AS x FROM v", "outputView": "o"}
    assert made_numbers([SQLTransform.model_validate(stage)]) == set()
