"""Uploads that were given up and bins that are full are emptied; what is promised stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.data import actions, tidying
from portal.data.models import FileVersion, Upload
from portal.environments.models import Environment
from portal.errors import Conflict

pytestmark = pytest.mark.django_db
A = b"x\n1\n"


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_an_upload_that_was_given_up_goes(dev: Environment, ana: User, lake_root: Path) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=9)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=4)
    tidying.tidy()
    assert files(lake_root) == [str(upload.pk)]
    Upload.objects.update(touched_at=timezone.now() - timedelta(hours=25))
    tidying.tidy()
    assert files(lake_root) == []
    with pytest.raises(Conflict):
        actions.receive_piece(actor=ana, upload=Upload.objects.get(), offset=4, parts=[b"x\n"], length=2)


def test_the_bin_keeps_its_promise(dev: Environment, ana: User, bring: Callable[..., FileVersion], lake: Path, settings: Any) -> None:
    first = bring("a.csv", A)
    bring("a.csv", b"y\n", if_there="new_version")
    actions.delete_data(actor=ana, environment=dev, uri="raw/a.csv")
    tidying.tidy()
    assert FileVersion.objects.can_come_back().count() == 2
    FileVersion.objects.filter(state="binned").update(expires_at=timezone.now() - timedelta(seconds=1))
    tidying.tidy()
    assert [version.pk for version in FileVersion.objects.can_come_back()] == [first.pk]  # a kept version has no end
    actions.put_back(actor=ana, version=first)
    assert (lake / "raw" / "a.csv").read_bytes() == A


def test_what_a_dead_process_left_goes(dev: Environment, ana: User, lake_root: Path) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=9)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=4)
    folder = lake_root / "flights" / ".sluice" / "dev" / "uploads"
    (folder / "leftover").write_bytes(b"x")
    long_ago = time.time() - 90_000
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))
    tidying.tidy()
    assert files(lake_root) == [str(upload.pk)]
