"""A job gives up a place that it owns: what lies there stays, and somebody else may have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs import actions as job_actions
from portal.jobs import places
from portal.jobs.models import Job, JobVersion, Place
from portal.runs import actions
from tests import factories

pytestmark = pytest.mark.django_db
URI = "curated/by_origin"


@pytest.fixture
def owned(version: JobVersion, dev: Environment, prod: Environment) -> Callable[..., Place]:
    """`owned(prod)`: the place of the job there, with what a run has published."""

    def make(environment: Environment = dev, **about: Any) -> Place:
        places.claim(version.job, environment, [URI])
        run = factories.make_run(version, environment, "succeeded")
        published = {"last_run_id": run.pk, "published_at": timezone.now(), "kept": [{"id": "k1"}]}
        Place.objects.filter(environment=environment).update(**published | about)
        return Place.objects.get(environment=environment)

    return make


def test_its_author_gives_it_up_where_she_works_and_it_can_be_taken_over(
    owned: Any, ana: User, ben: User, job: Job, dev: Environment
) -> None:
    actions.give_up_place(actor=ana, place=owned())
    place = Place.objects.get()
    assert (place.owner, place.given_by, place.kept) == (None, ana, [{"id": "k1"}])
    event = AuditEvent.objects.get(action="give_up_place")
    assert (event.subject_label, event.environment, event.details["place"]) == (job.name, "dev", URI)

    other = factories.make_job(job.project, ben, "other_job")
    with pytest.raises(Conflict, match="its job has given up"):
        places.require_own(other, dev, [URI])
    taken = job_actions.take_over_place(actor=ben, job=other, environment=dev, uri=URI)
    assert (taken.owner, taken.kept) == (other, [{"id": "k1"}])
    assert AuditEvent.objects.get(action="take_over_place").details["was"] == "given up"
    places.require_own(other, dev, [URI])


def test_what_was_uploaded_there_since_is_no_output_of_the_run(owned: Any, ana: User, dev: Environment) -> None:
    actions.give_up_place(actor=ana, place=owned())
    place = places.register_upload(environment=dev, uri=URI, actor=ana)
    assert place.last_run_id is None and "which was uploaded" in places.words(URI, place)


def test_what_nothing_was_published_to_is_free_at_once(owned: Any, ana: User, ben: User, job: Job, dev: Environment) -> None:
    actions.give_up_place(actor=ana, place=owned(last_run_id=None, published_at=None, kept=[]))
    assert not Place.objects.exists()
    places.claim(factories.make_job(job.project, ben, "other_job"), dev, [f"{URI}/part"])


def test_the_job_itself_no_longer_publishes_there(owned: Any, ana: User, version: JobVersion, dev: Environment) -> None:
    actions.give_up_place(actor=ana, place=owned())
    with pytest.raises(Conflict):
        actions.start_run(actor=ana, job=version.job, environment=dev, version=version)


def test_not_while_a_run_works_there(owned: Any, ana: User, version: JobVersion, dev: Environment) -> None:
    place = owned()
    factories.make_run(version, dev, "running")
    with pytest.raises(Conflict, match="works on"):
        actions.give_up_place(actor=ana, place=place)
    assert Place.objects.get().owner == version.job


def test_only_once_and_never_what_was_uploaded(owned: Any, ana: User, dev: Environment) -> None:
    actions.give_up_place(actor=ana, place=owned())
    with pytest.raises(PortalError, match="No job owns"):
        actions.give_up_place(actor=ana, place=Place.objects.get())
    uploaded = places.register_upload(environment=dev, uri="raw/planes.csv", actor=ana)
    with pytest.raises(PortalError, match="No job owns"):
        actions.give_up_place(actor=ana, place=uploaded)


@pytest.mark.parametrize(("who", "where", "may"), [
    ("ana", "dev", True), ("ben", "dev", True), ("olu", "dev", True), ("ada", "prod", True), ("olu", "prod", True),
    ("ana", "prod", False), ("pat", "prod", False), ("vic", "dev", False), ("outsider", "dev", False),
])  # fmt: skip
def test_who_may(owned: Any, request: pytest.FixtureRequest, flights: Any, who: str, where: str, may: bool, program_of: Any) -> None:
    person = request.getfixturevalue(who)
    owned(flights.environments.get(name=where))
    answer = program_of(person).post(
        f"/api/v1/projects/flights/environments/{where}/places/give-up", {"uri": "curated/./by_origin/"}, "json"
    )
    assert answer.status_code == (204 if may else 404)
    assert (Place.objects.get().owner is None) is may


def test_the_page_offers_it_and_does_it(owned: Any, ana: User, vic: User, job: Job, browser_of: Any) -> None:
    place = owned()
    page = f"/p/flights/jobs/{job.name}/"
    assert "Give it up" not in browser_of(vic).get(page).content.decode()
    assert "Give it up" in browser_of(ana).get(page).content.decode()
    assert browser_of(vic).post("/p/flights/places/give-up", {"place": place.pk}).status_code == 404
    answer = browser_of(ana).post("/p/flights/places/give-up", {"place": place.pk}, follow=True)
    html = answer.content.decode()
    assert "has given up" in html and "its job has given up" in html and "Take it over" in html
    assert browser_of(ana).post("/p/flights/places/give-up", {"place": place.pk}).status_code == 404


def test_a_place_that_its_job_writes_no_longer_is_listed_and_can_be_given_up(owned: Any, ana: User, job: Job, browser_of: Any) -> None:
    Place.objects.filter(pk=owned().pk).update(uri="curated/old", key="curated/old")
    html = browser_of(ana).get(f"/p/flights/jobs/{job.name}/").content.decode()
    assert "curated/old" in html and "no live version writes there" in html


def test_people_may_then_bring_data_there(owned: Any, ana: User, dev: Environment, version: JobVersion) -> None:
    from portal.data import guards
    from portal.jobs.models import LiveVersion

    place = owned()
    with pytest.raises(guards.IsAnOutput):
        guards.refuse_outputs(dev, URI)
    LiveVersion.objects.filter(job=version.job).delete()
    actions.give_up_place(actor=ana, place=place)
    guards.refuse_outputs(dev, URI)
