"""SQLite's driver has commands of its own that read and write any file; a job's SQL reaches none of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark


def test_what_is_new_is_not_told_by_texts_in_a_column_without_a_type(spark_process: SparkProcess, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as made:
        made.execute("CREATE TABLE orders (mark, id integer)")
        made.execute("INSERT INTO orders VALUES ('8', 1), ('10', 2)")  # no text is less than the number 8
    made.close()
    connections = {"shop": {"kind": "sqlite", "settings": {"file": "shop.db"}, "secrets": {}}}

    def read(column: str) -> Outcome:
        stage = {"type": "JDBCExtract", "name": "read", "connection": "shop", "tableName": "orders", "outputView": "orders"}
        save = {"type": "ParquetLoad", "name": "save", "inputView": "orders", "outputURI": f"by_{column}"}
        return run_here(spark_process, [stage | {"watermarkColumn": column}, save], tmp_path, connections=connections)

    assert read("mark").problem["code"] == "column-of-ranges"
    assert read("id").named("result")[0]["watermarks"]["read"]["value"] == "2"


def test_digits_that_are_text_are_no_mark_of_what_is_new(spark_process: SparkProcess, tmp_path: Path) -> None:
    """As programs that import CSV make them: '11' comes behind '9' and is below it, so it would never be read."""
    (tmp_path / "raw").mkdir()
    with sqlite3.connect(tmp_path / "raw" / "shop.sqlite") as made:
        made.execute("CREATE TABLE orders (id TEXT, day TEXT)")
        made.executemany("INSERT INTO orders VALUES (?, ?)", [("8", "2024-01-08"), ("9", "2024-01-09"), ("10", "2024-01-10")])
    made.close()
    connections = {"shop": {"kind": "sqlite", "settings": {"file": "raw/shop.sqlite"}, "secrets": {}}}
    stage = {"type": "JDBCExtract", "name": "read", "connection": "shop", "tableName": "orders", "outputView": "orders"}
    save = {"type": "ParquetLoad", "name": "save", "inputView": "orders", "outputURI": "out"}
    by = lambda column: run_here(spark_process, [stage | {"watermarkColumn": column}, save], tmp_path, connections=connections)  # noqa: E731
    assert by("id").problem["code"] == "column-of-ranges"
    assert by("day").named("result")[0]["watermarks"]["read"]["value"] == "2024-01-10"


def test_sql_opens_no_other_file(spark_process: SparkProcess, tmp_path: Path) -> None:
    lake, other = tmp_path / "lake", tmp_path / "other.db"
    (lake / "raw").mkdir(parents=True)
    for path, table in ((lake / "raw" / "shop.sqlite", "orders"), (other, "foreign_table")):
        with sqlite3.connect(path) as made:
            made.execute(f"CREATE TABLE {table} (id int)")
        made.close()
    connections = {"shop": {"kind": "sqlite", "settings": {"file": "raw/shop.sqlite"}, "secrets": {}}}

    def works(sql: str) -> bool:
        stage = {"type": "JDBCExecute", "name": "change", "connection": "shop", "sql": sql}
        return run_here(spark_process, [stage], lake, connections=connections).code == 0

    assert works("SELECT * FROM orders")
    copy = tmp_path / "copy.db"
    for sql in (f"backup to '{copy}'", f"  BACKUP main TO '{copy}'", f"ATTACH '{other}' AS o", f"VACUUM INTO '{copy}'"):
        assert not works(sql) and not copy.exists(), sql
    assert not works(f"restore from '{other}'")
    with sqlite3.connect(lake / "raw" / "shop.sqlite") as made:
        assert made.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]
    made.close()
