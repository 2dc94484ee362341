"""What one run, or one answer, reaches: the roots in which its addresses lie, and the connections that it was given."""

from __future__ import annotations

from dataclasses import dataclass, field

from executor.connections.given import Connections
from executor.running.values import Values
from executor.stores.roots import Copies, Roots


@dataclass(frozen=True)
class Reach:
    roots: Roots
    connections: Connections = field(default_factory=Connections)


def reach_of(given: Values, copies: Copies) -> Reach:
    """`copies`: those of this process."""
    return Reach(Roots(given.lake, copies, given.roots, given.connections), given.connections)
