"""A zip or workbook is unpacked in another root as in the environment's own folder: whole or not to be read, and never of an older one."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync

from executor.files.inputs import require_data
from executor.language.roots import DEFAULT
from executor.problems import ProblemError
from executor.stores.by_hand import ByHand
from executor.stores.folder_by_hand import FolderByHand
from executor.stores.hands import changed
from executor.stores.roots import roots_of
from portal.accounts.models import Membership, User
from portal.audit.models import AuditEvent
from portal.data import actions, names, sending, sending_parts
from portal.data.lake import Lake
from portal.data.models import FileVersion, Upload, VersionState
from portal.data.noted import parts_of
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import Place
from portal.looks import unpacking
from portal.looks.asking import NotLookedAt
from tests.data.programs import given_to, in_this_process
from tests.data.test_upload_elsewhere import connect
from tests.factories import make_job, make_run, make_version

pytestmark = pytest.mark.django_db(transaction=True)
Bring = Callable[..., FileVersion]
S3 = pytest.mark.services


class Home:
    """A root, and how its folder `in` is written."""

    def __init__(self, dev: Environment, ana: User, root: str, listed: Callable[[], list[str]]) -> None:
        self.dev, self.ana, self.root, self.listed = dev, ana, root, listed
        self.folder = "in" if root == DEFAULT else f"{root}:in"

    def unpack(self, name: str) -> list[str]:
        made = async_to_sync(unpacking.unpack_file)(actor=self.ana, environment=self.dev, uri=f"{self.folder}/{name}")
        return [version.uri.removeprefix(f"{self.folder}/") for version in made.files]

    def read(self, inside: str) -> list[str]:
        """The lines of what a run would read there, or the code of the problem that it would end with."""
        uri = f"{self.folder}/{inside}"
        try:
            with roots_of(given_to(self.dev, {"uri": uri})) as roots:
                store, place = roots.at(uri, "inputURI")
                found = require_data(store.read(place, uri, "inputURI").path, uri)
                return sorted(line for file in found.files for line in file.path.read_text().split())
        except ProblemError as error:
            return [error.problems[0].code]

    def problem_of(self, inside: str) -> dict[str, Any]:
        """What a run that reads there would end with."""
        uri = f"{self.folder}/{inside}"
        with pytest.raises(ProblemError) as found, roots_of(given_to(self.dev, {"uri": uri})) as roots:
            store, place = roots.at(uri, "inputURI")
            require_data(store.read(place, uri, "inputURI").path, uri)
        return found.value.problems[0].as_dict()

    def is_fresh(self, inside: str, state: str) -> bool:
        """Whether a preview that saw that state would show its rows once more."""
        return self.read(inside)[0].isdigit() and self.state(inside) == state

    def state(self, inside: str) -> str:
        uri = f"{self.folder}/{inside}"
        with roots_of(given_to(self.dev, {"uri": uri})) as roots:
            store, place = roots.at(uri, "inputURI")
            try:
                return repr(store.state(place))
            except ProblemError as error:
                return str(error.problems[0].code)

    def seen(self) -> list[str]:
        return [key for key in self.listed() if not any(part.startswith(".") for part in key.split("/"))]


@pytest.fixture(params=["folder", pytest.param("s3", marks=S3), pytest.param("default on s3", marks=S3)])
def home(
    request: pytest.FixtureRequest, ada: User, ana: User, dev: Environment, lake: Path, tmp_path: Path, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Home:  # fmt: skip
    in_this_process(monkeypatch)
    if request.param == "folder":
        data = Path(os.path.realpath(tmp_path)) / "data"
        settings.ROOT_FOLDERS = [str(data)]
        (data / "archive").mkdir(parents=True)
        (data / "archive").chmod(0o777)
        connections.add_root(actor=ada, environment=dev, name="archive", connection="", address=str(data / "archive"), may_write=True)
        return Home(dev, ana, "archive", lambda: [str(p.relative_to(data / "archive")) for p in data.rglob("*") if p.is_file()])
    there = connect(ada, dev, request.getfixturevalue("s3_server"), settings)
    address = f"s3a://{there.bucket}/dev/"
    if request.param == "s3":
        connections.add_root(actor=ada, environment=dev, name="archive", connection="store", address=address, may_write=True)
        return Home(dev, ana, "archive", there.keys)
    root = dev.roots.get(name=DEFAULT)
    connections.edit_root(actor=ada, root=root, connection="store", address=address, may_write=True)
    return Home(dev, ana, DEFAULT, there.keys)


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return content.getvalue()


def test_its_files_are_brought_noted_and_made_anew(home: Home, dev: Environment, ana: User, bring: Bring) -> None:
    earlier = bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    assert sorted(home.unpack("m.zip")) == ["m/june.csv", "m/may.csv"]
    assert home.read("m") == ["1", "2"] and home.read("m/may.csv") == ["1"] and home.read("m/*.csv") == ["1", "2"]
    uri, before = f"{home.folder}/m.zip", home.state("m")
    made = parts_of(dev, uri, ana)
    assert sorted(made.places) == [f"{home.folder}/m/june.csv", f"{home.folder}/m/may.csv"] and made.is_whole and not made.is_outdated

    bring("m.zip", zipped(may="7", july="8"), folder=home.folder, if_there="new_version")
    assert home.read("m") == home.read("m/may.csv") == home.read("m/j*.csv") == home.read("*/may.csv") == ["input-outdated"]
    assert not home.is_fresh("m", before)
    assert parts_of(dev, uri, ana).is_outdated
    assert sorted(home.unpack("m.zip")) == ["m/july.csv", "m/may.csv"]
    assert home.read("m") == ["7", "8"]
    assert FileVersion.objects.get(uri=f"{home.folder}/m/june.csv").state == VersionState.BINNED
    assert FileVersion.objects.filter(uri=f"{home.folder}/m/may.csv", state=VersionState.KEPT).exists()

    actions.put_back(actor=ana, version=FileVersion.objects.get(pk=earlier.pk))
    assert home.read("m") == ["input-outdated"], "an older one that was put back is another one, too"


def test_what_somebody_has_replaced_by_hand_is_theirs(home: Home, bring: Bring) -> None:
    bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    home.unpack("m.zip")
    bring("may.csv", b"9", folder=f"{home.folder}/m", if_there="replace")
    bring("m.zip", zipped(may="7", june="8"), folder=home.folder, if_there="new_version")
    assert home.read("m/may.csv") == ["9"] and home.read("m") == ["input-outdated"]
    assert sorted(home.unpack("m.zip")) == ["m/june.csv", "m/may_2.csv"]
    assert home.read("m") == ["7", "8", "9"]


@pytest.mark.parametrize("after", range(6))
def test_killed_in_the_middle_nothing_half_is_read_and_the_next_makes_it_whole(
    home: Home, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """`after`: so many steps that change something in the root: a note, two files, what each was made of in two folders, no note."""

    class Killed(BaseException):
        """Nothing after it is done, as when the process is gone."""

    calls = 0

    def counted(do: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal calls
            if calls >= after:
                raise Killed
            calls += 1
            return do(*given, **named)

        return call

    bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    with monkeypatch.context() as patched:
        for hand in (FolderByHand, ByHand):
            patched.setattr(hand, "bring", counted(hand.bring))
        patched.setattr(unpacking.RootFolders, "begin", counted(unpacking.RootFolders.begin))
        patched.setattr(unpacking.RootFolders, "write", counted(unpacking.RootFolders.write))
        with pytest.raises(Killed):
            home.unpack("m.zip")
    for inside in ("m", "m/may.csv", "m/*.csv"):
        assert home.read(inside) in (["input-missing"], ["input-empty"], ["input-unfinished"]), (after, inside)
    if after in (1, 2):
        assert Upload.objects.sending().count() == 2, "what became of them is asked by whoever comes next"
    if after >= 2:  # a part is there
        assert home.read("m") == ["input-unfinished"]
        assert not parts_of(dev, f"{home.folder}/m.zip", ana).is_whole
    assert sorted(home.unpack("m.zip")) == ["m/june.csv", "m/may.csv"]
    assert home.read("m") == ["1", "2"] and len(home.seen()) == 3
    assert not Upload.objects.under_way().exists() and not list((Lake(dev)._hidden / "uploads").glob("*"))
    assert Place.objects.count() == 3


@pytest.mark.parametrize("at_once", [50, 4])
def test_many_files_are_looked_for_and_brought_together(
    home: Home, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(sending_parts, "AT_ONCE", at_once)
    months = {f"m{number}": str(number) for number in range(10)}
    bring("m.zip", zipped(**months), folder=home.folder)
    asked, told = in_this_process(monkeypatch), []
    unpack = async_to_sync(unpacking.unpack_file)
    made = unpack(actor=ana, environment=dev, uri=f"{home.folder}/m.zip", told=lambda done, whole: told.append((done, whole)))
    batches = -(-10 // at_once)
    assert Counter(one["what"] for one in asked)["bring"] == batches and len(asked) <= 14 + 2 * batches
    assert told == [(number, 10) for number in range(1, 11)] and home.read("m") == sorted(months.values())
    assert [version.sha256 for version in made.files] == [hashlib.sha256(text.encode()).hexdigest() for text in months.values()]
    assert AuditEvent.objects.filter(action="upload_data").count() == 11
    bring("m.zip", zipped(**{name: f"{text}1" for name, text in months.items()}), folder=home.folder, if_there="new_version")
    home.unpack("m.zip")
    assert home.read("m") == sorted(f"{text}1" for text in months.values())
    assert FileVersion.objects.filter(state=VersionState.KEPT).count() == 11


def test_what_is_refused_in_the_middle_leaves_what_came_and_no_more(
    home: Home, dev: Environment, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring("m.zip", zipped(may="1", june="2", july="3"), folder=home.folder)
    calls: list[str] = []

    def once(do: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, place: str, *given: Any) -> Any:
            calls.append(place)
            if len(calls) == 2:
                raise ProblemError(changed(place))
            return do(self, place, *given)

        return call

    with monkeypatch.context() as patched:
        for hand in (FolderByHand, ByHand):
            patched.setattr(hand, "bring", once(hand.bring))
        with pytest.raises(PortalError, match="was changed at the same moment"):
            home.unpack("m.zip")
    assert len(home.seen()) == 2 and home.read("m") == ["input-unfinished"] and len(calls) == 2
    assert Upload.objects.filter(state="cancelled").count() == 2 and not Upload.objects.under_way().exists()
    assert len(home.unpack("m.zip")) == 3 and home.read("m") == ["1", "2", "3"]


def test_who_loses_the_right_while_they_come_brings_no_more(
    home: Home, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ASK_SECONDS", 0.0)
    bring("m.zip", zipped(may="1", june="2", july="3"), folder=home.folder)
    for hand in (FolderByHand, ByHand):
        do = hand.bring

        def last(self: Any, *given: Any, do: Any = do) -> Any:
            Membership.objects.filter(user=ana).delete()
            return do(self, *given)

        monkeypatch.setattr(hand, "bring", last)
    with pytest.raises(NotAllowed):
        home.unpack("m.zip")
    assert len(home.seen()) <= 2 and home.read("m") in (["input-unfinished"], ["input-missing"], ["input-empty"])
    assert not Upload.objects.under_way().exists()


def test_a_picture_beside_the_tables_is_left_out(home: Home, bring: Bring) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("may.csv", "1")
        archive.writestr("odd.parquet", "no parquet at all")
        archive.writestr("june.csv", "2")
    bring("m.zip", content.getvalue(), folder=home.folder)
    assert sorted(name.rpartition("/")[2] for name in home.unpack("m.zip")) == ["june.csv", "may.csv"]
    assert "were left out" in str(FileVersion.objects.exclude(notes=[]).get().notes)


@pytest.mark.parametrize("is_broken_off", [False, True])
def test_the_page_of_a_run_that_met_older_parts_leads_to_where_they_are_made_anew(
    home: Home, dev: Environment, ana: User, vic: User, bring: Bring, browser_of: Any, monkeypatch: pytest.MonkeyPatch, is_broken_off: bool
) -> None:
    packed = bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    home.unpack("m.zip")
    bring("m.zip", zipped(may="7", june="8"), folder=home.folder, if_there="new_version")
    if is_broken_off:
        with monkeypatch.context() as patched:
            patched.setattr(unpacking.RootFolders, "write", None)
            with pytest.raises(TypeError):
                home.unpack("m.zip")
    version = make_version(make_job(dev.project, ana), ana, live_in=("dev",))
    problem = home.problem_of("m")
    assert problem["code"] == ("input-unfinished" if is_broken_off else "input-outdated")
    run = f"/p/flights/runs/{make_run(version, dev, 'failed', problem=problem).pk}/"
    link = re.search(r'href="([^"]+)"[^>]*>(?:(?!</a>).)*Unpack it again', browser_of(ana).get(run).text, re.DOTALL)
    assert link is not None and "Unpack it again" not in browser_of(vic).get(run).text
    address = link[1].replace("&amp;", "&")
    wanted = f"/p/flights/data/dev/arrived?{urlencode({'uri': packed.uri})}"
    assert browser_of(ana).get(address)["Location"] == wanted
    assert browser_of(vic).get(address).status_code == 404
    home.unpack("m.zip")
    bring("may.csv", b"9", folder=f"{home.folder}/m", if_there="replace")
    gone = f"/p/flights/data/dev/packed?{urlencode({'uri': f'{home.folder}/m/none.csv'})}"
    assert "/table?" in browser_of(ana).get(gone)["Location"], "what nobody has noted leads nowhere"


@pytest.mark.parametrize("name", ["bomb.zip", "nested.zip", "broken.zip"])
def test_what_is_not_unpacked_leaves_nothing(home: Home, lake: Path, bring: Bring, name: str) -> None:
    bodies = {"bomb.zip": zipped(a="0" * 30_000_000), "broken.zip": b"PK\x03\x04" + b"x" * 100}
    if name == "nested.zip":
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("inner.zip", zipped(a="1"))
        bodies[name] = content.getvalue()
    bring(name, bodies[name], folder=home.folder)
    with pytest.raises(NotLookedAt) as refused:
        home.unpack(name)
    assert str(refused.value.code).startswith("zip-")
    assert home.seen() == [f"in/{name}"] and not list((lake / unpacking.STAGING).iterdir())


def test_a_larger_one_than_may_be_is_refused(home: Home, bring: Bring, settings: Any) -> None:
    bring("m.zip", zipped(may="1" * 2_000_000), folder=home.folder)
    settings.UPLOAD_LIMIT_MB = 1
    with pytest.raises(NotLookedAt) as refused:
        home.unpack("m.zip")
    assert refused.value.code == "zip-too-large" and home.seen() == ["in/m.zip"]


def test_notes_go_along_with_files_that_are_renamed(home: Home, dev: Environment, ana: User, bring: Bring) -> None:
    bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    home.unpack("m.zip")
    for inside, to in (("m/may.csv", "may2.csv"), ("m.zip", "n.zip")):
        try:
            actions.rename_data(actor=ana, environment=dev, uri=f"{home.folder}/{inside}", to=to)
        except PortalError as error:
            assert error.code == "not-renamed"
            return  # S3 knows no renaming
    assert home.read("m") == ["1", "2"]
    bring("n.zip", zipped(may="7"), folder=home.folder, if_there="new_version")
    assert home.read("m/may2.csv") == home.read("m/june.csv") == ["input-outdated"]


def test_where_jobs_may_not_write_nothing_is_unpacked(home: Home, ada: User, dev: Environment, bring: Bring) -> None:
    bring("m.zip", zipped(may="1", june="2"), folder=home.folder)
    root = dev.roots.get(name=home.root)
    about: Any = {"connection": root.connection.name if root.connection else "", "address": root.address}
    connections.edit_root(actor=ada, root=root, may_write=False, **about)
    with pytest.raises(names.BadPlace) as refused:
        home.unpack("m.zip")
    assert refused.value.code == "root-read-only" and home.seen() == ["in/m.zip"]
