"""Approvals that come at the same moment. Threads need a database that takes several writers; SQLite takes one at a time by itself."""

from __future__ import annotations

import pytest

from portal.audit.models import AuditEvent
from portal.jobs.models import LiveVersion
from portal.promotions.actions import approve_promotion, request_promotion, roll_back, run_once
from portal.promotions.models import Approval, Promotion
from portal.runs.models import Run
from tests.at_once import at_once
from tests.factories import make_job, make_live, make_person, make_project, make_run, make_version
from tests.promotions.conftest import changed
from tests.targets import note_columns, put

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]
"""On SQLite: test_a_second_click_changes_nothing"""
THREADS = 10


def asked() -> Promotion:
    project = make_project()
    ana = make_person("ana", project, "author")
    for number in range(THREADS):
        make_person(f"pat{number}", project, "approver")
    version = make_version(make_job(project, ana), live_in=("dev",))
    for environment in project.environments.all():
        put(environment)
    note_columns(make_run(version, project.environments.get(name="dev"), "succeeded"))
    return request_promotion(actor=ana, version=version)


def person(name: str):
    from portal.accounts.models import User

    return User.objects.get(username=name)


def test_ten_approvers_at_once_make_it_live_once() -> None:
    promotion = asked()
    codes = at_once(lambda number: approve_promotion(actor=person(f"pat{number}"), promotion=promotion), THREADS)
    assert sorted(codes) == [""] + ["already-decided"] * (THREADS - 1)
    assert Approval.objects.count() == 1
    assert AuditEvent.objects.filter(action="go_live").count() == 1
    assert LiveVersion.objects.get(environment__name="test").version == promotion.version


def test_ten_clicks_of_one_approver_are_one_approval() -> None:
    promotion = asked()
    codes = at_once(lambda number: approve_promotion(actor=person("pat0"), promotion=promotion), THREADS)
    first, *others = sorted(codes)
    assert first == "" and set(others) <= {"already-decided", "decided-twice"}, "whichever is seen first: the approval, or what came of it"
    assert AuditEvent.objects.filter(action="go_live").count() == 1


def test_two_approvals_needed_and_ten_at_once() -> None:
    promotion = asked()
    promotion.to_environment.approvals_needed = 2
    promotion.to_environment.save()
    codes = at_once(lambda number: approve_promotion(actor=person(f"pat{number}"), promotion=promotion), THREADS)
    assert sorted(codes) == ["", ""] + ["already-decided"] * (THREADS - 2)
    assert Approval.objects.count() == 2


def test_asking_ten_times_at_once_asks_once() -> None:
    promotion = asked()
    Promotion.objects.all().delete()
    codes = at_once(lambda number: request_promotion(actor=person("ana"), version=promotion.version), THREADS)
    assert sorted(codes) == [""] + ["already-asked"] * (THREADS - 1)


def test_ten_clicks_on_run_it_once_are_one_run() -> None:
    waiting = asked()
    promotion = approve_promotion(actor=person("pat0"), promotion=waiting)
    make_person("olu", promotion.job.project, "operator")
    codes = at_once(lambda number: run_once(actor=person("olu"), promotion=promotion), THREADS)
    assert sorted(codes) == ["", *["not-to-run"] * (THREADS - 1)]
    assert Run.objects.filter(environment__name="test").count() == 1


def test_going_back_ten_times_at_once_goes_back_once() -> None:
    promotion = asked()
    target = promotion.to_environment
    make_live(promotion.version, target)
    make_live(make_version(promotion.job, person("ana"), changed("SELECT 2 AS two FROM flights")), target)
    codes = at_once(lambda number: roll_back(actor=person("pat0"), job=promotion.job, environment=target), THREADS)
    pointer = LiveVersion.objects.get(environment=target)
    assert (pointer.version, pointer.previous) == (promotion.version, None)
    assert sorted(codes) == ["", *["nothing-before"] * (THREADS - 1)]
    assert Promotion.objects.filter(is_roll_back=True).count() == 1


def test_two_channels_deleted_at_once_leave_no_rule_that_tells_nobody() -> None:
    from portal.alerts.actions import create_channel, create_rule, delete_channel

    project = make_project()
    olu = make_person("olu", project, "operator")
    made = [
        create_channel(actor=olu, project=project, name=f"c{number}", kind="email", target="a@sluice.test")[0] for number in range(THREADS)
    ]
    rule = create_rule(actor=olu, project=project, event="failed", channels=made, tell_owner=False)
    at_once(lambda number: delete_channel(actor=person("olu"), channel=made[number]), THREADS)
    rule.refresh_from_db()
    assert (rule.channels.count(), rule.tell_owner) == (0, True)
