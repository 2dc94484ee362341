"""What a Delta table is at a version: its log, read without Spark. Nothing here writes.

<table>/_delta_log/00000000000000000007.json               what version 7 changed, one action a line
<table>/_delta_log/00000000000000000010.checkpoint.parquet all of version 10, so that nobody needs to read what was before

Whoever can write in the lake can write a log: it is believed only where it is whole, of a known protocol, and names files of its own
folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from executor.files.tree import is_hidden
from executor.problems import Foreign, Problem, ProblemError

LOG = "_delta_log"
LARGEST_COMMIT, LONGEST_INFO = 1 << 30, 1_000_000
"""Bytes of one commit, and of what it says of itself."""
COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-f-]{36})?\.(parquet|json)")
_CHECKSUM = re.compile(r"(\d{20})\.crc")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
KNOWN_TO_READERS = frozenset(
    (
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
        "variantType",
        "variantType-preview",
    )
)
KNOWN_TO_WRITERS = frozenset(
    (
        "allowColumnDefaults",
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "columnMapping",
        "deletionVectors",
        "generatedColumns",
        "invariants",
        "timestampNtz",
        "typeWidening",
        "v2Checkpoint",
        "vacuumProtocolCheck",
    )
)
"""Of a table with any other one nothing is written: what it wants of writers is not known here."""
NOT_WRITTEN = {
    "delta.enableChangeDataFeed": "a record of changes (change data feed)",
    "delta.enableRowTracking": "row tracking",
    "delta.enableInCommitTimestamps": "times in its commits",
}
"""Properties of a table that ask more of a writer than is done here, when they are on."""
LATEST = 253_402_300_799_000
"""Milliseconds: the end of the year 9999."""
FileKey = tuple[str, str]
"""Path of a data file in its table, and the mark of what is deleted in it."""
Action = dict[str, Any]


@dataclass(frozen=True)
class State:
    """A table at a version. `files`: what makes up its rows, by key; `info`: what the commit says of itself."""

    version: int
    protocol: Mapping[str, Any]
    metadata: Mapping[str, Any]
    files: Mapping[FileKey, Action]
    transactions: Mapping[str, Action] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.metadata.get("id"))

    @property
    def schema(self) -> dict[str, Any]:
        """Spark's JSON of the columns."""
        found = json.loads(self.metadata["schemaString"])
        return found if isinstance(found, dict) else {}

    @property
    def properties(self) -> Mapping[str, str]:
        return self.metadata.get("configuration") or {}

    @property
    def partition_columns(self) -> list[str]:
        return list(self.metadata.get("partitionColumns") or ())

    @property
    def bytes(self) -> int:
        return sum(int(add.get("size") or 0) for add in self.files.values())

    @property
    def rows(self) -> int | None:
        """As its files say; None where one does not."""
        counts = [rows_of(add) for add in self.files.values()]
        return sum(count for count in counts if count is not None) if None not in counts else None


def version_in(name: str, form: re.Pattern[str]) -> int | None:
    """The number of a version in the name of a file of a log."""
    found = form.fullmatch(name)
    return int(found[1]) if found else None


def latest_in(names: Iterable[str]) -> int | None:
    """The latest version of which a commit is among the names in a log."""
    return max((version for name in names if (version := version_in(name, COMMIT)) is not None), default=None)


def is_table(folder: Path) -> bool:
    """Whether a Delta table lies there."""
    return (folder / LOG).is_dir()


def table_above(path: Path) -> Path | None:
    """The table in which `path` lies, or which it is; None where it is in none."""
    return next((folder for folder in (path, *path.parents) if is_table(folder)), None)


def file_key(action: Mapping[str, Any]) -> FileKey:
    """By which an `add` and the `remove` of the same file are known."""
    return unquote(str(action["path"])), _mark_of(action.get("deletionVector"))


def _mark_of(vector: Mapping[str, Any] | None) -> str:
    return f"{vector['storageType']}{vector['pathOrInlineDv']}@{vector.get('offset')}" if vector else ""


def rows_of(add: Action) -> int | None:
    """How many rows a file adds, as it says; None where it does not."""
    try:
        count = json.loads(add.get("stats") or "{}").get("numRecords")
    except (ValueError, AttributeError):
        return None
    deleted = (add.get("deletionVector") or {}).get("cardinality", 0)
    return count - deleted if isinstance(count, int) and isinstance(deleted, int) else None


# --- the log ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """The files of a log, as they were when it was listed."""

    table: Path
    uri: str
    commits: Mapping[int, Path]
    checkpoints: Mapping[int, tuple[Path, ...]]

    @staticmethod
    def of(table: Path, uri: str) -> Log:
        """`uri`: as people call the table. Raises ProblemError where there is no table, or its log cannot be read."""
        if (table / LOG).is_symlink():
            raise ProblemError(corrupt(uri, "its log is a link"))
        log, noted = Log._listed(table, uri)
        if noted > log.latest:  # one that came while the names were read
            log, _ = Log._listed(table, uri)
        if noted > log.latest:
            raise ProblemError(corrupt(uri, f"{noted:020d}.json is missing"))
        return log

    @staticmethod
    def _listed(table: Path, uri: str) -> tuple[Log, int]:
        """The log, and the highest version that others have noted the sums of, which they do once it is there; -1: none."""
        commits: dict[int, Path] = {}
        parts: dict[int, dict[str, list[Path]]] = {}
        try:
            with os.scandir(table / LOG) as entries:
                names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        except OSError:
            raise ProblemError(no_table(uri)) from None
        for name in sorted(names):
            if found := COMMIT.fullmatch(name):
                commits[int(found[1])] = table / LOG / name
            elif found := _CHECKPOINT.fullmatch(name):
                parts.setdefault(int(found[1]), {}).setdefault(found[3] or name, []).append(table / LOG / name)
        whole = {version: _whole(found) for version, found in parts.items()}
        log = Log(table, uri, commits, {version: paths for version, paths in whole.items() if paths})
        if not commits and not log.checkpoints:
            raise ProblemError(no_table(uri))
        return log, max((version for name in names if (version := version_in(name, _CHECKSUM)) is not None), default=-1)

    @property
    def latest(self) -> int:
        return max((*self.commits, *self.checkpoints))

    @property
    def earliest(self) -> int:
        """The oldest version that can still be told."""
        version = self.latest
        while version > 0 and version in self.commits:
            version -= 1
        if version == 0 and 0 in self.commits:
            return 0
        return min((one for one in self.checkpoints if one >= version), default=self.latest)

    def state(self, version: int | None = None, *, is_ours: bool = False) -> State:
        """The table at a version; None: the latest. `is_ours`: a table that a run stages, which refers to files of its target. Raises
        ProblemError."""
        wanted = self.latest if version is None else version
        if not self.earliest <= wanted <= self.latest:
            raise ProblemError(self._no_version(wanted))
        start = max((one for one in self.checkpoints if one <= wanted), default=-1)
        found = _Replay(self.uri)
        if start >= 0:
            found.take(action for path in self.checkpoints[start] for action in _checkpoint(path, self.uri))
        for one in range(start + 1, wanted + 1):
            found.take(self.actions(one))
        state = found.state(wanted)
        if not is_ours:
            require_readable(state, self.uri)
        return state

    def actions(self, version: int) -> list[Action]:
        """What a version changed. Raises ProblemError."""
        path = self.commits.get(version)
        if path is None:
            raise ProblemError(corrupt(self.uri, f"{version:020d}.json is missing"))
        try:
            with path.open("rb") as file:
                return _parsed(file.read(LARGEST_COMMIT), path.name, self.uri)
        except OSError as error:
            raise ProblemError(corrupt(self.uri, f"{path.name}: {error.strerror}")) from None

    def info(self, version: int) -> Action:
        """What the commit says of itself: in its first line, or in its last one, where some programs (delta-rs, Polars) write it; nothing
        where it says nothing."""
        with suppress(OSError, KeyError), self.commits[version].open("rb") as file:
            for line in (file.readline(LONGEST_INFO), _last_line(file)):
                with suppress(ValueError, RecursionError, KeyError, TypeError):
                    found = json.loads(line)["commitInfo"]
                    if isinstance(found, dict):
                        return found
        return {}

    def times(self) -> dict[int, datetime]:
        """When each version came, as the commits say, each later than the one before."""
        found: dict[int, datetime] = {}
        last = 0
        for version in sorted(one for one in self.commits if one >= self.earliest):
            info = self.info(version)
            said = info.get("inCommitTimestamp") or info.get("timestamp")
            stamp = said if isinstance(said, int) and 0 < said < LATEST else self.commits[version].stat().st_mtime_ns // 1_000_000
            last = max(stamp, last + 1)
            found[version] = datetime.fromtimestamp(last / 1000, UTC)
        return found

    def _no_version(self, version: int) -> Problem:
        return Problem(
            code="table-version-gone",
            field="inputURI",
            message=f"“{self.uri}” has no version {version} (any more).",
            found=str(version),
            expected=f"{self.earliest} to {self.latest}",
            fix="Name a version that is still there.",
        )


def _last_line(file: IO[bytes]) -> bytes:
    file.seek(max(0, os.fstat(file.fileno()).st_size - LONGEST_INFO))
    return file.read(LONGEST_INFO).rstrip().rpartition(b"\n")[2]


def _whole(found: Mapping[str, list[Path]]) -> tuple[Path, ...]:
    """The files of a checkpoint of which no part is missing."""
    for parts, paths in found.items():
        if not parts.isdigit() or len(paths) == int(parts):
            return tuple(paths)
    return ()


class _Replay:
    """Actions one after the other, and what is there in the end."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._protocol: Action | None = None
        self._metadata: Action | None = None
        self._files: dict[FileKey, Action] = {}
        self._transactions: dict[str, Action] = {}

    def take(self, actions: Iterable[Action]) -> None:
        try:
            for action in actions:
                self._one(action)
        except (KeyError, TypeError, AttributeError):
            raise ProblemError(corrupt(self._uri, "an action that is none")) from None

    def _one(self, action: Action) -> None:
        if add := action.get("add"):
            self._files[file_key(add)] = add
        elif remove := action.get("remove"):
            self._files.pop(file_key(remove), None)
        elif metadata := action.get("metaData"):
            self._metadata = metadata
        elif protocol := action.get("protocol"):
            self._protocol = protocol
        elif transaction := action.get("txn"):
            self._transactions[transaction["appId"]] = transaction

    def state(self, version: int) -> State:
        if self._protocol is None or self._metadata is None:
            raise ProblemError(corrupt(self._uri, "it does not say which columns there are"))
        return State(version, self._protocol, self._metadata, self._files, self._transactions)


def _parsed(content: bytes, name: str, uri: str) -> list[Action]:
    found: list[Action] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
        except (ValueError, RecursionError):
            action = None
        if not isinstance(action, dict):
            raise ProblemError(corrupt(uri, f"line {number} of {name} is no JSON"))
        found.append(action)
    if not found:
        raise ProblemError(corrupt(uri, f"{name} is empty"))
    return found


def _checkpoint(path: Path, uri: str) -> Iterator[Action]:
    rows = _parsed(path.read_bytes(), path.name, uri) if path.suffix == ".json" else _rows_of_parquet(path, uri)
    for row in rows:
        if sidecar := row.get("sidecar"):
            name = str(sidecar["path"]).rpartition("/")[2]
            yield from _rows_of_parquet(path.parent / "_sidecars" / name, uri)
        else:
            yield row


_MAPS = ("partitionValues", "configuration", "tags", "options")


def _rows_of_parquet(path: Path, uri: str) -> list[Action]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        wanted = ("protocol", "metaData", "add", "txn", "sidecar")
        names = [name for name in pq.read_schema(path).names if name in wanted]
        return [_plain(row) for row in pq.read_table(path, columns=names).to_pylist()]
    except (OSError, pa.ArrowException) as error:
        raise ProblemError(corrupt(uri, f"{path.name} cannot be read", str(error))) from None


def _plain(value: Any, name: str = "") -> Any:
    """As it stands in JSON: without what is null, maps as objects."""
    if isinstance(value, dict):
        return {key: _plain(item, key) for key, item in value.items() if item is not None and not key.endswith("_parsed")}
    if isinstance(value, list) and name in _MAPS:
        return dict(value)
    return value


# --- what may be done with it -----------------------------------------------------------------------------------------------


def require_readable(state: State, uri: str) -> None:
    """Raises ProblemError for a protocol that is not known, and for files that lie elsewhere: the log could lead anywhere."""
    wanted = set(state.protocol.get("readerFeatures") or ()) - KNOWN_TO_READERS
    if int(state.protocol.get("minReaderVersion", 0)) > 3 or wanted:
        raise ProblemError(_newer(uri, "read", wanted or {f"reader version {state.protocol.get('minReaderVersion')}"}))
    for add in state.files.values():
        vector = add.get("deletionVector")
        if not is_inside(str(add["path"])) or (vector and vector.get("storageType") == "p"):
            raise ProblemError(_elsewhere(uri, str(add["path"])))


def require_same(log: Log, table_id: Any) -> None:
    """Raises ProblemError where another table lies there by now than the one of that id, which somebody saw. None or "": any may."""
    if table_id and log.state().id != table_id:
        raise ProblemError(
            Problem(
                code="table-replaced",
                message=f"“{log.uri}” is another table by now than the one that was shown: its versions have other rows.",
                fix="Load the page again to see what lies there, then decide.",
            )
        )


def require_latest(log: Log, latest: Any) -> None:
    """Raises ProblemError where the table has a newer version than the one that somebody saw as the newest. None: any may."""
    if latest is not None and log.latest != latest:
        raise ProblemError(
            Problem(
                code="table-changed",
                message=f"“{log.uri}” has version {log.latest} by now; the newest was {latest} when this page was opened.",
                fix="Nothing was put back. Load the page again to see what came, then decide.",
            )
        )


def require_writable(state: State, uri: str) -> None:
    """Raises ProblemError where the table asks more of writers than is known here."""
    wanted = set(state.protocol.get("writerFeatures") or ()) - KNOWN_TO_WRITERS
    if int(state.protocol.get("minWriterVersion", 0)) > 7:
        wanted.add(f"writer version {state.protocol.get('minWriterVersion')}")
    wanted |= {words for name, words in NOT_WRITTEN.items() if str(state.properties.get(name)).lower() == "true"}
    if '"delta.identity.' in state.metadata.get("schemaString", ""):
        wanted.add("columns that number rows (identity columns)")
    if wanted:
        raise ProblemError(_newer(uri, "written", wanted))


def is_inside(path: str) -> bool:
    """Whether a path of a log stays in the table's folder."""
    parts = unquote(path).split("/")
    return not _SCHEME.match(path) and "\x00" not in path and all(part and not is_hidden(part) for part in parts)


# --- problems ---------------------------------------------------------------------------------------------------------------


def no_table(uri: str) -> Problem:
    return Problem(
        code="table-missing",
        field="inputURI",
        message=f"“{uri}” is no Delta table: it has no log.",
        expected="a folder that a DeltaLakeLoad wrote",
        fix="Check the path, or read it with the stage for its format, for instance ParquetExtract.",
    )


def corrupt(uri: str, found: str, detail: str | None = None) -> Problem:
    """A log that cannot be believed."""
    return Problem(
        code="table-corrupt",
        field="inputURI",
        message=f"The log of the Delta table “{uri}” is damaged, so nothing of it is read or written.",
        found=found,
        detail=Foreign(detail) if detail else None,
        fix="Put the table's folder back from a backup. Do not remove files of its log: rows would be lost, or come back.",
    )


def _newer(uri: str, done: str, wanted: Iterable[str]) -> Problem:
    return Problem(
        code="table-newer",
        field="inputURI" if done == "read" else "outputURI",
        message=f"The Delta table “{uri}” cannot be {done} here: whoever made it uses what this Sluice does not know.",
        found=Foreign(", ".join(sorted(wanted))),
        expected="a table without it",
        fix="Ask whoever makes the table to turn it off, or copy what is needed into a table of its own.",
    )


def _elsewhere(uri: str, path: str) -> Problem:
    return Problem(
        code="table-elsewhere",
        field="inputURI",
        message=f"The log of the Delta table “{uri}” names files that do not lie in its folder, so it is not read.",
        found=Foreign(path),
        expected="files in the table's own folder",
        fix="Copy the whole table (not as a shallow clone).",
    )


def is_a_table(uri: str, field_name: str = "inputURI") -> Problem:
    """Files were to be read or written, one by one, where a table's log decides which of them count."""
    reads = field_name == "inputURI"
    return Problem(
        code="place-is-table",
        field=field_name,
        message=f"“{uri}” is, or is in, or holds a Delta table. "
        + (
            "Its files must not be read one by one: some hold rows that are no longer in the table."
            if reads
            else "Files that are put there would not be in the table, and those that are taken away would be missing in it."
        ),
        found="a Delta table",
        fix="Read it with a DeltaLakeExtract, and the table itself, by its folder."
        if reads
        else "Write to it with a DeltaLakeLoad, or choose another folder.",
    )
