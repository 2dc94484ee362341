"""What every stage type is made of.

One stage type = one file = one pydantic class. Registry, document check, JSON Schema, form, reference page, insert menu
and a parametrised test are all derived from the class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from executor.connections import ConnectionKind
    from executor.problems import Problem


@dataclass(frozen=True)
class Count:
    """Rows to count while they go by. `column`: None where the whole row is meant; `kind`: a key of `executor.value_kinds.KINDS`;
    `condition`: SQL that is true of them; `is_named`: the column's name stands in the document, so that everybody may read it."""

    column: str | None
    kind: str
    condition: str
    is_named: bool = True


SPARK_SQL, DATABASE_SQL = "Spark SQL", "the SQL of the database"
"""The dialect of queries that go through the SQL gate. Texts in another one are nothing that Spark parses."""

READS, WRITES, DECIDES, LOOKS = "reads", "writes", "decides", "looks"
"""What a stage does at an address: reads rows, writes them, reads a text that decides what it does (a version keeps that), or looks at its
name alone."""
ACTS = "acts"
"""What a stage does through a connection where it is neither reading nor writing rows: it says or starts something there."""


@dataclass(frozen=True)
class Query:
    """A text of a stage in a language of queries. `field`: where people find it; `text`: as it runs, None while it stands in a file that
    has not been read."""

    field: str
    text: str | None
    dialect: str = SPARK_SQL


@dataclass(frozen=True)
class Use:
    """An address, or the name of a connection, that a stage uses. `does`: reads, writes, decides, looks or acts."""

    field: str
    address: str
    does: str


HAS_ERRORS = "size(_errors) > 0"
"""True of the rows of a view of which something did not fit."""


class Closable(Protocol):
    """What is held open for a while."""

    def close(self) -> None: ...


class Elsewhere(Protocol):
    """Outputs outside of the lake, such as tables of one database. They are made ready before anything is visible, so that what can go
    wrong goes wrong then; they are the last to become visible, as they cannot be taken back."""

    visible: list[str]
    """Those that are by now, in words whose names stand in the document."""
    may_refuse: bool
    """Whether it may still be refused at the last moment, as others have changed something: then it goes first."""

    def make_ready(self) -> None:
        """All of the work, seen by nobody yet. Raises ProblemError."""
        ...

    def publish(self) -> None:
        """At once, or not at all. Raises ProblemError."""
        ...

    def discard(self) -> None:
        """Takes away what is staged; what is visible stays. Never raises."""
        ...

    def named_in(self, text: str) -> str | None:
        """The first of its outputs whose name stands in a query."""
        ...

    def facts(self) -> list[dict[str, Any]]:
        """stage, uri, save_mode, format and rows of each output."""
        ...


E = TypeVar("E", bound=Elsewhere)


class StageContext(Protocol):
    """What a stage may ask of the run it is part of (implemented by `executor.running.context`; stages never see more)."""

    environment: str | None
    is_preview: bool
    is_sampled: bool
    row_limit: int | None
    """In a sampled preview: read no more than this many rows of each input. None: read all."""
    stops_by_column: bool
    """A value that must stop its reader stops only what asks for its column: somebody asks a query, and nothing is kept of the rest."""

    def keep_below(self, frame: DataFrame) -> DataFrame:
        """`frame`, with its rows in memory where a look keeps them; what the stage makes of it is not kept once more."""
        ...

    def input_path(self, uri: str) -> str:
        """The path Spark reads for `uri`: resolved in the lake, or the staged output if a load of this run wrote it.
        Raises ProblemError when nothing is there or it leaves the lake."""
        ...

    def text_of(self, uri: str) -> str:
        """The text of a small file that decides what the stage does (SQL, a schema): the one the document keeps, else that in the lake.
        Raises ProblemError when there is none."""
        ...

    def output_path(self, uri: str, save_mode: str) -> str:
        """A fresh staging folder for `uri`; registers it for publishing with `save_mode`. Raises ProblemError when it cannot be written."""
        ...

    def output_table(self, uri: str, save_mode: str, *, appends: bool = False, label: str | None = None, is_listed: bool = True) -> str:
        """A Delta table for `uri` as it is now (nothing where there is none), to change at will: what it has become is published as one
        version. `appends`: rows are only added, whatever there are. `label`: what people call that version. `is_listed`: a list of its
        files for other programs is kept beside it, where it lies on S3. Raises ProblemError."""
        ...

    def is_staged(self, path: str) -> bool:
        """Whether `input_path` gave this for what a load of this run wrote."""
        ...

    def published_path(self, uri: str) -> Path:
        """Where `uri` lies for everybody, whatever this run has written for it."""
        ...

    def is_elsewhere(self, uri: str) -> bool:
        """Whether `uri` leads to another machine."""
        ...

    def bring_versions(self, uri: str) -> None:
        """Brings all that is known of a table's versions to hand, where `input_path` has brought what is known of the last ones."""
        ...

    def bring_version(self, uri: str, version: int) -> None:
        """Brings the files of a version of a table to hand, until the run ends. Raises ProblemError where they are gone."""
        ...

    def require_expression(self, text: str, over: Mapping[str, DataFrame], *, field: str, is_condition: bool = True) -> None:
        """That a text is one expression (a condition) over columns of these frames, by the names they go by in it, and may run. The only
        way for a stage to take an expression from a document. Raises ProblemError."""
        ...

    def present_files(self, uri: str) -> tuple[Path, list[Path]]:
        """Where the output `uri` is, and the data files that lie there now, before this run publishes."""
        ...

    def columns_written_before(self, uri: str, columns: dict[str, str], schema: list[dict[str, Any]]) -> dict[str, str] | None:
        """The columns (name → type) that this same document wrote to `uri` when it last did; None where another one did. `columns`: those
        that are written now, noted for the next time."""
        ...

    def columns_read_before(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        """What the present stage had read when this same document wrote its outputs, as far as they are still there; nothing where another
        document wrote them. `columns`: what it reads now, noted for the next time (`columns`, `shapes`, `is_named`)."""
        ...

    def files_read_before(self, uri: str, files: dict[str, Any]) -> list[dict[str, Any]]:
        """What was noted of the files at `uri` when the job's outputs were last written, whatever the document was. `files`: those of now,
        noted for the next time."""
        ...

    def connection(self, name: str, field: str) -> ConnectionKind:
        """The connection that the present stage's `field` names, with its secrets, ready to be used. They must get into no text that others
        read. Raises ProblemError with "did you mean" when the environment has none, or it leads to something else than the field needs."""
        ...

    def publishes_with(self, key: str, make: Callable[[], E]) -> E:
        """What becomes visible elsewhere when the run publishes, one for each `key`. Raises ProblemError in a preview."""
        ...

    def read_until(self, about: Collection[str]) -> Mapping[str, Any] | None:
        """How far the present stage had read when a run of this job last published (`executor.events.ReadUntil`); None where it had not, or
        read something else. `about`: fingerprints of what it reads, the present kind first."""
        ...

    def note_read_until(self, mark: Mapping[str, Any], about: Collection[str]) -> None:
        """How far it reads now, for the next run: counts once this one has published."""
        ...

    def asked(self) -> tuple[str, Mapping[str, Any]]:
        """What the present stage asks for, as the document writes it; and the last mark of a stage of its name, whatever that had asked."""
        ...

    def adding_rows(self) -> list[str]:
        """The names of later stages that add what the present one reads to what is there."""
        ...

    def needing_all_rows(self) -> Iterator[Problem]:
        """A warning for each later stage that takes what the present one reads for all rows there are."""
        ...

    def published_with(self, key: str) -> Elsewhere | None:
        """What earlier stages of this run write there."""
        ...

    def keep_open(self, thing: Closable) -> None:
        """`thing` is closed when the run, or the look, ends: frames are read when they are used."""
        ...

    def is_followed_by_acts(self) -> bool:
        """Whether a later stage of this run changes something in a database at its turn."""
        ...

    def is_read_once(self, name: str) -> bool:
        """Whether one later stage of the job reads the rows of the view `name`, and that only once."""
        ...

    def view(self, name: str) -> DataFrame:
        """The data frame of a view made by an earlier stage. Raises ProblemError with "did you mean" when there is none."""
        ...

    def register(self, name: str, frame: DataFrame, *, persist: bool = False) -> None:
        """Makes `frame` the view `name`; with `persist` caches it and counts."""
        ...

    def watched(
        self, frame: DataFrame, view: str, counts: Sequence[Count], *, affected: str, look: str | None = None, source: str | None = None
    ) -> DataFrame:
        """`frame`, which becomes (a part of) the view, and counts its rows as they go by. `affected`: SQL that is true of the rows with
        something to look at; `look`: the same over the finished view, None where it cannot be told there. `source`: a view that has
        just as many rows. What was counted is said at the run's end and makes it succeed with warnings."""
        ...

    def sql(self, text: str, *, field: str = "sql") -> DataFrame:
        """Runs one query through the SQL gate over the views made so far. The only way for a stage to reach Spark SQL."""
        ...

    def nothing_in(self, frame: DataFrame) -> list[str]:
        """The views read from files that the query of `frame` begins with, if none of them has a row: then it has nothing to look at."""
        ...

    def log(self, message: str, level: str = "info") -> None:
        """One line of the job's own log."""
        ...

    def rows(self, direction: str, count: int, view: str | None = None) -> None:
        """Reports a row count: direction is in, out or rejected."""
        ...

    def detail(self, **facts: Any) -> None:
        """Facts for the stage's `details` (shown on the run page)."""
        ...

    def describe_output(self, written: Mapping[str, str]) -> None:
        """How the present stage has written its output, for whoever appends to it later."""
        ...

    def warn(self, problem: Problem) -> None:
        """Something to look at that does not stop the run: the run ends as succeeded_with_warnings."""
        ...


class Stage(BaseModel):
    """Base of every stage type.

    Field names are Arc's, as aliases (`outputView`); attributes are snake_case. `json_schema_extra={"widget": …}` names the
    kind of input: text, sql, columns, map, choice, view, new-view, uri, connection, number, switch, list, environments. An address says
    what is done there (`does`); a connection says what is done through it (`connects`: reads, writes or acts) and what must lie behind it
    (`offers`, as its kind says); a query that is no Spark SQL says its `dialect`. Fields with `advanced: true` go under "More fields"; a
    field with `unused: "…"` is accepted for Arc's sake and says why it does nothing yet.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, coerce_numbers_to_str=True, frozen=True, defer_build=True)

    kind: ClassVar[str]
    """extract, transform, load, validate or execute: set by the five bases."""
    icon: ClassVar[str] = "point"
    """A Tabler icon's name."""
    example: ClassVar[dict[str, Any]]
    """A valid stage, used by the insert menu, the reference and the test of every stage."""
    sentence: ClassVar[str]
    """What it does, for people who know no stage types; `{inputView}` stands for the field's value."""
    connectors: ClassVar[tuple[str, ...]] = ()
    """What Spark needs beside itself for it: names of `executor.spark.connectors.TITLES`. A process has only those it was started for."""
    in_previews: ClassVar[bool] = True
    """Whether a preview does its work. What works on something outside the job takes no part."""
    in_samples: ClassVar[bool] = True
    """Whether it does so also where only a part of each input is read: a check of a part says nothing of the whole."""

    reads_parts: ClassVar[bool] = False
    """Whether Spark fetches only those columns and rows of its input that a query needs: to read all and keep it would take longer."""

    type: str
    name: str = Field(
        title="Name",
        description="What people call this stage. It must be the only stage of this name in the job.",
        min_length=1,
        max_length=100,
        json_schema_extra={"widget": "text"},
    )
    environments: list[str] = Field(
        default_factory=list,
        title="Environments",
        description="Where this stage takes part. Leave it empty for everywhere.",
        json_schema_extra={"widget": "environments", "advanced": True},
    )
    id: str | None = Field(
        default=None,
        title="Id",
        description="A mark of your own that no other stage of the job has.",
        json_schema_extra={"widget": "text", "advanced": True},
    )
    description: str | None = Field(
        default=None,
        title="Description",
        description="Why this stage is here.",
        json_schema_extra={"widget": "text", "advanced": True},
    )

    def takes_part_in(self, environment: str | None) -> bool:
        """Whether the stage runs in `environment`. A stage that names none runs everywhere; None means "wherever"."""
        return environment is None or not self.environments or environment in self.environments

    def reads(self) -> list[str]:
        """Names of the views this stage uses. For SQL: best effort without Spark."""
        return []

    def writes(self) -> list[str]:
        """Names of the views this stage makes."""
        return []

    def asks(self) -> object:
        """What it reads of what grows, as far as the document tells: two stages that read the same have an equal one. None: no such."""
        return None

    @classmethod
    def marked(cls, mark: str) -> dict[str, str]:
        """The fields with this mark, by their names in documents → what the mark says."""
        return {
            info.alias or name: str(marks[mark])
            for name, info in cls.model_fields.items()
            if isinstance(marks := info.json_schema_extra, dict) and mark in marks
        }

    @classmethod
    def address_fields(cls) -> dict[str, str]:
        """The fields that hold an address, by their names in documents → what the stage does there."""
        return cls.marked("does")

    @classmethod
    def connection_fields(cls) -> dict[str, str]:
        """The fields that name a connection, by their names in documents → what the stage does through it."""
        return cls.marked("connects")

    def uses(self) -> list[Use]:
        """The addresses it uses, in the order of its fields."""
        return self._used(self.address_fields())

    def connections(self) -> list[Use]:
        """The connections it uses, in the order of its fields."""
        return self._used(self.connection_fields())

    def _used(self, fields: Mapping[str, str]) -> list[Use]:
        given = {info.alias or name: getattr(self, name) for name, info in type(self).model_fields.items()}
        found = [(field, given[field], does) for field, does in fields.items()]
        return [Use(field, address, does) for field, address, does in found if isinstance(address, str) and address.strip()]

    def queries(self) -> list[Query]:
        """Its texts in a language of queries."""
        return []

    def made_numbers(self) -> set[str]:
        """Columns of which it makes numbers, by the names that they have in it."""
        return set()

    def row_on_line(self, line: int) -> int | None:
        """The row that stands on a line of a text that it reads, 0 for names; lines are counted from 1 without blank ones. None where that
        cannot be told."""
        return None

    def shown(self, context: StageContext) -> DataFrame | None:
        """What a look at the stage shows where it makes no view; None where that is its input."""
        return None

    def verdict(self, types: list[str], rows: list[list[Any]]) -> tuple[bool, str] | None:
        """Whether a run would go on after this answer, and the answer's own words; None where the stage judges nothing."""
        return None

    @classmethod
    def foreign_problems(cls, words: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with a stage's words as other systems write them, where more can be said than that there is no such field."""
        return []

    def problems(self) -> list[Problem]:
        """What is wrong beyond the shape of single fields. Stage and index are filled in by the document check."""
        return []

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        """Does the work. Everything that can go wrong for a reason a person can mend is raised as ProblemError."""
        raise NotImplementedError(f"{type(self).__name__} says no work")
