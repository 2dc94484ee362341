"""Which addresses a job may name: places in the lake, written relative to it."""

from __future__ import annotations

import posixpath
import re

from executor.language.places import MOST_CHOICES, TooManyChoices, choices, visible
from executor.problems import Problem

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def uri_problem(uri: str, field: str) -> Problem | None:
    """Why `uri` is no place in the lake, as far as its text tells; None when it may be one."""
    if not uri.strip():
        return _problem(uri, field, "is empty", "Give a file or folder.")
    if any(ord(sign) < 32 for sign in uri):
        return _problem(uri, field, "holds a sign that no file name has", "Write it again.")
    if SCHEME.match(uri):
        return _problem(uri, field, "is an address of another storage", "Only files in the lake can be used here.")
    path = posixpath.normpath(uri)
    if any(part.startswith(".sluice-") for part in path.casefold().split("/")):
        return _problem(uri, field, "is a folder of Sluice's own", "Name the output itself.")
    if path.startswith(("/", "../")) or path == "..":
        return _problem(uri, field, "leads out of the lake", "Give a path inside the lake.")
    if path == ".":
        return _problem(uri, field, "is the lake itself", "Give a file or folder inside the lake.")
    return _too_many(uri, field) if "{" in uri or "*" in uri else None


def _too_many(uri: str, field: str) -> Problem | None:
    """What stands for too many paths: also stars, since a hidden name is no match and each of them has to say so."""
    try:
        choices(visible(uri))
    except TooManyChoices:
        return Problem(
            code="uri-too-many",
            field=field,
            message=f"“{uri[:100]}” stands for more than {MOST_CHOICES:,} paths.",
            found=uri[:500],
            expected="few groups such as {a,b}",
            fix="Name the folder above, or use fewer groups and stars.",
        )
    return None


def _problem(uri: str, field: str, words: str, fix: str) -> Problem:
    return Problem(
        code="uri-outside-lake",
        field=field,
        message=f"“{uri}” {words}.",
        found=uri,
        expected="a path in the lake such as raw/flights.csv",
        fix=fix,
    )
