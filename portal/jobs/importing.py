"""A file that somebody gives to “Import”: a job document in one of the encodings that JSON comes in, or told apart from one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from executor.language import json_text
from portal.errors import PortalError
from portal.jobs.documents import LONGEST_DRAFT

MAGIC = [
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "an Excel file or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "packed with gzip"),
]
"""First bytes → what the file is. The last ones are no data by themselves."""
NO_DATA = ("a PDF",)
DATA_NAMES = re.compile(r"\.(csv|tsv|tab|txt|psv|dat|parquet|xlsx?|jsonl|ndjson|zip|gz)$", re.IGNORECASE)
FIX = "Save a job with “Download” to get a document that can be imported."


class NotADocument(PortalError):
    """What was given is no job document. `is_data`: it can be brought to Data instead."""

    code = "not-a-document"
    status = 422

    def __init__(self, message: str, *, is_data: bool, fix: str = FIX) -> None:
        super().__init__(message, fix=fix)
        self.is_data = is_data


def document_in(name: str, content: bytes) -> str:
    """The text of the document in a file called `name`; one with problems is still one. Raises NotADocument."""
    kind = next((words for magic, words in MAGIC if content.startswith(magic)), None)
    if kind:
        raise NotADocument(f"“{_shown(name)}” is {kind}, not a job document.", is_data=kind not in NO_DATA)
    if len(content) > LONGEST_DRAFT:
        raise too_large(name, len(content))
    text = _text(name, content)
    start = text.lstrip()[:1]
    if not text.strip():
        raise NotADocument(f"“{_shown(name)}” is empty.", is_data=False)
    if start == "{" and (DATA_NAMES.search(name) is None or '"stages"' in text):
        return _object(name, text)
    if start in ("{", "["):
        raise NotADocument(f"“{_shown(name)}” holds JSON, but no job: a document is an object with “stages”.", is_data=True)
    what = "a text with rows" if "\n" in text.strip() else "text"
    raise NotADocument(f"“{_shown(name)}” is {what}, not a job document.", is_data=True)


def too_large(name: str, size: int) -> NotADocument:
    """A document has at most LONGEST_DRAFT bytes; data may have more."""
    most = f"{LONGEST_DRAFT // 1_000_000} MB"
    message = f"“{_shown(name)}” has {size / 1_000_000:,.1f} MB; a job document has at most {most}."
    return NotADocument(message, is_data=bool(DATA_NAMES.search(name)) or name.lower().endswith(".json"))


def _object(name: str, text: str) -> str:
    """Several objects one after the other, or one without a part of a document, are data."""
    try:
        found = json_text.loads(text)
    except ValueError:
        if re.match(r"\s*\{[^\n]*\}\s*\n\s*\{", text):
            raise NotADocument(f"“{_shown(name)}” holds one JSON object a line: that is data.", is_data=True) from None
        return text
    if found and not {"stages", "parameters", "description"} & set(found):
        raise NotADocument(f"“{_shown(name)}” holds JSON, but no job: a document is an object with “stages”.", is_data=True)
    return text


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        is_data = bool(DATA_NAMES.search(name))
        fix = "Save it as UTF-8 and try again."
        raise NotADocument(f"“{_shown(name)}” is not UTF-8 text.", is_data=is_data, fix=fix) from None
    if "\x00" in text:
        raise NotADocument(f"“{_shown(name)}” is not text.", is_data=True)
    return text


def name_from(file: str) -> str:
    """A job's name from a file's: Übersicht 2024.json → bersicht_2024."""
    stem = Path(file).name.split(".")[0].lower()
    words = re.sub(r"[^a-z0-9]+", "_", stem).strip("_")
    return (words if words[:1].isalpha() else f"job_{words}").rstrip("_")[:80]


def _shown(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}…"
