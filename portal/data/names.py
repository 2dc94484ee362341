"""What a file that somebody brings is called in the lake (see `executor.language.file_names`), and which places are such. What the
person called it is kept beside it.
"""

from __future__ import annotations

import unicodedata

from executor.language.file_names import LONGEST_NAME as LONGEST_NAME
from executor.language.file_names import cut as cut
from executor.language.file_names import last_part
from executor.language.file_names import numbered as numbered
from executor.language.file_names import safe as safe
from executor.language.file_names import split as split
from portal.errors import PortalError

LONGEST_PLACE = 480
"""Bytes of a whole place, folders and name."""
DEEPEST = 8


class BadPlace(PortalError):
    """Not a place in the lake that people may write to."""

    code = "bad-place"
    status = 422


def shown(name: str) -> str:
    """What the person called the file, for people to read: the last part, one line, no more than 255 characters."""
    text = last_part(name)
    stem, ending = split(text)
    return text if len(text) <= 255 else stem[: 255 - len(ending)] + ending


def same(one: str) -> str:
    """Two names with the same of this cannot be told apart by people, nor by every file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", one).casefold())


def parts_of(place: str) -> list[str]:
    """The folders and the name of a place as documents write it. Raises BadPlace when it is not one inside the lake."""
    parts = place.strip("/").split("/") if place.strip("/") else []
    if not parts:
        raise BadPlace("No file or folder was named.", fix="Name one, for instance raw/flights.csv.")
    for part in parts:
        if part in ("", ".", "..") or "\x00" in part or "\\" in part or len(part.encode("utf-8", "surrogatepass")) > 255:
            raise BadPlace(f"“{shown(place)}” is not a place in the lake.", fix="Name a path such as raw/flights.csv.")
    return parts


def parted(uri: str) -> tuple[str, str]:
    """(root and folders with the sign behind them, name): `archive:2013/` and `x.csv`."""
    at = max(uri.rfind("/"), uri.find(":")) + 1
    return uri[:at], uri[at:]


def folder(text: str) -> str:
    """The folder that somebody typed, as it stands in the lake: `raw`, `raw/2013`. Raises BadPlace for one that readers would not take."""
    parts = [part.strip() for part in text.strip().strip("/").split("/")]
    if parts == [""]:
        return "raw"
    if len(parts) > DEEPEST:
        raise BadPlace(f"The folder is {len(parts)} levels deep.", fix=f"Use at most {DEEPEST} levels.", field="folder")
    for part in parts:
        if part != safe(part):
            fix = f"Use letters, digits, - and _, for instance {safe(part)}."
            raise BadPlace(f"“{shown(part) or part[:1]}” cannot be a folder.", fix=fix, field="folder")
    return "/".join(parts)


def place(folder_name: str, name: str) -> str:
    """Folder and name as one. Raises BadPlace when it is too long."""
    whole = f"{folder_name}/{name}"
    if len(whole.encode()) > LONGEST_PLACE:
        raise BadPlace("Folder and name are too long together.", fix="Use a shorter folder.", field="folder")
    return whole
