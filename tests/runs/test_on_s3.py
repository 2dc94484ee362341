"""Previews and programs over files where places lie on S3: behind the wall, with the network of that place alone, and with the keys on
standard input."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections as databases
from django.utils import timezone

from executor.stores.bucket import Bucket
from executor.stores.bucket_publishing import BucketPublisher
from executor.stores.s3_access import S3Access
from portal.environments import connections
from portal.jobs import places
from portal.jobs.models import Place
from portal.runs import half_published, preview_client, preview_reach, published
from portal.runs.preview_pool import Pool
from portal.runs.preview_service import Service, launch_for
from tests.environments.connected import KEYS
from tests.factories import DOCUMENT, make_run, make_version
from tests.services import s3_front

pytestmark = [pytest.mark.services, pytest.mark.lake, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def store(ada: Any, dev: Any, s3_server: Any, settings: Any, home: Path) -> Bucket:
    """dev's root `archive`, in an empty bucket."""
    settings.LAKE_DIR, settings.RUN_DIR = home / "lake", home / "run"
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    bucket = s3_server.new_bucket()
    fields = {"service": "other", "endpoint": s3_server.address, "tls": "off", "bucket_style": "path", "private_networks": ["127.0.0.0/8"]}
    connections.add_connection(actor=ada, environment=dev, name="store", kind="s3", settings=fields, secrets=KEYS)
    address = f"s3a://{bucket}/dev/"
    connections.add_root(actor=ada, environment=dev, name="archive", connection="store", address=address, may_write=True)
    return Bucket(bucket, "dev", S3Access(endpoint=s3_server.address, path_style=True, key_id="test", secret="test-secret"))


def publish(store: Bucket, run_id: str, folder: Path, commit: Any = lambda facts: None) -> None:
    """One file with the run's name in it, as the output `out`."""
    folder.mkdir(exist_ok=True)
    (folder / "part-0.csv").write_text(f"name\n{run_id}\n")
    publisher = BucketPublisher(store, run_id, keep=3)
    publisher.upload(folder, publisher.stage("out", "Overwrite"))
    publisher.publish(commit)


def there(store: Bucket) -> str:
    (file,) = store.files("out")
    answer = store.client.get_object(Bucket=store.bucket, Key=store.prefix + file.key)
    return answer["Body"].read().decode().split()[1]


@pytest.fixture
def version(job: Any) -> Any:
    """It reads `archive:out` and writes there."""
    extract, count, load = json.loads(json.dumps(DOCUMENT))["stages"]
    return make_version(job, document={"stages": [extract | {"inputURI": "archive:in.csv"}, count, load | {"outputURI": "archive:out"}]})


class Crash(BaseException):
    """The end of a process."""


def test_what_a_run_left_half_published_there_is_taken_back_or_ended(
    dev: Any, version: Any, store: Bucket, programs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, "good", tmp_path / "x")
    failed, done = make_run(version, dev, "failed", fence=1), make_run(version, dev, "succeeded", fence=1)
    monkeypatch.setattr(BucketPublisher, "_take_back", lambda self, done: None)  # as when the process is gone
    remove, kept_journals = Bucket.remove, []
    monkeypatch.setattr(Bucket, "remove", lambda self, keys: kept_journals.extend(keys))

    def die(facts: Any) -> None:
        raise Crash

    with pytest.raises(Crash):
        publish(store, str(failed.pk), tmp_path / "x", die)
    monkeypatch.setattr(Bucket, "remove", remove)
    assert there(store) == str(failed.pk), "it is visible, though its run has failed"
    failed.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    assert half_published.end_elsewhere() == 1
    assert [event["event"] for event in programs] == ["repaired"], programs
    assert there(store) == "good"

    monkeypatch.setattr(Bucket, "remove", lambda self, keys: None)
    with pytest.raises(Crash):
        publish(store, str(done.pk), tmp_path / "x", die)
    monkeypatch.setattr(Bucket, "remove", remove)
    done.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    assert half_published.end_elsewhere() == 1
    assert there(store) == str(done.pk), "its receipt is gone, but it is known to have published"
    assert half_published.end_elsewhere() == 0


def test_an_earlier_output_there_is_put_back_and_noted(
    dev: Any, ana: Any, job: Any, store: Bucket, programs: list[dict[str, Any]], tmp_path: Path
) -> None:
    for run_id in ("run-1", "run-2"):
        publish(store, run_id, tmp_path / "x")
    places.claim(job, dev, ["archive:out"])
    place = Place.objects.get()
    current = published.put_back(ana, place, "run-1")
    assert (current["run_id"], there(store)) == ("run-1", "run-1")
    place.refresh_from_db()
    assert [one["id"] for one in place.kept] == ["run-2"]


def test_a_survey_there_tells_columns_and_no_key(
    dev: Any, ana: Any, version: Any, store: Bucket, programs: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text(f"origin,{KEYS['access_key']}\nJFK,1\n")
    store.send(tmp_path / "in.csv", "in.csv")
    values = {"document": version.document, "environment": "dev", "parameters": {}}
    event = async_to_sync(preview_client.answer_over_files)("survey", user=ana.pk, environment=dev.pk, values=values)
    assert event["event"] == "surveyed", event
    assert [name for name, _ in event["inputs"][0]["columns"]["columns"]] == ["origin", "•••••"]


@pytest.mark.spark
def test_a_preview_reads_there_writes_nothing_and_says_what_it_reached(
    dev: Any, ana: Any, job: Any, version: Any, store: Bucket, s3_server: Any, settings: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREVIEW_SOCKET = home / "previews.sock"
    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)
    (home / "in.csv").write_text(f"origin,delay\nJFK,1\nEWR,2\nJFK,3\n{KEYS['secret_key'].replace(',', '')},4\n")
    store.send(home / "in.csv", "in.csv")
    before = s3_server.keys(store.bucket)

    def asked(content: Any, to: int) -> dict[str, Any]:
        message = {"request": "preview", "document": content, "to": to, "rows": 10, "environment": "dev", "values": {"parameters": {}}}
        return {"do": "ask", "user": ana.pk, "job": job.pk, "environment": dev.pk, "holder": "Ana", "message": message}

    async def previews() -> tuple[list[Any], int]:
        pool = Pool(launch_for)
        server = await Service(pool).listen(settings.PREVIEW_SOCKET)
        try:
            content, last = json.loads(version.document), []
            folder = {"stages": [content["stages"][0] | {"inputURI": "raw/none.csv"}]}
            for message in (asked(content, 1), asked(content, 2), asked(folder, 0)):
                last.append([event async for event in preview_client.request(message)][-1])
            return last, len(pool.leases)
        finally:
            await pool.end_all()
            server.close()

    with ThreadPoolExecutor(1) as beside:  # a browser that another test has used keeps a loop running here
        (counted, written, missing), sessions = beside.submit(asyncio.run, previews()).result()
    assert counted["event"] == "rows" and sorted(row[1] for row in counted["rows"])[-1] == 2, counted
    assert KEYS["secret_key"] not in str(counted) and "•••••" in str(counted["rows"])
    assert written["event"] == "rows", written
    assert (missing["problem"]["code"], sessions) == ("input-missing", 1)
    assert counted["network"][0] == ["Could reach", "the connection store"] and "the connection store, " in counted["network"][1][1]
    assert s3_server.keys(store.bucket) == before


@pytest.mark.spark
def test_a_session_that_lives_signs_in_with_the_new_secret_and_never_again_with_the_old_one(
    dev: Any,
    ana: Any,
    ada: Any,
    job: Any,
    version: Any,
    store: Bucket,
    s3_server: Any,
    settings: Any,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it keeps in memory of before is not looked after with the old one either."""
    settings.PREVIEW_SOCKET = home / "previews.sock"
    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)
    (home / "in.csv").write_text("origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
    store.send(home / "in.csv", "in.csv")
    new = KEYS | {"access_key": "AKIAIOSFODNN7CANARY2"}
    content = json.loads(version.document)
    message = {"request": "preview", "document": content, "to": 1, "rows": 10, "environment": "dev", "values": {"parameters": {}}}
    asked = {"do": "ask", "user": ana.pk, "job": job.pk, "environment": dev.pk, "holder": "Ana", "message": message}

    def rotate() -> None:
        connections.rotate_secret(actor=ada, connection=dev.connections.get(), secrets=new, old_for_minutes=0)
        front.ended.add(KEYS["access_key"])
        front.asked_by.clear()
        databases.close_all()

    async def previews() -> tuple[list[Any], int]:
        pool = Pool(launch_for)
        server = await Service(pool).listen(settings.PREVIEW_SOCKET)
        try:
            first = [event async for event in preview_client.request(asked)][-1]
            await asyncio.to_thread(rotate)
            again = [event async for event in preview_client.request(asked)][-1]
            return [first, again], len(pool.leases)
        finally:
            await pool.end_all()
            server.close()

    with s3_front.before(s3_server.address) as front, ThreadPoolExecutor(1) as beside:
        made = dev.connections.get()
        connections.edit_connection(actor=ada, connection=made, settings=made.settings | {"endpoint": front.address}, secrets=KEYS)
        (first, again), sessions = beside.submit(asyncio.run, previews()).result()
        by = set(front.asked_by)
    assert first["event"] == again["event"] == "rows" and first["rows"] == again["rows"], (first, again)
    assert (by, sessions) == ({new["access_key"]}, 1)


def test_a_folder_there_is_browsed(dev: Any, ana: Any, store: Bucket, programs: list[dict[str, Any]], tmp_path: Path) -> None:
    from portal.data.folders import folder

    publish(store, "run-1", tmp_path / "x")
    (tmp_path / "in.csv").write_text("origin\nJFK\n")
    store.send(tmp_path / "in.csv", "2013/in.csv")
    assert [(one["uri"], one["is_folder"]) for one in folder(ana, dev, "archive:")["entries"]] == [
        ("archive:2013", True),
        ("archive:out", True),
    ]
    (file,) = folder(ana, dev, "archive:2013")["entries"]
    assert (file["uri"], file["bytes"], file["stage_type"]) == ("archive:2013/in.csv", 11, "DelimitedExtract")
    found = folder(ana, dev, "archive:out")
    assert [one["name"] for one in found["entries"]] == ["part-0.csv"] and found["is_table"]
    assert [event["event"] for event in programs] == ["listed"] * 3 and KEYS["secret_key"] not in str(programs)


def test_a_file_of_a_person_is_sent_there_behind_the_wall(
    dev: Any, ana: Any, store: Bucket, programs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.data import actions

    data = b"origin\n" + b"JFK\n" * 5_000_000
    for number, if_there in enumerate(("ask", "new_version"), 1):
        upload = actions.begin_upload(actor=ana, environment=dev, name="in.csv", size=len(data), folder="archive:2013", if_there=if_there)
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[data], length=len(data))
        version = actions.finish_upload(actor=ana, upload=upload)
        assert (version.uri, version.number) == ("archive:2013/in.csv", number)
    (file,) = store.files("2013")
    assert file.size == len(data)
    actions.put_back(actor=ana, version=version.__class__.objects.get(number=1))
    actions.delete_data(actor=ana, environment=dev, uri="archive:2013/in.csv")
    assert store.files("2013") == []
    assert {"found", "progress", "brought", "kept"} >= {event["event"] for event in programs} >= {"found", "brought", "kept"}
    assert KEYS["secret_key"] not in str(programs)
