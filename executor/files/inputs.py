"""What can be known of an input file before Spark reads it: that it is there, not empty, and of the kind it is read as.

Every function takes the path Spark will read (local; others are left to Spark) and the URI as the document has it, and raises
ProblemError. Only the beginning of a large file is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from executor.files import encodings, made_of
from executor.files.folder import DataFile, Place, place_of
from executor.files.lake import near_name
from executor.problems import Problem, ProblemError

SAMPLE_BYTES = 1_000_000
TEXT_LIMIT = 1_000_000
_FORMATS = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive or an Excel file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or another file of Office"),
    (b"PARE", "an encrypted Parquet file"),
)


def local_path(path: str) -> Path | None:
    """The file system's path for `path`, or None when it is somewhere else (s3a://…)."""
    if path.startswith("file:"):
        return Path(re.sub(r"^file:/+", "/", path))
    return None if "://" in path else Path(path)


def data_files(path: str) -> list[Path]:
    """The data files at `path` (a file, a folder or a pattern), sorted; hidden ones left out."""
    return [] if local_path(path) is None else [file.path for file in place_of(path, path).files]


def require_data(path: str, uri: str, base: str | None = None) -> Place:
    """What lies at `path`. Problem when there is nothing, or nothing but empty files."""
    local = local_path(path)
    if local is None:
        return Place(path, uri, ())
    place = place_of(path, uri, base)
    made_of.require_newest([(file.path, file.name) for file in place.files])
    if not place.files and local.is_dir():
        fail("input-empty", "The folder holds no data files.", uri, expected="at least one file", fix="Name a folder with data, or a file.")
    if not place.files:
        fail(
            "input-missing",
            "There is no such file.",
            uri,
            expected="a file, a folder or a pattern that fits files",
            fix=near_name(local, uri) or "Check the name.",
        )
    if not any(file.path.stat().st_size for file in place.files):
        fail(
            "input-empty",
            "The file is empty." if len(place.files) == 1 else "All the files are empty.",
            uri,
            found="0 bytes",
            fix="Check how it was made.",
        )
    return place


def check_text_files(place: Place, *, binary_reader: str) -> None:
    """Problem when a file is not UTF-8 text, is broken gzip, or is plainly of another format. `binary_reader` names the reading stage."""
    for file in place.files:
        check_kind(file, binary_reader=binary_reader)
        with unreadable_text_told(file, has_field=False):
            head = encodings.head_of(file.path, SAMPLE_BYTES)
            marked, unmarked = encodings.marked_encoding(head), encodings.unmarked_utf16(head)
            if marked in encodings.UTF_16:
                fail_utf16(file, marked, has_field=False, is_marked=True)
            if unmarked:
                fail_utf16(file, unmarked, has_field=False)
            for _ in encodings.text_blocks(file.path, "UTF-8"):
                pass


@contextmanager
def unreadable_text_told(file: DataFile, *, has_field: bool) -> Iterator[None]:
    """Problem for what stops the reading of the file's text. `has_field`: whether the stage can be told its encoding."""
    try:
        yield
    except encodings.BrokenPack as error:
        _fail_gzip(file, error.good)
    except encodings.HoldsNul as error:
        _fail_nul(file, error.line)
    except encodings.NotThatEncoding as error:
        _fail_encoding(file, error, has_field=has_field)


def check_kind(file: DataFile, *, binary_reader: str) -> None:
    """Problem when a file is plainly no text, by its first bytes and the end of its name."""
    with file.path.open("rb") as stream:
        head = stream.read(8)
    packed = file.path.suffix.lower()
    if packed in _OTHER_PACKS:
        fail("input-packed", f"Files that are packed as {packed} are not read here.", file.name, fix="Unpack it, or pack it with gzip.")
    if packed in _PACK_MARKS:
        if head and not head.startswith(_PACK_MARKS[packed]):
            kind = packed.lstrip(".").replace("gz", "gzip").replace("bz2", "bzip2")
            fail(
                "input-gzip",
                f"The file is not {kind}, though its name ends in {packed}.",
                file.name,
                found=_kind_of(head),
                expected=kind,
                fix=f"Rename it, or pack it with {kind}.",
            )
        return
    for magic, kind in _FORMATS:
        if head.startswith(magic):
            fail(
                "input-format",
                f"The file is not text: it is {kind}.",
                file.name,
                found=kind,
                expected="text",
                fix=_fix_for(kind, binary_reader),
            )


_PACK_MARKS = {".gz": b"\x1f\x8b", ".bz2": b"BZh"}
_OTHER_PACKS = (".zst", ".lz4", ".snappy", ".deflate", ".xz", ".7z", ".zip")


def _fix_for(kind: str, reader: str) -> str:
    return (
        "Read it with a ParquetExtract stage."
        if kind == "a Parquet file"
        else "Rename it, so that its name ends in .gz."
        if "gzip" in kind
        else "Unpack it first."
        if "zip" in kind
        else "Save it as CSV or as .xlsx, and bring that; take files out of the folder that are no data."
        if "Office" in kind
        else f"{reader} reads text files."
    )


def _fail_gzip(file: DataFile, good: int) -> NoReturn:
    fail(
        "input-gzip",
        "The file is broken: it cannot be unpacked to its end.",
        file.name,
        found=f"a break after {good:,} good bytes" if good else "a break near its beginning",
        fix="Fetch the file again.",
        file=file.name,
    )


def _fail_nul(file: DataFile, line: int) -> NoReturn:
    fail(
        "input-nul",
        f"Line {line:,} holds a NUL sign (0x00), which no text does: the file is of another encoding, or it is broken.",
        file.name,
        row=line,
        found="the byte 0x00",
        expected="text",
        fix="Save it again as UTF-8 text, or fetch it again.",
        file=file.name,
    )


def fail_utf16(file: DataFile, encoding: str, *, has_field: bool, is_marked: bool = False) -> NoReturn:
    """A file of UTF-16 (or 32) where it is not read. `has_field`: whether the stage can be told to read it."""
    told = f"Set “Encoding” (encoding) to {encoding}, or save" if has_field else "Save"
    fail(
        "input-encoding",
        f"The file is {encoding[:6]} text, not UTF-8.",
        file.name,
        found=encoding,
        expected="UTF-8",
        fix=f"{told} it as UTF-8, for instance with “iconv -f {'utf16' if is_marked else encoding.lower()} -t utf8”.",
        file=file.name,
    )


def _fail_encoding(file: DataFile, error: encodings.NotThatEncoding, *, has_field: bool) -> NoReturn:
    """A file of another encoding than it is read as."""
    letter = error.byte.decode("cp1252", "ignore") if error.encoding == "UTF-8" else ""
    told = f"Set “Encoding” (encoding) to the right one, often {LIKELY}, or save" if has_field else "Save"
    fail(
        "input-encoding",
        f"The file is not {error.encoding} text.",
        file.name,
        row=error.line,
        found=f"the byte 0x{error.byte.hex()} in line {error.line:,}" + (f" (“{letter}” in {LIKELY})" if letter else ""),
        expected=error.encoding,
        fix=f"{told} it as UTF-8, for instance with “iconv -f {LIKELY} -t utf8”.",
        file=file.name,
    )


LIKELY = "windows-1252"
"""What text that is no UTF-8 most often is."""


def _kind_of(head: bytes) -> str:
    known = next((kind for mark, kind in _FORMATS if head.startswith(mark)), None)
    return known or ("plain text" if all(byte in b"\t\r\n" or byte >= 32 for byte in head[:100]) else "something else")


def check_parquet(place: Place) -> None:
    """Problem when a file is not Parquet: wrong first or last bytes."""
    for file in place.files:
        size = file.path.stat().st_size
        with file.path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(0, size - 4))
            tail = stream.read(4)
        if head != b"PAR1":
            kind = next((kind for magic, kind in _FORMATS if head.startswith(magic)), "text" if _is_text(file.path) else "another format")
            fail(
                "input-format",
                "The file is not a Parquet file.",
                file.name,
                found=kind,
                expected="Parquet",
                fix="Read it with the stage for its format, for instance DelimitedExtract."
                if kind == "text"
                else "Write it again without encryption; its key cannot be given here."
                if "encrypted" in kind
                else "Check the file.",
            )
        if tail != b"PAR1":
            fail(
                "input-format",
                "The file is not complete: its end is missing.",
                file.name,
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


def fail(
    code: str,
    message: str,
    uri: str,
    *,
    found: str | None = None,
    expected: str | None = None,
    fix: str | None = None,
    row: int | None = None,
    file: str | None = None,
) -> NoReturn:
    raise ProblemError(
        Problem(
            code=code, field="inputURI", message=f"“{uri}”: {message}", found=found or uri, expected=expected, fix=fix, row=row, file=file
        )
    )
