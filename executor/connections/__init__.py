"""The kinds of connections: one file in `executor/connections/` is one kind; nothing else has to be told about it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from executor.connections.base import ConnectionKind, Endpoint

__all__ = ["CONNECTION_KINDS", "ConnectionKind", "Endpoint", "load_connection_kinds"]


def load_connection_kinds() -> dict[str, type[ConnectionKind]]:
    """Every kind by its word, in the order of the words."""
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules([str(Path(__file__).parent)])]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ConnectionKind) and value.__module__ == module.__name__ and "kind" in vars(value)
    ]
    return {cls.kind: cls for cls in sorted(found, key=lambda cls: cls.kind)}


CONNECTION_KINDS: Mapping[str, type[ConnectionKind]] = load_connection_kinds()
