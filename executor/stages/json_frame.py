"""How JSON becomes a frame: a look at the files, Spark's reading of them as that look and the schema say, one column for each name.
Needs pyspark."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from executor.files.folder import Place
from executor.language.quoting import name_in_sql
from executor.language.schema import AnyColumn
from executor.problems import Problem, ProblemError
from executor.stages.base import HAS_ERRORS, Count, StageContext
from executor.stages.internal_columns import with_view_columns
from executor.stages.json_shape import Kind, Look, exact_names, inexact_columns, joined_frame, kind_of
from executor.stages.json_typed import kind_by, typed_json, without_errors
from executor.stages.reading import read_files, texts_of_view
from executor.stages.typed_frame import CORRUPT

if TYPE_CHECKING:
    from executor.stages.extract.json_extract import JSONExtract

IS_CORRUPT = f"{CORRUPT} IS NOT NULL"


def frame_of_files(stage: JSONExtract, spark: SparkSession, context: StageContext, columns: list[AnyColumn] | None) -> DataFrame:
    """The records of the stage's files, typed by the schema where there is one."""
    looks: list[Look] = []
    kinds: list[Kind] = []

    def sample(place: Place) -> None:
        looks.append(stage.look(spark, place))

    def read(session: SparkSession, paths: list[str], options: dict[str, str]) -> DataFrame:
        (look,) = looks
        kinds.append(_kind(stage, look, columns))
        schema = _as_read(kinds[0])
        keys = [key.lower() for part in kinds[0].parts for key in part.keys]
        if len(set(keys)) < len(keys):
            return _from_texts(session.read.options(**options).text(paths, wholetext=stage.multi_line), schema, stage.multi_line)
        return session.read.options(multiLine=str(stage.multi_line).lower(), **options).schema(schema).json(paths)

    with exact_names(spark):
        frame = read_files(stage, spark, context, read, sample=sample)
        if not kinds:
            return without_errors(frame)
        look = looks[0]
        stage.tell(context, look, columns)
        return _finished(stage, context, joined_frame(frame, kinds[0], look.root), columns, look, kinds[0])


def _kind(stage: JSONExtract, look: Look, columns: list[AnyColumn] | None) -> Kind:
    if columns:
        return kind_by(columns, look.root)
    if not look.objects:
        raise stage.nothing_is_json()
    if CORRUPT in map(str.lower, look.root.fields):
        raise ProblemError(_corrupt_is_a_key(stage.input_uri or ""))
    kind = kind_of(look.root, apart=stage.same_keys == "apart")
    if not kind.parts:
        raise stage.nothing_is_json()
    return kind


def _corrupt_is_a_key(uri: str) -> Problem:
    return Problem(
        code="reserved-name",
        field="inputURI",
        message=f"“{uri}” has the key “{CORRUPT}”, under which this stage keeps records that are not JSON; its values would be lost.",
        found=CORRUPT,
        fix="Have the key renamed where the file is made, or give a schema without it.",
    )


def _as_read(kind: Kind) -> StructType:
    found = kind.as_read()
    assert isinstance(found, StructType)  # noqa: S101 - documents are objects
    return found if CORRUPT in found.fieldNames() else StructType([*found.fields, StructField(CORRUPT, StringType())])


def _from_texts(texts: DataFrame, schema: StructType, is_document: bool) -> DataFrame:
    """As Spark's reader of JSON, which cannot read two columns whose names differ only by case: the columns of `schema` under other names,
    CORRUPT behind them."""
    value, rest = F.col("value"), [name for name in texts.columns if name != "value"]
    names = [f"_sluice_key_{place}" for place in range(len(schema.fields) - 1)]
    is_list = F.lit(True) if is_document else F.ltrim(value).startswith("[")
    records = F.when(is_list, F.from_json(value, ArrayType(StructType(schema.fields[:-1])))).alias("records")
    single = F.when(~is_list, F.from_json(value, schema)).alias("single")
    found = texts.filter(F.length(F.trim(value)) > 0).select(records, single, value, is_list.alias("is_list"), *rest)
    found = found.filter(~F.col("is_list") | F.col("records").isNull() | (F.size("records") > 0))
    each = found.select(F.explode_outer("records").alias("record"), "*")
    is_broken = F.when(F.col("is_list"), F.when(F.col("records").isNull(), value)).otherwise(F.col(f"single.{CORRUPT}"))
    columns = [
        F.when(F.col("is_list"), F.col("record").getField(field.name)).otherwise(F.col("single").getField(field.name)).alias(name)
        for name, field in zip(names, schema.fields[:-1], strict=True)
    ]
    return each.select(*columns, is_broken.alias(CORRUPT), *rest)


def _finished(
    stage: JSONExtract, context: StageContext, frame: DataFrame, columns: list[AnyColumn] | None, look: Look, kind: Kind
) -> DataFrame:
    if columns:
        watched = partial(_with_errors, stage, context)
        return typed_json(frame, columns, look.root, watched)
    counts = [Count(None, "not-json", _is_corrupt(frame))]
    watched_frame = stage.watch(context, frame, counts, counts[0].condition, IS_CORRUPT)
    _tell_inexact(context, kind, look)
    is_broken = {"broken", "no-object"} & set(look.findings)
    return watched_frame if is_broken else watched_frame.drop(CORRUPT)


def _with_errors(stage: JSONExtract, context: StageContext, frame: DataFrame, counts: list[Count], affected: str) -> DataFrame:
    return stage.watch(context, frame, counts, affected, HAS_ERRORS)


def _is_corrupt(frame: DataFrame) -> str:
    """Says something of another column, too, as Spark does not read CORRUPT alone."""
    first = name_in_sql(next(name for name in frame.columns if name != CORRUPT))
    return f"({IS_CORRUPT} AND ({first} IS NULL OR length(string({first})) >= 0))"


def _tell_inexact(context: StageContext, kind: Kind, look: Look) -> None:
    """Numbers that become floating-point numbers by their neighbours, and lose digits by that."""
    found = list(inexact_columns(kind, look.root))
    if not found:
        return
    total = sum(count for _, count in found)
    numbers = "1 number has" if total == 1 else f"{total:,} numbers have"
    context.warn(
        Problem(
            code="json-digits",
            field="schemaURI",
            message=f"{numbers} more digits, or {'is' if total == 1 else 'are'} larger, than a floating-point number holds.",
            found=", ".join(f"{path} ({count:,})" for path, count in found[:10]),
            fix="Give a schema in which these columns are decimal or string.",
        )
    )


# --- JSON in a view ---------------------------------------------------------------------------------------------------------


def frame_of_view(stage: JSONExtract, spark: SparkSession, context: StageContext, columns: list[AnyColumn] | None) -> DataFrame:
    """The records in the texts of the stage's input view."""
    with exact_names(spark):
        texts = texts_of_view(stage, context)
        look = stage.look_at_texts(texts)
        kind = _kind(stage, look, columns) if look.records or columns else Kind()
        frame = with_view_columns(spark.read.schema(_as_read(kind)).json(texts), contiguous=stage.contiguous_index)
        stage.tell(context, look, columns)
        return _finished(stage, context, joined_frame(frame, kind, look.root), columns, look, kind)
