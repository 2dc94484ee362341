"""What a run of an environment gets: its roots, its connections with their secrets opened, and the places it may reach. Nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet

from executor.connections import Endpoint
from executor.language.roots import Located, Root, from_values, located
from executor.problems import Problem
from portal.environments import sealing
from portal.environments.connections import described_of, stored
from portal.environments.folders import mount, trouble
from portal.environments.models import Connection, Environment
from portal.environments.models import Root as RootRow
from portal.environments.mounts import OF_FOLDERS, Mount
from portal.errors import PortalError


@dataclass(frozen=True)
class Needs:
    """Names of the roots and connections that a document uses in an environment; of a root's connection, the root says it."""

    roots: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    """Those of the roots that it writes in."""
    named: frozenset[str] = field(default=frozenset(), compare=False)
    """All roots that it names, also the environment's own folder, for which it needs nothing."""


@dataclass(frozen=True)
class Reach:
    """`connections` and `roots` go to the executor's standard input, `endpoints` to the relay, `secrets` to whoever redacts."""

    roots: Mapping[str, Mapping[str, Any]]
    """As `roots_of` gives them."""
    connections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Name → kind, settings, secrets (field → value)."""
    endpoints: tuple[Endpoint, ...]
    versions: Mapping[str, int]
    """Name of the connection → version of its secret, to be asked for again by the same run."""
    through: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Place (host:port) → names of the connections that lead there."""
    mounts: tuple[Mount, ...] = ()

    @property
    def secrets(self) -> list[str]:
        """Every value that must be in no log."""
        return [value for connection in self.connections.values() for value in connection["secrets"].values()]

    def for_executor(self) -> dict[str, Any]:
        """For the executor's standard input and for nothing else: it holds secrets. A root in a folder is told as where the executor sees
        that; of one that was not asked for, only that there is one."""
        return {"connections": dict(self.connections), "roots": told(self.roots, {one.name: one.place for one in self.mounts})}


def told(roots: Mapping[str, Mapping[str, Any]], places: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Roots as `roots_of` gives them, as programs are told of them. `places`: where those in folders are seen; of others, only that there
    is one."""
    seen = places or {}
    return {name: {**root, **({"folder": seen.get(name, "")} if "folder" in root else {})} for name, root in roots.items()}


def reach_of(environment: Environment, *, used_by: str, needs: Needs | None = None, versions: Mapping[str, int] | None = None) -> Reach:
    """`used_by`: who gets it, in words (“run 8f3c of daily_delays”). `needs`: what the document uses; None: all there is. `versions`: those
    that the run began with, while they last. Raises PortalError where a connection is gone, no longer fits, or its secret has ended or does
    not open: no run starts with half of what it needs."""
    ways = _ways(environment, needs)
    _require_all(environment, ways, needs)
    held = versions or {}
    numbers = {way.connection.name: held.get(way.connection.name) or _in_use(way.connection) for way in ways}
    return Reach(
        roots=roots_of(environment),
        connections={way.connection.name: _opened(way.connection, numbers[way.connection.name], used_by) for way in ways},
        endpoints=_endpoints(ways),
        versions={name: number for name, number in numbers.items() if number},
        through=_through(ways),
        mounts=mounts_of(environment, needs),
    )


def is_still(environment: Environment, begun: Reach, needs: Needs, mounts: Sequence[Mount] = ()) -> str:
    """Empty while the roots and connections of a run lead where they led when it began; else a sentence that names what does not.
    `mounts`: the folders that it was started with."""
    now = roots_of(environment)
    for name in sorted(needs.roots | needs.named):
        if now.get(name) != begun.roots.get(name):
            return f"The root “{name}” of {environment.name} was changed or removed"
    for one in mounts:
        if not one.is_there:
            return f"The folder of the root “{one.name}” of {environment.name} was moved or removed"
    there = {row.name: stored(row) for row in environment.connections.filter(name__in=begun.connections)}
    for name, given in begun.connections.items():
        described = there.get(name)
        if described is None or (described.kind, described.settings()) != (given["kind"], given["settings"]):
            return f"The connection “{name}” of {environment.name} was changed or removed"
    return ""


def roots_of(environment: Environment) -> dict[str, dict[str, Any]]:
    """Name → where it lies and what jobs may do there: connection (a name, or None), address there, may_write, is_default; and folder,
    where it lies in one of this machine that is not the environment's own."""
    return {
        root.name: {
            "connection": root.connection.name if root.connection else None,
            "address": "" if root.is_folder else root.address,
            **({"folder": root.address} if root.is_folder else {}),
            "may_write": root.may_write,
            "is_default": root.is_default,
        }
        for root in environment.roots.select_related("connection")
    }


def roots_in_words(environment: Environment, *, for_manager: bool = False) -> list[dict[str, Any]]:
    """What people are told of the roots, the one first that needs no name: `name`, `where`, `may_write`, `is_default`, and `address`, by
    which documents may call it as well ("": by its name alone)."""
    rows = sorted(environment.roots.select_related("connection"), key=lambda root: (not root.is_default, root.name))
    return [
        {
            "name": root.name,
            "where": root.address if root.is_folder and for_manager else _where(root),
            "address": root.address if root.connection else "",
            "may_write": root.may_write,
            "is_default": root.is_default,
        }
        for root in rows
    ]


def _where(root: RootRow) -> str:
    """Not in which folder: how the machine is laid out is for those who manage the environment."""
    if root.connection:
        return f"{root.address} on {root.connection.name}"
    return "a folder of this machine" if root.is_folder else f"the folder of {root.environment.name}"


def storages_of(environment: Environment) -> dict[str, str]:
    """Root → where it lies, as one text: another one after the root, or its connection, was given another place. Not the environment's own
    folder."""
    rows = environment.roots.exclude(connection=None, address="").select_related("connection")
    return {root.name: f"{storage_of(root.connection)}{root.address}" for root in rows}


def storage_of(connection: Connection | None) -> str:
    """Where the connection leads, as one text."""
    if connection is None:
        return OF_FOLDERS
    described = stored(connection)
    return f"{described.storage() if described else ''} "


def holds_a_root(environment: Environment, at: Located) -> bool:
    """Whether a root of any environment lies in this folder of a root, or is it."""
    whole = _as_folder(f"{storages_of(environment).get(at.root, '')}/{at.place}")
    others = RootRow.objects.exclude(connection=None, address="").select_related("connection")
    return any(_as_folder(f"{storage_of(other.connection)}{other.address}").startswith(whole) for other in others)


def _as_folder(where: str) -> str:
    return "/".join([*(part for part in where.split("/") if part), ""])


def judged_by(environment: Environment) -> tuple[Root, ...]:
    """The roots that addresses of documents are judged by here."""
    return from_values(roots_of(environment))


def read_only_problem(environment: Environment, uri: str) -> Problem | None:
    """Why nothing may be changed at an address, where its root is one that is only read: neither by jobs nor by hand."""
    found = located(uri, judged_by(environment), "uri", writes=True, environment=environment.name)
    return found if isinstance(found, Problem) and found.code == "root-read-only" else None


def roots_elsewhere(environment: Environment) -> frozenset[str]:
    """The roots that are not the environment's own folder: they are reached by programs behind the wall, and only with their connection or
    folder."""
    return frozenset(environment.roots.exclude(connection=None, address="").values_list("name", flat=True))


def mounts_of(environment: Environment, needs: Needs | None) -> tuple[Mount, ...]:
    """The folders of this machine that a program needs (None: all there are, to read), by the names of their roots. Raises PortalError with
    the root's name, where one can no longer be used."""
    rows = _in_folders(environment)
    if needs is None:
        return tuple(mount(root, writes=False) for root in rows)
    return tuple(mount(root, writes=root.name in needs.written) for root in rows if root.name in needs.roots)


def mounts_in_use(environment: Environment) -> tuple[Mount, ...]:
    """All that can be used as they are, to read."""
    found = []
    for root in _in_folders(environment):
        with suppress(PortalError):
            found.append(mount(root, writes=False))
    return tuple(found)


def without_unusable(environment: Environment, needs: Needs) -> Needs:
    """What is left of the needs when roots are left out whose folders cannot be used as they are."""
    lost = {root.name for root in _in_folders(environment) if root.name in needs.roots and trouble(root)}
    return replace(needs, roots=needs.roots - lost, written=needs.written - lost)


def is_in_folder(environment: Environment, root: str) -> bool:
    """Whether the root of this name lies in a folder of this machine that is not the environment's own."""
    return _in_folders(environment).filter(name=root).exists()


def _in_folders(environment: Environment) -> QuerySet[RootRow]:
    return environment.roots.filter(connection=None).exclude(address="").select_related("environment__project").order_by("name")


def is_here(environment: Environment, root: str) -> bool:
    """Whether the root of this name is the environment's own folder, where the portal may look for itself."""
    return root not in roots_elsewhere(environment)


def is_elsewhere(environment: Environment, uri: str) -> bool:
    """Whether the address leads to such a root."""
    at = located(uri, judged_by(environment), "uri")
    return isinstance(at, Located) and not is_here(environment, at.root)


def endpoints_of(environment: Environment, needs: Needs | None = None) -> tuple[Endpoint, ...]:
    """Every place that a run may reach, each once, in the order of the connections' names. Opens no secret."""
    return _endpoints(_ways(environment, needs))


def endpoints_in_use(environment: Environment) -> tuple[Endpoint, ...]:
    """The same of the connections that can be used as they are; others give none."""
    return _endpoints([way for way in _ways(environment, None) if way.is_right])


def places_of(connection: Connection) -> list[Endpoint]:
    """The places that a run may reach through one connection."""
    return _Way(connection, tuple(root.address for root in connection.roots.all())).places()


@dataclass(frozen=True)
class _Way:
    """A connection, and the addresses of the roots on it that are used."""

    connection: Connection
    roots: tuple[str, ...]

    def places(self) -> list[Endpoint]:
        return described_of(self.connection).endpoints(self.roots)

    @property
    def is_right(self) -> bool:
        try:
            return bool(self.places())
        except PortalError:
            return False


def _ways(environment: Environment, needs: Needs | None) -> list[_Way]:
    found = []
    for connection in environment.connections.prefetch_related("roots"):
        used = [root for root in connection.roots.all() if needs is None or root.name in needs.roots]
        if needs is None or used or connection.name in needs.connections:
            found.append(_Way(connection, tuple(root.address for root in used)))
    return found


def _require_all(environment: Environment, ways: list[_Way], needs: Needs | None) -> None:
    missing = sorted((needs.connections if needs else frozenset()) - {way.connection.name for way in ways})
    if missing:
        raise PortalError(
            f"{environment.name} has no connection “{missing[0]}”.",
            code="connection-unknown",
            status=409,
            fix=f"Have whoever administers {environment.name} make it, or name another one.",
        )


def _endpoints(ways: list[_Way]) -> tuple[Endpoint, ...]:
    found: dict[tuple[str, int], Endpoint] = {}
    for way in ways:
        for one in way.places():
            known = found.get((one.host, one.port))
            networks = tuple(dict.fromkeys((*known.networks, *one.networks))) if known else one.networks
            found[one.host, one.port] = Endpoint(one.host, one.port, networks)
    return tuple(found.values())


def _through(ways: list[_Way]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for way in ways:
        for one in way.places():
            found.setdefault(str(one), []).append(way.connection.name)
    return found


def _opened(connection: Connection, number: int | None, used_by: str) -> dict[str, Any]:
    described = described_of(connection)
    secrets = sealing.opened(connection, number, used_by=used_by) if described.needed_secrets() else {}
    return {"kind": connection.kind, "settings": described.settings(), "secrets": dict(secrets)}


def _in_use(connection: Connection) -> int | None:
    return connection.versions.filter(ends_at=None).values_list("number", flat=True).first()
