"""A look at one view: the run loop with an end, on a sample or on all of the input. Nothing is written.

Results of stages are kept in this process by what they depend on: the stage itself, the stages it reads, and the state of the
files read. A changed document or a changed file is another key, so what is shown is never stale. What is read through a connection has no
such state, and is read again each time.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.document.job import Job, parse
from executor.event_writer import EventWriter
from executor.events import PreviewRows, StageEntered, StageFinished
from executor.files import made_of
from executor.language.roots import FOLDER_ONLY, Root
from executor.language.shaping import Shape
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError
from executor.running.cells import columns_of, first_rows, with_names
from executor.running.context import RunContext, View, is_extract
from executor.running.hazards import Hazards
from executor.running.inputs import Input, State
from executor.running.joins import Joins
from executor.running.reach import Reach
from executor.running.runner import Runner
from executor.running.watches import Watch
from executor.stages import Stage
from executor.stages.transform.sql_transform import SQLTransform

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from executor.spark.session import SparkProcess

SAMPLE_ROWS = 10_000
"""Rows of each input in a preview on a sample."""
KEPT_STAGES, KEPT_ANSWERS = 40, 20
VIEW_FILE_ROWS = 50
_ODD = re.compile(r"[*?\[\]{}\\]")


class Cancelled(Exception):
    """Somebody no longer wants the answer."""


@dataclass
class Kept:
    """The views of one stage, the state of the files it read, and what it said is to be looked at."""

    views: dict[str, DataFrame]
    inputs: list[Input]
    watches: list[Watch] = field(default_factory=list)
    hazards: list[Hazards | Joins] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    below: list[DataFrame] = field(default_factory=list)
    """Frames whose rows are kept instead of those of the views."""

    def is_fresh(self) -> bool:
        """Whether every file is still as it was, and none was made of another one that is newer now."""
        try:
            return all(one.now() == one.state and made_of.is_newest(one.path) for one in self.inputs)
        except (OSError, ProblemError):
            return False


@dataclass
class Memory:
    """What earlier previews of this process have made: stages by key, answers by key and number of rows. Oldest go first."""

    stages: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    answers: OrderedDict[tuple[str, int], PreviewRows] = field(default_factory=OrderedDict)
    states: dict[str, State] = field(default_factory=dict)
    """Of each path that was read, the state in which it was read last."""

    def keep_stage(self, key: str, kept: Kept) -> None:
        self.stages[key] = kept
        while len(self.stages) > KEPT_STAGES:
            self._forget(self.stages.popitem(last=False)[1])

    def fresh(self, key: str) -> Kept | None:
        """The stage's views, if nothing they depend on has changed."""
        kept = self.stages.get(key)
        if kept is not None and not kept.is_fresh():
            self._forget(self.stages.pop(key))
            return None
        return kept

    def keep_answer(self, key: tuple[str, int], answer: PreviewRows) -> None:
        self.answers[key] = answer
        while len(self.answers) > KEPT_ANSWERS:
            self.answers.popitem(last=False)

    @staticmethod
    def _forget(kept: Kept) -> None:
        for frame in (*kept.views.values(), *kept.below):
            frame.unpersist()


class PreviewContext(RunContext):
    """Stages are told that they work for a preview; where `keeps_rows` says so, the rows of what they make stay in memory."""

    is_preview = True

    def __init__(
        self,
        process: SparkProcess,
        emit: EventWriter,
        job: Job,
        reach: Reach,
        *,
        sample: bool,
        memory: Memory,
        plain: Collection[str] = (),
        stops_by_column: bool = False,
    ) -> None:
        """`plain`: views that are to have the columns of the data alone."""
        super().__init__(process.session, emit, environment=job.environment, reach=reach)
        self.is_sampled, self._states = sample, memory.states
        self.plain = frozenset(name.casefold() for name in plain)
        self.row_limit = SAMPLE_ROWS if sample else None
        self.stops_by_column = stops_by_column
        self.keeps_rows = False

    def register(self, name: str, frame: DataFrame, *, persist: bool = False) -> None:
        added = [field.name for field in frame.schema.fields if field.metadata.get("internal")] if name.casefold() in self.plain else []
        super().register(name, self.kept(frame.drop(*added) if added else frame))

    def note_input(self, one: Input) -> None:
        """Spark takes rows that it keeps for any query that reads the same files, whatever its view is called, and does not see that a file
        was changed: unless they are of this state it reads them anew."""
        super().note_input(one)
        if self._states.get(one.path) != one.state:
            self._spark.catalog.refreshByPath(_plain_path(one.path))
            self._states[one.path] = one.state

    def recall(self, index: int, stage: Stage, inputs: list[Input]) -> None:
        """A stage whose views are known from before: what it reads and asks may still fail when rows are read."""
        self.origins.enter(index, stage)
        for one in inputs:
            self.inputs.setdefault(one.path, replace(one, index=index, stage=stage))
            self.origins.reads(one.path, index, stage)
        for query in stage.queries():
            if query.text is not None:
                self.origins.asks(query.text, index, stage, query.field)

    def kept(self, frame: DataFrame) -> DataFrame:
        """`frame`, with its rows in memory once they have been read. Those that find no place there are read again every time."""
        from pyspark import StorageLevel

        is_wanted = self.keeps_rows and not self.record.below and not frame.is_cached
        return frame.persist(StorageLevel.MEMORY_ONLY) if is_wanted else frame

    def keep_below(self, frame: DataFrame) -> DataFrame:
        kept = self.kept(frame)
        self.record.below += [kept] if kept.is_cached else []
        return kept


class Preview:
    """One answer to "what does this stage make?"."""

    def __init__(
        self,
        process: SparkProcess,
        emit: EventWriter,
        job: Job,
        reach: Reach,
        *,
        sample: bool = True,
        memory: Memory | None = None,
        is_cancelled: Callable[[], bool] = lambda: False,
        plain: Collection[str] = (),
        stops_by_column: bool = False,
        shape: Shape | None = None,
    ) -> None:
        """`shape`: order and filters of what is shown, which are a stage behind it. `stops_by_column`: see `StageContext`."""
        self.job, self.emit, self.sample = job, emit, sample
        self.memory = memory or Memory()
        self.is_cancelled = is_cancelled
        self.shape = shape
        self.context = PreviewContext(
            process, emit, job, reach, sample=sample, memory=self.memory, plain=plain, stops_by_column=stops_by_column
        )
        self.context.know(job)
        self.runner = Runner(process, self.context, emit, "preview")
        self.keys: dict[str, str] = {}
        self.passing: set[str] = set()
        self.reads_all = False

    def show(self, index: int, count: int, *, only_values: bool = False, names: Any = None) -> None:
        """Says the stages' events and then the first `count` rows of what stage `index` makes; `only_values`: of those with values to look
        at; `names`: what its columns are called then (`executor.running.cells.called`). Raises StageFailure or Cancelled."""
        started = time.monotonic()
        with closing(self.context):
            index, stage = self._make_until(index)
            with self.runner.told(index, stage):
                name, frame = self._target(index, stage)
                if only_values:
                    frame = self._with_values(index, frame)
                answer = self._answer(index, stage, name, frame, count, started, is_kept=not only_values)
                self._read_samples_to_their_end()
                self.runner.tell_values()
            self.runner.require_unchanged_inputs()
        self.emit(replace(answer, columns=with_names(answer.columns, names)))

    @contextmanager
    def frame_of(self, index: int) -> Iterator[DataFrame]:
        """All rows of what stage `index` makes. What goes wrong meanwhile is said as its failure; they count only once it has been left
        without one. Raises StageFailure, Cancelled."""
        with closing(self.context):
            index, stage = self._make_until(index)
            with self.runner.told(index, stage):
                yield self._target(index, stage)[1]
                self.runner.tell_values()
            self.runner.require_unchanged_inputs()

    def _make_until(self, index: int) -> tuple[int, Stage]:
        """Gives the stage that is shown, with its index."""
        stage = self.job.stages[index]
        self.reads_all = bool(stage.queries())
        for other in range(index):
            self.make(other)
        if stage.writes():
            self.make(index, even_elsewhere=True)
        if not self.shape:
            return index, stage
        self._add(index + 1, self.shape, stage.writes()[0])
        self.make(index + 1)
        return index + 1, self.job.stages[index + 1]

    def _add(self, index: int, shape: Shape, view: str) -> None:
        """The stage that orders and filters `view`, now that the types of its columns are known."""
        types = {column["name"].casefold(): column["type"] for column in columns_of(self.context.view(view))}
        try:
            made = SQLTransform.model_validate(shape.stage(view, types))
        except ProblemError as error:
            raise ProblemError([replace(problem, stage_index=index) for problem in error.problems]) from error
        self.job = replace(self.job, stages=(*self.job.stages[:index], made))
        self.context.know(self.job)

    def make(self, index: int, *, even_elsewhere: bool = False) -> None:
        """The stage's views, from memory or made now."""
        stage = self.job.stages[index]
        takes_part = stage.in_previews and (stage.in_samples or not self.sample)
        if not takes_part or not (even_elsewhere or self.job.takes_part(stage)):
            return
        if self.is_cancelled():
            raise Cancelled
        self.context.keeps_rows = self._is_worth_keeping(stage)
        key = self._key(stage)
        kept = self.memory.fresh(key)
        if kept is not None:
            self._recall(index, stage, kept)
        else:
            self._run(index, stage, key)
        kept = self.memory.stages.get(key)
        state = repr(sorted((one.path, one.state) for one in kept.inputs)) if kept else str(time.monotonic())
        for name in stage.writes():
            self.keys[name.casefold()] = _digest(key, state)

    def _is_worth_keeping(self, stage: Stage) -> bool:
        """A query may make far more rows than it reads; and of an input in full all is read only where a query is asked for."""
        is_read_whole = self.reads_all and not stage.reads_parts
        return not stage.queries() and not self._reads_what_passes(stage) and (self.sample or is_read_whole)

    def _reads_what_passes(self, stage: Stage) -> bool:
        """Whether it reads, itself or through a view, what nobody can tell later to be still so."""
        return bool(stage.connections()) or any(name.casefold() in self.passing for name in self.context.views_read(stage))

    def _run(self, index: int, stage: Stage, key: str) -> None:
        before, watches, hazards = set(self.context.views), len(self.context.watches), len(self.context.hazards)
        self.runner.run_stage(index, stage)
        made = {view.name: view.frame for name, view in self.context.views.items() if name not in before}
        record = self.context.record
        if record.is_passing or self._reads_what_passes(stage):
            self.passing |= {name.casefold() for name in made}
            return
        self.memory.keep_stage(
            key,
            Kept(made, record.inputs, self.context.watches[watches:], self.context.hazards[hazards:], record.warnings, record.below),
        )

    def _recall(self, index: int, stage: Stage, kept: Kept) -> None:
        self.context.recall(index, stage, kept.inputs)
        self.emit(StageEntered(stage_index=index, stage=stage.name, stage_type=stage.type))
        self.context.watches += [watch.at(index) for watch in kept.watches]
        self.context.hazards += [hazards.at(index) for hazards in kept.hazards]
        for name, frame in kept.views.items():
            (frame if kept.below else self.context.kept(frame)).createOrReplaceTempView(name)
            self.context.views[name.casefold()] = View(name, frame, None, index, stage.name, is_extract(stage))
        told = {"warnings": [warning.as_dict() for warning in kept.warnings]} if kept.warnings else {}
        self.emit(
            StageFinished(
                stage_index=index,
                stage=stage.name,
                stage_type=stage.type,
                outcome="warning" if told else "done",
                duration_ms=0,
                details={"kept": True} | told,
            )
        )

    def _key(self, stage: Stage) -> str:
        """What the stage's result depends on, less the files (they are compared when the result is recalled, signed in as when it was
        made: who signs in with something else by now reads anew)."""
        reads = self.context.views_read(stage)
        return _digest(
            stage.model_dump_json(by_alias=True),
            [self.keys.get(name.casefold(), "") for name in reads],
            self.sample,
            self.context.stops_by_column,
            sorted(self.context.plain.intersection(map(str.casefold, stage.writes()))),
            self.context.roots.key,
            self.context.roots.signs_in_for(use.address for use in stage.uses()),
            self.job.environment,
        )

    def _target(self, index: int, stage: Stage) -> tuple[str, DataFrame]:
        """The view to show: what the stage makes; for a check or a message its query's answer; for a load what it would write."""
        if stage.writes():
            return stage.writes()[0], self.context.view(stage.writes()[0])
        self.context.begin(index, stage)
        shown = stage.shown(self.context)
        if shown is not None:
            return stage.name, shown
        name = [*stage.reads(), *(view.name for view in list(self.context.views.values())[-1:])][0]
        return name, self.context.view(name)

    def _with_values(self, index: int, frame: DataFrame) -> DataFrame:
        """Only the rows of the stage's view that have values to look at."""
        looks = [watch.look for watch in self.context.watches if watch.index == index and watch.look]
        if not looks:
            words = "This stage keeps no mark at rows with values to look at."
            raise ProblemError(Problem(code="no-such-rows", message=words, fix="Look at all its rows."))
        return frame.filter(" OR ".join(f"({look})" for look in looks))

    def _verdict(self, stage: Stage, frame: DataFrame, columns: list[dict[str, Any]], rows: list[list[Any]]) -> dict[str, Any] | None:
        told = stage.verdict([column["type"] for column in columns], rows)
        if told is None:
            return None
        passes, words = told
        if passes and (empty := self.context.nothing_in(frame)):
            words = ". ".join(filter(None, (words, f"There was nothing to check: {', '.join(empty)} has no rows")))
        return {"passes": passes, "words": _verdict_words(passes, words, on_sample=self.sample)}

    def _read_samples_to_their_end(self) -> None:
        """A view whose rows are kept in memory costs nothing to count whole; other views are told as far as they were read."""
        for watch in self.context.watches:
            frame = self.context.view(watch.view)
            if frame.is_cached and not watch.is_whole:
                frame.count()

    def _answer(
        self, index: int, stage: Stage, name: str, frame: DataFrame, count: int, started: float, *, is_kept: bool = True
    ) -> PreviewRows:
        key = (self.keys.get(name.casefold(), "") if stage.writes() and is_kept else "", count)
        known = self.memory.answers.get(key) if key[0] else None
        columns = known.columns if known else columns_of(frame)
        rows, complete, cut = (known.rows, known.complete, known.cut_cells) if known else first_rows(frame, count)
        answer = PreviewRows(
            stage_index=index,
            stage=stage.name,
            view=name,
            columns=columns,
            rows=rows,
            complete=complete,
            duration_ms=round((time.monotonic() - started) * 1000),
            input="sample" if self.sample else "full",
            total_rows=len(rows) if complete else None,
            cut_cells=cut,
            verdict=self._verdict(stage, frame, columns, rows),
        )
        if key[0]:
            self.memory.keep_answer(key, answer)
        return answer


def _verdict_words(passes: bool, words: str, *, on_sample: bool) -> str:
    verdict = "Passes" if passes else "Would stop the run"
    return f"{verdict}{' on this sample' if on_sample else ''}" + (f": {words}" if words else "")


def parse_part(
    document: dict[str, Any],
    count: int,
    *,
    environment: str | None,
    parameters: dict[str, Any] | None,
    secrets: dict[str, str] | None = None,
    roots: Sequence[Root] = FOLDER_ONLY,
) -> Job:
    """The job of the first `count` stages. A parameter that only later stages use is no problem here. Raises ProblemError."""
    part = document | {"stages": document["stages"][:count]}
    try:
        return parse(part, environment=environment, parameters=parameters, secrets=secrets, roots=roots)
    except ProblemError as error:
        unused = {str(problem.field).removeprefix("parameters.") for problem in error.problems if problem.code == "parameter-unused"}
        if len(unused) < len(error.problems):
            raise ProblemError([problem for problem in error.problems if problem.code != "parameter-unused"]) from error
    part["parameters"] = {name: words for name, words in part["parameters"].items() if name not in unused}
    given = None if parameters is None else {name: value for name, value in parameters.items() if name not in unused}
    return parse(part, environment=environment, parameters=given, secrets=secrets, roots=roots)


def stage_index(job: Job, to: str) -> int:
    """The index of the stage named, or numbered from 0, `to`. Raises ProblemError."""
    names = [stage.name for stage in job.stages]
    if to in names:
        return names.index(to)
    if to.isdigit() and int(to) < len(names):
        return int(to)
    raise ProblemError(
        Problem(
            code="stage-unknown",
            message=f"There is no stage “{to}”.",
            found=to,
            expected="one of: " + ", ".join(names),
            fix=did_you_mean(to, names),
        )
    )


def write_views(path: Path, views: Sequence[View]) -> None:
    """Every view as JSON: its schema, the number of its rows, and the first 50 of them."""
    found = []
    for view in views:
        rows, complete, _ = first_rows(view.frame, VIEW_FILE_ROWS)
        count = len(rows) if complete else view.rows if view.rows is not None else view.frame.count()
        found.append({"view": view.name, "columns": columns_of(view.frame), "count": count, "rows": rows})
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")


def _plain_path(path: str) -> str:
    """`path`, or the folder above the first sign of it that Spark would not read as itself."""
    odd = _ODD.search(path)
    return path[: odd.start()].rpartition("/")[0] or "/" if odd else path


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode("utf-8", "surrogatepass")).hexdigest()
