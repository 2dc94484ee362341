"""What nobody will ask for again: uploads that were given up, and what has been in the bin for longer than is promised."""

from __future__ import annotations

import logging
import time

from django.conf import settings

from executor.files.tree import NotRemoved
from portal.data.lake import Lake
from portal.data.models import FileVersion, Upload, UploadState, VersionState
from portal.environments.models import Environment

log = logging.getLogger(__name__)
AT_ONCE = 200


def tidy() -> None:
    """One round; it may run twice, late or after a crash."""
    for upload in Upload.objects.given_up().select_related("environment__project")[:AT_ONCE]:
        if Upload.objects.filter(pk=upload.pk, state=UploadState.OPEN).update(state=UploadState.CANCELLED):
            Lake(upload.environment).drop(upload.pk)
    for version in FileVersion.objects.outlived().select_related("environment__project")[:AT_ONCE]:
        if FileVersion.objects.filter(pk=version.pk, state=VersionState.BINNED).update(state=VersionState.GONE):
            _forget(version)
    for environment in Environment.objects.select_related("project"):
        _drop_leftovers(environment)


def _forget(version: FileVersion) -> None:
    try:
        Lake(version.environment).forget(version.pk)
    except NotRemoved as error:
        log.warning("Something of %s stays in the bin: %s", version, error.why)


def _drop_leftovers(environment: Environment) -> None:
    """Files of uploads that are over, such as those whose process died between the lake and the database."""
    lake, old = Lake(environment), time.time() - settings.UPLOAD_KEEP_HOURS * 3600
    names = [name for name, changed in lake.uploads_on_disk() if changed < old]
    going_on = {str(pk) for pk in Upload.objects.open().filter(environment=environment).values_list("pk", flat=True)} if names else set()
    for name in names:
        if name not in going_on:
            lake.drop(name)
