"""After the yes: "Run it once now"."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.promotions.actions import approve_promotion, roll_back, run_once
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests.factories import make_live, make_person, make_version
from tests.promotions.conftest import changed
from tests.promotions.test_promotion_pages import text_of

Browser = Callable[[User], Client]
Program = Callable[..., APIClient]


@pytest.fixture
def live(asked: Promotion, pat: User) -> Promotion:
    """v1 is live in test."""
    return approve_promotion(actor=pat, promotion=asked)


def end(run: Run, state: str) -> None:
    for step in ("starting", "running", state):
        run.move_to(step)


def test_whoever_presses_it_owns_the_run(live: Promotion, olu: User) -> None:
    run = run_once(actor=olu, promotion=live)
    live.refresh_from_db()
    assert (run.requested_by, run.environment.name, run.version, run.state) == (olu, "test", live.version, "queued")
    assert live.run_once == run and "once, after v1 went live" in run.trigger_label
    assert AuditEvent.objects.filter(action="run_once", actor=olu, environment="test").exists()


def test_only_one_at_a_time_and_not_again_once_it_went_well(live: Promotion, olu: User) -> None:
    first = run_once(actor=olu, promotion=live)
    with pytest.raises(PortalError, match="It runs already"):
        run_once(actor=olu, promotion=live)
    end(first, "failed")
    second = run_once(actor=olu, promotion=live)
    end(second, "succeeded")
    with pytest.raises(PortalError, match="has run well already"):
        run_once(actor=olu, promotion=live)
    assert Run.objects.filter(environment__name="test").count() == 2


@pytest.mark.parametrize("who", ["vic", "pat", "ada", "outsider"])
def test_it_needs_the_right_to_run_there(live: Promotion, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        run_once(actor=request.getfixturevalue(who), promotion=live)


def test_the_right_to_run_elsewhere_is_not_enough(live: Promotion) -> None:
    with pytest.raises(NotAllowed):
        run_once(actor=make_person("dora", live.job.project, "operator@dev"), promotion=live)


def test_what_is_not_live_is_not_run(asked: Promotion, olu: User) -> None:
    with pytest.raises(PortalError, match="v1 is not live in test"):
        run_once(actor=olu, promotion=asked)
    assert not Run.objects.filter(environment__name="test").exists()


def test_what_was_rolled_back_is_not_run(live: Promotion, olu: User, pat: User, test_env: Environment) -> None:
    make_live(make_version(live.job, document=changed("SELECT origin FROM flights")), test_env)
    with pytest.raises(PortalError, match="v1 is not live in test"):
        run_once(actor=olu, promotion=live)


def test_an_archived_job_is_not_run(live: Promotion, olu: User) -> None:
    from django.utils import timezone

    live.job.archived_at = timezone.now()
    live.job.save()
    with pytest.raises(PortalError, match="archived"):
        run_once(actor=olu, promotion=live)
    live.refresh_from_db()
    assert live.run_once is None


def test_the_button_is_there_for_who_may_and_says_who_may_else(live: Promotion, olu: User, pat: User, browser_of: Browser) -> None:
    url = f"/p/flights/promotions/{live.pk}/"
    assert "Run it once now" in text_of(browser_of(olu).get(url))
    his = text_of(browser_of(pat).get(url))
    assert 'data-ask-yes="Run it once now"' not in his and "operators of test can run it once now" in his
    after = text_of(browser_of(olu).post(url + "run-once", follow=True))
    run = Run.objects.get(environment__name="test")
    assert f"/p/flights/runs/{run.pk}/" in after and "Olu" in after and 'data-ask-yes="Run it once now"' not in after
    assert browser_of(pat).post(url + "run-once").status_code == 404


def test_by_api_as_by_the_button(live: Promotion, olu: User, program_of: Program) -> None:
    root = f"/api/v1/projects/flights/promotions/{live.pk}/run-once"
    answer = program_of(olu).post(root)
    assert answer.status_code == 201 and answer.json()["run_once"] == str(Run.objects.get(environment__name="test").pk)
    assert program_of(olu).post(root).json()["code"] == "not-to-run"


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 403), (("read", "write"), 403), (("read", "run"), 201)])
def test_a_token_runs_it_with_the_scope_to_run(
    live: Promotion, olu: User, program_of: Program, scopes: tuple[str, ...], status: int
) -> None:
    answer = program_of(olu, *scopes).post(f"/api/v1/projects/flights/promotions/{live.pk}/run-once")
    assert answer.status_code == status and Run.objects.filter(environment__name="test").exists() == (status == 201)


@pytest.mark.parametrize("who", ["ana", "pat", "olu", "vic", "ada"])
def test_everybody_of_the_project_sees_page_and_api_before_and_after(
    asked: Promotion, pat: User, who: str, request: pytest.FixtureRequest, browser_of: Browser, program_of: Program
) -> None:
    user = request.getfixturevalue(who)
    for state in ("waiting", "live"):
        page = browser_of(user).get(f"/p/flights/promotions/{asked.pk}/")
        assert page.status_code == 200 and "What it reads, writes and checks" in text_of(page)
        shown = program_of(user).get(f"/api/v1/projects/flights/promotions/{asked.pk}").json()
        assert shown["state"] == state and shown["effects"]["reads"][0]["uri"] == "raw/flights.csv" and len(shown["checks"]) == 14
        assert browser_of(user).get("/p/flights/jobs/daily_delays/promote").status_code == 200
        if state == "waiting":
            approve_promotion(actor=pat, promotion=asked)


# --- was live -----------------------------------------------------------------------------------------------------------------


def test_a_version_that_was_rolled_back_is_listed_as_live_nowhere(
    live: Promotion, pat: User, ana: User, olu: User, test_env: Environment, dev: Environment, browser_of: Browser, program_of: Program
) -> None:
    from portal.promotions.actions import request_promotion
    from tests.factories import make_run
    from tests.targets import note_columns

    second = make_version(live.job, ana, changed("SELECT origin FROM flights"), live_in=("dev",))
    note_columns(make_run(second, dev, "succeeded"))
    went_live = approve_promotion(actor=pat, promotion=request_promotion(actor=ana, version=second))
    roll_back(actor=pat, job=live.job, environment=test_env)

    page = text_of(browser_of(olu).get(f"/p/flights/promotions/{went_live.pk}/"))
    assert "Was live" in page and "v2 is not live there any more" in page and "v2 is live in test" not in page
    assert 'data-ask-yes="Run it once now"' not in page
    steps = [(step.title, step.place) for step in browser_of(olu).get(f"/p/flights/promotions/{went_live.pk}/").context["steps"]]
    assert ("Was live", "stopped") in steps and "Live" not in dict(steps) and ("Verified", "later") in steps
    rows = browser_of(olu).get("/p/flights/promotions/?box=all").context["page"].object_list
    assert {(row.version.number, row.shown_state) for row in rows} == {(1, "rolled_back"), (2, "was_live"), (1, "live")}
    api = program_of(olu)
    listed = api.get("/api/v1/projects/flights/promotions/").json()["results"]
    assert {(row["version"], row["state"], row["is_live_now"]) for row in listed if not row["is_roll_back"]} == {
        (2, "was_live", False),
        (1, "live", True),
    }
    assert api.get(f"/api/v1/projects/flights/promotions/{went_live.pk}").json()["state"] == "was_live"
    chips = api.get("/api/v1/projects/flights/jobs/daily_delays").json()["live"]
    assert {(chip["environment"], chip["version"]) for chip in chips} == {("dev", 2), ("test", 1)}
    version = browser_of(olu).get("/p/flights/jobs/daily_delays/versions/2")
    assert [pointer.name for pointer in version.context["live_in"]] == ["dev"]
    home = text_of(browser_of(ana).get("/"))
    assert "went live, and is not live any more" in home and "v2 is live in test" not in home
    job = browser_of(olu).get("/p/flights/jobs/daily_delays/")
    assert [(pointer.environment.name, pointer.version.number) for pointer in job.context["live"]] == [("dev", 2), ("test", 1)]
