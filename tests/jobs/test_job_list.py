"""The list of jobs: search, filters, chips, and that it stays quick."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.jobs import actions, job_list
from portal.jobs.models import Job, JobVersion
from tests.factories import make_job, make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(ana, ben, flights):
    """Three jobs that differ in every filter."""
    delays = make_job(flights, ana, "daily_delays", description="How late flights are", tags=["flights", "daily"])
    make_version(delays, live_in=("dev", "test"))
    make_version(
        delays, document={"stages": [{"type": "SQLTransform", "name": "x", "sql": "SELECT wind_speed FROM weather"}]}, live_in=("dev",)
    )
    make_version(make_job(flights, ben, "carriers", tags=["flight"]), live_in=("dev",))
    make_job(flights, ana, "untitled")
    return flights


def names(browser, query=""):
    page = browser.get(f"/p/flights/jobs/{query}").content.decode()
    return [name for name in ("carriers", "daily_delays", "untitled") if f'jobs/{name}/"' in page]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["carriers", "daily_delays", "untitled"]),
        ("?q=CARR", ["carriers"]),
        ("?q=late+flights", ["daily_delays"]),
        ("?q=wind_speed", ["daily_delays"]),
        ("?q=by_origin", ["carriers"]),
        ("?q=nothing+like+this", []),
        ("?tag=flight", ["carriers"]),
        ("?owner=ben", ["carriers"]),
        ("?owner=ana&q=delay", ["daily_delays"]),
    ],
)
def test_filters_are_in_the_address(many, ana, browser_of, query, found):
    assert names(browser_of(ana), query) == found


def test_the_last_run_decides_not_an_earlier_one(many, ana, dev, browser_of):
    delays, carriers = (JobVersion.objects.filter(job__name=name).first() for name in ("daily_delays", "carriers"))
    make_run(delays, dev, "failed", minutes_ago=10)
    make_run(delays, dev, "succeeded", minutes_ago=5)
    make_run(carriers, dev, "succeeded", minutes_ago=10)
    make_run(carriers, dev, "timed_out", minutes_ago=5)
    browser = browser_of(ana)
    assert names(browser, "?last_run=failed") == ["carriers"]
    assert names(browser, "?last_run=good") == ["daily_delays"]
    assert names(browser, "?last_run=never") == ["untitled"]


def test_chips_tell_how_many_versions_behind(many):
    job = job_list.for_list(Job.objects.all()).get(name="daily_delays")
    assert [(chip.environment, chip.number, chip.behind) for chip in job_list.live_chips(job)] == [("dev", 2, 0), ("test", 1, 1)]


def test_the_page_shows_versions_behind_and_what_is_not_live(many, ana, browser_of):
    page = browser_of(ana).get("/p/flights/jobs/").content.decode()
    assert "1 behind" in page
    assert "not live" in page


def test_two_hundred_jobs_need_no_more_queries_than_two(many, ana, flights, browser_of):
    browser = browser_of(ana)
    browser.get("/p/flights/jobs/")
    with CaptureQueriesContext(connection) as few:
        browser.get("/p/flights/jobs/")
    for number in range(50):
        make_version(make_job(flights, ana, f"a_job_{number}"), live_in=("dev", "test", "prod"))
    with CaptureQueriesContext(connection) as more:
        browser.get("/p/flights/jobs/")
    assert len(more) <= len(few)


def test_the_documents_of_versions_are_not_fetched_for_the_list(many, ana, browser_of):
    with CaptureQueriesContext(connection) as asked:
        browser_of(ana).get("/p/flights/jobs/")
    assert not [query["sql"] for query in asked if '"jobs_jobversion"."document"' in query["sql"]]


def test_scripts_get_only_the_table(many, ana, browser_of):
    part = browser_of(ana).get("/p/flights/jobs/?q=carr", HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in part
    assert "carriers" in part
    assert "daily_delays" not in part


def test_strangers_see_no_list(many, outsider, browser_of):
    assert browser_of(outsider).get("/p/flights/jobs/").status_code == 404


def test_an_empty_project_offers_one_action(ana, flights, browser_of):
    page = browser_of(ana).get("/p/flights/jobs/").content.decode()
    assert "No jobs yet" in page
    assert "/p/flights/jobs/new-job" in page


def test_a_viewer_is_offered_nothing_that_is_refused(vic, flights, browser_of):
    assert "new-job" not in browser_of(vic).get("/p/flights/jobs/").content.decode()


def test_markup_in_words_is_shown_as_text(ana, flights, browser_of):
    actions.create_job(actor=ana, project=flights, name="odd", description='<script>alert("x")</script>')
    page = browser_of(ana).get("/p/flights/jobs/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_address_of_a_project_leads_to_its_jobs(ana, flights, browser_of):
    answer = browser_of(ana).get("/p/flights/", follow=True)
    assert answer.redirect_chain == [("/p/flights/jobs/", 302)]
    assert answer.status_code == 200
