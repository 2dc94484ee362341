"""Spark's types as Hive has them. A type that Hive does not have just so is refused: never a similar one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from executor.problems import Problem, ProblemError

_SIMPLE = {
    "byte": "tinyint",
    "short": "smallint",
    "integer": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "boolean": "boolean",
    "string": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ntz": "timestamp",
}
_DECIMAL = re.compile(r"decimal\((\d+),(-?\d+)\)")
_PLAIN = re.compile(r"\w+")
AS_TEXT = frozenset(("date", "timestamp", "timestamp_ntz", "binary"))
"""What JSON has as text only."""
LONGEST_TYPE, DEEPEST = 100_000, 100
"""Characters as Glue takes them; levels."""


def hive_type(kind: Any, column: str, *, texts: frozenset[str] = frozenset()) -> str:
    """`kind`: as Spark writes it in JSON. `texts`: types that stand as text in the files. Raises ProblemError, with the column's name."""
    found = _type(kind, column, texts, 0)
    if len(found) > LONGEST_TYPE:
        raise ProblemError(_no_type(column, "a struct of very many fields"))
    return found


def _type(kind: Any, column: str, texts: frozenset[str], depth: int) -> str:
    if depth > DEEPEST:
        raise ProblemError(_no_type(column, "a type within types, very deep"))
    if isinstance(kind, str):
        return _simple(kind, column, texts)
    match kind:
        case {"type": "array", "elementType": inner}:
            return f"array<{_type(inner, column, texts, depth + 1)}>"
        case {"type": "map", "keyType": key, "valueType": value}:
            return f"map<{_type(key, column, texts, depth + 1)},{_type(value, column, texts, depth + 1)}>"
        case {"type": "struct", "fields": list(fields)} if fields:
            names = _field_names([str(field["name"]) for field in fields], column)
            inner = [f"{name}:{_type(field['type'], column, texts, depth + 1)}" for name, field in zip(names, fields, strict=True)]
            return f"struct<{','.join(inner)}>"
    raise ProblemError(_no_type(column, str(kind.get("type") if isinstance(kind, dict) else kind)[:100]))


def _simple(kind: str, column: str, texts: frozenset[str]) -> str:
    if kind in texts:
        return "string"
    if found := _DECIMAL.fullmatch(kind):
        digits, scale = int(found[1]), int(found[2])
        if 1 <= digits <= 38 and 0 <= scale <= digits:
            return f"decimal({digits},{scale})"
    if kind not in _SIMPLE:
        raise ProblemError(_no_type(column, kind[:100]))
    return _SIMPLE[kind]


def _field_names(names: Sequence[str], column: str) -> list[str]:
    """In small letters, as Hive keeps them. No quotes keep signs of a type out of a name there."""
    for name in names:
        if not _PLAIN.fullmatch(name):
            raise ProblemError(_odd_field(column, name))
    small = [name.lower() for name in names]
    if len(set(small)) < len(small):
        raise ProblemError(_odd_field(column, next(name for name in small if small.count(name) > 1)))
    return small


def _no_type(column: str, kind: str) -> Problem:
    return Problem(
        code="catalog-type",
        message=f"The column “{column}” has a type that tables of Hive, Athena and Glue do not have.",
        found=kind,
        fix="Turn it into text or numbers in an SQLTransform before the load (CAST, to_json), or leave it out.",
    )


def _odd_field(column: str, name: str) -> Problem:
    return Problem(
        code="catalog-name",
        message=f"A field in the column “{column}” has a name that types of Hive, Athena and Glue cannot hold.",
        found=name[:100],
        expected="letters, digits and _, and no two names that differ in capitals alone",
        fix="Rename the field in an SQLTransform before the load (named_struct).",
    )
