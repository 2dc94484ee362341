"""What an executor says while it works: one JSON object a line on standard output, nothing else there.

This is half of the contract between portal and executor (the other half is the job document and the values that
arrive on standard input). Every line has `event` (the class's `name`) and `time` (UTC, ISO 8601, milliseconds);
the other keys are the fields below. Keys may be added; none is renamed or removed.

Each field says who may see it. `Open[…]`: names that stand in the document, counts, times: everybody who may see the run. A field that
says nothing may hold data: it needs the right to data. A `ProblemFacts` field is open as far as the problem is (`executor.problems`).
Each class has its words in the log, too. Contract page, log, pages and download follow from here; a reader (`executor.event_lines`)
refuses what is not declared here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, NotRequired, TypeAlias, get_args, get_type_hints

from pydantic import Field
from typing_extensions import TypedDict

from executor.value_kinds import value_sentence

LEVELS = ("debug", "info", "warning", "error")
LARGEST = 2**53 - 1
"""The largest whole number that every reader (a browser, a database) keeps exactly."""


class OpenMark:
    """Beside a type: everybody who may see the run may see this."""


OPEN = OpenMark()
Count: TypeAlias = Annotated[int, Field(ge=0, le=LARGEST), OPEN]
StageIndex: TypeAlias = Annotated[int, Field(ge=0, lt=10_000), OPEN]
Name: TypeAlias = Annotated[str, Field(max_length=300), OPEN]
Word: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$"), OPEN]
Metrics: TypeAlias = Annotated[dict[Word, Count], OPEN]
PROBLEM = OpenMark()
ProblemFacts: TypeAlias = Annotated[dict[str, Any], PROBLEM]
"""A Problem as a dict; what of it is open, the problem says (`executor.problems`)."""
Level: TypeAlias = Annotated[str, Field(pattern="^(debug|info|warning|error)$"), OPEN]


class DescribedStage(TypedDict):
    """One stage of the document."""

    index: StageIndex
    name: Name
    type: Name
    kind: Name


class WrittenFacts(TypedDict, total=False):
    """What a load wrote."""

    stage: Name
    uri: Annotated[str, Field(max_length=2_000)]
    save_mode: Word
    format: Word
    rows: Count
    bytes: Count
    files: Count


class KeptFacts(WrittenFacts, total=False):
    """An output of before that is kept and can be put back."""

    id: Name
    run_id: Name
    published_at: Name


class OutputFacts(WrittenFacts, total=False):
    """`published` is false where the save mode Ignore left the target as it was. `kept`: the outputs of before, the newest first.
    `list`: whether the list of its files for other programs is as the output is: current or behind; left out where there is none.
    `whole_rows`, `whole_bytes`, `whole_files`: of all that lies there now, where it is known; `version`: of a Delta table, to which they
    belong."""

    published: bool
    kept: list[KeptFacts]
    list: Word
    rows_updated: Count
    rows_added: Count
    whole_rows: Count
    whole_bytes: Count
    whole_files: Count
    version: Count


class ReadUntil(TypedDict):
    """How far a stage has read what grows. `about`: a fingerprint of what it reads and by which column; `value`: the highest there; `at`: a
    fingerprint of where its connection led; `asked`: one of the question as the document writes it, without values."""

    about: Word
    value: Annotated[str, Field(max_length=100)]
    at: NotRequired[Word]
    asked: NotRequired[Word]


class ValueCount(TypedDict, total=False):
    """`rows` of a column of which `kind` is true (`executor.language.value_kinds`). `column`: its name where the document names it, the
    empty text where only the data does; left out where the whole row is meant."""

    column: Name
    kind: Word
    rows: Count


Stages: TypeAlias = Annotated[list[DescribedStage], OPEN]
ValueCounts: TypeAlias = Annotated[list[ValueCount], Field(max_length=1_000), OPEN]
Outputs: TypeAlias = Annotated[list[OutputFacts], OPEN]
Watermarks: TypeAlias = Annotated[dict[str, ReadUntil], Field(max_length=500)]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events."""

    name: ClassVar[str]

    def as_dict(self, now: datetime | None = None) -> dict[str, Any]:
        """JSON-ready form; fields that are None are left out."""
        moment = (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"event": self.name, "time": moment} | {k: v for k, v in asdict(self).items() if v is not None}

    @property
    def loudness(self) -> str:
        """The level of its line in the log: one of LEVELS."""
        return str(getattr(self, "level", "info"))

    def words(self) -> str:
        """Its line in the log, for a person."""
        return self.name.replace("_", " ")


def open_fields(event: type[Event]) -> frozenset[str]:
    """The fields of this class that everybody who may see the run may see."""
    return _marked(event, OPEN)


def problem_fields(event: type[Event]) -> frozenset[str]:
    """The fields of this class that hold a problem, which says itself what of it is open."""
    return _marked(event, PROBLEM)


def _marked(event: type[Event], mark: OpenMark) -> frozenset[str]:
    return _marked_by_name(event.name, mark)


@cache
def _marked_by_name(name: str, mark: OpenMark) -> frozenset[str]:
    event = BY_NAME[name]
    hints = get_type_hints(event, include_extras=True)
    return frozenset(one.name for one in fields(event) if any(_has(part, mark) for part in (hints[one.name], *get_args(hints[one.name]))))


def _has(hint: Any, mark: OpenMark) -> bool:
    return any(part is mark for part in getattr(hint, "__metadata__", ()))


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """First event of a run. `stages` lists index, name, type and kind of every stage, also of those that will be skipped."""

    name: ClassVar[str] = "run_started"
    document_sha256: Annotated[str, Field(max_length=64), OPEN]
    environment: Name | None
    stages: Stages
    parameters: Annotated[dict[str, Any], OPEN] = field(default_factory=dict)
    versions: Annotated[dict[Word, Name], OPEN] = field(default_factory=dict)

    def words(self) -> str:
        return f"run begins: {_plural(len(self.stages), 'stage')}, document {self.document_sha256[:12]}"


@dataclass(frozen=True, kw_only=True)
class SessionReady(Event):
    """Spark is up; the stages begin. `duration_ms` since the process started."""

    name: ClassVar[str] = "session_ready"
    duration_ms: Count

    def words(self) -> str:
        return "Spark was ready" if self.duration_ms < 500 else f"Spark is ready after {_seconds(self.duration_ms)}"


@dataclass(frozen=True, kw_only=True)
class Ready(Event):
    """Spark is up before anything was asked (`serve`, `run --warm`): the next line of standard input is waited for."""

    name: ClassVar[str] = "ready"


@dataclass(frozen=True, kw_only=True)
class Alive(Event):
    """Said every few seconds by `run`, whatever else it does, also while it waits for values. Silence means: this process, or its JVM,
    is frozen."""

    name: ClassVar[str] = "alive"


@dataclass(frozen=True, kw_only=True)
class StageEntered(Event):
    """A stage begins."""

    name: ClassVar[str] = "stage_entered"
    stage_index: StageIndex
    stage: Name
    stage_type: Name

    def words(self) -> str:
        return f"begins ({self.stage_type})"


@dataclass(frozen=True, kw_only=True)
class StageRows(Event):
    """A row count that became known while the stage works. `direction`: in, out or rejected."""

    name: ClassVar[str] = "stage_rows"
    stage_index: StageIndex
    stage: Name
    direction: Annotated[str, Field(pattern="^(in|out|rejected)$"), OPEN]
    rows: Count
    view: Name | None = None

    @property
    def loudness(self) -> str:
        return "debug"

    def words(self) -> str:
        where = "kept aside" if self.direction == "rejected" else self.direction
        return f"{_plural(self.rows, 'row')} {where}" + (f" ({self.view})" if self.view else "")


@dataclass(frozen=True, kw_only=True)
class StageMetrics(Event):
    """Figures of a stage: any of records_read, bytes_read, records_written, bytes_written, shuffle_bytes, spill_bytes, tasks, cpu_ms."""

    name: ClassVar[str] = "stage_metrics"
    stage_index: StageIndex
    stage: Name
    metrics: Metrics

    @property
    def loudness(self) -> str:
        return "debug"

    def words(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in self.metrics.items())


@dataclass(frozen=True, kw_only=True)
class StageFinished(Event):
    """A stage ended well. `outcome`: done, skipped (another environment) or warning (done, with something to look at)."""

    name: ClassVar[str] = "stage_finished"
    stage_index: StageIndex
    stage: Name
    stage_type: Name
    outcome: Annotated[str, Field(pattern="^(done|skipped|warning)$"), OPEN]
    duration_ms: Count
    rows_in: Count | None = None
    rows_out: Count | None = None
    rows_rejected: Count | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def loudness(self) -> str:
        return "warning" if self.outcome == "warning" else "info"

    def words(self) -> str:
        """Of rows only those that are counted by now: Spark works late, and most come later."""
        known = ((self.rows_in, "in"), (self.rows_out, "out"), (self.rows_rejected or None, "kept aside"))
        rows = [f"{count:,} {word}" for count, word in known if count is not None]
        return ", ".join([f"{self.outcome} after {_seconds(self.duration_ms)}", *rows])


@dataclass(frozen=True, kw_only=True)
class ValueWarnings(Event):
    """Values of one stage's view that did not fit, were changed or can be read in two ways; said once for a stage.

    `rows`: how many were seen (`is_whole`: that is all of them); `affected`: of them, those with something to look at. `names`: the column
    of each count, also where only the data names it. `can_show`: a preview can show just these rows. `hints`: changes of the query, each a
    Problem as a dict."""

    name: ClassVar[str] = "value_warnings"
    stage_index: StageIndex
    stage: Name
    view: Name
    rows: Count
    affected: Count
    counts: ValueCounts
    names: list[str] = field(default_factory=list)
    is_whole: Annotated[bool, OPEN] = True
    can_show: Annotated[bool, OPEN] = False
    hints: list[dict[str, Any]] = field(default_factory=list)

    @property
    def loudness(self) -> str:
        return "warning"

    def words(self) -> str:
        return value_sentence(self.counts, self.names, self.rows, self.affected, is_whole=self.is_whole)


@dataclass(frozen=True, kw_only=True)
class StageFailed(Event):
    """The stage that is at fault; the run ends after it. `problem` is a Problem as a dict.

    Spark works late: where the fault came to light in a later stage that asked for the rows, `stopped_index` and `stopped` name that one,
    which is not finished and did nothing wrong. `duration_ms`: of the stage that worked."""

    name: ClassVar[str] = "stage_failed"
    stage_index: StageIndex
    stage: Name
    stage_type: Name
    duration_ms: Count
    problem: ProblemFacts
    stopped_index: StageIndex | None = None
    stopped: Name | None = None

    @property
    def loudness(self) -> str:
        return "error"

    def words(self) -> str:
        stopped = f" “{self.stopped}” asked for its rows and is not finished." if self.stopped else ""
        return f"failed: {self.problem.get('message', '')}{stopped}"


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """One line of the job's or the framework's own log, which may hold data. `source`: job (LogExecute, ConsoleLoad, warnings), spark
    (framework noise), executor (what is no event) or sluice."""

    name: ClassVar[str] = "log"
    level: Level
    message: str
    stage: Name | None = None
    source: Word = "sluice"

    def words(self) -> str:
        return self.message


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """A sentence of the portal's own in the log. Executors never send it."""

    name: ClassVar[str] = "note"
    level: Level
    message: Annotated[str, OPEN]

    def words(self) -> str:
        return self.message


@dataclass(frozen=True, kw_only=True)
class Gap(Event):
    """Lines that the portal does not keep, because the log has reached its limit. Executors never send it."""

    name: ClassVar[str] = "gap"
    lines: Count

    @property
    def loudness(self) -> str:
        return "warning"

    def words(self) -> str:
        return f"… {_plural(self.lines, 'line')} not kept: the log has reached its limit"


@dataclass(frozen=True, kw_only=True)
class ProblemFound(Event):
    """The document is not right (exit 1), or the run failed outside of a stage: one event for every problem."""

    name: ClassVar[str] = "problem"
    problem: ProblemFacts

    @property
    def loudness(self) -> str:
        return "error"

    def words(self) -> str:
        return f"not right: {self.problem.get('message', '')}"


@dataclass(frozen=True, kw_only=True)
class Publishing(Event):
    """How far the run is between its last stage and its end. `step`: values (looks for values that are other than meant), files (sends
    `done` of `total` to the root `where`), rows (puts them in their place in the database of the connection `where`), commit (that database
    makes them visible), lists (all is visible; lists of files for other programs are made in the root `where`)."""

    name: ClassVar[str] = "publishing"
    step: Annotated[str, Field(pattern="^(values|files|rows|commit|lists)$"), OPEN]
    where: Name = ""
    done: Count = 0
    total: Count = 0

    def words(self) -> str:
        if self.step == "values":
            return "all stages are done; looking for values that may be other than meant"
        if self.step == "rows":
            return f"publishing rows to the database “{self.where}”; nobody sees them yet"
        if self.step == "commit":
            return f"the database “{self.where}” makes the rows visible, all in one step"
        if self.step == "lists":
            return f"the outputs are visible; making their lists of files in “{self.where}” for other programs"
        return f"publishing {self.done:,} of {_plural(self.total, 'file')} to “{self.where}”; nobody sees them yet"


@dataclass(frozen=True, kw_only=True)
class PublishRequested(Event):
    """All stages passed and all outputs are staged. With `confirm_publish` in the values the executor now waits for one line
    `{"publish": true}` or `{"publish": false}` on standard input; anything else, or end of input, means false."""

    name: ClassVar[str] = "publish_requested"
    outputs: Outputs

    def words(self) -> str:
        return f"all stages passed; {_plural(len(self.outputs), 'output')} ready to be made visible"


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """Last event. `outcome`: succeeded, succeeded_with_warnings, failed, stopped (from outside), invalid or not_published.
    `outputs`: stage, uri, format, rows, bytes, files of each published load. `watermarks`: stage → how far it has read."""

    name: ClassVar[str] = "result"
    outcome: Annotated[str, Field(pattern="^(succeeded(_with_warnings)?|failed|stopped|invalid|not_published)$"), OPEN]
    duration_ms: Count
    outputs: Outputs = field(default_factory=list)
    warnings: Count = 0
    watermarks: Watermarks = field(default_factory=dict)

    def words(self) -> str:
        return f"{self.outcome.replace('_', ' ')} after {_seconds(self.duration_ms)}"


@dataclass(frozen=True, kw_only=True)
class PutBack(Event):
    """An earlier output is the present one again. `current`: its facts (run_id, published_at, stage, format, rows, files, bytes, as far as
    known); `kept`: the same, with `id`, of each output kept beside it, the newest first; `list`: see OutputFacts."""

    name: ClassVar[str] = "put_back"
    uri: str
    current: dict[str, Any]
    kept: list[dict[str, Any]]
    list: str | None = None


@dataclass(frozen=True, kw_only=True)
class PreviewRows(Event):
    """Rows of one view.

    `columns`: name, type (Spark's simple string), nullable, and internal where a stage added it. `rows`: lists of JSON-ready cells in
    column order (decimals, dates and timestamps as text, binary as base64, structs as objects). `complete` is false when more rows
    exist; `cut_cells` of the rows are shown by their beginning. `total_rows` only where it was cheap to know. `input`: "sample" or "full".
    `verdict` of a check: `passes`, and `words`."""

    name: ClassVar[str] = "rows"
    stage_index: StageIndex
    stage: Name
    view: Name
    columns: list[dict[str, Any]]
    rows: list[list[Any]]
    complete: bool
    duration_ms: Count
    input: Annotated[str, Field(pattern="^(sample|full)$"), OPEN] = "sample"
    total_rows: Count | None = None
    cut_cells: Count = 0
    verdict: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Piece(Event):
    """The next bytes of a file that was asked for, in base64."""

    name: ClassVar[str] = "piece"
    data: str


@dataclass(frozen=True, kw_only=True)
class Exported(Event):
    """All pieces of the file are said. `complete` is false when more rows exist than were asked for; `notes`: sentences about cells that
    stand otherwise in the file."""

    name: ClassVar[str] = "exported"
    rows: Count
    complete: Annotated[bool, OPEN]
    bytes: Count
    notes: Annotated[list[str], OPEN] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Analysed(Event):
    """`columns`: name and type of the columns of each view that is known, by the view's name."""

    name: ClassVar[str] = "analysed"
    columns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TablesFound(Event):
    """`tables`: those that one may read behind a connection, as documents write them."""

    name: ClassVar[str] = "tables"
    tables: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class RequestCancelled(Event):
    """The request was given up as asked."""

    name: ClassVar[str] = "cancelled"


OF_RUNS: tuple[type[Event], ...] = (
    Ready,
    Alive,
    RunStarted,
    SessionReady,
    StageEntered,
    StageRows,
    StageMetrics,
    StageFinished,
    StageFailed,
    ValueWarnings,
    Log,
    ProblemFound,
    Publishing,
    PublishRequested,
    RunFinished,
)
"""What `run` says. Another event in its output is refused."""
OF_PREVIEWS: tuple[type[Event], ...] = (*OF_RUNS, PreviewRows, Piece, Exported, Analysed, TablesFound, RequestCancelled)
"""What `serve` says."""
OF_THE_PORTAL: tuple[type[Event], ...] = (Note, Gap)
"""What only the portal puts into a run's log."""
BY_NAME: dict[str, type[Event]] = {event.name: event for event in (*OF_PREVIEWS, *OF_THE_PORTAL)}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
