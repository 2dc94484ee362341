from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.files.encodings import Encoding
from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.file_kinds import Delimited, FileOrViewExtract
from executor.stages.kinds import stage_field

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


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
    trim_names: bool = stage_field(
        "trimNames", "Blanks off names", "Blanks before and behind the names in the header are left out.", "switch", default=False,
        advanced=True,
    )  # fmt: skip
    null_value: str = stage_field(
        "nullValue", "Text for no value", "A value of just this text is null, as an empty one is.", "text", default="", advanced=True
    )
    quoted_empty: Literal["null", "text"] = stage_field(
        "quotedEmpty",
        "Empty text in quotes",
        'What "" is. null: no value, as nothing between two separators. text: an empty text.',
        "choice",
        default="null",
        advanced=True,
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.reading import read_files, read_view

        if self.input_view:
            frame = read_view(self, context, lambda lines: spark.read.options(**self._options()).csv(lines))
        else:
            frame = read_files(self, spark, context, self._read, sample=self._check)
        self.make_view(frame, context)

    def _options(self) -> dict[str, str]:
        escape = "\\" if self.escape is None else self.escape or "\x00"
        options = {"escape": escape, "inferSchema": "false", "multiLine": str(self.multi_line).lower()}
        return self.format_options() | options

    def _read(self, spark: SparkSession, path: str, options: dict[str, str]) -> DataFrame:
        """A row of another width than the first stops the reading; it is found in every row as long as no column is skipped."""
        strict = {"mode": "FAILFAST", "columnPruning": "false"}
        return spark.read.options(**self._options(), **strict, **options).csv(path)

    def _check(self, files: list[Any], uri: str) -> None:
        from executor.files.delimited import TextRules, check_widths
        from executor.files.inputs import check_text_files

        self._refuse_what_is_not_read_yet()
        check_text_files(files, uri, binary_reader="DelimitedExtract")
        options = self.format_options()
        rules = TextRules(options["sep"], options["quote"], self.header, self.multi_line)
        for file in files[:20]:
            check_widths(file, uri, rules)

    def _refuse_what_is_not_read_yet(self) -> None:
        later = (
            "encoding",
            "skip_lines",
            "skip_last_lines",
            "comment",
            "other_widths",
            "other_headers",
            "trim_names",
            "null_value",
            "quoted_empty",
        )
        for name in later:
            info = type(self).model_fields[name]
            if getattr(self, name) != info.default:
                raise ProblemError(Problem(code="not-yet", field=info.alias, message=f"“{info.alias}” is not read yet."))
