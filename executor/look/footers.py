"""Columns and rows of Parquet files by their footers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from executor.files.columns import Columns, looked_at, not_in_all, together, with_folders
from executor.files.folder import DataFile, Place
from executor.files.inputs import check_parquet
from executor.problems import Problem, ProblemError

_WORDS: tuple[tuple[str, str], ...] = (
    (r"dictionary<values=([^,<>]+), indices=[^>]*>", r"\1"),
    (r"\blarge_(string|binary|list)\b", r"\1"),
    (r"\bdecimal(?:32|64|128|256)\(", "decimal("),
    (r"\btimestamp\[(?:ms|us), tz=[^\]]*\]", "timestamp"),
    (r"\btimestamp\[(?:ms|us)\]", "timestamp without zone"),
    (r"\btimestamp\[ns, tz=[^\]]*\]", "timestamp of nanoseconds"),
    (r"\btimestamp\[ns\]", "timestamp of nanoseconds without zone"),
    (r"\bdate32\[day\]", "date"),
    (r"\bint64\b", "bigint"),
    (r"\bint32\b", "int"),
    (r"\bint16\b", "smallint"),
    (r"\bint8\b", "tinyint"),
    (r"\bbool\b", "boolean"),
)
"""Arrow's words for types, and ours. What a file's writer adds in notes of its own (a zone's name, dictionaries) is no other type."""


def columns_by_footers(place: Place) -> Columns:
    """Raises ProblemError for a file that is no Parquet, or broken."""
    check_parquet(place)
    columns, told = looked_at(place, _footer)
    columns.columns = together(table for table, _ in told)
    columns.partial = not_in_all(columns.columns, [table for table, _ in told])
    columns.rows = sum(rows for _, rows in told) if columns.is_whole else None
    return with_folders(columns, place)


def _footer(file: DataFile) -> tuple[dict[str, str], int]:
    import pyarrow
    import pyarrow.parquet

    try:
        metadata = pyarrow.parquet.read_metadata(file.path, memory_map=False)
        instants = {metadata.schema.column(index).path for index in range(metadata.num_columns) if _is_old_time(metadata, index)}
        fields = metadata.schema.to_arrow_schema()
        _require_own_names([field.name for field in fields], file)
        words = {field.name: "timestamp" if field.name in instants else type_words(str(field.type)) for field in fields}
        return _odd(words, metadata), metadata.num_rows
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        message = f"“{file.name}”: The file is not a Parquet file that can be read, or is broken."
        fix = "Write or fetch the file again."
        found = str(error)[:300]
        raise ProblemError(Problem(code="input-format", field="inputURI", message=message, file=file.name, detail=found, fix=fix)) from None


def _require_own_names(names: list[str], file: DataFile) -> None:
    often = Counter(name.casefold() for name in names)
    twice = [name for name in names if often[name.casefold()] > 1]
    if twice:
        message = f"“{file.name}”: Two columns have names that are the same, or the same but for upper and lower case."
        found = " and ".join(f"“{name}”" for name in twice[:2])
        fix = "Rename one of them where the file is made."
        raise ProblemError(Problem(code="parquet-same-names", field="inputURI", message=message, found=found, file=file.name, fix=fix))


def _is_old_time(metadata: Any, index: int) -> bool:
    """Times as Spark writes them: twelve bytes, always in UTC, which Arrow takes for nanoseconds without a zone."""
    return bool(metadata.schema.column(index).physical_type == "INT96")


_VARIANT = re.compile(
    r"struct<(?:metadata: binary[^,<>]*, value: binary|value: binary[^,<>]*, metadata: binary)(?: not null)?(?=>|, typed_value: )"
)


def _odd(words: dict[str, str], metadata: Any) -> dict[str, str]:
    """The words, where Arrow shows types as what they are kept as: variants as structs, intervals as nothing."""
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    twelve = {one.path.split(".")[0] for one in columns if one.physical_type == "FIXED_LEN_BYTE_ARRAY" and one.length == 12}
    words = {name: re.sub(r"\bnull\b(?<!not null)", "interval", kind) if name in twelve else kind for name, kind in words.items()}
    is_marked = "(Variant(" in str(metadata.schema) or b'"variant"' in (metadata.metadata or {}).get(_SPARK, b"")
    return {name: _with_variants(kind) for name, kind in words.items()} if is_marked else words


def _with_variants(kind: str) -> str:
    while found := _VARIANT.search(kind):
        depth, end = 1, found.end()
        while depth and end < len(kind):
            depth += {"<": 1, ">": -1}.get(kind[end], 0)
            end += 1
        kind = f"{kind[: found.start()]}variant{kind[end:]}"
    return kind


_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
"""Spark's note of its own types."""


def type_words(kind: str) -> str:
    """What a type of Arrow is called here."""
    for pattern, words in _WORDS:
        kind = re.sub(pattern, words, kind)
    return kind
