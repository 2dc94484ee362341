"""Which files of a lake were unpacked from which others: what the notes beside them say."""

from __future__ import annotations

import os
import posixpath

from executor.files import made_of
from portal.data.lake import Lake
from portal.data.names import BadPlace


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
