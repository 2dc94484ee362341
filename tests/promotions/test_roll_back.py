"""Going back to the version that was live before."""

from __future__ import annotations

import pytest

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions.actions import roll_back
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


def test_one_click_goes_back_and_is_recorded(version: JobVersion, second: JobVersion, pat: User, prod: Environment) -> None:
    promotion = roll_back(actor=pat, job=version.job, environment=prod, message="wrong means")
    assert live(prod) == version
    assert (promotion.is_roll_back, promotion.state, promotion.version, promotion.previous_version) == (True, "live", version, second)
    event = AuditEvent.objects.get(action="roll_back")
    assert (event.actor, event.environment, event.details["sha256"]) == (pat, "prod", version.sha256)


def test_going_back_twice_comes_back(version: JobVersion, second: JobVersion, pat: User, prod: Environment) -> None:
    roll_back(actor=pat, job=version.job, environment=prod)
    roll_back(actor=pat, job=version.job, environment=prod)
    assert live(prod) == second


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
