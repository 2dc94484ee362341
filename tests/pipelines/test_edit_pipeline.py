"""Making and editing pipelines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from portal.accounts.models import Project, User
from portal.audit.models import AuditEvent
from portal.errors import Conflict, NotAllowed, PortalError
from portal.pipelines.actions import create_pipeline, edit_pipeline
from portal.pipelines.models import Pipeline
from tests.factories import make_job
from tests.pipelines.conftest import AFTER


def test_author_makes_a_pipeline_and_the_audit_knows_its_jobs(pipeline: Pipeline, ana: User) -> None:
    assert pipeline.dependencies() == {name: sorted(before) for name, before in AFTER.items()}
    event = AuditEvent.objects.get(action="create_pipeline")
    assert (event.actor, event.project, event.details["jobs"]["delay_report"]) == (ana, "flights", ["daily_delays"])


def test_a_circle_is_refused_and_named(pipeline: Pipeline, ana: User) -> None:
    after = {**AFTER, "load_flights": ["delay_report"]}
    with pytest.raises(PortalError) as refusal:
        edit_pipeline(actor=ana, pipeline=pipeline, description="", after=after)
    assert refusal.value.code == "pipeline-loop"
    assert "daily_delays runs after load_flights runs after delay_report runs after daily_delays" in refusal.value.message
    assert pipeline.dependencies()["load_flights"] == []


def test_a_job_that_is_not_there_is_named(pipeline: Pipeline, ana: User) -> None:
    with pytest.raises(PortalError, match="no job “load_planes”"):
        edit_pipeline(actor=ana, pipeline=pipeline, description="", after={**AFTER, "load_planes": []})
    with pytest.raises(PortalError, match="“load_flights” is waited for, but it is not in the pipeline"):
        edit_pipeline(actor=ana, pipeline=pipeline, description="", after={"daily_delays": ["load_flights"]})


def test_a_job_of_another_project_cannot_be_put_in(pipeline: Pipeline, ana: User, harbour: Project, outsider: User) -> None:
    make_job(harbour, outsider, "ships")
    with pytest.raises(PortalError, match="no job “ships”"):
        edit_pipeline(actor=ana, pipeline=pipeline, description="", after={"ships": []})


def test_names_are_checked_and_taken_once(pipeline: Pipeline, flights: Project, ana: User) -> None:
    with pytest.raises(Conflict, match="already a pipeline “nightly_flights”"):
        create_pipeline(actor=ana, project=flights, name="nightly_flights")
    with pytest.raises(PortalError, match="cannot be a name"):
        create_pipeline(actor=ana, project=flights, name="Nightly <b>flights")


def test_who_opened_the_form_before_another_saved_does_not_take_their_job_out(
    pipeline: Pipeline, flights: Project, ana: User, browser_of: Callable[[User], Client]
) -> None:
    browser, opened = browser_of(ana), pipeline.edition
    assert f'name="edition" value="{opened}"' in browser.get("/p/flights/pipelines/nightly_flights/edit").content.decode()
    make_job(flights, ana, "load_planes")
    edit_pipeline(actor=ana, pipeline=pipeline, description="", after={**AFTER, "load_planes": []}, edition=opened)
    sent = {"step": "save", "edition": opened, "job": list(AFTER), **{f"after-{name}": before for name, before in AFTER.items()}}
    answer = browser.post("/p/flights/pipelines/nightly_flights/edit", sent | {"description": "mine"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody has changed nightly_flights since you opened it. Nothing is saved yet." in html
    assert 'value="mine"' in html, "what was typed stands"
    assert "Description: none" in html and "load_planes runs after nothing else" in html, "and what is there now"
    assert "<li>load_flights" not in html, "but not what is the same"
    body = {"description": "", "after": AFTER, "edition": opened}
    said = browser.put("/api/v1/projects/flights/pipelines/nightly_flights", body, "application/json")
    assert (said.status_code, said.json()["code"]) == (409, "changed-meanwhile")
    assert "load_planes" in pipeline.dependencies()
    again = sent | {"description": "mine", "edition": pipeline.edition}
    assert f'name="edition" value="{pipeline.edition}"' in html, "who saves again has seen it"
    assert browser.post("/p/flights/pipelines/nightly_flights/edit", again).status_code == 302
    assert "load_planes" not in pipeline.dependencies()


@pytest.mark.parametrize("who", ["vic", "pat", "olu", "outsider"])
def test_only_authors_edit_pipelines(pipeline: Pipeline, flights: Project, who: str, request: pytest.FixtureRequest) -> None:
    person = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        edit_pipeline(actor=person, pipeline=pipeline, description="", after={})
    with pytest.raises(NotAllowed):
        create_pipeline(actor=person, project=flights, name="another")
    assert len(pipeline.dependencies()) == 4
