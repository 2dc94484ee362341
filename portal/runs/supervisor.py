"""One attempt of a run, from its claim to its end: start an executor, store what it says, watch the clock, stop it when it must."""

from __future__ import annotations

import json
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction

from executor.events import ProblemFound, PublishRequested, RunFinished, RunStarted, SessionReady, StageEntered, StageFailed
from executor.problems import Problem
from portal.environments.models import Environment
from portal.environments.reach import Needs, Reach
from portal.errors import Conflict, PortalError
from portal.runs import checks, launcher, leases, needs, published, published_tables, reached, receipts, visible
from portal.runs.doorbell import Hints
from portal.runs.ingest import SEGMENT_LINES, Ingest
from portal.runs.launches import Equipment
from portal.runs.leases import LeaseLost
from portal.runs.measures import Meter
from portal.runs.models import GOOD_STATES, Run, RunState, StateChanged
from portal.runs.problems import hidden
from portal.runs.redaction import Redactor

log = logging.getLogger(__name__)
T = TypeVar("T")
TakeWarm = Callable[[Environment, Equipment], launcher.Executor | None]

FLUSH_SECONDS = 0.25
LOOK_SECONDS = 1.0
"""How often the row is read again: a cancel is noticed within this time."""
PATIENCE_SECONDS = 3.0
"""Between asking an executor to end and killing it."""
MEASURE_SECONDS = 0.5
"""How often it is measured: a run that fills memory does so quickly."""
PUBLISH_SECONDS = 120
"""An executor that may publish gets at least this long to do so, whatever the time limit says."""
WHY_STOPPED = {
    "cancel": "Cancelled: the run is being stopped.",
    "deadline": "The time limit is over: the run is being stopped.",
    "silent": "The program that runs this job gives no sign of life any more: it is being stopped.",
    "start": "The program that runs this job does not begin: it is being stopped.",
    "limit": "The run uses more than it may: it is being stopped.",
    "worker": "The worker is being shut down: the run goes back to the queue.",
}
ENDS_OF_ITS_OWN = (0, 1, 2)
"""Exit codes of an executor that came to its end, whatever that was."""
NOT_ASKED = Problem(
    code="result-not-believed",
    message="The program that ran this job said that it was done, but not every stage had passed, or it had not asked to publish.",
    fix="Run it again. If this happens twice, tell whoever runs Sluice.",
)


class Supervisor:
    """Call `work()` once, in the thread that stays with the executor."""

    def __init__(self, run: Run, worker_stops: threading.Event | None = None, take_warm: TakeWarm | None = None) -> None:
        """`take_warm` gives a started, unused executor for an environment, with this equipment and no other, or None."""
        self.run = run
        self._take_warm = take_warm or (lambda environment, equipment: None)
        self._worker_stops = worker_stops or threading.Event()
        self.number = run.fence
        self.hints = Hints()
        self.ingest = Ingest(run, Redactor())
        self.executor: launcher.Executor | None = None
        self.result: RunFinished | None = None
        self.problems: list[dict[str, Any]] = []
        self._secrets: dict[str, str] = {}
        """For the executor's standard input; kept nowhere else."""
        self._needs = Needs()
        self._reach: Reach | None = None
        """The roots and connections, with their secrets: for the executor's standard input, and kept nowhere else either."""
        self.equipment: Equipment | None = None
        """What the executor is started with; None while that is not known."""
        self._meter: Meter | None = None
        self._excess: Problem | None = None
        self.stopping = ""
        """Why the executor is being stopped: a key of WHY_STOPPED; empty while it is not."""
        self._has_begun = False
        """Whether the executor has said anything of this run."""
        self._ask_at = self._kill_at = self._begin_by = 0.0
        limit = run.environment.compute.time_limit_minutes * 60
        self._deadline = time.monotonic() + limit
        self._renewed = self._looked = self._flushed = self._measured = time.monotonic()

    def work(self) -> None:
        """Does the attempt. Every way out leaves either a final state or a lease that the sweeper will find to be over."""
        try:
            problem = checks.refusal(self.run)
            if problem or not self._start():
                self._end(RunState.FAILED, problem=problem or self.problems[0])
                return
            exit_code = self._follow()
            if self._was_dead_ahead():
                exit_code = self._follow()
            self._conclude(exit_code)
        except LeaseLost:
            log.warning("Run %s attempt %s is no longer ours; its executor is stopped.", self.run.pk, self.number)
        finally:
            if self._meter:
                self._meter.stop()
            if self.executor:
                self.executor.kill()
                self.executor.finish()

    # --- start ----------------------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """Hands the run to an executor. False when there can be none; then `problems` says why."""
        if self.number > 1:
            self.ingest.say(f"Attempt {self.number}: the machine that ran attempt {self.number - 1} stopped answering.", "warning")
        try:
            self._get_ready()
            self._hand_over(self._take_warm(self.run.environment, self._equipped) or self._cold())
        except PortalError as error:
            self.problems.append(Problem(code=error.code, message=error.message, fix=error.fix).as_dict())
            return False
        return True

    def _get_ready(self) -> None:
        """Opens what the run signs in with, and nothing that its document does not use. Raises PortalError."""
        self._secrets = checks.secrets_for(self.run)
        self._needs, self._reach = needs.reach_for(self.run)
        self.ingest.redact = Redactor([*self._secrets.values(), *self._reach.secrets])
        self.equipment = needs.equipment_of(self.run)
        if not self.run.secret_versions and self._reach.versions:
            self.run.secret_versions = dict(self._reach.versions)
            Run.objects.filter(pk=self.run.pk, fence=self.number).update(secret_versions=self.run.secret_versions)

    @property
    def _equipped(self) -> Equipment:
        if self.equipment is None:
            raise RuntimeError("there is no equipment before _get_ready")
        return self.equipment

    def _hand_over(self, executor: launcher.Executor) -> None:
        self.executor, self._begin_by = executor, time.monotonic() + settings.RUN_START_SECONDS
        self._measure()
        executor.say(self._values(executor.launch.lake))
        writes = bool(published.elsewhere(self.run))
        about = {"process_id": executor.pid, "sandbox": executor.launch.sandbox, "may_have_left": writes}
        self.run.attempts.filter(number=self.number).update(**about)
        self._note_reached()

    def _measure(self) -> None:
        if self._meter:
            self._meter.stop()
        launch = self._living.launch
        tmp = launch.scratch.path if launch.scratch else None
        about: dict[str, Any] = {"beside_mb": launch.beside_mb, "group": launch.group, "folders": launch.written_folders}
        self._meter = Meter(self._living.pid, launch.memory_mb, tmp, launch.data, **about)

    def _note_reached(self) -> None:
        """Which other machines the attempt could and did reach so far."""
        if self._reach is not None and self.executor is not None:
            facts = reached.facts(self.executor.launch.reached, self._reach.through)
            self.run.attempts.filter(number=self.number).update(reached=facts)

    def _was_dead_ahead(self) -> bool:
        """An executor that was started ahead died or froze before it began with this run: then another one has it, once."""
        if self._has_begun or self.stopping not in ("", "silent", "start") or not (self.executor and self.executor.launch.is_warm):
            return False
        self.ingest.say("The Spark that was started ahead is gone; this run starts its own.", "warning")
        self.stopping = ""
        self._hand_over(self._cold())
        return True

    def _cold(self) -> launcher.Executor:
        equipment, name = self._equipped, f"{self.run.pk}-{self.number}"
        launch = launcher.for_run(self.run.environment, name, endpoints=equipment.endpoints, folders=equipment.folders)
        return launcher.Executor(launch)

    def _values(self, lake: str) -> dict[str, Any]:
        return {
            **(self._reach.for_executor() if self._reach and self._needs != Needs() else {}),
            "document": json.loads(self.run.document),
            "parameters": self.run.parameters,
            "secrets": self._secrets,
            "lake": lake,
            "run_id": receipts.executor_id(self.run),
            "confirm_publish": True,
            **published.values_for(self.run),
            "compute": launcher.compute_of(self.run.environment),
        }

    # --- while it runs --------------------------------------------------------------------------------------------------

    def _follow(self) -> int:
        """Until both of the executor's streams are closed, which is when every process of it is gone. Gives its exit code."""
        executor, ended = self._living, False
        while not ended:
            try:
                stream, text = executor.output.get(timeout=0.05)
                ended = stream == "end"
                if not ended:
                    self._take(stream, text)
            except queue.Empty:
                pass
            self._attend()
        self._flush()
        code = executor.finish()
        if self.result and code in ENDS_OF_ITS_OWN:  # then it has removed what it does not leave behind on purpose
            self._patiently(lambda: self.run.attempts.filter(number=self.number).update(may_have_left=False))
        if self._meter:  # the kernel may have ended it between two looks
            self._excess = self._excess or self._meter.told_by_the_kernel()
        return code

    @property
    def _living(self) -> launcher.Executor:
        if self.executor is None:
            raise RuntimeError("there is no executor before _start")
        return self.executor

    def _take(self, stream: str, text: str) -> None:
        if stream == "err":
            self.ingest.overhear(text)
            return
        event = self.ingest.take(text)
        if event is None and PublishRequested.name in text[:200]:  # one that is not understood gets its answer, too
            self._living.say({"publish": False})
        self._has_begun = self._has_begun or isinstance(event, RunStarted | ProblemFound | RunFinished)
        if isinstance(event, SessionReady | StageEntered) and self.run.state == RunState.STARTING:
            self._mark_running()
        elif isinstance(event, PublishRequested):
            self._answer_publish()
        elif isinstance(event, RunFinished):
            self.result = event
        elif isinstance(event, ProblemFound | StageFailed):
            self.problems.append(event.problem)

    def _mark_running(self) -> None:
        try:
            self._patiently(lambda: self.run.move_to(RunState.RUNNING))
        except StateChanged:
            self._look()

    def _answer_publish(self) -> None:
        self._flush()
        self._look()
        complete = self.ingest.all_stages_passed
        if not complete:
            self.ingest.say("The program asked to publish before every stage of the job had passed; it was refused.", "error")
        self._patiently(lambda: leases.renew(self.run))  # a clock that was set forward has ended the lease of a worker that lives
        try:
            granted = complete and not self.stopping and self._patiently(self._granted)
        except Conflict as taken:
            self.problems += taken.problems
            granted = False
        if granted:
            self._deadline = max(self._deadline, time.monotonic() + PUBLISH_SECONDS)
        self._living.say({"publish": granted})

    def _granted(self) -> bool:
        """Raises Conflict."""
        if self._reach is not None:
            needs.require_still(self.run, self._needs, self._reach, self._living.launch.folders)
        return leases.grant_publishing(self.run)

    def _attend(self) -> None:
        """What is due by the clock: store lines, renew the lease, look at the row, and go on with a stop that has begun."""
        now = time.monotonic()
        if self.ingest.waiting >= SEGMENT_LINES or (self.ingest.waiting and now - self._flushed >= FLUSH_SECONDS):
            self._flush()
        if now - self._looked >= LOOK_SECONDS:
            self._look()
        if now - self._renewed >= settings.RUN_RENEW_SECONDS:
            self._renew()
        if now - self._measured >= MEASURE_SECONDS:
            self._stop_at_its_limits(now)
        if now >= self._deadline and not self.stopping:
            self._stop("deadline")
        if self._living.silent_seconds > settings.RUN_SILENT_SECONDS and not self.stopping:
            self._stop("silent")
        if not self._has_begun and now >= self._begin_by and not self.stopping:
            self._stop("start")
        if self._worker_stops.is_set() and not self.stopping and not self.run.publishing_since:
            self._stop("worker")
        self._go_on_stopping(now)

    def _flush(self) -> None:
        """Stores what there is; a database that is away keeps the lines here until it is back or the lease is over."""
        self._flushed = time.monotonic()
        try:
            self.ingest.flush()
        except DatabaseError as error:
            self._database_away(error)
            return
        self.hints.publish(self.run.pk, self.ingest.last_seq)

    def _renew(self) -> None:
        try:
            leases.renew(self.run)
            self._renewed = time.monotonic()
            if self._equipped.endpoints:
                self._note_reached()
        except DatabaseError as error:
            self._database_away(error)

    def _look(self) -> None:
        """Reads the row again: was it cancelled, is it still ours?"""
        self._looked = time.monotonic()
        try:
            self._see()
        except DatabaseError as error:
            self._database_away(error)
            return
        if self.run.state == RunState.CANCELLING and not self.stopping:
            self._stop("cancel")

    def _see(self) -> None:
        """The row as it is now; raises LeaseLost when it is not this attempt's any more."""
        self.run.refresh_from_db(fields=["state", "state_version", "fence", "lease_owner", "cancel_requested_at", "publishing_since"])
        if self.run.fence != self.number or self.run.is_final or self.run.state == RunState.QUEUED:
            raise LeaseLost

    def _database_away(self, error: DatabaseError) -> None:
        """Goes on without the database as long as the lease surely lasts, and not a moment longer."""
        log.warning("Run %s: the database does not answer (%s).", self.run.pk, error)
        if time.monotonic() - self._renewed > settings.RUN_LEASE_SECONDS - settings.RUN_RENEW_SECONDS:
            raise LeaseLost from error
        time.sleep(0.2)
        close_old_connections()

    def _patiently(self, do: Callable[[], T]) -> T:
        """Does what must be done, again and again while the database is away and the lease lasts."""
        while True:
            try:
                return do()
            except DatabaseError as error:
                self._database_away(error)

    # --- stopping -------------------------------------------------------------------------------------------------------

    def _stop(self, why: str) -> None:
        self.stopping = why
        self._ask_at = time.monotonic()
        self._kill_at = self._ask_at + PATIENCE_SECONDS
        self.ingest.say(WHY_STOPPED[why], "warning")

    def _stop_at_its_limits(self, now: float) -> None:
        """What grows beyond its limits is not asked: it is ended at once."""
        self._measured = now
        if self._meter and (excess := self._meter.look()):
            self._excess = self._excess or excess
            if not self.stopping:
                self._stop("limit")
            self._living.kill()

    def _go_on_stopping(self, now: float) -> None:
        if not self.stopping:
            return
        if self._ask_at:
            self._ask_at = 0.0
            self._living.ask_to_end()
        if now >= self._kill_at:
            self._kill_at = now + PATIENCE_SECONDS
            self._living.kill()

    # --- the end --------------------------------------------------------------------------------------------------------

    def _conclude(self, exit_code: int) -> None:
        """Turns what the executor did into the run's final state. A run whose outputs were published ends as published, whatever else
        happened; a result without our leave to publish is no good result."""
        result = self._published_result()
        outcome = self.result.outcome if self.result else ""
        if result:
            self._end(result.outcome, exit_code, outputs=result.outputs, watermarks=result.watermarks)
        elif self.stopping == "cancel":
            self._end(RunState.CANCELLED, exit_code)
        elif self.stopping == "worker":
            self._give_back(exit_code)
        elif self._excess:
            self._end(RunState.FAILED, exit_code, problem=self._told(self._excess))
        elif self.stopping == "deadline":
            self._end(RunState.TIMED_OUT, exit_code, problem=self._told(self._too_long()))
        elif self.stopping == "silent":
            self._end(RunState.FAILED, exit_code, problem=self._told(self._froze()))
        elif self.stopping == "start":
            self._end(RunState.FAILED, exit_code, problem=self._told(self._never_began()))
        elif self.problems and (outcome == "failed" or not self.run.publishing_since):
            self._end(RunState.FAILED, exit_code, problem=self.problems[-1 if outcome == "failed" else 0])
        elif outcome in GOOD_STATES:
            self._end(RunState.FAILED, exit_code, problem=NOT_ASKED.as_dict())
        else:
            self._end(RunState.FAILED, exit_code, problem=self._told(self._stopped_by_itself(exit_code)))

    def _published_result(self) -> RunFinished | None:
        """The good result of a run that was allowed to publish: as it was said, or as it was noted beside the outputs, whatever was said
        after that."""
        if not self.run.publishing_since:
            return None
        told = (self.result, receipts.receipt_of(self.run))
        return next((result for result in told if result and result.outcome in GOOD_STATES), None)

    def _give_back(self, exit_code: int) -> None:
        """Somebody stops this worker: the run waits again."""
        self._patiently(self.ingest.flush)
        self._patiently(self._see)
        try:
            self._patiently(self._note_reached)
            leases.give_back(self.run, exit_code)
        except (StateChanged, ValueError):  # cancelled meanwhile
            self._end(RunState.CANCELLED, exit_code)

    def _end(self, state: str, exit_code: int | None = None, **changes: Any) -> None:
        """The last lines, then the final state. A cancel that came while a run without outputs was finishing still counts."""
        problem = changes.get("problem")
        if problem:
            self.ingest.say(hidden(problem, self.run.document).message, "error")
        self._patiently(self.ingest.flush)
        try:
            self._patiently(lambda: self._close(state, exit_code, changes))
        except StateChanged:
            if self.run.fence != self.number or self.run.state != RunState.CANCELLING:
                raise LeaseLost from None
            self._patiently(lambda: self._close(RunState.CANCELLED, exit_code, {}))
        self.hints.publish(self.run.pk, self.ingest.last_seq)

    def _close(self, state: str, exit_code: int | None, changes: dict[str, Any]) -> None:
        self._see()
        if self.run.state == RunState.STARTING and state in GOOD_STATES:
            self.run.move_to(RunState.RUNNING)
        if self.run.state == RunState.CANCELLING:
            state, changes = RunState.CANCELLED, {}
        with transaction.atomic():
            self._note_reached()
            reason = hidden(changes["problem"], self.run.document).message if changes.get("problem") else ""
            self.run.move_to(state, reason=reason, **changes)
            leases.close_attempt(self.run, self.number, state, exit_code)
            published.note(self.run)
            published_tables.note(self.run)
        receipts.forget(self.run)

    def _told(self, problem: Problem) -> dict[str, Any]:
        return visible.told(self.run, problem).as_dict()

    def _too_long(self) -> Problem:
        limit = timedelta(minutes=self.run.environment.compute.time_limit_minutes)
        return Problem(
            code="time-limit",
            message=f"The run took longer than the {limit} (hours:minutes:seconds) it may take here.",
            fix="Make it do less at a time, or ask for a larger compute profile.",
        )

    def _froze(self) -> Problem:
        return Problem(
            code="executor-frozen",
            message=f"The program that ran this job gave no sign of life for {settings.RUN_SILENT_SECONDS} seconds, so it was ended.",
            fix="Run it again. If this happens twice, ask whoever runs the machine whether it is overloaded or a disk does not answer.",
        )

    def _never_began(self) -> Problem:
        return Problem(
            code="executor-not-begun",
            message=f"The program that runs jobs lived, but did not begin with this one within {settings.RUN_START_SECONDS} seconds, "
            "so it was ended.",
            fix="Run it again. If this happens twice, ask whoever runs Sluice: the machine may be overloaded, or Sluice was changed while "
            "it ran and has to be started again.",
        )

    def _stopped_by_itself(self, exit_code: int) -> Problem:
        found = f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit code {exit_code}"
        killed = exit_code in (-signal.SIGKILL, 128 + signal.SIGKILL)
        why = "The usual cause is too little memory." if killed else "The last lines of the log say more."
        return Problem(
            code="executor-stopped",
            message="The program that ran this job stopped before it was done.",
            found=found,
            fix=f"{why} Run it again; if it stops again, use a larger compute profile or make the job smaller.",
        )
