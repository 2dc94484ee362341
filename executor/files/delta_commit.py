"""Changes of a Delta table without Spark: one commit each, put into the log only where its number is free.

A table that a run writes is staged as a table of its own, whose log refers to the files of the target by their whole paths; so the target
knows nothing of whatever Spark does to it. To publish, the new files are linked into the target and one commit says what is other.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from executor.files import exchange, tree
from executor.files.delta_history import said_by
from executor.files.delta_log import LOG, Action, FileKey, Log, State, corrupt, file_key, is_table, require_writable, rows_of
from executor.files.delta_values import require_values
from executor.problems import Problem, ProblemError

ENGINE = "Sluice"
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_UUID = 20
"""Signs of a UUID in a log."""


@dataclass(frozen=True)
class StagedTable:
    """`folder`: the table that Spark writes; `base`: what lay at `target` when it was made, None: nothing. `appends`: it only adds rows,
    and has looked at none of the target's."""

    target: Path
    folder: Path
    uri: str
    base: State | None
    appends: bool = False


class Taken(ProblemError):
    """Somebody else has committed what was to be the next version."""


def stage(target: Path, folder: Path, uri: str, *, appends: bool) -> StagedTable:
    """A table at `folder` that is as the one at `target` is now; nothing where there is none. Raises ProblemError."""
    if not is_table(target):
        return StagedTable(target, folder, uri, None)
    base = Log.of(target, uri).state()
    require_writable(base, uri)
    require_values(base, uri)
    (folder / LOG).mkdir(parents=True)
    actions: list[Action] = [{"commitInfo": info_of("CLONE", {})}, {"protocol": base.protocol}, {"metaData": base.metadata}]
    actions += [{"txn": one} for one in base.transactions.values()]
    actions += [{"add": {**_from_outside(add, target), "dataChange": False}} for add in base.files.values()]
    (folder / LOG / name_of(0)).write_bytes(text_of(actions))
    return StagedTable(target, folder, uri, base, appends)


def name_of(version: int) -> str:
    return f"{version:020d}.json"


def text_of(actions: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(action, ensure_ascii=False, separators=(",", ":")) + "\n" for action in actions).encode()


def info_of(operation: str, parameters: Mapping[str, Any], **more: Any) -> Action:
    """What a commit of ours says of itself."""
    info = {"timestamp": time.time_ns() // 1_000_000, "operation": operation, "operationParameters": parameters}
    return info | {"isolationLevel": "Serializable", "engineInfo": ENGINE, "txnId": str(uuid.uuid4())} | more


def _from_outside(add: Action, table: Path) -> Action:
    """An `add` that names its file from wherever it is read."""
    whole = {**add, "path": f"file://{quote(str(table))}/{add['path']}"}
    vector = add.get("deletionVector")
    if vector and vector["storageType"] == "u":
        file = f"file://{quote(str(table))}/{_vector_file(vector['pathOrInlineDv'])}"
        whole["deletionVector"] = {**vector, "storageType": "p", "pathOrInlineDv": file}
    return whole


def _vector_file(name: str) -> str:
    """Where the marks of deleted rows lie, from a table's folder."""
    folder, found = name[:-_UUID], b""
    for start in range(len(name) - _UUID, len(name), 5):
        value = 0
        for sign in name[start : start + 5]:
            value = value * 85 + _Z85.index(sign)
        found += value.to_bytes(4, "big")
    return f"{folder}/deletion_vector_{uuid.UUID(bytes=found)}.bin".lstrip("/")


# --- what a run has changed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """From one state of a table to another. `said`: what the commit says of itself."""

    added: list[Action]
    removed: list[Action]
    metadata: Mapping[str, Any] | None
    protocol: Mapping[str, Any] | None
    transactions: list[Action]
    said: Action
    is_data: bool = True

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.removed or self.metadata or self.protocol)

    def actions(self, before: int | None, facts: Mapping[str, Any]) -> Iterator[Action]:
        """The lines of the commit after version `before`."""
        operation, parameters = self.said.get("operation", "WRITE"), self.said.get("operationParameters", {})
        more = {"userMetadata": json.dumps(facts, ensure_ascii=False)} | ({} if before is None else {"readVersion": before})
        more["isBlindAppend"] = bool(self.said.get("isBlindAppend")) and not self.removed
        yield {"commitInfo": info_of(operation, parameters, operationMetrics=self.said.get("operationMetrics", {}), **more)}
        yield from ([{"protocol": self.protocol}] if self.protocol else [])
        yield from ([{"metaData": self.metadata}] if self.metadata else [])
        yield from ({"txn": one} for one in self.transactions)
        now = time.time_ns() // 1_000_000
        for add in self.removed:
            known = {name: add[name] for name in ("path", "partitionValues", "size", "deletionVector") if name in add}
            yield {"remove": {**known, "deletionTimestamp": now, "dataChange": self.is_data, "extendedFileMetadata": True}}
        yield from ({"add": {**add, "dataChange": self.is_data}} for add in self.added)


def change_of(staged: StagedTable) -> Change | None:
    """What the run has done to the table, as one change; None where it has written none. Raises ProblemError."""
    if not is_table(staged.folder):
        return None
    log = Log.of(staged.folder, staged.uri)
    now = log.state(is_ours=True)
    base = staged.base
    known: dict[FileKey, FileKey] = {}
    if base is not None:
        known = {file_key(_from_outside(add, staged.target)): key for key, add in base.files.items()}
    added = [add for key, add in now.files.items() if key not in known]
    if any(add["path"].startswith("file:") for add in added):
        raise ProblemError(corrupt(staged.uri, "rows were marked as deleted, which is not published"))
    kept = {known[key] for key in now.files if key in known}
    removed = [add for key, add in base.files.items() if key not in kept] if base else []
    commits = [action for version in range(1 if base else 0, log.latest + 1) for action in log.actions(version)]
    if any("cdc" in action or "domainMetadata" in action for action in commits):
        raise ProblemError(corrupt(staged.uri, "a change of a kind that is not published"))
    files = [action.get("add") or action.get("remove") for action in commits]
    return Change(
        added=added,
        removed=removed,
        metadata=now.metadata if base is None or now.metadata != base.metadata else None,
        protocol=now.protocol if base is None or now.protocol != base.protocol else None,
        transactions=[one for name, one in now.transactions.items() if base is None or base.transactions.get(name) != one],
        said=log.info(log.latest),
        is_data=any(one.get("dataChange", True) for one in files if one),
    )


def version_to_follow(staged: StagedTable, change: Change) -> int | None:
    """The version that the change comes after; None: it makes the table. Raises ProblemError where somebody else has written what it would
    have to know: nothing of theirs is lost, and nothing of ours is put over it."""
    if staged.base is None:
        if is_table(staged.target):
            raise ProblemError(changed_meanwhile(staged.uri))
        return None
    if not is_table(staged.target):
        raise ProblemError(changed_meanwhile(staged.uri))
    now, base = Log.of(staged.target, staged.uri).state(), staged.base
    is_same = now.files.keys() == base.files.keys()  # a version that changes no rows may have come
    brings_no_rule = not (change.metadata or change.protocol)  # a new one has not seen others' rows
    only_rows = staged.appends and brings_no_rule and not change.removed
    # The same rows in other files: those that came beside them since are not touched by that.
    same_rows = brings_no_rule and not change.is_data and {file_key(add) for add in change.removed} <= now.files.keys()
    if (is_same or only_rows or same_rows) and (now.metadata, now.protocol) == (base.metadata, base.protocol):
        return now.version
    raise ProblemError(changed_meanwhile(staged.uri))


def whole_after(staged: StagedTable, change: Change, before: int | None) -> dict[str, int]:
    """Rows (where all files tell theirs), bytes and files of the version that the change makes. Raises ProblemError."""
    there = dict(Log.of(staged.target, staged.uri).state(before).files) if before is not None else {}
    for add in change.removed:
        there.pop(file_key(add), None)
    files = [*there.values(), *change.added]
    rows = [rows_of(add) for add in files]
    known = {} if None in rows else {"whole_rows": sum(count for count in rows if count is not None)}
    return known | {"whole_bytes": sum(int(add.get("size") or 0) for add in files), "whole_files": len(files)}


def put_commit(table: Path, version: int, content: bytes) -> None:
    """Makes a version, whole and in one step. Raises FileExistsError where there is one of this number."""
    place = table / LOG / name_of(version)
    fresh = place.with_name(f".{place.name}.{uuid.uuid4().hex}.tmp")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        exchange.rename(fresh, place, exchange.RENAME_NOREPLACE)
    finally:
        fresh.unlink(missing_ok=True)


def drop_last(staged: Path) -> None:
    """As if the last change of a table that a run stages had not been made."""
    log = Log.of(staged, staged.name)
    log.commits[log.latest].unlink()
    (staged / LOG / f"{log.latest:020d}.crc").unlink(missing_ok=True)


def files_of(added: Iterable[Action]) -> list[str]:
    """Where the files of a change lie, from the table's folder."""
    found = []
    for add in added:
        found.append(unquote(add["path"]))
        vector = add.get("deletionVector")
        if vector and vector["storageType"] == "u":
            found.append(_vector_file(vector["pathOrInlineDv"]))
    return found


# --- going back -------------------------------------------------------------------------------------------------------------


IsThere = Callable[[str], bool]
"""Whether a file of a table, by its path in it, is still there."""


def going_back(table: Path, now: State, to: State, uri: str, said: Action, is_there: IsThere | None = None) -> Change:
    """The change from `now` to what the table was. `is_there`: where the table's files lie elsewhere than its log. Raises ProblemError
    where a file of that is gone."""
    has = is_there or (lambda file: (table / file).is_file())
    added = [add for key, add in to.files.items() if key not in now.files]
    missing = next((file for file in files_of(added) if not has(file)), None)
    if missing is not None:
        raise ProblemError(_files_gone(uri, to.version, tree.shown(missing)))
    return Change(
        added=added,
        removed=[add for key, add in now.files.items() if key not in to.files],
        metadata=to.metadata if to.metadata != now.metadata else None,
        protocol=None,  # a table that could be read by fewer for a while cannot be read by more later
        transactions=[],
        said=said,
    )


def restore(table: Path, version: int, uri: str, facts: Mapping[str, Any], is_there: IsThere | None = None) -> int:
    """Makes the table what it was at a version, by one more commit; gives its number. `is_there`: see `going_back`. Raises ProblemError."""
    log = Log.of(table, uri)
    now = log.state()
    require_writable(now, uri)
    said = {"operation": "RESTORE", "operationParameters": {"version": version, "timestamp": None}}
    change = going_back(table, now, log.state(version), uri, said, is_there)
    if change.removed and str(now.properties.get("delta.appendOnly")).lower() == "true":
        raise ProblemError(_only_appended(uri))
    try:
        put_commit(table, now.version + 1, text_of(change.actions(now.version, facts)))
    except FileExistsError:
        raise Taken(changed_meanwhile(uri)) from None
    return now.version + 1


def take_back(table: Path, version: int, content: bytes, uri: str, is_there: IsThere | None = None) -> None:
    """As if the commit `content` had not been made: one more commit puts back what was before it. What somebody else has added since
    stays. A second time does nothing. `is_there`: see `going_back`. Raises ProblemError where they have built on what was committed: then
    it cannot be told apart."""
    with suppress(FileNotFoundError):
        if (table / LOG / name_of(version)).read_bytes() == content:
            _take_back(Log.of(table, uri), version, is_there)


def _take_back(log: Log, version: int, is_there: IsThere | None) -> None:
    now, ours, before = log.state(), log.state(version), log.state(version - 1)
    came, went = ours.files.keys() - before.files.keys(), before.files.keys() - ours.files.keys()
    if any(said_by(log.info(later)).get("takes_back") == version for later in range(version + 1, log.latest + 1)):
        return
    if came - now.files.keys() or went & now.files.keys() or now.metadata != ours.metadata:
        raise ProblemError(not_taken_back(log.uri))
    files = {key: add for key, add in now.files.items() if key not in came} | {key: before.files[key] for key in went}
    to = State(before.version, before.protocol, before.metadata, files)
    said = {"operation": "RESTORE", "operationParameters": {"version": before.version, "timestamp": None}}
    change = going_back(log.table, now, to, log.uri, said, is_there)
    try:
        put_commit(log.table, now.version + 1, text_of(change.actions(now.version, {"takes_back": version})))
    except FileExistsError:
        raise ProblemError(not_taken_back(log.uri)) from None


# --- problems ---------------------------------------------------------------------------------------------------------------


def changed_meanwhile(uri: str) -> Problem:
    return Problem(
        code="output-changed-meanwhile",
        field="outputURI",
        message=f"Another run has written the table “{uri}” meanwhile, so nothing of this one was: it would not know of those rows.",
        found=uri,
        fix="Run it again.",
    )


def not_taken_back(uri: str) -> Problem:
    """A run that failed had made a version, and somebody else has built on it."""
    return Problem(
        code="table-not-taken-back",
        field="outputURI",
        message=f"What a failed run has put into the table “{uri}” could not be taken back: somebody else has changed those rows since.",
        found=uri,
        fix="Look at the table's history, and put back the version before if it is wrong.",
    )


def _only_appended(uri: str) -> Problem:
    return Problem(
        code="table-only-appended",
        message=f"To “{uri}” rows may only be added (delta.appendOnly), so no earlier version is put back: later rows would go.",
        fix="Have whoever looks after the table turn that off, or read it as it was (versionAsOf).",
    )


def _files_gone(uri: str, version: int, file: str) -> Problem:
    return Problem(
        code="kept-output-gone",
        message=f"Version {version} of “{uri}” cannot be put back: files of it have been cleaned up.",
        file=file,
        fix="Choose a later version, or run the job again.",
    )
