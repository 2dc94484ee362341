"""Where an address of a document leads: a root of its environment, and a place in it. This rule stands here and nowhere else.

raw/flights.csv                      in the root that needs no name
archive:2013/flights.csv             in the root “archive”
s3a://acme-lake/prod/2013/x.csv      as documents of other systems write it; it must lie in a root, and means the place there
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.language.places import is_within
from executor.language.uris import uri_problem
from executor.plain import did_you_mean
from executor.problems import Problem

DEFAULT = "lake"
"""The root that needs no name."""
NAME = r"[a-z][a-z0-9_]{0,59}"
"""Shape of the names of roots and connections."""
SCHEMES = {"s3", "s3a", "s3n", "file", "http", "https", "jdbc", "hdfs", "abfs", "abfss", "gs", "wasb", "kafka"}
"""No names of roots: `s3a:…` in a document would mean either."""
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
    """`place`: from the root, as stores take it; `address`: where that is, the same for every root that holds it."""

    root: str
    place: str
    address: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The one way in which it is written: equal places are equal texts."""
        return self.place if self.root == DEFAULT else f"{self.root}:{self.place}"

    @property
    def where(self) -> str:
        """What tells whether two places meet (`executor.language.places`), also in roots that lie in one another."""
        return self.address or str(self)


FOLDER_ONLY = (Root(DEFAULT, may_write=True),)
"""Where nobody has bound other roots."""


def from_values(given: Mapping[str, Any] | None) -> tuple[Root, ...]:
    """The roots of an environment as the portal hands them out: name → address, may_write and more. None: nobody has bound any."""
    if given is None:
        return FOLDER_ONLY
    return tuple(Root(name, str(about.get("address") or ""), about.get("may_write") is True) for name, about in given.items())


def located(uri: str, roots: Iterable[Root], field: str, *, writes: bool = False, environment: str | None = None) -> Located | Problem:
    """Where `uri` leads; a problem when it leads to no place in one of the `roots`, or when nothing may be written there. `environment`:
    whose roots they are, for the problem's words."""
    known, here = {root.name: root for root in roots}, f"in {environment}" if environment else "here"
    if uri.strip() and uri != uri.strip():
        return uri_problem(uri, field) or _outside(uri, known, field, here)
    if absolute := _ABSOLUTE.fullmatch(uri):
        found = _of_absolute(uri, absolute[1], absolute[2], known, field, here)
    elif named := _NAMED.fullmatch(uri):
        found = _of_name(named[1], named[2], known) if named[1] in known else _no_root(uri, named[1], known, field, here)
    else:
        found = _of_name(DEFAULT, uri, known)
    if isinstance(found, Problem):
        return found
    if problem := uri_problem(found.place, field, "" if found.root == DEFAULT else found.root):
        return problem
    if writes and not _may_write(found, known):
        return _read_only(uri, found.root, known, field, here)
    return found


def of_its_form(uri: str, field: str) -> Located | Problem:
    """Where `uri` would lead if its environment had the root it names: for a stage that takes part only where roots are not known yet."""
    roots = list(FOLDER_ONLY)
    if (named := _NAMED.fullmatch(uri)) and is_root_name(named[1]):
        roots.append(Root(named[1], may_write=True))
    if (absolute := _ABSOLUTE.fullmatch(uri)) and BUCKET.fullmatch(bucket := absolute[2].partition("/")[0]):
        roots.append(Root("s3a", f"s3a://{bucket}/", may_write=True))
    return located(uri, roots, field)


def without_root(uri: str) -> str:
    """The place that is written behind the name of a root or of a bucket."""
    if absolute := _ABSOLUTE.fullmatch(uri):
        return absolute[2].partition("/")[2]
    named = _NAMED.fullmatch(uri)
    return named[2] if named else uri


def is_root_name(name: str) -> bool:
    """Whether a root may be called so: other words before a colon are addresses of other kinds."""
    return bool(re.fullmatch(NAME, name)) and name not in SCHEMES


def _of_name(name: str, place: str, known: Mapping[str, Root]) -> Located:
    """A place in the root of this name, or in one that lies in that: so what may be written is said once."""
    normal = posixpath.normpath(place) if place.strip() else place
    root = known.get(name)
    if root is None or not root.address or normal in (".", "..") or normal.startswith(("/", "../")):
        return Located(name, normal)
    return _inner(f"{root.address}{normal}", known) or Located(name, normal)


def _of_absolute(uri: str, scheme: str, rest: str, known: Mapping[str, Root], field: str, here: str) -> Located | Problem:
    """The root that holds the address. Bucket and folder are compared as they stand: nothing is decoded or made right first, since whoever
    opens the address later might do that otherwise."""
    bucket, separator, path = rest.partition("/")
    if scheme not in _S3 or not separator or not BUCKET.fullmatch(bucket) or _SIGNS_OF_ADDRESSES.search(path):
        return _outside(uri, known, field, here)
    path = path.removesuffix("/")
    if any(part in ("", ".", "..") for part in path.split("/") if path):
        return _outside(uri, known, field, here)
    address = f"s3a://{bucket}/{path}" if path else f"s3a://{bucket}"
    itself = next((Located(root.name, ".") for root in known.values() if root.address == f"{address}/"), None)
    return _inner(address, known) or itself or _outside(uri, known, field, here)


def _inner(address: str, known: Mapping[str, Root]) -> Located | None:
    """The innermost root that holds the address; of two at one place the one that may do less."""
    holding = [root for root in known.values() if root.address and address.startswith(root.address)]
    inner = max(holding, key=lambda root: (len(root.address), not root.may_write, root.name), default=None)
    return Located(inner.name, address.removeprefix(inner.address), address) if inner else None


def _may_write(found: Located, known: Mapping[str, Root]) -> bool:
    """Whether its root is open, and every root that an output there would replace."""
    if found.root not in known:
        return found.root == DEFAULT
    below = [root for root in known.values() if root.address and found.address and is_within(root.address, found.address)]
    return known[found.root].may_write and not below


def _no_root(uri: str, name: str, known: Mapping[str, Root], field: str, here: str) -> Problem:
    if name in SCHEMES or len(name) == 1:  # file:…, C:…
        return _outside(uri, known, field, here)
    names = sorted(known)
    return Problem(
        code="root-unknown",
        field=field,
        message=f"“{uri[:200]}”: there is no root “{name[:60]}” {here}.",
        found=name[:60],
        expected="one of " + ", ".join(names) if names else "a path such as raw/flights.csv",
        fix=did_you_mean(name.strip().casefold(), names) or "Name another root, or ask for this one to be added to the environment.",
    )


def _outside(uri: str, known: Mapping[str, Root], field: str, here: str) -> Problem:
    names = sorted(root.name for root in known.values() if root.address)
    return Problem(
        code="uri-outside-roots",
        field=field,
        message=f"“{uri[:200]}” lies in no root {here}.",
        found=uri[:200],
        expected="a path such as raw/flights.csv" + (f", or one in {' or '.join(names)}" if names else ""),
        fix="Bring the files into the lake; or ask for a root there, and write its name before the path, as in archive:2013/flights.csv.",
    )


def _read_only(uri: str, name: str, known: Mapping[str, Root], field: str, here: str) -> Problem:
    writable = sorted(root.name for root in known.values() if root.may_write)
    return Problem(
        code="root-read-only",
        field=field,
        message=f"“{uri[:200]}”: the root “{name}” is read only {here}.",
        found=name,
        expected="a root that jobs may write: " + ", ".join(writable) if writable else None,
        fix="Write to another root, or ask for this one to be opened for writing.",
    )
