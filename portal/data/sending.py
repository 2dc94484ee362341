"""What people do by hand where a program behind the wall has to do it: bring a file to a root on another machine, delete it, put it back.

No transaction stays open while a program works. So a place is taken first, in the database (no job publishes there from then on, and nobody
else brings a file to it), then the program works, then it is written down what came of it. Whoever dies in between leaves an upload that
is `sending` and held by nobody: the next to finish it, or `settle`, asks the root what became of it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from executor.language.roots import DEFAULT, Located, located
from portal.accounts.models import User
from portal.audit.actions import record
from portal.data import kinds, names, seen, versions
from portal.data.elsewhere import UNKNOWN, Elsewhere
from portal.data.guards import refuse_outputs, require_answer, require_quiet_folder
from portal.data.lake import Entry, Lake, NothingThere, Taken
from portal.data.listing import Table
from portal.data.models import FileVersion, IfThere, TableFacts, Upload, UploadState, VersionState
from portal.data.rights import require_change
from portal.environments.models import Environment, Root
from portal.environments.reach import is_here, is_in_folder, judged_by
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.locking import locked

ASK_SECONDS = 1.0
"""How often it is looked whether the person may still do it, and how far it is."""


def elsewhere(environment: Environment, uri: str, actor: User | None) -> Elsewhere | None:
    """The place, where its root is no folder of this machine; else None. Raises BadPlace for an address that leads to no root where
    anything may be written."""
    if is_here(environment, DEFAULT) and (":" not in uri or Lake(environment).find(uri)):
        return None  # whatever lies in the environment's own folder may have a name that no address has
    at = spelled(environment, uri)
    return None if is_here(environment, at.root) else Elsewhere(environment, str(at), actor)


def names_a_root(environment: Environment, uri: str) -> bool:
    """Whether it is written with the name of a root before it."""
    root, colon, _ = uri.strip().partition(":")
    return bool(colon) and any(one.name == root for one in judged_by(environment))


def spelled(environment: Environment, uri: str) -> Located:
    """The place that may be changed by hand. Raises BadPlace."""
    found = located(uri, judged_by(environment), "uri", writes=True, environment=environment.name)
    if not isinstance(found, Located):
        raise names.BadPlace(found.message, code=found.code, fix=found.fix, field="folder")
    return found


# --- bringing -------------------------------------------------------------------------------------------------------------


def send(actor: User, upload: Upload, sha256: str, if_there: str) -> FileVersion:
    """Makes what has arrived visible in its root. The caller holds it (`Lake.arriving`). Raises PortalError; where it is not known what
    became of it, finishing once more tells."""
    if upload.state == UploadState.OPEN:
        _take_place(actor, upload, sha256, if_there)
    there = Elsewhere(upload.environment, upload.uri, actor)
    try:
        done = there.bring(upload.pk, upload.received, upload.over, Progress(actor, upload))
    except NotAllowed:
        settle_held(upload)
        raise
    except PortalError as error:
        if error.code not in UNKNOWN:
            _give_place_back(upload)
        raise
    return note(upload, done["before"])


class Progress:
    """Notes how far it is; raises NotAllowed as soon as the person may no longer do it, which ends the program."""

    def __init__(self, actor: User, upload: Upload) -> None:
        self.actor, self.upload, self.last = actor, upload, 0.0

    def __call__(self, sent: int) -> None:
        if time.monotonic() - self.last >= ASK_SECONDS:
            self.last = time.monotonic()
            require_change(self.actor, self.upload.environment)
            Upload.objects.filter(pk=self.upload.pk).update(sent=sent, touched_at=timezone.now())


def _take_place(actor: User, upload: Upload, sha256: str, if_there: str) -> None:
    environment = upload.environment
    there = Elsewhere(environment, upload.uri, actor).look()
    with transaction.atomic():
        require_change(actor, environment)
        versions.hold(environment)
        if locked(upload).state != UploadState.OPEN:
            raise Conflict("Somebody else is finishing this upload.", code="upload-closed", fix="Look at the folder again.")
        spelled(environment, upload.uri)  # the root may have been changed since the upload began
        refuse_outputs(environment, upload.uri)
        uri = require_answer(there, upload.uri, if_there)
        if Upload.objects.sending().filter(environment=environment, uri=uri).exists():
            raise Conflict(
                f"Somebody is bringing a file to “{uri}” just now.", code="place-under-way", fix="Wait a moment, then finish it again."
            )
        upload.over = kept_as(there, uri)
        upload.state, upload.uri, upload.sha256, upload.if_there = UploadState.SENDING, uri, sha256, if_there
        places.register_upload(environment=environment, uri=uri, actor=actor)
        upload.save(update_fields=["state", "uri", "sha256", "if_there", "over"])


def kept_as(there: Elsewhere, uri: str) -> UUID | None:
    """The id under which what lies at a place is kept when a file comes there; None: nothing does."""
    entry, shown = there.find(uri), FileVersion.objects.at(there.environment, uri).shown().first()
    return None if entry is None else shown.pk if shown and shown.size == entry.bytes else uuid4()


def _give_place_back(upload: Upload) -> None:
    """Nothing of it is visible: it waits to be finished again, or cancelled."""
    environment = upload.environment
    with transaction.atomic():
        versions.hold(environment)
        changed = Upload.objects.filter(pk=upload.pk, state=UploadState.SENDING)
        if changed.update(state=UploadState.OPEN, over=None, sent=0, touched_at=timezone.now()):
            if not FileVersion.objects.at(environment, upload.uri).shown().exists():
                places.forget(environment, upload.uri)
            upload.state, upload.over = UploadState.OPEN, None


def note(upload: Upload, before: dict[str, Any] | None) -> FileVersion:
    """What has become visible is written down, with what it took the place of."""
    environment, uri, actor = upload.environment, upload.uri, upload.person
    with transaction.atomic():
        versions.hold(environment)
        if locked(upload).state != UploadState.SENDING:
            raise Conflict("Somebody else has finished this upload.", code="upload-closed", fix="Look at the folder again.")
        old = _kept(upload, upload.over, before) if before and upload.over else None
        FileVersion.objects.at(environment, uri).shown().update(state=VersionState.GONE)  # gone without Sluice
        if old:
            versions.put_away(old, actor, VersionState.KEPT if upload.if_there == IfThere.NEW_VERSION else VersionState.BINNED)
        version = FileVersion.objects.create(
            environment=environment, uri=uri, number=versions.next_number(environment, uri), original_name=upload.name,
            size=upload.received, sha256=upload.sha256, brought_by=actor, brought_at=timezone.now(), changed_by=actor,
        )  # fmt: skip
        upload.state, upload.sent = UploadState.FINISHED, upload.received
        upload.save(update_fields=["state", "sent"])
        TableFacts.objects.filter(environment=environment, uri=uri).delete()
        record(
            action="upload_data", actor=actor, subject=version, name=upload.name, bytes=upload.received, sha256=upload.sha256,
            did=upload.if_there if old else "new", before=str(old) if old else "",
        )  # fmt: skip
    Lake(environment).drop(upload.pk)
    seen.forget(environment)
    return version


def _kept(upload: Upload, kept: UUID, before: dict[str, Any]) -> FileVersion:
    known = FileVersion.objects.filter(pk=kept).first()
    return known or FileVersion.objects.create(
        pk=kept, environment=upload.environment, uri=upload.uri, number=versions.next_number(upload.environment, upload.uri),
        original_name=names.parted(upload.uri)[1][:255], size=before["size"],
    )  # fmt: skip


def settle(upload: Upload) -> None:
    """Ends an upload that was being sent by a process that is gone; one that somebody still works on is left alone. Raises PortalError
    where the root cannot be asked now."""
    try:
        with Lake(upload.environment).arriving(upload.pk, upload.received):
            upload.refresh_from_db()
            if upload.state == UploadState.SENDING:
                settle_held(upload)
    except Conflict as error:
        if error.code == "upload-lost":
            settle_held(upload)
        elif error.code != "piece-under-way":
            raise


def settle_held(upload: Upload) -> None:
    """Ends one that the caller holds: the root says what became of it. Raises PortalError."""
    done = Elsewhere(upload.environment, upload.uri, None).settle(upload.pk, upload.over)
    if done["is_there"]:
        note(upload, done["before"])
    elif Lake(upload.environment).arrived_bytes(upload.pk) < upload.received:  # nothing is left that could be sent once more
        give_up(upload)
    else:
        _give_place_back(upload)


def give_up(upload: Upload) -> None:
    """Nothing of it is visible, and nothing of it waits."""
    _give_place_back(upload)
    Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(state=UploadState.CANCELLED)
    Lake(upload.environment).drop(upload.pk)


def under_way_in(root: Root) -> str:
    """See `portal.environments.connections.busy`."""
    sending = Upload.objects.sending().filter(environment=root.environment_id).select_related("person")
    one = next((upload for upload in sending if spelled(upload.environment, upload.uri).root == root.name), None)
    return f"{one.person.shown_name} is bringing a file to “{one.uri}” just now" if one else ""


# --- another name ---------------------------------------------------------------------------------------------------------


def require_same_root(environment: Environment, uri: str, target: str) -> None:
    """Raises Conflict where a rename would lead to another root."""
    if elsewhere(environment, uri, None) or elsewhere(environment, target, None):
        here, there = spelled(environment, uri).root, spelled(environment, target).root
        if here != there:
            raise Conflict(
                f"“{uri}” lies in the root “{here}”, and “{target}” would lie in “{there}”: nothing is moved between roots.",
                code="not-renamed",
                fix="Bring the file there, and delete this one; or name a place in its own root.",
            )


def can_be_renamed(environment: Environment, table: Table) -> bool:
    """Whether its storage can: a folder of this machine, and no other."""
    try:
        there = elsewhere(environment, table.uri, None)
    except names.BadPlace:
        return False
    return there is None or (is_in_folder(environment, there.root) and can_be_deleted(table))


def can_be_deleted(table: Table) -> bool:
    """Elsewhere than in the environment's own folder, what jobs have written stays, and tables that have versions."""
    return not (table.is_elsewhere and table.is_folder and (table.job or table.ending == kinds.DELTA))


def rename(actor: User, there: Elsewhere, target: str) -> str:
    """As `actions.rename_data`, in a folder of this machine."""
    environment, uri = there.environment, there.uri
    require_same_root(environment, uri, target)
    if not is_in_folder(environment, there.root):
        raise Conflict(
            f"“{uri}” lies where nothing can be renamed: for a moment readers would meet its rows twice, or not at all.",
            code="not-renamed",
            fix="Bring it again under its new name, and delete this one.",
        )
    is_folder = _entry_of(there.look(), uri).is_folder
    if is_folder:
        require_quiet_folder(environment, spelled(environment, uri))
    twin = Elsewhere(environment, target, actor).look().twin(target)
    if twin is not None and twin != uri:
        raise Taken(f"“{twin}” is there already.", fix="Choose another name.")
    with transaction.atomic():
        require_change(actor, environment, "change_data")
        versions.hold(environment)
        for one in (uri, target):
            require_free(environment, one)
            refuse_outputs(environment, one)
        moved = versions.take_along(environment, uri, target)
        record(action="rename_data", actor=actor, subject=environment, uri=uri, to=target)
    try:
        there.rename(spelled(environment, target), alone=is_folder)
    except PortalError as error:
        if error.code not in UNKNOWN:
            with transaction.atomic():
                versions.hold(environment)
                versions.move(environment, moved, target, uri)
        raise
    seen.forget(environment)
    return target


def _entry_of(there: Elsewhere, uri: str) -> Entry:
    if (entry := there.find(uri)) is None:
        raise NothingThere(f"There is nothing at “{names.shown(uri)}” any more.", fix="Look at the list of data again.")
    return entry


# --- the bin --------------------------------------------------------------------------------------------------------------


def delete(actor: User, there: Elsewhere) -> FileVersion:
    """As `actions.delete_data`."""
    environment, uri = there.environment, there.uri
    is_folder = _entry_of(there.look(), uri).is_folder
    if is_folder:
        require_quiet_folder(environment, spelled(environment, uri))
    with transaction.atomic():
        versions.hold(environment)
        require_free(environment, uri)
        if is_folder:
            refuse_outputs(environment, uri)
        version = versions.now_there(there, environment, uri)
        versions.put_away(version, actor, VersionState.BINNED)
        TableFacts.objects.filter(environment=environment, uri=uri).delete()
        if version.brought_by_id or is_folder:
            versions.forget_places(environment, uri)
        record(action="delete_data", actor=actor, subject=version, bytes=version.size)
    try:
        there.set_aside(version.pk, alone=is_folder)
    except PortalError as error:
        if error.code not in UNKNOWN:
            _show_again(version)
        raise
    seen.forget(environment)
    return version


def put_back(actor: User, version: FileVersion, there: Elsewhere) -> FileVersion:
    """As `actions.put_back`."""
    environment, uri = there.environment, there.uri
    there.look()
    with transaction.atomic():
        versions.hold(environment)
        require_free(environment, uri)
        back = locked(version)
        was, expires = back.state, back.expires_at
        if was not in (VersionState.KEPT, VersionState.BINNED):
            raise Conflict(f"This version is {back.get_state_display()}.", code="not-kept", fix="Look at the page again.")
        if back.brought_by_id or back.is_folder:
            refuse_outputs(environment, uri)
        before = versions.now_there(there, environment, uri) if there.find(uri) and not _may_be_rest(there, back) else None
        if before and (before.is_folder or back.is_folder):
            raise Taken(f"“{uri}” is taken: something else lies there.", fix="Rename or delete that first.")
        if before:
            versions.put_away(before, actor, VersionState.KEPT)
        _show(back, actor)
        record(action="put_back_data", actor=actor, subject=back, before=str(before) if before else "")
    try:
        there.bring_back(back.pk, before.pk if before else None, alone=back.is_folder)
    except PortalError as error:
        if error.code not in UNKNOWN:
            with transaction.atomic():
                FileVersion.objects.filter(pk=back.pk).update(state=was, expires_at=expires)
                versions.forget_places(environment, uri)
            if before:
                _show_again(before)
        raise
    seen.forget(environment)
    return back


def _may_be_rest(there: Elsewhere, back: FileVersion) -> bool:
    """Whether what lies there may be left of a folder that was moved file by file and not to the end; the root knows."""
    entry = there.find(there.uri)
    return back.is_folder and entry is not None and entry.is_folder and not is_in_folder(there.environment, there.root)


def _show(version: FileVersion, actor: User) -> None:
    version.state, version.changed_by, version.changed_at, version.expires_at = VersionState.SHOWN, actor, timezone.now(), None
    version.save(update_fields=["state", "changed_by", "changed_at", "expires_at"])
    TableFacts.objects.filter(environment=version.environment, uri=version.uri).delete()
    if version.brought_by_id:
        places.register_upload(environment=version.environment, uri=version.uri, actor=actor)
    if version.is_folder:
        versions.register_inside(version.environment, version.uri)


@transaction.atomic
def _show_again(version: FileVersion) -> None:
    """It was not done after all. Where somebody has taken the place meanwhile, it is theirs."""
    FileVersion.objects.filter(pk=version.pk).update(state=VersionState.SHOWN, expires_at=None)
    if version.brought_by:
        with suppress(Conflict):
            places.register_upload(environment=version.environment, uri=version.uri, actor=version.brought_by)
    if version.is_folder:
        versions.register_inside(version.environment, version.uri)


def require_free(environment: Environment, uri: str) -> None:
    """Raises Conflict while somebody brings a file there, or into it."""
    if Upload.objects.sending().filter(Q(uri=uri) | Q(uri__startswith=f"{uri}/"), environment=environment).exists():
        raise Conflict(f"Somebody is bringing a file to “{uri}” just now.", code="place-under-way", fix="Try again in a moment.")
