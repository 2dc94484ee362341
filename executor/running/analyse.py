"""What Spark's analyser says of a document without running it: mistakes in SQL, and the columns of every view."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from executor.document.job import Job, check
from executor.events import Event, Log, ProblemFound
from executor.language.roots import Root
from executor.problems import Problem, ProblemError
from executor.running.cells import columns_of
from executor.running.preview import Memory, Preview, parse_part
from executor.running.reach import Reach
from executor.running.runner import StageFailure
from executor.running.values import Values
from executor.spark import errors as spark_errors
from executor.spark.deadline import TookTooLong
from executor.stages import Stage

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

Columns = dict[str, list[dict[str, Any]]]


def analyse(
    process: SparkProcess,
    emit: Any,
    document: dict[str, Any],
    to: int | None,
    values: Values,
    memory: Memory,
    reach: Reach,
    environment: str | None = None,
) -> Columns:
    """Says every problem found and gives the columns of the views up to stage `to` (None: all).

    A stage that is not right is passed over, and so are those that read its view: one mistake is said once.
    """
    last = len(document["stages"]) - 1 if to is None else to
    given = values.parameters or None
    known = reach.roots.known
    problems = check(document, environment=environment, parameters=given, roots=known)
    for problem in problems:
        emit(ProblemFound(problem=problem.as_dict()))
    job = _readable_part(document, last, problems, given, environment, known)
    if job is None:
        return {}
    analysis = _Analysis(process, emit, job, reach, memory)
    with closing(analysis.preview.context):
        return analysis.columns()


def _readable_part(
    document: dict[str, Any], last: int, problems: list[Problem], parameters: Any, environment: str | None, roots: Sequence[Root]
) -> Job | None:
    """The stages before the first that cannot be read at all, as a job; None when there are none."""
    end = min([problem.stage_index for problem in problems if problem.stage_index is not None] + [last + 1])
    for count in (end, end - 1):
        if count < 1:
            continue
        try:
            return parse_part(document, count, environment=environment, parameters=parameters, roots=roots)
        except ProblemError:
            continue
    return None


class _Analysis:
    def __init__(self, process: SparkProcess, emit: Any, job: Job, reach: Reach, memory: Memory) -> None:
        self.emit, self.job = emit, job
        self.quiet: list[Event] = []
        self.preview = Preview(process, self._overhear, job, reach, memory=memory)  # type: ignore[arg-type]
        self.broken: set[str] = set()

    def _overhear(self, event: Event) -> None:
        """Stage events are of no interest here; what the job would log is."""
        if isinstance(event, Log) and event.level in ("warning", "error"):
            self.emit(event)

    def columns(self) -> Columns:
        for index, stage in enumerate(self.job.stages):
            try:
                self._look(index, stage)
            except (ProblemError, StageFailure) as error:
                self._tell(index, stage, error)
                if isinstance(error, TookTooLong) or isinstance(error.__cause__, TookTooLong):
                    return {}  # Spark is gone with it
        return {
            view.name: [{"name": one["name"], "type": one["type"]} for one in columns_of(view.frame)]
            for view in self.preview.context.views.values()
        }

    def _look(self, index: int, stage: Stage) -> None:
        if self.broken & {name.casefold() for name in stage.reads()}:
            self.broken |= {name.casefold() for name in stage.writes()}
            return
        if stage.writes():
            self.preview.make(index)
        else:
            self.preview.context.begin(index, stage)
            stage.shown(self.preview.context)

    def _tell(self, index: int, stage: Stage, error: ProblemError | StageFailure) -> None:
        self.broken |= {name.casefold() for name in stage.writes()}
        cause = error.__cause__ if isinstance(error, StageFailure) else error
        for problem in cause.problems if isinstance(cause, ProblemError) else []:
            self.emit(ProblemFound(problem=spark_errors.placed(problem, index, stage).as_dict()))
