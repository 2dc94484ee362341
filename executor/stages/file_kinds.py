"""Stages that read or write files, and the fields they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.plain import did_you_mean
from executor.problems import Problem
from executor.stages.base import DECIDES, LOOKS, READS, WRITES, Stage, StageContext
from executor.stages.kinds import Extract, FlatMap, Load, NeedsAll, ViewName, WithAuthentication, by_save_mode, stage_field

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame

    from executor.files.columns import Columns
    from executor.files.folder import Place


class WithSchema(Stage):
    """A stage that may be told the columns by an Arc schema."""

    schema_uri: str | None = stage_field(
        "schemaURI",
        "Schema file",
        "A file that describes the columns (Arc's schema format).",
        "uri",
        default=None,
        advanced=True,
        marks={"does": DECIDES},
    )
    schema_view: ViewName | None = stage_field(
        "schemaView", "Schema view", "A view whose rows describe the columns, one row for each.", "view", default=None, advanced=True
    )


class PlaceExtract(Extract, WithSchema):
    """Reads what lies at a place."""

    reads_versions: ClassVar[bool] = False
    """Whether it reads one version of what is there, which stays as it is while others write."""

    input_uri: str | None = stage_field(
        "inputURI",
        "File",
        "The file or folder to read, such as raw/flights.csv, or archive:2013/x.csv in another root. * stands for any text in a name.",
        "uri",
        default=None,
        marks={"does": READS},
    )

    def reads(self) -> list[str]:
        return [self.schema_view] if self.schema_view else []

    def base(self) -> str | None:
        """The address of the folder from which names of folders give columns."""
        return None

    def columns_at(self, path: str, uri: str, base: str | None) -> Columns:
        """Which columns there are at `path`, which the document calls `uri`, as far as that is quick to tell without Spark. `base`: where
        folders begin to give columns. Raises ProblemError for what cannot be read."""
        raise NotImplementedError(f"{type(self).__name__} does not say which columns are there")

    def problems(self) -> list[Problem]:
        twice = [one_of(["schemaURI", "schemaView"])] if self.schema_uri and self.schema_view else []
        return [*super().problems(), *twice]


class FileExtract(PlaceExtract):
    """Reads files."""

    icon: ClassVar[str] = "download"

    contiguous_index: bool = stage_field(
        "contiguousIndex",
        "Number the rows",
        "Adds _filename and _index, the number of the row within its file. Off: only a number that is unique.",
        "switch",
        default=True,
        advanced=True,
    )
    base_path: str | None = stage_field(
        "basePath",
        "Base folder",
        "The folder from which names such as year=2013 in the path become columns.",
        "uri",
        default=None,
        advanced=True,
        marks={"does": LOOKS},
    )
    watermark: FlatMap = stage_field(
        "watermark",
        "Watermark",
        "For endless input: eventTime (a column) and delayThreshold (for instance 1 hour).",
        "map",
        default={},
        advanced=True,
        marks={"unused": "a watermark is for endless (streaming) input; this job reads files once"},
    )

    def lines_around(self) -> tuple[int, int] | None:
        """Where each row is a line of the file: the lines before the first and behind the last one."""
        return None

    def base(self) -> str | None:
        return self.base_path

    def columns_at(self, path: str, uri: str, base: str | None) -> Columns:
        from executor.files.inputs import require_data

        return self.columns_of(require_data(path, uri, base))

    def columns_of(self, place: Place) -> Columns:
        """Which columns the files have, as far as that is quick to tell without Spark. Raises ProblemError for what cannot be read."""
        raise NotImplementedError(f"{type(self).__name__} does not say which columns its files have")

    def problems(self) -> list[Problem]:
        found = super().problems()
        for key in ("eventTime", "delayThreshold"):
            if self.watermark and key not in self.watermark:
                found.append(
                    Problem(
                        code="watermark",
                        field="watermark",
                        message=f"Watermark requires '{key}' parameter.",
                        expected=key,
                        fix=f"Add “{key}”.",
                    )
                )
        return found


class FileOrViewExtract(FileExtract):
    """Reads files, or the text in a column of a view."""

    input_view: ViewName | None = stage_field(
        "inputView", "Input view", "A view that holds the text, instead of a file.", "view", default=None, advanced=True
    )
    input_field: str | None = stage_field(
        "inputField",
        "Input column",
        "The column of the input view that holds the text; needed when the view has several.",
        "text",
        default=None,
        advanced=True,
    )

    def reads(self) -> list[str]:
        return [*([self.input_view] if self.input_view else []), *super().reads()]

    def problems(self) -> list[Problem]:
        missing = [] if self.input_view or self.input_uri else [no_input()]
        return [*super().problems(), *missing]


class PlaceLoad(Load, WithAuthentication):
    """Writes to a place."""

    is_table: ClassVar[bool] = False
    """Whether what it writes is a Delta table, and not files by themselves."""

    output_uri: str = stage_field(
        "outputURI",
        "Folder",
        "Where the files go, for instance curated/daily_delays, or archive:daily_delays in another root.",
        "uri",
        min_length=1,
        marks={"does": WRITES},
    )

    def saves_as(self) -> str:
        """What becomes of the rows that are there, in the words of `FileLoad.save_mode`."""
        return "Append"

    def folders_by(self) -> list[str]:
        """The columns by whose values its output has folders."""
        return []

    def lists_files(self) -> bool | None:
        """Whether other programs get a list of a table's files beside it; None: nobody has said."""
        return None

    def reader(self) -> dict[str, Any]:
        """Type and format of the extract that reads what this stage writes, as a document writes them."""
        raise NotImplementedError(f"{type(self).__name__} does not say what reads it")


class TableLoad(PlaceLoad):
    """Changes rows of a Delta table."""

    format: ClassVar[str] = "delta"
    is_table: ClassVar[bool] = True
    writes_whole: ClassVar[bool] = False
    connectors: ClassVar[tuple[str, ...]] = ("delta",)

    def reader(self) -> dict[str, Any]:
        return {"type": "DeltaLakeExtract"}


def label_field(such_as: str = "") -> Any:
    """`such_as`: an example, in words."""
    return stage_field(
        "label",
        "Label",
        f"A name for the version that is written{such_as}. A DeltaLakeExtract can read it by that.",
        "text",
        default=None,
        advanced=True,
        min_length=1,
        max_length=100,
    )


def only_for_conditions_field() -> Any:
    return stage_field(
        "onlyForConditions",
        "Columns for conditions alone",
        "Columns of the view that the table does not have and shall not get, such as a mark of deleted rows.",
        "list",
        default=[],
        advanced=True,
    )


class FileLoad(PlaceLoad):
    """Writes files."""

    tells_kinds: ClassVar[bool] = False
    """Whether its files tell which values are numbers, and which are true or false."""
    elsewhere: ClassVar[dict[str, str]] = {"Merge": "A MergeLoad brings rows into a Delta table by their keys."}
    """Words of other systems' documents for what another stage does."""

    save_mode: Literal["Append", "ErrorIfExists", "Ignore", "Overwrite"] = stage_field(
        "saveMode",
        "If there is data already",
        "Overwrite replaces it, Append adds to it, ErrorIfExists stops the run, Ignore leaves it as it is.",
        "choice",
        default="Overwrite",
    )
    partition_by: list[str] = stage_field(
        "partitionBy", "Folders by", "One folder for each value of these columns, for instance year.", "list", default=[], advanced=True
    )
    num_partitions: int | None = stage_field(
        "numPartitions", "Files", "Into how many files the rows are written.", "number", default=None, advanced=True, ge=1, le=100_000
    )

    def saves_as(self) -> str:
        return self.save_mode

    def needs_all_rows(self) -> NeedsAll | None:
        return by_save_mode(self.save_mode, "Choose Append, or bring the rows in by their keys with a MergeLoad.")

    def folders_by(self) -> list[str]:
        return self.partition_by

    def columns_without_rows(self) -> str | None:
        """How the columns are read where there are no rows and so no file: “typed”, as “text”, or None where none can be named then."""
        return None

    def as_what_is_there(self, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
        """`frame` as the rows in the `files` at its output have it. Raises ProblemError where that would lose or change something."""
        return frame


QUOTES = {"DoubleQuote": '"', "SingleQuote": "'", "None": "\x00"}
"""The signs that the words for quotes mean; NUL: none."""


SEPARATORS = {"Comma": ",", "Pipe": "|", "DefaultHive": "\x01"}


def separator_of(delimiter: str, own: str | None) -> str | None:
    """The sign that `delimiter` (Comma, Pipe, DefaultHive, Custom) means; `own`: of Custom, in which \\t is a tab, as nobody types one."""
    return SEPARATORS.get(delimiter, "\t" if own == "\\t" else own)


class Delimited(Stage):
    """How values are separated in a text file."""

    delimiter: Literal["Comma", "Pipe", "DefaultHive", "Custom"] = stage_field(
        "delimiter", "Separator", "The sign between two values.", "choice", default="Comma"
    )
    custom_delimiter: str | None = stage_field(
        "customDelimiter", "Own separator", "The sign between two values when the separator is Custom; \\t is a tab.", "text", default=None,
        max_length=10,
    )  # fmt: skip
    quote: Literal["DoubleQuote", "SingleQuote", "None"] = stage_field(
        "quote", "Quotes", "The sign around a value that holds the separator.", "choice", default="DoubleQuote", advanced=True
    )
    header: bool = stage_field(
        "header", "First line holds names", "On: the first line gives the columns their names.", "switch", default=False
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.delimiter == "Custom" and not self.custom_delimiter:
            found.append(
                Problem(
                    code="field-missing",
                    field="customDelimiter",
                    message="The separator is Custom, but none is given.",
                    expected="a sign such as ;",
                    fix="Give the own separator.",
                )
            )
        return found

    def format_options(self) -> dict[str, str]:
        """Spark's options for reading and writing such text."""
        separator = separator_of(self.delimiter, self.custom_delimiter) or ","
        return {"sep": separator, "quote": QUOTES[self.quote], "header": str(self.header).lower()}


def one_of(fields: list[str]) -> Problem:
    """More than one of these fields is set."""
    names = ", ".join(fields)
    return Problem(
        code="one-of", field=fields[-1], message=f"Only one of {names} can be used.", expected="one of them", fix="Take the others out."
    )


def no_input() -> Problem:
    """A stage that reads was not told from where."""
    return Problem(
        code="one-of",
        field="inputURI",
        message="It is not said what to read.",
        expected="a file, for instance raw/flights.csv",
        fix="Give the file.",
    )


def unknown_options(given: Mapping[str, str], known: Sequence[str]) -> list[Problem]:
    """What is said to no one: an option that is not known would be passed over in silence."""
    return [
        Problem(
            code="option-unknown",
            field="options",
            message=f"There is no option “{name}”.",
            found=name,
            expected="one of " + ", ".join(known),
            fix=did_you_mean(name, known) or "Take it out.",
        )
        for name in given
        if name not in known
    ]
