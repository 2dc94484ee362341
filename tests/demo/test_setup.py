"""What is missing on a machine is said in one sentence, with the command that installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("sh", "sed", "cat", "cksum", "dirname", "grep", "env")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH with nothing but what every system has, and Python."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    (tmp_path / "python3.11").symlink_to(sys.executable)
    return tmp_path


def set_up(path: Path | str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"} | {"PATH": str(path)} | variables
    return subprocess.run(["/bin/sh", str(ROOT / "requirements" / "setup.sh")], env=env, capture_output=True, text=True, check=False)


def test_missing_java_is_said_with_the_command_that_installs_it(bare_path: Path) -> None:
    done = set_up(bare_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "setup  Java 17 is not installed, and Spark needs it; install it with: apt-get install openjdk-17-jre-headless"
    ]


def test_java_of_another_version_is_refused(bare_path: Path) -> None:
    (bare_path / "java").write_text("#!/bin/sh\necho 'openjdk version \"11.0.20\" 2023-07-18' >&2\n")
    (bare_path / "java").chmod(0o755)
    done = set_up(bare_path)
    assert done.returncode == 1 and "Java is version 11, and Spark needs 17" in done.stderr


def test_missing_python_is_said_with_the_command_that_installs_it(bare_path: Path) -> None:
    done = set_up(bare_path, PYTHON="python3.11-that-is-not-there")
    assert done.returncode == 1
    assert "apt-get install python3.11 python3.11-venv" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_set_up_machine_is_set_up_without_a_word() -> None:
    done = set_up(os.environ["PATH"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_committed_locks_have_hashes_and_name_no_host() -> None:
    from tests import locks

    assert locks.problems() == []
    assert locks.of_python("x.txt", "a==1 \\\n    --hash=sha256:0\nb==2\n") == ["x.txt: no hash for b==2"]
    assert locks.of_python("x.txt", "--index-url https://host/simple\n") == ["x.txt:1 names a host: --index-url https://host/simple"]
    assert locks.of_npm('{"packages": {"a": {"resolved": "https://host/a.tgz", "integrity": "sha512-0"}}}')


def test_a_folder_of_spark_goes_with_the_last_program_that_was_started_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set-up beside a running Sluice takes no jar away from it; nor does one that finds nothing to do keep what nobody needs."""
    from executor import setup_spark
    from executor.problems import ProblemError
    from executor.spark.home import SparkHome

    def make(home: SparkHome, say: object) -> None:
        home.jars.mkdir(parents=True)
        home.ready_mark.touch()

    monkeypatch.setattr(setup_spark, "_make", make)
    monkeypatch.setattr(setup_spark, "set_up_connectors", lambda home, say: None)
    old, new = (SparkHome(tmp_path / f"{setup_spark.SPARK_VERSION}-{name}") for name in ("old", "new"))
    setup_spark.set_up(old)
    in_use = old.in_use()
    program = subprocess.Popen(["sleep", "60"], pass_fds=(in_use,))
    os.close(in_use)
    setup_spark.set_up(new)
    assert old.is_complete() and new.is_complete()
    with pytest.raises(ProblemError, match="in use"):
        setup_spark.set_up(old, force=True)
    program.kill()
    program.wait()
    setup_spark.set_up(new)
    assert not old.path.exists() and new.is_complete()
