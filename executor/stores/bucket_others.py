"""Tables of other systems in a bucket: told before a file of theirs is copied, as they are in a folder (`executor.files.other_tables`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from executor.files import other_tables
from executor.files.delta_log import LOG, is_a_table
from executor.files.folder import fixed_part
from executor.language.places import place_of
from executor.problems import ProblemError
from executor.stores.bucket import AT_ONCE, Bucket, Found, Seen


def require_none(bucket: Bucket, seen: Seen, files: Sequence[Found], place: str, uri: str) -> None:
    """Raises ProblemError where `files`, of those that were seen at `place`, which the document calls `uri`, are such a table's."""
    tables = dict(found for key in seen.beside if (found := other_tables.table_in(key)))
    kind = next((kind for file in files for folder, kind in tables.items() if _is_below(file.place, folder)), None)
    if kind is None and not all(any(_is_below(file.place, output) for output in seen.outputs) for file in files):
        kind = _above(bucket, fixed_part(place).strip("/"))
    if kind:
        raise ProblemError(other_tables.is_other_table(uri, kind))
    _require_that_all_count(bucket, seen, files, uri)


def require_outside(bucket: Bucket, place: str, uri: str) -> None:
    """Raises ProblemError where what is written to `place` would lie in a table, Delta's or another one."""
    above = place_of(place).rpartition("/")[0]
    if any(bucket.holds(f"{folder}/{LOG}/") for folder in _folders_to(above) if folder):
        raise ProblemError(is_a_table(uri, "outputURI"))
    if kind := _above(bucket, above):
        raise ProblemError(other_tables.is_other_table(uri, kind, "outputURI"))


def _is_below(place: str, folder: str) -> bool:
    return not folder or place.startswith(f"{folder}/")


def _folders_to(place: str) -> list[str]:
    """The root ("") and the folders on the way to a place, itself included."""
    parts = place.split("/") if place else []
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def _above(bucket: Bucket, place: str) -> str | None:
    """What a place is, or lies in; None where that is no such table."""
    if by_name := other_tables.table_in(place):
        return by_name[1]
    asked = [(f"{folder}/{name}/".lstrip("/"), kind) for folder in _folders_to(place) for name, kind in other_tables.KINDS.items()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [one for one, holds in zip(asked, pool.map(bucket.holds, [key for key, _ in asked]), strict=True) if holds]
    return next((kind for key, kind in found if _is_table(bucket, key)), None)


def _is_table(bucket: Bucket, key: str) -> bool:
    """Whether what begins with `key` is part of such a table: a folder “metadata” may be anybody's."""
    return not key.endswith(f"{other_tables.METADATA}/") or any(other_tables.table_in(one.key) for one in bucket.listed(key))


def _require_that_all_count(bucket: Bucket, seen: Seen, files: Sequence[Found], uri: str) -> None:
    if seen.beside:
        parts = (file.place.rpartition("/") for file in files)
        placed = [(folder, name) for folder, _, name in parts]
        other_tables.require_that_all_count(placed, partial(_names, seen.beside), partial(_note, bucket), uri)


def _names(keys: Iterable[str], folder: str) -> list[str]:
    return [name for above, _, name in (key.rpartition("/") for key in keys) if above == folder]


def _note(bucket: Bucket, folder: str, name: str) -> bytes:
    found = bucket.get(f"{folder}/{name}".lstrip("/"))
    return found[0] if found else b""
