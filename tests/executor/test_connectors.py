"""Delta tables and databases are reached for real, and by nobody whom SQL would let; S3 is not reached by Spark at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from executor.gate.functions import function_list, names, registry
from executor.gate.sql_gate import Gate
from executor.spark.connectors import OWN_JAR, TITLES, connector_jars, jar_paths
from executor.spark.home import spark_home
from tests.services import postgresql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.services]


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    return spark.sql("SELECT id, id * 2 AS twice, concat('ä,\"', id) AS text FROM range(10)")


def total(frame: DataFrame) -> tuple[int, int]:
    """Rows, and the sum of `twice`."""
    return tuple(frame.selectExpr("count(*)", "CAST(sum(twice) AS BIGINT)").collect()[0])


def test_rows_that_a_delta_table_marks_as_deleted_are_not_read(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    """They stay in the file and a second file says which they are: Delta's rules must be in the session, or they come back."""
    place = str(tmp_path / "table")
    rows.coalesce(1).write.format("delta").option("delta.enableDeletionVectors", "true").save(place)
    delta_table(spark, place).delete("id >= 5")
    assert list(Path(place).glob("deletion_vector_*")) and len(list(Path(place).glob("*.parquet"))) == 1
    assert total(spark.read.format("delta").load(place)) == (5, 20)


def delta_table(spark: SparkSession, place: str) -> Any:
    jvm: Any = spark._jvm
    return jvm.io.delta.tables.DeltaTable.forPath(spark._jsparkSession, place)


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_spark_itself_cannot_reach_s3(scheme: str, spark: SparkSession, rows: DataFrame) -> None:
    """Whoever gets past both gates finds nothing that speaks to a bucket: what runs read was copied by the S3 store."""
    with pytest.raises(Exception, match="No FileSystem for scheme|S3AFileSystem not found"):
        spark.read.parquet(f"{scheme}://acme-lake/daily").count()
    with pytest.raises(Exception, match="No FileSystem for scheme|S3AFileSystem not found"):
        rows.write.csv(f"{scheme}://acme-lake/daily")


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


def test_sql_reaches_no_table_no_database_and_no_bucket_by_the_new_jars(spark: SparkSession, table: str) -> None:
    spark.range(1).createOrReplaceTempView("flights")
    gate = Gate(spark)
    texts = [attack.format(table=table, bucket="acme-lake") for attack in ATTACKS]
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
    assert str(home.archive) in Path(f"/proc/{spark_process.jvm.process.pid}/maps").read_text()  # jars put behind leave it valid
