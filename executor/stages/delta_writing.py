"""How a view's rows are written to a staged Delta table. Needs pyspark."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StructField, StructType

from executor.files import delta_rules
from executor.files.delta_columns import columns_of
from executor.files.delta_log import Log, State, is_table
from executor.language.quoting import name_in_sql, text_in_sql
from executor.plain import counted
from executor.problems import MOST_TOLD, Problem, ProblemError
from executor.stages.appending import holds, without_marks
from executor.stages.delta_problems import REPLACE_MISMATCH, told
from executor.stages.delta_reading import forget, table_frame
from executor.stages.frames import arranged, require_columns, require_names_apart
from executor.stages.kinds import tell_unused
from executor.stages.not_numbers import asked_here
from executor.stages.noted_columns import warn_of_other_columns
from executor.stages.wider_types import converted
from executor.stages.writing import with_names_for_folders, without_columns_of

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.load.delta_lake_load import DeltaLakeLoad


def rows_to_write(stage: Any, context: StageContext) -> DataFrame:
    """The stage's view, as far as a table can hold it. Raises ProblemError."""
    tell_unused(stage, context)
    frame = context.view(stage.input_view)
    require_names_apart(frame, stage.input_view)
    return without_columns_of(frame, (NullType,), stage, context)


def table_to_write(
    stage: Any, spark: SparkSession, context: StageContext, frame: DataFrame, save_mode: str = "Append", *, appends: bool = False
) -> Path:
    """The staged table for rows such as those of `frame`. Raises ProblemError."""
    is_listed = stage.lists_files() is not False
    path = Path(context.output_table(stage.output_uri, save_mode, appends=appends, label=stage.label, is_listed=is_listed))
    _require_names(stage, frame, path)
    _tell_of_lists(stage, context)
    keep_log_short(spark, context.published_path(stage.output_uri), stage.output_uri)
    return path


_NO_NAME = re.compile(r"[ ,;{}()\n\t=]")
"""Signs that no name of a column has, unless the table maps names (column mapping)."""


def _require_names(stage: Any, frame: DataFrame, path: Path) -> None:
    state = staged_state(path, stage.output_uri)
    if state is not None and state.properties.get("delta.columnMapping.mode", "none") != "none":
        return
    if wrong := [name for name in _names_in(frame.schema) if _NO_NAME.search(name)]:
        raise ProblemError(
            Problem(
                code="table-column-names",
                field="inputView",
                message=f"“{stage.name}”: a Delta table does not take the names of {len(wrong):,} of the view's columns.",
                found=", ".join(f"“{name}”" for name in wrong)[:300],
                expected="names without blanks, line breaks, tabs and , ; { } ( ) =",
                fix="Give them other names in an SQLTransform before, for instance SELECT `unit price` AS unit_price.",
            )
        )


def _names_in(kind: DataType) -> Iterator[str]:
    """Of all fields, also inside others."""
    if isinstance(kind, StructType):
        for field in kind.fields:
            yield field.name
            yield from _names_in(field.dataType)
    elif isinstance(kind, ArrayType):
        yield from _names_in(kind.elementType)
    elif isinstance(kind, MapType):
        yield from _names_in(kind.keyType)
        yield from _names_in(kind.valueType)


def write_rows(stage: DeltaLakeLoad, spark: SparkSession, context: StageContext) -> None:
    """Writes the view as the stage says, to a table that nobody sees before it is published. Raises ProblemError."""
    frame = rows_to_write(stage, context)
    require_columns(frame, stage.partition_by, "partitionBy")
    appends = stage.save_mode == "Append"
    mode = "Append" if stage.replaces else stage.save_mode  # then the rows that are written are not all of the table's
    path = table_to_write(stage, spark, context, frame, mode, appends=appends)
    state = staged_state(path, stage.output_uri)
    if state is not None and stage.save_mode == "Ignore":
        return
    frame = _as_the_table_is(stage, context, frame, state) if state else without_marks(frame, set(), stage.output_uri, context)
    partition_by = stage.partition_by or (state.partition_columns if state and stage.columns_may != "overwrite" else [])
    frame = with_names_for_folders(stage, context, frame, partition_by)
    warn_of_other_columns(stage, context, frame)
    is_replaced = state is not None and stage.columns_may == "overwrite" and not appends and not stage.replaces
    if is_replaced:
        rules = _rules(stage, spark, context, frame, path, state)
        delta_rules.replace(path, stage.output_uri, rules, _schema_of(frame), partition_by)
        forget(spark, path)
    elif stage.constraints:
        delta_rules.add(path, stage.output_uri, _rules(stage, spark, context, frame, path, state), _schema_of(frame), partition_by)
        forget(spark, path)
    if stage.replaces and state is None:
        frame = _only_such(stage, context, frame)
    writer = arranged(frame, stage.num_partitions, stage.partition_by).write.format("delta").mode("append" if appends else "overwrite")
    options = _options(stage, context, spark, frame, state)
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    with told(stage, stage.output_uri, stage.constraints):
        writer.options(**options).save(str(path))
    tell_written(stage, context, path, "numOutputRows")


def _schema_of(frame: DataFrame) -> str:
    """As a table has it: whatever a query promises of its own rows, others may have no value."""
    java: Any = frame
    return str(java._jdf.schema().asNullable().json())


def _options(stage: DeltaLakeLoad, context: StageContext, spark: SparkSession, frame: DataFrame, state: State | None) -> dict[str, str]:
    options = {"mergeSchema": str(stage.columns_may == "add-columns").lower()}
    if stage.columns_may == "overwrite" and stage.save_mode != "Append" and not stage.replaces:
        options["overwriteSchema"] = "true"
    if stage.replaces and state is not None:
        context.require_expression(stage.replaces, {"rows": _empty(spark, state)}, field="replaceWhere")
        options["replaceWhere"] = asked_here(stage.replaces, StructType.fromJson(state.schema), state.partition_columns)
    return options


def _only_such(stage: DeltaLakeLoad, context: StageContext, frame: DataFrame) -> DataFrame:
    """The rows; one for which “Replace only where” is not true stops the run, as Delta has it where there is a table already."""
    context.require_expression(str(stage.replaces), {"rows": frame}, field="replaceWhere")
    refused = f"raise_error({text_in_sql(REPLACE_MISMATCH)})"
    return frame.where(F.expr(f"IF(coalesce(({stage.replaces}\n), false), true, CAST({refused} AS BOOLEAN))"))


def _empty(spark: SparkSession, state: State) -> DataFrame:
    return spark.createDataFrame([], StructType.fromJson(state.schema))


def staged_state(path: Path, uri: str) -> State | None:
    """The table as the run has made it so far; None where there is none yet."""
    return Log.of(path, uri).state(is_ours=True) if is_table(path) else None


def tell_written(stage: Any, context: StageContext, path: Path, metric: str | None = None) -> Mapping[str, Any]:
    """Notes what was written: columns, rows, and what Delta counted, which it gives."""
    log = Log.of(path, stage.output_uri)
    info = log.info(log.latest)
    found = info.get("operationMetrics")
    metrics: Mapping[str, Any] = found if isinstance(found, dict) else {}
    context.detail(wrote={"uri": stage.output_uri, **columns_of(log.state(is_ours=True)).as_dict()}, operation=info.get("operation"))
    if metric and str(metrics.get(metric, "")).isdigit():
        context.rows("out", int(metrics[metric]))
    return metrics


COMMITS_BETWEEN = 10
"""As Delta has it: then all of a table is put into one file, so that nobody needs to read every commit."""


def keep_log_short(spark: SparkSession, place: Path, uri: str) -> None:
    """Writes a checkpoint of the table as it lies there, where the last one is long ago: our own commits are made without Spark."""
    if not is_table(place):
        return
    log = Log.of(place, uri)
    if log.latest - max(log.checkpoints, default=0) < COMMITS_BETWEEN:
        return
    jvm: Any = spark._jvm
    forget(spark, place)
    path = jvm.org.apache.hadoop.fs.Path(str(place))
    delta = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)
    # Not Delta's checkpoint(), which removes old commits as well: they are what is kept of the table.
    written = delta.writeCheckpointFiles(delta.unsafeVolatileSnapshot(), jvm.scala.Option.empty())
    delta.writeLastCheckpointFile(delta, written, False)


def _tell_of_lists(stage: Any, context: StageContext) -> None:
    """Says that no list of the table's files is written in a folder, and warns of one there that nobody makes anew."""
    if context.is_elsewhere(stage.output_uri):
        return
    if stage.lists_files():
        context.log(
            f"“{stage.output_uri}” lies in a folder of this machine, which has no address that other programs know: no list of its "
            "files is written (generateSymlinkManifest). On S3 one is."
        )
    if (context.published_path(stage.output_uri) / "_symlink_format_manifest").is_dir():
        context.warn(
            Problem(
                code="table-list-behind",
                field="outputURI",
                message=f"Beside “{stage.output_uri}” lies a list of its files, made by others: it does not hold what is written now.",
                found="_symlink_format_manifest",
                fix="Have the list made anew by whoever made it, or remove it: Presto and Athena would read the table as it was before.",
            )
        )


# --- columns ----------------------------------------------------------------------------------------------------------------


def _as_the_table_is(stage: DeltaLakeLoad, context: StageContext, frame: DataFrame, state: State) -> DataFrame:
    """`frame` with the table's columns, in their order, of their types. Raises ProblemError where it has others than the stage allows."""
    if stage.columns_may == "overwrite":
        return frame
    _require_same_folders(stage, state)
    there = StructType.fromJson(state.schema)
    return fitted(stage, context, frame, there, may_add=stage.columns_may == "add-columns")


def fitted(
    stage: Any,
    context: StageContext,
    frame: DataFrame,
    there: StructType,
    *,
    may_add: bool,
    apart: Collection[str] = (),
    beside: Sequence[str] = (),
) -> DataFrame:
    """See above. `apart`: columns of the view, in small letters, that the table is not to have; `beside`: those of them that stay, behind
    the table's."""
    known = {field.name.lower(): field for field in there.fields}
    frame = without_marks(frame, {*known, *beside}, stage.output_uri, context)
    if problems := drift_of(stage, frame, there, needed=list(known), may_add=may_add, apart=apart):
        raise ProblemError(problems)
    here = {field.name.lower(): field for field in frame.schema.fields if field.name.lower() not in apart}
    new = [field.name for key, field in here.items() if key not in known]
    same = [
        F.expr(converted(name_in_sql(here[key].name), here[key].dataType, field.dataType)).alias(field.name) for key, field in known.items()
    ]
    return frame.select(*same, *[F.col(name_in_sql(name)) for name in (*new, *beside)])


def _require_same_folders(stage: DeltaLakeLoad, state: State) -> None:
    asked = [name.lower() for name in stage.partition_by]
    if asked and asked != [name.lower() for name in state.partition_columns]:
        raise ProblemError(
            Problem(
                code="table-folders",
                field="partitionBy",
                message=f"“{stage.output_uri}” has other folders than this stage asks for.",
                found=", ".join(state.partition_columns) or "no folders",
                expected=", ".join(stage.partition_by),
                fix="Leave “Folders by” empty, or choose overwrite in “If the columns are others”, which makes the table anew.",
            )
        )


def drift_of(
    stage: Any, frame: DataFrame, there: StructType, *, needed: Collection[str], may_add: bool, apart: Collection[str] = ()
) -> list[Problem]:
    """What is wrong where the view, without the columns that stages added, has other columns than the table: all of it at once. `needed`:
    the table's columns that the view must have; `apart`: columns of the view that the table is not to have; both in small letters."""
    known = {field.name.lower(): field for field in there.fields}
    here = {field.name.lower(): field for field in frame.schema.fields}
    data = {key: field for key, field in here.items() if key not in apart and not (field.metadata.get("internal") and key not in known)}
    gone = [field.name for key, field in known.items() if key in needed and key not in data]
    new = [] if may_add else [field.name for key, field in data.items() if key not in known]
    retyped = [(known[key], field) for key, field in data.items() if key in known and not holds(known[key].dataType, field.dataType)]
    return [_drift(stage, gone, new, retyped)] if gone or new or retyped else []


def _drift(stage: Any, gone: Sequence[str], new: Sequence[str], retyped: Sequence[tuple[StructField, StructField]]) -> Problem:
    told = [f"“{name}” is gone" for name in gone] + [f"“{name}” is new" for name in new]
    told += [f"“{one.name}” is {one.dataType.simpleString()} there, and {other.dataType.simpleString()} here" for one, other in retyped]
    add = " New ones may be added: choose add-columns." if new and not gone and not retyped else ""
    return Problem(
        code="schema-drift",
        field="inputView",
        message=f"“{stage.name}”: the view “{stage.input_view}” has other columns than the table “{stage.output_uri}”.",
        found="; ".join(told[:MOST_TOLD]) + (f"; and {len(told) - MOST_TOLD:,} more" if len(told) > MOST_TOLD else ""),
        expected="the table's columns and types",
        fix=f"Give the view the table's columns in an SQLTransform before (CAST, AS, NULL AS …).{add}",
    )


# --- rules ------------------------------------------------------------------------------------------------------------------


def _rules(
    stage: DeltaLakeLoad, spark: SparkSession, context: StageContext, frame: DataFrame, path: Path, state: State | None
) -> dict[str, str]:
    """The stage's rules, once it is known that they can be asked and that the rows that stay keep them. Raises ProblemError."""
    for name, condition in stage.constraints.items():
        context.require_expression(condition, {"rows": frame}, field="constraints")
        if not name.isidentifier():
            raise ProblemError(_rule_name(name))
    if state is not None and (stage.save_mode == "Append" or stage.replaces):
        rows = table_frame(spark, path)
        fresh = {name: rule for name, rule in stage.constraints.items() if delta_rules.in_table(state).get(name.lower()) != rule}
        broken = [
            F.sum((~F.coalesce(F.expr(rule).cast("boolean"), F.lit(False))).cast("bigint")).alias(name) for name, rule in fresh.items()
        ]
        counts = rows.agg(*broken).first() if broken else None
        for name, rule in fresh.items():
            if counts is not None and counts[name]:
                raise ProblemError(_broken_before(stage, name, rule, counts[name]))
    return dict(stage.constraints)


def _rule_name(name: str) -> Problem:
    return Problem(
        code="rule-name",
        field="constraints",
        message=f"“{name}” cannot be the name of a rule.",
        found=name,
        expected="letters, digits and _",
        fix="Rename it.",
    )


def _broken_before(stage: DeltaLakeLoad, name: str, rule: str, rows: int) -> Problem:
    return Problem(
        code="table-rule-broken",
        field="constraints",
        message=f"The rule “{name}” is not true of {counted(rows, 'row that is', 'rows that are')} in “{stage.output_uri}” already.",
        found=counted(rows, "row", "rows"),
        expected=rule,
        fix="Correct those rows first, or take the rule out.",
    )


@contextmanager
def settings_for(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Settings of the session, inside the block alone."""
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, known in before.items():
            spark.conf.set(name, known) if known is not None else spark.conf.unset(name)
