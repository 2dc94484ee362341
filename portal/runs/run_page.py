"""What the page of one run shows: plain values for the template."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from executor.document.places import uses_as_written
from executor.language.parameters import SECRET, Parameter
from executor.problems import Problem
from executor.stages.base import READS
from portal import health
from portal.accounts import policy
from portal.accounts.models import User
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.actions import may_answer_for
from portal.jobs.connections_used import connections_used
from portal.jobs.documents import content_of, stages_of
from portal.jobs.models import Place
from portal.runs import published, published_tables, reached
from portal.runs.checks import declared_parameters
from portal.runs.log_lines import WHILE_PUBLISHING, line_of_failure, progress_of
from portal.runs.models import GOOD_STATES, HELD_STATES, Attempt, DatabaseTable, Run, RunState, StageRun
from portal.runs.problems import shown_to
from portal.runs.turns import has_its_share, runs_before
from portal.ui.words import count, duration

USUAL_RUNS = 30
LONG_WAIT_SECONDS = 20
NOT_ITS_OWN = ("place-not-own", "output-holds-other-things")


@dataclass(frozen=True)
class LeftBy:
    """A run as whose end left them some places are now. `is_put_back`: what a later run had published there was undone."""

    run: Run
    is_put_back: bool


@dataclass(frozen=True)
class Failure:
    """The card of a run that did not end well. `problem` is without data for readers who may not see it."""

    problem: Problem
    line: int | None
    last_good: Run | None
    published: bool
    left_by: list[LeftBy]
    """Whose data lies at the run's places now; empty where that is not known of each of them."""

    @property
    def good_version(self) -> int | None:
        """The number of the version that last went well here."""
        return self.last_good.version.number if self.last_good and self.last_good.version else None


@dataclass
class StageLine:
    """One line of the waterfall; `left`, `width` and the usual ones in percent of the run."""

    stage: StageRun
    tone: str
    figures: str
    label: str
    usually: str = ""
    until: datetime | None = None
    """When its time ended; None while it works."""
    left: float = 0.0
    width: float = 0.0
    usual: float | None = None
    problem: Problem | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)


def failure_of(run: Run, *, with_data: bool) -> Failure | None:
    if not run.problem or run.state in GOOD_STATES:
        return None
    good = Run.objects.filter(job=run.job, environment=run.environment, state__in=GOOD_STATES, created_at__lt=run.created_at)
    last_good = good.order_by("-created_at").select_related("version").only("id", "finished_at", "version__number").first()
    problem = shown_to(run.problem, run.document, with_data=with_data)
    has_published = run.publishing_since is not None
    return Failure(problem, line_of_failure(run), last_good, has_published, [] if has_published else _left_by(run))


def _left_by(run: Run) -> list[LeftBy]:
    """What lies at a place is what is noted of the place: the last good run may have been put back, or another job's run came since."""
    found = [published.left_by(published.history(place)) if place else None for place in published.places_to_write(run)]
    found += [published_tables.left_by(table) if table else None for table in published_tables.to_write(run)]
    known = [one for one in found if one]
    return list(dict.fromkeys(LeftBy(*one) for one in known)) if len(known) == len(found) else []


def wrote_nothing(run: Run) -> bool:
    """Whether the run went well and has published no output at all: people should hear that, for it is seldom meant."""
    return run.state in GOOD_STATES and not run.outputs


def waiting_sentence(run: Run) -> str:
    """Why the run is not working yet (or what it waits for), in one sentence; empty when there is nothing to wait for."""
    if run.state == RunState.STARTING:
        return "Spark is starting for this run alone; that takes some seconds."
    if run.state == RunState.CANCELLING:
        return "The run is being stopped; its processes are gone within 10 seconds."
    if run.state == RunState.RUNNING and run.publishing_since:
        return progress_of(run, steps=WHILE_PUBLISHING) or "All stages are done; the outputs are being made visible."
    if run.state == RunState.RUNNING:
        return progress_of(run)
    return _queue_sentence(run) if run.state == RunState.QUEUED else ""


def _queue_sentence(run: Run) -> str:
    if not Run.objects.filter(pk=run.pk, state=RunState.QUEUED).exists():
        return ""  # a worker has taken it since it was read: it is among those at work that are asked for below
    working = Run.objects.filter(state__in=HELD_STATES).count()
    waited = (timezone.now() - (run.queued_at or run.created_at)).total_seconds()
    again = "The machine that ran it before stopped answering; it is tried again. " if run.fence else ""
    beside = list(Run.objects.beside(run).exclude(pk=run.pk).order_by("started_at")[: run.job.runs_at_once])
    if len(beside) >= run.job.runs_at_once:
        others = " and ".join(other.short_id for other in beside[:3])
        return (
            f"{again}It waits for the run {others} of the same job to end: {run.job.name} works on {run.job.runs_at_once} at a time here."
        )
    if has_its_share(run):
        own = settings.PERSON_RUNS
        return f"{again}It waits until an earlier one of the same person ends: one person has at most {count(own)} at work at a time."
    if working >= settings.RUN_CONCURRENCY:
        before = runs_before(run)
        ahead = f", and {count(before)} {'waits' if before == 1 else 'wait'} before it" if before else ""
        return f"{again}It waits for a free place: {count(working)} {'run is' if working == 1 else 'runs are'} working{ahead}."
    if health.holds_runs():
        return f"{again}It waits because a part of Sluice is down; it starts by itself when that is back."
    if waited > LONG_WAIT_SECONDS:
        return f"{again}No worker has taken it for {duration(waited)}; it starts as soon as one is there."
    return f"{again}It waits for a worker to take it, usually less than a second."


def stage_lines(run: Run, *, with_data: bool) -> list[StageLine]:
    """The stages of the last attempt, in order, with their place in time; before it begins, those that the document names."""
    stages = run.last_stages or ([] if run.is_final else _planned(run))
    if not stages:
        return []
    begin = min([stage.started_at for stage in stages if stage.started_at] or [timezone.now()])
    end = max([_end_of(stage, run) for stage in stages if stage.started_at] or [begin])
    whole = max((end - begin).total_seconds(), 0.001)
    usual = usual_seconds(run)
    return [_line(stage, run, begin, whole, usual.get(stage.name), with_data) for stage in stages]


def _planned(run: Run) -> list[StageRun]:
    """What will run, so that the page has its place for it from the beginning. Not saved."""
    found = []
    for index, described in enumerate(stages_of(run.document)):
        named = described.get("environments")
        elsewhere = isinstance(named, list) and bool(named) and run.environment.name not in named
        name, kind = str(described.get("name", "")), str(described.get("type", ""))
        found.append(StageRun(index=index, name=name, type=kind, state="skipped" if elsewhere else "waiting"))
    return found


def usual_seconds(run: Run) -> dict[str, float]:
    """Stage name → median seconds in the last good runs of this job here."""
    last = Run.objects.filter(job=run.job, environment=run.environment, state__in=GOOD_STATES).exclude(pk=run.pk)
    ids = list(last.order_by("-created_at").values_list("pk", flat=True)[:USUAL_RUNS])
    rows = StageRun.objects.filter(run__in=ids, state__in=("done", "warning"))
    seconds: dict[str, list[float]] = {}
    for name, began, ended in rows.values_list("name", "started_at", "finished_at"):
        if began and ended:
            seconds.setdefault(name, []).append((ended - began).total_seconds())
    return {name: statistics.median(values) for name, values in seconds.items()}


def _end_of(stage: StageRun, run: Run) -> datetime:
    return stage.finished_at or run.finished_at or timezone.now()


def _line(stage: StageRun, run: Run, begin: datetime, whole: float, usual: float | None, with_data: bool) -> StageLine:
    shown = shown_to(stage.problem, run.document, with_data=with_data) if stage.problem else None
    tone = {"failed": "bad", "warning": "warn", "running": "run", "skipped": "mut", "cancelled": "mut", "stopped": "mut"}.get(
        stage.state, ""
    )
    facts = [(name.replace("_", " "), _shown(value)) for name, value in (stage.metrics | (_details(stage) if with_data else {})).items()]
    line = StageLine(stage, tone, _figures(stage), stage.state.replace("_", " "), problem=shown, facts=facts)
    if stage.started_at and stage.state != "skipped":
        seconds = (_end_of(stage, run) - stage.started_at).total_seconds()
        line.left = round((stage.started_at - begin).total_seconds() / whole * 100, 2)
        line.width = round(max(seconds / whole * 100, 0.6), 2)
        line.until = stage.finished_at or run.finished_at
        line.usually = f"usually {duration(usual)}" if usual is not None else ""
        line.label = f"{duration(seconds)}, {line.label}" + (f"; {line.usually}" if line.usually else "")
        line.usual = round(min(usual / whole * 100, 100 - line.left), 2) if usual is not None else None
    return line


def _details(stage: StageRun) -> dict[str, Any]:
    """What the stage said of itself, less what has a card of its own."""
    return {name: fact for name, fact in stage.details.items() if name not in ("values", "warnings", "read", "wrote")}


def _figures(stage: StageRun) -> str:
    if stage.state in ("waiting", "not_reached", "skipped"):
        return {"waiting": "", "not_reached": "not reached", "skipped": "not in this environment"}[stage.state]
    if stage.state == "stopped":
        return "not finished"
    if stage.state == "failed" and stage.rows_out is None:
        return "failed"
    return _flow(stage) + (f", {count(stage.rows_rejected)} kept aside" if stage.rows_rejected else "")


def _flow(stage: StageRun) -> str:
    """Rows in and out in words that also say which of the two is known; Spark counts only where it does not do the work twice."""
    if stage.rows_in is not None and stage.rows_out is not None:
        return f"{count(stage.rows_in)} → {count(stage.rows_out)}"
    if stage.rows_in is not None:
        return f"{count(stage.rows_in)} in"
    if stage.rows_out is not None:
        return f"{count(stage.rows_out)} out"
    return ""


def _shown(value: Any) -> str:
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def places_read(run: Run) -> list[tuple[str, str, int | None]]:
    """(stage, place as the document writes it or table of a database, rows if they were counted) of each extract that the last attempt
    entered."""
    entered = {stage.index: stage for stage in run.last_stages if stage.started_at}
    tables = [one for one in connections_used(content_of(run.document), run.environment, run.parameters) if one.does == READS]
    found = []
    for index, described in enumerate(stages_of(run.document)):
        stage = entered.get(index)
        if stage and stage.state != "skipped":
            places = [uri for _, uri, does in uses_as_written(described) if does == READS]
            places += [f"{one.what} in {one.name}" for one in tables if one.stage == stage.name]
            found += [(stage.name, place, stage.rows_out) for place in places]
    return found


def parameters_of(run: Run) -> list[tuple[str, Any, bool]]:
    """(name, value, whether the run was given it); the others have their default."""
    try:
        declared = declared_parameters(run.document)
    except PortalError:
        return [(name, value, True) for name, value in run.parameters.items()]
    return [_parameter_of(run, name, about) for name, about in declared.items()]


def _parameter_of(run: Run, name: str, about: Parameter) -> tuple[str, Any, bool]:
    if about.type == SECRET:
        return name, f"the secret of {run.environment.name}", True
    return name, run.parameters.get(name, about.default), name in run.parameters


def network_of(user: User, run: Run, attempt: Attempt | None) -> list[tuple[str, str]]:
    """Which other machines the attempt could and did reach, in words; nothing where it had no network."""
    if attempt is None:
        return []
    with_hosts = policy.can(user, "manage_environment", run.environment)
    known = "Reached so far" if attempt.finished_at is None else "Reached, as last noted" if attempt.outcome == "lost" else "Reached"
    return reached.in_words(reached.places_of(attempt.reached, with_hosts=with_hosts), known=known)


def may(user: User, run: Run) -> dict[str, bool]:
    """Which buttons the run's page offers this person."""
    again = "start_run" if run.version_id else "run_draft"
    return {
        "cancel": not run.is_final and run.state != RunState.CANCELLING and policy.can(user, "cancel_run", run),
        "rerun": run.is_final and policy.can(user, again, run.job, environment=run.environment.name),
        "edit": policy.can(user, "edit_job", run.job),
    }


def publishes_of(user: User, run: Run) -> list[dict[str, Any]]:
    """The places and tables a good run published, with what lies there now and what is kept: for "History of publishes"."""
    if run.state not in GOOD_STATES:
        return []
    may = may_answer_for(user, "put_back_output", run.environment)
    tables = [_table_of(run, table) for table in published_tables.tables_of(run)]
    return [row | {"may_put_back": may} for row in [*tables, *(_place_of(run, place, may=may) for place in published.places_of(run))]]


def _table_of(run: Run, table: DatabaseTable) -> dict[str, Any]:
    """`field`: of the form that puts back; `ask`: what whoever does it should know."""
    words = f"The rows of “{table.uri}” in {run.environment.name} are as they were; what is there now is kept."
    ask = f"{words} Nothing is done where somebody has changed these rows since."
    address = reverse("runs:put_back_rows", args=[run.project.slug, run.pk])
    return {
        "uri": table.uri,
        "pk": table.pk,
        "field": "table",
        "address": address,
        "ask": ask,
        "publishes": published_tables.history(table),
    }


def _place_of(run: Run, place: Place, *, may: bool) -> dict[str, Any]:
    read_by = _read_by(run, place.uri) if may and place.kept else ""
    ask = f"“{place.uri}” in {run.environment.name} is as it was. What lies there now is kept. {read_by}"
    address = reverse("runs:put_back", args=[run.project.slug, run.pk])
    return {
        "uri": place.uri,
        "pk": place.pk,
        "field": "place",
        "address": address,
        "ask": ask,
        "seen": place.published_at,
        "publishes": published.history(place),
    }


def _read_by(run: Run, uri: str) -> str:
    return places.read_by(use.job.name for use in places.used_by(run.environment, uri) if not use.writes)


def may_take_over(user: User, run: Run) -> bool:
    """Whether this person may give the job the place that this run was not allowed to publish."""
    return bool(run.problem and run.problem.get("code") in NOT_ITS_OWN) and may_answer_for(user, "take_over_place", run.environment)
