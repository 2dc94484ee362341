"""The look at a Parquet file: what its footer says, and its first rows."""

from __future__ import annotations

from typing import Any

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
        proposal.columns = [_column(index, field, source.metadata) for index, field in enumerate(source.schema_arrow)]
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
        proposal.first_rows = [[number, *map(_shown, row)] for number, row in enumerate(rows, 1)]
        _take_samples(proposal)
    return proposal


def _column(index: int, field: Any, metadata: Any) -> ProposedColumn:
    kind = str(field.type)
    nulls, lowest, highest = _statistics(index, field, metadata)
    return ProposedColumn(
        index=index,
        name=field.name,
        raw_name=field.name,
        type=_type(kind, field.type),
        words=_words(kind),
        fixed=True,
        rows=metadata.num_rows,
        fits=metadata.num_rows,
        nulls=nulls or 0,
        lowest=lowest,
        highest=highest,
        range_words=f"{lowest} – {highest}" if lowest is not None else "",
    )


def _words(kind: str) -> str:
    """What a type's name tells beside what the page shows of it; nothing where only its writer speaks."""
    if kind.startswith("duration"):
        unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}.get(kind[9:-1], "parts of a second")
        return f"{kind}: read as a whole number of {unit}"
    return "" if kind in ("string", "large_string", "bool", "double") or kind.startswith("dictionary<") else kind


def _type(kind: str, arrow: Any) -> dict[str, Any]:
    if kind.startswith("decimal"):
        return {"type": "decimal", "precision": arrow.precision, "scale": arrow.scale}
    if kind == "uint64":
        return {"type": "decimal", "precision": 20, "scale": 0}
    return {"type": next((ours for theirs, ours in _KINDS if kind.startswith(theirs)), "string")}


def _statistics(index: int, field: Any, metadata: Any) -> tuple[int | None, str | None, str | None]:
    """(nulls, least, greatest) over all row groups, where every one of them says so; nested columns do not."""
    if metadata.num_columns != len(metadata.schema.to_arrow_schema()):
        return None, None, None
    nulls, ends = 0, []
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group).column(index).statistics
        if found is None:
            return None, None, None
        nulls += found.null_count or 0
        if found.has_min_max and not isinstance(found.min, bytes):
            ends += [found.min, found.max]
    if not ends:
        return nulls, None, None
    return nulls, str(min(ends))[:60], str(max(ends))[:60]


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value if value is None or isinstance(value, bool | int) else repr(value)
    return short(str(value), 300)


def _take_samples(proposal: Proposal) -> None:
    for column in proposal.columns:
        values = [short(str(row[column.index + 1]), 60) for row in proposal.first_rows if row[column.index + 1] is not None]
        column.samples = list(dict.fromkeys(values))[:3]
