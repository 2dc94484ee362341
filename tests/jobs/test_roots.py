"""Jobs that read and write in roots: judged when saved, compared in one spelling, and never owners of what they have not published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.environments.connected import make_root, make_s3

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import SettingsWrapper

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment, Root
    from portal.jobs.models import Job

IN_ROOT = "landing:by_origin"
BY_ADDRESS = "s3a://acme-landing/flights/by_origin"


def document(**changes: str) -> str:
    """The usual job; `reads`, `writes`: its addresses."""
    from tests.factories import DOCUMENT

    made = json.loads(json.dumps(DOCUMENT))
    made["stages"][0]["inputURI"] = changes.get("reads", "raw/flights.csv")
    made["stages"][2]["outputURI"] = changes.get("writes", "curated/by_origin")
    return json.dumps(made)


def problems(project: Project, **changes: str) -> list[dict[str, Any]]:
    from portal.jobs import documents

    return documents.problems_of(document(**changes), project)


@pytest.fixture
def landing(ada: User, dev: Environment) -> Root:
    return make_root(ada, make_s3(ada, dev), "landing", may_write=True)


@pytest.fixture
def other(flights: Project, ben: User) -> Job:
    from tests import factories

    return factories.make_job(flights, ben, "other_job")


def test_a_job_is_saved_by_the_roots_of_the_lowest_environment(flights: Project, landing: Root, ada: User) -> None:
    from portal.environments import connections

    assert problems(flights, reads="landing:x.csv", writes="s3a://acme-landing/flights/out") == []
    (gone,) = problems(flights, reads="landed:x.csv")
    assert (gone["code"], gone["fix"], gone["stage"]) == ("root-unknown", "Did you mean “landing”?", "flights")
    assert [one["code"] for one in problems(flights, reads="s3a://acme-landing/other/x.csv")] == ["uri-outside-roots"]
    connections.edit_root(actor=ada, root=landing, connection="lake_s3", address=landing.address, may_write=False)
    (refused,) = problems(flights, writes=IN_ROOT)
    assert refused["code"] == "root-read-only" and refused["message"].endswith("is read only in dev.") and refused["fix"]
    assert problems(flights, reads="landing:x.csv") == []


def test_what_is_missing_further_on_is_told_while_it_is_written(flights: Project, landing: Root, ada: User, prod: Environment) -> None:
    from portal.jobs import advice

    make_root(ada, make_s3(ada, prod), "landing", "s3a://acme-prod/")
    told = advice.advice_on(document(reads="landing:x.csv", writes="landing:out"), flights)
    assert [(one["severity"], one["stage"], one["message"]) for one in told] == [
        ("warning", "flights", "“landing:x.csv”: there is no root “landing” in test."),
        ("warning", "write", "“landing:out”: there is no root “landing” in test."),
        ("warning", "write", "“landing:out”: the root “landing” is read only in prod."),
    ]
    assert advice.advice_on(document(), flights) == []


def test_a_connection_that_does_not_serve_is_told_while_the_job_is_written(
    flights: Project, dev: Environment, ada: User, settings: SettingsWrapper
) -> None:
    from portal.environments import connections
    from portal.jobs import advice

    settings.CONNECTION_KINDS_ALLOWED = ["sqlite"]
    make_s3(ada, dev, "bucket")
    connections.add_connection(actor=ada, environment=dev, name="till", kind="sqlite", settings={"file": "raw/shop.sqlite"}, secrets={})

    def told(**stage: str) -> list[tuple[str, str, int]]:
        given = {"type": "JDBCLoad", "name": "save", "inputView": "v", "tableName": "t", "environments": ["dev"], **stage}
        found = advice.advice_on(json.dumps({"stages": [json.loads(document())["stages"][0], given]}), flights)
        return [(one["code"], one["field"], one["stage_index"]) for one in found]

    assert told(connection="shop") == [("connection-unknown", "connection", 1)]
    assert told(connection="bucket") == [("connection-of-another-kind", "connection", 1)]
    assert told(connection="till") == told(connection="till", type="JDBCExtract") == told(connection="${any}") == []


def test_one_place_has_one_owner_however_it_is_written(job: Job, other: Job, dev: Environment, landing: Root) -> None:
    from portal.errors import Conflict
    from portal.jobs import places

    assert places.outputs_of(document(writes=BY_ADDRESS), dev, None) == [IN_ROOT]
    places.claim(job, dev, places.outputs_of(document(writes=BY_ADDRESS), dev, None))
    assert places.replaceable(job, dev, [IN_ROOT]) == {IN_ROOT: False}
    for uri in (IN_ROOT, BY_ADDRESS, f"{BY_ADDRESS}/deep", "landing:By_Origin", "s3n://acme-landing/flights/by_origin/"):
        with pytest.raises(Conflict, match="daily_delays"):
            places.require_own(other, dev, places.outputs_of(document(writes=uri), dev, None))
        (place,) = places.places_meeting(dev, uri)
        assert place.uri == IN_ROOT
    assert places.place_at(dev, "by_origin") is None, "the folder has a place of the same name"
    assert places.conflicts_in(other, document(writes=BY_ADDRESS))[0]["stage"] == "write"


def test_who_uses_a_place_is_found_however_it_is_written(job: Job, dev: Environment, landing: Root, ana: User) -> None:
    from portal.data.uses import READS, Uses
    from portal.jobs import actions, places

    revision = 0
    for reads in (
        "s3a://acme-landing/flights/2013/x.csv",
        "landing:2013/x.csv",
        "landing:*/x.csv",
        "s3://acme-landing/flights/{2013,4}/x.csv",
    ):
        revision = actions.save_draft(actor=ana, job=job, document=document(reads=reads), revision=revision, base_version=1).revision
        for asked in ("landing:2013/x.csv", "s3a://acme-landing/flights/2013", "landing:2013"):
            assert [use.job for use in places.used_by(dev, asked) if not use.writes] == [job]
            assert Uses(dev).jobs(asked, READS) == ["daily_delays"]
        assert not [use for use in places.used_by(dev, "2013/x.csv") if not use.writes]


def test_a_root_that_leads_elsewhere_leads_to_nothing_of_the_job(job: Job, other: Job, dev: Environment, landing: Root, ada: User) -> None:
    """It would replace what somebody else keeps where the root leads now."""
    from portal.environments import connections
    from portal.errors import Conflict
    from portal.jobs import places
    from portal.jobs.models import Place

    places.claim(job, dev, [IN_ROOT])
    Place.objects.update(kept=[{"id": "x"}], may_replace=True)
    connections.edit_root(actor=ada, root=landing, connection="lake_s3", address="s3a://acme-elsewhere/", may_write=True)
    assert places.replaceable(job, dev, [IN_ROOT]) == {}
    with pytest.raises(Conflict):
        places.claim(other, dev, [IN_ROOT])
    places.claim(job, dev, [IN_ROOT])
    assert places.replaceable(job, dev, [IN_ROOT]) == {IN_ROOT: False}
    assert Place.objects.get().kept == []
    connections.edit_connection(
        actor=ada,
        connection=dev.connections.get(),
        settings={"region": "cn-north-1", "service": "amazon"},
        secrets={"access_key": "AKIAIOSFODNN7CANARY1", "secret_key": "another secret key 1"},
    )
    assert places.replaceable(job, dev, [IN_ROOT]) == {}, "a bucket of this name is another one there"


def test_a_place_in_a_root_is_taken_over_and_given_up_by_any_spelling(
    job: Job, other: Job, dev: Environment, landing: Root, ana: User, client: Client
) -> None:
    from portal.errors import PortalError
    from portal.jobs import actions, places

    places.claim(job, dev, [IN_ROOT])
    taken = actions.take_over_place(actor=ana, job=other, environment=dev, uri=BY_ADDRESS)
    assert (taken.uri, places.replaceable(other, dev, [IN_ROOT])) == (IN_ROOT, {IN_ROOT: True})
    for wrong in ("", " ", "landing:", "landing:*", "nowhere:x", "s3a://other/x", "../x", "landing:../x", "landing:_x"):
        with pytest.raises(PortalError) as refused:
            actions.take_over_place(actor=ana, job=other, environment=dev, uri=wrong)
        assert refused.value.code == "output-name" and refused.value.message
    client.force_login(ana)
    url = "/api/v1/projects/flights/environments/dev/places/give-up"
    given_up = client.post(url, {"uri": BY_ADDRESS}, content_type="application/json")
    assert given_up.status_code == 204
    assert places.replaceable(other, dev, [IN_ROOT]) == {}


def test_sql_and_schemas_of_a_version_lie_in_the_folder_or_in_a_root_that_answers(
    flights: Project, landing: Root, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.errors import PortalError
    from portal.jobs import documents

    settings.LAKE_DIR = tmp_path
    folder = tmp_path / "flights" / "dev" / "sql"
    folder.mkdir(parents=True)
    (folder / "q.sql").write_text("SELECT origin FROM flights")
    made = json.loads(document())
    del made["stages"][1]["sql"]
    made["stages"][1]["inputURI"] = "lake:sql/q.sql"
    kept = json.loads(documents.with_files(json.dumps(made), flights))
    assert kept["files"] == {"lake:sql/q.sql": "SELECT origin FROM flights"}
    assert documents.problems_of(kept, flights) == []
    made["stages"][1]["inputURI"] = "landing:q.sql"
    with pytest.raises(PortalError, match="does not answer"):
        documents.with_files(json.dumps(made), flights)
    monkeypatch.setattr(documents, "texts_elsewhere", [lambda environment, uris: dict.fromkeys(uris)])
    with pytest.raises(documents.DocumentNotRight, match="landing:q.sql"):
        documents.with_files(json.dumps(made), flights)
    monkeypatch.setattr(documents, "texts_elsewhere", [lambda environment, uris: dict.fromkeys(uris, "SELECT 1 AS origin")])
    assert json.loads(documents.with_files(json.dumps(made), flights))["files"] == {"landing:q.sql": "SELECT 1 AS origin"}
