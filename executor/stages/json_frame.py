"""How JSON becomes a frame: a look at the files, Spark's reading of them as that look and the schema say, one column for each name.
Needs pyspark."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from executor.files.folder import Place
from executor.language.quoting import name_in_sql
from executor.language.schema import AnyColumn
from executor.problems import Problem, ProblemError
from executor.stages.base import HAS_ERRORS, Count, StageContext
from executor.stages.json_shape import Kind, Look, Part, Shape, exact_names, inexact_columns, joined_frame, kind_of
from executor.stages.json_typed import kind_by, typed_json, without_errors
from executor.stages.reading import read_files, read_view
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
        return _finished(stage, context, joined_frame(frame, kinds[0]), columns, look, kinds[0])


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
    """The records in the texts of the stage's input view. Spark infers their shape where no schema says it."""
    reader = spark.read.options(multiLine="false")
    with exact_names(spark):
        if columns:
            kind = kind_by(columns, Shape())
            frame = read_view(stage, context, lambda lines: reader.schema(_as_read(kind)).json(lines))
            return _finished(stage, context, joined_frame(frame, kind), columns, Look(0, 0, False, {}, Shape()), kind)
        frame = read_view(stage, context, lambda lines: _inferred(stage, lines))
        kind = Kind(parts=tuple(_parts(_of_data(frame), apart=stage.same_keys == "apart")))
        _refuse_both(stage, frame, kind)
        frame = joined_frame(frame, kind)
    if CORRUPT not in frame.columns:
        return frame
    if frame.columns[0] == CORRUPT and not kind.parts:
        raise stage.nothing_is_json()
    counts = [Count(None, "not-json", _is_corrupt(frame))]
    return stage.watch(context, frame, counts, counts[0].condition, IS_CORRUPT)


def _inferred(stage: JSONExtract, lines: DataFrame) -> DataFrame:
    try:
        frame = lines.sparkSession.read.options(multiLine="false").json(lines)
    except Exception as error:
        if "COLUMN_ALREADY_EXISTS" not in str(error):
            raise
        words = f"The texts of “{stage.input_view}” have the same key twice in one object, and one of the two values would be lost."
        fix = "Give a schema, or have one of the keys renamed where the texts are made."
        raise ProblemError(Problem(code="json-same-keys", field="inputView", message=words, fix=fix)) from None
    if frame.columns == [CORRUPT]:
        raise stage.nothing_is_json()
    others = [name_in_sql(name) for name in frame.columns if name != CORRUPT]
    return frame.select(*others, CORRUPT) if CORRUPT in frame.columns else frame


def _of_data(frame: DataFrame) -> StructType:
    own = [one for one in frame.schema.fields if one.name != CORRUPT and not one.metadata.get("internal")]
    return StructType(own)


def _parts(schema: StructType, *, apart: bool) -> list[Part]:
    groups: dict[str, list[StructField]] = {}
    for one in schema.fields:
        groups.setdefault(one.name.lower(), []).append(one)
    found = []
    for fields in groups.values():
        if apart or any(one.dataType != fields[0].dataType for one in fields):
            found += [
                Part(one.name if place == 0 else f"{one.name}_{place + 1}", (one.name,), _of_type(one.dataType, apart=apart))
                for place, one in enumerate(fields)
            ]
        else:
            found.append(Part(fields[0].name, tuple(one.name for one in fields), _of_type(fields[0].dataType, apart=apart)))
    return found


def _of_type(kind: DataType, *, apart: bool) -> Kind:
    if isinstance(kind, StructType):
        return Kind(parts=tuple(_parts(kind, apart=apart)))
    return Kind(item=_of_type(kind.elementType, apart=apart)) if isinstance(kind, ArrayType) else Kind(single=kind)


def _refuse_both(stage: JSONExtract, frame: DataFrame, kind: Kind) -> None:
    """Keys that differ only by case become one column only where no record has both."""
    several = [part for part in kind.parts if len(part.keys) > 1]
    if not several:
        return
    both = [F.count_if(sum((F.col(name_in_sql(key)).isNotNull().cast("int") for key in part.keys), F.lit(0)) > 1) for part in several]
    for part, count in zip(several, frame.agg(*both).first() or (), strict=True):
        if count:
            raise ProblemError(
                Problem(
                    code="json-same-keys",
                    field="inputView",
                    message=f"The texts of “{stage.input_view}” have keys in one object that differ only by upper and lower case.",
                    found=f"{' and '.join(part.keys)} in {count:,} records",
                    fix="Set “Same keys in one object” (sameKeys) to apart.",
                )
            )
