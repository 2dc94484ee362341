"""Which files and tables an author can read: the folders of an environment's lake, two levels deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.accounts.models import Project
from portal.environments.models import Environment

MOST = 500
_READERS = {
    ".csv": "DelimitedExtract",
    ".tsv": "DelimitedExtract",
    ".txt": "DelimitedExtract",
    ".json": "JSONExtract",
    ".jsonl": "JSONExtract",
    ".parquet": "ParquetExtract",
}


@dataclass(frozen=True)
class Source:
    """`uri` as documents write it; `stage_type` reads it (None: no type of ours does); `bytes` only of single files."""

    uri: str
    is_folder: bool
    stage_type: str | None
    bytes: int | None


def _sources(environment: Environment) -> list[dict[str, Any]]:
    """What lies in the lake of `environment`, by name; at most MOST entries. Links that lead out of it are left out."""
    root = (settings.LAKE_DIR / environment.project.slug / environment.name).resolve()
    found: list[Source] = []
    for source in _below(root, root, depth=2):
        found.append(source)
        if len(found) == MOST:
            break
    return [asdict(source) for source in sorted(found, key=lambda source: source.uri)]


def sources_of(project: Project) -> dict[str, Any]:
    """`environment`, the lowest one, where people write and preview; `sources`, what lies there."""
    lowest = project.environments.select_related("project").order_by("rank").first()
    return {"environment": lowest.name if lowest else None, "sources": _sources(lowest) if lowest else []}


def _below(root: Path, folder: Path, depth: int) -> Iterator[Source]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith((".", "_")) or not entry.resolve().is_relative_to(root):
            continue
        uri = entry.relative_to(root).as_posix()
        if entry.is_file():
            yield Source(uri, False, reader_of(entry), entry.stat().st_size)
        elif _is_data_set(entry):
            yield Source(uri, True, _reader_of_folder(entry), None)
        elif depth > 1:
            yield from _below(root, entry, depth - 1)


def reader_of(path: Path) -> str | None:
    """The stage type that reads a file of this name; packed files by the name without .gz."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    return _READERS.get(Path(name).suffix)


def _is_data_set(folder: Path) -> bool:
    """A folder that a load wrote: part files, perhaps below folders such as year=2013."""
    try:
        return any(child.name.startswith("part-") or "=" in child.name or child.name == "_SUCCESS" for child in folder.iterdir())
    except OSError:
        return False


def _reader_of_folder(folder: Path) -> str | None:
    part = next((child for child in folder.rglob("part-*") if child.is_file()), None)
    return reader_of(part) if part else "ParquetExtract"
