"""Many files that come to one folder of a root elsewhere at once, out of a packed one: as `portal.data.sending` brings each, but looked for
and sent by one program instead of some three for each file. They lie in the environment's own folder, from where the program reads them.

Who works on them holds each upload (`Lake.arriving`), so nobody settles one meanwhile; that of a process that was killed is settled by
the next to bring anything into the folder, or by the scheduler.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from portal.accounts.models import User
from portal.audit.actions import record
from portal.data import kinds, names, sending, versions
from portal.data.elsewhere import UNKNOWN, Elsewhere
from portal.data.guards import refuse_outputs, require_answer
from portal.data.lake import Lake
from portal.data.models import FileVersion, Upload, UploadState
from portal.data.rights import require_change
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs import places

AT_ONCE = 50
"""Files that one program brings: what was not sent yet waits for no answer longer than needed."""
HEAD, TAIL = 4096, 8
Told = Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """A file in the environment's own folder, at `source`, and where it is to go. `if_there`: as of an upload."""

    name: str
    source: str
    size: int
    uri: str
    if_there: str


Came = FileVersion | kinds.NotData
"""What became of a part."""


def send_parts(actor: User, environment: Environment, parts: Sequence[Part], told: Told) -> list[Came]:
    """Brings parts of one folder, in their order. `told` hears how many of them are there. Raises PortalError where one cannot be brought:
    those before it are there."""
    came: list[Came] = []
    for first in range(0, len(parts), AT_ONCE):
        some = parts[first : first + AT_ONCE]
        came += _send(actor, environment, some, partial(_told_after, told, first))
    return came


def _told_after(told: Told, before: int, done: int) -> None:
    told(before + done)


def _send(actor: User, environment: Environment, parts: Sequence[Part], told: Told) -> list[Came]:
    """Those that can be tables, by one look and one program."""
    lake = Lake(environment)
    found = [_checked(lake, part) for part in parts]
    good = [(part, sha256) for part, sha256 in zip(parts, found, strict=True) if isinstance(sha256, str)]
    if good:
        _settle_in(environment, names.parted(good[0][0].uri)[0])
        there = Elsewhere(environment, good[0][0].uri, actor).look(names.parted(part.uri)[1] for part, _ in good)
        with ExitStack() as held:
            uploads = _take_places(actor, there, good, held)
            brought = iter(_bring(actor, there, uploads, [part.source for part, _ in good], told))
            return [next(brought) if isinstance(one, str) else one for one in found]
    return [one for one in found if not isinstance(one, str)]


def _checked(lake: Lake, part: Part) -> str | kinds.NotData:
    """The sum of what it holds, or why no table can be in it."""
    digest, head, tail = hashlib.sha256(), b"", b""
    with closing(lake.read(part.source)) as pieces:
        for piece in pieces:
            digest.update(piece)
            head, tail = head + piece[: HEAD - len(head)], (tail + piece)[-TAIL:]
    try:
        for name in (part.name, names.parted(part.uri)[1]):
            kinds.check(name, head, tail)
    except kinds.NotData as error:
        return error
    return digest.hexdigest()


def _settle_in(environment: Environment, folder: str) -> None:
    for upload in Upload.objects.sending().filter(environment=environment, uri__startswith=folder):
        sending.settle(upload)


def _take_places(actor: User, there: Elsewhere, parts: Sequence[tuple[Part, str]], held: ExitStack) -> list[Upload]:
    environment = there.environment
    with transaction.atomic():
        require_change(actor, environment)
        versions.hold(environment)
        uploads = [_take_place(actor, there, part, sha256) for part, sha256 in parts]
        for upload in uploads:
            held.enter_context(Lake(environment).arriving(upload.pk, 0))
    return uploads


def _take_place(actor: User, there: Elsewhere, part: Part, sha256: str) -> Upload:
    """As `sending` does it for a file that has arrived."""
    environment = there.environment
    sending.spelled(environment, part.uri)
    refuse_outputs(environment, part.uri)
    uri = require_answer(there, part.uri, part.if_there)
    sending.require_free(environment, uri)
    over = sending.kept_as(there, uri)
    there.take(uri)
    upload = Upload.objects.create(
        environment=environment, person=actor, name=part.name, uri=uri, size=part.size, received=part.size, sha256=sha256, over=over,
        if_there=part.if_there, state=UploadState.SENDING, lies_at=places.Storages(environment).of(uri),
    )  # fmt: skip
    places.register_upload(environment=environment, uri=uri, actor=actor)
    record(action="begin_upload", actor=actor, subject=upload, name=upload.name, bytes=part.size)
    return upload


def _bring(actor: User, there: Elsewhere, uploads: Sequence[Upload], sources: Sequence[str], told: Told) -> list[FileVersion]:
    """By one program. Where one is refused, those before it are there and the others are not; where it is not known, `settle` will tell."""
    progress = sending.Progress(actor, uploads[0])
    try:
        asked = [(upload.uri, upload.pk, upload.received, upload.over, source) for upload, source in zip(uploads, sources, strict=True)]
        done, refusal = there.bring_parts(asked, progress, told)
    except NotAllowed:
        for upload in uploads:
            sending.settle_held(upload)
        raise
    except PortalError as error:
        if error.code not in UNKNOWN:
            for upload in uploads:
                sending.give_up(upload)
        raise
    versions_there = [sending.note(upload, one.get("before")) for upload, one in zip(uploads, done, strict=False)]
    for upload in uploads[len(done) :]:
        sending.give_up(upload)
    if refusal is not None:
        raise refusal
    return versions_there
