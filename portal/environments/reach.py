"""What a run of an environment gets: its roots, its connections with their secrets opened, and the places it may reach. Nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.connections import Endpoint
from portal.environments import sealing
from portal.environments.connections import described_of
from portal.environments.models import Connection, Environment


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

    @property
    def secrets(self) -> list[str]:
        """Every value that must be in no log."""
        return [value for connection in self.connections.values() for value in connection["secrets"].values()]

    def for_executor(self) -> dict[str, Any]:
        """For the executor's standard input and for nothing else: it holds secrets."""
        return {"connections": dict(self.connections), "roots": dict(self.roots)}


def reach_of(
    environment: Environment, *, used_by: str, only: Collection[str] | None = None, versions: Mapping[str, int] | None = None
) -> Reach:
    """`used_by`: who gets it, in words (“run 8f3c of daily_delays”). `only`: names of the connections that the document needs; None: all.
    `versions`: those that the run began with, while they last. Raises PortalError where a connection no longer fits or its secret has
    ended or does not open: no run starts with half of what it needs."""
    rows = _connections(environment, only)
    held = versions or {}
    return Reach(
        roots=roots_of(environment),
        connections={row.name: _opened(row, held.get(row.name), used_by) for row in rows},
        endpoints=endpoints_of(environment, only),
        versions={row.name: held.get(row.name) or version for row in rows if (version := _in_use(row))},
    )


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


def endpoints_of(environment: Environment, only: Collection[str] | None = None) -> tuple[Endpoint, ...]:
    """Every place that a run may reach, each once, in the order of the connections' names."""
    found: dict[tuple[str, int], Endpoint] = {}
    for connection in _connections(environment, only):
        for one in places_of(connection):
            known = found.get((one.host, one.port))
            networks = tuple(dict.fromkeys((*known.networks, *one.networks))) if known else one.networks
            found[one.host, one.port] = Endpoint(one.host, one.port, networks)
    return tuple(found.values())


def places_of(connection: Connection) -> list[Endpoint]:
    """The places that a run may reach through one connection."""
    return described_of(connection).endpoints([root.address for root in connection.roots.all()])


def _connections(environment: Environment, only: Collection[str] | None) -> list[Connection]:
    rows = environment.connections.prefetch_related("roots")
    return list(rows if only is None else rows.filter(name__in=only))


def _opened(connection: Connection, number: int | None, used_by: str) -> dict[str, Any]:
    described = described_of(connection)
    secrets = sealing.opened(connection, number, used_by=used_by) if described.needed_secrets() else {}
    return {"kind": connection.kind, "settings": described.settings(), "secrets": dict(secrets)}


def _in_use(connection: Connection) -> int | None:
    return connection.versions.filter(ends_at=None).values_list("number", flat=True).first()
