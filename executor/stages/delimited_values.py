"""Values as DelimitedLoad writes them. Needs pyspark."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, DoubleType, FloatType


def numbers_as_text(frame: DataFrame, decimal_sign: str, *, but: Sequence[str]) -> DataFrame:
    """`frame` with every number that may have decimals as text with that sign, all digits kept; columns in `but` stay as they are."""
    kept = {name.casefold() for name in but}
    columns: list[Column] = []
    for field in frame.schema.fields:
        column = F.col("`" + field.name.replace("`", "``") + "`")
        if isinstance(field.dataType, DecimalType | DoubleType | FloatType) and field.name.casefold() not in kept:
            column = F.translate(column.cast("string"), ".", decimal_sign).alias(field.name)
        columns.append(column)
    return frame.select(*columns)


def mark_files(folder: Path) -> None:
    """Puts a byte order mark before the text of each data file below `folder`."""
    for file in sorted(folder.rglob("part-*")):
        marked = file.with_name("_marked")
        with file.open("rb") as old, marked.open("wb") as new:
            new.write(codecs.BOM_UTF8)
            shutil.copyfileobj(old, new, 1 << 20)
        os.replace(marked, file)
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
