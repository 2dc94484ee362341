"""Columns whose least and greatest values files, or a table's log, tell wrongly: no condition on them reaches those. Needs pyspark.

To Spark NaN is equal to itself and above all numbers. Arrow, polars, DuckDB and delta-rs leave it out of the least and the greatest value
that a file tells: of rows above 5 a file with a 3 and NaN would be passed by, so what is found would depend on how rows lie in files.
In the log of a Delta table delta-rs writes those of decimals as doubles, which are a little less or more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DecimalType, DoubleType, FloatType, StructType

from executor.language.quoting import name_in_sql


def has_nan(kind: DataType) -> bool:
    """Whether NaN may stand in values of this type where conditions on them reach files: not in lists and maps."""
    return _has(kind, (DoubleType, FloatType))


def has_nan_or_decimals(kind: DataType) -> bool:
    """Whether the log of a Delta table may tell the least and the greatest of such values wrongly."""
    return _has(kind, (DoubleType, FloatType, DecimalType))


def _has(kind: DataType, wanted: tuple[type[DataType], ...]) -> bool:
    return isinstance(kind, wanted) or (isinstance(kind, StructType) and any(_has(one.dataType, wanted) for one in kind.fields))


def as_it_is(name: str, kind: DataType) -> Column:
    """The column, in a form that neither Spark nor Delta turns into a question to files."""
    column = F.col(name_in_sql(name))
    if isinstance(kind, StructType):
        return F.coalesce(column, column)
    return F.least(column, column) if isinstance(kind, DecimalType) else F.nanvl(column, column)


def all_asked_here(frame: DataFrame, names: Collection[str], is_told_wrongly: Callable[[DataType], bool] = has_nan) -> DataFrame:
    """The frame; no condition on those of the columns `names` that are told wrongly reaches the files."""
    asked = {one.name for one in frame.schema.fields if one.name in names and is_told_wrongly(one.dataType)}
    if not asked:
        return frame
    columns = [
        as_it_is(one.name, one.dataType).alias(one.name, metadata=one.metadata) if one.name in asked else F.col(name_in_sql(one.name))
        for one in frame.schema.fields
    ]
    return frame.select(*columns)


def asked_here(condition: str, there: StructType, folders: Collection[str]) -> str:
    """A condition on a Delta table, in a form that is no question to its files where it may name a column that these tell wrongly: rows
    that are to be replaced, or met by their keys, would be passed by. `folders`: columns that its folders tell."""
    apart = {name.casefold() for name in folders}
    names = [one.name for one in there.fields if one.name.casefold() not in apart and has_nan_or_decimals(one.dataType)]
    may_name = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", condition, re.IGNORECASE) for name in names)
    return f"coalesce(({condition}\n), false)" if may_name else condition
