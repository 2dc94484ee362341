"""From an executor's events to rows: numbered log lines in segments, stages as they go.

Lines are kept until they are stored: a database that is away for a moment delays them and loses none.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from portal.runs.leases import LeaseLost
from portal.runs.models import FINAL_STATES, LogSegment, Run, StageRun
from portal.runs.redaction import Redactor, plain

LONGEST_LINE = 16_000
LONGEST_TEXT = 12_000
LOG_LIMIT = 50 * 1024**2
"""Bytes of log kept of one run. What comes after is counted and shown as a gap; errors and facts about stages are still kept."""
SEGMENT_LINES = 200
ALWAYS_KEPT = {"run_started", "stage_entered", "stage_finished", "stage_failed", "problem", "publish_requested", "result"}

NO_LINES = {"ready", "alive"}
"""No facts of a run: an executor was started before anybody asked; it still lives."""


class Ingest:
    """The one writer of a run's log and stages while its attempt lasts."""

    def __init__(self, run: Run, redact: Redactor) -> None:
        self.run = run
        self.number = run.fence
        self._redact = redact
        self._seq, self._bytes = run.log_lines, run.log_bytes
        self._lines: list[str] = []
        self._dropped = 0
        self._stages: dict[int, StageRun] = {}
        self._changed: set[int] = set()

    @property
    def waiting(self) -> int:
        """Lines that are not stored yet."""
        return len(self._lines)

    @property
    def last_seq(self) -> int:
        return self._seq

    def take(self, text: str) -> dict[str, Any]:
        """One line of an executor's output: numbered, redacted and noted; gives the event. What is not an event becomes a log line."""
        event = _event_of(text) or _log_event("warning", text, "executor")
        if event["event"] in NO_LINES:
            return event
        self._note_stage(event)
        self._append(event)
        return event

    def say(self, message: str, level: str = "info", source: str = "sluice") -> None:
        """A line of our own in the run's log."""
        self._append(_log_event(level, message, source))

    def flush(self) -> None:
        """Stores what there is, in one transaction, if the run is still this attempt's; raises LeaseLost when it is not."""
        self._note_gap()
        with transaction.atomic():
            mine = Run.objects.filter(pk=self.run.pk, fence=self.number).exclude(state__in=FINAL_STATES)
            if not mine.update(log_lines=self._seq, log_bytes=self._bytes):
                raise LeaseLost
            for start in range(0, len(self._lines), SEGMENT_LINES):
                self._store(self._lines[start : start + SEGMENT_LINES], self._seq - len(self._lines) + start + 1)
            for index in self._changed:
                self._stages[index].save()
        self._lines.clear()
        self._changed.clear()

    def _store(self, lines: list[str], first: int) -> None:
        LogSegment.objects.create(
            run=self.run,
            attempt_number=self.number,
            first_seq=first,
            last_seq=first + len(lines) - 1,
            lines="".join(line + "\n" for line in lines),
        )

    def _append(self, event: dict[str, Any]) -> None:
        if self._bytes >= LOG_LIMIT and event.get("event") not in ALWAYS_KEPT and event.get("level") != "error":
            self._dropped += 1
            return
        self._note_gap()
        self._add_line(event)

    def _note_gap(self) -> None:
        if self._dropped:
            self._add_line({"event": "gap", "time": _now(), "lines": self._dropped})
            self._dropped = 0

    def _add_line(self, event: dict[str, Any]) -> None:
        self._seq += 1
        line = self._redact(_as_line({"seq": self._seq} | event | {"seq": self._seq}))
        self._bytes += len(line.encode()) + 1
        self._lines.append(line)

    # --- stages ---------------------------------------------------------------------------------------------------------

    def _note_stage(self, event: dict[str, Any]) -> None:
        name = event["event"]
        if name == "run_started":
            for described in event.get("stages") or []:
                self._stage({"stage_index": described.get("index"), "stage": described.get("name"), "stage_type": described.get("type")})
        elif name in ("stage_entered", "stage_rows", "stage_metrics", "stage_finished", "stage_failed"):
            stage = self._stage(event)
            if stage:
                getattr(self, f"_{name}")(stage, event)

    def _stage(self, event: dict[str, Any]) -> StageRun | None:
        index = event.get("stage_index")
        if not isinstance(index, int) or not 0 <= index < 10_000:
            return None
        if index not in self._stages:
            name, kind = str(event.get("stage") or f"stage {index + 1}"), str(event.get("stage_type") or "")
            self._stages[index] = StageRun(run=self.run, attempt_number=self.number, index=index, name=name[:100], type=kind[:60])
        self._changed.add(index)
        return self._stages[index]

    def _stage_entered(self, stage: StageRun, event: dict[str, Any]) -> None:
        stage.state, stage.started_at = "running", _moment(event)

    def _stage_rows(self, stage: StageRun, event: dict[str, Any]) -> None:
        if event.get("direction") in ("in", "out", "rejected") and isinstance(event.get("rows"), int):
            setattr(stage, f"rows_{event['direction']}", event["rows"])

    def _stage_metrics(self, stage: StageRun, event: dict[str, Any]) -> None:
        stage.metrics = stage.metrics | (event.get("metrics") or {})

    def _stage_finished(self, stage: StageRun, event: dict[str, Any]) -> None:
        stage.state = event["outcome"] if event.get("outcome") in ("done", "skipped", "warning") else "done"
        stage.finished_at, stage.details = _moment(event), redacted(event.get("details") or {}, self._redact)
        for name in ("rows_in", "rows_out", "rows_rejected"):
            if isinstance(event.get(name), int):
                setattr(stage, name, event[name])

    def _stage_failed(self, stage: StageRun, event: dict[str, Any]) -> None:
        stage.state, stage.finished_at, stage.problem = "failed", _moment(event), redacted(event.get("problem"), self._redact)


def _event_of(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return cleaned(event) if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def cleaned(value: Any) -> Any:
    """The same JSON whose texts hold no control character, so that every database and every reader can take it."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): cleaned(item) for key, item in value.items()}
    return [cleaned(item) for item in value] if isinstance(value, list) else value


def _log_event(level: str, message: str, source: str) -> dict[str, Any]:
    return {"event": "log", "time": _now(), "level": level, "message": plain(message), "source": source}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(event: dict[str, Any]) -> datetime:
    try:
        return parse_datetime(str(event.get("time"))) or datetime.now(UTC)
    except ValueError:
        return datetime.now(UTC)


def redacted(value: Any, redact: Redactor) -> Any:
    """The same JSON without secrets. A mask never holds a sign that JSON escapes, so text and structure stay whole."""
    return json.loads(redact(json.dumps(value, ensure_ascii=False)))


def _as_line(event: dict[str, Any]) -> str:
    """The event as one line of at most LONGEST_LINE characters."""
    if isinstance(event.get("message"), str):
        event = event | {"message": _cut(event["message"])}
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    if len(line) <= LONGEST_LINE:
        return line
    short = {key: value for key, value in event.items() if len(json.dumps(value)) <= 200}
    if isinstance(event.get("problem"), dict):
        short["problem"] = {key: value for key, value in event["problem"].items() if len(json.dumps(value)) <= 2_000}
    if "message" in event:
        short["message"] = event["message"][: LONGEST_TEXT // 6]
    return json.dumps(short | {"shortened": True}, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str) -> str:
    left_out = len(text) - LONGEST_TEXT
    return text if left_out <= 0 else f"{text[:LONGEST_TEXT]}… ({left_out:,} more characters are not kept)"
