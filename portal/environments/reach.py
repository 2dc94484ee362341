"""What a run of an environment gets: its roots, its connections with their secrets opened, and the places it may reach. Nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.connections import Endpoint
from executor.language.roots import Located, Root, from_values, located
from portal.environments import sealing
from portal.environments.connections import described_of, stored
from portal.environments.models import Connection, Environment
from portal.errors import PortalError


@dataclass(frozen=True)
class Needs:
    """Names of the roots and connections that a document uses in an environment; of a root's connection, the root says it."""

    roots: frozenset[str] = frozenset()
    connections: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reach:
    """`connections` and `roots` go to the executor's standard input, `endpoints` to the relay, `secrets` to whoever redacts."""

    roots: Mapping[str, Mapping[str, Any]]
    """Name → connection (a name, or None for the environment's own folder), address, may_write, is_default."""
    connections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Name → kind, settings, secrets (field → value)."""
    endpoints: tuple[Endpoint, ...]
    versions: Mapping[str, int]
    """Name of the connection → version of its secret, to be asked for again by the same run."""
    through: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Place (host:port) → names of the connections that lead there."""

    @property
    def secrets(self) -> list[str]:
        """Every value that must be in no log."""
        return [value for connection in self.connections.values() for value in connection["secrets"].values()]

    def for_executor(self) -> dict[str, Any]:
        """For the executor's standard input and for nothing else: it holds secrets."""
        return {"connections": dict(self.connections), "roots": dict(self.roots)}


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
    )


def is_still(environment: Environment, begun: Reach, needs: Needs) -> str:
    """Empty while the roots and connections of a run lead where they led when it began; else a sentence that names what does not."""
    now = roots_of(environment)
    for name in sorted(needs.roots):
        if now.get(name) != begun.roots.get(name):
            return f"The root “{name}” of {environment.name} was changed or removed"
    there = {row.name: stored(row) for row in environment.connections.filter(name__in=begun.connections)}
    for name, given in begun.connections.items():
        described = there.get(name)
        if described is None or (described.kind, described.settings()) != (given["kind"], given["settings"]):
            return f"The connection “{name}” of {environment.name} was changed or removed"
    return ""


def roots_of(environment: Environment) -> dict[str, dict[str, Any]]:
    """Name → where it lies and what jobs may do there."""
    return {
        root.name: {
            "connection": root.connection.name if root.connection else None,
            "address": root.address,
            "may_write": root.may_write,
            "is_default": root.is_default,
        }
        for root in environment.roots.select_related("connection")
    }


def roots_in_words(environment: Environment) -> list[dict[str, Any]]:
    """What people are told of the roots, the one first that needs no name: `name`, `where`, `may_write`, `is_default`."""
    rows = sorted(environment.roots.select_related("connection"), key=lambda root: (not root.is_default, root.name))
    return [
        {
            "name": root.name,
            "where": f"{root.address} on {root.connection.name}" if root.connection else f"the folder of {environment.name}",
            "may_write": root.may_write,
            "is_default": root.is_default,
        }
        for root in rows
    ]


def storages_of(environment: Environment) -> dict[str, str]:
    """Root → where it lies, as one text: another one after the root, or its connection, was given another place. Not the environment's own
    folder."""
    rows = environment.roots.exclude(connection=None).select_related("connection")
    found = {root.name: (stored(root.connection), root.address) for root in rows if root.connection}
    return {name: f"{described.storage() if described else ''} {address}" for name, (described, address) in found.items()}


def judged_by(environment: Environment) -> tuple[Root, ...]:
    """The roots that addresses of documents are judged by here."""
    return from_values(roots_of(environment))


def roots_elsewhere(environment: Environment) -> frozenset[str]:
    """The roots that are no folder of this machine: they are reached by programs behind the wall, and only with their connection."""
    return frozenset(environment.roots.exclude(connection=None).values_list("name", flat=True))


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
