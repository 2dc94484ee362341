"""1,000,000 rows of 10 columns from Parquet into a database and back: JDBCLoad and JDBCExtract beside plain Spark JDBC."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bench import programs
from bench.figures import Figure, Say, side_by_side, whole
from bench.programs import Moments, Reached
from tests.services import mariadb as mariadb_server
from tests.services import postgresql as postgresql_server

COMPUTE = {"cores": 2, "memory_mb": 2048, "shuffle_partitions": 4}
ROWS = 1_000_000
RAW, OURS, THEIRS = "raw/orders", "curated/orders", "peer/orders"
TABLES = "ours", "theirs"
LISTED = "id, quantity, price, weight, customer, note, state, day, moment, is_gift"
COLUMNS = {
    "postgresql": "id bigint, quantity int, price numeric(12,2), weight double precision, customer text, note text, state text, day date, "
    "moment timestamptz, is_gift boolean",
    "mariadb": "id bigint, quantity int, price decimal(12,2), weight double, customer longtext, note longtext, state longtext, day date, "
    "moment timestamp(6) NULL, is_gift boolean",
}
GOAL, AGAINST = "≤ 1.05×", "plain Spark JDBC"


@dataclass(frozen=True)
class Database:
    """A server that runs. `kind`: of its connection, and what its jar is called; `driver`: its class."""

    title: str
    kind: str
    driver: str
    at: SplitResult

    @property
    def url(self) -> str:
        """With who signs in, as a script has it. Spark quotes names for MariaDB only where the address says MySQL."""
        scheme, more = ("mysql", "&permitMysqlScheme=true") if self.kind == "mariadb" else (self.kind, "")
        return f"jdbc:{scheme}://{self.at.hostname}:{self.at.port}/sluice?user={self.at.username}&password={self.at.password}{more}"

    @property
    def reached(self) -> Reached:
        settings = {"host": "localhost", "port": self.at.port, "database": "sluice", "user": self.at.username, "tls": "disable"}
        return Reached(
            {"shop": {"kind": self.kind, "settings": settings, "secrets": {"password": self.at.password}}}, ports=[self.at.port or 0]
        )

    def say(self, *statements: str) -> list[Any]:
        """Past Spark; gives the rows of the last one."""
        with self._connected() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def _connected(self) -> Any:
        import psycopg
        import pymysql

        where: dict[str, Any] = {"host": "127.0.0.1", "port": self.at.port, "user": self.at.username, "password": self.at.password}
        made: Any = psycopg.connect(**where, dbname="sluice") if self.kind == "postgresql" else pymysql.connect(**where, database="sluice")
        with made.cursor() as cursor:
            yield cursor
        made.commit()
        made.close()


def postgresql(lake: Path, turns: int, say: Say) -> list[Figure]:
    with postgresql_server.running() as address:
        return _figures(Database("PostgreSQL", "postgresql", "org.postgresql.Driver", urlsplit(address)), lake, turns, say)


def mariadb(lake: Path, turns: int, say: Say) -> list[Figure]:
    with mariadb_server.running() as address:
        return _figures(Database("MariaDB", "mariadb", "org.mariadb.jdbc.Driver", urlsplit(address)), lake, turns, say)


def _figures(there: Database, lake: Path, turns: int, say: Say) -> list[Figure]:
    peer = _peer(there, lake)
    if not (lake / RAW).is_dir():
        peer("make", "-", lake / RAW, ROWS)
    say(f"{ROWS:,} rows of 10 columns into a new table of {there.title}")
    figures = [_written(there, lake, turns, say, "write", "a new table", peer)]
    say("the same into a table that is there, empty")
    there.say(*(f"DROP TABLE {table}" for table in TABLES), *(f"CREATE TABLE {table} ({COLUMNS[there.kind]})" for table in TABLES))
    figures.append(_written(there, lake, turns, say, "append", "a table that is there", peer))
    say("and back into Parquet files")

    def read_ours() -> Moments:
        stages = [
            {"type": "JDBCExtract", "name": "read", "connection": "shop", "tableName": "theirs", "outputView": "orders"},
            {"type": "ParquetLoad", "name": "save", "inputView": "orders", "outputURI": OURS, "saveMode": "Overwrite"},
        ]
        return programs.our_run({"stages": stages}, lake, COMPUTE, there.reached)

    mine, others = side_by_side(turns, read_ours, lambda: peer("read", "theirs", lake / THEIRS), say)
    _require_same_files(lake)
    programs.cleared(lake / OURS, lake / THEIRS)
    return [*figures, whole(f"JDBC, {there.title} → 1 M rows → Parquet", AGAINST, GOAL, mine, others, stages=mine[-1].stages)]


def _peer(there: Database, lake: Path) -> Callable[..., Moments]:
    def run(what: str, table: str, files: Path, *more: object) -> Moments:
        arguments = (what, there.url, there.driver, table, files, *more)
        return programs.peer_run("jdbc", *arguments, compute=COMPUTE, jars=programs.jars_for(there.kind))

    return run


def _written(there: Database, lake: Path, turns: int, say: Say, how: str, into: str, peer: Callable[..., Moments]) -> Figure:
    before = "DROP TABLE IF EXISTS {}" if how == "write" else "TRUNCATE TABLE {}"

    def ours() -> Moments:
        there.say(before.format("ours"))
        stages = [
            {"type": "ParquetExtract", "name": "read", "inputURI": RAW, "outputView": "orders"},
            {"type": "SQLTransform", "name": "columns", "sql": f"SELECT {LISTED} FROM orders", "outputView": "own"},
            {"type": "JDBCLoad", "name": "load", "inputView": "own", "connection": "shop", "tableName": "ours",
             "saveMode": "Append" if how == "append" else "Overwrite"},
        ]  # fmt: skip
        return programs.our_run({"stages": stages}, lake, COMPUTE, there.reached)

    def theirs() -> Moments:
        there.say(before.format("theirs"))
        return peer(how, "theirs", lake / RAW)

    mine, others = side_by_side(turns, ours, theirs, say)
    _require_same_tables(there)
    return whole(f"JDBC, 1 M rows → {there.title}, {into}", AGAINST, GOAL, mine, others, stages=mine[-1].stages)


def _require_same_tables(there: Database) -> None:
    """Raises RuntimeError."""
    sums = "count(*), sum(id), sum(quantity), sum(price), min(moment), max(moment), sum(char_length(note)), max(day)"
    found = [there.say(f"SELECT {sums} FROM {table}") for table in TABLES]
    if found[0] != found[1] or found[0][0][0] != ROWS:
        raise RuntimeError(f"our rows are not the script's: {found}")


def _require_same_files(lake: Path) -> None:
    """Raises RuntimeError."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    found = []
    for place in (OURS, THEIRS):
        rows = ds.dataset(lake / place, format="parquet").to_table(["id", "quantity", "price", "day"])
        found.append([rows.num_rows, *(str(pc.sum(rows[name])) for name in ("id", "quantity", "price")), str(pc.max(rows["day"]))])
    if found[0] != found[1] or found[0][0] != ROWS:
        raise RuntimeError(f"our rows are not the script's: {found}")
