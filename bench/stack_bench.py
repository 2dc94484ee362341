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

from bench.figures import Figure

Say = Callable[[str], None]
LINES = 300
WORDS = "line of the bench"


def live(lake: Path, turns: int, say: Say) -> list[Figure]:
    """Starts the demo's stack in a folder of its own and listens as a browser does."""
    from django.conf import settings

    from tests.services import stack

    say(f"the whole stack: a job of {LINES} log lines, followed over Server-Sent Events, {turns} times")
    with stack.running(settings.SLUICE_HOME, "demo") as sluice:
        sluice.wait_for("stops everything; the next start", 900)
        with signed_in(sluice.url) as client:
            turns_done = [follow(client, job_of_lines()) for _ in range(turns)]
    latencies = sorted(latency for one in turns_done for latency in one["latencies"])
    notes = {"lines": len(latencies), "p95": round(percentile(latencies, 0.95), 4), "p50": round(percentile(latencies, 0.5), 4)}
    to_stage = [one["first_stage"] for one in turns_done]
    return [
        Figure("button to first stage, cold executor", "–", "≤ 1 s (needs a pool of warm executors: later)", to_stage),
        Figure("log line, executor → SSE client, p50", "–", "≤ 0.3 s", latencies, notes=notes),
        Figure("log line, executor → SSE client, p95", "–", "≤ 1 s", [notes["p95"]]),
    ]


def percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]


def job_of_lines() -> dict[str, Any]:
    """Each stage says one line; their times are in the events."""
    names = {"environments": ["dev"]}
    return {"stages": [{"type": "LogExecute", "name": f"line{n}", "sql": f"SELECT '{WORDS} {n}' AS message"} | names for n in range(LINES)]}


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
    if first_stage is None or len(latencies) != LINES:
        run.refresh_from_db()
        raise RuntimeError(f"{len(latencies)} of {LINES} lines arrived; the run is {run.state}: {run.problem}")
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
