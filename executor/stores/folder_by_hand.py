"""What people do by hand with files and folders of a root in a folder of this machine: bring a file, rename one, set it aside for the bin,
put it back.

    <root>/<place>                        the file, visible in one step, and whole
    <root>/.sluice-arriving/<upload>      a file on its way in, and beside it, as <upload>.json, by what it is known again
    <root>/.sluice-kept/<id>              what was replaced or thrown away there, seen by no reader

Jobs may have left links in the root. No name of a path is followed through one: every folder is opened by itself.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.files import exchange, made_of, marks, noting, tree
from executor.files.delta_log import LOG
from executor.files.made_of import UNFINISHED, State
from executor.language.uris import OUR_OWN
from executor.problems import Problem, ProblemError
from executor.stores import hands
from executor.stores.folder import FolderStore
from executor.stores.hands import (
    KEPT,
    MOST_NAMES,
    NOTES,
    Hand,
    Tell,
    There,
    being_unpacked,
    changed,
    holds_an_output,
    holds_what_is_kept,
    in_an_output,
    in_itself,
    no_folder,
    no_longer_kept,
    not_looked_through,
    nothing,
    pieces,
    require_id,
    require_inside,
    taken,
    too_many,
)

ARRIVING = ".sluice-arriving"
PIECE = 1 << 20
NOTES_STAY = 7 * 86_400
"""Seconds: longer than anybody asks what became of an upload."""
WAIT_SECONDS = 10.0
"""How long a person waits for a run that publishes."""
MOST_FILES = 50_000
"""Of one listing."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class SeenFile:
    """`modified`: seconds since 1970."""

    place: str
    size: int
    modified: float


@dataclass(frozen=True)
class SeenBelow:
    """`files` as readers see them, `logs` of Delta tables, and places of `outputs`."""

    files: list[SeenFile]
    outputs: list[str]
    logs: list[SeenFile]


class FolderByHand(Hand):
    """Of one root."""

    def __init__(self, root: FolderStore) -> None:
        self.folder = root.folder

    # --- looking ----------------------------------------------------------------------------------------------------------

    def names_in(self, beginning: str) -> dict[str, bool]:
        try:
            with self._opened(beginning.rstrip("/")) as folder, os.scandir(folder) as found:
                names = {one.name: one.is_dir(follow_symlinks=False) for one, _ in zip(found, range(MOST_NAMES + 1), strict=False)}
        except FileNotFoundError:
            return {}
        except NotADirectoryError:
            raise ProblemError(no_folder(beginning)) from None
        if marks.MARK in names or LOG in names:
            raise ProblemError(in_an_output(beginning))
        if len(names) > MOST_NAMES:
            raise ProblemError(too_many(beginning))
        return {name: is_folder for name, is_folder in names.items() if tree.is_plain_name(name)}

    def there(self, key: str) -> There | None:
        above, _, name = key.rpartition("/")
        with suppress(FileNotFoundError, NotADirectoryError), self._opened(above) as folder:
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            return There(state.st_size, _mark(state), state.st_mtime) if stat.S_ISREG(state.st_mode) else None
        return None

    def body(self, place: str, found: There) -> Iterator[bytes]:
        with _told(place), os.fdopen(tree.open_below(self.folder, place), "rb") as file:
            if _mark(os.fstat(file.fileno())) != found.mark:
                raise ProblemError(changed(place))
            while piece := file.read(hands.PIECE):
                yield piece

    def small(self, place: str, most: int) -> bytes | None:
        """What a file as readers see it holds; None where there is none, or a larger one."""
        if any(map(tree.is_hidden, place.split("/"))):
            return None
        with suppress(OSError, ValueError), os.fdopen(tree.open_below(self.folder, place), "rb") as file:
            content = file.read(most + 1)
            return content if len(content) <= most else None
        return None

    def seen_below(self, place: str) -> SeenBelow:
        """What lies at a place, or in it, as readers see it. Raises ProblemError where that is too much to look through."""
        if place and (there := self.there(place)):
            return SeenBelow([SeenFile(place, there.size, there.modified)], [], [])
        found, prefix = SeenBelow([], [], []), f"{place}/" if place else ""
        walk = tree.Walk(self.folder, below=place, most=MOST_FILES, enter=lambda entry: not entry.is_hidden or entry.name == LOG)
        for one in walk:
            above, _, name = one.path.rpartition("/")
            if one.kind != tree.FILE or not tree.is_plain_name(one.path):
                continue
            if name == marks.MARK:
                found.outputs.append((prefix + above).rstrip("/"))
            elif above == LOG or above.endswith(f"/{LOG}"):
                found.logs.append(SeenFile(prefix + one.path, one.size, one.modified_ns / 1e9))
            elif not one.is_hidden and f"/{LOG}/" not in f"/{above}/":
                found.files.append(SeenFile(prefix + one.path, one.size, one.modified_ns / 1e9))
        if tree.TOO_MANY in walk.left_out:
            raise ProblemError(_too_much(place))
        return found

    # --- notes of what was unpacked -----------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """As `executor.files.noting` asks for it."""
        return self.folder

    def states(self, folder: str, names: Collection[str]) -> dict[str, State]:
        found: dict[str, State] = {}
        with suppress(FileNotFoundError, NotADirectoryError), self._opened(folder) as handle:
            for name in names:
                with suppress(OSError, ValueError):
                    state = os.stat(name, dir_fd=handle, follow_symlinks=False)
                    found[name] = (state.st_size, state.st_mtime_ns)
        return found

    def noted(self, folder: str, note: str) -> bytes | None:
        return made_of.text_in(self.folder, f"{folder}/{note}".lstrip("/"))

    def write_note(self, folder: str, note: str, text: str | None) -> None:
        with _told(folder):
            if text is not None:
                self.note(folder, note, text)
                return
            with suppress(FileNotFoundError), self._opened(folder) as handle:
                os.unlink(note, dir_fd=handle)

    def note(self, folder: str, name: str, text: str) -> None:
        """As `executor.files.noting` asks for it."""
        with self._opened(folder, make=True) as handle:
            tree.write_in(handle, name, text)

    def folders_in(self, uri: str) -> list[str]:
        """As `executor.files.noting` asks for it."""
        with self._opened(uri) as folder, os.scandir(folder) as found:
            names = [one.name for one in found if one.is_dir(follow_symlinks=False) and not tree.is_hidden(one.name)]
        return [f"{uri}/{name}".lstrip("/") for name in sorted(names)]

    # --- bringing ---------------------------------------------------------------------------------------------------------

    def bring(self, place: str, source: int, size: int, upload: str, over: str | None, tell: Tell) -> dict[str, Any]:
        """As `executor.stores.by_hand.ByHand.bring`."""
        require_inside(place)
        done = self.settle(place, upload, over)
        if done["is_there"]:
            return done
        with _told(place), self._opened(ARRIVING, make=True) as arriving:
            _forget_old(arriving)
            try:
                self._receive(arriving, source, size, upload, tell)
                before = self._show(arriving, upload, place, over)
            except BaseException:
                self._give_up(arriving, upload, place, over)
                raise
        return {"is_there": True, "before": before.as_dict() if before else None}

    def settle(self, place: str, upload: str, over: str | None) -> dict[str, Any]:
        """Whether what an upload has brought lies there: `is_there`, and `before` as `bring` gives it. If it does not, nothing of it is
        left, and whoever is still bringing it cannot make it visible."""
        there = self.there(place)
        if there and there.mark == self._noted(upload):
            before = self.there(f"{KEPT}/{over}") if over else None
            return {"is_there": True, "before": before.as_dict() if before else None}
        with suppress(FileNotFoundError), self._opened(ARRIVING) as arriving:
            self._give_up(arriving, upload, place, over)
        return {"is_there": False, "before": None}

    def end_parts(self, place: str) -> None:
        """There are none: `settle` removes what is left of an upload."""

    def _receive(self, arriving: int, source: int, size: int, upload: str, tell: Tell) -> None:
        handle = os.open(upload, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=arriving)
        with os.fdopen(handle, "wb") as file:
            written = 0
            for piece in pieces(source, 0, size, PIECE):
                file.write(piece)
                written += len(piece)
                tell("sending", written, size)
            file.flush()
            os.fsync(file.fileno())
        note = os.open(f"{upload}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=arriving)
        with os.fdopen(note, "w") as file_of_note:
            json.dump(_mark(os.stat(upload, dir_fd=arriving, follow_symlinks=False)), file_of_note)
            file_of_note.flush()
            os.fsync(file_of_note.fileno())

    def _show(self, arriving: int, upload: str, place: str, over: str | None) -> There | None:
        """One rename. What lies there is kept first, under a second name of the same file."""
        above, _, name = place.rpartition("/")
        before = self.there(place)
        if before and over is None:
            raise ProblemError(taken(place))
        with self._opened(above, make=True) as folder:
            if before and over:
                self._keep(folder, name, over, before, place)
                os.replace(upload, name, src_dir_fd=arriving, dst_dir_fd=folder)
            else:
                _rename_where_nothing_lies(arriving, upload, folder, name, place)
        return before

    def _keep(self, folder: int, name: str, kept: str, before: There, place: str) -> None:
        with self._opened(KEPT, make=True) as keeping:
            with suppress(FileNotFoundError):  # of a try that broke off
                os.unlink(kept, dir_fd=keeping)
            try:
                os.link(name, kept, src_dir_fd=folder, dst_dir_fd=keeping, follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                    raise
                _copy(folder, name, keeping, kept)
        now = self.there(place)
        if now is None or now.mark != before.mark:
            self.forget(kept)
            raise ProblemError(changed(place))

    def _noted(self, upload: str) -> str:
        """By what the file is known that an upload has brought; empty where that is not noted."""
        with suppress(OSError, ValueError), os.fdopen(tree.open_below(self.folder, f"{ARRIVING}/{upload}.json"), "rb") as file:
            return str(json.loads(file.read(1000)))
        return ""

    def _give_up(self, arriving: int, upload: str, place: str, over: str | None) -> None:
        """Nothing of the upload is left, nor a second name of what it has not replaced."""
        for name in (upload, f"{upload}.json"):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=arriving)
        kept, there = self.there(f"{KEPT}/{over}") if over else None, self.there(place)
        if over and kept and there and kept.mark == there.mark:
            self.forget(over)

    # --- the bin ----------------------------------------------------------------------------------------------------------

    def set_aside(self, place: str, kept: str) -> dict[str, Any]:
        """Takes a file or folder from its place, in one step; it is kept under this id. Done once already, it is done. Raises
        ProblemError."""
        if not self._lies_at(place):
            if not self._lies_at(f"{KEPT}/{kept}"):
                raise ProblemError(nothing(place))
            return {}
        above, _, name = place.rpartition("/")
        with _told(place), self._moving(place), self._opened(above) as folder, self._opened(KEPT, make=True) as keeping:
            os.rename(name, kept, src_dir_fd=folder, dst_dir_fd=keeping)
        return {}

    def bring_back(self, place: str, kept: str, aside: str | None) -> dict[str, Any]:
        """Puts what is kept under this id to a place, and a file that lies there under `aside`; None: nothing may lie there. Nothing lies
        where a folder comes back. Raises ProblemError."""
        if not self._lies_at(f"{KEPT}/{kept}"):
            raise ProblemError(no_longer_kept(place))
        before, is_file = self.there(place), self.there(f"{KEPT}/{kept}") is not None
        if before and (aside is None or not is_file):
            raise ProblemError(taken(place))
        above, _, name = place.rpartition("/")
        with _told(place), self._opened(above, make=True) as folder, self._opened(KEPT) as keeping:
            if before and aside:
                self._keep(folder, name, aside, before, place)
                os.replace(kept, name, src_dir_fd=keeping, dst_dir_fd=folder)
            else:
                _rename_where_nothing_lies(keeping, kept, folder, name, place)
        return {}

    def rename(self, place: str, target: str) -> None:
        for one in (place, target):
            require_inside(one)
        if target.startswith(f"{place}/"):
            raise ProblemError(in_itself(place, target))
        (above, _, name), (new_above, _, new_name) = place.rpartition("/"), target.rpartition("/")
        with (
            _told(target),
            self._moving(place, is_renamed=True),
            self._opened(above) as folder,
            self._opened(new_above, make=True) as new_folder,
        ):
            _rename_where_nothing_lies(folder, name, new_folder, new_name, target)
        noting.take_along(self, place, target)

    def forget(self, kept: str) -> None:
        """Removes what is kept under this id, for good. Raises ProblemError."""
        require_id(kept)
        with _told(f"{KEPT}/{kept}"), suppress(FileNotFoundError), self._opened(KEPT) as keeping:
            tree.remove(f"/proc/self/fd/{keeping}/{kept}")

    def _lies_at(self, place: str) -> bool:
        """Whether a file or folder does; a link is neither."""
        return self.there(place) is not None or self._is_folder(place)

    def _is_folder(self, place: str) -> bool:
        try:
            with self._opened(place):
                return True
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
        return False

    @contextmanager
    def _moving(self, place: str, *, is_renamed: bool = False) -> Iterator[None]:
        """While what lies there goes elsewhere: nobody publishes in this root as long as a folder does. Raises ProblemError where nothing
        lies there, and for a folder that holds what is not people's alone."""
        if self.there(place) is not None:
            yield
            return
        if not self._is_folder(place):
            raise ProblemError(nothing(place))
        with exchange.locked(self.folder, seconds=WAIT_SECONDS):
            self._require_of_people(place, is_renamed)
            yield

    def _require_of_people(self, place: str, is_renamed: bool) -> None:
        """Whatever environment it is known in: another one may publish in this folder, too."""
        walk = tree.Walk(self.folder, below=place, most=MOST_FILES, enter=lambda entry: not entry.is_hidden)
        for one in walk:
            inside = f"{place}/{one.path}"
            if one.name in (marks.MARK, LOG):
                raise ProblemError(holds_an_output(place, inside.rpartition("/")[0]))
            if one.name == UNFINISHED and is_renamed:
                raise ProblemError(being_unpacked(place))
            if one.name.startswith(OUR_OWN) and one.name not in NOTES:
                raise ProblemError(holds_what_is_kept(place))
        if tree.TOO_MANY in walk.left_out:
            raise ProblemError(_too_much(place))
        if walk.left_out:
            raise ProblemError(not_looked_through(place))

    @contextmanager
    def _opened(self, below: str, *, make: bool = False) -> Iterator[int]:
        """The folder, reached without following a link. Raises OSError."""
        folder = os.open(self.folder, _FOLDER)
        try:
            for part in below.split("/") if below else ():
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o750, dir_fd=folder)
                inner = os.open(part, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _mark(state: os.stat_result) -> str:
    """What stands for the content of a file, wherever in the root it lies."""
    return f"{state.st_dev}.{state.st_ino}.{state.st_size}.{state.st_mtime_ns}"


def _rename_where_nothing_lies(source_folder: int, source: str, folder: int, name: str, place: str) -> None:
    """Raises ProblemError where something does."""
    with suppress(FileNotFoundError):  # also where the system knows no step that goes over nothing
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        raise ProblemError(taken(place))
    try:
        exchange.rename(Path(f"/proc/self/fd/{source_folder}/{source}"), Path(f"/proc/self/fd/{folder}/{name}"), exchange.RENAME_NOREPLACE)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        raise ProblemError(taken(place)) from None


def _copy(source_folder: int, source: str, folder: int, name: str) -> None:
    made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640, dir_fd=folder)
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source_folder), "rb") as old, os.fdopen(made, "wb") as new:
        shutil.copyfileobj(old, new, PIECE)


def _forget_old(arriving: int) -> None:
    with os.scandir(arriving) as found:
        for one in found:
            with suppress(OSError):
                if time.time() - one.stat(follow_symlinks=False).st_mtime > NOTES_STAY:
                    os.unlink(one.name, dir_fd=arriving)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """What the system refuses, in words; a disk that is full is told by whoever asked for the program."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ProblemError(_refused(place, error)) from error


def _refused(place: str, error: OSError) -> Problem:
    return Problem(
        code="place-not-writable",
        message=f"Nothing can be changed at “{place}”.",
        found=error.strerror,
        fix="Choose another folder, or have whoever runs the machine give Sluice's executors the right to write there.",
    )


def _too_much(place: str) -> Problem:
    return Problem(
        code="input-folder",
        message=f"“{place}” holds more than {MOST_FILES:,} files." if place else f"The root holds more than {MOST_FILES:,} files.",
        expected=f"at most {MOST_FILES:,} files",
        fix="Browse its folders one by one.",
    )
