"""How Parquet files become a frame: their footers compared, Spark told what it would not find out, values of odd types made.

Needs pyspark.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from executor.files.folder import Place
from executor.files.inputs import check_parquet
from executor.problems import Problem, ProblemError
from executor.stages.base import Count, StageContext
from executor.stages.parquet_shape import Clash, ColumnType, Group, Table, as_one, is_too_fine, look_at, same_names, value_of
from executor.stages.reading import read_files

if TYPE_CHECKING:
    from executor.stages.extract.parquet_extract import ParquetExtract

PANDAS = (
    "Write the file again with a type that Spark has; from pandas: to_parquet(…, coerce_timestamps='us') for times, astype(str) for others."
)


def frame_of(stage: ParquetExtract, spark: SparkSession, context: StageContext) -> tuple[DataFrame, int | None]:
    """The rows of the stage's files, and how many there are."""
    looks: list[list[Group]] = []

    def sample(place: Place) -> None:
        check_parquet(place)
        looks.append(look_at(spark, [file.path for file in place.files]))
        _refuse(looks[0], place.uri)

    def read(session: SparkSession, paths: list[str], options: dict[str, str]) -> DataFrame:
        table = _table(stage, looks[0])
        if not table.must_be_told:
            return session.read.options(mergeSchema="true", **options).parquet(*paths)
        return session.read.options(**options).schema(table.schema()).parquet(*paths)

    frame = read_files(stage, spark, context, read, sample=sample)
    if not looks:
        return frame, None
    table = _table(stage, looks[0])
    _tell(stage, context, table)
    return _with_values(stage, context, frame, table), sum(group.rows for group in looks[0])


def _table(stage: ParquetExtract, groups: list[Group]) -> Table:
    """Raises ProblemError where the files are no one table, or hold what cannot be read."""
    table = as_one(groups)
    if table.clashes:
        raise ProblemError([_clash(clash, stage.input_uri) for clash in table.clashes[:5]])
    unreadable = [column for column in table.columns if column.spark is None]
    if unreadable and (stage.unreadable_columns == "stop" or len(unreadable) == len(table.columns)):
        raise ProblemError([_unreadable(column, stage.input_uri) for column in unreadable[:5]])
    return table


def _refuse(groups: list[Group], uri: str) -> None:
    for group in groups:
        if "Decryptor" in (group.error or ""):
            raise ProblemError(_trouble(replace(group, trouble="encrypted"), uri))
        if group.error is not None:
            words = f"{uri}: The file is not a Parquet file that can be read, or is broken."
            file, fix = _name(group.files[0], uri), "Write or fetch the file again."
            raise ProblemError(Problem(code="input-format", field="inputURI", message=words, file=file, detail=group.error, fix=fix))
        if group.trouble is not None:
            raise ProblemError(_trouble(group, uri))
        same = same_names(group)
        if same:
            raise ProblemError(
                Problem(
                    code="parquet-same-names",
                    field="inputURI",
                    message=f"{uri}: Two columns of a file have the same name, or names that differ by upper and lower case alone.",
                    found=f"“{same[0]}” and “{same[1]}” in {_name(group.files[0], uri)}",
                    file=_name(group.files[0], uri),
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
    file = _name(group.files[0], uri)
    return Problem(
        code="parquet-packed", field="inputURI", message=f"{uri}: {message}", file=file, found=found, data_column=group.where, fix=fix
    )


def _clash(clash: Clash, uri: str) -> Problem:
    one, other = clash.one, clash.other
    return Problem(
        code="parquet-types",
        field="inputURI",
        message=f"{uri}: A column has types in two files that no one type holds.",
        found=f"“{one.name}” is {one.words} in {_name(one.file, uri)}, and {other.words} in {_name(other.file, uri)}",
        expected="one type, or types of which one holds the other, such as int and bigint",
        fix="Read the files with two ParquetExtract stages, cast the column in an SQLTransform, and put them together with UNION ALL.",
        data_column=one.name,
        file=_name(other.file, uri),
    )


def _unreadable(column: ColumnType, uri: str) -> Problem:
    return Problem(
        code="parquet-unreadable",
        field="unreadableColumns",
        message=f"{uri}: Spark has no values for the type of a column.",
        found=f"“{column.name}” is {column.words} in {_name(column.file, uri)}",
        fix=f"Set “Columns that cannot be read” (unreadableColumns) to leave-out to read the others. {PANDAS}",
        data_column=column.name,
        file=_name(column.file, uri),
    )


def _tell(stage: ParquetExtract, context: StageContext, table: Table) -> None:
    for words in table.widened:
        context.log(f"Types differ between files. {words}.")
    left = [f"“{column.name}” ({column.words})" for column in table.columns if column.spark is None]
    if left:
        which = "1 column that cannot be read is" if len(left) == 1 else f"{len(left):,} columns that cannot be read are"
        message = f"{stage.input_uri}: {which} left out."
        context.warn(Problem(code="columns-left-out", field="unreadableColumns", message=message, found=", ".join(left), fix=PANDAS))


def _with_values(stage: ParquetExtract, context: StageContext, frame: DataFrame, table: Table) -> DataFrame:
    """`frame`, whose columns of odd types hold plain numbers and bytes, with their values."""
    odd = {column.name: column for column in table.columns if column.spark is not None and column.node.kinds}
    if not odd:
        return frame
    names = [f"c{place}" for place in range(len(frame.columns))]
    plain = frame.toDF(*names)
    counts, columns = [], []
    for name, column in zip(names, frame.columns, strict=True):
        found, about = odd.get(column), frame.schema[column].metadata
        if found is None or found.spark is None:
            columns.append(F.col(name).alias(column, metadata=about))
            continue
        fine = is_too_fine(name, found.spark, found.node)
        counts += [Count(column, "too-fine", f"coalesce({fine}, false)", is_named=False)] if fine else []
        columns.append(F.expr(value_of(name, found.spark, found.node)).alias(column, metadata=about))
    if counts:
        affected = " OR ".join(count.condition for count in counts)
        plain = context.watched(plain, stage.output_view, counts, affected=affected)
    return plain.select(*columns)


def _name(file: str, uri: str) -> str:
    return uri if Path(uri).name == Path(file).name else f"{uri} ({Path(file).name})"
