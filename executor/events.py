"""What an executor says while it works: one JSON object a line on standard output, nothing else there.

This is half of the contract between portal and executor (the other half is the job document and the values that
arrive on standard input). Every line has `event` (the class's `name`) and `time` (UTC, ISO 8601, milliseconds);
the other keys are the fields below. Keys may be added; none is renamed or removed.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, TextIO

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events."""

    name: ClassVar[str]

    def as_dict(self, now: datetime | None = None) -> dict[str, Any]:
        """JSON-ready form; fields that are None are left out."""
        moment = (now or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"event": self.name, "time": moment} | {k: v for k, v in asdict(self).items() if v is not None}


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """First event of a run. `stages` lists index, name, type and kind of every stage, also of those that will be skipped."""

    name: ClassVar[str] = "run_started"
    document_sha256: str
    environment: str | None
    stages: list[dict[str, Any]]
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SessionReady(Event):
    """Spark is up; the stages begin. `duration_ms` since the process started."""

    name: ClassVar[str] = "session_ready"
    duration_ms: int


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
    stage_index: int
    stage: str
    stage_type: str


@dataclass(frozen=True, kw_only=True)
class StageRows(Event):
    """A row count that became known while the stage works. `direction`: in, out or rejected."""

    name: ClassVar[str] = "stage_rows"
    stage_index: int
    stage: str
    direction: str
    rows: int
    view: str | None = None


@dataclass(frozen=True, kw_only=True)
class StageMetrics(Event):
    """Figures of a stage: any of records_read, bytes_read, records_written, bytes_written, shuffle_bytes, spill_bytes, tasks, cpu_ms."""

    name: ClassVar[str] = "stage_metrics"
    stage_index: int
    stage: str
    metrics: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class StageFinished(Event):
    """A stage ended well. `outcome`: done, skipped (another environment) or warning (done, with something to look at)."""

    name: ClassVar[str] = "stage_finished"
    stage_index: int
    stage: str
    stage_type: str
    outcome: str
    duration_ms: int
    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageFailed(Event):
    """A stage failed. `problem` is a Problem as a dict; the run ends after it."""

    name: ClassVar[str] = "stage_failed"
    stage_index: int
    stage: str
    stage_type: str
    duration_ms: int
    problem: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """One line of log. `source`: sluice (our words), job (LogExecute, ConsoleLoad) or spark (framework noise)."""

    name: ClassVar[str] = "log"
    level: str
    message: str
    stage: str | None = None
    source: str = "sluice"


@dataclass(frozen=True, kw_only=True)
class ProblemFound(Event):
    """The document is not right (exit 1): one event for every problem."""

    name: ClassVar[str] = "problem"
    problem: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PublishRequested(Event):
    """All stages passed and all outputs are staged. With `confirm_publish` in the values the executor now waits for one line
    `{"publish": true}` or `{"publish": false}` on standard input; anything else, or end of input, means false."""

    name: ClassVar[str] = "publish_requested"
    outputs: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """Last event. `outcome`: succeeded, succeeded_with_warnings, failed, stopped (from outside), invalid or not_published.
    `outputs`: stage, uri, format, rows, bytes, files of each published load."""

    name: ClassVar[str] = "result"
    outcome: str
    duration_ms: int
    outputs: list[dict[str, Any]] = field(default_factory=list)
    warnings: int = 0


@dataclass(frozen=True, kw_only=True)
class PreviewRows(Event):
    """Rows of one view.

    `columns`: name, type (Spark's simple string), nullable, and internal where a stage added it. `rows`: lists of JSON-ready cells in
    column order (decimals, dates and timestamps as text, binary as base64, structs as objects). `complete` is false when more rows
    exist. `total_rows` only where it was cheap to know. `input`: "sample" or "full"."""

    name: ClassVar[str] = "rows"
    stage_index: int
    stage: str
    view: str
    columns: list[dict[str, Any]]
    rows: list[list[Any]]
    complete: bool
    duration_ms: int
    input: str = "sample"
    total_rows: int | None = None


class EventWriter:
    """Writes events as JSON lines, one at a time from any thread, flushed at once. After the result nothing is said.

    `fixed` keys (for instance a request's id in `serve`) are added to each line.
    """

    def __init__(self, stream: TextIO | None = None, fixed: dict[str, Any] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._fixed = fixed or {}
        self._lock = threading.Lock()
        self._is_over = False

    def __call__(self, event: Event) -> None:
        line = json.dumps(self._fixed | event.as_dict(), ensure_ascii=False, separators=(",", ":"), default=str)
        with self._lock:
            if self._is_over:
                return
            self._is_over = isinstance(event, RunFinished)
            self._stream.write(line + "\n")
            self._stream.flush()

    def with_keys(self, **fixed: Any) -> EventWriter:
        """A writer on the same stream that adds `fixed` to each line."""
        other = EventWriter(self._stream, self._fixed | fixed)
        other._lock = self._lock
        return other
