"""How the file loads write. Needs pyspark."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame, DataFrameWriter
from pyspark.sql.types import ArrayType, MapType, NullType, StringType

from executor.problems import Problem, ProblemError
from executor.stages.appending import as_what_is_there
from executor.stages.base import Count, StageContext
from executor.stages.file_kinds import FileLoad
from executor.stages.frames import arranged, require_columns
from executor.stages.kinds import tell_unused
from executor.stages.noted_columns import note_written

Write = Callable[[DataFrameWriter, str], None]
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
    frame = without_columns_of(context.view(stage.input_view), unsupported, stage, context)
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
    frame = _with_empty_names_counted(stage, context, frame)
    target = context.output_path(stage.output_uri, stage.save_mode)
    writer = arranged(prepared(frame), stage.num_partitions, stage.partition_by).write
    write(writer.partitionBy(*stage.partition_by) if stage.partition_by else writer, target)
    note_written(stage, context, target)


def _with_empty_names_counted(stage: FileLoad, context: StageContext, frame: DataFrame) -> DataFrame:
    """A folder cannot be named by an empty text: such rows lie in the folder of those without a value, which the run says."""
    texts = [field.name for field in frame.schema.fields if field.name in stage.partition_by and isinstance(field.dataType, StringType)]
    counts = [Count(name, "empty-folder", f"coalesce(`{name.replace('`', '``')}` = '', false)", is_named=False) for name in texts]
    affected = " OR ".join(count.condition for count in counts)
    return context.watched(frame, stage.input_view, counts, affected=affected) if counts else frame


def without_columns_of(frame: DataFrame, kinds: tuple[type, ...], stage: FileLoad, context: StageContext) -> DataFrame:
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
            fix="Turn them into text in an SQLTransform before, for instance with to_json.",
        )
    )
    left = [f"`{field.name}`" for field in frame.schema.fields if field not in dropped]
    if not left:
        raise ProblemError(
            Problem(code="nothing-to-write", field="inputView", message=f"{stage.type} can write none of the view's columns.", found=names)
        )
    return frame.select(*left)


NESTED = (ArrayType, MapType)
"""Types that a text file of values cannot hold, besides structs."""
