"""Promotions: whoever may decide is told that one waits, whoever asked what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.alerts import raising
from portal.alerts.actions import acknowledge_alert, pause_rule, read_alert
from portal.alerts.left_alone import find_left_alone
from portal.alerts.models import Alert, Delivery
from portal.alerts.telling import default_rule
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.jobs.models import Job, JobVersion
from portal.promotions.actions import (
    approve_promotion,
    decline_promotion,
    expire_waiting,
    request_promotion,
    roll_back,
    run_once,
    withdraw_promotion,
)
from portal.promotions.models import Promotion
from portal.runs.actions import cancel_run
from portal.runs.models import Run
from tests.alerts.test_unheard import hear, listed, mailed
from tests.factories import make_job, make_person, make_run, make_version
from tests.targets import answer_here, put


@pytest.fixture(autouse=True)
def _looks(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    answer_here(monkeypatch, settings, tmp_path / "lake")


@pytest.fixture
def version(flights: Project, ana: User, dev: Environment, test_env: Environment) -> JobVersion:
    """Live in dev, with a good run there."""
    put(dev), put(test_env)
    made = make_version(make_job(flights, ana), live_in=("dev",))
    make_run(made, dev, "succeeded")
    return made


@pytest.fixture
def asked(version: JobVersion, ana: User, pat: User, olu: User) -> Promotion:
    promotion = request_promotion(actor=ana, version=version, message="Faster")
    hear()
    return promotion


def test_those_who_may_approve_are_told_that_it_waits(flights: Project, ana: User, version: JobVersion, pat: User) -> None:
    make_person("own", flights, "approver@prod")
    request_promotion(actor=ana, version=version, message="Faster")
    hear()
    alert = Alert.objects.get()
    assert (alert.event, alert.state) == ("asked", "open")
    assert mailed("asked") == ["pat@sluice.test"] and listed("asked") == {"pat"}
    assert "“Faster”" in alert.body


def test_where_nobody_may_approve_the_admins_are_told(version: JobVersion, ana: User, ada: User) -> None:
    request_promotion(actor=ana, version=version)
    hear()
    assert mailed("asked") == ["ada@sluice.test"]


def test_where_those_who_may_approve_are_gone_whoever_may_now_is_told_once(
    asked: Promotion, flights: Project, pat: User, ada: User
) -> None:
    assert find_left_alone() == 0
    Membership.objects.filter(user=pat).exclude(role="viewer").delete()
    assert [find_left_alone(), find_left_alone()] == [1, 1]
    assert mailed("asked") == ["ada@sluice.test", "olu@sluice.test", "pat@sluice.test"]  # an admin can give somebody the right
    make_person("new", flights, "approver")
    assert [find_left_alone(), find_left_alone()] == [1, 0]
    assert "new@sluice.test" in mailed("asked") and len(mailed("asked")) == 4 and "new" in listed("asked")


def _switched_off(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def _only_looks(person: User) -> None:
    Membership.objects.filter(user=person).exclude(role="viewer").delete()


@pytest.mark.parametrize("gone", [_switched_off, _only_looks])
def test_where_nobody_who_was_told_of_trouble_can_act_whoever_looks_after_the_environment_is_told(
    version: JobVersion, ana: User, olu: User, ada: User, test_env: Environment, gone: Callable[[User], None]
) -> None:
    Membership.objects.filter(user=olu).delete()
    raising.run_ended(make_run(version, version.job.project.environments.get(name="dev"), "failed").pk)
    assert mailed("failed") == ["ana@sluice.test"] and find_left_alone() == 0
    gone(ana)
    assert [find_left_alone(), find_left_alone()] == [1, 0]
    assert mailed("failed") == ["ada@sluice.test", "ana@sluice.test"]
    assert listed("failed") == {"ada", "ana"}


@pytest.mark.parametrize("gone", [_switched_off, _only_looks])
def test_what_somebody_looked_after_who_is_gone_is_told_anew_to_the_others(
    version: JobVersion, ana: User, olu: User, gone: Callable[[User], None]
) -> None:
    raising.run_ended(make_run(version, version.job.project.environments.get(name="dev"), "failed").pk)
    alert = acknowledge_alert(actor=olu, alert=Alert.objects.get(event="failed"))
    read_alert(actor=ana, alert=alert)
    Delivery.objects.update(state="delivered", attempts=1)
    find_left_alone()
    assert Alert.objects.get().state == "acknowledged"
    gone(olu)
    assert [find_left_alone(), find_left_alone()] == [0, 0]  # Ana can act
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("open", None) and alert.body.endswith(
        "Olu looked after it, and is not there any more: nobody does now."
    )
    assert Alert.objects.unread_by(ana).get() == alert
    assert [(mail.recipient, mail.state, mail.attempts) for mail in alert.deliveries.all()] == [(ana, "waiting", 0)]
    assert AuditEvent.objects.filter(action="open_alert_again").count() == 1


def test_live_is_told_to_who_asked_and_who_runs_it(asked: Promotion, pat: User) -> None:
    approve_promotion(actor=pat, promotion=asked, note="good")
    hear()
    assert mailed("live") == ["ana@sluice.test", "olu@sluice.test"]
    note = Alert.objects.get(event="live")
    assert note.state == "note" and "Approved by Pat: “good”" in note.body and "Run it once in test" in note.body
    waited = Alert.objects.get(event="asked")
    assert (waited.state, waited.resolution) == ("resolved", "the promotion is live")
    assert not Alert.objects.unread_by(pat).exists()


def test_declined_is_told_to_who_asked_with_the_reason(asked: Promotion, pat: User) -> None:
    decline_promotion(actor=pat, promotion=asked, note="The join drops rows")
    hear()
    assert mailed("declined") == ["ana@sluice.test"]
    assert "Pat: “The join drops rows”" in Alert.objects.get(event="declined").body


def test_withdrawn_only_ends_the_waiting(asked: Promotion, ana: User) -> None:
    withdraw_promotion(actor=ana, promotion=asked)
    hear()
    assert Alert.objects.get().resolution == "the promotion is withdrawn"


def test_expired_at_night_is_told_to_who_asked(asked: Promotion) -> None:
    Promotion.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert expire_waiting() == 1
    hear()
    assert mailed("expired") == ["ana@sluice.test"] and listed("expired") == {"ana", "pat"}
    assert Alert.objects.get(event="asked").state == "resolved"


def test_rolled_back_is_told_to_who_wrote_it_and_who_runs_it_but_not_to_who_did_it(
    asked: Promotion, pat: User, ana: User, olu: User, version: JobVersion, dev: Environment, test_env: Environment
) -> None:
    approve_promotion(actor=pat, promotion=asked)
    second = make_version(version.job, document={**{"description": "second"}, **_document(version)}, live_in=("dev",))
    make_run(second, dev, "succeeded")
    run = run_once(actor=olu, promotion=approve_promotion(actor=pat, promotion=request_promotion(actor=ana, version=second)))
    roll_back(actor=pat, job=version.job, environment=test_env, message="wrong sums")
    hear()
    note = Alert.objects.get(event="rolled_back")
    assert note.title == "daily_delays was rolled back to v1 in test" and "Pat took back v2." in note.body
    assert mailed("rolled_back") == ["ana@sluice.test", "olu@sluice.test"]
    assert listed("rolled_back") == {"ana", "olu"}, "who did it knows"
    end(run, "failed")
    hear()
    body = Alert.objects.get(event="failed").body
    assert "v2 went live in test, where it is not live any more." in body and "roll back" not in body, "that is done"


def ran_once(promotion: Promotion, by: User, state: str) -> Run:
    return end(run_once(actor=by, promotion=promotion), state)


def end(run: Run, state: str) -> Run:
    for step in ("starting", "running", state):
        run.move_to(step, **({"problem": {"code": "x", "message": "canary"}} if step == "failed" else {}))
    return run


def told_of_end() -> list[str]:
    """Whom anything about the end of the run went to, once for each message."""
    ends = Delivery.objects.filter(alert__event__in=["run_once_ended", "failed", "cancelled", "well_again"], kind="email")
    return sorted(ends.values_list("target", flat=True))


ALL_WITH_A_PART = ["ana@sluice.test", "olu@sluice.test", "pat@sluice.test"]


def test_the_good_end_of_the_run_after_it_went_live_is_told_to_all_who_had_a_part(asked: Promotion, pat: User, olu: User) -> None:
    approve_promotion(actor=pat, promotion=asked)
    hear()
    assert not Alert.objects.filter(event="run_once_ended").exists(), "it has not ended"
    ran_once(asked, olu, "succeeded")
    hear()
    note = Alert.objects.get(event="run_once_ended")
    assert note.title == "First run of daily_delays v1 in test: succeeded" and "Olu ran it once" in note.body
    hear()
    assert told_of_end() == ALL_WITH_A_PART


def test_a_bad_end_of_it_is_told_once_to_each_as_a_failed_run(asked: Promotion, pat: User, olu: User) -> None:
    approve_promotion(actor=pat, promotion=asked)
    ran_once(asked, olu, "failed")
    hear()
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    alert = Alert.objects.get(event="failed")
    assert "It was run once after v1 went live in test: mend it, or roll back." in alert.body and "canary" not in alert.body
    assert told_of_end() == ALL_WITH_A_PART and sorted(listed("failed")) == ["ana", "olu", "pat"]
    assert not Alert.objects.filter(event="run_once_ended").exists()


def test_where_no_rule_wants_failed_runs_its_end_is_told_all_the_same(asked: Promotion, pat: User, olu: User, ada: User) -> None:
    pause_rule(actor=ada, rule=default_rule(asked.job.project), paused=True)
    approve_promotion(actor=pat, promotion=asked)
    ran_once(asked, olu, "failed")
    hear()
    assert Alert.objects.get(event="run_once_ended").title == "First run of daily_delays v1 in test: failed"
    assert told_of_end() == ALL_WITH_A_PART


def test_a_good_end_that_ends_trouble_is_told_once_to_each(asked: Promotion, pat: User, olu: User, test_env: Environment) -> None:
    """Ana hears that it runs well again; the others that the first run went well."""
    raising.run_ended(make_run(asked.version, test_env, "failed").pk)
    Delivery.objects.update(state="delivered")
    approve_promotion(actor=pat, promotion=asked)
    before = set(Delivery.objects.values_list("pk", flat=True))
    ran_once(asked, olu, "succeeded")
    hear()
    new = Delivery.objects.exclude(pk__in=before).exclude(alert__event="live")
    assert sorted(new.values_list("alert__event", "target")) == [
        ("run_once_ended", "pat@sluice.test"),
        ("well_again", "ana@sluice.test"),
    ], "Olu has it in the list, like the trouble"
    assert listed("well_again") == {"ana", "olu"} and listed("run_once_ended") == {"pat"}


def test_who_stops_it_is_not_told_and_its_owner_once(asked: Promotion, pat: User, olu: User) -> None:
    approve_promotion(actor=pat, promotion=asked)
    run = run_once(actor=olu, promotion=asked)
    cancel_run(actor=olu, run=run)
    hear()
    assert told_of_end() == ["ana@sluice.test", "pat@sluice.test"]


def test_the_owner_of_the_job_hears_what_others_ask_and_decide(asked: Promotion, pat: User, flights: Project) -> None:
    owner = make_person("own", flights, "author@dev", "viewer@test")
    Job.objects.filter(pk=asked.job.pk).update(owner=owner)
    approve_promotion(actor=pat, promotion=asked)
    hear()
    assert "own@sluice.test" in mailed("live")


def test_the_end_of_that_run_is_told_also_when_its_message_was_lost(asked: Promotion, pat: User, olu: User) -> None:
    approve_promotion(actor=pat, promotion=asked)
    run = run_once(actor=olu, promotion=asked)
    for step in ("starting", "running", "succeeded"):
        run.move_to(step)
    raising.find_untold(timezone.now() + timedelta(seconds=30))
    assert Alert.objects.filter(event="run_once_ended").count() == 1


def test_told_once_also_when_the_scheduler_looks(asked: Promotion, pat: User) -> None:
    later = timezone.now() + timedelta(seconds=30)
    raising.find_untold(later)
    approve_promotion(actor=pat, promotion=asked)
    assert raising.find_untold(later) == 1, "its message was lost"
    hear()
    assert raising.find_untold(later) == 0
    assert sorted(Alert.objects.values_list("event", flat=True)) == ["asked", "live"]


def _document(version: JobVersion) -> dict[str, object]:
    import json

    return dict(json.loads(version.document))
