"""`python -m executor ddl`: what a job has published, as a statement for Hive, Athena and others, and as a table for catalogs.

For programs, one JSON object {"uri", "lake", "roots", "connections", "address", "name", "database", "about"} on standard input and one
event in answer: `described`, with `ddl`, `name`, `table` (`executor.catalog.tables.Table`), or `problem`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from executor.catalog.hive import ddl
from executor.catalog.tables import table_at
from executor.problems import ProblemError
from executor.stores.roots import Roots, roots_of

Tell = Callable[[str, int, int], None]


def describe(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """See above. Raises ProblemError."""
    table = table_at(roots, str(given["uri"]), str(given.get("address", "")))
    about = {str(name): str(value) for name, value in (given.get("about") or {}).items()}
    statement = ddl(table, str(given.get("name") or ""), str(given.get("database") or ""), about)
    return {"event": "described", "uri": table.uri, "name": table.name, "ddl": statement, "table": asdict(table)}


def show(uri: str, lake: str, address: str, name: str, database: str) -> int:
    """Prints the statement for a person; gives the exit code."""
    try:
        with roots_of({"lake": lake}) as roots:
            sys.stdout.write(ddl(table_at(roots, uri, address or Path(lake).resolve().as_uri()), name, database))
    except ProblemError as error:
        for problem in error.problems:
            sys.stderr.write(" ".join(filter(None, (problem.message, problem.fix))) + "\n")
        return 1
    return 0
