"""Unpacking a zip or a workbook: behind the wall into a hidden folder, then each part comes in as any uploaded file does."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from executor.files import made_of
from portal.accounts.models import User
from portal.data import actions as data
from portal.data import names
from portal.data import origins as noted
from portal.data.kinds import NotData
from portal.data.lake import Entry, Lake
from portal.data.models import FileVersion, IfThere
from portal.data.rights import require_change
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
    """Every part of `uri` as a file of its own, in the folder it lies in; what is there already stays, but for what was made
    of an earlier version of it. `told` hears how many of how many are there. Raises NotAllowed, NotLookedAt."""
    await sync_to_async(require_change)(actor, environment)
    folder = f"{STAGING}/{uuid.uuid4().hex}"
    limits = {"bytes": data.limit_bytes()}
    try:
        event = await ask(actor, environment, "unpack", {"uri": uri, "to": folder, "limits": limits})
        return await sync_to_async(_bring_in)(actor, environment, uri, folder, event.get("files", []), told)
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


def _bring_in(actor: User, environment: Environment, uri: str, folder: str, files: Any, told: Told | None = None) -> Unpacked:
    """What was made of an earlier version of `uri` is replaced, and put into the bin where it is no longer inside."""
    lake = Lake(environment)
    target = _folder_for(lake, uri) if is_one_table(uri, files) else uri.rpartition("/")[0]
    parts = [_part(lake, folder, file) for file in files] if isinstance(files, list) else []  # all are there, or none comes in
    earlier = made_of.parts_of(lake.root / target, lake.root / uri)
    brought: list[FileVersion] = []
    names_inside: dict[str, str] = {}
    refusals: list[PortalError] = []
    for number, part in enumerate(parts, 1):
        try:
            version = _bring(actor, environment, lake, target, part, earlier.pop(part.name, None))
        except NotData as error:  # a picture or a PDF beside the tables is no reason to leave them
            refusals.append(error)
        else:
            brought.append(version)
            names_inside[version.uri] = part.name
        if told:
            told(number, len(parts))
    if refusals and not brought:
        raise refusals[0]
    if refusals:
        left = f"{len(refusals):,} of {len(parts):,} files were left out, since no table can be in them: {refusals[0].message}"
        _note(brought[0], [*brought[0].notes, left[:300].rstrip(".")])
    gone = [f"{target}/{name}" for name in earlier.values()]
    for place in gone:
        data.delete_data(actor=actor, environment=environment, uri=place)
    _note_origins(lake, uri, target, names_inside)
    return Unpacked(brought, gone)


def _note_origins(lake: Lake, uri: str, target: str, brought: dict[str, str]) -> None:
    """`brought`: file → what it is called inside `uri`."""
    source, folder = lake.root / uri, lake.root / target
    was, origins = made_of.state(source), made_of.noted(folder)
    for place, part in brought.items():
        made = made_of.state(lake.root / place)
        if was and made:
            origins[place.rpartition("/")[2]] = made_of.Origin(os.path.relpath(source, folder), part, was, made)
    noted.write(lake, target, origins)


def is_one_table(uri: str, files: Any) -> bool:
    """Whether what came out of a zip is several files of one kind: they get a folder of their own, which can be read as one table."""
    found = [str(file.get("uri", "")) for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    endings = {names.split(name.rsplit("/", 1)[-1])[1].lower() for name in found}
    return uri.lower().endswith(".zip") and len(found) > 1 and len(endings) == 1


def own_folder(uri: str, brought: list[FileVersion]) -> str | None:
    """The folder that holds alone what came out of `uri`; None where it lies beside others."""
    folder = brought[0].uri.rpartition("/")[0] if brought else ""
    return folder if len(brought) > 1 and folder != uri.rpartition("/")[0] else None


MOST_FOLDERS = 100


def _own_folders(home: str, stem: str) -> Iterator[str]:
    """Where the files of a zip may lie, in the order in which they are tried."""
    yield f"{home}/{stem}"
    yield from (f"{home}/{stem}_{number}" for number in range(2, MOST_FOLDERS))


def _folder_for(lake: Lake, uri: str) -> str:
    """The folder that holds what was made of `uri` before, else a free one beside it."""
    for folder in _own_folders(uri.rpartition("/")[0], names.split(names.safe(uri))[0]):
        if lake.twin(folder) is None or made_of.parts_of(lake.root / folder, lake.root / uri):
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


def _bring(actor: User, environment: Environment, lake: Lake, target: str, part: _Part, earlier: str | None) -> FileVersion:
    """`earlier`: the file that was made of the same part before."""
    size, over = part.found.bytes, f"{target}/{earlier}" if earlier else ""
    if_there = IfThere.NEW_VERSION if earlier else IfThere.KEEP_BOTH
    upload = data.begin_upload(
        actor=actor, environment=environment, name=part.name, size=size, folder=target, over=over, if_there=if_there
    )  # fmt: skip
    data.receive_piece(actor=actor, upload=upload, offset=0, parts=lake.read(part.found.uri), length=size)
    version = data.finish_upload(actor=actor, upload=upload)
    if part.notes:
        _note(version, part.notes)
    return version


def _note(version: FileVersion, notes: list[str]) -> None:
    version.notes = notes
    version.save(update_fields=["notes"])


def _forget(environment: Environment, folder: str) -> None:
    """The hidden folder and the files in it, which have no folders inside."""
    path = Lake(environment).root / folder
    with suppress(OSError):
        for entry in os.scandir(path):
            with suppress(OSError):
                os.unlink(entry.path)
        path.rmdir()
