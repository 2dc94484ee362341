from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.files.marks import NAMES
from executor.language.quoting import name_in_sql, text_in_sql
from executor.stages.base import Count, Stage, StageContext
from executor.stages.file_kinds import QUOTES, Delimited, FileLoad
from executor.stages.kinds import stage_field

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

MOMENT, LOCAL_MOMENT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"
"""How times are written: with all that Spark knows of them, microseconds and zone."""


class DelimitedLoad(Delimited, FileLoad):
    """Writes a view as text files with one row per line and a sign between the values (CSV), for spreadsheets and other programs."""

    icon: ClassVar[str] = "file-type-csv"
    format: ClassVar[str] = "delimited"
    example: ClassVar[dict[str, Any]] = {
        "type": "DelimitedLoad",
        "name": "save_csv",
        "inputView": "daily_delays",
        "outputURI": "export/daily_delays_csv",
        "header": True,
        "numPartitions": 1,
    }

    type: Literal["DelimitedLoad"] = "DelimitedLoad"

    escape: str | None = stage_field(
        "escape",
        "Escape sign",
        "The sign before a quote inside quotes. Not given: the quote itself (doubled), as spreadsheets and databases expect.",
        "text",
        default=None,
        advanced=True,
        max_length=1,
    )
    quote_all: bool = stage_field(
        "quoteAll",
        "Quotes around every value",
        "Off: only around values that need them. On: also around null; “Text for no value” tells it apart.",
        "switch",
        default=False,
        advanced=True,
    )
    decimal_sign: Literal[".", ","] = stage_field(
        "decimalSign", "Decimal sign", "The sign before the decimals of numbers.", "choice", default=".", advanced=True
    )
    byte_order_mark: bool = stage_field(
        "byteOrderMark",
        "Mark for Excel",
        "On: each file begins with a byte order mark, by which Excel sees that it is UTF-8.",
        "switch",
        default=False,
        advanced=True,
    )
    null_value: str = stage_field(
        "nullValue",
        "Text for no value",
        "What is written for null; of a single column two quotes, where this is empty.",
        "text",
        default="",
        advanced=True,
    )
    empty_value: str | None = stage_field(
        "emptyValue",
        "Text for an empty text",
        "What is written for an empty text. Not given: two quotes, which tell it apart from null; without quotes it is written as null is.",
        "text",
        default=None,
        advanced=True,
    )

    def reader(self) -> dict[str, Any]:
        written = {"type": "DelimitedExtract", "multiLine": True, "quotedEmpty": "text", "nullValue": self.null_value}
        return written | self.model_dump(by_alias=True, include=set(Delimited.model_fields) - set(Stage.model_fields))

    def columns_without_rows(self) -> str | None:
        return "text" if self.header else None

    def written(self) -> dict[str, str]:
        options = self._options()
        plain = {name: options[name] for name in ("header", "quote", "escape", "nullValue", "emptyValue")}
        return plain | {"delimiter": options["sep"], "decimalSign": self.decimal_sign}

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.writing import NESTED, write_files

        write_files(self, context, self._write, unsupported=NESTED, prepared=lambda frame: self._as_written(frame, context))

    def as_what_is_there(self, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
        from executor.stages.appending import as_delimited

        return as_delimited(self, context, frame, files)

    def _as_written(self, frame: DataFrame, context: StageContext) -> DataFrame:
        from executor.stages.appending import note_kinds
        from executor.stages.delimited_values import require_apart, require_plain_values, values_as_text, with_no_empty_lines

        options = self._options()
        if not self.header:
            context.describe_output({NAMES: json.dumps([name for name in frame.columns if name not in self.partition_by])})
        note_kinds(self, context, frame)
        written = values_as_text(self._counted(frame, context), self.decimal_sign, but=self.partition_by)
        if self.quote == "None":
            require_plain_values(written, options["sep"], self.name, header=self.header, but=self.partition_by)
        elif len(options["sep"]) > 1 and not self.quote_all:
            require_apart(written, options["sep"], self.name, header=self.header, but=self.partition_by)
        times = {"timestamp": MOMENT, "timestamp_ntz": LOCAL_MOMENT}
        return with_no_empty_lines(written, options["nullValue"], options["emptyValue"], self.name, times, but=self.partition_by)

    def _counted(self, frame: DataFrame, context: StageContext) -> DataFrame:
        """A text that is written just as null is comes back as null, which the run says."""
        from executor.stages.delimited_values import texts_of

        words = {self.null_value} - {""} | ({""} if self._empty_is_as_null() else set())
        listed = ", ".join(text_in_sql(word) for word in sorted(words))
        names = texts_of(frame, but=self.partition_by) if words else []
        counts = [Count(name, "as-null", f"coalesce({name_in_sql(name)} IN ({listed}), false)", is_named=False) for name in names]
        affected = " OR ".join(count.condition for count in counts)
        return context.watched(frame, self.input_view, counts, affected=affected) if counts else frame

    def _empty_is_as_null(self) -> bool:
        """Whether an empty text and null are the same signs in the file."""
        return self._options()["emptyValue"] == self.null_value or (self.quote_all and not self.null_value and not self.empty_value)

    def _write(self, frame: DataFrame, writer: DataFrameWriter, path: str) -> None:
        from executor.stages.delimited_values import has_blank_lines, mark_files

        options = self._options()
        if self.quote != "None" and has_blank_lines(frame, but=self.partition_by):
            options |= {"quoteAll": "true"}
        writer.options(**options).csv(path)
        if self.byte_order_mark:
            mark_files(Path(path))

    def _options(self) -> dict[str, str]:
        options = self.format_options() | {"escape": self.escape or QUOTES[self.quote], "quoteAll": str(self.quote_all).lower()}
        options |= {
            "nullValue": self.null_value,
            "emptyValue": QUOTES[self.quote].strip("\x00") * 2 if self.empty_value is None else self.empty_value,
            "timestampFormat": MOMENT,
            "timestampNTZFormat": LOCAL_MOMENT,
        }
        if self.quote == "None":
            options |= {"quote": "", "escapeQuotes": "false"}
        return options | {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}
