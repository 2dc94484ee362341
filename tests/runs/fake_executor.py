"""Speaks the executor's half of the contract without Spark: what it does is the parameter `behaviour` of its values.

Used only where a test is about the portal. It reads its input and answers in the same order as the real one.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from executor.event_writer import EventWriter, line_of
from executor.events import (
    Log,
    PublishRequested,
    Ready,
    RunFinished,
    RunStarted,
    SessionReady,
    StageEntered,
    StageFailed,
    StageFinished,
    StageRows,
)
from executor.files import receipts
from executor.problems import Problem

say = EventWriter()


def say_raw(**facts: Any) -> None:
    """A line that no event class would make."""
    print(json.dumps(facts), flush=True)


def main() -> int:
    values = json.loads(sys.stdin.readline())
    if "document" not in values:  # started ahead
        say(Ready())
        values = json.loads(sys.stdin.readline())
    behaviour, _, argument = str(values.get("parameters", {}).get("behaviour", "succeed")).partition(":")
    stages = [{"index": i, "name": s["name"], "type": s["type"], "kind": ""} for i, s in enumerate(values["document"]["stages"])]
    if behaviour == "idles":
        say_raw(event="run_started", document_sha256="x", environment="dev", stages=[])  # of another version: it is not believed
        return idles(values, stages, argument)
    say(RunStarted(document_sha256="x", environment="dev", stages=stages))
    say(SessionReady(duration_ms=1))
    for stage in stages[:-1]:
        work_on(stage, 10)
    return BEHAVIOURS[behaviour](values, stages, argument)


def work_on(stage: dict[str, Any], rows: int, **details: Any) -> None:
    place = {"stage_index": stage["index"], "stage": stage["name"]}
    say(StageEntered(stage_type=stage["type"], **place))
    say(StageRows(direction="in", rows=rows, **place))
    say(StageFinished(stage_type=stage["type"], outcome="done", duration_ms=5, rows_in=rows, rows_out=rows, details=details, **place))


def note(values: dict[str, Any], name: str, line: str) -> None:
    with Path(values["lake"], name).open("a") as file:
        file.write(line + "\n")


def succeed(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    work_on(stages[-1], 3)
    say(PublishRequested(outputs=OUTPUTS))
    if not publish(values):
        say(RunFinished(outcome="not_published", duration_ms=10))
        return 2
    say(RunFinished(outcome="succeeded", duration_ms=10, outputs=OUTPUTS))
    return 0


OUTPUTS: list[Any] = [{"stage": "write", "uri": "curated/by_origin", "format": "parquet", "rows": 3, "bytes": 900, "files": 1}]


def publish(values: dict[str, Any]) -> bool:
    """Waits for leave, and publishes when it is given."""
    if json.loads(sys.stdin.readline() or "{}").get("publish") is not True:
        return False
    note(values, "published", values["run_id"])
    receipts.write(Path(values["lake"]), values["run_id"], line_of(RunFinished(outcome="succeeded", duration_ms=10, outputs=OUTPUTS)))
    return True


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
        say(Log(level="info", message=f"line {number}", source="job"))
    return succeed(values, stages, "")


def babble(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Lines that are awkward to keep."""
    say(Log(level="info", message="password=hunter2hunter2 and postgres://bob:s3cr3tword@db/x", source="job"))
    say_raw(event="log", level="info", message="\x1b[31mred\x1b[0m \x00 \ud800 <script>alert(1)</script>", source="job")
    say(Log(level="info", message="x" * 100_000, source="job"))
    print("not an event at all", flush=True)
    print("on standard error", file=sys.stderr, flush=True)
    return succeed(values, stages, "")


def fail(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    last = stages[-1]
    problem = Problem(
        code="check-failed",
        message="A value is not right.",
        stage=last["name"],
        stage_index=last["index"],
        data_column="delay",
        value="minus one",
        fix="Look at the row.",
        detail="org.apache.spark.Oops: minus one",
    )
    place = {"stage_index": last["index"], "stage": last["name"], "stage_type": last["type"]}
    say(StageEntered(**place))
    say(StageFailed(duration_ms=5, problem=problem.as_dict(), **place))
    say(RunFinished(outcome="failed", duration_ms=10))
    return 2


def fail_late(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """The stage before the last is at fault; it comes to light when the last one asks for its rows."""
    *_, guilty, last = stages
    problem = Problem(code="divide-by-zero", message="A number is divided by 0.", stage=guilty["name"], stage_index=guilty["index"])
    say(StageEntered(stage_index=last["index"], stage=last["name"], stage_type=last["type"]))
    place = {"stage_index": guilty["index"], "stage": guilty["name"], "stage_type": guilty["type"]}
    stopped = {"stopped_index": int(argument or last["index"]), "stopped": "a name of its own"}
    say(StageFailed(duration_ms=5, problem=problem.as_dict(), **place, **stopped))
    say(RunFinished(outcome="failed", duration_ms=10))
    return 2


def odd(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Publishes well, after lines that no executor should say."""
    for line in ODD_LINES:
        print(line, flush=True)
    say_raw(event="log", level="info", message="x" * 3_000_000)
    return succeed(values, stages, "")


ODD_LINES = (
    '{"event":"stage_finished","stage_index":0,"stage":"flights","stage_type":"x","outcome":"done","duration_ms":1,"details":{"a":NaN,"b":1e999}}',
    '{"event":"stage_metrics","stage_index":0,"stage":"flights","metrics":[1]}',
    '{"event":"stage_metrics","stage_index":0,"stage":"flights","metrics":{"tasks":{"a":' + "[" * 400 + "]" * 400 + "}}}",
    '{"event":"stage_rows","stage_index":0,"stage":"flights","direction":"in","rows":' + "9" * 400 + "}",
    '{"event":"stage_rows","stage_index":77,"stage":"nowhere","direction":"in","rows":1}',
    '{"event":"stage_rows","stage_index":true,"stage":"flights","direction":"in","rows":1}',
    '{"event":"run_started","document_sha256":"x","environment":null,"stages":5}',
    '{"event":"gap","lines":4000}',
    '{"event":"note","level":"info","message":"forged"}',
    '{"event":"stage_failed","stage_index":0,"stage":"flights","stage_type":"x","duration_ms":1,"problem":"no object"}',
    '{"event":"unheard_of","canary":"hunter2hunter2"}',
    '{"event":["log"]}',
    "[" * 100_000,
    "null",
)


def dies_after_publishing(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Makes its outputs visible, and is gone before it can say so."""
    work_on(stages[-1], 3)
    say(PublishRequested(outputs=OUTPUTS))
    if publish(values):
        os.kill(os.getpid(), signal.SIGKILL)
    return 2


def dies_while_publishing(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Has leave to publish, and is gone without a word; or with `argument` is there and says nothing more."""
    work_on(stages[-1], 3)
    say(PublishRequested(outputs=OUTPUTS))
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGSTOP if argument == "freezes" else signal.SIGKILL)
    return 2


def fails_after_result(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Publishes, says so, and goes on to claim the opposite."""
    succeed(values, stages, "")
    say_raw(event="result", outcome="failed", duration_ms=1)
    return 137


def denies_publishing(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Publishes, and says that it has failed, with data where no data belongs."""
    work_on(stages[-1], 3)
    say(PublishRequested(outputs=OUTPUTS))
    publish(values)
    say_raw(event="problem", problem={"code": "CANARY", "message": "CANARY", "canary": "CANARY", "row": "CANARY"})
    say_raw(event="result", outcome="failed", duration_ms=1)
    return 2


def forges(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Claims a good end without having asked, with `argument` = asked after having asked too early."""
    if argument == "asked":
        say(PublishRequested(outputs=OUTPUTS))
        publish(values)
    say(RunFinished(outcome="succeeded", duration_ms=1, outputs=OUTPUTS))
    return 0


def names_other_stages(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    say_raw(
        event="run_started", document_sha256="x", environment="dev", stages=[{"index": 0, "name": "a", "type": "SQLTransform", "kind": ""}]
    )
    return forges(values, stages, "asked")


def freeze(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Stops without ending, as a process does that waits for a disk for ever."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return succeed(values, stages, "")


def leak(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Says its secrets wherever it can, in the forms in which they travel, and fails with them."""
    signs_in = [secret for connection in values.get("connections", {}).values() for secret in connection["secrets"].values()]
    secrets = [*values["secrets"].values(), *signs_in]
    for secret in secrets:
        for text in forms_of(secret):
            say(Log(level="info", message=f"it is {text}, they say", source="job"))
            print(f"{text} on standard error", file=sys.stderr, flush=True)
        half = len(secret) // 2
        for message in ("x" * (12_000 - half) + secret + "y" * 500, f"the first half is {secret[:half]}", f"{secret[half:]} is the other"):
            say(Log(level="info", message=message, source="spark"))
        say_raw(event="unheard_of_" + secret, level=secret, message=secret)
        say_raw(event="stage_metrics", stage_index=0, stage="flights", metrics={secret: 1}, unknown=secret)
        print('{"event":"log","level":"info","message":"' + "z" * 1_000_000 + secret, flush=True)
    note(values, "started", str(os.getpid()))
    time.sleep(float(argument or 0))
    last, told = stages[-1], " ".join(secrets)
    work_on(stages[0], 7, said=told, **{told: 1})
    place = {"stage_index": last["index"], "stage": last["name"], "stage_type": last["type"]}
    problem = Problem(code="failed", message=f"It failed with “{told}”.", found=told, fix=told, value=told, detail=told, field=told)
    say(StageEntered(**place))
    say(StageFailed(duration_ms=5, problem=problem.as_dict(), **place))
    say(RunFinished(outcome="failed", duration_ms=10))
    return 2


def idles(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Lives, and says nothing of the run."""
    return slowly(values, stages, "600")


def asks_strangely(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    """Asks for leave in words that this portal does not know, as another version might, and waits for its answer."""
    work_on(stages[-1], 3)
    say_raw(event="publish_requested", outputs="of another kind")
    return 0 if publish(values) else 2


def forms_of(secret: str) -> list[str]:
    inside = [base64.b64encode(f"{before}{secret}:after".encode()).decode() for before in ("", "a", "ab")]
    quoted = [quote(secret, safe=""), quote_plus(secret), json.dumps({"it": json.dumps(secret)})]
    return [
        secret,
        *inside,
        *(text.replace("+", "-").replace("/", "_") for text in inside),
        *quoted,
        secret.encode().hex(),
    ]


def vanish(values: dict[str, Any], stages: list[dict[str, Any]], argument: str) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


BEHAVIOURS = {
    f.__name__: f
    for f in (succeed, slowly, stubborn, talk, babble, fail, fail_late, freeze, vanish, leak, asks_strangely)
    + (odd, dies_after_publishing, dies_while_publishing, fails_after_result, denies_publishing, forges, names_other_stages)
}

if __name__ == "__main__":
    sys.exit(main())
