"""Work in the JVM that nothing interrupts has an end, in a sentence, and the next request finds a fresh Spark."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from executor.language.sql_text import sql_problems
from executor.problems import Problem
from executor.spark import deadline
from tests.executor import running
from tests.executor.running import Outcome, lines, values_line

CROSS_JOINS = "SELECT count(*) AS n FROM range(1) " + " ".join(f"CROSS JOIN range(1) t{n}" for n in range(1000))
CUBE = "SELECT count(*) AS n FROM (SELECT {} FROM range(1)) GROUP BY CUBE({})".format(
    ", ".join(f"id AS c{n}" for n in range(22)), ", ".join(f"c{n}" for n in range(22))
)


@pytest.mark.parametrize(
    "sql",
    [
        "/*" * 1000 + "*/" * 1000 + " SELECT 1",
        "SELECT cast(null AS " + "ARRAY<" * 5000 + "INT" + ">" * 5000 + ")",
        "SELECT cast(null AS " + "array <" * 5000 + "INT" + ">" * 5000 + ")",
        "SELECT cast(null AS " + "STRUCT<a:" * 5000 + "INT" + ">" * 5000 + ")",
        "SELECT cast(null AS " + "MAP<INT," * 500 + "INT" + ">" * 500 + ")",
        "SELECT transform(array(1), " + "x -> " * 500 + "1)",
        "SELECT " + "NOT " * 5000 + "true",
        "SELECT " + "- " * 5000 + "1",
        "SELECT " + "~" * 5000 + "1",
        "SELECT " + "(" * 500 + "1" + ")" * 500,
    ],
    ids=lambda sql: sql[:24],
)
def test_what_would_keep_a_parser_busy_is_refused_before_it(sql: str) -> None:
    begun = time.process_time()
    assert [problem.code for problem in sql_problems(sql)] == ["sql-too-deep"]
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + ", ".join(f"transform(a, x -> x + {n})" for n in range(200)) + " FROM v",
        "SELECT * FROM v WHERE " + " AND ".join(f"NOT c{n} = 1" for n in range(200)),
        "SELECT " + " + ".join(f"c{n}" for n in range(500)) + " FROM v WHERE a < 1 OR b > 2 /* one */ /* two */",
        "SELECT " + ", ".join("cast(null AS ARRAY<STRUCT<a: MAP<INT, INT>>>)" for _ in range(200)),
    ],
    ids=lambda sql: sql[:24],
)
def test_long_queries_that_are_not_deep_are_fit(sql: str) -> None:
    assert sql_problems(sql) == []


@pytest.mark.parametrize("work", ["while True: pass", "import time; time.sleep(60)"], ids=["busy", "waits for its turn"])
def test_over_time_spark_is_ended_and_the_problem_raised(work: str) -> None:
    spark = subprocess.Popen([sys.executable, "-c", work])
    deadline.watch_over(spark)
    problem = Problem(code="too-long", message="Too long.")
    with pytest.raises(deadline.TookTooLong) as told, deadline.within(0.3, problem):
        spark.wait(60)
        raise OSError("the connection is gone")
    assert told.value.problems == [problem]
    assert spark.returncode is not None


@pytest.mark.parametrize(("seconds", "latest"), [(5, 30), (60, 120), (600, 660)])
def test_on_a_busy_machine_a_limit_ends_a_minute_later_at_most(seconds: float, latest: float) -> None:
    assert deadline.by_the_clock(seconds) == latest


def test_in_time_nothing_is_ended_and_errors_are_as_they_were() -> None:
    spark = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    deadline.watch_over(spark)
    with pytest.raises(KeyError), deadline.within(60, Problem(code="too-long", message="Too long.")):
        raise KeyError
    assert spark.poll() is None
    spark.communicate(b"\n")


def started(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = running.environment(tmp_path) | {"SLUICE_ANALYSIS_SECONDS": "6"}
    return subprocess.Popen(
        running.program(*arguments), cwd=tmp_path, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.spark
def test_a_run_whose_query_cannot_be_planned_fails_with_a_sentence(tmp_path: Path) -> None:
    stages = [{"type": "SQLTransform", "name": "big", "sql": CROSS_JOINS, "outputView": "big"}]
    process = started(tmp_path, "run", "-", "--values", "-")
    told, _ = process.communicate(values_line(stages, tmp_path), timeout=240)
    outcome = Outcome(process.returncode, lines(told))
    assert outcome.result == "failed"
    assert (outcome.problem["code"], outcome.problem["stage"]) == ("sql-plan-too-long", "big")
    assert "within 6 seconds" in outcome.problem["message"]


@pytest.mark.spark
def test_a_preview_ends_with_the_sentence_and_so_does_its_session(tmp_path: Path) -> None:
    document = {"stages": [{"type": "SQLTransform", "name": "big", "sql": CUBE, "outputView": "big"}]}
    process = started(tmp_path, "serve")
    request = {"request": "analyse", "id": 1, "document": document, "values": {"lake": str(tmp_path)}}
    told, _ = process.communicate(json.dumps(request) + "\n", timeout=240)
    problems = [event["problem"]["code"] for event in lines(told) if "problem" in event]
    assert problems == ["sql-plan-too-long"]
    assert (lines(told)[-1]["last"], lines(told)[-1]["over"]) == (True, True)
    assert process.returncode == 2
