"""The look at a Parquet file: what its footer says, and its first rows."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

from executor.look.footers import type_words
from executor.look.names import safe_names
from executor.look.opening import Opened
from executor.look.proposal import Found, Proposal, ProposedColumn, Said, Settings, short

FIRST_ROWS = 100
_KINDS = (
    ("bool", "boolean"),
    ("int", "long"),
    ("uint", "long"),
    ("float", "double"),
    ("double", "double"),
    ("halffloat", "double"),
    ("date", "date"),
    ("time32", "time"),
    ("time64", "time"),
    ("timestamp", "timestamp"),
    ("struct", "struct"),
    ("list", "array"),
    ("map", "array"),
    ("binary", "binary"),
    ("fixed_size_binary", "binary"),
    ("large_binary", "binary"),
    ("large_list", "array"),
    ("fixed_size_list", "array"),
    ("duration", "long"),
)


def look_at_parquet(file: Opened, uri: str, settings: Settings) -> Proposal:
    """The proposal; a broken file is told as a problem of it."""
    import pyarrow
    from pyarrow import parquet

    found = [Found(setting="format", value="parquet", shown="Parquet", words="the file says it itself")]
    proposal = Proposal(
        uri=uri, format="parquet", bytes=file.bytes, settings=settings.model_copy(update={"format": "parquet"}), found=found
    )
    try:
        source = parquet.ParquetFile(file.path, memory_map=False)
        proposal.rows = source.metadata.num_rows
        leaves = _leaves(source)
        proposal.columns = [_column(index, field, leaves[index], source.metadata) for index, field in enumerate(source.schema_arrow)]
        batch = next(source.iter_batches(batch_size=FIRST_ROWS), None)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        del error  # its words may hold anything
        proposal.problems = [
            Said(code="input-format", message="The Parquet file cannot be read to its end.", fix="Write or fetch it again.")
        ]
        return proposal
    for column, name in zip(proposal.columns, safe_names([column.raw_name for column in proposal.columns]), strict=True):
        choice = settings.columns.get(str(column.index))
        column.name = (choice and choice.name) or name
    if batch is not None:
        rows = zip(*[column.to_pylist() for column in batch.columns], strict=True)
        kinds = [str(column.type) for column in batch.columns]
        proposal.first_rows = [[number, *map(_shown, row, kinds)] for number, row in enumerate(rows, 1)]
        _take_samples(proposal)
    return proposal


def _leaves(source: Any) -> list[int | None]:
    """For each column its place among those that the file keeps; None for one of several values, which is kept as several of them."""
    fields, kept = list(source.schema_arrow), source.metadata.num_columns
    counts = [_count_of_leaves(field.type) for field in fields]
    if sum(counts) != kept:
        return [None] * len(fields)
    return [None if _has_parts(field.type) else sum(counts[:place]) for place, field in enumerate(fields)]


def _has_parts(arrow: Any) -> bool:
    from pyarrow import types

    return bool(types.is_nested(arrow))


def _count_of_leaves(arrow: Any) -> int:
    from pyarrow import types

    if types.is_struct(arrow):
        return sum(_count_of_leaves(field.type) for field in arrow)
    if types.is_map(arrow):
        return _count_of_leaves(arrow.key_type) + _count_of_leaves(arrow.item_type)
    return _count_of_leaves(arrow.value_type) if _has_parts(arrow) else 1


def _column(index: int, field: Any, leaf: int | None, metadata: Any) -> ProposedColumn:
    kind = str(field.type)
    nulls, lowest, highest = (None, None, None) if leaf is None else _statistics(leaf, kind, metadata)
    return ProposedColumn(
        index=index,
        name=field.name,
        raw_name=field.name,
        type=_type(kind, field.type),
        words=_words(kind),
        fixed=True,
        rows=metadata.num_rows,
        fits=metadata.num_rows,
        nulls=nulls,
        lowest=lowest,
        highest=highest,
        range_words=f"{lowest} – {highest}" if lowest is not None else "",
    )


def _words(kind: str) -> str:
    """What a type's name tells beside what the page shows of it; nothing where only its writer speaks."""
    if kind.startswith("duration"):
        unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}.get(kind[9:-1], "parts of a second")
        return f"{kind}: read as a whole number of {unit}"
    words = type_words(kind)
    return "" if words in ("string", "boolean", "double", "date", "bigint", "timestamp") or words.startswith("decimal(") else words


def _type(kind: str, arrow: Any) -> dict[str, Any]:
    if kind.startswith("decimal"):
        return {"type": "decimal", "precision": arrow.precision, "scale": arrow.scale}
    if kind == "uint64":
        return {"type": "decimal", "precision": 20, "scale": 0}
    return {"type": next((ours for theirs, ours in _KINDS if kind.startswith(theirs)), "string")}


def _statistics(leaf: int, kind: str, metadata: Any) -> tuple[int | None, str | None, str | None]:
    """(nulls, least, greatest) over all row groups, as far as every one of them tells."""
    groups = [metadata.row_group(group).column(leaf).statistics for group in range(metadata.num_row_groups)]
    if not groups or any(found is None for found in groups):
        return None, None, None
    nulls = sum(found.null_count for found in groups) if all(found.has_null_count for found in groups) else None
    full = [found for found in groups if found.num_values]
    if not full or not all(found.has_min_max for found in full):
        return nulls, None, None
    ends = [end for found in full for end in (found.min, found.max)]
    if isinstance(ends[0], bytes):
        return nulls, None, None
    return nulls, _end(min(ends), kind), _end(max(ends), kind)


def _end(value: Any, kind: str) -> str:
    # For a least value of zero Parquet has every writer say -0.0, whatever stands in the column.
    return str(_shown(value + 0.0 if isinstance(value, float) else value, kind))[:60]


def _shown(value: Any, kind: str) -> Any:
    """A value as tables show it elsewhere."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return _number(value, is_single=kind == "float")
    if isinstance(value, bytes):
        return short(base64.b64encode(value).decode(), 300)
    if isinstance(value, dict | list | tuple):
        return short(json.dumps(value, ensure_ascii=False, default=lambda inner: str(_shown(inner, ""))), 300)
    return short(str(value), 300)


def _number(value: float, *, is_single: bool) -> str:
    """With the fewest digits that say which number it is, among those of its own size: 0.1, not 0.10000000149011612."""
    if not math.isfinite(value):
        return repr(value).replace("inf", "Infinity").replace("nan", "NaN")
    if not is_single:
        return repr(value)
    return next(repr(near) for digits in range(6, 18) if _single(near := float(f"{value:.{digits}g}")) == _single(value))


def _single(value: float) -> bytes:
    return struct.pack("f", value)


def _take_samples(proposal: Proposal) -> None:
    for column in proposal.columns:
        values = [short(str(row[column.index + 1]), 60) for row in proposal.first_rows if row[column.index + 1] is not None]
        column.samples = list(dict.fromkeys(values))[:3]
