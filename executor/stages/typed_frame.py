"""A frame of texts as a frame of typed columns with `_errors`: the work of TypingTransform. Needs pyspark.

Two projections: the first turns texts into values, the second compares both and writes the errors, so that nothing is converted twice.
Rows that must stop the run are caught by a filter between them that Spark cannot move or leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructType

from executor.problems import Problem, ProblemError
from executor.schema import AnyColumn, ArrayColumn, BooleanColumn, Scalar, StructColumn
from executor.stages.internal_columns import is_internal
from executor.stages.typed_values import failure_text, value_of
from executor.stages.typing_errors import raised

ERRORS = "_errors"
ERROR_TYPE = "array<struct<field:string,message:string>>"
MISSING = "Non-null value expected and no nullReplacementValue value was provided"
JAVA_BLANKS = "".join(chr(code) for code in range(33))
_ABOUT_ERRORS = {
    "internal": True,
    "description": "An Arc internal field detailing any errors when executing TypingTransform against this row.",
}


@dataclass(frozen=True)
class _Cell:
    """One column on its way: where its text and its value stand in the first projection."""

    column: AnyColumn
    text: Column
    value: Column
    text_name: str
    value_name: str
    is_typed_already: bool

    @property
    def is_wrong(self) -> Column:
        text, value = F.col(self.text_name), F.col(self.value_name)
        unfit = text.isNotNull() & value.isNull()
        return unfit if getattr(self.column, "nullable", True) else value.isNull()

    @property
    def message(self) -> Column:
        text = F.col(self.text_name)
        return F.when(text.isNull(), F.lit(MISSING)).otherwise(failure_text(self.column, text))

    @property
    def error(self) -> Column:
        return F.struct(F.lit(self.column.name).alias("field"), self.message.alias("message"))

    @property
    def full_error(self) -> Column:
        """For a problem: with the value and what was expected."""
        return F.struct(
            F.lit(self.column.name).alias("field"),
            self.message.alias("message"),
            F.col(self.text_name).alias("value"),
            F.lit(expected_words(self.column)).alias("expected"),
        )


def typed_frame(source: DataFrame, columns: list[AnyColumn], *, stage: str, fail_fast: bool) -> DataFrame:
    """`source` with its columns typed by position, internal columns behind them, `_errors` last. Raises ProblemError when schema and
    data cannot go together; values that must stop the run raise when the frame is read (`typing_errors.problem_from`)."""
    internal = [name for name in source.columns if is_internal(source, name)]
    data = [name for name in source.columns if name not in internal]
    _require_same_count(columns, data)
    zone = source.sparkSession.conf.get("spark.sql.session.timeZone") or "UTC"
    cells = [_cell(source, name, column, index, zone) for index, (name, column) in enumerate(zip(data, columns, strict=True))]
    checked = [cell for cell in cells if not cell.is_typed_already]
    first = source.select(
        *[cell.value.alias(cell.value_name) for cell in cells],
        *[cell.text.alias(cell.text_name) for cell in checked],
        *[F.col(f"`{name}`") for name in internal if name != ERRORS],
    )
    guarded = _guarded(first, checked, stage, fail_fast)
    return guarded.select(
        *[F.col(cell.value_name).alias(cell.column.name, metadata=cell.column.spark_metadata()) for cell in cells],
        *[F.col(f"`{name}`") for name in internal if name != ERRORS],
        _errors(checked).alias(ERRORS, metadata=_ABOUT_ERRORS),
    )


def _require_same_count(columns: list[AnyColumn], data: list[str]) -> None:
    if len(columns) == len(data):
        return
    words = "TypingTransform can only be performed on tables with the same number of columns"
    raise ProblemError(
        Problem(
            code="column-count",
            field="schema",
            message=f"{words}, but the schema has {len(columns)} columns and the data table has {len(data)} columns.",
            found=f"data: {', '.join(data[:30])}",
            expected=f"schema: {', '.join(column.name for column in columns[:30])}",
            fix="Add the missing columns to the schema, or take out those that the data does not have.",
        )
    )


def _cell(source: DataFrame, name: str, column: AnyColumn, index: int, zone: str) -> _Cell:
    kind = source.schema[name].dataType
    raw = F.col(f"`{name}`")
    value_name, text_name = f"_sluice_value_{index}", f"_sluice_text_{index}"
    if isinstance(kind, StringType) and isinstance(column, Scalar):
        text = _text(column, raw)
        return _Cell(column, text, value_of(column, text, zone), text_name, value_name, is_typed_already=False)
    if isinstance(column, StructColumn | ArrayColumn) and isinstance(kind, StructType | ArrayType):
        return _Cell(column, raw, raw, text_name, value_name, is_typed_already=True)
    if kind.simpleString() != column.type_text():
        raise ProblemError(_not_text(name, kind.simpleString(), column))
    return _Cell(column, raw, raw, text_name, value_name, is_typed_already=True)


def _text(column: Scalar, raw: Column) -> Column:
    """The text to convert; null where there is no value."""
    text = F.btrim(raw, F.lit(JAVA_BLANKS)) if column.trim else raw
    if column.nullable_values:
        text = F.when(~text.isin(column.nullable_values), text)
    replacement = column.null_replacement_value
    return text if replacement is None else F.coalesce(text, F.lit(replacement))


def _not_text(name: str, found: str, column: AnyColumn) -> Problem:
    if isinstance(column, StructColumn | ArrayColumn):
        kind = "StructColumn" if isinstance(column, StructColumn) else "ArrayColumn"
        return Problem(
            code="type-from-text", field="schema", message=f"TypingTransform does not support '{kind}' type.", data_column=name, found=found
        )
    return Problem(
        code="not-text",
        field="schema",
        message=f"The column “{name}” is of type {found}, and the schema wants {column.type_text()}. Only text can be typed.",
        data_column=name,
        found=found,
        expected="text (string), or the type itself",
        fix=f"Give the column the type {found} in the schema, or cast it in an SQLTransform before.",
    )


def _guarded(frame: DataFrame, cells: list[_Cell], stage: str, fail_fast: bool) -> DataFrame:
    """`frame`, which raises at the first row that must stop the run."""
    strict = cells if fail_fast else [cell for cell in cells if not getattr(cell.column, "nullable", True)]
    if not strict:
        return frame
    errors = F.array_compact(F.array(*[F.when(cell.is_wrong, cell.full_error) for cell in strict]))
    facts = {"stage": F.lit(stage), "mode": F.lit("failfast" if fail_fast else "permissive"), "errors": errors}
    for name, key in (("_index", "row"), ("_filename", "file")):
        if name in frame.columns:
            facts[key] = F.col(name)
    stop = raised(facts).cast("boolean")
    return frame.filter(F.when(reduce(Column.__or__, [cell.is_wrong for cell in strict]), stop).otherwise(F.lit(True)))


def _errors(cells: list[_Cell]) -> Column:
    none = F.array().cast(ERROR_TYPE)
    if not cells:
        return none
    found = F.array_compact(F.array(*[F.when(cell.is_wrong, cell.error) for cell in cells]))
    return F.when(reduce(Column.__or__, [cell.is_wrong for cell in cells]), found).otherwise(none)


def expected_words(column: AnyColumn) -> str:
    """What a value of the column looks like, for a person."""
    if isinstance(column, BooleanColumn):
        return "one of " + ", ".join([*column.true_values, *column.false_values])
    kinds = {
        "integer": "a whole number",
        "long": "a whole number",
        "double": "a number",
        "decimal": f"a number that fits {column.type_text()}",
        "string": "a text that keeps the column's rules",
        "binary": "bytes",
    }
    formats = getattr(column, "formatters", None)
    return kinds.get(column.type, f"a {column.type}") + (f" written as {' or '.join(formats)}" if formats else "")
