"""Types of several files as one: the type that holds the values of two, and values brought to it by name. Needs pyspark."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructField,
    StructType,
)

from executor.language.quoting import name_in_sql, text_in_sql

WHOLE = (ByteType, ShortType, IntegerType, LongType)
FLOATING = (FloatType, DoubleType)
_DIGITS = {ByteType: 10, ShortType: 10, IntegerType: 10, LongType: 20}
"""Digits that Spark wants of a decimal before it reads whole numbers as one."""

Leaf = Callable[[DataType, DataType], DataType | None]
"""The type that holds the values of two types without others inside; None when there is none."""


def wider(one: DataType, other: DataType) -> DataType | None:
    """The type that holds every value of both, as Spark reads it from files of both; None when there is none."""
    return _both(one, other, _wider_number)


def common(one: DataType, other: DataType) -> DataType | None:
    """The type that holds the values of both once they are read. Whole numbers beside floating-point ones are those, too: where that
    changes one is counted (`is_inexact`)."""
    return _both(one, other, _wider_value)


def _both(one: DataType, other: DataType, leaf: Leaf) -> DataType | None:
    if one == other:
        return one
    if isinstance(one, StructType) and isinstance(other, StructType):
        return _wider_struct(one, other, leaf)
    if isinstance(one, ArrayType) and isinstance(other, ArrayType):
        item = _both(one.elementType, other.elementType, leaf)
        return ArrayType(item) if item else None
    if isinstance(one, MapType) and isinstance(other, MapType):
        key, value = _both(one.keyType, other.keyType, leaf), _both(one.valueType, other.valueType, leaf)
        return MapType(key, value) if key and value else None
    return leaf(one, other)


def _wider_struct(one: StructType, other: StructType, leaf: Leaf) -> DataType | None:
    """Fields are the same by name, whatever its case, as columns are."""
    fields = {field.name.lower(): StructField(field.name, field.dataType) for field in one.fields}
    for field in other.fields:
        known = fields.setdefault(field.name.lower(), StructField(field.name, field.dataType))
        both = _both(known.dataType, field.dataType, leaf)
        if both is None:
            return None
        fields[field.name.lower()] = StructField(known.name, both)
    return StructType(list(fields.values()))


def _wider_value(one: DataType, other: DataType) -> DataType | None:
    if isinstance(one, NullType) or isinstance(other, NullType):
        return other if isinstance(one, NullType) else one
    kinds = (one, other)
    is_mixed = any(isinstance(kind, WHOLE) for kind in kinds) and any(isinstance(kind, FLOATING) for kind in kinds)
    return DoubleType() if is_mixed else _wider_number(one, other)


def _wider_number(one: DataType, other: DataType) -> DataType | None:
    if isinstance(one, WHOLE) and isinstance(other, WHOLE):
        return max(one, other, key=lambda kind: WHOLE.index(type(kind)))
    if {type(one), type(other)} == {FloatType, DoubleType}:
        return DoubleType()
    first, second = _as_decimal(one), _as_decimal(other)
    if not first or not second or not (isinstance(one, DecimalType) or isinstance(other, DecimalType)):
        return None
    scale = max(first.scale, second.scale)
    digits = max(first.precision - first.scale, second.precision - second.scale) + scale
    return DecimalType(digits, scale) if digits <= 38 else None


def _as_decimal(kind: DataType) -> DecimalType | None:
    return kind if isinstance(kind, DecimalType) else DecimalType(_DIGITS[type(kind)], 0) if type(kind) in _DIGITS else None  # type: ignore[index]


def with_a_type(kind: DataType) -> DataType:
    """`kind`; where nothing says of what type values are that nobody has, whole numbers."""
    if isinstance(kind, NullType):
        return IntegerType()
    if isinstance(kind, ArrayType):
        return ArrayType(with_a_type(kind.elementType))
    if isinstance(kind, MapType):
        return MapType(kind.keyType, with_a_type(kind.valueType))
    if isinstance(kind, StructType):
        return StructType([StructField(field.name, with_a_type(field.dataType)) for field in kind.fields])
    return kind


def has_the_fields(kind: DataType, there: DataType) -> bool:
    """Whether every struct of `kind` has all the fields that the same one has in `there`."""
    if isinstance(kind, StructType) and isinstance(there, StructType):
        own = {field.name.lower(): field.dataType for field in kind.fields}
        return all(field.name.lower() in own and has_the_fields(own[field.name.lower()], field.dataType) for field in there.fields)
    if isinstance(kind, ArrayType) and isinstance(there, ArrayType):
        return has_the_fields(kind.elementType, there.elementType)
    if isinstance(kind, MapType) and isinstance(there, MapType):
        return has_the_fields(kind.keyType, there.keyType) and has_the_fields(kind.valueType, there.valueType)
    return True


# --- values as SQL ----------------------------------------------------------------------------------------------------------


def converted(raw: str, here: DataType, to: DataType, depth: int = 0) -> str:
    """`raw` (SQL, of type `here`) as `to`, which `common` gave. Fields of structs are found by their names: Spark's CAST takes them by
    their places, and would put one under the name of another."""
    if here == to:
        return raw
    x, y = f"v{depth}", f"w{depth}"
    if isinstance(here, ArrayType) and isinstance(to, ArrayType):
        return f"transform({raw}, {x} -> {converted(x, here.elementType, to.elementType, depth + 1)})"
    if isinstance(here, MapType) and isinstance(to, MapType):
        values = f"transform_values({raw}, ({y}, {x}) -> {converted(x, here.valueType, to.valueType, depth + 1)})"
        return f"transform_keys({values}, ({y}, {x}) -> {converted(y, here.keyType, to.keyType, depth + 1)})"
    if isinstance(here, StructType) and isinstance(to, StructType):
        own = {field.name.lower(): field for field in here.fields}
        inner = [f"{text_in_sql(field.name)}, {_field(raw, own.get(field.name.lower()), field, depth)}" for field in to.fields]
        return f"IF({raw} IS NULL, NULL, named_struct({', '.join(inner)}))"
    return f"CAST({'NULL' if isinstance(here, NullType) else raw} AS {ddl(to)})"


def _field(raw: str, own: StructField | None, field: StructField, depth: int) -> str:
    if own is None:
        return f"CAST(NULL AS {ddl(field.dataType)})"
    return converted(member(raw, own.name), own.dataType, field.dataType, depth)


def is_inexact(raw: str, here: DataType, to: DataType, depth: int = 0) -> str | None:
    """When a whole number in `raw` is changed by becoming a floating-point number; None where none can be."""
    x = f"v{depth}"
    if isinstance(here, ArrayType) and isinstance(to, ArrayType):
        inside = is_inexact(x, here.elementType, to.elementType, depth + 1)
        return f"coalesce(exists({raw}, {x} -> {inside}), false)" if inside else None
    if isinstance(here, MapType) and isinstance(to, MapType):
        inside = is_inexact(x, here.valueType, to.valueType, depth + 1)
        return f"coalesce(exists(map_values({raw}), {x} -> {inside}), false)" if inside else None
    if isinstance(here, StructType) and isinstance(to, StructType):
        types = {field.name.lower(): field.dataType for field in to.fields}
        each = [is_inexact(member(raw, field.name), field.dataType, types[field.name.lower()], depth) for field in here.fields]
        return " OR ".join(f"coalesce({one}, false)" for one in each if one) or None
    is_risky = isinstance(here, LongType) and isinstance(to, FLOATING)
    return f"coalesce(CAST(CAST({raw} AS double) AS decimal(20, 0)) <> {raw}, false)" if is_risky else None


def member(raw: str, name: str) -> str:
    """The field of a struct."""
    return f"{raw}.{name_in_sql(name)}"


def ddl(kind: DataType) -> str:
    """The type as SQL, whatever the names in it."""
    if isinstance(kind, ArrayType):
        return f"array<{ddl(kind.elementType)}>"
    if isinstance(kind, MapType):
        return f"map<{ddl(kind.keyType)}, {ddl(kind.valueType)}>"
    if isinstance(kind, StructType):
        return f"struct<{', '.join(f'{name_in_sql(field.name)}: {ddl(field.dataType)}' for field in kind.fields)}>"
    return kind.simpleString()
