"""The stage types: one file below `executor/stages/<kind>/` is one type; nothing else has to be told about it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from executor.stages.base import Stage, StageContext

KINDS = ("extract", "transform", "validate", "execute", "load")

__all__ = ["KINDS", "STAGE_TYPES", "Stage", "StageContext", "StageTypes", "load_stage_types"]

StageTypes = Mapping[str, type[Stage]]


def load_stage_types(extra_folders: Iterable[Path] = ()) -> dict[str, type[Stage]]:
    """Every stage type by its name in documents, in the order of kinds and names.

    `extra_folders` hold further stage files, for instance of a plugin; each file is imported from its place.
    """
    found = [kind for module in (*_own_modules(), *_modules_in(extra_folders)) for kind in _stage_classes(module)]
    found.sort(key=lambda cls: (KINDS.index(cls.kind), stage_type_name(cls)))
    return {stage_type_name(cls): cls for cls in found}


def stage_type_name(cls: type[Stage]) -> str:
    """The word that documents use for the class: the value of its `type` field."""
    return str(cls.model_fields["type"].default)


def _own_modules() -> Iterator[ModuleType]:
    for kind in KINDS:
        for entry in pkgutil.iter_modules([str(Path(__file__).parent / kind)]):
            yield importlib.import_module(f"{__name__}.{kind}.{entry.name}")


def _modules_in(folders: Iterable[Path]) -> Iterator[ModuleType]:
    for path in sorted(file for folder in folders for file in Path(folder).glob("*.py")):
        name = f"sluice_stages.{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        yield module


def _stage_classes(module: ModuleType) -> Iterator[type[Stage]]:
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Stage)
            and value.__module__ == module.__name__
            and "type" in vars(value)["__annotations__"]
        ):
            yield value


STAGE_TYPES: StageTypes = load_stage_types()
"""The types that come with Sluice."""
