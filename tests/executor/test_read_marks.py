"""The marks of what grows, as runs hand them on: each question goes on where it was, whoever asked another one meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from executor.running.read_marks import MOST, ReadMarks


def run(before: dict[str, Any], **questions: str) -> tuple[dict[str, Any], dict[str, str | None]]:
    """A run of a job whose stages ask these questions. Gives its marks, and from where each stage has read."""
    marks, since = ReadMarks(), {}
    marks.begin(before)
    for stage, question in questions.items():
        found = marks.found(stage, [question], lambda name, asked=question: questions.get(name) != asked)  # type: ignore[misc]
        since[stage] = str(found["value"]) if found else None
        marks.note(stage, {"about": question, "value": str(int(since[stage] or 0) + 1)}, [question], questions)
    return marks.now, since


@pytest.mark.parametrize(
    ("jobs", "last"),
    [
        ([{"a": "q"}, {"a": "q"}], {"a": "1"}),
        ([{"a": "q"}, {"b": "q"}, {"a": "q"}], {"a": "2"}),
        ([{"a": "q", "b": "r"}, {"a": "r", "b": "q"}, {"a": "q", "b": "r"}], {"a": "2", "b": "2"}),
        ([{"a": "q", "b": "r", "c": "s"}, {"a": "r", "b": "s", "c": "q"}], {"a": "1", "b": "1", "c": "1"}),
        ([{"a": "q"}, {"a": "q", "c": "q"}, {"a": "q", "c": "q"}], {"a": "2", "c": "1"}),
        ([{"a": "q"}, {"a": "r"}, {"a": "q"}, {"a": "r"}], {"a": "1"}),
        ([{"a": "q"}, {"a": "r"}, {"b": "q"}, {"b": "q"}], {"b": "2"}),
        ([{"a": "q"}, {"a": "r"}], {"a": None}),
        ([{"a": "q"}, {}, {"a": "q"}], {"a": "1"}),
    ],
)
def test_a_question_goes_on_where_it_was(jobs: list[dict[str, str]], last: dict[str, str | None]) -> None:
    marks: dict[str, Any] = {}
    since: dict[str, str | None] = {}
    for questions in jobs:
        marks, since = run(marks, **questions)
    assert since == last
    questions_kept = [one["about"] for name, one in marks.items() if name not in jobs[-1]]
    assert len(questions_kept) == len(set(questions_kept)) and not set(questions_kept) & set(jobs[-1].values())


def test_no_more_questions_are_kept_than_an_event_takes() -> None:
    marks: dict[str, Any] = {}
    for number in range(MOST + 20):
        marks, _ = run(marks, a=f"{number:04} day")
    assert len(marks) == MOST and marks["a"]["about"] == f"{MOST + 19:04} day"


def test_what_is_no_mark_is_none() -> None:
    marks = ReadMarks()
    marks.begin({"a": "b", "c": {"about": "q"}, "d": None})
    assert marks.found("a", ["q"], lambda name: True) is None and marks.asked_before("a") == {}
    marks.note("a", {"about": "q", "value": "1"}, ["q"], ["a"])
    assert marks.now["a"] == {"about": "q", "value": "1"}
