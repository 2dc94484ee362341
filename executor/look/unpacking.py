"""Unpacking a file of any root into a hidden folder of the environment's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from executor.files import lake, made_of, tree
from executor.files.made_of import State
from executor.look.packed import MOST_BYTES, Tell, unpack
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.folder import FolderStore
from executor.stores.hand_of import hand_of
from executor.stores.hands import changed, nothing, require_inside
from executor.stores.roots import Roots

SOURCE = ".source"
"""Folder in the hidden one, for the file of another root while it is unpacked: not in memory, where a large one has no room."""


def unpack_at(roots: Roots, uri: str, to: str, tell: Tell, limits: dict[str, int]) -> tuple[State | None, list[dict[str, Any]]]:
    """(what the file was like, its parts as `unpack` gives them). Raises ProblemError."""
    store, place = roots.at(uri, "uri")
    folder = lake.resolve(roots.lake, to, "to")
    with _at_hand(store, place, folder / SOURCE, limits.get("bytes", MOST_BYTES)) as (copy, was):
        return was, unpack(roots.lake, place, to, tell, limits, copy)


@contextmanager
def _at_hand(store: Store, place: str, folder: Path, most: int) -> Iterator[tuple[Path | None, State | None]]:
    """(a copy, where it lies in another root; what it was like before it is read: a newer one may come meanwhile)."""
    if isinstance(store, FolderStore) and store.is_own:
        yield None, made_of.state(store.path(place, "uri"))
        return
    folder.mkdir(parents=True)
    try:
        yield _copied(store, place, folder, most)
    finally:
        tree.remove(folder)


def _copied(store: Store, place: str, folder: Path, most: int) -> tuple[Path, State | None]:
    """As it was when it was found, whoever changes it meanwhile."""
    require_inside(place)
    hand, (above, _, name) = hand_of(store), place.rpartition("/")
    if (found := hand.there(place)) is None:
        raise ProblemError(nothing(place))
    if found.size > most:
        raise ProblemError(_too_large(place, most))
    was, path = hand.states(above, [name]).get(name), folder / name
    with path.open("xb") as copy:
        for piece in hand.body(place, found):
            copy.write(piece)
    if path.stat().st_size != found.size:
        raise ProblemError(changed(place))
    return path, was


def _too_large(place: str, most: int) -> Problem:
    return Problem(
        code="zip-too-large", message=f"“{place}” is larger than {most / 1_000_000_000:g} GB.", fix="Bring its parts one by one."
    )
