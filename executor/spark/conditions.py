"""Spark's own list of errors: their names and SQLSTATEs, out of the jar that Spark itself reads them from."""

from __future__ import annotations

import json
import zipfile
from functools import cache

from executor.spark.home import pyspark_jars

MEMBER = "error/error-conditions.json"


@cache
def states() -> dict[str, str]:
    """Name of the condition (`CAST_INVALID_INPUT`, `UNRESOLVED_COLUMN.WITH_SUGGESTION`) → SQLSTATE, or the empty text. Empty when the
    list is not to be found: then no name is believed."""
    for jar in pyspark_jars().glob("spark-common-utils*.jar"):
        with zipfile.ZipFile(jar) as content:
            if MEMBER not in content.namelist():
                continue
            listed = json.loads(content.read(MEMBER))
        return {name: str(about.get("sqlState", "")) for one, about in listed.items() for name in _names(one, about)}
    return {}


def _names(name: str, about: dict[str, object]) -> list[str]:
    below = about.get("subClass")
    return [name, *(f"{name}.{one}" for one in below)] if isinstance(below, dict) else [name]


def known(name: str) -> str:
    """`name` if it is one of Spark's, else the empty text: raise_error(…) lets a query choose a name, which may then be a value of the
    data."""
    return name if name in states() else ""
