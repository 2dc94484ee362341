"""Parquet files looked at by their footers: columns and types of every file, and all of them as one table.

Needs pyspark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import DataType, StructField, StructType
from pyspark.sql.types import _parse_datatype_json_string as type_of_json

from executor.files.copies import is_parquet
from executor.files.folder import DataFile
from executor.stages.parquet_values import Node, value_type, ways
from executor.stages.wider_types import common, wider, with_a_type

UNREADABLE = ("decimal-wide", "interval", "variant-odd")
"""Types of which Spark can make no values at all."""
INSIDE = {
    "decimal-wide": "decimals of more than 38 digits",
    "interval": "intervals",
    "variant-odd": "variants of odd times or UUIDs",
    "geometry": "shapes",
}
"""What stands inside a list, map or structure, in words."""


@dataclass(frozen=True)
class ColumnType:
    """A column of one file. `spark`: the type it is read as; None where Spark can read it in no way."""

    name: str
    spark: DataType | None
    node: Node
    file: str

    @property
    def value_type(self) -> DataType | None:
        """The type of its values once they are made."""
        return None if self.spark is None else value_type(self.spark, self.node)

    @property
    def words(self) -> str:
        """The type for a person."""
        if self.node.kind == "null":
            return "without a type"
        if self.node.kind == "variant-odd":
            return "a variant with times of day, nanoseconds or UUIDs in columns of their own"
        if self.spark is None or self.node.kinds:
            return (
                self.node.type
                if self.node.type not in ("LIST", "MAP", "group")
                else f"{self.node.type} with {', '.join(INSIDE.get(kind, kind) for kind in sorted(self.node.kinds))}"
            )
        return self.spark.simpleString()


@dataclass(frozen=True)
class Group:
    """Files of the same columns and types. `name`: the first of them, as the document would write it. `error`: why it cannot be opened, in
    the library's words; `trouble`: what in it Spark cannot unpack ("encrypted", "codec BROTLI", "encoding …", "cut"), `where`: the column.
    `too_fine`: columns of old times (INT96), and how many of their values are finer than microseconds, where that was asked for.
    `stand_ins`: columns whose least or greatest value may stand for none (see `executor/files/stand_ins.py`); `no_numbers`: those in which
    NaN may stand."""

    files: list[str]
    name: str
    rows: int
    columns: list[ColumnType]
    error: str | None
    trouble: str | None = None
    where: str | None = None
    too_fine: Mapping[str, int] = field(default_factory=dict)
    stand_ins: Sequence[str] = ()
    no_numbers: Sequence[str] = ()


def may_hold_rows(spark: SparkSession, file: DataFile) -> bool:
    """Whether a file is Parquet with rows, or another one: `copies` has looked at those."""
    return not is_parquet(file.path) or bool(look_at(spark, [file])[0].rows)


def look_at(spark: SparkSession, files: Sequence[DataFile], *, is_counting: bool = False) -> list[Group]:
    """Reads the footers of the files. No row is read; with `is_counting` the columns of old times are."""
    names = {str(file.path): file.name for file in files}
    answer = spark._jvm.sluice.ParquetLook.look("\n".join(names), is_counting)  # type: ignore[union-attr]
    return [_group(facts, names[facts["files"][0]]) for facts in json.loads(str(answer))]


def _group(facts: dict[str, Any], name: str) -> Group:
    columns = [_column(one, name) for one in facts.get("columns", ())]
    why = facts.get("error"), facts.get("trouble"), facts.get("where")
    return Group(facts["files"], name, facts["rows"], columns, *why, facts["too_fine"], facts["stand_ins"], facts["no_numbers"])


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
class Part:
    """Files that Spark reads in one way. `columns`: theirs, by their names in lower case, with the type that Spark is told."""

    files: frozenset[str]
    columns: dict[str, ColumnType]
    is_widened: bool

    @property
    def must_be_told(self) -> bool:
        """Whether Spark would not find the types out by itself."""
        return self.is_widened or any(column.spark is None or column.node.kinds for column in self.columns.values())

    def schema(self) -> StructType:
        """What Spark is told to read: columns it cannot read are left out."""
        return StructType([StructField(column.name, column.spark) for column in self.columns.values() if column.spark is not None])


@dataclass(frozen=True)
class Table:
    """All files as one table: its columns as the first file says that has them, the type that holds the values of all files (None: Spark
    has none; NullType: no file says of what type it is), in which ways the files are read, what cannot be one column, and where types
    differ, in words."""

    columns: list[ColumnType]
    types: list[DataType | None]
    parts: list[Part]
    clashes: list[Clash]
    widened: list[str]

    @property
    def read_as(self) -> list[tuple[ColumnType, DataType]]:
        """The columns that can be read, and the types in which they are."""
        return [(column, with_a_type(kind)) for column, kind in zip(self.columns, self.types, strict=True) if kind is not None]


def as_one(groups: list[Group]) -> Table:
    """The columns of all groups together, in the order in which they are met; types widened where one holds both."""
    first: dict[str, ColumnType] = {}
    kinds: dict[str, DataType | None] = {}
    clashes, widened = [], []
    for column in [column for group in groups for column in group.columns]:
        key, here = column.name.lower(), column.value_type
        if key not in first:
            first[key], kinds[key] = column, here
            continue
        known = kinds[key]
        if known is None or here is None:  # where one file's cannot be read, the column cannot
            first[key], kinds[key] = (first[key] if known is None else column), None
            continue
        both = common(known, here)
        if both is None:
            clashes.append(Clash(first[key], column))
            continue
        kinds[key] = both
        if {kind.simpleString() for kind in (known, here)} - {both.simpleString(), "void"}:
            widened.append(f"{first[key].name}: {first[key].words} and {column.words}, read as {both.simpleString()}")
    parts = [_part(part) for part in _alike(groups)]
    return Table(list(first.values()), list(kinds.values()), parts, clashes, list(dict.fromkeys(widened)))


def _alike(groups: list[Group]) -> list[list[Group]]:
    """The groups, those together whose files Spark reads with one schema."""
    own = [dict(way for column in group.columns for way in ways(column.spark, column.node, column.name.lower())) for group in groups]
    found: dict[str, set[str]] = {}
    for place, way in [way for one in own for way in one.items()]:
        found.setdefault(place, set()).add(way)
    parts: dict[tuple[tuple[str, str], ...], list[Group]] = {}
    for group, one in zip(groups, own, strict=True):
        parts.setdefault(tuple(sorted((place, way) for place, way in one.items() if len(found[place]) > 1)), []).append(group)
    return list(parts.values())


def _part(groups: list[Group]) -> Part:
    columns: dict[str, ColumnType] = {}
    is_widened = False
    for column in [column for group in groups for column in group.columns]:
        known = columns.setdefault(column.name.lower(), column)
        if known.spark is None or column.spark is None or known.spark == column.spark:
            continue
        is_widened = True
        columns[column.name.lower()] = ColumnType(known.name, wider(known.spark, column.spark) or known.spark, known.node, known.file)
    return Part(frozenset(file for group in groups for file in group.files), columns, is_widened)


def same_names(group: Group) -> tuple[str, str] | None:
    """Two columns of one file, or two fields of one struct, with the same name, or the same but for upper and lower case."""
    found = _same([column.name for column in group.columns])
    return found or next(filter(None, (_same_inside(column.node, column.name) for column in group.columns)), None)


def _same_inside(node: Node, path: str) -> tuple[str, str] | None:
    found = _same([field.name for field in node.fields])
    if found:
        return f"{path}.{found[0]}", f"{path}.{found[1]}"
    return next(filter(None, (_same_inside(field, f"{path}.{field.name}") for field in node.fields)), None)


def _same(names: list[str]) -> tuple[str, str] | None:
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            return seen[name.lower()], name
        seen[name.lower()] = name
    return None


@dataclass(frozen=True)
class Gone:
    """A column that files lack although one before them has it. `file`: one of them, as the document would write it."""

    name: str
    files: int
    file: str


def gone(groups: Sequence[Group]) -> list[Gone]:
    """Columns that an earlier file has (by path; the parts of one output have no order), and a later one has no more. What only later files
    have is new. Files without rows have no say."""
    groups = [group for group in groups if group.rows]
    first: dict[str, tuple[tuple[str, str], str]] = {}
    for group in groups:
        place = min(map(_order, group.files))
        for column in group.columns:
            if place < first.get(column.name.lower(), (place, ""))[0] or column.name.lower() not in first:
                first[column.name.lower()] = place, column.name
    found: dict[str, Gone] = {}
    for group in groups:
        own = {column.name.lower() for column in group.columns}
        for key, (place, name) in first.items():
            lacking = 0 if key in own else sum(_order(file) > place for file in group.files)
            if lacking:
                known = found.get(key, Gone(name, 0, group.name))
                found[key] = Gone(name, known.files + lacking, known.file)
    return list(found.values())


def _order(file: str) -> tuple[str, str]:
    folder, _, name = file.rpartition("/")
    return folder, "" if name.startswith("part-") else name
