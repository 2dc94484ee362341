"""Lists of an output's files for programs that read the bucket by themselves: old or new, and never files that are gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from executor.files.delta_log import LOG
from executor.stores import bucket_lists
from executor.stores.bucket import PUBLISHING, VERSIONS, Bucket
from executor.stores.bucket_lists import LISTS
from executor.stores.s3_access import S3Access
from tests.executor.stores.roots import PLACE, S3Root, die, nothing, publish, sent, staged, texts
from tests.executor.stores.test_s3_tables import Lake
from tests.executor.test_delta_log import PROTOCOL, add, info, metadata, remove

pytestmark = pytest.mark.services


@pytest.fixture
def root(access: S3Access, tmp_path: Path) -> Iterator[S3Root]:
    yield (found := S3Root(access, tmp_path))
    for outputs in found.begun:
        die(outputs)


@pytest.fixture
def lake(access: S3Access, tmp_path: Path) -> Iterator[Lake]:
    yield (found := Lake(access, tmp_path))
    for outputs in found.begun:
        outputs.discard()


def listed(bucket: Bucket, place: str = PLACE) -> dict[str, list[str]]:
    """Folder → what the lines of its list name, from the bucket's root; each is a file that can be read."""
    found: dict[str, list[str]] = {}
    for one in bucket.listed(f"{place}/{LISTS}/"):
        folder = one.key.removeprefix(f"{place}/{LISTS}/").removesuffix("manifest").strip("/")
        text = (bucket.get(one.key) or (b"", ""))[0].decode()
        assert text == "" or text.endswith("\n")
        found[folder] = text.splitlines()
    for line in (line for lines in found.values() for line in lines):
        name, _, key = line.removeprefix("s3://").partition("/")
        bucket.client.head_object(Bucket=name, Key=key)
    return found


def lines(root: S3Root, run: str, *files: str) -> list[str]:
    return [f"s3://{root.bucket.bucket}/{root.bucket.prefix}{PLACE}/{VERSIONS}/{run}/{file}" for file in files]


def refuse_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    monkeypatch.setattr(bucket_lists, "_put", refused)


def test_a_list_follows_what_is_published_appended_and_put_back(root: S3Root) -> None:
    (facts,) = publish(root, "one", {"part-a": "1"})
    assert listed(root.bucket) == {"": lines(root, "one", "part-a")} and facts["list"] == "current"
    publish(root, "two", {"part-b": "2"}, "Append")
    assert listed(root.bucket) == {"": lines(root, "one", "part-a") + lines(root, "two", "part-b")}
    publish(root, "three", {"part-c": "3"})
    assert listed(root.bucket) == {"": lines(root, "three", "part-c")} and texts(root) == {"part-c": "3"}
    assert root.store.put_back(PLACE, "one", PLACE)["list"] == "current" and listed(root.bucket) == {"": lines(root, "one", "part-a")}
    assert root.bucket.foreign(PLACE) is None  # a list is no data


def test_each_folder_has_a_list_and_that_of_a_folder_that_is_gone_goes(root: S3Root) -> None:
    publish(root, "one", {"day=1/a": "1", "day=2/b": "2", "day=x%2Fy/c": "3"})
    assert listed(root.bucket) == {folder: lines(root, "one", f"{folder}/{name}") for folder, name in FOLDERS.items()}
    publish(root, "two", {"day=2/b": "2", "day=3/d": "4"})
    assert set(listed(root.bucket)) == {"day=2", "day=3"}
    publish(root, "three", {})
    assert listed(root.bucket) == {"": []}


FOLDERS = {"day=1": "a", "day=2": "b", "day=x%2Fy": "c"}


def test_a_list_that_cannot_be_written_is_told_names_no_file_that_is_gone_and_comes_with_the_next_run(
    root: S3Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root, "one", {"part-a": "1"})
    with monkeypatch.context() as patch:
        refuse_lists(patch)
        for number in range(4):  # more than are kept
            outputs = staged(root, f"more{number}", daily={"part-a": str(number)})
            (facts,) = outputs.publish(nothing)
            assert facts["list"] == "behind" and "the sign-in may not write files" in outputs.behind[0].message
            outputs.discard()
            assert texts(root) == {"part-a": str(number)} and listed(root.bucket) == {"": lines(root, "one", "part-a")}
        assert root.store.put_back(PLACE, "more2", PLACE)["list"] == "behind"
    publish(root, "last", {"part-a": "5"})
    assert listed(root.bucket) == {"": lines(root, "last", "part-a")}


def test_who_is_quicker_in_between_is_listed(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(root, "one", {"part-a": "1"})
    slow, write, other = staged(root, "slow", daily={"part-a": "2"}), bucket_lists._write, []

    def late(bucket: Bucket, place: str, folders: Any) -> None:
        if not other:
            other.append("quick")
            publish(root, "quick", {"part-a": "3"})  # all of it, its list as well
        write(bucket, place, folders)

    monkeypatch.setattr(bucket_lists, "_write", late)
    slow.publish(nothing)
    assert listed(root.bucket) == {"": lines(root, "quick", "part-a")}


def test_a_run_that_dies_before_its_list_is_ended_with_it(root: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(root, "one", {"part-a": "1"})
    outputs = staged(root, "two", daily={"part-b": "2"})
    with monkeypatch.context() as patch:
        patch.setattr(sent(outputs), "_list_files", lambda step: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            outputs.publish(nothing)
    assert texts(root) == {"part-b": "2"} and listed(root.bucket) == {"": lines(root, "one", "part-a")}
    root.store.clear_after("two", [PLACE], is_published=True)
    assert listed(root.bucket) == {"": lines(root, "two", "part-b")} and not list(root.bucket.listed(f"{PUBLISHING}/"))


# --- tables -----------------------------------------------------------------------------------------------------------------


def keys_of(lake: Lake) -> dict[str, list[str]]:
    beginning = f"s3://{lake.bucket.bucket}/dev/t/"
    return {folder: [line.removeprefix(beginning) for line in found] for folder, found in listed(lake.bucket, "t").items()}


def test_a_table_has_a_list_of_its_present_version(lake: Lake) -> None:
    run = lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    assert keys_of(lake) == {}
    (facts,) = run.publish(nothing)
    assert facts["list"] == "current" and keys_of(lake) == {"": ["a.parquet"]}
    lake.run(add("b.parquet"), remove("a.parquet")).publish(nothing)
    assert keys_of(lake) == {"": ["b.parquet"]}
    lake.machine().put_back("t", "version-0", "t")
    assert keys_of(lake) == {"": ["a.parquet"]} and lake.files() == ["a.parquet"]


def test_a_run_of_a_table_that_is_taken_back_leaves_the_list_as_it_was(lake: Lake) -> None:
    lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet")).publish(nothing)

    def fails(facts: Any) -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - our own
        lake.run(add("b.parquet")).publish(fails)
    assert keys_of(lake) == {"": ["a.parquet"]} and lake.files() == ["a.parquet"]


def test_folders_of_a_table_are_named_by_its_values(lake: Lake) -> None:
    folders = {"day=1": "1", "day=a%2Fb": "a/b", f"day={bucket_lists.NO_VALUE}": None}
    adds = [
        {"add": {**add(f"day=x/{number}.parquet")["add"], "partitionValues": {"day": value}}}
        for number, value in enumerate(folders.values())
    ]
    lake.run({"protocol": PROTOCOL}, metadata(partitionColumns=["day"]), *adds).publish(nothing)
    assert keys_of(lake) == {folder: [f"day=x/{number}.parquet"] for number, folder in enumerate(folders)}


def test_a_table_of_which_no_list_can_be_made_is_told_and_keeps_the_one_before(lake: Lake) -> None:
    lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet")).publish(nothing)
    marked = {"add": {**add("b.parquet")["add"], "deletionVector": {"storageType": "i", "pathOrInlineDv": "x", "cardinality": 1}}}
    lake.commit(1, info(), marked)
    run = lake.run(add("c.parquet"), appends=True)
    (facts,) = run.publish(nothing)
    assert facts["list"] == "behind" and "marked as deleted" in run.behind[0].message and keys_of(lake) == {"": ["a.parquet"]}


def test_a_list_that_nobody_asks_for_is_not_made_and_one_that_is_there_is_told(lake: Lake) -> None:
    quiet = lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    for output in quiet.outputs:
        output.is_listed = False  # type: ignore[attr-defined]
    (facts,) = quiet.publish(nothing)
    assert "list" not in facts and keys_of(lake) == {} and not quiet.behind
    lake.run(add("b.parquet"), appends=True).publish(nothing)
    quiet = lake.run(add("c.parquet"), appends=True)
    for output in quiet.outputs:
        output.is_listed = False  # type: ignore[attr-defined]
    quiet.publish(nothing)
    assert [one.code for one in quiet.behind] == ["table-list-behind"]


def test_a_table_whose_run_dies_before_its_list_is_ended_with_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet")).publish(nothing)
    run = lake.run(add("b.parquet"), name=(name := uuid.uuid4().hex))
    with monkeypatch.context() as patch:
        patch.setattr(run._tables, "_list_files", lambda version: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run.publish(nothing)
    assert keys_of(lake) == {"": ["a.parquet"]}
    lake.machine().clear_after(name, ["t"], is_published=True)
    assert keys_of(lake) == {"": ["a.parquet", "b.parquet"]} and [key for key in lake.keys("t/") if LOG in key]
