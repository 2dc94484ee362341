"""Builds the one Spark session of a process from a compute profile, hardened so that SQL reaches nothing but the job's views.

The settings are a second line: the gate (`executor.gate.sql_gate`) decides what runs, the sandbox around the process is the wall.
"""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.files.tree import NotRemoved, remove
from executor.problems import Problem, ProblemError
from executor.spark import deadline
from executor.spark.connectors import jar_paths, settings_of
from executor.spark.home import SparkHome, pyspark_jars, spark_home
from executor.spark.jvm import RUN, Jvm, LogSink, java_options

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark.sql import SparkSession

REDACTED = "(?i)secret|password|passwd|token|access[.]?key|account[.]?key|credential|sas|pwd"
LIMITS = {"cores": (1, 256), "memory_mb": (512, 1_048_576), "shuffle_partitions": (1, 10_000)}


@dataclass(frozen=True)
class ComputeProfile:
    """What a run may use: processor cores, heap of the JVM in megabytes, partitions of a shuffle."""

    cores: int = 2
    memory_mb: int = 1024
    shuffle_partitions: int = 4

    @staticmethod
    def from_values(compute: dict[str, Any] | None) -> ComputeProfile:
        """From the `compute` object of the values. Raises ProblemError for an unknown key or a number out of range."""
        given = compute or {}
        for name, value in given.items():
            low, high = LIMITS.get(name, (1, 0))
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                expected = f"a whole number from {low} to {high}" if name in LIMITS else ", ".join(LIMITS)
                raise ProblemError(
                    Problem(
                        code="compute-profile",
                        message=f"The compute profile's “{name}” is not right.",
                        found=repr(value),
                        expected=expected,
                    )
                )
        return ComputeProfile(**given)


FEW_ROWS = {"spark.sql.inMemoryColumnarStorage.compressed": "false"}
"""For what reads little: packing the rows that stay in memory takes a fifth of its time, and saves room that nobody needs."""


def settings(profile: ComputeProfile, scratch: Path) -> dict[str, str]:
    """Spark's settings for one process that keeps everything it makes below `scratch`."""
    return {
        "spark.master": f"local[{profile.cores}]",
        "spark.app.name": "sluice",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.redaction.regex": REDACTED,
        "spark.default.parallelism": str(profile.cores),
        "spark.driver.maxResultSize": "256m",
        "spark.sql.shuffle.partitions": str(profile.shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # The old type (INT96) that Spark writes else has no zone, and Arrow and pandas read years before 1678 and after 2261 as others.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.runSQLOnFiles": "false",
        "spark.sql.legacy.javaCharsets": "true",  # else Spark reads no other encodings than Unicode and Latin-1
        "spark.sql.variable.substitute": "false",
        "spark.sql.scripting.enabled": "false",
        "spark.sql.artifact.isolation.enabled": "false",
        "spark.sql.files.ignoreCorruptFiles": "false",
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.sql.debug.maxToStringFields": "200",
        # Where in a program an expression was made, asked of both sides at every step: people see stages and columns, and never our lines.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.dataFrameQueryContext.enabled": "false",
        # Working out what must be true of each column takes for ever where many columns are made by long expressions, as typing does.
        "spark.sql.constraintPropagation.enabled": "false",
        # A part of a query that it finds to be needless has counted values all the same, and is dropped with its counts.
        "spark.sql.adaptive.optimizer.excludedRules": "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation",
        "spark.sql.ui.retainedExecutions": "1",
        "spark.ui.retainedJobs": "20",
        "spark.ui.retainedStages": "20",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
        "spark.hadoop.fs.permissions.umask-mode": "027",
        "spark.hadoop.fs.file.impl": "sluice.LocalFiles",
    }


class SparkProcess:
    """A JVM and the session in it. `start` begins both at once with other work; `session` waits for them."""

    def __init__(
        self, profile: ComputeProfile, kind: str, log: LogSink, home: SparkHome | None = None, connectors: Collection[str] = ()
    ) -> None:
        """Begins to start. `connectors`: what it can reach besides folders, names of `executor.spark.connectors.TITLES`.
        Raises ProblemError when Spark, or one of them, has not been set up here."""
        self.profile = profile
        self.connectors = frozenset(connectors)
        self._kind = kind
        chosen = home or spark_home()
        _require_set_up(chosen)
        more_jars = jar_paths(chosen, self.connectors)
        self.scratch = Path(tempfile.mkdtemp(prefix="sluice-run-"))
        self._session: SparkSession | None = None
        self._failure: BaseException | None = None
        options = java_options(profile.memory_mb, profile.cores, kind, self.scratch) + archive_options(chosen)
        self.jvm = Jvm(chosen, options, log, more_jars)
        self._starter = threading.Thread(target=self._start, name="spark-start", daemon=True)
        self._starter.start()

    def _start(self) -> None:
        try:
            import_pyspark()
            chosen = settings(self.profile, self.scratch) | (FEW_ROWS if self._kind != RUN else {}) | settings_of(self.connectors)
            self._session = build_session(self.jvm.connect(), chosen)
        except BaseException as error:  # noqa: BLE001 – raised again in the thread that waits
            self._failure = error

    @property
    def session(self) -> SparkSession:
        """The session, once Spark is up. Raises ProblemError when it could not start."""
        self._starter.join()
        if self._failure is not None:
            raise self._failure
        if self._session is None:
            raise RuntimeError("Spark neither started nor failed")
        _activate(self._session)
        return self._session

    @property
    def is_gone(self) -> bool:
        """Spark has ended, or a deadline has just killed it."""
        return deadline.has_ended(self.jvm.process) or self.jvm.process.poll() is not None

    def why_gone(self) -> Problem | None:
        """Why Spark has ended; None when it lives."""
        return self.jvm.why_gone()

    def stop(self) -> None:
        """Ends the JVM at once (there is nothing it would have to save) and removes everything it kept."""
        logging.getLogger("py4j").setLevel(logging.CRITICAL)  # whatever still wants to talk to the JVM need not complain
        if self._session is not None:
            gateway: Any = self._session._sc._gateway
            gateway._gateway_client.is_connected = False  # no use to tell the JVM what Python has forgotten
        self.jvm.kill()
        with suppress(NotRemoved):
            remove(self.scratch)


@contextmanager
def working_session(profile: ComputeProfile, *connectors: str) -> Iterator[SparkSession]:
    """A session for a program that works on a whole table and says of it what is worth saying itself; it ends with the block. Raises
    ProblemError."""
    process = SparkProcess(profile, RUN, lambda level, text: None, connectors=connectors)
    try:
        yield process.session
    finally:
        process.stop()


def _activate(session: SparkSession) -> None:
    """Makes the session's settings hold in this thread: work on rows that no query starts, such as numbering them, finds them only so."""
    jvm: Any = session._jvm
    session._get_j_spark_session_class(jvm).setActiveSession(session._jsparkSession)


def import_pyspark() -> None:
    """Imports pyspark while the JVM starts. Its self-tests look for pandas, which takes 1.7 s to import and which nothing here uses."""
    absent = "pandas" not in sys.modules
    if absent:
        sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("pyspark.testing.utils")
        importlib.import_module("pyspark.sql")
    finally:
        if absent:
            del sys.modules["pandas"]


def build_session(gateway: JavaGateway, conf: dict[str, str]) -> SparkSession:
    """The session in a JVM that is up."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    logging.getLogger("SQLQueryContextLogger").disabled = True  # it prints every failed query with a stack trace; we translate them
    logging.getLogger("py4j").setLevel(logging.WARNING)
    SparkContext._ensure_initialized(gateway=gateway)
    spark_conf = SparkConf(_jvm=SparkContext._jvm)
    spark_conf.setAll(list(conf.items()))
    context: Any = SparkContext(conf=spark_conf, gateway=gateway)
    context._accumulatorServer.handle_error = lambda request, address: None  # the JVM's end is no error worth a stack trace
    session: Any = SparkSession(context)
    session._jvm.sluice.CellFunctions.register(session._jsparkSession.sessionState().functionRegistry())
    return session  # type: ignore[no-any-return]


def archive_options(home: SparkHome) -> list[str]:
    """Java options that use the class archive, if there is one. A stale one is ignored by Java."""
    if not home.archive.is_file():
        return []
    return [f"-XX:SharedArchiveFile={home.archive}", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"]


def _require_set_up(home: SparkHome) -> None:
    if not home.is_complete():
        raise ProblemError(
            Problem(
                code="spark-not-set-up",
                message="Spark has not been set up for Sluice on this machine.",
                found=f"{home.gate_jar} is missing; PySpark's jars are in {pyspark_jars()}.",
                fix="Run `python -m executor.setup_spark` (`make setup` does).",
            )
        )
