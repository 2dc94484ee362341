"""The whole of Sluice: from the button to the first stage, and from a line in the executor to the browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench import executor_bench, programs
from bench.figures import Figure, Say, alternately
from tests.services import stack

LINES = 300
WORDS = "line of the bench"
START_SECONDS = 15
"""More than Spark takes to start on two idle cores."""


def live(lake: Path, turns: int, say: Say) -> list[Figure]:
    """Starts the demo's stack in a folder of its own and listens as a browser does: without executors started ahead, then with one."""
    executor_bench.prepare(lake)
    say(f"the whole stack: a job of {LINES} log lines, followed over Server-Sent Events, {turns} times; between them spark-submit")
    with demo(SLUICE_WARM_EXECUTORS="0") as client:
        cold, peer = _beside_the_peer(lake, turns, lambda: follow(client, job_of_lines(LINES)), say)
    latencies = sorted(latency for one in cold for latency in one["latencies"])
    notes = {"lines": len(latencies), "p95": round(percentile(latencies, 0.95), 4), "p50": round(percentile(latencies, 0.5), 4)}
    say("the same with an executor that was started ahead")
    with demo(SLUICE_WARM_EXECUTORS="1") as client:
        warm, peer_again = _beside_the_peer(lake, turns, lambda: _started_ahead(client), say)
    return [
        Figure("button to first stage, cold executor", "spark-submit", "–", [one["first_stage"] for one in cold], peer),
        Figure("button to first stage, started ahead", "spark-submit", "≤ 0.1×, ≤ 1 s", [one["first_stage"] for one in warm], peer_again),
        Figure("log line, executor → SSE client, p50", "–", "≤ 0.3 s", latencies, notes=notes),
        Figure("log line, executor → SSE client, p95", "–", "≤ 1 s", [notes["p95"]]),
    ]


@contextmanager
def demo(**variables: str) -> Iterator[httpx.Client]:
    """The demo, its first run done; gives Ana's session."""
    from django.conf import settings

    with stack.running(settings.SLUICE_HOME, "demo", env=variables) as sluice:
        sluice.wait_for("stops everything; the next start", 900)
        with signed_in(sluice.url) as client:
            yield client


def _started_ahead(client: httpx.Client) -> dict[str, Any]:
    """A run for which an executor waits: one is started when the run before has ended, and is given time to be ready."""
    time.sleep(START_SECONDS)
    return follow(client, job_of_lines(3))


def _beside_the_peer(lake: Path, turns: int, ours: Callable[[], dict[str, Any]], say: Say) -> tuple[list[dict[str, Any]], list[float]]:
    """What our turns tell, and the seconds that spark-submit of the demo's job takes to its first stage, alternately."""
    told: list[dict[str, Any]] = []

    def once() -> float:
        told.append(ours())
        return float(told[-1]["first_stage"])

    _, peer = alternately(turns, once, lambda: programs.peer_run("daily_delays", lake).first_stage, say)
    return told, peer


def percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]


def job_of_lines(count: int) -> dict[str, Any]:
    """Each stage says one line; their times are in the events."""
    names = {"environments": ["dev"]}
    return {"stages": [{"type": "LogExecute", "name": f"line{n}", "sql": f"SELECT '{WORDS} {n}' AS message"} | names for n in range(count)]}


@contextmanager
def signed_in(url: str) -> Iterator[httpx.Client]:
    """Ana's session, made as the sign-in page makes it."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from portal.accounts.models import User

    ana = User.objects.get(username="ana")
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(ana.pk), ana.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.create()
    with httpx.Client(base_url=url, cookies={"sluice": session.session_key or ""}, timeout=httpx.Timeout(10, read=120)) as client:
        yield client


def follow(client: httpx.Client, document: dict[str, Any]) -> dict[str, Any]:
    """Runs a draft and listens to its end: seconds from the request to the first stage, and of each log line from its writing to here."""
    from portal.accounts.models import Project, User
    from portal.jobs.actions import create_job
    from portal.jobs.models import Job
    from portal.runs.actions import run_draft

    ana, project = User.objects.get(username="ana"), Project.objects.get(slug="flights")
    job = Job.objects.filter(project=project, name="bench").first() or create_job(actor=ana, project=project, name="bench")
    begun = time.time()
    run = run_draft(actor=ana, job=job, document=json.dumps(document))
    first_stage, latencies = None, []
    for event, now in events(client, f"/p/flights/runs/{run.pk}/events"):
        if event.get("event") == "stage_entered":
            first_stage = first_stage or now - begun
        if event.get("event") == "log" and WORDS in event.get("message", ""):
            latencies.append(now - datetime.fromisoformat(event["time"]).timestamp())
    if first_stage is None or len(latencies) != len(document["stages"]):
        run.refresh_from_db()
        raise RuntimeError(f"{len(latencies)} of {len(document['stages'])} lines arrived; the run is {run.state}: {run.problem}")
    return {"first_stage": first_stage, "latencies": latencies}


def events(client: httpx.Client, path: str) -> Iterator[tuple[dict[str, Any], float]]:
    """The stream's lines with the time of their arrival, until it says that the run has ended."""
    kind = ""
    with client.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            kind = value if name == "event" else kind
            if name == "data" and kind == "line":
                yield json.loads(value), time.time()
            elif name == "data" and kind == "end":
                return
