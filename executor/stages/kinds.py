"""The five kinds of stages, and the fields that most stage types share. Those of files are in `file_kinds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator, Field

from executor.connections.base import NAME as CONNECTION_NAME
from executor.language import sql_text
from executor.language.authentication import authentication_problems
from executor.language.filling import inject_sql_params
from executor.language.lineage import views_read
from executor.problems import Problem, ProblemError
from executor.stages.base import DECIDES, Query, Stage, StageContext

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
ConnectionName = Annotated[str, Field(pattern=f"^{CONNECTION_NAME}$")]
ViewName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


def stage_field(alias: str, title: str, description: str, widget: str, *, default: Any = ..., advanced: bool = False, **extra: Any) -> Any:
    """A field of a stage: the name in documents, what people read, and how it is drawn."""
    marks = {"widget": widget} | ({"advanced": True} if advanced else {}) | extra.pop("marks", {})
    return Field(default, alias=alias, title=title, description=description, json_schema_extra=marks, **extra)


def connection_field(connects: str, offers: str, description: str) -> Any:
    """The field `connection`: what the stage does through it, and what must lie behind it."""
    return stage_field("connection", "Connection", description, "connection", marks={"connects": connects, "offers": offers})


def tell_unused(stage: Stage, context: StageContext) -> None:
    """Says in the log which fields of the stage are set but do nothing yet."""
    for attribute, info in type(stage).model_fields.items():
        extra = info.json_schema_extra
        reason = extra.get("unused") if isinstance(extra, dict) else None
        if reason and getattr(stage, attribute) != info.get_default(call_default_factory=True):
            context.log(f"“{info.alias}” is set but not used: {reason}.", "warning")


class WithParams(Stage):
    """Arc's free map of parameters."""

    params: FlatMap = stage_field(
        "params",
        "Notes for machines",
        "Names and values of your own. They are kept with the run and change nothing.",
        "map",
        default={},
        advanced=True,
    )


class WithAuthentication(WithParams):
    """How to sign in to where the data is."""

    authentication: FlatMap = stage_field(
        "authentication",
        "Authentication",
        "How to sign in to where the file is, for instance {“method”: “AmazonIAM”}. A root's connection says that here.",
        "map",
        default={},
        advanced=True,
        marks={"unused": "the connection of a root says how to sign in where its files lie"},
    )

    def problems(self) -> list[Problem]:
        return [*super().problems(), *authentication_problems(self.authentication)]


class MakesView(Stage):
    """A stage whose result is a view."""

    output_view: ViewName = stage_field(
        "outputView", "View", "The name later stages use for this stage's rows: letters, digits and _.", "new-view"
    )
    persist: bool = stage_field(
        "persist",
        "Keep in memory",
        "Compute the rows once and count them; worth it when several stages use them.",
        "switch",
        default=False,
        advanced=True,
    )
    num_partitions: int | None = stage_field(
        "numPartitions", "Partitions", "Into how many parts Spark splits the rows.", "number", default=None, advanced=True, ge=1, le=100_000
    )
    partition_by: list[str] = stage_field(
        "partitionBy", "Partition by", "Columns whose equal values stay together.", "list", default=[], advanced=True
    )

    def writes(self) -> list[str]:
        return [self.output_view]

    def make_view(self, frame: DataFrame, context: StageContext) -> None:
        """Registers `frame` as the stage's view, arranged as the stage says."""
        from executor.stages.frames import arranged

        tell_unused(self, context)
        context.register(self.output_view, arranged(frame, self.num_partitions, self.partition_by), persist=self.persist)


class Extract(MakesView, WithAuthentication):
    """Reads data from somewhere into a view."""

    kind: ClassVar[str] = "extract"
    sentence: ClassVar[str] = "Reads {inputURI} as {outputView}."


class Transform(MakesView, WithAuthentication):
    """Makes a view out of views."""

    kind: ClassVar[str] = "transform"
    sentence: ClassVar[str] = "Makes {outputView} out of {inputView}."


class Validate(WithAuthentication):
    """Stops the run when data is not as it should be."""

    kind: ClassVar[str] = "validate"
    sentence: ClassVar[str] = "Checks the data before the run goes on."
    in_samples: ClassVar[bool] = False


class Execute(WithAuthentication):
    """Does something beside the data."""

    kind: ClassVar[str] = "execute"
    sentence: ClassVar[str] = "Does something beside the data."
    in_previews: ClassVar[bool] = False


class NeedsAll(NamedTuple):
    """Which field makes a load need all rows, and what it says; what the load does then, as half a sentence; and what to choose instead."""

    field: str
    found: str
    words: str
    fix: str


class Load(WithParams):
    """Brings a view's rows out of the job."""

    kind: ClassVar[str] = "load"
    sentence: ClassVar[str] = "Writes {inputView} to {outputURI}."
    icon: ClassVar[str] = "upload"
    in_previews: ClassVar[bool] = False
    format: ClassVar[str]
    """What its output is, in a word for run and list."""
    writes_whole: ClassVar[bool] = True
    """Whether it writes every row of its view, and no others: then so many rows it has."""

    input_view: ViewName = stage_field("inputView", "Input view", "The view whose rows are written.", "view")

    def reads(self) -> list[str]:
        return [self.input_view]

    def written(self) -> dict[str, str]:
        """The fields that say how text is written, for whoever appends to it later."""
        return {}

    def needs_all_rows(self) -> NeedsAll | None:
        """Why its view must hold all rows there are; None where it may hold those alone that are new."""
        return None


def by_save_mode(mode: str, fix: str) -> NeedsAll | None:
    """For `Load.needs_all_rows`, of a load that has the field “saveMode”."""
    does = {"Overwrite": "replaces all that is there", "Ignore": "writes nothing once something is there"}.get(mode)
    return NeedsAll("saveMode", mode, does, fix) if does else None


def sql_params_field() -> Any:
    return stage_field(
        "sqlParams",
        "SQL parameters",
        "Texts put in place of ${name} in the SQL, as they stand and without quotes. Parameters of the job need no entry here.",
        "map",
        default={},
        advanced=True,
    )


class WithSQL(WithAuthentication):
    """A stage whose work is one query."""

    sql: str | None = stage_field("sql", "SQL", "One query over the views of earlier stages.", "sql", default=None)
    input_uri: str | None = stage_field(
        "inputURI",
        "SQL file",
        "A file that holds the query, instead of SQL written here.",
        "uri",
        default=None,
        advanced=True,
        marks={"does": DECIDES},
    )
    sql_params: FlatMap = sql_params_field()

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.sql is None and self.input_uri:
            return found
        if self.sql is None:
            return [*found, Problem(code="one-of", field="sql", message="There is no SQL.", expected="a query", fix="Write the query.")]
        text, unused = inject_sql_params(self.sql, self.sql_params)
        return [*found, *unused, *sql_text.sql_problems(text, self._sql_field)]

    def reads(self) -> list[str]:
        return [view for query in self.queries() if query.text for view in views_read(query.text)]

    def queries(self) -> list[Query]:
        return [Query(self._sql_field, inject_sql_params(self.sql, self.sql_params)[0] if self.sql is not None else None)]

    def shown(self, context: StageContext) -> DataFrame:
        return self.query(context)

    @property
    def _sql_field(self) -> str:
        return "inputURI" if self.input_uri else "sql"

    def query(self, context: StageContext) -> DataFrame:
        """The frame of the stage's query. Raises ProblemError when the text or its file is not right."""
        text, field = self._text(context)
        text, problems = inject_sql_params(text, self.sql_params, field)
        problems += sql_text.sql_problems(text, field)
        if problems:
            raise ProblemError(problems)
        return context.sql(text, field=field)

    def _text(self, context: StageContext) -> tuple[str, str]:
        """The query and the field it comes from. A file's text is here already where the document keeps it."""
        if self.sql is not None or not self.input_uri:
            return self.sql or "", self._sql_field
        return context.text_of(self.input_uri), "inputURI"
