"""What the plan of a query says is hardly meant, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from executor.problems import Problem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from executor.gate.sql_gate import Gate


def of_plan(gate: Gate, frame: DataFrame, field: str) -> Iterator[Problem]:
    """What the plan of this query says."""
    if crossed := gate.crossed(frame):
        yield under_other_names(crossed, field)
    if words := gate.numbered(frame):
        yield no_row_as_another(words, field)
    if pairs := gate.unlinked(frame):
        yield each_with_each(pairs, field)
    if names := gate.of_outer(frame):
        yield names_of_outer(names, field)
    if columns := gate.shadowed(frame):
        yield grouped_by_the_column(columns, field)


def hints_of_plan(gate: Gate, frame: DataFrame, field: str) -> Iterator[Problem]:
    """What may well be meant: told in previews and while somebody writes; in runs it is a line of the log."""
    for kind, view, column in gate.undone(frame):
        yield join_undone(kind, view, column, field)
    for column, type_, is_text in gate.as_doubles(frame):
        yield compared_as_doubles(column, type_, field, is_text=is_text)


def compared_as_doubles(column: str, type_: str, field: str, *, is_text: bool) -> Problem:
    other = "a text" if is_text else "a double"
    return Problem(
        code="compared-as-double",
        field=field,
        message=f"{f'“{column}”' if column else 'A number'} ({type_}) is compared with {other} as a double, which holds 15 digits: "
        "numbers that differ behind them are taken for one.",
        found=column or None,
        fix=("Write the number without quotes, or make" if is_text else "Make")
        + f" {other} a number of the same type: CAST(… AS {type_}).",
        severity="warning",
    )


def join_undone(kind: str, view: str, column: str, field: str) -> Problem:
    where = f" in “{view}”" if view else ""
    name = f"{view}.{column}" if view else column
    return Problem(
        code="join-undone",
        field=field,
        message=f"{kind} JOIN keeps rows that have no match{where}, and the condition on “{name}” behind it takes them out again.",
        found=name,
        fix="If they are to stay, write the condition into ON, behind AND. If they are to go, nothing needs to be done; JOIN says so.",
        severity="warning",
    )


def under_other_names(crossed: list[tuple[str, str]], field: str) -> Problem:
    told = ", ".join(f"“{name}” comes under “{under}”" for name, under in crossed[:5])
    told += f", and {len(crossed) - 5:,} more" if len(crossed) > 5 else ""
    return Problem(
        code="columns-by-place",
        field=field,
        message=f"UNION, EXCEPT and INTERSECT go by the places of columns, not by their names: {told}.",
        found=told,
        fix="Write the columns of each SELECT in the same order. If it is meant so, say it: give the column its new name with AS.",
    )


def no_row_as_another(words: list[str], field: str) -> Problem:
    listed = " and ".join(words)
    return Problem(
        code="rows-numbered",
        field=field,
        message=f"Each row comes with the number that its reading gave it (“_index”), so that {listed} "
        f"{'finds' if len(words) == 1 else 'find'} no two rows that are the same.",
        found=listed,
        fix="Name the columns that are to be compared instead of *, or write * EXCEPT (_filename, _index).",
    )


def each_with_each(pairs: list[tuple[str, str]], field: str) -> Problem:
    listed = ", ".join(f"“{one}” and “{other}”" for one, other in pairs if one and other) or "Two parts of FROM"
    return Problem(
        code="rows-each-with-each",
        field=field,
        message=f"{listed} stand in FROM with no condition between them: each row of one comes with each row of the other.",
        found=listed,
        fix="Say in ON or WHERE which rows belong together. If all pairs are meant, write CROSS JOIN.",
    )


def names_of_outer(names: list[str], field: str) -> Problem:
    listed = ", ".join(f"“{name}”" for name in names)
    return Problem(
        code="name-of-outer-query",
        field=field,
        message=f"In the list of IN {listed} is a column of the query around it, as the views of the list have none of that name: "
        "the condition holds for every row whose list is not empty.",
        found=listed,
        fix="Name the column of the list's own view, with the view before it.",
    )


def grouped_by_the_column(columns: list[str], field: str) -> Problem:
    listed = ", ".join(f"“{name}”" for name in columns)
    return Problem(
        code="grouped-by-column",
        field=field,
        message=f"GROUP BY goes by the column {listed}, not by what SELECT calls so: what looks like one group may come in several rows.",
        found=listed,
        fix="Group by the expression itself (or by its place: GROUP BY 1), or give it another name behind AS.",
    )
