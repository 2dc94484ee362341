"""The commands that need Spark: run, preview, serve. Exit codes and output are those of docs/contract.md."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

from executor.document.job import Job, parse
from executor.document.places import connectors_of
from executor.document.reading import read_document
from executor.event_writer import EventWriter, line_of
from executor.events import Log, ProblemFound, PublishRequested, Ready, RunFinished, RunStarted, SessionReady
from executor.files import receipts
from executor.problems import Problem, ProblemError
from executor.running.context import RunContext
from executor.running.heartbeat import beating
from executor.running.lake_texts import with_lake_texts
from executor.running.outputs import Outputs
from executor.running.preview import Preview, stage_index, write_views
from executor.running.progress import Progress
from executor.running.reach import Reach, reach_of
from executor.running.read_marks import ReadMarks
from executor.running.runner import Runner, StageFailure
from executor.running.small_run import is_small_run
from executor.running.values import Values, read_values, values_from
from executor.running.warm_up import warm_up_job
from executor.spark import errors as spark_errors
from executor.spark.connectors import require_connectors
from executor.spark.home import SPARK_VERSION
from executor.spark.jvm import PREVIEW, RUN, SMALL_RUN
from executor.spark.session import SparkProcess
from executor.stages.base import Elsewhere
from executor.stores.roots import Copies

DONE, NOT_RIGHT, FAILED = 0, 1, 2
ANSWER_SECONDS = 300
"""Whoever is asked for leave to publish answers at once, unless the database is away. Without an answer nothing is published."""


class Clock:
    """Measures how long this process has worked for its caller."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._started = time.monotonic()

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


clock = Clock()


class Stopped(BaseException):
    """Somebody asked this process to end (SIGTERM)."""


def run(file: str, environment: str | None, parameters: Sequence[str], values: str | None, views: str | None, *, warm: bool = False) -> int:
    """`python -m executor run`. `parameters`: a list of NAME=VALUE. `values`: "-" or None. `views`: a file to write views to.
    `warm`: start Spark before the values are there."""
    emit = EventWriter(claim_stdout())
    signal.signal(signal.SIGTERM, _stop)
    process: SparkProcess | None = None
    try:
        with beating(emit):
            process = warm_process(emit) if warm else None
            given, document = read_inputs(file, parameters, values)
            written = as_written(document)
            kind = RUN if process else kind_of_run(written, environment, given)
            process = started_process(process, given, emit, connectors_of(written, environment), kind)
            reach = reach_of(given, Copies(process.scratch))
            document = with_lake_texts(document, reach.roots, environment)
            job = _job(document, environment, given, reach)
            return JobRun(emit, given, job, sys.stdin, reach).run(process, Path(views) if views else None)
    except ProblemError as error:
        return _not_right(emit, error)
    except Stopped:
        emit(RunFinished(outcome="stopped", duration_ms=clock.elapsed_ms))
        return FAILED
    finally:
        if process is not None:
            process.stop()


def warm_process(emit: EventWriter) -> SparkProcess:
    """Spark, started and warmed up for the compute profile and the connectors on the next line of standard input; says when it is ready."""
    given = read_values(sys.stdin)
    process = SparkProcess(given.compute, RUN, spark_log(emit), connectors=given.connectors)
    try:
        warm_up_job(process.session, process.scratch, is_enough=_input_waits)
    except BaseException:
        process.stop()
        raise
    emit(Ready())
    return process


def _input_waits(stream: IO[str] | None = None, seconds: float = 0) -> bool:
    """Whether something has come on standard input (or `stream`), or comes within that time. What is no file has it all already."""
    try:
        return bool(select.select([(stream or sys.stdin).fileno()], [], [], seconds)[0])
    except io.UnsupportedOperation:
        return True


def as_written(document: bytes | dict[str, Any]) -> dict[str, Any] | None:
    """What stands in the document, for what Spark has to be started with; None where it cannot be read: it is judged later, in words."""
    try:
        return read_document(document)
    except ProblemError:
        return None


def kind_of_run(written: dict[str, Any] | None, environment: str | None, given: Values) -> str:
    """As what Spark is started for a document."""
    return SMALL_RUN if written is not None and is_small_run(written, environment, given) else RUN


def started_process(
    warm: SparkProcess | None, given: Values, emit: EventWriter, connectors: Collection[str] = frozenset(), kind: str = RUN
) -> SparkProcess:
    """The process for `given`; one that is started now is of that `kind`. Raises ProblemError when it was started for another compute
    profile, or without one of the `connectors`."""
    if warm is None:
        return SparkProcess(given.compute, kind, spark_log(emit), connectors={*connectors, *given.connectors})
    clock.restart()
    require_connectors(warm, connectors)
    if warm.profile != given.compute:
        raise ProblemError(
            Problem(
                code="compute-profile",
                message="This executor was started with another compute profile.",
                found=str(warm.profile),
                expected=str(given.compute),
            )
        )
    return warm


def preview(file: str, to: str, rows: int, environment: str | None, parameters: Sequence[str], values: str | None) -> int:
    """`python -m executor preview`. `to`: a stage's name or its index from 0."""
    emit = EventWriter(claim_stdout())
    signal.signal(signal.SIGTERM, _stop)
    process: SparkProcess | None = None
    try:
        given, document = read_inputs(file, parameters, values)
        needed = connectors_of(as_written(document), environment)
        process = SparkProcess(given.compute, PREVIEW, spark_log(emit), connectors=needed)
        reach = reach_of(given, Copies(process.scratch))
        document = with_lake_texts(document, reach.roots, environment)
        job = _job(document, environment, given, reach)
        Preview(process, emit, job, reach).show(stage_index(job, to), rows)
        return DONE
    except ProblemError as error:
        return _not_right(emit, error)
    except (StageFailure, Stopped):
        return FAILED
    finally:
        if process is not None:
            process.stop()


def serve(connectors: Collection[str] = ()) -> int:
    """`python -m executor serve`: previews from a warm session, see `executor.running.serve`. `connectors`: what they may need."""
    from executor.running.serve import Server

    stream = claim_stdout()
    signal.signal(signal.SIGTERM, _stop)
    try:
        return Server(EventWriter(stream), sys.stdin, connectors).serve()
    except Stopped:
        return DONE


def read_inputs(file: str, parameters: Sequence[str], values: str | None) -> tuple[Values, bytes | dict[str, Any]]:
    """The values (with the command line's parameters in them) and the document, not yet judged. Raises ProblemError."""
    given = read_values(sys.stdin) if values == "-" else values_from({})
    document = given.document if file == "-" else _read(file)
    if document is None:
        raise ProblemError(
            Problem(code="document-missing", message="There is no document.", expected="the key “document” in the values on standard input")
        )
    return replace(given, parameters=given.parameters | _pairs(parameters)), document


def _job(document: bytes | dict[str, Any], environment: str | None, given: Values, reach: Reach) -> Job:
    roots = reach.roots.known
    return parse(document, environment=environment, parameters=given.parameters, run_id=given.run_id, secrets=given.secrets, roots=roots)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ProblemError(
            Problem(code="document-missing", message=f"The document “{file}” cannot be read.", found=error.strerror, fix="Check the path.")
        ) from error


def _pairs(parameters: Sequence[str]) -> dict[str, str]:
    wrong = [text for text in parameters if "=" not in text]
    if wrong:
        raise ProblemError(
            Problem(code="parameter-form", message=f"“{wrong[0]}” is not a parameter.", found=wrong[0], expected="NAME=VALUE")
        )
    return dict(text.split("=", 1) for text in parameters)


def claim_stdout() -> TextIO:
    """Standard output for events alone: whatever else is printed in this process goes to standard error from now on."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(2, 1)
    return stream


def spark_log(emit: EventWriter) -> Any:
    """Takes Spark's log lines and says them as events."""
    return lambda level, text: emit(Log(level=level, message=text, source="spark"))


def _stop(signum: int, frame: Any) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _not_right(emit: EventWriter, error: ProblemError) -> int:
    for problem in error.problems:
        emit(ProblemFound(problem=problem.as_dict()))
    emit(RunFinished(outcome="invalid", duration_ms=clock.elapsed_ms))
    return NOT_RIGHT


class JobRun:
    """One run from a job that is right to its result."""

    def __init__(self, emit: EventWriter, values: Values, job: Job, answers: IO[str], reach: Reach) -> None:
        self.emit, self.values, self.job, self.answers = emit, values, job, answers
        self.reach = reach
        self.publisher = Outputs(values.run_id, reach.roots, places=values.places, keep=values.keep_outputs)
        self.progress = Progress(emit)
        self.is_published = False
        self.closing = ExitStack()
        self.elsewhere: dict[str, Elsewhere] = {}
        self.read_marks = ReadMarks()

    def run(self, process: SparkProcess, views: Path | None = None) -> int:
        """Runs everything; gives the exit code. Whatever happens, a result is said and nothing stays in staging."""
        try:
            return self._run(process, views)
        except StageFailure:
            return self._finish("failed")
        except ProblemError as error:
            return self._fail(error.problems)
        except Stopped:
            if self.is_published:
                return DONE
            self.emit(Log(level="warning", message="The run was stopped. Nothing was published."))
            return self._finish("stopped")
        except Exception as error:  # noqa: BLE001 – a result is said whatever happens
            return self._fail([process.why_gone() or spark_errors.problem_of(error)])
        finally:
            self.publisher.discard()
            for changes in self.elsewhere.values():
                changes.discard()
            self.closing.close()

    def _run(self, process: SparkProcess, views: Path | None) -> int:
        self.emit(started(self.job))
        for run_id in self.publisher.repair(self._warn):
            self.emit(Log(level="warning", message=f"The run {run_id} ended while it published: its outputs are as they were before it."))
        spark = process.session
        self.emit(SessionReady(duration_ms=clock.elapsed_ms))
        context = RunContext(spark, self.emit, environment=self.job.environment, reach=self.reach, publisher=self.publisher)
        self.closing.callback(context.close)
        self.elsewhere, self.read_marks = context.elsewhere, context.read_marks
        context.read_marks.begin(self.values.watermarks)
        runner = Runner(process, context, self.emit, self.values.run_id)
        runner.run(self.job)
        if not self.publisher.outputs and not self.elsewhere:
            self.emit(Log(level="info", message="This run writes nothing: no stage of it has written files."))
        if views is not None:
            write_views(views, list(context.views.values()))
        self.publisher.send(lambda root, done, total: self.progress("files", root, done, total))
        for number, (key, changes) in enumerate(self.elsewhere.items(), 1):
            self.progress("rows", _connection_of(key), number, len(self.elsewhere))
            changes.make_ready()
        if not self._may_publish():
            return self._finish("not_published", runner.warnings)
        with undisturbed():
            outcome = "succeeded_with_warnings" if runner.warnings else "succeeded"
            outputs = self._publish(outcome, runner.warnings)
            for problem in (*self.publisher.left, *self.publisher.behind):
                self._warn(problem)
            self.is_published = True
            warnings = runner.warnings + len(self.publisher.behind)
            outcome = "succeeded_with_warnings" if warnings else "succeeded"
            self.emit(self._result(outcome, warnings, [*outputs, *self._outputs_elsewhere()]))
            return DONE

    def _publish(self, outcome: str, warnings: int) -> list[dict[str, Any]]:
        """Makes all of it visible, or nothing; gives the facts of what lies in the lake. Raises ProblemError, with what stays visible where
        only one of two databases has agreed."""
        try:
            return self.publisher.publish(lambda facts: self._commit(outcome, warnings, facts))
        except Exception as error:
            visible = [words for changes in self.elsewhere.values() for words in changes.visible]
            if not visible:
                raise
            why = error.problems if isinstance(error, ProblemError) else [spark_errors.problem_of(error)]
            raise ProblemError([*why, _visible_in_part(visible, why)]) from error  # the last one is the run's

    def _commit(self, outcome: str, warnings: int, facts: Sequence[dict[str, Any]]) -> None:
        """The last steps, when all outputs in the lake are visible and can still be taken back: databases, which cannot; the receipt."""
        for key, changes in sorted(self.elsewhere.items(), key=lambda one: not one[1].may_refuse):
            self._tell("commit", _connection_of(key))
            changes.publish()
        self._leave_receipt(self._result(outcome, warnings, [*facts, *self._outputs_elsewhere()]))
        for root in self.publisher.listed_in:
            self._tell("lists", root)

    def _tell(self, step: str, where: str) -> None:
        """Says how far it is, and never raises: what cannot be said is no reason to take back, or to leave half of it."""
        with suppress(Exception):
            self.progress(step, where)

    def _outputs_elsewhere(self) -> list[dict[str, Any]]:
        return [output for changes in self.elsewhere.values() for output in changes.facts()]

    def _warn(self, problem: Problem) -> None:
        self.emit(Log(level="warning", message=" ".join(filter(None, (problem.message, problem.fix)))))

    def _leave_receipt(self, result: RunFinished) -> None:
        """From here on the run has published, whatever happens to this process."""
        if self.values.confirm_publish:
            receipts.write(self.values.lake, self.values.run_id, line_of(result))

    def _fail(self, problems: Sequence[Problem]) -> int:
        for problem in problems:
            self.emit(ProblemFound(problem=problem.as_dict()))
        return self._finish("failed")

    def _may_publish(self) -> bool:
        self.emit(PublishRequested(outputs=self._staged()))
        return not self.values.confirm_publish or confirmed(self.answers)

    def _staged(self) -> list[Any]:
        return [*(output.as_dict() for output in self.publisher.outputs), *self._outputs_elsewhere()]

    def _finish(self, outcome: str, warnings: int = 0, outputs: Sequence[dict[str, Any]] = ()) -> int:
        self.emit(self._result(outcome, warnings, outputs))
        return DONE if outcome.startswith("succeeded") else FAILED

    def _result(self, outcome: Any, warnings: int, outputs: Sequence[Any]) -> RunFinished:
        read = self.read_marks.now if outcome.startswith("succeeded") else {}
        return RunFinished(outcome=outcome, duration_ms=clock.elapsed_ms, outputs=list(outputs), warnings=warnings, watermarks=read)


def _connection_of(key: str) -> str:
    """The database's name for people, of a key of `RunContext.elsewhere`."""
    return key.removeprefix("database ")


def _visible_in_part(outputs: Sequence[str], why: Sequence[Problem]) -> Problem:
    """`outputs`: see `Elsewhere.visible`; `why`: what went wrong, and what of the lake could not be taken back."""
    others = "" if len(why) > 1 else " All its other outputs are as they were before."
    return Problem(
        code="published-in-part",
        message=f"The run failed, but its rows are visible in {', '.join(outputs)}: a database takes nothing back."
        f"{others} Why it failed: {why[0].message}",
        fix=f"{why[0].fix or ''} Then run it again; where it appends rows, take those of this run out first.".strip(),
    )


@contextmanager
def undisturbed() -> Iterator[None]:
    """Publishing takes a moment and is not stopped half-way: SIGTERM has no effect inside."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def started(job: Job) -> RunStarted:
    """The first event of a run."""
    return RunStarted(
        document_sha256=job.sha256,
        environment=job.environment,
        stages=[{"index": index, "name": stage.name, "type": stage.type, "kind": stage.kind} for index, stage in enumerate(job.stages)],
        parameters=dict(job.values),
        versions={"spark": SPARK_VERSION, "python": ".".join(map(str, sys.version_info[:3]))},
    )


def confirmed(stream: IO[str]) -> bool:
    """Whether the next line says `{"publish": true}`; anything else, the end of input, or no answer for long means no."""
    if not _input_waits(stream, ANSWER_SECONDS):
        return False
    try:
        answer = json.loads(stream.readline(10_000))
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("publish") is True
