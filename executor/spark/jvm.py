"""Starts the JVM that holds Spark, listens to what it prints, and ends it.

The JVM is started directly (no spark-submit: that would start a shell and a second JVM first). Nothing secret is on its
command line or in its environment. It ends by itself when our end of its standard input closes.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from executor.problems import Problem, ProblemError
from executor.spark.deadline import watch_over
from executor.spark.home import MODULE_OPTIONS, SparkHome, java_command

LogSink = Callable[[str, str], None]
"""Takes a level (debug, info, warning, error) and one line."""

LEVELS = {"TRACE": "debug", "DEBUG": "debug", "INFO": "info", "WARN": "warning", "ERROR": "error", "FATAL": "error"}
START_SECONDS = 120
OUT_OF_MEMORY_EXIT = 3
"""The exit code of a JVM that was started with -XX:+ExitOnOutOfMemoryError."""

OUT_OF_MEMORY = Problem(
    code="out-of-memory",
    message="Spark ran out of memory and ended.",
    fix="Let the query make fewer or smaller rows (filter earlier, check joins), or use a larger compute profile.",
)
SPARK_KILLED = Problem(
    code="spark-killed",
    message="Spark was killed in the middle of the work: by somebody, or by the machine because its memory ran short.",
    fix="Run it again; if it happens again, let the query make fewer or smaller rows, or use a larger compute profile.",
)
SPARK_GONE = Problem(
    code="spark-gone", message="Spark ended in the middle of the work.", fix="Run it again; if it happens again, tell whoever runs Sluice."
)


PREVIEW, SMALL_RUN, RUN = "preview", "small run", "run"
"""What a JVM is started for. See `executor.running.small_run`."""
COMPILED_SIMPLY = ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=192m"]
"""One compiler, for which Java gives 48 MB: after some hundred queries these are full, and what was compiled goes and is made again."""

COMPILED_LATE = [
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
]
"""Ten times what Java takes: its thorough compiler works for what many rows go through, not for what a start goes through once or twice."""

SPEED = {
    PREVIEW: ["-XX:+UseSerialGC", *COMPILED_SIMPLY],
    SMALL_RUN: ["-XX:+UseParallelGC", *COMPILED_SIMPLY],
    RUN: ["-XX:+UseParallelGC", *COMPILED_LATE],
}
"""The parallel collector tells when memory is all but gone; the other one goes on collecting."""


def java_options(memory_mb: int, cores: int, kind: str, temp: Path) -> list[str]:
    """Options of the JVM. `kind`: a run goes through many rows fastest; the others are soonest done with few (simple
    compiler, serial collector)."""
    return [
        *MODULE_OPTIONS,
        *SPEED[kind],
        f"-Xmx{memory_mb}m",
        "-Xss4m",
        "-XX:MaxDirectMemorySize=256m",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        f"-XX:ActiveProcessorCount={max(cores, 2)}",
        f"-Djava.io.tmpdir={temp}",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Dcom.sun.jndi.ldap.object.trustURLCodebase=false",
        "-Dderby.system.home=/nonexistent",
        f"-Dlog4j2.configurationFile={Path(__file__).parent / 'log4j2.properties'}",
    ]


class Jvm:
    """One running JVM with a py4j gateway inside."""

    def __init__(self, home: SparkHome, options: list[str], log: LogSink, more_jars: Sequence[Path] = ()) -> None:
        """Starts the process, with `more_jars` behind Spark's, and returns at once; `connect` waits for it."""
        self._log = log
        self.last_lines: deque[str] = deque(maxlen=20)
        self._info_folder = tempfile.TemporaryDirectory(prefix="sluice-jvm-")
        self._info = Path(self._info_folder.name) / "connection"
        in_use = home.in_use()
        command = [java_command(), *options, "-cp", home.class_path(more_jars), "org.apache.spark.api.python.PythonGatewayServer"]
        self.process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(self._info),
            text=True,
            errors="replace",
            preexec_fn=_ignore_interrupt,  # noqa: PLW1509
            pass_fds=(in_use,),
        )
        os.close(in_use)  # the JVM has it now
        watch_over(self.process)
        self._reader = threading.Thread(target=self._read_output, name="jvm-output", daemon=True)
        self._reader.start()

    def _read_output(self) -> None:
        with self._pipe(self.process.stdout) as lines:
            for line in lines:
                level, text = parse_line(line.rstrip("\n"))
                self.last_lines.append(text)
                self._log(level, text)

    def connect(self) -> Any:
        """The py4j gateway, once the JVM is up. Raises ProblemError when it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        while not self._info.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ProblemError(self._not_started())
            time.sleep(0.01)
        with self._info.open("rb") as info:
            port, length = struct.unpack("!ii", info.read(8))
            secret = info.read(length).decode()
        self._info_folder.cleanup()
        return _gateway(port, secret)

    def _not_started(self) -> Problem:
        return Problem(
            code="spark-not-started",
            message="Spark could not be started.",
            found=f"The Java process ended with code {self.process.poll()}.",
            fix="Look at the detail. Too little memory in the compute profile and a missing `make setup` are the usual causes.",
            detail="\n".join(self.last_lines)[-2000:] or None,
        )

    def why_gone(self) -> Problem | None:
        """Why the JVM has ended; None when it lives. Waits a moment for one that is just ending."""
        try:
            code = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return None
        return {OUT_OF_MEMORY_EXIT: OUT_OF_MEMORY, -signal.SIGKILL: SPARK_KILLED}.get(code, SPARK_GONE)

    def stop(self, grace_seconds: float) -> None:
        """Asks the process to end by closing its input; kills it when it does not within `grace_seconds`."""
        self._close_input()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=grace_seconds)
        self.kill()

    def kill(self) -> None:
        """Ends the process now."""
        self.process.kill()
        self.process.wait()
        self._close_input()
        self._reader.join(timeout=5)

    def _close_input(self) -> None:
        with suppress(OSError):
            self._pipe(self.process.stdin).close()

    @staticmethod
    def _pipe(stream: IO[str] | None) -> IO[str]:
        if stream is None:
            raise RuntimeError("the JVM is always started with pipes")
        return stream


def parse_line(line: str) -> tuple[str, str]:
    """Level and text of one line of the JVM's output; a line that is not of our log form is a warning."""
    parts = line.split("\t", 3)
    if len(parts) == 4 and parts[0] == "SPARK":
        return LEVELS.get(parts[1], "info"), f"{parts[2]}: {parts[3]}"
    return "warning", line


def _environment(info: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "JAVA_HOME", "TZ") if name in os.environ}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return kept | {
        "PYSPARK_PYTHON": sys.executable,
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(info),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONNECT_MODE": "0",
    }


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _gateway(port: int, secret: str) -> Any:
    """Connects as pyspark itself does; it takes port and secret from the environment, where they stay no longer than the call."""
    from pyspark.java_gateway import launch_gateway

    from executor.spark.java_names import remember_names

    os.environ |= {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    try:
        gateway = launch_gateway()  # type: ignore[no-untyped-call]
    finally:
        del os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"]
    remember_names(gateway.jvm)
    return gateway
