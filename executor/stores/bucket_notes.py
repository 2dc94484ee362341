"""Files in a bucket that were unpacked from another one there: as in a folder (`executor.files.made_of`), nobody reads earlier parts of it
in silence, nor some of them for all."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from functools import cache

from executor.files import made_of
from executor.files.folder import fixed_part
from executor.files.made_of import NOTE, UNFINISHED, State
from executor.problems import ProblemError
from executor.stores.bucket import Bucket, Found, Seen
from executor.stores.by_hand import ByHand


def require_newest(bucket: Bucket, seen: Seen, place: str, name: Callable[[str], str]) -> None:
    """Raises ProblemError for the first file seen at `place` that must not be read. `name`: what documents call a place."""
    hand = ByHand(bucket)

    @cache
    def state(key: str) -> State | None:
        there = None if key.startswith("..") else hand.there(key)
        return (there.size, there.mark) if there else None

    for folder, files in _by_folder(seen).items():
        begun = made_of.unfinished_in(_text(hand, seen, place, folder, UNFINISHED))
        origins = made_of.origins_in(_text(hand, seen, place, folder, NOTE))
        for file in files:
            called = file.place.rpartition("/")[2]
            if begun and called in begun.files.values():
                raise ProblemError(made_of.not_finished(name(file.place), begun.of.rpartition("/")[2]))
            origin = origins.get(called)
            if origin and made_of.is_older(origin, (file.size, file.stamp), state(posixpath.normpath(posixpath.join(folder, origin.of)))):
                raise ProblemError(made_of.outdated(name(file.place), origin.of.rpartition("/")[2]))


def _by_folder(seen: Seen) -> dict[str, list[Found]]:
    """Without the files of outputs, which runs have written."""
    found: dict[str, list[Found]] = {}
    for file in seen.files:
        if file.key == file.place:
            found.setdefault(file.place.rpartition("/")[0], []).append(file)
    return found


def _text(hand: ByHand, seen: Seen, place: str, folder: str, note: str) -> bytes | None:
    """A note; only where the list does not say that there is none it is asked for."""
    key, beginning = f"{folder}/{note}".lstrip("/"), fixed_part(place).strip("/")
    is_listed = not beginning or f"{folder}/".startswith(f"{beginning}/")
    if is_listed and key not in seen.notes:
        return None
    return hand.noted(folder, note)
