"""One kind of thing = one file = one class: finds the classes that the files of a package define, so that nothing else has to be told."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TypeVar

T = TypeVar("T")


def kinds_in(package: str, base: type[T]) -> dict[str, type[T]]:
    """The classes below `base` that say their `kind` themselves, by that, in its order. To be called by the package for itself."""
    modules = [importlib.import_module(f"{package}.{entry.name}") for entry in pkgutil.iter_modules(sys.modules[package].__path__)]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__ and "kind" in vars(value)
    ]
    return dict(sorted((str(vars(cls)["kind"]), cls) for cls in found))
