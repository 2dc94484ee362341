"""What a person (or the system for one) does with runs: start, run a draft, cancel, rerun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from executor.language.parameters import SECRET
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import documents, places
from portal.jobs.actions import may_answer_for, refuse_archived
from portal.jobs.models import Job, JobVersion, Place
from portal.runs import checks, published, published_tables, visible
from portal.runs.leases import EXECUTE
from portal.runs.models import WAITING_STATES, DatabaseTable, OutboxMessage, Run, RunState, StateChanged, Trigger, database_now

MOST_AT_ONCE = 100
"""Runs that one click or request may cancel or rerun."""


def start_run(
    *,
    actor: User | None,
    job: Job,
    environment: Environment,
    version: JobVersion | None = None,
    parameters: dict[str, Any] | None = None,
    trigger: str = Trigger.PERSON,
    trigger_label: str = "",
    rerun_of: Run | None = None,
    requested_by: User | None = None,
) -> Run:
    """Queues a run of a version; None means the one that is live in `environment`.

    `actor` None is the system (a schedule, a pipeline); `requested_by` is then the person whose rights the worker checks at the start.
    Raises NotAllowed; PortalError when the version may not run there or the parameters are not right.
    """
    if actor:
        policy.require(actor, "start_run", job, environment=environment.name)
    _require_runnable(job, environment)
    version = checks.require_live(job, environment, version)
    values = checks.values_for(version.document, environment, parameters)
    run = Run(version=version, document=version.document, document_sha256=version.sha256, trigger=trigger, rerun_of=rerun_of)
    return _queue(run, actor, job, environment, values, trigger_label, requested_by or actor, action="start_run")


def run_draft(*, actor: User, job: Job, document: Any, parameters: dict[str, Any] | None = None, rerun_of: Run | None = None) -> Run:
    """Queues a run of an unsaved document (its text, or an object), in the one environment that allows drafts.

    A document without changes is no draft: its version runs, so that the run counts for the version's promotion.
    """
    environment = job.project.environments.filter(allows_drafts=True).first()
    if environment is None:
        raise PortalError(
            "No environment of this project allows drafts.", code="draft-not-allowed", status=409, fix="Save a version and run that."
        )
    policy.require(actor, "run_draft", job, environment=environment.name)
    _require_runnable(job, environment)
    text = documents.as_text(document)
    values = checks.values_for(text, environment, parameters)
    how: dict[str, Any] = {"trigger": Trigger.RERUN if rerun_of else Trigger.PERSON, "rerun_of": rerun_of}
    label = _label_of(rerun_of)
    saved = job.versions.filter(sha256=documents.sha256_of(documents.canonical(text))).order_by("-number").first()
    if saved and policy.can(actor, "start_run", job, environment=environment.name):
        return start_run(actor=actor, job=job, environment=environment, version=saved, parameters=parameters, trigger_label=label, **how)
    run = Run(version=None, document=text, document_sha256=documents.sha256_of(text), **how)
    return _queue(run, actor, job, environment, values, label, actor, action="run_draft")


def _label_of(rerun_of: Run | None) -> str:
    return f"of {rerun_of.short_id}" if rerun_of else ""


def cancel_run(*, actor: User, run: Run) -> Run:
    """Stops a run: at once while it waits, within seconds while it runs. Asking twice is fine.

    Raises Conflict when it has ended, or is already making its outputs visible.
    """
    policy.require(actor, "cancel_run", run)
    for _ in range(5):
        run.refresh_from_db()
        if run.state in (RunState.CANCELLING, RunState.CANCELLED):
            return run
        try:
            return _cancel_once(actor, run)
        except StateChanged:
            continue
    raise Conflict("The run keeps changing; it could not be cancelled just now.", fix="Try again.")


def rerun(*, actor: User, run: Run, which: str = "same", parameters: dict[str, Any] | None = None) -> Run:
    """Runs again: the `same` version (or draft document) or the one `live` now, with the same parameters unless others are given."""
    policy.require(actor, "view", run)
    if which not in ("same", "live"):
        raise PortalError(f"“{which}” is not a way to rerun.", code="which-unknown", fix="Use same or live.")
    values = run.parameters if parameters is None else parameters
    if which == "same" and run.version is None:
        return run_draft(actor=actor, job=run.job, document=run.document, parameters=values, rerun_of=run)
    if which == "live":
        document = checks.require_live(run.job, run.environment, None).document
        declared = checks.declared_parameters(document)
        values = {name: value for name, value in values.items() if name in declared and declared[name].type != SECRET}
    version = run.version if which == "same" else None
    return start_run(
        actor=actor,
        job=run.job,
        environment=run.environment,
        version=version,
        parameters=values,
        trigger=Trigger.RERUN,
        trigger_label=_label_of(run),
        rerun_of=run,
    )


def put_back_output(*, actor: User, place: Place, kept_id: str, seen: str = "", table: str = "", latest: int | None = None) -> Place:
    """Makes an earlier output the present one again, in one step; what lay there is kept in its place, so that this can be undone.
    `seen`: when what was shown to lie there was published (ISO); `table` and `latest`: id and newest version of the Delta table that was
    shown. Each is asked about where it is given: who undoes what they saw must not undo what came since.

    Raises Conflict while a run works that writes the place and where somebody has published there since, PortalError when that output is
    no longer kept."""
    environment = place.environment
    if not may_answer_for(actor, "put_back_output", environment):
        raise NotAllowed("put_back_output", place)
    require_nobody_at_work(environment, place.uri, place.key)
    before = place.last_run_id
    current = published.put_back(actor, place, kept_id, published.Shown(seen, table, latest))
    place.refresh_from_db()
    said = {"now_of_run": current.get("run_id"), "was_of_run": str(before) if before else None}
    _record_put_back(actor, environment, place.owner, place=place.uri, kept=kept_id, **said)
    return place


def put_back_rows(*, actor: User, table: DatabaseTable, kept_id: str) -> DatabaseTable:
    """The same of a table of a database: its rows are what they were before the last publish.

    Raises Conflict while a run works that loads the table, PortalError when they are no longer kept or somebody has changed rows since."""
    environment = table.environment
    if not may_answer_for(actor, "put_back_output", environment):
        raise NotAllowed("put_back_output", table)
    _require_none(published_tables.writers_at_work(table), table.uri)
    before = table.last_run_id
    done = published_tables.put_back(actor, table, kept_id)
    table.refresh_from_db()
    now = table.last_run_id
    said = {"rows_changed": done.get("changed"), "now_of_run": str(now) if now else None, "was_of_run": str(before) if before else None}
    _record_put_back(actor, environment, table.job, place=table.uri, kept=kept_id, **said)
    return table


def _record_put_back(actor: User, environment: Environment, job: Job | None, **details: Any) -> None:
    where = {"project": environment.project.slug, "environment": environment.name}
    audit.record(action="put_back_output", actor=actor, subject=job, **where, **details)


@transaction.atomic
def give_up_place(*, actor: User, place: Place) -> None:
    """The job owns the place no longer. What lies there stays, and so does what is kept of before: another job may take the place over, and
    people may change it by hand. Raises Conflict while a run works that writes there, PortalError when no job owns it."""
    environment = place.environment
    if not may_answer_for(actor, "give_up_place", environment):
        raise NotAllowed("give_up_place", place)
    Environment.objects.select_for_update(of=("self",), no_key=True).get(pk=environment.pk)  # as a run that begins to publish does
    place.refresh_from_db()
    job = place.owner
    if job is None:
        raise PortalError(f"No job owns “{place.uri}”.", code="place-not-owned", status=409)
    require_nobody_at_work(environment, place.uri, place.key)
    audit.record(
        action="give_up_place", actor=actor, subject=job, project=environment.project.slug, environment=environment.name, place=place.uri
    )
    if place.published_at is None and not place.kept:
        place.delete()  # nothing of the job ever lay there
        return
    place.owner, place.given_by, place.may_replace, place.since = None, actor, False, database_now()
    place.save(update_fields=["owner", "given_by", "may_replace", "since"])


def require_nobody_at_work(environment: Environment, uri: str, key: str) -> None:
    """Raises Conflict while a run works that writes there. `key`: of the place, see `portal.jobs.places`."""
    _require_none(published.writers_at_work(environment, key), uri)


def require_nobody_reads(environment: Environment, uri: str) -> None:
    """Raises Conflict while a run works that reads or writes there."""
    _require_none(published.at_work_on(environment, uri), uri)


def _require_none(working: list[Run], uri: str) -> None:
    if working:
        raise Conflict(
            f"The run {working[0].short_id} of {working[0].job.name} works on “{uri}” just now.",
            code="place-in-use",
            fix="Wait until it has ended, or cancel it.",
        )


@dataclass
class Many:
    """What came of doing something to many runs: those it was done to, and of the others why not."""

    done: list[Run] = field(default_factory=list)
    refused: list[tuple[Run, PortalError]] = field(default_factory=list)


def do_to_many(*, actor: User, runs: Iterable[Run], action: str) -> Many:
    """`action` is cancel or rerun. One that is refused keeps nobody from the others. A run of which somebody has to look first what it has
    left is not run again among many."""
    did = Many()
    for run in runs:
        try:
            if action != "cancel":
                visible.require_seen_to(run)
            did.done.append(cancel_run(actor=actor, run=run) if action == "cancel" else rerun(actor=actor, run=run))
        except PortalError as error:
            did.refused.append((run, error))
    return did


def _require_runnable(job: Job, environment: Environment) -> None:
    if environment.project_id != job.project_id:
        raise PortalError("This environment belongs to another project.", code="wrong-project")
    refuse_archived(job)


def _queue(
    run: Run, actor: User | None, job: Job, environment: Environment, values: dict[str, Any], label: str, who: User | None, *, action: str
) -> Run:
    """Run, history, audit and message in one transaction: either all of them are there or none."""
    run.project, run.job, run.environment = job.project, job, environment
    run.parameters, run.trigger_label, run.requested_by = values, label[:200], who
    places.require_own(job, environment, published.outputs_of(run))
    with transaction.atomic():
        run.save(force_insert=True)
        run.move_to(RunState.QUEUED, reason=f"asked for by {run.get_trigger_display()}")
        details: dict[str, Any] = {
            "job": job.name,
            "version": run.version.number if run.version else None,
            "sha256": run.document_sha256,
            "trigger": run.trigger,
        }
        audit.record(action=action, actor=actor, subject=run, environment=environment.name, **details)
        OutboxMessage.add(EXECUTE, str(run.pk))
    return run


def _cancel_once(actor: User, run: Run) -> Run:
    if run.is_final:
        raise Conflict(f"The run has ended already: {run.get_state_display()}.", code="run-ended")
    if run.publishing_since:
        raise Conflict("The run is already making its outputs visible; it can no longer be stopped.", code="run-publishing")
    state = RunState.CANCELLED if run.state in WAITING_STATES else RunState.CANCELLING
    with transaction.atomic():
        asked = {"cancel_requested_at": database_now(), "cancel_requested_by": actor}
        run.move_to(state, reason=f"cancelled by {actor.shown_name}", **asked)
        audit.record(action="cancel_run", actor=actor, subject=run, environment=run.environment.name)
    return run
