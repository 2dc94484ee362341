"""Makes the folder that executors start from: `python -m executor.setup_spark [--force]`.

1. hard links to pyspark's jars, less those an executor must not have;
2. the SQL gate, compiled by the compiler that Spark itself ships (no JDK needed);
3. an archive of loaded classes, so that previews and runs start sooner;
4. the jars that reach S3, Delta and databases (executor/setup_connectors.py); without them Sluice works on folders only.

Run again it does nothing, unless pyspark, the gate's source or the list of connectors has changed, or connectors are missing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from executor.problems import Problem, ProblemError
from executor.running.warm_up import warm_up_job
from executor.setup_connectors import set_up_connectors
from executor.spark import hadoop_defaults
from executor.spark.compiling import compile_jar
from executor.spark.home import (
    GATE_SOURCES,
    SPARK_VERSION,
    SparkHome,
    is_left_out,
    pyspark_jars,
    spark_home,
)
from executor.spark.jvm import PREVIEW, Jvm, java_options
from executor.spark.session import ComputeProfile, build_session, import_pyspark, settings

ARCHIVE_MEMORY_MB = 512


def main(arguments: list[str]) -> int:
    """Exit code 0 when the folder is ready, 1 with a sentence on standard error when it cannot be made."""
    try:
        home = spark_home()
        set_up(home, force="--force" in arguments, say=lambda text: print(text, file=sys.stderr))  # noqa: T201
    except ProblemError as error:
        for problem in error.problems:
            print(f"{problem.message} {problem.fix or ''}\n{problem.detail or ''}".rstrip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def set_up(home: SparkHome, *, force: bool = False, say: Callable[[str], None] = lambda text: None) -> None:
    """Makes `home` unless it is there. Two who start at once wait for each other. Homes of other versions go once nothing that was started
    from them lives any more. `force` makes it anew; raises ProblemError when it is in use."""
    home.path.parent.mkdir(parents=True, exist_ok=True)
    with (home.path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_complete() or force:
            if home.path.exists() and not home.remove():
                raise ProblemError(Problem(code="spark-in-use", message=f"“{home.path}” is in use.", fix="Stop Sluice first."))
            _make(home, say)
        set_up_connectors(home, say)
        for old in home.path.parent.glob(f"{SPARK_VERSION}-*"):
            if old != home.path:
                SparkHome(old).remove()


def _make(home: SparkHome, say: Callable[[str], None]) -> None:
    import_pyspark()
    say("Spark, step 1 of 3: linking its jars")
    link_jars(pyspark_jars(), home.jars)
    say("Spark, step 2 of 3: compiling the SQL gate")
    compile_gate(home)
    say("Spark, step 3 of 3: class archive for a faster start")
    make_archive(home)
    home.ready_mark.touch()


def link_jars(source: Path, target: Path) -> None:
    """Hard links to the jars that stay; copies where the file system cannot link."""
    target.mkdir(parents=True)
    for jar in sorted(source.glob("*.jar")):
        if is_left_out(jar.name):
            continue
        try:
            os.link(jar, target / jar.name)
        except OSError:
            shutil.copy2(jar, target / jar.name)


def compile_gate(home: SparkHome) -> None:
    """executor/gate/*.java as one jar beside Spark's, with Hadoop's few defaults."""
    compile_jar(home, sorted(GATE_SOURCES.glob("*.java")), home.gate_jar, texts=hadoop_defaults.texts())


def make_archive(home: SparkHome) -> None:
    """Starts Spark once, does what a small job does, and keeps the classes it loaded in an archive."""
    scratch = Path(tempfile.mkdtemp(prefix="sluice-archive-"))
    options = [*java_options(ARCHIVE_MEMORY_MB, 1, PREVIEW, scratch), f"-XX:ArchiveClassesAtExit={home.archive}", "-Xlog:disable"]
    jvm = Jvm(home, options, log=lambda level, text: None)
    try:
        spark = build_session(jvm.connect(), settings(ComputeProfile(cores=1), scratch))
        warm_up_job(spark, scratch)
    finally:
        _forget_context()
        jvm.stop(grace_seconds=120)
        shutil.rmtree(scratch, ignore_errors=True)


def _forget_context() -> None:
    """The next session of this process starts a JVM of its own, and is the one that work in it finds without being told."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    SparkContext._gateway = None
    SparkContext._jvm = None
    SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
