"""The columns that an extract adds to tell where a row came from: `_filename` and `_index`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from executor.files.folder import NO_VALUE, DataFile, Place, fixed_part
from executor.files.lines_in_parts import rows_in_parts
from executor.language.quoting import name_in_sql
from executor.stages.portions import Portion

ERRORS = "_errors"
ERROR_TYPE = "array<struct<field:string,message:string>>"
INTERNAL = ("_filename", "_index", "_monotonically_increasing_id")
DESCRIPTIONS = {
    "_filename": "An Arc internal field describing where this row was originally sourced from.",
    "_index": "An Arc internal field describing where in _filename this row was originally sourced from.",
    ERRORS: "What is wrong with this row.",
    "_monotonically_increasing_id": "An Arc internal field holding a number that no other row has.",
}
_BLOCK, _NUMBER = "_sluice_block", "_sluice_number"
_ROW_BITS = 2**33 - 1
"""Of a monotonically increasing id, the bits that count the rows of a part."""


def errors_column(errors: Column) -> Column:
    """`errors` as the column `_errors`."""
    return _named(errors, ERRORS)


def is_internal(frame: DataFrame, name: str) -> bool:
    """Whether the column was added by Sluice or Arc rather than read from the data."""
    return bool(frame.schema[name].metadata.get("internal"))


Counted = Callable[[int], None]


def with_file_columns(
    portion: Portion, place: Place, *, contiguous: bool, limit: int | None = None, counted: Counted = lambda rows: None
) -> DataFrame:
    """The rows of `portion` (a part of what lies at `place`): its columns, those of folders, internal ones; the first `limit` rows, if
    given. `counted` is told the number of rows where numbering them has found it out.

    `_index` counts from 1 within each file without a gap, however Spark splits the file. Parquet brings the number along; of other
    formats one whole file in one part is numbered as it is read; of one whose rows are its lines these are counted, which takes a tenth of
    the time of reading it; anything else needs a first pass that counts rows.
    """
    frame = _with_folders(portion, place)
    added = [column for column in frame.columns if column == ERRORS and is_internal(frame, column)]
    data = [column for column in frame.columns if column not in added]
    if any(name in data for name in INTERNAL):
        return _first(frame, limit)
    if portion.cuts:
        most = max(before for before, _ in portion.cuts.values())
        numbered = _with_numbers(frame, portion, place, True, None if limit is None else limit + most, lambda rows: None)
        frame = _first(_cut(numbered, portion.cuts), limit)
        frame = frame if contiguous else frame.drop("_index").select("*", _running_number())
    else:
        frame = _with_numbers(frame, portion, place, contiguous, limit, counted)
    return frame.select(*[name_in_sql(name) for name in frame.columns if name not in added], *added)


def _with_numbers(frame: DataFrame, portion: Portion, place: Place, contiguous: bool, limit: int | None, counted: Counted) -> DataFrame:
    one = portion.files[0] if len(portion.files) == 1 else None
    address = F.lit(one.name) if one else _as_in_document(F.col("_metadata.file_path"), place.path, place.uri)
    name = _named(address, "_filename")
    if not contiguous:
        return _first(frame.select("*", _running_number(), name), limit)
    if "row_index" in _metadata_fields(frame):
        return _first(frame.select("*", name, _named(F.col("_metadata.row_index") + 1, "_index")), limit)
    if limit is not None:
        return _first_numbered(frame, name, limit)
    return _numbered(frame, name, counted, one, portion) if one else _numbered_by_file(frame, name, counted)


def _with_folders(portion: Portion, place: Place) -> DataFrame:
    """The portion's own columns, and those that its folders give."""
    frame = portion.frame
    own = list(portion.columns) if portion.columns is not None else [F.col(name_in_sql(name)) for name in frame.columns]
    return frame.select(*own, *[_folder_value(name, place).alias(name) for name in place.folder_columns], *portion.added)


def _folder_value(name: str, place: Place) -> Column:
    """The text that the folder `name=…` in the file's address gives; null where there is none."""
    parts = {part.partition("=")[0] for file in place.files for part in file.path.parts if "=" in part}
    written = {part for part in parts if unquote(part).casefold() == name.casefold()}
    pattern = f"^.*/(?:{'|'.join(map(re.escape, sorted(written)))})=([^/]*)/.*$"
    value = F.regexp_extract(_plain(F.col("_metadata.file_path")), pattern, 1)
    return F.when(~value.isin("", NO_VALUE), F.coalesce(_decoded(value), value))


def _cut(frame: DataFrame, cuts: Mapping[DataFile, tuple[int, int]]) -> DataFrame:
    """`frame` without the rows before and behind the data of each file, numbered without them."""
    number = F.col("_index")
    if len(cuts) == 1:
        first, rows = next(iter(cuts.values()))
        kept = frame.where(number.between(first + 1, first + rows))
        return kept.withColumn("_index", _named(number - first, "_index"))
    facts = [(file.name, before, rows) for file, (before, rows) in cuts.items()]
    known = frame.sparkSession.createDataFrame(facts, "_sluice_file string, _sluice_before bigint, _sluice_rows bigint")
    joined = frame.join(F.broadcast(known), F.col("_filename") == F.col("_sluice_file"))
    before = F.col("_sluice_before")
    kept = joined.where((number > before) & (number <= before + F.col("_sluice_rows")))
    return kept.select(*[F.col(name_in_sql(name)) for name in frame.columns[:-1]], _named(number - before, "_index"))


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
    columns = [F.col(name_in_sql(column)) for column in [*frame.columns, "_filename"]]
    return few.select(*columns, _named(F.row_number().over(in_file).cast("bigint"), "_index"))


def _numbered(
    frame: DataFrame, name: Column, counted: Counted = lambda rows: None, file: DataFile | None = None, portion: Portion | None = None
) -> DataFrame:
    """Rows of one source, numbered through its parts, which Spark keeps in the order of the source."""
    running, part = F.monotonically_increasing_id(), F.spark_partition_id()
    parts = _parts(frame, file)
    if parts <= 1:
        return frame.select("*", name, _named(running + 1, "_index"))
    counts = _lines_of_parts(frame, file, portion) if file and portion and portion.is_by_lines else None
    if counts is None:
        rows = frame.groupBy(part.alias("part")).agg(F.count(F.lit(1)).alias("rows")).collect()
        found = {row["part"]: row["rows"] for row in rows}
        counts = [found.get(number, 0) for number in range(parts)]
    counted(sum(counts))
    starts = F.lit(list(accumulate(counts, initial=0)))
    return frame.select("*", name, _named(F.get(starts, part) + running.bitwiseAND(_ROW_BITS) + 1, "_index"))


def _lines_of_parts(frame: DataFrame, file: DataFile, portion: Portion) -> list[int] | None:
    """How many rows each part has, by the lines of the file; None where Spark cuts it into other parts than ranges of its bytes."""
    parts = list(frame._jdf.queryExecution().toRdd().partitions())
    if not all(part.getClass().getSimpleName() == "FilePartition" and len(part.files()) == 1 for part in parts):
        return None
    starts = [int(part.files()[0].start()) for part in parts]
    if starts[0] != 0 or sorted(starts) != starts:
        return None
    first, *others = rows_in_parts(file.path, starts)
    return [max(first - portion.names, 0), *others]


def _parts(frame: DataFrame, file: DataFile | None) -> int:
    """In how many parts Spark reads the source. It takes a whole plan to say, but for a file that takes less to read than to open,
    which Spark never splits."""
    if file is not None:
        limits = frame.sparkSession._jsparkSession.sessionState().conf()
        if file.path.stat().st_size <= min(limits.filesOpenCostInBytes(), limits.filesMaxPartitionBytes()):
            return 1
    return int(frame._jdf.queryExecution().toRdd().getNumPartitions())


def _numbered_by_file(frame: DataFrame, name: Column, counted: Counted) -> DataFrame:
    """Rows of several files, each numbered from 1; a part may hold pieces of several files."""
    block = F.struct(
        F.col("_metadata.file_path").alias("file"), F.col("_metadata.file_block_start").alias("start"), F.spark_partition_id().alias("part")
    )
    marked = frame.select("*", name, block.alias(_BLOCK), F.monotonically_increasing_id().alias(_NUMBER))
    joined = marked.join(F.broadcast(_shifts(marked, counted)), _BLOCK)
    columns = [F.col(name_in_sql(column)) for column in [*frame.columns, "_filename"]]
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
    plain, common_uri, common_path = _plain(address), fixed_part(uri), fixed_part(path)
    return F.when(plain.startswith(common_path), F.concat(F.lit(common_uri), F.substring(plain, len(common_path) + 1, 2**30))).otherwise(
        plain
    )


def _plain(address: Column) -> Column:
    """The path that an address of Spark's means."""
    return F.regexp_replace(_decoded(address), "^file:/+", "/")


def _decoded(text: Column) -> Column:
    """`text` with `%2F` and the like as the signs that they stand for; null where that cannot be."""
    return F.try_url_decode(F.replace(text, F.lit("+"), F.lit("%2B")))


def _named(column: Column, name: str) -> Column:
    return column.alias(name, metadata={"internal": True, "description": DESCRIPTIONS[name]})
