"""How a view's rows come into a Delta table by their keys. Needs pyspark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    FractionalType,
    IntegralType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

from executor.files.delta_commit import drop_last
from executor.files.delta_log import Log
from executor.language.quoting import name_in_sql
from executor.plain import counted
from executor.problems import Problem, ProblemError
from executor.stages.appending import without_marks
from executor.stages.delta_problems import told
from executor.stages.delta_reading import forget
from executor.stages.delta_writing import drift_of, rows_to_write, staged_state, table_to_write, tell_written
from executor.stages.frames import require_columns, unknown_columns
from executor.stages.not_numbers import asked_here
from executor.stages.wider_types import converted

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.load.merge_load import MergeLoad

NO_MARKS = {
    "spark.databricks.delta.merge.deletionVectors.persistent": "false",
    "spark.databricks.delta.merge.repartitionBeforeWrite.enabled": "true",
}
"""Rows are written anew where they change, and are not marked as deleted: every reader of Parquet can then be told the files."""
COUNTED = {
    "inserted": "numTargetRowsInserted",
    "updated": "numTargetRowsUpdated",
    "deleted": "numTargetRowsDeleted",
}


def merge(stage: MergeLoad, spark: SparkSession, context: StageContext) -> None:
    """Merges the view into the staged table. Raises ProblemError."""
    frame = rows_to_write(stage, context)
    unknown = unknown_columns(frame, stage.keys, "keys")
    path = table_to_write(stage, spark, context, frame)
    there = table_columns(path, stage.output_uri)
    if problems := [*unknown, *(_other_columns(stage, frame, there) if there else [])]:
        raise ProblemError(problems)
    there = there or _made(stage, spark, frame, path)
    there = _with_new_columns(stage, spark, context, frame, path, there)
    fitted = _as_the_table_is(stage, context, frame, there)
    _require_expressions(stage, spark, context, fitted, there)
    with kept_in_memory(fitted) as source:
        context.rows("in", source.count())
        require_keys(stage, source, may_be_null=stage.null_keys == "match")
        _require_met_again(stage, source)
        run_merge(stage, spark, path, source, _condition(stage, path, there), lambda builder: _clauses(stage, builder, source, there))
    tell_merged(stage, spark, context, path)


@contextmanager
def kept_in_memory(frame: DataFrame) -> Iterator[DataFrame]:
    """`frame`, whose rows are worked out once: a query that gives others each time would be checked as one and merged as another."""
    kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield kept
    finally:
        kept.unpersist()


def table_columns(path: Path, uri: str) -> StructType | None:
    """The columns of the staged table; None where there is none yet."""
    state = staged_state(path, uri)
    return StructType.fromJson(state.schema) if state else None


def _made(stage: MergeLoad, spark: SparkSession, frame: DataFrame, path: Path) -> StructType:
    """A table without rows, with the columns of the view: the first merge adds all."""
    apart = {name.lower() for name in stage.only_for_conditions}
    fields = [field for field in frame.schema.fields if field.name.lower() not in apart and not field.metadata.get("internal")]
    schema = StructType(fields)
    make_table(spark, schema, path)
    return schema


def make_table(spark: SparkSession, schema: StructType, path: Path) -> None:
    spark.createDataFrame([], schema).write.format("delta").save(str(path))


def _with_new_columns(
    stage: MergeLoad, spark: SparkSession, context: StageContext, frame: DataFrame, path: Path, there: StructType
) -> StructType:
    known = {field.name.lower() for field in there.fields}
    apart = {name.lower() for name in stage.only_for_conditions}
    frame = without_marks(frame, known, stage.output_uri, context)
    if new := [field for field in frame.schema.fields if field.name.lower() not in known | apart]:
        there = StructType([*there.fields, *new])
        spark.createDataFrame([], there).write.format("delta").mode("append").option("mergeSchema", "true").save(str(path))
    return there


def _as_the_table_is(stage: MergeLoad, context: StageContext, frame: DataFrame, there: StructType) -> DataFrame:
    """`frame` with the types of the table's columns: keys of another type would match nothing, or something else."""
    known = {field.name.lower(): field for field in there.fields}
    frame = without_marks(frame, set(known), stage.output_uri, context)
    return frame.select(*(_fitted(field, known.get(field.name.lower())) for field in frame.schema.fields))


def _other_columns(stage: MergeLoad, frame: DataFrame, there: StructType) -> list[Problem]:
    apart = {name.lower() for name in stage.only_for_conditions} - {field.name.lower() for field in there.fields}
    needed = {name.lower() for name in _needed(stage, there)}
    return drift_of(stage, frame, there, needed=needed, may_add=stage.schema_changes != "refuse", apart=apart)


def _fitted(field: Any, as_there: Any) -> Any:
    if as_there is None:
        return F.col(name_in_sql(field.name))
    return F.expr(converted(name_in_sql(field.name), field.dataType, as_there.dataType)).alias(as_there.name)


def _needed(stage: MergeLoad, there: StructType) -> list[str]:
    """The table's columns for which the view must have a value."""
    every = [field.name for field in there.fields]
    needed = {name.lower() for name in stage.keys}
    if stage.matched == "update":
        given = {name.lower() for name in stage.matched_values}
        needed |= {name.lower() for name in stage.matched_columns or every} - given
    if stage.not_matched == "insert":
        needed |= {name.lower() for name in every} - {name.lower() for name in stage.not_matched_values}
    return [name for name in every if name.lower() in needed]


# --- what may not be ------------------------------------------------------------------------------------------------------


def require_keys(stage: Any, source: DataFrame, *, may_be_null: bool = False) -> None:
    """Raises ProblemError where a key is missing or comes twice: which of both rows the table would get is chance. The values are data."""
    columns = [F.col(name_in_sql(name)) for name in stage.keys]
    if not may_be_null:
        counts = source.agg(*[F.count(F.when(column.isNull(), 1)).alias(f"n{place}") for place, column in enumerate(columns)]).first()
        missing = [(name, counts[place]) for place, name in enumerate(stage.keys) if counts is not None and counts[place]]
        if missing:
            raise ProblemError(_no_key(stage, missing))
    twice = source.groupBy(*columns).agg(F.count(F.lit(1)).alias("sluice_rows")).where("sluice_rows > 1")
    found = twice.agg(F.count(F.lit(1)), F.sum("sluice_rows")).first()
    if found is not None and found[0]:
        raise ProblemError(_key_twice(stage, found[0], found[1], twice.first()))


def _require_met_again(stage: MergeLoad, source: DataFrame) -> None:
    """Raises ProblemError where a new row would not be met by the next run, which would add it once more."""
    if not stage.match_condition or stage.not_matched != "insert" or stage.not_matched_values:
        return
    rows = source.alias("source")
    if stage.not_matched_where:
        rows = rows.where(stage.not_matched_where)
    met = rows.join(source.alias("target"), F.expr(f"{_same_keys(stage)} AND ({stage.match_condition}\n)"), "left_semi")
    count = rows.count() - met.count()
    if count:
        raise ProblemError(
            Problem(
                code="merge-match-condition",
                field="matchCondition",
                message=f"“{stage.name}”: for {counted(count, 'row', 'rows')} of the view, “The same row only where” is not true by "
                "itself. Once in the table, nothing matches there, so each run would add them once more.",
                found=counted(count, "row", "rows"),
                expected=stage.match_condition,
                fix="Leave such rows out in a stage before (WHERE …), or correct the condition; what says which of the rows in both are "
                "updated goes into “Rows in both: only where” (matchedWhere).",
            )
        )


def _no_key(stage: Any, missing: Sequence[tuple[str, int]]) -> Problem:
    return Problem(
        code="merge-key-null",
        field="keys",
        message=f"“{stage.name}”: rows of the view “{stage.input_view}” have no value in a key column. "
        "They match nothing, so each run would add them once more.",
        found="; ".join(f"{name}: {counted(rows, 'row', 'rows')}" for name, rows in missing),
        data_column=missing[0][0],
        fix="Leave such rows out in a stage before (WHERE … IS NOT NULL), or fill the column.",
    )


def _key_twice(stage: Any, keys: int, rows: int, example: Any) -> Problem:
    listed = ", ".join(f"{name} = {example[name]}" for name in stage.keys) if example is not None else ""
    return Problem(
        code="merge-key-twice",
        field="keys",
        message=f"“{stage.name}”: {counted(keys, 'key comes', 'keys come')} more than once in the view "
        f"“{stage.input_view}”, in {rows:,} rows. Which of them the table would get is not told.",
        found=f"{counted(keys, 'key', 'keys')} of {', '.join(stage.keys)} in {rows:,} rows",
        value=listed[:200] or None,
        fix="Keep one row for each key in a stage before, for instance the latest: "
        "QUALIFY row_number() OVER (PARTITION BY … ORDER BY … DESC) = 1.",
    )


def _require_expressions(stage: MergeLoad, spark: SparkSession, context: StageContext, source: DataFrame, there: StructType) -> None:
    """Every text of the document that becomes a part of the merge goes through the gate."""
    target = spark.createDataFrame([], there)
    both, view, table = {"source": source, "target": target}, {"source": source}, {"target": target}
    conditions: list[tuple[str, str | None, Mapping[str, DataFrame]]] = [
        ("matchCondition", stage.match_condition, both),
        ("matchedWhere", stage.matched_where, both),
        ("deleteWhere", stage.delete_where, both if stage.not_matched == "leave" else view),
        ("notMatchedWhere", stage.not_matched_where, view),
        ("notMatchedBySourceWhere", stage.not_matched_by_source_where, table),
    ]
    for field, text, over in conditions:
        if text:
            context.require_expression(text, over, field=field)
    values: list[tuple[str, Mapping[str, str], Mapping[str, DataFrame]]] = [
        ("matchedValues", stage.matched_values, both),
        ("notMatchedValues", stage.not_matched_values, view),
        ("notMatchedBySourceValues", stage.not_matched_by_source_values, table),
    ]
    for field, given, over in values:
        require_columns(target, list(given), field)
        for name, text in given.items():
            context.require_expression(text, over, field=field, is_condition=False)
            _require_kind(name, text, over, field=field, there=there)
    require_columns(target, stage.matched_columns, "matchedColumns")


def _require_kind(name: str, text: str, over: Mapping[str, DataFrame], *, field: str, there: StructType) -> None:
    """That the column takes what the expression gives as it is, or the merge stops: Delta itself cuts digits off."""
    column = next(one for one in there.fields if one.name.lower() == name.lower())
    both = reduce(DataFrame.crossJoin, [frame.limit(0).alias(one) for one, frame in over.items()])
    given = both.select(F.expr(text)).schema.fields[0].dataType
    if _cuts(given, column.dataType):
        raise ProblemError(
            Problem(
                code="merge-value-type",
                field=field,
                message=f"What “{column.name}” gets is of another type than the column, and would be cut or rounded to fit.",
                data_column=column.name,
                found=given.simpleString(),
                expected=column.dataType.simpleString(),
                fix=f"Say how it is to fit, such as CAST(round(…) AS {column.dataType.simpleString()}).",
            )
        )


def _cuts(given: DataType, into: DataType) -> bool:
    """Whether a value may lose something without an error; one that is too large is an error."""
    has_fraction = isinstance(given, FractionalType) and not (isinstance(given, DecimalType) and given.scale == 0)
    if isinstance(given, StringType):
        return not isinstance(into, StringType | VariantType)
    if isinstance(into, DecimalType):
        return not isinstance(given, DecimalType) and has_fraction or isinstance(given, DecimalType) and given.scale > into.scale
    if isinstance(into, IntegralType):
        return has_fraction
    if isinstance(into, DateType):
        return isinstance(given, TimestampType | TimestampNTZType)
    return isinstance(into, FloatType) and isinstance(given, DoubleType | DecimalType)


# --- the merge itself -----------------------------------------------------------------------------------------------------


def equal_keys(keys: Sequence[str], sign: str = "=") -> str:
    return " AND ".join(f"target.{name_in_sql(name)} {sign} source.{name_in_sql(name)}" for name in keys)


def _condition(stage: MergeLoad, path: Path, there: StructType) -> str:
    if not stage.match_condition:
        return _same_keys(stage)
    state = staged_state(path, stage.output_uri)
    return f"{_same_keys(stage)} AND ({asked_here(stage.match_condition, there, state.partition_columns if state else ())}\n)"


def _same_keys(stage: MergeLoad) -> str:
    return equal_keys(stage.keys, "<=>" if stage.null_keys == "match" else "=")


def run_merge(stage: Any, spark: SparkSession, path: Path, source: DataFrame, condition: str, clauses: Any) -> None:
    """One MERGE of `source` into the table at `path`. `clauses`: puts what is done with which rows on Delta's builder, and gives it."""
    from executor.stages.delta_writing import settings_for

    jvm: Any = spark._jvm
    forget(spark, path)
    with told(stage, stage.output_uri), settings_for(spark, NO_MARKS):
        table = jvm.io.delta.tables.DeltaTable.forPath(spark._jsparkSession, str(path))
        builder = getattr(table, "as")("target").merge(getattr(source._jdf, "as")("source"), condition)
        clauses(builder).execute()


def java_map(spark: Any, values: Mapping[str, str]) -> Any:
    found = spark._jvm.java.util.HashMap()
    for name, text in values.items():
        found.put(name_in_sql(name), text)
    return found


def _clauses(stage: MergeLoad, builder: Any, source: DataFrame, there: StructType) -> Any:
    spark = source.sparkSession
    if stage.delete_where:
        builder = builder.whenMatched(stage.delete_where).delete()
    if stage.matched == "delete":
        builder = (builder.whenMatched(stage.matched_where) if stage.matched_where else builder.whenMatched()).delete()
    elif stage.matched == "update":
        values = _updates(stage, source, there)
        where = " AND ".join(f"({one}\n)" for one in (stage.matched_where, _differs(values, there)) if one)
        builder = (builder.whenMatched(where) if where else builder.whenMatched()).updateExpr(java_map(spark, values))
    if stage.not_matched == "insert":
        own = {field.name: f"source.{name_in_sql(field.name)}" for field in there.fields}
        names = {name.lower(): name for name in own}
        values = own | {names[name.lower()]: text for name, text in stage.not_matched_values.items()}
        wanted = [stage.not_matched_where, f"NOT coalesce(({stage.delete_where}\n), false)" if stage.delete_where else None]
        where = " AND ".join(f"({one}\n)" for one in wanted if one)
        builder = (builder.whenNotMatched(where) if where else builder.whenNotMatched()).insertExpr(java_map(spark, values))
    if stage.not_matched_by_source != "leave":
        where = stage.not_matched_by_source_where or ""
        clause = builder.whenNotMatchedBySource(where) if where else builder.whenNotMatchedBySource()
        if stage.not_matched_by_source == "delete":
            builder = clause.delete()
        else:
            names = {field.name.lower(): field.name for field in there.fields}
            given = {names[name.lower()]: text for name, text in stage.not_matched_by_source_values.items()}
            builder = clause.updateExpr(java_map(spark, given))
    return builder


def _updates(stage: MergeLoad, source: DataFrame, there: StructType) -> dict[str, str]:
    wanted = {name.lower() for name in stage.matched_columns} or {field.name.lower() for field in there.fields}
    given = {name.lower(): text for name, text in stage.matched_values.items()}
    keys = {name.lower() for name in stage.keys}
    found = {}
    for field in there.fields:
        key = field.name.lower()
        if key in given:
            found[field.name] = given[key]
        elif key in wanted and key not in keys:
            found[field.name] = f"source.{name_in_sql(field.name)}"
    return found


def _differs(values: Mapping[str, str], there: StructType) -> str | None:
    """That a row would become another one; None where that cannot be asked. A row that stays as it is is not written anew."""
    fields = {field.name: field.dataType for field in there.fields}
    if not values or any(_has_no_equality(fields[name]) for name in values):
        return None
    return " OR ".join(f"NOT (target.{name_in_sql(name)} <=> ({text}\n))" for name, text in values.items())


def _has_no_equality(kind: Any) -> bool:
    if isinstance(kind, MapType | VariantType):
        return True
    if isinstance(kind, StructType):
        return any(_has_no_equality(field.dataType) for field in kind.fields)
    return _has_no_equality(kind.elementType) if hasattr(kind, "elementType") else False


def tell_merged(stage: Any, spark: SparkSession, context: StageContext, path: Path) -> None:
    """What has become of how many rows."""
    log = Log.of(path, stage.output_uri)
    is_merge = log.info(log.latest).get("operation") == "MERGE"
    metrics = tell_written(stage, context, path) if is_merge else {}
    counts = {word: int(metrics.get(name, 0)) for word, name in COUNTED.items()}
    context.detail(**counts)
    context.rows("out", sum(counts.values()))
    if is_merge and not any(counts.values()):  # files were written anew with the same rows
        drop_last(path)
        forget(spark, path)
    words = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    context.log(f"{stage.output_uri}: {words}." if any(counts.values()) else f"{stage.output_uri}: nothing is other than it was.")
