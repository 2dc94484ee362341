"""Encodings of text files: the ones that can be chosen, how a file without a choice is recognised, and its text block by block."""

from __future__ import annotations

import codecs
import gzip
import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from executor.files import bzip2

Encoding = Literal[
    "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE",
    "windows-1252", "ISO-8859-1", "ISO-8859-15", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "KOI8-R", "IBM437", "IBM850", "Shift_JIS", "windows-31j", "EUC-JP", "EUC-KR", "Big5", "GB18030",
    "MacRoman",
]  # fmt: skip
"""Names that Python and Java both know."""

BLOCK_BYTES = 4_000_000
MARKS = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"))
"""What a file may begin with to say its encoding (a byte order mark)."""
MARK = "\ufeff"
UTF_16 = ("UTF-16", "UTF-16LE", "UTF-16BE")
WESTERN = ("windows-1252", "ISO-8859-1", "ISO-8859-15", "windows-1250", "windows-1254", "windows-1257")
UTF8_LETTER = re.compile(rb"\xc3[\x80-\xa9\xab-\xbf](?![\x80-\xff])")
"""A letter such as ü in UTF-8, which is “Ã¼” in western encodings: there no word has it. ê is left out, as Romanian capitals look so."""
_PACKED = {".gz": gzip.open, ".bz2": bzip2.opened}
BROKEN = (OSError, EOFError, zlib.error)
"""What is raised while a packed file is read that is broken."""


@dataclass
class NotThatEncoding(Exception):
    """The file's bytes are not of the encoding. `line` counts from 1; `byte`: the first wrong one."""

    encoding: str
    line: int
    byte: bytes


@dataclass
class HoldsNul(Exception):
    """The text has a NUL sign, which no text has: it is another encoding, or no text. `line` counts from 1."""

    line: int


@dataclass
class BrokenPack(Exception):
    """A packed file cannot be unpacked to its end. `good`: how many unpacked bytes came before."""

    good: int


def opened(file: Path) -> IO[bytes]:
    """The file's bytes, unpacked where its name says that it is packed."""
    return _PACKED.get(file.suffix.lower(), open)(file, "rb")  # type: ignore[operator, no-any-return]


def head_of(file: Path, size: int) -> bytes:
    """Its first bytes, unpacked. Raises BrokenPack."""
    try:
        with opened(file) as stream:
            return stream.read(size)
    except BROKEN as error:
        raise BrokenPack(0) from error


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the file's first bytes name; None where they name none."""
    return next((name for mark, name in MARKS if head.startswith(mark)), None)


@lru_cache(maxsize=4096)
def is_utf8_beyond_ascii(file: str, changed: int, size: int) -> bool:
    """Whether all of a file is UTF-8 and some of it more than ASCII: text of any other encoding is that hardly ever by chance. `changed`,
    `size`: of the file now. Raises BrokenPack."""
    decoder, is_more = codecs.getincrementaldecoder("UTF-8")(), False
    try:
        for part in _blocks(file):
            is_more = is_more or not part.isascii()
            decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return is_more


@lru_cache(maxsize=4096)
def utf8_letters(file: str, changed: int, size: int) -> tuple[int, int]:
    """(letters that are written in UTF-8, the line of the first) of a file in a western encoding; each would come as two signs. `changed`,
    `size`: of the file now. Raises BrokenPack."""
    count, first, lines = 0, 0, 1
    for part in _blocks(file):
        found = UTF8_LETTER.search(part)
        first = first or (lines + part.count(b"\n", 0, found.start()) if found else 0)
        count += len(UTF8_LETTER.findall(part)) if found else 0
        lines += part.count(b"\n")
    return count, first


def _blocks(file: str) -> Iterator[bytes]:
    """The file's bytes, unpacked. Raises BrokenPack."""
    with opened(Path(file)) as stream:
        while True:
            try:
                part = stream.read(BLOCK_BYTES)
            except BROKEN as error:
                raise BrokenPack(0) from error
            if not part:
                return
            yield part


def unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 by its NUL bytes: every second one of a text in a Western language; in others, those of line breaks and separators. None
    where the first bytes look otherwise."""
    head = head[: 2000 - len(head) % 2]
    even, odd = head[0::2], head[1::2]
    for name, zeros, others in (("UTF-16LE", odd, even), ("UTF-16BE", even, odd)):
        if zeros.count(0) > 0.4 * len(zeros) and others.count(0) <= 0.05 * len(others):
            return name
        if zeros.count(0) >= 3 and zeros.count(0) > 2 * others.count(0) and _is_text(head, name):
            return name
    return None


def _is_text(head: bytes, encoding: str) -> bool:
    """Whether the bytes are lines of text in this encoding."""
    text = head.decode(encoding, "replace").rstrip("\ufffd")
    return "\n" in text and all(unicodedata.category(sign)[0] != "C" or sign in "\t\r\n" for sign in text)


def text_blocks(file: Path, encoding: str) -> Iterator[str]:
    """The file's text, block by block, without its mark. Raises NotThatEncoding, HoldsNul, BrokenPack, OSError."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, done, is_first = 1, 0, True
    with opened(file) as stream:
        while True:
            try:
                part = stream.read(BLOCK_BYTES)
            except BROKEN as error:
                raise BrokenPack(done) from error
            try:
                text = decoder.decode(part, final=not part)
            except UnicodeDecodeError as error:
                good = bytes(error.object[: error.start])
                before = good.decode(encoding, "ignore")
                wrong = bytes(error.object[error.start : error.start + 1])
                raise NotThatEncoding(encoding, lines + _line_ends(before), wrong) from error
            if is_first and text:
                text, is_first = text.removeprefix(MARK), False
            nul = text.find("\x00")
            if nul >= 0:
                raise HoldsNul(lines + _line_ends(text[:nul]))
            lines += _line_ends(text)
            done += len(part)
            if text:
                yield text
            if not part:
                return


def _line_ends(text: str) -> int:
    return text.count("\n") or text.count("\r")
