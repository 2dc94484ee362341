"""Bringing a file: in pieces, after breaks, over another one; and what is refused."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.data import actions, guards, names, versions
from portal.data.lake import DiskFull, Lake, NothingThere, Taken
from portal.data.models import FileVersion, Upload
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.models import Draft, Place
from tests.factories import as_text, make_environment, make_job, make_version

pytestmark = pytest.mark.django_db
Bring = Callable[..., FileVersion]
A, B = b"n\n1\n2\n", b"n\n1\n2\n3\n"


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_there_when_it_is_whole_and_not_before(dev: Environment, ana: User, lake: Path) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="Umsätze 50%.csv", size=6)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A[:2]], length=2)
    with pytest.raises(Conflict) as early:
        actions.finish_upload(actor=ana, upload=upload)
    assert early.value.code == "not-whole" and early.value.extra["offset"] == 2
    assert files_below(lake) == []
    actions.receive_piece(actor=ana, upload=upload, offset=2, parts=[A[2:4], A[4:]], length=4)
    assert files_below(lake) == []
    version = actions.finish_upload(actor=ana, upload=upload)
    assert (lake / "raw" / "Umsätze_50.csv").read_bytes() == A
    assert (version.original_name, version.sha256, version.number) == ("Umsätze 50%.csv", hashlib.sha256(A).hexdigest(), 1)
    event = AuditEvent.objects.get(action="upload_data")
    assert (event.actor, event.environment, event.details["bytes"]) == (ana, "dev", 6)


def test_finishing_twice_is_finishing_once(dev: Environment, ana: User, bring: Bring, lake: Path) -> None:
    version = bring("a.csv", A)
    assert actions.finish_upload(actor=ana, upload=Upload.objects.get()) == version
    assert FileVersion.objects.count() == 1 and files_below(lake) == ["raw/a.csv"]


def broken(*parts: bytes) -> Any:
    yield from parts
    raise PortalError("The connection ended.", code="broken-off")


def test_after_a_break_sending_goes_on_where_it_stopped(dev: Environment, ana: User, lake: Path) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6, fingerprint="f")
    with pytest.raises(PortalError):
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=broken(A[:3]), length=6)
    again = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6, fingerprint="f")
    assert (again.pk, again.received) == (upload.pk, 3)
    actions.receive_piece(actor=ana, upload=again, offset=3, parts=[A[3:]], length=3)
    actions.finish_upload(actor=ana, upload=again)
    assert (lake / "raw" / "a.csv").read_bytes() == A


def test_another_file_of_the_same_name_and_size_is_not_gone_on_with(dev: Environment, ana: User, ben: User) -> None:
    first = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6, fingerprint="f")
    assert actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6, fingerprint="g").pk != first.pk
    assert actions.begin_upload(actor=ben, environment=dev, name="a.csv", size=6, fingerprint="f").pk != first.pk


def test_a_piece_that_broke_off_under_a_checksum_is_dropped_whole(dev: Environment, ana: User) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    with pytest.raises(PortalError):
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=broken(A[:3]), length=6, sha256="0" * 64)
    assert Upload.objects.get().received == 0


@pytest.mark.parametrize(
    ("parts", "length", "sha256", "code"),
    [
        ([A], 6, "0" * 64, "piece-damaged"),
        ([A[:5]], 6, "", "piece-damaged"),
        ([A + b"x"], 7, "", "piece-too-long"),
        ([A, A], 12, "", "piece-too-long"),
    ],
)
def test_a_piece_that_is_not_what_was_said_is_dropped(
    dev: Environment, ana: User, parts: list[bytes], length: int, sha256: str, code: str
) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    with pytest.raises(PortalError) as refused:
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=parts, length=length, sha256=sha256)
    assert refused.value.code == code and Upload.objects.get().received == 0
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=6, sha256=hashlib.sha256(A).hexdigest())
    actions.finish_upload(actor=ana, upload=upload)


@pytest.mark.parametrize("offset", [1, 5, 6, 7, 10**14])
def test_another_offset_is_refused_and_the_right_one_told(dev: Environment, ana: User, offset: int) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    with pytest.raises(Conflict) as refused:
        actions.receive_piece(actor=ana, upload=upload, offset=offset, parts=[A], length=6)
    assert (refused.value.code, refused.value.extra["offset"]) == ("other-offset", 0)


def test_two_pieces_at_once_are_one_piece(dev: Environment, ana: User) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    other = Upload.objects.get(pk=upload.pk)

    def meanwhile() -> Any:
        yield A[:3]
        with pytest.raises(Conflict) as refused:
            actions.receive_piece(actor=ana, upload=other, offset=0, parts=[b"x\nx\nx\n"], length=6)
        assert refused.value.code == "piece-under-way"
        yield A[3:]

    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=meanwhile(), length=6)
    assert Upload.objects.get().received == 6


def test_what_is_closed_takes_no_more(dev: Environment, ana: User, bring: Bring) -> None:
    bring("a.csv", A)
    upload = Upload.objects.get()
    for act in (
        lambda: actions.receive_piece(actor=ana, upload=upload, offset=6, parts=[b"x"], length=1),
        lambda: actions.cancel_upload(actor=ana, upload=upload),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "upload-closed"


def test_cancelling_leaves_nothing(dev: Environment, ana: User, lake_root: Path) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A[:3]], length=3)
    actions.cancel_upload(actor=ana, upload=upload)
    assert files_below(lake_root) == []


# --- sizes ---


def test_the_limit_is_said_and_held(dev: Environment, ana: User, settings: Any, lake_root: Path) -> None:
    settings.UPLOAD_LIMIT_MB = 1
    with pytest.raises(actions.TooLarge) as refused:
        actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=1_000_001)
    assert "1,000,000" in refused.value.message
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=None)  # a form, whose length nobody knows
    with pytest.raises(actions.TooLarge):
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[b"x" * 600_000] * 2, length=None)


def test_an_empty_file_is_refused(dev: Environment, ana: User) -> None:
    with pytest.raises(PortalError) as refused:
        actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=0)
    assert refused.value.code == "file-empty"


def test_a_full_disk_is_told_before(dev: Environment, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lake, "free_bytes", lambda self: 100)
    actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=60)
    with pytest.raises(DiskFull):  # the two fit one at a time only
        actions.begin_upload(actor=ana, environment=dev, name="b.csv", size=60)


def test_a_disk_that_fills_up_keeps_what_came(dev: Environment, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A[:2]], length=2)
    real = os.write

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFull):
        actions.receive_piece(actor=ana, upload=upload, offset=2, parts=[A[2:]], length=4)
    monkeypatch.setattr(os, "write", real)
    assert Upload.objects.get().received == 2
    actions.receive_piece(actor=ana, upload=Upload.objects.get(), offset=2, parts=[A[2:]], length=4)


# --- the second time ---


def test_a_second_upload_of_the_name_asks(bring: Bring, ana: User, dev: Environment, lake: Path) -> None:
    make_version(
        make_job(dev.project, ana, "load"), ana, {"stages": [{"type": "DelimitedExtract", "inputURI": "raw/a.csv"}]}, live_in=("dev",)
    )
    bring("a.csv", A)
    for twin in ("a.csv", "A.CSV", "a?.csv"[0:1] + ".csv"):
        with pytest.raises(Taken) as asked:
            bring(twin, B)
        assert asked.value.extra["choices"] == ["new_version", "replace", "keep_both"]
        assert asked.value.extra["used_by"][0]["job"] == "load"
    assert (lake / "raw" / "a.csv").read_bytes() == A


def test_keep_both(bring: Bring, lake: Path) -> None:
    bring("a.csv.gz", b"\x1f\x8b" + A)
    assert bring("a.csv.gz", b"\x1f\x8b" + B, if_there="keep_both").uri == "raw/a_2.csv.gz"
    assert bring("A.csv.gz", b"\x1f\x8b" + B, if_there="keep_both").uri == "raw/A_3.csv.gz"
    assert files_below(lake) == ["raw/A_3.csv.gz", "raw/a.csv.gz", "raw/a_2.csv.gz"]


@pytest.mark.parametrize(("if_there", "state"), [("new_version", "kept"), ("replace", "binned")])
def test_over_another_one_the_old_can_be_put_back(bring: Bring, ana: User, lake: Path, if_there: str, state: str) -> None:
    first = bring("a.csv", A)
    second = bring("a.csv", B, if_there=if_there)
    first.refresh_from_db()
    assert (first.state, second.state, second.number) == (state, "shown", 2)
    assert (lake / "raw" / "a.csv").read_bytes() == B
    actions.put_back(actor=ana, version=first)
    assert (lake / "raw" / "a.csv").read_bytes() == A
    second.refresh_from_db()
    assert second.state == "kept"
    actions.put_back(actor=ana, version=second)
    assert (lake / "raw" / "a.csv").read_bytes() == B


def test_a_file_that_was_there_before_is_kept_too(bring: Bring, ana: User, lake: Path) -> None:
    (lake / "raw").mkdir()
    (lake / "raw" / "a.csv").write_bytes(A)
    bring("a.csv", B, if_there="new_version")
    old = FileVersion.objects.get(number=1)
    assert old.brought_by is None
    actions.put_back(actor=ana, version=old)
    assert (lake / "raw" / "a.csv").read_bytes() == A


def test_what_came_meanwhile_asks_again_at_the_end(dev: Environment, ana: User, ben: User, bring: Bring, lake: Path) -> None:
    slow = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    actions.receive_piece(actor=ana, upload=slow, offset=0, parts=[A], length=6)
    bring("a.csv", B, who=ben)
    with pytest.raises(Taken):
        actions.finish_upload(actor=ana, upload=slow)
    assert (lake / "raw" / "a.csv").read_bytes() == B
    actions.finish_upload(actor=ana, upload=slow, if_there="keep_both")
    assert files_below(lake) == ["raw/a.csv", "raw/a_2.csv"]


def test_a_folder_is_never_written_over(bring: Bring, lake: Path) -> None:
    (lake / "raw" / "a.csv").mkdir(parents=True)
    for answer in ("ask", "replace", "new_version"):
        with pytest.raises(Taken):
            bring("a.csv", A, if_there=answer)


# --- outputs of jobs ---


def test_an_output_of_a_job_is_not_a_place_for_files(bring: Bring, ana: User, dev: Environment) -> None:
    job = make_job(dev.project, ana, "report")
    places.claim(job, dev, ["curated/daily"])
    make_version(
        make_job(dev.project, ana, "live"), ana, {"stages": [{"type": "ParquetLoad", "outputURI": "live/${environment}"}]}, live_in=("dev",)
    )
    for folder in ("curated/daily", "curated/Daily", "curated/daily/x", "live/dev"):
        with pytest.raises(guards.IsAnOutput):
            bring("a.csv", A, folder=folder)
    with pytest.raises(guards.IsAnOutput):
        bring("daily", A, folder="curated")
    bring("a.csv", A, folder="curated")
    bring("a.csv", A, folder="curated/daily2")
    with pytest.raises(Conflict):  # and the other way round: no job publishes over a file that somebody brought
        places.claim(job, dev, ["curated/a.csv"])


def test_a_draft_of_somebody_keeps_nobody_out(bring: Bring, ana: User, dev: Environment) -> None:
    document = {"stages": [{"type": "ParquetLoad", "outputURI": "${anything}"}, {"type": "ParquetLoad", "outputURI": "raw"}]}
    Draft.objects.create(job=make_job(dev.project, ana, "report"), user=ana, document=as_text(document))
    bring("a.csv", A)


# --- who ---


def test_who_may(dev: Environment, prod: Environment, ana: User, vic: User, olu: User, pat: User, ada: User, outsider: User) -> None:
    for person in (vic, olu, pat, ada, outsider):
        with pytest.raises(NotAllowed):
            actions.begin_upload(actor=person, environment=dev, name="a.csv", size=6)
    for person in (ana, olu):
        with pytest.raises(NotAllowed):
            actions.begin_upload(actor=person, environment=prod, name="a.csv", size=6)
    prod.upload_roles = ["operator"]
    prod.save()
    actions.begin_upload(actor=olu, environment=prod, name="a.csv", size=6)
    with pytest.raises(NotAllowed):
        actions.begin_upload(actor=ana, environment=prod, name="a.csv", size=6)


def test_an_upload_is_its_beginners_alone(dev: Environment, ana: User, ben: User) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    for act in (
        lambda: actions.receive_piece(actor=ben, upload=upload, offset=0, parts=[A], length=6),
        lambda: actions.finish_upload(actor=ben, upload=upload),
        lambda: actions.cancel_upload(actor=ben, upload=upload),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_who_lost_the_right_meanwhile_cannot_finish(dev: Environment, ana: User) -> None:
    upload = actions.begin_upload(actor=ana, environment=dev, name="a.csv", size=6)
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[A], length=6)
    dev.upload_roles = []
    dev.save()
    with pytest.raises(NotAllowed):
        actions.finish_upload(actor=ana, upload=Upload.objects.get())


# --- what is no data, and links ---


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"%PDF-1.7 x"), ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1"), ("a.csv", b"\x7fELF\x02"), ("a.parquet", A),
        ("a.csv", b"PAR1....PAR1"),        ("a.parquet", b"PAR1....PAR"), ("a.xlsx", A), ("a.zip", A), ("a.csv.gz", A),
        ("a.csv", b"\x89PNG\r\n"),
        ("a.csv", b"SQLite format 3\x00"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_and_forgotten(bring: Bring, lake: Path, name: str, data: bytes) -> None:
    with pytest.raises(PortalError) as refused:
        bring(name, data)
    assert refused.value.code == "not-data" and refused.value.fix
    assert files_below(lake) == []
    assert Upload.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("name", "data"), [("a.csv", b"MZ,ORC\n1,2\n"), ("b", A), ("c.dat", A), ("d.csv", b"ORC\n1\n"), ("e.csv", b"\xff\xfea\x00")]
)
def test_what_may_be_a_table_is_taken(bring: Bring, name: str, data: bytes) -> None:
    assert bring(name, data).uri == f"raw/{name}"


def test_a_link_that_a_job_left_is_not_followed(bring: Bring, dev: Environment, ana: User, lake: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(b"secret")
    (lake / "raw").symlink_to(outside)
    (lake / "x").mkdir()
    (lake / "x" / "a.csv").symlink_to(outside / "secret.csv")
    with pytest.raises(PortalError):
        bring("a.csv", A)
    with pytest.raises(PortalError):
        bring("a.csv", B, folder="x", if_there="replace")
    with pytest.raises(PortalError):
        actions.delete_data(actor=ana, environment=dev, uri="raw/secret.csv")
    with pytest.raises(NothingThere):
        list(Lake(dev).read("x/a.csv"))
    with pytest.raises(NothingThere):
        list(Lake(dev).read("raw/secret.csv"))
    assert files_below(outside) == ["secret.csv"] and (outside / "secret.csv").read_bytes() == b"secret"


# --- rename, delete ---


@pytest.mark.parametrize("taken", ["raw/a.csv", "raw/b.csv"])
def test_a_place_that_a_job_takes_while_a_rename_waits_for_its_turn_stays_as_it_is(
    bring: Bring, dev: Environment, ana: User, lake: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    bring("a.csv", b"a\n1\n")
    hold, job = versions.hold, make_job(dev.project, ana)

    def after_a_run(environment: Environment) -> None:
        hold(environment)
        Place.objects.update_or_create(environment=dev, key=taken, defaults={"uri": taken, "owner": job})

    monkeypatch.setattr(versions, "hold", after_a_run)
    with pytest.raises(guards.IsAnOutput):
        actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to="raw/b.csv")
    assert (lake / "raw" / "a.csv").exists() and not (lake / "raw" / "b.csv").exists()


def test_rename_keeps_the_history(bring: Bring, dev: Environment, ana: User, lake: Path) -> None:
    bring("a.csv", A)
    bring("a.csv", B, if_there="new_version")
    assert actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to="raw/2013/b c.csv") == "raw/2013/b_c.csv"
    assert files_below(lake) == ["raw/2013/b_c.csv"]
    assert FileVersion.objects.at(dev, "raw/2013/b_c.csv").count() == 2
    actions.put_back(actor=ana, version=FileVersion.objects.get(number=1))
    assert (lake / "raw/2013/b_c.csv").read_bytes() == A


@pytest.mark.parametrize("to", ["raw/inner", "raw/raw", "raw/a/b", "x"])
def test_a_folder_is_not_moved_into_itself(bring: Bring, dev: Environment, ana: User, lake: Path, to: str) -> None:
    """A bare name keeps a folder of the root in raw, which is itself."""
    bring("a.csv", b"a\n1\n")
    with pytest.raises(names.BadPlace) as told:
        actions.rename_data(actor=ana, environment=dev, uri="raw", to=to)
    assert "into itself" in told.value.message
    assert (lake / "raw/a.csv").exists()


def test_rename_never_goes_over_anything(bring: Bring, dev: Environment, ana: User, lake: Path) -> None:
    bring("a.csv", A)
    bring("b.csv", B)
    for to in ("raw/b.csv", "raw/B.CSV"):
        with pytest.raises(Taken):
            actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to=to)
    for to in ("../b.csv", "", "/"):
        with pytest.raises(names.BadPlace):
            actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to=to)
    assert actions.rename_data(actor=ana, environment=dev, uri="raw/a.csv", to="A.csv") == "raw/A.csv"
    assert files_below(lake) == ["raw/A.csv", "raw/b.csv"]


def test_delete_goes_to_the_bin_and_comes_back(bring: Bring, dev: Environment, ana: User, lake: Path) -> None:
    (lake / "curated" / "daily").mkdir(parents=True)
    (lake / "curated" / "daily" / "part-0.parquet").write_bytes(b"x")
    version = actions.delete_data(actor=ana, environment=dev, uri="curated/daily")
    assert files_below(lake) == [] and version.is_folder and version.expires_at
    actions.put_back(actor=ana, version=version)
    assert files_below(lake) == ["curated/daily/part-0.parquet"]
    with pytest.raises(Conflict):
        actions.put_back(actor=ana, version=version)
    with pytest.raises(NothingThere):
        actions.delete_data(actor=ana, environment=dev, uri="curated/nothing")


def test_put_back_does_not_go_over_a_folder(bring: Bring, dev: Environment, ana: User, lake: Path) -> None:
    version = bring("a.csv", A)
    actions.delete_data(actor=ana, environment=dev, uri="raw/a.csv")
    (lake / "raw" / "a.csv").mkdir()
    version.refresh_from_db()
    with pytest.raises(Taken):
        actions.put_back(actor=ana, version=version)


def test_other_environments_have_lakes_of_their_own(bring: Bring, dev: Environment, ana: User, lake_root: Path) -> None:
    other = make_environment(dev.project, "dev2", 7, upload_roles=["author"], allows_drafts=False)
    from portal.accounts.models import Membership

    Membership.objects.create(user=ana, project=dev.project, role="author", environment="dev2")
    bring("a.csv", A)
    bring("a.csv", B, where=other)
    assert (lake_root / "flights" / "dev2" / "raw" / "a.csv").read_bytes() == B
