"""Going back to the version that was live before."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from django.test import Client
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

BrowserOf = Callable[[User], Client]


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


def test_two_people_who_see_the_same_trouble_go_back_one_step(
    version: JobVersion,
    second: JobVersion,
    ana: User,
    pat: User,
    test_env: Environment,
    prod: Environment,
    browser_of: Callable[[User], Client],
) -> None:
    third = make_version(version.job, ana, changed("SELECT 3 AS three FROM flights"))
    for new, old in ((second, version), (third, second)):
        went_live(new, old, ana, test_env, prod)
    make_live(third, prod)
    browser = browser_of(pat)
    assert f'name="live" value="{third.number}"' in " ".join(browser.get("/p/flights/jobs/daily_delays/promote").content.decode().split())
    for _ in range(2):
        answer = browser.post("/p/flights/jobs/daily_delays/roll-back", {"environment": "prod", "live": third.number}, follow=True)
    assert live(prod) == second
    assert "v2 is live in prod now, v3 no longer." in html.unescape(answer.content.decode())
    said = browser.post("/api/v1/projects/flights/jobs/daily_delays/roll-back", {"environment": "prod", "live": 3}, "application/json")
    assert (said.status_code, said.json()["code"]) == (409, "live-changed")


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


@pytest.mark.parametrize("door", ["page", "api"])
def test_going_back_again_passes_over_what_was_gone_back_from_before(
    version: JobVersion, ana: User, pat: User, test_env: Environment, prod: Environment, browser_of, door: str
) -> None:
    """v1, v2, and v1 approved once more: from v2 one does not get to the v1 that was just withdrawn."""
    second = make_version(version.job, ana, changed("SELECT 2 AS two FROM flights"))
    for new, old in ((version, None), (second, version), (version, second)):
        make_live(new, prod)
        if old:
            went_live(new, old, ana, test_env, prod)
    browser, job = browser_of(pat), version.job

    def back() -> int:
        begins, kind = ("/p", {}) if door == "page" else ("/api/v1/projects", {"content_type": "application/json"})
        return int(browser.post(f"{begins}/flights/jobs/{job.name}/roll-back", {"environment": "prod"}, **kind).status_code)

    assert back() in (200, 201, 302) and live(prod) == second
    for _ in range(2):
        back()
        assert live(prod) == second


def test_in_dev_what_was_gone_back_from_is_passed_over_after_new_versions(version: JobVersion, ana: User, dev: Environment) -> None:
    def save(number: int) -> JobVersion:
        made = make_version(version.job, ana, changed(f"SELECT {number} AS n FROM flights"))
        make_live(made, dev)
        return made

    make_live(version, dev)
    second, _ = save(2), save(3)
    dora = factories.make_person("dora", version.job.project, "environment_admin")
    roll_back(actor=dora, job=version.job, environment=dev)
    assert live(dev) == second
    fourth, _ = save(4), save(5)
    for expected in (fourth, second, version):
        roll_back(actor=dora, job=version.job, environment=dev)
        assert live(dev) == expected


@pytest.mark.parametrize("door", ["page", "api", "promotion"])
def test_a_run_of_a_version_that_is_gone_back_from_meanwhile_publishes_nothing(
    version: JobVersion, second: JobVersion, ana: User, pat: User, prod: Environment, browser_of, door: str
) -> None:
    """One that a newer version replaces meanwhile publishes: nobody has said that it was wrong."""
    from portal.errors import Conflict
    from portal.runs import leases

    run = factories.make_run(second, prod)
    assert leases.claim(run, "worker")
    run.move_to("running")
    if door == "promotion":
        make_live(make_version(version.job, ana, changed("SELECT 3 AS three FROM flights")), prod)
        assert leases.grant_publishing(run)
        return
    begins, kind = ("/p", {}) if door == "page" else ("/api/v1/projects", {"content_type": "application/json"})
    browser_of(pat).post(f"{begins}/flights/jobs/{version.job.name}/roll-back", {"environment": "prod"}, **kind)
    assert live(prod) == version
    with pytest.raises(Conflict, match="v2 was gone back from in prod while this run worked"):
        leases.grant_publishing(run)
    run.refresh_from_db()
    assert run.publishing_since is None
