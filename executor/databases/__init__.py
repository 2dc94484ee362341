"""The databases that jobs read and write: what each of them calls things, and what of it Spark can hold. One file is one database."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from executor.databases.engine import Engine

__all__ = ["ENGINES", "Engine", "load_engines"]


def load_engines() -> dict[str, Engine]:
    """Kind of connection → its engine, as the files in this folder say."""
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules([str(Path(__file__).parent)])]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Engine) and value.__module__ == module.__name__ and "kind" in vars(value)
    ]
    return {cls.kind: cls() for cls in sorted(found, key=lambda cls: cls.kind)}


ENGINES: Mapping[str, Engine] = load_engines()
