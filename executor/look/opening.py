"""A file's bytes as they are wanted: unpacked, and from a text file its lines. Nothing is read whole."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from executor.files.encodings import MARKS, marked_encoding
from executor.problems import Problem, ProblemError

GZIP = b"\x1f\x8b"
SAMPLE = 256_000
PYTHON_NAMES = {"windows-31j": "cp932"}


class Opened:
    """A file that can be read from its beginning as often as needed. `head` is its first SAMPLE bytes, unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = path.stat().st_size
        with path.open("rb") as stream:
            self.is_gzip = stream.read(2) == GZIP
        with self.stream() as stream:
            self.head = read_some(stream, SAMPLE)

    def stream(self) -> BinaryIO:
        """Its bytes, unpacked."""
        return cast(BinaryIO, gzip.open(self.path)) if self.is_gzip else self.path.open("rb")

    def blocks(self, size: int = 1 << 20) -> Iterator[bytes]:
        with self.stream() as stream:
            while block := read_some(stream, size):
                yield block


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Raises ProblemError for broken gzip."""
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        raise ProblemError(
            Problem(code="input-gzip", message="The file is broken: it cannot be unpacked to its end.", fix="Fetch the file again.")
        ) from None


class Counted(io.RawIOBase):
    """A stream that knows how many bytes were read from it, and that ends after `limit`."""

    def __init__(self, stream: BinaryIO, limit: int | None = None) -> None:
        self._stream, self._limit = stream, limit
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = len(buffer) if self._limit is None else min(len(buffer), self._limit - self.done)
        data = read_some(self._stream, size) if size > 0 else b""
        buffer[: len(data)] = data
        self.done += len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def python_encoding(name: str) -> str:
    """What Python calls it; UTF-8 swallows the mark at the beginning."""
    return "utf-8-sig" if name == "UTF-8" else PYTHON_NAMES.get(name, name)


def stream_encoding(head: bytes, name: str) -> str:
    """What Python calls it where the file is read from its beginning: a mark there is swallowed."""
    return "utf-16" if name.startswith("UTF-16") and marked_encoding(head) == name else python_encoding(name)


def without_mark(head: bytes) -> bytes:
    """`head` less the mark of its encoding."""
    return next((head[len(mark) :] for mark, _ in MARKS if head.startswith(mark)), head) if marked_encoding(head) else head
