"""Delimited text in a column of a view, one row of values in each: read by the rules that hold for files. Needs pyspark.

A view has no places to point at, so what is wrong is counted, and told with one of the texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from executor.files.delimited import TextRules
from executor.files.dialect import NO_ESCAPE, NO_QUOTE, Dialect, Record, record_at
from executor.files.escapes import BACKSLASH
from executor.files.headers import named, numbered
from executor.files.table import Part, Table, comments_like_rows
from executor.plain import counted
from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.delimited_frames import bare_text, count_of_values, empty_options, portion_of_texts
from executor.stages.internal_columns import with_view_columns
from executor.stages.reading import text_column

if TYPE_CHECKING:
    from executor.stages.extract.delimited_extract import DelimitedExtract

JUDGED = 10_000
"""Texts by which the escape sign is judged."""


def rows_of_view(stage: DelimitedExtract, rules: TextRules, context: StageContext) -> DataFrame:
    """The rows that the stage finds in the text of its view. Raises ProblemError."""
    source = context.view(stage.input_view or "")
    value = text_column(source, stage.input_field).alias("value")
    lines = source.select(value).filter("length(trim(value)) > 0")
    if rules.comment:
        all_lines, lines = lines, lines.filter(~F.col("value").startswith(rules.comment))
    first = lines.first()
    if first is None:
        raise ProblemError(_nothing(stage))
    escape = _escape(stage, lines, rules)
    cells = record_at(first[0], 0, _dialect(rules, escape)).cells
    names = named(cells, trim=rules.trim_names) if rules.header else numbered(len(cells))
    if names.told:
        context.log(f"{stage.input_view}: {'; '.join(names.told)}.")
    is_even = _check(stage, context, lines, rules, escape, len(cells))
    if rules.comment:
        _check_comments(all_lines, rules, escape, len(cells), context)
    part = Part(encoding="UTF-8", escape=escape, as_stream=False, line_end=None, names=names.names, is_even=is_even)
    options = {"sep": rules.separator, "quote": rules.quote} | empty_options(stage.null_value, stage.quoted_empty, stage.backslashes)
    portion = portion_of_texts(lines, part, Table(list(names.names), [part]), rules, options)
    frame = portion.frame.select(*(portion.columns or ()), *portion.added)
    return with_view_columns(frame, contiguous=stage.contiguous_index)


def _dialect(rules: TextRules, escape: str) -> Dialect:
    return Dialect(rules.separator, rules.quote, escape, over_lines=True)


# --- the escape sign --------------------------------------------------------------------------------------------------------


def _escape(stage: DelimitedExtract, lines: DataFrame, rules: TextRules) -> str:
    """As of files: as the stage says, else as the texts show it. Raises ProblemError where they show two ways or none."""
    if rules.quote == NO_QUOTE:
        return NO_ESCAPE
    if rules.escape is not None:
        return rules.escape or NO_ESCAPE
    value = F.col("value")
    is_open = value.contains(BACKSLASH) & value.contains(rules.quote)
    texts = [row[0] for row in lines.filter(is_open | value.contains(rules.quote * 2)).limit(JUDGED).collect()]
    doubled = [record_at(text, 0, _dialect(rules, rules.quote)) for text in texts]
    slashed = [record_at(text, 0, _dialect(rules, BACKSLASH)) for text in texts]
    if not any(_has_slash(record, rules.quote) for record in doubled):
        return rules.quote
    first = lines.first()
    width = len(record_at(first[0], 0, _dialect(rules, rules.quote)).cells) if first else 0
    only_doubled = [
        text for text, one, other in zip(texts, doubled, slashed, strict=True) if _is_right(one, width) > _is_right(other, width)
    ]
    only_slashed = [
        text for text, one, other in zip(texts, doubled, slashed, strict=True) if _is_right(one, width) < _is_right(other, width)
    ]
    if only_doubled and only_slashed:
        raise ProblemError(_unsure(stage, "input-escape-mixed", only_slashed[0]))
    if only_doubled or only_slashed:
        return rules.quote if only_doubled else BACKSLASH
    raise ProblemError(_unsure(stage, "input-escape-unsure", next(text for text in texts if BACKSLASH in text)))


def _has_slash(record: Record, quote: str) -> bool:
    return any(BACKSLASH + quote in inside or BACKSLASH * 2 in inside or inside.endswith(BACKSLASH) for inside in record.quoted)


def _is_right(record: Record, width: int) -> bool:
    return len(record.cells) == width and not (record.kept or record.is_open or record.is_odd)


# --- what cannot be read ----------------------------------------------------------------------------------------------------


def _check(stage: DelimitedExtract, context: StageContext, lines: DataFrame, rules: TextRules, escape: str, width: int) -> bool:
    """Looks at all texts once. Raises ProblemError, or warns; gives whether all rows are of one width."""
    value = F.col("value")
    count, bare = count_of_values(value, rules, escape), bare_text(value, rules, escape)
    surplus = F.repeat(F.lit(rules.separator), count - width)
    kinds = {
        "narrow": (count < width),
        "wide": (count > width) & ~value.endswith(surplus),
        "broken": bare.rlike("[\\r\\n]"),
    }
    asked = [column for name, test in kinds.items() for column in (F.count_if(test).alias(name), F.min(F.when(test, value)))]
    even = F.count_if(count != width) == 0
    narrow, a_narrow, wide, a_wide, broken, a_broken, is_even = lines.agg(*asked, even).collect()[0]
    if broken:
        raise ProblemError(_several_lines(stage, broken, a_broken))
    wrong = (narrow if rules.other_widths in ("stop", "drop") else 0) + (wide if rules.other_widths in ("stop", "pad") else 0)
    found = a_narrow if narrow and rules.other_widths != "pad" else a_wide if wide else a_narrow
    if wrong:
        raise ProblemError(_other_width(stage, wrong, width, found))
    if (narrow or wide) and rules.other_widths == "reject":
        context.rows("rejected", narrow + wide, stage.output_view)
    elif narrow or wide:
        context.warn(_fitted(narrow + wide, width, found))
    return bool(is_even)


def _check_comments(lines: DataFrame, rules: TextRules, escape: str, width: int, context: StageContext) -> None:
    """Warns of texts that are left out as comments and have as many values as a row; with a blank behind the sign they are sentences."""
    value, sign = F.col("value"), rules.comment or ""
    is_like_a_row = (count_of_values(value, rules, escape) == width) & ~value.startswith(sign + " ")
    found = lines.filter(value.startswith(sign)).agg(F.count_if(is_like_a_row), F.min(F.when(is_like_a_row, value))).collect()[0]
    if found[0] and width > 1:
        context.warn(comments_like_rows(found[0], sign, found=found[1]))


def _fitted(count: int, width: int, text: str) -> Problem:
    return Problem(
        code="rows-of-other-width",
        field="otherWidths",
        message=f"{counted(count, 'row', 'rows')} of another width than the first: missing values are null, surplus ones left out.",
        found=text,
        expected=f"{width} values",
        fix="Look at these texts, and correct them where they are wrong.",
    )


def _nothing(stage: DelimitedExtract) -> Problem:
    message = f"The view “{stage.input_view}” holds no text."
    return Problem(code="input-empty", field="inputView", message=message, fix="Look at the stage that makes it.")


def _unsure(stage: DelimitedExtract, code: str, text: str) -> Problem:
    return Problem(
        code=code,
        field="escape",
        message=f"In texts of “{stage.input_view}” a backslash inside quotes may mean itself, or be the escape sign.",
        found=text,
        fix='Set the escape sign (escape): " where every backslash stands for itself, \\ where two mean one.',
    )


def _several_lines(stage: DelimitedExtract, count: int, text: str) -> Problem:
    return Problem(
        code="input-line-break",
        field="inputView",
        message=f"{count:,} texts of “{stage.input_view}” hold several lines, and only the first would be read.",
        found=text,
        expected="one row in each text",
        fix="Make one row of each line before, in an SQLTransform: SELECT explode(split(text, '\\n')) AS line FROM …",
    )


def _other_width(stage: DelimitedExtract, count: int, width: int, text: str) -> Problem:
    return Problem(
        code="input-row-width",
        field="inputView",
        message=f"{count:,} texts of “{stage.input_view}” have another number of values than the first one, which has {width}.",
        found=text,
        expected=f"{width} value{'s' if width != 1 else ''}",
        fix="Correct them where they are made, or say under “Rows of another width” (otherWidths) what to do with such rows.",
    )
