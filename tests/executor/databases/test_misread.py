"""What a database would do to values and rows without a word stops the run; nothing of it is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, Servers, done, load, make

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake]


@pytest.mark.parametrize(
    ("name", "column", "value", "fits"),
    [
        (MARIADB, "enum('red', 'it''s')", "'1'", "'it''s'"),  # would be red
        (MARIADB, "enum('red', 'green')", "'Red'", "CAST(NULL AS STRING)"),
        (MARIADB, "set('a', 'b')", "'3'", "'b,a'"),  # would be a,b
        (MARIADB, "timestamp(6) NOT NULL", "CAST(NULL AS TIMESTAMP)", "TIMESTAMP'2024-01-01 00:00:00Z'"),  # would be now
        (MARIADB, "varchar(3)", "'abc  '", "'ab '"),
        (POSTGRESQL, "varchar(3)", "'abc  '", "'ab '"),
    ],
)
def test_a_value_that_would_become_another(name: str, column: str, value: str, fits: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS misread", f"CREATE TABLE misread (id int, v {column})")
    problem = servers.run(make(f"SELECT 1 AS id, {value} AS v"), load(name, "misread")).problem
    assert (problem["code"], problem["data_column"]) == ("database-value", "v")
    assert servers.ask(name, "SELECT count(*) FROM misread") == [["0"]]
    done(servers.run(make(f"SELECT 1 AS id, {fits} AS v"), load(name, "misread")))
    assert servers.ask(name, "SELECT count(*) FROM misread") == [["1"]]


def test_a_zero_stays_zero_where_the_database_numbers_its_rows(servers: Servers) -> None:
    servers.say(MARIADB, "DROP TABLE IF EXISTS numbered", "CREATE TABLE numbered (id int AUTO_INCREMENT PRIMARY KEY, v int)")

    def there() -> list[Any]:
        return servers.ask(MARIADB, "SELECT id, v FROM numbered ORDER BY id")

    done(servers.run(make("SELECT 0 AS id, 7 AS v"), load(MARIADB, "numbered", "Append")))
    done(servers.run(make("SELECT 0 AS id, 8 AS v"), load(MARIADB, "numbered", "Merge", mergeKeys=["id"])))
    assert there() == [["0", "8"]]
    done(servers.run(make("SELECT 9 AS v"), load(MARIADB, "numbered", "Append")))
    assert there() == [["0", "8"], ["1", "9"]]


@pytest.mark.parametrize("name", [POSTGRESQL, MARIADB])
def test_an_overwrite_takes_no_rows_of_other_tables_along(name: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS children", "DROP TABLE IF EXISTS parents", "CREATE TABLE parents (id int PRIMARY KEY)")
    servers.say(name, "CREATE TABLE children (p int, FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE)")
    servers.say(name, "INSERT INTO parents VALUES (1), (2)", "INSERT INTO children VALUES (1), (2)")
    rows = make("SELECT 1 AS id")
    assert servers.run(rows, load(name, "parents")).problem["code"] == "overwrite-cascades"
    done(servers.run(rows, load(name, "parents", "Merge", mergeKeys=["id"])))
    assert servers.ask(name, "SELECT count(*) FROM children") == [["2"]] == servers.ask(name, "SELECT count(*) FROM parents")
