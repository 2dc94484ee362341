"""How the file extracts read: find the files, look at them, read them, number the rows. Needs pyspark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from typing import Any
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructType

from executor.files.copies import copies
from executor.files.folder import DataFile, Place, fixed_part
from executor.files.inputs import local_path, require_data
from executor.files.marks import declared_columns
from executor.files.overlaps import overlaps
from executor.language.schema import AnyColumn, parse_schema, parse_schema_text
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.file_kinds import FileExtract, FileOrViewExtract, WithSchema
from executor.stages.frames import require_columns
from executor.stages.internal_columns import empty_file_columns, with_file_columns
from executor.stages.noted_columns import note_read
from executor.stages.noted_files import warn_of_lost_files
from executor.stages.parquet_shape import may_hold_rows
from executor.stages.portions import Portion

Reader = Callable[[SparkSession, list[str], dict[str, str]], DataFrame]
Sample = Callable[[Place], None]
Portions = Callable[[Place, dict[str, str]], list[Portion]]
NOTHING_THERE = ("input-missing", "input-empty")
ALL_FILES = {"recursiveFileLookup": "true"}
"""Spark's option for what `executor.files.folder` says of folders: all files, at any depth; their names make no columns in Spark."""


def read_files(stage: FileExtract, spark: SparkSession, context: StageContext, read: Reader, *, sample: Sample) -> DataFrame:
    """The rows of the stage's files, with internal columns. `sample` looks at the files first and raises what is wrong with them.

    Where nothing is there and the stage has a schema, the answer is an empty frame of that schema (Arc's rule).
    """

    def portions(place: Place, options: dict[str, str]) -> list[Portion]:
        sample(place)
        return [Portion(read(spark, place.to_read, options), place.files)]

    return read_portions(stage, spark, context, portions)


def read_portions(stage: FileExtract, spark: SparkSession, context: StageContext, portions: Portions) -> DataFrame:
    """As `read_files`, for files that Spark reads in several ways."""
    columns = stage_schema(stage, context)
    uri = stage.input_uri or ""
    try:
        base = context.input_path(stage.base_path) if stage.base_path else None
        place = require_data(context.input_path(uri), uri, base)
        found = portions(place, ALL_FILES)
    except ProblemError as error:
        if error.problems[0].code not in NOTHING_THERE:
            raise
        if columns is None:
            empty = _empty_output(stage, spark, context, uri)
            if empty is None:
                raise
            return empty
        context.log(f"{uri} holds nothing: the view is empty, with the columns of the schema.", "warning")
        warn_of_lost_files(stage, context, uri, "", ())
        return empty_file_columns(empty_frame(spark, columns), contiguous=stage.contiguous_index)
    for portion in found:
        require_own_columns(portion, place)
    tell_beside(place, context)
    if place.left_out:
        context.log(f"{uri}: Left out what systems and programs put beside files: {', '.join(place.left_out[:3])}.")
    with suppress(OSError):  # a file that went meanwhile is told by whoever reads its rows
        same = copies(place.files)
        tell_copies(same, spark, context)
        tell_overlaps(same, place, stage.lines_around(), context)
    note_read(stage, context, place)
    warn_of_lost_files(stage, context, uri, place.path, place.files)

    known = [one.rows for one in found if one.rows is not None]

    def counted(rows: int) -> None:
        if not (stage.persist or known):
            context.rows("out", rows, stage.output_view)

    if known and not (stage.persist or context.is_sampled):
        context.rows("out", sum(known), stage.output_view)
    limit = context.row_limit
    frames = [with_file_columns(one, place, contiguous=stage.contiguous_index, limit=limit, counted=counted) for one in found]
    frame = reduce(DataFrame.union, frames)
    if limit is not None and len(frames) > 1:
        frame = frame.limit(limit)
    return described(frame, columns) if columns else frame


def require_own_columns(portion: Portion, place: Place) -> None:
    """Problem when there are no columns, or when a folder's name gives one that the files have already."""
    frame = portion.frame.select(*portion.columns) if portion.columns is not None else portion.frame
    names = frame.columns
    if not names:
        raise ProblemError(
            Problem(code="input-empty", field="inputURI", message=f"“{place.uri}”: There are no columns in it.", found=place.uri)
        )
    own = {name.casefold() for name in names}
    twice = next((name for name in place.folder_columns if name.casefold() in own), None)
    if twice:
        file = next(file for file in place.files if twice in dict(file.folders))
        folder = next(part for part in file.path.parts if unquote(part).startswith(f"{twice}="))
        raise ProblemError(
            Problem(
                code="folder-column-twice",
                field="inputURI",
                message=f"“{place.uri}”: The column “{twice}” stands in the files, and the name of their folder gives one, too.",
                file=file.name,
                data_column=twice,
                found=folder,
                expected="a column from one of both",
                fix=f"Rename the folders or the column; or leave the folder's value out by reading “{fixed_part(place.uri)}/{twice}=*”.",
            )
        )


def _empty_output(stage: FileExtract, spark: SparkSession, context: StageContext, uri: str) -> DataFrame | None:
    """No rows, with the columns that the load has noted which wrote none; None where nothing is noted."""
    path = local_path(context.input_path(uri))
    noted = declared_columns(path) if path and path.is_dir() else ""
    if not noted:
        return None
    try:
        schema = StructType.fromDDL(noted)
    except PySparkException:  # whoever writes in the lake can write anything there
        return None
    if not isinstance(schema, StructType):
        return None
    context.log(f"{uri} has no rows: the view is empty, with the columns that its load has noted.", "warning")
    return empty_file_columns(spark.createDataFrame([], schema), contiguous=stage.contiguous_index)


def tell_beside(place: Place, context: StageContext) -> None:
    """Warns of files that lack a folder whose name gives the others a column."""
    beside = place.beside
    if beside:
        names = ", ".join(f"“{name}”" for name in place.folder_columns)
        context.warn(
            Problem(
                code="files-beside-folders",
                field="inputURI",
                message=f"{len(beside):,} of {len(place.files):,} files lie beside the folders that give the column {names}: "
                "it is null in their rows.",
                file=beside[0].name,
                found=", ".join(file.name for file in beside[:5]),
                fix="Put them into such folders, or read them in a stage of their own.",
            )
        )


def tell_copies(same: Sequence[tuple[DataFile, DataFile]], spark: SparkSession, context: StageContext) -> None:
    """Warns of files that hold the same as another one: their rows are there twice."""
    found = [(one, other) for one, other in same if may_hold_rows(spark, one)]
    if found:
        one, other = found[0]
        many = "Its rows are" if len(found) == 1 else f"So it is with {len(found):,} files, whose rows are"
        context.warn(
            Problem(
                code="files-twice",
                field="inputURI",
                message=f"“{one.name}” holds the same as “{other.name}”. {many} read, and counted, once more.",
                file=one.name,
                found=", ".join(file.name for file, _ in found[:5]),
                fix="Take out of the folder what came twice.",
            )
        )


def tell_overlaps(same: Sequence[tuple[DataFile, DataFile]], place: Place, around: tuple[int, int] | None, context: StageContext) -> None:
    """Warns of files that hold rows of another one, and are not the `same`. `around`: lines before and behind the rows of each file; None
    where rows are no lines."""
    found = overlaps(place.files, first=around[0], last=around[1]) if around and len(place.files) > 1 else []
    twice = {one.path for one, _ in same}
    found = [(one, other) for one, other in found if not {one.path, other.path} & twice]
    if found:
        one, other = found[0]
        more = f" So it is with {len(found):,} pairs of files." if len(found) > 1 else ""
        context.warn(
            Problem(
                code="files-overlap",
                field="inputURI",
                message=f"“{one.name}” and “{other.name}” hold the same rows, one behind the other, where one of them begins or ends: "
                f"they are read, and counted, twice.{more}",
                file=one.name,
                found=", ".join(file.name for file, _ in found[:5]),
                fix="Keep the newer file, or let each begin where the last one ends. Or keep one of each row in a query: "
                "SELECT DISTINCT over the columns of the files.",
            )
        )


def texts_of_view(stage: FileOrViewExtract, context: StageContext) -> DataFrame:
    """The texts in the stage's input view, as the only column."""
    source = context.view(stage.input_view or "")
    return source.select(text_column(source, stage.input_field).alias("value"))


def text_column(source: DataFrame, name: str | None) -> Column:
    """The column of text in `source`: the one named, or the only one. Raises ProblemError."""
    if name:
        require_columns(source, [name], "inputField")
        return F.col(f"`{name}`").cast("string")
    texts = [field.name for field in source.schema.fields if isinstance(field.dataType, StringType) and not field.metadata.get("internal")]
    if len(texts) != 1:
        raise ProblemError(
            Problem(
                code="input-field",
                field="inputField",
                message="It is not clear which column holds the text.",
                found=f"{len(texts)} columns of text: {', '.join(texts)}" if texts else "no column of text",
                expected="the name of one column",
                fix=(did_you_mean("value", texts) if texts else None) or "Name the input column.",
            )
        )
    return F.col(f"`{texts[0]}`")


def stage_schema(stage: WithSchema, context: StageContext) -> list[AnyColumn] | None:
    """The columns of the stage's schema file or view; None when it has neither."""
    if stage.schema_uri:
        return parse_schema_text(context.text_of(stage.schema_uri), "schemaURI")
    if stage.schema_view:
        return schema_of_view(context.view(stage.schema_view))
    return None


def schema_of_view(view: DataFrame) -> list[AnyColumn]:
    """The columns that the rows of `view` describe: one row for each, nulls left out."""
    rows = [without_nulls(row.asDict(recursive=True)) for row in view.limit(10_001).collect()]
    return parse_schema([{key: value for key, value in row.items() if not key.startswith("_")} for row in rows], "schemaView")


def without_nulls(value: Any) -> Any:
    """`value` less every key without a value, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def spark_schema(columns: list[AnyColumn]) -> StructType:
    """The columns as Spark's schema; all may be null, as files promise nothing."""
    schema = StructType()
    for column in columns:
        schema.add(column.name, DataType.fromDDL(column.type_text()))
    return schema


def empty_frame(spark: SparkSession, columns: list[AnyColumn]) -> DataFrame:
    """No rows, with the columns of a schema."""
    return described(spark.createDataFrame([], spark_schema(columns)), columns)


def described(frame: DataFrame, columns: list[AnyColumn]) -> DataFrame:
    """`frame` with the schema's facts attached to columns of the same name."""
    for column in columns:
        if column.name in frame.columns:
            frame = frame.withMetadata(column.name, {**frame.schema[column.name].metadata, **column.spark_metadata()})
    return frame
