"""Which rows a job has read: those that were there at its turn, and those that Spark would find."""

from __future__ import annotations

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, SAVE, Servers, done, extract

pytestmark = [pytest.mark.spark, pytest.mark.services]


@pytest.mark.parametrize(
    ("name", "statement"),
    [(MARIADB, "DELETE FROM moved"), pytest.param(POSTGRESQL, "TRUNCATE moved", marks=pytest.mark.lake)],  # TRUNCATE waits for who reads
)
@pytest.mark.parametrize("query", [{"tableName": "moved"}, {"sql": "SELECT * FROM moved"}])
def test_rows_are_read_before_a_later_stage_takes_them_away(name: str, statement: str, query: dict[str, str], servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS moved", "CREATE TABLE moved (id int)", "INSERT INTO moved VALUES (1), (2), (3)")
    empty = {"type": "JDBCExecute", "name": "empty", "connection": name, "sql": statement}
    done(servers.run(extract(name, **query), empty, SAVE))
    assert servers.read() == [(1,), (2,), (3,)] and servers.ask(name, "SELECT count(*) FROM moved") == [["0"]]


@pytest.mark.lake
@pytest.mark.parametrize("condition", ["v = CAST(0.1 AS FLOAT)", "v <= CAST(0.1 AS FLOAT)", "is_on"])
def test_a_condition_finds_the_rows_that_spark_would_find(condition: str, servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS found", "CREATE TABLE found (v float4, is_on bit(1))")
    servers.say(POSTGRESQL, "INSERT INTO found VALUES (0.1, B'1')")
    ask = {"type": "SQLTransform", "name": "ask", "sql": f"SELECT is_on FROM read WHERE {condition}", "outputView": "there"}
    done(servers.run(extract(POSTGRESQL, tableName="found", outputView="read"), ask, SAVE))
    assert servers.read() == [(True,)]
