"""How Parquet files become a frame: their footers compared, Spark told what it would not find out, values of odd types made.

Needs pyspark.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from executor.files.folder import Place, escaped
from executor.files.inputs import check_parquet
from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.stages.base import Count, StageContext
from executor.stages.not_numbers import all_asked_here
from executor.stages.parquet_shape import Clash, ColumnType, Group, Part, Table, as_one, gone, look_at, same_names
from executor.stages.parquet_values import is_too_fine, value_of
from executor.stages.portions import Portion
from executor.stages.reading import read_portions
from executor.stages.wider_types import converted, ddl, is_inexact

if TYPE_CHECKING:
    from executor.stages.extract.parquet_extract import ParquetExtract

PANDAS = (
    "Write the file again with a type that Spark has; from pandas: to_parquet(…, coerce_timestamps='us') for times, astype(str) for others."
)


def frame_of(stage: ParquetExtract, spark: SparkSession, context: StageContext) -> tuple[DataFrame, int | None]:
    """The rows of the stage's files, and how many there are."""
    looks: list[list[Group]] = []
    tables: list[Table] = []

    def portions(place: Place, options: dict[str, str]) -> list[Portion]:
        check_parquet(place)
        looks.append(look_at(spark, place.files, is_counting=not context.is_sampled))
        _refuse(looks[0], place.uri)
        tables.append(_table(stage, looks[0]))
        return [_portion(part, tables[0], place, spark, options) for part in tables[0].parts]

    frame = read_portions(stage, spark, context, portions)
    if not tables:
        return frame, None
    _tell(stage, context, tables[0])
    _tell_gone(stage, context, looks[0])
    _tell_old_times(stage, context, looks[0])
    frame = _marked(frame, looks[0])
    return _counted(stage, context, frame, tables[0]), sum(group.rows for group in looks[0])


def _marked(frame: DataFrame, groups: list[Group]) -> DataFrame:
    """The frame; of columns in which numbers or NaN may stand for no value, the queries that take them for values are looked at, and
    conditions on those in which NaN may stand do not reach the files."""
    marks: dict[str, dict[str, bool]] = {}
    for group in groups:
        for mark, names in (("standIns", group.stand_ins), ("noNumbers", group.no_numbers)):
            for name in names:
                marks.setdefault(name.lower(), {})[mark] = True
    if not marks.keys() & set(map(str.lower, frame.columns)):
        return frame
    fields = {one.name: one.metadata | marks.get(one.name.lower(), {}) for one in frame.schema.fields}
    marked = frame.select(*[F.col(name_in_sql(name)).alias(name, metadata=about) for name, about in fields.items()])
    return all_asked_here(marked, {name for name, about in fields.items() if "noNumbers" in about})


def _table(stage: ParquetExtract, groups: list[Group]) -> Table:
    """Raises ProblemError where the files are no one table, or hold what cannot be read."""
    table = as_one(groups)
    if table.clashes:  # a file without rows, as some programs write it of text alone, has nothing to lose
        table = as_one([group for group in groups if group.rows] or groups[-1:])
    clashes = {clash.one.name: clash for clash in reversed(table.clashes)}  # of each column that of the first file that has another type
    problems = [_clash(clash, stage.input_uri) for clash in reversed(clashes.values())]
    unreadable = [column for column in table.columns if column.spark is None]
    if unreadable and (stage.unreadable_columns == "stop" or len(unreadable) == len(table.columns)):
        problems += [_unreadable(column, stage.input_uri) for column in unreadable]
    if problems:
        raise ProblemError(problems)
    return table


# --- files that Spark reads in one way --------------------------------------------------------------------------------------


def _portion(part: Part, table: Table, place: Place, spark: SparkSession, options: dict[str, str]) -> Portion:
    files = [file for file in place.files if str(file.path) in part.files]
    paths = place.to_read if len(files) == len(place.files) else [escaped(file.path) for file in files]
    if part.must_be_told:
        frame = spark.read.options(**options).schema(part.schema()).parquet(*paths)
    else:
        frame = spark.read.options(mergeSchema="true", **options).parquet(*paths)
    if len(table.parts) == 1 and not any(column.node.kinds for column in table.columns):
        return Portion(frame, files)
    lost = _lost_in(part, table)
    marks = [F.expr(lost.get(mark, "false")).alias(_mark_name(number)) for number, mark in enumerate(_lost(table))]
    return Portion(frame, files, [*_values(frame, part, table), *marks])


def _values(frame: DataFrame, part: Part, table: Table) -> list[Column]:
    """The columns of the table, of its types, from the files of `part`; null where these have no such column."""
    about = {name.lower(): frame.schema[name].metadata for name in frame.columns}
    found = []
    for column, kind in table.read_as:
        own = part.columns.get(column.name.lower())
        if own is None or own.spark is None or own.value_type is None:
            value = f"CAST(NULL AS {ddl(kind)})"
        else:
            value = converted(value_of(name_in_sql(own.name), own.spark, own.node), own.value_type, kind)
        found.append(F.expr(value).alias(column.name, metadata=about.get(column.name.lower(), {})))
    return found


# --- what reading changes ---------------------------------------------------------------------------------------------------

Mark = tuple[str, str]
"""A column, and a key of `executor.value_kinds.KINDS`."""


def _lost(table: Table) -> list[Mark]:
    """What some value of the table may lose by being read."""
    return list(dict.fromkeys(mark for part in table.parts for mark in _lost_in(part, table)))


def _lost_in(part: Part, table: Table) -> dict[Mark, str]:
    """The same for the files of `part`, with the SQL that is true of rows in which it does."""
    found: dict[Mark, str] = {}
    for column, kind in table.read_as:
        own = part.columns.get(column.name.lower())
        if own is None or own.spark is None or own.value_type is None:
            continue
        raw = name_in_sql(own.name)
        conditions = {
            "too-fine": is_too_fine(raw, own.spark, own.node),
            "not-exact": is_inexact(value_of(raw, own.spark, own.node), own.value_type, kind),
        }
        found |= {(column.name, why): f"coalesce({sql}, false)" for why, sql in conditions.items() if sql}
    return found


def _mark_name(number: int) -> str:
    return f"_sluice_lost_{number}"


def _counted(stage: ParquetExtract, context: StageContext, frame: DataFrame, table: Table) -> DataFrame:
    """`frame`, whose marks of what was lost are counted, without them."""
    counts = [Count(name, kind, _mark_name(number), is_named=False) for number, (name, kind) in enumerate(_lost(table))]
    if not counts or counts[0].condition not in frame.columns:
        return frame
    affected = " OR ".join(count.condition for count in counts)
    return context.watched(frame, stage.output_view, counts, affected=affected).drop(*[count.condition for count in counts])


# --- what is told -----------------------------------------------------------------------------------------------------------


def _refuse(groups: list[Group], uri: str) -> None:
    for group in groups:
        if "Decryptor" in (group.error or ""):
            raise ProblemError(_trouble(replace(group, trouble="encrypted"), uri))
        if group.error is not None:
            words = f"{uri}: The file is not a Parquet file that can be read, or is broken."
            file, fix = group.name, "Write or fetch the file again."
            raise ProblemError(Problem(code="input-format", field="inputURI", message=words, file=file, detail=group.error, fix=fix))
        if group.trouble is not None:
            raise ProblemError(_trouble(group, uri))
        same = same_names(group)
        if same:
            raise ProblemError(
                Problem(
                    code="parquet-same-names",
                    field="inputURI",
                    message=f"{uri}: Two columns or fields of a file have the same name, or names that differ by case alone.",
                    found=f"“{same[0]}” and “{same[1]}” in {group.name}",
                    file=group.name,
                    fix="Rename one of them where the file is made; from pandas: df.rename(columns={…}).",
                )
            )


_TROUBLES = {
    "encrypted": ("The file is encrypted.", "Write it again without encryption; its key cannot be given here."),
    "cut": ("A part of the file is missing.", "Write or fetch the file again."),
    "codec": ("The file is packed in a way that Spark cannot unpack.", "Write it again, packed with zstd or snappy."),
    "encoding": ("A column is encoded in a way that Spark cannot read.", "Write it again without column_encoding, or with PLAIN."),
}


def _trouble(group: Group, uri: str) -> Problem:
    kind, _, name = (group.trouble or "").partition(" ")
    message, fix = _TROUBLES[kind]
    found = " of ".join(filter(None, [name, f"“{group.where}”" if group.where else ""])) or None
    file = group.name
    return Problem(
        code="parquet-packed", field="inputURI", message=f"{uri}: {message}", file=file, found=found, data_column=group.where, fix=fix
    )


def _clash(clash: Clash, uri: str) -> Problem:
    one, other = clash.one, clash.other
    return Problem(
        code="parquet-types",
        field="inputURI",
        message=f"{uri}: A column has types in two files that no one type holds.",
        found=f"“{one.name}” is {one.words} in {one.file}, and {other.words} in {other.file}",
        expected="one type, or types of which one holds the other, such as int and bigint",
        fix="Read the files with two ParquetExtract stages, cast the column in an SQLTransform, and put them together with UNION ALL.",
        data_column=one.name,
        file=other.file,
    )


def _unreadable(column: ColumnType, uri: str) -> Problem:
    return Problem(
        code="parquet-unreadable",
        field="unreadableColumns",
        message=f"{uri}: Spark has no values for the type of a column.",
        found=f"“{column.name}” is {column.words} in {column.file}",
        fix=f"Set “Columns that cannot be read” (unreadableColumns) to leave-out to read the others. {_otherwise(column)}",
        data_column=column.name,
        file=column.file,
    )


def _otherwise(column: ColumnType) -> str:
    """How the file could be written so that the column is read."""
    return "Have the variant written whole (without shredding), or as JSON text." if "variant-odd" in column.node.kinds else PANDAS


def _tell(stage: ParquetExtract, context: StageContext, table: Table) -> None:
    for words in table.widened:
        context.log(f"Types differ between files. {words}.")
    shapes = ", ".join(f"“{column.name}” ({column.words})" for column in table.columns if column.spark and "geometry" in column.node.kinds)
    if shapes:
        context.log(
            f"{stage.input_uri}: Shapes are read as their bytes (WKB), and written so; no reference system goes with them: {shapes}."
        )
    left = [f"“{column.name}” ({column.words})" for column in table.columns if column.spark is None]
    if left:
        which = "1 column that cannot be read is" if len(left) == 1 else f"{len(left):,} columns that cannot be read are"
        message = f"{stage.input_uri}: {which} left out."
        fix = next(_otherwise(column) for column in table.columns if column.spark is None)
        context.warn(Problem(code="columns-left-out", field="unreadableColumns", message=message, found=", ".join(left), fix=fix))


def _tell_gone(stage: ParquetExtract, context: StageContext, groups: list[Group]) -> None:
    for one in gone(groups):
        files = "1 file lacks" if one.files == 1 else f"{one.files:,} files lack"
        context.warn(
            Problem(
                code="column-gone",
                field="inputURI",
                message=f"{stage.input_uri}: {files} the column “{one.name}”, which earlier ones have. It has no value in their rows.",
                found=one.file,
                file=one.file,
                data_column=one.name,
                fix="If it has another name there, read these files in a stage of their own, name it with AS, and use UNION ALL.",
            )
        )


def _tell_old_times(stage: ParquetExtract, context: StageContext, groups: list[Group]) -> None:
    """Spark gives no way to count these as the rows go by."""
    found: Counter[str] = Counter()
    for group in groups:
        found.update(group.too_fine)
    if found:
        many = sum(found.values())
        words = "1 time is finer than microseconds" if many == 1 else f"{many:,} times are finer than microseconds"
        message = f"{stage.input_uri}: {words}, which is all that Spark keeps; the rest is cut off."
        columns = ", ".join(f"“{name}” ({number:,})" for name, number in found.items())
        fix = "Where nanoseconds matter, have them written as whole numbers or as text where the file is made."
        context.warn(Problem(code="too-fine", field="inputURI", message=message, found=columns, fix=fix))
