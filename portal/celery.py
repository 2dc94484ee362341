"""The Celery app. Messages carry ids only; losing all of them loses nothing but time (the scheduler sends them again)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init

from portal.config import private_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # they would load every page, which a worker never shows

app = Celery("sluice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def keep_files_private(**about: Any) -> None:
    """A worker's files are nobody else's either."""
    private_files()
