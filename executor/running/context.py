"""What the stages of one run share: views, what was read and counted, where outputs are staged. Stages see it as `StageContext`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from executor.document.job import Job
from executor.document.kept_files import kept_text
from executor.document.only_new import adding, problems_behind
from executor.event_writer import EventWriter
from executor.events import Event, Log, StageRows
from executor.files import marks
from executor.files.inputs import data_files, read_text
from executor.files.publish import Output
from executor.gate.sql_gate import Gate
from executor.language.dialects.advice import silent_mistakes
from executor.plain import bytes_in_words, did_you_mean
from executor.problems import Problem, ProblemError
from executor.running.hazards import MOST_PLACES, Hazards, counted
from executor.running.inputs import Input
from executor.running.joins import Joins, joins_of
from executor.running.numbers_later import made_numbers
from executor.running.outputs import Outputs
from executor.running.query_problems import hints_of_plan, of_plan
from executor.running.reach import Reach
from executor.running.read_marks import ReadMarks
from executor.running.watches import Watch
from executor.spark.origins import Origins
from executor.stages import Stage
from executor.stages.base import ACTS, READS, SPARK_SQL, Closable, Count, Elsewhere
from executor.stores.folder import FolderStore

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.connections import ConnectionKind

T = TypeVar("T", bound=Elsewhere)


@dataclass
class View:
    """A view and the stage that made it. `rows` where they were counted."""

    name: str
    frame: DataFrame
    rows: int | None = None
    index: int = -1
    stage: str = ""
    is_read: bool = False
    """Made by an extract."""


@dataclass
class StageRecord:
    """What a stage has said of itself while it ran."""

    rows: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    is_passing: bool = False
    """It has read something of which nobody can tell later whether it is still so."""
    below: list[DataFrame] = field(default_factory=list)
    """Frames whose rows are kept instead of those of the views that were made of them."""


class RunContext:
    """What the stages of one run share; implements `executor.stages.base.StageContext`."""

    is_preview = False
    is_sampled = False
    row_limit: int | None = None
    stops_by_column = False

    def __init__(
        self, spark: SparkSession, emit: EventWriter, *, environment: str | None, reach: Reach, publisher: Outputs | None = None
    ) -> None:
        self.environment = environment
        self.roots, self._connections = reach.roots, reach.connections
        self.roots.told = self._tell_copied
        self._open = ExitStack()
        self.read_marks = ReadMarks()
        self._asked: Mapping[str, str] = {}
        self.elsewhere: dict[str, Elsewhere] = {}
        """What becomes visible outside of the lake when the run publishes."""
        self._stages: Sequence[Stage] = ()
        self.views: dict[str, View] = {}
        self.watches: list[Watch] = []
        self.hazards: list[Hazards | Joins] = []
        self.record = StageRecord()
        self.index, self.stage = 0, ""
        self.document = ""
        """The SHA-256 of the job's document."""
        self.writes: list[str] = []
        """Where the job's loads write."""
        self.reads: dict[str, dict[str, Any]] = {}
        """What its extracts have read so far, by their names."""
        self.read_files: dict[str, dict[str, Any]] = {}
        """Which files they were, by their address."""
        self.files: Mapping[str, str] | None = None
        """Texts that the document keeps of files it names; None: it keeps none."""
        self.numbers_later: set[str] = set()
        """Columns of which stages of the job make numbers."""
        self.origins = Origins()
        self.inputs: dict[str, Input] = {}
        """What the stages have read, by where it is to hand (which has one spelling), as it was when the first of them began."""
        self._entered: Stage | None = None
        self._targets: dict[tuple[str, bool], Path] = {}
        self._spark, self._emit, self._publisher = spark, emit, publisher
        self._gate = Gate(spark)

    def keep_below(self, frame: DataFrame) -> DataFrame:
        return frame

    def know(self, job: Job) -> None:
        """What stages need to know of the whole job."""
        self.files, self.numbers_later = job.files, made_numbers(job.stages)
        self._stages, self._asked = job.stages, job.asked

    def begin(self, index: int, stage: Stage) -> None:
        """The stage that speaks from now on."""
        self.index, self.stage, self.record = index, stage.name, StageRecord()
        self._entered = stage
        self.origins.enter(index, stage)

    def emit(self, event: Event) -> None:
        self._emit(event)

    @property
    def outputs(self) -> list[Output]:
        """What the present stage has written."""
        return [output for output in self._publisher.outputs if output.stage_index == self.index] if self._publisher else []

    def describe_output(self, written: Mapping[str, str], **facts: Any) -> None:
        """Facts of what the present stage has written, for the run's result; `written`: how, for whoever appends to it."""
        for output in self.outputs:
            output.written |= written
            output.facts |= {name: fact for name, fact in facts.items() if fact is not None}

    # what stages ask for, see StageContext

    def input_path(self, uri: str) -> str:
        root, place = self.roots.at(uri, "inputURI")
        staged = self._publisher.readable(root.path(place, "inputURI"), uri) if self._publisher else None
        if staged is not None:
            return self._noted(str(staged))
        found = root.read(place, uri, "inputURI")
        if self._entered:
            self.note_input(Input(self.index, self._entered, uri, found.path, found.state, lambda: root.state(place)))
        return self._noted(found.path)

    def _tell_copied(self, root: str, files: int, size: int) -> None:
        self.log(f"Copied {files:,} {'file' if files == 1 else 'files'} ({bytes_in_words(size)}) of the root “{root}” to this machine.")

    def note_input(self, one: Input) -> None:
        """The present stage reads this. Raises ProblemError where another stage has read it otherwise: it would not have the file that came
        beside the others since, and this one would."""
        self.record.inputs.append(one)
        if self.inputs.setdefault(one.path, one).state != one.state:
            raise ProblemError(one.changed(is_preview=self.is_preview))

    def changed_inputs(self) -> list[Problem]:
        """What was changed since a stage began to read it."""
        return [change for one in self.inputs.values() if (change := one.change(is_preview=self.is_preview))]

    def _noted(self, path: str) -> str:
        if self._entered:
            self.origins.reads(path, self.index, self._entered)
        return path

    def text_of(self, uri: str) -> str:
        if self.files is None:
            return read_text(self.input_path(uri), uri)
        problems: list[Problem] = []
        text = kept_text(self.files, uri, "schemaURI", problems)
        if text is None:
            raise ProblemError(problems or [Problem(code="file-not-kept", message=f"“{uri}” is not kept with this version.")])
        return text

    def output_path(self, uri: str, save_mode: str) -> str:
        if self._publisher is None:
            raise ProblemError(Problem(code="preview-writes-nothing", message="A preview writes nothing.", field="outputURI"))
        return str(self._publisher.stage(uri, save_mode, self.index, self.stage))

    def output_table(self, uri: str, save_mode: str, *, appends: bool = False, label: str | None = None, is_listed: bool = True) -> str:
        if self._publisher is None:
            raise ProblemError(Problem(code="preview-writes-nothing", message="A preview writes nothing.", field="outputURI"))
        table = self._publisher.stage_table(uri, save_mode, self.index, self.stage, appends=appends, label=label, is_listed=is_listed)
        read = [one for one in self.inputs.values() if one.path == str(self.published_path(uri))]
        if changed := next((one for one in read if one.now() != one.state), None):
            raise ProblemError(changed.changed(is_preview=False))  # what was made of one version would be put on another
        return str(table)

    def is_staged(self, path: str) -> bool:
        return self._publisher is not None and any(path == str(output.staged) for output in self._publisher.outputs)

    def published_path(self, uri: str) -> Path:
        root, place = self.roots.at(uri, "inputURI")
        return root.path(place, "inputURI")

    def is_elsewhere(self, uri: str) -> bool:
        return not isinstance(self.roots.at(uri, "outputURI")[0], FolderStore)

    def bring_versions(self, uri: str) -> None:
        root, place = self.roots.at(uri, "inputURI")
        root.table_log(place, uri, "inputURI")

    def bring_version(self, uri: str, version: int) -> None:
        root, place = self.roots.at(uri, "inputURI")
        if reading := root.bring_version(place, uri, version, may_note=self._publisher is not None):
            self.keep_open(reading)

    def require_expression(self, text: str, over: Mapping[str, DataFrame], *, field: str, is_condition: bool = True) -> None:
        self._gate.require_expression(text, over, field, is_condition=is_condition)

    def present_files(self, uri: str) -> tuple[Path, list[Path]]:
        target = self._target(uri, whole=True)
        return target, data_files(str(target))

    def _target(self, uri: str, *, whole: bool = False) -> Path:
        """Where an output is, with what it says of itself; asked for once in a run."""
        if (uri, whole) not in self._targets:
            root, place = self.roots.at(uri, "outputURI")
            self._targets[uri, whole] = root.target(place, whole=whole)
        return self._targets[uri, whole]

    def columns_written_before(self, uri: str, columns: dict[str, str], schema: list[dict[str, Any]]) -> dict[str, str] | None:
        for output in self.outputs:
            output.columns = marks.Columns(self.document, columns, dict(self.reads), dict(self.read_files), schema)
        before = marks.columns_of_document(self._target(uri), self.document)
        return before.types if before else None

    def columns_read_before(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        self.reads[self.stage] = columns
        noted = [marks.columns_of_document(self._target(uri), self.document) for uri in self.writes]
        return [one.inputs[self.stage] for one in noted if one and self.stage in one.inputs]

    def files_read_before(self, uri: str, files: dict[str, Any]) -> list[dict[str, Any]]:
        self.read_files[uri] = files
        targets = [self._target(place) for place in self.writes]
        noted = [marks.columns_of(target) or marks.columns_of_document(target, self.document) for target in targets]
        return [one.files[uri] for one in noted if one and uri in one.files]

    def close(self) -> None:
        """Nothing of what its stages made can be read any more."""
        self._open.close()

    def publishes_with(self, key: str, make: Callable[[], T]) -> T:
        if self._publisher is None:
            raise ProblemError(Problem(code="preview-writes-nothing", message="A preview writes nothing.", field="connection"))
        return cast(T, self.elsewhere[key] if key in self.elsewhere else self.elsewhere.setdefault(key, make()))

    def read_until(self, about: Collection[str]) -> Mapping[str, Any] | None:
        here = {stage.name: stage.asks() for stage in self._stages}
        return self.read_marks.found(self.stage, about, lambda name: here.get(name) != here.get(self.stage))

    def note_read_until(self, mark: Mapping[str, Any], about: Collection[str]) -> None:
        self.read_marks.note(self.stage, mark, about, {stage.name for stage in self._stages})

    def asked(self) -> tuple[str, Mapping[str, Any]]:
        return self._asked.get(self.stage, ""), self.read_marks.asked_before(self.stage)

    def adding_rows(self) -> list[str]:
        return [load.name for load in adding(self._stages, self.index, self.environment)]

    def needing_all_rows(self) -> Iterator[Problem]:
        return problems_behind(self._stages, self.index, self.environment)

    def published_with(self, key: str) -> Elsewhere | None:
        return self.elsewhere.get(key)

    def keep_open(self, thing: Closable) -> None:
        self._open.callback(thing.close)

    def is_followed_by_acts(self) -> bool:
        later = [stage for stage in self._stages[self.index + 1 :] if stage.takes_part_in(self.environment)]
        return not self.is_preview and any(use.does == ACTS for stage in later for use in stage.connections())

    def is_read_once(self, name: str) -> bool:
        readers = {name.casefold(): 0}
        for stage in self._stages[self.index + 1 :]:
            if not stage.takes_part_in(self.environment):
                continue
            for view, times in _reads_of(stage, readers).items():
                readers[view] += times
            if max(readers.values()) > 1:
                return False
            if any(_reads_of(stage, readers).values()):
                readers |= {made.casefold(): 0 for made in stage.writes() if made.casefold() not in readers}
        return True

    def connection(self, name: str, field: str) -> ConnectionKind:
        self.record.is_passing = True
        if self._entered and self._entered.connection_fields().get(field) == READS:
            self.origins.reads_database(self.index, self._entered)
        return self._connections.named(name, field, type(self._entered).marked("offers").get(field) if self._entered else None)

    def view(self, name: str) -> DataFrame:
        known = self.views.get(name.casefold())
        if known is None:
            names = [view.name for view in self.views.values()]
            raise ProblemError(
                Problem(
                    code="view-unknown",
                    message=f"There is no view “{name}” at this point of the job.",
                    found=name,
                    expected="one of: " + ", ".join(names) if names else None,
                    fix=did_you_mean(name, names),
                )
            )
        return known.frame

    def register(self, name: str, frame: DataFrame, *, persist: bool = False) -> None:
        rows = self.record.rows.get("out")
        if persist and not self.is_preview:
            frame = frame.persist()
            rows = frame.count()
            self.rows("out", rows, name)
        frame.createOrReplaceTempView(name)
        self.views[name.casefold()] = View(name, frame, rows, self.index, self.stage, is_extract(self._entered))

    def watched(
        self, frame: DataFrame, view: str, counts: Sequence[Count], *, affected: str, look: str | None = None, source: str | None = None
    ) -> DataFrame:
        watch = Watch(self.index, self.stage, view, counts, look, source)
        self.watches.append(watch)
        return watch.on(frame, affected)

    def rows_of(self, names: Iterable[str]) -> int | None:
        """Rows of these views together; None where one of them has not been counted (counting only to know would do the work twice)."""
        counts = [view.rows if (view := self.views.get(name.casefold())) else None for name in names]
        return sum(count for count in counts if count is not None) if counts and None not in counts else None

    def sql(self, text: str, *, field: str = "sql") -> DataFrame:
        if self._entered:
            self.origins.asks(text, self.index, self._entered, field)
        frame = self._gate.query(text, [view.name for view in self.views.values()], field)
        for problem in of_plan(self._gate, frame, field):
            self.warn(problem)
        for problem in hints_of_plan(self._gate, frame, field):
            self.hint(problem)
        for mistake in silent_mistakes(text, self.columns(), field):
            self.warn(mistake)
        return self._with_hazards_counted(frame, text, field)

    def nothing_in(self, frame: DataFrame) -> list[str]:
        read = [view.name for view in self.views.values() if view.is_read]
        begins = [self.views[name] for name in self._gate.drivers(frame, read) if name in self.views]
        is_empty = bool(begins) and all(self._has_no_rows(view) for view in begins)
        return [view.name for view in begins] if is_empty else []

    def _has_no_rows(self, view: View) -> bool:
        """Asked of Spark only where neither the look at its files nor a count has told."""
        is_known = bool(view.rows) or self.reads.get(view.stage, {}).get("has_rows") is True
        return not is_known and view.frame.isEmpty()

    def columns(self) -> list[str]:
        """Names of all columns of the views made so far."""
        return [column for view in self.views.values() for column in view.frame.columns]

    def _with_hazards_counted(self, frame: DataFrame, text: str, field: str) -> DataFrame:
        view = [*(self._entered.writes() if self._entered else []), self.stage][0]
        if joins := joins_of(self._spark, frame):
            self.hazards.append(Joins(self.index, self.stage, view, text, field, joins))
        is_check = self._entered is not None and self._entered.kind == "validate"
        frame, places = counted(self._spark, frame, is_check=is_check, is_preview=self.is_preview, numbers_later=self.numbers_later)
        if len(places) >= MOST_PLACES:
            self.log(f"This query has many places where values may come out otherwise than meant; the first {MOST_PLACES} are looked at.")
        if places:
            self.hazards.append(Hazards(self.index, self.stage, view, text, field, places))
        return frame

    def views_read(self, stage: Stage) -> list[str]:
        """The views that `stage` depends on: exact for SQL (Spark's parser says), all there are where the SQL is in a file."""
        names = [view.name for view in self.views.values()]
        queries = stage.queries()
        if any(query.text is None or query.dialect != SPARK_SQL for query in queries):
            return names
        return [view for query in queries for view in self._gate.check(query.text or "", names).views] if queries else stage.reads()

    def log(self, message: str, level: str = "info") -> None:
        self.emit(Log(level=level, message=message, stage=self.stage, source="job"))

    def rows(self, direction: str, count: int, view: str | None = None) -> None:
        if direction == "out" and view and (known := self.views.get(view.casefold())):
            known.rows = count
        self.record.rows[direction] = self.record.rows.get(direction, 0) + count
        self.emit(StageRows(stage_index=self.index, stage=self.stage, direction=direction, rows=count, view=view))

    def detail(self, **facts: Any) -> None:
        self.record.details |= facts

    def hint(self, problem: Problem) -> None:
        """What may well be meant: to be looked at where somebody works on the query, and no warning of a run."""
        if self.is_preview:
            self.warn(problem)
        else:
            self.log(f"{problem.message} {problem.fix}")

    def warn(self, problem: Problem) -> None:
        self.record.warnings.append(problem)
        self.emit(Log(level="warning", message=" ".join(filter(None, (problem.message, problem.fix))), stage=self.stage))


def _reads_of(stage: Stage, views: Iterable[str]) -> dict[str, int]:
    """How often a stage may read each of these views: once more for each time its query names it."""
    queries = stage.queries()
    if any(query.text is None for query in queries):
        return dict.fromkeys(views, 2)
    texts = " ".join(query.text or "" for query in queries if query.dialect == SPARK_SQL).casefold()
    named = [view.casefold() for view in stage.reads()]
    return {view: len(re.findall(rf"(?<!\w){re.escape(view)}(?!\w)", texts)) or named.count(view) for view in views}


def is_extract(stage: Stage | None) -> bool:
    return stage is not None and stage.kind == "extract"
