"""What a file that somebody brings is called in the lake: a name that every reader takes as it stands.

Readers skip names that begin with a dot or an underscore, and read `*`, `{`, `%`, `=` and blanks as something else. So a name is
letters and digits of any script, and `.`, `-`, `_`. What the person called it is kept beside it.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from portal.errors import PortalError

LONGEST_NAME = 200
"""Bytes in UTF-8; file systems take 255, and “_2” and a hidden beginning must still find room."""
LONGEST_PLACE = 480
"""Bytes of a whole place, folders and name."""
DEEPEST = 8
PACKED = (".gz", ".bz2", ".zip")
RESERVED = {"con", "prn", "aux", "nul"}


class BadPlace(PortalError):
    """Not a place in the lake that people may write to."""

    code = "bad-place"
    status = 422


def shown(name: str) -> str:
    """What the person called the file, for people to read: the last part, one line, no more than 255 characters."""
    text = _last(name)
    stem, ending = split(text)
    return text if len(text) <= 255 else stem[: 255 - len(ending)] + ending


def _last(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1][-5000:]
    clean = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") else sign for sign in last)
    clean = "".join(sign for sign in clean if unicodedata.category(sign) != "Cf" or sign in "\u200c\u200d")
    return " ".join(clean.split())


def safe(name: str) -> str:
    """The name in the lake for a file called `name`: `Umsätze 2024 (50%).CSV` → `Umsätze_2024_50.CSV`. Never empty."""
    text = unicodedata.normalize("NFC", _last(name))
    text = re.sub("_+", "_", "".join(sign if _is_plain(sign) else "_" for sign in text))
    stem, ending = split("x" + text.lstrip("_-"))  # a name that begins with a dot is all ending otherwise
    stem, ending = stem[1:].strip("._-") or "file", ending.replace("_.", ".").rstrip("._-")
    return cut((f"file_{stem}" if stem.lower() in RESERVED else stem) + ending, LONGEST_NAME)


def _is_plain(sign: str) -> bool:
    return sign in "._-" or unicodedata.category(sign)[0] in "LM" or unicodedata.category(sign) == "Nd"


def cut(name: str, most: int) -> str:
    """At most `most` bytes, the ending kept: a cut `.csv.gz` would be read as something else."""
    stem, ending = split(name)
    room = max(1, most - len(ending.encode()))
    while len(stem.encode()) > room:
        stem = stem[:-1]
    return (stem + ending) if len(ending.encode()) < most else (stem + ending).encode()[:most].decode("utf-8", "ignore")


def split(name: str) -> tuple[str, str]:
    """`(stem, ending)`: `a.b.csv.gz` → `("a.b", ".csv.gz")`."""
    stem, ending = name, ""
    lower = name.lower()
    for packed in PACKED:
        if lower.endswith(packed) and len(name) > len(packed):
            stem, ending = name[: -len(packed)], name[-len(packed) :]
            break
    suffix = PurePosixPath(stem).suffix
    if suffix and len(suffix) <= 12 and suffix != stem:
        stem, ending = stem[: -len(suffix)], suffix + ending
    return stem, ending


def numbered(name: str, number: int) -> str:
    """`flights.csv`, 2 → `flights_2.csv`."""
    stem, ending = split(cut(name, LONGEST_NAME - 6))
    return f"{stem}_{number}{ending}"


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
