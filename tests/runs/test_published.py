"""Places of outputs in the portal: who may publish where, runs of one job one after the other, and putting an earlier output back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from executor.files import kept
from executor.files.publish import Publisher
from executor.put_back import put_back
from portal.errors import Conflict, NotAllowed
from portal.runs.problems import believed, hidden
from tests import factories

if TYPE_CHECKING:
    from django.test import Client

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import Job, JobVersion, Place
    from portal.runs.models import Run

Queued = Callable[..., "Run"]
Work = Callable[["Run"], "Run"]
BrowserOf = Callable[..., "Client"]
WRITES = "curated/by_origin"


@pytest.fixture
def other(flights: Project, ben: User) -> JobVersion:
    """Another job that writes the same place."""
    return factories.make_version(factories.make_job(flights, ben, "other_job"), live_in=("dev", "test", "prod"))


# --- whose place it is ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_first_job_that_publishes_keeps_others_away(queued: Queued, work: Work, other: JobVersion, ben: User) -> None:
    from portal.jobs.models import Place
    from portal.runs import actions

    run = work(queued())
    place = Place.objects.get()
    assert (place.uri, place.owner, place.last_run_id) == (WRITES, run.job, run.pk)
    with pytest.raises(Conflict, match="daily_delays") as refused:
        actions.start_run(actor=ben, job=other.job, environment=run.environment)
    assert refused.value.problems[0]["can_be_taken_over"]
    assert other.job.runs.count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_that_work_at_once_the_second_publishes_nothing(
    queued: Queued, work: Work, other: JobVersion, dev: Environment, fake_executor: Path
) -> None:
    late = factories.make_run(other, dev, parameters={"behaviour": "succeed"})  # asked for before anybody owned the place
    first = work(queued(minutes_ago=5))
    late.refresh_from_db()
    late = late if late.is_final else work(late)
    assert (first.state, late.state) == ("succeeded", "failed")
    assert late.problem and late.problem["code"] == "place-not-own"
    sentence = f"“{WRITES}” is a place which the job “daily_delays” publishes."
    assert hidden(late.problem, late.document).message == sentence  # names of the project are no data: mails and webhooks say them
    assert sentence not in hidden(believed(late.problem), late.document).message  # an executor cannot say that a word is open
    assert (fake_executor / "published").read_text().split() == [str(first.pk)]


@pytest.mark.django_db(transaction=True)
def test_saving_says_it_too(queued: Queued, work: Work, other: JobVersion, ben: User) -> None:
    from portal.jobs import actions

    work(queued())
    with pytest.raises(Conflict, match="daily_delays"):
        actions.save_version(actor=ben, job=other.job, document=other.document.replace("count(*)", "sum(1)"), message="", base_version=1)


@pytest.mark.django_db(transaction=True)
def test_taking_over_lets_the_next_run_publish(
    queued: Queued,
    work: Work,
    other: JobVersion,
    dev: Environment,
    ben: User,
    browser_of: BrowserOf,
) -> None:
    from portal.jobs import places

    run = work(queued())
    browser = browser_of(ben)
    page = f"/p/flights/jobs/{other.job.name}/"
    assert "take-over" in browser.get(page).content.decode()
    assert browser.post(f"{page}take-over", {"environment": "dev", "uri": WRITES}).status_code == 302
    assert places.replaceable(other.job, dev, [WRITES]) == {WRITES: True}
    assert work(factories.make_run(other, dev, parameters={"behaviour": "succeed"})).state == "succeeded"
    assert places.replaceable(other.job, dev, [WRITES]) == {WRITES: False}
    assert places.conflicts(run.job, dev, [WRITES])


@pytest.mark.django_db(transaction=True)
def test_an_executor_is_told_which_places_are_its_jobs(queued: Queued, work: Work, settings: Any) -> None:
    from portal.runs import published

    settings.KEEP_OUTPUTS = 3
    run = queued()
    assert published.values_for(run) == {"places": {}, "keep_outputs": 3, "took_seconds": 0}
    work(run)
    assert published.values_for(run)["places"] == {WRITES: False}


def test_an_executor_is_told_how_long_the_jobs_last_runs_there_took(version: JobVersion, dev: Environment, prod: Environment) -> None:
    from portal.runs import published

    factories.make_run(version, dev, "failed", minutes_ago=5, finished_at=timezone.now())  # its time limit may have ended it
    for minutes in range(4):
        factories.make_run(version, dev, "succeeded", minutes_ago=minutes)
    factories.make_run(version, prod, "succeeded", minutes_ago=90, finished_at=timezone.now())
    assert published.values_for(factories.make_run(version, dev))["took_seconds"] in range(290, 301)


# --- one after the other ----------------------------------------------------------------------------------------------------


def test_a_second_run_of_a_job_waits_for_the_first(
    queued: Queued, version: JobVersion, dev: Environment, prod: Environment, settings: Any
) -> None:
    settings.PERSON_RUNS = 9
    from portal.runs import leases
    from portal.runs.models import Run

    first, second, elsewhere = queued(), queued(), factories.make_run(version, prod)
    assert leases.claim(first, "a")
    assert not leases.claim(second, "b")
    assert set(Run.objects.startable()) == {elsewhere}
    assert leases.claim(elsewhere, "c")
    version.job.runs_at_once = 2
    version.job.save()
    assert list(Run.objects.startable()) == [second]
    assert leases.claim(second, "b")


@pytest.mark.django_db(transaction=True)
def test_waiting_runs_of_one_job_keep_nobody_else_waiting(queued: Queued, other: JobVersion, dev: Environment, work: Work) -> None:
    """Also where more of them wait than a worker looks at in one go."""
    from portal.runs import leases

    leases.claim(queued(), "a")
    for _ in range(12):
        queued()
    theirs = factories.make_run(other, dev, parameters={"behaviour": "succeed"})
    from portal.runs import worker

    worker.work(str(queued().pk))
    theirs.refresh_from_db()
    assert theirs.state == "succeeded"


def test_how_many_may_work_is_a_field_of_the_job(job: Job, ana: User, program_of: Callable[..., Any]) -> None:
    program, address = program_of(ana), f"/api/v1/projects/flights/jobs/{job.name}"
    assert program.patch(address, {"runs_at_once": 3}, format="json").json()["runs_at_once"] == 3
    for wrong in (0, 21, "many"):
        assert program.patch(address, {"runs_at_once": wrong}, format="json").status_code == 422


# --- put back ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def published_twice(version: JobVersion, dev: Environment, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Two runs have really published; the portal knows."""
    from portal.jobs import places
    from portal.runs import launcher, published

    settings.LAKE_DIR, settings.RUN_DIR = tmp_path / "lake", tmp_path / "run"

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """As the preview service has it done, without a process of its own (tests/looks/test_file_programs.py has one)."""
        assert (message["do"], message["what"], message["environment"]) == ("files", "put-back", dev.pk)
        answers = StringIO()
        put_back(StringIO(json.dumps({**message["values"], "lake": str(launcher.lake_folder(dev))})), answers)
        yield json.loads(answers.getvalue()) | {"last": True}

    monkeypatch.setattr(published.preview_client, "request", request)
    for number in (1, 2):
        publish(version, dev, number)
    return places.place_at(dev, WRITES)  # type: ignore[return-value]


def publish(version: JobVersion, dev: Environment, number: int) -> Run:
    """A run that has really published, and is noted."""
    from portal.jobs import places
    from portal.runs import launcher, published

    run, lake = factories.make_run(version, dev, "succeeded"), launcher.lake_folder(dev)
    publisher = Publisher(str(run.pk), lake)
    folder = publisher.stage_output(WRITES, lake / WRITES, "Overwrite", 2, "write")
    folder.mkdir()
    (folder / "part-0").write_text(f"run {number}")
    run.outputs = publisher.publish()
    publisher.discard()
    run.save()
    places.claim(run.job, dev, [WRITES])
    published.note(run)
    return run


def content(place: Place) -> str:
    from portal.runs import launcher

    return (launcher.lake_folder(place.environment) / place.uri / "part-0").read_text()


def test_an_earlier_output_is_put_back_with_one_click_and_back_again(
    published_twice: Place, ana: User, vic: User, browser_of: BrowserOf, version: JobVersion
) -> None:
    from portal.audit.models import AuditEvent

    place, last = published_twice, version.job.runs.order_by("-created_at").first()
    address = f"/p/flights/runs/{last.pk}/"  # type: ignore[union-attr]
    page = browser_of(ana).get(address).content.decode()
    assert "History of publishes" in page and "Put back" in page and "No job reads it." in page
    reads = {"stages": [{"type": "ParquetExtract", "name": "r", "inputURI": WRITES, "outputView": "r"}]}
    factories.make_version(factories.make_job(version.job.project, ana, "reader"), document=reads, live_in=("dev",))
    for where in (address, f"/p/flights/data/dev/table?uri={WRITES}"):
        assert "Read by reader." in browser_of(ana).get(where).content.decode()
    assert "Put back" not in browser_of(vic).get(address).content.decode()
    table = f"/p/flights/data/dev/table?uri={WRITES}"
    for expected, back, leads_to in (("run 1", table, table), ("run 2", "//elsewhere.example/p/flights/data/", address)):
        asked = {"place": place.pk, "kept": place.kept[0]["id"], "next": back}
        assert browser_of(vic).post(f"{address}put-back", asked).status_code == 404
        answer = browser_of(ana).post(f"{address}put-back", asked)
        assert (answer.status_code, answer["Location"]) == (302, leads_to)
        place.refresh_from_db()
        assert content(place) == expected and len(place.kept) == 1
    assert AuditEvent.objects.filter(action="put_back_output", environment="dev", result="done").count() == 2


@pytest.mark.parametrize("where", ["the page of data", "the page of the run", "the API"])
def test_who_undoes_a_publish_that_they_saw_does_not_undo_a_later_one(
    published_twice: Place,
    ana: User,
    browser_of: BrowserOf,
    program_of: Callable[..., Any],
    version: JobVersion,
    dev: Environment,
    where: str,
) -> None:
    from portal.audit.models import AuditEvent
    from portal.jobs.models import Place

    place, run, table = published_twice, f"/p/flights/runs/{published_twice.last_run_id}/", f"/p/flights/data/dev/table?uri={WRITES}"
    shown, programs = run if where == "the page of the run" else table, "/api/v1/projects/flights/environments/dev/places/"
    program, browser, kept_id = program_of(ana, "read", "run"), browser_of(ana), place.kept[0]["id"]

    def seen() -> str:
        if where == "the API":
            [told] = [one for one in program.get(programs).json()["results"] if one["uri"] == WRITES]
            return str(told["published_at"])
        return re.findall(r'name="seen" value="([^"]+)"', browser.get(shown).content.decode())[0]

    def put_back(seen: str) -> str:
        if where == "the API":
            asked = {"uri": WRITES, "kept": kept_id, "seen": seen}
            return str(program.post(f"{programs}put-back", asked, format="json").content.decode())
        asked = {"place": place.pk, "kept": kept_id, "seen": seen, "next": shown}
        return browser.post(f"{run}put-back", asked, follow=True).content.decode()

    opened, third = seen(), publish(version, dev, 3)
    answer = put_back(opened)
    assert "was published anew since this page was opened" in answer and f"of run {third.short_id}" in answer
    assert "Nothing was put back." in answer and content(place) == "run 3"
    assert "was published anew" in put_back("no time at all") and content(place) == "run 3"
    assert not AuditEvent.objects.filter(action="put_back_output", result="done").exists()
    opened = seen()
    put_back(opened)
    assert content(place) == "run 1"
    kept_id = Place.objects.get(pk=place.pk).kept[0]["id"]
    assert "was published anew" in put_back(opened) and content(place) == "run 1", "another tab has put that back"


def test_what_was_put_back_by_a_program_that_could_not_say_so_is_noted(
    published_twice: Place, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was not put back is told as that."""
    from portal.audit.models import AuditEvent
    from portal.errors import PortalError
    from portal.runs import actions, preview_client, published

    heard, place = published.preview_client.request, published_twice
    before = place.last_run_id

    async def dies(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if is_done:
            async for _ in heard(message):
                pass
        yield preview_client.DOWN

    monkeypatch.setattr(preview_client, "request", dies)
    is_done = False
    with pytest.raises(PortalError, match="does not answer"):
        actions.put_back_output(actor=ana, place=place, kept_id=place.kept[0]["id"])
    is_done = True
    actions.put_back_output(actor=ana, place=place, kept_id=place.kept[0]["id"])
    assert content(place) == "run 1" and place.last_run_id != before
    assert [row["run_id"] for row in place.kept] == [str(before)]
    assert AuditEvent.objects.filter(action="put_back_output", result="done").count() == 1


def test_a_run_that_publishes_before_a_put_back_is_noted_is_what_lies_there(
    published_twice: Place, ana: User, version: JobVersion, dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began after the put-back had looked for runs, and ended before its answer was heard: what can be put back next is what is kept."""
    from portal.runs import actions, launcher, preview_client

    heard, place, runs = preview_client.request, published_twice, []

    async def late(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        answers = [event async for event in heard(message)]
        runs.append(await sync_to_async(publish)(version, dev, 3))
        for event in answers:
            yield event

    monkeypatch.setattr(preview_client, "request", late)
    actions.put_back_output(actor=ana, place=place, kept_id=place.kept[0]["id"])
    assert content(place) == "run 3" and place.last_run_id == runs[0].pk
    assert [row["id"] for row in place.kept] == kept.ids(launcher.lake_folder(dev) / WRITES)


def test_a_place_that_is_taken_over_while_its_job_publishes_shows_what_lies_there(
    published_twice: Place, version: JobVersion, other: JobVersion, dev: Environment, ana: User
) -> None:
    from portal.jobs.actions import take_over_place
    from portal.runs import published

    run = factories.make_run(version, dev, "succeeded", outputs=[{"stage": "write", "uri": WRITES}, {"stage": "write", "uri": "curated/x"}])
    foreign = take_over_place(actor=ana, job=other.job, environment=dev, uri="curated/x")
    take_over_place(actor=ana, job=other.job, environment=dev, uri=WRITES)
    published.note(run)
    place = published_twice
    place.refresh_from_db()
    foreign.refresh_from_db()
    assert (place.owner, place.may_replace, place.last_run_id) == (other.job, True, run.pk)
    assert foreign.last_run_id is None, "a place that the document does not write"


def test_nothing_is_put_back_under_a_run_that_writes_there(
    published_twice: Place, ana: User, version: JobVersion, dev: Environment
) -> None:
    from portal.runs import actions

    factories.make_run(version, dev, "running")
    with pytest.raises(Conflict, match="just now"):
        actions.put_back_output(actor=ana, place=published_twice, kept_id=published_twice.kept[0]["id"])
    assert content(published_twice) == "run 2"


def test_above_the_lowest_environment_an_operator_puts_back(
    version: JobVersion, prod: Environment, ana: User, olu: User, pat: User
) -> None:
    from portal.errors import PortalError
    from portal.jobs import places
    from portal.runs import actions

    places.claim(version.job, prod, [WRITES])
    place = places.place_at(prod, WRITES)
    assert place
    for person in (ana, pat):
        with pytest.raises(NotAllowed):
            actions.put_back_output(actor=person, place=place, kept_id="x")
    with pytest.raises(PortalError) as refused:
        actions.put_back_output(actor=olu, place=place, kept_id="x")
    assert not isinstance(refused.value, NotAllowed)


def test_a_program_puts_back_too(published_twice: Place, ana: User, vic: User, program_of: Callable[..., Any]) -> None:
    from portal.jobs.models import Place

    address = "/api/v1/projects/flights/environments/dev/places/"
    places = [Place(environment=published_twice.environment, uri=uri, key=uri) for uri in ("raw/zip=01234/a.csv", "raw/b.csv")]
    Place.objects.bulk_create(places)
    seen = {who: [one["uri"] for one in program_of(who, "read").get(address).json()["results"]] for who in (ana, vic)}
    assert (len(seen[ana]), seen[vic]) == (3, [published_twice.uri, "raw/b.csv"])  # what a folder's name tells is data
    row = program_of(vic, "read").get(address).json()["results"][0]
    asked = {"uri": row["uri"], "kept": row["kept"][0]["id"]}
    assert program_of(ana, "read").post(f"{address}put-back", asked, format="json").status_code == 403
    assert program_of(vic, "read", "run").post(f"{address}put-back", asked, format="json").status_code == 404
    assert program_of(ana, "read", "run").post(f"{address}put-back", asked, format="json").status_code == 200
    assert content(published_twice) == "run 1"
    gone = program_of(ana, "read", "run").post(f"{address}put-back", {**asked, "kept": "20200101T000000000000"}, format="json")
    assert (gone.status_code, gone.json()["code"]) == (409, "kept-output-gone")


def test_what_an_executor_says_of_kept_outputs_is_only_believed_in_part(version: JobVersion, dev: Environment) -> None:
    from portal.jobs import places
    from portal.runs import published

    places.claim(version.job, dev, [WRITES])
    odd = [{"id": "x" * 500, "rows": -1, "bytes": True, "more": {"deep": 1}}, "text", {"run_id": 7}] * 50
    run = factories.make_run(version, dev, "succeeded", outputs=[{"uri": WRITES, "kept": odd}, "text", {"uri": 7}])
    published.note(run)
    place = places.place_at(dev, WRITES)
    assert place and len(place.kept) <= 20 and len(str(place.kept)) < 10_000
    assert published.history(place)


def test_the_demo_of_kept_outputs_agrees_with_the_folder(published_twice: Place) -> None:
    from portal.runs import launcher

    listing = kept.listing(launcher.lake_folder(published_twice.environment) / WRITES)
    assert [row["id"] for row in published_twice.kept] == [row["id"] for row in listing]
