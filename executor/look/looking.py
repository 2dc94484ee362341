"""`python -m executor look`: what a file of the lake is, and how its columns could be typed. Untrusted bytes: run it behind the wall."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from executor.files.folder import DataFile, place_of
from executor.language import json_text
from executor.look.delimited import DelimitedLook, Tell
from executor.look.encoding import is_utf32
from executor.look.folders import MOST_LOOKED_AT, add_folder_columns, look_at_files
from executor.look.opening import Opened
from executor.look.proposal import ColumnChoice, Proposal, Said, Settings
from executor.plain import problems_of
from executor.problems import Problem, ProblemError
from executor.stores.roots import Roots

SECONDS = 20.0
ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
OTHERS = (
    (b"%PDF", "a PDF"), (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (.xls)"), (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"BZh", "packed with bzip2"),
    (b"7z\xbc\xaf", "packed with 7-Zip"), (b"Rar!", "packed with RAR"), (b"\x28\xb5\x2f\xfd", "packed with Zstandard"),
    (b"SQLite format 3", "an SQLite database"), (b"{\\rtf", "a text with formats (RTF)"),
)  # fmt: skip
SCRIPT = re.compile(
    r"(?:--[^\n]*\n|/\*.*?\*/;?|\s|(?:set|use|begin|start|drop|pragma|lock|alter)\b[^;\n]*;)*(?:insert\s+into|replace\s+into|create\s+(?:temp\w*\s+)?table)"
    r"\s+[\w\W]{1,200}?\(",
    re.IGNORECASE,
)
"""How dumps of databases begin."""
MARKUP = re.compile(r"<(?:\?xml|!doctype|html|head|body|table|svg|rss|[a-z][\w:.-]*(?:\s[^<>]*)?>\s*(?:<|$))", re.IGNORECASE)
"""How web pages and XML begin."""

JSON_NAMES = (".json", ".jsonl", ".ndjson", ".geojson")
PACKED_TWICE = (
    (PARQUET, "Parquet, packed with gzip as a whole"), (ZIP, "a zip or Excel file, packed with gzip"),
    (b"\x1f\x8b", "packed with gzip twice"),
)  # fmt: skip
BLANKS = b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"
"""What alone makes no table: blanks, ends of lines, marks of byte order."""
WHOLE_HEAD = 10_000
"""A file of blanks that is larger than this is looked at like any other."""


def look(roots: Roots, uri: str, given: dict[str, Any], *, limit_bytes: int | None, seconds: float, tell: Tell) -> Proposal:
    """The proposal for the file (or, of a folder, one of its files) at `uri`. Raises ProblemError."""
    began = time.monotonic()
    settings = settings_from(given)
    files = _files_at(roots, uri)

    def look_at(file: DataFile, columns: dict[str, ColumnChoice], others: Sequence[DataFile]) -> Proposal:
        said = settings.model_copy(update={"columns": columns})
        return _look(Opened(file.path), uri, said, limit_bytes, seconds / min(len(files), 2 + MOST_LOOKED_AT), tell, others)

    proposal, shown, what = look_at_files(files, look_at, settings.columns)
    add_folder_columns(proposal, files, shown, settings.columns)
    proposal.files = len(files)
    if len(files) > 1:
        judged = " Types are judged by the first rows of the others, too." if proposal.format in ("delimited", "json", "jsonl") else ""
        message = f"The folder holds {len(files):,} files; {what} shown are those of “{shown.name}” alone.{judged}"
        fix = "A run reads all of them as one table and says what does not fit. Look at the others one by one to see them."
        proposal.problems = [*proposal.problems, Said(code="look-first-file", message=message, fix=fix)]
    proposal.seconds = round(time.monotonic() - began, 2)
    return proposal


def settings_from(given: dict[str, Any]) -> Settings:
    """Raises ProblemError for what is no setting."""
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise ProblemError(problems_of(error, Settings)) from None


def _files_at(roots: Roots, uri: str) -> list[DataFile]:
    """The file, or those of the folder with something in them."""
    root, place = roots.at(uri, "uri")
    path = Path(root.read(place, uri, "uri").path)
    if not path.is_dir():
        return [DataFile(path, uri)]
    files = [file for file in place_of(str(path), uri).files if not _is_blank(file.path)]
    if not files:
        raise ProblemError(Problem(code="input-empty", field="uri", message="The folder holds no data files.", fix="Name a file."))
    return files


def _is_blank(path: Path) -> bool:
    """Whether there is nothing in it, but perhaps for ends of lines."""
    size = path.stat().st_size
    return not size or (size < FEW_BYTES and not path.read_bytes().strip(BLANKS))


FEW_BYTES = 64


def _look(
    file: Opened, uri: str, settings: Settings, limit_bytes: int | None, seconds: float, tell: Tell, others: Sequence[DataFile] = ()
) -> Proposal:
    kind = settings.format or kind_of(file)
    if kind == "json" and not settings.format and _are_lines(file, others):
        kind = "jsonl"
    if kind == "empty":
        return Proposal(
            uri=uri,
            format="empty",
            problems=[Said(code="input-empty", message="There is nothing in the file.", fix="Check how it was made.")],
        )
    if kind == "parquet":
        from executor.look.parquet import look_at_parquet

        return look_at_parquet(file, uri, settings)
    if kind in ("json", "jsonl"):
        from executor.look.jsons import look_at_json

        return look_at_json(file, uri, settings, kind, seconds=seconds, limit_bytes=limit_bytes, others=others)
    if kind in ("zip", "xlsx"):
        from executor.look.packed import look_at_packed

        return look_at_packed(file, uri)
    if kind != "delimited":
        message = f"The file is {kind}; such files are not read."
        return Proposal(uri=uri, format="unknown", bytes=file.bytes, problems=[Said(code="input-format", message=message, fix=_fix(kind))])
    return DelimitedLook(file, uri, settings, seconds=seconds, limit_bytes=limit_bytes, tell=tell, others=others).proposal()


def _are_lines(file: Opened, others: Sequence[DataFile]) -> bool:
    """Whether a file of one line, which may be a whole document, lies beside such as hold an object on each line."""
    if len(_decoded(file.head).strip().splitlines()) != 1:
        return False
    with suppress(ProblemError, OSError):
        return any(kind_of(Opened(other.path)) == "jsonl" for other in others[:MOST_KINDS])
    return False


MOST_KINDS = 20


def _fix(kind: str) -> str:
    if "spreadsheet" in kind or "web page" in kind or "XML" in kind:
        return "Open it in a spreadsheet program, save it as .xlsx or CSV and upload that."
    if "SQL" in kind:
        return "Export the tables as CSV: psql --csv or COPY … TO … CSV HEADER, mysql --batch, sqlite3 -csv."
    if "UTF-32" in kind:
        return "Save it with the encoding UTF-8, and upload it again."
    if "Excel" in kind:
        return "Save it as .xlsx or CSV and upload that."
    return "Unpack it, and upload what is inside." if "packed" in kind else "Upload text (CSV), JSON, Parquet or Excel (.xlsx)."


def kind_of(file: Opened) -> str:
    """delimited, json, jsonl, parquet, xlsx, zip, empty, or words for another kind. By its content, not its name."""
    head = file.head
    if not head or (len(head) < WHOLE_HEAD and not head.strip(BLANKS)):
        return "empty"
    if file.is_gzip and (twice := next((words for magic, words in PACKED_TWICE if head.startswith(magic)), None)):
        return twice
    if head.startswith(PARQUET):
        return "parquet"
    if head.startswith(ZIP):
        from executor.look.packed import kind_of_zip

        return kind_of_zip(file.path)
    other = next((words for magic, words in OTHERS if head.startswith(magic)), None)
    if other and not (head[:3].isalpha() and _is_text(head)):  # a column may be called ORCID
        return other
    if is_utf32(head):
        return "text in UTF-32"
    if not _is_text(head):
        return "not text, nor of a kind that is known here"
    return _text_kind(head, file.path.name)


def _is_text(head: bytes) -> bool:
    """Few control signs, of which what else reads as UTF-8 may have some more; zero bytes only as UTF-16 has them."""
    from executor.files.encodings import marked_encoding
    from executor.look.encoding import looks_like_utf16

    part = head[:20_000]
    if marked_encoding(part) in ("UTF-16LE", "UTF-16BE") or looks_like_utf16(part):
        return True
    odd = sum(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1a\x01" for byte in part)
    return odd <= len(part) * (MOST_ODD if b"\0" not in part and _is_utf8(part) else MOST_ODD_ELSE)


MOST_ODD, MOST_ODD_ELSE = 0.1, 0.005


def _is_utf8(part: bytes) -> bool:
    """Whether it reads as UTF-8 but for a sign that is cut at its end."""
    try:
        part.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(part) - 3
    return True


def _decoded(head: bytes) -> str:
    """The text that a file begins with, in whichever encoding JSON and markup are met; other signs than theirs do not matter here."""
    from executor.files.encodings import marked_encoding
    from executor.look.encoding import looks_like_utf16

    return head.decode(marked_encoding(head) or looks_like_utf16(head) or "UTF-8", "ignore").lstrip("\ufeff \t\r\n")[:200_000]


def _text_kind(head: bytes, name: str) -> str:
    text = _decoded(head)
    if MARKUP.match(text):
        return "a web page (HTML)" if re.match(r"<(?:!doctype html|html|head|body|table)", text, re.IGNORECASE) else "an XML file"
    if SCRIPT.match(text):
        return "a script of SQL statements"
    is_called_so = name.lower().removesuffix(".gz").endswith(JSON_NAMES)
    if text[:1] in ("{", "[") or (is_called_so and text[:1] in ("/", '"', "'")):
        return _json_kind(text, is_cut=len(text) >= 200_000, is_called_so=is_called_so)
    return "delimited"


def _json_kind(text: str, *, is_cut: bool, is_called_so: bool) -> str:
    """json, jsonl, or delimited where a text only begins as JSON does. What is called JSON is told where it breaks."""
    lines = [line for line in text.splitlines() if line.strip()]
    first = _object(lines[0])
    if first and (len(lines) == 1 or lines[1].lstrip().startswith("{")):
        return "jsonl" if len(lines) > 1 else "json"
    if is_called_so:
        return "json"
    try:
        json.JSONDecoder(parse_int=str).raw_decode(text)
    except (ValueError, RecursionError) as error:
        is_cut = is_cut or getattr(error, "pos", 0) >= len(text) - 1
        is_like = text[:1] == "{" and ":" in text[:2000] and '"' in text[:2000]
        return "json" if (is_cut or is_like) and text[1:].lstrip()[:1] in '{["}]' else "delimited"
    return "json"


def _object(line: str) -> bool:
    """Whether the line is a JSON object, with numbers of any length."""
    try:
        return isinstance(json_text.loads(line, parse_int=str), dict)
    except ValueError:
        return False
