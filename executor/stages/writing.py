"""How the file loads write. Needs pyspark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pyspark.sql import DataFrame, DataFrameWriter
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, MapType, NullType, StringType, StructType, VariantType

from executor.files import marks
from executor.files.folder import NO_VALUE
from executor.files.inputs import data_files
from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.stages.appending import as_what_is_there, warn_of_same_rows
from executor.stages.base import Count, StageContext
from executor.stages.file_kinds import FileLoad, PlaceLoad
from executor.stages.frames import arranged, require_columns, require_names_apart
from executor.stages.kinds import tell_unused
from executor.stages.noted_columns import note_written, warn_of_other_columns

Write = Callable[[DataFrame, DataFrameWriter, str], None]
"""Writes the frame by its writer to a path."""
Prepare = Callable[[DataFrame], DataFrame]


def write_files(
    stage: FileLoad,
    context: StageContext,
    write: Write,
    *,
    unsupported: tuple[type, ...] = (NullType,),
    prepared: Prepare = lambda frame: frame,
) -> None:
    """Writes the stage's view to a staging folder, arranged and partitioned as the stage says, its values `prepared` for the format.

    Columns of an `unsupported` type are left out, which the run says.
    """
    tell_unused(stage, context)
    frame = context.view(stage.input_view)
    require_names_apart(frame, stage.input_view)
    frame = without_columns_of(frame, unsupported, stage, context)
    require_columns(frame, stage.partition_by, "partitionBy")
    if stage.partition_by and len(stage.partition_by) >= len(frame.columns):
        raise ProblemError(
            Problem(
                code="partition-by-all",
                field="partitionBy",
                message="Every column is used for folders: nothing is left to write into the files.",
                found=", ".join(stage.partition_by),
                fix="Leave at least one column out.",
            )
        )
    if stage.save_mode == "Append":
        frame = as_what_is_there(stage, context, frame)
    frame = with_names_for_folders(stage, context, frame, stage.partition_by)
    _tell_text_of_folders(stage, context, frame)
    target = context.output_path(stage.output_uri, stage.save_mode)
    warn_of_other_columns(stage, context, frame)
    frame = arranged(prepared(frame), stage.num_partitions, stage.partition_by)
    write(frame, frame.write.partitionBy(*stage.partition_by) if stage.partition_by else frame.write, target)
    if stage.save_mode == "Append":
        warn_of_same_rows(stage, context, frame.sparkSession, target)
    _note_columns(stage, frame, target)
    note_written(stage, context, target)


def _tell_text_of_folders(stage: FileLoad, context: StageContext, frame: DataFrame) -> None:
    """Whatever was not text is text when it is read again: 10 comes before 9."""
    wanted = {name.casefold() for name in stage.partition_by}
    fields = [field for field in frame.schema.fields if field.name.casefold() in wanted and not isinstance(field.dataType, StringType)]
    if fields:
        names = ", ".join(f"“{one.name}” ({one.dataType.simpleString()})" for one in fields)
        context.log(
            f"{stage.output_uri}: names of folders are text, and {names} is read as text from there: "
            "CAST it where it is read, or write a Delta table, which keeps the type."
        )


def _note_columns(stage: FileLoad, frame: DataFrame, target: str) -> None:
    """With folders by a column Spark writes no file where there are no rows: the columns are kept, for whoever reads that there are none,
    as they would be read: those of folders last and as text, all as text where the files hold text. JSON names none without rows."""
    columns = stage.columns_without_rows()
    if not stage.partition_by or columns is None or data_files(target):
        return
    folders = {name.casefold() for name in stage.partition_by}
    fields = sorted(frame.schema.fields, key=lambda field: field.name.casefold() in folders)  # the others keep their order
    schema = StructType()
    for field in fields:
        is_text = columns == "text" or field.name.casefold() in folders
        schema.add(field.name, StringType() if is_text else field.dataType)
    marks.declare_columns(Path(target), str(frame.sparkSession.createDataFrame([], schema)._jdf.schema().toDDL()))


NO_NAMES = (BinaryType, ArrayType, MapType, StructType, VariantType)
"""Types whose values do not name folders: of different bytes that are no text the folder would be the same."""
RESERVED = ("", NO_VALUE)
"""Texts that name no folder of their own: the folder of rows without a value is called so."""


def with_names_for_folders(stage: FileLoad, context: StageContext, frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """`frame` whose rows all find their folder. What cannot name one lies in the folder of those without a value, which the run says.
    Raises ProblemError for columns of a type without names."""
    wanted = {name.casefold() for name in names}
    fields = [field for field in frame.schema.fields if field.name.casefold() in wanted]
    odd = [field for field in fields if isinstance(field.dataType, NO_NAMES)]
    if odd:
        raise ProblemError([_no_names(stage, field.name, field.dataType.simpleString()) for field in odd])
    texts = {field.name: name_in_sql(field.name) for field in fields if isinstance(field.dataType, StringType)}
    reserved = ", ".join(f"'{text}'" for text in RESERVED)
    counts = [Count(name, "empty-folder", f"coalesce({column} IN ({reserved}), false)", is_named=False) for name, column in texts.items()]
    if not counts:
        return frame
    frame = context.watched(frame, stage.input_view, counts, affected=" OR ".join(count.condition for count in counts))
    named = {name: F.expr(f"CASE WHEN {column} NOT IN ({reserved}) THEN {column} END") for name, column in texts.items()}
    return frame.withColumns(named)


def _no_names(stage: FileLoad, column: str, kind: str) -> Problem:
    return Problem(
        code="folder-type",
        field="partitionBy",
        message=f"“{stage.name}”: values of the column “{column}” cannot name folders.",
        found=kind,
        data_column=column,
        expected="text, numbers, dates or times",
        fix="Turn it into text in an SQLTransform before, for instance with hex or to_json, or choose another column.",
    )


def without_columns_of(frame: DataFrame, kinds: tuple[type, ...], stage: PlaceLoad, context: StageContext) -> DataFrame:
    """`frame` without the columns that the format cannot hold."""
    dropped = [field for field in frame.schema.fields if isinstance(field.dataType, kinds)]
    if not dropped:
        return frame
    names = ", ".join(f"“{field.name}” ({field.dataType.simpleString()})" for field in dropped)
    context.warn(
        Problem(
            code="columns-left-out",
            field="inputView",
            message=f"{stage.type} cannot write these columns and leaves them out: {names}.",
            fix="Give them a type in an SQLTransform before, for instance CAST(NULL AS STRING)."
            if all(isinstance(field.dataType, NullType) for field in dropped)
            else "Turn them into text in an SQLTransform before, for instance with to_json.",
        )
    )
    left = [name_in_sql(field.name) for field in frame.schema.fields if field not in dropped]
    if not left:
        raise ProblemError(
            Problem(
                code="nothing-to-write",
                field="inputView",
                message=f"{stage.type} can write none of the view's columns.",
                found=names,
                fix="Give them a type that it can write in an SQLTransform before, for instance with CAST or to_json.",
            )
        )
    return frame.select(*left)


NESTED = (ArrayType, MapType)
"""Types that a text file of values cannot hold, besides structs."""
