"""Encodings of text files: the ones that can be chosen, and how a file without a choice is recognised."""

from __future__ import annotations

from typing import Literal

Encoding = Literal[
    "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE",
    "windows-1252", "ISO-8859-1", "ISO-8859-15", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "KOI8-R", "IBM437", "IBM850", "Shift_JIS", "windows-31j", "EUC-JP", "EUC-KR", "Big5", "GB18030",
]  # fmt: skip
"""Names that Python and Java both know."""

MARKS = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"))
"""What a file may begin with to say its encoding (a byte order mark)."""


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the file's first bytes name; None where they name none."""
    return next((name for mark, name in MARKS if head.startswith(mark)), None)
