"""Parquet files looked at by their footers: columns and types of every file, one type for each column, odd types made readable.

Needs pyspark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
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
    ShortType,
    StructField,
    StructType,
)
from pyspark.sql.types import _parse_datatype_json_string as type_of_json

WHOLE = (ByteType, ShortType, IntegerType, LongType)
_DIGITS = {ByteType: 10, ShortType: 10, IntegerType: 10, LongType: 20}
"""Digits that Spark wants of a decimal before it reads whole numbers as one."""
UNREADABLE = ("decimal-wide", "interval")
"""Types of which Spark can make no values at all."""


@dataclass(frozen=True)
class Node:
    """One place in Parquet's own type. `kind`: which type that Spark refuses it is of; empty for the others."""

    name: str
    type: str
    kind: str
    repeated: bool
    fields: tuple[Node, ...]

    @staticmethod
    def of(facts: dict[str, Any]) -> Node:
        inner = tuple(Node.of(one) for one in facts.get("fields", ()))
        return Node(facts["name"], facts["type"], facts.get("kind", ""), facts["repeated"], inner)

    @property
    def kinds(self) -> set[str]:
        """All kinds in it."""
        return {self.kind} - {""} | {kind for one in self.fields for kind in one.kinds}


@dataclass(frozen=True)
class ColumnType:
    """A column of one file. `spark`: the type it is read as; None where Spark can read it in no way."""

    name: str
    spark: DataType | None
    node: Node
    file: str

    @property
    def words(self) -> str:
        """The type for a person."""
        if self.spark is None or self.node.kinds:
            return (
                self.node.type
                if self.node.type not in ("LIST", "MAP", "group")
                else f"{self.node.type} with {', '.join(sorted(self.node.kinds))}"
            )
        return self.spark.simpleString()


@dataclass(frozen=True)
class Group:
    """Files of the same columns and types. `error`: why the file cannot be opened, in the library's words; `trouble`: what in it Spark
    cannot unpack ("encrypted", "codec BROTLI", "encoding …", "cut"), `where`: the column."""

    files: list[str]
    rows: int
    columns: list[ColumnType]
    error: str | None
    trouble: str | None = None
    where: str | None = None


def look_at(spark: SparkSession, files: list[Path]) -> list[Group]:
    """Reads the footers of the files. No row is read."""
    answer = spark._jvm.sluice.ParquetLook.look("\n".join(map(str, files)))  # type: ignore[union-attr]
    return [_group(facts) for facts in json.loads(str(answer))]


def _group(facts: dict[str, Any]) -> Group:
    columns = [_column(one, facts["files"][0]) for one in facts.get("columns", ())]
    return Group(facts["files"], facts["rows"], columns, facts.get("error"), facts.get("trouble"), facts.get("where"))


def _column(facts: dict[str, Any], file: str) -> ColumnType:
    node = Node.of(facts["parquet"])
    spark = type_of_json(json.dumps(facts["spark"])) if "spark" in facts and not node.kinds & set(UNREADABLE) else None
    return ColumnType(facts["name"], spark, node, file)


@dataclass(frozen=True)
class Clash:
    """A column whose types in two files no type holds."""

    one: ColumnType
    other: ColumnType


@dataclass(frozen=True)
class Table:
    """All files as one table: its columns by name, what cannot be one column, and whether Spark must be told the types."""

    columns: list[ColumnType]
    clashes: list[Clash]
    widened: list[str]

    @property
    def must_be_told(self) -> bool:
        return bool(self.widened) or any(column.spark is None or column.node.kinds for column in self.columns)

    def schema(self) -> StructType:
        """What Spark is told to read: columns it cannot read are left out."""
        return StructType([StructField(column.name, column.spark) for column in self.columns if column.spark is not None])


def as_one(groups: list[Group]) -> Table:
    """The columns of all groups together, in the order in which they are met; types widened where one holds both."""
    found: dict[str, ColumnType] = {}
    clashes, widened = [], []
    for group in groups:
        for column in group.columns:
            known = found.get(column.name.lower())
            if known is None:
                found[column.name.lower()] = column
                continue
            both = _both(known, column)
            if both is None:
                clashes.append(Clash(known, column))
            elif both != known.spark or both != column.spark:
                widened.append(f"{known.name}: {known.words} and {column.words}, read as {both.simpleString()}")
                found[column.name.lower()] = ColumnType(known.name, both, known.node, known.file)
    return Table(list(found.values()), clashes, widened)


def same_names(group: Group) -> tuple[str, str] | None:
    """Two columns of one file with the same name, or the same but for upper and lower case."""
    seen: dict[str, str] = {}
    for column in group.columns:
        if column.name.lower() in seen:
            return seen[column.name.lower()], column.name
        seen[column.name.lower()] = column.name
    return None


def _both(one: ColumnType, other: ColumnType) -> DataType | None:
    if one.spark is None or other.spark is None:
        return None
    if list(_marks(one.node)) != list(_marks(other.node)):
        return None
    return wider(one.spark, other.spark)


def _marks(node: Node) -> Iterator[tuple[str, str]]:
    if node.kind:
        yield node.name.lower(), node.kind
    for inner in node.fields:
        yield from _marks(inner)


def wider(one: DataType, other: DataType) -> DataType | None:
    """The type that holds every value of both, as Spark reads it from files of both; None when there is none."""
    if one == other:
        return one
    if isinstance(one, StructType) and isinstance(other, StructType):
        return _wider_struct(one, other)
    if isinstance(one, ArrayType) and isinstance(other, ArrayType):
        item = wider(one.elementType, other.elementType)
        return ArrayType(item) if item else None
    if isinstance(one, MapType) and isinstance(other, MapType):
        key, value = wider(one.keyType, other.keyType), wider(one.valueType, other.valueType)
        return MapType(key, value) if key and value else None
    return _wider_number(one, other)


def _wider_struct(one: StructType, other: StructType) -> DataType | None:
    fields = {field.name: field.dataType for field in one.fields}
    for field in other.fields:
        both = wider(fields[field.name], field.dataType) if field.name in fields else field.dataType
        if both is None:
            return None
        fields[field.name] = both
    return StructType([StructField(name, kind) for name, kind in fields.items()])


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


# --- values of the types that Spark refuses, as SQL -------------------------------------------------------------------------


def value_of(raw: str, spark: DataType, node: Node, depth: int = 0) -> str:
    """The value that `raw` (SQL), read as a plain number or as bytes, stands for."""
    if not node.kinds:
        return raw
    if node.kind:
        return _VALUES[node.kind].format(x=raw)
    x = f"x{depth}"
    if isinstance(spark, ArrayType):
        return f"transform({raw}, {x} -> {value_of(x, spark.elementType, _item(node), depth + 1)})"
    if isinstance(spark, MapType):
        return f"transform_values({raw}, (k{depth}, {x}) -> {value_of(x, spark.valueType, node.fields[0].fields[1], depth + 1)})"
    if not isinstance(spark, StructType):
        return raw
    inner = [f"'{_text(one.name)}', {value_of(_member(raw, one), one.dataType, _field(node, one), depth)}" for one in spark.fields]
    return f"IF({raw} IS NULL, NULL, named_struct({', '.join(inner)}))"


def is_too_fine(raw: str, spark: DataType, node: Node, depth: int = 0) -> str | None:
    """When a value has nanoseconds that are cut off; None where none can have."""
    if node.kind:
        return f"(pmod({raw}, 1000) <> 0)" if node.kind.endswith("nanos") else None
    x = f"x{depth}"
    if isinstance(spark, ArrayType):
        inside = is_too_fine(x, spark.elementType, _item(node), depth + 1)
        return f"coalesce(exists({raw}, {x} -> {inside}), false)" if inside else None
    if isinstance(spark, MapType):
        inside = is_too_fine(x, spark.valueType, node.fields[0].fields[1], depth + 1)
        return f"coalesce(exists(map_values({raw}), {x} -> {inside}), false)" if inside else None
    if not isinstance(spark, StructType):
        return None
    found = [fine for one in spark.fields if (fine := is_too_fine(_member(raw, one), one.dataType, _field(node, one), depth))]
    return f"({' OR '.join(f'coalesce({one}, false)' for one in found)})" if found else None


def _text(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "\\'")


def _member(raw: str, field: StructField) -> str:
    return f"{raw}.`{field.name.replace('`', '``')}`"


def _field(node: Node, field: StructField) -> Node:
    return next(one for one in node.fields if one.name == field.name)


def _item(node: Node) -> Node:
    """What a list holds: modern lists have a group in between, old ones do not."""
    if node.type != "LIST":
        return Node(node.name, node.type, node.kind, False, node.fields)
    between = node.fields[0]
    is_between = len(between.fields) == 1 and between.name not in ("array", f"{node.name}_tuple")
    return between.fields[0] if is_between else between


_MICROS = "(({x} - pmod({x}, 1000)) div 1000)"
_HALF = "int(conv(concat(substring(hex({x}), 3, 2), substring(hex({x}), 1, 2)), 16, 10))"


def _clock(moment: str) -> str:
    """A time of day as ISO writes it: seconds always, a fraction only where there is one."""
    fraction = f"rtrim('0', date_format({moment}, 'SSSSSS'))"
    return f"concat(date_format({moment}, 'HH:mm:ss'), IF({fraction} = '', '', concat('.', {fraction})))"


def _half(bits: str) -> str:
    """A number of 16 bits: a sign, 5 bits of exponent, 10 of fraction."""
    exponent, fraction = f"(({bits} div 1024) % 32)", f"({bits} % 1024)"
    special = f"IF({fraction} = 0, float('Infinity'), float('NaN'))"
    small, normal = f"{fraction} * pow(2, -24)", f"(1 + {fraction} / 1024) * pow(2, {exponent} - 15)"
    size = f"CASE {exponent} WHEN 31 THEN {special} WHEN 0 THEN {small} ELSE {normal} END"
    return f"float(IF({bits} >= 32768, -1, 1) * ({size}))"


_VALUES = {
    "timestamp-nanos": f"timestamp_micros({_MICROS})",
    "timestamp-ntz-nanos": f"CAST(timestamp_micros({_MICROS}) AS timestamp_ntz)",
    "time-millis": _clock("timestamp_millis(bigint({x}))"),
    "time-micros": _clock("timestamp_micros({x})"),
    "time-nanos": _clock(f"timestamp_micros({_MICROS})"),
    "uuid": "regexp_replace(lower(hex({x})), '(.{{8}})(.{{4}})(.{{4}})(.{{4}})(.{{12}})', '$1-$2-$3-$4-$5')",
    "float16": _half(_HALF),
    "geometry": "{x}",
}
