"""What a load into a database refuses, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql.types import AtomicType, DataType

from executor.databases.engine import Column
from executor.databases.session import Way
from executor.language.quoting import name_in_sql
from executor.plain import counted, did_you_mean
from executor.problems import Foreign, Problem

if TYPE_CHECKING:
    from executor.stages.load.jdbc_load import JDBCLoad


def no_type(name: str, kind: DataType, way: Way) -> Problem:
    fix = (
        "CAST it to the type it is meant to have." if isinstance(kind, AtomicType) else f"Make a text of it: to_json({name_in_sql(name)})."
    )
    return Problem(
        code="column-type",
        field="inputView",
        message=f"{way.engine.dialect} has no type for the column “{name}” ({kind.simpleString()[:60]}).",
        data_column=name,
        fix=f"In the SQL before: {fix}",
    )


def does_not_fit(name: str, kind: DataType, column: Column, why: str, way: Way) -> Problem:
    return Problem(
        code="column-type",
        field="inputView",
        message=f"The column “{name}” ({kind.simpleString()[:60]}) does not fit “{column.name}” in the table ({column.type}). {why}",
        data_column=name,
        found=kind.simpleString()[:60],
        expected=column.type + (f"({column.digits},{column.scale})" if column.type in ("numeric", "decimal") else ""),
        fix="Convert it in the SQL before, or change the table.",
    )


def column_not_there(name: str, known: Sequence[str], table: str) -> Problem:
    return Problem(
        code="column-unknown",
        field="inputView",
        message=f"The table “{table}” has no column “{name}”.",
        data_column=name,
        found=name,
        expected="one of " + ", ".join(known),
        fix=did_you_mean(name, known) or "Leave it out in the SQL before, or give the table such a column.",
    )


def column_needed(name: str, table: str) -> Problem:
    return Problem(
        code="column-missing",
        field="inputView",
        message=f"The table “{table}” needs a value for “{name}”, and the view has no such column.",
        expected=name,
        fix="Make it in the SQL before.",
    )


def table_exists(table: str) -> Problem:
    words = f"The table “{table}” is there already, and this stage must not change it."
    return Problem(code="output-exists", field="tableName", message=words, fix="Choose Overwrite, Append or Merge, or another table.")


def loaded_twice(table: str) -> Problem:
    words = f"Two stages of this job write to “{table}”."
    return Problem(code="output-twice", field="tableName", message=words, fix="Join their rows before (UNION ALL), and write them once.")


def rows_lost(meant: int, there: int, table: str) -> Problem:
    return Problem(
        code="rows-lost",
        field="tableName",
        message=f"“{table}” would get another number of rows than were to be written. Nothing was changed.",
        found=counted(there, "row", "rows"),
        expected=counted(meant, "row", "rows"),
        fix="Look for triggers and rules of the table; if there are none, run it again.",
    )


def other_capitals(table: str, there: str) -> Problem:
    return Problem(
        code="table-capitals",
        field="tableName",
        message=f"The database has a table “{there}”; “{table}” would be another one beside it.",
        found=table,
        expected=there,
        fix="Write the name with the same small and capital letters, or choose another name.",
    )


def rows_follow(table: str, others: Sequence[str]) -> Problem:
    names = ", ".join(f"“{one}”" for one in sorted(set(others)))
    return Problem(
        code="overwrite-cascades",
        field="saveMode",
        message=f"Overwrite takes all rows out of “{table}” first, and with them the database would delete or empty rows of {names}.",
        found=names[:200],
        expected="a table on whose rows no other one depends",
        fix="Choose Merge or Append; or have the foreign key of the other table refuse it (ON DELETE NO ACTION), or that table inherit no "
        "longer.",
    )


def no_key(stage: JDBCLoad, without: int, double: Sequence[str | None] | None) -> Problem:
    if without:
        words = f"{counted(without, 'row has', 'rows have')} no value in the key."
        return Problem(code="merge-key", field="mergeKeys", message=words, fix="Leave them out in the SQL before, or choose another key.")
    return Problem(
        code="merge-key-twice",
        field="mergeKeys",
        message="Two rows have the same key, so it is not clear which of them is to stay.",
        value=Foreign(", ".join(map(str, (double or [])[:-1]))[:200]),
        found=", ".join(stage.merge_keys),
        fix="Keep one row for each key in the SQL before, for instance with row_number().",
    )


def not_known(names: Sequence[str]) -> Problem:
    tables = ", ".join(f"“{name}”" for name in names)
    return Problem(
        code="database-not-known",
        field="connection",
        message=f"The connection broke off while the rows became visible: whether they are in {tables} is not known.",
        fix="Look into the table before you run it again.",
    )
