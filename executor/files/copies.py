"""Files of one table that hold the same: a download that came twice ("sales (1).csv"), or one beside its packed self. Their rows would be
counted twice. Whole files are read only where sizes and both ends are the same."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from executor.files.folder import DataFile

END = 65_536
"""Bytes of a file's beginning and end that are compared first."""
MOST_OF_A_FOOTER = 1 << 24
"""More is taken for rows."""
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


def copies(files: Iterable[DataFile], *, with_parts: bool = False) -> list[tuple[DataFile, DataFile]]:
    """(file, the earlier one that holds the same). Files without rows, and of one line, may well be the same, and files in folders that say
    what they are of (`month=2024-01`), and the parts that Spark writes, unless `with_parts`."""
    found = []
    alike = [[file for file in files if with_parts or not file.path.name.startswith("part-")]]
    for told_by in (_size, _ends, _whole):
        alike = [group for one in alike for group in _same(one, told_by)]
    for group in alike:
        if any(_has_rows(file.path) and not _is_gzip(file.path) for file in group) or all(_is_gzip(file.path) for file in group):
            found += [(file, group[0]) for file in group[1:]]
    return found


def _same(files: list[DataFile], told_by: Callable[[Path], Hashable]) -> list[list[DataFile]]:
    groups = defaultdict(list)
    for file in files:
        groups[file.folders, told_by(file.path)].append(file)
    return [group for group in groups.values() if len(group) > 1]


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix.lower() == ".gz" and stream.read(2) == _GZIP


def _trailer(path: Path) -> tuple[int, int]:
    """Checksum and size (of 32 bits) of what is packed, which stand at a gzip file's end."""
    end = end_of(path, 8)
    return int.from_bytes(end[:4], "little"), int.from_bytes(end[4:], "little")


def end_of(path: Path, length: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - length))
        return stream.read(length)


def _size(path: Path) -> int:
    return _trailer(path)[1] if _is_gzip(path) else path.stat().st_size % 2**32


def _ends(path: Path) -> Hashable:
    """Packed files have no ends that could be compared: whoever has them among files of one size is compared whole."""
    if _is_gzip(path) or path.with_name(path.name + ".gz").is_file():
        return None
    footer = _footer(path)
    return _head(path)[: path.stat().st_size - len(footer)], end_of(path, END + len(footer))[: -len(footer) or None]


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(END)


def _whole(path: Path) -> Hashable:
    if _is_gzip(path):
        return _trailer(path)[0]
    footer = _footer(path)
    told, left = 0, path.stat().st_size - len(footer)
    with path.open("rb") as stream:
        while block := stream.read(min(_BLOCK, left)):
            told, left = zlib.crc32(block, told), left - len(block)
    return (told, bytes(sorted(footer))) if footer else told


def _footer(path: Path) -> bytes:
    """What Parquet says of its rows behind them. Writers name a column's encodings there in whatever order a set of theirs has, another one
    in each process: footers are the same when they have the same bytes, wherever those stand."""
    if not is_parquet(path):
        return b""
    length = int.from_bytes(end_of(path, 8)[:4], "little") + 8
    return end_of(path, min(length, MOST_OF_A_FOOTER))


def _has_rows(path: Path) -> bool:
    """Whether there is more than one line of text. How many rows Parquet has stands where only its library reads it."""
    head = _head(path)
    return is_parquet(path) or _is_gzip(path) or len([line for line in head.splitlines() if line.strip()]) > 1


def is_parquet(path: Path) -> bool:
    return _head(path).startswith(_PARQUET)
