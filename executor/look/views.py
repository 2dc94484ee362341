"""The columns of a view as a typing schema: its texts typed by the rows that were shown, everything else as it is."""

from __future__ import annotations

from typing import Any

from executor.look.describing import column_of
from executor.look.facts import Facts
from executor.look.names import safe_names
from executor.look.types import Style, with_usual_decimal

MOST_ROWS = 1_000
_KINDS = {"int": "integer", "smallint": "integer", "tinyint": "integer", "bigint": "long", "float": "double"}
_OWN: dict[str, dict[str, Any]] = {
    "boolean": {"trueValues": ["true"], "falseValues": ["false"]},
    "date": {"formatters": ["uuuu-MM-dd"]},
    "timestamp": {"formatters": ["uuuu-MM-dd HH:mm:ss"], "timezoneId": "UTC"},
    "binary": {"encoding": "base64"},
}


def schema_of_rows(columns: list[dict[str, Any]], rows: list[list[Any]]) -> list[dict[str, Any]]:
    """`columns` (name, type, internal) and `rows` as a preview gives them → the schema, in the order of the data."""
    kept = [(index, column) for index, column in enumerate(columns) if not column.get("internal")]
    names = safe_names([str(column["name"]) for _, column in kept])
    texts = {index: _facts(str(column["name"]), index, rows) for index, column in kept if column["type"] == "string"}
    style, made = with_usual_decimal(Style(), texts.values()), []
    for (index, column), name in zip(kept, names, strict=True):
        if index not in texts:
            made.append(column_of_type(name, str(column["type"])))
            continue
        proposed, typing = column_of(index, str(column["name"]), name, texts[index], style, None)
        # What only a person can say stays text: nothing is guessed in silence.
        made.append(proposed.type if not typing.open else {"name": name, "type": "string", "nullable": True, "nullableValues": [""]})
    return made


def _facts(name: str, index: int, rows: list[list[Any]]) -> Facts:
    facts = Facts(name)
    values = [row[index] if isinstance(row[index], str) else None for row in rows[:MOST_ROWS] if index < len(row)]
    facts.take(values, range(1, len(values) + 1))
    return facts


def column_of_type(name: str, kind: str) -> dict[str, Any]:
    """A column of a schema for one of Spark's types, such as struct<a:int,b:array<string>>."""
    made, rest = _read(kind)
    return {"name": name, "nullable": True} | (made if not rest else {"type": "string"})


def _read(kind: str) -> tuple[dict[str, Any], str]:
    """(the type at the beginning of `kind`, what follows it)."""
    if kind.startswith("array<"):
        item, rest = _read(kind[6:])
        return {"type": "array", "elementType": {"name": "element", "nullable": True} | item}, rest.removeprefix(">")
    if kind.startswith("struct<"):
        return _struct(kind[7:])
    word = kind[: _end(kind)]
    rest = kind[len(word) :]
    if word.startswith("decimal("):
        precision, scale = word[8:-1].split(",")
        return {"type": "decimal", "precision": int(precision), "scale": int(scale)}, rest
    name = _KINDS.get(word, word)
    known = name in ("integer", "long", "double", "string") or name in _OWN
    return {"type": name if known else "string"} | _OWN.get(name, {}), rest


def _end(kind: str) -> int:
    """Where the word at the beginning ends: at a comma or a closing bracket, but not inside parentheses."""
    depth = 0
    for place, sign in enumerate(kind):
        depth += (sign == "(") - (sign == ")")
        if not depth and sign in ",>":
            return place
    return len(kind)


def _struct(rest: str) -> tuple[dict[str, Any], str]:
    fields: list[dict[str, Any]] = []
    while rest and not rest.startswith(">"):
        name, _, rest = rest.removeprefix(",").partition(":")
        made, rest = _read(rest)
        fields.append({"name": name, "nullable": True} | made)
    return {"type": "struct", "fields": fields}, rest.removeprefix(">")
