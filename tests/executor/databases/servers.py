"""Two real servers for the tests of databases, and jobs that use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from executor.connections import CONNECTION_KINDS
from executor.databases import ENGINES
from executor.databases.session import Way
from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

POSTGRESQL, MARIADB = "shop", "warehouse"
"""The names of their connections."""
KINDS = {POSTGRESQL: "postgresql", MARIADB: "mariadb"}


@dataclass
class Servers:
    """`addresses`: name of the connection → scheme://user:password@host:port/database."""

    process: SparkProcess
    addresses: dict[str, str]
    folder: Path
    runs: int = 0
    lakes: list[Path] = field(default_factory=list)

    def connection(self, name: str, **other: Any) -> dict[str, Any]:
        """What a run is given of it; `other`: fields that are not as they should be."""
        at = urlsplit(self.addresses[name])
        settings = {"host": at.hostname, "port": at.port, "database": "sluice", "user": at.username, "tls": "disable"}
        password = other.pop("password", at.password)
        return {"kind": KINDS[name], "settings": settings | other, "secrets": {"password": password}}

    def connections(self) -> dict[str, Any]:
        return {name: self.connection(name) for name in self.addresses}

    def run(self, *stages: dict[str, Any], **values: Any) -> Outcome:
        """Runs a job in a lake of its own, the last of `lakes`."""
        self.runs += 1
        lake = self.folder / str(self.runs)
        lake.mkdir()
        self.lakes.append(lake)
        return run_here(self.process, list(stages), lake, **{"connections": self.connections()} | values)

    def read(self) -> list[tuple[Any, ...]]:
        """What the last job saved at “out”, in order."""
        frame = self.process.session.read.parquet(str(self.lakes[-1] / "out"))
        return sorted((tuple(row) for row in frame.collect()), key=repr)

    def say(self, name: str, *statements: str) -> None:
        """To a server, past Sluice."""
        way = self.way(name)
        session = way.open([], reads=False)
        for statement in statements:
            session.execute(statement)
        way.close()

    def ask(self, name: str, query: str) -> list[list[str | None]]:
        way = self.way(name)
        try:
            return way.open([], reads=False).rows(query)
        finally:
            way.close()

    def way(self, name: str) -> Way:
        given = self.connection(name)
        connection = CONNECTION_KINDS[given["kind"]].model_validate(given["settings"] | given["secrets"])
        return Way(self.process.session, ENGINES[given["kind"]], name, connection)


def extract(name: str, sql: str | None = None, **more: Any) -> dict[str, Any]:
    query = {"sql": sql} if sql else {}
    return {"type": "JDBCExtract", "name": "read", "connection": name, "outputView": "there", **query, **more}


def make(sql: str) -> dict[str, Any]:
    return {"type": "SQLTransform", "name": "make", "sql": sql, "outputView": "made"}


def load(name: str, table: str, mode: str = "Overwrite", **more: Any) -> dict[str, Any]:
    return {"type": "JDBCLoad", "name": "write", "connection": name, "inputView": "made", "tableName": table, "saveMode": mode, **more}


SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "there", "outputURI": "out"}


def done(outcome: Outcome) -> Outcome:
    assert outcome.result.startswith("succeeded"), [event for event in outcome.events if "problem" in event]
    return outcome
