"""The doors of an upload: tokens, sessions, forms, and what strangers try."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.accounts.models import User
from portal.data.models import FileVersion, Upload
from portal.environments.models import Environment
from tests.factories import make_job, make_version

pytestmark = pytest.mark.django_db
DEV = "/api/v1/projects/flights/environments/dev/"
A = b"n\n1\n2\n"
OTHER = "sha-256=:" + base64.b64encode(b"x" * 32).decode() + ":"


def umsatz(data: bytes = A) -> SimpleUploadedFile:
    return SimpleUploadedFile("Ümsatz 1.csv", data)


def begun(program: Any, **given: Any) -> dict[str, Any]:
    answer = program.post(DEV + "uploads/", {"name": "a.csv", "size": 6, **given}, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def put(program: Any, upload: str, offset: object, data: bytes, **headers: str) -> Any:
    return program.generic("PUT", f"{DEV}uploads/{upload}", data, "application/octet-stream", HTTP_UPLOAD_OFFSET=str(offset), **headers)


def test_in_pieces(program_of: Callable[..., Any], ana: User, lake: Path) -> None:
    program = program_of(ana, "write", "read")
    upload = begun(program, folder="raw/2013")
    assert (upload["uri"], upload["offset"], upload["piece_bytes"]) == ("raw/2013/a.csv", 0, 8 * 1024 * 1024)
    digest = base64.b64encode(hashlib.sha256(A[:4]).digest()).decode()
    assert put(program, upload["id"], 0, A[:4], HTTP_CONTENT_DIGEST=f"sha-256=:{digest}:").json()["offset"] == 4
    assert program.get(f"{DEV}uploads/{upload['id']}").json()["offset"] == 4
    assert [one["id"] for one in program.get(f"{DEV}uploads/").json()] == [upload["id"]]
    assert put(program, upload["id"], 4, A[4:]).json()["offset"] == 6
    done = program.post(f"{DEV}uploads/{upload['id']}/finish", {}, format="json")
    assert done.status_code == 201 and done.json()["sha256"] == hashlib.sha256(A).hexdigest()
    assert (lake / "raw" / "2013" / "a.csv").read_bytes() == A


def test_in_one_form(program_of: Callable[..., Any], ana: User, lake: Path) -> None:
    program = program_of(ana, "read", "write")
    answer = program.post(f"{DEV}files/?folder=raw/x", {"file": umsatz()}, format="multipart")
    assert (answer.status_code, answer.json()["uri"]) == (201, "raw/x/Ümsatz_1.csv")
    again = program.post(f"{DEV}files/?folder=raw/x", {"file": umsatz()}, format="multipart")
    assert (again.status_code, again.json()["code"], again.json()["choices"][0]) == (409, "file-exists", "new_version")
    third = program.post(f"{DEV}files/?folder=raw/x&if_there=replace", {"file": umsatz(b"x\n")}, format="multipart")
    assert third.status_code == 201 and (lake / "raw" / "x" / "Ümsatz_1.csv").read_bytes() == b"x\n"
    assert Upload.objects.open().count() == 0


@pytest.mark.parametrize(
    ("address", "files", "status"),
    [
        ("files/", {}, 422),
        ("files/?if_there=sometimes", {"file": SimpleUploadedFile("a.csv", A)}, 422),
        ("files/?folder=../x", {"file": SimpleUploadedFile("a.csv", A)}, 422),
        ("files/", {"file": SimpleUploadedFile("a.csv", A), "more": SimpleUploadedFile("b.csv", A)}, 422),
        ("files/", {"file": SimpleUploadedFile("a.pdf", b"%PDF-1")}, 415),
        ("files/", {"file": SimpleUploadedFile("a.csv", b"")}, 422),
        ("files/", {"folder": "raw/x", "file": SimpleUploadedFile("a.csv", A)}, 422),
        ("files/", {"file": SimpleUploadedFile("a.csv", A), "if_there": "replace"}, 422),
    ],
)
def test_a_form_that_is_not_right_leaves_nothing(
    program_of: Callable[..., Any], ana: User, lake_root: Path, address: str, files: dict[str, Any], status: int
) -> None:
    for file in files.values():
        if not isinstance(file, str):
            file.seek(0)
    answer = program_of(ana, "read", "write").post(DEV + address, files, format="multipart")
    assert answer.status_code == status, answer.content
    assert [path for path in lake_root.rglob("*") if path.is_file()] == []
    assert Upload.objects.open().count() == 0


def test_a_form_that_is_too_large_is_refused_before_it_is_read(program_of: Callable[..., Any], ana: User, settings: Any) -> None:
    settings.UPLOAD_LIMIT_MB = 1
    answer = program_of(ana, "read", "write").generic("POST", f"{DEV}files/", b"x" * 3_000_000, "multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 1_000_000) and Upload.objects.count() == 0


def test_no_form_is_told(program_of: Callable[..., Any], ana: User) -> None:
    program = program_of(ana, "read", "write")
    assert program.generic("POST", f"{DEV}files/", A, "text/csv").json()["code"] == "form-expected"
    assert program.generic("POST", f"{DEV}files/", A, "multipart/form-data").json()["code"] == "form-damaged"
    assert program.generic("POST", f"{DEV}files/", b"--x\r\ngarbage", "multipart/form-data; boundary=x").status_code == 422


@pytest.mark.parametrize("offset", ["", "-1", "1e3", "x", "9" * 20, "0x0", "1", "6"])
def test_offset_games(program_of: Callable[..., Any], ana: User, offset: str) -> None:
    program = program_of(ana)
    answer = put(program, begun(program)["id"], offset, A)
    assert answer.status_code in (409, 422) and Upload.objects.get().received == 0


@pytest.mark.parametrize(
    "digest", ["md5=:xx:", "sha-256=:AAAA:", "sha-256=:%%%:", "sha-256=:" + base64.b64encode(b"x" * 32).decode() + ":"]
)
def test_a_wrong_digest_is_refused(program_of: Callable[..., Any], ana: User, digest: str) -> None:
    program = program_of(ana)
    answer = put(program, begun(program)["id"], 0, A, HTTP_CONTENT_DIGEST=digest)
    assert answer.status_code == 422 and Upload.objects.get().received == 0


def test_token_scopes(program_of: Callable[..., Any], ana: User) -> None:
    upload = begun(program_of(ana, "read", "write"))["id"]
    for scopes in (["read"], ["run"], ["read", "run"]):
        program = program_of(ana, *scopes)
        for answer in (
            program.post(DEV + "uploads/", {"name": "a.csv", "size": 6}, format="json"),
            put(program, upload, 0, A),
            program.post(f"{DEV}uploads/{upload}/finish", {}, format="json"),
            program.delete(f"{DEV}uploads/{upload}"),
            program.post(f"{DEV}files/", {"file": SimpleUploadedFile("a.csv", A)}, format="multipart"),
        ):
            assert answer.status_code == 403, answer.content
    assert Upload.objects.get().received == 0


def test_strangers_and_viewers(
    program_of: Callable[..., Any], browser_of: Callable[[User], Client], ana: User, ben: User, vic: User, outsider: User
) -> None:
    upload = begun(program_of(ana))["id"]
    for person in (ben, vic, outsider):
        program = program_of(person)
        assert put(program, upload, 0, A).status_code == 404
        assert program.get(f"{DEV}uploads/{upload}").status_code == 404
        assert program.post(f"{DEV}uploads/{upload}/finish", {}, format="json").status_code == 404
        assert program.delete(f"{DEV}uploads/{upload}").status_code == 404
    for person in (vic, outsider):
        assert program_of(person).post(DEV + "uploads/", {"name": "a.csv", "size": 6}, format="json").status_code == 404
        assert program_of(person).post(f"{DEV}files/", {"file": SimpleUploadedFile("a.csv", A)}, format="multipart").status_code == 404
    stranger = Client()
    assert stranger.generic("PUT", f"{DEV}uploads/{upload}", A, HTTP_UPLOAD_OFFSET="0").status_code == 401
    assert Upload.objects.get().received == 0 and FileVersion.objects.count() == 0


def test_an_upload_belongs_to_its_environment(program_of: Callable[..., Any], ana: User, prod: Environment) -> None:
    program = program_of(ana)
    upload = begun(program)["id"]
    for other in ("prod", "test"):
        address = f"/api/v1/projects/flights/environments/{other}/uploads/{upload}"
        assert program.get(address).status_code == 404
        assert program.post(f"{address}/finish", {}, format="json").status_code == 404
    assert put(program, str(uuid4()), 0, A).status_code == 404


def test_a_page_needs_its_csrf_token_and_a_session_that_lives(ana: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana)
    about = {"data": {"name": "a.csv", "size": 6}, "content_type": "application/json"}
    assert browser.post(DEV + "uploads/", **about).status_code == 403
    token = "x" * 32
    browser.cookies["csrftoken"] = token
    assert browser.post(DEV + "uploads/", **about, HTTP_X_CSRFTOKEN=token).status_code == 201
    browser.logout()
    assert browser.generic("PUT", f"{DEV}uploads/{Upload.objects.get().pk}", A, HTTP_UPLOAD_OFFSET="0").status_code == 401


def test_the_schema_describes_it(program_of: Callable[..., Any], ana: User) -> None:
    paths = program_of(ana).get("/api/schema/").json()["paths"]
    below = "/api/v1/projects/{project}/environments/{environment}/"
    assert "multipart/form-data" in paths[below + "files/"]["post"]["requestBody"]["content"]
    names = {parameter["name"] for parameter in paths[below + "uploads/{upload}"]["put"]["parameters"]}
    assert {"Upload-Offset", "Content-Digest"} <= names


def test_what_lies_there_by_the_api(program_of: Callable[..., Any], ana: User, vic: User, dev: Environment, lake: Path) -> None:
    program = program_of(ana, "read", "write")
    for data in (A, b"n\n9\n"):
        form = {"file": SimpleUploadedFile("a.csv", data)}
        assert program.post(f"{DEV}files/?if_there=new_version", form, format="multipart").status_code == 201
    (table,) = program.get(f"{DEV}files/").json()
    assert (table["uri"], table["brought_by"], table["rows"], table["read_by"]) == ("raw/a.csv", "Ana", None, [])
    assert program_of(vic).get(f"{DEV}files/?q=a.csv").json()[0]["columns"] is None
    document = {"stages": [{"type": "DelimitedExtract", "inputURI": "raw/a.csv"}]}
    make_version(make_job(dev.project, ana, "load"), ana, document, live_in=("dev",))
    assert program.get(f"{DEV}files/").json()[0]["read_by"] == ["load"]
    renamed = program.post(f"{DEV}files/rename", {"uri": "raw/a.csv", "to": "raw/b.csv"}, format="json").json()
    assert (renamed["uri"], [use["job"] for use in renamed["used_by"]]) == ("raw/b.csv", ["load"])
    old = program.get(f"{DEV}files/versions", {"uri": "raw/b.csv"}).json()[1]
    assert (old["number"], old["state"]) == (1, "kept")
    assert program.post(f"{DEV}files/versions/{old['id']}/put-back", {}, format="json").status_code == 200
    assert (lake / "raw" / "b.csv").read_bytes() == A
    for person in (vic, ana):
        answer = program_of(person, "read", "write" if person == ana else "run").delete(f"{DEV}files/?uri=raw/b.csv")
        assert answer.status_code == (200 if person == ana else 403)
    assert program_of(vic).delete(f"{DEV}files/?uri=raw/b.csv").status_code == 404
    assert program.get(f"{DEV}files/").json() == []


@pytest.mark.parametrize("uri", ["raw/a.csv", "raw/months"])
def test_who_says_what_they_saw_changes_nothing_else(
    program_of: Callable[..., Any], ana: User, vic: User, dev: Environment, lake: Path, uri: str
) -> None:
    program, place = program_of(ana, "read", "write"), lake / uri
    for file in (place,) if place.suffix else (place / "1.csv", place / "2.csv"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(A)
    (listed,) = [one for one in program.get(f"{DEV}files/").json() if one["uri"] == uri]
    assert program.get(f"{DEV}files/?uri={uri}").json() == [listed] and program.get(f"{DEV}files/?uri=raw/none.csv").json() == []
    (place if place.suffix else place / "2.csv").write_bytes(A + b"3\n")
    stale = {"uri": uri, "to": "raw/b.csv", "seen": listed["seen"]}
    for answer in (
        program.post(f"{DEV}files/rename", stale, format="json"),
        program.delete(f"{DEV}files/?uri={uri}&seen={listed['seen']}"),
        program.delete(f"{DEV}files/?uri=raw/none.csv&seen={listed['seen']}"),
    ):
        assert (answer.status_code, answer.json()["code"]) in ((409, "data-changed"), (404, "nothing-there"))
    assert place.exists()
    (now,) = program.get(f"{DEV}files/?uri={uri}").json()
    assert program.post(f"{DEV}files/rename", stale | {"seen": now["seen"]}, format="json").status_code == 200
    deleted = program.delete(f"{DEV}files/?uri=raw/b.csv")
    assert deleted.status_code == 200 and not list((lake / "raw").iterdir())
    back = f"{DEV}files/versions/{deleted.json()['id']}/put-back"
    (lake / "raw/b.csv").write_bytes(b"by somebody else")
    assert program.post(back, {"seen": now["seen"]}, format="json").json()["code"] == "data-changed"
    (lake / "raw/b.csv").unlink()
    assert program.post(back, {"seen": now["seen"]}, format="json").status_code == 200


def test_a_file_takes_the_place_of_another_and_keeps_its_own_name(program_of: Callable[..., Any], ana: User, lake: Path) -> None:
    program = program_of(ana, "read", "write")
    program.post(f"{DEV}files/?folder=raw/x", {"file": umsatz()}, format="multipart")
    place = "raw/x/Ümsatz_1.csv"
    asks = program.post(DEV + "uploads/", {"name": "März.csv", "size": 4, "over": place}, format="json")
    assert (asks.status_code, asks.json()["code"]) == (409, "file-exists")
    upload = begun(program, name="März.csv", size=4, over=place, if_there="new_version", fingerprint="f")
    assert (upload["uri"], upload["name"]) == (place, "März.csv")
    elsewhere = begun(program, name="März.csv", size=4, fingerprint="f")
    assert elsewhere["id"] != upload["id"], "the same file on its way to another place is another upload"
    put(program, upload["id"], 0, b"n\n9\n")
    done = program.post(f"{DEV}uploads/{upload['id']}/finish", {}, format="json").json()
    assert (done["uri"], done["name"], done["number"]) == (place, "März.csv", 2)
    assert (lake / place).read_bytes() == b"n\n9\n"
    for name in ("März.xlsx", "März.csv.gz", "März.json", "März"):
        answer = program.post(DEV + "uploads/", {"name": name, "size": 4, "over": place}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (415, "not-data")


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.csv", b"\x1f\x8b\x08\x00abc", "packed with gzip"), ("a.csv", b"PK\x03\x04abc", "a zip or an Excel file"),
    ("a.json", b"PK\x03\x04abc", "a zip or an Excel file"), ("a.csv", b"\xff\xd8\xff\xe0abc", "a picture"),
])  # fmt: skip
def test_what_is_something_else_says_what_it_is(
    program_of: Callable[..., Any], ana: User, lake: Path, name: str, content: bytes, words: str
):
    program = program_of(ana, "read", "write")
    upload = begun(program, name=name, size=len(content))
    put(program, upload["id"], 0, content)
    answer = program.post(f"{DEV}uploads/{upload['id']}/finish", {}, format="json")
    assert answer.status_code == 415 and words in answer.json()["detail"] and answer.json()["fix"]
    assert not (lake / "raw" / name).exists()
