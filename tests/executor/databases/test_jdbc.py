"""Jobs read and write databases: every value as it is, every row once, and seen by others all at once or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from decimal import Decimal
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from executor.document.job import check, parse
from executor.running.preview import Memory, Preview
from executor.running.reach import reach_of
from executor.running.values import values_from
from executor.stores.roots import Copies
from tests.executor.databases.servers import KINDS, MARIADB, POSTGRESQL, SAVE, Servers, done, extract, load, make
from tests.executor.running import Outcome, run_here
from tests.services import odd_servers as odd
from tests.tally import Tally

pytestmark = [pytest.mark.spark, pytest.mark.services]
BOTH = pytest.mark.parametrize("name", [POSTGRESQL, MARIADB])
ONE_QUICK = pytest.mark.parametrize("name", [POSTGRESQL, pytest.param(MARIADB, marks=pytest.mark.lake)])
THERE = "SELECT id, concat('n', id) AS name, CAST(id AS DECIMAL(10, 2)) AS amount, DATE'1500-02-28' AS day FROM range"


SCHEMA = [
    {"id": "1", "name": "id", "type": "integer", "trim": True, "nullable": True},
    {"id": "2", "name": "name", "type": "string", "trim": True, "nullable": True},
]
MANY = {
    POSTGRESQL: "SELECT i AS id, md5(i::text) AS word FROM generate_series(1, 60000) i",
    MARIADB: "SELECT seq AS id, md5(seq) AS word FROM seq_1_to_60000",
}


def tables(servers: Servers, name: str) -> set[str | None]:
    schema = "current_schema()" if name == POSTGRESQL else "DATABASE()"
    return {row[0] for row in servers.ask(name, f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}")}


@ONE_QUICK
def test_what_says_where_a_row_came_from_gets_into_no_table_that_has_no_place_for_it(name: str, servers: Servers) -> None:
    def from_file(table: str, mode: str) -> Outcome:
        lake = servers.folder / f"{name}-{table}-{mode}"
        lake.mkdir()
        (lake / "orders.csv").write_text("id,name\n1,a\n2,b\n")
        typed = [
            {"type": "DelimitedExtract", "name": "read", "inputURI": "orders.csv", "outputView": "texts", "header": True},
            {"type": "TypingTransform", "name": "type", "inputView": "texts", "outputView": "made", "schema": SCHEMA},
        ]
        stages = [*typed, load(name, table, mode)]
        return done(run_here(servers.process, stages, lake, connections=servers.connections()))

    servers.say(name, "DROP TABLE IF EXISTS plain", "DROP TABLE IF EXISTS with_places")
    file = '"_filename"' if name == POSTGRESQL else "`_filename`"
    servers.say(name, f"CREATE TABLE with_places (id int, name varchar(9), {file} varchar(99), _index bigint)")
    said = [from_file("plain", "ErrorIfExists"), from_file("plain", "Append")]
    assert servers.ask(name, "SELECT * FROM plain ORDER BY id, name") == [["1", "a"], ["1", "a"], ["2", "b"], ["2", "b"]]
    assert all("_filename, _index, _errors are left out" in str(outcome.events) for outcome in said)
    from_file("with_places", "Append")
    assert [row[-1] for row in servers.ask(name, "SELECT * FROM with_places ORDER BY id")] == ["1", "2"]


@pytest.mark.lake
@BOTH
def test_rows_get_there_and_back_in_every_way(name: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS ways")
    done(servers.run(make(f"{THERE}(1, 4)"), load(name, "ways", "ErrorIfExists")))
    done(servers.run(make(f"{THERE}(4, 6)"), load(name, "ways", "Append")))
    merged = done(servers.run(make("SELECT id, 'new' AS name FROM range(5, 8)"), load(name, "ways", "Merge", mergeKeys=["ID"])))
    facts = {"rows": 3, "rows_updated": 1, "rows_added": 2, "uri": f"{name}:ways", "format": "table"}
    assert merged.named("result")[0]["outputs"][0].items() >= facts.items()
    done(servers.run(extract(name, tableName="ways", partitionColumn="id", numPartitions=3), SAVE))
    read = {row[0]: row[1:3] for row in servers.read()}
    assert read == {i: (f"n{i}", Decimal(i)) for i in range(1, 5)} | {5: ("new", Decimal(5)), 6: ("new", None), 7: ("new", None)}
    done(servers.run(make("SELECT 9L AS id"), load(name, "ways")))
    assert servers.ask(name, "SELECT id, name FROM ways") == [["9", None]]
    assert servers.run(make(f"{THERE}(4)"), load(name, "ways", "ErrorIfExists")).problem["code"] == "output-exists"
    assert not {table for table in tables(servers, name) if str(table).startswith("sluice_staging")}


@ONE_QUICK
def test_a_run_that_fails_later_changes_nothing_and_leaves_nothing(name: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS untouched", "CREATE TABLE untouched (id int)", "INSERT INTO untouched VALUES (1)")
    done(servers.run(make("SELECT 1 AS id"), load(name, "untouched")))  # so that there is a table of notes, which stays
    check_it = {"type": "SQLValidate", "name": "check", "sql": "SELECT count(*) > 5 AS outcome, 'too few' AS message FROM made"}
    before = tables(servers, name)
    assert servers.run(make("SELECT 2 AS id"), load(name, "untouched"), check_it).result == "failed"
    no = servers.run(make("SELECT 2 AS id"), load(name, "untouched"), confirm_publish=True, answers='{"publish": false}\n')
    assert no.result == "not_published"
    assert servers.ask(name, "SELECT id FROM untouched") == [["1"]] and tables(servers, name) == before


@pytest.mark.lake
def test_folders_and_databases_become_visible_together_or_not(servers: Servers) -> None:
    """A database that refuses at the last moment takes back what the folders show."""
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS ruled", "CREATE TABLE ruled (id int8 UNIQUE)", "INSERT INTO ruled VALUES (3)")
    save = SAVE | {"inputView": "made"}
    failed = servers.run(make("SELECT * FROM range(5)"), load(POSTGRESQL, "ruled", "Append"), save)
    assert failed.problem["code"] == "database-unique" and not (servers.lakes[-1] / "out").exists()
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM ruled") == [["1"]]
    outcome = servers.run(make("SELECT * FROM range(3)"), load(POSTGRESQL, "ruled", "Append"), save)
    done(outcome)
    assert [one["where"] for one in outcome.named("publishing") if one["step"] == "rows"] == [POSTGRESQL], "said before it takes its time"
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM ruled") == [["4"]] and (servers.lakes[-1] / "out").exists()


def test_a_sqlite_file_is_read_as_it_is(servers: Servers) -> None:
    """Any value may stand in any of its columns."""
    import sqlite3

    file = servers.folder / f"{servers.runs + 1}.sqlite"
    there = sqlite3.connect(file)
    there.execute("CREATE TABLE t (id INTEGER, x REAL, name TEXT, raw BLOB, day DATE)")
    there.execute("INSERT INTO t VALUES (9007199254740993, 0.1, 'ä', x'0102', '2024-02-29')")
    there.commit()
    stages, small = extract("file", tableName="t"), {"file": {"kind": "sqlite", "settings": {"file": "t.sqlite"}, "secrets": {}}}

    def run(*stages: dict[str, Any]) -> Outcome:
        lake = servers.folder / str(servers.runs + 1)
        lake.mkdir()
        shutil.copy(file, lake / "t.sqlite")
        servers.runs += 1
        servers.lakes.append(lake)
        return run_here(servers.process, list(stages), lake, connections=small)

    done(run(stages, SAVE))
    (row,) = servers.read()
    assert row[:4] == (9007199254740993, 0.1, "ä", bytearray(b"\x01\x02")) and f"{row[4]}" == "2024-02-29"
    for wrong in ("UPDATE t SET id = 'abc'", "UPDATE t SET id = 1, day = 'soon'"):
        there.execute(wrong)
        there.commit()
        assert run(stages, SAVE).problem["code"] == "value-not-typed", wrong
    there.close()
    assert run(extract("file", "SELECT * FROM t; DELETE FROM t"), SAVE).result == "failed"


@pytest.mark.lake
@BOTH
def test_each_run_reads_what_is_new_since_the_last_that_published(name: str, servers: Servers) -> None:
    moment = "timestamptz" if name == POSTGRESQL else "timestamp(6) NULL"
    servers.say(name, "DROP TABLE IF EXISTS growing", f"CREATE TABLE growing (id int, at {moment})", "DROP TABLE IF EXISTS collected")
    servers.say(name, "INSERT INTO growing VALUES (1, '2024-01-01 00:00:00.000001'), (2, '2024-01-02 00:00:00.5')")
    read = extract(name, tableName="growing", watermarkColumn="at", outputView="made")
    stages = (read, load(name, "collected", "Append"))

    def collected() -> list[str | None]:
        return [row[0] for row in servers.ask(name, "SELECT id FROM collected ORDER BY id")]

    first = done(servers.run(*stages)).named("result")[0]["watermarks"]
    assert collected() == ["1", "2"] and first["read"]["value"].startswith("2024-01-02 00:00:00.5")
    assert done(servers.run(*stages, watermarks=first)).named("result")[0]["watermarks"] == first and collected() == ["1", "2"]
    servers.say(name, "INSERT INTO growing VALUES (3, '2024-01-02 00:00:00.500001'), (4, NULL)")
    failed = servers.run(*stages, {"type": "SQLValidate", "name": "no", "sql": "SELECT false AS outcome, '' AS message"}, watermarks=first)
    assert failed.named("result")[0].get("watermarks", {}) == {}
    third = servers.run(*stages, watermarks=first)
    assert third.result == "succeeded_with_warnings" and collected() == ["1", "2", "3"]
    other = extract(name, "SELECT * FROM growing WHERE id < 3", watermarkColumn="at", outputView="made")
    again = servers.run(other, load(name, "again"), watermarks=third.named("result")[0]["watermarks"])
    assert again.result.startswith("succeeded") and servers.ask(name, "SELECT count(*) FROM again") == [["2"]], "another query begins anew"
    evil = {"read": first["read"] | {"value": "1' OR '1'='1"}}
    assert servers.run(*stages, watermarks=evil).problem["code"] == "column-of-ranges"


def test_rows_that_wait_are_read_from_their_view_and_not_from_the_table(servers: Servers) -> None:
    for read in (extract(POSTGRESQL, tableName="waiting"), extract(POSTGRESQL, 'SELECT * FROM public."waiting" w')):
        failed = servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, "waiting"), read, SAVE)
        assert failed.problem["code"] in ("reads-own-load", "table-missing") and "waiting" not in tables(servers, POSTGRESQL)
    servers.say(POSTGRESQL, "CREATE TABLE waiting (id int)")
    failed = servers.run(
        make("SELECT 1 AS id"), load(POSTGRESQL, "waiting"), extract(POSTGRESQL, "SELECT count(*) AS n FROM Waiting"), SAVE
    )
    assert failed.problem["code"] == "reads-own-load"


@pytest.mark.lake
def test_a_trigger_that_swallows_rows_is_noticed(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS eaten", "CREATE TABLE eaten (id int8)")
    servers.say(POSTGRESQL, "CREATE OR REPLACE RULE eat AS ON INSERT TO eaten DO INSTEAD NOTHING")
    assert servers.run(make("SELECT * FROM range(3)"), load(POSTGRESQL, "eaten")).problem["code"] == "rows-lost"


@pytest.mark.lake
def test_every_type_of_postgresql_is_read_as_it_is(servers: Servers) -> None:
    asked = {
        "12.50::numeric(10,2)": Decimal("12.50"), "9007199254740993::int8": 9007199254740993, "'{\"a\":1}'::jsonb": '{"a": 1}',
        "'6b1f77ea-0000-4000-8000-000000000000'::uuid": "6b1f77ea-0000-4000-8000-000000000000", "array[1,2]": [1, 2],
        "'01:02:03'::time": "01:02:03", "interval '1 day 2 hours'": "1 day 02:00:00", "B'101'": "101", "true": True,
        "'ab'::char(5)": "ab", "'\\x0102'::bytea": bytearray(b"\x01\x02"), "array['2020-01-01'::date]::text": "{2020-01-01}",
    }  # fmt: skip
    query = "SELECT " + ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(asked))
    moments = ", date '1500-02-28' AS d, timestamp '1500-02-28 01:02:03.000004' AS t, timestamptz '2020-06-01 12:00+02' AS z"
    done(servers.run(extract(POSTGRESQL, query + moments), SAVE))
    (row,) = servers.read()
    assert list(row[: len(asked)]) == list(asked.values())
    assert [f"{moment}" for moment in row[len(asked) :]] == ["1500-02-28", "1500-02-28 01:02:03.000004", "2020-06-01 10:00:00"]


@pytest.mark.parametrize(
    ("name", "sql", "code", "says"),
    [
        (POSTGRESQL, "SELECT 1.5::numeric AS a, money '1' AS b, array['\\x01'::bytea] AS c", "column-type", "“a” (numeric)"),
        (POSTGRESQL, "SELECT 1::numeric(5,-2) AS a", "column-type", "“a” (numeric)"),
        (POSTGRESQL, "SELECT timestamp 'infinity' AS a", "value-not-typed", "infinity"),
        (POSTGRESQL, "SELECT timestamp '0044-03-15 BC' AS a", "value-not-typed", "year 1"),
        (POSTGRESQL, "SELECT 'NaN'::numeric(10,2) AS a", "value-not-typed", "NaN"),
        (POSTGRESQL, "SELECT array[[1],[2]] AS a", "value-not-typed", "lists"),
        (POSTGRESQL, "SELECT 1 AS a, 2 AS A", "column-twice", "“a”"),
        (MARIADB, "SELECT CAST('0000-00-00' AS DATE) AS a", "value-not-typed", "“a”"),
        (MARIADB, "SELECT CAST(1 AS DECIMAL(65,30)) AS a", "column-type", "“a” (decimal)"),
    ],
)  # fmt: skip
def test_what_spark_cannot_hold_stops_the_run_and_is_named(name: str, sql: str, code: str, says: str, servers: Servers) -> None:
    outcome = servers.run(extract(name, sql), SAVE)
    problems = [event["problem"] for event in outcome.events if "problem" in event]
    assert (outcome.result, problems[0]["code"], problems[0]["stage"]) == ("failed", code, "read") and says in problems[0]["message"]


@pytest.mark.lake
def test_odd_values_of_mariadb_are_read_as_they_are(servers: Servers) -> None:
    columns = "ti tinyint(1), f float, b bit(64), bu bigint unsigned, t time, u uuid, c char(5), e enum('a'), at timestamp(6) NULL"
    columns += ", dt datetime(6)"
    values = "5, 16777217, b'1111111111111111111111111111111111111111111111111111111111111111', 18446744073709551615, '838:59:59'"
    more = "'6b1f77ea-0000-4000-8000-000000000000', 'ab', 'a', '2020-06-01 12:00:00.5', '1500-02-28 01:00:00'"
    servers.say(MARIADB, "DROP TABLE IF EXISTS odd", f"CREATE TABLE odd ({columns})", "SET time_zone = '+00:00'")
    servers.say(MARIADB, f"INSERT INTO odd VALUES ({values}, {more})")
    done(servers.run(extract(MARIADB, tableName="odd"), SAVE))
    (row,) = servers.read()
    assert row[:4] == (5, 16777216.0, Decimal(2**64 - 1), Decimal(2**64 - 1))
    assert [f"{one}" for one in row[4:8]] == ["838:59:59", "6b1f77ea-0000-4000-8000-000000000000", "ab", "a"]
    assert f"{row[9]}" == "1500-02-28 01:00:00"


@pytest.mark.lake
@BOTH
def test_what_a_column_cannot_hold_is_refused_and_never_rounded(name: str, servers: Servers) -> None:
    kinds = "n numeric(10,2), day date, small int" if name == POSTGRESQL else "n decimal(10,2), day date, small int"
    servers.say(name, "DROP TABLE IF EXISTS narrow", f"CREATE TABLE narrow ({kinds})")
    for made, code in (("1.005BD AS n", "column-type"), ("'x' AS day", "column-type"), ("1 AS smal", "column-unknown"),
                       ("3000000000L AS small", "database-value"), ("1.5D AS n", "column-type")):  # fmt: skip
        assert servers.run(make(f"SELECT {made}"), load(name, "narrow", "Append")).problem["code"] == code, made
    told = servers.run(make("SELECT 1.005BD AS n, 'x' AS day, 1 AS smal"), load(name, "narrow", "Merge", mergeKeys=["id"])).problem
    assert all(f"“{column}”" in told["message"] for column in ("id", "n", "day", "smal")), "all at once"


@pytest.mark.lake
def test_the_same_key_twice_or_none_is_refused(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS keyed", "CREATE TABLE keyed (id int8, name text)")
    for rows, code in (("VALUES (1, 'a'), (1, 'b')", "merge-key-twice"), ("VALUES (CAST(NULL AS INT), 'a')", "merge-key")):
        made = make(f"SELECT CAST(id AS BIGINT) AS id, name FROM {rows} AS t(id, name)")
        assert servers.run(made, load(POSTGRESQL, "keyed", "Merge", mergeKeys=["id"])).problem["code"] == code


def test_an_extract_only_reads_whatever_its_text_says(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (1)")
    servers.say(POSTGRESQL, "CREATE OR REPLACE FUNCTION eat() RETURNS int LANGUAGE sql AS 'DELETE FROM kept RETURNING id'")
    for sql in (
        "SELECT 1; DELETE FROM kept",
        "SELECT 1) q; COMMIT; DELETE FROM kept; SELECT * FROM (SELECT 1",
        "SELECT eat()",
        "WITH gone AS (DELETE FROM kept RETURNING id) SELECT * FROM gone",
        "DELETE FROM kept",
    ):
        assert servers.run(extract(POSTGRESQL, sql), SAVE).result == "failed", sql
        assert servers.ask(POSTGRESQL, "SELECT count(*) FROM kept") == [["1"]], sql


@pytest.mark.lake
def test_rows_that_change_while_a_run_works_are_all_of_one_moment(servers: Servers) -> None:
    """The rows come in two parts and are read twice; somebody changes them in between."""
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS moving", "CREATE TABLE moving AS SELECT i AS id FROM generate_series(1, 10) i")
    change = {"type": "JDBCExecute", "name": "change", "connection": POSTGRESQL, "sql": "INSERT INTO moving SELECT generate_series(11, 30)"}
    second = SAVE | {"name": "again", "outputURI": "again"}
    done(servers.run(extract(POSTGRESQL, tableName="moving", partitionColumn="id", numPartitions=2), SAVE, change, second))
    again = servers.process.session.read.parquet(str(servers.lakes[-1] / "again"))
    assert len(servers.read()) == again.count() == 10
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM moving") == [["30"]]


@pytest.mark.lake
def test_conditions_go_to_the_database_but_never_those_that_it_reads_otherwise(servers: Servers) -> None:
    """MariaDB takes 'abc' and 'ABC' for the same, and PostgreSQL has an order of its own."""
    from executor.running.context import RunContext
    from executor.stages.database_reading import frame_of
    from executor.stages.extract.jdbc_extract import JDBCExtract

    spark = servers.process.session
    for name, column, pushed in ((POSTGRESQL, "id > 3", True), (POSTGRESQL, "name = 'B'", True), (POSTGRESQL, "name > 'a'", False),
                                 (MARIADB, "id > 3", True), (MARIADB, "name = 'b'", False), (POSTGRESQL, "x < double('NaN')", False),
                                 (MARIADB, "x < double('Infinity')", False), (POSTGRESQL, "array(id) = array(5)", False),
                                 (MARIADB, "array(id) = array(5)", False)):  # fmt: skip
        servers.say(name, "DROP TABLE IF EXISTS texts", "CREATE TABLE texts (id int, name varchar(9), x double precision)")
        servers.say(name, "INSERT INTO texts VALUES (1, 'B', NULL), (5, 'b', 0.5)")
        given = values_from({"lake": str(servers.folder), "connections": servers.connections()})
        reach = reach_of(given, Copies(servers.process.scratch))
        context = RunContext(spark, lambda event: None, environment=None, reach=reach)  # type: ignore[arg-type]
        stage = JDBCExtract.model_validate(extract(name, tableName="texts"))
        context.begin(0, stage)
        frame = frame_of(stage, spark, context).filter(column)
        plan = frame._jdf.queryExecution().executedPlan().toString()
        filters = plan.partition("PushedFilters: [")[2].partition("]")[0]
        assert ("*" in filters) == pushed, (name, column, plan)
        assert frame.count() == 1
        context.close()


def test_sparks_own_words_for_databases_stay(servers: Servers) -> None:
    """Ours are of their kind, and Spark throws out what is equal to a new one."""
    servers.say(POSTGRESQL, "SELECT 1")
    dialects = servers.process.session._jvm.org.apache.spark.sql.jdbc.JdbcDialects  # type: ignore[union-attr]
    kinds = {"postgresql": "PostgresDialect", "mysql": "MySQLDialect", "sqlserver": "MsSqlServerDialect", "sluice:mariadb": "MariaRows"}
    for word, name in kinds.items():
        assert dialects.get(f"jdbc:{word}:x").getClass().getSimpleName() == name


def test_secrets_are_in_nothing_that_spark_shows(servers: Servers, spark_log: list[tuple[str, str]]) -> None:
    password = servers.connection(POSTGRESQL)["secrets"]["password"]
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS dark", "CREATE TABLE dark (id int)")
    outcomes = [
        servers.run(extract(POSTGRESQL, tableName="dark"), SAVE),
        servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, "dark")),
        servers.run(extract(POSTGRESQL, "SELECT 1/0 AS a"), SAVE),
        servers.run(extract(POSTGRESQL, tableName="dark"), SAVE, connections={POSTGRESQL: servers.connection(POSTGRESQL, port=1)}),
    ]
    spark = servers.process.session
    said = json.dumps([outcome.events for outcome in outcomes]) + str(spark_log) + str(spark.sparkContext.getConf().getAll())
    assert password not in said and "jdbc:postgresql" not in said
    assert [outcome.result for outcome in outcomes] == ["succeeded", "succeeded", "failed", "failed"]


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"password": "not-the-password"}, "database-sign-in"),
        ({"user": "nobody_here"}, "database-sign-in"),
        ({"database": "no_such"}, "database-missing"),
        ({"port": 1}, "database-not-reached"),
        ({"host": "no-such-host.invalid"}, "database-host"),
        ({"tls": "verify-full"}, "database-tls"),
    ],
)
@BOTH
def test_what_is_wrong_with_a_connection_is_told(name: str, other: dict[str, Any], code: str, servers: Servers) -> None:
    outcome = servers.run(extract(name, "SELECT 1 AS a"), SAVE, connections={name: servers.connection(name, **other)})
    assert outcome.problem["code"] == code, outcome.problem
    assert outcome.problem["fix"]


@BOTH
def test_what_is_wrong_with_a_query_or_right_is_told(name: str, servers: Servers) -> None:
    for sql, code in (("SELECT * FROM nothing_here", "table-missing"), ("SELECT nope FROM (SELECT 1 AS a) t", "column-unknown"),
                      ("SELEC 1", "database-syntax")):  # fmt: skip
        assert servers.run(extract(name, sql), SAVE).problem["code"] == code, sql
    servers.say(name, "DROP TABLE IF EXISTS closed", "CREATE TABLE closed (id int)")
    if name == POSTGRESQL:
        servers.say(name, "DROP USER IF EXISTS guest", "CREATE USER guest PASSWORD 'guest-password'")
    else:
        servers.say(name, "DROP USER IF EXISTS guest", "CREATE USER guest IDENTIFIED BY 'guest-password'", "GRANT USAGE ON *.* TO guest")
        servers.say(name, "CREATE DATABASE IF NOT EXISTS open_to_all", "GRANT SELECT ON open_to_all.* TO guest")
    guest = servers.connection(name, user="guest", password="guest-password", **({} if name == POSTGRESQL else {"database": "open_to_all"}))
    table = "closed" if name == POSTGRESQL else "sluice.closed"
    assert servers.run(extract(name, tableName=table), SAVE, connections={name: guest}).problem["code"] == "database-right"


@BOTH
def test_who_names_no_table_that_is_there_is_told_which_are(name: str, servers: Servers) -> None:
    """A view, one of another schema, one whose name needs quotes, and none that Sluice keeps for itself, or that the user may not read."""
    quote = '"' if name == POSTGRESQL else "`"
    drop = "DROP SCHEMA IF EXISTS els CASCADE" if name == POSTGRESQL else "DROP SCHEMA IF EXISTS els"
    servers.say(name, drop, "CREATE SCHEMA els", "CREATE TABLE els.orders_of_others (id int)", "DROP TABLE IF EXISTS sluice_kept_x")
    servers.say(name, "CREATE TABLE sluice_kept_x (id int)", "DROP VIEW IF EXISTS orders_seen", "DROP TABLE IF EXISTS orders_tried")
    servers.say(name, "CREATE TABLE orders_tried (id int)", "CREATE VIEW orders_seen AS SELECT 1 AS id")
    servers.say(name, f"DROP TABLE IF EXISTS {quote}orders 100 %{quote}", f"CREATE TABLE {quote}orders 100 %{quote} (id int)")
    told = [
        servers.run(extract(name, **asks), SAVE).problem for asks in ({"tableName": "orders_tride"}, {"sql": "SELECT * FROM orders_tride"})
    ]
    assert [problem["code"] for problem in told] == ["table-missing"] * 2
    assert [problem["field"] for problem in told] == ["tableName", "sql"]
    assert told[0]["fix"].startswith("Did you mean “orders_tried”? There are “") and told[1]["fix"].startswith("There are “")
    named = servers.run(extract(name, tableName="orders"), SAVE).problem["fix"]  # those that are called alike stand first
    for table in ("orders_tried", "orders_seen", "els.orders_of_others", f"{quote}orders 100 %{quote}"):
        assert f"“{table}”" in named
        done(servers.run(extract(name, tableName=table), SAVE))
    assert "sluice_" not in named and "sluice_kept" not in told[1]["fix"]
    assert "orders" not in servers.run(extract(name, tableName="ordrs"), SAVE, connections={name: _guest(name, servers)}).problem["fix"]


def _guest(name: str, servers: Servers) -> dict[str, Any]:
    """Somebody who may read nothing."""
    who = "guest" if name == POSTGRESQL else "guest@'%'"
    identified = "PASSWORD" if name == POSTGRESQL else "IDENTIFIED BY"
    servers.say(name, "DROP USER IF EXISTS guest", f"CREATE USER {who} {identified} 'guest-password'")
    other = {}
    if name == MARIADB:
        servers.say(name, "CREATE DATABASE IF NOT EXISTS open_to_all", f"GRANT SELECT ON open_to_all.* TO {who}")
        other = {"database": "open_to_all"}
    return servers.connection(name, user="guest", password="guest-password", **other)


def test_the_server_goes_away_in_the_middle(servers: Servers) -> None:
    """The connection that reads is ended by the server while rows are on their way."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'sluice'"
    kill = {"type": "JDBCExecute", "name": "kill", "connection": POSTGRESQL, "sql": end}
    outcome = servers.run(extract(POSTGRESQL, "SELECT generate_series(1, 10) AS a"), make("SELECT 1 AS a"), load(POSTGRESQL, "gone"), kill)
    assert outcome.problem["code"] == "database-gone" and "gone" not in tables(servers, POSTGRESQL)


@ONE_QUICK
def test_the_server_is_gone_for_good_in_the_middle(name: str, servers: Servers) -> None:
    """While rows are read, and while they are written: what others see of the target is what was there."""
    servers.say(name, "DROP TABLE IF EXISTS mine", "CREATE TABLE mine (id bigint, word varchar(50))", "INSERT INTO mine VALUES (1, 'old')")
    servers.say(name, "DROP TABLE IF EXISTS many", f"CREATE TABLE many AS {MANY[name]}")
    port = servers.connection(name)["settings"]["port"]
    reads = (extract(name, tableName="many"), make("SELECT * FROM there"), load(name, "mine"))
    writes = (make("SELECT id, uuid() AS word FROM range(60000)"), load(name, "mine"))
    for stages, bytes_ in ((reads, {"received": 400_000}), (writes, {"sent": 400_000})):
        with odd.answering(odd.cut_off(port, **bytes_)) as instead:
            outcome = servers.run(*stages, connections={name: servers.connection(name, port=instead)})
        problem = outcome.problem
        assert problem["code"] in ("database-gone", "database-not-reached") and problem["fix"], problem
        assert servers.ask(name, "SELECT id, word FROM mine") == [["1", "old"]], bytes_


def test_documents_with_an_address_are_told_which_connection_to_make() -> None:
    stage = {"type": "JDBCExtract", "name": "a", "outputView": "a", "tableName": "t"}
    url = "jdbc:postgresql://ana:geheim-4711@db.acme.org:5432/shop?user=x&password=geheim-4711"
    for words in ({"jdbcURL": url}, {"jdbcURL": url, "params": {"user": "x"}}):
        problems = check({"stages": [stage | words]})
        told = next(one for one in problems if one.code == "jdbc-url")
        assert "PostgreSQL with host db.acme.org, port 5432, database shop" in (told.fix or "")
        assert "geheim" not in str([one.as_dict() for one in problems])
    (query,) = check({"stages": [stage | {"connection": "shop", "tableName": "(SELECT 1) t"}]})
    assert query.code == "table-name" and "sql" in (query.fix or "")


def test_parameters_stand_in_the_sql_of_a_database_as_values_only(servers: Servers) -> None:
    declared = {
        "word": {"type": "string", "default": "x"},
        "day": {"type": "date", "default": "2024-02-29"},
        "n": {"type": "integer", "default": -3},
    }
    evil = "' OR 1=1 --"
    sql = "SELECT ${word} AS a, 'it is ${word}' AS b, CAST(${day} AS DATE) AS c, 1 -${n} AS d"
    done(servers.run(extract(POSTGRESQL, sql), SAVE, declared=declared, parameters={"word": evil}))
    assert [row[:2] + row[3:] for row in servers.read()] == [(evil, f"it is {evil}", 4)]
    for text in ("SELECT 1 AS a -- ${word}", 'SELECT 1 AS "${word}"', "SELECT '\\${word}' AS a", "SELECT $$${word}$$ AS a"):
        stage = extract(POSTGRESQL, text)
        found = check({"parameters": {"word": declared["word"]}, "stages": [stage]})
        assert [one.code for one in found] == ["parameter-in-database-sql"], text


def preview(servers: Servers, memory: Memory, *stages: dict[str, Any]) -> list[list[Any]]:
    """The rows that a look at the last stage shows, on a sample."""
    given = values_from({"lake": str(servers.folder), "connections": servers.connections()})
    reach = reach_of(given, Copies(servers.process.scratch))
    said: list[Any] = []
    look = Preview(servers.process, said.append, parse({"stages": list(stages)}), reach, memory=memory)  # type: ignore[arg-type]
    look.show(len(stages) - 1, 100)
    return next(event.rows for event in reversed(said) if event.name == "rows")


def test_a_preview_reads_a_sample_anew_each_time_and_writes_nothing(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS looked", "CREATE TABLE looked AS SELECT i AS id FROM generate_series(1, 20000) i")
    memory, read, count = Memory(), extract(POSTGRESQL, tableName="looked"), make("SELECT count(*) AS n, max(id) AS m FROM there")
    assert preview(servers, memory, read, count)[0][0] == 10_000
    servers.say(POSTGRESQL, "DELETE FROM looked WHERE id > 5")
    assert preview(servers, memory, read, count) == [[5, 5]]
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS never")
    act = {"type": "JDBCExecute", "name": "act", "connection": POSTGRESQL, "sql": "DELETE FROM looked"}
    assert preview(servers, memory, read, count, load(POSTGRESQL, "never"), act) == [[5, 5]]
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM looked") == [["5"]] and "never" not in tables(servers, POSTGRESQL)
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == [["0"]]


@BOTH
def test_what_a_killed_run_left_is_taken_away_by_the_next_and_what_another_one_writes_is_not(name: str, servers: Servers) -> None:
    dead, alive = "sluice_staging_00000000000000aa", "sluice_staging_00000000000000bb"
    servers.say(name, "DROP TABLE IF EXISTS after_all", f"CREATE TABLE {dead} (id int)", f"CREATE TABLE {alive} (id int)")
    way = servers.way(name)
    session = way.open([], reads=False)
    assert session.value(way.engine.hold(alive) or "") == "1"
    done(servers.run(make("SELECT 1 AS id"), load(name, "after_all")))
    assert {dead, alive} & tables(servers, name) == {alive}
    way.close()
    done(servers.run(make("SELECT 1 AS id"), load(name, "after_all")))
    assert not {dead, alive} & tables(servers, name)


MOMENTS = [("stage_entered", 0.2), ("stage_entered", 1.5), ("publish_requested", 0.0), ("publish_requested", 0.03),
           ("publish_requested", 0.1), ("publish_requested", 0.4)]  # fmt: skip
"""The event after which a run is killed, and how many seconds after."""


@pytest.mark.lake
@BOTH
def test_a_run_that_is_killed_at_any_moment_leaves_old_or_new_and_never_a_mixture(name: str, servers: Servers, tally: Tally) -> None:
    servers.say(name, "DROP TABLE IF EXISTS whole", "CREATE TABLE whole (id bigint, run int)", "INSERT INTO whole VALUES (1, 0), (2, 0)")
    for number, (event, seconds) in enumerate(MOMENTS, 1):
        rows = make(f"SELECT id, {number} AS run FROM range(60000)")
        document = {"stages": [rows, load(name, "whole", batchsize=5000)]}
        killed({"document": document, "connections": servers.connections(), "lake": str(servers.folder)}, event, seconds)
        (state,) = servers.ask(name, "SELECT count(*), min(run), max(run) FROM whole")
        is_lost, is_half = state[0] not in ("2", "60000"), state[1] != state[2]
        tally(f"writer killed (SIGKILL), {KINDS[name]}").tried(lost=is_lost, half=is_half)
        assert not is_lost and not is_half, (number, state)
    done(servers.run(make("SELECT id, 99 AS run FROM range(5)"), load(name, "whole")))
    assert servers.ask(name, "SELECT count(*), min(run) FROM whole") == [["5", "99"]]
    left = {table for table in tables(servers, name) if str(table).startswith("sluice_staging")}
    assert not left


def killed(values: dict[str, Any], event: str, seconds: float) -> None:
    """Runs a job as the program people use, and kills it so long after the event."""
    command = [sys.executable, "-m", "executor", "run", "-", "--values", "-"]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True, text=True) as run:
        assert run.stdin and run.stdout
        run.stdin.write(json.dumps(values) + "\n")
        run.stdin.flush()
        for line in run.stdout:
            said = json.loads(line)
            if said["event"] == event and said.get("stage", "write") == "write":
                break
        time.sleep(seconds)
        os.killpg(run.pid, signal.SIGKILL)
