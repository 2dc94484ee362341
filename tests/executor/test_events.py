"""What events say, who may see it, and what a reader takes from a line."""

from __future__ import annotations

import io
import json
from dataclasses import fields, replace
from typing import Any

import pytest

from executor.event_lines import NotAnEvent, read, storable, stored
from executor.event_writer import EventWriter, line_of
from executor.events import BY_NAME, OF_PREVIEWS, Log, StageFinished, open_fields, problem_fields

PLACE = {"stage_index": 0, "stage": "a", "stage_type": "SQLTransform"}
FINISHED = StageFinished(**PLACE, outcome="done", duration_ms=1500, rows_in=3, rows_out=2, details={"message": "CANARY"})


def line(event: str, **facts: Any) -> str:
    return json.dumps({"event": event, "time": "2026-01-01T00:00:00.000Z"} | facts)


def test_data_is_never_open() -> None:
    """Fields that may hold data, by name: whoever opens one must take it out of here and say why."""
    closed = {"details", "rows", "columns", "problem"}
    for event in BY_NAME.values():
        names = {one.name for one in fields(event)}
        counts = {"rows"} if event.name in ("stage_rows", "value_warnings", "exported") else set()
        assert not (open_fields(event) - counts) & closed, event
        assert problem_fields(event) <= names
    assert "message" not in open_fields(Log)


def test_what_a_writer_says_a_reader_takes() -> None:
    stream = io.StringIO()
    EventWriter(stream)(FINISHED)
    assert read(stream.getvalue()).event == FINISHED
    assert FINISHED.words() == "done after 1.5 s, 3 in, 2 out"
    assert replace(FINISHED, rows_in=None, rows_out=0).words() == "done after 1.5 s, 0 out"
    assert replace(FINISHED, rows_in=None, rows_out=None).words() == "done after 1.5 s", "most rows are counted later"


def test_a_message_of_three_megabytes_is_cut_and_says_so() -> None:
    stream = io.StringIO()
    EventWriter(stream)(StageFinished(**PLACE, outcome="done", duration_ms=1, details={"message": "x" * 3_000_000}))
    assert len(stream.getvalue()) < 20_000
    event = read(stream.getvalue()).event
    assert isinstance(event, StageFinished) and event.details["message"].endswith("(2,988,000 more characters are not kept)")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        '{"event":' + '{"a":' * 100_000,
        line("unheard_of"),
        line("note", level="info", message="ours?"),
        line("gap", lines=1),
        line("rows", **PLACE),
        line("stage_rows", stage_index=0, stage="a", direction="up", rows=1),
        line("stage_rows", stage_index=0, stage="a", direction="in", rows=-1),
        line("stage_rows", stage_index=0, stage="a", direction="in", rows=2**63),
        line("stage_rows", stage_index=0, stage="a", direction="in", rows=1.5),
        line("stage_rows", stage_index=0, stage="a", direction="in", rows="1"),
        line("stage_rows", stage_index=True, stage="a", direction="in", rows=1),
        '{"event":"stage_rows","stage_index":0,"stage":"a","direction":"in","rows":' + "9" * 5000 + "}",
        '{"event":"stage_rows","stage_index":0,"stage":"a","direction":"in","rows":NaN}',
        line("stage_metrics", stage_index=0, stage="a", metrics=[1]),
        line("stage_metrics", stage_index=0, stage="a", metrics={"a value of the data": 1}),
        line("result", outcome="wonderful", duration_ms=1),
        line("stage_failed", **PLACE, duration_ms=1, problem="text"),
    ],
)
def test_what_is_not_declared_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        read(text)
    assert "value of the data" not in str(refused.value) and len(str(refused.value)) < 300


def test_what_is_unknown_in_a_known_event_is_left_out_and_said() -> None:
    reading = read(line("stage_entered", **PLACE, canary="CANARY", **{"CANARY value": 1}))
    assert "CANARY" not in json.dumps(reading.as_dict())
    assert reading.remarks == ["Fields of “stage_entered” that nobody knows were left out: …, canary."]


def test_numbers_and_depths_that_not_everybody_can_keep_become_texts() -> None:
    reading = read(
        '{"event":"stage_finished","stage_index":0,"stage":"a","stage_type":"b","outcome":"done","duration_ms":1,'
        '"details":{"a":NaN,"b":-Infinity,"c":1e999,"d":' + "8" * 400 + ',"e":' + "[" * 20 + "1" + "]" * 20 + "}}"
    )
    details = reading.as_dict()["details"]
    assert (details["a"], details["b"], details["c"]) == ("NaN", "-Infinity", "1e999") and details["d"].startswith("888")
    json.dumps(details, allow_nan=False)
    assert "…" in json.dumps(details["e"], ensure_ascii=False)
    assert storable("a\x00b\x1b[31mc\ud800") == "a�bc�"


def test_a_time_that_is_none_becomes_now() -> None:
    assert read('{"event":"alive","time":"CANARY"}').time.startswith("20")
    assert read('{"event":"alive","time":"2026-01-01T01:00:00+01:00"}').time == "2026-01-01T00:00:00.000Z"


def test_every_event_can_be_read_back_from_its_stored_line() -> None:
    assert {event.name for event in OF_PREVIEWS} <= set(BY_NAME)
    assert stored(FINISHED.as_dict() | {"seq": 4}) == FINISHED
    assert stored({"event": "stage_finished", "seq": 4}) is None and stored({"event": "old"}) is None


def test_a_line_is_one_line_for_everybody_who_reads_lines() -> None:
    said = Log(level="info", message="a\u2028b\u2029c\x85d\x0be\x1cf")
    assert len(line_of(said).splitlines()) == 1
    assert json.loads(line_of(said))["message"] == said.message
