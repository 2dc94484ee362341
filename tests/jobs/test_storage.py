"""The object store: a folder by default, S3 by setting."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from portal.jobs import storage
from tests.services import s3

DATA = "{\n  “ä”\n}".encode()
SHA = hashlib.sha256(DATA).hexdigest()


def test_what_was_put_once_or_twice_can_be_read():
    storage.put(SHA, DATA)
    storage.put(SHA, DATA)
    assert storage.get(SHA) == DATA


def test_data_under_another_name_is_refused():
    with pytest.raises(ValueError, match="another sha256"):
        storage.put(SHA, b"else")


def test_a_changed_object_is_an_error_and_never_a_wrong_document(objects):
    storage.put(SHA, DATA)
    (objects / SHA[:2] / SHA).write_bytes(b"changed")
    with pytest.raises(storage.ObjectDamaged, match="was changed"):
        storage.get(SHA)


def test_putting_again_mends_a_changed_object(objects):
    storage.put(SHA, DATA)
    (objects / SHA[:2] / SHA).write_bytes(b"changed")
    storage.put(SHA, DATA)
    assert storage.get(SHA) == DATA


def test_a_missing_object_is_told():
    with pytest.raises(storage.ObjectDamaged, match="is not in the store"):
        storage.get(SHA)


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, SHA[:63], SHA + "/"])
def test_only_a_sha256_is_a_name(name):
    with pytest.raises(ValueError, match="no sha256"):
        storage.get(name)


def test_a_failed_write_leaves_nothing_behind(objects, monkeypatch):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", disk_full)
    with pytest.raises(storage.StoreDown) as refused:
        storage.put(SHA, DATA)
    assert (refused.value.status, refused.value.code) == (503, "object-store-down")
    assert [path for path in objects.rglob("*") if path.is_file()] == []


@pytest.fixture
def bucket(settings, monkeypatch):
    """A bucket on a real S3 server; the store is set to it."""
    import boto3

    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    storage._s3_client.cache_clear()
    with s3.running() as address:
        client = boto3.client("s3", endpoint_url=address)
        client.create_bucket(Bucket="sluice")
        settings.OBJECT_STORE, settings.OBJECT_STORE_ENDPOINT = "s3://sluice/documents/", address
        yield client
    storage._s3_client.cache_clear()


@pytest.mark.services
def test_s3_keeps_objects_below_the_prefix(bucket):
    storage.put(SHA, DATA)
    storage.put(SHA, DATA)
    assert storage.get(SHA) == DATA
    keys = [item["Key"] for item in bucket.list_objects_v2(Bucket="sluice")["Contents"]]
    assert keys == [f"documents/{SHA[:2]}/{SHA}"]


@pytest.mark.services
def test_s3_tells_of_changed_and_missing_objects(bucket):
    with pytest.raises(storage.ObjectDamaged, match="is not in the store"):
        storage.get(SHA)
    bucket.put_object(Bucket="sluice", Key=f"documents/{SHA[:2]}/{SHA}", Body=b"changed")
    with pytest.raises(storage.ObjectDamaged, match="was changed"):
        storage.get(SHA)


@pytest.mark.services
def test_a_missing_bucket_and_a_server_that_is_gone_are_told_in_words(bucket, settings):
    settings.OBJECT_STORE = "s3://elsewhere"
    with pytest.raises(storage.StoreDown, match="nothing was saved"):
        storage.put(SHA, DATA)
    settings.OBJECT_STORE_ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(storage.StoreDown):
        storage.get(SHA)


@pytest.mark.services
@pytest.mark.django_db
def test_a_version_is_saved_to_s3(bucket, ana, job):
    assert storage.get(job.latest_version.sha256) == job.latest_version.document.encode()


@pytest.mark.django_db
def test_nothing_is_saved_when_the_store_does_not_answer(ana, job, changed, settings, tmp_path):
    from portal.jobs import actions

    (tmp_path / "file").write_text("not a folder")
    settings.OBJECT_STORE = str(tmp_path / "file")
    with pytest.raises(storage.StoreDown):
        actions.save_version(actor=ana, job=job, document=changed(), message="", base_version=1)
    assert job.versions.count() == 1


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "The disk of the store for documents is full"), (errno.EACCES, "The store for documents does not answer")],
)
def test_a_store_that_cannot_be_written_says_why_without_the_path(number: int, says: str) -> None:
    down = storage.StoreDown(OSError(number, os.strerror(number), "/srv/sluice/objects/ab"))
    assert down.message.startswith(says) and "/srv" not in str(down.extra)
