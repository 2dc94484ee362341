"""What people see between the last stage and the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from executor import commands
from executor.running.outputs import Outputs
from executor.running.progress import Progress
from executor.stores.roots import Roots


def test_of_many_files_the_beginning_the_end_and_every_two_seconds_are_said() -> None:
    said: list[Any] = []
    now = [0.0]
    progress = Progress(said.append, lambda: now[0])  # type: ignore[arg-type]
    for done in range(1001):
        progress("files", "archive", done, 1000)
        now[0] += 0.01
    progress("files", "other", 0, 1)
    progress("files", "other", 1, 1)
    told = [(event.where, event.done) for event in said]
    assert told[0] == ("archive", 0) and told[-3:] == [("archive", 1000), ("other", 0), ("other", 1)]
    assert 5 <= len(told) <= 9, told


class Part:
    """Outputs of a store whose lists are made once `commit` is through."""

    def __init__(self, said: list[str]) -> None:
        self.outputs, self._said = ["an output"], said
        self.behind: list[Any] = []

    def publish(self, commit: Any) -> list[dict[str, Any]]:
        commit([{}])
        self._said.append("made lists")
        return [{}]


class Database:
    may_refuse, visible = False, ()

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def publish(self) -> None:
        self._said.append("committed")

    def facts(self) -> list[Any]:
        return []


@pytest.mark.parametrize("is_deaf", [False, True])
def test_commits_and_lists_are_said_before_they_are_made_and_who_hears_nothing_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_deaf: bool
) -> None:
    said: list[str] = []
    publisher = Outputs("r1", Roots(tmp_path), places=None, keep=1)
    publisher._parts["archive"] = Part(said)  # type: ignore[assignment]
    publisher.outputs = publisher._parts["archive"].outputs

    def emit(event: Any) -> None:
        if is_deaf:
            raise BrokenPipeError
        said.append(event.words())

    run: Any = commands.JobRun.__new__(commands.JobRun)
    run.publisher, run.elsewhere, run.progress = publisher, {"database warehouse": Database(said)}, Progress(emit)  # type: ignore[arg-type]
    monkeypatch.setattr(run, "_leave_receipt", lambda result: said.append("receipt"))
    monkeypatch.setattr(run, "_result", lambda *_: None)
    run._publish("succeeded", 0)
    steps = ["committed", "receipt", "made lists"]
    told = ["the database “warehouse” makes the rows visible, all in one step", *steps[:2]]
    told += ["the outputs are visible; making their lists of files in “archive” for other programs", steps[2]]
    assert said == (steps if is_deaf else told)
