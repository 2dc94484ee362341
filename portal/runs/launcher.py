"""The only file that knows how an executor is started, spoken to and ended.

A `Launch` says what would be started; `Executor` is one that lives. Both a run (threads) and a preview (asyncio) start from a `Launch`.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from executor.connections.base import Endpoint
from portal.environments.models import Environment
from portal.environments.mounts import Mount
from portal.errors import PortalError
from portal.runs import groups, sandbox
from portal.runs.egress import Egress
from portal.runs.groups import Group
from portal.runs.launches import Launch
from portal.runs.scratch import Scratch

READS = ("look", "list", "walk", "texts", "find", "take", "bring", "keep", "test-connection", "test-root", "table", "ddl", "register")
"""Programs over files that write nothing in the environment's folder."""
COMMANDS = {"change-table": "table", "optimize-table": "table"}
"""Commands of `python -m executor` that are another program here where they write."""
FREE_DESCRIPTOR = 20
"""The first that no part of a wall opens for itself."""
LONGEST_LINE = 1_000_000
"""Characters of one line that are kept; an executor that says more in one line is cut."""
FILES_ADDRESSES = 3
"""Address space of a program that looks at a file, in times of the memory it may have: libraries reserve more than they use."""
LINES_AHEAD = 5_000
"""Lines read but not yet stored. When it is full the executor waits for us."""


class SandboxMissing(PortalError):
    """This machine cannot build the wall, and the environment is protected."""

    code = "sandbox-missing"
    status = 503


class NotStarted(PortalError):
    """The machine has no room for a program, or refuses one, just now."""

    code = "not-started"
    status = 503


@contextmanager
def starting(*undo: Callable[[], None]) -> Iterator[ExitStack]:
    """Takes back what was made for a program that is not started after all. Raises NotStarted for what the machine refuses."""
    with ExitStack() as made:
        for one in undo:
            made.callback(one)
        try:
            yield made
        except OSError as error:
            raise NotStarted(
                f"The program for this cannot be started: {error.strerror or type(error).__name__}.",
                fix="Ask whoever runs the machine whether its disk or memory is full, then try again.",
            ) from error
        made.pop_all()


def command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "executor", "--end-with-stdin", *arguments]


def for_run(
    environment: Environment, name: str, *, warm: bool = False, endpoints: Iterable[Endpoint] = (), folders: Iterable[Mount] = ()
) -> Launch:
    """A fresh executor for one run. Its /tmp is a folder on disk (Spark spills there) whose name begins with `name`, gone when it ends.
    `warm`: it starts Spark before it reads what to run, see `portal.runs.warm_pool`. `endpoints`: what it may reach on other machines;
    `folders`: what it sees of this one besides the environment's own."""
    arguments = ["run", "-", "--environment", environment.name, "--values", "-", *(["--warm"] if warm else [])]
    return replace(_launch(arguments, environment, writable=True, scratch=name, endpoints=endpoints, folders=folders), is_warm=warm)


def for_previews(
    environment: Environment, endpoints: Iterable[Endpoint] = (), connectors: Iterable[str] = (), folders: Iterable[Mount] = ()
) -> Launch:
    """A warm executor for previews: it may read the environment's data, and write nothing but its own /tmp in memory. `endpoints`: what it
    may reach on other machines; `connectors`: what its Spark can reach besides files; `folders`: as of `for_run`, to read."""
    arguments = ["serve", *(word for name in connectors for word in ("--connector", name))]
    return _launch(arguments, environment, writable=False, scratch=None, endpoints=endpoints, folders=folders)


def for_files(
    environment: Environment, what: str, endpoints: Iterable[Endpoint] = (), source: Path | None = None, folders: Iterable[Mount] = ()
) -> Launch:
    """A short-lived program without Spark over the environment's data: READS read it, `unpack`, `put-back`, `repair` and `change-table`
    write it, `survey` reads it and tries where it could be written. `endpoints`: what it may reach on other machines; `source`: a file
    outside the wall that it may read; `folders`: as of `for_run`."""
    most = settings.FILES_MEMORY_MB
    launch = _launch(
        [COMMANDS.get(what, what), "--values", "-"],
        environment,
        writable=what not in READS,
        scratch=None,
        without_spark_mb=most,
        endpoints=endpoints,
        folders=folders,
    )
    start = launch.argv.index(sys.executable)
    limits = ["/usr/bin/prlimit", f"--as={FILES_ADDRESSES * most * 1024**2}", "--"]
    launch = replace(launch, argv=[*launch.argv[:start], *limits, *launch.argv[start:]])
    if source is None:
        return launch
    with starting(launch.clear):
        return replace(launch, source=_opened(source))


def _opened(file: Path) -> int:
    """The open file, which a program inherits whoever it is."""
    first = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, FREE_DESCRIPTOR)
    finally:
        os.close(first)


def hidden_folder(environment: Environment) -> Path:
    """Beside the environment's data, where no executor looks: files on their way in, and what was replaced or thrown away."""
    return Path(settings.LAKE_DIR) / environment.project.slug / ".sluice" / environment.name


def for_table_work(environment: Environment, what: str, endpoints: Iterable[Endpoint] = (), folders: Iterable[Mount] = ()) -> Launch:
    """Spark that works on a whole table. Its /tmp is a folder on disk, as that of a run."""
    return _launch(
        [COMMANDS.get(what, what), "--values", "-"], environment, writable=True, scratch="table", endpoints=endpoints, folders=folders
    )


def lake_folder(environment: Environment) -> Path:
    """The only data folder an executor of this environment sees."""
    folder: Path = settings.LAKE_DIR / environment.project.slug / environment.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compute_of(environment: Environment) -> dict[str, int]:
    """The compute profile as an executor is told it."""
    compute = environment.compute
    return {"cores": compute.cores, "memory_mb": compute.memory_mb, "shuffle_partitions": compute.shuffle_partitions}


def _launch(
    arguments: list[str],
    environment: Environment,
    *,
    writable: bool,
    scratch: str | None,
    without_spark_mb: int | None = None,
    endpoints: Iterable[Endpoint] = (),
    folders: Iterable[Mount] = (),
) -> Launch:
    """`scratch`: how the name of its folder on disk begins; None when its /tmp is memory. `without_spark_mb`: all the memory of a program
    that starts no Spark."""
    wall, argv, places, mounts = sandbox.status(), command(arguments), list(endpoints), tuple(folders)
    _require_wall(wall, environment)
    _require_folders(wall, mounts)
    if places:
        _require_own_network(wall)
    with starting() as made:
        lake = lake_folder(environment)
        sandbox.give_to_executors(lake)
        folder = Scratch(scratch) if scratch else None
        if folder:
            made.callback(folder.remove)
        heap, beside = (0, without_spark_mb) if without_spark_mb else (environment.compute.memory_mb, settings.RUN_EXTRA_MEMORY_MB)
        group = _group(heap + beside + settings.RUN_SHM_MB + (0 if folder else settings.PREVIEW_TMP_MB))
        if group:
            made.callback(group.remove)
        egress = Egress(places) if places else None
        if egress:
            made.callback(egress.close)
        about: dict[str, Any] = {
            "scratch": folder,
            "data": lake,
            "folders": mounts,
            "writes": writable,
            "memory_mb": heap,
            "beside_mb": beside,
            "group": group,
            "egress": egress,
        }
        if wall.kind == "full":
            argv = sandbox.wrapped(
                argv,
                lake=lake,
                writable=writable,
                tmp=folder.path if folder else None,
                tmp_mb=settings.PREVIEW_TMP_MB,
                memory_mb=environment.compute.memory_mb,
                egress=egress,
                roots=mounts,
            )
            return Launch(groups.entering(group, argv), {"PATH": os.environ.get("PATH", os.defpath)}, sandbox.LAKE, wall.kind, **about)
        dies_with_us = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        variables = sandbox.environment() | ({"TMPDIR": str(folder.path)} if folder else {})
        return Launch(groups.entering(group, [*dies_with_us, *argv]), variables, str(lake), wall.kind, **about)


def _group(memory_mb: int) -> Group | None:
    try:
        return Group.make(memory_mb=memory_mb, processes=settings.RUN_PROCESSES)
    except OSError as error:
        raise PortalError(
            f"The kernel makes no control group for a run just now ({error.strerror or error}).",
            code="group-refused",
            status=503,
            fix="Try again in a moment; if it stays so, whoever runs the machine can look at SLUICE_CGROUP.",
        ) from error


def _require_wall(wall: sandbox.Status, environment: Environment) -> None:
    if wall.kind == "full" or (wall.kind == "degraded" and not environment.is_protected):
        return
    message = f"This machine cannot keep a run apart from everything else. {wall.why}"
    if wall.kind == "degraded":
        message = f"{environment.name} is protected, and this machine cannot keep a run apart from everything else. {wall.why}"
    until = "only the lowest environment can run" if wall.kind == "degraded" else "nothing can run"
    raise SandboxMissing(message, fix=f"Ask whoever runs the machine to make bubblewrap work; until then {until}.")


def _require_folders(wall: sandbox.Status, folders: Sequence[Mount]) -> None:
    """Without a wall nothing would hold a program to them. They were looked at a moment ago; what has taken the place of one since was
    not."""
    if folders and wall.kind != "full":
        message = (
            f"The root “{folders[0].name}” lies in a folder of this machine, which cannot keep a run apart from its others. {wall.why}"
        )
        raise SandboxMissing(message, fix="Ask whoever runs the machine to make bubblewrap work; jobs without such roots run meanwhile.")
    gone = next((one.name for one in folders if not one.is_there), None)
    if gone is not None:
        raise PortalError(f"The folder of the root “{gone}” was moved or removed just now.", code="root-folder-unusable", status=409)


def _require_own_network(wall: sandbox.Status) -> None:
    """What reaches other machines is held to its places, or does not start; also where other programs may run without a wall."""
    why = wall.why if wall.kind != "full" else sandbox.why_no_own_network()
    if why:
        message = f"This needs other machines, and this machine cannot hold a run to the places that it may reach. {why}"
        raise SandboxMissing(message, fix="Ask whoever runs the machine; jobs over files of this machine run meanwhile.")


async def process_of(launch: Launch, *, longest_line: int, errors: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
    """Starts a launched program that is spoken to through pipes. `longest_line`: bytes; `errors`: where its standard error goes."""
    with starting(launch.clear):
        process = await asyncio.create_subprocess_exec(
            *launch.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=launch.environment,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            limit=longest_line,
            pass_fds=launch.descriptors,
        )
    launch.started()
    return process


def end(process: subprocess.Popen[str] | asyncio.subprocess.Process) -> None:
    """Kills a program that was launched; the kernel ends everything behind its wall. What has no wall yet ends as its standard input is
    closed, see `executor.lifeline`."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(OSError, ValueError):
        if process.stdin:
            process.stdin.close()


class Executor:
    """One executor process. `output` gives its lines as ("out" | "err", text) and ("end", "") once both streams are closed.

    Start it in the thread that stays with it: when that thread (or its process) ends, however suddenly, the executor dies too.
    """

    def __init__(self, launch: Launch, first: dict[str, Any] | None = None) -> None:
        """`first`: what it is told at once."""
        self.launch = launch
        self.output: queue.Queue[tuple[str, str]] = queue.Queue(maxsize=LINES_AHEAD)
        with starting(launch.clear):
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                launch.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=launch.environment,
                cwd=settings.BASE_DIR,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
                pass_fds=launch.descriptors,
            )
        launch.started()
        self._streams_open = 2
        self._heard = time.monotonic()
        self._lock = threading.Lock()
        self._abandoned = False
        self._readers = [self._read("out", self._process.stdout), self._read("err", self._process.stderr)]
        if first is not None:
            self.say(first)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def silent_seconds(self) -> float:
        """Since it last said anything. Where we are so slow that many lines wait, it is we who did not listen."""
        return 0.0 if self.output.qsize() > LINES_AHEAD // 2 else time.monotonic() - self._heard

    def say(self, message: dict[str, Any]) -> None:
        """One line on its standard input; an executor that has gone does not hear it."""
        stream = self._process.stdin
        with suppress(OSError, ValueError):
            if stream:
                stream.write(json.dumps(message, separators=(",", ":")) + "\n")
                stream.flush()

    def ask_to_end(self) -> None:
        """SIGTERM to the executor itself (not to the wall, which would fall at once)."""
        for pid in inner_pids(self.pid):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, with everything behind the wall."""
        end(self._process)

    def finish(self) -> int:
        """Waits until every process of it is gone, killing what is left; gives the exit code (negative: a signal). Removes its scratch."""
        self._abandoned = True
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        code = self._process.wait()
        self.kill()
        for reader in self._readers:
            reader.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(OSError, ValueError):
                if stream:
                    stream.close()
        self.launch.clear()
        return code

    def _read(self, name: str, stream: IO[str] | None) -> threading.Thread:
        thread = threading.Thread(target=self._pass_on, args=(name, stream), name=f"executor-{self.pid}-{name}", daemon=True)
        thread.start()
        return thread

    def _pass_on(self, name: str, stream: IO[str] | None) -> None:
        with suppress(OSError, ValueError):
            while stream and (line := stream.readline(LONGEST_LINE)):
                rest = line
                while rest and not rest.endswith("\n"):  # one line that is cut is one line, not several
                    rest = stream.readline(LONGEST_LINE)
                self._put((name, line.rstrip("\n")))
                self._heard = time.monotonic()
        with self._lock:
            self._streams_open -= 1
            last = self._streams_open == 0
        if last:
            self._put(("end", ""))

    def _put(self, item: tuple[str, str]) -> None:
        while not self._abandoned:
            with suppress(queue.Full):
                self.output.put(item, timeout=0.5)
                return


def inner_pids(pid: int) -> list[int]:
    """The processes that the wall round `pid` was built for: the first descendants that are not bubblewrap itself."""
    if _name_of(pid) not in ("bwrap", ""):
        return [pid]
    return [inner for child in _children(pid) for inner in inner_pids(child)]


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found
