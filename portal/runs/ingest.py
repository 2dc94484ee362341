"""From an executor's events to rows: numbered log lines in segments, stages as they go.

What an executor says is judged here before anything is made of it (`executor.event_lines`): a line that is no event, names a stage that the
document does not have, or comes after the result costs one line of log and changes nothing. Lines are kept until they are stored: a
database that is away for a moment delays them and loses none.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, transaction
from django.utils.dateparse import parse_datetime

from executor import event_lines
from executor.event_lines import NotAnEvent, plain
from executor.event_writer import cut
from executor.events import (
    Alive,
    Event,
    Gap,
    Log,
    Note,
    OutputFacts,
    ProblemFound,
    Publishing,
    PublishRequested,
    Ready,
    RunFinished,
    RunStarted,
    StageEntered,
    StageFailed,
    StageFinished,
    StageMetrics,
    StageRows,
    ValueWarnings,
)
from portal.jobs.documents import stages_of
from portal.runs.leases import LeaseLost
from portal.runs.models import FINAL_STATES, LogSegment, Run, StageRun
from portal.runs.problems import believed
from portal.runs.redaction import Redactor
from portal.runs.value_rows import noted

LONGEST_LINE = 16_000
LOG_LIMIT = 50 * 1024**2
"""Bytes of log kept of one run. What comes after is counted and shown as a gap; errors and facts about stages are still kept."""
SEGMENT_LINES = 200
ALWAYS_KEPT = (RunStarted, StageEntered, StageFinished, StageFailed, ValueWarnings, ProblemFound, Publishing, PublishRequested, RunFinished)
NO_LINES = (Ready, Alive)
"""No facts of a run: an executor was started before anybody asked; it still lives."""
OfStage = (StageEntered, StageRows, StageMetrics, StageFinished, StageFailed, ValueWarnings)
E = TypeVar("E", bound=Event)


class Ingest:
    """The one writer of a run's log and stages while its attempt lasts."""

    def __init__(self, run: Run, redact: Redactor) -> None:
        """`redact` may be replaced as soon as the run's secrets are known."""
        self.run = run
        self.number = run.fence
        self.redact = redact
        self._seq, self._bytes = run.log_lines, run.log_bytes
        self._lines: list[str] = []
        self._dropped = 0
        self._stages: dict[int, StageRun] = {}
        self._changed: set[int] = set()
        self._said: set[str] = set()
        self._done: set[int] = set()
        self._has_begun = self._is_over = False

    @property
    def waiting(self) -> int:
        """Lines that are not stored yet."""
        return len(self._lines)

    @property
    def last_seq(self) -> int:
        return self._seq

    @property
    def all_stages_passed(self) -> bool:
        """Whether the run has begun and every stage of its document has ended well: without that nothing is published."""
        return self._has_begun and self._done == set(range(len(self._described)))

    @cached_property
    def _described(self) -> list[dict[str, Any]]:
        return stages_of(self.run.document)

    def take(self, text: str) -> Event | None:
        """One line of an executor's output: judged, numbered, redacted and noted; gives the event, None when it was refused."""
        try:
            reading = event_lines.read(text)
            event = self._without_secrets(self._believed(reading.event))
        except NotAnEvent as why:
            self.overhear(f"{why} The line: {text[:2_000]}" if text.startswith("{") else text)
            return None
        for remark in reading.remarks:
            self._say_once(remark)
        if not isinstance(event, NO_LINES):
            self._note_stage(event, reading.time)
            self._append(event, reading.time)
        self._is_over = self._is_over or isinstance(event, RunFinished)
        return event

    def _without_secrets(self, event: Event) -> Event:
        """Before anything is made of it: what is noted, shown, mailed and told elsewhere comes from here."""
        told = {field.name: getattr(event, field.name) for field in fields(event) if field.init}
        hidden = {name: self.redact.json(value) for name, value in told.items() if not isinstance(value, int | float | None)}
        return replace(event, **{name: value for name, value in hidden.items() if value != told[name]})

    def say(self, message: str, level: str = "info") -> None:
        """A sentence of our own in the run's log. It must not hold data: everybody who may see the run reads it."""
        self._append(Note(level=level, message=plain(message)))

    def overhear(self, text: str) -> None:
        """A line that an executor has printed beside its events."""
        self._append(Log(level="warning", message=plain(text), source="executor"))

    def _say_once(self, remark: str) -> None:
        if remark not in self._said:
            self._said.add(remark)
            self.say(remark, "warning")

    # --- what is believed -----------------------------------------------------------------------------------------------

    def _believed(self, event: Event) -> Event:
        """The event with the document's names of its stage. Raises NotAnEvent when it cannot be of this run."""
        if self._is_over:
            raise NotAnEvent("It came after the result.")
        if isinstance(event, StageFailed | ProblemFound):
            event = replace(event, problem=believed(event.problem))
        if isinstance(event, RunStarted):
            self._check_start(event)
            return replace(event, parameters=self.run.parameters)  # what the portal has given, not what the program says it was given
        if isinstance(event, OfStage):
            return self._with_stage(event)
        if isinstance(event, Log):
            return replace(event, stage=event.stage if self._is_stage(event.stage) else None)
        if isinstance(event, PublishRequested | RunFinished):
            return replace(event, outputs=self._outputs(event.outputs))
        return event

    def _check_start(self, event: RunStarted) -> None:
        types = [stage["type"] for stage in event.stages]
        if self._has_begun or types != [str(stage.get("type")) for stage in self._described]:
            raise NotAnEvent("The stages it names are not those of the run's document.")
        self._has_begun = True

    def _with_stage(self, event: E) -> E:
        index, stopped = getattr(event, "stage_index", -1), getattr(event, "stopped_index", None)
        if max(index, stopped or 0) >= len(self._described):
            raise NotAnEvent("The run's document has no such stage.")
        names: dict[str, Any] = {"stage": self._name_of(index) or getattr(event, "stage", "")}
        if hasattr(event, "stage_type"):
            names["stage_type"] = str(self._described[index].get("type") or "")
        if isinstance(event, StageFailed):
            names["stopped"] = None if stopped is None else self._name_of(stopped) or event.stopped
        return replace(event, **names)

    def _name_of(self, index: int) -> str:
        """The stage's name in the document; empty where it has none, or only parameters make it."""
        name = str(self._described[index].get("name") or "")
        return "" if "${" in name else name

    def _is_stage(self, name: str | None) -> bool:
        return any(name == stage.get("name") for stage in self._described) or any(name == stage.name for stage in self._stages.values())

    def _outputs(self, outputs: list[OutputFacts]) -> list[OutputFacts]:
        """Only outputs of stages that this run has."""
        return [output for output in outputs if self._is_stage(output.get("stage"))]

    # --- storing --------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Stores what there is, in one transaction, if the run is still this attempt's; raises LeaseLost when it is not."""
        self._note_gap()
        try:
            self._store_all()
        except (DataError, IntegrityError):  # the database answers, but cannot take a value: no reason to lose the run
            self._make_plain()
            self._store_all()
        self._lines.clear()
        self._changed.clear()

    def _store_all(self) -> None:
        with transaction.atomic():
            mine = Run.objects.filter(pk=self.run.pk, fence=self.number).exclude(state__in=FINAL_STATES)
            if not mine.update(log_lines=self._seq, log_bytes=self._bytes):
                raise LeaseLost
            for start in range(0, len(self._lines), SEGMENT_LINES):
                self._store(self._lines[start : start + SEGMENT_LINES], self._seq - len(self._lines) + start + 1)
            for index in self._changed:
                self._stages[index].save()

    def _make_plain(self) -> None:
        """Takes everything out of the waiting rows that is not a name, a count or a time."""
        for index in self._changed:
            stage = self._stages[index]
            stage.details, stage.metrics = {}, {}
            stage.problem = stage.problem and {"code": "failed", "message": "The stage failed."}
        self._lines = [line.encode("ascii", "replace").decode() for line in self._lines]

    def _store(self, lines: list[str], first: int) -> None:
        LogSegment.objects.create(
            run=self.run,
            attempt_number=self.number,
            first_seq=first,
            last_seq=first + len(lines) - 1,
            lines="".join(line + "\n" for line in lines),
        )

    def _append(self, event: Event, time: str = "") -> None:
        kept = isinstance(event, ALWAYS_KEPT) or event.loudness == "error"
        if self._bytes >= LOG_LIMIT and not kept:
            self._dropped += 1
            return
        self._note_gap()
        self._add_line(event.as_dict() | ({"time": time} if time else {}))

    def _note_gap(self) -> None:
        if self._dropped:
            gap, self._dropped = Gap(lines=self._dropped), 0
            self._add_line(gap.as_dict())

    def _add_line(self, facts: dict[str, Any]) -> None:
        self._seq += 1
        line = _as_line({"seq": self._seq} | self.redact.json(facts))
        self._bytes += len(line.encode()) + 1
        self._lines.append(line)

    # --- stages ---------------------------------------------------------------------------------------------------------

    def _note_stage(self, event: Event, time: str) -> None:
        if isinstance(event, RunStarted):
            for index, described in enumerate(event.stages):
                self._stage(index, described["name"], described["type"])
        elif isinstance(event, OfStage):
            stage = self._stage(event.stage_index, event.stage, getattr(event, "stage_type", ""))
            self._note(stage, event, parse_datetime(time) or datetime.now(UTC))

    def _stage(self, index: int, name: str, kind: str) -> StageRun:
        if index not in self._stages:
            self._stages[index] = StageRun(run=self.run, attempt_number=self.number, index=index, name=name[:100], type=kind[:60])
        self._changed.add(index)
        return self._stages[index]

    def _note(self, stage: StageRun, event: Event, time: datetime) -> None:
        if isinstance(event, StageEntered):
            stage.state, stage.started_at = "running", time
        elif isinstance(event, StageRows):
            setattr(stage, f"rows_{event.direction}", event.rows)
        elif isinstance(event, StageMetrics):
            stage.metrics = stage.metrics | event.metrics
        elif isinstance(event, StageFinished):
            self._note_end(stage, event, time)
        elif isinstance(event, ValueWarnings):
            self._note_values(stage, event)
        elif isinstance(event, StageFailed):
            self._note_failure(stage, event, time)

    def _note_end(self, stage: StageRun, event: StageFinished, time: datetime) -> None:
        self._done.add(event.stage_index)
        stage.state, stage.finished_at, stage.details = event.outcome, time, event.details
        for name in ("rows_in", "rows_out", "rows_rejected"):
            if getattr(event, name) is not None:
                setattr(stage, name, getattr(event, name))

    def _note_failure(self, stage: StageRun, event: StageFailed, time: datetime) -> None:
        """At fault is `stage`, which may have ended before: the one that met it later is only not finished."""
        self._done.discard(event.stage_index)
        stage.state, stage.finished_at, stage.problem = "failed", stage.finished_at or time, event.problem
        if event.stopped_index is not None and event.stopped_index != event.stage_index:
            met = self._stage(event.stopped_index, event.stopped or "", "")
            met.state, met.finished_at = "stopped", time

    def _note_values(self, stage: StageRun, event: ValueWarnings) -> None:
        """Said after the stage's end, when later stages have read its rows."""
        stage.details = stage.details | {"values": noted(event)}
        if stage.state == "done":
            stage.state = "warning"


def _as_line(facts: dict[str, Any]) -> str:
    """The event as one line of at most LONGEST_LINE characters."""
    facts = cut(facts)
    line = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    if len(line) <= LONGEST_LINE:
        return line
    short = {key: value for key, value in facts.items() if len(json.dumps(value)) <= 200}
    if isinstance(facts.get("problem"), dict):
        short["problem"] = {key: value for key, value in facts["problem"].items() if len(json.dumps(value)) <= 2_000}
    if "message" in facts:
        short["message"] = facts["message"][:2_000]
    return json.dumps(short | {"shortened": True}, ensure_ascii=False, separators=(",", ":"))
