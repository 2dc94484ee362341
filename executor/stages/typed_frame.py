"""A frame of texts as a frame of typed columns with `_errors`: the work of TypingTransform. Needs pyspark.

Two projections: the first turns texts into values, the second compares both and writes the errors, so that nothing is converted twice.
Rows that must stop the run are caught by a filter between them that Spark cannot move or leave out. Where only who asks for a column is to
be stopped by its values, there is a third one instead, of which Spark leaves out what nobody asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructType

from executor.files.headers import in_quotes
from executor.files.headers import key as key_of
from executor.files.stand_ins import NULL_WORDS
from executor.language.number_patterns import OTHER_BLANKS
from executor.language.quoting import name_in_sql, text_in_sql
from executor.language.schema import AnyColumn, ArrayColumn, BooleanColumn, Scalar, StringColumn, StructColumn
from executor.problems import Problem, ProblemError
from executor.stages.base import Count
from executor.stages.internal_columns import is_internal
from executor.stages.typed_values import (
    failure_text,
    is_ahead,
    is_inexact,
    is_maybe_code,
    is_one_of,
    is_too_fine,
    is_twice,
    is_two_ways,
    takes_all,
    value_of,
)
from executor.stages.typing_errors import raised

ERRORS = "_errors"
CORRUPT = "_corrupt_record"
"""Where an extract of JSON keeps the text of records that it cannot read."""
EARLIER = "_sluice_earlier_errors"
"""What an earlier stage told of the row: a row that the extract rejected stays one."""
ERROR_TYPE = "array<struct<field:string,message:string>>"
FULL_ERROR_TYPE = "array<struct<field:string,message:string,value:string,expected:string>>"
MISSING = "Non-null value expected and no nullReplacementValue value was provided"
JAVA_BLANKS = "".join(chr(code) for code in range(33))
ABOUT_ERRORS = {
    "internal": True,
    "description": "An Arc internal field detailing any errors when executing TypingTransform against this row.",
}


@dataclass(frozen=True)
class _Cell:
    """One column on its way. `source`: what gives its text; `text`, `value`: their names in the first projection."""

    column: AnyColumn
    source: str
    conversion: str | None
    text: str
    value: str

    @property
    def is_wrong(self) -> str:
        is_unfit = f"{self.text} IS NOT NULL AND {self.value} IS NULL"
        return f"({is_unfit})" if getattr(self.column, "nullable", True) else f"({self.value} IS NULL)"

    @property
    def keeps_wrong(self) -> bool:
        """Whether a row may be kept whose value does not fit: not where one must be there, which stops the run before."""
        return getattr(self.column, "nullable", True) and not takes_all(self.column)

    @property
    def error(self) -> str:
        return f"named_struct('field', {text_in_sql(self.column.name)}, 'message', {self._message})"

    @property
    def full_error(self) -> str:
        """For a problem: with the value and what was expected."""
        field, expected = text_in_sql(self.column.name), text_in_sql(expected_words(self.column))
        return f"named_struct('field', {field}, 'message', {self._message}, 'value', {self.text}, 'expected', {expected})"

    @property
    def _message(self) -> str:
        return f"IF({self.text} IS NULL, '{MISSING}', {failure_text(self.column, self.text)})"


STOPS = "_sluice_stops"
"""Whether a value of the row must stop the run. It and the next one are worked out beside the values, where these are at hand: every row
is asked for them, and only few for more."""
AFFECTED = "_sluice_affected"
"""Whether there is something to count in the row; true wherever a value that does not fit is kept as none."""
WRONG = "_sluice_wrong"
"""What does not fit in the row, with value and expectation, where each column stops by itself."""
Watched = Callable[[DataFrame, list[Count], str], DataFrame]
"""Makes a frame count its rows: those of each count, and those that the SQL condition is true of."""
Kept = Callable[[DataFrame], DataFrame]
"""Makes a frame keep its rows in memory, or leaves it as it is."""


def typed_frame(
    source: DataFrame, columns: list[AnyColumn], *, stage: str, fail_fast: bool, watched: Watched, kept_below: Kept | None = None
) -> DataFrame:
    """`source` with its columns typed by position, internal columns behind them, `_errors` last. Raises ProblemError when schema and
    data cannot go together; values that must stop the run raise when the frame is read (`typing_errors.problem_from`). `kept_below`: with
    `fail_fast`, a value stops only what reads its column; it may keep the rows below that."""
    internal = [name for name in source.columns if is_internal(source, name)]
    data = [name for name in source.columns if name not in internal]
    kept = [name_in_sql(name) for name in internal if name != ERRORS]
    _require_same_count(columns, data)
    require_free_names(columns, [ERRORS, *internal])
    cells = [_cell(source, name, column, index) for index, (name, column) in enumerate(zip(data, columns, strict=True))]
    checked = [cell for cell in cells if cell.conversion]
    earlier = [f"{ERRORS} AS {EARLIER}"] if ERRORS in internal else []
    texts = source.selectExpr(*[f"{cell.source} AS {cell.text}" for cell in cells], *kept, *earlier)
    values = texts.selectExpr("*", *[f"{cell.conversion} AS {cell.value}" for cell in checked])
    by_column = kept_below if fail_fast and not earlier else None
    stopping = checked if fail_fast else [cell for cell in checked if not getattr(cell.column, "nullable", True)]
    kept_wrong = [] if fail_fast else [cell for cell in checked if cell.keeps_wrong]
    counts = _counts(checked, kept_wrong)
    counts += [_null_words(cell) for name, cell in zip(data, cells, strict=True) if _may_hold_null_words(source, name, cell)]
    marked = _marked(values, stopping, counts)
    guarded = marked if by_column else _guarded(marked, stopping, stage, fail_fast)
    rarely = [replace(count, condition=f"({AFFECTED} AND {count.condition})") for count in counts]
    counted = watched(guarded, rarely, AFFECTED) if checked else guarded
    finished = [F.col(cell.value).alias(cell.column.name, metadata=cell.column.spark_metadata()) for cell in cells]
    if by_column:
        below = by_column(counted.select(*finished, *kept, F.expr(_errors(checked, STOPS, full=True)).alias(WRONG)))
        return _stopping_by_column(below, cells, kept, stage)
    errors = F.expr(_all_errors(kept_wrong, has_earlier=bool(earlier)))
    return counted.select(*finished, *kept, errors.alias(ERRORS, metadata=ABOUT_ERRORS))


def _counts(cells: list[_Cell], kept_wrong: list[_Cell]) -> list[Count]:
    return [
        count for cell in cells for count in counts_of(cell.column, cell.text, cell.value, cell.is_wrong if cell in kept_wrong else None)
    ]


def _marked(values: DataFrame, stopping: list[_Cell], counts: list[Count]) -> DataFrame:
    """`values` with STOPS and AFFECTED."""
    affected = " OR ".join(count.condition for count in counts) or "false"
    return values.selectExpr("*", f"({_any_wrong(stopping)}) AS {STOPS}", f"coalesce({affected}, false) AS {AFFECTED}")


def _stopping_by_column(frame: DataFrame, cells: list[_Cell], kept: list[str], stage: str) -> DataFrame:
    """`frame`, of which each column raises at its own first value that does not fit; `_errors` tells which those are, and raises not."""
    facts = {"stage": text_in_sql(stage), "mode": "'failfast'"} | _where(frame)
    columns = []
    for cell in cells:
        name, own = name_in_sql(cell.column.name), f"error -> error.field = {text_in_sql(cell.column.name)}"
        stops = raised(facts | {"errors": f"filter({WRONG}, {own})"}, is_fixed=False)
        value = f"CASE WHEN size({WRONG}) > 0 AND exists({WRONG}, {own}) THEN {stops} ELSE {name} END" if cell.conversion else name
        columns.append(F.expr(value).alias(cell.column.name, metadata=cell.column.spark_metadata()))
    told = f"CAST(transform({WRONG}, error -> named_struct('field', error.field, 'message', error.message)) AS {ERROR_TYPE})"
    return frame.select(*columns, *kept, F.expr(told).alias(ERRORS, metadata=ABOUT_ERRORS))


def _may_hold_null_words(source: DataFrame, name: str, cell: _Cell) -> bool:
    is_text = isinstance(cell.column, StringColumn) and not cell.column.null_is_text
    return is_text and bool(cell.conversion) and bool(source.schema[name].metadata.get("nullWords"))


def _null_words(cell: _Cell) -> Count:
    """Words of databases for no value, that the column does not call so."""
    return Count(cell.column.name, "null-word", is_one_of(cell.text, list(NULL_WORDS)))


def in_order_of(source: DataFrame, columns: list[AnyColumn]) -> DataFrame | None:
    """`source` with its columns in the order of the schema, where it has the same names in another one: by position each value would get
    another's name. None where the order is the same, or the names are not, which then only rename by position."""
    internal = [name for name in source.columns if is_internal(source, name)]
    data = {key_of(name): name for name in source.columns if name not in internal}
    wanted = [key_of(column.name) for column in columns]
    if list(data) == wanted or len(data) + len(internal) != len(source.columns) or sorted(data) != sorted(wanted):
        return None
    return source.select(*[name_in_sql(name) for name in [*[data[name] for name in wanted], *internal]])


def moved_names(source: DataFrame, columns: list[AnyColumn]) -> list[tuple[str, str]]:
    """(name in the data, name it gets) of each column that gets the name of another column of the data, in order."""
    data = [name for name in source.columns if not is_internal(source, name)]
    known = {key_of(name) for name in data}
    pairs = zip(data, (column.name for column in columns), strict=False)
    return [(name, given) for name, given in pairs if key_of(name) != key_of(given) and key_of(given) in known]


def require_free_names(columns: list[AnyColumn], taken: Sequence[str]) -> None:
    """Raises ProblemError when a column of the schema has the name of one that a stage adds."""
    names = {name.lower() for name in taken}
    found = next((column.name for column in columns if column.name.lower() in names), None)
    if found:
        raise ProblemError(
            Problem(
                code="reserved-name",
                field="schema",
                message=f"The schema has a column “{found}”; a column of this name is added by the stages themselves.",
                found=found,
                expected="another name",
                fix="Call it otherwise, or leave it out of the schema.",
            )
        )


def _all_errors(cells: list[_Cell], *, has_earlier: bool) -> str:
    """A row without values, since an earlier stage rejected it, has that stage's errors and no others."""
    own = _errors(cells, AFFECTED)
    return f"IF(size({EARLIER}) > 0, {EARLIER}, {own})" if has_earlier else own


def counts_of(column: AnyColumn, text: str, value: str, is_wrong: str | None) -> list[Count]:
    """What to tell of a column: values that do not fit (`is_wrong`; None where there can be none), and values that could not be kept as
    they are."""
    facts = (column, text, value)
    kinds = {
        "time-twice": is_twice(*facts),
        "not-exact": is_inexact(*facts),
        "maybe-code": is_maybe_code(*facts),
        "too-fine": is_too_fine(*facts),
        "year-ahead": is_ahead(*facts),
        "fits-two": is_two_ways(*facts),
    }
    kept = [Count(column.name, kind, condition) for kind, condition in kinds.items() if condition]
    return ([Count(column.name, f"not-{column.type}", is_wrong)] if is_wrong else []) + kept


def _require_same_count(columns: list[AnyColumn], data: list[str]) -> None:
    if len(columns) == len(data):
        return
    if CORRUPT in data and len(data) == len(columns) + 1:
        raise ProblemError(_not_json())
    words = "TypingTransform can only be performed on tables with the same number of columns"
    raise ProblemError(
        Problem(
            code="column-count",
            field="schema",
            message=f"{words}, but the schema has {len(columns)} columns and the data table has {len(data)} columns.",
            found=f"data: {', '.join(data[:30])}",
            expected=f"schema: {', '.join(column.name for column in columns[:30])}",
            fix=_fix_of_count(columns, data),
        )
    )


def _fix_of_count(columns: list[AnyColumn], data: list[str]) -> str:
    """By name, where names tell which columns are too many or missing."""
    there, wanted = {key_of(name) for name in data}, {key_of(column.name) for column in columns}
    lacking = [column.name for column in columns if key_of(column.name) not in there]
    more = [name for name in data if key_of(name) not in wanted]
    if len(data) - len(more) != len(columns) - len(lacking) or len(more) == len(data):
        return "Add the missing columns to the schema, or take out those that the data does not have."
    told = [f"Add {in_quotes(more)} to the schema, or leave it out in a query before this stage."] if more else []
    told += [f"The data has no {in_quotes(lacking)}: look at what is read, or take it out of the schema."] if lacking else []
    return " ".join(told)


def _not_json() -> Problem:
    return Problem(
        code="not-json-records",
        field="schema",
        message="Some records of the input are not JSON, or hold a number of more than 1,000 digits: they were not read.",
        found=f"a column {CORRUPT}, which holds their text",
        expected="records that can be read",
        fix=f"Look at them in the preview of the stage that reads, and correct the file. Or leave them out in a query before this stage: "
        f"SELECT * EXCEPT ({CORRUPT}) … WHERE {CORRUPT} IS NULL.",
    )


def _cell(source: DataFrame, name: str, column: AnyColumn, index: int) -> _Cell:
    kind = source.schema[name].dataType
    raw, text, value = name_in_sql(name), f"_sluice_text_{index}", f"_sluice_value_{index}"
    if isinstance(kind, StringType) and isinstance(column, Scalar):
        return _Cell(column, text_of(column, raw), value_of(column, text), text, value)
    is_nested = isinstance(column, StructColumn | ArrayColumn) and isinstance(kind, StructType | ArrayType)
    if not is_nested and kind.simpleString() != column.type_text():
        raise ProblemError(_not_text(name, kind.simpleString(), column))
    return _Cell(column, raw, None, text, text)


def text_of(column: Scalar, raw: str) -> str:
    """The text to convert; null where there is no value."""
    is_text = isinstance(column, StringColumn)
    blanks = JAVA_BLANKS if is_text else JAVA_BLANKS + OTHER_BLANKS
    text = f"sluice_trimmed({raw}, {text_in_sql(blanks)})" if column.trim else raw
    if column.nullable_values:
        text = f"IF({is_one_of(text, column.nullable_values)}, NULL, {text})"
    replacement = column.null_replacement_value
    if replacement is None:
        return text
    return f"coalesce({text}, {text_in_sql(replacement.strip(blanks) if column.trim and not is_text else replacement)})"


def _not_text(name: str, found: str, column: AnyColumn) -> Problem:
    if isinstance(column, StructColumn | ArrayColumn):
        kind = "StructColumn" if isinstance(column, StructColumn) else "ArrayColumn"
        return Problem(
            code="type-from-text",
            field="schema",
            message=f"TypingTransform does not support '{kind}' type.",
            data_column=name,
            found=found,
            expected=f"{column.type_text()} already: what has parts is never made of text",
            fix="Look at this column where it is read: its values are not what they were, or take it out of the schema.",
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
    if not cells:
        return frame
    facts = {"stage": text_in_sql(stage), "mode": "'failfast'" if fail_fast else "'permissive'", "errors": _wrong_ones(cells, full=True)}
    facts |= _where(frame)
    is_read = f"coalesce(size({EARLIER}), 0) = 0 AND " if EARLIER in frame.columns else ""
    return frame.filter(f"CASE WHEN {is_read}{STOPS} THEN boolean({raised(facts)}) ELSE true END")


def _where(frame: DataFrame) -> dict[str, str]:
    """Row and file of a row, as facts of what is raised there."""
    return {key: name for name, key in (("_index", "row"), ("_filename", "file")) if name in frame.columns}


def _errors(cells: list[_Cell], if_any: str, *, full: bool = False) -> str:
    """The errors of a row. `if_any`: a column that is true wherever there is one."""
    none = f"CAST(array() AS {FULL_ERROR_TYPE if full else ERROR_TYPE})"
    return f"CASE WHEN {if_any} THEN {_wrong_ones(cells, full=full)} ELSE {none} END" if cells else none


def _any_wrong(cells: list[_Cell]) -> str:
    return " OR ".join(cell.is_wrong for cell in cells) or "false"


def _wrong_ones(cells: list[_Cell], *, full: bool) -> str:
    """The errors of a row. A lambda, as Spark then keeps the long list of cases out of the code it compiles for every row."""
    found = ", ".join(f"IF({cell.is_wrong}, {cell.full_error if full else cell.error}, NULL)" for cell in cells)
    return f"filter(array({found}), error -> error IS NOT NULL)"


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
