"""The supervisor: what dies comes back, and nothing outlives it."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.demo import stack
from portal.demo.supervisor import Child, Program, Supervisor, describe_exit
from portal.demo.terminal import Terminal, readable
from portal.errors import PortalError

SUPERVISE = """
import sys
from pathlib import Path
from portal.demo.supervisor import Program, Supervisor
from portal.demo.terminal import Terminal
folder, *code = sys.argv[1:]
with Supervisor(Terminal(Path(folder))) as supervisor:
    for number, text in enumerate(code):
        supervisor.start(Program(f"child{number}", (sys.executable, "-c", text), stop_seconds=1.0))
    supervisor.terminal.say("all started")
    supervisor.run_until(lambda: False)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('pid', __import__('os').getpid()); time.sleep(300)"
LEAVES_A_GRANDCHILD = (
    "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True); "
    "print('pid', p.pid); time.sleep(300)"
)


class Supervised:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, *code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", SUPERVISE, str(folder), *code], stdout=subprocess.PIPE, text=True, cwd=stack.settings.BASE_DIR
        )
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return line
        raise AssertionError(f"“{text}” was not shown: {self.lines}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def is_gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def pid_in(line: str) -> int:
    return int(line.rsplit("pid", 1)[1])


def test_a_program_that_dies_is_started_again_and_said_so(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, "import sys; print('hello'); sys.exit(3)")
    supervised.read_until("hello")
    assert "child0 ended with exit code 3; starting it again now" in supervised.read_until("again now")
    supervised.read_until("hello")
    supervised.read_until("again in 1 s")
    supervised.end(signal.SIGTERM)


def test_ctrl_c_ends_a_program_that_ignores_sigterm(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, STUBBORN)
    pid = pid_in(supervised.read_until("pid"))
    assert supervised.end(signal.SIGINT) == 0
    assert is_gone(pid)


def test_ctrl_c_ends_what_a_program_started_in_a_session_of_its_own(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, LEAVES_A_GRANDCHILD)
    pid = pid_in(supervised.read_until("pid"))
    supervised.end(signal.SIGINT)
    assert is_gone(pid)


def test_programs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, "import os, time; print('pid', os.getpid()); time.sleep(300)")
    pid = pid_in(supervised.read_until("pid"))
    supervised.end(signal.SIGKILL)
    assert is_gone(pid)


def test_pauses_grow_and_end_at_half_a_minute() -> None:
    child = Child(Program("web", ("true",)))
    pauses = []
    for deaths in range(1, 9):
        child.deaths = deaths
        pauses.append(child.pause())
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]


def test_port_in_use_is_one_sentence_that_says_what_to_do() -> None:
    with stack.listen(0) as taken, pytest.raises(PortalError) as refusal:
        stack.listen(taken.getsockname()[1])
    assert "is in use" in refusal.value.message and "make demo PORT=" in str(refusal.value.fix)


@pytest.mark.parametrize("text", ["abc", "-1", "70000", ""])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PortalError, match="PORT is"):
        stack.port_number(text)


def test_lines_lose_their_own_time_and_show_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(tmp_path)
    terminal.line("worker", "2026-11-24 03:30:00,123 INFO portal.runs \x1b[2J[red]Run\x07 starts")
    shown = capsys.readouterr().out
    assert "worker" in shown and "[red]Run starts" in shown
    assert "\x1b[2J" not in shown and "portal.runs" not in shown


def test_of_a_traceback_only_the_last_line_is_shown_and_all_of_it_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(tmp_path)
    for line in ("Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: no", "next line"):
        terminal.line("web", line)
    shown = capsys.readouterr().out
    assert "ValueError: no" in shown and "x.py" not in shown and "next line" in shown
    assert 'File "x.py"' in (tmp_path / "web.log").read_text()


def test_a_full_disk_ends_neither_the_supervisor_nor_what_it_looks_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/dev/full` takes no byte, as a full disk does."""
    (tmp_path / "web.log").symlink_to("/dev/full")
    terminal = Terminal(tmp_path)
    monkeypatch.setattr(terminal, "_begun", {"web"})
    for number in range(3):
        terminal.line("web", f"line {number}")
    shown = capsys.readouterr().out
    assert all(f"line {number}" in shown for number in range(3)) and shown.count("cannot be written: No space left on device") == 1
    (tmp_path / "web.log").unlink()
    terminal.line("web", "room again")
    assert (tmp_path / "web.log").read_text().endswith("room again\n")


def test_what_cannot_be_started_again_just_now_is_tried_later_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(child: Child) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    supervisor, child = Supervisor(Terminal(tmp_path)), Child(Program("worker", ("true",)))
    child.again_at = time.monotonic()
    supervisor.children.append(child)
    monkeypatch.setattr(Child, "start", refused)
    monkeypatch.setattr("portal.demo.supervisor.reap_orphans", lambda known: None)
    supervisor.run_until(lambda: child.deaths > 0)
    assert child.again_at > time.monotonic()
    assert "worker cannot be started: Resource temporarily unavailable" in capsys.readouterr().out


def test_debug_lines_are_not_shown() -> None:
    assert readable("2026-11-24 03:30:00,123 DEBUG celery.pool tick") is None


def test_exits_are_said_in_words() -> None:
    assert describe_exit(1) == "ended with exit code 1"
    assert describe_exit(-signal.SIGKILL) == "was killed by SIGKILL"
