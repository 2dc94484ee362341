"""Places in the lake: how they are compared, which of them meet, and which names an output may not have."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from fnmatch import fnmatchcase

from executor.problems import Problem

LONGEST_PLACE, LONGEST_NAME = 500, 200
"""Characters of a place, bytes of one name in it: file systems take 255, and what is made beside an output needs some of them."""
MOST_CHOICES, LONGEST_PATTERN = 1_000, 10_000
"""Paths that a pattern with braces may stand for, and its characters."""
OF_A_VALUE = "="
"""Stands in the names of folders that are a column with its value."""
_PATTERN_SIGNS = frozenset("*?[]{}")
_GLOB = re.compile(r"[*?\[{]")


class TooManyChoices(ValueError):
    """A pattern stands for more paths than anybody could mean."""


def place_of(uri: str) -> str:
    """`uri` in the one way that places are written: no `.`, no double or last stroke."""
    return posixpath.normpath(uri.strip())


def key_of(uri: str) -> str:
    """What two addresses of one place have in common: also those that differ in capital letters or in how an accent is written, because
    people take them for one and some storages do too."""
    return unicodedata.normalize("NFC", place_of(uri)).casefold()


def holds_a_value(uri: str) -> bool:
    """Whether a place in the lake tells a value of the data, as those in a folder such as `year=2013` do."""
    return OF_A_VALUE in uri


def is_pattern(uri: str) -> bool:
    return bool(_GLOB.search(uri))


def choices(pattern: str) -> list[str]:
    """The patterns without braces that `pattern` stands for: `{a,b}.csv` as `a.csv` and `b.csv`. In Python's way: `[!a]` for `[^a]`.
    Raises TooManyChoices: ten groups of ten stand for ten thousand million paths."""
    waiting, done = [pattern], []
    while waiting:
        one = waiting.pop()
        group = re.search(r"\{([^{}]*)\}", one)
        if group:
            waiting += [one[: group.start()] + choice + one[group.end() :] for choice in reversed(group[1].split(","))]
        else:
            done.append(one.replace("[^", "[!"))
        if len(waiting) + len(done) > MOST_CHOICES or len(one) > LONGEST_PATTERN:
            raise TooManyChoices
    return done


def visible(pattern: str) -> str:
    """`pattern` so that it finds no hidden names: `*` and `?` at the beginning of a name stand for no point and no underscore. Readers of
    data skip hidden names in the folders they are given, but not those that a pattern gives them."""
    return "/".join(_visible_name(name) for name in pattern.split("/"))


def _visible_name(name: str) -> str:
    """`*x` is `[^._]*x` or `x`."""
    name = re.sub(r"(?<=[{,])\?(?=[^{}]*\})", "[^._]", re.sub(r"^\?", "[^._]", name))
    name = re.sub(r"(?<=[{,])\*+([^{},]*)(?=[^{}]*\})", lambda found: _either(found[1]), name)
    if not name.startswith("*"):
        return name
    rest = name.lstrip("*")
    return f"{{{both}}}" if "," in (both := _either(rest)) else both


def _either(rest: str) -> str:
    if rest.startswith("?"):
        return f"[^._]*{rest[1:]}"
    return f"[^._]*{rest},{rest}" if rest and rest[0] not in "._" else f"[^._]*{rest}"


def meet(one: str, place: str) -> bool:
    """Whether `one` (an address that may be a pattern) is, holds, or lies in `place`; one that stands for too much may do so."""
    parts = key_of(place).split("/")
    try:
        meant = choices(one)
    except TooManyChoices:
        return True
    return any(all(fnmatchcase(name, shape) for name, shape in zip(parts, key_of(choice).split("/"), strict=False)) for choice in meant)


def is_within(uri: str, place: str) -> bool:
    """Whether `uri` is `place` or lies in it."""
    return f"{key_of(uri)}/".startswith(f"{key_of(place)}/")


def name_problem(uri: str, field: str = "outputURI") -> Problem | None:
    """Why nothing may be published at `uri`, as far as its names tell; None when it may."""
    found = next((why for name in uri.split("/") if (why := _why_not(name))), None)
    if found is None and len(place_of(uri)) > LONGEST_PLACE:
        return too_long(uri, field, f"{LONGEST_PLACE} characters")
    return _no_output(uri, field, *found) if found else None


def too_long(uri: str, field: str, longest: str) -> Problem:
    """`longest`: what there is room for, in words."""
    return _no_output(uri, field, f"is longer than {longest}", "Choose a shorter one.")


def _no_output(uri: str, field: str, why: str, fix: str) -> Problem:
    return Problem(
        code="output-name",
        field=field,
        message=f"“{uri[:200]}” cannot be the place of an output: it {why}.",
        found=uri[:200],
        expected="a folder of plain names such as curated/daily_delays",
        fix=fix,
    )


def _why_not(name: str) -> tuple[str, str] | None:
    """What is wrong with one name of a path, and the fix."""
    if name == "..":
        return "holds “..”", "Write the path without “..”."
    if name in ("", "."):
        return None
    if any(unicodedata.category(sign).startswith("C") for sign in name):
        return "holds a sign that cannot be seen", "Write it again."
    if signs := sorted(_PATTERN_SIGNS.intersection(name)):
        return f"holds {signs[0]}, which stands for other names when it is read", "Use letters, digits, - and _."
    if signs := sorted({"\\", ":"}.intersection(name)):
        return f"holds {signs[0]}, which readers cannot name", "Use letters, digits, - and _."
    if name.startswith((".", "_")) or name.endswith("._COPYING_"):
        return f"holds the name “{name}”, which readers skip", "Begin every name with a letter or digit."
    if name != name.strip():
        return "has a blank at the beginning or end of a name", "Take the blank out."
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        return f"has a name longer than {LONGEST_NAME} bytes", "Choose a shorter name."
    return None
