"""Runs documents for tests: in the session all Spark tests share, or as the program people use."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.commands import JobRun
from executor.document.job import parse
from executor.event_writer import EventWriter
from executor.running.reach import reach_of
from executor.running.values import values_from
from executor.stores.roots import Copies

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

ROOT = Path(__file__).parents[2]


@dataclass
class Outcome:
    """What a run said."""

    code: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    @property
    def result(self) -> str:
        return str(self.named("result")[-1]["outcome"])

    @property
    def problem(self) -> dict[str, Any]:
        """The one problem that ended it."""
        (found,) = [event["problem"] for event in self.events if "problem" in event]
        return dict(found)


def told(outcome: Outcome) -> set[tuple[str, str, int]]:
    """What was told of values: (name, kind, rows)."""
    return {
        (name, count["kind"], count["rows"])
        for event in outcome.named("value_warnings")
        for name, count in zip(event["names"], event["counts"], strict=True)
    }


def lines(text: str) -> list[dict[str, Any]]:
    """Standard output as events; fails on anything that is not a JSON object."""
    return [json.loads(line) for line in text.splitlines()]


def run_here(process: SparkProcess, stages: list[dict[str, Any]], lake: Path, answers: str = "", **values: Any) -> Outcome:
    """Runs a document in the shared session. `answers`: what comes on standard input after the values."""
    environment = values.pop("environment", None)
    parameters = values.pop("declared", {})
    stream = io.StringIO()
    given = values_from({"lake": str(lake)} | values)
    reach = reach_of(given, Copies(process.scratch))
    content, known = {"stages": stages, "parameters": parameters}, reach.roots.known
    job = parse(content, environment=environment, parameters=given.parameters, run_id=given.run_id, roots=known)
    code = JobRun(EventWriter(stream), given, job, io.StringIO(answers), reach).run(process)
    return Outcome(code, lines(stream.getvalue()))


def run_each(process: SparkProcess, before: list[dict[str, Any]], queries: Sequence[str], lake: Path) -> dict[str, Outcome]:
    """Query → what it said, and how the run ended: one run asks all of them after the stages `before`, each with an output of its own.

    A run for each would put the same questions to Spark, and take much longer.
    """
    stages = list(before)
    for place, sql in enumerate(queries):
        stages.append({"type": "SQLTransform", "name": f"q{place}", "sql": sql, "outputView": f"q{place}"})
        stages.append({"type": "ParquetLoad", "name": f"save_q{place}", "inputView": f"q{place}", "outputURI": f"out/q{place}"})
    whole = run_here(process, stages, lake)
    assert whole.result.startswith("succeeded"), whole.events[-3:]
    end = whole.named("result")
    return {sql: Outcome(0, [*(one for one in whole.events if one.get("stage") == f"q{place}"), *end]) for place, sql in enumerate(queries)}


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "executor", *arguments]


def environment(temp: Path) -> dict[str, str]:
    """`temp`: where a killed program leaves what it could not remove."""
    return {"PATH": os.environ["PATH"], "HOME": "/tmp", "TMPDIR": str(temp), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """The program, spoken to through pipes."""
    return subprocess.Popen(
        program(*arguments),
        cwd=cwd,
        env=environment(cwd),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def values_line(stages: list[dict[str, Any]], lake: Path, **more: Any) -> str:
    compute = {"cores": 1, "memory_mb": 512, "shuffle_partitions": 1}
    return json.dumps({"document": {"stages": stages}, "lake": str(lake), "compute": compute} | more) + "\n"
