"""What people see on the pages of runs, and what the API answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.models import Project, User
from portal.environments.models import Environment
from portal.jobs import places
from portal.jobs.models import Job, JobVersion, Place
from portal.runs import sandbox
from portal.runs.models import LogSegment, Run, StageRun
from portal.runs.run_list import PAGE
from portal.runs.run_page import waiting_sentence
from tests import factories

pytestmark = pytest.mark.django_db
BrowserOf = Callable[[User], Client]
QUOTED = {"code": "check-failed", "message": "Check failed: '7 rows of Doe'.", "found": "7 rows of Doe", "stage": "write", "stage_index": 2}


@pytest.fixture(autouse=True)
def _no_look_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("full"))


def page_of(run: Run) -> str:
    return f"/p/flights/runs/{run.pk}/"


def failed(version: JobVersion, environment: Environment, problem: dict[str, Any], **fields: Any) -> Run:
    run = factories.make_run(version, environment, "failed", problem=problem, fence=1, **fields)
    line = {"seq": 1, "event": "stage_failed", "stage": "write", "stage_index": 2, "problem": problem}
    LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=1, lines=json.dumps(line, separators=(",", ":")) + "\n")
    return run


def test_the_page_of_a_failed_run_says_why_where_and_what_to_do(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User
) -> None:
    factories.make_run(version, dev, "succeeded", minutes_ago=60)
    run = failed(version, dev, QUOTED | {"fix": "Look at the data.", "field": "sql", "line": 3})

    page = browser_of(ana).get(page_of(run)).content.decode()

    assert "7 rows of Doe" in page and "Look at the data." in page and "line 3" in page
    assert 'href="#L1"' in page and "Nothing was published." in page
    assert 'href="/p/flights/jobs/daily_delays/edit?stage=2"' in page


def test_a_failed_run_says_whose_data_lies_at_its_places(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    """It is what is noted of the place: not the last good run where that was put back, and nothing where nobody knows."""
    first, second = (factories.make_run(version, dev, "succeeded", minutes_ago=minutes) for minutes in (38, 19))
    run = failed(version, dev, QUOTED)

    def said() -> str:
        page = browser_of(ana).get(page_of(run)).content.decode()
        return " ".join(page.split("Nothing was published")[1].split("</p>")[0].split())

    def left_by(one: Run) -> bool:
        return f'href="{page_of(one)}"' in said()

    assert "what lies" not in said()
    places.claim(version.job, dev, ["curated/by_origin"])
    assert "what lies" not in said(), "nobody knows who brought it"
    Place.objects.update(last_run_id=second.pk, kept=[{"id": "version-0", "run_id": str(first.pk)}])
    assert left_by(second) and not left_by(first) and "what lies at its places is as" in said() and "put back" not in said()
    [told] = browser_of(ana).get(f"/api/v1/projects/flights/runs/{run.pk}").json()["left_by"]
    assert (told["run"], told["is_put_back"]) == (str(second.pk), False)
    Place.objects.update(last_run_id=first.pk, kept=[{"id": "version-1", "run_id": f"{second.pk}-2"}])
    assert left_by(first) and not left_by(second) and "it was put back since" in said()
    Place.objects.update(lies_at="s3://elsewhere/lake")
    assert "what lies" not in said(), "its root leads elsewhere by now"


def test_what_comes_while_one_watches_moves_nothing(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    """The stages stand there before the run begins; a failure that comes in opens with a click, and is open for who comes later."""
    run = factories.make_run(version, dev, "queued")
    page = browser_of(ana).get(page_of(run)).content.decode()
    assert all(f'">{stage["name"]}</b>' in page for stage in json.loads(version.document)["stages"])
    assert not run.stage_runs.exists()
    works = factories.make_run(version, dev, "running", fence=1)
    assert "It is working." in browser_of(ana).get(page_of(works)).content.decode()
    ended = failed(version, dev, QUOTED)
    assert '<details class="card failed stack-gap" open>' in browser_of(ana).get(page_of(ended)).content.decode()
    comes = browser_of(ana).get(page_of(ended) + "now").content.decode()
    assert '<details class="card failed stack-gap" >' in comes and "7 rows of Doe" in comes
    good = factories.make_run(version, dev, "succeeded", outputs=[{"uri": "curated/a"}])
    assert "What it wrote is visible now." in browser_of(ana).get(page_of(good) + "now").content.decode()


def test_each_stage_shows_its_rows_and_how_long_it_took(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    run = factories.make_run(version, dev, "failed", fence=1, problem=QUOTED)
    begin = run.started_at
    assert begin is not None
    told = [("done", 5, 336776, None), ("done", 12, 336776, 1095), ("done", 65, 1095, None), ("done", 2, None, None)]
    for index, (state, seconds, rows_in, rows_out) in enumerate(told):
        times = {"started_at": begin, "finished_at": begin + timedelta(seconds=seconds)}
        fields = {"name": f"stage {index}", "type": "SQLTransform", "state": state, "rows_in": rows_in, "rows_out": rows_out}
        StageRun.objects.create(run=run, attempt_number=1, index=index, **times, **fields)
    StageRun.objects.create(run=run, attempt_number=1, index=4, name="save", type="ParquetLoad", state="not_reached")

    lines = browser_of(ana).get(page_of(run)).context["stages"]
    page = browser_of(ana).get(page_of(run)).content.decode()

    assert [line.figures for line in lines] == ["336,776 in", "336,776 → 1,095", "1,095 in", "", "not reached"]
    assert all(f'<span class="num">{took}</span>' in page for took in ("5.0 s", "12 s", "1 min 05 s", "2.0 s"))


def test_what_was_read_from_a_database_stands_beside_the_files(
    browser_of: BrowserOf, flights: Project, dev: Environment, ana: User
) -> None:
    shop = {"type": "JDBCExtract", "connection": "${db}", "outputView": "v"}
    stages = [
        {"type": "DelimitedExtract", "name": "a", "inputURI": "raw/a.csv", "outputView": "a"},
        shop | {"name": "orders", "tableName": "sales.orders"},
        shop | {"name": "items", "sql": "SELECT 1 AS one"},
        shop | {"name": "never_begun", "tableName": "customers"},
    ]
    document = {"parameters": {"db": {"type": "string", "default": "shop"}}, "stages": stages}
    run = factories.make_run(factories.make_version(factories.make_job(flights, ana, "reads"), ana, document), dev, "failed", fence=1)
    for index, stage in enumerate(stages[:3]):
        fields = {"name": stage["name"], "type": stage["type"], "state": "done", "rows_out": 40 + index, "started_at": run.started_at}
        StageRun.objects.create(run=run, attempt_number=1, index=index, **fields)
    read = browser_of(ana).get(page_of(run)).context["reads"]
    assert read == [("a", "raw/a.csv", 40), ("orders", "sales.orders in shop", 41), ("items", "SQL of its own in shop", 42)]
    Run.objects.filter(pk=run.pk).update(document="[]")
    assert browser_of(ana).get(page_of(run)).context["reads"] == []


def test_a_failed_run_is_compared_with_the_version_that_last_went_well(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User
) -> None:
    factories.make_run(version, dev, "succeeded", minutes_ago=60)
    same = failed(version, dev, QUOTED)
    assert "Compare with" not in browser_of(ana).get(page_of(same)).content.decode()

    later = factories.make_version(version.job, ana, message="broke it")
    page = browser_of(ana).get(page_of(failed(later, dev, QUOTED))).content.decode()

    assert f"diff?from={version.number}&amp;to={later.number}" in page


def test_who_may_not_see_data_sees_no_value_of_it_anywhere(browser_of: BrowserOf, version: JobVersion, dev: Environment, vic: User) -> None:
    run = failed(version, dev, QUOTED)
    vics = browser_of(vic)

    for address in (
        page_of(run),
        page_of(run) + "now",
        "/p/flights/runs/",
        f"/api/v1/projects/flights/runs/{run.pk}",
        "/p/flights/runs/?text=Doe",
    ):
        answer = vics.get(address)
        assert answer.status_code == 200, address
        assert "rows of Doe" not in answer.content.decode(), address
    assert "daily_delays v1" not in vics.get("/p/flights/runs/?text=Doe").content.decode()
    log = vics.get(f"/api/v1/projects/flights/runs/{run.pk}/log").json()
    assert "Doe" not in json.dumps(log) and log["is_complete"] is True


def test_another_projects_people_find_nothing(browser_of: BrowserOf, version: JobVersion, dev: Environment, outsider: User) -> None:
    run = factories.make_run(version, dev, "succeeded")
    theirs = browser_of(outsider)

    for address in (page_of(run), "/p/flights/runs/", f"/api/v1/projects/flights/runs/{run.pk}", f"{page_of(run)}now"):
        assert theirs.get(address).status_code == 404, address
    for address in (f"{page_of(run)}cancel", f"{page_of(run)}rerun", "/p/flights/jobs/daily_delays/run-draft"):
        assert theirs.post(address, content_type="application/json", data={}).status_code == 404, address


def test_markup_in_parameters_and_errors_is_shown_as_text(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    evil = "<script>alert(1)</script>"
    run = failed(version, dev, {"code": "x", "message": evil, "detail": evil, "stage": evil}, trigger="schedule", trigger_label=evil)

    for address in (page_of(run), "/p/flights/runs/"):
        page = browser_of(ana).get(address).content.decode()
        assert evil not in page and "&lt;script&gt;" in page


def test_filters_live_in_the_address(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, test_env: Environment, ana: User
) -> None:
    good, bad = factories.make_run(version, dev, "succeeded"), failed(version, test_env, QUOTED)
    anas = browser_of(ana)

    def shown(query: str) -> set[str]:
        page = anas.get(f"/p/flights/runs/?{query}").content.decode()
        return {str(run.pk) for run in (good, bad) if str(run.pk) in page}

    assert shown("") == {str(good.pk), str(bad.pk)}
    assert shown("state=bad") == shown("environment=test") == shown("text=rows+of+Doe") == {str(bad.pk)}
    assert shown("state=succeeded") == shown(f"text={good.short_id}") == {str(good.pk)}
    assert shown("job=daily_delays&person=ana&trigger=person") == {str(good.pk), str(bad.pk)}
    assert "No run fits these filters" in anas.get("/p/flights/runs/?job=unknown").content.decode()


def test_cursor_pages_show_every_run_once(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    runs = [factories.make_run(version, dev, "succeeded", minutes_ago=number) for number in range(PAGE + 5)]
    anas = browser_of(ana)

    first = anas.get("/p/flights/runs/")
    second = anas.get(f"/p/flights/runs/?after={first.context['page'].older}")
    back = anas.get(f"/p/flights/runs/?before={second.context['page'].newer}")

    assert [*first.context["page"].runs, *second.context["page"].runs] == runs
    assert back.context["page"].runs == first.context["page"].runs
    assert second.context["page"].older is None


def test_many_runs_are_cancelled_at_once_and_refusals_are_counted(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User
) -> None:
    waiting, ended = factories.make_run(version, dev), factories.make_run(version, dev, "succeeded")

    answer = browser_of(ana).post("/p/flights/runs/many", {"action": "cancel", "run": [waiting.pk, ended.pk, "nonsense"]}, follow=True)

    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert [str(message) for message in answer.context["messages"]][0] == "1 run cancelled."
    assert "has ended already" in answer.content.decode()


def test_a_program_cancels_and_reruns_many_runs_as_the_page_does(
    program_of: Callable[..., Any], version: JobVersion, dev: Environment, ana: User, vic: User
) -> None:
    waiting, ended = factories.make_run(version, dev), factories.make_run(version, dev, "succeeded")
    asked = {"action": "cancel", "runs": [str(waiting.pk), str(ended.pk), str(uuid.uuid4())]}

    answer = program_of(ana, "read", "run").post("/api/v1/projects/flights/runs/many", asked, format="json").json()

    assert [run["id"] for run in answer["done"]] == [str(waiting.pk)]
    assert [(refused["run"], "ended already" in refused["message"]) for refused in answer["refused"]] == [(str(ended.pk), True)]
    again = program_of(ana, "read", "run").post("/api/v1/projects/flights/runs/many", {**asked, "action": "rerun"}, format="json").json()
    assert len(again["done"]) == 2 and not {run["id"] for run in again["done"]} & {str(waiting.pk), str(ended.pk)}
    theirs = program_of(vic, "read", "run").post("/api/v1/projects/flights/runs/many", asked, format="json").json()
    assert not theirs["done"] and len(theirs["refused"]) == 2


def test_buttons_are_offered_only_to_those_who_may(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User, vic: User
) -> None:
    running, ended = factories.make_run(version, dev, "running"), factories.make_run(version, dev, "succeeded")

    assert f"{page_of(running)}cancel" in browser_of(ana).get(page_of(running)).content.decode()
    assert f"{page_of(ended)}rerun" in browser_of(ana).get(page_of(ended)).content.decode()
    assert "/cancel" not in browser_of(vic).get(page_of(running)).content.decode()
    assert "/rerun" not in browser_of(vic).get(page_of(ended)).content.decode()


def test_a_waiting_run_says_why_it_waits(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User, settings: Any) -> None:
    settings.RUN_CONCURRENCY, settings.PERSON_RUNS = 1, 2
    working = factories.make_run(version, dev, "running")
    factories.make_run(version, dev, minutes_ago=2)
    waiting = factories.make_run(version, dev)

    page = browser_of(ana).get(page_of(waiting)).content.decode()
    assert f"It waits for the run {working.short_id} of the same job to end" in page

    version.job.runs_at_once = 2
    version.job.save()
    page = browser_of(ana).get(page_of(waiting)).content.decode()
    assert "It waits for a free place: 1 run is working, and 1 waits before it." in page


def test_a_run_that_is_taken_while_its_page_is_made_does_not_wait_for_itself(version: JobVersion, dev: Environment) -> None:
    as_it_was = factories.make_run(version, dev)
    assert "It waits" in waiting_sentence(as_it_was)
    Run.objects.update(state="running", started_at=timezone.now())
    assert waiting_sentence(as_it_was) == ""


def test_after_the_last_stage_people_see_how_far_the_publishing_is(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User
) -> None:
    run = factories.make_run(version, dev, "running", fence=1)
    StageRun.objects.create(run=run, attempt_number=1, index=0, name="save", type="ParquetLoad", state="done", started_at=timezone.now())

    def says(*lines: dict[str, Any]) -> str:
        LogSegment.objects.all().delete()
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=len(lines), lines=text)
        assert (words := waiting_sentence(run)) in browser_of(ana).get(f"{page_of(run)}now?only=stages").content.decode()
        return words

    entered = {"seq": 1, "event": "stage_entered", "stage": "save", "stage_index": 0, "stage_type": "ParquetLoad"}
    assert says(entered) == ""
    files = {"seq": 2, "event": "publishing", "step": "files", "where": "archive", "done": 3, "total": 12}
    assert says(entered, files) == "Publishing 3 of 12 files to “archive”; nobody sees them yet."
    rows = files | {"seq": 3, "step": "rows", "where": "warehouse", "done": 1, "total": 1}
    assert says(entered, files, rows) == "Publishing rows to the database “warehouse”; nobody sees them yet."
    run.publishing_since = timezone.now()
    run.save()
    assert says(entered, files, rows) == "All stages are done; the outputs are being made visible."
    commit, lists = rows | {"seq": 4, "step": "commit"}, files | {"seq": 5, "step": "lists"}
    assert says(entered, rows, commit) == "The database “warehouse” makes the rows visible, all in one step."
    lists_words = "The outputs are visible; making their lists of files in “archive” for other programs."
    assert says(entered, rows, commit, lists) == lists_words


def test_the_start_form_has_a_field_for_each_parameter_and_says_what_is_wrong(
    browser_of: BrowserOf, job: Job, dev: Environment, ana: User
) -> None:
    document = json.loads(json.dumps(factories.DOCUMENT)) | {
        "parameters": {"year": {"type": "integer", "default": 2013, "label": "Year of the flights"}}
    }
    document["stages"][1]["sql"] = "SELECT ${year} AS year, origin FROM flights"
    factories.make_version(job, document=document, live_in=("dev",))
    anas, address = browser_of(ana), "/p/flights/jobs/daily_delays/run"

    assert "Year of the flights" in anas.get(address).content.decode()
    wrong = anas.post(address, {"environment": "dev", "version": "1", "parameter_year": "soon"})
    assert wrong.status_code == 422 and "a whole number" in wrong.content.decode()
    started = anas.post(address, {"environment": "dev", "version": "1", "parameter_year": "2012"})
    run = Run.objects.get()
    assert (started.url, run.parameters) == (page_of(run), {"year": "2012"})


def test_the_editor_runs_a_draft_and_gets_every_problem_of_a_bad_one(browser_of: BrowserOf, job: Job, ana: User, olu: User) -> None:
    address = "/p/flights/jobs/daily_delays/run-draft"
    headers = {"Accept": "application/json"}

    good = browser_of(ana).post(address, {"document": factories.DOCUMENT}, content_type="application/json", headers=headers)
    bad = browser_of(ana).post(address, {"document": {"stages": [{"type": "Nonsense"}]}}, content_type="application/json", headers=headers)
    other = browser_of(olu).post(address, {"document": factories.DOCUMENT}, content_type="application/json", headers=headers)

    assert (good.status_code, Run.objects.get().version) == (201, None)
    assert bad.status_code == 422 and bad.json()["problems"][0]["code"] == "stage-type-unknown"
    assert other.status_code == 404


def test_recent_runs_are_given_oldest_first(browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User) -> None:
    for number in range(16):
        factories.make_run(version, dev, "failed" if number == 0 else "succeeded", minutes_ago=number)

    found = browser_of(ana).get("/p/flights/runs/recent.json?jobs=daily_delays,unknown").json()

    assert (len(found["daily_delays"]), found["unknown"]) == (14, [])
    assert found["daily_delays"][-1]["state"] == "failed" and found["daily_delays"][-1]["duration_s"] == 30.0


def test_the_api_starts_looks_at_and_cancels_runs_once_per_key(program_of: Callable[..., Any], version: JobVersion, ana: User) -> None:
    api, runs = program_of(ana), "/api/v1/projects/flights/runs/"
    asked = {"job": "daily_delays", "environment": "dev"}

    first = api.post(runs, asked, format="json", headers={"Idempotency-Key": "k1"})
    again = api.post(runs, asked, format="json", headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.json()["id"], Run.objects.count()) == (201, first.json()["id"], 1)
    assert (first.json()["state"], first.json()["trigger"]) == ("queued", "api")
    one = f"{runs}{first.json()['id']}"
    assert api.post(f"{one}/cancel").json()["state"] == "cancelled"
    assert api.post(f"{one}/cancel").status_code == 200
    assert api.post(f"{one}/rerun", {"which": "same"}, format="json").status_code == 201
    assert (api.get(f"{one}/stages").json(), api.get(f"{one}/log").json()["lines"]) == ([], [])
    assert [run["state"] for run in api.get(runs).json()["results"]] == ["queued", "cancelled"]


def test_a_token_that_may_only_read_starts_nothing(program_of: Callable[..., Any], version: JobVersion, ana: User) -> None:
    answer = program_of(ana, "read").post("/api/v1/projects/flights/runs/", {"job": "daily_delays", "environment": "dev"}, format="json")

    assert (answer.status_code, Run.objects.count()) == (403, 0)


def test_a_piece_of_a_page_brings_the_number_of_running_jobs_along(
    browser_of: BrowserOf, version: JobVersion, dev: Environment, ana: User
) -> None:
    running = factories.make_run(version, dev, "running")
    for address in ("/p/flights/runs/", f"{page_of(running)}now", "/"):
        whole, piece = browser_of(ana).get(address), browser_of(ana).get(address, headers={"HX-Request": "true"})
        assert whole.content.decode().count('id="nav-running"') == (0 if address.endswith("now") else 1)
        assert "1 running</a>" in piece.content.decode() and 'hx-swap-oob="true"' in piece.content.decode()


def test_a_run_asked_for_where_one_may_not_is_not_started_elsewhere(browser_of: BrowserOf, version: JobVersion, ana: User) -> None:
    form = "/p/flights/jobs/daily_delays/run"
    browser = browser_of(ana)
    for environment in ("prod", "nowhere", "dev%00"):
        assert browser.post(form, {"environment": environment}).status_code == 404
        assert browser.get(f"{form}?environment={environment}").status_code == 404
    assert not Run.objects.exists()


def test_an_archived_job_runs_by_no_door(browser_of: BrowserOf, version: JobVersion, ana: User) -> None:
    version.job.archived_at = timezone.now()
    version.job.save()
    browser = browser_of(ana)
    assert b"archived" in browser.post("/p/flights/jobs/daily_delays/run", {"environment": "dev"}).content
    body = {"job": "daily_delays", "environment": "dev"}
    assert browser.post("/api/v1/projects/flights/runs/", body, content_type="application/json").json()["code"] == "job-archived"
    assert not Run.objects.exists()
