"""A table that cannot be trusted, or not be understood, is told by every stage and button that uses it, and left as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.files import tree
from executor.files.delta_log import LOG
from executor.problems import ProblemError
from executor.running.tables import table
from executor.stores.roots import Roots
from tests.executor.delta.test_merging import merge, scd2
from tests.executor.delta.test_tables import check, done, load, read, rows
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.lake]

ROWS = rows("SELECT 1 AS id, 'a' AS v")
STAGES = [[read()], [ROWS, load(saveMode="Append")], [ROWS, load(saveMode="Overwrite")], [ROWS, merge()], [ROWS, scd2()]]


def damage(table_: Path, what: str) -> None:
    commit = table_ / LOG / f"{0:020d}.json"
    if what == "half a line":
        commit.write_text(commit.read_text()[:100])
        return
    features = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["tomorrow"], "writerFeatures": ["tomorrow"]}
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    commit.write_text("".join(json.dumps({"protocol": features} if "protocol" in one else one) + "\n" for one in actions))


@pytest.mark.parametrize(("what", "code"), [("half a line", "table-corrupt"), ("tomorrow", "table-newer")])
def test_a_table_that_is_damaged_or_newer_is_told_by_all_that_use_it(
    spark_process: SparkProcess, tmp_path: Path, what: str, code: str
) -> None:
    done(run_here(spark_process, [ROWS, load()], tmp_path))
    damage(tmp_path / "table", what)
    before = files_of(tmp_path)
    for stages in STAGES:
        problem = run_here(spark_process, stages, tmp_path).problem
        assert (problem["code"], problem["stage"]) == (code, stages[-1]["name"]) and problem["fix"], problem
    for do in ("history", "diff", "optimize", "vacuum", "restore"):
        given: dict[str, Any] = {"uri": "table", "do": do, "version": 0, "from": 0, "to": 0}
        with pytest.raises(ProblemError) as refusal:
            table(given, Roots(tmp_path), lambda name, files, size: None)
        told = refusal.value.problems[0]
        assert told.code in (code, "kept-output-gone") and told.fix, do
    assert files_of(tmp_path) == before


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(entry.path): (folder / entry.path).read_bytes() for entry in tree.Walk(folder) if entry.kind == tree.FILE}


def test_what_a_log_says_besides_its_versions_is_no_number(spark_process: SparkProcess, tmp_path: Path) -> None:
    """Commits that another program has put together, and the rows that it says its files have: Spark would believe both."""
    for number in range(3):
        done(run_here(spark_process, [rows(f"SELECT {number} AS id"), load(saveMode="Append")], tmp_path))
    log = tmp_path / "table" / LOG
    (log / f"{0:020d}.{1:020d}.compacted.json").write_text((log / f"{0:020d}.json").read_text())
    last = log / f"{2:020d}.json"
    last.write_text(last.read_text().replace('\\"numRecords\\":1', '\\"numRecords\\":5'))
    done(run_here(spark_process, [read(), check("SELECT count(*) = 3 AND sum(id) = 3, '' FROM there")], tmp_path))
    next((tmp_path / "table").glob("part-*")).unlink()
    assert run_here(spark_process, [read(), check("SELECT count(*) = 3, '' FROM there")], tmp_path).problem["code"] == "input-missing"
