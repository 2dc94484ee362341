"""Rows of text counted in the parts in which Spark reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.files.lines_in_parts import rows_in_parts


@pytest.mark.parametrize(
    ("text", "starts", "rows"),
    [
        (b"", [0], [0]),
        (b"a\nb\nc\n", [0], [3]),
        (b"a\nb\nc", [0, 2, 4], [2, 1, 0]),  # what begins where a part begins belongs to the part before
        (b"a\nb\nc", [0, 1, 3], [1, 1, 1]),
        (b"a\r\nb\r\nc", [0, 2, 5], [1, 1, 1]),  # a part begins between the two signs of an end
        (b"a\rb\rc\r", [0, 3], [2, 1]),
        (b"a\n \t\n\n\x00\nb\n", [0, 4], [1, 1]),
        (b"a\n" + b"b" * 50 + b"\nc", [0, 10, 20, 30], [2, 0, 0, 1]),  # a line that is longer than a part
        (b"\xef\xbb\xbf\na\n", [0, 4], [1, 0]),
        ("ä\nö\n".encode(), [0, 3], [2, 0]),
    ],
)
def test_a_row_belongs_to_the_part_in_which_its_line_begins(tmp_path: Path, text: bytes, starts: list[int], rows: list[int]) -> None:
    (tmp_path / "a.csv").write_bytes(text)
    assert rows_in_parts(tmp_path / "a.csv", starts) == rows
