"""Reading a run's log: lines by number, as a reader may see them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.runs.models import LogSegment, Run
from portal.runs.problems import without_data

SEGMENTS_AT_ONCE = 50
HIDDEN = "(hidden: this line may show data; people with the role Data viewer see it)"
SAFE_KEYS = {
    "run_started": {"document_sha256", "environment", "stages", "parameters", "versions"},
    "session_ready": {"duration_ms"},
    "stage_entered": {"stage_index", "stage", "stage_type"},
    "stage_rows": {"stage_index", "stage", "direction", "rows", "view"},
    "stage_metrics": {"stage_index", "stage", "metrics"},
    "stage_finished": {"stage_index", "stage", "stage_type", "outcome", "duration_ms", "rows_in", "rows_out", "rows_rejected"},
    "stage_failed": {"stage_index", "stage", "stage_type", "duration_ms", "problem"},
    "problem": {"problem"},
    "publish_requested": {"outputs"},
    "result": {"outcome", "duration_ms", "outputs", "warnings"},
    "gap": {"lines"},
    "log": {"level", "message", "stage", "source"},
}
"""What a reader without the right to data sees of each event: names, counts and times."""


@dataclass(frozen=True)
class Line:
    """`text` is one JSON object without a line end."""

    seq: int
    text: str


def lines_after(run_id: UUID, after: int, *, with_data: bool, limit: int = SEGMENTS_AT_ONCE) -> list[Line]:
    """The next stored lines, of at most `limit` segments; an empty list when there is none yet."""
    segments = LogSegment.objects.filter(run_id=run_id, last_seq__gt=after).order_by("first_seq")[:limit]
    return [line for segment in segments for line in _lines_of(segment, with_data) if line.seq > after]


def all_lines(run_id: UUID, *, with_data: bool, first: int = 1, last: int | None = None) -> Iterator[list[Line]]:
    """Lines `first`…`last` in batches."""
    after = first - 1
    while batch := lines_after(run_id, after, with_data=with_data):
        wanted = [line for line in batch if last is None or line.seq <= last]
        if wanted:
            yield wanted
        after = batch[-1].seq
        if last is not None and after >= last:
            return


def sha256_of(run: Run) -> str:
    """Of the whole log of a run that has ended, as it is downloaded; worked out once."""
    if run.log_sha256 or not run.is_final:
        return run.log_sha256
    digest = hashlib.sha256()
    for batch in all_lines(run.pk, with_data=True):
        digest.update("".join(line.text + "\n" for line in batch).encode())
    run.log_sha256 = digest.hexdigest()
    Run.objects.filter(pk=run.pk).update(log_sha256=run.log_sha256)
    return run.log_sha256


def line_of_failure(run: Run) -> int | None:
    """Number of the line that tells of the failure of the last attempt, for a link into the log."""
    segments = LogSegment.objects.filter(run=run, attempt_number=run.fence)
    for mark in ('"event":"stage_failed"', '"event":"problem"', '"level":"error"'):
        segment = segments.filter(lines__contains=mark).first()
        if segment:
            return next(line.seq for line in _lines_of(segment, True) if mark in line.text)
    return None


def without_values(text: str) -> str:
    """One line without anything that may be a value of the data."""
    event: dict[str, Any] = json.loads(text)
    kept = SAFE_KEYS.get(event["event"], set()) | {"seq", "event", "time"}
    shown = {key: value for key, value in event.items() if key in kept}
    if isinstance(shown.get("problem"), dict):
        shown["problem"] = without_data(shown["problem"])
    if event["event"] == "log" and (event.get("source") != "sluice" or event.get("level") not in ("debug", "info")):
        shown["message"] = HIDDEN
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def event_of(line: Line) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(line.text)
    return event


def as_words(text: str) -> str:
    """One line of the log as text: number, time, level, stage and words."""
    event = json.loads(text)
    level = event.get("level") or ("error" if event["event"] in ("stage_failed", "problem") else "info")
    return f"{event['seq']:>6} {event.get('time', '')} {level:<7} {event.get('stage') or '-'} {sentence(event)}"


def sentence(event: dict[str, Any]) -> str:
    """An event in words; static/js/run-log-words.js says the same on the page."""
    name = event["event"]
    if name == "log":
        return str(event.get("message", ""))
    if name in ("stage_failed", "problem"):
        return "failed: " + str((event.get("problem") or {}).get("message", ""))
    if name == "stage_entered":
        return f"begins ({event.get('stage_type')})"
    if name == "stage_finished":
        return f"{event.get('outcome')} after {event.get('duration_ms', 0) / 1000:.1f} s, {_rows(event)}"
    rest = {key: value for key, value in event.items() if key not in ("seq", "event", "time", "stage", "stage_index")}
    return name.replace("_", " ") + (" " + json.dumps(rest, ensure_ascii=False) if rest else "")


def _rows(event: dict[str, Any]) -> str:
    known = [
        f"{event[key]:,} {word}"
        for key, word in (("rows_in", "in"), ("rows_out", "out"), ("rows_rejected", "kept aside"))
        if event.get(key)
    ]
    return ", ".join(known) or "no rows counted"


def _lines_of(segment: LogSegment, with_data: bool) -> Iterator[Line]:
    for offset, text in enumerate(segment.lines.split("\n")[:-1]):
        yield Line(segment.first_seq + offset, text if with_data else without_values(text))
