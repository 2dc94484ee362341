"""Code that has got past every gate runs inside the very command line of a run and tries to get out: as the user who runs these tests,
and, where that is root, as the unprivileged user of an ordinary installation too."""

from __future__ import annotations

import errno
import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.connections import Endpoint
from executor.files import tree
from portal.runs import sandbox
from portal.runs.egress import Egress
from tests.executor.running import Outcome, lines, values_line
from tests.executor.test_in_sandbox import COUNT, EXTRACT, SAVE
from tests.runs.behind_the_wall import Wall

ATTACKER = Path(__file__).with_name("attacker.py")
pytestmark = pytest.mark.spark  # needs bubblewrap, which that part of the tests brings


@pytest.fixture(params=["without places", "with places"])
def found(request: pytest.FixtureRequest, wall: Wall) -> Iterator[dict[str, Any]]:
    """What the attacker of a run reached, in a run without a network and in one with a network of its own."""
    egress = Egress([Endpoint("lake.test", 443)]) if request.param == "with places" else None
    with socket.create_server(("127.0.0.1", 0)) as server:
        (wall.home / "secret").write_text("of the host")
        told = {
            "outside": [str(wall.home / "out"), str(wall.home / "run" / "out")],
            "outside_folders": [str(wall.home / "secret"), "/etc/shadow", "/root/.bashrc", "/home", "/var", "/sys/kernel", "/boot"],
            "children": 400,
            "port": server.getsockname()[1],
        }
        done = wall.run(ATTACKER.read_text(), told, egress=egress)
    assert done.returncode == 0, done.stderr[-3000:]
    yield dict(json.loads(done.stdout))
    if egress:
        egress.close()


def test_nothing_is_reached_from_inside(found: dict[str, Any], wall: Wall) -> None:
    me = sandbox.uid()
    assert (found["uid"], found["gid"]) == ([me] * 3, [me] * 3)
    assert set(found["groups"]) <= {me}
    assert {int(one, 16) for one in found["capabilities"]} == {0}
    assert (found["filter"], found["no_new_privs"]) == ("2", "1")
    assert found["settings"] == []
    assert {name: end for name, end in found["calls"].items() if end not in ("EPERM", "ENOSYS")} == {}
    assert {name for name, end in found["sockets"].items() if end == "ok"} == {"tcp", "udp6"}
    assert found["unshare"] != 0
    assert ([path for path in found["written"] if not path.startswith("/tmp/")], found["seen"]) == ([], [])
    assert {path.name for path in wall.home.iterdir()} == {"lake", "scratch", "executor", "run", "secret"}
    assert found["network"] == [False] * 3
    assert {name for name in found["environment"] if name.startswith(("SLUICE", "DJANGO", "USER"))} == {
        "SLUICE_PARSE_SECONDS",
        "SLUICE_ANALYSIS_SECONDS",
    }


def test_nobody_inside_is_told_the_hosts_paths(found: dict[str, Any], wall: Wall) -> None:
    assert "--args" in found["first process"]
    assert str(wall.home / "lake") not in found["first process"]
    assert str(wall.home / "scratch") not in found["first process"]
    assert found["processes"] < 10


def test_nothing_dangerous_comes_out(found: dict[str, Any], wall: Wall) -> None:
    assert {name: end for name, end in found["special"].items() if end not in ("EPERM", "ENOSYS")} == {}
    modes = {entry.name: entry.mode for entry in tree.Walk(wall.home / "lake")}
    assert set(modes) == {"program"}
    assert all(stat.S_ISREG(mode) and not mode & 0o6022 for mode in modes.values())


def test_what_fills_memory_or_the_table_of_processes_has_an_end(found: dict[str, Any], settings: Any) -> None:
    assert found["shm_mb"] <= settings.RUN_SHM_MB
    assert found["children"] < settings.RUN_PROCESSES * 4
    assert found["tmp_mb"] == 100  # on disk, where the supervisor measures it: test_measures.py


def test_a_previews_tmp_is_small_and_its_lake_is_only_read(wall: Wall) -> None:
    (wall.home / "lake" / "data").write_text("kept")
    script = (
        "import os, json\ninput()\ndone = 0\n"
        "try:\n"
        "    with open('/tmp/x', 'wb', buffering=0) as stream:\n"
        "        while done < 50:\n            stream.write(b'x' * 2**20); done += 1\n"
        "except OSError: pass\n"
        "try:\n    open('/lake/data', 'w')\n    wrote = True\nexcept OSError: wrote = False\n"
        "print(json.dumps([done, wrote, open('/lake/data').read()]))"
    )
    done = wall.run(script, {}, writable=False, tmp=None, tmp_mb=20)
    megabytes, wrote, text = json.loads(done.stdout)
    assert (wrote, text) == (False, "kept")
    assert megabytes <= 20


def test_memory_of_one_process_has_an_end(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MEMORY_BESIDE_HEAP_MB", 100)
    script = "input()\ntry:\n    x = bytearray(300 * 2**20)\nexcept MemoryError: print('refused')"
    assert wall.run(script, {}, memory_mb=64).stdout == "refused\n"


def test_an_installation_below_tmp_is_seen_from_inside(wall: Wall) -> None:
    (wall.home / "executor" / "mark").write_text("here")
    (wall.home / "executor" / "mark").chmod(0o644)
    (wall.home / "secret").write_text("not here")
    script = "import os; input(); print(open('executor/mark').read(), os.path.exists('secret')); open('/tmp/x', 'w'); print('writable')"
    for tmp in (wall.home / "scratch", None):
        assert wall.run(script, {}, tmp=tmp).stdout == "here False\nwritable\n"


def test_root_without_a_wall_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_why_not", lambda: "bubblewrap is not installed on this machine.")
    assert sandbox._tried(is_root=True).kind == "none"
    assert "start it as another user" in sandbox._tried(is_root=True).why
    assert sandbox._tried(is_root=False).kind == "degraded"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), subprocess.TimeoutExpired("bwrap", 30)])
@pytest.mark.parametrize("is_root", [True, False])
def test_nothing_runs_without_a_wall_while_it_cannot_be_told_whether_there_is_one(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_root: bool
) -> None:
    """Else whoever fills the disk, or keeps the machine busy, would get runs without a wall; and pages, which show it, would fail."""

    def fails(*_: Any, **__: Any) -> None:
        raise error

    at, name = (sandbox, "make_tmp") if isinstance(error, OSError) else (sandbox.subprocess, "run")
    monkeypatch.setattr(at, name, fails)
    status = sandbox._tried(is_root=is_root)
    assert status.kind == "none" and "could not be tried on this machine just now" in status.why


def test_a_machine_that_is_busy_for_a_moment_is_tried_again_and_one_that_can_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second stack beside it may take the last process that the kernel allows."""
    clock, told = [1000.0], ["bwrap: fork failed.", "bwrap: fork failed.", "", "never asked"]
    monkeypatch.setattr(sandbox, "_kept_status", {})
    monkeypatch.setattr(sandbox, "_why_not", lambda: told.pop(0))
    monkeypatch.setattr(sandbox.time, "monotonic", lambda: clock[0])
    kinds = []
    for seconds in (0, 5, 31, 5, 31, 3600):
        clock[0] += seconds
        kinds.append(sandbox.status().kind == "full")
    assert kinds == [False, False, False, False, True, True] and told == ["never asked"]


def test_this_machine_builds_the_wall() -> None:
    assert sandbox.status() == sandbox.Status("full")


def test_spark_works_behind_it_and_its_files_are_not_for_others(home: Path, settings: Any) -> None:
    """The limits of `wrapped` are those of a run; the preview reads what the run has published, in a network of its own."""
    settings.RUN_DIR = home / "run"
    (home / "lake" / "raw").mkdir(parents=True)
    (home / "lake" / "raw" / "flights.csv").write_text("origin\nJFK\nEWR\nJFK\n")
    (home / "scratch").mkdir()
    for name in ("lake", "scratch"):
        sandbox.give_to_executors(home / name)
    argv = sandbox.wrapped(
        [sys.executable, "-m", "executor", "run", "-", "--values", "-"], lake=home / "lake", writable=True, tmp=home / "scratch"
    )
    done = subprocess.run(
        argv, input=values_line([EXTRACT, COUNT, SAVE], Path("/lake")), capture_output=True, text=True, timeout=240, check=False
    )
    outcome = Outcome(done.returncode, lines(done.stdout))
    assert (outcome.code, outcome.result) == (0, "succeeded"), (done.stdout[-2000:], done.stderr[-2000:])
    written = [entry for entry in tree.Walk(home / "lake") if entry.path.startswith("curated/")]
    assert any(entry.name.endswith(".parquet") for entry in written)
    assert not [entry.path for entry in written if entry.mode & 0o6007]
    read = {"type": "ParquetExtract", "name": "read", "inputURI": "curated/counted", "outputView": "read"}
    egress = Egress([Endpoint("lake.test", 443)])
    show = [sys.executable, "-m", "executor", "preview", "-", "--to", "read", "--values", "-"]
    argv = sandbox.wrapped(show, lake=home / "lake", writable=False, egress=egress)
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, pass_fds=[egress.descriptor]) as process:
        egress.serve()
        told, errors = process.communicate(values_line([read], Path("/lake")), timeout=240)
    egress.close()
    assert process.returncode == 0, (told[-2000:], errors[-2000:])
    assert '"JFK"' in told
