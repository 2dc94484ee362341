"""Folders into which files are unpacked, in the environment's own folder or in another root: what is noted there, and what lies there.

A file and its parts lie in one root. Folders are written as places are (`raw/months`, `archive:`, `archive:2013`).
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from executor.files import made_of, noting
from executor.files.made_of import NOTE, UNFINISHED, Notes, Origin, Unfinished
from portal.accounts.models import User
from portal.data import names, origins, sending
from portal.data.elsewhere import Elsewhere
from portal.data.lake import Lake
from portal.environments.models import Environment

MOST_FOLDERS = 100


class Folders(Protocol):
    """Those of one root."""

    def of(self, uri: str, folder: str) -> str:
        """A file as notes in the folder write it: from there."""
        ...

    def notes(self, folder: str, names: Collection[str] = ()) -> Notes:
        """What is noted in it, and what the files of these names are like, too. Raises PortalError."""
        ...

    def taken(self, folder: str, names: Collection[str]) -> set[str]:
        """Those of the names that something in it has, or that cannot be told from what something has. Raises PortalError."""
        ...

    def is_taken(self, place: str) -> bool:
        """Whether something lies there. Raises PortalError."""
        ...

    def begin(self, folder: str, begun: Unfinished | None) -> None:
        """Notes what is being unpacked into it; None: it is done. Raises PortalError."""
        ...

    def write(self, folder: str, made: dict[str, Origin]) -> None:
        """Notes what was made of what, of the files that are still as they were made. Raises PortalError."""
        ...


class OwnFolders:
    """In the environment's own folder."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def of(self, uri: str, folder: str) -> str:
        return os.path.relpath(self.lake.root / uri, self.lake.root / folder)

    def notes(self, folder: str, names: Collection[str] = ()) -> Notes:
        found = made_of.notes_of(self.lake.root / folder)
        more = {name: made_of.state(self.lake.root / folder / name) for name in names}
        return Notes(found.made, found.begun, {**found.states, **{name: state for name, state in more.items() if state}})

    def taken(self, folder: str, names: Collection[str]) -> set[str]:
        return {name for name in names if self.is_taken(f"{folder}/{name}")}

    def is_taken(self, place: str) -> bool:
        return self.lake.twin(place) is not None

    def begin(self, folder: str, begun: Unfinished | None) -> None:
        if begun:
            self.lake.note(folder, UNFINISHED, made_of.text_of_unfinished(begun))
        else:
            self.lake.forget_note(folder, UNFINISHED)

    def write(self, folder: str, made: dict[str, Origin]) -> None:
        noting.write(self.lake, folder, made)


class RootFolders:
    """In a root elsewhere, where programs behind the wall look and write."""

    def __init__(self, environment: Environment, actor: User | None) -> None:
        self.environment, self.actor = environment, actor

    def of(self, uri: str, folder: str) -> str:
        return posixpath.relpath(f"/{_inside(uri)}", f"/{_inside(folder)}")

    def notes(self, folder: str, names: Collection[str] = ()) -> Notes:
        return self._in(folder).notes(names)

    def taken(self, folder: str, names: Collection[str]) -> set[str]:
        looked = self._in(folder).look()
        return {name for name in names if looked.twin(joined(folder, name)) is not None}

    def is_taken(self, place: str) -> bool:
        return Elsewhere(self.environment, place, self.actor).look().twin(place) is not None

    def begin(self, folder: str, begun: Unfinished | None) -> None:
        self._in(folder).write_note(UNFINISHED, made_of.text_of_unfinished(begun) if begun else None)

    def write(self, folder: str, made: dict[str, Origin]) -> None:
        there = self.notes(folder, made)
        kept = {name: origin for name, origin in made.items() if there.states.get(name) == origin.made}
        if kept or there.made:
            self._in(folder).write_note(NOTE, made_of.text_of(kept))

    def _in(self, folder: str) -> Elsewhere:
        return Elsewhere(self.environment, joined(folder, _ANY), self.actor)


@dataclass(frozen=True)
class Parts:
    """What was unpacked from a file before. `is_outdated`: from an earlier version of it; `is_whole`: and nothing of it is missing."""

    places: list[str]
    is_outdated: bool = False
    is_whole: bool = True


def parts_of(environment: Environment, uri: str, actor: User | None) -> Parts:
    """Whichever version of it they are of, unless they were changed by hand. Raises PortalError where the root cannot be asked."""
    if there := sending.elsewhere(environment, uri, actor):
        return _parts_elsewhere(RootFolders(environment, actor), there.uri)
    lake = Lake(environment)
    made = origins.made_from(lake, uri)
    is_whole = not any(origins.unfinished_of(lake, part) == uri for part in made)
    return Parts(made, origins.are_outdated(lake, made), is_whole)


def _parts_elsewhere(folders: RootFolders, uri: str) -> Parts:
    home, container = folder_of(uri), name_of(uri)
    there = folders.notes(home, [container])
    source = there.states.get(container)
    found = Parts([])
    for folder in (home, *own_folders(uri)):
        of = folders.of(uri, folder)
        if folder != home and not ((there := folders.notes(folder)).states or there.begun):
            break
        made = there.parts_of(of)
        found.places.extend(joined(folder, name) for name in made.values())
        older = [one for one in there.made.values() if one.of == of and made_of.is_older(one, one.made, source) and one.part in made]
        begun = there.begun is not None and there.begun.of == of
        found = Parts(found.places, found.is_outdated or bool(older), found.is_whole and not begun)
    return found


def source_of(environment: Environment, uri: str, actor: User) -> str | None:
    """The file in another root that the one at `uri` was made of, or comes out of just now, as the notes in its folder say. Raises
    PortalError where the root cannot be asked."""
    folder, name = folder_of(uri), name_of(uri)
    there = RootFolders(environment, actor).notes(folder, [name])
    is_coming = there.begun is not None and name in there.begun.files.values()
    of = there.begun.of if there.begun and is_coming else there.made[name].of if name in there.made else None
    inside = posixpath.normpath(posixpath.join(_inside(folder), of)) if of else ".."
    root, colon, _ = uri.partition(":")
    return None if inside.startswith("..") else f"{root}:{inside}" if colon else inside


def own_folders(uri: str) -> Iterator[str]:
    """Where the files of a zip may lie alone, in the order in which they are tried."""
    home, stem = folder_of(uri), names.split(names.safe(name_of(uri)))[0]
    yield joined(home, stem)
    yield from (joined(home, f"{stem}_{number}") for number in range(2, MOST_FOLDERS))


_ANY = "any"
"""A name in a folder, where the folder is meant."""


def joined(folder: str, name: str) -> str:
    """The place of this name in a folder."""
    return folder + name if folder.endswith(":") else f"{folder}/{name}"


def folder_of(uri: str) -> str:
    """The folder that a place lies in."""
    above, slash, _ = uri.rpartition("/")
    root, colon, _ = uri.partition(":")
    return above if slash else root + colon if colon else ""


def name_of(uri: str) -> str:
    """What a place is called in its folder."""
    return uri.removeprefix(folder_of(uri)).removeprefix("/")


def _inside(uri: str) -> str:
    return uri.partition(":")[2] if ":" in uri else uri
