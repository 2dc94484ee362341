"""Speaks the executor's half of the contract without Spark: what it does is the parameter `behaviour` of its values.

Used only where a test is about the portal. It reads its input and answers in the same order as the real one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, "time": "2026-11-24T09:00:00.000Z"} | fields), flush=True)


def main() -> int:
    values = json.loads(sys.stdin.readline())
    if "document" not in values:  # started ahead
        say("ready")
        values = json.loads(sys.stdin.readline())
    behaviour, _, argument = str(values.get("parameters", {}).get("behaviour", "succeed")).partition(":")
    stages = [{"index": i, "name": s["name"], "type": s["type"]} for i, s in enumerate(values["document"]["stages"])]
    say("run_started", document_sha256="x", environment="dev", stages=stages, parameters={}, versions={})
    say("session_ready", duration_ms=1)
    for stage in stages[:-1]:
        work_on(stage, 10)
    return BEHAVIOURS[behaviour](values, stages, argument)


def work_on(stage: dict[str, Any], rows: int) -> None:
    place = {"stage_index": stage["index"], "stage": stage["name"]}
    say("stage_entered", stage_type=stage["type"], **place)
    say("stage_rows", direction="in", rows=rows, **place)
    say("stage_finished", stage_type=stage["type"], outcome="done", duration_ms=5, rows_in=rows, rows_out=rows, details={}, **place)


def note(values: dict[str, Any], name: str, line: str) -> None:
    with Path(values["lake"], name).open("a") as file:
        file.write(line + "\n")


def succeed(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    work_on(stages[-1], 3)
    outputs = [{"stage": "write", "uri": "curated/by_origin", "format": "parquet", "rows": 3, "bytes": 900, "files": 1}]
    say("publish_requested", outputs=outputs)
    if json.loads(sys.stdin.readline() or "{}").get("publish") is not True:
        say("result", outcome="not_published", duration_ms=10, outputs=[], warnings=0)
        return 2
    note(values, "published", values["run_id"])
    say("result", outcome="succeeded", duration_ms=10, outputs=outputs, warnings=0)
    return 0


def slowly(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Takes `argument` seconds before it would publish."""
    note(values, "started", str(os.getpid()))
    end = time.monotonic() + float(argument or 1)
    while time.monotonic() < end:
        time.sleep(0.02)
    return succeed(values, stages, "")


def stubborn(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Does not listen when asked to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return slowly(values, stages, "600")


def talk(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Says `argument` lines."""
    for number in range(int(argument)):
        say("log", level="info", message=f"line {number}", source="job")
    return succeed(values, stages, "")


def babble(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Lines that are awkward to keep."""
    say("log", level="info", message="password=hunter2hunter2 and postgres://bob:s3cr3tword@db/x", source="job")
    say("log", level="info", message="\x1b[31mred\x1b[0m \x00 \ud800 <script>alert(1)</script>", source="job")
    say("log", level="info", message="x" * 100_000, source="job")
    print("not an event at all", flush=True)
    print("on standard error", file=sys.stderr, flush=True)
    return succeed(values, stages, "")


def fail(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    last = stages[-1]
    problem = {"code": "check-failed", "message": "A value is not right.", "stage": last["name"], "stage_index": last["index"]}
    problem |= {"data_column": "delay", "value": "minus one", "fix": "Look at the row.", "detail": "org.apache.spark.Oops: minus one"}
    say("stage_entered", stage_index=last["index"], stage=last["name"], stage_type=last["type"])
    say("stage_failed", stage_index=last["index"], stage=last["name"], stage_type=last["type"], duration_ms=5, problem=problem)
    say("result", outcome="failed", duration_ms=10, outputs=[], warnings=0)
    return 2


def freeze(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Stops without ending, as a process does that waits for a disk for ever."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return succeed(values, stages, "")


def vanish(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


BEHAVIOURS = {f.__name__: f for f in (succeed, slowly, stubborn, talk, babble, fail, freeze, vanish)}

if __name__ == "__main__":
    sys.exit(main())
