"""A bzip2 file from its first byte to its last. Python's own reader ends in silence where what comes behind one of its parts is none: of a
file that was packed in parts (pbzip2) all rows behind a damaged beginning would be left out, and nobody told."""

from __future__ import annotations

import bz2
import io
from pathlib import Path
from typing import Any

_PIECE = 1 << 20


class _Unpacked(io.RawIOBase):
    def __init__(self, file: Path) -> None:
        self._file = file.open("rb")
        self._part = bz2.BZ2Decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises OSError where a part is none, EOFError where one is not there to its end."""
        while True:
            packed = b""
            if self._part.eof:
                packed = self._part.unused_data or self._file.read(_PIECE)
                if not packed:
                    return 0
                self._part = bz2.BZ2Decompressor()
            elif self._part.needs_input:
                packed = self._file.read(_PIECE)
                if not packed:
                    raise EOFError("the file ends within a part")
            if plain := self._part.decompress(packed, len(buffer)):
                buffer[: len(plain)] = plain
                return len(plain)

    def close(self) -> None:
        self._file.close()
        super().close()


def opened(file: Path, mode: str = "rb") -> io.BufferedReader:
    """Its bytes, unpacked. Raises OSError."""
    return io.BufferedReader(_Unpacked(file))
