"""How far a job has read what grows is kept with its runs, and goes back where what they made goes back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from executor.language.places import key_of
from portal.jobs import places
from portal.jobs.models import Place
from portal.runs import published
from portal.runs.models import Run
from tests import factories

pytestmark = pytest.mark.django_db


def ended(version: Any, environment: Any, value: str, days: int, state: str = "succeeded") -> Run:
    run = factories.make_run(version, environment, state)
    marks = {"read": {"about": "a1", "value": value}} if value else {}
    Run.objects.filter(pk=run.pk).update(watermarks=marks, finished_at=timezone.now() + timedelta(days=days))
    run.refresh_from_db()
    return run


def read_until(run: Run) -> str | None:
    return published.values_for(run).get("watermarks", {}).get("read", {}).get("value")


def test_a_root_that_was_moved_begins_anew(version: Any, dev: Any, job: Any) -> None:
    now = factories.make_run(version, dev)
    ended(version, dev, "10", 1)
    (uri, *_) = published.outputs_of(now)
    place = Place.objects.create(environment=dev, uri=uri, key=key_of(uri), owner=job, lies_at=places.Storages(dev).of(uri))
    assert read_until(now) == "10"
    Place.objects.filter(pk=place.pk).update(lies_at="s3 other/bucket")
    assert read_until(now) is None, "nothing of what was read before lies there"


def test_a_run_goes_on_where_the_last_one_that_published_has_stopped(version: Any, dev: Any, job: Any) -> None:
    now = factories.make_run(version, dev)
    assert read_until(now) is None
    first, second = ended(version, dev, "10", 1), ended(version, dev, "20", 2)
    ended(version, dev, "30", 3, "failed")
    ended(version, dev, "", 4)
    assert read_until(now) == "20"
    place = Place.objects.create(environment=dev, uri="out", key="out", owner=job)
    published.read_no_further(place.owner, place.environment, first.pk)
    assert read_until(now) == "10"
    ended(version, dev, "25", 5)
    published.read_no_further(place.owner, place.environment, second.pk)
    assert read_until(now) == "20", "what was undone and put back again is there, and is not read twice"
    published.read_no_further(place.owner, place.environment, None)
    assert read_until(now) is None


def test_rows_that_are_read_again_are_not_added_where_they_are_already(flights: Any, ana: Any, dev: Any) -> None:
    from portal.errors import PortalError

    kept = json.loads(json.dumps(factories.DOCUMENT))
    load = next(stage for stage in kept["stages"] if "outputURI" in stage)
    kept["stages"] += [{**load, "name": "also", "outputURI": "curated/also", "saveMode": "Append"}]
    version = factories.make_version(factories.make_job(flights, ana, "two_outputs"), ana, kept)
    first, second = ended(version, dev, "10", 1), ended(version, dev, "20", 2)
    one, other = (
        Place.objects.create(environment=dev, uri=uri, key=key_of(uri), owner=version.job, last_run_id=second.pk)
        for uri in (load["outputURI"], "curated/also")
    )
    now = factories.make_run(version, dev)
    assert read_until(now) == "20"
    Place.objects.filter(pk=one.pk).update(last_run_id=first.pk)
    published.read_no_further(one.owner, one.environment, first.pk)
    with pytest.raises(PortalError, match="“curated/also” holds rows that this run would read again"):
        published.values_for(now)
    Place.objects.filter(pk=other.pk).update(last_run_id=first.pk)
    assert read_until(now) == "10", "both are back"


def test_a_table_of_a_database_cannot_be_put_back_with_the_others(flights: Any, ana: Any, dev: Any) -> None:
    from portal.errors import PortalError

    kept = json.loads(json.dumps(factories.DOCUMENT))
    load = next(stage for stage in kept["stages"] if "outputURI" in stage)
    table = {"type": "JDBCLoad", "name": "t", "connection": "shop", "inputView": load["inputView"], "tableName": "t", "saveMode": "Append"}
    for mode, is_refused in (("Append", True), ("Merge", False)):
        document = {**kept, "stages": [*kept["stages"], {**table, "saveMode": mode, "mergeKeys": ["origin"]}]}
        version = factories.make_version(factories.make_job(flights, ana, f"table_{mode.lower()}"), ana, document)
        first, second = ended(version, dev, "10", 1), ended(version, dev, "20", 2)
        place = Place.objects.create(environment=dev, uri=f"out{mode}", key=f"out{mode}".lower(), owner=version.job, last_run_id=second.pk)
        published.read_no_further(place.owner, place.environment, first.pk)
        now = factories.make_run(version, dev)
        if is_refused:
            with pytest.raises(PortalError, match="“t in shop” holds rows"):
                published.values_for(now)
            ended(version, dev, "25", 3)  # with a merge meanwhile
            assert read_until(now) == "25"
        else:
            assert read_until(now) == "10"


def writing(*places: str, **more: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(factories.DOCUMENT))
    load = next(stage for stage in document["stages"] if "outputURI" in stage)
    others = [stage for stage in document["stages"] if "outputURI" not in stage]
    loads = [{**load, "name": f"save_{number}", "outputURI": place} for number, place in enumerate(places)]
    return {**document, **more, "stages": [*others, *loads]}


def test_an_output_in_which_nothing_lies_yet_gets_all_rows(flights: Any, ana: Any, dev: Any) -> None:
    job = factories.make_job(flights, ana, "elsewhere_now")
    first, moved, both = (
        factories.make_version(job, ana, writing(*places)) for places in (["new/a"], ["new/b"], ["new/b", "new/c"])
    )  # fmt: skip
    ended(first, dev, "10", 1)
    Place.objects.create(environment=dev, uri="new/a", key=key_of("new/a"), owner=job)
    assert read_until(factories.make_run(first, dev)) == "10"
    assert read_until(factories.make_run(moved, dev)) is None, "the rows up to 10 lie in new/a"
    ended(moved, dev, "20", 2)
    place = Place.objects.create(environment=dev, uri="new/b", key=key_of("new/b"), owner=job)
    assert read_until(factories.make_run(moved, dev)) == "20" == read_until(factories.make_run(both, dev))
    assert read_until(factories.make_run(first, dev)) == "10", "what came since does not lie in new/a"
    given = factories.make_version(job, ana, writing("new/given"))
    Place.objects.create(environment=dev, uri="new/given", key=key_of("new/given"), owner=job, may_replace=True)
    assert read_until(factories.make_run(given, dev)) == "20", "taken over, with what somebody has put there"
    place.delete()
    assert read_until(factories.make_run(moved, dev)) == "20"


def test_a_place_for_each_day_is_one_output(flights: Any, ana: Any, dev: Any) -> None:
    days = {"parameters": {"day": {"type": "string"}}}
    version = factories.make_version(factories.make_job(flights, ana, "by_day"), ana, writing("new/${day}", **days))
    ended(version, dev, "10", 1)
    assert read_until(factories.make_run(version, dev, parameters={"day": "d2"})) == "10"


def test_of_a_table_nobody_knows_whether_it_was_renamed_with_its_rows(flights: Any, ana: Any, dev: Any) -> None:
    job, document = factories.make_job(flights, ana, "into_tables"), writing()
    load = {"type": "JDBCLoad", "name": "t", "connection": "shop", "inputView": "delays", "saveMode": "Append"}
    one, other = (
        factories.make_version(job, ana, {**document, "stages": [*document["stages"], {**load, "tableName": name}]}) for name in ("t", "u")
    )  # fmt: skip
    ended(one, dev, "10", 1)
    assert read_until(factories.make_run(other, dev)) == "10"
