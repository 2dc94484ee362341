"""The five kinds of stages, and the fields that several stage types share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from executor import sql_text
from executor.authentication import authentication_problems
from executor.filling import inject_sql_params
from executor.lineage import views_read
from executor.problems import Problem, ProblemError
from executor.stages.base import Stage, StageContext

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def flat_map(value: Any) -> Any:
    """Arc's maps: nested objects become dotted keys, every value becomes text, nulls vanish. Anything else is for pydantic to refuse."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, str] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat |= {f"{key}.{inner}": text for inner, text in flat_map(item).items()}
        elif item is not None:
            flat[str(key)] = str(item).lower() if isinstance(item, bool) else str(item)
    return flat


FlatMap = Annotated[dict[str, str], BeforeValidator(flat_map)]
ViewName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


def _field(alias: str, title: str, description: str, widget: str, *, default: Any = ..., advanced: bool = False, **extra: Any) -> Any:
    """A field of a stage: the name in documents, what people read, and how it is drawn."""
    marks = {"widget": widget} | ({"advanced": True} if advanced else {}) | extra.pop("marks", {})
    return Field(default, alias=alias, title=title, description=description, json_schema_extra=marks, **extra)


class WithParams(Stage):
    """Arc's free map of parameters."""

    params: FlatMap = _field(
        "params",
        "Notes for machines",
        "Names and values of your own. They are kept with the run and change nothing.",
        "map",
        default={},
        advanced=True,
    )


class WithAuthentication(WithParams):
    """How to sign in to where the data is."""

    authentication: FlatMap = _field(
        "authentication",
        "Authentication",
        "How to sign in to where the file is, for instance {“method”: “AmazonIAM”}. Files in the lake need none.",
        "map",
        default={},
        advanced=True,
        marks={"unused": "signing in is used with remote storage only; this job reads and writes files in the lake"},
    )

    def problems(self) -> list[Problem]:
        return [*super().problems(), *authentication_problems(self.authentication)]


class MakesView(Stage):
    """A stage whose result is a view."""

    output_view: ViewName = _field(
        "outputView", "View", "The name later steps use for this step's rows: letters, digits and _.", "new-view"
    )
    persist: bool = _field(
        "persist",
        "Keep in memory",
        "Compute the rows once and count them; worth it when several steps use them.",
        "switch",
        default=False,
        advanced=True,
    )
    num_partitions: int | None = _field(
        "numPartitions", "Partitions", "Into how many parts Spark splits the rows.", "number", default=None, advanced=True, ge=1, le=100_000
    )
    partition_by: list[str] = _field(
        "partitionBy", "Partition by", "Columns whose equal values stay together.", "list", default=[], advanced=True
    )

    def writes(self) -> list[str]:
        return [self.output_view]

    def make_view(self, frame: DataFrame, context: StageContext) -> None:
        """Registers `frame` as the stage's view, arranged as the stage says."""
        from executor.stages.frames import arranged

        context.register(self.output_view, arranged(frame, self.num_partitions, self.partition_by), persist=self.persist)


class Extract(MakesView, WithAuthentication):
    """Reads data from somewhere into a view."""

    kind: ClassVar[str] = "extract"


class Transform(MakesView, WithAuthentication):
    """Makes a view out of views."""

    kind: ClassVar[str] = "transform"


class Validate(WithAuthentication):
    """Stops the run when data is not as it should be."""

    kind: ClassVar[str] = "validate"


class Execute(WithAuthentication):
    """Does something beside the data."""

    kind: ClassVar[str] = "execute"


class Load(WithParams):
    """Brings a view's rows out of the job."""

    kind: ClassVar[str] = "load"
    icon: ClassVar[str] = "upload"

    input_view: ViewName = _field("inputView", "Input view", "The view whose rows are written.", "view")

    def reads(self) -> list[str]:
        return [self.input_view]


class WithSQL(WithAuthentication):
    """A stage whose work is one query."""

    sql: str | None = _field("sql", "SQL", "One query over the views of earlier steps.", "sql", default=None)
    input_uri: str | None = _field(
        "inputURI", "SQL file", "A file in the lake that holds the query, instead of SQL written here.", "uri", default=None, advanced=True
    )
    sql_params: FlatMap = _field(
        "sqlParams",
        "SQL parameters",
        "Texts put in place of ${name} in the SQL, as they stand and without quotes. Parameters of the job need no entry here.",
        "map",
        default={},
        advanced=True,
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.input_uri:
            return found
        if self.sql is None:
            return [*found, Problem(code="one-of", field="sql", message="There is no SQL.", expected="a query", fix="Write the query.")]
        text, unused = inject_sql_params(self.sql, self.sql_params)
        return [*found, *unused, *sql_text.sql_problems(text)]

    def reads(self) -> list[str]:
        return [] if self.input_uri or not self.sql else views_read(inject_sql_params(self.sql, self.sql_params)[0])

    def query(self, context: StageContext) -> DataFrame:
        """The frame of the stage's query. Raises ProblemError when the text or its file is not right."""
        text, field = self._text(context)
        text, problems = inject_sql_params(text, self.sql_params, field)
        problems += sql_text.sql_problems(text, field)
        if problems:
            raise ProblemError(problems)
        return context.sql(text, field=field)

    def _text(self, context: StageContext) -> tuple[str, str]:
        if not self.input_uri:
            return self.sql or "", "sql"
        from executor.inputs import read_text

        return read_text(context.input_path(self.input_uri), self.input_uri), "inputURI"


class WithSchema(Stage):
    """A stage that may be told the columns by an Arc schema."""

    schema_uri: str | None = _field(
        "schemaURI",
        "Schema file",
        "A file in the lake that describes the columns (Arc's schema format).",
        "uri",
        default=None,
        advanced=True,
    )
    schema_view: ViewName | None = _field(
        "schemaView", "Schema view", "A view whose rows describe the columns, one row for each.", "view", default=None, advanced=True
    )


class FileExtract(Extract, WithSchema):
    """Reads files."""

    icon: ClassVar[str] = "download"

    input_uri: str | None = _field(
        "inputURI",
        "File",
        "The file or folder to read, for instance raw/flights.csv. * stands for any text in a name.",
        "uri",
        default=None,
    )
    contiguous_index: bool = _field(
        "contiguousIndex",
        "Number the rows",
        "Adds _filename and _index, the number of the row within its file. Off: only a number that is unique.",
        "switch",
        default=True,
        advanced=True,
    )
    base_path: str | None = _field(
        "basePath",
        "Base folder",
        "The folder from which names such as year=2013 in the path become columns.",
        "uri",
        default=None,
        advanced=True,
    )
    watermark: FlatMap = _field(
        "watermark",
        "Watermark",
        "For endless input: eventTime (a column) and delayThreshold (for instance 1 hour).",
        "map",
        default={},
        advanced=True,
        marks={"unused": "a watermark is for endless (streaming) input; this job reads files once"},
    )

    def reads(self) -> list[str]:
        return [self.schema_view] if self.schema_view else []

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.schema_uri and self.schema_view:
            found.append(one_of(["schemaURI", "schemaView"]))
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

    input_view: ViewName | None = _field(
        "inputView", "Input view", "A view that holds the text, instead of a file.", "view", default=None, advanced=True
    )
    input_field: str | None = _field(
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


class FileLoad(Load, WithAuthentication):
    """Writes files."""

    output_uri: str = _field("outputURI", "Folder", "Where the files go, for instance curated/daily_delays.", "uri", min_length=1)
    save_mode: Literal["Append", "ErrorIfExists", "Ignore", "Overwrite"] = _field(
        "saveMode",
        "If there is data already",
        "Overwrite replaces it, Append adds to it, ErrorIfExists stops the run, Ignore leaves it as it is.",
        "choice",
        default="Overwrite",
    )
    partition_by: list[str] = _field(
        "partitionBy", "Folders by", "One folder for each value of these columns, for instance year.", "list", default=[], advanced=True
    )
    num_partitions: int | None = _field(
        "numPartitions", "Files", "Into how many files the rows are written.", "number", default=None, advanced=True, ge=1, le=100_000
    )


class Delimited(Stage):
    """How values are separated in a text file."""

    delimiter: Literal["Comma", "Pipe", "DefaultHive", "Custom"] = _field(
        "delimiter", "Separator", "The sign between two values.", "choice", default="Comma"
    )
    custom_delimiter: str | None = _field(
        "customDelimiter", "Own separator", "The sign between two values when the separator is Custom.", "text", default=None, max_length=10
    )
    quote: Literal["DoubleQuote", "SingleQuote", "None"] = _field(
        "quote", "Quotes", "The sign around a value that holds the separator.", "choice", default="DoubleQuote", advanced=True
    )
    header: bool = _field("header", "First line holds names", "On: the first line gives the columns their names.", "switch", default=False)

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
        separators = {"Comma": ",", "Pipe": "|", "DefaultHive": "\x01", "Custom": self.custom_delimiter or ","}
        quotes = {"DoubleQuote": '"', "SingleQuote": "'", "None": "\x00"}
        return {"sep": separators[self.delimiter], "quote": quotes[self.quote], "header": str(self.header).lower()}


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


def suffix_of(uri: str) -> str:
    """The ending of a file's name in small letters, `.csv`."""
    return Path(uri).suffix.lower()
