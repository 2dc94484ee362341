"""Which addresses a job may name: places in the lake, written relative to it."""

from __future__ import annotations

import posixpath
import re

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
