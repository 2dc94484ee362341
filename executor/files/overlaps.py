"""Files of one table that hold some of the same rows: this month's export begins in the last one, or holds the whole year so far; a month
came again with more rows, other line ends or in another encoding. Lines are compared where two files meet: at their beginnings and ends."""

from __future__ import annotations

import codecs
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from executor.files.copies import END, end_of
from executor.files.encodings import MARKS
from executor.files.folder import DataFile

FEWEST_ROWS = 3
"""Different rows in one order; fewer may be the same by chance."""
MOST_FILES = 500
MOST_TRIES = 2_000
"""So often lines are compared in one folder; where files go on repeating what others begin with, that is enough."""
NEXT_LARGER = 3
"""What holds all of a file is hardly much larger: the export of the next month."""
LOOKED_AT_FIRST = 4_096
_BLOCK = 1 << 20
_PACKED = (b"\x1f\x8b", b"PAR1", b"BZh")


@dataclass(frozen=True)
class _Ends:
    """The first and the last rows of a file as lines; both are all of them where it is short."""

    file: DataFile
    head: list[str]
    tail: list[str]

    @cached_property
    def once(self) -> set[str]:
        """First rows that come once among them: three answers of a few that people give are the same somewhere else by chance."""
        return {line for line, count in Counter(self.head).items() if count == 1}


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
    """Time and reading are bounded: days of one log may begin alike, and dumps of one table do, thousands of lines long."""
    begins = defaultdict(list)
    for ends in group:
        if len(set(first := _first_rows(ends.head))) == FEWEST_ROWS:
            begins[first].append(ends)
    tries = iter(range(MOST_TRIES))
    by_size = sorted(group, key=lambda ends: ends.file.path.stat().st_size)
    for place, one in enumerate(by_size):
        larger = (other for other in by_size[place + 1 : place + 1 + NEXT_LARGER] if _is_inside(one, other))
        if other := next(_meeting(one, begins, tries), None) or next(larger, None):
            yield one.file, other.file


def _first_rows(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(lines[:FEWEST_ROWS])


def _meeting(one: _Ends, begins: Mapping[tuple[str, ...], list[_Ends]], tries: Iterator[int]) -> Iterator[_Ends]:
    """The files that begin with the rows with which `one` ends."""
    first_lines = {first[0] for first in begins}
    for place in [place for place, line in enumerate(one.tail) if line in first_lines]:
        for other in begins.get(_first_rows(one.tail[place : place + FEWEST_ROWS]), ()):
            if other is one:
                continue
            if next(tries, None) is None:
                return
            rows = min(len(one.tail) - place, len(other.head))
            is_same = one.tail[place : place + rows] == other.head[:rows]
            if is_same and sum(line in other.once for line in other.head[:rows]) >= FEWEST_ROWS:
                yield other


def _is_inside(one: _Ends, other: _Ends) -> bool:
    """Whether a long file is the beginning of a longer one, or stands at its end but for its first line."""
    path, larger = one.file.path, other.file.path
    size, offset = path.stat().st_size, larger.stat().st_size - path.stat().st_size
    if size <= END or offset <= 0:
        return False
    with path.open("rb") as stream:
        first_line = len(stream.readline())
    return _stands_in(path, 0, larger, 0, size) or _stands_in(path, first_line, larger, offset, size)


def _stands_in(path: Path, begin: int, other: Path, offset: int, size: int) -> bool:
    """Whether a file, from one place on, stands in another one that many bytes later. Its end is looked at first: dumps of one table begin
    alike."""
    return _are_same(path, max(begin, size - LOOKED_AT_FIRST), other, offset) and _are_same(path, begin, other, offset)


def _are_same(path: Path, begin: int, other: Path, offset: int) -> bool:
    with path.open("rb") as stream, other.open("rb") as other_stream:
        stream.seek(begin)
        other_stream.seek(begin + offset)
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
