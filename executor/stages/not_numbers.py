"""Columns in which NaN may stand, and whose files keep silent about it: no condition on them reaches the files. Needs pyspark.

To Spark NaN is equal to itself and above all numbers. Arrow, polars, DuckDB and delta-rs leave it out of the least and the greatest value
that a file tells: of rows above 5 a file with a 3 and NaN would be passed by, so what is found would depend on how rows lie in files.
"""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DoubleType, FloatType, StructType

from executor.language.quoting import name_in_sql


def may_hold(kind: DataType) -> bool:
    """Whether NaN may stand in values of this type where conditions on them reach files: not in lists and maps."""
    return isinstance(kind, DoubleType | FloatType) or (isinstance(kind, StructType) and any(may_hold(one.dataType) for one in kind.fields))


def as_it_is(name: str, kind: DataType) -> Column:
    """The column, in a form that neither Spark nor Delta turns into a question to files."""
    column = F.col(name_in_sql(name))
    return F.coalesce(column, column) if isinstance(kind, StructType) else F.nanvl(column, column)


def all_asked_here(frame: DataFrame, names: Collection[str]) -> DataFrame:
    """The frame; no condition on those of the columns `names` in which NaN may stand reaches the files."""
    asked = {one.name for one in frame.schema.fields if one.name in names and may_hold(one.dataType)}
    if not asked:
        return frame
    columns = [
        as_it_is(one.name, one.dataType).alias(one.name, metadata=one.metadata) if one.name in asked else F.col(name_in_sql(one.name))
        for one in frame.schema.fields
    ]
    return frame.select(*columns)
