"""Reading a run's log: lines by number, as a reader may see them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from executor.event_lines import stored
from executor.events import BY_NAME, Log, Publishing, open_fields, problem_fields
from portal.runs.log_text import text_of
from portal.runs.models import LogSegment, Run
from portal.runs.problems import without_data

SEGMENTS_AT_ONCE, LINES_AT_ONCE = 50, 20_000
HIDDEN = "(hidden: this line may show data; people with the role Data viewer see it)"
FRAME = frozenset({"seq", "event", "time"})


@dataclass(frozen=True)
class Line:
    """`text` is one JSON object without a line end."""

    seq: int
    text: str


def lines_after(run_id: UUID, after: int, *, with_data: bool, limit: int = SEGMENTS_AT_ONCE) -> list[Line]:
    """The next stored lines, of at most `limit` segments; an empty list when there is none yet. Raises LogAway, LogDamaged."""
    there = list(LogSegment.objects.filter(run_id=run_id, last_seq__gt=after).order_by("first_seq")[:limit])
    segments = [segment for segment in there if segment.first_seq < there[0].first_seq + LINES_AT_ONCE]
    document = _document_of(run_id) if segments and not with_data else None
    return [line for segment in segments for line in _lines_of(segment, document) if line.seq > after]


def _document_of(run_id: UUID) -> str:
    """The document whose names a reader may see though he may not see data."""
    return Run.objects.values_list("document", flat=True).get(pk=run_id)


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
    if run.failure_line:
        return run.failure_line
    segments = LogSegment.objects.filter(run=run, attempt_number=run.fence)
    for mark in ('"event":"stage_failed"', '"event":"problem"', '"level":"error"'):
        segment = segments.filter(lines__contains=mark).first()
        if segment:
            return next(line.seq for line in _lines_of(segment, None) if mark in line.text)
    return None


WHILE_PUBLISHING = ("commit", "lists")
"""Steps of `Publishing` that come when the run publishes."""


def progress_of(run: Run, steps: Container[str] = ("values", "files", "rows")) -> str:
    """How far a run is between its last stage and its end, in a sentence; empty where it has not come so far, or further than `steps`."""
    segment = LogSegment.objects.filter(run=run, attempt_number=run.fence).order_by("-first_seq").first()
    lines = text_of(segment).split("\n") if segment else []
    last = next((line for line in reversed(lines) if f'"event":"{Publishing.name}"' in line), None)
    facts = json.loads(last) if last else {}
    words = sentence(facts) if facts.get("step") in steps else ""
    return f"{words[0].upper()}{words[1:]}." if words else ""


def without_values(text: str, document: str) -> str:
    """One line with what everybody may see who may see the run: the open fields of its event, and the open part of its problem."""
    facts: dict[str, Any] = json.loads(text)
    kind = BY_NAME.get(str(facts.get("event")))
    kept = FRAME | open_fields(kind) if kind else FRAME
    shown = {key: value for key, value in facts.items() if key in kept}
    for name in problem_fields(kind) if kind else ():
        if isinstance(facts.get(name), dict):
            shown[name] = without_data(facts[name], document)
    if kind is Log:
        shown["message"] = HIDDEN
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def with_words(text: str) -> str:
    """One line with its words and their level beside, for a page. Lines that are words already stay as they are."""
    facts = json.loads(text)
    if "message" in facts:
        return text
    return json.dumps(facts | {"words": sentence(facts), "level": _level(facts)}, ensure_ascii=False, separators=(",", ":"))


def event_of(line: Line) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(line.text)
    return event


def as_words(text: str) -> str:
    """One line of the log as text: number, time, level, stage and words."""
    facts = json.loads(text)
    return f"{facts['seq']:>6} {facts.get('time', '')} {_level(facts):<7} {facts.get('stage') or '-'} {sentence(facts)}"


def sentence(facts: dict[str, Any]) -> str:
    """A stored event in its class's words. One that is older than its class, or was cut, is told by its fields."""
    event = stored(facts)
    if event:
        return event.words()
    rest = {key: value for key, value in facts.items() if key not in (*FRAME, "stage", "stage_index")}
    return str(facts["event"]).replace("_", " ") + (" " + json.dumps(rest, ensure_ascii=False) if rest else "")


def _level(facts: dict[str, Any]) -> str:
    event = stored(facts)
    return event.loudness if event else str(facts.get("level") or "info")


def _lines_of(segment: LogSegment, document: str | None) -> Iterator[Line]:
    """`document`: of a reader who may not see data; None for one who may."""
    for offset, text in enumerate(text_of(segment).split("\n")[:-1]):
        yield Line(segment.first_seq + offset, text if document is None else without_values(text, document))
