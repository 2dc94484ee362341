"""A root on S3, against a real server: what readers see is the old output or the new one, whatever happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executor.problems import ProblemError
from executor.stores import bucket as stores
from executor.stores.bucket import POINTER, PUBLISHING, VERSIONS, Bucket, Pointer
from executor.stores.s3_access import S3Access
from tests.executor.stores.roots import PLACE, S3Root, code_of, die, nothing, places, publish, sent, staged, texts
from tests.tally import Tally

pytestmark = pytest.mark.services

OLD, NEW = ({"part-a": age, "part-b": age} for age in ("old", "new"))


@pytest.fixture
def root(access: S3Access, tmp_path: Path) -> Iterator[S3Root]:
    yield (found := S3Root(access, tmp_path))
    for outputs in found.begun:
        die(outputs)


# --- reading ----------------------------------------------------------------------------------------------------------------


def test_a_neighbour_with_a_longer_name_is_another_root(root: S3Root) -> None:
    assert places(root, "*") == [] and places(root, "raw") == []


def test_more_files_than_anybody_could_mean_are_a_problem_and_not_a_part_of_them(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_FILES", 2)
    for number in range(3):
        root.put(f"raw/{number}.csv")
    with pytest.raises(ProblemError, match="more than 2 files"):
        root.bucket.files("raw")


def test_a_file_is_copied_as_it_was_found_or_not_at_all(root: S3Root, tmp_path: Path) -> None:
    root.put("raw/a.csv", "old")
    (file,) = root.bucket.files("raw")
    root.bucket.copy(file, tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old" and abs((tmp_path / "a").stat().st_mtime - file.modified) < 1
    root.put("raw/a.csv", "new")
    with pytest.raises(ProblemError) as changed:
        root.bucket.copy(file, tmp_path / "a")
    root.bucket.remove(["raw/a.csv"])
    with pytest.raises(ProblemError) as gone:
        root.bucket.copy(file, tmp_path / "a")
    assert code_of(changed) == code_of(gone) == "input-changed"
    assert (tmp_path / "a").read_text() == "old" and sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize("access", ["moto"], indirect=True)  # the other keeps its objects in files, and has no such names itself
@pytest.mark.parametrize("key", ["raw//a.csv", "raw/a\x01.csv", "raw/" + "n" * 300])
def test_names_that_no_file_can_have_are_told_and_never_another_file(root: S3Root, key: str) -> None:
    root.put(key)
    with pytest.raises(ProblemError) as refusal:
        texts(root, "raw")
    assert code_of(refusal) in ("input-not-plain", "copy-failed")


def test_the_log_of_a_table_comes_with_its_files_also_where_only_a_part_of_it_is_read(root: S3Root) -> None:
    for key in ("t/_delta_log/0.json", "t/year=1/part-0.parquet", "t/_change_data/x.parquet"):
        root.put(key)
    before = root.store.read("t/year=1", "t/year=1", "inputURI").state
    assert (root.folder / "t/_delta_log/0.json").is_file() and not (root.folder / "t/_change_data").exists()
    root.put("t/_delta_log/1.json")
    assert root.store.state("t/year=1") != before, "other files may belong to it by now"


# --- publishing -------------------------------------------------------------------------------------------------------------


@pytest.mark.tally
def test_of_two_runs_that_publish_at_once_one_is_told_and_nothing_is_mixed(root: S3Root, tally: Tally, server_name: str) -> None:
    publish(root, "r0", {"part-a": "0", "part-b": "0"})
    publishers = [staged(root, f"run{number}", daily={"part-a": f"{number}1", "part-b": f"{number}1"}) for number in range(6)]
    told: list[str] = []
    start = threading.Barrier(len(publishers))

    def run(publisher: Any) -> None:
        start.wait()
        try:
            publisher.publish(nothing)
        except ProblemError as error:
            told.append(error.problems[0].code)
        publisher.discard()

    threads = [threading.Thread(target=run, args=(one,)) for one in publishers]
    for thread in threads:
        thread.start()
    count = tally(f"6 writers at once, one place on S3 ({server_name}), looked at meanwhile")
    while any(thread.is_alive() for thread in threads):
        count.tried(half=len(set(texts(root).values())) != 1)
    count.tried(times=0, lost=len(told) == len(publishers) or set(texts(root).values()) == {"0"})
    assert set(told) <= {"output-changed-meanwhile"} and (count.lost, count.half) == (0, 0)
    assert len(set(texts(root).values())) == 1


@pytest.mark.tally
@pytest.mark.parametrize("point", range(12))
def test_a_writer_that_dies_leaves_old_or_new_and_never_a_mixture(
    root: S3Root, monkeypatch: pytest.MonkeyPatch, point: int, tally: Tally, server_name: str
) -> None:
    """It dies before its next request to S3, one request later each time."""
    publish(root, "r1", OLD)
    publisher = staged(root, "r2", daily=NEW, other={"part-0": "other"})
    left = [point]

    class Dead(BaseException):
        pass

    def dying(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Dead
            return original(*arguments, **named)

        return call

    for name in ("get", "put", "remove"):
        monkeypatch.setattr(root.bucket, name, dying(getattr(root.bucket, name)))
    with suppress(Dead):
        publisher.publish(nothing)
    monkeypatch.undo()
    there, other = texts(root), texts(root, "curated/other")
    is_new = there == NEW and other == {"part-0": "other"}
    root.bucket.repair("r2", is_published=is_new)
    is_whole = (texts(root), texts(root, "curated/other")) == ((NEW, {"part-0": "other"}) if is_new else (OLD, {}))
    count = tally(f"writer of two places killed, at 12 points, S3 ({server_name})")
    count.tried(half=there not in (OLD, NEW) or other not in ({}, {"part-0": "other"}), lost=not is_whole)
    assert there in (OLD, NEW) and other in ({}, {"part-0": "other"}) and is_whole
    assert [key for key in root.all_keys() if key.startswith(PUBLISHING)] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b'{"id": 1, "files": {"../../raw/a.csv": "a"}, "facts": {}, "kept": []}', b"[" * 5000],
    ids=["empty", "other", "list", "bytes", "climbs out", "deep"],
)
def test_a_pointer_that_is_none_is_told_and_reads_nothing(root: S3Root, body: bytes) -> None:
    publish(root, "r1", {"part-0": "x"})
    root.bucket.client.put_object(Bucket=root.bucket.bucket, Key=f"{root.bucket.prefix}{PLACE}/{POINTER}", Body=body)
    for ask in (lambda: root.bucket.files("curated"), lambda: root.bucket.kept(PLACE), lambda: root.bucket.put_back(PLACE, "r1")):
        with pytest.raises(ProblemError) as refusal:
            ask()
        assert code_of(refusal) == "output-damaged"


def test_a_file_of_an_output_that_somebody_removed_is_no_smaller_table(root: S3Root) -> None:
    publish(root, "r1", {"part-a": "1", "part-b": "2"})
    root.bucket.remove([f"{PLACE}/{VERSIONS}/r1/part-a"])
    with pytest.raises(ProblemError) as refusal:
        root.bucket.files(PLACE)
    assert code_of(refusal) == "output-damaged"


def test_what_died_after_its_receipt_is_ended_and_what_came_later_stays(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(root, "r1", {"part-0": "old"})
    publisher = staged(root, "r2", daily={"part-0": "new"}, other={"part-0": "other"})
    exchange = root.bucket.exchange
    monkeypatch.setattr(sent(publisher), "_take_back", nothing)
    monkeypatch.setattr(root.bucket, "remove", nothing)
    monkeypatch.setattr(root.bucket, "exchange", lambda place, *rest: exchange(place, *rest) if place == PLACE else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publisher.publish(nothing)
    monkeypatch.undo()
    assert (texts(root), texts(root, "curated/other")) == ({"part-0": "new"}, {})
    root.bucket.repair("r2", is_published=True)
    assert texts(root, "curated/other") == {"part-0": "other"}

    step = {"place": PLACE, "before": Pointer("r1").body().decode(), "after": Pointer("r2").body().decode()}
    root.put(f"{PUBLISHING}/r2.json", json.dumps([step]))
    publish(root, "r3", {"part-0": "later"})
    root.bucket.repair("r2", is_published=False)
    assert texts(root) == {"part-0": "later"}


def test_a_folder_that_is_only_marked_is_no_file(root: S3Root) -> None:
    root.put("raw/", "")
    root.put("raw/a.csv")
    assert places(root, "raw") == ["raw/a.csv"]


def test_what_is_published_between_the_list_and_the_pointers_is_read_as_a_whole(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(root, "r1", OLD)
    listed, times = root.bucket.listed, [0]

    def and_then_published(beginning: str) -> Any:
        found = list(listed(beginning))
        times[0] += 1
        if times[0] == 1:
            monkeypatch.setattr(root.bucket, "listed", listed)
            publish(root, "r2", NEW)
        return found

    monkeypatch.setattr(root.bucket, "listed", and_then_published)
    assert texts(root) == NEW


# --- refusals ---------------------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_and_a_server_that_is_away_are_told_in_words(access: S3Access) -> None:
    with pytest.raises(ProblemError, match="there is no such bucket"):
        Bucket("no-such-bucket-here", "", access).files("raw")
    away = S3Access(endpoint="http://127.0.0.1:1", path_style=True, key_id="test", secret="test-secret")
    with pytest.raises(ProblemError, match="does not answer"):
        Bucket("b", "", away).files("raw")


def test_a_secret_is_in_no_text_of_an_access(access: S3Access) -> None:
    assert "test-secret" not in f"{access} {access!r}"


def test_a_journal_is_left_by_nobody_who_came_to_his_end(root: S3Root) -> None:
    publish(root, "r1", {"part-0": "x"})
    assert [key for key in root.all_keys() if key.startswith(PUBLISHING)] == []
    assert json.loads(Pointer("a", {"r/x": "x"}, {"rows": 1}).body())["files"] == {"r/x": "x"}
