"""What a file that somebody brings is called in the lake: a name that every reader takes as it stands.

Readers skip names that begin with a dot or an underscore, and read `*`, `{`, `%`, `=` and blanks as something else. So a name is
letters and digits of any script, and `.`, `-`, `_`.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

LONGEST_NAME = 200
"""Bytes in UTF-8; file systems take 255, and “_2” and a hidden beginning must still find room."""
PACKED = (".gz", ".bz2", ".zip")
RESERVED = {"con", "prn", "aux", "nul"}


def last_part(name: str) -> str:
    """What a person called the file: one line, without folders and signs that nobody sees."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1][-5000:]
    clean = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") else sign for sign in last)
    clean = "".join(sign for sign in clean if unicodedata.category(sign) != "Cf" or sign in "\u200c\u200d")
    return " ".join(clean.split())


def safe(name: str) -> str:
    """The name in the lake for a file called `name`: `Umsätze 2024 (50%).CSV` → `Umsätze_2024_50.CSV`. Never empty."""
    text = unicodedata.normalize("NFC", last_part(name))
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
