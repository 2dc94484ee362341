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
        (POSTGRESQL, "time(0)", "'10:00:00.7'", "'10:00:00'"),  # would be 10:00:01
    ],
)
def test_a_value_that_would_become_another(name: str, column: str, value: str, fits: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS misread", f"CREATE TABLE misread (id int, v {column})")
    problem = servers.run(make(f"SELECT 1 AS id, {value} AS v"), load(name, "misread")).problem
    assert (problem["code"], problem["data_column"]) == ("database-value", "v")
    assert servers.ask(name, "SELECT count(*) FROM misread") == [["0"]]
    done(servers.run(make(f"SELECT 1 AS id, {fits} AS v"), load(name, "misread")))
    assert servers.ask(name, "SELECT count(*) FROM misread") == [["1"]]


def test_no_table_is_made_beside_one_that_differs_in_capitals_alone(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS capitals", "CREATE TABLE capitals (id int)")
    for table in ("Capitals", "public.CAPITALS"):
        assert servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, table)).problem["code"] == "table-capitals"
    done(servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, "public.capitals")))


def test_a_text_is_no_list_of_numbers(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS lists", "CREATE TABLE lists (v numeric(5, 1)[])")
    assert servers.run(make("SELECT '{1.26}' AS v"), load(POSTGRESQL, "lists")).problem["code"] == "column-type"


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


def test_an_overwrite_takes_no_rows_of_tables_that_inherit_along_and_all_of_partitions(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS heir", "DROP TABLE IF EXISTS ancestor", "CREATE TABLE ancestor (id int)")
    servers.say(POSTGRESQL, "CREATE TABLE heir () INHERITS (ancestor)", "INSERT INTO heir VALUES (7)")
    assert servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, "ancestor")).problem["code"] == "overwrite-cascades"
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM heir") == [["1"]]
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS parted", "CREATE TABLE parted (id int) PARTITION BY RANGE (id)")
    servers.say(POSTGRESQL, "CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)", "INSERT INTO parted VALUES (7)")
    done(servers.run(make("SELECT 1 AS id"), load(POSTGRESQL, "parted")))
    assert servers.ask(POSTGRESQL, "SELECT id FROM parted") == [["1"]]


@pytest.mark.parametrize(("name", "schema"), [(POSTGRESQL, "public"), (MARIADB, "sluice")])
def test_a_table_is_one_however_it_is_called(name: str, schema: str, servers: Servers) -> None:
    servers.say(name, *[f"DROP TABLE IF EXISTS {one}" for one in ("called_one", "called_two")])
    servers.say(name, "CREATE TABLE called_one (id int)", "CREATE TABLE called_two (id int)")

    def loads(first: str, second: str) -> Any:
        return servers.run(make("SELECT 1 AS id"), load(name, first), load(name, second) | {"name": "again"})

    assert loads("called_one", f"{schema}.called_one").problem["code"] == "output-twice"
    done(loads("called_one", f"{schema}.called_two"))
    assert servers.ask(name, "SELECT * FROM called_one UNION ALL SELECT * FROM called_two") == [["1"], ["1"]]
