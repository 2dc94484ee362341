"""Which columns a Delta table has, as its log says, in the words of all other files (`executor.files.columns`)."""

from __future__ import annotations

import json
from typing import Any

from executor.files.columns import Columns
from executor.files.delta_log import State

_WORDS = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint", "timestamp_ntz": "timestamp without zone"}


def columns_of(state: State) -> Columns:
    """All of it is known: nothing is guessed from files."""
    fields = state.schema.get("fields")
    columns = {str(one["name"]): words_of(one["type"]) for one in fields if isinstance(one, dict)} if isinstance(fields, list) else {}
    files = len(state.files)
    return Columns(files=files, bytes=state.bytes, seen=files, columns=columns, rows=state.rows, has_rows=bool(state.rows))


def words_of(kind: Any) -> str:
    """A type of Spark's JSON in a word: bigint, decimal(10,2), array<struct<a: int>>."""
    if isinstance(kind, str):
        return _WORDS.get(kind, kind)
    if not isinstance(kind, dict):
        return json.dumps(kind)[:100]
    match kind.get("type"):
        case "struct":
            fields = [f"{one['name']}: {words_of(one['type'])}" for one in kind["fields"]]
            return f"struct<{', '.join(fields)}>"
        case "array":
            return f"array<{words_of(kind['elementType'])}>"
        case "map":
            return f"map<{words_of(kind['keyType'])}, {words_of(kind['valueType'])}>"
    return words_of(str(kind.get("type")))
