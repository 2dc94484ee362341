"""Where an address of a document leads: a root of its environment, and a place in it. This rule stands here and nowhere else.

raw/flights.csv                      in the root that needs no name
archive:2013/flights.csv             in the root “archive”
s3a://acme-lake/prod/2013/x.csv      as documents of other systems write it; it must lie in a root, and means the place there
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from executor.language.uris import uri_problem
from executor.plain import did_you_mean
from executor.problems import Problem

DEFAULT = "lake"
"""The root that needs no name."""
_NAMED = re.compile(r"([^/:]*):(?!//)(.*)", re.DOTALL)
_ABSOLUTE = re.compile(r"([^/:]*)://(.*)", re.DOTALL)
_S3 = ("s3", "s3a", "s3n")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SIGNS_OF_ADDRESSES = re.compile(r"[\\?#%@]")
"""They mean something else in an address than in a name, and not the same to everybody who reads it. What is called so is written by its
root."""


@dataclass(frozen=True)
class Root:
    """`address`: where it lies, as `s3a://bucket/folder/`; empty for a folder of this machine."""

    name: str
    address: str = ""
    may_write: bool = False


@dataclass(frozen=True)
class Located:
    """`place`: from the root, as stores take it."""

    root: str
    place: str

    def __str__(self) -> str:
        """The one way in which it is written: equal places are equal texts."""
        return self.place if self.root == DEFAULT else f"{self.root}:{self.place}"


def located(uri: str, roots: Iterable[Root], field: str, *, writes: bool = False) -> Located | Problem:
    """Where `uri` leads; a problem when it leads to no place in one of the `roots`, or when nothing may be written there."""
    known = {root.name: root for root in roots}
    if absolute := _ABSOLUTE.fullmatch(uri):
        found = _of_absolute(uri, absolute[1], absolute[2], known, field)
    elif named := _NAMED.fullmatch(uri):
        found = Located(named[1], named[2]) if named[1] in known else _no_root(uri, named[1], known, field)
    else:
        found = Located(DEFAULT, uri)
    if isinstance(found, Problem):
        return found
    if problem := uri_problem(found.place, field):
        return problem
    if writes and found.root in known and not known[found.root].may_write:
        return _read_only(uri, found.root, known, field)
    return found


def _of_absolute(uri: str, scheme: str, rest: str, known: dict[str, Root], field: str) -> Located | Problem:
    """The root that holds the address. Bucket and folder are compared as they stand: nothing is decoded or made right first, since whoever
    opens the address later might do that otherwise."""
    bucket, separator, path = rest.partition("/")
    if scheme not in _S3 or not separator or not BUCKET.fullmatch(bucket) or _SIGNS_OF_ADDRESSES.search(path):
        return _outside(uri, known, field)
    if any(part in ("", ".", "..") for part in path.rstrip("/").split("/")):
        return _outside(uri, known, field)
    address = f"s3a://{bucket}/{path}"
    holding = [root for root in known.values() if root.address and address.startswith(root.address)]
    inner = max(holding, key=lambda root: len(root.address), default=None)
    return Located(inner.name, address.removeprefix(inner.address)) if inner else _outside(uri, known, field)


def _no_root(uri: str, name: str, known: dict[str, Root], field: str) -> Problem:
    names = sorted(known)
    return Problem(
        code="root-unknown",
        field=field,
        message=f"“{uri[:200]}”: there is no root “{name[:60]}” here.",
        found=name[:60],
        expected="one of " + ", ".join(names) if names else "a path such as raw/flights.csv",
        fix=did_you_mean(name, names) or "Name another root, or ask for this one to be added to the environment.",
    )


def _outside(uri: str, known: dict[str, Root], field: str) -> Problem:
    there = sorted(root.address for root in known.values() if root.address)
    return Problem(
        code="uri-outside-roots",
        field=field,
        message=f"“{uri[:200]}” lies in no root of this environment.",
        found=uri[:200],
        expected="an address in " + " or ".join(there) if there else "a path such as raw/flights.csv",
        fix="Write the place by its root, such as archive:2013/flights.csv, or ask for a root there.",
    )


def _read_only(uri: str, name: str, known: dict[str, Root], field: str) -> Problem:
    writable = sorted(root.name for root in known.values() if root.may_write)
    return Problem(
        code="root-read-only",
        field=field,
        message=f"“{uri[:200]}”: jobs may only read in the root “{name}”.",
        found=name,
        expected="a root that jobs may write: " + ", ".join(writable) if writable else None,
        fix="Write to another root, or ask for this one to be opened for writing.",
    )
