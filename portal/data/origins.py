"""Which files of a lake were unpacked from which others: the notes beside them, kept true when people move things."""

from __future__ import annotations

import os
import posixpath
from dataclasses import replace
from pathlib import Path

from executor.files import made_of
from executor.files.made_of import Origin
from portal.data.lake import Lake
from portal.data.names import BadPlace


def write(lake: Lake, folder: str, origins: dict[str, Origin]) -> None:
    """The note of a folder, without what no longer lies there as it was made."""
    kept = {name: origin for name, origin in origins.items() if made_of.state(lake.root / folder / name) == origin.made}
    if kept or made_of.noted(lake.root / folder):
        lake.note(folder, made_of.NOTE, made_of.text_of(kept))


def made_from(lake: Lake, uri: str) -> list[str]:
    """The files that were unpacked from `uri`, whichever version of it, and have not been changed by hand."""
    home = uri.rpartition("/")[0]
    return [
        posixpath.join(folder, name)
        for folder in (home, *lake.folders_in(home))
        for name in made_of.parts_of(lake.root / folder, lake.root / uri).values()
    ]


def is_outdated(lake: Lake, uri: str) -> bool:
    """Whether files were made of an earlier version of `uri`: runs that read them stop until it is unpacked again."""
    return are_outdated(lake, made_from(lake, uri))


def are_outdated(lake: Lake, parts: list[str]) -> bool:
    """The same, for `parts` that `made_from` has found."""
    places = [lake.root / part for part in parts]
    return any(made_of.newer(place, made_of.noted(place.parent)) for place in places)


def newer_than(lake: Lake, uri: str) -> str | None:
    """The file of which `uri` is an earlier part, where it lies in the lake; None where `uri` is as new as what it was made of."""
    folder, _, name = uri.rpartition("/")
    try:
        entry = lake.find(uri)
        origin = made_of.noted(lake.root / folder).get(name) if entry else None
    except BadPlace:
        return None
    if origin is None or not made_of.newer(lake.root / uri, {name: origin}):
        return None
    return _file_at(lake, folder, origin.of)


def unfinished_of(lake: Lake, uri: str) -> str | None:
    """The file that is being unpacked into the folder of `uri`, or was until that was broken off, where it lies in the lake."""
    folder = uri.rpartition("/")[0]
    begun = made_of.unfinished(lake.root / folder)
    return _file_at(lake, folder, begun.of) if begun else None


def _file_at(lake: Lake, folder: str, of: str) -> str | None:
    try:
        found = lake.find(os.path.normpath(os.path.join(folder, of)))
    except BadPlace:  # the note of a folder can be written by whoever writes there
        return None
    return found.uri if found and not found.is_folder else None


def take_along(lake: Lake, uri: str, target: str) -> None:
    """After `uri` has become `target`: what is noted of it, and of what was made of it, holds for its new place."""
    old, new = lake.root / uri, lake.root / target
    if new.is_dir():
        _write_changed(lake, target, {name: _elsewhere(origin, old, new) for name, origin in made_of.noted(new).items()})
        return
    left = made_of.noted(old.parent)
    if origin := left.pop(old.name, None):
        write(lake, uri.rpartition("/")[0], left)
        there = made_of.noted(new.parent) | {new.name: _elsewhere(origin, old.parent, new.parent)}
        write(lake, target.rpartition("/")[0], there)
    home = uri.rpartition("/")[0]
    for folder in (home, *lake.folders_in(home)):
        of, now = (os.path.relpath(place, lake.root / folder) for place in (old, new))
        origins = made_of.noted(lake.root / folder)
        _write_changed(
            lake, folder, {name: replace(origin, of=now) if origin.of == of else origin for name, origin in origins.items()}
        )  # fmt: skip


def _elsewhere(origin: Origin, old: Path, new: Path) -> Origin:
    return replace(origin, of=os.path.relpath(os.path.normpath(old / origin.of), new))


def _write_changed(lake: Lake, folder: str, origins: dict[str, Origin]) -> None:
    if origins != made_of.noted(lake.root / folder):
        write(lake, folder, origins)
