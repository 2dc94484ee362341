"""Roots in folders of this machine: which folders may be one, who is told, and what becomes of one that can no longer be used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.accounts.models import Project, User
from portal.audit.models import AuditEvent
from portal.config import env_folders
from portal.environments import connections, folders
from portal.environments.models import Environment, Root
from portal.environments.reach import Needs, is_still, judged_by, mounts_of, reach_of, roots_elsewhere, roots_in_words, storages_of
from portal.errors import Conflict, PortalError
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/p/flights/settings/environments/prod/connections"
API = "/api/v1/projects/flights/environments/prod/roots"
Make = Callable[..., Root]


@pytest.fixture
def data(tmp_path: Path, settings: Any) -> Path:
    """A folder below which an operator allows roots, with three in it that executors may read and write."""
    allowed = Path(os.path.realpath(tmp_path)) / "data"
    settings.ROOT_FOLDERS = [str(allowed)]
    for name in ("archive/2013", "other"):
        (allowed / name).mkdir(parents=True)
    for folder in (allowed, *allowed.rglob("*")):
        folder.chmod(0o777)
    return allowed


@pytest.fixture
def make(ada: User, prod: Environment, data: Path) -> Make:
    def made(name: str = "archive", folder: str | Path | None = None, environment: Environment = prod, **about: Any) -> Root:
        address = str(data / "archive" if folder is None else folder)
        return connections.add_root(actor=ada, environment=environment, name=name, connection="", address=address, **about)

    return made


def needs(*roots: str, written: tuple[str, ...] = ()) -> Needs:
    return Needs(frozenset(roots), written=frozenset(written))


def test_a_root_in_a_folder_is_made_changed_and_removed(ada: User, prod: Environment, data: Path, make: Make) -> None:
    root = make(folder=f"{data}/archive/")
    assert (root.connection, root.address, root.may_write, root.is_folder) == (None, str(data / "archive"), False, True)
    assert roots_elsewhere(prod) == {"archive"} and storages_of(prod) == {"archive": f"folder {root.address}"}
    assert [one.address for one in judged_by(prod) if one.name == "archive"] == [""], "its address is no prefix of anything"
    assert [one["where"] for one in roots_in_words(prod)] == ["the folder of prod", "a folder of this machine"]
    edit = {"actor": ada, "root": root, "connection": "", "edition": root.edition}
    changed = connections.edit_root(**edit, address=str(data / "other"), may_write=True)
    assert (changed.address, changed.may_write) == (str(data / "other"), True)
    with pytest.raises(Conflict):
        connections.edit_root(**edit, address=str(data / "other"), may_write=False)
    connections.remove_root(actor=ada, root=changed)
    said = [event.details for event in AuditEvent.objects.filter(action__in=("add_root", "edit_root")).order_by("pk")]
    assert [one["folder"] for one in said] == [str(data / "archive"), str(data / "other")]


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("{data}", "below"),
        ("{data}/../elsewhere", "without"),
        ("{data}/./archive", "without"),
        ("{data}//archive", "without"),
        ("{data}/archive/\n", "without"),
        ("{data}-not", "below"),
        ("{data}/link", "link"),
        ("{data}/link/deeper", "link"),
        ("{data}/gone", "no folder"),
        ("{data}/file", "no folder"),
        ("/", "from the top"),
        ("", "from the top"),
        ("archive", "from the top"),
        ("file:///srv/data", "from the top"),
        ("/etc", "below"),
        ("/srv/other", "below"),
        ("/" + "x" * 700, "without"),
    ],
)
def test_what_is_no_folder_below_an_allowed_one_is_refused(data: Path, make: Make, folder: str, words: str) -> None:
    (data / "link").symlink_to(data / "archive")
    (data / "archive/deeper").mkdir()
    (data / "file").write_text("")
    Path(f"{data}-not").mkdir()
    with pytest.raises(PortalError, match=words) as refusal:
        make(folder=folder.format(data=data))
    assert refusal.value.extra["field"] == "address"


def test_without_an_operator_there_is_none_and_the_page_says_whom_to_ask(
    ada: User, prod: Environment, browser_of: Any, settings: Any
) -> None:
    settings.ROOT_FOLDERS = []
    with pytest.raises(PortalError, match="no operator has allowed one") as refusal:
        connections.add_root(actor=ada, environment=prod, name="x", connection="", address="/srv/data")
    assert "SLUICE_ROOT_FOLDERS" in str(refusal.value.fix)
    html = browser_of(ada).get(LIST).content.decode()
    assert "SLUICE_ROOT_FOLDERS" in html and 'name="address"' not in html


@pytest.mark.parametrize("name", ["SLUICE_HOME", "LAKE_DIR", "RUN_DIR", "BASE_DIR", "OBJECT_STORE"])
@pytest.mark.parametrize("where", ["", "/inside", "around"])
def test_nothing_of_sluices_own_is_a_root(data: Path, make: Make, settings: Any, name: str, where: str) -> None:
    own = data / "archive"
    setattr(settings, name, str(own) if name == "OBJECT_STORE" else own)
    folder = own / "2013" if where == "/inside" else own
    if where == "around":
        folder, inside = data / "other", data / "other/deep"
        inside.mkdir()
        setattr(settings, name, str(inside) if name == "OBJECT_STORE" else inside)
    with pytest.raises(PortalError, match="keeps for itself"):
        make(folder=folder)


def test_secrets_that_an_operator_mounts_are_no_root(data: Path, make: Make, settings: Any) -> None:
    settings.SECRET_BACKENDS = f'{{"mounted": {{"kind": "files", "folder": "{data}/archive", "environments": {{}}}}}}'
    from portal.environments.backends import WrongSetting, backends

    try:
        backends()
    except WrongSetting:
        settings.SECRET_BACKENDS = f'{{"mounted": {{"kind": "files", "folder": "{data}/archive"}}}}'
    assert backends()
    with pytest.raises(PortalError, match="keeps for itself"):
        make()


@pytest.mark.parametrize("right", ["r", "w"])
def test_a_folder_that_executors_may_not_use_is_refused(data: Path, make: Make, monkeypatch: pytest.MonkeyPatch, right: str) -> None:
    if os.geteuid() == 0:
        (data / "archive").chmod(0o733 if right == "r" else 0o755)
    else:
        (data / "archive").chmod(0o333 if right == "r" else 0o555)
    with pytest.raises(PortalError, match="may not be read" if right == "r" else "Nothing may be written"):
        make(may_write=True)
    if right == "w":
        assert not make().may_write


def test_a_place_has_one_root_and_of_all_environments_one_writes_there(
    ada: User, dev: Environment, prod: Environment, data: Path, make: Make
) -> None:
    make(may_write=True)
    for folder in (data / "archive", data / "archive/2013"):
        for about in ({}, {"may_write": True}):
            with pytest.raises(Conflict, match="“archive” lies there"):
                make("second", folder, **about)
        with pytest.raises(Conflict, match="of prod"):
            make("second", folder, dev, may_write=True)
    assert not make("readers", data / "archive/2013", dev).may_write
    with pytest.raises(Conflict, match="“readers” lies there"):
        make("around", data / "archive", dev)
    with pytest.raises(Conflict):
        connections.edit_root(
            actor=ada, root=dev.roots.get(name="readers"), connection="", address=str(data / "archive/2013"), may_write=True
        )


def test_what_one_project_writes_no_other_reads(ada: User, prod: Environment, harbour: Project, data: Path, make: Make) -> None:
    theirs = harbour.environments.order_by("rank")[0]
    hal = factories.make_person("hal", harbour, "environment_admin")
    root = make(may_write=True)
    give = {"actor": hal, "environment": theirs, "name": "x", "connection": "", "address": str(data / "archive/2013")}
    with pytest.raises(Conflict, match="of another project"):
        connections.add_root(**give)
    connections.edit_root(actor=ada, root=root, connection="", address=root.address, may_write=False)
    assert connections.add_root(**give).address == str(data / "archive/2013"), "what both only read, both may have"
    with pytest.raises(Conflict, match="of another project"):
        connections.edit_root(actor=ada, root=prod.roots.get(name="archive"), connection="", address=root.address, may_write=True)


def test_what_prod_writes_is_read_in_dev_by_who_manages_both(flights: Project, dev: Environment, data: Path, make: Make) -> None:
    make(may_write=True)
    of_dev = factories.make_person("dan", flights, "environment_admin@dev")
    with pytest.raises(Conflict, match="of prod"):
        connections.add_root(actor=of_dev, environment=dev, name="mine", connection="", address=str(data / "archive"))
    assert make("mine", environment=dev).address and mounts_of(dev, needs("mine"))


def test_a_folder_may_be_one_project_s_alone(ada: User, prod: Environment, dev: Environment, data: Path, make: Make, settings: Any) -> None:
    for name in ("flights/prod/in", "harbour/prod/in"):
        (data / name).mkdir(parents=True)
    settings.ROOT_FOLDERS = [f"{data}/{{project}}/{{environment}}"]
    assert make(folder=data / "flights/prod/in").address == str(data / "flights/prod/in")
    for environment, folder in ((prod, "harbour/prod/in"), (prod, "flights/prod"), (prod, "flights"), (dev, "flights/prod/in")):
        with pytest.raises(PortalError, match="below"):
            make("other", data / folder, environment)
    settings.ROOT_FOLDERS = [f"{data}/{{project}}"]
    assert make("other", data / "flights/prod/in", dev).address


def test_one_folder_with_two_paths_is_one(data: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a folder is mounted twice."""
    make(may_write=True)
    stat = os.stat
    twin = data / "other"
    monkeypatch.setattr("portal.environments.folders.os.stat", lambda path, **words: stat(data / "archive" if Path(path) == twin else path))
    with pytest.raises(Conflict, match="“archive” lies there"):
        make("second", twin)


# --- what programs get ------------------------------------------------------------------------------------------------


def test_only_what_is_asked_for_is_handed_over_and_only_what_is_written_can_be(prod: Environment, data: Path, make: Make) -> None:
    make(may_write=True)
    make("other", data / "other")
    (mount,) = mounts_of(prod, needs("archive"))
    assert (mount.path, mount.place, mount.writable) == (str(data / "archive"), "/roots/archive", False)
    assert [one.writable for one in mounts_of(prod, needs("archive", "other", written=("archive", "other")))] == [True, False]
    told = reach_of(prod, used_by="a test", needs=needs("archive")).for_executor()["roots"]
    assert (told["archive"]["folder"], told["other"]["folder"]) == ("/roots/archive", "") and "folder" not in told["lake"]
    assert str(data) not in str(told)


@pytest.mark.parametrize("what", ["gone", "link", "taken back", "no right", "overlaps"])
def test_a_root_that_can_no_longer_be_used_is_named(
    ada: User, dev: Environment, prod: Environment, data: Path, make: Make, settings: Any, what: str
) -> None:
    make(may_write=True)
    if what == "gone":
        shutil.rmtree(data / "archive")
    elif what == "link":
        shutil.rmtree(data / "archive")
        (data / "archive").symlink_to(data / "other")
    elif what == "taken back":
        settings.ROOT_FOLDERS = [str(data / "other")]
    elif what == "no right":
        (data / "archive").chmod(0o700 if os.geteuid() == 0 else 0o000)
    else:
        Root.objects.create(environment=prod, name="other", address=str(data / "archive/2013"))
    with pytest.raises(PortalError, match="The root “archive” of prod cannot be used") as refusal:
        reach_of(prod, used_by="a test", needs=needs("archive", written=("archive",)))
    assert refusal.value.code == "root-folder-unusable" and str(data) not in refusal.value.message
    assert mounts_of(prod, needs("lake")) == ()


def test_a_run_notices_that_its_folder_is_another_one(prod: Environment, data: Path, make: Make) -> None:
    make(may_write=True)
    asked = needs("archive", written=("archive",))
    begun, mounts = reach_of(prod, used_by="a test", needs=asked), mounts_of(prod, asked)
    assert is_still(prod, begun, asked, mounts) == ""
    (data / "archive").rename(data / "moved")
    (data / "archive").mkdir()
    assert "folder of the root “archive”" in is_still(prod, begun, asked, mounts)
    Root.objects.filter(name="archive").update(address=str(data / "other"))
    assert "root “archive” of prod was changed" in is_still(prod, begun, asked, mounts)


def test_the_default_root_goes_to_a_folder_and_back(ada: User, prod: Environment, data: Path) -> None:
    root = connections.edit_root(actor=ada, root=prod.roots.get(), connection="", address=str(data / "archive"), may_write=True)
    assert root.is_folder and root.is_default and roots_elsewhere(prod) == {"lake"}
    assert reach_of(prod, used_by="a test", needs=needs("lake")).for_executor()["roots"]["lake"]["folder"] == "/roots/lake"
    back = connections.edit_root(actor=ada, root=root, connection="", address="", may_write=True)
    assert not back.is_folder and roots_elsewhere(prod) == frozenset()


# --- pages and API ----------------------------------------------------------------------------------------------------


def test_the_page_makes_changes_and_removes_one(ada: User, prod: Environment, data: Path, browser_of: Any) -> None:
    browser = browser_of(ada)
    page = f"{LIST.removesuffix('/connections')}/roots"
    refused = browser.post(page, {"name": "archive", "address": "/etc"})
    assert refused.status_code == 422 and "below" in refused.content.decode() and "/etc" in refused.content.decode()
    assert browser.post(page, {"name": "archive", "address": str(data / "archive")})["Location"] == LIST
    html = browser.get(LIST).content.decode()
    assert str(data / "archive") in html and "Roots in folders of this machine" in html
    (data / "archive").rename(data / "away")
    assert "The root “archive” of prod cannot be used: its folder is gone." in browser.get(LIST).content.decode()
    (data / "away").rename(data / "archive")
    root = prod.roots.get(name="archive")
    browser.post(f"{page}/archive/edit", {"edition": root.edition, "may_write": "yes"})
    assert prod.roots.get(name="archive").may_write
    browser.post(f"{page}/archive/remove")
    assert not prod.roots.filter(name="archive").exists()


def test_a_program_does_the_same_and_others_are_not_told_where_it_lies(
    ada: User, vic: User, prod: Environment, data: Path, browser_of: Any
) -> None:
    browser = browser_of(ada)
    given = {"name": "archive", "address": str(data / "archive"), "may_write": True}
    made = browser.post(API, given, content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json() | {"edition": ""} == given | {
        "connection": None,
        "is_folder": True,
        "is_default": False,
        "edition": "",
        "test": None,
    }
    changed = browser.patch(f"{API}/archive", {"may_write": False}, content_type="application/json").json()
    assert (changed["address"], changed["may_write"]) == (given["address"], False)
    assert browser.post(API, given | {"name": "x", "address": "/etc"}, content_type="application/json").status_code == 422
    for address in (API, f"{API}/archive"):
        seen = browser_of(vic).get(address)
        assert seen.status_code == 200 and str(data) not in seen.content.decode()
    assert browser_of(vic).post(API, given, content_type="application/json").status_code == 404
    assert browser.delete(f"{API}/archive").status_code == 204


def test_an_operator_names_folders_and_not_the_whole_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.path.realpath(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setenv("X", f"/srv/data/, {tmp_path}/link, {tmp_path}/link/{{project}}/x/{{environment}}")
    assert env_folders("X") == [os.path.realpath("/srv/data"), real, f"{real}/{{project}}/x/{{environment}}"]
    for wrong in ("/", "srv/data", "/srv/..", ".", "/{project}", "/srv/{environment}", "/srv/x{project}", "/srv/{project", "/srv/{0}"):
        monkeypatch.setenv("X", wrong)
        with pytest.raises(ImproperlyConfigured):
            env_folders("X")


def test_who_names_a_folder_is_offered_those_that_can_be_one_now(
    ada: User, prod: Environment, dev: Environment, data: Path, make: Make, browser_of: Any, settings: Any, tmp_path: Path
) -> None:
    own = data / "own"
    for name in ("fresh/deep/deeper", ".hidden/x", "own/lake", "closed"):
        (data / name).mkdir(parents=True)
    (data / "link").symlink_to(data / "fresh")
    (data / "file.csv").write_text("")
    settings.LAKE_DIR = own / "lake"
    for folder in (data / "fresh", data / "fresh/deep"):
        folder.chmod(0o777)
    make()
    assert folders.offered(prod, ada) == [str(data / name) for name in ("closed", "fresh", "fresh/deep", "other")]
    for path in folders.offered(prod, ada):
        assert folders.checked(prod, path, may_write=False, actor=ada) == path
    html = browser_of(ada).get(LIST).content.decode()
    assert f'<option value="{data / "fresh"}">' in html and str(data / "archive/2013") not in html
    settings.ROOT_FOLDERS = [str(data / "nothing-there")]
    assert folders.offered(prod, ada) == []
    assert "none there can be one now" in browser_of(ada).get(LIST).content.decode()
