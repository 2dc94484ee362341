"""Which files a run has read, noted with its outputs, so that the next run can say which of them are not there any more."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.files.folder import DataFile
from executor.files.headers import in_quotes
from executor.files.marks import MARK
from executor.problems import Problem

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.file_kinds import FileExtract

MOST_NOTED = 90_000
"""Bytes of what is noted of one address: some 10,000 files. Of more, nothing is."""
LARGEST = 4_000_000
"""Letters of it."""
MOST_TOLD = 6
SMALL = 16_000
"""Bytes of a file that is looked into: a line of names is hardly longer."""
NOTHING = b" \t\r\x00\xef\xbb\xbf\xff\xfe"
"""Blanks, and marks of byte order."""
_WRITTEN = re.compile(r"(^|/)part-\d[^/]*$")
"""What programs write: another name each time, so only its folder counts."""


def warn_of_lost_files(stage: FileExtract, context: StageContext, uri: str, path: str, files: Sequence[DataFile]) -> None:
    """Warns where files are gone that the last run read, or hold no rows any more: these are missing, and nothing else would say so. A
    folder that loses its oldest files whenever new ones come is told once. What another job writes is that job's business."""
    if context.is_preview or (Path(path) / MARK).exists():
        return
    no_rows, _ = stage.lines_around() or (0, 0)
    now = _stamps(file for file in files if _has_rows(file, no_rows))
    noted: dict[str, Any] = {"names": _packed(now), "moves_on": False}
    noted_before = context.files_read_before(uri, noted)
    told = [(before, gone) for before in noted_before if (gone := _gone(_unpacked(before.get("names")), now))]
    if not told:  # of a folder that changes each day, and is read each hour
        noted["moves_on"] = bool(noted_before) and all(before.get("moves_on") is True for before in noted_before)
        return
    before, gone = min(told, key=lambda one: len(one[1]))
    noted["moves_on"] = _moves_on(gone, _unpacked(before.get("names")), now)
    if noted["moves_on"] and before.get("moves_on") is True:
        context.log(f"{_count(gone)} of {uri} that the last run read went while others came, as others did before.")
        return
    context.warn(
        Problem(
            code="input-files-gone",
            field="inputURI",
            message=f"{_count(gone)} of “{uri}” that the last run read {'is' if len(gone) == 1 else 'are'} not there any more, "
            f"or {'holds' if len(gone) == 1 else 'hold'} no rows: these are missing now.",
            found=in_quotes(gone, MOST_TOLD),
            fix="Put back what should be there (Data), and run it again. If all is well, nothing needs to be done: it is told once.",
        )
    )


def _count(gone: Sequence[str]) -> str:
    return f"{len(gone):,} {'file' if len(gone) == 1 else 'files'}"


def _has_rows(file: DataFile, no_rows: int) -> bool:
    """Whether there is more in a file than `no_rows` lines. Of one that is not small there is."""
    with suppress(OSError, EOFError, zlib.error):
        if file.path.stat().st_size > SMALL:
            return True
        with gzip.open(file.path) if file.path.suffix == ".gz" else file.path.open("rb") as stream:
            text = stream.read(4 * SMALL)
        return sum(bool(line.strip(NOTHING)) for line in text.split(b"\n")) > no_rows and text.strip() != b"[]"
    return True


def _stamps(files: Iterable[DataFile]) -> dict[str, str]:
    """Name → a sign of when it was changed and how large it is: a file that only has another name now is not gone. Oldest first."""
    found = []
    for file in files:
        name = _WRITTEN.sub(r"\1part-…", file.name)
        with suppress(OSError):
            _, modified_ns, size = file.facts()
            found.append((modified_ns, name, f"{zlib.crc32(f'{modified_ns}.{size}'.encode()) & 0xFFFFFF:06x}"))
    return {name: stamp for _, name, stamp in sorted(found)}


def _gone(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    came = {stamp for name, stamp in now.items() if name not in before}
    return [name for name, stamp in before.items() if name not in now and stamp not in came]


def _moves_on(gone: Sequence[str], before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether the first of the files went, in the order of their names or the oldest, and as many came; or all went, and others came."""
    is_enough = len(now) >= len(before) or (len(gone) == len(before) and bool(now))
    return is_enough and set(gone) in (set(sorted(before)[: len(gone)]), set(list(before)[: len(gone)]))


def _packed(stamps: Mapping[str, str]) -> str:
    """As it is noted; nothing where that would be long."""
    text = "\n".join(f"{name}\t{stamp}" for name, stamp in stamps.items())
    packed = base64.b64encode(zlib.compress(text.encode())).decode()
    return packed if len(packed) <= MOST_NOTED and len(text) <= LARGEST else ""


def _unpacked(noted: Any) -> dict[str, str]:
    """Nothing where what was noted cannot be read: whoever can write in the lake can write it."""
    try:
        text = zlib.decompressobj().decompress(base64.b64decode(str(noted or ""))[:MOST_NOTED], LARGEST).decode()
    except (ValueError, zlib.error):
        return {}
    return {name: stamp for name, _, stamp in (line.partition("\t") for line in text.splitlines()) if name}
