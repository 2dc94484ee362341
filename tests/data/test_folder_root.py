"""Files that people rename in a root that lies in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.data import actions, guards, names, seen, versions
from portal.data.elsewhere import Elsewhere
from portal.data.lake import NothingThere, Taken
from portal.data.models import FileVersion, VersionState
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.models import Place
from tests.data.programs import in_this_process
from tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)
A, B = b"n\n1\n2\n", b"n\n1\n2\n3\n"
PAGE = "/p/flights/data/dev/"
Bring = Callable[..., FileVersion]
Rename = Callable[[str, str], str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(seen, "SECONDS", 0.0)
    return in_this_process(monkeypatch)


@pytest.fixture
def archive(ada: User, dev: Environment, lake: Path, tmp_path: Path, settings: Any, asked: Any) -> Path:
    """The folder of dev's root `archive`, which jobs may write; they only read `landing`, beside it."""
    data = Path(os.path.realpath(tmp_path)) / "data"
    settings.ROOT_FOLDERS = [str(data)]
    for name in ("archive", "landing"):
        (data / name).mkdir(parents=True)
        (data / name).chmod(0o777)
        place = str(data / name)
        connections.add_root(actor=ada, environment=dev, name=name, connection="", address=place, may_write=name == "archive")
    (data / "landing/in.csv").write_bytes(A)
    return data / "archive"


@pytest.fixture
def rename(ana: User, dev: Environment) -> Rename:
    return lambda uri, to: actions.rename_data(actor=ana, environment=dev, uri=uri, to=to)


def seen_in(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file() and ".sluice" not in str(path)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("to", "becomes"),
    [
        ("b.csv", "archive:in/b.csv"),
        ("archive:in/b c.csv", "archive:in/b_c.csv"),
        ("archive:b.csv", "archive:b.csv"),
        ("archive:2013/deep/b.csv", "archive:2013/deep/b.csv"),
        ("A.csv", "archive:in/A.csv"),
    ],
)
def test_a_file_gets_its_new_name_with_its_history(
    archive: Path, dev: Environment, ana: User, bring: Bring, rename: Rename, to: str, becomes: str
) -> None:
    first = bring("a.csv", A, folder="archive:in")
    bring("a.csv", B, folder="archive:in", if_there="new_version")
    assert rename("archive:in/a.csv", to) == becomes
    inside = becomes.removeprefix("archive:")
    assert seen_in(archive) == {inside: B}
    assert [version.number for version in FileVersion.objects.at(dev, becomes)] == [2, 1]
    assert [(place.uri, place.given_by) for place in Place.objects.all()] == [(becomes, ana)]
    assert AuditEvent.objects.get(action="rename_data").details == {"uri": "archive:in/a.csv", "to": becomes}
    actions.put_back(actor=ana, version=FileVersion.objects.get(pk=first.pk))
    assert seen_in(archive) == {inside: A}
    actions.delete_data(actor=ana, environment=dev, uri=becomes)
    assert seen_in(archive) == {}


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("b.csv", Taken),
        ("B.CSV", Taken),
        ("archive:in", Taken),
        ("archive:in/a.csv/x.csv", PortalError),
        ("archive:../b.csv", names.BadPlace),
        ("archive:.sluice-kept/b.csv", names.BadPlace),
        ("archive:", names.BadPlace),
        ("landing:b.csv", names.BadPlace),
        ("raw/b.csv", Conflict),
        ("archive:out/b.csv", guards.IsAnOutput),
        ("archive:left/b.csv", PortalError),
    ],
)
def test_nothing_goes_over_anything_nor_where_it_may_not(
    archive: Path, dev: Environment, ana: User, bring: Bring, rename: Rename, to: str, error: type[PortalError]
) -> None:
    bring("a.csv", A, folder="archive:in")
    bring("b.csv", B, folder="archive:in")
    with transaction.atomic():
        places.claim(make_job(dev.project, ana), dev, ["archive:out"])
    (archive / "left/_delta_log").mkdir(parents=True)  # a table of somebody else
    before = seen_in(archive)
    with pytest.raises(error):
        rename("archive:in/a.csv", to)
    assert seen_in(archive) == before and not AuditEvent.objects.filter(action="rename_data").exists()
    assert sorted(FileVersion.objects.shown().values_list("uri", flat=True)) == ["archive:in/a.csv", "archive:in/b.csv"]


def test_what_is_no_file_there_is_not_renamed(archive: Path, bring: Bring, rename: Rename) -> None:
    bring("a.csv", A, folder="archive:in")
    bring("mine.csv", A)
    for uri, error in (("archive:gone", NothingThere), ("archive:gone.csv", NothingThere), ("landing:in.csv", names.BadPlace)):
        with pytest.raises(error):
            rename(uri, "x.csv")
    with pytest.raises(Conflict, match="nothing is moved between roots"):
        rename("raw/mine.csv", "archive:mine.csv")


def test_who_may_not_change_data_renames_nothing(archive: Path, vic: User, dev: Environment, bring: Bring) -> None:
    bring("a.csv", A, folder="archive:in")
    with pytest.raises(NotAllowed):
        actions.rename_data(actor=vic, environment=dev, uri="archive:in/a.csv", to="b.csv")


def test_what_the_folder_refuses_leaves_every_row_as_it_was(
    archive: Path, dev: Environment, ana: User, bring: Bring, rename: Rename, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of an earlier file with the new name, which waits in the bin."""
    binned = bring("b.csv", B, folder="archive:in")
    actions.delete_data(actor=ana, environment=dev, uri="archive:in/b.csv")
    mine = bring("a.csv", A, folder="archive:in")
    real = Elsewhere.rename

    def meanwhile(self: Elsewhere, to: Any, **given: Any) -> None:
        (archive / "in/b.csv").write_bytes(b"by somebody else")
        real(self, to, **given)

    monkeypatch.setattr(Elsewhere, "rename", meanwhile)
    with pytest.raises(Taken):
        rename("archive:in/a.csv", "b.csv")
    assert seen_in(archive) == {"in/a.csv": A, "in/b.csv": b"by somebody else"}
    assert {(one.pk, one.uri, one.state) for one in FileVersion.objects.all()} == {
        (binned.pk, "archive:in/b.csv", VersionState.BINNED),
        (mine.pk, "archive:in/a.csv", VersionState.SHOWN),
    }
    assert Place.objects.get().uri == "archive:in/a.csv"


@pytest.mark.parametrize("taken", ["archive:in/a.csv", "archive:in/b.csv"])
def test_a_job_that_takes_a_place_meanwhile_keeps_it(
    archive: Path, dev: Environment, ana: User, bring: Bring, rename: Rename, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    bring("a.csv", A, folder="archive:in")
    hold, job = versions.hold, make_job(dev.project, ana)

    def after_a_run(environment: Environment) -> None:
        hold(environment)
        Place.objects.update_or_create(environment=dev, key=taken, defaults={"uri": taken, "owner": job})

    monkeypatch.setattr(versions, "hold", after_a_run)
    with pytest.raises(guards.IsAnOutput):
        rename("archive:in/a.csv", "b.csv")
    assert seen_in(archive) == {"in/a.csv": A}


def test_the_page_offers_it_where_it_can_be_done(archive: Path, ana: User, browser_of: Any, bring: Bring) -> None:
    bring("a.csv", A, folder="archive:in")
    browser = browser_of(ana)
    offers = {uri: browser.get(PAGE + "table", {"uri": uri}).content.decode() for uri in ("archive:in/a.csv", "landing:in.csv")}
    assert ['data-opens="rename-table"' in html for html in offers.values()] == [True, False]
    to = browser.post(PAGE + "rename", {"uri": "archive:in/a.csv", "to": "archive:in/b.csv"})["Location"]
    assert "archive%3Ain%2Fb.csv" in to and "archive:in/b.csv" in browser.get(to).content.decode()


def test_a_database_is_told_by_its_icon_wherever_it_is_listed(archive: Path, lake: Path, ana: User, browser_of: Any) -> None:
    (lake / "raw").mkdir()
    for name in ("shop.sqlite", "Shop.DB", "plain.csv"):
        (lake / "raw" / name).write_bytes(b"SQLite format 3\0")
        (archive / name).write_bytes(b"SQLite format 3\0")
    browser = browser_of(ana)
    for page in (PAGE, f"{PAGE}browse?uri=archive:", f"{PAGE}browse?uri=raw"):
        rows = browser.get(page).content.decode().split("<tr>")
        icons = {name: "ti-database " in next(row for row in rows if name in row) for name in ("shop.sqlite", "Shop.DB", "plain.csv")}
        assert icons == {"shop.sqlite": True, "Shop.DB": True, "plain.csv": False}, page
    assert "SQLite database" in browser.get(PAGE).content.decode()
