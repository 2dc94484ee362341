"""A SQLite file that a run changes: in a copy of its own, which takes the file's place in one step when the run publishes.

The copy is made by SQLite itself, so what stands in a journal or a WAL beside the file is in it. Whoever has changed the file meanwhile, or
has it open to write in the way of a WAL, is not overruled: the run is refused.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from executor.databases.engine import Column, Engine, name_parts, text
from executor.databases.errors import BUSY, NO_COLUMN, NO_TABLE, NO_VALUE, NOT_UNIQUE, OTHER, RULE, Saying, problem_of_saying
from executor.databases.session import Session, Way
from executor.databases.sqlite import ROW_SUM, column_of
from executor.problems import Problem, ProblemError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.connections import ConnectionKind

WAIT_SECONDS = 10.0
_STATE = tuple[int, int, int, bytes]


class StagedFile:
    """The copy. `uri`: what people call the file."""

    def __init__(self, file: Path, uri: str) -> None:
        self.file, self.uri = file, uri
        self._folder = Path(tempfile.mkdtemp(prefix="sluice-sqlite-"))
        self.copy = self._folder / "copy.sqlite"
        self._waits: Path | None = None
        self._lock: IO[bytes] | None = None
        with told(), closing(_opened(file)) as there, closing(sqlite3.connect(self.copy)) as copy:
            _settle(there, uri)
            self._seen = _state(file)
            there.backup(copy)
            copy.execute("PRAGMA journal_mode = WAL")  # who reads from it keeps nobody from writing
            if _state(file) != self._seen:
                raise ProblemError(_changed(uri))

    def make_ready(self) -> None:
        """All of it lies whole beside the file, seen by nobody. Raises ProblemError."""
        self._remove_leftovers()
        self._waits = self.file.with_name(f"{self._beginning}{self._folder.name[-8:]}")
        self._lock = self._waits.open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        with told(), closing(sqlite3.connect(self.copy)) as copy, closing(sqlite3.connect(self._waits, isolation_level=None)) as whole:
            copy.backup(whole)
            whole.execute("PRAGMA journal_mode = DELETE")
            found = [str(row[0]) for row in whole.execute("PRAGMA integrity_check(1)")]
            broken = whole.execute("PRAGMA foreign_key_check").fetchone()
        if found != ["ok"]:
            raise ProblemError(_broken(self.uri))
        if broken:
            raise ProblemError(problem_of_saying(RULE, "", str(broken[0])))
        shutil.copymode(self.file, self._waits)
        os.fsync(self._lock.fileno())

    @property
    def _beginning(self) -> str:
        return f".sluice-staged-{self.file.name}-"

    def _remove_leftovers(self) -> None:
        """What waited for a run that was killed: nobody holds it."""
        for left in self.file.parent.glob(f"{glob.escape(self._beginning)}*"):
            with suppress(OSError), left.open("rb") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()

    def publish(self) -> None:
        """The copy takes the file's place. Raises ProblemError where somebody has changed that meanwhile."""
        assert self._waits is not None  # noqa: S101 - it was made ready
        with told(), closing(_opened(self.file)) as there:
            _settle(there, self.uri)
            version = there.execute("PRAGMA data_version").fetchone()
            is_same = _state(self.file) == self._seen
            if str(there.execute("PRAGMA journal_mode = DELETE").fetchone()[0]) != "delete":
                raise ProblemError(_in_use(self.uri))
            there.execute("BEGIN EXCLUSIVE")  # nobody writes it between the look and the exchange
            if not is_same or there.execute("PRAGMA data_version").fetchone() != version:
                raise ProblemError(_changed(self.uri))
            os.replace(self._waits, self.file)
            self._waits = None
        with suppress(OSError):
            folder = os.open(self.file.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def discard(self) -> None:
        """Never raises."""
        if self._lock:
            self._lock.close()
        if self._waits:
            with suppress(OSError):
                self._waits.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class FileSession(Session):
    """A connection to the copy that needs no driver of Java's."""

    def __init__(self, way: Way, path: Path) -> None:
        self.way = way
        with told():
            self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            self._connection.create_function(ROW_SUM, 1, _row_sum, deterministic=True)
            self._connection.execute("PRAGMA foreign_keys = ON")

    def columns(self, query: str) -> list[Column]:
        """Of a table, by its quoted name. Raises ProblemError."""
        self.rows(f"SELECT * FROM {query} WHERE 1 = 0")
        table = text(name_parts(query, "tableName", own=True)[-1])
        found = self.rows(f"SELECT name, type FROM pragma_table_xinfo({table}) WHERE hidden <> 1")
        return [column_of(str(one), str(kind)) for one, kind in found]

    def rows(self, query: str) -> list[list[str | None]]:
        with told():
            return [[None if value is None else str(value) for value in row] for row in self._connection.execute(query)]

    def value(self, query: str) -> str | None:
        return self.rows(query)[0][0]

    def execute(self, statement: str) -> int:
        with told():
            return max(int(self._connection.execute(statement).rowcount), 0)

    def begin(self) -> None:
        with told():
            self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        with told():
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Takes back what was not committed. Never raises."""
        with suppress(sqlite3.Error):
            self._connection.close()


class FileWay(Way):
    """The way to the copy: for ourselves, and where there is Spark, for its rows."""

    def __init__(
        self, engine: Engine, name: str, staged: StagedFile, *, spark: SparkSession | None = None, connection: ConnectionKind | None = None
    ) -> None:
        if spark and connection:
            super().__init__(spark, engine, name, connection, path=str(staged.copy))
        else:
            self.engine, self.name, self._addresses, self._sessions = engine, name, [], []
        self._copy = staged.copy

    def open(self, begin: Sequence[str] = (), *, reads: bool) -> Session:
        session = FileSession(self, self._copy)
        self._sessions.append(session)
        return session


def _row_sum(text: str) -> int:
    """48 bits, so that sums of many fit."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def _settle(there: sqlite3.Connection, uri: str) -> None:
    """What others have written lies in the file itself afterwards. Raises ProblemError where that cannot be."""
    if there.execute("PRAGMA journal_mode").fetchone()[0] == "wal" and there.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise ProblemError(_in_use(uri))
    there.execute("SELECT count(*) FROM sqlite_master").fetchone()  # ends what a program that died had begun


def _state(file: Path) -> _STATE:
    """Another one after each change: SQLite counts them in the file's head."""
    said = file.stat()
    with file.open("rb") as opened:
        opened.seek(24)
        return said.st_ino, said.st_size, said.st_mtime_ns, opened.read(4)


# --- what goes wrong ----------------------------------------------------------------------------------------------------

_SAYINGS: list[tuple[str, Saying]] = [
    ("UNIQUE constraint failed", NOT_UNIQUE), ("NOT NULL constraint failed", NO_VALUE), ("constraint failed", RULE),
    ("no such table", NO_TABLE), ("no such column", NO_COLUMN), ("locked", BUSY),
]  # fmt: skip


@contextmanager
def told() -> Iterator[None]:
    """What SQLite raises inside, as a ProblemError."""
    try:
        yield
    except sqlite3.Error as error:
        words = str(error)
        saying = next((saying for sign, saying in _SAYINGS if sign in words), OTHER)
        raise ProblemError(problem_of_saying(saying, "", words)) from None


def _changed(uri: str) -> Problem:
    words = f"“{uri}” was changed meanwhile, by somebody else. Nothing of this run is in it."
    return Problem(code="database-changed", field="connection", message=words, fix="Run it again.")


def _in_use(uri: str) -> Problem:
    words = f"Another program has “{uri}” open, and would not see what takes its place. Nothing was changed."
    return Problem(code="database-busy", field="connection", message=words, fix="Close it there, then run it again.")


def _broken(uri: str) -> Problem:
    words = f"“{uri}” would not be whole: SQLite's own check finds a fault. Nothing was changed."
    return Problem(code="database-broken", field="connection", message=words, fix="Mend the file with SQLite, or bring a whole one.")
