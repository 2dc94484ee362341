"""How far a job has read what grows is kept with its runs, and goes back where what they made goes back."""

from __future__ import annotations

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
    published._read_no_further(place, first.pk)
    assert read_until(now) == "10"
    ended(version, dev, "25", 5)
    published._read_no_further(place, second.pk)
    assert read_until(now) == "20", "what was undone and put back again is there, and is not read twice"
    published._read_no_further(place, None)
    assert read_until(now) is None
