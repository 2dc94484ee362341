"""Loads into a SQLite file of the lake: in a copy, which takes the file's place whole or not at all, with what was there kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.databases import sqlite_file
from executor.problems import ProblemError
from executor.running.put_back_rows import put_back_rows
from executor.stores.roots import roots_of
from tests.executor.databases.test_jdbc import MOMENTS, killed
from tests.executor.running import Outcome, run_here
from tests.tally import Tally

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark
CONNECTIONS = {name: {"kind": "sqlite", "settings": {"file": "raw/shop.db"}, "secrets": {}} for name in ("shop", "also_shop")}
Run = Callable[..., Outcome]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    say(
        tmp_path / "raw" / "shop.db",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, word TEXT)",
        "INSERT INTO orders VALUES (1, 'a'), (2, NULL)",
    )
    return tmp_path / "raw" / "shop.db"


@pytest.fixture
def run(spark_process: SparkProcess, file: Path) -> Run:
    return lambda *stages, **values: run_here(spark_process, list(stages), file.parents[1], connections=CONNECTIONS, **values)


def say(file: Path, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as there, there:
        return [there.execute(statement).fetchall() for statement in statements][-1]


def rows(file: Path, table: str = "orders") -> list[Any]:
    return say(file, f"SELECT * FROM {table} ORDER BY 1")


def make(sql: str, name: str = "made") -> dict[str, Any]:
    return {"type": "SQLTransform", "name": f"make_{name}", "sql": sql, "outputView": name}


def load(table: str, mode: str = "Overwrite", view: str = "made", connection: str = "shop", **more: Any) -> dict[str, Any]:
    named = {"name": f"load_{table}", "connection": connection, "inputView": view, "tableName": table, "saveMode": mode}
    return {"type": "JDBCLoad", **named, **more}


def execute(sql: str) -> dict[str, Any]:
    return {"type": "JDBCExecute", "name": "say", "connection": "shop", "sql": sql}


def done(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.result.startswith("succeeded"), [
        (e["problem"]["code"], e["problem"].get("detail"), e["problem"]["message"]) for e in outcome.events if "problem" in e
    ]
    return list(outcome.named("result")[0]["outputs"])


def put_back(file: Path, table: str, kept: str) -> dict[str, Any]:
    given = {"lake": str(file.parents[1]), "connection": "shop", "table": table, "kept": kept, "connections": CONNECTIONS}
    with roots_of(given) as roots:
        return put_back_rows(given, roots, lambda what, done, all_of_it: None)


NEW = make("SELECT id, 'new' AS word FROM VALUES (2), (3) AS t(id)")


@pytest.mark.parametrize(("mode", "more"), [("Overwrite", {}), ("Merge", {"mergeKeys": ["id"]}), ("Append", {})])
def test_rows_are_loaded_and_put_back(mode: str, more: dict[str, Any], run: Run, file: Path) -> None:
    made = NEW if mode != "Append" else make("SELECT id, 'new' AS word FROM VALUES (3), (4) AS t(id)")
    before = rows(file)
    (output,) = done(run(made, load("orders", mode, **more)))
    there = {
        "Overwrite": [(2, "new"), (3, "new")],
        "Merge": [(1, "a"), (2, "new"), (3, "new")],
        "Append": [*before, (3, "new"), (4, "new")],
    }
    assert rows(file) == there[mode]
    back = put_back(file, "orders", output["kept"][0]["id"])
    assert rows(file) == before
    put_back(file, "orders", back["kept"])
    assert rows(file) == there[mode]
    assert [one.name for one in file.parent.iterdir()] == ["shop.db"], "nothing is left beside it"


def test_all_that_a_job_does_to_the_file_is_seen_at_once_or_not_at_all(run: Run, file: Path) -> None:
    """Under whatever name the connection goes; what is read later is what was said before."""
    stages = [
        execute("UPDATE orders SET word = 'said' WHERE id = 1"),
        {"type": "JDBCExtract", "name": "read", "connection": "also_shop", "tableName": "orders", "outputView": "read"},
        load("copied", "ErrorIfExists", "read"),
        NEW,
        load("orders", "Append", connection="also_shop", view="appended"),
    ]
    stages.insert(3, make("SELECT 7 AS id, 'x' AS word", "appended"))
    no = {"type": "SQLValidate", "name": "no", "sql": "SELECT false AS outcome, '' AS message"}
    content = file.read_bytes()
    assert run(*stages, no).result == "failed" and file.read_bytes() == content
    done(run(*stages))
    assert rows(file) == [(1, "said"), (2, None), (7, "x")] and rows(file, "copied") == [(1, "said"), (2, None)]


def test_what_others_have_written_meanwhile_is_not_overruled(file: Path) -> None:
    def staged() -> sqlite_file.StagedFile:
        one = sqlite_file.StagedFile(file, "raw/shop.db")
        say(one.copy, "DELETE FROM orders")
        one.make_ready()
        return one

    def refused(one: sqlite_file.StagedFile) -> str:
        with pytest.raises(ProblemError) as error:
            one.publish()
        one.discard()
        return error.value.problems[0].code

    one = staged()
    say(file, "INSERT INTO orders VALUES (9, 'z')")
    assert refused(one) == "database-changed" and len(rows(file)) == 3
    say(file, "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(file)) as other:  # its rows lie in the WAL alone
        other.execute("INSERT INTO orders VALUES (10, 'wal')")
        other.commit()
        one = staged()
        assert refused(one) in ("database-busy", "database-changed")
    assert len(rows(file)) == 4
    one, late = staged(), staged()
    one.publish()
    assert refused(late) == "database-changed" and rows(file) == []
    one.discard()


def test_every_value_gets_there_and_back(run: Run, file: Path) -> None:
    values = (
        "9007199254740993L AS a, 0.1D AS b, CAST(12.50 AS DECIMAL(15,2)) AS c, '007' AS d, true AS e, X'00ff' AS f, DATE'1500-02-28' AS g,"
        " TIMESTAMP_NTZ'2020-01-01 00:00:00.000001' AS h, CAST(NULL AS STRING) AS i, CAST(5 AS TINYINT) AS j"
    )
    done(run(make(f"SELECT {values}"), load("every")))
    read = {"type": "JDBCExtract", "name": "read", "connection": "shop", "tableName": "every", "outputView": "read"}
    same = f"SELECT count(*) = 1 AS outcome, '' AS message FROM (SELECT * FROM read INTERSECT SELECT {values})"
    done(run(read, {"type": "SQLValidate", "name": "same", "sql": same}))
    done(run(make(f"SELECT {values}"), load("every", "Append")))
    refused = {
        "CAST('NaN' AS DOUBLE) AS b": "database-value", "1.123456789BD AS a": "column-type", "'x' AS b": "column-type",
        "1BD AS d": "column-type", "TIMESTAMP'2020-01-01 00:00:00' AS h": "column-type", "1 AS z": "column-unknown",
    }  # fmt: skip
    for wrong, code in refused.items():
        assert run(make(f"SELECT {wrong}"), load("every", "Append")).problem["code"] == code, wrong
    for wrong in ("CAST(1 AS DECIMAL(16,1)) AS a", "TIMESTAMP'2020-01-01 00:00:00' AS a"):
        assert run(make(f"SELECT {wrong}"), load("other")).problem["code"] == "column-type", wrong
    assert run(make("SELECT CAST('NaN' AS DOUBLE) AS b"), load("other")).problem["code"] == "database-value"


def test_rules_of_the_file_are_kept(run: Run, file: Path) -> None:
    say(
        file,
        "CREATE TABLE lines (head INTEGER REFERENCES orders (id) ON DELETE CASCADE, n INTEGER NOT NULL)",
        "INSERT INTO lines VALUES (1, 1)",
    )
    content = file.read_bytes()
    for stage, code in (
        (load("orders"), "overwrite-cascades"),
        (load("lines", "Append"), "column-unknown"),
        (load("orders", "Append"), "database-unique"),
    ):
        assert run(NEW, stage).problem["code"] == code
    assert run(make("SELECT 5 AS head"), load("lines", "Append")).problem["code"] == "column-missing"
    assert run(make("SELECT 5 AS head, 1 AS n"), load("lines", "Append")).problem["code"] == "database-rule"
    assert file.read_bytes() == content


@pytest.mark.lake
def test_a_run_that_is_killed_leaves_the_old_file_or_the_new_one(run: Run, file: Path, tally: Tally) -> None:
    state = 0
    say(file, "CREATE TABLE whole (id INTEGER, run INTEGER)", "INSERT INTO whole VALUES (1, 0)")
    for number, (event, seconds) in enumerate(MOMENTS, 1):
        stages = [make(f"SELECT id, {number} AS run FROM range(60000)"), load("whole", name="write", batchsize=5000)]
        killed({"document": {"stages": stages}, "connections": CONNECTIONS, "lake": str(file.parents[1])}, event, seconds)
        ((rows_there, lowest, highest),) = say(file, "SELECT count(*), min(run), max(run) FROM whole")
        is_half = lowest != highest or rows_there not in (1, 60000) or say(file, "PRAGMA integrity_check") != [("ok",)]
        tally("writer killed (SIGKILL), sqlite").tried(lost=lowest not in (state, number), half=is_half)
        assert not is_half and lowest in (state, number), number
        state = lowest
    done(run(make("SELECT 1L AS id, 99 AS run"), load("whole")))
    assert rows(file, "whole") == [(1, 99)] and [one.name for one in file.parent.iterdir()] == ["shop.db"]
