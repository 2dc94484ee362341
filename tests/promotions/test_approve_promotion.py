"""Saying yes or no: who may, to what, and what happens then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.audit.actions import Origin, origin
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions.actions import approve_promotion, decline_promotion, expire_waiting, request_promotion, withdraw_promotion
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests.factories import make_live, make_person, make_run, make_version
from tests.promotions.conftest import changed


def live_in_test() -> JobVersion | None:
    pointer = LiveVersion.objects.select_related("version").filter(environment__name="test").first()
    return pointer.version if pointer else None


def test_approver_makes_it_live(asked: Promotion, version: JobVersion, pat: User) -> None:
    done = approve_promotion(actor=pat, promotion=asked, note="Looks right", sha256=version.sha256)
    assert done.state == "live" and done.decided_at is not None
    assert live_in_test() == version
    event = AuditEvent.objects.get(action="go_live")
    assert (event.actor, event.environment, event.details["sha256"], event.details["approved_by"]) == (pat, "test", version.sha256, ["pat"])


def test_author_cannot_approve_own_promotion_even_as_approver(asked: Promotion, ana: User, flights: Project) -> None:
    Membership.objects.create(user=ana, project=flights, role="approver")
    with pytest.raises(PortalError) as refusal:
        approve_promotion(actor=ana, promotion=asked)
    assert refusal.value.code == "own-version"
    assert live_in_test() is None
    event = AuditEvent.objects.get(action="approve_promotion")
    assert (event.actor, event.result, event.details["code"]) == (ana, "refused", "own-version")


def test_who_asked_cannot_approve_even_when_another_wrote_it(version: JobVersion, ben: User, flights: Project) -> None:
    promotion = request_promotion(actor=ben, version=version)
    Membership.objects.create(user=ben, project=flights, role="approver")
    with pytest.raises(PortalError) as refusal:
        approve_promotion(actor=ben, promotion=promotion)
    assert refusal.value.code == "own-request"


def test_who_wrote_a_version_in_between_cannot_approve(version: JobVersion, ana: User, flights: Project, dev: Environment) -> None:
    """v1 is live nowhere above dev; v2 by Pat and v3 by Ana go live together, so Pat has written a part of it."""
    author_and_approver = make_person("kim", flights, "author", "approver")
    make_version(version.job, author_and_approver, changed("SELECT 2 AS two FROM flights"))
    third = make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"), live_in=("dev",))
    make_run(third, dev, "succeeded")
    promotion = request_promotion(actor=ana, version=third)
    with pytest.raises(PortalError) as refusal:
        approve_promotion(actor=author_and_approver, promotion=promotion)
    assert refusal.value.code == "own-version"


def test_who_wrote_what_is_live_already_may_approve_the_next(
    version: JobVersion, ana: User, flights: Project, dev: Environment, test_env: Environment
) -> None:
    kim = make_person("kim", flights, "author", "approver")
    second = make_version(version.job, kim, changed("SELECT 2 AS two FROM flights"))
    make_live(second, test_env)
    third = make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"), live_in=("dev",))
    make_run(third, dev, "succeeded")
    promotion = request_promotion(actor=ana, version=third)
    assert approve_promotion(actor=kim, promotion=promotion).state == "live"


def test_the_author_of_a_restored_version_cannot_approve_it(version: JobVersion, ana: User, flights: Project, dev: Environment) -> None:
    kim = make_person("kim", flights, "author", "approver")
    by_kim = make_version(version.job, kim, changed("SELECT 2 AS two FROM flights"))
    make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"), live_in=("test",))
    restored = make_version(version.job, ana, by_kim.document, live_in=("dev",), restored_from=by_kim)
    make_run(restored, dev, "succeeded")
    promotion = request_promotion(actor=ana, version=restored)
    with pytest.raises(PortalError) as refusal:
        approve_promotion(actor=kim, promotion=promotion)
    assert refusal.value.code == "own-version"


@pytest.mark.parametrize("who", ["vic", "olu", "ben", "ada", "outsider"])
def test_others_cannot_approve_or_decline(asked: Promotion, who: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        approve_promotion(actor=person, promotion=asked)
    with pytest.raises(NotAllowed):
        decline_promotion(actor=person, promotion=asked, note="no")
    assert live_in_test() is None


def test_an_approver_of_another_environment_cannot_approve(asked: Promotion, flights: Project) -> None:
    only_prod = make_person("kim", flights, "approver@prod", "viewer")
    with pytest.raises(NotAllowed):
        approve_promotion(actor=only_prod, promotion=asked)


def test_an_approval_by_api_token_is_refused(asked: Promotion, pat: User) -> None:
    token = origin.set(Origin(token_prefix="slc_12345678"))
    try:
        with pytest.raises(PortalError) as refusal:
            approve_promotion(actor=pat, promotion=asked)
    finally:
        origin.reset(token)
    assert refusal.value.code == "approval-by-token" and live_in_test() is None


def test_an_approval_is_for_the_bytes_that_were_seen(asked: Promotion, pat: User) -> None:
    with pytest.raises(Conflict) as refusal:
        approve_promotion(actor=pat, promotion=asked, sha256="0" * 64)
    assert refusal.value.code == "other-bytes" and live_in_test() is None


def test_other_bytes_under_the_same_version_are_refused(asked: Promotion, pat: User) -> None:
    Promotion.objects.update(sha256="0" * 64)
    with pytest.raises(PortalError, match="Exactly the version that was asked for"):
        approve_promotion(actor=pat, promotion=asked)


def test_after_72_hours_it_has_expired(asked: Promotion, pat: User) -> None:
    Promotion.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(PortalError, match="expired"):
        approve_promotion(actor=pat, promotion=asked)
    assert expire_waiting() == 1
    asked.refresh_from_db()
    assert asked.state == "expired" and live_in_test() is None
    assert AuditEvent.objects.filter(action="expire_promotion", actor_name="system").count() == 1
    assert expire_waiting() == 0


def test_an_expired_promotion_can_be_asked_for_again(asked: Promotion, version: JobVersion, ana: User) -> None:
    Promotion.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert request_promotion(actor=ana, version=version).is_waiting


def test_the_checks_are_made_again_when_it_is_approved(
    asked: Promotion, pat: User, version: JobVersion, ana: User, test_env: Environment
) -> None:
    other = make_version(version.job, ana, changed("SELECT 2 AS two FROM flights"))
    make_live(other, test_env)
    with pytest.raises(PortalError, match="v2 is live now, not nothing"):
        approve_promotion(actor=pat, promotion=asked)
    Run.objects.all().delete()
    LiveVersion.objects.filter(environment=test_env).delete()
    with pytest.raises(PortalError, match="Good run of v1 in dev"):
        approve_promotion(actor=pat, promotion=asked)
    assert live_in_test() is None


def test_a_second_click_changes_nothing(asked: Promotion, pat: User) -> None:
    approve_promotion(actor=pat, promotion=asked)
    with pytest.raises(PortalError, match="This promotion is live"):
        approve_promotion(actor=pat, promotion=asked)
    assert AuditEvent.objects.filter(action="go_live").count() == 1


def test_two_approvals_where_two_are_needed(asked: Promotion, pat: User, flights: Project, test_env: Environment) -> None:
    test_env.approvals_needed = 2
    test_env.save()
    assert approve_promotion(actor=pat, promotion=asked).state == "waiting"
    with pytest.raises(PortalError, match="decided on this promotion already"):
        approve_promotion(actor=pat, promotion=asked)
    assert live_in_test() is None
    assert approve_promotion(actor=make_person("kim", flights, "approver"), promotion=asked).state == "live"


def test_who_lost_the_right_has_lost_the_unused_approval(asked: Promotion, pat: User, flights: Project, test_env: Environment) -> None:
    test_env.approvals_needed = 2
    test_env.save()
    approve_promotion(actor=pat, promotion=asked)
    Membership.objects.filter(user=pat, role="approver").delete()
    assert approve_promotion(actor=make_person("kim", flights, "approver"), promotion=asked).state == "waiting"
    assert live_in_test() is None


def test_declining_needs_a_note(asked: Promotion, pat: User) -> None:
    with pytest.raises(PortalError, match="Say why"):
        decline_promotion(actor=pat, promotion=asked, note="  ")
    declined = decline_promotion(actor=pat, promotion=asked, note="Cancelled flights count as on time")
    assert declined.state == "declined" and declined.approvals.get().note.startswith("Cancelled")
    with pytest.raises(PortalError, match="declined"):
        approve_promotion(actor=pat, promotion=asked)


def test_only_who_asked_withdraws(asked: Promotion, ana: User, ben: User, pat: User) -> None:
    with pytest.raises(PortalError, match="Only Ana"):
        withdraw_promotion(actor=ben, promotion=asked)
    with pytest.raises(NotAllowed):
        withdraw_promotion(actor=pat, promotion=asked)
    assert withdraw_promotion(actor=ana, promotion=asked).state == "withdrawn"
    with pytest.raises(PortalError, match="withdrawn"):
        approve_promotion(actor=pat, promotion=asked)


def test_the_inbox_holds_what_one_may_still_decide_on(asked: Promotion, ana: User, pat: User, olu: User, outsider: User) -> None:
    assert list(Promotion.objects.all().waiting_for(pat)) == [asked]
    for person in (ana, olu, outsider):
        assert not Promotion.objects.all().waiting_for(person).exists()
    assert list(Promotion.objects.of(ana)) == [asked]
    approve_promotion(actor=pat, promotion=asked)
    assert not Promotion.objects.all().waiting_for(pat).exists()


def test_a_job_that_was_archived_meanwhile_does_not_go_live(asked: Promotion, version: JobVersion, pat: User) -> None:
    version.job.archived_at = timezone.now()
    version.job.save()
    with pytest.raises(PortalError, match="archived"):
        approve_promotion(actor=pat, promotion=asked)
    assert live_in_test() is None
