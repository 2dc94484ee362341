"""The notes of which files were unpacked from which others (`executor.files.made_of`), kept true when people move things."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from executor.files import made_of
from executor.files.made_of import Origin


class Noted(Protocol):
    """A folder of this machine with places in it, where notes may be written."""

    @property
    def root(self) -> Path: ...

    def note(self, folder: str, name: str, text: str) -> None:
        """Writes a hidden file of ours into a folder, in one step."""
        ...

    def folders_in(self, uri: str) -> list[str]:
        """The folders in a folder, hidden ones left out."""
        ...


def write(lake: Noted, folder: str, origins: dict[str, Origin]) -> None:
    """The note of a folder, without what no longer lies there as it was made."""
    kept = {name: origin for name, origin in origins.items() if made_of.state(lake.root / folder / name) == origin.made}
    if kept or made_of.noted(lake.root / folder):
        lake.note(folder, made_of.NOTE, made_of.text_of(kept))


def take_along(lake: Noted, uri: str, target: str) -> None:
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


def _write_changed(lake: Noted, folder: str, origins: dict[str, Origin]) -> None:
    if origins != made_of.noted(lake.root / folder):
        write(lake, folder, origins)
