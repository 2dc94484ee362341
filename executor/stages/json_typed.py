"""JSON by a schema: every value is read as the text it is, then typed by the rules of TypingTransform, at any depth. Needs pyspark.

Spark's own reading by a schema makes null of what does not fit and says nothing. Here the row keeps a message for each such value in
`_errors`, also for records that are no JSON at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from executor.language.quoting import name_in_sql, text_in_sql
from executor.language.schema import (
    AnyColumn,
    ArrayColumn,
    BooleanColumn,
    Column,
    DateColumn,
    IntegerColumn,
    LongColumn,
    NumberColumn,
    Scalar,
    StructColumn,
    TimestampColumn,
)
from executor.stages.base import Count
from executor.stages.json_shape import FRACTION, INTEGER, TEXT, Kind, Part, Shape, spellings
from executor.stages.typed_frame import (
    ABOUT_ERRORS,
    CORRUPT,
    ERROR_TYPE,
    ERRORS,
    MISSING,
    Watched,
    counts_of,
    require_free_names,
    text_of,
)
from executor.stages.typed_values import failure_text, in_zone, takes_all, value_of

NO_ERRORS = f"CAST(array() AS {ERROR_TYPE})"
ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ISO_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?$"
ISO_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?(Z|[+-][0-9]{2}:?[0-9]{2})$"


def kind_by(columns: list[AnyColumn], shape: Shape) -> Kind:
    """How to read the columns of a schema: texts, from the keys as the documents spell them. Raises ProblemError for taken names."""
    require_free_names(columns, [ERRORS, CORRUPT])
    return _kind_by(columns, shape)


def _kind_by(columns: list[AnyColumn], shape: Shape) -> Kind:
    known = spellings(shape)
    parts = []
    for column in columns:
        keys = known.get(column.name.lower(), (column.name,))
        parts.append(Part(column.name, keys, _kind(column, _shape_of(shape, keys))))
    return Kind(parts=tuple(parts))


def _shape_of(shape: Shape, keys: tuple[str, ...]) -> Shape:
    whole = Shape()
    for key in keys:
        whole = whole.with_other(shape.fields.get(key, Shape()))
    return whole


def _kind(column: AnyColumn, shape: Shape) -> Kind:
    if isinstance(column, StructColumn):
        return _kind_by(column.fields_, shape)
    if isinstance(column, ArrayColumn):
        return Kind(item=_kind(column.element_type, shape.item or Shape()))
    return Kind(single=StringType())


# --- values and errors as SQL -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    """One column of the schema. `text`, `value`: the names of what was read and of what it became. As `typed_frame` has them."""

    column: AnyColumn
    shape: Shape
    text: str
    value: str

    @property
    def is_wrong(self) -> str:
        if isinstance(self.column, Scalar):
            return f"({self.text} IS NOT NULL AND {self.value} IS NULL)"
        return f"(size({_errors(self.column, self.shape, self.text, text_in_sql(self.column.name))}) > 0)"


def _value(column: Column, shape: Shape, raw: str, depth: int = 0) -> str:
    """The value of `raw` (SQL) in a column."""
    if isinstance(column, StructColumn):
        inner = [f"{text_in_sql(one.name)}, {_value(one, _inside(shape, one), _member(raw, one), depth)}" for one in column.fields_]
        return f"IF({raw} IS NULL, NULL, named_struct({', '.join(inner)}))"
    if isinstance(column, ArrayColumn):
        one = f"x{depth}"
        return f"transform({raw}, {one} -> {_value(column.element_type, shape.item or Shape(), one, depth + 1)})"
    assert isinstance(column, Scalar)  # noqa: S101 - there is no other kind of column
    return _single(column, shape, text_of(column, raw))


def _errors(column: Column, shape: Shape, raw: str, place: str, depth: int = 0) -> str:
    """The messages of all values inside that do not fit. `place`: their path, as SQL."""
    if isinstance(column, StructColumn):
        inner = [_errors(one, _inside(shape, one), _member(raw, one), _under(place, "." + one.name), depth) for one in column.fields_]
        return f"concat({', '.join(inner)})"
    if isinstance(column, ArrayColumn):
        one, number = f"x{depth}", f"i{depth}"
        inside = _errors(column.element_type, shape.item or Shape(), one, f"concat({place}, '[', {number}, ']')", depth + 1)
        return f"coalesce(flatten(transform({raw}, ({one}, {number}) -> {inside})), {NO_ERRORS})"
    assert isinstance(column, Scalar)  # noqa: S101 - there is no other kind of column
    text = text_of(column, raw)
    wrong = f"{text} IS NOT NULL AND {_single(column, shape, text)} IS NULL"
    return f"IF({wrong}, array({_error(place, failure_text(column, text))}), {NO_ERRORS})"


def _error(place: str, message: str) -> str:
    return f"named_struct('field', {place}, 'message', {message})"


def _member(raw: str, column: Column) -> str:
    return f"{raw}.{name_in_sql(column.name)}"


def _inside(shape: Shape, column: Column) -> Shape:
    return _shape_of(shape, spellings(shape).get(column.name.lower(), ()))


def _under(place: str, name: str) -> str:
    return f"concat({place}, {text_in_sql(name)})"


def _single(column: Scalar, shape: Shape, text: str) -> str:
    """As TypingTransform, and what JSON itself writes: true, 12.5, an ISO date."""
    if isinstance(column, BooleanColumn):
        return f"coalesce({value_of(column, text)}, CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END)"
    if isinstance(column, NumberColumn):
        return _number(column, shape, text)
    if isinstance(column, DateColumn):
        return f"coalesce({value_of(column, text)}, CASE WHEN rlike({text}, {text_in_sql(ISO_DAY)}) THEN try_cast({text} AS date) END)"
    if isinstance(column, TimestampColumn):
        local = f"CASE WHEN rlike({text}, {text_in_sql(ISO_LOCAL)}) THEN try_cast({text} AS timestamp) END"
        moment = f"CASE WHEN rlike({text}, {text_in_sql(ISO_MOMENT)}) THEN try_cast({text} AS timestamp) END"
        seconds = f"CASE WHEN rlike({text}, '^[0-9]{{9,10}}$') THEN timestamp_seconds(bigint({text})) END"
        counted = [seconds] if shape.kinds & INTEGER else []
        return f"coalesce({', '.join([value_of(column, text), moment, in_zone(column, local), *counted])})"
    return value_of(column, text)


def _number(column: NumberColumn, shape: Shape, text: str) -> str:
    plain = value_of(column.model_copy(update={"formatters": None}), text)
    if isinstance(column, IntegerColumn | LongColumn) and shape.kinds & FRACTION:
        without = f"regexp_extract({text}, '^(-?[0-9]+)[.]0+$', 1)"
        plain = f"coalesce({plain}, try_cast(nullif({without}, '') AS {column.spark_type}))"
    if not column.formatters or not shape.kinds & TEXT:
        return plain
    return f"coalesce({value_of(column, text)}, {plain})"


# --- the frame --------------------------------------------------------------------------------------------------------------


def typed_json(frame: DataFrame, columns: list[AnyColumn], shape: Shape, watched: Watched) -> DataFrame:
    """`frame` (the columns of the schema as texts, CORRUPT behind them, then what the extract added) typed, with `_errors` last."""
    internal = [name for name in frame.columns[len(columns) :] if name != CORRUPT]
    kept = [F.col(name_in_sql(name)).alias(name, metadata=frame.schema[name].metadata) for name in internal]
    cells = [_cell(column, shape, place) for place, column in enumerate(columns)]
    plain = frame.toDF(*[f"_sluice_raw_{place}" for place in range(len(columns))], *frame.columns[len(columns) :])
    texts = plain.selectExpr(*[f"{_prepared(cell, place)} AS {cell.text}" for place, cell in enumerate(cells)], CORRUPT, *internal)
    values = texts.selectExpr("*", *[f"{_typed(cell)} AS {cell.value}" for cell in cells])
    counts = _counts(cells)
    counted = watched(values, counts, " OR ".join(count.condition for count in counts))
    return counted.select(
        *[F.col(cell.value).alias(cell.column.name, metadata=cell.column.spark_metadata()) for cell in cells],
        *kept,
        F.expr(_all_errors(cells)).alias(ERRORS, metadata=ABOUT_ERRORS),
    )


def without_errors(frame: DataFrame) -> DataFrame:
    """A frame without rows, with the column that `typed_json` adds."""
    return frame.select("*", F.expr(NO_ERRORS).alias(ERRORS, metadata=ABOUT_ERRORS))


def _cell(column: AnyColumn, shape: Shape, place: int) -> _Cell:
    return _Cell(column, _inside(shape, column), f"_sluice_text_{place}", f"_sluice_value_{place}")


def _prepared(cell: _Cell, place: int) -> str:
    raw = f"_sluice_raw_{place}"
    return text_of(cell.column, raw) if isinstance(cell.column, Scalar) else raw


def _typed(cell: _Cell) -> str:
    column = cell.column
    return _single(column, cell.shape, cell.text) if isinstance(column, Scalar) else _value(column, cell.shape, cell.text)


def _is_missing(cell: _Cell) -> str | None:
    is_needed = getattr(cell.column, "nullable", True) is False
    return f"({cell.text} IS NULL AND {CORRUPT} IS NULL)" if is_needed else None


def _is_broken(first: str) -> str:
    """The record is no JSON. Also says something of a column, as Spark does not read CORRUPT alone."""
    return f"({_is_corrupt(first)} AND try_parse_json({CORRUPT}) IS NULL)"


def _is_corrupt(first: str) -> str:
    return f"({CORRUPT} IS NOT NULL AND ({first} IS NULL OR length(string({first})) >= 0))"


def _counts(cells: list[_Cell]) -> list[Count]:
    first = cells[0].text
    found = [Count(None, "not-json", _is_broken(first))]
    found.append(Count(None, "another-shape", f"({_is_corrupt(first)} AND try_parse_json({CORRUPT}) IS NOT NULL)"))
    for cell in cells:
        if isinstance(cell.column, Scalar):
            found += counts_of(cell.column, cell.text, cell.value, None if takes_all(cell.column) else cell.is_wrong)
        else:
            found.append(Count(cell.column.name, "not-inside", cell.is_wrong))
        missing = _is_missing(cell)
        found += [Count(cell.column.name, "missing", missing)] if missing else []
    return found


def _all_errors(cells: list[_Cell]) -> str:
    first = cells[0].text
    told = f"IF({_is_broken(first)}, 'This record is not JSON: ', 'This record has another shape than the schema says: ')"
    record = f"IF({_is_corrupt(first)}, array({_error(text_in_sql(CORRUPT), f'concat({told}, {CORRUPT})')}), {NO_ERRORS})"
    return f"concat({', '.join([record, *map(_cell_errors, cells)])})"


def _cell_errors(cell: _Cell) -> str:
    place = text_in_sql(cell.column.name)
    if not isinstance(cell.column, Scalar):
        wrong = _errors(cell.column, cell.shape, cell.text, place)
    else:
        wrong = f"IF({cell.is_wrong}, array({_error(place, failure_text(cell.column, cell.text))}), {NO_ERRORS})"
    missing = _is_missing(cell)
    return f"IF({missing}, array({_error(place, text_in_sql(MISSING))}), {wrong})" if missing else wrong
