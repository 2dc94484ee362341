"""Keeps a few programs running: shows their lines, starts again what dies, and ends all of it together."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from portal.demo.processes import adopt_orphans, end_orphans, reap_orphans, signal_group, spawn
from portal.demo.terminal import Terminal

LONGEST_PAUSE = 30.0
CALM_SECONDS = 60.0
"""A program that lived this long before it died is started again at once."""


@dataclass(frozen=True)
class Program:
    """What to start. `last` programs end after the others; a `script` ends by itself and is not started again."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    stop_seconds: float = 10.0
    last: bool = False
    script: bool = False


class Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.exit_code: int | None = None
        self.deaths = 0
        self.again_at: float | None = None
        self._rest = b""
        self._since = 0.0

    def start(self) -> None:
        env = {**os.environ, "PYTHONUNBUFFERED": "1", **self.program.env}
        self.process = spawn(self.program.command, env=env, pass_fds=self.program.pass_fds)
        os.set_blocking(self.pipe, False)
        self.again_at = None
        self._since = time.monotonic()

    @property
    def pipe(self) -> int:
        return self._live.stdout.fileno()  # type: ignore[union-attr]  # spawn() always makes the pipe

    @property
    def _live(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError(f"{self.program.name} is not running")
        return self.process

    def signal(self, number: int) -> None:
        signal_group(self._live, number)

    def ended(self) -> bool:
        """True once, when the process has ended."""
        if self.process is None or self.process.poll() is None:
            return False
        self.exit_code = self.process.returncode
        return True

    def forget_process(self) -> None:
        """Ends what the process left in its group, and decides when to start again."""
        self.signal(signal.SIGKILL)
        self._live.stdout.close()  # type: ignore[union-attr]
        self.process = None
        calm = time.monotonic() - self._since > CALM_SECONDS
        self.deaths = 1 if calm else self.deaths + 1

    def pause(self) -> float:
        """Seconds until the next start: 0, 1, 2, 4 … 30."""
        return min(LONGEST_PAUSE, 0.0 if self.deaths == 1 else 2.0 ** (self.deaths - 2))

    def _read(self) -> bytes:
        data = b""
        try:
            while len(data) < 1_000_000 and (part := os.read(self.pipe, 65_536)):
                data += part
        except BlockingIOError:
            pass
        return data

    def read_lines(self) -> list[str]:
        """The whole lines that have arrived."""
        *lines, self._rest = (self._rest + self._read()).split(b"\n")
        if len(self._rest) > 65_536:
            lines, self._rest = [*lines, self._rest], b""
        return [line.decode("utf-8", "replace").rstrip("\r") for line in lines]


class Supervisor:
    """One thread, one loop. Use as a context manager: leaving it stops everything."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.children: list[Child] = []
        self.stopping = False
        self.deaths = 0
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Supervisor:
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_signal(self, number: int, _: object) -> None:
        self.stopping = True

    def start(self, program: Program) -> Child:
        child = Child(program)
        self.children.append(child)
        self._start(child)
        return child

    def _start(self, child: Child) -> None:
        child.start()
        self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _start_again(self, child: Child) -> None:
        """A machine that cannot start one more process just now must not end all the others."""
        try:
            self._start(child)
        except OSError as error:
            child.deaths += 1
            child.again_at = time.monotonic() + max(1.0, child.pause())
            self.terminal.say(f"{child.program.name} cannot be started: {error.strerror}; it is tried again", "red")

    def run_until(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Looks after the programs until `condition()`, a signal, or the time is up. Returns whether the condition came true."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.stopping:
            if condition():
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            self._turn()
        return False

    def _turn(self) -> None:
        self._show_lines(0.1)
        for child in self.children:
            if child.ended():
                self._after_end(child)
            elif child.again_at is not None and time.monotonic() >= child.again_at:
                self._start_again(child)
        reap_orphans({child.process.pid for child in self.children if child.process})

    def _show_lines(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._show(key.data)

    def _show(self, child: Child) -> None:
        for line in child.read_lines():
            if child.program.script:
                self.terminal.plain(line)
            else:
                self.terminal.line(child.program.name, line)

    def _after_end(self, child: Child) -> None:
        self._selector.unregister(child.pipe)
        self._show(child)
        child.forget_process()
        if child.program.script or self.stopping:
            return
        self.deaths += 1
        pause = child.pause()
        child.again_at = time.monotonic() + pause
        when = f"in {pause:.0f} s" if pause else "now"
        self.terminal.say(f"{child.program.name} {describe_exit(child.exit_code)}; starting it again {when}", "yellow")

    def stop(self) -> None:
        """Ends every program, those marked `last` after the others, and whatever they left behind."""
        self.stopping = True
        for last in (False, True):
            self._stop(child for child in self.children if child.program.last is last and child.process)
        end_orphans()

    def _stop(self, children: Iterable[Child]) -> None:
        waiting = list(children)
        since = time.monotonic()
        for child in waiting:
            child.signal(signal.SIGTERM)
        while waiting:
            self._show_lines(0.05)
            for child in list(waiting):
                if child.ended():
                    self._after_end(child)
                    waiting.remove(child)
                elif time.monotonic() - since > child.program.stop_seconds:
                    child.signal(signal.SIGKILL)


def describe_exit(code: int | None) -> str:
    """“ended with exit code 1”, “was killed by SIGKILL”."""
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
