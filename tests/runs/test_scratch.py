"""Folders of executors: removed beside the work, whatever was left in them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.files import tree
from portal import health
from portal.runs import sandbox, scratch
from portal.runs.scratch import YOUNG_SECONDS, Cleaner, Scratch
from tests.executor.test_tree import ODD_NAMES, nest

if TYPE_CHECKING:
    from portal.runs.models import Run


@pytest.fixture(autouse=True)
def run_dir(settings: Any, tmp_path: Path) -> Path:
    settings.RUN_DIR = tmp_path / "run"
    return tmp_path / "run"


def left(name: str) -> Scratch:
    """A folder whose process has died a while ago."""
    found = Scratch(name)
    os.close(found._lock)  # type: ignore[arg-type]
    long_ago = time.time() - YOUNG_SECONDS - 1
    os.utime(found.folder, (long_ago, long_ago))
    return found


def gone(path: Path) -> bool:
    for _ in range(200):
        if not path.exists():
            return True
        time.sleep(0.05)
    return False


def test_leftovers_go_and_folders_in_use_stay() -> None:
    used, old = Scratch("used"), left("left")
    os.utime(used.folder, (0, 0))
    Cleaner().look()
    assert used.path.is_dir()
    assert not old.folder.exists()
    used.remove()
    assert gone(used.folder)
    used.remove()


def test_what_an_executor_does_to_its_folder_does_not_keep_it() -> None:
    """Its age, its rights and its depth are not the executor's to set."""
    old = left("left")
    os.utime(old.path, (2**32, 2**32))
    nest(old.path, 3_000)
    for name in ODD_NAMES:
        os.mkdir(os.fsencode(old.path) + b"/" + name)
    (old.path / "loop").symlink_to("loop")
    old.path.chmod(0)
    Cleaner().look()
    assert not old.folder.exists()


def test_giving_up_a_folder_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, real = threading.Event(), tree.remove

    def slow(path: Path) -> None:
        may_go_on.wait(20)
        real(path)

    monkeypatch.setattr(tree, "remove", slow)
    used = Scratch("used")
    used.remove()
    assert used.folder.exists()
    may_go_on.set()
    assert gone(used.folder)


def test_what_cannot_go_is_set_aside_once_and_told(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stuck(path: Path) -> None:
        raise tree.NotRemoved(path, 1, "Operation not permitted")

    monkeypatch.setattr(tree, "remove", stuck)
    old = left("left")
    Cleaner().look()
    Cleaner().look()
    assert not old.folder.exists()
    assert scratch.set_aside() == [old.folder.name]
    assert caplog.text.count("could not be removed") == 1
    part = next(part for part in health.check_without_database() if part.name == "leftovers")
    assert (part.is_well, old.folder.name in part.says, "run/aside" in part.says, str(run_dir) in part.says) == (False, True, True, False)


@pytest.mark.django_db(transaction=True)
def test_a_folder_nobody_can_remove_stops_no_run(
    queued: Callable[..., Run], work: Callable[[Run], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(path: Path) -> None:
        raise tree.NotRemoved(path, 1, "Operation not permitted")

    monkeypatch.setattr(tree, "remove", stuck)
    left("left")
    assert [work(queued()).state, work(queued()).state] == ["succeeded", "succeeded"]


def test_a_change_under_running_programs_is_told(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "module.py"
    file.write_text("")
    os.utime(file, (1_000, 1_000))
    (tmp_path / "notes.txt").write_text("newer, but no program")
    assert not health.changed_since(2_000, tmp_path)
    os.utime(file, (3_000, 3_000))
    assert health.changed_since(2_000, tmp_path)


def test_a_wall_that_a_power_cut_left_empty_is_written_again() -> None:
    """Else nothing could be started behind it for ever, since each try says that it is still needed."""
    file = sandbox._kept(b"--unshare-all\0")
    file.write_bytes(b"")
    assert sandbox._kept(b"--unshare-all\0").read_bytes() == b"--unshare-all\0"
