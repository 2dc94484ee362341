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
    """Raises ProblemError when one of `names` is no column of `frame`."""
    known = {column.casefold() for column in frame.columns}
    for name in names:
        if name.casefold() not in known:
            raise ProblemError(
                Problem(
                    code="column-unknown",
                    field=field,
                    message=f"There is no column “{name}”.",
                    found=name,
                    expected="one of " + ", ".join(frame.columns),
                    fix=did_you_mean(name, frame.columns) or "Name a column of the view.",
                )
            )


def require_names_apart(frame: DataFrame, view: str) -> None:
    """Raises ProblemError when two columns have one name but for case: a file's columns are told apart by their names."""
    known: dict[str, str] = {}
    for name in frame.columns:
        first = known.get(name.casefold())
        if first is not None:
            raise ProblemError(
                Problem(
                    code="column-twice",
                    field="inputView",
                    message=f"“{view}” has two columns of one name.",
                    found=f"“{first}” twice" if first == name else f"“{first}” and “{name}”",
                    expected="each name once",
                    fix="Rename one with AS in the stage that makes the view, or do not select it twice.",
                )
            )
        known[name.casefold()] = name


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
