"""The columns that an extract adds to tell where a row came from: `_filename` and `_index`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

INTERNAL = ("_filename", "_index", "_monotonically_increasing_id")
DESCRIPTIONS = {
    "_filename": "An Arc internal field describing where this row was originally sourced from.",
    "_index": "An Arc internal field describing where in _filename this row was originally sourced from.",
    "_monotonically_increasing_id": "An Arc internal field holding a number that no other row has.",
}
_BLOCK, _NUMBER = "_sluice_block", "_sluice_number"
_ROW_BITS = 2**33 - 1
"""Of a monotonically increasing id, the bits that count the rows of a part."""


def is_internal(frame: DataFrame, name: str) -> bool:
    """Whether the column was added by Sluice or Arc rather than read from the data."""
    return bool(frame.schema[name].metadata.get("internal"))


Counted = Callable[[int], None]


def with_file_columns(
    frame: DataFrame, path: str, uri: str, *, contiguous: bool, limit: int | None = None, counted: Counted = lambda rows: None
) -> DataFrame:
    """`frame` (just read from files at `path`, written `uri` in the document) with its internal columns at the end; the first
    `limit` rows of it, if given. `counted` is told the number of rows where numbering them has found it out.

    `_index` counts from 1 within each file without a gap, however Spark splits the file. Parquet brings the number along; of other
    formats one whole file in one part is numbered as it is read, anything else needs a first pass that counts rows.
    """
    if any(name in frame.columns for name in INTERNAL):
        return _first(frame, limit)
    files = frame.inputFiles()
    address = F.col("_metadata.file_path") if len(files) != 1 else F.lit(files[0])
    name = _named(_as_in_document(address, path, uri), "_filename")
    if not contiguous:
        return _first(frame.select("*", _running_number(), name), limit)
    if "row_index" in _metadata_fields(frame):
        return _first(frame.select("*", name, _named(F.col("_metadata.row_index") + 1, "_index")), limit)
    if limit is not None:
        return _first_numbered(frame, name, limit)
    return _numbered(frame, name, counted) if len(files) == 1 else _numbered_by_file(frame, name, counted)


def empty_file_columns(frame: DataFrame, *, contiguous: bool) -> DataFrame:
    """`frame`, which has no rows, with the columns that `with_file_columns` would add."""
    name, number = F.lit(""), F.lit(0).cast("bigint")
    added = [_named(name, "_filename"), _named(number, "_index")] if contiguous else [_running_number(), _named(name, "_filename")]
    return frame.select("*", *added)


def with_view_columns(frame: DataFrame, *, contiguous: bool) -> DataFrame:
    """`frame` (made of the text in a view) with internal columns; the file's name is empty, as in Arc."""
    if any(name in frame.columns for name in INTERNAL):
        return frame
    name = _named(F.lit(""), "_filename")
    return _numbered(frame, name) if contiguous else frame.select("*", _running_number(), name)


def _running_number() -> Column:
    return _named(F.monotonically_increasing_id(), "_monotonically_increasing_id")


def _first(frame: DataFrame, limit: int | None) -> DataFrame:
    return frame if limit is None else frame.limit(limit)


def _first_numbered(frame: DataFrame, name: Column, limit: int) -> DataFrame:
    """The first rows only, so that numbering them costs no pass over the whole input."""
    few = frame.select("*", name, F.monotonically_increasing_id().alias(_NUMBER)).limit(limit)
    in_file = Window.partitionBy("_filename").orderBy(_NUMBER)
    columns = [F.col(f"`{column}`") for column in [*frame.columns, "_filename"]]
    return few.select(*columns, _named(F.row_number().over(in_file).cast("bigint"), "_index"))


def _numbered(frame: DataFrame, name: Column, counted: Counted = lambda rows: None) -> DataFrame:
    """Rows of one source, numbered through its parts, which Spark keeps in the order of the source."""
    running, part = F.monotonically_increasing_id(), F.spark_partition_id()
    parts = frame.rdd.getNumPartitions()
    if parts <= 1:
        return frame.select("*", name, _named(running + 1, "_index"))
    counts = {row["part"]: row["rows"] for row in frame.groupBy(part.alias("part")).agg(F.count(F.lit(1)).alias("rows")).collect()}
    counted(sum(counts.values()))
    before = accumulate((counts.get(number, 0) for number in range(parts)), initial=0)
    starts = F.lit(list(before))
    return frame.select("*", name, _named(F.get(starts, part) + running.bitwiseAND(_ROW_BITS) + 1, "_index"))


def _numbered_by_file(frame: DataFrame, name: Column, counted: Counted) -> DataFrame:
    """Rows of several files, each numbered from 1; a part may hold pieces of several files."""
    block = F.struct(
        F.col("_metadata.file_path").alias("file"), F.col("_metadata.file_block_start").alias("start"), F.spark_partition_id().alias("part")
    )
    marked = frame.select("*", name, block.alias(_BLOCK), F.monotonically_increasing_id().alias(_NUMBER))
    joined = marked.join(F.broadcast(_shifts(marked, counted)), _BLOCK)
    columns = [F.col(f"`{column}`") for column in [*frame.columns, "_filename"]]
    return joined.select(*columns, _named(F.col(_NUMBER) - F.col("shift"), "_index"))


def _shifts(marked: DataFrame, counted: Counted) -> DataFrame:
    """For each piece of a file: what to take from the running number so that the first row of the file becomes 1."""
    pieces = marked.groupBy(_BLOCK).agg(F.count(F.lit(1)).alias("rows"), F.min(_NUMBER).alias("first")).collect()
    pieces.sort(key=lambda row: (row[_BLOCK].file, row[_BLOCK].start, row[_BLOCK].part))
    counted(sum(row["rows"] for row in pieces))
    shifts, file, before = [], None, 0
    for row in pieces:
        before = 0 if row[_BLOCK].file != file else before
        shifts.append((row[_BLOCK], row["first"] - before - 1))
        file, before = row[_BLOCK].file, before + row["rows"]
    schema = f"{_BLOCK} struct<file:string,start:bigint,part:int>, shift bigint"
    return marked.sparkSession.createDataFrame(shifts, schema)


def _metadata_fields(frame: DataFrame) -> list[str]:
    return list(frame.select("_metadata").schema["_metadata"].dataType.fieldNames())  # type: ignore[attr-defined]


def _as_in_document(address: Column, path: str, uri: str) -> Column:
    """The file's address as the document writes it, so that no folder of the machine shows."""
    plain = F.regexp_replace(F.url_decode(F.replace(address, F.lit("+"), F.lit("%2B"))), "^file:/+", "/")
    common_uri, common_path = _fixed(uri), _fixed(path)
    return F.when(plain.startswith(common_path), F.concat(F.lit(common_uri), F.substring(plain, len(common_path) + 1, 2**30))).otherwise(
        plain
    )


def _fixed(address: str) -> str:
    """The part before the first sign of a pattern."""
    cut = min((address.find(sign) for sign in "*?[{" if sign in address), default=len(address))
    return address[:cut]


def _named(column: Column, name: str) -> Column:
    return column.alias(name, metadata={"internal": True, "description": DESCRIPTIONS[name]})
