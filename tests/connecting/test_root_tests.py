"""Tests of roots in folders of this machine, from the button to the folder: behind the real wall."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.files import exchange, tree
from executor.stores.roots import roots_of
from executor.trials import folder
from portal.audit.models import AuditEvent
from portal.connecting import actions
from portal.environments import connections
from portal.environments.models import Root, RootTest
from portal.errors import NotAllowed, PortalError
from tests.data.programs import WORK, in_this_process
from tests.runs.conftest import programs as programs  # noqa: PLC0414

API = "/api/v1/projects/flights/environments/dev/roots/archive/test"
PAGES = "/p/flights/settings/environments/dev"
STEPS = ["Read", "Write", "Room"]


@pytest.fixture
def place(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A folder that may be a root, with two files that readers see."""
    import tempfile

    settings.LAKE_DIR, settings.RUN_DIR = tmp_path / "lake", tmp_path / "run"
    data = Path(os.path.realpath(tempfile.mkdtemp(prefix="sluice-data-")))
    settings.ROOT_FOLDERS = [str(data)]
    found = data / "archive"
    (found / "2013").mkdir(parents=True)
    for name in ("a.csv", "b.csv", ".hidden"):
        (found / name).write_text("n\n1\n")
    for one in (data, found):
        one.chmod(0o777)
    yield found
    tree.remove(data)


@pytest.fixture
def make(ada: Any, dev: Any, place: Path) -> Any:
    def made(may_write: bool = True) -> Root:
        about = {"connection": "", "address": str(place), "may_write": may_write}
        return connections.add_root(actor=ada, environment=dev, name="archive", **about)

    return made


def told(steps: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {step["name"].partition(" ")[0]: (step["state"], step["words"]) for step in steps}


def tried(place: Path, *, writes: bool = True) -> dict[str, Any]:
    """What the program says, without a wall."""
    given = {"lake": str(place.parent), "roots": {"archive": {"folder": str(place), "may_write": True}}, "connections": {}}
    with roots_of(given) as roots:
        return folder.try_root({"root": "archive", "writes": writes}, roots, lambda *_: None)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("may_write", [True, False])
def test_a_root_is_tried_behind_the_wall(ada: Any, place: Path, make: Any, programs: Any, browser_of: Any, may_write: bool) -> None:
    root, before = make(may_write), sorted(os.listdir(place))
    outcome = actions.test_root(actor=ada, root=root)
    found = told(outcome.steps)
    assert outcome.works and [state for state, _ in found.values()] == ["good"] * (4 if may_write else 3), outcome.steps
    assert list(found) == ["Folder", "Read", *(["Write"] if may_write else []), "Room"]
    assert found["Read"][1] == "2 files and 1 folder seen." and " free of " in found["Room"][1]
    assert sorted(os.listdir(place)) == before, "nothing of it is left"
    assert AuditEvent.objects.get(action="test_root").details == {"name": "archive", "works": True}
    piece = browser_of(ada).post(f"{PAGES}/roots/archive/test").content.decode()
    assert "2 files and 1 folder seen." in piece and "just now" in piece
    assert "/roots/archive/test" in browser_of(ada).get(f"{PAGES}/connections").content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_wrong_with_the_folder_is_the_first_step(
    ada: Any, place: Path, make: Any, settings: Any, program_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = in_this_process(monkeypatch)
    make()
    settings.ROOT_FOLDERS = []
    answer = program_of(ada).post(API, {}, format="json").json()
    assert (answer["works"], len(answer["steps"])) == (False, 1) and "no operator allows its folder any more" in answer["steps"][0]["words"]
    settings.ROOT_FOLDERS = [str(place.parent)]
    place.rename(place.with_name("away"))
    answer = program_of(ada).post(API, {}, format="json").json()
    assert not answer["works"] and "its folder is gone" in answer["steps"][0]["words"] and asked == []


@pytest.mark.django_db(transaction=True)
def test_only_who_manages_it_tests_it_and_only_such_a_root(
    ada: Any, ana: Any, dev: Any, make: Any, monkeypatch: pytest.MonkeyPatch, browser_of: Any
) -> None:
    monkeypatch.setitem(WORK, "test-root", folder.try_root)
    in_this_process(monkeypatch)
    root = make()
    with pytest.raises(NotAllowed):
        actions.test_root(actor=ana, root=root)
    with pytest.raises(PortalError, match="no folder of this machine"):
        actions.test_root(actor=ada, root=dev.roots.get(name="lake"))
    assert actions.test_root(actor=ada, root=root).works
    assert browser_of(ada).post(f"{PAGES}/roots/lake/test").status_code == 422


@pytest.mark.django_db(transaction=True)
def test_the_last_test_stands_with_the_root_until_that_changes(
    ada: Any, ana: Any, dev: Any, place: Path, make: Any, monkeypatch: pytest.MonkeyPatch, browser_of: Any, program_of: Any
) -> None:
    monkeypatch.setitem(WORK, "test-root", folder.try_root)
    in_this_process(monkeypatch)
    root = make()

    def shown() -> str:
        return browser_of(ada).get(f"{PAGES}/connections").content.decode()

    def by_api(who: Any) -> Any:
        answer = program_of(who).get(API.removesuffix("/archive/test")).json()
        return next(one["test"] for one in answer if one["name"] == "archive")

    assert "not tested" in shown() and by_api(ada) is None
    assert actions.test_root(actor=ada, root=root).is_kept
    page = shown()
    assert "works, tested" in page and "by Ada" in page and "2 files and 1 folder seen." in page and "changed since" not in page
    told_by_api = by_api(ada)
    assert (told_by_api["works"], told_by_api["by"], told_by_api["is_stale"]) == (True, "Ada", False) and told_by_api["steps"]
    assert by_api(ana) is None, "its steps name the folder"

    piece = browser_of(ada).post(f"{PAGES}/roots/archive/test").content.decode()
    assert f'id="tested-{root.pk}" hx-swap-oob="true"' in piece and RootTest.objects.count() == 1
    connections.edit_root(actor=ada, root=root, connection="", address=root.address, may_write=not root.may_write)
    page = shown()
    assert "changed since its test" in page and "works, tested" not in page and "as it was then" in page
    assert by_api(ada)["is_stale"]
    assert actions.test_root(actor=ada, root=dev.roots.get(pk=root.pk)).is_kept and "changed since" not in shown()


@pytest.mark.django_db(transaction=True)
def test_a_root_that_is_edited_while_it_is_tested_has_the_test_of_before(
    ada: Any, dev: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make()

    def tried(*given: Any) -> dict[str, Any]:
        connections.edit_root(actor=ada, root=root, connection="", address=root.address, may_write=False)
        return {"works": True, "steps": []}

    monkeypatch.setattr(actions, "_tried", tried)
    actions.test_root(actor=ada, root=dev.roots.get(pk=root.pk))
    assert RootTest.objects.get().is_stale

    def removed(*given: Any) -> dict[str, Any]:
        connections.remove_root(actor=ada, root=dev.roots.get(pk=root.pk))
        return {"works": True, "steps": []}

    monkeypatch.setattr(actions, "_tried", removed)
    assert not actions.test_root(actor=ada, root=dev.roots.get(pk=root.pk)).is_kept and not RootTest.objects.exists()


def test_a_file_that_may_not_be_read_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "a.csv").unlink()
    (place / "a.csv").symlink_to("/etc/passwd")  # a job would not follow it either
    (place / "c.csv").write_text("")
    real = folder._may_be_read
    monkeypatch.setattr(folder, "_may_be_read", lambda where, name: name != "b.csv" and real(where, name))
    found = told(tried(place, writes=False)["steps"])
    assert found["Read"][0] == "note" and "such as “b.csv”" in found["Read"][1] and "/etc/passwd" not in str(found)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "Nothing may be written there."), (errno.EROFS, "Nothing may be written there."), (errno.ENOSPC, "The disk is full")],
)
def test_where_nothing_can_be_written_it_says_why(place: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    def refused(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(folder.os, "fsync", refused)
    answer = tried(place)
    assert (answer["works"], answer["steps"][-1]["state"]) == (False, "bad") and answer["steps"][-1]["words"].startswith(words)
    assert sorted(os.listdir(place)) == [".hidden", "2013", "a.csv", "b.csv"]


def test_a_file_system_that_cannot_exchange_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: Any) -> None:
        raise OSError(errno.EINVAL, "no")

    monkeypatch.setattr(exchange, "rename", cannot)
    answer = tried(place)
    assert answer["works"] and told(answer["steps"])["Write"][0] == "note"


@pytest.mark.parametrize(("free", "names", "words"), [(40, 5_000, "4.1 MB."), (1, 5_000, "That is little."), (40, 3, "only 3 more files")])
def test_little_room_is_told(place: Path, monkeypatch: pytest.MonkeyPatch, free: int, names: int, words: str) -> None:
    class Disk:
        f_frsize, f_blocks, f_files = 4096, 1000, 10_000
        f_bavail, f_favail = free, names

    monkeypatch.setattr(folder.os, "statvfs", lambda _: Disk)
    answer = tried(place)
    assert answer["works"] and words in told(answer["steps"])["Room"][1]
