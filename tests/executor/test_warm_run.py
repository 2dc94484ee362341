"""`run --warm`: Spark starts before it is known what to run, and nothing of the warming up is left."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from executor.commands import started_process
from executor.event_writer import EventWriter
from executor.problems import ProblemError
from executor.running.values import values_from
from executor.running.warm_up import warm_up_job
from executor.spark.session import ComputeProfile
from tests.executor.running import ROOT, Outcome, lines

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

COMPUTE = {"cores": 1, "memory_mb": 600, "shuffle_partitions": 2}
STAGES = [
    {"type": "DelimitedExtract", "name": "read", "inputURI": "flights.csv", "header": True, "outputView": "flights"},
    {"type": "SQLTransform", "name": "count", "sql": "SELECT origin, count(*) AS n FROM flights GROUP BY origin", "outputView": "counts"},
    {"type": "ParquetLoad", "name": "save", "inputView": "counts", "outputURI": "counts"},
]


@pytest.fixture
def started() -> Iterator[subprocess.Popen[str]]:
    """An executor that has said that it is ready."""
    command = [sys.executable, "-m", "executor", "run", "-", "--values", "-", "--warm"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"compute": COMPUTE}) + "\n")
        process.stdin.flush()
        assert any('"event":"ready"' in line for line in process.stdout)
        yield process
        process.kill()


def told(process: subprocess.Popen[str], values: dict[str, Any]) -> Outcome:
    said, _ = process.communicate(json.dumps(values) + "\n", timeout=120)
    return Outcome(process.returncode, lines(said))


def test_what_comes_later_is_run(started: subprocess.Popen[str], tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("origin\nJFK\nEWR\nJFK\n")
    outcome = told(started, {"compute": COMPUTE, "document": {"stages": STAGES}, "lake": str(tmp_path)})
    assert (outcome.code, outcome.result) == (0, "succeeded")
    assert [path.suffix for path in (tmp_path / "counts").glob("*.parquet")] == [".parquet"]


def test_nothing_of_the_warming_up_is_left(spark_process: SparkProcess, tmp_path: Path) -> None:
    spark = spark_process.session
    before = spark.catalog.listTables(), spark.conf.getAll
    warm_up_job(spark, tmp_path)
    warm_up_job(spark, tmp_path, is_enough=lambda: True)
    assert (spark.catalog.listTables(), spark.conf.getAll) == before


@pytest.mark.lake
def test_another_compute_profile_is_refused() -> None:
    given = values_from({"compute": COMPUTE | {"cores": 2}})
    warm = cast("SparkProcess", SimpleNamespace(profile=ComputeProfile(**COMPUTE), connectors=frozenset({"delta"})))
    with pytest.raises(ProblemError) as refused:
        started_process(warm, given, EventWriter(io.StringIO()))
    assert [problem.code for problem in refused.value.problems] == ["compute-profile"]
    given = replace(given, compute=warm.profile)
    assert started_process(warm, given, EventWriter(io.StringIO()), {"delta"}) is warm
    with pytest.raises(ProblemError, match="S3"):
        started_process(warm, given, EventWriter(io.StringIO()), {"delta", "postgresql"})
