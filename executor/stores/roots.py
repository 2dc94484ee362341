"""The roots that a run is given, by name, and which of them an address of its document leads to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from executor.connections.base import ConnectionKind
from executor.connections.given import Connections
from executor.connections.s3 import S3
from executor.language.roots import DEFAULT, Located, Root, located
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.bucket import Bucket
from executor.stores.folder import FolderStore
from executor.stores.s3 import S3Store, Told
from executor.stores.s3_access import access_of

NO_FOLDER = "root-without-folder"
"""The code of the problem that a root lies in a folder which was not handed over."""


@dataclass(frozen=True)
class RootGiven:
    """One root as the portal hands it over. `connection`: its name; None: a folder of this machine, the environment's own or `folder`,
    which is empty where that was not handed over."""

    connection: str | None = None
    address: str = ""
    may_write: bool = True
    folder: str | None = None


def roots_given(values: Mapping[str, Any]) -> dict[str, RootGiven]:
    """Of what stands in the values of a run, by name. Raises ProblemError for what is no root."""
    found = {}
    for name, said in values.items():
        if not isinstance(said, dict) or not all(isinstance(said.get(key, ""), str) for key in ("address", "folder")):
            raise ProblemError(
                Problem(code="values-wrong", message=f"The root “{name[:60]}” is not right.", expected="{connection, address}")
            )
        connection, may_write = said.get("connection"), said.get("may_write") is True
        found[name] = RootGiven(str(connection) if connection else None, said.get("address", ""), may_write, said.get("folder"))
    return found


@dataclass
class Copies:
    """The roots that lie elsewhere and of which something was copied here; kept as long as this process, each below `folder`."""

    folder: Path
    _known: dict[Any, S3Store] = field(default_factory=dict)

    def of(self, name: str, given: RootGiven, connection: ConnectionKind) -> S3Store:
        """The same for the same root and sign-in."""
        if not isinstance(connection, S3):
            raise ProblemError(_no_files(name, connection.title))
        access = access_of(connection)
        key = (name, given.address, access)
        if key not in self._known:
            parts = urlsplit(given.address)
            bucket = Bucket(parts.netloc, parts.path, access)
            self._known[key] = S3Store(name, bucket, Path(tempfile.mkdtemp(prefix=f"root-{name}-", dir=self.folder)))
        return self._known[key]


class Roots:
    """The roots of one run, or of one answer."""

    def __init__(
        self,
        lake: Path,
        copies: Copies | None = None,
        given: Mapping[str, RootGiven] | None = None,
        connections: Mapping[str, ConnectionKind] | None = None,
    ) -> None:
        """`lake`: the environment's own folder, which is the root without a name unless `given` says that this one lies elsewhere. Without
        `copies` nothing on a connection can be read."""
        self.lake = lake
        self._copies, self._given, self._connections = copies, {DEFAULT: RootGiven()} | dict(given or {}), connections or {}
        self._opened: dict[str, Store] = {}
        self.told: Told = lambda name, files, size: None

    @property
    def known(self) -> Sequence[Root]:
        """As addresses are judged by them."""
        return [Root(name, given.address if given.connection else "", given.may_write) for name, given in self._given.items()]

    @property
    def key(self) -> str:
        """Two that read the same have the same one."""
        return repr((str(self.lake), sorted((name, given.connection, given.address, given.folder) for name, given in self._given.items())))

    def signs_in_for(self, uris: Iterable[str]) -> list[str]:
        """With what one signs in to read there: for a digest, and to be kept nowhere."""
        found = [located(uri, self.known, "inputURI") for uri in uris]
        names = {self._given[one.root].connection for one in found if isinstance(one, Located)}
        return [self._connections[name].signs_in_as() for name in sorted(filter(None, names)) if name in self._connections]

    def at(self, uri: str, field: str, *, writes: bool = False) -> tuple[Store, str]:
        """The root that an address of the document leads to, and the place in it. Raises ProblemError."""
        found = located(uri, self.known, field, writes=writes)
        if isinstance(found, Problem):
            raise ProblemError(found)
        return self.named(found.root), found.place

    def named(self, name: str) -> Store:
        """Raises ProblemError where its connection was not given."""
        if name not in self._given:
            raise ProblemError(_no_connection(name))
        if name not in self._opened:
            self._opened[name] = self._open(name, self._given[name])
        return self._opened[name]

    def _open(self, name: str, given: RootGiven) -> Store:
        if given.folder is not None:
            if not given.folder or not Path(given.folder).is_dir():
                raise ProblemError(_no_folder(name))
            return FolderStore(Path(given.folder), name, own=self.lake)
        if given.connection is None and name == DEFAULT:
            return FolderStore(self.lake)
        connection = self._connections.get(given.connection or "")
        if connection is None or self._copies is None:
            raise ProblemError(_no_connection(name))
        root = self._copies.of(name, given, connection)
        root.told = lambda *facts: self.told(*facts)
        return root


@contextmanager
def roots_of(given: Mapping[str, Any]) -> Iterator[Roots]:
    """The roots in the values of a program without Spark; what was copied of them is removed afterwards. Raises ProblemError."""
    folder = lake_folder(str(given.get("lake", ".")))
    with tempfile.TemporaryDirectory(prefix="sluice-roots-", ignore_cleanup_errors=True) as copies:
        connections = Connections(given.get("connections") or {})
        yield Roots(folder, Copies(Path(copies)), roots_given(given.get("roots") or {}), connections)


def lake_folder(given: str) -> Path:
    """The folder that URIs are resolved in. Raises ProblemError when there is none."""
    folder = Path(given)
    if not folder.is_dir():
        raise ProblemError(
            Problem(code="lake-missing", message=f"There is no folder “{given}” to use as the lake.", fix="Create it, or name another.")
        )
    return folder.resolve()


def _no_connection(name: str) -> Problem:
    return Problem(
        code="root-without-connection",
        message=f"The connection of the root “{name}” was not handed over with this run.",
        fix="Run it again; if it stays so, tell whoever looks after the environment.",
    )


def _no_folder(name: str) -> Problem:
    return Problem(
        code=NO_FOLDER,
        message=f"The folder of the root “{name}” was not handed over with this run.",
        fix="Run it again; if it stays so, tell whoever looks after the environment.",
    )


def _no_files(name: str, title: str) -> Problem:
    return Problem(
        code="root-without-files",
        message=f"The root “{name}” lies on a connection to {title}, behind which there are no files.",
        found=title,
    )
