"""Which places an address may name in the lake or another root, as far as its text tells."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from fnmatch import fnmatchcase

from executor.language.places import MOST_CHOICES, TooManyChoices, choices, is_pattern, visible
from executor.problems import Problem

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ANOTHER_STORAGE = "Bring the files into the lake, or ask for a root there and write its name before them."


LONGEST_ADDRESS = 4_000
"""Characters of an address that is no pattern."""
OUR_OWN = ".sluice-"
"""Names of our own folders begin so."""


def uri_problem(uri: str, field: str, root: str = "") -> Problem | None:
    """Why `uri` is no place in the lake, or in the root of this name, as far as its text tells; None when it may be one."""
    written, where = (f"{root}:{uri}", f"the root “{root}”") if root else (uri, "the lake")
    found = _of_its_signs(uri) or _of_its_way(posixpath.normpath(uri), where)
    if found:
        return _problem(written, field, *found)
    return _of_patterns(uri, written, field, where) if is_pattern(uri) or "{" in uri else None


def _of_its_signs(uri: str) -> tuple[str, str] | None:
    """What is wrong with the text itself, and the fix."""
    if not uri.strip():
        return "is empty", "Give a file or folder."
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in uri):
        return "holds a sign that no file name has", "Write it again."
    if uri != uri.strip():
        return "begins or ends with a blank", "Take the blank out."
    if "\\" in uri:
        return "holds \\, which leads nowhere here", "Write / between the names."
    if len(uri) > LONGEST_ADDRESS and not is_pattern(uri):
        return f"is longer than {LONGEST_ADDRESS:,} characters", "Give a shorter path."
    if _SCHEME.match(uri):
        return "is an address of another storage", _ANOTHER_STORAGE
    return None


def _of_its_way(path: str, where: str) -> tuple[str, str] | None:
    """What is wrong with where it leads. `path`: without `.`, and without `..` where that can be."""
    names = path.split("/")
    if any(name.startswith(OUR_OWN) for name in path.casefold().split("/")):
        return "is a folder of Sluice's own", "Name the output itself."
    if path.startswith("/") or ".." in names:
        return f"leads out of {where}", f"Give a path inside {where}."
    if path == ".":
        return f"is {where} itself", f"Give a file or folder inside {where}."
    return ("is an address of another storage", _ANOTHER_STORAGE) if ":" in names[0] else None


def _of_patterns(uri: str, written: str, field: str, where: str) -> Problem | None:
    """The same of every path that a pattern stands for; and too many of them, also by stars, since a hidden name is no match and each has
    to say so."""
    try:
        choices(visible(uri))
        for choice in choices(uri):
            found = _of_its_way(posixpath.normpath(choice), where) if choice.strip() else None
            if found is None and any(map(_finds_hidden, choice.split("/"))):
                found = "may find names that readers skip", "Begin every name with a letter, a digit or *."
            if found:
                return _problem(written, field, *found)
    except TooManyChoices:
        return Problem(
            code="uri-too-many",
            field=field,
            message=f"“{written[:100]}” stands for more than {MOST_CHOICES:,} paths.",
            found=written[:500],
            expected="few groups such as {a,b}",
            fix="Name the folder above, or use fewer groups and stars.",
        )
    return None


def _finds_hidden(name: str) -> bool:
    """Whether a part of a pattern without braces finds names that begin with a point: a star does not, see `visible`."""
    if name.startswith("["):
        first = re.match(r"\[.[^\]]*\]", name)
        return first is not None and fnmatchcase(".", first.group())
    return name.startswith(".") and is_pattern(name)


def _problem(uri: str, field: str, words: str, fix: str) -> Problem:
    return Problem(
        code="uri-outside-lake",
        field=field,
        message=f"“{uri[:200]}” {words}.",
        found=uri[:200],
        expected="a path in the lake such as raw/flights.csv, or in a root such as archive:2013/flights.csv",
        fix=fix,
    )
