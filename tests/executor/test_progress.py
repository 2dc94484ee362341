"""What people see between the last stage and the end."""

from __future__ import annotations

from typing import Any

from executor.running.progress import Progress


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
