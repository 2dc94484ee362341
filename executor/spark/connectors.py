"""Connectors: jars that reach Delta tables and databases. They are on the class path only of a process that was started for them.

They stand in `connectors.txt`, each with its hash, and are kept beside Spark's jars by `executor.setup_connectors`. A process without them
starts as fast as before, and SQL in it finds no more to misuse than before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from executor.problems import Problem, ProblemError
from executor.spark.home import CONNECTOR_LIST, CONNECTOR_SOURCES, SparkHome

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

TITLES = {
    "delta": "Delta tables",
    "postgresql": "PostgreSQL",
    "mariadb": "MariaDB and MySQL",
    "sqlserver": "SQL Server",
    "sqlite": "SQLite",
}
"""The connectors there are, and what people call them."""

DELTA_SETTINGS = {
    # Rules without which rows that a table has deleted would be read again. Its catalog stays out: it lets SQL name files (delta.`/path`).
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.databricks.delta.requiredSparkConfsCheck.enabled": "false",
    # Made for clusters: 50 tasks for the state of a table, 10,000 to list its files (a VACUUM of ten files took 37 s).
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    # What a log says besides its commits and checkpoints is not looked at here (executor/files/delta_log.py), so not by Spark either.
    "spark.databricks.delta.deltaLog.minorCompaction.useForReads": "false",
    # Rows are counted in the files: of what the log says of them, a file that is gone or another one would not be noticed.
    "spark.databricks.delta.optimizeMetadataQuery.enabled": "false",
}
OWN_JAR = "sluice-connectors.jar"
"""Our own classes (executor/spark/java), which stand between Spark and the drivers."""
DATABASES = frozenset({"postgresql", "mariadb", "sqlserver", "sqlite"})


@dataclass(frozen=True)
class ConnectorJar:
    """One line of the list. `sha256` in hexadecimal digits."""

    connector: str
    organisation: str
    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.jar"


@cache
def connector_jars() -> tuple[ConnectorJar, ...]:
    """The committed list."""
    return jars_of(CONNECTOR_LIST)


def jars_of(path: Path) -> tuple[ConnectorJar, ...]:
    """A committed list of jars: connector, organisation:name:version and hash on each line."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return tuple(_jar(*line.split()) for line in lines)


def _jar(connector: str, coordinates: str, sha256: str) -> ConnectorJar:
    organisation, name, version = coordinates.split(":")
    return ConnectorJar(connector, organisation, name, version, sha256)


def jar_paths(home: SparkHome, connectors: Collection[str]) -> list[Path]:
    """The files of these connectors, in the list's order. Raises ProblemError when one is not on this machine."""
    wanted = [jar for jar in connector_jars() if jar.connector in connectors]
    if unknown := set(connectors) - TITLES.keys():
        raise ValueError(f"no such connector: {sorted(unknown)}")
    paths = [home.connectors / jar.file_name for jar in wanted]
    if missing := [jar for jar, path in zip(wanted, paths, strict=True) if not path.is_file()]:
        raise ProblemError(not_here(missing))
    return [*paths, home.connectors / OWN_JAR] if DATABASES & set(connectors) else paths


def require_connectors(process: SparkProcess, connectors: Collection[str]) -> None:
    """Raises ProblemError when Spark was started without one of them: they cannot be added later."""
    if missing := set(connectors) - process.connectors:
        titles = ", ".join(TITLES[name] for name in TITLES if name in missing)
        raise ProblemError(
            Problem(
                code="connectors-not-started",
                message=f"This executor was started without what reaches {titles}.",
                expected=", ".join(sorted(missing)),
                fix="Start another one; whoever runs Sluice should hear of this.",
            )
        )


def settings_of(connectors: Collection[str]) -> dict[str, str]:
    """What the session needs for them."""
    return DELTA_SETTINGS if "delta" in connectors else {}


def own_sources() -> list[Path]:
    """The Java sources of our own jar."""
    return sorted(CONNECTOR_SOURCES.glob("*.java"))


def not_here(missing: Sequence[ConnectorJar]) -> Problem:
    """These could not be got when Sluice was set up."""
    titles = [title for name, title in TITLES.items() if name in {jar.connector for jar in missing}]
    return Problem(
        code="connector-not-set-up",
        message=f"This Sluice cannot reach {', '.join(titles)}: what it needs for that could not be got when it was set up. Folders work.",
        found=f"{missing[0].file_name} is missing.",
        fix="Whoever runs Sluice: run `make setup` again where Java can reach a Maven repository.",
    )
