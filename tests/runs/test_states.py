"""Which changes of a run's state are possible, for whom, and that the database itself refuses the impossible."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.models import Job, JobVersion
from portal.runs import actions, checks, leases, outbox, sweeper
from portal.runs.models import FINAL_STATES, OutboxMessage, Run, RunState, StateChanged, database_now
from portal.runs.states import FOLLOWS
from tests import factories

pytestmark = pytest.mark.django_db
Queued = Callable[..., Run]


def claimed(run: Run) -> Run:
    assert leases.claim(run, "worker-1")
    return run


# --- the machine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_a_final_state_never_changes_not_even_by_hand_in_the_database(queued: Queued, state: str) -> None:
    run = queued(state=state)

    for other in RunState.values:
        with pytest.raises(ValueError, match="never becomes"):
            run.move_to(other)
    with pytest.raises(DatabaseError, match="final state never changes"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state="queued" if state != "queued" else "running")
    run.refresh_from_db()
    assert run.state == state


def test_every_state_leads_to_a_final_one() -> None:
    reached = set(FINAL_STATES)
    for _ in RunState.values:
        reached |= {state for state, following in FOLLOWS.items() if reached & following}
    assert reached == set(RunState.values)


def test_of_two_who_change_a_run_at_once_one_wins(queued: Queued) -> None:
    run = claimed(queued())
    other = Run.objects.get(pk=run.pk)
    run.move_to(RunState.RUNNING)

    with pytest.raises(StateChanged):
        other.move_to(RunState.CANCELLING)

    assert (other.state, other.state_version) == (run.state, run.state_version)


def test_the_end_of_a_run_is_audited_and_told_in_the_same_transaction(queued: Queued) -> None:
    run = claimed(queued())
    run.move_to(RunState.RUNNING)

    try:
        with transaction.atomic():
            run.move_to(RunState.SUCCEEDED)
            raise RuntimeError("something after it fails")
    except RuntimeError:
        run.refresh_from_db()
    assert (run.state, OutboxMessage.objects.count(), AuditEvent.objects.filter(action="end_run").count()) == ("running", 0, 0)

    run.move_to(RunState.SUCCEEDED)
    assert set(OutboxMessage.objects.values_list("task", "argument")) == {
        ("portal.pipelines.tasks.run_ended", str(run.pk)),
        ("portal.alerts.tasks.run_ended", str(run.pk)),
    }
    assert AuditEvent.objects.get(action="end_run").details["state"] == "succeeded"


# --- claims and leases --------------------------------------------------------------------------------------------------


def test_fifty_copies_of_a_message_start_one_attempt(queued: Queued) -> None:
    run = queued()
    copies = [Run.objects.get(pk=run.pk) for _ in range(50)]

    got = [leases.claim(copy, f"worker-{number}") for number, copy in enumerate(copies)]

    assert sum(attempt is not None for attempt in got) == 1
    assert run.attempts.count() == 1


def test_a_lost_run_goes_to_the_next_worker_and_the_old_one_may_write_nothing(queued: Queued) -> None:
    run = claimed(queued())
    run.move_to(RunState.RUNNING)
    Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=10))

    assert sweeper.sweep()["handed_on"] == 1
    fresh = Run.objects.get(pk=run.pk)
    assert (fresh.state, run.attempts.get().outcome) == ("queued", "lost")
    assert OutboxMessage.objects.filter(task=leases.EXECUTE, argument=str(run.pk)).exists()
    leases.claim(fresh, "worker-2")

    with pytest.raises(leases.LeaseLost):
        leases.renew(run)
    assert leases.grant_publishing(run) is False
    with pytest.raises(StateChanged):
        run.move_to(RunState.SUCCEEDED)


def test_a_lease_that_is_only_just_over_is_left_alone(queued: Queued) -> None:
    run = claimed(queued())
    Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=2))

    assert sweeper.sweep()["handed_on"] == 0


def test_a_run_whose_attempts_are_used_up_fails_in_plain_words(queued: Queued) -> None:
    run = queued()
    for _ in range(run.max_attempts):
        fresh = Run.objects.get(pk=run.pk)
        claimed(fresh)
        Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=10))
        sweeper.sweep()

    run.refresh_from_db()
    assert run.state == "failed"
    assert run.problem["message"] == "The machine that ran this stopped answering. Nothing was published."


def test_a_run_lost_while_publishing_is_not_tried_again(queued: Queued) -> None:
    run = claimed(queued())
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=10))

    sweeper.sweep()

    run.refresh_from_db()
    assert (run.state, run.problem["code"]) == ("failed", "lost-while-publishing")


def test_a_lost_run_that_somebody_had_cancelled_ends_as_cancelled(queued: Queued, olu: User) -> None:
    run = claimed(queued())
    actions.cancel_run(actor=olu, run=run)
    Run.objects.filter(pk=run.pk).update(lease_until=database_now() - timedelta(seconds=10))

    sweeper.sweep()

    run.refresh_from_db()
    assert run.state == "cancelled"


def test_messages_that_could_not_be_sent_wait_for_the_relay(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    OutboxMessage.objects.create(task="a.task", argument="1")
    OutboxMessage.objects.update(created_at=database_now() - timedelta(seconds=5))
    rung: list[tuple[str, str]] = []
    monkeypatch.setattr("portal.runs.doorbell.ring", lambda task, argument: False)
    assert outbox.relay() == 0

    monkeypatch.setattr("portal.runs.doorbell.ring", lambda task, argument: rung.append((task, argument)) or True)
    assert (outbox.relay(), outbox.relay()) == (1, 0)
    assert rung == [("a.task", "1")]


# --- what people may do ---------------------------------------------------------------------------------------------------


def test_starting_a_run_writes_run_audit_and_message_together(job: Job, version: JobVersion, test_env: Environment, olu: User) -> None:
    run = actions.start_run(actor=olu, job=job, environment=test_env)

    assert (run.state, run.version, run.document_sha256) == ("queued", version, version.sha256)
    assert AuditEvent.objects.get(action="start_run").subject_id == str(run.pk)
    assert OutboxMessage.objects.filter(task=leases.EXECUTE, argument=str(run.pk)).count() == 1


def test_an_author_of_dev_does_not_start_runs_in_prod(job: Job, version: JobVersion, prod: Environment, ana: User) -> None:
    with pytest.raises(NotAllowed):
        actions.start_run(actor=ana, job=job, environment=prod)


def test_above_the_lowest_environment_only_the_live_version_runs(
    job: Job, version: JobVersion, dev: Environment, prod: Environment, olu: User
) -> None:
    newer = factories.make_version(job, document=factories.DOCUMENT | {"description": "newer"})

    assert actions.start_run(actor=olu, job=job, environment=dev, version=newer).version == newer
    with pytest.raises(PortalError, match="v2 of daily_delays is not live in prod; live there: v1"):
        actions.start_run(actor=olu, job=job, environment=prod, version=newer)


def test_nothing_live_is_said_with_what_to_do(job: Job, prod: Environment, olu: User) -> None:
    with pytest.raises(PortalError, match="No version of daily_delays is live in prod") as refused:
        actions.start_run(actor=olu, job=job, environment=prod)
    assert refused.value.fix == "Ask for a promotion to prod first."


def test_a_draft_never_runs_outside_dev_by_any_door(job: Job, version: JobVersion, prod: Environment, dev: Environment, ana: User) -> None:
    assert actions.run_draft(actor=ana, job=job, document=version.document).environment == dev

    with pytest.raises(DatabaseError, match="draft never runs"), transaction.atomic():
        Run.objects.create(project=job.project, job=job, environment=prod, document=version.document, document_sha256=version.sha256)
    of_a_version = factories.make_run(version, prod)
    with pytest.raises(DatabaseError, match="draft never runs"), transaction.atomic():
        Run.objects.filter(pk=of_a_version.pk).update(version=None)
    dev.allows_drafts = False
    dev.save()
    with pytest.raises(PortalError, match="No environment of this project allows drafts"):
        actions.run_draft(actor=ana, job=job, document=version.document)


def test_a_document_without_changes_runs_as_its_version(job: Job, version: JobVersion, ana: User) -> None:
    content = json.loads(version.document)
    assert actions.run_draft(actor=ana, job=job, document=json.dumps(content)).version == version
    content["description"] = "Another one"
    changed = actions.run_draft(actor=ana, job=job, document=content)
    assert changed.version is None and json.loads(changed.document) == content


def test_an_operator_does_not_run_drafts(job: Job, version: JobVersion, olu: User) -> None:
    with pytest.raises(NotAllowed):
        actions.run_draft(actor=olu, job=job, document=version.document)


def test_the_worker_asks_again_whether_the_requester_may_run(queued: Queued, ana: User) -> None:
    run = queued()
    assert checks.refusal(run) is None

    ana.memberships.all().delete()

    assert checks.refusal(Run.objects.get(pk=run.pk))["code"] == "requester-not-allowed"  # type: ignore[index]


def test_the_worker_refuses_a_version_that_is_no_longer_live_unless_it_was_at_the_request(
    job: Job, version: JobVersion, prod: Environment, olu: User
) -> None:
    asked_before = factories.make_run(version, prod, requested_by=olu, minutes_ago=5)
    newer = factories.make_version(job, document=factories.DOCUMENT | {"description": "newer"}, live_in=("prod",))
    asked_after = factories.make_run(version, prod, requested_by=olu, minutes_ago=-5)

    assert checks.refusal(asked_before) is None
    assert checks.refusal(asked_after)["code"] == "version-not-live"  # type: ignore[index]
    assert checks.refusal(factories.make_run(newer, prod, requested_by=olu)) is None


def test_parameters_come_from_the_person_then_the_environment_then_the_document(job: Job, dev: Environment, ana: User) -> None:
    document = factories.DOCUMENT | {"parameters": {"year": {"type": "integer", "default": 2011}, "day": {"type": "date"}}}
    document["stages"] = [
        *document["stages"][:1],
        document["stages"][1] | {"sql": "SELECT ${year} AS y, ${day} AS d FROM flights"},
        document["stages"][2],
    ]
    factories.make_version(job, document=document, live_in=("dev",))
    dev.parameters = {"day": "2026-01-31", "unrelated": 1}
    dev.save()

    run = actions.start_run(actor=ana, job=job, environment=dev, parameters={"year": "2013"})
    assert run.parameters == {"year": "2013", "day": "2026-01-31"}

    with pytest.raises(PortalError) as refused:
        actions.start_run(actor=ana, job=job, environment=dev, parameters={"year": "soon", "yaer": "1"})
    assert {problem["code"] for problem in refused.value.problems} >= {"parameter-wrong-type", "parameter-unknown"}


# --- cancel and rerun ------------------------------------------------------------------------------------------------------


def test_cancelling_a_waiting_run_ends_it_at_once(queued: Queued, olu: User) -> None:
    run = actions.cancel_run(actor=olu, run=queued())

    assert (run.state, run.cancel_requested_by) == ("cancelled", olu)
    assert actions.cancel_run(actor=olu, run=run).state == "cancelled"
    assert AuditEvent.objects.filter(action="cancel_run").count() == 1


def test_a_run_that_is_publishing_can_no_longer_be_cancelled(queued: Queued, olu: User) -> None:
    run = claimed(queued())
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)

    with pytest.raises(Conflict, match="already making its outputs visible"):
        actions.cancel_run(actor=olu, run=run)


def test_a_cancelled_run_is_not_allowed_to_publish(queued: Queued, olu: User) -> None:
    run = claimed(queued())
    run.move_to(RunState.RUNNING)
    actions.cancel_run(actor=olu, run=Run.objects.get(pk=run.pk))

    assert leases.grant_publishing(run) is False
    assert leases.grant_publishing(Run.objects.get(pk=run.pk)) is False


def test_a_viewer_cannot_cancel(queued: Queued, vic: User) -> None:
    with pytest.raises(NotAllowed):
        actions.cancel_run(actor=vic, run=queued())


def test_a_rerun_repeats_version_and_parameters_or_takes_the_live_version(
    job: Job, version: JobVersion, dev: Environment, ana: User
) -> None:
    run = factories.make_run(version, dev, "failed")
    newer = factories.make_version(job, document=factories.DOCUMENT | {"description": "newer"}, live_in=("dev",))

    same, live = actions.rerun(actor=ana, run=run), actions.rerun(actor=ana, run=run, which="live")

    assert (same.version, same.rerun_of, same.trigger) == (version, run, "rerun")
    assert live.version == newer
