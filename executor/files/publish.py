"""Where loads write, and how their output becomes visible: all of it at the end, each target in one step, or nothing.

<parent>/.sluice-staging/<run_id>/<name>     what a load of this run writes for <parent>/<name>
<parent>/.sluice-staging/<run_id>.lock       held as long as the process lives: without a holder the folder is a leftover
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

from executor.files import delta_commit, delta_log, exchange, kept, marks, other_tables, receipts, tree
from executor.files.delta_commit import Change, StagedTable, change_of
from executor.files.delta_steps import NewTableStep, TableStep
from executor.language.places import choices, key_of
from executor.problems import Problem, ProblemError

STAGING = ".sluice-staging"
SAVE_MODES = ("Append", "ErrorIfExists", "Ignore", "Overwrite")
TRIES = 5
"""How often the outputs are made ready anew where another program was quicker to commit to a table."""
LOCK_SECONDS = 5
"""How long a run waits for the lock of its own staging folder."""


@dataclass
class Output:
    """One target. `facts` (format, rows, …) go into the run's result; `written`, how its text is written, and `columns`
    stay with the output alone."""

    uri: str
    target: Path
    staged: Path
    save_mode: str
    stage_index: int
    stage: str
    facts: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    columns: marks.Columns | None = None

    @property
    def noted(self) -> dict[str, Any]:
        """What its mark says besides its facts."""
        return ({"written": self.written} if self.written else {}) | marks.columns_noted(self.columns)

    def as_dict(self) -> dict[str, Any]:
        """stage, uri, format and rows where known, bytes and files as written by this run."""
        sizes = self._sizes()
        said = {"stage": self.stage, "uri": self.uri, "save_mode": self.save_mode}
        return said | {"files": len(sizes), "bytes": sum(sizes)} | self.facts

    def _sizes(self) -> list[int]:
        """Bytes of each file that this run has written."""
        return [file.stat().st_size for file in _data_files(self.staged)] if self.staged.exists() else []


@dataclass
class TableOutput(Output):
    """A Delta table. What Spark writes at `staged` becomes one commit of the table at `target`."""

    table: StagedTable | None = None
    label: str | None = None
    """What people call this version."""
    is_listed: bool = True
    """Whether a list of its files for other programs is kept beside it, where they have addresses that others know."""

    def change(self) -> Change | None:
        return change_of(self.table) if self.table else None

    def _sizes(self) -> list[int]:
        change = self.change()
        return [int(add.get("size") or 0) for add in change.added] if change else []


class Publisher:
    """The outputs of one run in the folder `lake`.

    `places`: which places of the lake are the job's own to replace (address → whether whatever lies there may go); None when nobody keeps
    a list, then only what lies there is looked at. `keep`: how many earlier outputs stay beside each new one. `receipts_in`: the folder
    where runs leave their receipts, if that is another one."""

    def __init__(
        self,
        run_id: str,
        lake: Path,
        *,
        places: Mapping[str, bool] | None = None,
        keep: int = kept.KEEP,
        receipts_in: Path | None = None,
    ) -> None:
        self.run_id, self.lake, self.keep = run_id, lake, keep
        self.receipts_in = receipts_in or lake
        self.outputs: list[Output] = []
        self._places = None if places is None else {key_of(uri): all_of_it for uri, all_of_it in places.items()}
        self.left: list[Problem] = []
        """What could not be taken back of runs that died while they published."""
        self._holds = False
        self._locks: dict[Path, IO[str]] = {}
        self._made: list[Path] = []
        """Folders that are there only because this run writes into them."""

    def stage_output(self, uri: str, target: Path, save_mode: str, stage_index: int, stage: str) -> Path:
        """A fresh path to write to in place of `target`. Raises ProblemError when the target may not or cannot be written."""
        staged = self._fresh_place(uri, target, save_mode, self._require_replaceable)
        self.outputs.append(Output(uri, target, staged, save_mode, stage_index, stage))
        return staged

    def stage_table(
        self, uri: str, target: Path, save_mode: str, stage_index: int, stage: str, *, appends: bool = False, label: str | None = None
    ) -> StagedTable:
        """A Delta table to write to in place of the one at `target`: as that is now, or nothing yet. `appends`: the stage looks at none of
        its rows, so others may append meanwhile. A later stage gets what an earlier one has made of it. Raises ProblemError."""
        existing = self.find(target)
        if isinstance(existing, TableOutput) and existing.table and existing.save_mode != "Ignore":
            existing.table = table = replace(existing.table, appends=existing.table.appends and appends)
            existing.stage_index, existing.stage, existing.label = stage_index, stage, label or existing.label
            return table
        staged = self._fresh_place(uri, target, save_mode, self._require_table)
        table = delta_commit.stage(target, staged, uri, appends=appends)
        self.outputs.append(TableOutput(uri, target, staged, save_mode, stage_index, stage, table=table, label=label))
        return table

    def _fresh_place(self, uri: str, target: Path, save_mode: str, require: Callable[[str, Path], None]) -> Path:
        existing = self.find(target)
        if existing is not None:
            raise ProblemError(
                _problem(
                    "output-twice",
                    f"Two stages of this job write to “{uri}”.",
                    f"the other is “{existing.stage}”",
                    "Give one of them another place.",
                )
            )
        if save_mode == "ErrorIfExists" and holds_data(target):
            raise ProblemError(output_exists(uri))
        if save_mode != "Ignore":
            require(uri, target)
        try:
            staged = self._staging_folder(target.parent) / target.name
            require_writable(target)
        except OSError as error:
            raise ProblemError(not_writable(uri, error)) from error
        return staged

    def find(self, target: Path) -> Output | None:
        """The output of this run for `target`."""
        return next((output for output in self.outputs if output.target == target), None)

    def readable(self, path: Path, uri: str) -> Path | None:
        """Where `path` is to be read while the outputs of this run are not published yet; None where this run has written nothing.
        Raises ProblemError when only a part of what `path` means comes from this run: old and new would be mixed in silence."""
        for output in self.outputs:
            if not output.staged.exists() or (output.save_mode == "Ignore" and os.path.lexists(output.target)):
                continue
            if path == output.target or path.is_relative_to(output.target):
                return _as_it_will_be(output) / path.relative_to(output.target)
            if _may_hold(path, output.target):
                raise ProblemError(_mixed(uri, output))
        return None

    def publish(self, commit: Callable[[Sequence[dict[str, Any]]], None] = lambda facts: None) -> list[dict[str, Any]]:
        """Makes every output visible; gives their facts. When one cannot be, or `commit(facts)` fails, all of them are taken back and
        ProblemError is raised; after a crash, the next run here takes them back, unless a receipt says that all were visible."""
        if not self.outputs:
            with suppress(OSError):  # nothing is visible that could be told as failed
                commit([])
            return []
        try:
            with nullcontext() if self._holds else exchange.locked(self.lake):
                exchange.repair(self.lake, self._has_receipt, self.left.append)
                facts = self._exchanged(commit)
                self._note_tables()
                for output, fact in zip(self.outputs, facts, strict=True):
                    kept.prune(output.target, self.keep)
                    fact["kept"] = kept.listing(output.target)
        except OSError as error:
            failed = next((output.uri for output in self.outputs if str(output.target) == error.filename), "")
            raise ProblemError(not_writable(failed or ", ".join(output.uri for output in self.outputs), error)) from error
        return facts

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Nobody else publishes in the folder meanwhile, so that `publish` waits for nobody. Raises ProblemError."""
        with ExitStack() as held:
            try:
                held.enter_context(exchange.locked(self.lake))
            except OSError as error:
                raise ProblemError(not_writable(", ".join(output.uri for output in self.outputs), error)) from error
            self._holds = True
            held.callback(setattr, self, "_holds", False)
            yield

    def _exchanged(self, commit: Callable[[Sequence[dict[str, Any]]], None]) -> list[dict[str, Any]]:
        """Tables are written by other programs, too, which hold no lock of ours: where one was quicker, all is made ready anew. Whether
        that can be is asked there."""
        for _ in range(TRIES - 1):
            with suppress(delta_commit.Taken):
                return self._exchanged_now(commit)
        return self._exchanged_now(commit)

    def _exchanged_now(self, commit: Callable[[Sequence[dict[str, Any]]], None]) -> list[dict[str, Any]]:
        tables_last = sorted(self.outputs, key=lambda output: isinstance(output, TableOutput))
        steps = [step for output in tables_last if (step := self._prepared(output))]
        facts = [output.as_dict() for output in self.outputs]
        exchange.all_or_nothing(self.lake, self.run_id, steps, lambda: commit(facts))
        return facts

    def repair(self, tell: Callable[[Problem], None] | None = None, *, is_published: bool = False) -> list[str]:
        """Takes back what a run that died while it published has left half done; gives the ids of such runs. Where somebody publishes
        just now, there is nothing to do: whoever begins to publish does the same first. `tell`: see `exchange.repair`; `is_published`:
        whether this run is known to have published, also without a receipt."""

        def is_done(run_id: str) -> bool:
            return (is_published and run_id == self.run_id) or self._has_receipt(run_id)

        if not (self.lake / exchange.FOLDER).is_dir():
            return []
        with suppress(ProblemError, OSError), exchange.locked(self.lake, seconds=0):
            return exchange.repair(self.lake, is_done, tell)
        return []

    def discard(self) -> None:
        """Removes whatever is staged, also what publishing has replaced. Never raises: the outcome is already decided."""
        for parent, lock in self._locks.items():
            if exchange.is_open(self.lake, self.run_id):
                continue  # it holds what has to go back
            with suppress(OSError):
                tree.remove(parent / STAGING / self.run_id)
            with suppress(OSError):
                os.unlink(lock.name)
            lock.close()
            with suppress(OSError):
                (parent / STAGING).rmdir()
        self._locks.clear()
        for folder in reversed(self._made):  # a run that publishes nothing leaves nothing
            with suppress(OSError):
                folder.rmdir()

    def _staging_folder(self, parent: Path) -> Path:
        folder = parent / STAGING / self.run_id
        if parent not in self._locks:
            self._made += [
                one for one in reversed((parent, *parent.parents)) if one.is_relative_to(os.path.realpath(self.lake)) and not one.exists()
            ]
            self._locks[parent] = _own(folder)
            remove_leftovers(folder.parent, self.lake)
        folder.mkdir(exist_ok=True)
        return folder

    def _has_receipt(self, run_id: str) -> bool:
        return receipts.read(self.receipts_in, run_id) is not None

    def _require_replaceable(self, uri: str, target: Path) -> None:
        """What lies at the target is nothing, or an output of ours and nothing else. Raises ProblemError."""
        other_tables.require_in_none(target.parent, uri)
        if not holds_data(target):
            return
        all_of_it = False
        if self._places is not None:
            key = key_of(target.relative_to(self.lake).as_posix())
            if key not in self._places:
                raise ProblemError(_not_own(uri))
            all_of_it = self._places[key]
        if not all_of_it and delta_log.is_table(target):
            raise ProblemError(delta_log.is_a_table(uri, "outputURI"))
        foreign = None if all_of_it else kept.foreign_content(target)
        if foreign is not None:
            raise ProblemError(_foreign(uri, foreign))

    def _require_table(self, uri: str, target: Path) -> None:
        """What lies at the target is nothing, or a Delta table of this job. Raises ProblemError."""
        other_tables.require_in_none(target.parent, uri)
        if not delta_log.is_table(target) and holds_data(target):
            raise ProblemError(no_table_there(uri))
        if self._places is not None and holds_data(target) and key_of(target.relative_to(self.lake).as_posix()) not in self._places:
            raise ProblemError(_not_own(uri))

    def _prepared(self, output: Output) -> exchange.Reversible | None:
        """The exchange that makes one output visible; None where what is there already stays."""
        drop_checksums(output.staged)
        exists = os.path.lexists(output.target)
        if output.save_mode == "Ignore" and exists:
            output.facts["published"] = False
            return None
        if output.save_mode == "ErrorIfExists" and exists and holds_data(output.target):
            raise ProblemError(output_exists(output.uri))
        if isinstance(output, TableOutput):
            return self._table_step(output)
        self._require_replaceable(output.uri, output.target)
        facts = output.as_dict()  # before the old files lie beside them
        if output.save_mode == "Append" and exists:
            _link_existing(output.target, output.staged)
        output.facts |= {"files": facts["files"], "bytes": facts["bytes"]}
        whole = _data_files(output.staged)
        sizes = {"files": len(whole), "bytes": sum(file.stat().st_size for file in whole)}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        marks.mark(output.staged, {"run_id": self.run_id, "published_at": now, **facts, **sizes, **output.noted})
        output.facts |= {f"whole_{name}": size for name, size in sizes.items()}
        return kept.step_for(output.staged, output.target, self.keep)

    def _note_tables(self) -> None:
        """A table's commit says who made it; what its columns were made of stands beside the data, as with other outputs."""
        for output in self.outputs:
            if isinstance(output, TableOutput) and output.facts.get("published") is not False:
                with suppress(OSError):
                    marks.mark(output.target, marks.columns_noted(output.columns))

    def version_of(self, output: TableOutput) -> tuple[int, bytes] | None:
        """The next version of a table and its commit, as the table is now; None where nothing is other. Raises ProblemError where somebody
        has written it meanwhile."""
        self._require_table(output.uri, output.target)
        table, change = output.table, output.change()
        if table is None or change is None or change.is_nothing:
            output.facts["published"] = False
            return None
        before = delta_commit.version_to_follow(table, change)
        said = output.as_dict() | ({"label": output.label} if output.label else {})
        facts = {"run_id": self.run_id, "published_at": datetime.now(UTC).isoformat(timespec="seconds"), **said}
        output.facts |= delta_commit.whole_after(table, change, before)
        output.facts["version"] = version = 0 if before is None else before + 1
        return version, delta_commit.text_of(change.actions(before, facts))

    def _table_step(self, output: TableOutput) -> exchange.Reversible | None:
        made, change = self.version_of(output), output.change()
        if made is None or change is None:
            return None
        version, content = made
        if version or delta_log.is_table(output.target):
            commit = output.staged.with_name(f"{output.staged.name}.commit")
            commit.write_bytes(content)
            return TableStep(output.target, output.staged, commit, version, output.uri)
        whole = output.staged.with_name(f"{output.staged.name}.whole")
        tree.remove(whole)
        for file in delta_commit.files_of(change.added):
            (whole / file).parent.mkdir(parents=True, exist_ok=True)
            _link(output.staged / file, whole / file)
        (whole / delta_log.LOG).mkdir(parents=True)
        delta_commit.put_commit(whole, 0, content)
        return NewTableStep.of(whole, output.target, None)


def remove_leftovers(staging: Path, lake: Path) -> None:
    """Removes what runs left behind whose process no longer lives (nobody holds their lock), unless it has to go back first."""
    for name in sorted({path.name.removesuffix(".lock") for path in staging.iterdir()}):
        if exchange.is_open(lake, name):
            continue
        with suppress(OSError), (staging / f"{name}.lock").open("a") as lock:
            if _is_taken(lock):
                tree.remove(staging / name)
                os.unlink(lock.name)


def _own(folder: Path) -> IO[str]:
    """Takes the lock of a run's staging folder and empties the folder, which an earlier attempt may have left. Somebody who cleans up may
    hold the lock for a moment, and take the file away with it."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        lock = _opened(folder.parent / f"{folder.name}.lock")
        if _is_taken(lock):
            break
        lock.close()
        if time.monotonic() > end:
            raise ProblemError(
                _problem("run-still-alive", "Another process is still working on this very run.", str(folder), "Wait for it to end.")
            )
        time.sleep(0.05)
    with suppress(OSError):
        tree.remove(folder)
    return lock


def _is_taken(lock: IO[str]) -> bool:
    """Takes the lock, if nobody has it and its file is still the one that others look at. Nothing else tells whether a run lives: times of
    files can be set by anybody."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine, there = os.fstat(lock.fileno()), os.lstat(lock.name)
    except OSError:
        return False
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _opened(path: Path) -> IO[str]:
    """The file, in a folder that another run may just be removing because it was the last one there."""
    for _ in range(100):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return path.open("a")
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


# --- one output -------------------------------------------------------------------------------------------------------------


def _as_it_will_be(output: Output) -> Path:
    """The output as readers will find it: what was staged, and for Append what is there already."""
    if isinstance(output, TableOutput) or output.save_mode != "Append" or not output.target.exists():
        return output.staged
    whole = output.staged.with_name(f"{output.staged.name}.whole")
    tree.remove(whole)
    drop_checksums(output.staged)
    for part in (output.staged, output.target):
        _link_existing(part, whole)
    return whole


def _may_hold(path: Path, target: Path) -> bool:
    """Whether `path`, a folder above the target or a pattern, takes in the target or something in it."""
    return any(all(map(fnmatchcase, target.parts, Path(choice).parts)) for choice in choices(str(path)))


def _link_existing(target: Path, staged: Path) -> None:
    """Puts the target's present files beside the new ones (hard links, else copies), so that one exchange shows old and new."""
    if target.is_file() or staged.is_file():
        raise ProblemError(
            _problem("append-to-file", "Rows cannot be appended to a single file.", str(target.name), "Write to a folder, or overwrite.")
        )
    staged.mkdir(parents=True, exist_ok=True)
    walk = tree.Walk(target)
    for entry in walk:
        place = staged / entry.path
        if entry.kind == tree.FOLDER:
            place.mkdir(parents=True, exist_ok=True)
        elif entry.kind == tree.FILE and not os.path.lexists(place):
            _link(target / entry.path, place)
        elif entry.kind in (tree.LINK, tree.OTHER):
            raise ProblemError(_odd(target.name))
    if walk.left_out:
        raise ProblemError(_odd(target.name))


def _link(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:
        shutil.copy2(file, place)


def drop_checksums(folder: Path) -> None:
    """Hadoop's hidden checksum files are of no use to readers of the output."""
    for entry in tree.Walk(folder):
        if entry.kind == tree.FILE and entry.name.startswith(".") and entry.name.endswith(".crc"):
            (folder / entry.path).unlink()


def _data_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [path / entry.path for entry in tree.Walk(path) if entry.kind == tree.FILE and not entry.name.startswith((".", "_"))]


def holds_data(target: Path) -> bool:
    """Whether something lies there that publishing would replace."""
    return target.is_file() or (target.is_dir() and any(target.iterdir()))


def require_writable(target: Path) -> None:
    """A target that exists must itself be ours to replace: found out before the work, not after it. Where it lies need not be there yet;
    the nearest folder above counts then. Raises OSError."""
    above = next(folder for folder in target.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "Not a folder", str(above))
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "Permission denied", str(above))
    if target.is_dir() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "Permission denied", str(target))


# --- problems ---------------------------------------------------------------------------------------------------------------


def not_writable(uri: str, error: OSError) -> Problem:
    """Why an output cannot be written, in plain words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _problem(
            "disk-full",
            f"There is no space left to write “{uri}”.",
            error.strerror or "",
            "Free some space or ask whoever runs the storage.",
        )
    return _problem(
        "output-not-writable",
        f"“{uri}” cannot be written.",
        error.strerror or str(error),
        "Choose another place, or ask for the right to write there.",
    )


def _odd(name: str) -> Problem:
    return _problem(
        "append-to-odd",
        f"Rows cannot be appended to “{name}”: it holds links, or things that are neither files nor folders.",
        name,
        "Overwrite it, or write to another place.",
    )


def _mixed(uri: str, output: Output) -> Problem:
    return Problem(
        code="input-partly-staged",
        field="inputURI",
        message=f"“{uri}” takes in “{output.uri}”, which the stage “{output.stage}” of this run has written and which is not visible yet.",
        found=output.uri,
        expected="the place of one output, or files that this run does not write",
        fix=f"Read “{output.uri}” in a stage of its own.",
    )


def _not_own(uri: str) -> Problem:
    return _problem(
        "place-not-own",
        f"“{uri}” holds data that this job may not replace: no run of it has published there, or the place has been given to another job.",
        uri,
        "Write to another folder; or take the place over on the job's page, if what lies there may be replaced.",
    )


def _foreign(uri: str, found: str) -> Problem:
    return _problem(
        "output-holds-other-things",
        f"“{uri}” holds other things than an output of a job, for instance “{found}”, so it is not replaced.",
        uri,
        "Write to another folder, or move what is in this one.",
    )


def no_table_there(uri: str) -> Problem:
    """A table is to be written where other data lie."""
    return _problem(
        "output-no-table",
        f"“{uri}” holds other data than a Delta table, so no table is written there.",
        uri,
        "Write to another folder, or move what is in this one.",
    )


def output_exists(uri: str) -> Problem:
    """A load must not write where something lies."""
    return _problem(
        "output-exists",
        f"“{uri}” already holds data, and this stage must not replace it.",
        "data",
        "Choose Overwrite or Append, or another place.",
    )


def _problem(code: str, message: str, found: str, fix: str) -> Problem:
    return Problem(code=code, message=message, found=found, fix=fix, field="outputURI")
