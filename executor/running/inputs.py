"""What a run or a preview reads, and whether that is still as it was when it began to."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from executor.problems import Foreign, Problem
from executor.stages import Stage

CHANGED = "input-changed"
State = tuple[tuple[str, Any, int], ...]


@dataclass(frozen=True)
class Input:
    """A file, folder or pattern that a stage reads, and the state of its files when it began to."""

    index: int
    stage: Stage
    uri: str
    path: str
    state: State
    now: Callable[[], State] = field(compare=False)
    """What stands for the content of the files now."""

    @property
    def is_as_it_was(self) -> bool:
        """Whether every file that was there is there still, unchanged. What came in addition was not read."""
        return set(self.state) <= set(self.now())

    def change(self, *, is_preview: bool) -> Problem | None:
        """What has become of it meanwhile, as a problem; None while it is as it was.

        Spark reads a file anew for each query on it: rows of before and of now would be mixed, or checked as they were and written as they
        are. And what it meets in a file that is exchanged under its hands (an end too early, a missing part) says nothing of that file.
        """
        return None if self.is_as_it_was else self.changed(is_preview=is_preview)

    def changed(self, *, is_preview: bool) -> Problem:
        """That it is not as it was."""
        reader, again = ("it was read", "Try again") if is_preview else ("this run read it", "Run it again")
        words: dict[str, str | Foreign | None] = {
            "message": f"“{self.uri}” was changed while {reader}: old and new rows could be mixed.",
            "fix": f"{again}: the file is then read as it is now.",
        }
        if self.state and not self.now():
            words = {
                "message": f"“{self.uri}” was renamed or deleted while {reader}.",
                "fix": f"Put it back on the page Data, or let the stage read its new name. {again} then.",
                "found": self._new_name(),
            }
        placed = {"stage_index": self.index, "stage": self.stage.name, "stage_type": self.stage.type}
        return Problem(code=CHANGED, field="inputURI", **placed, **words)  # type: ignore[arg-type]

    def _new_name(self) -> Foreign | None:
        """How the file is called now, where it lies in the same folder."""
        if len(self.state) != 1:
            return None
        _, modified_ns, size = self.state[0]
        with suppress(OSError), os.scandir(Path(self.path).parent) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if entry.is_file(follow_symlinks=False) and (found.st_mtime_ns, found.st_size) == (modified_ns, size):
                    return Foreign(f"a file that is called {entry.name} now")
        return None
