"""Where Spark's jars are and how its JVM is started: a trimmed set of the jars that came with pyspark.

Jars that a job never needs but an attacker could use (an embedded database, Hive, Spark Connect, connection pools) are left out.
The folder is made once by `python -m executor.setup_spark`; it holds hard links, so it costs no disk.

    <home>/jars/*.jar        Spark and what it needs, less `LEFT_OUT`, and `sluice-gate.jar` (our gate, compiled; Hadoop's defaults)
    <home>/connectors/*.jar  S3, Delta and database drivers, for the processes that ask for them (executor/spark/connectors.py; optional)
    <home>/ready              all of it is in place
    <home>/classes.jsa        class archive that makes the JVM start sooner (optional)
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from executor.problems import Problem, ProblemError
from executor.spark import hadoop_defaults

SPARK_VERSION = "4.2.0"
GATE_JAR = "sluice-gate.jar"
GATE_SOURCES = Path(__file__).parent.parent / "gate"
CONNECTOR_LIST = Path(__file__).parent / "connectors.txt"
CONNECTOR_SOURCES = Path(__file__).parent / "java"

LEFT_OUT = (
    "derby*", "hive-*", "spark-hive*", "spark-connect*", "connect-repl*", "jdo*", "javax.jdo*", "datanucleus*", "bonecp*", "HikariCP*",
    "libthrift*", "libfb303*", "spark-kubernetes*", "kubernetes-*", "volcano-*", "vertx-*", "spark-yarn*", "spark-repl*",
    "spark-mllib_*", "spark-pipelines*", "commons-dbcp*", "opencsv*", "super-csv*", "jline*", "jpam*", "jta*", "transaction-api*", "ST4*",
    "antlr-runtime-3*",
)  # fmt: skip
"""Name patterns of jars that stay behind, and why: see docs/decisions/executor-start.md."""

KEPT = ("hive-storage-api*",)
"""Kept although a pattern above names it: ORC does not work without it."""

MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent",
            "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar",
        )
    ),
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
)  # fmt: skip
"""What Spark's own launcher adds on Java 17 (a test compares), less the vector module, which only linear algebra uses."""


ARCHIVE = "classes.jsa"


@dataclass(frozen=True)
class SparkHome:
    """The folder with the trimmed jars."""

    path: Path

    @property
    def jars(self) -> Path:
        return self.path / "jars"

    @property
    def connectors(self) -> Path:
        return self.path / "connectors"

    @property
    def gate_jar(self) -> Path:
        return self.jars / GATE_JAR

    @property
    def archive(self) -> Path:
        """The archive of loaded classes, for previews and runs alike."""
        return self.path / ARCHIVE

    def class_path(self, more: Sequence[Path] = ()) -> str:
        """All jars in a fixed order, ours first, then `more`: a class archive is valid for one class path and what is put behind it."""
        ours = sorted(self.jars.glob("*.jar"), key=lambda jar: (jar.name != GATE_JAR, jar))
        return os.pathsep.join(str(jar) for jar in (*ours, *more))

    @property
    def ready_mark(self) -> Path:
        """Written when everything else is in place."""
        return self.path / "ready"

    def is_complete(self) -> bool:
        return self.ready_mark.is_file()

    def in_use(self) -> int:
        """A descriptor: as long as it, or a copy of it in a child, is open, nobody removes the folder. Raises OSError when it is not there,
        or just being removed."""
        return _locked(self.path, fcntl.LOCK_SH)

    def remove(self) -> bool:
        """Removes the folder; False when a JVM that was started from it still lives: its jars would be gone."""
        try:
            descriptor = _locked(self.path, fcntl.LOCK_EX)
        except BlockingIOError:
            return False
        try:
            shutil.rmtree(self.path)
        finally:
            os.close(descriptor)
        return True


def _locked(folder: Path, kind: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def pyspark_jars() -> Path:
    """The jar folder of the installed pyspark, found without importing it."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or not spec.submodule_search_locations:
        raise ProblemError(Problem(code="spark-missing", message="PySpark is not installed here.", fix="Run `make setup`."))
    return Path(spec.submodule_search_locations[0]) / "jars"


def spark_home() -> SparkHome:
    """The folder for this pyspark, this Java and this gate, inside the virtual environment (or where SLUICE_SPARK_HOME says).
    Its name holds a fingerprint: whatever changes leads to another folder, and none is changed while it is in use."""
    parent = Path(os.environ.get("SLUICE_SPARK_HOME") or Path(sys.prefix) / "share" / "sluice-spark")
    return SparkHome(parent / f"{SPARK_VERSION}-{fingerprint()}")


def fingerprint() -> str:
    """Changes when pyspark's jars, Java, the lists of jars, the gate's source or what else is in the folder changes."""
    digest = hashlib.sha256(f"{os.path.realpath(java_command())}:{ARCHIVE}".encode())
    for source in sorted(GATE_SOURCES.glob("*.java")):
        digest.update(source.read_bytes())
    digest.update(repr(hadoop_defaults.texts()).encode())
    for part in (CONNECTOR_LIST, *sorted(CONNECTOR_SOURCES.glob("*.java"))):
        digest.update(part.read_bytes())
    for jar in sorted(pyspark_jars().glob("*.jar")):
        kept = jar.stat()
        digest.update(f"{jar}:{kept.st_size}:{kept.st_mtime_ns}:{is_left_out(jar.name)}\n".encode())
    return digest.hexdigest()[:12]


def is_left_out(jar: str) -> bool:
    """Whether the jar of this file name stays out of the executor."""
    return any(fnmatch(jar, pattern) for pattern in LEFT_OUT) and not any(fnmatch(jar, pattern) for pattern in KEPT)


def java_command() -> str:
    """The java program. Raises ProblemError with the command that installs it."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        raise ProblemError(
            Problem(
                code="java-missing",
                message="Java is not installed, and Spark needs it.",
                expected="Java 17",
                fix="Install it, for instance with: apt-get install openjdk-17-jre-headless",
            )
        )
    return found
