"""The demo's first run: started as by the button, followed on the terminal, its result shown as a table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import launcher
from portal.runs.actions import start_run
from portal.runs.models import GOOD_STATES, LogSegment, Run
from portal.runs.output_rows import preview_of

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 600
ROWS_SHOWN = 12
NUMBERS = {"smallint", "int", "bigint", "float", "double", "decimal"}
Event = dict[str, Any]


def run_and_show(console: Console, job: Job, environment: Environment, actor: User) -> Run:
    """Runs the job's live version to its end, or follows the run that waits there since Sluice was stopped. Raises PortalError when it does
    not end well."""
    stopped = Run.objects.filter(job=job, environment=environment, version__isnull=False, finished_at=None).order_by("queued_at").first()
    run = stopped or start_run(actor=actor, job=job, environment=environment)
    word = "Going on with " if stopped else "Running "
    console.print(Text.assemble((f"\n{word}", "bold"), (job.name, "bold cyan"), f" in {environment.name}, started by {actor.shown_name}"))
    for event in follow(run):
        if line := line_for(event):
            console.print(line)
    if run.state not in GOOD_STATES:
        problem = run.problem or {}
        raise PortalError(f"The run {run.get_state_display()}. {problem.get('message', '')}".strip(), fix=problem.get("fix"))
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0
    console.print(Text(f"  {run.get_state_display()} in {took:.1f} s\n", style="bold green"))
    return run


def follow(run: Run) -> Iterator[Event]:
    """The run's events as they are stored, until it has ended; `run` is fresh then."""
    seen, deadline = 0, time.monotonic() + PATIENCE_SECONDS
    while True:
        run.refresh_from_db()
        for segment in LogSegment.objects.filter(run=run, first_seq__gt=seen):
            seen = segment.last_seq
            yield from (json.loads(line) for line in segment.lines.splitlines())
        if run.is_final:
            return
        if time.monotonic() > deadline:
            raise PortalError(
                f"The run is still {run.get_state_display()} after {PATIENCE_SECONDS} s.", fix="Look at the lines of the worker."
            )
        connection.close()
        time.sleep(LOOK_SECONDS)


def line_for(event: Event) -> Text | None:
    """What an event looks like on the terminal; None for those that are not shown."""
    kind = event.get("event")
    if kind == "session_ready":
        seconds = event["duration_ms"] / 1000
        return Text(f"  Spark is ready after {seconds:.1f} s" if seconds >= 0.5 else "  Spark was ready", style="dim")
    if kind == "stage_finished":
        return _stage_line(event)
    if kind == "stage_failed":
        return Text(f"  ✗ {event['stage']}: {event['problem'].get('message', '')}", style="red")
    if kind == "log" and event.get("source") != "spark" and (event.get("source") == "job" or event.get("level") in ("warning", "error")):
        return Text(f"    {event['message']}", style="dim" if event.get("level") == "info" else "yellow")
    return None


def _stage_line(event: Event) -> Text:
    mark, style = {"skipped": ("–", "dim"), "warning": ("!", "yellow")}.get(event["outcome"], ("✓", "green"))
    flow = " → ".join(f"{event[key]:,}" for key in ("rows_in", "rows_out") if event.get(key) is not None)
    rejected = f", {event['rows_rejected']:,} rejected" if event.get("rows_rejected") else ""
    return Text.assemble(
        (f"  {mark} ", style),
        f"{event['stage']:<28}",
        (f"{event['stage_type']:<18}", "dim"),
        f"{flow + (' rows' if flow else '') + rejected:<30}",
        (f"{event['duration_ms'] / 1000:6.1f} s", "dim"),
    )


def show_result(console: Console, run: Run) -> None:
    """The first rows of what the run published, read back by an executor (the portal itself has no Spark)."""
    output = run.outputs[0]
    rows = read_output(run)
    title = f"{output['uri']}: {output.get('rows', 0):,} rows, the first {len(rows['rows'])}"
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    shown = [index for index, column in enumerate(rows["columns"]) if not column.get("internal")]
    for index in shown:
        column = rows["columns"][index]
        table.add_column(column["name"], justify="right" if column["type"].split("(")[0] in NUMBERS else "left", no_wrap=True)
    for row in rows["rows"]:
        table.add_row(*(_cell(row[index]) for index in shown))
    console.print(table)


def _cell(value: Any) -> Text:
    if value is None:
        return Text("∅", style="dim")
    return Text(f"{value:,.1f}" if isinstance(value, float) else str(value))


def read_output(run: Run) -> Event:
    """The `rows` event of a preview of the run's first output."""
    launch = launcher.for_previews(run.environment)
    executor = launcher.Executor(launch, preview_of(run, 0, ROWS_SHOWN) | {"id": 1, "values": {"lake": launch.lake}})
    try:
        return _answer(executor)
    finally:
        executor.kill()
        executor.finish()


def _answer(executor: launcher.Executor) -> Event:
    while True:
        stream, text = executor.output.get(timeout=PATIENCE_SECONDS)
        if stream == "end":
            raise PortalError("The result could not be read.", code="result-unreadable")
        event = json.loads(text) if stream == "out" else {}
        if event.get("event") == "rows":
            return dict(event)
        if event.get("last"):
            raise PortalError(f"The result could not be read. {event.get('problem', {}).get('message', '')}", code="result-unreadable")


def show_where(console: Console, run: Run, people: list[User]) -> None:
    """Addresses, people and how to end, in the words a newcomer needs."""
    base = settings.PUBLIC_URL
    page = reverse("runs:run", args=[run.project.slug, run.pk])
    console.print(Text.assemble(("\nThis run    ", "bold"), (f"{base}{page}", "cyan")))
    console.print(Text.assemble(("Sign in     ", "bold"), (f"{base}/", "cyan"), " with one click as"))
    for person in people:
        console.print(Text.assemble(f"  {person.shown_name:<10}", (person.about, "dim")))
    console.print(Text.assemble(("Mails       ", "bold"), f"are kept in {settings.SLUICE_HOME / 'mail'}"))
    console.print(Text.assemble(("Ctrl+C", "bold"), " stops everything; the next start keeps the data.\n"))
