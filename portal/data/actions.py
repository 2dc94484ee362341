"""What people do with data by hand: bring a file, replace, rename, delete it, and put it back."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from contextlib import ExitStack

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from executor.files import noting
from executor.language.roots import DEFAULT, Located
from portal.accounts.models import User
from portal.audit.actions import record
from portal.data import kinds, names, sending, versions
from portal.data.elsewhere import Elsewhere
from portal.data.guards import refuse_outputs, require_answer, require_shown
from portal.data.lake import Arriving, DiskFull, Lake, Taken
from portal.data.models import FileVersion, IfThere, TableFacts, Upload, UploadState, VersionState
from portal.data.rights import require_change
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.locking import locked

log = logging.getLogger(__name__)
MOST_OPEN = 100
"""Uploads that one person may have under way in an environment."""


class TooLarge(PortalError):
    """Above the limit of SLUICE_UPLOAD_LIMIT_MB."""

    status = 413
    code = "file-too-large"


def limit_bytes() -> int:
    """The largest file that is taken."""
    return int(settings.UPLOAD_LIMIT_MB) * 1000**2


# --- bringing a file ------------------------------------------------------------------------------------------------------


def begin_upload(
    *,
    actor: User,
    environment: Environment,
    name: str,
    size: int | None,
    folder: str = "",
    over: str = "",
    if_there: str = IfThere.ASK,
    fingerprint: str = "",
) -> Upload:
    """An upload that waits for its bytes; the open one of the same file when there is one. `size` None: not known before the end.

    It goes into `folder` (of another root: `archive:2013`) under its own name, or to the place `over`, whatever it is called. Raises
    NotAllowed, TooLarge, DiskFull, BadPlace, NotData, Taken (with what may be done) and PortalError for an empty file.
    """
    require_change(actor, environment)
    _check_size(size, name)
    uri = place_for(environment, name, folder=folder, over=over)
    refuse_outputs(environment, uri)
    if fingerprint and (going := _going_on(actor, environment, uri, names.shown(name), size, fingerprint)):
        return going
    lake, there = Lake(environment), sending.elsewhere(environment, uri, actor)
    _check_room(lake, environment, size)
    uri = require_answer(there.look() if there else lake, uri, if_there)
    with transaction.atomic():
        if Upload.objects.open().filter(environment=environment, person=actor).count() >= MOST_OPEN:
            raise Conflict(f"You have {MOST_OPEN} uploads under way.", code="too-many-uploads", fix="Finish or cancel some first.")
        upload = Upload.objects.create(
            environment=environment, person=actor, name=names.shown(name) or "file", uri=uri, size=size, if_there=if_there,
            fingerprint=fingerprint[:200], lies_at=places.Storages(environment).of(uri),
        )  # fmt: skip
        record(action="begin_upload", actor=actor, subject=upload, name=upload.name, bytes=size)
    return upload


def place_for(environment: Environment, name: str, *, folder: str, over: str) -> str:
    """Where a file with this name comes to lie: at the place `over`, or in the folder under its own name. Raises BadPlace, NotData."""
    return _place_over(environment, over, name) if over else _place_in(environment, folder, names.safe(name))


def _place_in(environment: Environment, folder: str, name: str) -> str:
    """Where a file with this name comes to lie. `folder`: perhaps of another root, or that root itself (`archive:`). Raises BadPlace."""
    if ":" not in folder:
        return names.place(names.folder(folder), name)
    at = sending.spelled(environment, f"{folder.strip().rstrip('/')}{'' if folder.strip().endswith(':') else '/'}{name}")
    inside = at.place.rpartition("/")[0]
    if at.root == DEFAULT or inside:
        return str(Located(at.root, names.place(names.folder(inside), name)))
    return str(at)


def _place_over(environment: Environment, over: str, name: str) -> str:
    """The place `over` for a file called `name`. Raises NotData when it is another kind of file: whoever reads the place would fail."""
    uri = "/".join(names.parts_of(over))
    if ":" in uri and not Lake(environment).find(uri):
        uri = str(sending.spelled(environment, uri))
    if kinds.words(uri) != kinds.words(name):
        raise kinds.NotData(
            f"“{names.shown(name)}” is {kinds.words(name)}, and {uri} is {kinds.words(uri)}: whoever reads it could not read this.",
            fix=f"Save it as {kinds.words(uri)}, or upload it as a file of its own.",
        )
    return uri


def _going_on(actor: User, environment: Environment, uri: str, name: str, size: int | None, fingerprint: str) -> Upload | None:
    """The open upload of the same file to the same place, or to a free one beside it."""
    mine = Upload.objects.open().filter(environment=environment, person=actor, name=name, size=size, fingerprint=fingerprint[:200])
    beside = {uri, *mine.filter(if_there=IfThere.KEEP_BOTH, uri__startswith=names.parted(uri)[0]).values_list("uri", flat=True)}
    there = mine.filter(uri__in=beside, lies_at=places.Storages(environment).of(uri))
    return there.order_by("-touched_at").first()


def _check_size(size: int | None, name: str) -> None:
    if size == 0:
        raise PortalError(
            f"“{names.shown(name)}” is empty: there is nothing to upload.", code="file-empty", status=422, fix="Choose another file."
        )
    if size is not None and size > limit_bytes():
        raise too_large(f"“{names.shown(name)}” has {size:,} bytes")


def too_large(what: str) -> TooLarge:
    return TooLarge(
        f"{what}; the largest file that is taken has {limit_bytes():,}.",
        fix="Pack it with gzip, or split it; whoever runs Sluice can raise SLUICE_UPLOAD_LIMIT_MB.",
        limit_bytes=limit_bytes(),
    )


def _check_room(lake: Lake, environment: Environment, size: int | None) -> None:
    """What others have announced is counted too: two large files that fit one at a time do not fit together."""
    announced = Upload.objects.open().filter(environment=environment).aggregate(rest=Sum(F("size") - F("received")))["rest"] or 0
    free = lake.free_bytes() - announced
    if free < (size or 1):
        raise DiskFull(
            f"The disk of the lake has {max(0, free):,} bytes left for uploads" + (f"; the file has {size:,}." if size else "."),
            fix="Ask whoever runs Sluice for room, or upload less.",
        )


def receive_piece(*, actor: User, upload: Upload, offset: int, parts: Iterable[bytes], length: int | None, sha256: str = "") -> Upload:
    """Writes what comes to the upload's file from `offset` on. `length`: bytes there must be; `sha256`: what they must give.

    A piece that is not what was announced is dropped whole; of one that broke off without a sha256, what came is kept. Raises Conflict
    (with the offset to go on from) for another offset, for a second piece at the same time, and when the upload is no longer open.
    """
    require_change(actor, upload.environment)
    _require_own(actor, upload)
    if upload.state != UploadState.OPEN or offset != upload.received:
        raise _other_offset(upload)
    with Lake(upload.environment).arriving(upload.pk, offset) as file:
        upload.refresh_from_db()  # somebody may have written between the look above and the lock
        if offset != upload.received or upload.state != UploadState.OPEN:
            raise _other_offset(upload)
        try:
            _write(file, upload, parts, length, sha256)
        finally:
            file.keep()
            upload.received = file.offset
            upload.touched_at = timezone.now()
            Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(received=file.offset, touched_at=upload.touched_at)
    return upload


def _write(file: Arriving, upload: Upload, parts: Iterable[bytes], length: int | None, sha256: str) -> None:
    digest = hashlib.sha256()
    most = limit_bytes() if upload.size is None else upload.size
    try:
        for part in parts:
            if file.offset + len(part) > most:
                if upload.size is None:
                    raise too_large("The file goes on")
                raise PortalError(
                    f"The file was announced with {upload.size:,} bytes, and more came.", code="piece-too-long", status=422,
                    fix="Cancel it and send it again: it may have changed meanwhile.",
                )  # fmt: skip
            file.write(part)
            digest.update(part)
    except PortalError as error:
        if error.code in ("piece-too-long", "file-too-large") or (sha256 and error.code == "broken-off"):
            file.back_to_start()
        raise
    if (sha256 and digest.hexdigest() != sha256) or (length is not None and file.offset - file.start != length):
        file.back_to_start()
        raise PortalError("The piece was damaged on its way.", code="piece-damaged", status=422, fix="Send it again.", offset=file.start)


def _other_offset(upload: Upload) -> Conflict:
    if upload.state == UploadState.SENDING:
        return Conflict("This upload is just being sent to its root.", code="being-sent", fix="Wait until it is there.", sent=upload.sent)
    if upload.state != UploadState.OPEN:
        return Conflict(f"This upload is {upload.get_state_display()} already.", code="upload-closed", fix="Begin a new one.")
    return Conflict(
        f"The next byte of this file is number {upload.received:,}.", code="other-offset", fix="Go on from there.", offset=upload.received
    )


def _require_own(actor: User, upload: Upload) -> None:
    if upload.person_id != actor.pk:
        raise NotAllowed("upload_data", upload)


def finish_upload(*, actor: User, upload: Upload, if_there: str | None = None) -> FileVersion:
    """Makes the file visible. The place is looked at again: raises Taken when something has come to lie there that was not answered for.

    Raises PortalError while bytes are missing, and NotData for a file that is certainly no table.
    """
    require_change(actor, upload.environment)
    _require_own(actor, upload)
    if upload.state == UploadState.FINISHED:
        done = FileVersion.objects.at(upload.environment, upload.uri).filter(brought_by=actor, sha256=upload.sha256).first()
        if done:
            return done
    if upload.state not in (UploadState.OPEN, UploadState.SENDING):
        raise _other_offset(upload)
    _require_whole(upload)
    with Lake(upload.environment).arriving(upload.pk, upload.received) as file:
        upload.refresh_from_db()  # whoever held it may have finished it
        head, tail = file.head(), file.tail()
        try:
            for name in (upload.name, upload.uri.rpartition("/")[2]):
                kinds.check(name, head, tail)
        except kinds.NotData:
            cancel_upload(actor=actor, upload=upload)  # no other answer can come of these bytes
            raise
        sha256 = file.sha256()
        is_elsewhere = bool(sending.elsewhere(upload.environment, upload.uri, actor))
        _require_same_root(upload)
        if is_elsewhere:
            return sending.send(actor, upload, sha256, if_there or upload.if_there)
        with versions.rows_and_lake() as undo:
            return _show(undo, actor, upload, sha256, if_there or upload.if_there)


def _require_same_root(upload: Upload) -> None:
    """While it is sent its root stays (`sending.under_way_in`); before, it may be given another place."""
    if upload.state == UploadState.OPEN and upload.lies_at != places.Storages(upload.environment).of(upload.uri):
        message = f"“{upload.uri}” leads elsewhere since this upload began, so nothing of it is shown there."
        raise Conflict(message, code="place-moved", fix="Look at the folder again, then bring the file once more.")


def _require_whole(upload: Upload) -> None:
    if upload.received == 0:
        raise PortalError(
            f"“{names.shown(upload.name)}” is empty, or nothing of it has arrived.",
            code="file-empty",
            status=422,
            fix="Choose a file that holds something, or send it again.",
            offset=0,
        )
    if upload.size is not None and upload.received != upload.size:
        missing = upload.size - upload.received
        raise Conflict(
            f"{missing:,} bytes of {upload.size:,} are still missing.", code="not-whole", fix="Send the rest.", offset=upload.received
        )


def _show(undo: ExitStack, actor: User, upload: Upload, sha256: str, if_there: str) -> FileVersion:
    require_change(actor, upload.environment)  # summing up a large file takes long enough for the right to go
    versions.hold(upload.environment)
    now = locked(upload)
    if now.state != UploadState.OPEN:
        raise _other_offset(now)
    lake, environment = Lake(upload.environment), upload.environment
    refuse_outputs(environment, upload.uri)
    uri = require_answer(lake, upload.uri, if_there)
    before = None
    if lake.find(uri) is not None:
        before = versions.now_there(lake, environment, uri)
        versions.put_away(before, actor, VersionState.KEPT if if_there == IfThere.NEW_VERSION else VersionState.BINNED)
    version = FileVersion.objects.create(
        environment=environment, uri=uri, number=versions.next_number(environment, uri), original_name=upload.name, size=upload.received,
        sha256=sha256, brought_by=actor, brought_at=timezone.now(), changed_by=actor,
    )  # fmt: skip
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.FINISHED, sha256=sha256, uri=uri, touched_at=timezone.now())
    upload.state, upload.sha256, upload.uri = UploadState.FINISHED, sha256, uri
    TableFacts.objects.filter(environment=environment, uri=uri).delete()
    places.register_upload(environment=environment, uri=uri, actor=actor)
    record(
        action="upload_data", actor=actor, subject=version, name=upload.name, bytes=upload.received, sha256=sha256,
        did=if_there if before else "new", before=str(before) if before else "",
    )  # fmt: skip
    over = before.pk if before else None
    lake.show(upload.pk, uri, over=over)
    undo.callback(lake.take_back, upload.pk, uri, over=over)
    return version


def cancel_upload(*, actor: User, upload: Upload) -> None:
    """Forgets what has arrived."""
    _require_own(actor, upload)
    with transaction.atomic():
        changed = Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(state=UploadState.CANCELLED, touched_at=timezone.now())
        if not changed:
            upload.refresh_from_db()
            raise _other_offset(upload)
        record(action="cancel_upload", actor=actor, subject=upload, name=upload.name, bytes=upload.received)
    upload.state = UploadState.CANCELLED
    Lake(upload.environment).drop(upload.pk)


# --- what lies there ------------------------------------------------------------------------------------------------------


def rename_data(*, actor: User, environment: Environment, uri: str, to: str, seen: str = "") -> str:
    """Gives the file or folder another name or folder; gives the new place. `seen`: see `guards.require_shown`. Raises NotAllowed, Taken,
    BadPlace, NothingThere, and IsAnOutput when a job publishes there: its next run would make the old place again."""
    require_change(actor, environment, "change_data")
    uri = "/".join(names.parts_of(uri))
    there = sending.elsewhere(environment, uri, actor)
    uri = there.uri if there else uri
    target = _renamed(environment, uri, to, in_a_root=there is not None)
    require_shown(environment, uri, seen)
    if target.startswith(f"{uri}/"):
        raise names.BadPlace(f"“{target}” lies in “{uri}”: a folder cannot be moved into itself.", fix="Choose a place outside of it.")
    if there:
        return sending.rename(actor, there, target)
    sending.require_same_root(environment, uri, target)
    lake = Lake(environment)
    with versions.rows_and_lake() as undo:
        versions.hold(environment)
        refuse_outputs(environment, uri)
        refuse_outputs(environment, target)
        twin = lake.twin(target)
        if twin is not None and twin != uri:
            raise Taken(f"“{twin}” is there already.", fix="Choose another name.")
        versions.take_along(environment, uri, target)
        record(action="rename_data", actor=actor, subject=environment, uri=uri, to=target)
        lake.rename(uri, target)
        undo.callback(noting.take_along, lake, target, uri)
        undo.callback(lake.rename, target, uri)
        noting.take_along(lake, uri, target)
    return target


def _renamed(environment: Environment, uri: str, to: str, *, in_a_root: bool) -> str:
    """The place that is meant by `to`, a name or folder and name; without a folder, that of `uri`. Raises BadPlace."""
    named = to.strip().strip("/")
    folder, name = names.parted(named) if sending.names_a_root(environment, named) else named.rpartition("/")[::2]
    if not name:
        raise names.BadPlace("There is no new name.", fix="Write one, such as flights.csv.", field="to")
    home = names.parted(uri)[0] if in_a_root else uri.rpartition("/")[0]
    return _place_in(environment, folder or home, names.safe(name))


def delete_data(*, actor: User, environment: Environment, uri: str, seen: str = "") -> FileVersion:
    """Puts a file or folder into the bin, from where it can be put back for BIN_DAYS days. A job that publishes there still may. `seen`:
    see `guards.require_shown`."""
    require_change(actor, environment, "change_data")
    uri = "/".join(names.parts_of(uri))
    there = sending.elsewhere(environment, uri, actor)
    require_shown(environment, there.uri if there else uri, seen)
    if there:
        return sending.delete(actor, there)
    with versions.rows_and_lake() as undo:
        versions.hold(environment)
        return _bin(undo, actor, environment, uri)


def _bin(undo: ExitStack, actor: User, environment: Environment, uri: str) -> FileVersion:
    lake = Lake(environment)
    version = versions.now_there(lake, environment, uri)
    versions.put_away(version, actor, VersionState.BINNED)
    TableFacts.objects.filter(environment=environment, uri=uri).delete()
    versions.forget_places(environment, uri)
    record(action="delete_data", actor=actor, subject=version, bytes=version.size)
    lake.set_aside(uri, version.pk)
    undo.callback(lake.bring_back, version.pk, uri)
    return version


def discard_upload(*, actor: User, environment: Environment, uri: str) -> FileVersion:
    """Takes back what the actor has brought: into the bin with it, and the version of the same source that it followed is shown again.

    Gives the version that is in the bin. Raises Conflict for what somebody else brought, or a job wrote.
    """
    require_change(actor, environment, "change_data")
    uri = "/".join(names.parts_of(uri))
    if there := sending.elsewhere(environment, uri, actor):
        return _discard_elsewhere(actor, there)
    with versions.rows_and_lake() as undo:
        versions.hold(environment)
        version = versions.now_there(Lake(environment), environment, uri)
        if version.brought_by_id != actor.pk:
            raise Conflict(f"You have not brought “{uri}”.", code="not-yours", fix="Delete it on its page, if it is to go.")
        former = FileVersion.objects.at(environment, uri).filter(state=VersionState.KEPT, number__lt=version.number).first()
        if former is None:
            return _bin(undo, actor, environment, uri)
        _put_back(undo, actor, former)
        version.refresh_from_db()
        versions.put_away(version, actor, VersionState.BINNED)
        record(action="delete_data", actor=actor, subject=version, bytes=version.size)
    return version


def _discard_elsewhere(actor: User, there: Elsewhere) -> FileVersion:
    mine = FileVersion.objects.at(there.environment, there.uri).shown().first()
    if mine is None or mine.brought_by_id != actor.pk:
        raise Conflict(f"You have not brought “{there.uri}”.", code="not-yours", fix="Delete it on its page, if it is to go.")
    former = FileVersion.objects.at(there.environment, there.uri).filter(state=VersionState.KEPT, number__lt=mine.number).first()
    if former is None:
        return sending.delete(actor, there)
    sending.put_back(actor, former, there)
    with transaction.atomic():
        mine = locked(mine)
        versions.put_away(mine, actor, VersionState.BINNED)
        record(action="delete_data", actor=actor, subject=mine, bytes=mine.size)
    return mine


def put_back(*, actor: User, version: FileVersion, seen: str = "") -> FileVersion:
    """Shows a kept or binned version again, at its place; a file that lies there now is kept. `seen`: see `guards.require_shown`, of what
    lies there now. Raises Taken when a folder does."""
    require_change(actor, version.environment, "change_data")
    versions.require_kept_here(version)
    require_shown(version.environment, version.uri, seen, may_be_gone=True)
    if there := sending.elsewhere(version.environment, version.uri, actor):
        return sending.put_back(actor, version, there)
    with versions.rows_and_lake() as undo:
        versions.hold(version.environment)
        return _put_back(undo, actor, version)


def _put_back(undo: ExitStack, actor: User, version: FileVersion) -> FileVersion:
    environment, lake = version.environment, Lake(version.environment)
    back = locked(version)
    if back.state not in (VersionState.KEPT, VersionState.BINNED):
        raise Conflict(f"This version is {back.get_state_display()}.", code="not-kept", fix="Look at the page again.")
    if back.brought_by_id:
        refuse_outputs(environment, back.uri)
    there = lake.find(back.uri)
    before = versions.now_there(lake, environment, back.uri) if there else None
    if before and (before.is_folder or back.is_folder):
        raise Taken(f"“{back.uri}” is taken: something else lies there.", fix="Rename or delete that first.")
    if before:
        versions.put_away(before, actor, VersionState.KEPT)
    back.state, back.changed_by, back.changed_at, back.expires_at = VersionState.SHOWN, actor, timezone.now(), None
    back.save(update_fields=["state", "changed_by", "changed_at", "expires_at"])
    TableFacts.objects.filter(environment=environment, uri=back.uri).delete()
    if back.brought_by_id:
        places.register_upload(environment=environment, uri=back.uri, actor=actor)
    if back.is_folder:
        versions.register_inside(environment, back.uri)
    record(action="put_back_data", actor=actor, subject=back, before=str(before) if before else "")
    if before:
        lake.swap(back.pk, back.uri, before.pk)
        undo.callback(lake.swap, before.pk, back.uri, back.pk)
    else:
        lake.bring_back(back.pk, back.uri)
        undo.callback(lake.set_aside, back.uri, back.pk)
    return back
