"""The outputs of one run, whatever roots they lie in: all of them become visible, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from executor.files.publish import Output, TableOutput
from executor.language.roots import Located, located
from executor.problems import Problem
from executor.stores.base import Commit, StoreOutputs, Tell, untold
from executor.stores.folder import FolderOutputs
from executor.stores.roots import Roots


class Outputs:
    """`places`: what is the job's own to replace (address → whether whatever lies there may go); None when nobody keeps a list. `keep`: how
    many earlier outputs stay of each."""

    def __init__(self, run_id: str, roots: Roots, *, places: Mapping[str, bool] | None, keep: int) -> None:
        self.outputs: list[Output] = []
        """In the order in which they were staged."""
        self._run_id, self._roots, self._keep = run_id, roots, keep
        self._places = None if places is None else self._by_root(places)
        self._folder = FolderOutputs(run_id, roots.lake, places={}, keep=keep)
        self._parts: dict[str, StoreOutputs] = {}

    def stage(self, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        """A fresh path to write to in place of what `uri` means. Raises ProblemError when nothing may or can be written there."""
        part, place = self._part_of(uri)
        staged = part.stage(place, uri, save_mode, stage_index, stage)
        self.outputs.append(part.outputs[-1])
        return staged

    def stage_table(
        self, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None, is_listed: bool = True
    ) -> Path:
        """A Delta table to write to in place of the one that `uri` means, see `executor.files.publish.Publisher.stage_table` and
        TableOutput."""
        part, place = self._part_of(uri)
        table = part.stage_table_at(place, uri, save_mode, stage_index, stage, appends=appends, label=label)
        for output in part.outputs:
            if isinstance(output, TableOutput) and output.staged == table.folder:
                output.is_listed = is_listed
        self.outputs += [output for output in part.outputs if output not in self.outputs]
        return table.folder

    def _part_of(self, uri: str) -> tuple[StoreOutputs, str]:
        root, place = self._roots.at(uri, "outputURI", writes=True)
        if root.name not in self._parts:
            self._parts[root.name] = root.outputs(self._run_id, self._own(root.name), self._keep)
        return self._parts[root.name], place

    @property
    def left(self) -> list[Problem]:
        """What could not be taken back when a run before was repaired."""
        return [problem for part in (self._folder, *self._parts.values()) if isinstance(part, FolderOutputs) for problem in part.left]

    @property
    def behind(self) -> list[Problem]:
        """Lists of files for other programs that could not be made as what was published."""
        return [problem for part in self._parts.values() for problem in part.behind]

    @property
    def listed_in(self) -> list[str]:
        """Names of the roots in which lists of files for other programs are made once all is visible."""
        return [name for name, part in self._parts.items() if part.outputs and not isinstance(part, FolderOutputs)]

    def readable(self, path: Path, uri: str) -> Path | None:
        """Where `path` is to be read while the outputs of this run are not published yet; None where this run has written nothing there.
        Raises ProblemError where old and new would be mixed."""
        return next((found for part in self._parts.values() if (found := part.readable(path, uri))), None)

    def send(self, tell: Tell = untold) -> None:
        """Brings everything to where it will be published; nobody sees it there. Raises ProblemError."""
        for part in self._parts.values():
            part.send(tell)

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        """Makes every output visible and gives their facts, in order; else ProblemError is raised, as it is for whatever `commit(facts)`
        raises, and none is. What lies elsewhere goes first: what is here takes a moment, so less can happen before the commit. Folders are
        held before anything is visible anywhere, by their names, so that two runs that publish in the same ones do not wait for each
        other."""
        parts = [self._parts[name] for name in sorted(self._parts, key=self._turn)] or [self._folder]
        facts: dict[int, dict[str, Any]] = {}
        is_done = False

        def publish(index: int) -> None:
            part = parts[index]

            def noted(found: Sequence[dict[str, Any]]) -> None:
                nonlocal is_done
                facts.update(zip(map(id, part.outputs), found, strict=True))
                if index + 1 < len(parts):
                    publish(index + 1)
                else:
                    commit(self._in_order(facts))
                    is_done = True

            try:
                facts.update(zip(map(id, part.outputs), part.publish(noted), strict=True))
            except Exception:
                if not is_done:  # what fails afterwards is tidying: the run has published, and the others must not be taken back
                    raise

        with ExitStack() as held:
            for part in parts:
                if isinstance(part, FolderOutputs) and part.outputs:
                    held.enter_context(part.holding())
            publish(0)
        return self._in_order(facts)

    def _turn(self, root: str) -> tuple[int, str]:
        part = self._parts[root]
        return (0 if not isinstance(part, FolderOutputs) else 2 if part.is_own else 1), root

    def repair(self, tell: Callable[[Problem], None]) -> list[str]:
        """See `executor.files.publish.Publisher.repair`."""
        return self._folder.repair(tell)

    def discard(self) -> None:
        """Removes what was staged and not published. Never raises."""
        for part in self._parts.values():
            part.discard()

    def _in_order(self, facts: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
        return [facts[id(output)] for output in self.outputs]

    def _by_root(self, places: Mapping[str, bool]) -> dict[str, dict[str, bool]]:
        found: dict[str, dict[str, bool]] = {}
        for uri, all_of_it in places.items():
            where = located(uri, self._roots.known, "outputURI")
            if isinstance(where, Located):
                found.setdefault(where.root, {})[where.place] = all_of_it
        return found

    def _own(self, root: str) -> dict[str, bool] | None:
        return None if self._places is None else self._places.get(root, {})
