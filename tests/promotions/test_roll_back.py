"""Going back to the version that was live before."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions.actions import roll_back
from portal.promotions.models import Promotion
from tests import factories
from tests.factories import make_live, make_version
from tests.promotions.conftest import changed


@pytest.fixture
def second(version: JobVersion, ana: User, prod: Environment) -> JobVersion:
    """v2 has replaced v1 in prod."""
    made = make_version(version.job, ana, changed("SELECT 2 AS two FROM flights"))
    make_live(version, prod)
    make_live(made, prod)
    return made


def live(environment: Environment) -> JobVersion:
    return LiveVersion.objects.get(environment=environment).version


def went_live(version: JobVersion, replaced: JobVersion, asked_by: User, source: Environment, target: Environment) -> Promotion:
    """The promotion by which `version` replaced another one."""
    return Promotion.objects.create(
        job=version.job,
        version=version,
        sha256=version.sha256,
        from_environment=source,
        to_environment=target,
        requested_by=asked_by,
        state="live",
        previous_version=replaced,
        expires_at=timezone.now(),
        decided_at=timezone.now(),
    )


def test_one_click_goes_back_and_is_recorded(version: JobVersion, second: JobVersion, pat: User, prod: Environment) -> None:
    promotion = roll_back(actor=pat, job=version.job, environment=prod, message="wrong means")
    assert live(prod) == version
    assert (promotion.is_roll_back, promotion.state, promotion.version, promotion.previous_version) == (True, "live", version, second)
    event = AuditEvent.objects.get(action="roll_back")
    assert (event.actor, event.environment, event.details["sha256"]) == (pat, "prod", version.sha256)


def test_going_back_twice_does_not_revive_what_was_withdrawn(version: JobVersion, second: JobVersion, pat: User, prod: Environment) -> None:
    roll_back(actor=pat, job=version.job, environment=prod)
    with pytest.raises(PortalError, match="No version of daily_delays was live"):
        roll_back(actor=pat, job=version.job, environment=prod)
    assert live(prod) == version


def test_going_back_twice_goes_two_steps_back(
    version: JobVersion, second: JobVersion, ana: User, pat: User, test_env: Environment, prod: Environment
) -> None:
    third = make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"))
    for new, old in ((second, version), (third, second)):
        went_live(new, old, ana, test_env, prod)
    make_live(third, prod)
    roll_back(actor=pat, job=version.job, environment=prod)
    assert live(prod) == second
    roll_back(actor=pat, job=version.job, environment=prod)
    assert live(prod) == version
    with pytest.raises(PortalError):
        roll_back(actor=pat, job=version.job, environment=prod)


def test_in_dev_it_goes_back_through_the_versions_that_were_saved(version: JobVersion, ana: User, ada: User, dev: Environment) -> None:
    second = make_version(version.job, ana, changed("SELECT 2 AS two FROM flights"))
    third = make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"))
    for one in (version, second, third):
        make_live(one, dev)
    factories.make_person("dora", version.job.project, "environment_admin")
    dora = User.objects.get(username="dora")
    for expected in (second, version):
        roll_back(actor=dora, job=version.job, environment=dev)
        assert live(dev) == expected


def test_an_archived_job_does_not_go_back(version: JobVersion, second: JobVersion, pat: User, prod: Environment) -> None:
    version.job.archived_at = timezone.now()
    version.job.save()
    with pytest.raises(PortalError, match="archived"):
        roll_back(actor=pat, job=version.job, environment=prod)


def test_a_version_that_was_gone_back_from_is_not_listed_as_live(
    version: JobVersion, second: JobVersion, ana: User, pat: User, prod: Environment, test_env: Environment, browser_of
) -> None:
    asked = went_live(second, version, ana, test_env, prod)
    browser = browser_of(pat)
    listed = "/p/flights/promotions/?box=all"
    assert b"was live" not in browser.get(listed).content
    roll_back(actor=pat, job=version.job, environment=prod)
    assert b"was live" in browser.get(listed).content
    rows = browser.get("/api/v1/projects/flights/promotions/").json()["results"]
    assert {row["id"]: row["is_live_now"] for row in rows}[asked.pk] is False


def test_where_nothing_was_before_it_says_so(version: JobVersion, pat: User, prod: Environment, test_env: Environment) -> None:
    make_live(version, test_env)
    for environment in (test_env, prod):
        with pytest.raises(PortalError, match="No version of daily_delays was live"):
            roll_back(actor=pat, job=version.job, environment=environment)


@pytest.mark.parametrize("who", ["ana", "vic", "olu", "outsider"])
def test_only_approvers_and_admins_go_back(
    version: JobVersion, second: JobVersion, who: str, prod: Environment, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(NotAllowed):
        roll_back(actor=request.getfixturevalue(who), job=version.job, environment=prod)
    assert live(prod) == second
