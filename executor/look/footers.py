"""Columns and rows of Parquet files by their footers."""

from __future__ import annotations

from typing import Any

from executor.files.columns import Columns, looked_at, together, with_folders
from executor.files.folder import DataFile, Place
from executor.files.inputs import check_parquet
from executor.problems import Problem, ProblemError

_WORDS = {
    "bool": "boolean", "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "large_string": "string",
    "date32[day]": "date", "timestamp[us, tz=UTC]": "timestamp", "timestamp[us]": "timestamp without zone",
}  # fmt: skip


def columns_by_footers(place: Place) -> Columns:
    """Raises ProblemError for a file that is no Parquet, or broken."""
    check_parquet(place)
    columns, told = looked_at(place, _footer)
    columns.columns = together(table for table, _ in told)
    columns.rows = sum(rows for _, rows in told) if columns.is_whole else None
    return with_folders(columns, place)


def _footer(file: DataFile) -> tuple[dict[str, str], int]:
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(file.path, memory_map=False)
        return {field.name: _words(field.type) for field in metadata.schema.to_arrow_schema()}, metadata.num_rows
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        message = f"“{file.name}”: The file is not a Parquet file that can be read, or is broken."
        fix = "Write or fetch the file again."
        found = str(error)[:300]
        raise ProblemError(Problem(code="input-format", field="inputURI", message=message, file=file.name, detail=found, fix=fix)) from None


def _words(kind: Any) -> str:
    text = str(kind)
    return text.replace("decimal128(", "decimal(") if text.startswith("decimal128(") else _WORDS.get(text, text)
