"""Whole folders that people rename, delete and put back in roots elsewhere: in a folder of this machine, and on S3."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.stores import bucket_folders
from executor.stores.bucket_folders import FolderMoves
from executor.stores.folder_by_hand import FolderByHand
from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.data import actions, guards, names, seen, tidying
from portal.data.elsewhere import Elsewhere
from portal.data.lake import NothingThere, Taken
from portal.data.models import FileVersion, Upload, UploadState, VersionState
from portal.environments import at_work, connections
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.models import Place
from tests.data.programs import in_this_process
from tests.data.test_upload_elsewhere import connect
from tests.factories import make_job, make_live, make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)
A, B = b"n\n1\n2\n", b"n\n1\n2\n3\n"
PAGE = "/p/flights/data/dev/"
API = "/api/v1/projects/flights/environments/dev/files/"
IN = "archive:in"
Bring = Callable[..., FileVersion]


class InFolder:
    """What lies in dev's root `archive`, in a folder of this machine."""

    is_s3 = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, body: bytes) -> None:
        (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / key).write_bytes(body)

    def remove(self, key: str) -> None:
        (self.folder / key).unlink()

    def seen(self) -> dict[str, bytes]:
        found = [path for path in self.folder.rglob("*") if path.is_file() and ".sluice" not in str(path)]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def kept(self) -> int:
        return len(list((self.folder / ".sluice-kept").glob("*")))


class InBucket:
    """The same in a bucket."""

    is_s3 = True

    def __init__(self, there: Any) -> None:
        self.there, self.client = there, there.server.client

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.there.bucket, Key=f"dev/{key}", Body=body)

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.there.bucket, Key=f"dev/{key}")

    def seen(self) -> dict[str, bytes]:
        return {key: self.there.body(key) for key in self._keys() if not key.startswith(".")}

    def kept(self) -> int:
        return len([key for key in self._keys() if key.startswith(".sluice-")])

    def _keys(self) -> list[str]:
        every: list[str] = self.there.server.keys(self.there.bucket)
        return [key.removeprefix("dev/") for key in every if key.startswith("dev/")]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(seen, "SECONDS", 0.0)
    monkeypatch.setattr(at_work, "WAIT_SECONDS", 0.1)
    return in_this_process(monkeypatch)


@pytest.fixture
def folder_root(ada: User, dev: Environment, lake: Path, tmp_path: Path, settings: Any, asked: Any) -> InFolder:
    data = Path(os.path.realpath(tmp_path)) / "data"
    settings.ROOT_FOLDERS = [str(data)]
    for name in ("archive", "landing"):
        (data / name).mkdir(parents=True)
        (data / name).chmod(0o777)
        root = {"environment": dev, "name": name, "connection": "", "address": str(data / name), "may_write": name == "archive"}
        connections.add_root(actor=ada, **root)
    (data / "landing/in").mkdir()
    (data / "landing/in/a.csv").write_bytes(A)
    return InFolder(data / "archive")


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def root(request: pytest.FixtureRequest, ada: User, dev: Environment, lake: Path, settings: Any, asked: Any) -> InFolder | InBucket:
    """dev's root `archive`, which jobs may write."""
    if request.param == "folder":
        return request.getfixturevalue("folder_root")
    there = connect(ada, dev, request.getfixturevalue("s3_server"), settings)
    for name, may_write in (("archive", True), ("landing", False)):
        at = f"s3a://{there.bucket}/{'dev' if may_write else 'landing'}/"
        connections.add_root(actor=ada, environment=dev, name=name, connection="store", address=at, may_write=may_write)
    there.server.client.put_object(Bucket=there.bucket, Key="landing/in/a.csv", Body=A)
    return InBucket(there)


@pytest.fixture
def filled(root: InFolder | InBucket, bring: Bring) -> InFolder | InBucket:
    """`in` holds two uploads, one of them with an earlier version, and a file of somebody else."""
    bring("a.csv", A, folder="archive:in/2013")
    bring("a.csv", B, folder="archive:in/2013", if_there="new_version")
    bring("b.csv", A, folder=IN)
    root.put("in/theirs.csv", b"n\n9\n")
    return root


FILLED = {"in/2013/a.csv": B, "in/b.csv": A, "in/theirs.csv": b"n\n9\n"}


def delete(ana: User, dev: Environment, uri: str = IN, **given: Any) -> FileVersion:
    return actions.delete_data(actor=ana, environment=dev, uri=uri, **given)


def uploads() -> list[str]:
    return sorted(Place.objects.values_list("uri", flat=True))


def test_a_folder_goes_into_the_bin_and_comes_back_with_all_that_is_known(filled: Any, dev: Environment, ana: User) -> None:
    before = set(FileVersion.objects.values_list("uri", "number", "state"))
    version = delete(ana, dev)
    assert (version.uri, version.is_folder, version.state) == (IN, True, VersionState.BINNED) and version.expires_at
    assert filled.seen() == {} and uploads() == []
    event = AuditEvent.objects.get(action="delete_data")
    assert event.actor == ana and event.subject_label.startswith(IN)
    actions.put_back(actor=ana, version=version)
    assert filled.seen() == FILLED and uploads() == ["archive:in/2013/a.csv", "archive:in/b.csv"]
    version.refresh_from_db()
    assert version.state == VersionState.SHOWN and AuditEvent.objects.filter(action="put_back_data").count() == 1
    assert set(FileVersion.objects.exclude(pk=version.pk).values_list("uri", "number", "state")) == before
    with pytest.raises(Conflict):
        places.require_own(make_job(dev.project, ana), dev, ["archive:in/b.csv"])
    first = FileVersion.objects.get(uri="archive:in/2013/a.csv", number=1)
    actions.put_back(actor=ana, version=first)
    assert filled.seen()["in/2013/a.csv"] == A


def test_what_the_bin_promised_no_longer_is_removed_for_good(filled: Any, dev: Environment, ana: User) -> None:
    kept = filled.kept()
    version = delete(ana, dev)
    FileVersion.objects.filter(pk=version.pk).update(expires_at="2020-01-01T00:00Z")
    tidying.tidy()
    version.refresh_from_db()
    assert version.state == VersionState.GONE and filled.kept() == kept and filled.seen() == {}
    with pytest.raises(PortalError):
        actions.put_back(actor=ana, version=version)


def test_it_does_not_come_back_over_anything(filled: Any, dev: Environment, ana: User, bring: Bring) -> None:
    version = delete(ana, dev)
    bring("b.csv", B, folder=IN)
    with pytest.raises(PortalError):
        actions.put_back(actor=ana, version=version)
    version.refresh_from_db()
    assert filled.seen() == {"in/b.csv": B} and version.state == VersionState.BINNED
    other = delete(ana, dev)
    actions.put_back(actor=ana, version=version)
    assert filled.seen() == FILLED and FileVersion.objects.get(pk=other.pk).state == VersionState.BINNED


def test_a_folder_is_renamed_with_all_that_is_known_or_refused(filled: Any, dev: Environment, ana: User) -> None:
    rename: dict[str, Any] = {"actor": ana, "environment": dev, "uri": IN, "to": "archive:out/2014"}
    if filled.is_s3:
        with pytest.raises(Conflict, match="nothing can be renamed"):
            actions.rename_data(**rename)
        assert filled.seen() == FILLED and uploads() == ["archive:in/2013/a.csv", "archive:in/b.csv"]
        return
    assert actions.rename_data(**rename) == "archive:out/2014"
    assert filled.seen() == {key.replace("in/", "out/2014/", 1): body for key, body in FILLED.items()}
    assert uploads() == ["archive:out/2014/2013/a.csv", "archive:out/2014/b.csv"]
    assert AuditEvent.objects.get(action="rename_data").details == {"uri": IN, "to": "archive:out/2014"}
    first = FileVersion.objects.get(uri="archive:out/2014/2013/a.csv", number=1)
    actions.put_back(actor=ana, version=first)
    assert filled.seen()["out/2014/2013/a.csv"] == A
    actions.rename_data(actor=ana, environment=dev, uri="archive:out/2014", to=IN)
    assert filled.seen() == FILLED | {"in/2013/a.csv": A}


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("archive:taken", Taken),
        ("archive:TAKEN", Taken),
        ("archive:b.csv", Taken),
        ("archive:in/2013/x", names.BadPlace),
        ("archive:../out", names.BadPlace),
        ("archive:.sluice-kept/x", names.BadPlace),
        ("archive:", names.BadPlace),
        ("landing:x", names.BadPlace),
        ("raw/x", Conflict),
        ("archive:job/x", guards.IsAnOutput),
    ],
)
def test_nothing_goes_over_anything_nor_where_it_may_not(
    folder_root: InFolder, dev: Environment, ana: User, bring: Bring, to: str, error: type[PortalError]
) -> None:
    bring("b.csv", A, folder=IN)
    bring("c.csv", A, folder="archive:taken")
    bring("b.csv", B, folder="archive:")
    Place.objects.create(environment=dev, key="archive:job", uri="archive:job", owner=make_job(dev.project, ana))
    before = folder_root.seen()
    with pytest.raises(error):
        actions.rename_data(actor=ana, environment=dev, uri=IN, to=to)
    assert folder_root.seen() == before and not AuditEvent.objects.filter(action="rename_data").exists()


def both(ana: User, dev: Environment, root: Any, uri: str = IN) -> list[Callable[[], Any]]:
    """What may be done to a folder in this root."""
    acts: list[Callable[[], Any]] = [lambda: delete(ana, dev, uri)]
    rename: dict[str, Any] = {"actor": ana, "environment": dev, "uri": uri, "to": "archive:elsewhere"}
    return acts if root.is_s3 else [*acts, lambda: actions.rename_data(**rename)]


def published_in_it(root: Any, dev: Environment, ana: User) -> None:
    Place.objects.create(environment=dev, key="archive:in/out", uri="archive:in/out", owner=make_job(dev.project, ana))


def published_above(root: Any, dev: Environment, ana: User) -> None:
    load = {"type": "ParquetLoad", "name": "save", "inputView": "x", "outputURI": "archive:in"}
    make_live(make_version(make_job(dev.project, ana), ana, {"stages": [load]}), dev)


def published_by_another_environment(root: Any, dev: Environment, ana: User) -> None:
    root.put("in/out/.sluice-output.json", b'{"id": "r", "files": {}, "facts": {}, "kept": []}')


def delta_table(root: Any, dev: Environment, ana: User) -> None:
    root.put("in/t/_delta_log/00000000000000000000.json", b"{}")


def read_by_a_run(root: Any, dev: Environment, ana: User) -> None:
    extract = {"type": "DelimitedExtract", "name": "read", "inputURI": "archive:in/2013/*.csv", "outputView": "x"}
    make_run(make_version(make_job(dev.project, ana), ana, {"stages": [extract]}), dev, "running")


def brought_into_it(root: Any, dev: Environment, ana: User) -> None:
    Upload.objects.create(environment=dev, person=ana, name="c.csv", uri="archive:in/2013/c.csv", state=UploadState.SENDING)


def another_root(root: Any, dev: Environment, ana: User) -> None:
    here = dev.roots.get(name="archive")
    test = dev.project.environments.get(name="test")
    address = f"{here.address.rstrip('/')}/in/2013" + ("/" if root.is_s3 else "")
    test.roots.create(name="theirs", connection=here.connection, address=address)


def worked_at(root: Any, dev: Environment, ana: User) -> Any:
    held = at_work.changing(dev, "archive:other.csv")
    held.__enter__()
    return held


@pytest.mark.parametrize(
    "meanwhile",
    [
        published_in_it,
        published_above,
        published_by_another_environment,
        delta_table,
        read_by_a_run,
        brought_into_it,
        another_root,
        worked_at,
    ],
)
def test_a_folder_in_use_stays(filled: Any, dev: Environment, ana: User, meanwhile: Callable[..., Any]) -> None:
    held = meanwhile(filled, dev, ana)
    before, rows = filled.seen(), set(FileVersion.objects.values_list("pk", "uri", "state"))
    for act in both(ana, dev, filled):
        with pytest.raises(Conflict):
            act()
        left = set(FileVersion.objects.exclude(is_folder=True).values_list("pk", "uri", "state"))
        assert filled.seen() == before and left == rows and not FileVersion.objects.filter(state=VersionState.BINNED).exists()
    assert {"archive:in/2013/a.csv", "archive:in/b.csv"} <= set(uploads())
    if held:
        held.__exit__(None, None, None)


def test_who_may_not_or_where_nobody_may_changes_nothing(filled: Any, dev: Environment, ana: User, vic: User) -> None:
    for act in both(vic, dev, filled):
        with pytest.raises(NotAllowed):
            act()
    for uri in ("landing:in", "archive:../in", "archive:.sluice-kept", "archive:in/..", "nowhere:in", "archive:"):
        with pytest.raises((names.BadPlace, NothingThere)):
            delete(ana, dev, uri)
    with pytest.raises(NothingThere):
        delete(ana, dev, "archive:gone")
    assert filled.seen() == FILLED


def test_a_folder_that_a_link_stands_for_is_left_alone(folder_root: InFolder, dev: Environment, ana: User, lake: Path) -> None:
    (lake / "raw").mkdir()
    (lake / "raw/a.csv").write_bytes(A)
    (folder_root.folder / "in").symlink_to(lake / "raw")
    for act in (*both(ana, dev, folder_root), *both(ana, dev, folder_root, "archive:in/a.csv")):
        with pytest.raises(PortalError):
            act()
    assert (lake / "raw/a.csv").read_bytes() == A and (folder_root.folder / "in").is_symlink()


def test_what_the_root_refuses_leaves_every_row_as_it_was(
    filled: Any, dev: Environment, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = set(FileVersion.objects.values_list("pk", "uri", "state"))

    def refused(self: Elsewhere, *given: Any, **named: Any) -> None:
        raise Conflict("“archive:in” may not be changed.", code="place-not-writable")

    for name in ("set_aside", "rename"):
        monkeypatch.setattr(Elsewhere, name, refused)
    for act in both(ana, dev, filled):
        with pytest.raises(Conflict):
            act()
    assert set(FileVersion.objects.exclude(is_folder=True).values_list("pk", "uri", "state")) == rows
    assert uploads() == ["archive:in/2013/a.csv", "archive:in/b.csv"]


def test_a_page_and_a_program_that_saw_other_files_are_refused(filled: Any, ana: User, browser_of: Any, program_of: Any) -> None:
    browser, program = browser_of(ana), program_of(ana)
    page = browser.get(f"{PAGE}table?uri=archive%3Ain").text
    shown = re.search(r'name="seen" value="([^"]+)"', page)
    assert shown is not None and "3 files" in page
    filled.put("in/late.csv", A)
    for path in ("delete", "rename"):
        answer = browser.post(PAGE + path, {"uri": IN, "seen": shown[1], "to": "archive:x"}, follow=True).text
        assert "has other files by now" in answer, path
    sent = {"uri": IN, "to": "archive:x", "seen": shown[1]}
    for answer in (program.delete(f"{API}?uri={IN}&seen={shown[1]}"), program.post(f"{API}rename", sent, format="json")):
        assert (answer.status_code, answer.json()["code"]) == (409, "data-changed")
    assert filled.seen() == FILLED | {"in/late.csv": A}
    again = re.search(r'name="seen" value="([^"]+)"', browser.get(f"{PAGE}table?uri=archive%3Ain").text)
    assert again is not None and program.delete(f"{API}?uri={IN}&seen={again[1]}").status_code == 200 and filled.seen() == {}


def test_the_page_offers_what_can_be_done_and_says_how_much_it_is(filled: Any, ana: User, browser_of: Any) -> None:
    browser = browser_of(ana)
    assert "table?uri=archive%3Ain" in browser.get(f"{PAGE}browse?uri=archive%3Ain").text
    assert "The folder as a whole" not in browser.get(f"{PAGE}browse?uri=landing%3Ain").text
    page = browser.get(f"{PAGE}table?uri=archive%3Ain").text
    assert 'data-opens="delete-table"' in page and ('data-opens="rename-table"' in page) is not filled.is_s3
    assert "The folder with 3 files" in " ".join(page.split())
    assert 'data-opens="delete-table"' not in browser.get(f"{PAGE}table?uri=landing%3Ain").text
    delta_table(filled, None, ana)  # type: ignore[arg-type]
    page = browser.get(f"{PAGE}table?uri=archive%3Ain%2Ft").text
    assert "delete-table" not in page and "rename-table" not in page
    assert "archive:in/" in browser.post(f"{PAGE}delete", {"uri": "archive:in/2013"}, follow=True).text
    assert "archive:in/2013/" in browser.get(PAGE).text, "the bin has it"


class Killed(BaseException):
    """The end of a process."""


def test_a_folder_that_is_half_gone_comes_back_from_the_bin(
    filled: Any, dev: Environment, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, where a folder goes in one step, whole."""
    owner, step = (FolderMoves, "_remove_one") if filled.is_s3 else (FolderByHand, "set_aside")
    monkeypatch.setattr(bucket_folders, "AT_ONCE", 1)
    real = getattr(owner, step)
    done: list[Any] = []

    def dies(self: Any, *given: Any) -> Any:
        if filled.is_s3 and done:
            raise Killed
        done.append(real(self, *given))
        if not filled.is_s3:
            raise Killed
        return done[-1]

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(Killed):
            delete(ana, dev)
    (version,) = FileVersion.objects.filter(state=VersionState.BINNED)
    assert filled.seen() != FILLED
    actions.put_back(actor=ana, version=version)
    assert filled.seen() == FILLED and uploads() == ["archive:in/2013/a.csv", "archive:in/b.csv"]


def test_nothing_is_lost_where_no_answer_came(filled: Any, dev: Environment, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Elsewhere.set_aside

    def unheard(self: Elsewhere, *given: Any, **named: Any) -> None:
        real(self, *given, **named)
        raise PortalError("The preview service does not answer.", code="previews-down", status=503)

    with monkeypatch.context() as patch:
        patch.setattr(Elsewhere, "set_aside", unheard)
        with pytest.raises(PortalError):
            delete(ana, dev)
    (version,) = FileVersion.objects.filter(state=VersionState.BINNED)
    actions.put_back(actor=ana, version=version)
    assert filled.seen() == FILLED
