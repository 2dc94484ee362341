"""What a load has made of a table of a database is undone: rows are as they were, the table itself stays, and nothing that others did since
is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from executor.databases.kept import BEGINNING, Table
from executor.databases.undo import Undone, put_back
from executor.problems import ProblemError
from tests.executor.databases.servers import KINDS, MARIADB, POSTGRESQL, Servers, done, load, make
from tests.executor.databases.test_jdbc import MOMENTS, killed, tables
from tests.tally import Tally

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
    assert undo(servers, name, "undone", id) == Undone(back.id, back.rows, 0), "who asks once more, as no answer came, undoes nothing"
    assert rows(servers, name, "undone") == first and refusal(servers, name, "undone", "another") == "output-not-kept"
    again = undo(servers, name, "undone", back.id)
    assert rows(servers, name, "undone") == second
    undo(servers, name, "undone", again.id)
    assert rows(servers, name, "undone") == first and len(rows(servers, name, "over_undone", "id, 1")) == 2


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


ODD = {
    POSTGRESQL: (
        ("id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a json, b numeric, c timestamptz, d bytea",
         "e text[], f float4, g interval, h char(4)"),
        "'{\"a\": 1}', 'NaN', '-infinity', '\\x00ff', ARRAY['x', NULL], 0.1, '1 mon', 'a'",
        "NULL, 1.10, NULL, NULL, NULL, NULL, NULL, NULL",
    ),
    MARIADB: (
        ("id int PRIMARY KEY AUTO_INCREMENT, a json, b decimal(65,30), c timestamp NULL, d longblob, e enum('x','y')",
         "f float, g time, h date, i bit(9), k varchar(9) COLLATE utf8mb4_general_ci, l double"),
        "'{}', 0.000000000000000000000000000001, '2020-02-01', x'00ff', 'y', 0.1, '838:59:59', '0000-00-00', b'101', 'a ', 1e-300",
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'A', NULL",
    ),
}  # fmt: skip


@pytest.mark.lake
@BOTH
def test_every_value_is_what_it_was(name: str, servers: Servers) -> None:
    """Also those that Spark does not have, and those that the server itself would refuse by now."""
    columns, one, other = ODD[name]
    names = "a, b, c, d, e, f, g, h" + (", i, k, l" if name == MARIADB else "")
    servers.say(name, "DROP TABLE IF EXISTS odd_ones", f"CREATE TABLE odd_ones ({', '.join(columns)})")
    lax = ["SET SESSION sql_mode = ''"] if name == MARIADB else []
    servers.say(name, *lax, f"INSERT INTO odd_ones ({names}) VALUES ({one}), ({other})")
    shown = (
        "id, b, c, e, f, g, h, a" if name == POSTGRESQL else "id, b, CAST(c AS CHAR), HEX(d), e, f, g, CAST(h AS CHAR), i + 0, HEX(k), l"
    )
    number = "f" if name == POSTGRESQL else "l"
    new, first = f"SELECT CAST(1 AS {'FLOAT' if name == POSTGRESQL else 'DOUBLE'}) AS {number}", rows(servers, name, "odd_ones", shown)
    id = published(servers, new, load(name, "odd_ones"))
    assert len(rows(servers, name, "odd_ones", shown)) == 1
    back = undo(servers, name, "odd_ones", id)
    assert rows(servers, name, "odd_ones", shown) == first
    undo(servers, name, "odd_ones", back.id)
    servers.say(name, f"UPDATE odd_ones SET {number} = 1.0000001")
    assert refusal(servers, name, "odd_ones", noted_id(servers, name, "odd_ones")) == "table-changed"
    if name == MARIADB:
        servers.say(name, "INSERT INTO odd_ones (k) VALUES ('a')")
        id = published(servers, "SELECT 'b' AS k", load(name, "odd_ones"))
        servers.say(name, "UPDATE odd_ones SET k = 'B'")
        assert refusal(servers, name, "odd_ones", id) == "table-changed", "the server takes b and B for the same"


@pytest.mark.lake
def test_keys_that_the_database_makes_stay(servers: Servers) -> None:
    """PostgreSQL says which rows it has made; where a server does not, nothing is kept of an append."""
    for name, made in ((POSTGRESQL, "int GENERATED ALWAYS AS IDENTITY"), (MARIADB, "int AUTO_INCREMENT")):
        servers.say(name, "DROP TABLE IF EXISTS numbered", f"CREATE TABLE numbered (id {made} PRIMARY KEY, word varchar(9))")
        servers.say(name, "INSERT INTO numbered (word) VALUES ('a'), ('a')")
        id = published(servers, "SELECT 'a' AS word", load(name, "numbered", "Append"))
        if name == MARIADB:
            assert id == ""
            continue
        back = undo(servers, name, "numbered", id)
        assert rows(servers, name, "numbered") == [["1", "a"], ["2", "a"]]
        undo(servers, name, "numbered", back.id)
        assert rows(servers, name, "numbered") == [["1", "a"], ["2", "a"], ["3", "a"]]
        published(servers, "SELECT 'b' AS word", load(name, "numbered", "Append"))
        assert rows(servers, name, "numbered")[-1] == ["4", "b"], "the next number is a new one"


@pytest.mark.lake
def test_triggers_foreign_keys_and_rights_are_heeded(servers: Servers) -> None:
    name = POSTGRESQL
    servers.say(name, "DROP TABLE IF EXISTS lines", "DROP TABLE IF EXISTS heads", "CREATE TABLE heads (id int PRIMARY KEY, word text)")
    servers.say(name, "INSERT INTO heads VALUES (1, 'a')")
    id = published(servers, "SELECT id, 'n' AS word FROM VALUES (1), (2) AS t(id)", load(name, "heads", "Merge", mergeKeys=["id"]))
    servers.say(name, "CREATE TABLE lines (head int REFERENCES heads)", "INSERT INTO lines VALUES (2)")
    assert refusal(servers, name, "heads", id) == "database-rule", "a row that another table needs does not go"
    assert rows(servers, name, "heads") == [["1", "n"], ["2", "n"]]
    servers.say(name, "DELETE FROM lines")
    function = "CREATE OR REPLACE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.word := 'loud'; RETURN NEW; END $$"
    servers.say(name, function, "CREATE TRIGGER loud BEFORE INSERT OR UPDATE ON heads FOR EACH ROW EXECUTE FUNCTION shout()")
    assert refusal(servers, name, "heads", id) == "rows-lost", "it would not become what it was"
    assert rows(servers, name, "heads") == [["1", "n"], ["2", "n"]]
    servers.say(name, "DROP TRIGGER loud ON heads")
    undo(servers, name, "heads", id)
    assert rows(servers, name, "heads") == [["1", "a"]]
    servers.say(
        name, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader, PUBLIC"
    )
    try:
        servers.say(name, "DROP TABLE lines", "REVOKE ALL ON heads FROM reader, PUBLIC")
        published(servers, "SELECT 1 AS id", load(name, "heads"))
        granted = "SELECT relname FROM pg_class, aclexplode(relacl) WHERE starts_with(relname, 'sluice_kept') AND grantee <> relowner"
        assert servers.ask(name, granted) == [], "nobody else reads rows of before"
    finally:
        servers.say(name, "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM reader, PUBLIC")


@pytest.mark.lake
@BOTH
def test_keys_of_texts_and_many_rows(name: str, servers: Servers) -> None:
    """Merged by a text, of which an index takes only a part, and where the server sees no difference between small and capital letters."""
    servers.say(
        name, "DROP TABLE IF EXISTS texts_kept", f"CREATE TABLE texts_kept (k {'text' if name == POSTGRESQL else 'longtext'}, n int)"
    )
    published(servers, "SELECT concat('k', id) AS k, CAST(id AS INT) AS n FROM range(3000)", load(name, "texts_kept"))
    first = rows(servers, name, "texts_kept")
    new = "SELECT concat('k', id) AS k, -1 AS n FROM range(1500, 4500)"
    id = published(servers, new, load(name, "texts_kept", "Merge", mergeKeys=["k"]))
    assert undo(servers, name, "texts_kept", id).changed == 1500 + 1500
    assert rows(servers, name, "texts_kept") == first
    servers.say(name, "INSERT INTO texts_kept VALUES ('k1', 7)")
    assert published(servers, "SELECT 'k1' AS k, 5 AS n", load(name, "texts_kept", "Merge", mergeKeys=["k"])) == "", (
        "two rows have that key"
    )


@pytest.mark.lake
@BOTH
def test_a_run_that_is_killed_leaves_old_rows_or_new_ones_and_what_can_be_put_back_is_that_of_before(
    name: str, servers: Servers, tally: Tally
) -> None:
    servers.say(
        name, "DROP TABLE IF EXISTS killed_kept", "CREATE TABLE killed_kept (id bigint, run int)", "INSERT INTO killed_kept VALUES (1, 0)"
    )
    state, earlier = "0", ""
    for number, (event, seconds) in enumerate(MOMENTS, 1):
        rows_ = make(f"SELECT id, {number} AS run FROM range(40000)")
        document = {"stages": [rows_, load(name, "killed_kept", batchsize=5000)]}
        killed({"document": document, "connections": servers.connections(), "lake": str(servers.folder)}, event, seconds)
        (found,) = servers.ask(name, "SELECT min(run), max(run) FROM killed_kept")
        now, is_half = str(found[0]), found[0] != found[1]
        noted = noted_id(servers, name, "killed_kept")
        is_lost = (now == state) != (noted == earlier)
        if now != state:
            undo(servers, name, "killed_kept", noted)
            ((back,),) = servers.ask(name, "SELECT max(run) FROM killed_kept")
            is_lost |= back != state
        state, earlier = str(servers.ask(name, "SELECT max(run) FROM killed_kept")[0][0]), noted_id(servers, name, "killed_kept")
        tally(f"writer killed (SIGKILL), what {KINDS[name]} keeps").tried(lost=is_lost, half=is_half)
        assert not is_lost and not is_half, (number, found, noted)
    published(servers, "SELECT 1L AS id, 99 AS run", load(name, "killed_kept"))
    last = noted_id(servers, name, "killed_kept")
    left = {table for table in kept_tables(servers, name) if "_" in table.removeprefix(BEGINNING)}
    assert any(last in table for table in left) and len({table for table in left if not is_noted(servers, name, table)}) == 0


def noted_id(servers: Servers, name: str, table: str) -> str:
    way = servers.way(name)
    try:
        note = Table(way.open([], reads=False), [table]).note()
        return note.id if note else ""
    finally:
        way.close()


def is_noted(servers: Servers, name: str, table: str) -> bool:
    way = servers.way(name)
    try:
        there = Table(way.open([], reads=False), ["killed_kept"])
        return table.removeprefix(f"{there.family}_").partition("_")[0] in there.ids_noted()
    finally:
        way.close()


@pytest.mark.lake
@BOTH
def test_a_put_back_that_is_killed_has_been_done_or_not(name: str, servers: Servers, tally: Tally) -> None:
    """The program that the button starts, killed at moments after its Spark is there; asked again it ends as asked."""
    servers.say(name, "DROP TABLE IF EXISTS killed_back", "CREATE TABLE killed_back (id bigint, run int)")
    published(servers, "SELECT id, 1 AS run FROM range(60000)", load(name, "killed_back"))
    id = published(servers, "SELECT id, 2 AS run FROM range(50000)", load(name, "killed_back"))
    there = ["2", "50000"]
    for seconds in (0.0, 0.1, 0.2, 0.4, 0.8, 1.6):
        given = {"connection": name, "table": "killed_back", "kept": id, "connections": servers.connections(), "lake": str(servers.folder)}
        killed_while_it_changes(given, seconds, lambda: bool(kept_in_the_making(servers, name)))
        (state,) = servers.ask(name, "SELECT max(run), count(*) FROM killed_back WHERE run = (SELECT min(run) FROM killed_back)")
        wanted = ["1", "60000"] if there[0] == "2" else ["2", "50000"]
        tally(f"put back killed (SIGKILL), {KINDS[name]}").tried(half=state not in (there, wanted))
        assert state in (there, wanted), seconds
        id = undo(servers, name, "killed_back", id).id
        assert servers.ask(name, "SELECT max(run), count(*) FROM killed_back") == [wanted], "asked again, it is as was wanted"
        there = wanted


def kept_in_the_making(servers: Servers, name: str) -> set[str]:
    return {table for table in kept_tables(servers, name) if table.endswith("_before") and not is_noted(servers, name, table)}


def killed_while_it_changes(given: dict[str, Any], seconds: float, begun: Callable[[], bool]) -> None:
    command = [sys.executable, "-m", "executor", "put-back-rows", "--values", "-"]
    with Popen(command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True, text=True) as program:
        assert program.stdin
        program.stdin.write(json.dumps(given) + "\n")
        program.stdin.flush()
        while program.poll() is None and not begun():
            time.sleep(0.02)
        time.sleep(seconds)
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)


@pytest.mark.lake
@BOTH
def test_somebody_who_reads_what_is_kept_holds_nobody_up(name: str, servers: Servers) -> None:
    """A backup reads all tables, for hours; what it holds goes after the next publish."""
    servers.say(name, "DROP TABLE IF EXISTS backed_up", "CREATE TABLE backed_up (id int)")
    published(servers, "SELECT 1 AS id", load(name, "backed_up"))
    (held,) = [table for table in kept_tables(servers, name) if noted_id(servers, name, "backed_up") in table]
    way = servers.way(name)
    reader = way.open([], reads=False)
    reader.begin()
    reader.rows(f"SELECT * FROM {held}")
    began = time.monotonic()
    published(servers, "SELECT 2 AS id", load(name, "backed_up"))
    assert time.monotonic() - began < 30 and held in kept_tables(servers, name)
    way.close()
    published(servers, "SELECT 3 AS id", load(name, "backed_up"))
    assert held not in kept_tables(servers, name)


@pytest.mark.lake
def test_a_table_of_another_schema_is_kept_where_it_is_called_by_that(servers: Servers) -> None:
    name = POSTGRESQL
    servers.say(name, "DROP SCHEMA IF EXISTS aside CASCADE", "CREATE SCHEMA aside", "CREATE TABLE aside.far (id int PRIMARY KEY)")
    servers.say(name, "ALTER ROLE CURRENT_USER SET search_path = public, aside")
    try:
        assert published(servers, "SELECT 1 AS id", load(name, "far")) == "", "nobody knows of which schema it is"
        assert published(servers, "SELECT 2 AS id", load(name, "far", "Append")) == ""
        id = published(servers, "SELECT 3 AS id", load(name, "aside.far"))
        way = servers.way(name)
        put_back(Table(way.open([], reads=False), ["aside", "far"]), id)
        way.close()
        assert servers.ask(name, "SELECT id FROM aside.far ORDER BY 1") == [["1"], ["2"]]
    finally:
        servers.say(name, "ALTER ROLE CURRENT_USER RESET search_path")


@pytest.mark.lake
def test_a_user_without_the_right_to_keep_rows_still_appends(servers: Servers) -> None:
    servers.say(MARIADB, "DROP TABLE IF EXISTS only_added", "CREATE TABLE only_added (id int PRIMARY KEY)")
    servers.say(
        MARIADB,
        "CREATE OR REPLACE USER adder@'%' IDENTIFIED BY 'a-long-password'",
        "GRANT SELECT, INSERT, CREATE, DROP ON sluice.* TO adder@'%'",
    )
    connections = {MARIADB: servers.connection(MARIADB, user="adder", password="a-long-password")}  # noqa: S106
    outcome = done(servers.run(make("SELECT 1 AS id"), load(MARIADB, "only_added", "Append"), connections=connections))
    assert servers.ask(MARIADB, "SELECT id FROM only_added") == [["1"]] and "has no right to" in str(outcome.events)
    servers.say(MARIADB, "GRANT DELETE ON sluice.* TO adder@'%'")
    outcome = done(servers.run(make("SELECT 2 AS id"), load(MARIADB, "only_added", "Append"), connections=connections))
    assert outcome.named("result")[0]["outputs"][0]["kept"]
