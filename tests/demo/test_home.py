"""What Sluice keeps is read by nobody else on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from portal.config import home_folder, open_to_others

ROOT = Path(__file__).parents[2]


def modes(home: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()}


def test_a_new_home_and_its_database_are_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = os.umask(0)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0"],
            cwd=ROOT, env={**os.environ, "SLUICE_HOME": str(home)}, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert home.stat().st_mode & 0o777 == 0o700
    assert modes(home)["sluice.sqlite3"] == 0o600
    assert not any(mode & 0o077 for mode in modes(home).values())


def test_a_home_that_was_open_is_closed_and_what_is_not_ours_in_it_stays(tmp_path: Path, monkeypatch) -> None:
    home = tmp_path / "home"
    for name in ("lake", "log", "mail", "objects", "secrets"):
        (home / name).mkdir(parents=True)
    (home / "sluice.sqlite3").write_text("")
    (home / "notes").write_text("")
    for path in (home, *home.iterdir()):
        path.chmod(0o755)
    assert "mode is 755" in open_to_others(home)
    monkeypatch.setenv("SLUICE_HOME", str(home))
    assert home_folder(tmp_path / "other") == home
    assert open_to_others(home) == ""
    assert modes(home) == {
        "lake": 0o700,
        "log": 0o700,
        "mail": 0o700,
        "objects": 0o700,
        "secrets": 0o700,
        "sluice.sqlite3": 0o600,
        "notes": 0o755,
    }


def test_a_home_that_cannot_be_closed_is_told(tmp_path: Path, monkeypatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("SLUICE_HOME", str(home))
    monkeypatch.setattr(Path, "chmod", lambda self, mode: (_ for _ in ()).throw(PermissionError(1, "Operation not permitted")))
    home_folder(tmp_path / "other")
    assert "Other users of this machine can look" in open_to_others(home)


def test_over_an_older_home_what_stops_the_demo_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that another job owns there, for instance: the refusal's sentence is also that of its first problem."""
    from portal.demo.management.commands import load_demo
    from portal.errors import Conflict

    def refuse(console: object) -> None:
        said = {"message": "“a” is a place of b.", "fix": "Write to another folder."}
        raise Conflict(said["message"], fix=said["fix"], problems=[said, {"message": "“c” too."}])

    monkeypatch.setattr(load_demo, "load", refuse)
    with pytest.raises(CommandError) as told:
        load_demo.Command().handle(run=False)
    assert str(told.value) == "“a” is a place of b. “c” too. Write to another folder."
