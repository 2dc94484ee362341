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
from executor.catalog.tables import table_at, table_of
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


def register(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"connection", "connections", "name", "owner", "table", "about"} → `registered` with database, name, is_new, columns, partitions;
    with "remove" instead of the table: it is taken out, if it is the owner's. Raises ProblemError."""
    from executor.catalog.glue import GlueCatalog
    from executor.connections.base import CATALOG
    from executor.connections.given import Connections

    connection: Any = Connections(given.get("connections") or {}).named(str(given["connection"]), "connection", CATALOG)
    catalog, name, owner = GlueCatalog(connection), str(given["name"]), str(given["owner"])
    if given.get("remove"):
        return {"event": "registered", "database": catalog.database, "name": name, "was_there": catalog.remove(name, owner)}
    about = {str(word): str(value) for word, value in (given.get("about") or {}).items()}
    return {"event": "registered", **catalog.register(table_of(given["table"]), name, owner, about)}
