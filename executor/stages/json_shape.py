"""The shape of JSON documents: which keys there are, of which types, and how keys that differ only by case become one column.

The shape comes from a look at the files, or texts of a view, before Spark reads them (`sluice.JsonLook`), so Spark need not go over them to
infer it. Needs pyspark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DecimalType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from executor.files.folder import DataFile
from executor.problems import Problem

NULL, BOOLEAN, INTEGER, FRACTION, TEXT, OBJECT, ARRAY, NOT_FINITE = (1 << place for place in range(8))
NUMBERS = INTEGER | FRACTION
LONG_DIGITS = 18
"""Whole numbers of so many digits fit 64 bits, whichever they are. The look counts numbers of 19 digits that fit as having 18."""


@dataclass(frozen=True)
class Finding:
    """What was found `count` times, first in `record` (from 1; of a file of lines: the line) of `file` (its name in the document; of texts:
    that of their view)."""

    count: int
    record: int
    file: str
    path: str
    first: str
    second: str


@dataclass
class Shape:
    """What stands at one place of the documents. `inexact`: numbers that a double would change. `stand_ins`: some may stand for none."""

    kinds: int = 0
    digits: int = 0
    inexact: int = 0
    inexact_whole: int = 0
    stand_ins: bool = False
    fields: dict[str, Shape] = field(default_factory=dict)
    item: Shape | None = None

    @staticmethod
    def of(facts: dict[str, Any]) -> Shape:
        fields = {name: Shape.of(inner) for name, inner in facts.get("fields", {}).items()}
        numbers = {name: facts.get(name, 0) for name in ("kinds", "digits", "inexact", "inexact_whole", "stand_ins")}
        return Shape(**numbers, fields=fields, item=Shape.of(facts["item"]) if "item" in facts else None)

    def with_other(self, other: Shape) -> Shape:
        """Both together, as if all values had stood at one place."""
        fields = dict(self.fields)
        for name, inner in other.fields.items():
            fields[name] = fields[name].with_other(inner) if name in fields else inner
        items = [shape.item for shape in (self, other) if shape.item]
        return Shape(
            self.kinds | other.kinds,
            max(self.digits, other.digits),
            self.inexact + other.inexact,
            self.inexact_whole + other.inexact_whole,
            self.stand_ins or other.stand_ins,
            fields,
            items[0].with_other(items[1]) if len(items) > 1 else items[0] if items else None,
        )

    def marks(self) -> dict[str, bool]:
        """What may stand for no value, here or inside: numbers (standIns), NaN (noNumbers)."""
        own = {"standIns": bool(self.stand_ins), "noNumbers": bool(self.kinds & NOT_FINITE)}
        inside = [shape.marks() for shape in (*self.fields.values(), *([self.item] if self.item else []))]
        return {mark: True for mark, is_here in own.items() if is_here or any(mark in marks for marks in inside)}


@dataclass(frozen=True)
class Look:
    """What is in the files, or in the texts of a view."""

    records: int
    objects: int
    has_more_keys: bool
    findings: dict[str, Finding]
    root: Shape
    totals: Problem | None = None
    """Objects that look like totals of the others."""


def look_at(spark: SparkSession, files: Sequence[DataFile], *, is_lines: bool) -> Look:
    """Reads every token of the files once."""
    names = {str(file.path): file.name for file in files}
    return _look_of(spark._jvm.sluice.JsonLook.look("\n".join(names), is_lines), names)  # type: ignore[union-attr]


def look_at_texts(texts: DataFrame, view: str) -> Look:
    """Reads every token of the texts in the only column once. `view`: where they stand."""
    look = texts.sparkSession._jvm.sluice.JsonLook  # type: ignore[union-attr]
    return _look_of(look.lookAtTexts(texts._jdf.toLocalIterator()), {"": view})


def _look_of(answer: Any, names: dict[str, str]) -> Look:
    facts = json.loads(str(answer))
    findings = {kind: Finding(**found | {"file": names[found["file"]]}) for kind, found in facts["findings"].items()}
    return Look(facts["records"], facts["objects"], facts["has_more_keys"], findings, Shape.of(facts["root"]))


# --- columns ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One column or field: its name, the keys it is read from, and the type or the parts inside."""

    name: str
    keys: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Kind:
    """A type: of a single value, of an object with `parts`, or of a list of `item`."""

    single: DataType | None = None
    parts: tuple[Part, ...] = ()
    item: Kind | None = None

    @property
    def is_joined(self) -> bool:
        """Whether some column in it is read from several keys, or under another name than its key."""
        inner = self.item is not None and self.item.is_joined
        return inner or any(part.keys != (part.name,) or part.kind.is_joined for part in self.parts)

    def as_read(self) -> DataType:
        """Spark's type for reading: every key is a field of its own."""
        if self.item is not None:
            return ArrayType(self.item.as_read())
        if self.single is not None:
            return self.single
        return StructType([StructField(key, part.kind.as_read()) for part in self.parts for key in part.keys])

    def joined(self, value: Column) -> Column:
        """`value` (as it was read) with the keys of each column made one."""
        if not self.is_joined:
            return value
        if self.item is not None:
            return F.transform(value, self.item.joined)
        inner = [_first([part.kind.joined(value.getField(key)) for key in part.keys]).alias(part.name) for part in self.parts]
        return F.when(value.isNotNull(), F.struct(*inner))


def _first(values: list[Column]) -> Column:
    return values[0] if len(values) == 1 else F.coalesce(*values)


def kind_of(shape: Shape, *, apart: bool) -> Kind:
    """The type of what stands at a place. `apart`: keys that differ only by case stay columns of their own."""
    kinds = shape.kinds & ~NULL
    if kinds == OBJECT and shape.fields:
        return Kind(parts=tuple(parts_of(shape, apart=apart)))
    if kinds == ARRAY:
        return Kind(item=kind_of(shape.item or Shape(), apart=apart))
    return Kind(single=_single(shape, kinds))


def _single(shape: Shape, kinds: int) -> DataType:
    if kinds == BOOLEAN:
        return BooleanType()
    if kinds == INTEGER and shape.digits <= 38:
        return LongType() if shape.digits <= LONG_DIGITS else DecimalType(max(shape.digits, 20), 0)
    if kinds and not kinds & ~(NUMBERS | NOT_FINITE) and kinds != INTEGER and kinds != NOT_FINITE:
        return DoubleType()
    return StringType()


def parts_of(shape: Shape, *, apart: bool) -> Iterator[Part]:
    """The columns of an object, by name as Spark orders them."""
    for keys in sorted(spellings(shape).values()):
        if apart:
            for place, key in enumerate(keys):
                yield Part(key if place == 0 else f"{key}_{place + 1}", (key,), kind_of(shape.fields[key], apart=apart))
            continue
        whole = shape.fields[keys[0]]
        for key in keys[1:]:
            whole = whole.with_other(shape.fields[key])
        yield Part(keys[0], keys, kind_of(whole, apart=apart))


def spellings(shape: Shape) -> dict[str, tuple[str, ...]]:
    """The keys of an object, those that differ only by case together, in the order in which they were met."""
    found: dict[str, tuple[str, ...]] = {}
    for key in shape.fields:
        found[key.lower()] = (*found.get(key.lower(), ()), key)
    return found


@contextmanager
def exact_names(spark: SparkSession) -> Iterator[None]:
    """Inside, names that differ only by case are different names, as JSON has them. Frames made inside keep what they mean."""
    before = spark.conf.get("spark.sql.caseSensitive")
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        yield
    finally:
        spark.conf.set("spark.sql.caseSensitive", str(before))


def joined_frame(frame: DataFrame, kind: Kind, shape: Shape) -> DataFrame:
    """`frame` (as it was read, other columns behind those of `kind`) with one column for each part, marked where `shape` says that numbers
    or NaN in it may stand for no value (see `executor/files/stand_ins.py`). Inside of `exact_names` only."""
    read = sum(len(part.keys) for part in kind.parts)
    plain = frame.toDF(*[f"c{place}" for place in range(len(frame.columns))])
    columns, place = [], 0
    for part in kind.parts:
        values = [part.kind.joined(F.col(f"c{place + offset}")) for offset in range(len(part.keys))]
        marks = {mark: True for key in part.keys if key in shape.fields for mark in shape.fields[key].marks()}
        columns.append(_first(values).alias(part.name, metadata=marks))
        place += len(part.keys)
    rest = [
        F.col(f"c{read + offset}").alias(name, metadata=frame.schema[read + offset].metadata)
        for offset, name in enumerate(frame.columns[read:])
    ]
    return plain.select(*columns, *rest)


def inexact_columns(kind: Kind, shape: Shape, path: str = "") -> Iterator[tuple[str, int]]:
    """(path, count) of each place whose numbers a double changes."""
    for part in kind.parts:
        whole = shape.fields[part.keys[0]]
        for key in part.keys[1:]:
            whole = whole.with_other(shape.fields[key])
        yield from _inexact(part.kind, whole, f"{path}{part.name}")


def _inexact(kind: Kind, shape: Shape, path: str) -> Iterator[tuple[str, int]]:
    if kind.item is not None and shape.item is not None:
        yield from _inexact(kind.item, shape.item, path + "[]")
    elif kind.parts:
        yield from inexact_columns(kind, shape, path + ".")
    elif isinstance(kind.single, DoubleType) and shape.inexact + shape.inexact_whole:
        yield path, shape.inexact + shape.inexact_whole
