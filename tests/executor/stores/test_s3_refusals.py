"""What S3 refuses, breaks off or loses while a root is browsed, read or written: told with the place and what to do, tried again where that
helps; and what was there stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.problems import ProblemError
from executor.stores.bucket import POINTER, PUBLISHING, VERSIONS, Bucket
from executor.stores.s3_access import S3Access
from tests.executor.stores.roots import PLACE, S3Root, code_of, die, publish, texts
from tests.services import odd_servers as odd
from tests.services.certificates import Authority
from tests.services.s3_front import BREAK, LOSE, Front, Refuse, before
from tests.services.small_disk import mounted_at

pytestmark = pytest.mark.services

OLD, NEW = {"part-a": "old", "part-b": "old"}, {"part-a": "new"}
KNOWN = "raw/a.csv"


@pytest.fixture(scope="module")
def front(access: S3Access) -> Iterator[Front]:
    with before(access.endpoint) as found:
        yield found


@pytest.fixture
def root(front: Front, access: S3Access, tmp_path: Path) -> Iterator[S3Root]:
    """One file and one output; what is asked there goes through the front, which tries once more when S3 is busy."""
    front.never()
    (tmp_path / "here").mkdir()
    made = S3Root(replace(access, endpoint=front.address, tries=1), tmp_path / "here")
    made.put(KNOWN)
    publish(made, "r1", OLD)
    yield made
    front.never()
    for outputs in made.begun:
        die(outputs)


Door = tuple[str, Callable[[S3Root], Any], tuple[str, ...], str]
DOORS: list[Door] = [
    ("browse", lambda root: root.store.entries("raw"), ("GET",), "list files"),
    ("read", lambda root: root.store.read(KNOWN, KNOWN, "inputURI"), ("GET",), "list files"),
    ("is it still so", lambda root: root.store.state(KNOWN), ("GET",), "list files"),
    ("write", lambda root: publish(root, "r2", NEW), ("PUT",), "write files"),
]
WORDS = [
    (403, "InvalidAccessKeyId", "the access key is not known", "Set the key of the connection anew."),
    (403, "SignatureDoesNotMatch", "the secret is not the one of the access key", "Set the secret of the connection anew."),
    (400, "ExpiredToken", "the sign-in has expired", "Set the key of the connection anew."),
    (403, "AccessDenied", "the sign-in may not {act} there", "Ask the bucket's owner for the right s3:"),
    (404, "NoSuchBucket", "there is no such bucket", "Correct the bucket's name in the root."),
    (301, "PermanentRedirect", "the bucket is in another region", "Its region is eu-west-1: write that in the connection."),
    (400, "AuthorizationHeaderMalformed", "the bucket is in another region", "Its region is eu-west-1: write that in the connection."),
    (403, "RequestTimeTooSkewed", "its clock and the one of this machine", "Ask whoever runs this machine to set its clock."),
    (507, "XMinioStorageFull", "the storage has no room left", "Ask whoever runs the storage for more room"),
    (500, "InternalError", "the storage has failed, also after some tries", "Run it again later."),
    (503, "SlowDown", "it is asked for too much at once, also after some tries", "Run it again later."),
]


@pytest.mark.parametrize(("status", "code", "words", "fix"), WORDS, ids=[code for _, code, _, _ in WORDS])
def test_a_refusal_says_where_what_and_what_to_do(front: Front, root: S3Root, status: int, code: str, words: str, fix: str) -> None:
    is_tried_again = status >= 500
    for name, ask, methods, act in DOORS[2:] if is_tried_again else DOORS:
        front.always(Refuse(status, code, "eu-west-1"), *methods)
        with pytest.raises(ProblemError) as refusal:
            ask(root)
        front.never()
        problem = refusal.value.problems[0]
        assert problem.code == "storage-refused" and words.format(act=act) in problem.message, (name, problem)
        assert f"s3://{root.bucket.bucket}/teams/one/" in problem.message, "where it was"
        assert problem.fix and fix in problem.fix and "canary" not in str(problem), problem
    assert texts(root) == OLD and not [key for key in root.all_keys() if "r2" in key]


def test_who_is_only_asked_to_slow_down_goes_on(front: Front, access: S3Access, root: S3Root, tmp_path: Path) -> None:
    patient = S3Root.__new__(S3Root)
    patient.__dict__ |= root.__dict__
    patient.bucket.access = replace(access, endpoint=front.address)
    front.first(2, Refuse(503, "SlowDown"))
    assert texts(patient) == OLD
    front.first(1, Refuse(503, "SlowDown"), "PUT")
    publish(patient, "r2", NEW)
    assert texts(patient) == NEW


def test_a_connection_that_breaks_off_while_a_file_is_copied(front: Front, root: S3Root) -> None:
    root.put(KNOWN, body := "a\n" + "1\n" * 5_000)
    front.first(2, BREAK, "GET", holding=KNOWN)
    assert Path(root.store.read(KNOWN, KNOWN, "inputURI").path).read_text() == body, "it is copied anew, from its beginning"
    root.put(KNOWN, body + "2\n")
    front.always(BREAK, "GET", holding=KNOWN)
    with pytest.raises(ProblemError) as refusal:
        root.store.read(KNOWN, KNOWN, "inputURI")
    assert code_of(refusal) == "storage-refused" and KNOWN in refusal.value.problems[0].message
    assert [path.name for path in (root.folder / "raw").iterdir()] == ["a.csv"] and (root.folder / KNOWN).read_text() == body


# --- while it is published ----------------------------------------------------------------------------------------------------


def test_an_answer_that_is_lost_is_not_taken_for_somebody_else(front: Front, root: S3Root) -> None:
    """The pointer was exchanged, and nobody heard of it: sent again, S3 says that it is another one by now."""
    front.first(1, LOSE, "PUT", holding=POINTER)
    publish(root, "r2", NEW)
    assert texts(root) == NEW


def test_an_exchange_that_arrived_and_is_never_answered_is_taken_back(front: Front, root: S3Root) -> None:
    """Nobody can ask whether it arrived, until the run takes back what it may have done."""
    sent: list[str] = []

    def decide(method: str, path: str) -> Any:
        if POINTER not in path:
            return None
        if method == "PUT":
            sent.append(path)
            return LOSE
        return Refuse(403, "AccessDenied") if sent and sent.count("asked") < 1 and not sent.append("asked") else None

    front.decide = decide
    with pytest.raises(ProblemError):
        publish(root, "r2", NEW)
    front.never()
    assert texts(root) == OLD, "the run is told as failed, so nothing of it is seen"


@pytest.mark.parametrize("what", ["one by one", "as a whole"])
def test_who_may_not_remove_files_publishes_nothing(front: Front, root: S3Root, what: str) -> None:
    """What could not be taken back is not begun. S3 tells it of each file, in an answer that is good as a whole."""
    if what == "as a whole":
        front.always(Refuse(403, "AccessDenied"), "POST")
    else:
        client = root.bucket.client
        real, said = client.delete_objects, {"Errors": [{"Key": "x", "Code": "AccessDenied", "Message": "canary"}]}
        client.delete_objects = lambda **named: said  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(ProblemError, match="may not remove files there") as refusal:
            publish(root, "r2", NEW)
    finally:
        if what != "as a whole":
            client.delete_objects = real  # type: ignore[method-assign]
    front.never()
    assert "s3:DeleteObject" in (refusal.value.problems[0].fix or "") and texts(root) == OLD


def test_what_is_published_stays_so_where_the_journal_cannot_be_removed(front: Front, root: S3Root) -> None:
    is_final: list[bool] = []

    def commit(_: Any) -> None:
        is_final.append(True)
        front.always(Refuse(503, "SlowDown"), "POST")

    publish(root, "r2", NEW, commit=commit)
    front.never()
    assert is_final and texts(root) == NEW and [key for key in root.all_keys() if key.startswith(PUBLISHING)]
    root.bucket.repair("r2", is_published=True)
    assert texts(root) == NEW and not [key for key in root.all_keys() if key.startswith(PUBLISHING)]


@pytest.mark.parametrize(("holding", "words"), [(VERSIONS, "write files"), (PUBLISHING, "write files"), (POINTER, "write files")])
def test_a_right_that_is_gone_in_the_middle_leaves_the_last_output(front: Front, root: S3Root, holding: str, words: str) -> None:
    """While files are sent, before anything is shown, and in the step that would show it."""
    front.always(Refuse(403, "AccessDenied"), "PUT", holding=holding)
    with pytest.raises(ProblemError, match=f"may not {words} there"):
        publish(root, "r2", NEW)
    front.never()
    assert texts(root) == OLD and not [key for key in root.all_keys() if key.startswith(PUBLISHING)]


# --- the way there, and this machine --------------------------------------------------------------------------------------------


def test_a_server_that_nobody_vouches_for_and_a_host_that_is_unknown(access: S3Access, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with odd.answering(odd.hangs_up, authority.certificate("localhost")) as port:
        wrong = replace(access, endpoint=f"https://localhost:{port}", tries=1)
        with pytest.raises(ProblemError, match="nobody whom this machine trusts vouches for the server"):
            Bucket("lake", "", wrong).files("raw")
    with pytest.raises(ProblemError, match="the storage does not answer"):
        Bucket("lake", "", replace(access, endpoint="http://no-such-host.invalid", tries=1)).files("raw")


@pytest.mark.parametrize("talk", [odd.rubbish, odd.hangs_up, odd.http(200, b"<html>not S3</html>")], ids=["rubbish", "hangs up", "a page"])
def test_what_is_no_s3_is_no_empty_folder(access: S3Access, talk: odd.Talk) -> None:
    """A page with status 200 reads like a list without files to boto3; a job would go on with no rows."""
    with odd.answering(talk) as port:
        for ask in (lambda bucket: bucket.files("raw"), lambda bucket: bucket.entries("raw"), lambda bucket: bucket.pointer(PLACE)):
            with pytest.raises(ProblemError) as refusal:
                ask(Bucket("lake", "", replace(access, endpoint=f"http://127.0.0.1:{port}", tries=1)))
            assert code_of(refusal) == "storage-refused" and refusal.value.problems[0].fix


def test_a_disk_that_is_full_while_files_are_copied(front: Front, root: S3Root) -> None:
    root.put("raw/large.csv", "a\n" + "1" * 3_000_000 + "\n")
    root.store.read(KNOWN, KNOWN, "inputURI")
    (small := root.folder / "small").mkdir()
    store = type(root.store)("archive", root.bucket, small)  # type: ignore[call-arg]
    with mounted_at(small):
        with pytest.raises(ProblemError) as refusal:
            store.read("raw", "archive:raw", "inputURI")
        problem = refusal.value.problems[0]
        assert problem.code == "copy-no-space" and "“archive”" in problem.message and "more space" in (problem.fix or "")
        assert not [path for path in small.rglob("*") if path.name.startswith(".large")], "no half of a file stays"
