"""A warm session that answers one request a line: preview, analyse, export, tables, cancel, stop. See docs/contract.md."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Collection
from typing import IO, Any

from executor.document.job import Job
from executor.document.places import connectors_of
from executor.event_writer import EventWriter
from executor.events import Analysed, Event, Log, ProblemFound, Ready, RequestCancelled, StageFailed, TablesFound
from executor.language.shaping import shape_of
from executor.problems import Problem, ProblemError
from executor.running import export
from executor.running.analyse import analyse
from executor.running.cells import MAX_ROWS
from executor.running.database_tables import tables_behind
from executor.running.lake_texts import with_lake_texts
from executor.running.preview import Cancelled, Memory, Preview, parse_part
from executor.running.reach import Reach, reach_of
from executor.running.runner import StageFailure
from executor.running.values import Values, values_from
from executor.running.warm_up import warm_up_queries
from executor.spark import errors as spark_errors
from executor.spark.connectors import require_connectors
from executor.spark.jvm import PREVIEW
from executor.spark.session import ComputeProfile, SparkProcess
from executor.stores.roots import Copies

PROFILE = ComputeProfile(cores=2, memory_mb=1024, shuffle_partitions=2)
MAX_LINE = 4_000_000
ENDED, SPARK_LOST = 0, 2
CANCEL_SECONDS = 0.1


class Answer:
    """Writes the events of one answer with the request's id, the last of them with `"last": true`.

    A failure is held back until it is known to be the last word. `is_over` says whether Spark is gone: the session ends with this answer
    then, and whoever is told so does not ask it again.
    """

    def __init__(self, write: EventWriter, request_id: Any, is_over: Callable[[], bool]) -> None:
        self._write = write.with_keys(id=request_id)
        self._write_last = write.with_keys(id=request_id, last=True)
        self._is_over = is_over
        self._held: Event | None = None

    def __call__(self, event: Event) -> None:
        if self._held is not None:
            self._write(self._held)
        self._held = event if isinstance(event, StageFailed | ProblemFound) else None
        if self._held is None:
            (self._last if event.name in ("rows", "analysed", "exported", "tables", "cancelled") else self._write)(event)

    def _last(self, event: Event) -> None:
        (self._write_last.with_keys(over=True) if self._is_over() else self._write_last)(event)

    def drop_failure(self) -> None:
        """Forgets a failure that is only the echo of a cancel."""
        self._held = None

    def close(self) -> None:
        if self._held is not None:
            self._last(self._held)
            self._held = None


class Server:
    """Reads requests in one thread (so that a cancel is heard at once) and answers them, one at a time, in another."""

    def __init__(self, write: EventWriter, requests: IO[str], connectors: Collection[str] = ()) -> None:
        self.write, self._requests = write, requests
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[Any] = set()
        self._current: Any = None
        self._lock = threading.Lock()
        self._memory = Memory()
        self.process = SparkProcess(PROFILE, PREVIEW, self._log, connectors=connectors)
        self._copies = Copies(self.process.scratch)

    def _log(self, level: str, text: str) -> None:
        self.write(Log(level=level, message=text, source="spark"))

    def serve(self) -> int:
        """Answers until `stop` or the end of input; gives the exit code."""
        try:
            spark = self.process.session
            self.write(Ready())
            threading.Thread(target=self._read, name="requests", daemon=True).start()
            if self._waiting.empty():
                warm_up_queries(spark)
            while (request := self._waiting.get()) is not None:
                if not self._answer(request):
                    return SPARK_LOST
            return ENDED
        finally:
            self.process.stop()

    def _read(self) -> None:
        while line := self._requests.readline(MAX_LINE):
            try:
                request = json.loads(line)
            except ValueError:
                request = {}
            if not isinstance(request, dict) or request.get("request") == "stop":
                break
            if request.get("request") == "cancel":
                self._cancel(request.get("id"))
            else:
                self._waiting.put(request)
        self._waiting.put(None)

    def _cancel(self, request_id: Any) -> None:
        with self._lock:
            self._cancelled.add(request_id)
            running = self._current == request_id
        if running:
            threading.Thread(target=self._stop_jobs_of, args=(request_id,), name="cancel", daemon=True).start()

    def _stop_jobs_of(self, request_id: Any) -> None:
        """Again and again until the answer is closed: a query that is still being planned has no job yet, and would begin one for good.
        Under the lock, so that the next request has none either."""
        while True:
            with self._lock:
                if self._current != request_id or self.process.is_gone:
                    return
                self.process.session.sparkContext.cancelAllJobs()
            time.sleep(CANCEL_SECONDS)

    def _answer(self, request: dict[str, Any]) -> bool:
        """Answers one request. False when Spark is gone and the process has to end."""
        request_id = request.get("id")
        answer = Answer(self.write, request_id, lambda: self.process.is_gone)
        with self._lock:
            self._current = request_id
        try:
            self._work(request, answer, lambda: request_id in self._cancelled)
        except (StageFailure, Cancelled):
            pass
        except ProblemError as error:
            for problem in error.problems:
                answer(ProblemFound(problem=problem.as_dict()))
        except Exception as error:  # noqa: BLE001 – one bad request must not end the session
            answer(ProblemFound(problem=(self.process.why_gone() or spark_errors.problem_of(error)).as_dict()))
        finally:
            self._close(answer, request_id)
        return not self.process.is_gone

    def _close(self, answer: Answer, request_id: Any) -> None:
        with self._lock:
            self._current = None
            cancelled = request_id in self._cancelled
            self._cancelled.discard(request_id)
        if cancelled:
            answer.drop_failure()
            answer(RequestCancelled())
        answer.close()

    def _work(self, request: dict[str, Any], answer: Answer, is_cancelled: Callable[[], bool]) -> None:
        if is_cancelled():
            raise Cancelled
        kinds = {"preview": self._preview, "analyse": self._analyse, "export": self._export, "tables": self._tables}
        kind = request.get("request")
        if kind not in kinds:
            raise ProblemError(
                Problem(
                    code="request-unknown",
                    message="This request is not known.",
                    found=str(kind)[:100],
                    expected="preview, analyse, export, tables, cancel or stop",
                )
            )
        if isinstance(request.get("document"), dict) and isinstance(request.get("environment"), str | None):
            roots = self._reach(values_from(request.get("values") or {})).roots
            request = request | {"document": with_lake_texts(request["document"], roots, request.get("environment"))}
        require_connectors(self.process, connectors_of(request.get("document"), request.get("environment")))
        _forget_views(self.process)
        kinds[kind](request, answer, is_cancelled)

    def _reach(self, given: Values) -> Reach:
        return reach_of(given, self._copies)

    def _preview(self, request: dict[str, Any], answer: Any, is_cancelled: Callable[[], bool]) -> None:
        given = values_from(request.get("values") or {})
        reach = self._reach(given)
        job = _job_until(request, given, reach)
        rows = request.get("rows", 100)
        if not isinstance(rows, int) or not 1 <= rows <= MAX_ROWS:
            raise ProblemError(
                Problem(
                    code="request-wrong",
                    field="rows",
                    message="The number of rows is not right.",
                    found=str(rows)[:100],
                    expected=f"1 to {MAX_ROWS}",
                )
            )
        sample = request.get("input", "sample") != "full"
        preview = self._preview_of(request, job, reach, answer, is_cancelled, sample=sample)
        preview.show(len(job.stages) - 1, rows, only_values=request.get("only") == "values", names=request.get("names"))

    def _preview_of(
        self, request: dict[str, Any], job: Job, reach: Reach, answer: Any, is_cancelled: Callable[[], bool], *, sample: bool
    ) -> Preview:
        return Preview(
            self.process,
            answer,
            job,
            reach,
            sample=sample,
            memory=self._memory,
            is_cancelled=is_cancelled,
            plain=_plain(request),
            stops_by_column=request.get("stops") == "by column",
            shape=shape_of(request["shape"]) if "shape" in request else None,
        )

    def _export(self, request: dict[str, Any], answer: Any, is_cancelled: Callable[[], bool]) -> None:
        given = values_from(request.get("values") or {})
        reach = self._reach(given)
        job = _job_until(request, given, reach)
        form, rows = request.get("form"), request.get("rows")
        if form not in export.FORMS or not isinstance(rows, int) or not 1 <= rows <= export.MOST_ROWS:
            problem = Problem(code="request-wrong", field="form", message="There is no such download.", expected=", ".join(export.FORMS))
            raise ProblemError(problem)
        preview = self._preview_of(request, job, reach, answer, is_cancelled, sample=False)
        with preview.frame_of(len(job.stages) - 1) as frame:
            done = export.export(
                frame,
                form=form,
                rows=rows,
                mark=request.get("mark") is True,
                names=request.get("names"),
                scratch=self.process.scratch,
                emit=answer,
                is_cancelled=is_cancelled,
            )
            if preview.context.watches:
                export.let_go_by(frame, form, done)
        answer(done)

    def _analyse(self, request: dict[str, Any], answer: Any, is_cancelled: Callable[[], bool]) -> None:
        given = values_from(request.get("values") or {})
        columns = analyse(
            self.process, answer, _document(request), request.get("to"), given, self._memory, self._reach(given), request.get("environment")
        )
        answer(Analysed(columns=columns))

    def _tables(self, request: dict[str, Any], answer: Any, is_cancelled: Callable[[], bool]) -> None:
        given = values_from(request.get("values") or {})
        document, environment = _document(request), request.get("environment")
        tables = tables_behind(self.process.session, document, environment, given.parameters, self._reach(given), answer)
        answer(TablesFound(tables=tables))


def _document(request: dict[str, Any]) -> dict[str, Any]:
    document = request.get("document")
    if not isinstance(document, dict) or not isinstance(document.get("stages"), list):
        raise ProblemError(
            Problem(code="request-wrong", field="document", message="The request holds no document.", expected='{"stages": […]}')
        )
    return document


def _plain(request: dict[str, Any]) -> list[str]:
    """Names of the views that are to have the columns of the data alone."""
    plain = request.get("plain")
    return [name for name in plain if isinstance(name, str)] if isinstance(plain, list) else []


def _job_until(request: dict[str, Any], given: Values, reach: Reach) -> Job:
    """The job up to the stage asked for: what is still wrong behind it does not matter yet."""
    document, to = _document(request), request.get("to")
    if not isinstance(to, int) or not 0 <= to < len(document["stages"]):
        raise ProblemError(
            Problem(
                code="request-wrong",
                field="to",
                message="There is no such stage.",
                found=str(to)[:100],
                expected="the index of a stage, from 0",
            )
        )
    environment, roots = request.get("environment"), reach.roots.known
    return parse_part(document, to + 1, environment=environment, parameters=given.parameters, secrets=given.secrets, roots=roots)


def _forget_views(process: SparkProcess) -> None:
    """Views of the request before are not visible to this one."""
    catalog = process.session._jsparkSession.sessionState().catalog()
    catalog.clearTempTables()
