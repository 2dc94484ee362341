"""Versions of the files that people bring: how they are written down while something is changed by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from executor.language.places import is_within
from executor.language.roots import DEFAULT
from portal.accounts.models import User
from portal.data import names
from portal.data.elsewhere import Elsewhere
from portal.data.lake import Lake, NothingThere
from portal.data.models import UNKNOWN, FileVersion, TableFacts, VersionState
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs import places
from portal.locking import locked

log = logging.getLogger(__name__)


@contextmanager
def rows_and_lake() -> Iterator[ExitStack]:
    """The rows first, the lake last: when the lake refuses, the rows are taken back. When the rows cannot be written after all (a full disk
    says so at the very end), what was done to the lake is undone: it is given with how to."""
    undo = ExitStack()
    try:
        with transaction.atomic():
            yield undo
    except BaseException:
        try:
            undo.close()
        except (PortalError, OSError):
            log.exception("The lake could not be put back as it was.")
        raise


def hold(environment: Environment) -> None:
    """Until the transaction ends, nobody else changes by hand what lies in the environment, and no run begins to publish there: who was
    second sees what the first has made, and takes the place of that. Else one file would be kept nowhere."""
    locked(environment)


def now_there(lake: Lake | Elsewhere, environment: Environment, uri: str) -> FileVersion:
    """The version that is shown at `uri`; a fresh one for what no upload brought, or what a job has written over it since."""
    entry = lake.find(uri)
    if entry is None:
        raise NothingThere(f"There is nothing at “{names.shown(uri)}” any more.", fix="Look at the list of data again.")
    shown = FileVersion.objects.at(environment, uri).shown().first()
    if shown and shown.is_folder == entry.is_folder and (entry.is_folder or shown.size == entry.bytes):
        return shown
    if shown:
        FileVersion.objects.filter(pk=shown.pk).update(state=VersionState.GONE)
    size = None if entry.is_folder else entry.bytes
    return FileVersion.objects.create(
        environment=environment, uri=uri, number=next_number(environment, uri), original_name=names.parted(uri)[1][:255], size=size,
        is_folder=entry.is_folder,
    )  # fmt: skip


def put_away(version: FileVersion, actor: User, state: str) -> None:
    expires = timezone.now() + timedelta(days=settings.BIN_DAYS) if state == VersionState.BINNED else None
    version.state, version.changed_by, version.changed_at, version.expires_at = state, actor, timezone.now(), expires
    version.kept_at = places.Storages(version.environment).of(version.uri)
    version.save(update_fields=["state", "changed_by", "changed_at", "expires_at", "kept_at"])


def why_kept_elsewhere(version: FileVersion, storages: places.Storages) -> str:
    """Why what was put away cannot be put back where its root leads by now; empty where it can, or nobody knows."""
    if version.kept_at in (UNKNOWN, storages.of(version.uri)):
        return ""
    root = version.uri.partition(":")[0] if ":" in version.uri else DEFAULT
    return f"It is kept where the root “{root}” led then."


def require_kept_here(version: FileVersion) -> None:
    """Raises Conflict where it is kept elsewhere than its root leads by now."""
    if why := why_kept_elsewhere(version, places.Storages(version.environment)):
        raise Conflict(
            f"“{version.uri}” cannot be put back: {why[0].lower()}{why[1:]}", code="kept-elsewhere", fix="Look at what lies there now."
        )


def take_along(environment: Environment, uri: str, target: str) -> list[FileVersion]:
    """What is known of `uri`, and of what lies in it, is known of `target` from now on, where nothing lies; gives the versions."""
    FileVersion.objects.at(environment, target).shown().update(state=VersionState.GONE)  # gone without Sluice
    inside = FileVersion.objects.filter(Q(uri=uri) | Q(uri__startswith=f"{uri}/"), environment=environment).select_related("brought_by")
    move(environment, found := list(inside), uri, target)
    return found


def move(environment: Environment, found: Iterable[FileVersion], uri: str, target: str) -> None:
    """These versions, which are of `uri` or of something in it, are of `target` from now on."""
    for version in found:
        was, version.uri = version.uri, target + version.uri[len(uri) :]
        version.save(update_fields=["uri"])
        if version.state == VersionState.SHOWN and version.brought_by:
            places.forget(environment, was)
            places.register_upload(environment=environment, uri=version.uri, actor=version.brought_by)
    TableFacts.objects.filter(environment=environment, uri__in=(uri, target)).delete()


def forget_places(environment: Environment, uri: str) -> None:
    """What people have brought to a place, or into it, is gone: no job is kept from publishing there."""
    for place in places.places_meeting(environment, uri):
        if place.given_by_id and not place.owner_id and is_within(place.uri, uri):
            places.forget(environment, place.uri)


def register_inside(environment: Environment, uri: str) -> None:
    """What people have brought into a folder is there again: no job publishes over it. Where one has taken a place meanwhile, it is its."""
    inside = FileVersion.objects.filter(environment=environment, uri__startswith=f"{uri}/").shown().select_related("brought_by")
    for version in inside:
        if version.brought_by:
            with suppress(Conflict):
                places.register_upload(environment=environment, uri=version.uri, actor=version.brought_by)


def next_number(environment: Environment, uri: str) -> int:
    highest: Any = FileVersion.objects.at(environment, uri).aggregate(most=Max("number"))["most"]
    return (highest or 0) + 1
