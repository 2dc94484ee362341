"""The pages of promotions, as people meet them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions.models import Promotion
from tests.factories import make_live, make_version
from tests.promotions.conftest import changed

Browser = Callable[[User], Client]


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_author_asks_on_the_page_and_approver_finds_it_waiting(version: JobVersion, ana: User, pat: User, browser_of: Browser) -> None:
    page = browser_of(ana).get("/p/flights/jobs/daily_delays/promote")
    assert "Ask for promotion" in text_of(page) and "Good run of v1 in dev" in text_of(page)
    answer = browser_of(ana).post("/p/flights/jobs/daily_delays/promote", {"version": "1", "message": "First one"}, follow=True)
    assert "It waits for an approver in test." in text_of(answer)
    inbox = text_of(browser_of(pat).get("/p/flights/promotions/"))
    assert "daily_delays" in inbox and "First one" in inbox
    assert "Nothing waits for you" in text_of(browser_of(ana).get("/p/flights/promotions/?box=waiting"))


def test_before_the_first_good_run_none_is_spoken_of(version: JobVersion, ana: User, browser_of: Browser) -> None:
    version.runs.all().delete()
    page = text_of(browser_of(ana).get("/p/flights/jobs/daily_delays/promote"))
    assert "no good run yet" in page and "show here once it has run well" in page
    assert "The good run did" not in page and "rows in the good run" not in page


def test_approver_approves_with_the_button(asked: Promotion, pat: User, browser_of: Browser) -> None:
    url = f"/p/flights/promotions/{asked.pk}/"
    page = text_of(browser_of(pat).get(url))
    assert "Review · 0 of 1" in page and asked.sha256 in page
    after = text_of(browser_of(pat).post(url + "approve", {"sha256": asked.sha256, "note": "ok"}, follow=True))
    assert "v1 is live in test now." in after and "Pat approved" in after
    assert LiveVersion.objects.get(environment__name="test").version == asked.version
    again = text_of(browser_of(pat).post(url + "approve", {"sha256": asked.sha256}, follow=True))
    assert "This promotion is live" in again


def test_a_button_that_cannot_be_pressed_says_why(asked: Promotion, ana: User, vic: User, browser_of: Browser) -> None:
    url = f"/p/flights/promotions/{asked.pk}/"
    for person, why in ((ana, "You are not an approver in test."), (vic, "You are not an approver in test.")):
        page = text_of(browser_of(person).get(url))
        assert why in page and 'aria-disabled="true"' in page and "Can decide: Pat." in page


def test_pressing_it_all_the_same_is_refused_and_recorded(asked: Promotion, ana: User, browser_of: Browser) -> None:
    answer = browser_of(ana).post(f"/p/flights/promotions/{asked.pk}/approve", {"sha256": asked.sha256})
    assert answer.status_code == 404
    assert AuditEvent.objects.filter(action="approve_promotion", result="refused", actor=ana).count() == 1
    assert not LiveVersion.objects.filter(environment__name="test").exists()


def test_declining_without_a_note_is_told_and_with_one_is_done(asked: Promotion, pat: User, browser_of: Browser) -> None:
    url = f"/p/flights/promotions/{asked.pk}/decline"
    assert "Say why you decline it." in text_of(browser_of(pat).post(url, {"note": ""}, follow=True))
    assert "“Not yet”" in text_of(browser_of(pat).post(url, {"note": "Not yet"}, follow=True))


def test_the_page_shows_what_changes_against_what_is_live(
    asked: Promotion, pat: User, test_env: Environment, ana: User, browser_of: Browser
) -> None:
    other = make_version(asked.job, ana, changed("SELECT origin FROM flights"))
    Promotion.objects.update(previous_version=other)
    make_live(other, test_env)
    page = text_of(browser_of(pat).get(f"/p/flights/promotions/{asked.pk}/"))
    assert "1 changed · 2 the same" in page
    assert "SELECT origin, count(*) AS flights" in page and "SELECT origin FROM flights" in page


def test_script_in_a_message_is_text(asked: Promotion, pat: User, browser_of: Browser) -> None:
    Promotion.objects.update(message="<script>alert(1)</script>")
    for url in (f"/p/flights/promotions/{asked.pk}/", "/p/flights/promotions/"):
        page = browser_of(pat).get(url).content.decode()
        assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


def test_rolling_back_is_a_button_after_going_live(
    version: JobVersion, ana: User, pat: User, prod: Environment, browser_of: Browser
) -> None:
    make_live(version, prod)
    make_live(make_version(version.job, ana, changed("SELECT 2 AS two FROM flights")), prod)
    page = text_of(browser_of(pat).get("/p/flights/jobs/daily_delays/promote"))
    assert "Roll back" in page
    after = text_of(browser_of(pat).post("/p/flights/jobs/daily_delays/roll-back", {"environment": "prod"}, follow=True))
    assert "v1 is live in prod again." in after
    assert browser_of(ana).post("/p/flights/jobs/daily_delays/roll-back", {"environment": "prod"}).status_code == 404
    assert browser_of(pat).post("/p/flights/jobs/daily_delays/roll-back", {"environment": "moon"}).status_code == 404


@pytest.mark.parametrize("path", ["promotions/", "promotions/1/", "jobs/daily_delays/promote"])
def test_strangers_see_nothing(asked: Promotion, outsider: User, path: str, browser_of: Browser) -> None:
    answer = browser_of(outsider).get(f"/p/flights/{path.replace('/1/', f'/{asked.pk}/')}")
    assert answer.status_code == 404
