"""The executor works inside bubblewrap with nothing but what docs/decisions/sandbox-needs.md names, and sees nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.executor.running import ROOT, Outcome, lines, values_line

pytestmark = [pytest.mark.spark, pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")]

EXTRACT = {"type": "DelimitedExtract", "name": "flights", "inputURI": "raw/flights.csv", "header": True, "outputView": "flights"}
COUNT = {
    "type": "SQLTransform",
    "name": "counted",
    "sql": "SELECT origin, count(*) AS n FROM flights GROUP BY origin",
    "outputView": "counted",
}
SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "counted", "outputURI": "curated/counted"}
ENDLESS = COUNT | {"sql": "SELECT count(*) AS n FROM range(10000000) a CROSS JOIN range(10000000) b CROSS JOIN flights"}
FILES = {
    "hosts": "127.0.0.1 localhost sluice\n",
    "passwd": "sluice:x:65534:65534::/tmp:/usr/sbin/nologin\n",
}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "lake" / "raw").mkdir(parents=True)
    (tmp_path / "lake" / "raw" / "flights.csv").write_text("origin\nJFK\nEWR\nJFK\n")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "lake"


def wrapped(lake: Path, *command: str) -> list[str]:
    """The reference command line: every bind is needed, nothing else is."""
    base = [] if sys.base_prefix.startswith("/usr") else ["--ro-bind", sys.base_prefix, sys.base_prefix]
    return [
        *("bwrap", "--unshare-all", "--hostname", "sluice", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"),
        *("--new-session", "--die-with-parent", "--clearenv"),
        *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
        *("--symlink", "usr/lib64", "/lib64", "--symlink", "usr/sbin", "/sbin"),
        *("--ro-bind", "/etc/java-17-openjdk", "/etc/java-17-openjdk", "--ro-bind", "/etc/alternatives", "/etc/alternatives"),
        *("--ro-bind", str(lake.parent / "hosts"), "/etc/hosts", "--ro-bind", str(lake.parent / "passwd"), "/etc/passwd"),
        *("--tmpfs", "/tmp"),
        *base,
        *("--ro-bind", sys.prefix, sys.prefix, "--ro-bind", str(ROOT / "executor"), "/app/executor"),
        *("--proc", "/proc", "--dev", "/dev", "--bind", str(lake), "/lake", "--chdir", "/app"),
        *("--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "LANG", "C.UTF-8"),
        *command,
    ]


def executor(lake: Path) -> list[str]:
    return wrapped(lake, sys.executable, "-m", "executor", "run", "-", "--values", "-")


def test_a_run_works_behind_the_wall(lake: Path) -> None:
    done = subprocess.run(
        executor(lake), input=values_line([EXTRACT, COUNT, SAVE], Path("/lake")), capture_output=True, text=True, timeout=240
    )
    outcome = Outcome(done.returncode, lines(done.stdout))
    assert (outcome.code, outcome.result) == (0, "succeeded"), (done.stdout[-2000:], done.stderr[-2000:])
    assert list((lake / "curated" / "counted").glob("*.parquet"))
    assert (lake / "curated" / "counted").stat().st_uid == os.getuid()


def test_behind_the_wall_there_is_no_network_and_no_other_file(lake: Path) -> None:
    look = """
import json, os, socket
def reach(address):
    try:
        socket.create_connection(address, timeout=2).close()
        return True
    except OSError:
        return False
print(json.dumps({
    "network": reach(("10.0.0.1", 80)) or reach(("1.1.1.1", 53)),
    "home": os.path.exists("/root/.bashrc") or os.path.exists("/home"),
    "shadow": os.path.exists("/etc/shadow"), "names": sorted(os.environ), "uid": os.getuid(),
    "capabilities": [line for line in open("/proc/self/status") if line.startswith("CapEff")][0].split()[1]}))
"""
    done = subprocess.run(wrapped(lake, sys.executable, "-c", look), capture_output=True, text=True, timeout=60)
    seen = json.loads(done.stdout)
    assert (seen["network"], seen["home"], seen["shadow"], seen["uid"]) == (False, False, False, 65534)
    assert int(seen["capabilities"], 16) == 0
    assert set(seen["names"]) <= {"PATH", "HOME", "LANG", "PWD", "LC_CTYPE"}


def test_killing_the_wall_ends_everything_and_the_next_run_clears_what_was_staged(lake: Path) -> None:
    process = subprocess.Popen(executor(lake), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdin is not None and process.stdout is not None
    first = SAVE | {"name": "first", "inputView": "flights", "outputURI": "curated/first"}
    process.stdin.write(values_line([EXTRACT, first, ENDLESS, SAVE], Path("/lake"), run_id="doomed"))
    process.stdin.flush()
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "stage_entered" and event["stage"] == "save":
            break
    inside = _descendants(process.pid)
    process.kill()
    process.communicate()
    assert len(inside) >= 2 and all(_gone(pid) for pid in inside)
    assert not (lake / "curated" / "first").exists() and (lake / "curated" / ".sluice-staging" / "doomed").exists()
    lock = lake / "curated" / ".sluice-staging" / "doomed.lock"
    os.utime(lock, (time.time() - 3600,) * 2)
    done = subprocess.run(
        executor(lake), input=values_line([EXTRACT, COUNT, SAVE], Path("/lake")), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0
    assert sorted(entry.name for entry in (lake / "curated").iterdir()) == ["counted"]


def _descendants(pid: int) -> list[int]:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [found for child in children for found in (int(child), *_descendants(int(child)))]


def _gone(pid: int) -> bool:
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.1)
    return False
