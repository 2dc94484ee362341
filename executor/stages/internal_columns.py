"""The columns that an extract adds to tell where a row came from: `_filename` and `_index`."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

INTERNAL = ("_filename", "_index", "_monotonically_increasing_id")
DESCRIPTIONS = {
    "_filename": "An Arc internal field describing where this row was originally sourced from.",
    "_index": "An Arc internal field describing where in _filename this row was originally sourced from.",
    "_monotonically_increasing_id": "An Arc internal field holding a number that no other row has.",
}
_BLOCK, _NUMBER = "_sluice_block", "_sluice_number"


def is_internal(frame: DataFrame, name: str) -> bool:
    """Whether the column was added by Sluice or Arc rather than read from the data."""
    return bool(frame.schema[name].metadata.get("internal"))


def with_file_columns(frame: DataFrame, path: str, uri: str, *, contiguous: bool) -> DataFrame:
    """`frame` (just read from files at `path`, written `uri` in the document) with its internal columns at the end.

    `_index` counts from 1 within each file without a gap, however Spark splits the file. Parquet brings the number along; of other
    formats one whole file in one part is numbered as it is read, anything else needs a first pass that counts rows.
    """
    if any(name in frame.columns for name in INTERNAL):
        return frame
    data = [F.col(f"`{name}`") for name in frame.columns]
    if not contiguous:
        return frame.select(
            *data, _named(F.monotonically_increasing_id(), "_monotonically_increasing_id"), _named(_file(path, uri), "_filename")
        )
    return _numbered(frame, data, path, uri)


def _numbered(frame: DataFrame, data: list[Column], path: str, uri: str) -> DataFrame:
    name = _named(_file(path, uri), "_filename")
    if "row_index" in _metadata_fields(frame):
        return frame.select(*data, name, _named(F.col("_metadata.row_index") + 1, "_index"))
    if len(frame.inputFiles()) == 1 and frame.rdd.getNumPartitions() == 1:
        return frame.select(*data, name, _named(F.monotonically_increasing_id() + 1, "_index"))
    marked = frame.select(
        *data,
        name,
        F.struct("_metadata.file_path", "_metadata.file_block_start", F.spark_partition_id().alias("part")).alias(_BLOCK),
        F.monotonically_increasing_id().alias(_NUMBER),
    )
    shift = F.col("shift")
    joined = marked.join(F.broadcast(_shifts(marked)), _BLOCK)
    columns = [F.col(f"`{column}`") for column in [*frame.columns, "_filename"]]
    return joined.select(*columns, _named(F.col(_NUMBER) - shift, "_index"))


def _shifts(marked: DataFrame) -> DataFrame:
    """For each part of a file: what to take from the running number so that the first row of the file becomes 1."""
    counted = marked.groupBy(_BLOCK).agg(F.count(F.lit(1)).alias("rows"), F.min(_NUMBER).alias("first")).collect()
    counted.sort(key=lambda row: (row[_BLOCK].file_path, row[_BLOCK].file_block_start))
    shifts, file, before = [], None, 0
    for row in counted:
        before = 0 if row[_BLOCK].file_path != file else before
        shifts.append((row[_BLOCK], row.first - before - 1))
        file, before = row[_BLOCK].file_path, before + row["rows"]
    schema = f"{_BLOCK} struct<file_path:string,file_block_start:bigint,part:int>, shift bigint"
    return marked.sparkSession.createDataFrame(shifts, schema)


def _metadata_fields(frame: DataFrame) -> list[str]:
    return list(frame.select("_metadata").schema["_metadata"].dataType.fieldNames())  # type: ignore[attr-defined]


def _file(path: str, uri: str) -> Column:
    """The file's address as the document writes it, so that no folder of the machine shows."""
    address = F.url_decode(F.replace(F.col("_metadata.file_path"), F.lit("+"), F.lit("%2B")))
    plain = F.regexp_replace(address, "^file:/+", "/")
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
