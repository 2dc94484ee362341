"""Delta tables in a bucket: one version by one request, nobody's rows lost, and taken back by one more version."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from executor.files.delta_commit import name_of, text_of
from executor.files.delta_log import LOG, Log
from executor.stores import bucket_tables
from executor.stores.bucket import PUBLISHING, Bucket
from executor.stores.s3 import S3Outputs, S3Store
from executor.stores.s3_access import S3Access
from tests.executor.test_delta_log import PROTOCOL, add, info, metadata, refused, remove, write
from tests.tally import Tally

pytestmark = pytest.mark.services


class Lake:
    """A root in a bucket of its own, seen by several machines."""

    def __init__(self, access: S3Access, folder: Path) -> None:
        name = f"t{uuid.uuid4().hex[:12]}"
        access.client().create_bucket(Bucket=name)
        self.bucket, self.folder = Bucket(name, "dev", access), folder
        self.begun: list[S3Outputs] = []

    def put(self, key: str, body: bytes) -> None:
        self.bucket.client.put_object(Bucket=self.bucket.bucket, Key=f"dev/{key}", Body=body)

    def commit(self, version: int, *actions: dict[str, Any]) -> None:
        for action in actions:
            if "add" in action:
                self.put(f"t/{action['add']['path']}", b"abc")
        self.put(f"t/{LOG}/{name_of(version)}", text_of(actions))

    def machine(self) -> S3Store:
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir()
        return S3Store("archive", self.bucket, folder)

    def run(self, *actions: dict[str, Any], name: str = "", appends: bool = False, place: str = "t", daily: str = "") -> S3Outputs:
        """A run of its own machine that has changed the table as Spark would, and has sent it; `daily`: what it writes to a folder."""
        store = self.machine()
        outputs = S3Outputs(store, name or uuid.uuid4().hex, None, 2)
        self.begun.append(outputs)
        staged = outputs.stage_table_at(place, place, "Append", 0, "save", appends=appends, label=None)
        version = Log.of(staged.folder, "t").latest + 1 if staged.base else 0
        own = [
            {"remove": {**one["remove"], "path": f"file://{staged.target}/{one['remove']['path']}"}} if "remove" in one else one
            for one in actions
        ]
        write(staged.folder, version, info(), *own)
        if daily:
            (folder := outputs.stage("daily", "daily", "Overwrite", 1, "daily")).mkdir(parents=True, exist_ok=True)
            (folder / "part-0").write_text(daily)
        outputs.send()
        return outputs

    def files(self, version: int | None = None) -> list[str]:
        store = self.machine()
        state = Log.of(table := store.table("t", "t"), "t").state(version)
        store.bring_version("t", "t", state.version, may_note=False)
        assert all((table / path).is_file() for path, _ in state.files)
        return sorted(path for path, _ in state.files)

    def daily(self) -> str:
        """What lies in the folder."""
        found = self.bucket.files("daily")
        return "".join(
            self.bucket.client.get_object(Bucket=self.bucket.bucket, Key=f"dev/{one.key}")["Body"].read().decode() for one in found
        )

    def keys(self, beginning: str) -> list[str]:
        return [one.key for one in self.bucket.listed(beginning)]


@pytest.fixture
def lake(access: S3Access, tmp_path: Path) -> Iterator[Lake]:
    """Version 0: a. Version 1: a, b."""
    yield (found := Lake(access, tmp_path))
    for outputs in found.begun:
        outputs.discard()


@pytest.fixture
def table(lake: Lake) -> Lake:
    lake.commit(0, info(), {"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    lake.commit(1, info(), add("b.parquet"))
    return lake


def nothing(facts: Any) -> None:
    """The run's commit."""


def test_a_version_is_made_in_one_step(table: Lake) -> None:
    run = table.run(remove("a.parquet"), add("k=1/c.parquet"))
    assert table.files() == ["a.parquet", "b.parquet"]  # sent, and seen by nobody
    (facts,) = run.publish(nothing)
    assert table.files() == ["b.parquet", "k=1/c.parquet"] and facts["version"] == 2
    assert [one["id"] for one in facts["kept"]] == ["version-1", "version-0"]
    assert table.keys(f"{PUBLISHING}/") == []


def test_a_table_where_there_was_none(lake: Lake) -> None:
    run = lake.run({"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    other = lake.run({"protocol": PROTOCOL}, metadata(), add("other.parquet"))
    run.publish(nothing)
    assert refused(lambda: other.publish(nothing)) == "output-changed-meanwhile"
    other.discard()
    assert lake.files() == ["a.parquet"] and not [key for key in lake.keys("t/") if "other" in key]


@pytest.mark.tally
def test_nobody_loses_rows(table: Lake, tally: Tally, server_name: str) -> None:
    runs = [table.run(add(f"{name}.parquet"), appends=True) for name in "cde"]
    merge = table.run(remove("a.parquet"), add("merged.parquet"))
    for run in runs:
        run.publish(nothing)
    there = table.files()
    tally(f"3 that append and one that replaces at once, Delta on S3 ({server_name})").tried(times=4, lost=5 - len(there))
    assert there == [f"{name}.parquet" for name in "abcde"]
    assert refused(lambda: merge.publish(nothing)) == "output-changed-meanwhile"
    merge.discard()
    assert table.files() == [f"{name}.parquet" for name in "abcde"] and not [key for key in table.keys("t/") if "merged" in key]


def test_a_number_that_is_taken_at_the_last_moment_is_not_taken_twice(table: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    run, true_put, quick = table.run(add("mine.parquet"), appends=True), bucket_tables._put, iter([True])

    def late(bucket: Bucket, version: Any) -> None:
        if next(quick, False):
            table.commit(version.number, info(), add("theirs.parquet"))
        true_put(bucket, version)

    monkeypatch.setattr(bucket_tables, "_put", late)
    run.publish(nothing)
    assert table.files() == ["a.parquet", "b.parquet", "mine.parquet", "theirs.parquet"]


def test_an_answer_that_is_lost_makes_no_second_version(table: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    run, true_put = table.run(add("c.parquet"), appends=True), Bucket.put

    def twice(bucket: Bucket, key: str, *given: Any) -> str:
        if LOG in key:
            true_put(bucket, key, *given)
        return true_put(bucket, key, *given)

    monkeypatch.setattr(Bucket, "put", twice)
    run.publish(nothing)
    assert table.files() == ["a.parquet", "b.parquet", "c.parquet"] and len(table.keys(f"t/{LOG}/")) == 3


def test_what_fails_behind_it_takes_it_back(table: Lake) -> None:
    store_run = table.run(remove("a.parquet"), add("c.parquet"))

    def fails(facts: Any) -> None:
        assert table.files() == ["b.parquet", "c.parquet"]
        raise OSError(5, "no receipt")

    with pytest.raises(OSError, match="no receipt"):
        store_run.publish(fails)
    assert table.files() == ["a.parquet", "b.parquet"] and len(table.keys(f"t/{LOG}/")) == 4
    new = table.run({"protocol": PROTOCOL}, metadata(), add("a.parquet"), place="fresh")
    with pytest.raises(OSError, match="no receipt"):
        new.publish(
            lambda facts: fails(facts) if table.keys("fresh/_delta_log/") == [] else (_ for _ in ()).throw(OSError(5, "no receipt"))
        )
    new.discard()
    assert table.keys("fresh/") == []


class Dies(BaseException):
    """The process ends here."""


def dying(work: Callable[..., Any], calls: Iterator[int], at: int) -> Callable[..., Any]:
    def one(*given: Any, **more: Any) -> Any:
        if next(calls) >= at:  # the dead do nothing more
            raise Dies
        return work(*given, **more)

    return one


@pytest.mark.lake
def test_what_dies_in_between_is_taken_back_by_whoever_cleans_up(
    table: Lake, monkeypatch: pytest.MonkeyPatch, tally: Tally, server_name: str
) -> None:
    """A run with a table and a folder dies before each request by which something is written there or removed."""
    for at in range(1, 20):
        final: list[bool] = []
        before, new = table.files(), f"new-{at}.parquet"
        run = table.run(add(new), name=f"run-{at}", appends=True, daily=(text := f"new {at}"))
        was = table.daily()
        with monkeypatch.context() as patch:
            calls = itertools.count(1)
            for name in ("put", "remove"):
                patch.setattr(Bucket, name, dying(getattr(Bucket, name), calls, at))
            with suppress(Dies):
                run.publish(lambda facts: final.append(True))  # noqa: B023 - asked at once
                break
        is_half = table.files() not in (before, sorted([*before, new])) or table.daily() not in (was, text)
        table.machine().clear_after(f"run-{at}", ["t", "daily"], is_published=bool(final))
        is_right = (table.files(), table.daily()) == ((sorted([*before, new]), text) if final else (before, was))
        tally(f"writer of a Delta table and a folder killed, S3 ({server_name})").tried(half=is_half, lost=not is_right)
        assert is_right and not is_half
        assert table.keys(f"{PUBLISHING}/run-{at}") == []
    assert at > 8, "it has died at 8 points"


def test_an_earlier_version_is_put_back(table: Lake) -> None:
    store = table.machine()
    told = store.put_back("t", "version-0", "archive:t")
    assert table.files() == ["a.parquet"] and [one["id"] for one in told["kept"]] == ["version-1", "version-0"]
    assert refused(lambda: store.put_back("t", "version-7", "archive:t")) == "kept-output-gone"


def test_other_data_is_not_written_over(lake: Lake) -> None:
    lake.put("plain/part-0.parquet", b"abc")
    store = lake.machine()
    assert refused(lambda: store.table("plain", "plain")) == "output-no-table"
    lake.commit(0, info(), {"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    assert refused(lambda: store.table("t/k=1", "t/k=1")) == "place-is-table"
    outputs = S3Outputs(store, "run", None, 2)
    lake.begun.append(outputs)
    assert refused(lambda: outputs.stage("t", "t", "Overwrite", 0, "s")) in ("place-is-table", "output-holds-other-things")
    assert json.loads(lake.bucket.get(f"t/{LOG}/{name_of(0)}")[0].splitlines()[0])  # type: ignore[index]
