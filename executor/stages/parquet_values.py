"""Values of the Parquet types that Spark refuses: read as plain numbers or bytes, and made values again, as SQL. Needs pyspark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DecimalType,
    FloatType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from executor.language.quoting import text_in_sql
from executor.stages.wider_types import FLOATING, WHOLE, member


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
        node = Node(facts["name"], facts["type"], facts.get("kind", ""), facts["repeated"], inner)
        if not node.type.startswith("VARIANT"):
            return node
        # A variant is one value to Spark, whatever its writer has put into columns of their own.
        return replace(node, kind="variant-odd" if node.kinds else "", fields=())

    @property
    def kinds(self) -> set[str]:
        """All kinds in it."""
        return {self.kind} - {""} | {kind for one in self.fields for kind in one.kinds}


def value_type(spark: DataType, node: Node) -> DataType:
    """The type of what `value_of` makes; NullType where the file says that there are no values."""
    if node.kind:
        return _TYPES[node.kind]
    if not node.kinds:
        return spark
    if isinstance(spark, ArrayType):
        return ArrayType(value_type(spark.elementType, _item(node)))
    if isinstance(spark, MapType):
        return MapType(spark.keyType, value_type(spark.valueType, node.fields[0].fields[1]))
    if not isinstance(spark, StructType):
        return spark
    return StructType([StructField(field.name, value_type(field.dataType, _field(node, field))) for field in spark.fields])


def ways(spark: DataType | None, node: Node, path: str) -> Iterator[tuple[str, str]]:
    """(place, how Spark reads what is there), for every place inside: files whose places are read in the same ways take one schema. What
    has values to be made of is read together only where it is the same throughout."""
    if node.kinds or spark is None:
        yield path, f"{node}"
    elif isinstance(spark, ArrayType):
        yield path, "list"
        yield from ways(spark.elementType, _item(node), f"{path}[]")
    elif isinstance(spark, MapType):
        yield path, "map"
        yield from ways(spark.keyType, node.fields[0].fields[0], f"{path}[key]")
        yield from ways(spark.valueType, node.fields[0].fields[1], f"{path}[]")
    elif isinstance(spark, StructType):
        yield path, "struct"
        for field in spark.fields:
            yield from ways(field.dataType, _field(node, field), f"{path}.{field.name.lower()}")
    else:
        yield path, "floating" if isinstance(spark, FLOATING) else "number" if isinstance(spark, (*WHOLE, DecimalType)) else "as it is"


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
    inner = [f"{text_in_sql(one.name)}, {value_of(member(raw, one.name), one.dataType, _field(node, one), depth)}" for one in spark.fields]
    return f"IF({raw} IS NULL, NULL, named_struct({', '.join(inner)}))"


def is_too_fine(raw: str, spark: DataType, node: Node, depth: int = 0) -> str | None:
    """When a value has nanoseconds that are cut off; None where none can have."""
    if not node.kinds:
        return None
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
    found = [fine for one in spark.fields if (fine := is_too_fine(member(raw, one.name), one.dataType, _field(node, one), depth))]
    return f"({' OR '.join(f'coalesce({one}, false)' for one in found)})" if found else None


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
    "null": "NULL",
}
_TYPES = {
    "timestamp-nanos": TimestampType(),
    "timestamp-ntz-nanos": TimestampNTZType(),
    **dict.fromkeys(("time-millis", "time-micros", "time-nanos", "uuid"), StringType()),
    "float16": FloatType(),
    "geometry": BinaryType(),
    "null": NullType(),
}
