"""How a Delta table becomes visible and is taken back, as steps of a run's publishing (`executor.files.exchange`)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.files.delta_commit import Taken, changed_meanwhile, files_of, name_of, not_taken_back, put_commit, take_back
from executor.files.delta_log import LOG, Log
from executor.files.exchange import Step
from executor.problems import ProblemError


@dataclass(frozen=True)
class TableStep:
    """One more version of a table. `commit`: a file that holds it; `staged`: the folder with its new files."""

    target: Path
    staged: Path
    commit: Path
    version: int
    uri: str

    def do(self) -> None:
        for file in self._files():
            place = self.target / file
            place.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                _link(self.staged / file, place)
        try:
            put_commit(self.target, self.version, self.commit.read_bytes())
        except FileExistsError:
            raise Taken(changed_meanwhile(self.uri)) from None

    def undo(self) -> None:
        content = self.commit.read_bytes()
        place = self.target / LOG / name_of(self.version)
        if place.is_file() and place.read_bytes() == content:
            take_back(self.target, self.version, content, self.uri)
            return
        for file in self._files():  # nobody refers to them
            with suppress(FileNotFoundError):
                if os.path.samefile(self.target / file, self.staged / file):
                    (self.target / file).unlink()

    def as_row(self, lake: Path) -> dict[str, Any]:
        paths = {name: str(getattr(self, name).relative_to(lake)) for name in ("target", "staged", "commit")}
        return {"kind": "table", **paths, "version": self.version, "uri": self.uri}

    @classmethod
    def of_row(cls, row: Mapping[str, Any], lake: Path) -> TableStep:
        return cls(lake / row["target"], lake / row["staged"], lake / row["commit"], row["version"], row["uri"])

    def _files(self) -> list[str]:
        actions = [json.loads(line) for line in self.commit.read_bytes().splitlines()]
        added = [action["add"] for action in actions if "add" in action]
        return [file for file in files_of(added) if (self.staged / file).is_file()]


class NewTableStep(Step):
    """A table where there was none: its folder is put there whole."""

    def undo(self) -> None:
        if self._is_new(self.target) and Log.of(self.target, self.target.name).latest > 0:
            raise ProblemError(not_taken_back(self.target.name))
        super().undo()

    def as_row(self, lake: Path) -> dict[str, Any]:
        return super().as_row(lake) | {"kind": "new-table"}


def _link(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(file, place)
