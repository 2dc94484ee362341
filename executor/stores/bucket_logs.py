"""The logs of Delta tables in a bucket, and the files of one version: what is copied of a table.

A table of thousands of versions has thousands of commits and the files of all of them. Whoever reads it as it is now needs one checkpoint,
the few commits behind that, and the files that these name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from executor.files import tree
from executor.files.delta_commit import files_of
from executor.files.delta_history import MOST_LISTED
from executor.files.delta_log import COMMIT, LOG, Log, is_a_table, no_table, version_in
from executor.files.delta_vacuum import DataFile
from executor.files.delta_versions import require_whole
from executor.files.publish import no_table_there
from executor.problems import ProblemError
from executor.stores.base import State
from executor.stores.bucket import Found, Seen, changed_while_read, shapes_of

if TYPE_CHECKING:
    from executor.stores.s3 import S3Store

BACK = MOST_LISTED + 1
"""So many versions before the present one can be told of a log of which not all was copied: those that are offered to be put back."""


def tables_at(seen: Seen, place: str) -> frozenset[str]:
    """The tables that a place, perhaps a pattern, is or takes in; none where it lies in one, since then its files were asked for by
    name."""
    tables = frozenset(log.place.partition(f"/{LOG}/")[0] for log in seen.logs)
    inside = place.strip("/")
    return frozenset() if any(inside.startswith(f"{table}/") for table in tables) else tables


def is_in(file: Found, tables: Collection[str]) -> bool:
    parts = file.place.split("/")
    return any("/".join(parts[:count]) in tables for count in range(1, len(parts)))


def state_of(seen: Seen, tables: Collection[str]) -> State:
    """What stands for the content: of a table, as in a folder, its commits. Its files may be those of other versions, and checkpoints say
    what commits have said."""
    commits = [log for log in seen.logs if COMMIT.fullmatch(log.place.rpartition("/")[2])] if tables else seen.logs
    files = [file for file in seen.files if not is_in(file, tables)]
    return tuple((file.place, file.stamp, file.size) for file in (*files, *commits))


def newest_logs(seen: Seen, tables: Collection[str], back: int | None = BACK) -> list[Found]:
    """Of each table's log what is needed to tell the present version and `back` of those before; None: all."""
    if not tables or back is None:
        return seen.logs
    return [log for table in tables for log in _newest(_logs_of(seen, table), back)]


def _logs_of(seen: Seen, table: str) -> list[Found]:
    return [log for log in seen.logs if log.place.startswith(f"{table}/{LOG}/")]


def _newest(logs: list[Found], back: int) -> list[Found]:
    """From the newest checkpoint on that is old enough; all where there is none. Whether a checkpoint is whole is seen by whoever reads
    it: so one that has parts is passed over."""
    names = {log.place.partition(f"/{LOG}/")[2]: log for log in logs}
    commits = [version for name in names if (version := version_in(name, COMMIT)) is not None]
    whole = [version for name in names if (version := version_in(name, _WHOLE)) is not None]
    start = max((one for one in whole if one <= max(commits, default=0) - back), default=None)
    if start is None:
        return logs
    return [log for name, log in names.items() if (version := version_in(name, _NUMBERED)) is None or version >= start]


_WHOLE = re.compile(r"(\d{20})\.checkpoint\.parquet")
_NUMBERED = re.compile(r"(\d{20})\..+")


def to_read(root: S3Store, seen: Seen, tables: Collection[str]) -> list[Found]:
    """What is copied for whoever reads: files that are in no table, the logs of tables, and what was copied of them before."""
    files = [one for one in seen.files if not is_in(one, tables) or root.has(one)]
    return [*files, *newest_logs(seen, tables), *(log for log in seen.logs if root.has(log))]


def bring_log(root: S3Store, place: str, uri: str, field: str, back: int | None) -> Path:
    """See `executor.stores.base.Store.table_log`."""
    path, seen = root.path(place, field), root.bucket.seen(place)
    if not _logs_of(seen, place):
        raise ProblemError(no_table(uri))
    _bring(root, place, seen, newest_logs(seen, [place], back))
    return path


def bring_target(root: S3Store, place: str, uri: str) -> Path:
    """See `executor.stores.s3.S3Store.table`."""
    path, seen = root.path(place, "outputURI"), root.bucket.seen(place)
    logs = _logs_of(seen, place)
    if len(logs) < len(seen.logs):
        raise ProblemError(is_a_table(uri, "outputURI"))
    if not logs and (seen.files or place in seen.outputs):
        raise ProblemError(no_table_there(uri))
    is_there = any(log.place.endswith((".json", ".parquet")) for log in logs)  # else it is about to come
    _bring(root, place, seen, newest_logs(seen, [place]) if is_there else [])
    if not is_there:
        tree.remove(path / LOG)
    return path


def _bring(root: S3Store, place: str, seen: Seen, logs: list[Found]) -> None:
    """Afterwards these are in the copy of the log, and whatever was before and is there still: others may be reading it."""
    root.copy([*logs, *(log for log in _logs_of(seen, place) if root.has(log))], shapes_of(f"{place}/{LOG}"))
    known = {log.place.rpartition("/")[2] for log in seen.logs}
    for commit in (root.folder / place / LOG).glob("*.json"):
        if commit.name not in known:  # one that was made here and that somebody else was quicker than
            commit.unlink()


def data_files(root: S3Store, place: str) -> dict[str, DataFile]:
    """See `executor.stores.base.Store.table_files`."""
    found = root.bucket.seen(place).files
    return {one.place.removeprefix(f"{place}/"): DataFile(one.size, one.modified) for one in found}


def bring_version(root: S3Store, place: str, uri: str, version: int) -> None:
    """See `executor.stores.base.Store.bring_version`. Raises ProblemError where a file has gone meanwhile."""
    log = Log.of(root.folder / place, uri)
    if version != log.latest:
        require_whole(log, version, data_files(root, place).__contains__)
    bring_files(root, place, files_of(log.state(version).files.values()))


def bring_files(root: S3Store, place: str, files: Iterable[str]) -> None:
    """Copies these files of a table, by their paths in it, beside those that are there."""
    there = {file.place: file for file in root.bucket.seen(place).files}
    wanted = [f"{place}/{file}" for file in files]
    missing = next((one for one in wanted if one not in there), None)
    if missing is not None:
        raise ProblemError(changed_while_read(missing))
    root.copy([there[one] for one in wanted], ())
