"""Delimited files as Spark reads them, by what the look before has found. Needs pyspark."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from executor.files.backslashes import NO_VALUE, SIGNS
from executor.files.delimited import TextRules
from executor.files.encodings import UTF_16
from executor.files.folder import escaped
from executor.files.table import Part, Table
from executor.stages.internal_columns import ERROR_TYPE, errors_column
from executor.stages.portions import Portion

WRITTEN = "_sluice_written"
"""The row's own text, in rows of another width."""
NEVER = "\ufffe\ufffe"
"""A text that no file holds."""
MOST_COLUMNS = 20_480
"""As many as Spark's parser takes without being told."""


def empty_options(null_value: str, quoted_empty: str, backslashes: str) -> dict[str, str]:
    """Spark's options for what is null: nothing between two separators, `null_value`, and `""` where `quoted_empty` is "null". With
    codes of databases, nothing between two separators alone: what is null then, `_read_codes` says."""
    if backslashes == "codes":
        return {"nullValue": NEVER, "emptyValue": ""}
    if quoted_empty == "null":
        return {"nullValue": null_value, "emptyValue": null_value}
    return {"nullValue": null_value or NEVER, "emptyValue": ""}


def portions_of(table: Table, spark: SparkSession, rules: TextRules, options: dict[str, str]) -> list[Portion]:
    """Each part of the table as Spark reads it, with all columns of the table."""
    return [_portion(part, table, spark, rules, options) for part in table.parts]


def portion_of_texts(lines: DataFrame, part: Part, table: Table, rules: TextRules, options: dict[str, str]) -> Portion:
    """As `portions_of`, for a view whose only column holds one row of text in each."""
    return _portion(part, table, lines.sparkSession, rules, options, lines)


def _portion(
    part: Part, table: Table, spark: SparkSession, rules: TextRules, options: dict[str, str], lines: DataFrame | None = None
) -> Portion:
    rules = replace(rules, separator=part.separator) if part.separator else rules
    rejects = rules.other_widths == "reject"
    schema = StructType([StructField(f"c{index}", StringType()) for index in range(len(part.names))])
    if rejects:
        schema.add(WRITTEN, StringType())
    reader = spark.read.options(**options | _reading(part, rules) | {"sep": rules.separator}).schema(schema)
    frame = reader.csv([escaped(file.path) for file in part.files]) if lines is None else reader.csv(lines)
    place = {name: f"c{index}" for index, name in enumerate(part.names)}
    is_right = _is_right(rules, part) if rejects else None
    columns = [_value(place.get(name), is_right, rules).alias(name, metadata=_metadata(name, table)) for name in table.columns]
    added = [_errors(is_right, len(part.names))] if is_right is not None else []
    is_cut = bool(rules.skip_lines or rules.skip_last_lines)
    cuts = dict(zip(part.files, part.cuts, strict=True)) if is_cut else {}
    is_by_lines = lines is None and not (part.as_stream or rules.comment or part.encoding in UTF_16)
    names = int(rules.header and not rules.skip_lines)
    rows = sum(rows for _, rows in part.cuts)
    return Portion(frame, part.files, columns, added, cuts, rows=rows, is_by_lines=is_by_lines, names=names)


def _metadata(name: str, table: Table) -> dict[str, bool]:
    """What later stages know of the column: see `executor/gate/ValueOrigins.java`, `executor/stages/typed_frame.py`."""
    return {mark: True for mark, columns in table.marks.items() if name in columns}


def _reading(part: Part, rules: TextRules) -> dict[str, str]:
    """Spark's options for the part. Where the look has seen that all rows are of one width, any other stops the reading."""
    found = {
        "escape": part.escape,
        "encoding": part.encoding,
        "multiLine": str(part.as_stream).lower(),
        "header": str(rules.header and not rules.skip_lines).lower(),
        "mode": "FAILFAST" if part.is_even and rules.other_widths != "reject" else "PERMISSIVE",
        "columnNameOfCorruptRecord": WRITTEN,
        "columnPruning": "false",
        "maxColumns": str(MOST_COLUMNS + len(part.names)),
    }
    if part.as_stream and part.line_end:
        found["lineSep"] = part.line_end
    if rules.comment:
        found["comment"] = rules.comment
    return found


def _value(column: str | None, is_right: Column | None, rules: TextRules) -> Column:
    if column is None:
        return F.lit(None).cast("string")
    value = _read_codes(F.col(column), rules.null_value) if rules.backslashes == "codes" else F.col(column)
    return value if is_right is None else F.when(is_right, value)


def _read_codes(value: Column, null_value: str) -> Column:
    """A value with the codes of databases in it. Two backslashes are taken first, from the left, so that what is behind them is none."""
    is_none = value == NO_VALUE
    if null_value:
        is_none = is_none | (value == null_value)

    def without(part: Column) -> Column:
        for code, sign in SIGNS.items():
            part = F.replace(part, F.lit("\\" + code), F.lit(sign))
        return part

    read = F.array_join(F.transform(F.split(value, r"\\\\"), without), "\\")
    return F.when(value.isNull(), F.lit("")).when(is_none, F.lit(None)).when(value.contains("\\"), read).otherwise(value)


def _is_right(rules: TextRules, part: Part) -> Column:
    """Whether the row is of the right width, or has nothing but empty values behind it."""
    written, width = _written(), len(part.names)
    count = count_of_values(written, rules, part.escape)
    surplus = F.repeat(F.lit(rules.separator), count - width)
    return written.isNull() | ((count > width) & written.endswith(surplus))


def _written() -> Column:
    """The text of a row of another width. It names a column of the data, as Spark gives no rows for this text alone."""
    return F.when(F.coalesce(F.length("c0"), F.lit(0)) >= 0, F.col(WRITTEN))


def bare_text(written: Column, rules: TextRules, escape: str) -> Column:
    """A text with an x in place of each value in quotes."""
    if rules.quote == "\x00":
        return written
    quote, escape = _in_pattern(rules.quote), _in_pattern(escape)
    inside = f"(?:[^{quote}{escape}]|{escape}[\\s\\S])*" if escape != quote else f"(?:[^{quote}]|{quote}{quote})*"
    return F.regexp_replace(written, F.lit(f"(?<=^|{_in_pattern(rules.separator)}){quote}{inside}{quote}"), F.lit("x"))


def count_of_values(written: Column, rules: TextRules, escape: str) -> Column:
    """How many values a text has."""
    bare = bare_text(written, rules, escape)
    without = F.replace(bare, F.lit(rules.separator), F.lit(""))
    return ((F.length(bare) - F.length(without)) / len(rules.separator)).cast("int") + 1


def _in_pattern(text: str) -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def _errors(is_right: Column, width: int) -> Column:
    """`_errors` of a row: empty, or why its values are not there, with its text."""
    told = F.concat(F.lit(f"The row has not {width} values, so none of them is read: "), _written())
    error = F.struct(F.lit("").alias("field"), told.alias("message"))
    return errors_column(F.when(is_right, F.array().cast(ERROR_TYPE)).otherwise(F.array(error)))
