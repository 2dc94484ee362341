"""Unpacking a zip or a workbook: behind the wall into a hidden folder, then each part comes in as any uploaded file does."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async

from executor.files import made_of
from executor.files.tree import NotRemoved, remove
from portal.accounts.models import User
from portal.data import actions as data
from portal.data import names, sending
from portal.data.kinds import NotData
from portal.data.lake import Entry, Lake
from portal.data.models import FileVersion, IfThere
from portal.data.noted import Folders, OwnFolders, RootFolders, folder_of, joined, name_of, own_folders
from portal.data.rights import require_change
from portal.data.sending_parts import Part, send_parts
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.looks.asking import NotLookedAt, ask

STAGING = ".sluice-unpacked"
TELL_SECONDS = 0.5
MOST_NOTES = 10
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Unpacked:
    """`files`: the parts, as files of the lake; `gone`: files that were made of parts which are no longer inside, now in the bin."""

    files: list[FileVersion]
    gone: list[str]


_at_work: set[asyncio.Task[Unpacked]] = set()
"""Unpackings under way: each goes on to its end, whoever still waits for it."""


async def unpack_file(*, actor: User, environment: Environment, uri: str, told: Told | None = None) -> Unpacked:
    """Every part of `uri` as a file of its own, in the folder it lies in (several of one kind out of a zip: in one of their own);
    what is there already stays, but for what was made of an earlier version of it.

    `told` hears how many of how many are there. Raises NotAllowed, NotLookedAt."""
    await sync_to_async(require_change)(actor, environment)
    there = await sync_to_async(sending.elsewhere)(environment, uri, actor)
    uri = there.uri if there else uri
    if "/" not in uri and not (there and ":" in uri):  # files are brought into folders, and what is made of it is looked for beside it
        fix = f"Bring it to raw/{uri}, and unpack it there." if there else f"Rename it to raw/{uri} first, and unpack it there."
        raise NotLookedAt(f"“{uri}” lies in no folder.", fix=fix)
    folder = f"{STAGING}/{uuid.uuid4().hex}"
    limits = {"bytes": data.limit_bytes()}
    folders: Folders = RootFolders(environment, actor) if there else OwnFolders(Lake(environment))
    try:
        event = await ask(actor, environment, "unpack", {"uri": uri, "to": folder, "limits": limits})
        return await sync_to_async(_bring_in_alone)(actor, environment, uri, folders, folder, event, told)
    finally:
        await sync_to_async(_forget)(environment, folder)


async def unpack_and_tell(*, actor: User, environment: Environment, uri: str) -> AsyncIterator[tuple[int, int] | Unpacked]:
    """As `unpack_file`: now and then (files that are there, files in all), and at the end what there is."""
    so_far = (0, 0)

    def told(done: int, whole: int) -> None:
        nonlocal so_far
        so_far = (done, whole)

    task = asyncio.create_task(unpack_file(actor=actor, environment=environment, uri=uri, told=told))
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)
    while not (await asyncio.wait({task}, timeout=TELL_SECONDS))[0]:
        yield so_far
    yield task.result()


def _bring_in_alone(actor: User, environment: Environment, uri: str, folders: Folders, *more: Any) -> Unpacked:
    """One after the other in a folder: of two who unpack a file at once the second would not see what the first has made of it, and every
    row would be there twice."""
    lake = Lake(environment).root  # stands for all folders of other roots
    with _held(lake / folder_of(uri) if isinstance(folders, OwnFolders) else lake):
        return _bring_in(actor, environment, uri, folders, *more)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else holds the folder, in whichever process; that of one which was killed is free."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise NotLookedAt("The folder of this file is gone.", fix="Load the page again to see what is there now.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _bring_in(
    actor: User, environment: Environment, uri: str, folders: Folders, staged: str, event: dict[str, Any], told: Told | None = None
) -> Unpacked:
    """`event`: what the program says of the files that it has made of `uri`, in the folder `staged`. What was made of an earlier version
    of it is replaced, and put into the bin where it is no longer inside."""
    lake, files = Lake(environment), event.get("files")
    parts = [_part(lake, staged, file) for file in files] if isinstance(files, list) else []  # all are there, or none comes in
    targets = _Targets(folders, uri, [part.name for part in parts])
    brought: list[FileVersion] = []
    refusals: list[PortalError] = []
    targets.begin()  # from here to the end nobody reads some of them for all, wherever this is broken off
    bring = _bring_here if isinstance(folders, OwnFolders) else _bring_elsewhere
    for part, came in bring(actor, environment, targets, parts, told or _untold):
        if isinstance(came, NotData):  # a picture or a PDF beside the tables is no reason to leave them
            refusals.append(came)
        else:
            brought.append(came)
            targets.names_inside[came.uri] = part.name
            if part.notes:
                _note(came, part.notes)
    if refusals and not brought:
        targets.end()
        raise refusals[0]
    if refusals:
        left = f"{len(refusals):,} of {len(parts):,} files were left out, since no table can be in them: {refusals[0].message}"
        _note(brought[0], [*brought[0].notes, left[:300].rstrip(".")])
    gone = targets.left()
    for place in gone:
        data.delete_data(actor=actor, environment=environment, uri=place)
    targets.note_origins(_was(event))
    targets.end()
    return Unpacked(brought, gone)


def _was(event: dict[str, Any]) -> made_of.State | None:
    """What the packed file was like when it was read."""
    with suppress(KeyError, TypeError, ValueError):
        return made_of.state_in(event["was"])
    return None


class _Targets:
    """Where the parts of `uri` go: several of one kind out of a zip into a folder of their own, which can be read as one table,
    all others beside it."""

    def __init__(self, folders: Folders, uri: str, parts: list[str]) -> None:
        self.folders, self.uri, self.home, self.parts = folders, uri, folder_of(uri), parts
        self.earlier = {self.home: self._made_in(self.home)}
        """Folder → what was made there of an earlier version: its name inside → the file's name. What is made anew is taken out."""
        self.names_inside: dict[str, str] = {}
        """File → what it is called inside `uri`."""
        self.grouped = {part for part in of_one_kind(parts) if uri.lower().endswith(".zip")}
        if self.grouped & set(self.earlier[self.home]):  # they are made anew where they are
            self.grouped = set()
        self.folder = _folder_for(folders, uri) if self.grouped else self.home
        if self.folder not in self.earlier:
            self.earlier[self.folder] = self._made_in(self.folder)

    def _made_in(self, folder: str) -> dict[str, str]:
        return self.folders.notes(folder).parts_of(self.folders.of(self.uri, folder))

    def of(self, part: str) -> str:
        return self.folder if part in self.grouped else self.home

    def earlier_of(self, part: str) -> str | None:
        return self.earlier[self.of(part)].pop(part, None)

    def begin(self) -> None:
        """Says in each folder which files come in: whoever goes on after a break knows them by it, and replaces them. What somebody else
        called so before is not among them."""
        for folder, earlier in self.earlier.items():
            here = [part for part in self.parts if self.of(part) == folder and part not in earlier]
            taken = self.folders.taken(folder, here) if here else set()
            if files := earlier | {part: part for part in here if part not in taken}:
                self.folders.begin(folder, made_of.Unfinished(self.folders.of(self.uri, folder), files))

    def end(self) -> None:
        for folder in self.earlier:
            self.folders.begin(folder, None)

    def left(self) -> list[str]:
        return [joined(folder, name) for folder, parts in self.earlier.items() for name in parts.values()]

    def note_origins(self, was: made_of.State | None) -> None:
        for folder in self.earlier:
            here = {name_of(place): part for place, part in self.names_inside.items() if folder_of(place) == folder}
            there, of = self.folders.notes(folder, here), self.folders.of(self.uri, folder)
            made = {name: made_of.Origin(of, part, was, there.states[name]) for name, part in here.items() if was and name in there.states}
            self.folders.write(folder, there.made | made)


_ABOUT = re.compile(r"(read.?me|licen[cs]e|liesmich|lisez.?moi|leame)\b", re.IGNORECASE)
"""What people put beside their tables to say what they are."""


def of_one_kind(parts: list[str]) -> list[str]:
    """Those of the files that are one table: all of the kind that most of them are, two at least; what only tells of them left out."""
    kinds = {part: names.split(part)[1].lower() for part in parts if not _ABOUT.match(part)}
    if not kinds:
        return []
    kind, count = Counter(kinds.values()).most_common(1)[0]
    return [part for part in kinds if kinds[part] == kind] if count > 1 else []


@dataclass(frozen=True)
class OwnFolder:
    """A folder that holds alone `files` of what came out of a zip, as one table."""

    uri: str
    files: int


def own_folder(uri: str, parts: list[str]) -> OwnFolder | None:
    """Where several parts of `uri` lie alone; None where all lie beside others."""
    folders = Counter(map(folder_of, parts))
    folders.pop(folder_of(uri), None)
    return next((OwnFolder(folder, files) for folder, files in folders.most_common(1) if files > 1), None)


def _folder_for(folders: Folders, uri: str) -> str:
    """The folder that holds what was made of `uri` before, else a free one beside it."""
    for folder in own_folders(uri):
        if not folders.is_taken(folder) or folders.notes(folder).is_for(folders.of(uri, folder)):
            return folder
    raise NotLookedAt("There are too many folders of this name.", fix="Rename the file, and unpack it then.")


@dataclass(frozen=True)
class _Part:
    """A file that the program has written, what we call it, and what it says of it."""

    found: Entry
    name: str
    notes: list[str]


def _part(lake: Lake, folder: str, file: Any) -> _Part:
    """What the program says it wrote, and what we call it. It is not trusted with a place: only a name of its own folder is taken."""
    name = str(file.get("uri", "")).rsplit("/", 1)[-1] if isinstance(file, dict) else ""
    found = None if name.startswith(".") else _found(lake, f"{folder}/{name}")
    if found is None:
        raise NotLookedAt("The file could not be unpacked.", fix="Unpack it on your machine, and bring what is inside.")
    notes = file.get("notes")
    return _Part(found, names.safe(name), [str(note)[:300] for note in notes[:MOST_NOTES]] if isinstance(notes, list) else [])


def _found(lake: Lake, source: str) -> Entry | None:
    """The file there; None where there is none, or something else."""
    try:
        found = lake.find(source)
    except names.BadPlace:
        return None
    return found if found and not found.is_folder else None


_Came = Iterator[tuple[_Part, FileVersion | NotData]]


def _untold(done: int, whole: int) -> None:
    pass


def _bring_here(actor: User, environment: Environment, targets: _Targets, parts: list[_Part], told: Told) -> _Came:
    """One after the other, as uploaded files come."""
    for number, part in enumerate(parts, 1):
        try:
            version = _bring(actor, environment, targets.of(part.name), part, targets.earlier_of(part.name))
        except NotData as error:
            yield part, error
        else:
            yield part, version
        told(number, len(parts))


def _bring(actor: User, environment: Environment, target: str, part: _Part, earlier: str | None) -> FileVersion:
    """`earlier`: the file that was made of the same part before."""
    size, over = part.found.bytes, joined(target, earlier) if earlier else ""
    upload = data.begin_upload(
        actor=actor, environment=environment, name=part.name, size=size, folder=target, over=over, if_there=_if_there(earlier)
    )  # fmt: skip
    data.receive_piece(actor=actor, upload=upload, offset=0, parts=Lake(environment).read(part.found.uri), length=size)
    return data.finish_upload(actor=actor, upload=upload)


def _if_there(earlier: str | None) -> str:
    return IfThere.NEW_VERSION if earlier else IfThere.KEEP_BOTH


def _bring_elsewhere(actor: User, environment: Environment, targets: _Targets, parts: list[_Part], told: Told) -> _Came:
    """Those of one folder together."""
    done = 0
    for folder in dict.fromkeys(targets.of(part.name) for part in parts):
        wanted: list[tuple[_Part, Part]] = []
        for part in (part for part in parts if targets.of(part.name) == folder):
            earlier = targets.earlier_of(part.name)
            try:
                uri = data.place_for(environment, part.name, folder=folder, over=joined(folder, earlier) if earlier else "")
            except NotData as error:
                yield part, error
            else:
                wanted.append((part, Part(part.name, part.found.uri, part.found.bytes, uri, _if_there(earlier))))
        came = send_parts(actor, environment, [sent for _, sent in wanted], partial(_told_with, told, done, len(parts)))
        yield from zip((part for part, _ in wanted), came, strict=True)
        done += len(wanted)


def _told_with(told: Told, before: int, whole: int, done: int) -> None:
    told(before + done, whole)


def _note(version: FileVersion, notes: list[str]) -> None:
    version.notes = notes
    version.save(update_fields=["notes"])


def _forget(environment: Environment, folder: str) -> None:
    """The hidden folder, with what is left in it."""
    with suppress(NotRemoved):
        remove(Lake(environment).root / folder)
