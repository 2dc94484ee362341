"""The databases that jobs read and write: what each of them calls things, and what of it Spark can hold. One file is one database."""

from __future__ import annotations

from collections.abc import Mapping

from executor.databases.engine import Engine
from executor.registry import kinds_in

__all__ = ["ENGINES", "Engine"]


ENGINES: Mapping[str, Engine] = {kind: cls() for kind, cls in kinds_in(__name__, Engine).items()}
"""Kind of connection → its engine."""
