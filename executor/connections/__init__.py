"""The kinds of connections: one file in `executor/connections/` is one kind; nothing else has to be told about it."""

from __future__ import annotations

from collections.abc import Mapping

from executor.connections.base import ConnectionKind, Endpoint
from executor.registry import kinds_in

__all__ = ["CONNECTION_KINDS", "ConnectionKind", "Endpoint"]


CONNECTION_KINDS: Mapping[str, type[ConnectionKind]] = kinds_in(__name__, ConnectionKind)
"""Every kind by its word, in the order of the words."""
