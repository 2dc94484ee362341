"""What a load has made of a table of a database is undone: rows are as they were, the table itself stays, and nothing that others did since
is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from executor.databases.kept import BEGINNING, Table
from executor.databases.undo import Undone, put_back
from executor.problems import ProblemError
from tests.executor.databases.servers import MARIADB, POSTGRESQL, Servers, done, load, make
from tests.executor.databases.test_jdbc import tables

pytestmark = [pytest.mark.spark, pytest.mark.services]
BOTH = pytest.mark.parametrize("name", [POSTGRESQL, MARIADB])
ONE_QUICK = pytest.mark.parametrize("name", [POSTGRESQL, pytest.param(MARIADB, marks=pytest.mark.lake)])


def published(servers: Servers, sql: str, stage: dict[str, Any]) -> str:
    """Runs a load; the id of what can be put back, empty where that is nothing."""
    (output,) = done(servers.run(make(sql), stage)).named("result")[0]["outputs"]
    return str(output.get("kept", [{"id": ""}])[0]["id"])


def undo(servers: Servers, name: str, table: str, id: str) -> Undone:
    way = servers.way(name)
    try:
        return put_back(Table(way.open(way.engine.begin_writing(), reads=False), [table]), id)
    finally:
        way.close()


def refusal(servers: Servers, name: str, table: str, id: str) -> str:
    with pytest.raises(ProblemError) as refused:
        undo(servers, name, table, id)
    return refused.value.problems[0].code


def rows(servers: Servers, name: str, table: str, columns: str = "*") -> Sequence[Any]:
    return servers.ask(name, f"SELECT {columns} FROM {table} ORDER BY 1, 2")


def kept_tables(servers: Servers, name: str) -> set[str]:
    return {str(table) for table in tables(servers, name) if str(table).startswith(BEGINNING)}


MODES: dict[str, dict[str, Any]] = {"Overwrite": {}, "Append": {}, "Merge": {"mergeKeys": ["id"]}}


@ONE_QUICK
@pytest.mark.parametrize("mode", [*MODES])
def test_what_a_load_did_is_undone_and_can_be_done_again(mode: str, name: str, servers: Servers) -> None:
    """The table has more columns than the view, one that the database makes, a trigger and a view over it: all of it stays."""
    made = "GENERATED ALWAYS AS (id * 2) STORED"
    servers.say(name, "DROP VIEW IF EXISTS over_undone", "DROP TABLE IF EXISTS undone")
    servers.say(name, f"CREATE TABLE undone (id int PRIMARY KEY, word varchar(20), x numeric(10,2) DEFAULT 7.5, twice int {made})")
    servers.say(
        name, "CREATE VIEW over_undone AS SELECT id FROM undone", "INSERT INTO undone (id, word, x) VALUES (1, 'a', 1), (2, NULL, 2)"
    )
    first = rows(servers, name, "undone")
    new = (
        "SELECT id, 'New' AS word FROM VALUES (3), (4) AS t(id)"
        if mode == "Append"
        else "SELECT id, 'New' AS word FROM VALUES (2), (3) AS t(id)"
    )
    id = published(servers, new, load(name, "undone", mode, **MODES[mode]))
    second = rows(servers, name, "undone")
    assert second != first
    back = undo(servers, name, "undone", id)
    assert rows(servers, name, "undone") == first and back.id != id
    assert refusal(servers, name, "undone", id) == "output-not-kept"
    again = undo(servers, name, "undone", back.id)
    assert rows(servers, name, "undone") == second
    undo(servers, name, "undone", again.id)
    assert rows(servers, name, "undone") == first == rows(servers, name, "undone") and len(rows(servers, name, "over_undone", "id, 1")) == 2


@ONE_QUICK
def test_what_others_did_since_is_never_lost(name: str, servers: Servers) -> None:
    fresh = [
        "DROP TABLE IF EXISTS since",
        "CREATE TABLE since (id int PRIMARY KEY, word varchar(20))",
        "INSERT INTO since VALUES (1, 'a'), (2, 'b')",
    ]
    new = "SELECT id, 'n' AS word FROM VALUES (2), (3) AS t(id)"
    changes = {
        "Overwrite": ["UPDATE since SET word = 'N' WHERE id = 2", "INSERT INTO since VALUES (9, 'z')", "DELETE FROM since WHERE id = 3"],
        "Merge": ["UPDATE since SET word = 'N' WHERE id = 3", "DELETE FROM since WHERE id = 2"],
    }
    for mode, ways in changes.items():
        for change in (*ways, "ALTER TABLE since ADD COLUMN more int"):
            servers.say(name, *fresh)
            id = published(servers, new, load(name, "since", mode, **MODES[mode]))
            servers.say(name, change)
            there = rows(servers, name, "since")
            assert refusal(servers, name, "since", id) == "table-changed", (mode, change)
            assert rows(servers, name, "since") == there
    servers.say(name, *fresh)
    id = published(servers, new, load(name, "since", "Merge", mergeKeys=["id"]))
    servers.say(name, "INSERT INTO since VALUES (9, 'z')", "UPDATE since SET word = 'other' WHERE id = 1")
    undo(servers, name, "since", id)
    assert rows(servers, name, "since") == [["1", "other"], ["2", "b"], ["9", "z"]], "rows that the run did not touch stay as they are"


@ONE_QUICK
def test_one_earlier_state_is_kept_and_what_is_not_can_not_be_put_back(name: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS bounded", "CREATE TABLE bounded (id int, word varchar(20))")
    before = kept_tables(servers, name)
    first = published(servers, "SELECT 1 AS id", load(name, "bounded"))
    one = kept_tables(servers, name) - before
    second = published(servers, "SELECT 2 AS id", load(name, "bounded"))
    two = kept_tables(servers, name) - before
    assert len(two - one) == 1 and len(one - two) == 1, "the earlier one went"
    assert refusal(servers, name, "bounded", first) == "output-not-kept"
    assert published(servers, "SELECT 3 AS id", load(name, "bounded", "Append")) == "", "without a key nobody knows which rows came"
    assert refusal(servers, name, "bounded", second) == "output-not-kept"
    assert published(servers, "SELECT 4 AS id", load(name, "bounded", keepBefore=False)) == ""
    assert not {table for table in kept_tables(servers, name) - before if table.endswith(("_before", "_after"))}
