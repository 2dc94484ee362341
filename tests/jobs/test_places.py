"""Whose place is it: what is known of an environment's lake."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import Job


def publish(job: Job, environment: Environment, uri: str) -> None:
    from portal.jobs import places

    places.claim(job, environment, [uri])


@pytest.fixture
def other(flights: Project, ben: User) -> Job:
    from tests import factories

    return factories.make_job(flights, ben, "other_job")


@pytest.mark.parametrize("uri", ["curated/by_origin", "curated", "curated/by_origin/deep", "curated/By_Origin"])
def test_the_first_job_that_publishes_a_place_owns_it(job: Job, other: Job, dev: Environment, uri: str) -> None:
    from portal.errors import Conflict

    publish(job, dev, "curated/by_origin")
    publish(job, dev, "curated/by_origin")
    with pytest.raises(Conflict) as refused:
        publish(other, dev, uri)
    assert "daily_delays" in refused.value.message


def test_environments_and_neighbours_do_not_meet(job: Job, other: Job, dev: Environment, prod: Environment) -> None:
    publish(job, dev, "curated/by_origin")
    publish(other, prod, "curated/by_origin")
    publish(other, dev, "curated/by_origin_2")


def test_a_job_does_not_publish_above_its_own_earlier_place(job: Job, dev: Environment) -> None:
    from portal.errors import Conflict

    publish(job, dev, "curated/by_origin")
    with pytest.raises(Conflict):
        publish(job, dev, "curated")


def test_uploads_are_places_too(job: Job, other: Job, dev: Environment, ana: User) -> None:
    from portal.errors import Conflict
    from portal.jobs import places

    places.register_upload(environment=dev, uri="raw/planes.csv", actor=ana)
    places.register_upload(environment=dev, uri="raw/planes.csv", actor=ana)
    for uri in ("raw/planes.csv", "raw", "RAW/planes.csv"):
        with pytest.raises(Conflict, match="uploaded"):
            publish(job, dev, uri)
    publish(job, dev, "curated/by_origin")
    with pytest.raises(Conflict, match="daily_delays"):
        places.register_upload(environment=dev, uri="curated/by_origin/extra.csv", actor=ana)
    places.forget(dev, "raw/planes.csv")
    publish(job, dev, "raw/planes.csv")


def test_a_place_is_taken_over_by_an_explicit_act(job: Job, other: Job, dev: Environment, ana: User, vic: User) -> None:
    from portal.audit.models import AuditEvent
    from portal.errors import NotAllowed
    from portal.jobs import actions, places

    publish(job, dev, "curated/by_origin")
    with pytest.raises(NotAllowed):
        actions.take_over_place(actor=vic, job=other, environment=dev, uri="curated/by_origin")
    actions.take_over_place(actor=ana, job=other, environment=dev, uri="curated/by_origin")
    assert places.replaceable(other, dev, ["curated/by_origin"]) == {"curated/by_origin": True}
    publish(other, dev, "curated/by_origin")
    event = AuditEvent.objects.get(action="take_over_place")
    assert event.details == {"place": "curated/by_origin", "was": "daily_delays"}
    assert places.conflicts(job, dev, ["curated/by_origin"])


def test_above_the_lowest_environment_authors_take_nothing_over(job: Job, other: Job, prod: Environment, ana: User, olu: User) -> None:
    from portal.errors import NotAllowed
    from portal.jobs import actions

    publish(job, prod, "curated/by_origin")
    with pytest.raises(NotAllowed):
        actions.take_over_place(actor=ana, job=other, environment=prod, uri="curated/by_origin")
    actions.take_over_place(actor=olu, job=other, environment=prod, uri="curated/by_origin")


@pytest.mark.parametrize("uri", ["curated", "curated/by_origin/x", "curated/BY_ORIGIN", "curated/_x", ""])
def test_what_holds_another_place_is_never_taken_over(job: Job, other: Job, dev: Environment, ana: User, uri: str) -> None:
    from portal.errors import PortalError
    from portal.jobs import actions

    publish(job, dev, "curated/by_origin")
    with pytest.raises(PortalError):
        actions.take_over_place(actor=ana, job=other, environment=dev, uri=uri)


def test_who_uses_a_place(job: Job, dev: Environment, ben: User, changed: Any) -> None:
    from portal.jobs import actions, places
    from tests.factories import DOCUMENT

    document = copy.deepcopy(DOCUMENT) | {"parameters": {"name": {"default": "flights"}, "any": {"type": "string"}}}
    document["stages"][0]["inputURI"] = "raw/${name}.csv"
    document["stages"][2]["outputURI"] = "curated/${any}"
    actions.save_draft(actor=ben, job=job, document=json.dumps(document), revision=0)
    uses = places.used_by(dev, "raw/flights.csv")
    assert [(use.job.name, use.stage, use.writes, use.draft_of) for use in uses] == [
        ("daily_delays", "flights", False, None),
        ("daily_delays", "flights", False, ben),
    ]
    assert [use.draft_of for use in places.used_by(dev, "curated/anything")] == [ben]
    assert places.used_by(dev, "raw/other.csv") == []


def test_a_place_of_another_job_is_told_while_one_writes(job: Job, other: Job, dev: Environment, ana: User, browser_of: Any) -> None:
    publish(other, dev, "curated/by_origin")

    def told(*outputs: str) -> list[tuple[str, int]]:
        stages = [{"type": "ParquetLoad", "name": f"save_{n}", "inputView": "v", "outputURI": uri} for n, uri in enumerate(outputs)]
        text = json.dumps({"stages": [{"type": "SQLTransform", "name": "v", "sql": "SELECT 1 AS a", "outputView": "v"}, *stages]})
        url = "/p/flights/jobs/daily_delays/check"
        answer = browser_of(ana).post(url, json.dumps({"document": text}), content_type="application/json").json()
        found = [problem for problem in answer["problems"] if problem["code"] == "place-not-own"]
        assert all(problem["severity"] == "warning" and "other_job" in problem["message"] for problem in found)
        return [(problem["stage"], problem["stage_index"]) for problem in found]

    assert told("curated/mine", "curated/by_origin") == [("save_1", 2)]
    assert told("curated/By_Origin/x", "curated") == [("save_0", 1), ("save_1", 2)]
    assert told("curated/mine", "curated/${nothing}") == []
    publish(job, dev, "curated/own")
    assert told("curated/own") == []


def test_uses_follow_each_change_of_a_draft_and_of_the_environment(job: Job, ana: User, dev: Environment) -> None:
    from portal.jobs import places
    from portal.jobs.models import Draft
    from tests.factories import as_text

    def uses() -> list[str]:
        return [use.uri for use in places.uses_in(dev) if use.draft_of]

    read = {"type": "ParquetExtract", "name": "r", "inputURI": "raw/${day}", "outputView": "v"}
    draft = Draft.objects.create(job=job, user=ana, document=as_text({"parameters": {"day": {}}, "stages": [read]}))
    assert uses() == uses() == ["raw/*"]
    dev.parameters = {"day": "monday"}
    assert uses() == ["raw/monday"], "the same text with another value"
    draft.document = as_text({"stages": [read | {"inputURI": "raw/b"}]})
    draft.save()
    assert uses() == ["raw/b"]
    draft.document = "{"
    draft.save()
    assert uses() == []
