"""The only file of this app that touches an environment's lake. What lies on S3 or elsewhere will get a file like this one.

    <lake>/<project>/<environment>/…                    what everybody sees
    <lake>/<project>/.sluice/<environment>/uploads/<id>  a file on its way in; one rename makes it visible, all of it at once
    <lake>/<project>/.sluice/<environment>/kept/<id>     what was replaced or thrown away and can come back

The hidden places lie beside the lake and not in it: an executor sees the lake alone, so no job can read half a file, or change one.
Jobs may have left links in the lake. No name of a path is ever followed through one: every folder is opened by itself (O_NOFOLLOW).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import posixpath
import shutil
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from executor.files import tree
from executor.files.delta_log import LOG, latest_in
from portal.data import names
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.runs import launcher

PIECE = 1024 * 1024
"""Bytes that are read, hashed or written at a time."""
MOST, DEEPEST, WALK_SECONDS = 50_000, 64, 5.0
"""Bounds of one look at all that lies in a lake."""
RESERVE = 256 * 1024**2
"""Bytes on the disk that uploads leave to runs and the database."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFull(PortalError):
    """There is no room. What has arrived is kept, so that sending can go on."""

    status = 507
    code = "disk-full"


class Taken(Conflict):
    """Something came to lie there meanwhile."""

    code = "file-exists"


class NothingThere(PortalError):
    status = 404
    code = "nothing-there"


@dataclass(frozen=True)
class Entry:
    """A file or folder as the file system tells it."""

    uri: str
    is_folder: bool
    bytes: int
    modified_ns: int


class Lake:
    """The lake of one environment."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.root = launcher.lake_folder(environment)
        self._hidden = launcher.hidden_folder(environment)

    # --- looking ------------------------------------------------------------------------------------------------------

    def find(self, uri: str) -> Entry | None:
        """What lies at `uri`; None when nothing does, or something that is no file and no folder. Raises BadPlace."""
        parts = names.parts_of(uri)
        try:
            with self._folder(parts[:-1]) as folder:
                found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _entry("/".join(parts), found)

    def twin(self, uri: str) -> str | None:
        """The place that is `uri`, or differs from it only in small and capital letters or in how letters are composed."""
        parts = names.parts_of(uri)
        found: list[str] = []
        for part in parts:
            match = self._alike(found, part)
            if match is None:
                return None
            found.append(match)
        return "/".join(found)

    def _alike(self, folder_parts: list[str], name: str) -> str | None:
        try:
            with self._folder(folder_parts) as folder:
                if _exists(name, folder):
                    return name
                return next((other for other in os.listdir(folder) if names.same(other) == names.same(name)), None)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def walk(self) -> tree.Walk:
        """Everything below that readers would look at, a folder before what is in it. Bounded in number, depth and time."""
        return tree.Walk(self.root, deepest=DEEPEST, most=MOST, seconds=WALK_SECONDS, enter=lambda entry: not entry.is_hidden)

    def files_in(self, uri: str) -> list[tree.Entry]:
        """The files below a folder, hidden ones left out."""
        path = self.root.joinpath(*names.parts_of(uri))
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(names.parts_of(uri)):
            below = tree.Walk(path, deepest=DEEPEST, most=MOST, seconds=WALK_SECONDS, enter=lambda entry: not entry.is_hidden)
            return [entry for entry in below if entry.kind == tree.FILE and not entry.is_hidden]
        return []

    def log_ns(self, uri: str) -> int:
        """When the log of the Delta table in a folder was changed, in ns since 1970; 0 where the folder is none."""
        walk = tree.Walk(self.root, below=uri, deepest=1)
        return next((entry.modified_ns for entry in walk if entry.name == LOG and entry.kind == tree.FOLDER), 0)

    def log_version(self, uri: str) -> int | None:
        """The present version of the Delta table in a folder, as the names in its log say; None where the folder is none."""
        with suppress(FileNotFoundError, NotADirectoryError), self._folder([*names.parts_of(uri), LOG]) as folder:
            return latest_in(os.listdir(folder))
        return None

    def folders_in(self, uri: str) -> list[str]:
        """The folders in a folder (empty: the lake itself), hidden ones left out."""
        with self._folder(_parts_of_folder(uri)) as handle, os.scandir(handle) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")]
        return [posixpath.join(uri, name) for name in sorted(found)]

    def head(self, uri: str, count: int = 65_536) -> bytes:
        """The first bytes of a file. Raises NothingThere."""
        parts = self.read(uri)
        head = next(parts, b"")
        parts.close()
        return head[:count]

    def free_bytes(self) -> int:
        """What uploads may still use."""
        return max(0, shutil.disk_usage(self.root).free - RESERVE)

    def read(self, uri: str) -> Generator[bytes, None, None]:
        """The bytes of a file, a piece at a time. Raises NothingThere before the first."""
        try:
            handle = tree.open_below(self.root, "/".join(names.parts_of(uri)))
        except OSError:
            raise _nothing(uri) from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise _nothing(uri)
        return _pieces(handle)

    # --- a file on its way in -------------------------------------------------------------------------------------------

    @contextmanager
    def arriving(self, upload: UUID, offset: int) -> Iterator[Arriving]:
        """The file of an upload, to be written on from `offset`. Raises Conflict while somebody else is writing it."""
        path = self._hidden / "uploads" / str(upload)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("Another request is sending a piece of it.", code="piece-under-way", fix="Wait for it to end.") from None
            if os.fstat(handle).st_size < offset:
                raise Conflict("What had arrived of this file is gone.", code="upload-lost", fix="Cancel it and send the file again.")
            os.ftruncate(handle, offset)
            os.lseek(handle, offset, os.SEEK_SET)
            yield Arriving(handle, offset)
        finally:
            os.close(handle)

    def arrived(self, upload: UUID) -> bool:
        return (self._hidden / "uploads" / str(upload)).is_file()

    def arrived_bytes(self, upload: UUID) -> int:
        """So many of it are there."""
        try:
            return os.stat(self._hidden / "uploads" / str(upload), follow_symlinks=False).st_size
        except FileNotFoundError:
            return 0

    def drop(self, upload: UUID | str) -> None:
        """Forgets what has arrived."""
        (self._hidden / "uploads" / str(upload)).unlink(missing_ok=True)

    def uploads_on_disk(self) -> Iterator[tuple[str, float]]:
        """(id, time of the last change) of what has arrived and is not shown yet."""
        with suppress(FileNotFoundError), os.scandir(self._hidden / "uploads") as found:
            for entry in found:
                with suppress(OSError):
                    yield entry.name, entry.stat(follow_symlinks=False).st_mtime

    # --- making visible, setting aside ----------------------------------------------------------------------------------

    def show(self, upload: UUID, uri: str, *, over: UUID | None = None) -> None:
        """Makes an upload visible at `uri`, in one step. `over`: what lies there is kept under this id first. Raises Taken, DiskFull."""
        parts = names.parts_of(uri)
        source = self._hidden / "uploads" / str(upload)
        with _told(uri), self._folder(parts[:-1], make=True) as folder:
            source.chmod(0o644)
            _belongs_like(folder, source, None)
            if over is None:
                os.link(source, parts[-1], dst_dir_fd=folder, follow_symlinks=False)
                os.fsync(folder)
                source.unlink()
                return
            kept = self._kept(over)
            if not _exists(kept.name, None, kept):
                os.link(parts[-1], kept, src_dir_fd=folder, follow_symlinks=False)
            os.rename(source, parts[-1], dst_dir_fd=folder)
            os.fsync(folder)

    def take_back(self, upload: UUID, uri: str, *, over: UUID | None) -> None:
        """Undoes `show`: what had arrived waits again to be shown, and what lay at `uri` lies there again."""
        parts = names.parts_of(uri)
        with _told(uri), self._folder(parts[:-1]) as folder:
            os.link(parts[-1], self._hidden / "uploads" / str(upload), src_dir_fd=folder, follow_symlinks=False)
            if over is None:
                os.unlink(parts[-1], dir_fd=folder)
            else:
                os.rename(self._kept(over), parts[-1], dst_dir_fd=folder)

    def set_aside(self, uri: str, kept: UUID) -> None:
        """Takes a file or folder out of the lake, in one step; `bring_back` undoes it."""
        parts = names.parts_of(uri)
        with _told(uri), self._folder(parts[:-1]) as folder:
            os.rename(parts[-1], self._kept(kept), src_dir_fd=folder)

    def bring_back(self, kept: UUID, uri: str) -> None:
        """Puts what was kept back to `uri`. Raises Taken when something lies there, NothingThere when it is no longer kept."""
        parts = names.parts_of(uri)
        source = self._kept(kept)
        if not os.path.lexists(source):
            raise NothingThere(f"What was kept of “{uri}” is no longer there.", status=409, code="no-longer-kept")
        with _told(uri), self._folder(parts[:-1], make=True) as folder:
            _move(source, parts[-1], None, folder)

    def swap(self, kept: UUID, uri: str, aside: UUID) -> None:
        """Puts a kept file back in place of the file that lies there, which is kept under `aside`."""
        parts = names.parts_of(uri)
        source, other = self._kept(kept), self._kept(aside)
        if not os.path.lexists(source):
            raise NothingThere(f"What was kept of “{uri}” is no longer there.", status=409, code="no-longer-kept")
        with _told(uri), self._folder(parts[:-1]) as folder:
            os.link(parts[-1], other, src_dir_fd=folder, follow_symlinks=False)
            os.rename(source, parts[-1], dst_dir_fd=folder)

    def rename(self, uri: str, to: str) -> None:
        """Raises Taken when something lies there."""
        source, target = names.parts_of(uri), names.parts_of(to)
        with _told(to), self._folder(source[:-1]) as here, self._folder(target[:-1], make=True) as there:
            _move(source[-1], target[-1], here, there)

    def note(self, folder: str, name: str, text: str) -> None:
        """Writes a hidden file of ours into a folder, which is made where it is not there, in one step."""
        with _told(folder), self._folder(_parts_of_folder(folder), make=True) as handle:
            tree.write_in(handle, name, text)

    def forget_note(self, folder: str, name: str) -> None:
        """Removes a hidden file of ours; none need be there."""
        with suppress(FileNotFoundError), self._folder(_parts_of_folder(folder)) as handle:
            os.unlink(name, dir_fd=handle)

    def forget(self, kept: UUID) -> None:
        """Removes what was kept, for good."""
        tree.remove(self._kept(kept))

    # --- paths ------------------------------------------------------------------------------------------------------------

    def _kept(self, kept: UUID) -> Path:
        folder = self._hidden / "kept"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / str(kept)

    @contextmanager
    def _folder(self, parts: list[str], *, make: bool = False) -> Iterator[int]:
        """The open folder. Raises FileNotFoundError, or NotADirectoryError when a part is a file or a link."""
        handle = os.open(self.root, _FOLDER)
        try:
            for part in parts:
                inner = _open_folder(part, handle, make=make)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)


class Arriving:
    """Where the bytes of an upload go."""

    def __init__(self, handle: int, offset: int) -> None:
        self._handle, self.start, self.offset = handle, offset, offset

    def write(self, data: bytes) -> None:
        """Raises DiskFull."""
        view = memoryview(data)
        while view:
            try:
                done = os.write(self._handle, view)
            except OSError as error:
                raise _full(error) from error
            self.offset += done
            view = view[done:]

    def back_to_start(self) -> None:
        """Drops what this piece has brought."""
        os.ftruncate(self._handle, self.start)
        self.offset = self.start

    def keep(self) -> None:
        """Everything written is on disk when this returns."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise _full(error) from error

    def sha256(self) -> str:
        """Of everything that has arrived."""
        digest, place = hashlib.sha256(), 0
        while part := os.pread(self._handle, PIECE, place):
            digest.update(part)
            place += len(part)
        return digest.hexdigest()

    def head(self, count: int = 4096) -> bytes:
        return os.pread(self._handle, count, 0)

    def tail(self, count: int = 8) -> bytes:
        return os.pread(self._handle, count, max(0, os.fstat(self._handle).st_size - count))


def _parts_of_folder(uri: str) -> list[str]:
    """As `names.parts_of`, but nothing for the lake itself: runs, and whoever fills the lake, put tables there that lie in no folder."""
    return names.parts_of(uri) if uri else []


def _open_folder(name: str, above: int, *, make: bool) -> int:
    for _ in range(2):
        try:
            return os.open(name, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=above)
                _belongs_like(above, name, above)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotADirectoryError(error.errno, "a link", name) from None
            raise
    raise FileNotFoundError(name)


def _belongs_like(folder: int, path: Path | str, above: int | None) -> None:
    """Where Sluice is root, executors are another user: what it makes in their folders is theirs, or no job could write beside it."""
    if os.geteuid() == 0:
        owner = os.fstat(folder)
        os.chown(path, owner.st_uid, owner.st_gid, dir_fd=above, follow_symlinks=False)


def _move(source: Path | str, target: str, here: int | None, there: int) -> None:
    """Like rename, but never over anything that is there."""
    if stat.S_ISDIR(os.stat(source, dir_fd=here, follow_symlinks=False).st_mode):
        if _exists(target, there):
            raise FileExistsError(errno.EEXIST, "exists", target)
        os.rename(source, target, src_dir_fd=here, dst_dir_fd=there)
    else:
        os.link(source, target, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
        os.unlink(source, dir_fd=here)


def _exists(name: str, folder: int | None, path: Path | None = None) -> bool:
    try:
        os.stat(path or name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _entry(uri: str, found: os.stat_result) -> Entry | None:
    is_folder = stat.S_ISDIR(found.st_mode)
    if not is_folder and not stat.S_ISREG(found.st_mode):
        return None
    return Entry(uri, is_folder, 0 if is_folder else found.st_size, found.st_mtime_ns)


def _pieces(handle: int) -> Generator[bytes, None, None]:
    try:
        while part := os.read(handle, PIECE):
            yield part
    finally:
        os.close(handle)


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """What the file system refuses, in words."""
    try:
        yield
    except FileExistsError:
        raise Taken(f"“{uri}” is taken: something lies there.", fix="Choose another name.") from None
    except FileNotFoundError:
        raise _nothing(uri) from None
    except NotADirectoryError:
        raise names.BadPlace(f"A part of “{uri}” is a file or a link, not a folder.", fix="Choose another folder.") from None
    except OSError as error:
        if error.errno in _FULL:
            raise _full(error) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            message = f"Sluice may not change anything at “{uri}”."
            raise PortalError(message, code="lake-not-writable", status=503, fix="Tell whoever runs Sluice.") from error
        raise


def _nothing(uri: str) -> NothingThere:
    return NothingThere(f"There is no file “{names.shown(uri)}” any more.", fix="Look at the list of data again.")


def _full(error: OSError) -> PortalError:
    if error.errno in _FULL:
        return DiskFull(
            "The disk of the lake is full. What has arrived so far is kept.",
            fix="Ask whoever runs Sluice for room, then send it again.",
        )
    return PortalError("The lake's disk does not take the file.", code="lake-down", status=503, fix="Try again; tell whoever runs Sluice.")
