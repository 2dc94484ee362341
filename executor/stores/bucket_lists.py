"""Lists of an output's files, for programs that read the bucket without Sluice (Athena, Presto, Trino, Hive), as Delta lays them out:

<prefix>/<place>/_symlink_format_manifest/manifest                 s3://bucket/prefix/place/part-…, one file a line
<prefix>/<place>/_symlink_format_manifest/day=2013-01-01/manifest  the same of one folder

A list is made of what is visible, once it is: it may be behind, and never ahead. Each is exchanged in one step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from executor.files.delta_log import State
from executor.problems import Problem, ProblemError
from executor.stores.s3_access import told

if TYPE_CHECKING:
    from executor.stores.bucket import Bucket, Pointer

LISTS, LIST = "_symlink_format_manifest", "manifest"
CURRENT, BEHIND = "current", "behind"
"""What an output's facts say of its list."""
AT_ONCE, TRIES = 8, 5
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = {*map(chr, range(1, 32)), *"\"#%'*/:=?\\\x7f{[]^"}

Folders = Mapping[str, Sequence[str]]
"""Folder in the output (`day=2013-01-01`; "": it has none) → keys of its files, from the root."""


def refresh(bucket: Bucket, place: str, present: Callable[[], tuple[Any, Folders]]) -> None:
    """Makes the lists at a place anew. `present`: (what stands for what is visible, its files); asked for again behind the last list, since
    somebody may have published meanwhile and written theirs before ours. Raises ProblemError."""
    for _ in range(TRIES):
        before, folders = present()
        _write(bucket, place, folders)
        if present()[0] == before:
            return
    raise ProblemError(Problem(code="list-behind", message="Others publish there again and again.", fix="Run it again."))


def are_there(bucket: Bucket, place: str) -> bool:
    return next(iter(bucket.listed(f"{place}/{LISTS}/")), None) is not None


def of_pointer(pointer: Pointer, versions: str) -> Folders:
    """`versions`: where the output's files lie, from the root."""
    found: dict[str, list[str]] = {} if any("/" in inside for inside in pointer.files.values()) else {"": []}
    for key, inside in pointer.files.items():
        found.setdefault(inside.rpartition("/")[0], []).append(f"{versions}/{key}")
    return found


def of_table(state: State, place: str, files_of: Callable[[Sequence[Any]], list[str]], uri: str) -> Folders:
    """Raises ProblemError for a table of which such lists cannot tell the rows."""
    if state.properties.get("delta.columnMapping.mode", "none") != "none":
        raise ProblemError(_no_list(uri, "its columns have other names in its files"))
    if any(add.get("deletionVector") for add in state.files.values()):
        raise ProblemError(_no_list(uri, "rows of its files are marked as deleted"))
    found: dict[str, list[str]] = {} if state.partition_columns else {"": []}
    for folder, add in zip(folders_of(state), state.files.values(), strict=True):
        found.setdefault(folder, []).append(f"{place}/{files_of([add])[0]}")
    return found


def folders_of(state: State) -> Iterator[str]:
    """Of each file of a table, by its values: `day=2013-01-01`; "" where the table has no folders."""
    for add in state.files.values():
        values = add.get("partitionValues") or {}
        yield "/".join(f"{_escaped(name)}={_escaped(values.get(name))}" for name in state.partition_columns)


def behind(uri: str, error: ProblemError) -> Problem:
    """The output is visible, and its list is not as it is."""
    why = error.problems[0]
    return Problem(
        code="list-behind",
        field="outputURI",
        message=f"“{uri}” is published, but the list of its files for other programs (Athena, Presto) is not as it is now: {why.message}",
        found=why.found,
        fix=f"{why.fix or 'Look at the connection.'} Whoever reads the list sees the output as it was before; the next run that publishes "
        "there makes it anew.",
    )


def not_asked_for(uri: str) -> Problem:
    """A list is there, and the stage says that none is to be written."""
    return Problem(
        code="table-list-behind",
        field="generateSymlinkManifest",
        message=f"Beside “{uri}” lies a list of its files, which does not hold what is written now.",
        found=LISTS,
        fix="Turn “List of files” on, or remove the list: Presto and Athena would read the table as it was before.",
    )


def _write(bucket: Bucket, place: str, folders: Folders) -> None:
    """New lists first, then those of folders that are gone go."""
    here = f"{place}/{LISTS}/"
    there = {one.key: one.etag.strip('"') for one in bucket.listed(here)}
    wanted = {f"{here}{folder}/{LIST}".replace("//", "/"): _text(bucket, keys) for folder, keys in folders.items()}
    changed = [(key, text) for key, text in wanted.items() if there.get(key) != hashlib.md5(text, usedforsecurity=False).hexdigest()]
    with told(f"s3://{bucket.bucket}/{bucket.prefix}{here}"), ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda one: _put(bucket, *one), changed))
    if gone := [key for key in there if key not in wanted]:
        bucket.remove(gone)


def _put(bucket: Bucket, key: str, text: bytes) -> None:
    bucket.client.put_object(Bucket=bucket.bucket, Key=bucket.prefix + key, Body=text, **bucket.access.writing())


def _text(bucket: Bucket, keys: Sequence[str]) -> bytes:
    if any("\n" in key or "\r" in key for key in keys):
        raise ProblemError(
            Problem(code="list-behind", message="A file's name holds a line break.", fix="Write the rows anew, to files with other names.")
        )
    return "".join(f"s3://{bucket.bucket}/{bucket.prefix}{key}\n" for key in sorted(keys)).encode()


def _escaped(value: str | None) -> str:
    """As Spark and Hive write it in the name of a folder."""
    if not value:
        return NO_VALUE
    return "".join(f"%{ord(sign):02X}" if sign in _ESCAPED else sign for sign in value)


def _no_list(uri: str, why: str) -> Problem:
    return Problem(
        code="list-impossible",
        message=f"Of “{uri}” no such list can be made, since {why}.",
        fix="Turn “List of files” off, and have it read by programs that know Delta tables.",
    )
