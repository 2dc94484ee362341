"""What the folders of a table say: `year=2013/month=1` gives its files two columns, and each such folder is a partition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from executor.files import tree


@dataclass(frozen=True)
class Partition:
    """One of them: `name` as people read it (year=2013, month=1), its files and their bytes."""

    name: str
    files: int
    bytes: int


def partitions_of(files: Iterable[tree.Entry]) -> list[Partition]:
    """By name; `files`: of a folder, with paths below it. Empty where no folder gives a column."""
    counted: dict[str, tuple[int, int]] = {}
    for file in files:
        parts = [unquote(part) for part in tree.shown(file.path).split("/")[:-1] if "=" in part]
        if parts:
            count, size = counted.get(", ".join(parts), (0, 0))
            counted[", ".join(parts)] = count + 1, size + file.size
    return [Partition(name, count, size) for name, (count, size) in sorted(counted.items())]
