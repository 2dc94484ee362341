"""S3, Delta tables and databases are reached for real, and by nobody whom SQL or a log would let."""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from executor.gate.functions import function_list, names, registry
from executor.gate.sql_gate import Gate
from executor.spark import s3
from executor.spark.connectors import OWN_JAR, TITLES, connector_jars, jar_paths
from executor.spark.home import spark_home
from executor.spark.s3 import opened
from executor.stores.s3_access import S3Access
from tests.services import postgresql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.spark.session import SparkProcess
    from tests.services.s3 import S3Server
    from tests.tally import Tally

pytestmark = [pytest.mark.spark, pytest.mark.services]
CANARIES = ("AKIACANARY4711", "can/ary+4711=secret", "canary-4711-token")
"""An access key, its secret, a session token."""


def access_to(address: str, **more: Any) -> S3Access:
    key_id, secret, token = CANARIES
    return S3Access(endpoint=address, path_style=True, key_id=key_id, secret=secret, session_token=token, **more)


@pytest.fixture
def lake(spark: SparkSession, s3_server: S3Server) -> Iterator[str]:
    """The name of an open, empty bucket."""
    bucket = s3_server.new_bucket()
    with opened(spark, {bucket: access_to(s3_server.address)}):
        yield bucket


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.sql("SELECT id, id * 2 AS twice, concat('ä,\"', id) AS text FROM range(10)")


def total(frame: DataFrame) -> tuple[int, int]:
    """Rows, and the sum of `twice`."""
    return tuple(frame.selectExpr("count(*)", "CAST(sum(twice) AS BIGINT)").collect()[0])


def test_parquet_and_csv_on_s3(spark: SparkSession, lake: str, rows: DataFrame, s3_server: S3Server) -> None:
    for form, modes in (("parquet", ("error", "append", "overwrite")), ("csv", ("error",))):
        place = f"s3a://{lake}/{form} ä/day=2013-01-01"
        for mode in modes:
            rows.write.format(form).mode(mode).save(place)
        assert total(spark.read.format(form).schema(rows.schema).load(place)) == (10, 90)
    written = s3_server.keys(lake)
    assert written and not [key for key in written if "_temporary" in key]


def test_a_delta_table_on_s3(spark: SparkSession, lake: str, rows: DataFrame) -> None:
    place = f"s3a://{lake}/table"
    for _ in range(2):
        rows.write.format("delta").mode("append").save(place)
    assert total(spark.read.format("delta").load(place)) == (20, 180)
    assert total(spark.read.format("delta").option("versionAsOf", 0).load(place)) == (10, 90)


def test_rows_that_a_delta_table_marks_as_deleted_are_not_read(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    """They stay in the file and a second file says which they are: Delta's rules must be in the session, or they come back."""
    place = str(tmp_path / "table")
    rows.coalesce(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(place)
    delta_table(spark, place).delete("id >= 5")
    assert list(Path(place).glob("deletion_vector_*")) and len(list(Path(place).glob("*.parquet"))) == 1
    assert total(spark.read.format("delta").load(place)) == (5, 20)


@pytest.mark.lake
@pytest.mark.parametrize("where", ["folder", "s3"])
def test_everything_that_delta_tables_can(where: str, spark: SparkSession, lake: str, rows: DataFrame, tmp_path: Path) -> None:
    place = str(tmp_path / "table") if where == "folder" else f"s3a://{lake}/table"
    for _ in range(2):
        rows.write.format("delta").mode("append").save(place)
    delta_table(spark, place).restoreToVersion(0)
    assert total(spark.read.format("delta").load(place)) == (10, 90)
    changes = spark.sql("SELECT id, 1000 AS twice, 'new' AS text FROM range(8, 12)")
    merge = getattr(delta_table(spark, place), "as")("old").merge(getattr(changes._jdf, "as")("new"), "old.id = new.id")
    merge.whenMatched().updateAll().whenNotMatched().insertAll().execute()
    merged = (12, 90 - 16 - 18 + 4000)
    assert total(spark.read.format("delta").load(place)) == merged
    operations = [row.getAs("operation") for row in delta_table(spark, place).history().collectAsList()]
    assert operations == ["MERGE", "RESTORE", "WRITE", "WRITE"]

    before = files_of(spark, place)
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        delta_table(spark, place).vacuum(0.0)
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    assert files_of(spark, place) < before
    assert total(spark.read.format("delta").load(place)) == merged
    with pytest.raises(Exception, match="READ_FILE|DELTA"):  # what VACUUM took is gone: an older version says so, and has no fewer rows
        spark.read.format("delta").option("versionAsOf", 1).load(place).collect()


WRITER = """
import json, sys
from executor.spark.s3 import opened
from executor.spark.session import ComputeProfile, SparkProcess
from executor.stores.s3_access import S3Access

process = SparkProcess(ComputeProfile(cores=1, memory_mb=512, shuffle_partitions=1), "preview", print, connectors=("s3", "delta"))
try:
    bucket, access = json.loads(sys.stdin.readline())
    with opened(process.session, {bucket: S3Access(**access)}):
        process.session.range(1).count()
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(8):
            process.session.range(1).write.format("delta").mode("append").save(f"s3a://{bucket}/table")
finally:
    process.stop()
print("written")
"""


def say(writer: Popen[str], line: str) -> None:
    assert writer.stdin is not None
    writer.stdin.write(f"{line}\n")
    writer.stdin.flush()


def wait_for(word: str, writer: Popen[str]) -> None:
    assert writer.stdout is not None
    while (line := writer.stdout.readline()).strip() != word:
        assert line, "the writer has ended"


@pytest.mark.lake
def test_two_processes_that_write_to_one_delta_table_on_s3_lose_nothing(
    spark: SparkSession, lake: str, s3_server: S3Server, tally: Tally
) -> None:
    place = f"s3a://{lake}/table"
    spark.range(1).write.format("delta").save(place)
    writers = [Popen([sys.executable, "-c", WRITER], stdin=PIPE, stdout=PIPE, text=True) for _ in range(2)]
    try:
        for writer in writers:
            say(writer, json.dumps([lake, asdict(access_to(s3_server.address))]))
        for writer in writers:
            wait_for("ready", writer)
        for writer in writers:
            say(writer, "go")
        assert [writer.communicate(timeout=120)[0].split()[-1] for writer in writers] == ["written", "written"]
    finally:
        for writer in writers:
            writer.kill()
    count = spark.read.format("delta").load(place).count()
    tally("2 processes that write one Delta table at once, S3 (moto)").tried(times=2 * 8, lost=1 + 2 * 8 - count)
    assert count == 1 + 2 * 8
    assert len([key for key in s3_server.keys(lake) if key.endswith(".json")]) == 1 + 2 * 8


def files_of(spark: SparkSession, place: str) -> int:
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(place)
    found = path.getFileSystem(spark._jsc.hadoopConfiguration()).listStatus(path)  # type: ignore[attr-defined]
    return sum(one.getPath().getName().endswith(".parquet") for one in found)


def delta_table(spark: SparkSession, place: str) -> Any:
    jvm: Any = spark._jvm
    return jvm.io.delta.tables.DeltaTable.forPath(spark._jsparkSession, place)


def test_of_two_who_commit_to_one_delta_table_at_once_the_server_refuses_the_second(
    spark: SparkSession, lake: str, s3_server: S3Server
) -> None:
    """Delta's own way looks whether the place is free and then writes: one of both would lose its rows and be told that all is well."""
    jvm: Any = spark._jvm
    settings = spark._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
    assert spark.conf.get("spark.delta.logStore.s3a.impl") == "sluice.S3LogStore"
    store, key = jvm.sluice.S3LogStore(settings), "table/_delta_log/00000000000000000001.json"
    place = jvm.org.apache.hadoop.fs.Path(f"s3a://{lake}/{key}")

    def commit(*lines: str) -> None:
        store.write(place, jvm.java.util.ArrayList(list(lines)).iterator(), False, settings)

    def there() -> bytes:
        return s3_server.client.get_object(Bucket=lake, Key=key)["Body"].read()

    commit("mine", "of two lines")
    with pytest.raises(Exception, match="FileAlreadyExistsException"):
        commit("another's")
    assert there() == b"mine\nof two lines\n"
    commit("mine", "of two lines")  # the same one again: the answer to the first was lost on its way
    s3_server.client.delete_object(Bucket=lake, Key=key)
    begin = threading.Barrier(4)
    told: list[str] = []

    def race(name: str) -> None:
        begin.wait()
        try:
            commit(name * 1000)
            told.append(name)
        except Exception as error:
            assert "FileAlreadyExistsException" in str(error)

    racing = [threading.Thread(target=race, args=(name,)) for name in "abcd"]
    for one in racing:
        one.start()
    for one in racing:
        one.join()
    assert len(told) == 1 and there() == told[0].encode() * 1000 + b"\n"


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Iterator[dict[str, str]]:
    """JDBC's options for a real PostgreSQL."""
    with postgresql.running() as address:
        parts = urlsplit(address)
        url = f"jdbc:postgresql://{parts.hostname}:{parts.port}{parts.path}"
        yield {"url": url, "user": str(parts.username), "password": str(parts.password), "driver": "org.postgresql.Driver"}


def test_rows_go_to_postgresql_and_come_back(spark: SparkSession, rows: DataFrame, database: dict[str, str]) -> None:
    for mode, expected in (("error", (10, 90)), ("append", (20, 180)), ("overwrite", (10, 90))):
        rows.write.format("jdbc").options(**database, dbtable="numbers").mode(mode).save()
        assert total(spark.read.format("jdbc").options(**database, dbtable="numbers").load()) == expected
    cut = {"partitionColumn": "id", "lowerBound": "0", "upperBound": "10", "numPartitions": "3"}
    read = spark.read.format("jdbc").options(**database, dbtable="numbers", **cut).load()
    assert read.rdd.getNumPartitions() == 3 and total(read) == (10, 90)
    assert [row.text for row in read.where("id = 7").collect()] == ['ä,"7']


def test_sqlite_is_read(spark: SparkSession, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (twice INTEGER, text TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, "ä"), (2, None)])
    connection.close()
    read = spark.read.format("jdbc").options(url=f"jdbc:sqlite:{tmp_path}/a.db", dbtable="t", driver="org.sqlite.JDBC").load()
    assert total(read) == (2, 3)


def test_the_drivers_are_those_of_the_list_and_no_others(spark: SparkSession) -> None:
    jvm: Any = spark._jvm
    found = {one.getClass().getName() for one in jvm.java.util.Collections.list(jvm.java.sql.DriverManager.getDrivers())}
    wrapped = {"org.apache.spark.sql.execution.datasources.jdbc.DriverWrapper"}  # Spark's own name for one that it has used
    assert found - wrapped == {
        "org.postgresql.Driver",
        "org.mariadb.jdbc.Driver",
        "com.microsoft.sqlserver.jdbc.SQLServerDriver",
        "org.sqlite.JDBC",
    }


# --- what is wrong, and how soon -------------------------------------------------------------------------------------


class Refusing:
    """A server that speaks S3 and answers each request with one error."""

    def __init__(self, status: int, code: str) -> None:
        class Answer(BaseHTTPRequestHandler):
            def refuse(self) -> None:
                body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = refuse

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "InvalidAccessKeyId", "key is not known"),
        (403, "SignatureDoesNotMatch", "secret is not the one"),
        (400, "ExpiredToken", "has expired"),
        (403, "AccessDenied", "may not do this"),
        (404, "NoSuchBucket", "no such bucket"),
        (301, "PermanentRedirect", "another region"),
        (503, "SlowDown", "too much at once"),
        (500, "InternalError", "has failed"),
    ],
)
def test_what_s3_refuses_is_told_in_words_and_soon(
    spark: SparkSession, status: int, code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fs.s3a.retry.throttle.limit", "fs.s3a.retry.limit"):
        monkeypatch.setitem(s3.COMMON, name, "1")  # as it is, 503 takes 17 s to be believed
    with Refusing(status, code) as address:
        started = time.monotonic()
        assert words in refusal(spark, address)
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("endpoint", "words"), [("http://no-such-host.invalid", "does not answer"), ("http://127.0.0.1:1", "does not answer")]
)
def test_a_host_that_is_not_there_is_told_in_words_and_soon(spark: SparkSession, endpoint: str, words: str) -> None:
    started = time.monotonic()
    assert words in refusal(spark, endpoint)
    assert time.monotonic() - started < 10


def refusal(spark: SparkSession, endpoint: str) -> str:
    with opened(spark, {"lake": access_to(endpoint)}):
        problem = s3.why_not(spark, "lake", "daily/")
    assert problem is not None and problem.fix
    return problem.message


def test_a_bucket_that_is_not_there_is_told_from_one_that_is(spark: SparkSession, lake: str, s3_server: S3Server) -> None:
    assert s3.why_not(spark, lake) is None
    gone = "not-made"
    with opened(spark, {gone: access_to(s3_server.address)}), pytest.raises(Exception) as raised:
        spark.read.parquet(f"s3a://{gone}/daily").count()
    problem = s3.problem_of(raised.value, gone)
    assert problem is not None and "no such bucket" in problem.message


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_keys_are_nowhere_but_in_the_buckets_own_file_system(
    spark: SparkSession, spark_process: SparkProcess, spark_log: list[tuple[str, str]], s3_server: S3Server, rows: DataFrame, tmp_path: Path
) -> None:
    bucket, access = s3_server.new_bucket(), access_to(s3_server.address)
    jvm: Any = spark._jvm
    hadoop = spark._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
    with opened(spark, {bucket: access}):
        rows.write.parquet(f"s3a://{bucket}/daily")
        read = spark.read.parquet(f"s3a://{bucket}/daily").where("id > 3")
        plans = [read._jdf.queryExecution().toString(), *(row[0] for row in spark.sql("EXPLAIN EXTENDED SELECT 1").collect())]
        told = [str(list(jvm.java.lang.System.getenv().items())), str(list(jvm.java.lang.System.getProperties().items()))]
        told += [str(spark.sql("SET -v").collect()), str(spark.sql("SET").collect()), str(spark.sparkContext.getConf().getAll())]
        told += [as_xml(jvm, one) for one in (hadoop, spark._jsparkSession.sessionState().newHadoopConf())]
        told += [Path(f"/proc/{spark_process.jvm.process.pid}/{name}").read_text() for name in ("cmdline", "environ")]
        told += [repr(access), str(access)]
        with pytest.raises(Exception) as raised:
            spark.read.parquet(f"s3a://{bucket}/none").count()
    told += [*plans, str(raised.value), *(text for _, text in spark_log)]
    told += [path.read_text(errors="replace") for path in spark_process.scratch.rglob("*") if path.is_file()]
    assert any("daily" in one for one in plans)
    forms = [form for one in CANARIES for form in (one, base64.b64encode(one.encode()).decode(), one.replace("/", "%2F"))]
    assert [form for form in forms if any(form in one for one in told)] == []


def as_xml(jvm: Any, settings: Any) -> str:
    """All of Hadoop's settings."""
    text = jvm.java.io.StringWriter()
    settings.writeXml(text)
    return str(text.toString())


def test_a_bucket_that_is_closed_or_was_never_opened_cannot_be_reached(
    spark: SparkSession, s3_server: S3Server, rows: DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, access = s3_server.new_bucket(), access_to(s3_server.address)
    with opened(spark, {bucket: access}):
        rows.write.parquet(f"s3a://{bucket}/daily")
    for _ in range(2):
        with pytest.raises(Exception, match="No FileSystem for scheme"):
            spark.read.parquet(f"s3a://{bucket}/daily").count()
    with opened(spark, {bucket: access_to("http://127.0.0.1:1")}):
        pass
    with pytest.raises(Exception, match="No FileSystem for scheme"):
        rows.write.csv(f"s3a://{bucket}/other")
    assert not [key for key in s3_server.keys(bucket) if key.startswith("other")]


def test_encryption_and_settings_reach_the_server(spark: SparkSession, s3_server: S3Server, rows: DataFrame) -> None:
    bucket, access = s3_server.new_bucket(), access_to(s3_server.address, encryption="AES256", requester_pays=True)
    with opened(spark, {bucket: access}):
        rows.coalesce(1).write.parquet(f"s3a://{bucket}/daily")
    (key,) = (key for key in s3_server.keys(bucket) if key.endswith(".parquet"))
    assert s3_server.client.head_object(Bucket=bucket, Key=key)["ServerSideEncryption"] == "AES256"
    assert s3.settings_for(access)["fs.s3a.requester.pays.enabled"] == "true"


# --- attacks ---------------------------------------------------------------------------------------------------------

ATTACKS = [
    "SELECT * FROM delta.`{table}`",
    "SELECT * FROM spark_catalog.delta.`{table}`",
    "SELECT * FROM delta.`{table}@v0`",
    "SELECT * FROM delta.`{table}` VERSION AS OF 0",
    "SELECT * FROM delta.`{table}` TIMESTAMP AS OF current_timestamp()",
    "WITH a AS (TABLE delta.`{table}`) SELECT * FROM a",
    "SELECT (SELECT max(id) FROM delta.`{table}`)",
    "SELECT * FROM IDENTIFIER('delta.`{table}`')",
    "DESCRIBE HISTORY delta.`{table}`",
    "DESCRIBE HISTORY '{table}'",
    "DESCRIBE DETAIL '{table}'",
    "VACUUM '{table}' RETAIN 0 HOURS",
    "VACUUM delta.`{table}`",
    "OPTIMIZE '{table}'",
    "OPTIMIZE delta.`{table}` ZORDER BY (id)",
    "RESTORE TABLE delta.`{table}` TO VERSION AS OF 0",
    "CREATE TABLE stolen SHALLOW CLONE delta.`{table}`",
    "CONVERT TO DELTA parquet.`{table}`",
    "GENERATE symlink_format_manifest FOR TABLE delta.`{table}`",
    "REORG TABLE delta.`{table}` APPLY (PURGE)",
    "FSCK REPAIR TABLE delta.`{table}`",
    "ALTER TABLE delta.`{table}` ADD CONSTRAINT a CHECK (id > 0)",
    "ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('a' = 'b')",
    "DELETE FROM delta.`{table}`",
    "UPDATE delta.`{table}` SET id = 0",
    "MERGE INTO delta.`{table}` a USING flights b ON true WHEN MATCHED THEN DELETE",
    "INSERT INTO delta.`{table}` SELECT * FROM flights",
    "CREATE TEMPORARY VIEW v USING delta OPTIONS (path '{table}')",
    "CREATE TABLE v USING delta LOCATION '{table}'",
    "SELECT * FROM table_changes('{table}', 0)",
    "SELECT * FROM table_changes_by_path('{table}', 0)",
    "SELECT * FROM delta_table_history('{table}')",
    "COPY INTO delta.`{table}` FROM '/tmp' FILEFORMAT = CSV",
    "SELECT * FROM jdbc.`jdbc:sqlite:/tmp/a.db`",
    "SELECT * FROM `jdbc`.`jdbc:postgresql://127.0.0.1:1/x?user=a`",
    "CREATE TEMPORARY VIEW v USING jdbc OPTIONS (url 'jdbc:sqlite:/tmp/a.db', dbtable 't')",
    "CREATE TEMPORARY VIEW v USING org.apache.spark.sql.jdbc OPTIONS (url 'jdbc:sqlite::memory:', query 'SELECT load_extension(1)')",
    "SELECT * FROM query('jdbc', 'SELECT 1')",
    "SELECT * FROM csv.`s3a://{bucket}/x`",
    "SELECT * FROM text.`s3a://{bucket}/x`",
    "SELECT * FROM parquet.`s3a://AKIA:secret@{bucket}/x`",
    "INSERT OVERWRITE DIRECTORY 's3a://{bucket}/x' USING csv SELECT 1",
    "SET fs.s3a.secret.key",
    "SET spark.hadoop.fs.s3a.secret.key=x",
    "SET spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "SET spark.databricks.delta.retentionDurationCheck.enabled=false",
    "SET -v",
    "ADD JAR 's3a://{bucket}/x.jar'",
    "LOAD DATA INPATH 's3a://{bucket}/x' INTO TABLE flights",
    "CACHE TABLE v AS SELECT * FROM delta.`{table}`",
    "EXPLAIN SELECT * FROM delta.`{table}`",
]


@pytest.fixture(scope="module")
def table(spark_process: SparkProcess, tmp_path_factory: pytest.TempPathFactory) -> str:
    place = str(tmp_path_factory.mktemp("attack") / "secret")
    spark_process.session.range(3).write.format("delta").save(place)
    return place


def test_sql_reaches_no_table_no_database_and_no_bucket_by_the_new_jars(spark: SparkSession, lake: str, table: str) -> None:
    spark.range(1).createOrReplaceTempView("flights")
    gate = Gate(spark)
    texts = [attack.format(table=table, bucket=lake) for attack in ATTACKS]
    assert [text for text in texts if not gate.check(text, ["flights"]).problems] == []


def test_a_query_finds_no_delta_table_and_no_database_even_without_the_gate(spark: SparkSession, table: str) -> None:
    """The settings alone must hold it, too: Delta's catalog is not there, and SQL may name no files."""
    queries = [attack for attack in ATTACKS if attack.startswith(("SELECT", "WITH")) and "table_changes" not in attack]
    for text in (attack.format(table=table, bucket="none") for attack in queries):
        with pytest.raises(Exception, match="."):
            spark.sql(text).collect()


def test_no_function_that_the_gate_lets_through_came_with_the_jars(spark: SparkSession) -> None:
    """Those of the session, not only Spark's own list: Delta adds two, which read a table's changes from any place."""
    session = spark._jsparkSession.sessionState()  # type: ignore[attr-defined]
    functions, tables = (names(one) for one in (session.functionRegistry(), session.tableFunctionRegistry()))
    built_in, built_in_tables = registry(spark)
    of_cells = {name for name in functions if name.startswith("sluice_")}
    assert functions - built_in == of_cells
    assert not of_cells & function_list().allowed
    assert tables - built_in_tables == {"table_changes", "table_changes_by_path"}
    assert not {"table_changes", "table_changes_by_path"} & (function_list().allowed | function_list().table_functions)


# --- the jars --------------------------------------------------------------------------------------------------------


def test_a_process_has_the_jars_that_it_was_started_for_and_no_others(spark_process: SparkProcess) -> None:
    home = spark_home()
    assert not [jar for jar in home.jars.glob("*.jar") if jar.name in {one.file_name for one in connector_jars()}]
    assert home.class_path() == home.class_path(jar_paths(home, ()))
    names = {path.name for path in jar_paths(home, ["postgresql"])}
    assert len(names) == 2 and OWN_JAR in names and names < {path.name for path in jar_paths(home, TITLES)}
    assert "classes.jsa" in Path(f"/proc/{spark_process.jvm.process.pid}/maps").read_text()  # jars put behind leave the archive valid
