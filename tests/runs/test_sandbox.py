"""The wall that the portal builds round an executor, wherever Sluice itself lives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from portal.runs import sandbox


@pytest.mark.spark  # needs bubblewrap, which that part of the tests brings
@pytest.mark.parametrize("scratch", [True, False], ids=["run", "preview"])
def test_an_installation_below_tmp_is_seen_from_inside(settings, tmp_path: Path, scratch: bool) -> None:
    for folder in ("executor", "lake", "scratch"):
        (tmp_path / folder).mkdir()
    (tmp_path / "executor" / "mark").write_text("here")
    (tmp_path / "secret").write_text("not here")
    settings.BASE_DIR, settings.RUN_DIR = tmp_path, tmp_path / "run"
    look = ["/bin/sh", "-c", "cat executor/mark; ls secret; touch /tmp/x && echo writable"]

    done = subprocess.run(
        sandbox.wrapped(look, lake=tmp_path / "lake", writable=False, tmp=tmp_path / "scratch" if scratch else None),
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.stdout == "herewritable\n"
    assert "No such file" in done.stderr
