"""The session is what the security design asks for, in the Spark that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.problems import ProblemError
from executor.spark.home import MODULE_OPTIONS, is_left_out, pyspark_jars, spark_home
from executor.spark.jvm import PREVIEW, RUN, SMALL_RUN, java_options, parse_line
from executor.spark.session import ComputeProfile, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HARDENED = {
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.variable.substitute": "false",
    "spark.sql.scripting.enabled": "false",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
OF_HADOOP = "spark.hadoop."


@pytest.mark.spark
def test_the_session_is_hardened(spark: SparkSession) -> None:
    assert {name: spark.conf.get(name) for name in HARDENED} == HARDENED


@pytest.mark.spark
def test_every_setting_exists_in_this_spark(spark: SparkSession) -> None:
    jvm: Any = spark._jvm
    entries = jvm.org.apache.spark.internal.config.ConfigEntry
    jvm.java.lang.Class.forName("org.apache.spark.sql.internal.SQLConf")
    names = [name for name in settings(ComputeProfile(), Path("/tmp/x")) if not name.startswith(OF_HADOOP)]
    core = ("spark.master", "spark.app.name", "spark.default.parallelism", "spark.local.dir")  # older than the registry of settings
    assert [name for name in names if entries.findEntry(name) is None and name not in core] == []


@pytest.mark.spark
def test_what_is_written_is_closed_to_others_and_starts_no_program(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir(mode=0o750)
    spark.range(1).write.parquet(str(tmp_path / "lake" / "new" / "table"))
    written = list((tmp_path / "lake").rglob("*"))
    assert {path.stat().st_mode & 0o7777 for path in written if path.is_dir()} == {0o750}
    assert {path.stat().st_mode & 0o7777 for path in written if path.is_file()} == {0o640}
    jvm, java_session = spark._jvm, spark._jsparkSession
    files = jvm.org.apache.hadoop.fs.FileSystem.get(java_session.sessionState().newHadoopConf())  # type: ignore[union-attr]
    assert files.getClass().getName() == "sluice.LocalFiles"  # Hadoop's own starts chmod for each


@pytest.mark.spark
def test_the_jvm_holds_no_secret_and_little_else_in_its_environment(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = spark._jvm.java.lang.System.getenv()  # type: ignore[union-attr]
    allowed = {"PATH", "HOME", "LANG", "LC_ALL", "JAVA_HOME", "TZ", "PYSPARK_PYTHON", "SPARK_LOCAL_IP", "SPARK_CONNECT_MODE"}
    assert set(variables) - allowed <= {"_PYSPARK_DRIVER_CONN_INFO_PATH"}


@pytest.mark.spark
def test_spark_listens_on_loopback_only(spark_process: Any) -> None:
    sockets = {
        link for link in (_target(fd) for fd in Path(f"/proc/{spark_process.jvm.process.pid}/fd").iterdir()) if link.startswith("socket:")
    }
    inodes = {socket[8:-1] for socket in sockets}
    listening = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    addresses = {row[1].split(":")[0] for row in listening if row[3] == "0A" and row[9] in inodes}
    assert addresses and addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@pytest.mark.spark
def test_the_java_options_are_those_of_sparks_own_launcher(spark: SparkSession) -> None:
    ours = set(MODULE_OPTIONS)
    theirs = set(spark._jvm.org.apache.spark.launcher.JavaModuleOptions.defaultModuleOptions().split())  # type: ignore[union-attr]
    assert ours <= theirs
    # only linear algebra wants the first; the others are for Java 24 and later, or for TLS between machines
    later = ("--add-modules=jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")
    assert {option for option in theirs - ours if "endpoint" not in option.lower()} == set(later)


@pytest.mark.spark
def test_jars_that_an_attacker_could_use_are_not_there(spark: SparkSession) -> None:
    present = {jar.name for jar in spark_home().jars.glob("*.jar")}
    expected = {jar.name for jar in pyspark_jars().glob("*.jar") if not is_left_out(jar.name)}
    assert present == expected | {"sluice-gate.jar"}
    for word in ("derby", "spark-hive", "hive-exec", "hive-jdbc", "spark-connect", "datanucleus", "HikariCP", "jdo"):
        assert not [jar for jar in present if word in jar], word
    assert [jar for jar in present if jar.startswith("hive-storage-api")] and [jar for jar in present if jar.startswith("ivy")]


@pytest.mark.spark
def test_every_format_that_we_promise_works_with_these_jars(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.sql("SELECT 1 AS a, 'x' AS b, DATE '2013-01-01' AS d")
    for form in ("parquet", "orc", "json", "csv"):
        frame.write.format(form).save(str(tmp_path / form))
        assert spark.read.format(form).load(str(tmp_path / form)).count() == 1
    for packed in ("gzip", "bzip2", "deflate", "lz4", "snappy"):
        frame.select("b").write.option("compression", packed).csv(str(tmp_path / packed))
    for packed in ("gzip", "bzip2", "deflate"):
        assert spark.read.csv(str(tmp_path / packed)).count() == 1


@pytest.mark.spark
def test_hadoops_settings_of_its_services_stay_behind_and_its_local_files_work_without_them(spark: SparkSession, tmp_path: Path) -> None:
    jvm: Any = spark._jvm
    assert spark._jsc.hadoopConfiguration().size() < 30  # type: ignore[attr-defined]
    hadoop = jvm.org.apache.hadoop
    assert hadoop.fs.FileContext.getFileContext().getDefaultFileSystem().getUri().toString() == "file:///"
    assert hadoop.fs.FileSystem.get(spark._jsc.hadoopConfiguration()).exists(hadoop.fs.Path(str(tmp_path)))  # type: ignore[attr-defined]
    assert not hadoop.security.UserGroupInformation.isSecurityEnabled()


def test_what_works_with_few_rows_starts_soonest_and_a_run_works_fastest() -> None:
    preview, small, run = (java_options(512, 1, kind, Path("/tmp/x")) for kind in (PREVIEW, SMALL_RUN, RUN))
    assert all("-XX:TieredStopAtLevel=1" in options for options in (preview, small)) and "-XX:TieredStopAtLevel=1" not in run
    assert all("-XX:+ExitOnOutOfMemoryError" in options and "-Xmx512m" in options for options in (preview, small, run))
    assert "-XX:+UseParallelGC" in small, "the other collectors never say that memory is all but gone"


@pytest.mark.parametrize(
    "wrong", [{"cores": 0}, {"cores": "2"}, {"cores": True}, {"memory_mb": 10}, {"shuffle_partitions": -1}, {"driver": 1}]
)
def test_a_compute_profile_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as raised:
        ComputeProfile.from_values(wrong)
    assert raised.value.problems[0].expected


def test_lines_of_the_jvm_become_levels_and_texts() -> None:
    assert parse_line("SPARK\tWARN\tUtils\tSomething odd") == ("warning", "Utils: Something odd")
    assert parse_line("SPARK\tERROR\tX\ta\tb") == ("error", "X: a\tb")
    assert parse_line("OpenJDK 64-Bit Server VM warning: x") == ("warning", "OpenJDK 64-Bit Server VM warning: x")
