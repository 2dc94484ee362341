"""The lake is changed last, in the transaction of the rows; a full disk refuses the rows after that, at the very end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from portal.accounts.models import User
from portal.data import actions
from portal.data.models import FileVersion, Upload
from portal.environments.models import Environment
from portal.jobs.models import Place

pytestmark = pytest.mark.django_db(transaction=True)
Bring = Callable[..., FileVersion]
WORKS: dict[str, Callable[[Environment, User, Bring, FileVersion], Any]] = {
    "bring": lambda dev, ana, bring, first: bring("new.csv", b"n\n1\n"),
    "replace": lambda dev, ana, bring, first: bring("a.csv", b"a\n9\n", if_there="replace"),
    "new version": lambda dev, ana, bring, first: bring("a.csv", b"a\n9\n", if_there="new_version"),
    "rename": lambda dev, ana, bring, first: actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to="raw/b.csv"),
    "delete": lambda dev, ana, bring, first: actions.delete_data(actor=ana, environment=dev, uri="raw/a.csv"),
    "delete a folder": lambda dev, ana, bring, first: actions.delete_data(actor=ana, environment=dev, uri="raw"),
    "discard": lambda dev, ana, bring, first: actions.discard_upload(actor=ana, environment=dev, uri="raw/a.csv"),
    "put back": lambda dev, ana, bring, first: actions.put_back(actor=ana, version=first),
    "bring back": lambda dev, ana, bring, first: actions.put_back(actor=ana, version=FileVersion.objects.get(uri="raw/gone.csv")),
}


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_rows_that_are_refused_at_the_end_leave_the_lake_as_it_was(
    dev: Environment, ana: User, bring: Bring, lake_root: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]
) -> None:
    first = bring("a.csv", b"a\n1\n")
    bring("a.csv", b"a\n2\n", if_there="new_version")
    bring("gone.csv", b"g\n1\n")
    actions.delete_data(actor=ana, environment=dev, uri="raw/gone.csv")
    before, full = _all_of(lake_root), [False]
    commit = connection.commit

    def refused() -> None:
        if _all_of(lake_root)["lake"] != before["lake"]:
            full[0] = True
            raise OperationalError("database or disk is full")
        commit()

    monkeypatch.setattr(connection, "commit", refused)
    with pytest.raises(OperationalError):
        work(dev, ana, bring, first)
    assert full[0] and _all_of(lake_root) == before
    monkeypatch.undo()
    for upload in Upload.objects.open():  # what had arrived waits still
        assert actions.finish_upload(actor=ana, upload=upload).sha256


def _all_of(lake_root: Path) -> dict[str, Any]:
    """What lies in the lake and beside it, but what is on its way in, and what the rows say of it."""
    files = {str(file.relative_to(lake_root)): file.read_bytes() for file in lake_root.rglob("*") if file.is_file()}
    return {
        "lake": {name: content for name, content in files.items() if "/uploads/" not in name},
        "versions": sorted(FileVersion.objects.values_list("uri", "number", "state")),
        "places": sorted(Place.objects.values_list("uri", flat=True)),
    }
