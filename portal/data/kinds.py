"""What a file is by its name and its first bytes, as far as taking it in needs to know. The real look is the executor's."""

from __future__ import annotations

from portal.data import names
from portal.errors import PortalError

TEXT = {"csv", "tsv", "tab", "txt", "psv", "dat", "text", "log", "asc"}
JSON = {"json", "jsonl", "ndjson", "geojson"}
WORDS = {
    "csv": "CSV", "tsv": "TSV", "tab": "TSV", "psv": "text", "json": "JSON", "geojson": "JSON", "jsonl": "JSON lines",
    "ndjson": "JSON lines", "parquet": "Parquet", "xlsx": "Excel", "xlsm": "Excel", "zip": "zip",
    "sqlite": "SQLite database", "sqlite3": "SQLite database",
}  # fmt: skip
DELTA = "delta"
"""Of a folder with a log: no file's name ends so."""
PACKED = {"xlsx", "xlsm", "zip"}
"""Files that hold tables and are none: what is inside is read once it is unpacked."""
ACCEPTED = [*(f".{ending}" for ending in (*sorted(TEXT), *sorted(JSON), "parquet", "xlsx", "gz", "zip"))]
"""For the file chooser."""
SAID = "CSV, TSV and other text, JSON, JSON lines, Parquet, Excel (XLSX), each also as gzip or zip"

_OTHERS: list[tuple[bytes, str, str]] = [
    (b"\xd0\xcf\x11\xe0", "an old Office file (XLS or DOC), or protected by a password", "Save it as XLSX without a password, or as CSV."),
    (b"%PDF", "a PDF", "Save the table in it as CSV or XLSX."),
    (b"\x7fELF", "a program", "Choose a data file."),
    (b"MZ", "a program", "Choose a data file."),
    (b"Rar!", "a RAR archive", "Pack it as zip."),
    (b"7z\xbc\xaf", "a 7z archive", "Pack it as zip."),
    (b"BZh", "a bzip2 archive", "Pack it as gzip or zip."),
    (b"\xfd7zXZ", "an xz archive", "Pack it as gzip or zip."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Pack it as gzip or zip."),
    (b"\x89PNG", "a picture", "Choose a data file."),
    (b"\xff\xd8\xff", "a picture", "Choose a data file."),
    (b"GIF8", "a picture", "Choose a data file."),
    (b"RIFF", "a picture, sound or film", "Choose a data file."),
    (b"SQLite format 3", "an SQLite database", "Save the table in it as CSV."),
    (b"Obj\x01", "an Avro file", "Save it as Parquet or CSV."),
    (b"ORC", "an ORC file", "Save it as Parquet or CSV."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet or CSV."),
]


class NotData(PortalError):
    """A file that no reader of ours can make a table of."""

    code = "not-data"
    status = 415


def ending(name: str) -> str:
    """`a.CSV.gz` → `csv`; without one, an empty text."""
    stem = name.lower().removesuffix(".gz")
    return stem.rsplit(".", 1)[1] if "." in stem else ""


def words(name: str) -> str:
    """`CSV, gzip`: how people call what has this name."""
    packed = ", gzip" if name.lower().endswith(".gz") else ""
    return WORDS.get(ending(name), "text" if ending(name) in TEXT else "file") + packed


def check(name: str, head: bytes, tail: bytes) -> None:
    """Raises NotData for what is certainly something else, or not whole. `head` and `tail` are the first and last bytes."""
    for mark, what, fix in _OTHERS:
        if head.startswith(mark) and not (mark.isalpha() and _is_text(head)):
            raise NotData(f"“{names.shown(name)}” is {what}, which is not read here.", fix=fix)
    if head[4:8] == b"ftyp":
        raise NotData(f"“{names.shown(name)}” is a picture or film, which is not read here.", fix="Choose a data file.")
    is_parquet, is_zip = head[:4] == b"PAR1", head[:4] == b"PK\x03\x04"
    kind = ending(name)
    if kind == "parquet" and not is_parquet:
        raise NotData(f"“{names.shown(name)}” is called Parquet, but is something else.", fix="Give it the ending of what it is.")
    if is_parquet and tail[-4:] != b"PAR1":
        raise NotData(f"“{names.shown(name)}” is not whole: the end of the Parquet file is missing.", fix="Fetch it again.")
    if kind in ("xlsx", "xlsm", "zip") and not is_zip:
        raise NotData(f"“{names.shown(name)}” is called {WORDS[kind]}, but is something else.", fix="Give it the ending of what it is.")
    if name.lower().endswith(".gz") and head[:2] != b"\x1f\x8b":
        raise NotData(f"“{names.shown(name)}” is called gzip, but is something else.", fix="Take “.gz” out of its name.")
    if head[:2] == b"\x1f\x8b" and not name.lower().endswith(".gz"):
        raise NotData(f"“{names.shown(name)}” is packed with gzip, which its name does not tell.", fix="Let its name end in .gz.")
    if kind in TEXT | JSON and is_zip and not name.lower().endswith(".gz"):
        raise NotData(f"“{names.shown(name)}” is a zip or an Excel file.", fix="Let its name end in .zip or .xlsx.")
    if kind in TEXT and is_parquet:
        raise NotData(f"“{names.shown(name)}” is a Parquet file.", fix="Let its name end in .parquet.")


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head and all(byte >= 32 or byte in (9, 10, 13) for byte in head[:512])
