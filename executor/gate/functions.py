"""The list of SQL functions that the gate lets through: `executor/gate/functions.txt`, reviewed by people.

Every function of Spark's registry stands in it, either by name (allowed) or as `! name  reason` (refused). Regenerate after a Spark
upgrade with `python -m executor.gate.functions`: new names are written as refused until somebody has read about them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILE = Path(__file__).parent / "functions.txt"
TABLE_MARK = "table "
NOT_REVIEWED = "new in the registry, nobody has reviewed it yet"


@dataclass(frozen=True)
class FunctionList:
    """`allowed` and `table_functions` (those that may stand in FROM) by name; `refused`: name → reason."""

    allowed: frozenset[str]
    table_functions: frozenset[str]
    refused: dict[str, str]
    refused_table_functions: dict[str, str]


@cache
def function_list() -> FunctionList:
    """The committed list."""
    allowed, tables = set(), set()
    refused: dict[str, str] = {}
    refused_tables: dict[str, str] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        text = line.split("#", 1)[0].strip()
        if text.startswith("! "):
            name, _, reason = text[2:].removeprefix(TABLE_MARK).partition("  ")
            (refused_tables if text[2:].startswith(TABLE_MARK) else refused)[name] = reason.strip()
        elif text.startswith(TABLE_MARK):
            tables.add(text.removeprefix(TABLE_MARK))
        elif text:
            allowed.add(text)
    return FunctionList(frozenset(allowed), frozenset(tables), refused, refused_tables)


def registry(spark: SparkSession) -> tuple[set[str], set[str]]:
    """The names of Spark's built-in functions and of its table-valued functions."""
    analysis = spark._jvm.org.apache.spark.sql.catalyst.analysis  # type: ignore[union-attr]
    return names(analysis.FunctionRegistry.builtin()), names(analysis.TableFunctionRegistry.builtin())


def names(source: object) -> set[str]:
    """The names in a registry of Spark's."""
    listed = source.listFunction().mkString("\n")  # type: ignore[attr-defined]
    return {identifier.rsplit(".", 1)[-1].strip("`") for identifier in listed.split("\n")}


def render(functions: set[str], tables: set[str], known: FunctionList) -> str:
    """The file's text for this registry, keeping every decision already made."""
    lines = [
        f"# {len(functions)} functions and {len(tables)} table functions. Made by executor/gate/functions.py: read it before committing.",
        "",
    ]
    for name in sorted(functions):
        lines.append(name if name in known.allowed else f"! {name}  {known.refused.get(name, NOT_REVIEWED)}")
    lines.append("")
    for name in sorted(tables):
        lines.append(
            f"{TABLE_MARK}{name}"
            if name in known.table_functions
            else f"! {TABLE_MARK}{name}  {known.refused_table_functions.get(name, NOT_REVIEWED)}"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Rewrites the file from the registry of the installed Spark."""
    from executor.spark.jvm import PREVIEW
    from executor.spark.session import ComputeProfile, SparkProcess

    process = SparkProcess(ComputeProfile(cores=1, memory_mb=512), PREVIEW, log=lambda level, text: None)
    try:
        FILE.write_text(render(*registry(process.session), function_list()), encoding="utf-8")
    finally:
        process.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
