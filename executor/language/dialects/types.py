"""Names of types in other databases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import WORD, Query

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
    if name in KNOWN_TO_SPARK or name not in SPARK_TYPES or (name in NEEDS_LENGTH and has_length) or end > len(query.tokens):
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


def _is_in_cast(query: Query, index: int) -> bool:
    """Whether this AS belongs to a cast."""
    depth = 0
    for place in range(index - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(query.word(place), 0)
        if depth < 0:
            return query.word(place - 1) in ("CAST", "TRY_CAST", "SAFE_CAST")
    return False
