"""What nobody will ask for again: uploads that were given up, and what has been in the bin for longer than is promised."""

from __future__ import annotations

import logging
import time

from django.conf import settings

from executor.files.tree import NotRemoved
from portal.data import sending
from portal.data.lake import Lake
from portal.data.models import FileVersion, Upload, UploadState, VersionState
from portal.environments.models import Environment
from portal.errors import PortalError

log = logging.getLogger(__name__)
AT_ONCE = 200


def tidy() -> None:
    """One round; it may run twice, late or after a crash."""
    for upload in Upload.objects.given_up().select_related("environment__project")[:AT_ONCE]:
        if Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(state=UploadState.CANCELLED):
            Lake(upload.environment).drop(upload.pk)
    for upload in Upload.objects.sending().select_related("environment__project", "person")[:AT_ONCE]:
        try:
            sending.settle(upload)
        except (PortalError, OSError) as error:
            log.warning("What became of upload %s is not known yet: %s", upload.pk, error)
    for version in FileVersion.objects.outlived().select_related("environment__project")[:AT_ONCE]:
        if FileVersion.objects.filter(pk=version.pk, state=VersionState.BINNED).update(state=VersionState.GONE):
            _forget(version)
    for environment in Environment.objects.select_related("project"):
        _drop_leftovers(environment)


def _forget(version: FileVersion) -> None:
    try:
        Lake(version.environment).forget(version.pk)  # perhaps of a time when its root was the folder
        if there := sending.elsewhere(version.environment, version.uri, None):
            there.forget(version.pk)
    except NotRemoved as error:
        log.warning("Something of %s stays in the bin: %s", version, error.why)
    except PortalError as error:  # its root is gone, or cannot be asked now
        log.warning("Something of %s stays in the bin: %s", version, error.message)


def _drop_leftovers(environment: Environment) -> None:
    """Files of uploads that are over, such as those whose process died between the lake and the database."""
    lake, old = Lake(environment), time.time() - settings.UPLOAD_KEEP_HOURS * 3600
    names = [name for name, changed in lake.uploads_on_disk() if changed < old]
    going_on = (
        {str(pk) for pk in Upload.objects.under_way().filter(environment=environment).values_list("pk", flat=True)} if names else set()
    )
    for name in names:
        if name not in going_on:
            lake.drop(name)
