"""How a Delta table is read: the version is chosen from the log, and Spark is told its number. Needs pyspark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession

from executor.files.delta_columns import columns_of
from executor.files.delta_history import history
from executor.files.delta_log import Log, is_table, no_table
from executor.files.delta_travel import version_of
from executor.files.delta_values import require_values
from executor.problems import ProblemError
from executor.stages.not_numbers import all_asked_here, has_nan_or_decimals
from executor.stages.noted_columns import warn_of_other_inputs
from executor.stages.reading import NOTHING_THERE, described, empty_frame, stage_schema

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.extract.delta_lake_extract import DeltaLakeExtract


def frame_of(stage: DeltaLakeExtract, spark: SparkSession, context: StageContext) -> DataFrame:
    """The rows of the stage's table at its version. Where nothing is there and the stage has a schema, none of that schema (Arc's rule).
    Raises ProblemError."""
    columns, uri = stage_schema(stage, context), stage.input_uri or ""
    try:
        path, version = _chosen(stage, context)
    except ProblemError as error:
        if columns is None or error.problems[0].code not in NOTHING_THERE:
            raise
        context.log(f"{uri} holds nothing: the view is empty, with the columns of the schema.", "warning")
        return empty_frame(spark, columns)
    log = Log.of(path, uri)
    state = log.state(version, is_ours=context.is_staged(str(path)))
    require_values(state, uri)
    found = columns_of(state)
    if not context.is_preview:
        context.detail(read={"uri": uri, **found.as_dict()})
        warn_of_other_inputs(stage, context, found)
    context.detail(version=version, commit=next((one for one in history(log, only=range(version, version + 1))), {}))
    if found.rows is not None and not (stage.persist or context.is_sampled):
        context.rows("out", found.rows, stage.output_view)
    frame = table_frame(spark, path, version)
    frame = all_asked_here(frame, set(frame.columns) - set(state.partition_columns), has_nan_or_decimals)
    if context.row_limit is not None:
        frame = frame.limit(context.row_limit)
    return described(frame, columns) if columns else frame


def _chosen(stage: DeltaLakeExtract, context: StageContext) -> tuple[Path, int]:
    """Where the table lies, and the version. What this run itself has written of it is the latest one, and no version yet: those before it
    are read where they lie."""
    uri, travel = stage.input_uri or "", stage.travel()
    path = Path(context.input_path(uri))
    if not is_table(path):
        raise ProblemError(no_table(uri))
    back = int(travel.get("relativeVersion", "0"))
    if context.is_staged(str(path)):
        if not back and not travel.keys() - {"relativeVersion"}:
            return path, Log.of(path, uri).latest
        path = context.published_path(uri)
        travel = {"relativeVersion": str(back + 1)} if back else travel
    if travel:
        context.bring_versions(uri)
    version = version_of(Log.of(path, uri), travel, nearest=stage.takes_nearest)
    context.bring_version(uri, version)
    return path, version


def table_frame(spark: SparkSession, path: Path, version: int | None = None) -> DataFrame:
    """The table's rows, whatever earlier readers of this process have kept of its log."""
    forget(spark, path)
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(str(path))


def forget(spark: SparkSession, path: Path) -> None:
    """What Delta remembers of a table: a folder may have been exchanged for another one since."""
    jvm: Any = spark._jvm
    log: Any = jvm.org.apache.spark.sql.delta.DeltaLog
    log.invalidateCache(spark._jsparkSession, jvm.org.apache.hadoop.fs.Path(str(path)))
