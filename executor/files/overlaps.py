"""Files of one table that hold some of the same rows: this month's export begins in the last one, or holds the whole year so far; a month
came again with more rows, other line ends or in another encoding. Lines are compared where two files meet: at their beginnings and ends."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from executor.files.copies import END, end_of
from executor.files.encodings import MARKS
from executor.files.folder import DataFile

FEWEST_ROWS = 3
"""Different rows in one order; fewer may be the same by chance."""
MOST_FILES = 500
_BLOCK = 1 << 20
_PACKED = (b"\x1f\x8b", b"PAR1", b"BZh")


@dataclass(frozen=True)
class _Ends:
    """The first and the last rows of a file as lines; both are all of them where it is short."""

    file: DataFile
    head: list[str]
    tail: list[str]


def overlaps(files: Iterable[DataFile], *, first: int, last: int) -> list[tuple[DataFile, DataFile]]:
    """Two files each, of which one has as its last rows, or all of them, those with which the other begins, or is a part of it.

    `first`, `last`: lines of each that are no rows. Files of folders that say what they are of are compared with none that lies
    elsewhere, and what is packed with none at all.
    """
    groups = defaultdict(list)
    for file in list(files)[:MOST_FILES]:
        if ends := _ends(file, first, last):
            groups[file.folders].append(ends)
    pairs = {frozenset((one.path, other.path)): (one, other) for group in groups.values() if len(group) > 1 for one, other in _of(group)}
    return list(pairs.values())


def _of(group: list[_Ends]) -> Iterator[tuple[DataFile, DataFile]]:
    begin, end = defaultdict(list), defaultdict(list)
    for ends in group:
        begin[ends.head[0]].append(ends)
        end[ends.tail[-1]].append(ends)
    for one in group:
        meeting = (other for place, line in enumerate(one.tail) for other in begin.get(line, ()) if _meet(one, place, other))
        larger = (other for other in (*begin[one.head[0]], *end[one.tail[-1]]) if _is_inside(one, other))
        if other := next(meeting, None) or next(larger, None):
            yield one.file, other.file


def _meet(one: _Ends, place: int, other: _Ends) -> bool:
    """Whether the rows of `one` from this place on are those with which `other` begins."""
    if one is other:
        return False
    rows = min(len(one.tail) - place, len(other.head))
    block = other.head[:rows]
    return len(set(block)) >= FEWEST_ROWS and one.tail[place : place + rows] == block


def _is_inside(one: _Ends, other: _Ends) -> bool:
    """Whether a long file is the beginning of a longer one, or stands at its end but for its first line."""
    size, larger = one.file.path.stat().st_size, other.file.path.stat().st_size
    if (
        size <= END
        or size >= larger
        or one.head[:FEWEST_ROWS] != other.head[:FEWEST_ROWS]
        and one.tail[-FEWEST_ROWS:] != other.tail[-FEWEST_ROWS:]
    ):
        return False
    with one.file.path.open("rb") as stream:
        begin = len(stream.readline())
    return _are_same(one.file.path, 0, other.file.path, 0) or _are_same(one.file.path, begin, other.file.path, larger - size + begin)


def _are_same(path: Path, begin: int, other: Path, other_begin: int) -> bool:
    """Whether all of a file from one place on stands in another one."""
    with path.open("rb") as stream, other.open("rb") as other_stream:
        stream.seek(begin)
        other_stream.seek(other_begin)
        while block := stream.read(_BLOCK):
            if other_stream.read(len(block)) != block:
                return False
    return True


def _ends(file: DataFile, first: int, last: int) -> _Ends | None:
    """None for what is packed or has too few rows, and for the parts that Spark writes."""
    with file.path.open("rb") as stream:
        head = stream.read(END)
    if head.startswith(_PACKED) or file.path.name.startswith("part-"):
        return None
    encoding = next((name for mark, name in MARKS if head.startswith(mark)), "UTF-8")
    is_whole = file.path.stat().st_size <= END
    begin = _lines(head, encoding)[first:]
    end = begin if is_whole else _lines(end_of(file.path, END), encoding)[1:]
    end = end[: len(end) - last]
    begin = end if is_whole else begin[:-1]  # the last line of a part is cut
    return _Ends(file, begin, end) if min(len(begin), len(end)) >= FEWEST_ROWS else None


def _lines(text: bytes, encoding: str) -> list[str]:
    """Lines with something in them; what is no UTF-8 is taken for a western encoding."""
    try:
        lines = codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        lines = text.decode("windows-1252", "replace")
    return [line for line in lines.removeprefix("\ufeff").splitlines() if line.strip()]
