"""What can be known of an input file before Spark reads it: that it is there, not empty, and of the kind it is read as.

Every function takes the path Spark will read (local; others are left to Spark) and the URI as the document has it, and raises
ProblemError. Only the beginning of a large file is looked at.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn

from executor.problems import Problem, ProblemError

CHECKED_BYTES = 256_000_000
SAMPLE_BYTES = 1_000_000
TEXT_LIMIT = 1_000_000
QUOTED_ROWS = 1_000_000
OVER_LINES = -1
"""In place of a width: a value with a line break where there must be none."""
_HIDDEN = ("_", ".")
_GLOB = re.compile(r"[*?\[{]")
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
    for start in _matches(local):
        found += [start] if start.is_file() else [file for file in start.rglob("*") if file.is_file() and not _is_hidden(file, start)]
    return sorted(found)


def _matches(path: Path) -> list[Path]:
    if not _GLOB.search(str(path)):
        return [path] if path.exists() else []
    fixed = Path(*_until_glob(path))
    patterns = _braces(str(path.relative_to(fixed)).replace("[^", "[!"))
    return sorted({match for pattern in patterns for match in fixed.glob(pattern)})


def _until_glob(path: Path) -> Iterator[str]:
    for part in path.parts:
        if _GLOB.search(part):
            return
        yield part


def _braces(pattern: str) -> list[str]:
    """`{a,b}.csv` as `a.csv` and `b.csv`."""
    group = re.search(r"\{([^{}]*)\}", pattern)
    if not group:
        return [pattern]
    return [done for choice in group[1].split(",") for done in _braces(pattern[: group.start()] + choice + pattern[group.end() :])]


def _is_hidden(file: Path, start: Path) -> bool:
    return any(part.startswith(_HIDDEN) and "=" not in part for part in file.relative_to(start).parts)


# --- checks -------------------------------------------------------------------------------------------------------------


def require_data(path: str, uri: str) -> list[Path]:
    """The data files at `path`. Problem when there is nothing, or nothing but empty files."""
    local = local_path(path)
    if local is None:
        return []
    files = data_files(path)
    if not files and local.is_dir():
        _fail(
            "input-empty", "The folder holds no data files.", uri, expected="at least one file", fix="Name a folder with data, or a file."
        )
    if not files:
        _fail("input-missing", "There is no such file.", uri, expected="a file, a folder or a pattern that fits files", fix=_near(local))
    if not any(file.stat().st_size for file in files):
        _fail(
            "input-empty",
            "The file is empty." if len(files) == 1 else "All the files are empty.",
            uri,
            found="0 bytes",
            fix="Check how it was made.",
        )
    return files


def _near(path: Path) -> str:
    from executor.plain import did_you_mean

    if not path.parent.is_dir():
        return "Check the name of the folder."
    names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(_HIDDEN)][:1000]
    return did_you_mean(path.name, names) or "Check the name."


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
                _fail(
                    "input-format",
                    f"{file.name} is not text: it is {kind}.",
                    uri,
                    found=kind,
                    expected="text",
                    fix=_fix_for(kind, binary_reader),
                )
        _check_utf8(file, uri)


def _fix_for(kind: str, reader: str) -> str:
    return (
        "Read it with a ParquetExtract step."
        if kind == "a Parquet file"
        else "Unpack it first."
        if "zip" in kind
        else f"{reader} reads text files."
    )


def _check_gzip(file: Path, head: bytes, uri: str) -> None:
    if head and not head.startswith(b"\x1f\x8b"):
        _fail(
            "input-gzip",
            f"{file.name} is not gzip, though its name ends in .gz.",
            uri,
            found=repr(head[:4]),
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
        _fail(
            "input-gzip",
            f"{file.name} is broken: it cannot be unpacked to its end.",
            uri,
            found=f"{done:,} good bytes before the break",
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
                _fail(
                    "input-encoding",
                    f"{file.name} is not UTF-8 text.",
                    uri,
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


@dataclass(frozen=True)
class TextRules:
    """How a delimited file is written: separator and quote sign (NUL: none), whether the first line is a header, whether values may
    hold line breaks."""

    separator: str
    quote: str
    header: bool
    multi_line: bool = False


def check_widths(file: Path, uri: str, rules: TextRules) -> None:
    """Problem when rows of a delimited file differ in width, or when the separator is plainly another one."""
    sample = _first_lines(file)
    if not sample.strip():
        return
    _check_separator(sample, rules.separator, uri)
    if file.suffix.lower() == ".gz" or len(rules.separator) > 1:
        return
    state = file.stat()
    wrong = _odd_row(str(file), state.st_mtime_ns, state.st_size, rules)
    if wrong and wrong[1] == OVER_LINES:
        _fail(
            "input-line-break",
            f"A value in row {wrong[0]:,} goes over several lines.",
            uri,
            row=wrong[0],
            expected="one line for each row",
            fix="Turn “Line breaks in values” (multiLine) on, or close the quote in that row.",
        )
    if wrong:
        widths_differ(uri, row=wrong[0], found=wrong[1], expected=wrong[2], header=rules.header)


@lru_cache(maxsize=256)
def _odd_row(file: str, changed: int, size: int, rules: TextRules) -> tuple[int, int, int] | None:
    """The first row of another width than the first: (row, its width, the first's). Remembered as long as the file stays the same."""
    with open(file, "rb") as stream:
        quoted = rules.quote.encode()
        start = stream.read(SAMPLE_BYTES)
        if rules.quote != "\x00" and quoted in start or b"\\" in start:
            return _odd_row_with_quotes(file, rules)
        stream.seek(0)
        return _odd_row_without_quotes(stream, file, rules)


def _odd_row_without_quotes(stream: BinaryIO, file: str, rules: TextRules) -> tuple[int, int, int] | None:
    """The quick way: separators are counted per line, until a quote is met."""
    separator, quoted, width, row, done = rules.separator.encode(), rules.quote.encode(), 0, 1 - rules.header, 0
    for line in stream:
        if (quoted in line and quoted != b"\x00") or b"\\" in line:
            return _odd_row_with_quotes(file, rules)
        done += len(line)
        if done > CHECKED_BYTES:
            return None
        if line.isspace() and separator not in line:
            continue
        count = line.count(separator) + 1
        width = width or count
        if count != width:
            return row, count, width
        row += 1
    return None


def _odd_row_with_quotes(file: str, rules: TextRules) -> tuple[int, int, int] | None:
    none = rules.quote == "\x00"
    quoting: Literal[0, 3] = csv.QUOTE_NONE if none else csv.QUOTE_MINIMAL
    with open(file, encoding="utf-8-sig", errors="replace", newline="" if rules.multi_line else None) as stream:
        lines: Iterator[str] = stream if rules.multi_line else (line.rstrip("\n") for line in stream)
        reader = csv.reader(lines, delimiter=rules.separator, quotechar=None if none else rules.quote, quoting=quoting, escapechar="\\")
        width, row, line = 0, 1 - rules.header, 0
        try:
            for cells in reader:
                width = width or len(cells)
                if reader.line_num > line + 1 and not rules.multi_line:
                    return row, OVER_LINES, width
                line = reader.line_num
                if cells and len(cells) != width:
                    return row, len(cells), width
                row += bool(cells)
                if line > QUOTED_ROWS:
                    return None
        except csv.Error:
            return None
    return None


def widths_differ(uri: str, *, row: int, found: int, expected: int, header: bool) -> NoReturn:
    """Raises the problem of a row with another number of values than the first."""
    _fail(
        "input-row-width",
        f"Row {row:,} of the file has {found} value{'s' if found != 1 else ''}, the {'header' if header else 'first row'} has {expected}.",
        uri,
        row=row,
        found=f"{found} values",
        expected=f"{expected} values",
        fix="Correct the row. A value that holds the separator or a line break must stand in quotes.",
    )


def _first_lines(file: Path) -> str:
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    with opener(file, "rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    if len(sample) == SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1]
    return sample.decode("utf-8-sig", "replace")


def _check_separator(sample: str, separator: str, uri: str) -> None:
    """A first line without the separator but with another usual one, as often in the second line, was written with that one."""
    lines = [line for line in sample.splitlines()[:20] if line.strip()]
    if len(lines) < 2 or any(separator in line for line in lines):
        return
    names = {";": "a semicolon", "\t": "a tab", "|": "a pipe", ",": "a comma", "\x01": "the sign 0x01"}
    other = next((sign for sign in names if sign in lines[0] and len({line.count(sign) for line in lines}) == 1), None)
    if other:
        _fail(
            "input-separator",
            "The values are not separated as the step says: each row would be one single value.",
            uri,
            found=f"{names[other]} between the values",
            expected=names.get(separator, f"“{separator}”"),
            fix="Choose the separator that the file uses"
            + ("." if other in "|,\x01" else ": Custom, with the own separator " + repr(other) + "."),
        )


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
            _fail(
                "input-format",
                f"{file.name} is not a Parquet file.",
                uri,
                found=kind,
                expected="Parquet",
                fix="Read it with the step for its format, for instance DelimitedExtract." if kind == "text" else "Check the file.",
            )
        if tail != b"PAR1":
            _fail(
                "input-format",
                f"{file.name} is not complete: its end is missing.",
                uri,
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
        _fail(
            "input-missing", "There is no such file.", uri, expected="a text file", fix="Check the name." if local is None else _near(local)
        )
    content = local.read_bytes()[: TEXT_LIMIT + 1]
    if not content.strip():
        _fail("input-empty", f"File at {uri} is empty.", uri, fix="Write something into it.")
    if len(content) > TEXT_LIMIT:
        _fail("input-too-large", "The file is too large for a text of a step.", uri, expected="at most 1 MB", fix="Name another file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        _fail("input-encoding", "The file is not UTF-8 text.", uri, expected="UTF-8", fix="Save it as UTF-8.")


def _fail(
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
        Problem(code=code, field="inputURI", message=f"{uri}: {message}", found=found or uri, expected=expected, fix=fix, row=row)
    )
