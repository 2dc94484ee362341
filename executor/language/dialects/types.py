"""Names of types in other databases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import NUMBER, WORD, Query

SPARK_TYPES = {
    theirs: ours
    for ours, names in {
        "STRING": "STRING TEXT NTEXT NVARCHAR NCHAR VARCHAR2 NVARCHAR2 VARCHAR CHAR CHARACTER CLOB UUID UNIQUEIDENTIFIER JSON JSONB CITEXT",
        "TIMESTAMP": "TIMESTAMP DATETIME DATETIME2 SMALLDATETIME TIMESTAMPTZ DATETIMEOFFSET",
        "DATE": "DATE",
        "SMALLINT": "SMALLINT INT2",
        "INT": "INT INTEGER INT4",
        "BIGINT": "BIGINT INT8 INT64 SIGNED UNSIGNED",
        "FLOAT": "REAL FLOAT4",
        "DOUBLE": "DOUBLE FLOAT FLOAT8 FLOAT64",
        "DECIMAL": "DECIMAL NUMERIC NUMBER BIGNUMERIC",
        "DECIMAL(19, 4)": "MONEY",
        "DECIMAL(10, 4)": "SMALLMONEY",
        "BOOLEAN": "BOOLEAN BOOL BIT",
        "BINARY": "BINARY VARBINARY BYTEA BLOB BYTES",
    }.items()
    for theirs in names.split()
}
KNOWN_TO_SPARK = {
    "STRING",
    "TIMESTAMP",
    "DATE",
    "INT",
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "FLOAT",
    "REAL",
    "DOUBLE",
    "NUMERIC",
    "DECIMAL",
    "BOOLEAN",
    "BINARY",
}
NEEDS_LENGTH = {"VARCHAR", "CHAR", "CHARACTER"}
MAY_CUT = 40
"""Types of longer texts hardly cut anything."""
LESS = {
    "FLOAT": ("DOUBLE", "“FLOAT” holds some 7 digits in Spark; DOUBLE holds 15, as FLOAT does elsewhere."),
    "DECIMAL": ("DECIMAL(38, 10)", "“DECIMAL” alone is DECIMAL(10, 0) in Spark: the decimals are rounded away."),
    "NUMERIC": ("DECIMAL(38, 10)", "“NUMERIC” alone is DECIMAL(10, 0) in Spark: the decimals are rounded away."),
}
"""Types that hold less in Spark than elsewhere."""


def spark_type(written: str) -> str | None:
    """Spark's type for one of another database, as in NVARCHAR(10) or NUMBER(10, 2); None where it is no type."""
    found = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\w+(?:\s*,\s*\d+)?)\s*\))?\s*", written)
    name = SPARK_TYPES.get(found.group(1).upper()) if found else None
    if name == "DECIMAL" and found:
        return f"DECIMAL({found.group(2)})" if found.group(2) else "DECIMAL(38, 10)"
    return name


def types(query: Query) -> Iterator[Hint]:
    """Hints on the types of casts: `x::text`, `CAST(x AS NVARCHAR(10))`."""
    for index in range(len(query.tokens)):
        if query.word(index) == "::" or (query.word(index) == "AS" and _is_in_cast(query, index)):
            yield from _type_at(query, index + 1)


def _type_at(query: Query, index: int) -> Iterator[Hint]:
    if query.kind(index) != WORD:
        return
    name = query.word(index)
    end = query.closing(index + 1) + 1 if query.word(index + 1) == "(" else index + 1
    has_length = end > index + 1
    if end > len(query.tokens):
        return
    if spark_type(name) == "STRING" and has_length and query.kind(index + 2) == NUMBER and float(query.tokens[index + 2].text) <= MAY_CUT:
        yield from _cut(query, index, end)
        return
    if name in LESS and not has_length:
        text, words = LESS[name]
        yield hint(query, index, index + 1, text, words, is_wrong=False, is_silent=True)
        return
    if name in KNOWN_TO_SPARK or name not in SPARK_TYPES or (name in NEEDS_LENGTH and has_length):
        return
    wanted = spark_type(query.text(index, end))
    if wanted:
        yield hint(
            query,
            index,
            end,
            wanted,
            f"“{query.tokens[index].text}” is no type of Spark's" + (" without a length." if name in NEEDS_LENGTH else "."),
        )


def _cut(query: Query, index: int, end: int) -> Iterator[Hint]:
    """CAST(x AS VARCHAR(10)), which cuts the text elsewhere. `index`: where the type begins; `end`: behind it."""
    length = query.tokens[index + 2].text
    call = next((one for one in query.calls if one.last == end and one.name in ("CAST", "TRY_CAST", "SAFE_CAST")), None)
    words = f"Spark does not cut a text to the length of its type; elsewhere this gives the first {length} signs."
    if call is None or query.word(index - 1) != "AS":
        is_wrong = query.word(index) not in NEEDS_LENGTH
        fix = f"Write left(…, {length}) around it, and STRING as the type."
        yield hint(query, index, end, "STRING", words, fix, is_wrong=is_wrong, is_silent=True)
        return
    name = "CAST" if call.name == "CAST" else "try_cast"
    text = f"left({name}({query.text(call.first + 2, index - 1)} AS STRING), {length})"
    yield hint(query, call.first, call.last + 1, text, words, is_wrong=query.word(index) not in NEEDS_LENGTH, is_silent=True)


def _is_in_cast(query: Query, index: int) -> bool:
    """Whether this AS belongs to a cast."""
    depth = 0
    for place in range(index - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(query.word(place), 0)
        if depth < 0:
            return query.word(place - 1) in ("CAST", "TRY_CAST", "SAFE_CAST")
    return False
