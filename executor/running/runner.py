"""The run loop: enter a stage, do its work, say what happened; after the last one, publish.

A preview is the same loop with an end, without loads and executes (`executor.running.preview`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from executor.document.job import Job
from executor.event_writer import EventWriter
from executor.events import Log, Publishing, StageEntered, StageFailed, StageFinished, StageMetrics, StageRows
from executor.problems import Problem, ProblemError, as_one
from executor.running.asking import ask_all, of_first_rows
from executor.running.context import RunContext
from executor.running.hazards import Hazards
from executor.running.inputs import CHANGED
from executor.running.watches import observer
from executor.spark import errors as spark_errors
from executor.stages import Stage
from executor.stages.base import WRITES
from executor.stages.kinds import Load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess

METRICS = ("records_read", "bytes_read", "records_written", "bytes_written", "shuffle_bytes", "spill_bytes", "tasks", "cpu_ms")


class StageFailure(Exception):
    """A stage failed and has said so; nothing after it runs."""


class Runner:
    """Runs the stages of one job in one session."""

    def __init__(self, process: SparkProcess, context: RunContext, emit: EventWriter, group: str) -> None:
        """`group` begins the name of the job group that each stage gets in Spark."""
        self.process, self.context, self.emit, self.group = process, context, emit, group
        self.spark = process.session
        self.warnings = 0
        self._totals = _listener(self.spark)
        self._observed = observer(self.spark)

    def run(self, job: Job) -> None:
        """Runs all stages in order. Raises StageFailure after the first that fails."""
        self.context.know(job)
        self.context.document = job.sha256
        self.context.writes = [use.address for stage in job.stages if job.takes_part(stage) for use in stage.uses() if use.does == WRITES]
        try:
            for index, stage in enumerate(job.stages):
                if job.takes_part(stage):
                    self.run_stage(index, stage)
                else:
                    self.emit(StageFinished(stage_index=index, stage=stage.name, stage_type=stage.type, outcome="skipped", duration_ms=0))
        except StageFailure:
            with suppress(Exception):  # a Spark that is gone has nothing more to tell, and the failure itself is told already
                self.tell_values(asks=False)
            raise
        if self.context.hazards:
            self.emit(Publishing(step="values"))
        self.tell_values()
        self.require_unchanged_inputs()

    def require_unchanged_inputs(self) -> None:
        """To be asked when all has been read. Raises StageFailure, at the stage that reads what was changed."""
        for one in self.context.inputs.values():
            if change := one.change(is_preview=self.context.is_preview):
                with self.told(one.index, one.stage):
                    raise ProblemError(change)

    def run_stage(self, index: int, stage: Stage) -> None:
        """Enter, execute, exit."""
        self.context.begin(index, stage)
        self.emit(StageEntered(stage_index=index, stage=stage.name, stage_type=stage.type))
        started = time.monotonic()
        with self.told(index, stage):
            stage.execute(self.spark, self.context)
        self._finish(index, stage, started, self._metrics(f"{self.group}:{index}"))

    def tell_values(self, *, asks: bool = True) -> None:
        """Says of every view what is to be looked at in it. `asks`: with queries of its own, where what was counted gives reason to."""
        self._look_at_watches()
        if asks:
            self._ask_rows()
        for hazards in self.context.hazards if asks else ():
            for note in hazards.notes():
                self.emit(Log(level="info", message=note, stage=hazards.stage, source="job"))
        told = [watch.event() for watch in self.context.watches] + [hazards.event() for hazards in self.context.hazards]
        for event in filter(None, told):
            self.warnings += 1
            self.emit(event)

    def _ask_rows(self) -> None:
        """Of all stages at once, as they read the same views."""
        hazards = self.context.hazards
        ask_all(of_first_rows(place for one in hazards if isinstance(one, Hazards) for place in one.places), self.process)
        ask_all((question for one in hazards for question in one.questions()), self.process)

    def _look_at_watches(self) -> None:
        """Row counts that have become known since the last look are said as those of their stages."""
        if not self.context.watches and not self.context.hazards:
            return
        self.spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        for hazards in self.context.hazards:
            hazards.look(self._observed)
        for watch in self.context.watches:
            if watch.take(self._observed(watch.name)) and watch.is_whole and watch.rows is not None:
                self._count(watch.view, watch.rows)
                if watch.source is not None:
                    self._count(watch.source, watch.rows)

    def _count(self, view: str, rows: int) -> None:
        """Notes how many rows a view has. Where its stage is over already, the number is said behind it."""
        known = self.context.views.get(view.casefold())
        if known is None or (known.rows is not None and known.rows >= rows):
            return
        known.rows = rows
        if known.index == self.context.index:
            self.context.record.rows["out"] = rows
        else:
            self.emit(StageRows(stage_index=known.index, stage=known.stage, direction="out", rows=rows, view=known.name))

    @contextmanager
    def told(self, index: int, stage: Stage) -> Iterator[None]:
        """What fails inside is said as the failure of the stage it belongs to, else of this one, and raised again as StageFailure."""
        started = time.monotonic()
        self.spark.sparkContext.setJobGroup(f"{self.group}:{index}", stage.name, interruptOnCancel=True)
        try:
            sql, gone, origins = next((query.text for query in stage.queries()), None), self.process.why_gone, self.context.origins
            with spark_errors.translated(sql=sql, columns=self.context.columns, gone=gone, origins=origins):
                yield
        except ProblemError as error:
            first, *others = [spark_errors.placed(problem, index, stage) for problem in self._with_causes(error.problems)]
            for other in others:
                self.emit(Log(level="error", message=" ".join(filter(None, (other.message, other.fix))), stage=other.stage))
            beside = [other for other in others if other.stage_index == first.stage_index and first.code != CHANGED]
            self.emit(_failed(as_one([first, *beside]), index, stage, _since(started)))
            raise StageFailure from error

    def _with_causes(self, problems: list[Problem]) -> list[Problem]:
        """Whatever fails after an input was changed is told as that: what was met in half a file says nothing of the job."""
        if self.process.is_gone or any(problem.code == CHANGED for problem in problems):
            return problems
        return [*self.context.changed_inputs()[:1], *problems]

    def _metrics(self, group: str) -> dict[str, int]:
        self.spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
        numbers = self._totals.take(group).split()
        return {name: int(number) for name, number in zip(METRICS, numbers, strict=False) if number != "0"}

    def _finish(self, index: int, stage: Stage, started: float, metrics: dict[str, int]) -> None:
        record = self.context.record
        self._look_at_watches()
        if metrics:
            self.emit(StageMetrics(stage_index=index, stage=stage.name, metrics=metrics))
        if metrics and self.context.outputs:
            record.rows.setdefault("out", metrics.get("records_written", 0))
            is_whole = isinstance(stage, Load) and stage.writes_whole
            for name in stage.reads() if is_whole else ():  # what was written whole has been counted by writing it
                self._count(name, record.rows["out"])
        if isinstance(stage, Load):
            self.context.describe_output(stage.written(), format=stage.format, rows=record.rows.get("out"))
        self.warnings += len(record.warnings)
        self.emit(
            StageFinished(
                stage_index=index,
                stage=stage.name,
                stage_type=stage.type,
                outcome="warning" if record.warnings else "done",
                duration_ms=_since(started),
                rows_in=record.rows.get("in", self.context.rows_of(stage.reads())),
                rows_out=record.rows.get("out"),
                rows_rejected=record.rows.get("rejected"),
                details=record.details | ({"warnings": [warning.as_dict() for warning in record.warnings]} if record.warnings else {}),
            )
        )


def _failed(problem: Problem, index: int, stage: Stage, duration_ms: int) -> StageFailed:
    """The failure of the stage that `problem` names; `index` and `stage`: the one that worked when it came to light."""
    is_another = problem.stage_index is not None and problem.stage_index != index
    return StageFailed(
        stage_index=index if problem.stage_index is None else problem.stage_index,
        stage=problem.stage or stage.name,
        stage_type=problem.stage_type or stage.type,
        duration_ms=duration_ms,
        problem=problem.as_dict(),
        stopped_index=index if is_another else None,
        stopped=stage.name if is_another else None,
    )


def _listener(spark: SparkSession) -> Any:
    """The one listener of this JVM that adds up what tasks report."""
    context: Any = spark.sparkContext
    if not hasattr(context, "_sluice_totals"):
        context._sluice_totals = spark._jvm.sluice.TaskTotals()  # type: ignore[union-attr]
        context._jsc.sc().addSparkListener(context._sluice_totals)
    return context._sluice_totals


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
