"""Tables of other roots: what a job publishes there, as long as the root leads where it was published."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.data import seen
from portal.data.seen import Seen
from portal.environments.connections import add_connection, add_root
from portal.environments.models import Environment, Root
from portal.jobs.models import Place
from portal.jobs.places import Storages
from portal.queries import tables
from portal.queries.tables import tables_of
from tests.factories import make_job, make_person, make_run, make_version
from tests.queries.test_asking import ask

pytestmark = pytest.mark.django_db(transaction=True)
OUTPUT = {"stage": "write", "uri": "archive:2013/by_origin", "format": "parquet", "rows": 3, "save_mode": "Overwrite"}


@pytest.fixture
def published(lake: Path, flights: Any, dev: Environment, ana: User) -> Place:
    """daily_delays publishes archive:2013/by_origin."""
    admin = make_person("admin", flights, "environment_admin")
    keys = {"access_key": "AKIDEXAMPLE", "secret_key": "x" * 40}
    add_connection(actor=admin, environment=dev, name="lake_s3", kind="s3", settings={}, secrets=keys)
    add_root(actor=admin, environment=dev, name="archive", connection="lake_s3", address="s3a://acme-lake/archive/")
    job = make_job(flights, ana)
    run = make_run(make_version(job), dev, "succeeded", outputs=[OUTPUT])
    where = Storages(dev).of("archive:2013/by_origin")
    assert where
    return Place.objects.create(
        environment=dev, uri="archive:2013/by_origin", key="archive:2013/by_origin", owner=job, lies_at=where, last_run_id=run.pk,
        published_at=timezone.now(),
    )  # fmt: skip


def test_an_output_in_another_root_is_a_table(published: Place, browser_of: Any, ana: User, service: list[dict[str, Any]]) -> None:
    assert ask(browser_of(ana), "SELECT * FROM archive_2013_by_origin JOIN curated_daily_delays")[-1]["event"] == "rows"
    (asked,) = [one for one in service if "message" in one]
    read = asked["message"]["document"]["stages"][0]
    assert (read["type"], read["inputURI"], read["outputView"]) == ("ParquetExtract", "archive:2013/by_origin", "archive_2013_by_origin")


def test_a_root_that_leads_elsewhere_by_now_has_no_table_of_before(published: Place, dev: Environment) -> None:
    assert [table.uri for table in tables_of(dev)] == ["curated/daily_delays", "archive:2013/by_origin"]
    Root.objects.filter(environment=dev, name="archive").update(address="s3a://acme-other/")
    assert [table.uri for table in tables_of(Environment.objects.get(pk=dev.pk))] == ["curated/daily_delays"]


def test_a_root_that_does_not_answer_keeps_nobody_from_the_others(
    published: Place, dev: Environment, ana: User, browser_of: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, asked = threading.Event(), []

    def slow(environment: Environment, root: str, below: str) -> Seen:
        asked.append(root)
        assert answers.wait(20)
        return Seen([("2014/late.csv", 4, 0.0)], [], [])

    monkeypatch.setattr(seen, "_ask", slow)
    monkeypatch.setattr(tables, "PATIENCE", 0.1)
    page = browser_of(ana).get("/p/flights/data/dev/query").content.decode()
    assert "The root “archive” has not answered yet." in page and "curated_daily_delays" in page and "archive_2013_by_origin" in page
    assert "has not answered yet" in browser_of(ana).get("/api/v1/projects/flights/environments/dev/query/tables").json()["warnings"][0]
    assert ask(browser_of(ana), "SELECT * FROM curated_daily_delays")[-1]["event"] == "rows" and asked == ["archive"], "asked once for all"
    answers.set()
    page = browser_of(ana).get("/p/flights/data/dev/query").content.decode()
    assert "has not answered" not in page and "archive_2014_late" in page
