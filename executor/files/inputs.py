"""What can be known of an input file before Spark reads it: that it is there, not empty, and of the kind it is read as.

Every function takes the path Spark will read (local; others are left to Spark) and the URI as the document has it, and raises
ProblemError. Only the beginning of a large file is looked at.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path
from typing import NoReturn

from executor.files.lake import matches, near_name
from executor.problems import Problem, ProblemError

CHECKED_BYTES = 256_000_000
SAMPLE_BYTES = 1_000_000
TEXT_LIMIT = 1_000_000
_HIDDEN = ("_", ".")
_FORMATS = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive or an Excel file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"%PDF", "a PDF"),
)


def local_path(path: str) -> Path | None:
    """The file system's path for `path`, or None when it is somewhere else (s3a://…)."""
    if path.startswith("file:"):
        return Path(re.sub(r"^file:/+", "/", path))
    return None if "://" in path else Path(path)


def data_files(path: str) -> list[Path]:
    """The files that Spark would read for `path` (a file, a folder or a pattern), sorted; hidden ones left out."""
    local = local_path(path)
    if local is None:
        return []
    found: list[Path] = []
    for start in matches(local):
        found += [start] if start.is_file() else [file for file in start.rglob("*") if file.is_file() and not _is_hidden(file, start)]
    return sorted(found)


def _is_hidden(file: Path, start: Path) -> bool:
    return any(part.startswith(_HIDDEN) and "=" not in part for part in file.relative_to(start).parts)


def require_data(path: str, uri: str) -> list[Path]:
    """The data files at `path`. Problem when there is nothing, or nothing but empty files."""
    local = local_path(path)
    if local is None:
        return []
    files = data_files(path)
    if not files and local.is_dir():
        fail("input-empty", "The folder holds no data files.", uri, expected="at least one file", fix="Name a folder with data, or a file.")
    if not files:
        fail(
            "input-missing",
            "There is no such file.",
            uri,
            expected="a file, a folder or a pattern that fits files",
            fix=near_name(local, uri) or "Check the name.",
        )
    if not any(file.stat().st_size for file in files):
        fail(
            "input-empty",
            "The file is empty." if len(files) == 1 else "All the files are empty.",
            uri,
            found="0 bytes",
            fix="Check how it was made.",
        )
    return files


def check_text_files(files: list[Path], uri: str, *, binary_reader: str) -> None:
    """Problem when a file is not UTF-8 text, is broken gzip, or is plainly of another format. `binary_reader` names the reading stage."""
    for file in files:
        with file.open("rb") as stream:
            head = stream.read(8)
        if file.suffix.lower() == ".gz":
            _check_gzip(file, head, uri)
            continue
        for magic, kind in _FORMATS:
            if head.startswith(magic):
                fail(
                    "input-format",
                    f"The file is not text: it is {kind}.",
                    _place(file, uri),
                    found=kind,
                    expected="text",
                    fix=_fix_for(kind, binary_reader),
                )
        _check_utf8(file, uri)


def _fix_for(kind: str, reader: str) -> str:
    return (
        "Read it with a ParquetExtract stage."
        if kind == "a Parquet file"
        else "Unpack it first."
        if "zip" in kind
        else f"{reader} reads text files."
    )


def _kind_of(head: bytes) -> str:
    known = next((kind for mark, kind in _FORMATS if head.startswith(mark)), None)
    return known or ("plain text" if all(byte in b"\t\r\n" or byte >= 32 for byte in head[:100]) else "something else")


def _check_gzip(file: Path, head: bytes, uri: str) -> None:
    if head and not head.startswith(b"\x1f\x8b"):
        fail(
            "input-gzip",
            "The file is not gzip, though its name ends in .gz.",
            _place(file, uri),
            found=_kind_of(head),
            expected="gzip",
            fix="Rename it, or pack it with gzip.",
        )
    done = 0
    try:
        with gzip.open(file) as stream:
            while done < CHECKED_BYTES:
                part = stream.read(SAMPLE_BYTES)
                if not part:
                    return
                done += len(part)
    except (OSError, EOFError, zlib.error):
        fail(
            "input-gzip",
            "The file is broken: it cannot be unpacked to its end.",
            _place(file, uri),
            found=f"a break after {done:,} good bytes" if done else "a break near its beginning",
            fix="Fetch the file again.",
        )


def _check_utf8(file: Path, uri: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = done = 0
    with file.open("rb") as stream:
        while done < CHECKED_BYTES:
            part = stream.read(SAMPLE_BYTES)
            try:
                decoder.decode(part, final=not part)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start) + 1
                wrong = error.object[error.start : error.start + 1]
                fail(
                    "input-encoding",
                    "The file is not UTF-8 text.",
                    _place(file, uri),
                    row=line,
                    found=f"the byte 0x{wrong.hex()} in line {line:,}"
                    + (f" (“{wrong.decode('latin-1')}” in Latin-1)" if wrong >= b"\xa0" else ""),
                    expected="UTF-8",
                    fix="Save it as UTF-8, for instance with “iconv -f latin1 -t utf8”.",
                )
            if not part:
                return
            lines += part.count(b"\n")
            done += len(part)


def check_parquet(files: list[Path], uri: str) -> None:
    """Problem when a file is not Parquet: wrong first or last bytes."""
    for file in files:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(0, size - 4))
            tail = stream.read(4)
        if head != b"PAR1":
            kind = next((kind for magic, kind in _FORMATS if head.startswith(magic)), "text" if _is_text(file) else "another format")
            fail(
                "input-format",
                "The file is not a Parquet file.",
                _place(file, uri),
                found=kind,
                expected="Parquet",
                fix="Read it with the stage for its format, for instance DelimitedExtract." if kind == "text" else "Check the file.",
            )
        if tail != b"PAR1":
            fail(
                "input-format",
                "The file is not complete: its end is missing.",
                _place(file, uri),
                found=f"{size:,} bytes without an end mark",
                expected="a whole Parquet file",
                fix="Write or fetch the file again.",
            )


def _is_text(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(1000)
    return b"\x00" not in head and all(byte >= 32 or byte in (9, 10, 13) for byte in head)


def read_text(path: str, uri: str) -> str:
    """The text of a small file of the lake (SQL, a schema). Problem when it is no file, empty, too large or not UTF-8."""
    local = local_path(path)
    if local is None or not local.is_file():
        fail(
            "input-missing",
            "There is no such file.",
            uri,
            expected="a text file",
            fix=(near_name(local, uri) if local else None) or "Check the name.",
        )
    content = local.read_bytes()[: TEXT_LIMIT + 1]
    if not content.strip():
        fail("input-empty", f"File at {uri} is empty.", uri, fix="Write something into it.")
    if len(content) > TEXT_LIMIT:
        fail("input-too-large", "The file is too large for a text of a stage.", uri, expected="at most 1 MB", fix="Name another file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail("input-encoding", "The file is not UTF-8 text.", uri, expected="UTF-8", fix="Save it as UTF-8.")


def _place(file: Path, uri: str) -> str:
    """How one of the files that `uri` stands for is called: a folder and a pattern stand for many."""
    return uri if Path(uri).name == file.name else f"{uri} ({file.name})"


def fail(
    code: str,
    message: str,
    uri: str,
    *,
    found: str | None = None,
    expected: str | None = None,
    fix: str | None = None,
    row: int | None = None,
) -> NoReturn:
    raise ProblemError(
        Problem(code=code, field="inputURI", message=f"“{uri}”: {message}", found=found or uri, expected=expected, fix=fix, row=row)
    )
