"""What people do by hand with single files of a root on S3: whole or not there, and nothing of anybody's is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executor.problems import ProblemError
from executor.stores import by_hand
from executor.stores.by_hand import ByHand
from executor.stores.hands import KEPT
from executor.stores.s3_access import S3Access
from tests.executor.stores.roots import S3Root, code_of, publish

pytestmark = [pytest.mark.services, pytest.mark.lake]
PLACE, BODY = "2013/flights 50%&ü.csv", b"a\n" + b"1\n" * 4_000_000


@pytest.fixture
def root(access: S3Access, tmp_path: Path) -> S3Root:
    return S3Root(access, tmp_path)


@pytest.fixture
def hand(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> ByHand:
    monkeypatch.setattr(by_hand, "PART", 5 << 20)  # the file is sent in two
    return ByHand(root.bucket)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "arrived").write_bytes(BODY)
    yield (handle := os.open(tmp_path / "arrived", os.O_RDONLY))
    os.close(handle)


def silent(what: str, done: int, whole: int) -> None:
    pass


def body(root: S3Root, key: str) -> bytes:
    return root.bucket.client.get_object(Bucket=root.bucket.bucket, Key=root.bucket.prefix + key)["Body"].read()


def open_uploads(root: S3Root) -> int:
    return len(root.bucket.client.list_multipart_uploads(Bucket=root.bucket.bucket).get("Uploads", ()))


def test_a_file_is_there_when_it_is_whole_and_is_known_again(root: S3Root, hand: ByHand, source: int) -> None:
    told: list[tuple[str, int, int]] = []
    done = hand.bring(PLACE, source, len(BODY), "u1", None, lambda *said: told.append(said))
    assert done == {"is_there": True, "before": None} and body(root, PLACE) == BODY
    assert [said[1] for said in told] == [5 << 20, len(BODY)] and told[0][2] == len(BODY)
    assert hand.bring(PLACE, source, len(BODY), "u1", None, silent) == done, "its answer was lost, and it was asked for again"
    with pytest.raises(ProblemError) as taken:
        hand.bring(PLACE, source, len(BODY), "u2", None, silent)
    assert code_of(taken) == "file-exists" and open_uploads(root) == 0


def test_what_it_takes_the_place_of_is_kept_and_put_back(root: S3Root, hand: ByHand, source: int) -> None:
    root.put(PLACE, "old")
    done = hand.bring(PLACE, source, len(BODY), "u1", "old-one", silent)
    assert done["before"]["size"] == 3 and body(root, PLACE) == BODY and body(root, f"{KEPT}/old-one") == b"old"
    assert [file.place for file in root.bucket.files("2013")] == [PLACE], "what is kept is seen by no reader"
    hand.bring_back(PLACE, "old-one", "new-one")
    assert body(root, PLACE) == b"old" and body(root, f"{KEPT}/new-one") == BODY
    hand.set_aside(PLACE, "old-one")
    hand.set_aside(PLACE, "old-one")
    assert root.bucket.files("2013") == [] and body(root, f"{KEPT}/old-one") == b"old"
    hand.bring_back(PLACE, "old-one", None)
    assert body(root, PLACE) == b"old"
    with pytest.raises(ProblemError) as gone:
        hand.bring_back(PLACE, "old-one", "x")
    assert code_of(gone) == "no-longer-kept" and body(root, PLACE) == b"old"


class Killed(BaseException):
    """The end of a process: nothing is tidied up after it."""


STEPS = ("_begin", "_send", "there", "copy", "_show")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True])
def test_who_is_killed_leaves_the_old_file_or_the_new_one(
    root: S3Root, hand: ByHand, source: int, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    root.put(PLACE, "old")
    real = getattr(ByHand, step)

    def die(self: ByHand, *given: Any) -> Any:
        if is_done:
            real(self, *given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ByHand, step, die)
        patch.setattr(ByHand, "_end", lambda self, *given: None)
        with suppress(Killed):
            hand.bring(PLACE, source, len(BODY), "u1", "kept", silent)
    assert body(root, PLACE) == (BODY if (step, is_done) == ("_show", True) else b"old")
    assert [file.place for file in root.bucket.files("2013")] == [PLACE]
    settled = hand.settle(PLACE, "u1", "kept")
    assert settled["is_there"] == ((step, is_done) == ("_show", True))
    hand.end_parts(PLACE)
    assert open_uploads(root) == 0
    hand.bring(PLACE, source, len(BODY), "u1", "kept", silent)
    assert body(root, PLACE) == BODY and body(root, f"{KEPT}/kept") == b"old"


def test_who_is_refused_in_the_middle_leaves_nothing(root: S3Root, hand: ByHand, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    client, sent = root.bucket.client, []
    real = client.upload_part

    def expired(**given: Any) -> Any:
        sent.append(given["PartNumber"])
        if given["PartNumber"] == 2:
            raise ClientError({"Error": {"Code": "ExpiredToken", "Message": "The provided token has expired."}}, "UploadPart")
        return real(**given)

    monkeypatch.setattr(client, "upload_part", expired)
    with pytest.raises(ProblemError) as refused:
        hand.bring(PLACE, source, len(BODY), "u1", None, silent)
    assert "the sign-in has expired" in refused.value.problems[0].message
    assert root.all_keys() == [] and open_uploads(root) == 0 and 2 in sent
    monkeypatch.setattr(client, "upload_part", real)
    os.truncate(f"/proc/self/fd/{source}", 100)
    with pytest.raises(ProblemError) as lost:
        hand.bring(PLACE, source, len(BODY), "u1", None, silent)
    assert code_of(lost) == "upload-lost" and root.all_keys() == [] and open_uploads(root) == 0


def test_of_two_at_once_none_is_lost(root: S3Root, hand: ByHand, source: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes where the first has looked what lies there, and has not shown its own yet."""
    show = ByHand._show

    def meanwhile(self: ByHand, *given: Any) -> None:
        root.put(PLACE, "the other one")
        show(self, *given)

    monkeypatch.setattr(ByHand, "_show", meanwhile)
    with pytest.raises(ProblemError) as taken:
        hand.bring(PLACE, source, len(BODY), "u1", None, silent)
    assert code_of(taken) == "file-exists" and body(root, PLACE) == b"the other one" and open_uploads(root) == 0


def test_a_file_is_given_as_it_was_found(root: S3Root, hand: ByHand) -> None:
    root.put("a.csv", "12345" * 100_000)
    found = hand.there("a.csv")
    assert found is not None and b"".join(hand.body("a.csv", found)) == b"12345" * 100_000
    root.put("a.csv", "other")
    with pytest.raises(ProblemError) as other:
        list(hand.body("a.csv", found))
    assert code_of(other) == "file-changed"
    root.remove("a.csv")
    with pytest.raises(ProblemError):
        list(hand.body("a.csv", found))


def test_what_lies_there_is_found_however_it_is_written(root: S3Root, hand: ByHand) -> None:
    root.put("Raw/Flüge.csv", "old")
    found = hand.find("raw/flÜge.csv")
    assert (found["twin"], found["entry"]["size"], found["names"]) == ("Raw/Flüge.csv", 3, ["Flüge.csv"])
    assert hand.find("raw/other.csv") == {"twin": None, "entry": None, "names": ["Flüge.csv"], "entries": {}}
    assert hand.find("new/deep/a.csv") == {"twin": None, "entry": None, "names": [], "entries": {}}
    assert hand.find("raw")["entry"]["is_folder"]
    publish(root, "run-1", {"part-0": "x"})
    for place, code in (
        ("curated/daily/a.csv", "is-an-output"),
        ("raw/Flüge.csv/a.csv", "bad-place"),
        (".sluice-kept/x", "uri-outside-lake"),
    ):
        with pytest.raises(ProblemError) as refused:
            hand.find(place)
        assert code_of(refused) == code, place
