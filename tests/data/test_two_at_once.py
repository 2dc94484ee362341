"""Two people who change one file by hand at the same moment. Threads need a database that takes several writers; SQLite takes one at a time
by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.data import actions
from portal.data.lake import Lake
from portal.data.models import FileVersion, VersionState
from portal.environments.models import Environment
from tests.at_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]
URI = "raw/a.csv"
ROUNDS = 2


def content(word: str) -> bytes:
    return f"a,b\n{word},1\n".encode()


def replacing(environment: Environment, who: User, word: str, if_there: str) -> Callable[[], Any]:
    data = content(word)
    upload = actions.begin_upload(actor=who, environment=environment, name="a.csv", size=len(data), if_there=if_there)
    actions.receive_piece(actor=who, upload=upload, offset=0, parts=[data], length=len(data))
    return lambda: actions.finish_upload(actor=who, upload=upload)


def works(case: str, environment: Environment, ana: User, ben: User, bring: Callable[..., FileVersion]) -> list[Callable[[], Any]]:
    first = bring("a.csv", content("first"), if_there="replace")
    bring("a.csv", content("second"), if_there="new_version")
    everything = {
        "replace": replacing(environment, ana, "third", "replace"),
        "version": replacing(environment, ben, "fourth", "new_version"),
        "delete": lambda: actions.delete_data(actor=ben, environment=environment, uri=URI),
        "again": lambda: actions.delete_data(actor=ana, environment=environment, uri=URI),
        "rename": lambda: actions.rename_data(actor=ben, environment=environment, uri=URI, to="raw/b.csv"),
        "back": lambda: actions.put_back(actor=ben, version=FileVersion.objects.get(pk=first.pk)),
        "discard": lambda: actions.discard_upload(actor=ana, environment=environment, uri=URI),
    }
    return [everything[word] for word in case.split()]


def faults(environment: Environment, lake: Path) -> list[str]:
    """What is not as the rows say: one version is shown at a place that holds a file, and what was replaced is kept, byte by byte."""
    found, hidden = [], Lake(environment)
    for version in FileVersion.objects.filter(environment=environment):
        if version.state == VersionState.GONE:
            found.append(f"{version} is gone")
            continue
        file = lake / version.uri if version.state == VersionState.SHOWN else hidden._kept(version.pk)
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != version.sha256:
            found.append(f"{version}, {version.state}: {file.read_bytes()!r}" if file.is_file() else f"{version}, {version.state}: no file")
    return found


CASES = ["replace version", "replace delete back", "version back", "delete again", "discard version", "rename replace"]


@pytest.mark.parametrize("case", CASES)
def test_nobody_s_file_is_lost(case: str, dev: Environment, ana: User, ben: User, lake: Path, bring: Any) -> None:
    for _ in range(ROUNDS):
        wanted = works(case, dev, ana, ben, bring)
        codes = at_once(lambda number, wanted=wanted: wanted[number](), len(wanted))
        assert faults(dev, lake) == []
        assert set(codes) <= {"", "nothing-there", "file-exists", "not-yours", "not-kept"}
