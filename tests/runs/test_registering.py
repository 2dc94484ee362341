"""What runs publish is kept registered in a catalog by programs behind the wall; what fails there harms no run, and is told."""

from __future__ import annotations

import ipaddress
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections as databases
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from executor.files import marks
from executor.language.places import key_of
from executor.stores.bucket import Bucket
from executor.stores.bucket_publishing import BucketPublisher
from executor.stores.s3_access import S3Access
from portal.alerts import raising
from portal.alerts.models import Alert
from portal.catalogs import actions, registering
from portal.catalogs.models import Registration
from portal.environments import connections
from portal.environments.reach import storages_of
from portal.errors import NotAllowed, PortalError
from portal.jobs.models import Place
from portal.runs import preview_client, preview_reach, published
from portal.runs.file_programs import FilePrograms
from tests.environments.connected import KEYS
from tests.factories import make_run
from tests.services import aws

pytestmark = [pytest.mark.services, pytest.mark.lake, pytest.mark.django_db(transaction=True)]
NETWORKS = {"private_networks": ["127.0.0.0/8"], "tls": "off"}


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch, settings: Any, home: Path) -> list[dict[str, Any]]:
    """Whoever asks the preview service asks programs of this process; gives what they were asked and said."""
    found: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> Any:
        found.append(message)
        async for event in FilePrograms().answer(message):
            found.append(event)
            yield event

    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)
    monkeypatch.setattr(preview_client, "request", request)
    settings.LAKE_DIR, settings.RUN_DIR = home / "lake", home / "run"
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    return found


@pytest.fixture
def store(ada: Any, dev: Any, s3_server: Any) -> Bucket:
    """dev's root `archive`."""
    bucket = s3_server.new_bucket()
    fields = {"service": "other", "endpoint": s3_server.address, "bucket_style": "path", **NETWORKS}
    connections.add_connection(actor=ada, environment=dev, name="store", kind="s3", settings=fields, secrets=KEYS)
    address = f"s3a://{bucket}/dev/"
    connections.add_root(actor=ada, environment=dev, name="archive", connection="store", address=address, may_write=True)
    return Bucket(bucket, "dev", S3Access(endpoint=s3_server.address, path_style=True, key_id="test", secret="test-secret"))


@pytest.fixture
def glue(ada: Any, dev: Any, s3_server: Any) -> Any:
    """A database of moto's catalog, and dev's connection `catalog` to it."""
    client, name = aws.client(s3_server, "glue"), f"lake_{secrets.token_hex(4)}"
    client.create_database(DatabaseInput={"Name": name})
    fields = {"service": "other", "endpoint": s3_server.address, "database": name, "region": aws.REGION, **NETWORKS}
    connections.add_connection(actor=ada, environment=dev, name="catalog", kind="glue", settings=fields, secrets=KEYS)
    client.database = name
    return client


def publish(store: Bucket, run: Any, folder: Path, *days: str, kind: str = "long") -> Place:
    """A run of the job has published Parquet in folders at archive:daily."""
    for day in days:
        (folder / str(run.pk) / f"day={day}").mkdir(parents=True)
        (folder / str(run.pk) / f"day={day}/part-0.parquet").write_text("x")
    publisher = BucketPublisher(store, str(run.pk), keep=3)
    staged = publisher.stage("daily", "Overwrite")
    schema = [{"name": "n", "type": kind, "description": "how many"}, {"name": "day", "type": "date", "is_folder": True}]
    staged.facts = {"uri": "archive:daily", "format": "parquet", "rows": 7}
    staged.noted = marks.columns_noted(marks.Columns("sha", {}, schema=schema))
    publisher.upload(folder / str(run.pk), staged)
    (facts,) = publisher.publish(lambda facts: None)
    environment = run.environment
    known = {"owner": run.job, "lies_at": storages_of(environment)["archive"], "uri": "archive:daily"}
    place, _ = Place.objects.update_or_create(environment=environment, key=key_of("archive:daily"), defaults=known)
    place.last_run_id, place.published_at, place.kept = run.pk, timezone.now(), facts["kept"]
    place.save()
    return place


def table(glue: Any, name: str = "archive_daily") -> dict[str, Any]:
    found: dict[str, Any] = glue.get_table(DatabaseName=glue.database, Name=name)["Table"]
    return found


def days(glue: Any) -> list[str]:
    return sorted(one["Values"][0] for one in glue.get_partitions(DatabaseName=glue.database, TableName="archive_daily")["Partitions"])


def one() -> Registration:
    return Registration.objects.select_related("place__environment__project", "place__owner", "connection").get()


def run_of(version: Any, environment: Any) -> Any:
    return make_run(version, environment=environment, state="succeeded")


def test_a_catalog_follows_publishes_and_what_is_put_back(
    store: Bucket, glue: Any, version: Any, dev: Any, ana: Any, tmp_path: Path, heard: list[dict[str, Any]]
) -> None:
    first = run_of(version, dev)
    place = publish(store, first, tmp_path, "2013-01-01", "2013-01-02")
    assert registering.register_due() == 1 and one().state == "registered", one().problem
    said = table(glue)["Parameters"]
    assert (said["sluice.run"], said["sluice.job"], said["sluice.rows"]) == (str(first.pk), version.job.name, "7")
    assert said["sluice.version"] == str(version.number) and said["sluice.place"] == f"{dev.project.slug}/dev/archive:daily"
    assert table(glue)["StorageDescriptor"]["Columns"] == [{"Name": "n", "Type": "bigint", "Comment": "how many"}]
    assert days(glue) == ["2013-01-01", "2013-01-02"] and registering.register_due() == 0

    publish(store, run_of(version, dev), tmp_path, "2013-01-02", "2014-01-01", kind="string")
    registering.register_due()
    assert days(glue) == ["2013-01-02", "2014-01-01"] and table(glue)["StorageDescriptor"]["Columns"][0]["Type"] == "string"

    published.put_back(ana, place, str(first.pk))
    registering.register_due()
    assert days(glue) == ["2013-01-01", "2013-01-02"] and table(glue)["Parameters"]["sluice.run"] == str(first.pk)
    asked = [message for message in heard if message.get("what") == "register"]
    assert asked and all("uri" not in message["values"] for message in asked), "who registers reaches no root"


def test_what_fails_is_told_once_and_mended_by_itself(
    store: Bucket, glue: Any, version: Any, dev: Any, ana: Any, tmp_path: Path, s3_server: Any
) -> None:
    run = run_of(version, dev)
    publish(store, run, tmp_path, "2013-01-01")
    connection = dev.connections.get(name="catalog")
    with aws.refusing("AccessDeniedException") as away:
        dev.connections.filter(pk=connection.pk).update(settings=connection.settings | {"endpoint": away})
        for tries in range(1, 4):
            registering.register_due(timezone.now() + timedelta(hours=2 * tries))
            raising.registrations_changed()
            assert Alert.objects.count() == (tries == 3) and one().tries == tries
        run.refresh_from_db()
        assert run.state == "succeeded" and "may not do this" in one().problem["message"]
        raising.registrations_changed()
        alert = Alert.objects.get()
        assert alert.event == "not_registered" and "Give the connection's key the rights" in alert.body and "canary" not in alert.body
    dev.connections.filter(pk=connection.pk).update(settings=connection.settings)
    registering.register_due()
    raising.registrations_changed()
    alert.refresh_from_db()
    assert one().state == "registered" and alert.state == "resolved" and days(glue) == ["2013-01-01"]


def test_somebody_elses_table_is_left_and_another_name_helps(
    store: Bucket, glue: Any, version: Any, dev: Any, ana: Any, tmp_path: Path
) -> None:
    glue.create_table(DatabaseName=glue.database, TableInput={"Name": "archive_daily", "Parameters": {"by": "hand"}})
    publish(store, run_of(version, dev), tmp_path, "2013-01-01")
    registering.register_due()
    assert one().is_given_up and one().problem["code"] == "catalog-taken" and table(glue)["Parameters"] == {"by": "hand"}
    raising.registrations_changed()
    assert Alert.objects.count() == 1
    with pytest.raises(PortalError, match="plain names"):
        actions.register(actor=ana, environment=dev, uri="archive:daily", catalog="catalog", name="a; DROP")
    actions.register(actor=ana, environment=dev, uri="archive:daily", catalog="catalog", name="daily")
    registering.register_due()
    assert one().state == "registered" and table(glue, "daily") and table(glue)["Parameters"] == {"by": "hand"}
    actions.register(actor=ana, environment=dev, uri="archive:daily", catalog="catalog", name="daily_rows")
    registering.register_due()
    names = [found["Name"] for found in glue.get_tables(DatabaseName=glue.database)["TableList"]]
    assert sorted(names) == ["archive_daily", "daily_rows"]
    actions.take_out(actor=ana, environment=dev, uri="archive:daily", catalog="catalog")
    registering.register_due()
    publish(store, run_of(version, dev), tmp_path, "2013-01-01")
    registering.register_due()
    names = [found["Name"] for found in glue.get_tables(DatabaseName=glue.database)["TableList"]]
    assert names == ["archive_daily"] and one().state == "out"


def test_a_root_that_leads_elsewhere_by_now_is_not_registered(store: Bucket, glue: Any, version: Any, dev: Any, tmp_path: Path) -> None:
    place = publish(store, run_of(version, dev), tmp_path, "2013-01-01")
    Place.objects.filter(pk=place.pk).update(lies_at="s3://elsewhere s3a://other/")
    registering.register_due()
    assert one().problem["code"] == "place-moved" and glue.get_tables(DatabaseName=glue.database)["TableList"] == []


def test_the_pages_and_the_api_say_the_same(store: Bucket, glue: Any, version: Any, dev: Any, ana: Any, vic: Any, tmp_path: Path) -> None:
    run = run_of(version, dev)
    place = publish(store, run, tmp_path, "2013-01-01")
    run.outputs = [{"uri": "archive:daily", "stage": "save", "list": "behind"}]
    run.save()
    registering.register_due()
    browser, base = Client(), f"/p/{dev.project.slug}/data/dev/catalog"
    browser.force_login(ana)
    page = browser.get(base, {"uri": "archive:daily"}).content.decode()
    assert f"{glue.database}.archive_daily" in page and "Register again" in page
    piece = browser.post(f"{base}/statement?uri=archive:daily").content.decode()
    assert "CREATE EXTERNAL TABLE `archive_daily`" in piece and "_symlink_format_manifest" in piece
    api = f"/api/v1/projects/{dev.project.slug}/environments/dev"
    answer = browser.post(f"{api}/places/statement", {"uri": "archive:daily", "database": "lake"}, content_type="application/json")
    assert "`lake`.`archive_daily`" in answer.json()["ddl"]
    (listed,) = browser.get(f"{api}/registrations/").json()["results"]
    assert (listed["state"], listed["database"], listed["name"]) == ("registered", glue.database, "archive_daily")
    told = browser.get(reverse("runs:run", args=[dev.project.slug, run.pk])).content.decode()
    assert "list of files behind" in told and f"{glue.database}.archive_daily" in told
    browser.force_login(vic)
    assert "names the columns" in browser.get(base, {"uri": "archive:daily"}).content.decode()
    assert browser.post(f"{base}/statement?uri=archive:daily").status_code == 404
    with pytest.raises(NotAllowed):
        actions.register(actor=vic, environment=dev, uri=place.uri, catalog="catalog")
