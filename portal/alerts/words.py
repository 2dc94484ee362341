"""What an alert says: plain words for people, a small JSON object for programs. No value of the data, unless the reader may see data."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.policy import can
from portal.alerts.models import FAILED, Alert
from portal.runs.models import Run
from portal.runs.problems import shown_to
from portal.ui.words import duration


def title(run: Run, event: str) -> str:
    if event == FAILED:
        return f"{run.job.name} {'ran out of time' if run.state == 'timed_out' else 'failed'} in {run.environment.name}"
    return f"{run.job.name} is late in {run.environment.name}"


def body(run: Run, event: str, minutes: int | None = None, *, with_data: bool = False) -> str:
    """A few lines: what, where, why, what to do."""
    lines = _failed_lines(run, with_data) if event == FAILED else [_late_line(run, minutes)]
    version = f"version {run.version.number}" if run.version else "a draft"
    lines.append(f"It ran {version} in {run.environment.name}, started by {_who(run)}.")
    return "\n".join(lines)


def text_for(alert: Alert, reader: User | None) -> str:
    """The whole mail. `reader` None is an address whose rights are not known: it gets no data."""
    said = alert.body
    if alert.event == FAILED and reader is not None and can(reader, "view_data", alert.run):
        said = body(alert.run, FAILED, with_data=True)
    return f"{said}\n\nOpen the run: {link_to(alert.run)}\n\nSluice · project {alert.project.name}"


def payload(alert: Alert) -> dict[str, Any]:
    """What a webhook carries."""
    run = alert.run
    return {
        "type": f"run.{alert.event}",
        "timestamp": alert.created_at.isoformat(),
        "data": {
            "alert_id": str(alert.pk),
            "title": alert.title,
            "text": alert.body,
            "project": alert.project.slug,
            "job": run.job.name,
            "version": run.version.number if run.version else None,
            "environment": run.environment.name,
            "run_id": str(run.pk),
            "state": run.state,
            "url": link_to(run),
        },
    }


def link_to(run: Run) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse("runs:run", args=[run.project.slug, run.pk])


def _failed_lines(run: Run, with_data: bool) -> list[str]:
    if not run.problem:
        return ["It ended without saying why; the log has what is known."]
    problem = shown_to(run.problem, run.document, with_data=with_data)
    where = f"In {problem.place}: " if problem.place else ""
    found = f" Found {problem.found}." if problem.found else ""
    expected = f" Expected {problem.expected}." if problem.expected else ""
    return [f"{where}{problem.message}{found}{expected}", *([f"What to do: {problem.fix}"] if problem.fix else [])]


def _late_line(run: Run, minutes: int | None) -> str:
    asked = f"It was asked for at {run.created_at:%Y-%m-%d %H:%M} UTC and should be done {minutes} minutes later at most."
    if run.finished_at:
        return f"{asked} It was done after {duration(run.finished_at - run.created_at)}."
    return f"{asked} It is {run.get_state_display()} still."


def _who(run: Run) -> str:
    person = run.requested_by.shown_name if run.requested_by else "the system"
    if run.trigger in {"schedule", "pipeline"}:
        return f"the {run.trigger} {run.trigger_label}".strip()
    return person
