"""Values as DelimitedLoad writes them. Needs pyspark."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DecimalType, DoubleType, FloatType, NullType, StringType, StructField

from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.stages.bytes_text import base64_text


def values_as_text(frame: DataFrame, decimal_sign: str, *, but: Sequence[str]) -> DataFrame:
    """`frame` with every number that may have decimals as text with that sign, all digits kept, and bytes in base64, as JSON has them;
    a column of no type is text without values. Columns in `but` stay as they are."""
    own = {field.name for field in own_fields(frame, but=but)}
    columns: list[Column] = []
    for field in frame.schema.fields:
        column = F.col(name_in_sql(field.name))
        if isinstance(field.dataType, DecimalType | DoubleType | FloatType) and field.name in own:
            column = F.translate(column.cast("string"), ".", decimal_sign).alias(field.name)
        elif isinstance(field.dataType, BinaryType) and field.name in own:
            column = base64_text(column).alias(field.name)
        elif isinstance(field.dataType, NullType):
            column = column.cast("string").alias(field.name)
        columns.append(column)
    return frame.select(*columns)


def require_plain_values(frame: DataFrame, separator: str, stage_name: str, *, header: bool, but: Sequence[str]) -> None:
    """Raises ProblemError when a text or name holds the separator or a line break: without quotes, its row would fall into other values."""
    fix = "Set “Quotes” (quote) to DoubleQuote, choose another separator, or take the sign out with replace(…) before."
    words = (f"“{stage_name}” writes without quotes, and", "the separator or a line break.")
    _require_none(frame, separator, "[\\r\\n]", words, fix, header=header, but=but)


def require_apart(frame: DataFrame, separator: str, stage_name: str, *, header: bool, but: Sequence[str]) -> None:
    """Raises ProblemError when a text or name ends as a separator of several signs begins (`5:` before `::`): who reads cuts it too
    early, and Spark's quotes come only around whole separators."""
    fix = "Turn “Quotes around every value” (quoteAll) on, or choose a separator of one sign."
    words = (f"“{stage_name}”:", "at the end a sign with which the separator begins, and would be cut too early.")
    _require_none(frame, separator, None, words, fix, header=header, but=but)


def _require_none(
    frame: DataFrame, separator: str, pattern: str | None, words: tuple[str, str], fix: str, *, header: bool, but: Sequence[str]
) -> None:
    """Raises ProblemError when the first separator behind a text is not the one that is written there, or the text holds `pattern`.
    Without a pattern, texts that hold the whole separator are well: they come in quotes.
    `words`: what stands before and behind the number in the message."""
    names = texts_of(frame, but=but)
    columns = [F.col(name_in_sql(name)) for name in names]
    tests = [F.instr(F.concat(column, F.lit(separator)), separator) <= F.length(column) for column in columns]
    if pattern:
        tests = [test | column.rlike(pattern) for test, column in zip(tests, columns, strict=True)]
    else:
        tests = [test & ~column.contains(separator) for test, column in zip(tests, columns, strict=True)]
    own = [field.name for field in own_fields(frame, but=but)] if header else []
    cut = [name for name in own if (name + separator).index(separator) < len(name) and (pattern or separator not in name)]
    wrong = [(name, "a name of a column holds") for name in cut]
    if tests and not wrong:
        counts = frame.agg(*[F.count_if(test) for test in tests]).collect()[0]
        told = zip(names, counts, strict=True)
        wrong = [(name, "1 value holds" if count == 1 else f"{count:,} values hold") for name, count in told if count]
    for name, many in wrong[:1]:
        raise ProblemError(
            Problem(code="quotes-needed", field="quote", message=f"{words[0]} {many} {words[1]}", found=name, data_column=name, fix=fix)
        )


def own_fields(frame: DataFrame, *, but: Sequence[str]) -> list[StructField]:
    """The columns that stand in the files: `but` are folders."""
    folders = {name.casefold() for name in but}
    return [field for field in frame.schema.fields if field.name.casefold() not in folders]


def texts_of(frame: DataFrame, *, but: Sequence[str]) -> list[str]:
    """The same, of text."""
    return [field.name for field in own_fields(frame, but=but) if isinstance(field.dataType, StringType)]


def with_no_empty_lines(
    frame: DataFrame, null_value: str, empty_value: str, stage_name: str, times: Mapping[str, str], *, but: Sequence[str]
) -> DataFrame:
    """`frame`, whose rows all become lines: of a single column, a line without any sign is no row, for who reads and for who writes. No
    value is written there as an empty text is, in quotes. `times`: the patterns of times by their types. Raises ProblemError where that
    cannot be."""
    own = own_fields(frame, but=but)
    if len(own) > 1 or null_value.strip():
        return frame
    name, kind = own[0].name, own[0].dataType.simpleString()
    column = F.col(name_in_sql(name))
    text = F.date_format(column, times[kind]) if kind in times else column.cast("string")
    if not empty_value.strip():
        many = frame.where(F.coalesce(F.trim(text), F.lit("")) == "").count()
        if many:
            raise ProblemError(_empty_lines(stage_name, name, many))
    written = F.coalesce(text, F.lit("")).alias(name)
    return frame.select(*[written if field.name == name else name_in_sql(field.name) for field in frame.schema.fields])


def has_blank_lines(frame: DataFrame, *, but: Sequence[str]) -> bool:
    """Whether a text that is the only one of its line is blanks alone: without quotes, some programs take it for no row."""
    own = own_fields(frame, but=but)
    if len(own) != 1 or not isinstance(own[0].dataType, StringType):
        return False
    return bool(frame.where(F.col(name_in_sql(own[0].name)).rlike("^[ \\t]+$")).take(1))


def _empty_lines(stage_name: str, name: str, many: int) -> Problem:
    rows = "1 row has" if many == 1 else f"{many:,} rows have"
    return Problem(
        code="empty-lines",
        field="nullValue",
        message=f"“{stage_name}” writes a single column, and {rows} nothing in it: an empty line is no row, and they would be lost.",
        found=name,
        data_column=name,
        fix="Give a “Text for no value” (nullValue), set “Quotes” (quote) to DoubleQuote without a text of your own for an empty text, "
        "or write a second column.",
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
