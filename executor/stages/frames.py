"""Work on data frames that several stage types share. Imported inside `execute` only: it needs pyspark."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from executor.language.quoting import name_in_sql
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError


def arranged(frame: DataFrame, num_partitions: int | None, partition_by: Sequence[str]) -> DataFrame:
    """`frame` split as the stage says; unchanged when it says nothing. Raises ProblemError for a column that is not there."""
    require_columns(frame, partition_by, "partitionBy")
    if num_partitions is not None:
        return frame.repartition(num_partitions, *partition_by)
    return frame.repartition(*partition_by) if partition_by else frame


def require_columns(frame: DataFrame, names: Sequence[str], field: str) -> None:
    """Raises ProblemError with all of `names` that are no column of `frame`."""
    if problems := unknown_columns(frame, names, field):
        raise ProblemError(problems)


def unknown_columns(frame: DataFrame, names: Sequence[str], field: str) -> list[Problem]:
    known = {column.casefold() for column in frame.columns}
    return [
        Problem(
            code="column-unknown",
            field=field,
            message=f"There is no column “{name}”.",
            found=name,
            expected="one of " + ", ".join(frame.columns),
            fix=did_you_mean(name, frame.columns) or "Name a column of the view.",
        )
        for name in names
        if name.casefold() not in known
    ]


def require_names_apart(frame: DataFrame, view: str) -> None:
    """Raises ProblemError when columns have one name but for case: a file's columns are told apart by their names."""
    named: dict[str, list[str]] = {}
    for name in frame.columns:
        named.setdefault(name.casefold(), []).append(name)
    if twice := [
        f"“{names[0]}” twice" if len({*names}) == 1 else f"“{names[0]}” and “{names[1]}”" for names in named.values() if names[1:]
    ]:
        raise ProblemError(
            Problem(
                code="column-twice",
                field="inputView",
                message=f"“{view}” has two columns of one name.",
                found="; ".join(twice),
                expected="each name once",
                fix="Rename one with AS in the stage that makes the view, or do not select it twice.",
            )
        )


def filled_down(frame: DataFrame, names: Sequence[str], field: str) -> DataFrame:
    """`frame`, whose rows say where in which file they stand, with empty cells of some columns filled by the value above in their file.
    Raises ProblemError for a column that is not there."""
    require_columns(frame, names, field)
    wanted = {name.casefold() for name in names}
    above = Window.partitionBy("_filename").orderBy("_index").rowsBetween(Window.unboundedPreceding, 0)
    for name in [column for column in frame.columns if column.casefold() in wanted]:
        cell = F.col(name_in_sql(name))
        frame = frame.withColumn(name, F.last(F.when(F.length(F.trim(cell)) > 0, cell), ignorenulls=True).over(above))
    return frame.orderBy("_filename", "_index")
