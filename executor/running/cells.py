"""Rows of a view as JSON: cells are cut inside Spark's plan, so that one huge value never reaches this process."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from executor.language import json_text
from executor.stages.bytes_text import base64_text

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

MAX_CELL = 4_000
"""Characters of one cell."""
MAX_TOTAL = 2_000_000
"""Bytes of all rows together, as JSON."""
MAX_ROWS = 1_000
CUT_MARK = "…"
MOMENTS = {"timestampFormat": "yyyy-MM-dd HH:mm:ss.SSSSSS", "timestampNTZFormat": "yyyy-MM-dd HH:mm:ss.SSSSSS"}
"""How times inside of structs travel: with all the digits they have."""
LARGEST_EXACT = 2**53
"""Beyond it a browser's numbers are not exact: such integers travel as text."""


def columns_of(frame: DataFrame) -> list[dict[str, Any]]:
    """name, type (Spark's simple string) and nullable of each column; internal of those that a stage added, such as _filename."""
    return [
        {"name": field.name, "type": field.dataType.simpleString(), "nullable": field.nullable}
        | ({"internal": True} if field.metadata.get("internal") else {})
        for field in frame.schema.fields
    ]


def called(names: Any, own: Sequence[str]) -> list[str]:
    """What columns are to be called that a frame calls `own`: `names`, one for each in their order; where they do not fit, as before."""
    fits = isinstance(names, list) and len(names) == len(own) and all(isinstance(name, str) and name for name in names)
    return list(names) if fits and len({name.casefold() for name in names}) == len(own) else list(own)


def with_names(columns: list[dict[str, Any]], names: Any) -> list[dict[str, Any]]:
    """`columns` as of `columns_of`, those of the data under these names."""
    given = iter(called(names, [column["name"] for column in columns if not column.get("internal")]))
    return [column if column.get("internal") else column | {"name": next(given)} for column in columns]


class FirstRows(NamedTuple):
    """JSON-ready cells. `complete`: these are all rows of the frame; `cut_cells`: so many of the cells hold only their beginning."""

    rows: list[list[Any]]
    complete: bool
    cut_cells: int


def first_rows(frame: DataFrame, count: int) -> FirstRows:
    """At most `count` rows."""
    types = [field.dataType for field in frame.schema.fields]
    names = [f"c{index}" for index in range(len(types))]
    plain = frame.toDF(*names).select(*(_shortened(name, kind).alias(name) for name, kind in zip(names, types, strict=True)))
    wanted = min(count, MAX_ROWS)
    rows: list[list[Any]] = []
    size, cut = 0, 0
    collected = plain.limit(wanted + 1).collect()
    for row in collected[:wanted]:
        cells = [_cell(value, kind) for value, kind in zip(row, types, strict=True)]
        size += len(json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > MAX_TOTAL:
            return FirstRows(rows, False, cut)
        rows.append(cells)
        cut += sum(isinstance(value, str) and len(value) > MAX_CELL for value in row)
    return FirstRows(rows, len(collected) <= wanted, cut)


def _shortened(name: str, kind: DataType) -> Column:
    """The column as a number, a boolean or a text of at most MAX_CELL + 1 characters."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    column = F.col(name)
    if isinstance(kind, T.ByteType | T.ShortType | T.IntegerType | T.LongType | T.BooleanType | T.DoubleType):
        return column
    if isinstance(kind, T.BinaryType):
        return base64_text(F.substring(column, 1, MAX_CELL * 3 // 4 + 1))  # one byte more than is shown, so that a cut is seen
    if isinstance(kind, T.ArrayType | T.MapType | T.StructType | T.VariantType):
        return F.substring(F.to_json(column, {"ignoreNullFields": "false", **MOMENTS}), 1, MAX_CELL + 1)
    return F.substring(column.cast("string"), 1, MAX_CELL + 1)


def _cell(value: Any, kind: DataType) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    if len(value) > MAX_CELL:
        return value[:MAX_CELL] + CUT_MARK
    return (
        _unpacked(value, kind)
        if kind.typeName() in ("array", "map", "struct", "variant")
        else _number(value)
        if kind.typeName() == "float"
        else value
    )


def _unpacked(text: str, kind: DataType) -> Any:
    """The JSON of a struct, list or map, its values as cells of their own types would be: decimals and large whole numbers as text."""
    try:
        return _inner(json_text.loads(text, parse_float=_Written, parse_int=_Written, parse_constant=str), kind)
    except ValueError:
        return text


class _Written(str):
    """A number as it is written."""


def _inner(value: Any, kind: DataType | None) -> Any:
    from pyspark.sql import types as T

    if isinstance(value, dict):
        if isinstance(kind, T.StructType):
            types: dict[str, DataType | None] = {field.name: field.dataType for field in kind.fields}
            return {name: _inner(item, types.get(name)) for name, item in value.items()}
        return {name: _inner(item, kind.valueType if isinstance(kind, T.MapType) else None) for name, item in value.items()}
    if isinstance(value, list):
        return [_inner(item, kind.elementType if isinstance(kind, T.ArrayType) else None) for item in value]
    if isinstance(kind, T.TimestampType | T.TimestampNTZType) and isinstance(value, str):
        return value.rstrip("0").rstrip(".") if "." in value else value
    return _exact(value, is_decimal=isinstance(kind, T.DecimalType)) if isinstance(value, _Written) else value


def _exact(text: str, *, is_decimal: bool) -> Any:
    """A number where a browser holds it exactly, else its text. Of a variant, which has no type, by its digits."""
    if is_decimal:
        return format(Decimal(text), "f")
    if text.lstrip("-").isdigit():
        return int(text) if abs(int(text)) <= LARGEST_EXACT else str(text)
    number = float(text)
    return number if math.isfinite(number) and Decimal(repr(number)) == Decimal(text) else str(text)


def _number(text: str) -> Any:
    return float(text) if math.isfinite(float(text)) else text
