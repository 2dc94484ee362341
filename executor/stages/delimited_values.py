"""Values as DelimitedLoad writes them. Needs pyspark."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DecimalType, DoubleType, FloatType, StringType

from executor.problems import Problem, ProblemError


def values_as_text(frame: DataFrame, decimal_sign: str, *, but: Sequence[str]) -> DataFrame:
    """`frame` with every number that may have decimals as text with that sign, all digits kept, and bytes in base64, as JSON has them;
    columns in `but` stay as they are."""
    kept = {name.casefold() for name in but}
    columns: list[Column] = []
    for field in frame.schema.fields:
        column = F.col("`" + field.name.replace("`", "``") + "`")
        if isinstance(field.dataType, DecimalType | DoubleType | FloatType) and field.name.casefold() not in kept:
            column = F.translate(column.cast("string"), ".", decimal_sign).alias(field.name)
        elif isinstance(field.dataType, BinaryType) and field.name.casefold() not in kept:
            column = F.base64(column).alias(field.name)
        columns.append(column)
    return frame.select(*columns)


def require_plain_values(frame: DataFrame, separator: str, stage_name: str) -> None:
    """Raises ProblemError when a text holds the separator or a line break: without quotes, its row would fall into other values."""
    names = [field.name for field in frame.schema.fields if isinstance(field.dataType, StringType)]
    if not names:
        return
    columns = [F.col("`" + name.replace("`", "``") + "`") for name in names]
    tests = [column.contains(separator) | column.rlike("[\\r\\n]") for column in columns]
    counts = frame.agg(*[F.count_if(test) for test in tests]).collect()[0]
    for name, count in zip(names, counts, strict=True):
        if count:
            raise ProblemError(
                Problem(
                    code="quotes-needed",
                    field="quote",
                    message=f"“{stage_name}” writes without quotes, and {count:,} values hold the separator or a line break.",
                    found=name,
                    data_column=name,
                    fix="Set “Quotes” (quote) to DoubleQuote, choose another separator, or take the sign out with replace(…) before.",
                )
            )


def mark_files(folder: Path) -> None:
    """Puts a byte order mark before the text of each data file below `folder`."""
    for file in sorted(folder.rglob("part-*")):
        marked = file.with_name("_marked")
        with file.open("rb") as old, marked.open("wb") as new:
            new.write(codecs.BOM_UTF8)
            shutil.copyfileobj(old, new, 1 << 20)
        os.replace(marked, file)
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
