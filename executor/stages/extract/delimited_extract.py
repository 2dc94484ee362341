from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.files.encodings import Encoding
from executor.problems import Problem
from executor.stages.base import HAS_ERRORS, Count, StageContext
from executor.stages.file_kinds import Delimited, FileOrViewExtract
from executor.stages.kinds import stage_field

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.files.columns import Columns
    from executor.files.delimited import TextRules
    from executor.files.folder import Place
    from executor.stages.portions import Portion


class DelimitedExtract(Delimited, FileOrViewExtract):
    """Reads text files with one row per line and a sign between the values (CSV). All columns are text; type them with TypingTransform."""

    example: ClassVar[dict[str, Any]] = {
        "type": "DelimitedExtract",
        "name": "flights",
        "inputURI": "raw/flights.csv",
        "header": True,
        "outputView": "flights",
    }

    type: Literal["DelimitedExtract"] = "DelimitedExtract"
    multi_line: bool = Field(
        default=False,
        alias="multiLine",
        title="Line breaks in values",
        description="On: a value in quotes may go over several lines. Large files are then read by one task.",
        json_schema_extra={"widget": "switch", "advanced": True},
    )
    escape: str | None = Field(
        default=None,
        alias="escape",
        title="Escape sign",
        description=(
            'The sign before a quote inside quotes: " (doubled quotes, as Excel and databases write) or \\. '
            "Not given: as each file is written, which is found out before it is read."
        ),
        max_length=1,
        json_schema_extra={"widget": "text", "advanced": True},
    )
    encoding: Encoding | None = stage_field(
        "encoding",
        "Encoding",
        "How the file's signs are stored. Not given: UTF-8, or what the mark at the file's beginning says.",
        "choice",
        default=None,
        advanced=True,
    )
    skip_lines: int = stage_field(
        "skipLines", "First lines to leave out", "Lines before the names or the first row, such as a title.", "number", default=0,
        advanced=True, ge=0, le=1000,
    )  # fmt: skip
    skip_last_lines: int = stage_field(
        "skipLastLines", "Last rows to leave out", "Rows at the end of each file, such as a total.", "number", default=0,
        advanced=True, ge=0, le=1000,
    )  # fmt: skip
    last_rows_hold: list[str] = stage_field(
        "lastRowsHold",
        "What they say",
        "A word that each of the rows left out at the end holds, from the first to the last, for instance Total. The run stops when one "
        "does not: it may be data.",
        "list",
        default=[],
        advanced=True,
    )  # fmt: skip
    comment: str | None = stage_field(
        "comment", "Comment sign", "Lines that begin with this sign are left out.", "text", default=None, advanced=True, max_length=1
    )
    other_widths: Literal["stop", "pad", "drop", "fit", "reject"] = stage_field(
        "otherWidths",
        "Rows of another width",
        "stop: the run stops and says which row. pad: missing values are null. drop: surplus values are left out. fit: both. "
        "reject: the row stays with no values; its text stands in _errors.",
        "choice",
        default="stop",
        advanced=True,
    )
    other_headers: Literal["stop", "fill"] = stage_field(
        "otherHeaders",
        "Files with other names",
        "Of several files. stop: the run stops when they do not have the same names. fill: a column that a file lacks is null in its rows.",
        "choice",
        default="stop",
        advanced=True,
    )
    other_separators: Literal["stop", "own"] = stage_field(
        "otherSeparators",
        "Files with other separators",
        "Of several files. stop: the run stops when the values of one are separated otherwise. own: each is read with its own separator, "
        "where its names and first rows show it.",
        "choice",
        default="stop",
        advanced=True,
    )
    trim_names: bool = stage_field(
        "trimNames", "Blanks off names", "Blanks before and behind the names in the header are left out.", "switch", default=False,
        advanced=True,
    )  # fmt: skip
    names: list[str] = stage_field(
        "names",
        "Names",
        "The names that the files must have, in any order; the columns come in this one. The run stops when one is missing, and warns of "
        "new ones, which are not read. Not given: the names and the order of the files.",
        "list",
        default=[],
        advanced=True,
    )
    fill_down: list[str] | None = stage_field(
        "fillDown",
        "Fill down",
        "Columns whose empty cells get the value above them, as where a group is named in its first row only. Not given: such columns are "
        "told. An empty list: they are meant so.",
        "list",
        default=None,
        advanced=True,
    )
    totals: Literal["warn", "known"] = stage_field(
        "totals",
        "Totals among the rows",
        "warn: rows that say “All”, “Total” and the like, where others name one of several, are told. known: they are left out in a query, "
        "or are no totals.",
        "choice",
        default="warn",
        advanced=True,
    )
    empty_rows: Literal["warn", "known"] = stage_field(
        "emptyRows",
        "Rows without any value",
        "warn: rows of separators alone, as spreadsheets write them below a table, are told. known: they are left out in a query, or are "
        "meant so.",
        "choice",
        default="warn",
        advanced=True,
    )
    null_value: str = stage_field(
        "nullValue", "Text for no value", "A value of just this text is null, as an empty one is.", "text", default="", advanced=True
    )
    backslashes: Literal["warn", "codes", "text"] = stage_field(
        "backslashes",
        "Backslashes",
        "warn: they stay as written; where they look like those of a database that is told. codes: as PostgreSQL (COPY) and MySQL write "
        "text, \\N is no value, \\t a tab, \\n a line break, \\\\ one backslash, and an empty value is an empty text; without quotes. "
        "text: they mean themselves.",
        "choice",
        default="warn",
        advanced=True,
    )
    quoted_empty: Literal["null", "text"] = stage_field(
        "quotedEmpty",
        "Empty text in quotes",
        'What "" is. null: no value, as nothing between two separators. text: an empty text.',
        "choice",
        default="null",
        advanced=True,
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.backslashes == "codes" and self.quote != "None":
            words = "Text with such codes has no quotes around values: a quote in it is part of the text."
            found.append(Problem(code="not-with-quotes", field="quote", message=words, expected="None", fix="Set “Quotes” to None."))
        files_only = (("names", self.names), ("lastRowsHold", self.last_rows_hold), ("fillDown", self.fill_down))
        given = [field for field, value in files_only if value]
        if not (self.input_view and given):
            return found
        words = "A view has no rows at its end or above others, and what files must hold is not looked for in it."
        return [*found, Problem(code="not-for-views", field=given[0], message=words, fix="Leave it empty, or read a file.")]

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.reading import read_portions

        portions = partial(self._portions, spark, context)
        frame = self._of_view(context) if self.input_view else self._filled_down(read_portions(self, spark, context, portions))
        if self.other_widths == "reject":
            rejected = Count(None, "another-width", HAS_ERRORS)
            frame = context.watched(frame, self.output_view, [rejected], affected=HAS_ERRORS, look=HAS_ERRORS)
        self.make_view(frame, context)

    def lines_around(self) -> tuple[int, int]:
        return self.skip_lines + self.header, self.skip_last_lines

    def row_on_line(self, line: int) -> int | None:
        return None if self.multi_line or self.skip_lines else line - self.header

    def _filled_down(self, frame: DataFrame) -> DataFrame:
        from executor.stages.frames import filled_down

        return filled_down(frame, self.fill_down, "fillDown") if self.fill_down else frame

    def columns_of(self, place: Place) -> Columns:
        from executor.files.table import columns_by_first_lines

        return columns_by_first_lines(place, self._rules())

    def _portions(self, spark: SparkSession, context: StageContext, place: Place, options: dict[str, str]) -> list[Portion]:
        from executor.files.table import table_of
        from executor.stages.delimited_frames import empty_options, portions_of

        rules = self._rules()
        table = table_of(place, rules)
        for sentence in table.said:
            context.log(sentence)
        for warning in table.warnings:
            context.warn(warning)
        if table.rejected:
            context.rows("rejected", table.rejected, self.output_view)
        given = {"sep": rules.separator, "quote": rules.quote} | empty_options(self.null_value, self.quoted_empty, self.backslashes)
        return portions_of(table, spark, rules, options | given)

    def _rules(self) -> TextRules:
        from executor.files.delimited import TextRules

        options = self.format_options()
        return TextRules(
            separator=options["sep"],
            quote=options["quote"],
            escape=self.escape,
            header=self.header,
            multi_line=self.multi_line,
            encoding=self.encoding,
            skip_lines=self.skip_lines,
            skip_last_lines=self.skip_last_lines,
            is_end_known="skip_last_lines" in self.model_fields_set,
            comment=self.comment,
            other_widths=self.other_widths,
            other_headers=self.other_headers,
            other_separators=self.other_separators,
            trim_names=self.trim_names,
            names=tuple(self.names),
            last_rows_hold=tuple(self.last_rows_hold),
            totals=self.totals,
            empty_rows=self.empty_rows,
            backslashes=self.backslashes,
            null_value=self.null_value,
            fill_down=None if self.fill_down is None else tuple(self.fill_down),
        )

    def _of_view(self, context: StageContext) -> DataFrame:
        from executor.stages.delimited_views import rows_of_view

        return rows_of_view(self, self._rules(), context)
