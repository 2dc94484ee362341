"""Columns of a view and of the table into which its rows are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from executor.databases.engine import Column
from executor.databases.session import Way
from executor.problems import Problem, ProblemError
from executor.stages.database_problems import column_needed, column_not_there, does_not_fit, no_type

if TYPE_CHECKING:
    from executor.stages.load.jdbc_load import JDBCLoad


def new_columns(frame: DataFrame, way: Way, staged: str, wrong_already: Sequence[Problem]) -> tuple[dict[str, str], str]:
    """The columns of a new table, and the statement that makes it. Raises ProblemError with all that is wrong."""
    kinds = {one.name: way.engine.type_of(one.dataType.simpleString()) for one in frame.schema.fields}
    wrong = [no_type(one.name, one.dataType, way) for one in frame.schema.fields if kinds[one.name] is None]
    if problems := [*wrong_already, *wrong]:
        raise ProblemError(problems)
    listed = ", ".join(f"{way.engine.quoted(name)} {kind}" for name, kind in kinds.items())
    return {name: name for name in kinds}, f"CREATE TABLE {staged} ({listed}){way.engine.behind_new_table}"


def matched(
    frame: DataFrame, there: Sequence[Column], needed: set[str | None], way: Way, stage: JDBCLoad, wrong_already: Sequence[Problem]
) -> dict[str, str]:
    """Column of the view → column of the table. Raises ProblemError with all that does not fit."""
    exact = {column.name: column for column in there}
    folded = {column.name.casefold(): column for column in there}
    problems, columns = [*wrong_already], {}
    for one in frame.schema.fields:
        column = exact.get(one.name) or folded.get(one.name.casefold())
        if column is None:
            problems.append(column_not_there(one.name, list(exact), stage.table_name))
        elif why := way.engine.loses(one.dataType.simpleString(), column):
            problems.append(does_not_fit(one.name, one.dataType, column, why, way))
        else:
            columns[one.name] = column.name
    left = [name for name in needed if name and name not in columns.values()]
    problems += [column_needed(name, stage.table_name) for name in left]
    if problems:
        raise ProblemError(problems)
    return columns
