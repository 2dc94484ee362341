"""A root on S3: what is read there is copied to this machine, as it was found; what is written is staged here, sent, and then published
there in one step.

So whoever looks at a file, reads it or writes one works with files of this machine, and nothing can change under a run's hands.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from executor.files import lake, marks, tree
from executor.files.delta_commit import StagedTable
from executor.files.delta_history import version_of
from executor.files.delta_vacuum import DataFile, Plan, Wish
from executor.files.publish import Output, Publisher, TableOutput, drop_checksums
from executor.language.places import is_pattern, place_of
from executor.language.roots import Located
from executor.problems import Foreign, Problem, ProblemError
from executor.stores import bucket_folders, bucket_logs, bucket_notes, bucket_others, bucket_tables
from executor.stores.base import AtHand, Commit, Level, State, Tell, untold
from executor.stores.bucket import AT_ONCE, Bucket, Found, Pointer, Seen, fits, shapes_of
from executor.stores.bucket_lists import BEHIND, CURRENT
from executor.stores.bucket_publishing import BucketPublisher, Staged, files_of

Told = Callable[[str, int, int], None]
"""Is told the root's name, and the files and bytes that were copied."""


class S3Store:
    """One root. `folder`: where the copies lie, this root's alone."""

    def __init__(self, name: str, bucket: Bucket, folder: Path, told: Told = lambda name, files, size: None) -> None:
        self.name, self.bucket, self.folder, self.told = name, bucket, folder, told
        self._have: dict[str, Found] = {}

    def path(self, place: str, field: str) -> Path:
        return lake.resolve(self.folder, place, field)

    def read(self, place: str, uri: str, field: str) -> AtHand:
        seen = self.bucket.seen(place)
        wanted = shapes_of(place)
        if not seen.files and not any(fits(output, wanted) for output in seen.outputs):
            raise ProblemError(self._missing(place, uri, field))
        self._require_newest(seen, place)
        tables = bucket_logs.tables_at(seen, place)
        bucket_others.require_none(self.bucket, seen, [one for one in seen.files if not bucket_logs.is_in(one, tables)], place, uri)
        self.copy(bucket_logs.to_read(self, seen, tables), wanted)
        for output, pointer in seen.outputs.items():
            self._note(output, pointer)
        return AtHand(lake.existing(self.folder, place, field, called=uri), bucket_logs.state_of(seen, tables))

    def state(self, place: str) -> State:
        seen = self.bucket.seen(place)
        self._require_newest(seen, place)
        return bucket_logs.state_of(seen, bucket_logs.tables_at(seen, place))

    def _require_newest(self, seen: Seen, place: str) -> None:
        def name(file: str) -> str:
            return str(Located(self.name, file))

        bucket_folders.require_still(self.bucket, place, name)
        bucket_notes.require_newest(self.bucket, seen, place, name)

    def entries(self, folder: str) -> Level:
        return self.bucket.entries(folder)

    def table_log(self, place: str, uri: str, field: str, back: int | None = None) -> Path:
        return bucket_logs.bring_log(self, place_of(place), uri, field, back)

    def table_files(self, place: str) -> dict[str, DataFile]:
        return bucket_logs.data_files(self, place_of(place))

    def bring_version(self, place: str, uri: str, version: int, *, may_note: bool) -> None:
        """A copy needs nobody's care."""
        bucket_logs.bring_version(self, place_of(place), uri, version)

    def clean_up(self, place: str, uri: str, wish: Wish, *, only_look: bool = False) -> Plan:
        return bucket_tables.clean_up(self, place_of(place), uri, wish, only_look=only_look)

    def target(self, place: str, *, whole: bool) -> Path:
        path, place = self.path(place, "outputURI"), place_of(place)
        pointer, mark = self.bucket.pointer(place)
        if mark is not None:
            self._note(place, pointer)
            if whole:
                self.copy(self.bucket.files(place), shapes_of(place))  # a table is none of these: it has a log, and no pointer
        else:
            for beside, noted, modified in self.bucket.outputs_beside(place):
                self._note(beside, noted)
                os.utime(self.folder / beside, (modified, modified))
        return path

    def table(self, place: str, uri: str) -> Path:
        """The log of the Delta table there as it is now, copied here; where none is, the place for one. Raises ProblemError where other
        data lie."""
        return bucket_logs.bring_target(self, place_of(place), uri)

    def outputs(self, run_id: str, places: Mapping[str, bool] | None, keep: int) -> S3Outputs:
        return S3Outputs(self, run_id, places, keep)

    def foreign(self, place: str) -> str | None:
        return self.bucket.foreign(place_of(place))

    def put_back(self, place: str, kept_id: str, uri: str, by: str = "") -> dict[str, Any]:
        if version_of(kept_id) is not None:
            return bucket_tables.put_back(self, place_of(place), kept_id, uri, by)
        place = place_of(place)
        told = {"current": self.bucket.put_back(place, kept_id), "kept": self.bucket.kept(place)}
        try:
            self.bucket.list_files(place)
        except ProblemError:
            return told | {"list": BEHIND}
        return told | {"list": CURRENT}

    def clear_after(self, run_id: str, places: Sequence[str], *, is_published: bool) -> None:
        self.bucket.repair(run_id, is_published=is_published)
        bucket_tables.repair(self, run_id, is_published=is_published)
        for place in places:
            self.bucket.remove_staged(run_id, place_of(place))

    def has(self, file: Found) -> bool:
        """Whether it was copied as it is now."""
        return self._have.get(file.place) == file

    def copy(self, files: Sequence[Found], wanted: Iterable[list[str]]) -> None:
        """Afterwards the copies at the `wanted` places are these files and no others."""
        there = {file.place for file in files}
        for place in [place for place in self._have if place not in there and fits(place, wanted)]:
            (self.folder / place).unlink(missing_ok=True)
            del self._have[place]
        new = [file for file in dict.fromkeys(files) if not self.has(file)]
        try:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for file in pool.map(self._copy_one, new):
                    self._have[file.place] = file
        except OSError as error:
            raise ProblemError(_no_copy(self.name, error)) from None
        if new:
            self.told(self.name, len(new), sum(file.size for file in new))

    def _copy_one(self, file: Found) -> Found:
        parts = file.place.split("/")
        if not all(part and tree.is_plain_name(part) for part in parts):
            raise ProblemError(_odd_name(file.place))
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.bucket.copy(file, path)
        return file

    def _note(self, place: str, pointer: Pointer) -> None:
        """What an output says of itself, where whoever reads it looks for that."""
        folder = self.folder / place
        folder.mkdir(parents=True, exist_ok=True)
        marks.mark(folder, dict(pointer.facts))
        if pointer.columns:
            marks.declare_columns(folder, pointer.columns)
        else:
            (folder / marks.COLUMNS).unlink(missing_ok=True)

    def _missing(self, place: str, uri: str, field: str) -> Problem:
        parent, _, name = place.rstrip("/").rpartition("/")
        names = [] if is_pattern(parent) else [entry.name for entry in self.bucket.entries(parent).entries]
        return lake.missing(uri, field, near=lake.near_among(name, names, uri), has_folder=bool(names))


class S3Outputs:
    """The outputs of one run in such a root."""

    def __init__(self, root: S3Store, run_id: str, places: Mapping[str, bool] | None, keep: int) -> None:
        self.root = root
        self._here = Publisher(run_id, root.folder, places=places, keep=0)
        self._there = BucketPublisher(root.bucket, run_id, keep)
        self._pairs: list[tuple[Output, Staged]] = []
        self._tables = bucket_tables.BucketTables(root, self._here, run_id)

    @property
    def outputs(self) -> list[Output]:
        return self._here.outputs

    @property
    def behind(self) -> list[Problem]:
        return [*self._there.behind, *self._tables.behind]

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str) -> Path:
        bucket_others.require_outside(self.root.bucket, place, uri)
        target = self.root.target(place, whole=save_mode == "Append")
        staged = self._here.stage_output(uri, target, save_mode, stage_index, stage)
        self._pairs.append((self.outputs[-1], self._there.stage(place, save_mode)))
        return staged

    def stage_table_at(
        self, place: str, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None
    ) -> StagedTable:
        bucket_others.require_outside(self.root.bucket, place, uri)
        return self._tables.stage(place_of(place), uri, save_mode, stage_index, stage, appends=appends, label=label)

    def readable(self, path: Path, uri: str) -> Path | None:
        self._tables.bring_base(path)
        return self._here.readable(path, uri)

    def send(self, tell: Tell = untold) -> None:
        for here, _ in self._pairs:
            if here.staged.is_dir():
                drop_checksums(here.staged)
        sent, total = 0, sum(len(files_of(here.staged)) for here, _ in self._pairs) + self._tables.count()

        def one_more() -> None:
            nonlocal sent
            sent += 1
            tell(self.root.name, sent, total)

        if total:
            tell(self.root.name, 0, total)
        for here, there in self._pairs:
            there.facts |= here.as_dict()
            there.noted, there.columns = here.noted, marks.declared_columns(here.staged)
            self._there.upload(here.staged, there, one_more)
        self._tables.send(one_more)

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        def with_tables(found: Sequence[dict[str, Any]]) -> None:
            self._tables.publish(lambda: commit(self._in_order(found, TableOutput.as_dict)))

        return self._in_order(self._there.publish(with_tables), self._tables.facts)

    def _in_order(self, found: Sequence[dict[str, Any]], of_table: Callable[[TableOutput], dict[str, Any]]) -> list[dict[str, Any]]:
        """`found`: the facts of the others."""
        others = iter(found)
        return [of_table(output) if isinstance(output, TableOutput) else next(others) for output in self.outputs]

    def discard(self) -> None:
        self._tables.discard()
        self._there.discard()
        self._here.discard()


def _no_copy(root: str, error: OSError) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(
            code="copy-no-space",
            field="inputURI",
            message=f"What is read in the root “{root}” is copied to this machine first, and does not fit there.",
            fix="Read fewer files at once, or ask whoever runs the machine for more space.",
        )
    return Problem(
        code="copy-failed",
        field="inputURI",
        message=f"A file of the root “{root}” cannot be copied to this machine.",
        found=error.strerror,
        fix="Look whether a file and a folder have the same name there.",
    )


def _odd_name(place: str) -> Problem:
    return Problem(
        code="input-not-plain",
        field="inputURI",
        message="There is a file whose name cannot be read.",
        file=Foreign(tree.shown(place)),
        expected="names without empty parts and signs that cannot be seen",
        fix="Give it another name, or read the other files by theirs.",
    )
