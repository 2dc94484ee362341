"""How many rows of a text file begin in each of the parts in which Spark reads it, so that it need not read the file once more to count.

As Hadoop cuts text: a line belongs to the part in which it begins, and one that begins where a part begins to the part before. Lines of
blanks alone are no rows to Spark. Only for encodings in which line ends and blanks are the bytes that they are in ASCII.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_LINE_END = re.compile(rb"\r\n?|\n")
_ROW = re.compile(rb"[^\x00-\x20][^\r\n]*")
"""From the first sign of a line that is no blank to the line's end."""
_MARK = b"\xef\xbb\xbf"
"""Hadoop takes it for no part of the first line, whatever the encoding."""


def rows_in_parts(path: Path, starts: Sequence[int]) -> list[int]:
    """`starts`: the byte at which each part begins, ascending, the first 0. A line of names counts as a row. Raises OSError."""
    if not path.stat().st_size:
        return [0] * len(starts)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        first = len(_MARK) if text[: len(_MARK)] == _MARK else 0
        lines = [first, *(_next_line(text, start) for start in starts[1:]), len(text)]
        return [sum(1 for _ in _ROW.finditer(text, begin, end)) for begin, end in pairwise(lines)]


def _next_line(text: mmap.mmap, start: int) -> int:
    """Where the first line begins that begins behind the byte `start`."""
    found = _LINE_END.search(text, start)
    return found.end() if found else len(text)
