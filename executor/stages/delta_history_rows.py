"""How a table keeps the history of things (SCD2): what has changed is closed, and begins anew. Needs pyspark.

Every row of the view is compared with the open row of its key first; only what is to be done goes into the merge. So the same view a second
time changes nothing, and whatever is chance in its query is decided once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DateType, NumericType, StructField, StructType, TimestampNTZType, TimestampType

from executor.language.quoting import name_in_sql
from executor.plain import counted
from executor.problems import Problem, ProblemError
from executor.stages.delta_merging import (
    equal_keys,
    java_map,
    kept_in_memory,
    make_table,
    require_keys,
    run_merge,
    table_columns,
    tell_merged,
)
from executor.stages.delta_reading import table_frame
from executor.stages.delta_writing import fitted, rows_to_write, table_to_write
from executor.stages.frames import unknown_columns

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.load.scd2_load import Scd2Load

DO, AT, ENDED = "sluice_do", "sluice_at", "sluice_ended"
CLOSE, BEGIN, UPDATE = "close", "begin", "update"
TIMES = (DateType, TimestampType, TimestampNTZType)


def keep_history(stage: Scd2Load, spark: SparkSession, context: StageContext) -> None:
    """Brings the view into the staged table. Raises ProblemError."""
    frame = _view(stage, context)
    path = table_to_write(stage, spark, context, frame)
    there = table_columns(path, stage.output_uri) or _made(stage, spark, frame, path)
    is_deleted = _is_deleted(stage, context, frame)
    begins = _begins(stage, frame, there)
    source = _as_the_table_is(stage, context, frame.alias("source").withColumns({DO: is_deleted, AT: begins}), there)
    with kept_in_memory(source) as rows:
        context.rows("in", rows.count())
        require_keys(stage, rows)
        _require_times(stage, rows)
        table = table_frame(spark, path)
        open_rows = table.where(_is_open(stage, there))
        _require_one_open_row(stage, open_rows)
        with kept_in_memory(_compared(stage, rows, table, there)) as compared:
            _tell_late(stage, context, compared)
            with kept_in_memory(_to_do(stage, compared, open_rows, rows, there)) as work:
                if not work.isEmpty():
                    run_merge(stage, spark, path, work, _condition(stage, there), lambda builder: _clauses(stage, spark, builder, there))
    tell_merged(stage, spark, context, path)


# --- the view, and the table ----------------------------------------------------------------------------------------------


def _view(stage: Scd2Load, context: StageContext) -> DataFrame:
    frame = rows_to_write(stage, context)
    effective = [stage.effective_column] if stage.effective_column else []
    named = ((stage.keys, "keys"), (stage.tracked_columns, "trackedColumns"), (effective, "effectiveColumn"))
    if unknown := [problem for names, field in named for problem in unknown_columns(frame, names, field)]:
        raise ProblemError(unknown)
    own = {name.lower() for name in stage.own_columns} - {(stage.effective_column or "").lower()}
    taken = [name for name in frame.columns if name.lower() in own]
    return frame.drop(*taken)


def _data(stage: Scd2Load, names: list[str]) -> list[str]:
    """Those of the view's columns that the table has as well."""
    return [name for name in names if name.lower() not in _apart(stage)]


def _apart(stage: Scd2Load) -> set[str]:
    return {name.lower() for name in (*stage.only_for_conditions, *stage.own_columns, DO, AT)}


def _made(stage: Scd2Load, spark: SparkSession, frame: DataFrame, path: Path) -> StructType:
    fields = [frame.schema[name] for name in _data(stage, frame.columns) if not frame.schema[name].metadata.get("internal")]
    kind = frame.schema[stage.effective_column].dataType if stage.effective_column in frame.columns else TimestampType()
    kind = kind if isinstance(kind, TIMES) else TimestampType()
    schema = StructType(
        [*fields, StructField(stage.valid_from, kind), StructField(stage.valid_to, kind), StructField(stage.current_flag, BooleanType())]
    )
    make_table(spark, schema, path)
    return schema


def _field(there: StructType, name: str, stage: Scd2Load, kinds: tuple[type, ...]) -> StructField:
    """The table's column of this name. Raises ProblemError where there is none, or of another kind."""
    found = next((field for field in there.fields if field.name.lower() == name.lower()), None)
    if found is None or not isinstance(found.dataType, kinds):
        raise ProblemError(
            Problem(
                code="scd2-table",
                field="outputURI",
                message=f"“{stage.name}”: the table “{stage.output_uri}” is not one that keeps a history with these names.",
                found=f"“{name}” is {found.dataType.simpleString()}" if found else f"no column “{name}”",
                expected="columns for valid from and valid to (dates or times), and one that is true or 1 in open rows",
                fix="Correct the names of these columns in the stage, or write to another folder.",
            )
        )
    return found


def _begins(stage: Scd2Load, frame: DataFrame, there: StructType) -> Column:
    """From when a row of the view holds, as the table has it: the view's own column, or one time for the whole run."""
    kind = _field(there, stage.valid_from, stage, TIMES).dataType
    _field(there, stage.valid_to, stage, TIMES)
    _field(there, stage.current_flag, stage, (BooleanType, NumericType))
    if not stage.effective_column:
        return F.lit(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")).cast("timestamp").cast(kind)
    given = next(field for field in frame.schema.fields if field.name.lower() == stage.effective_column.lower())
    if not isinstance(given.dataType, TIMES):
        raise ProblemError(
            Problem(
                code="scd2-time",
                field="effectiveColumn",
                message=f"“{stage.name}”: the column “{given.name}” is neither a date nor a time.",
                found=given.dataType.simpleString(),
                expected="date or timestamp",
                fix="Turn it into one in a stage before, for instance with a TypingTransform.",
            )
        )
    if isinstance(kind, DateType) and not isinstance(given.dataType, DateType):
        raise ProblemError(
            Problem(
                code="scd2-time",
                field="effectiveColumn",
                message=f"“{stage.name}”: “{given.name}” holds times, and the table's “{stage.valid_from}” days: "
                "the time of day would be lost.",
                data_column=given.name,
                found=given.dataType.simpleString(),
                expected="date",
                fix=f"Make days of it in a stage before, such as CAST({name_in_sql(given.name)} AS DATE).",
            )
        )
    return F.col(name_in_sql(given.name)).cast(kind)


def _is_deleted(stage: Scd2Load, context: StageContext, frame: DataFrame) -> Column:
    if not stage.deleted_where:
        return F.lit(False)
    context.require_expression(stage.deleted_where, {"source": frame}, field="deletedWhere")
    return F.coalesce(F.expr(stage.deleted_where), F.lit(False))


def _as_the_table_is(stage: Scd2Load, context: StageContext, frame: DataFrame, there: StructType) -> DataFrame:
    """The view's rows with the types of the table's columns, and what is done with them."""
    data = StructType([field for field in there.fields if field.name.lower() not in {name.lower() for name in stage.own_columns}])
    return fitted(stage, context, frame, data, may_add=False, apart=_apart(stage), beside=(DO, AT))


def _is_open(stage: Scd2Load, there: StructType, table: str = "") -> str:
    flag = _field(there, stage.current_flag, stage, (BooleanType, NumericType))
    name = f"{table}{name_in_sql(flag.name)}"
    return name if isinstance(flag.dataType, BooleanType) else f"{name} = 1"


# --- what may not be ------------------------------------------------------------------------------------------------------


def _require_times(stage: Scd2Load, rows: DataFrame) -> None:
    count = rows.where(F.col(AT).isNull()).count() if stage.effective_column else 0
    if count:
        raise ProblemError(
            Problem(
                code="scd2-time",
                field="effectiveColumn",
                message=f"“{stage.name}”: {counted(count, 'row does not say from when it holds', 'rows do not say from when they hold')}.",
                found=f"{counted(count, 'row', 'rows')} without a value",
                data_column=stage.effective_column,
                fix="Fill the column in a stage before, or leave such rows out.",
            )
        )


def _require_one_open_row(stage: Scd2Load, open_rows: DataFrame) -> None:
    twice = open_rows.groupBy(*[F.col(name_in_sql(name)) for name in stage.keys]).count().where("count > 1")
    count = twice.count()
    if count:
        raise ProblemError(
            Problem(
                code="scd2-open-twice",
                field="outputURI",
                message=f"“{stage.name}”: in “{stage.output_uri}”, {counted(count, 'key has', 'keys have')} more than one open row.",
                found=counted(count, "key", "keys"),
                expected="one open row for each key",
                fix="Put back the version before they came, or close the others; and look whether “Key columns” are the right ones.",
            )
        )


def _tell_late(stage: Scd2Load, context: StageContext, compared: DataFrame) -> None:
    count = compared.where("is_late").count()
    if not count:
        return
    problem = Problem(
        code="scd2-late",
        field="effectiveColumn" if stage.effective_column else "late",
        message=f"“{stage.name}”: {counted(count, 'row holds', 'rows hold')} from a time "
        "that is not after the beginning of the open row of their key, "
        "or from before the end of its last row.",
        found=counted(count, "row", "rows"),
        expected="changes in the order in which they came to be",
        fix="Look at their times. To leave such rows out, choose skip in “Rows that come too late” (late).",
    )
    if stage.late == "stop":
        raise ProblemError(problem)
    context.warn(problem)


# --- what is to be done ---------------------------------------------------------------------------------------------------


def _tracked(stage: Scd2Load, there: StructType) -> tuple[list[str], list[str]]:
    """(watched columns, all others but keys and the stage's own), as the table calls them."""
    apart = {name.lower() for name in (*stage.keys, *stage.own_columns)}
    if not stage.tracked_columns and stage.effective_column:
        apart.add(stage.effective_column.lower())  # the same row sent once more is no change
    data = [field.name for field in there.fields if field.name.lower() not in apart]
    watched = {name.lower() for name in stage.tracked_columns}
    return (data, []) if not watched else ([n for n in data if n.lower() in watched], [n for n in data if n.lower() not in watched])


def _other_in(names: list[str]) -> Column:
    """Whether one of the columns is another in the view than in the open row."""
    found = F.lit(False)
    for name in names:
        found = found | ~F.col(f"source.{name_in_sql(name)}").eqNullSafe(F.col(f"target.{name_in_sql(name)}"))
    return found


def _ended(stage: Scd2Load, rows: DataFrame, table: DataFrame, there: StructType) -> DataFrame:
    """Each row of the view, and ENDED: when the last closed row of its key ended. A row that begins before would stand beside that one."""
    until = F.col(name_in_sql(_field(there, stage.valid_to, stage, TIMES).name))
    keys = [F.col(name_in_sql(name)) for name in stage.keys]
    closed = table.where(f"NOT ({_is_open(stage, there)})").groupBy(*keys).agg(F.max(until).alias(ENDED))
    joined = rows.alias("source").join(closed.alias("target"), F.expr(equal_keys(stage.keys)), "left")
    return joined.select("source.*", f"target.{ENDED}")


def _compared(stage: Scd2Load, rows: DataFrame, table: DataFrame, there: StructType) -> DataFrame:
    """Each row of the view, with is_new, is_other, is_late and is_updated: whether there is no open row of its key, one that differs in
    what is watched, one that begins later or a closed one that ends later, one that differs in something else."""
    watched, others = _tracked(stage, there)
    rows = _ended(stage, rows, table, there) if stage.effective_column else rows.withColumn(ENDED, F.lit(None))
    joined = rows.alias("source").join(table.where(_is_open(stage, there)).alias("target"), F.expr(equal_keys(stage.keys)), "left")
    begun = F.col(f"target.{name_in_sql(_field(there, stage.valid_from, stage, TIMES).name)}")
    has_none = F.col(f"target.{name_in_sql(stage.keys[0])}").isNull()
    differs = ~has_none & (_other_in(watched) | F.col(f"source.{DO}"))
    at, begins_anew = F.col(f"source.{AT}"), has_none & ~F.col(f"source.{DO}")
    is_late = F.coalesce((differs & (at <= begun)) | (begins_anew & (at < F.col(f"source.{ENDED}"))), F.lit(False))
    return joined.select(
        "source.*",
        (has_none & ~is_late).alias("is_new"),
        (differs & ~is_late).alias("is_other"),
        is_late.alias("is_late"),
        (~has_none & ~differs & _other_in(others)).alias("is_updated"),
    )


def _to_do(stage: Scd2Load, compared: DataFrame, open_rows: DataFrame, rows: DataFrame, there: StructType) -> DataFrame:
    """The rows of the merge, and what is done with each."""
    own = {name.lower() for name in stage.own_columns}
    data = [F.col(name_in_sql(field.name)) for field in there.fields if field.name.lower() not in own]
    found = compared.where("is_other").select(*data, F.lit(CLOSE).alias(DO), AT)
    found = found.union(compared.where(f"(is_new OR is_other) AND NOT {DO}").select(*data, F.lit(BEGIN).alias(DO), AT))
    if stage.other_columns == "update":
        found = found.union(compared.where("is_updated").select(*data, F.lit(UPDATE).alias(DO), AT))
    if stage.missing == "close":
        gone = open_rows.alias("target").join(rows.alias("source"), F.expr(equal_keys(stage.keys)), "left_anti")
        kind = _field(there, stage.valid_to, stage, TIMES).dataType
        now = F.lit(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")).cast("timestamp").cast(kind)
        begun = F.col(name_in_sql(_field(there, stage.valid_from, stage, TIMES).name)).cast(kind)
        found = found.union(gone.select(*data, F.lit(CLOSE).alias(DO), F.greatest(now, begun).alias(AT)))  # never before it began
    return found


def _condition(stage: Scd2Load, there: StructType) -> str:
    return f"{equal_keys(stage.keys)} AND {_is_open(stage, there, 'target.')} AND source.{DO} <> '{BEGIN}'"


def _clauses(stage: Scd2Load, spark: SparkSession, builder: Any, there: StructType) -> Any:
    flag = _field(there, stage.current_flag, stage, (BooleanType, NumericType))
    yes, no = ("true", "false") if isinstance(flag.dataType, BooleanType) else ("1", "0")
    since, until = (_field(there, name, stage, TIMES).name for name in (stage.valid_from, stage.valid_to))
    closed = {until: f"source.{AT}", flag.name: no}
    builder = builder.whenMatched(f"source.{DO} = '{CLOSE}'").updateExpr(java_map(spark, closed))
    others = _tracked(stage, there)[1]
    if stage.other_columns == "update" and others:
        values = {name: f"source.{name_in_sql(name)}" for name in others}
        builder = builder.whenMatched(f"source.{DO} = '{UPDATE}'").updateExpr(java_map(spark, values))
    own = {since.lower(), until.lower(), flag.name.lower()}
    values = {field.name: f"source.{name_in_sql(field.name)}" for field in there.fields if field.name.lower() not in own}
    begun = values | {since: f"source.{AT}", until: "NULL", flag.name: yes}
    return builder.whenNotMatched(f"source.{DO} = '{BEGIN}'").insertExpr(java_map(spark, begun))
