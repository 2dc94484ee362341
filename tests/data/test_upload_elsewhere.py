"""Files that people bring to a root on S3, delete there and put back."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from executor.stores import by_hand
from executor.stores.by_hand import ByHand
from executor.stores.hands import KEPT
from portal.accounts.models import Membership, User
from portal.audit.models import AuditEvent
from portal.data import actions, guards, names, tidying
from portal.data.elsewhere import Elsewhere
from portal.data.lake import Taken
from portal.data.models import FileVersion, Upload, UploadState, VersionState
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.models import Place
from portal.runs import launcher
from tests.data.programs import in_this_process
from tests.environments.connected import KEYS
from tests.factories import make_job

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
A, B = b"n\n1\n2\n", b"n\n1\n2\n3\n"
Bring = Callable[..., FileVersion]


class There:
    """A bucket, in which a root of dev begins at dev/."""

    def __init__(self, server: Any, bucket: str) -> None:
        self.server, self.bucket = server, bucket

    def body(self, key: str) -> bytes:
        return self.server.client.get_object(Bucket=self.bucket, Key=f"dev/{key}")["Body"].read()

    def keys(self) -> list[str]:
        return [key.removeprefix("dev/") for key in self.server.keys(self.bucket)]

    def seen(self) -> list[str]:
        return [key for key in self.keys() if not key.startswith(".")]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return in_this_process(monkeypatch)


def connect(ada: User, dev: Environment, s3_server: Any, settings: Any) -> There:
    """dev has the connection `store`, to an empty bucket."""
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    bucket = s3_server.new_bucket()
    fields = {"service": "other", "endpoint": s3_server.address, "tls": "off", "bucket_style": "path", "private_networks": ["127.0.0.0/8"]}
    connections.add_connection(actor=ada, environment=dev, name="store", kind="s3", settings=fields, secrets=KEYS)
    return There(s3_server, bucket)


@pytest.fixture
def there(ada: User, dev: Environment, s3_server: Any, settings: Any, asked: Any) -> There:
    found = connect(ada, dev, s3_server, settings)
    root = {"environment": dev, "connection": "store", "may_write": True}
    connections.add_root(actor=ada, name="archive", address=f"s3a://{found.bucket}/dev/", **root)
    connections.add_root(actor=ada, name="open_data", address=f"s3a://{found.bucket}/open/", **root | {"may_write": False})
    return found


def faults(there: There) -> list[str]:
    """What does not lie there as the rows say."""
    found, lying = [], there.keys()
    for version in FileVersion.objects.all():
        key = version.uri.removeprefix("archive:") if version.state == VersionState.SHOWN else f"{KEPT}/{version.pk}"
        if key not in lying or len(there.body(key)) != version.size:
            found.append(f"{version}: {version.state}")
    shown = {version.uri.removeprefix("archive:") for version in FileVersion.objects.shown()}
    return found + [key for key in there.seen() if key not in shown]


@pytest.mark.parametrize(
    ("folder", "uri"),
    [("archive:", "archive:a_50.csv"), ("archive:2013/in", "archive:2013/in/a_50.csv"), ("archive:2013/", "archive:2013/a_50.csv")],
)
def test_a_file_goes_to_any_root_that_may_be_written(
    there: There, dev: Environment, ana: User, bring: Bring, asked: list[dict[str, Any]], folder: str, uri: str
) -> None:
    version = bring("a 50%.csv", A, folder=folder)
    assert (version.uri, version.original_name) == (uri, "a 50%.csv") and there.body(uri.removeprefix("archive:")) == A
    place = Place.objects.get()
    assert (place.uri, place.given_by) == (uri, ana) and there.bucket in place.lies_at
    with pytest.raises(Conflict):
        places.require_own(make_job(dev.project, ana), dev, [uri])
    event = AuditEvent.objects.get(action="upload_data")
    assert (event.actor, event.details["bytes"], event.details["did"]) == (ana, len(A), "new")
    upload = Upload.objects.get()
    assert (upload.state, upload.sent) == (UploadState.FINISHED, len(A)) and faults(there) == []
    assert actions.finish_upload(actor=ana, upload=upload) == version
    assert not list((actions.Lake(dev)._hidden / "uploads").iterdir()), "nothing of it waits any longer"
    assert KEYS["secret_key"] not in str(asked)


def test_the_address_of_the_bucket_is_the_same_place(there: There, bring: Bring) -> None:
    assert bring("a.csv", A, folder=f"s3a://{there.bucket}/dev/x").uri == "archive:x/a.csv"


@pytest.mark.parametrize(
    "folder",
    ["open_data:", "open_data:x", "nowhere:x", "archive:../x", "archive:a b/x", "archive:.sluice-kept", "s3a://other/x", "archive:*"],
)
def test_nothing_goes_elsewhere(there: There, bring: Bring, folder: str) -> None:
    with pytest.raises(names.BadPlace):
        bring("a.csv", A, folder=folder)
    assert there.keys() == []


def test_what_is_there_already_asks_and_nothing_is_lost(there: There, dev: Environment, ana: User, bring: Bring) -> None:
    first = bring("a.csv", A, folder="archive:in")
    with pytest.raises(Taken) as asks:
        bring("A.csv", B, folder="archive:in")
    assert asks.value.extra["choices"] == ["new_version", "replace", "keep_both"] and asks.value.extra["free"] == "archive:in/A_2.csv"
    second = bring("a.csv", B, folder="archive:in", if_there="new_version")
    assert (second.uri, second.number, there.body("in/a.csv")) == ("archive:in/a.csv", 2, B)
    both = bring("a.csv", A, folder="archive:in", if_there="keep_both")
    third = bring("a.csv", A + A, folder="archive:in", if_there="replace")
    states = {version.pk: version.state for version in FileVersion.objects.all()}
    assert states == {first.pk: "kept", second.pk: "binned", both.pk: "shown", third.pk: "shown"} and both.uri == "archive:in/a_2.csv"
    assert faults(there) == []
    actions.put_back(actor=ana, version=first)
    assert there.body("in/a.csv") == A and faults(there) == []
    actions.delete_data(actor=ana, environment=dev, uri="archive:in/a.csv")
    assert there.seen() == ["in/a_2.csv"] and faults(there) == [] and Place.objects.count() == 1
    actions.put_back(actor=ana, version=FileVersion.objects.get(pk=first.pk))
    actions.discard_upload(actor=ana, environment=dev, uri="archive:in/a_2.csv")
    assert there.seen() == ["in/a.csv"] and faults(there) == []
    with pytest.raises(Conflict):
        actions.rename_data(actor=ana, environment=dev, uri="archive:in/a.csv", to="archive:b.csv")


def test_what_somebody_else_wrote_there_is_kept_too(there: There, bring: Bring, dev: Environment, ana: User) -> None:
    there.server.client.put_object(Bucket=there.bucket, Key="dev/a.csv", Body=b"not by Sluice")
    bring("a.csv", A, folder="archive:", if_there="replace")
    old = FileVersion.objects.get(state="binned")
    assert there.body(f"{KEPT}/{old.pk}") == b"not by Sluice" and old.brought_by is None and faults(there) == []
    FileVersion.objects.filter(pk=old.pk).update(expires_at="2020-01-01T00:00Z")
    tidying.tidy()
    assert there.keys() == ["a.csv"]


def test_nothing_is_brought_over_an_output(there: There, dev: Environment, ana: User, bring: Bring) -> None:
    job = make_job(dev.project, ana)
    places.claim(job, dev, ["archive:out"])
    for folder, name in (("archive:out", "a.csv"), ("archive:", "out")):
        with pytest.raises((guards.IsAnOutput, PortalError)):
            bring(name, A, folder=folder)
    assert there.keys() == []


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize(("step", "is_there"), [("_send", False), ("_show", True)])
def test_who_is_killed_while_it_is_sent_loses_nothing(
    there: There, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch, step: str, is_there: bool
) -> None:
    bring("a.csv", A, folder="archive:")
    real = getattr(ByHand, step)

    def die(self: ByHand, *given: Any) -> Any:
        real(self, *given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ByHand, step, die)
        patch.setattr(ByHand, "_end", lambda self, *given: None)
        with pytest.raises(Killed):
            bring("a.csv", B, folder="archive:", if_there="new_version")
    upload = Upload.objects.get(state=UploadState.SENDING)
    assert there.body("a.csv") == (B if is_there else A)
    with pytest.raises(Conflict) as under_way:
        bring("a.csv", A, folder="archive:", if_there="replace")
    assert under_way.value.code == "place-under-way"
    Upload.objects.exclude(pk=upload.pk).delete()
    tidying.tidy()
    upload.refresh_from_db()
    assert upload.state == (UploadState.FINISHED if is_there else UploadState.OPEN) and faults(there) == []
    version = actions.finish_upload(actor=ana, upload=upload)
    assert (there.body("a.csv"), version.number, FileVersion.objects.count()) == (B, 2, 2) and faults(there) == []


def test_an_answer_that_was_lost_is_asked_for_again(
    there: There, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Elsewhere.bring

    def unheard(self: Elsewhere, *given: Any) -> Any:
        real(self, *given)
        raise PortalError("The preview service does not answer.", code="previews-down", status=503)

    with monkeypatch.context() as patch:
        patch.setattr(Elsewhere, "bring", unheard)
        with pytest.raises(PortalError):
            bring("a.csv", A, folder="archive:")
    upload = Upload.objects.get()
    assert upload.state == UploadState.SENDING
    with pytest.raises(Conflict):
        actions.cancel_upload(actor=ana, upload=upload)
    assert actions.finish_upload(actor=ana, upload=upload).number == 1 and faults(there) == []


def test_a_refusal_in_the_middle_leaves_nothing_and_the_place_is_free(
    there: There, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def expired(self: ByHand, *given: Any) -> Any:
        with by_hand.told("s3://x"):
            raise ClientError({"Error": {"Code": "ExpiredToken"}}, "UploadPart")

    with monkeypatch.context() as patch:
        patch.setattr(ByHand, "_send", expired)
        with pytest.raises(PortalError, match="the sign-in has expired"):
            bring("a.csv", A, folder="archive:")
    assert there.keys() == [] and Place.objects.count() == 0
    assert actions.finish_upload(actor=ana, upload=Upload.objects.get()).number == 1


def test_who_loses_the_right_while_it_is_sent_brings_nothing(
    there: There, dev: Environment, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_hand, "PART", 5 << 20)
    send = ByHand._send

    def meanwhile(self: ByHand, *given: Any) -> Any:
        Membership.objects.filter(user=ana).delete()
        return send(self, *given)

    monkeypatch.setattr(ByHand, "_send", meanwhile)
    with pytest.raises(NotAllowed):
        bring("a.csv", A, folder="archive:")
    assert there.seen() == [] and Place.objects.count() == 0 and Upload.objects.get().state == UploadState.OPEN


def test_a_root_that_is_gone_is_told(there: There, ada: User, dev: Environment, ana: User) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=len(A), folder="archive:")
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=len(A))
    connections.remove_root(actor=ada, root=dev.roots.get(name="archive"))
    with pytest.raises(PortalError, match="no root “archive”"):
        actions.finish_upload(actor=ana, upload=upload)
    assert there.keys() == []


def test_the_api_does_the_same(there: There, ana: User, dev: Environment, program_of: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    url, program = "/api/v1/projects/flights/environments/dev/", program_of(ana)
    answer = program.post(f"{url}files/?folder=archive:in", {"file": SimpleUploadedFile("a.csv", A)}, format="multipart")
    assert answer.status_code == 201 and answer.json()["uri"] == "archive:in/a.csv" and there.body("in/a.csv") == A
    again = program.post(f"{url}files/?folder=archive:in", {"file": SimpleUploadedFile("a.csv", A)}, format="multipart")
    assert again.status_code == 409 and again.json()["choices"]
    refused = program.post(f"{url}files/?folder=open_data:in", {"file": SimpleUploadedFile("a.csv", A)}, format="multipart")
    assert refused.status_code == 422 and refused.json()["code"] == "root-read-only"
    begun = program.post(f"{url}uploads/", {"name": "a.csv", "size": 6, "over": "lake:raw/a.csv"}, format="json")
    assert begun.json()["uri"] == "raw/a.csv"
    deleted = program.delete(f"{url}files/?uri=archive:in/a.csv")
    assert deleted.status_code == 200 and there.seen() == []
    back = program.post(f"{url}files/versions/{deleted.json()['id']}/put-back")
    assert back.status_code == 200 and there.body("in/a.csv") == A


def lead(ada: User, dev: Environment, there: There, name: str, where: str) -> None:
    """The root lies elsewhere in the bucket from now on; with "" in the environment's own folder."""
    at = {"connection": "store", "address": f"s3a://{there.bucket}/{where}/"} if where else {"connection": "", "address": ""}
    connections.edit_root(actor=ada, root=dev.roots.get(name=name), may_write=True, **at)


@pytest.mark.parametrize(
    ("root", "folder", "leads"), [("archive", "archive:", ["other"]), ("lake", "", ["other"]), ("lake", "", ["other", ""])]
)
def test_a_file_does_not_come_to_lie_where_nobody_meant_it(
    there: There, ada: User, dev: Environment, ana: User, root: str, folder: str, leads: list[str]
) -> None:
    """The root is given another place between the first byte and the last."""
    *before, last = leads
    for where in before:
        lead(ada, dev, there, root, where)
    asked = {"actor": ana, "environment": dev, "name": "a.csv", "size": len(A), "folder": folder, "fingerprint": "f"}
    upload = actions.begin_upload(**asked)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=len(A))
    lead(ada, dev, there, root, last)
    with pytest.raises(Conflict, match="leads elsewhere since this upload began"):
        actions.finish_upload(actor=ana, upload=upload)
    assert there.keys() == [] and not FileVersion.objects.exists() and Place.objects.count() == 0
    assert not (launcher.lake_folder(dev) / "a.csv").exists()
    again = actions.begin_upload(**asked)
    assert again.pk != upload.pk, "the next one begins anew, where the root leads by then"


def test_what_was_kept_where_the_root_led_takes_nothing_away_where_it_leads(
    there: There, ada: User, dev: Environment, ana: User, bring: Bring
) -> None:
    kept = bring("a.csv", A, folder="archive:")
    bring("a.csv", B, folder="archive:", if_there="new_version")
    lead(ada, dev, there, "archive", "other")
    there.server.client.put_object(Bucket=there.bucket, Key="other/a.csv", Body=b"somebody else's")
    before = {key: there.server.client.get_object(Bucket=there.bucket, Key=key)["Body"].read() for key in there.server.keys(there.bucket)}
    with pytest.raises(PortalError):
        actions.put_back(actor=ana, version=FileVersion.objects.get(pk=kept.pk))
    after = {key: there.server.client.get_object(Bucket=there.bucket, Key=key)["Body"].read() for key in there.server.keys(there.bucket)}
    assert after == before
    assert FileVersion.objects.get(pk=kept.pk).state == VersionState.KEPT
    lead(ada, dev, there, "archive", "dev")
    actions.put_back(actor=ana, version=FileVersion.objects.get(pk=kept.pk))
    assert there.body("a.csv") == A
