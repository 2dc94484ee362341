"""What is copied of a Delta table in a bucket, checkpoints that are sent along, and cleaning up there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.files import delta_vacuum
from executor.files.delta_commit import name_of
from executor.files.delta_history import cleaned_up
from executor.files.delta_log import LOG, Log
from executor.files.delta_vacuum import DataFile, Wish
from executor.running import tables
from executor.stores import bucket_logs, bucket_tables
from executor.stores.bucket import Bucket
from executor.stores.s3 import S3Outputs, S3Store
from executor.stores.s3_access import S3Access
from tests.executor.stores.test_s3_tables import Dies, Lake, dying, nothing
from tests.executor.test_delta_log import PROTOCOL, add, info, metadata, refused, remove

pytestmark = pytest.mark.services
SOON = Wish(datetime.now(UTC) + timedelta(days=1), by="Ana")
"""All was there before that: what is not needed goes, though it was brought a moment ago."""


@pytest.fixture
def lake(access: S3Access, tmp_path: Path) -> Iterator[Lake]:
    yield (found := Lake(access, tmp_path))
    for outputs in found.begun:
        outputs.discard()


@pytest.fixture
def long(lake: Lake) -> Lake:
    """30 versions, each with another file in place of the one before, and a checkpoint of version 5."""
    lake.commit(0, info(), {"protocol": PROTOCOL}, metadata(), add("f0.parquet"))
    for version in range(1, 30):
        lake.commit(version, info(), remove(f"f{version - 1}.parquet"), add(f"f{version}.parquet"))
    lake.put(f"t/{LOG}/{5:020d}.checkpoint.parquet", checkpoint(add("f5.parquet")))
    return lake


def checkpoint(added: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {name: value for name, value in metadata()["metaData"].items() if name in ("id", "schemaString")}
    named = {name: value for name, value in added["add"].items() if name != "partitionValues"}
    none = {"protocol": None, "metaData": None, "add": None}
    rows = [none | one for one in ({"protocol": PROTOCOL}, {"metaData": about}, {"add": named})]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def copied(store: S3Store, what: str) -> list[str]:
    return sorted(path.name for path in (store.folder / "t").glob(what))


def test_of_a_table_only_what_is_read_is_copied(long: Lake) -> None:
    store = long.machine()
    at_hand = store.read("t", "archive:t", "inputURI")
    assert copied(store, "*.parquet") == [] and len(at_hand.state) == 30
    assert copied(store, f"{LOG}/*") == [f"{5:020d}.checkpoint.parquet", *(name_of(one) for one in range(5, 30))]
    log = Log.of(Path(at_hand.path), "archive:t")
    assert (log.earliest, log.latest, [path for path, _ in log.state().files]) == (5, 29, ["f29.parquet"])
    store.bring_version("t", "archive:t", 29, may_note=True)
    assert copied(store, "*.parquet") == ["f29.parquet"]
    store.table_log("t", "archive:t", "inputURI")  # all of it, for somebody who asks for a version of long ago
    store.bring_version("t", "archive:t", 3, may_note=True)
    assert copied(store, "*.parquet") == ["f29.parquet", "f3.parquet"]
    store.read("t", "archive:t", "inputURI")  # what others are reading stays where it is
    assert copied(store, "*.parquet") == ["f29.parquet", "f3.parquet"] and len(copied(store, f"{LOG}/*.json")) == 30


def test_an_append_copies_none_of_its_rows_and_whoever_reads_them_gets_them(long: Lake) -> None:
    store = long.machine()
    outputs = S3Outputs(store, "run", None, 2)
    long.begun.append(outputs)
    outputs.stage_table_at("t", "archive:t", "Append", 0, "save", appends=True, label=None)
    assert copied(store, "*.parquet") == []
    outputs.readable(store.folder / "t", "archive:t")
    assert copied(store, "*.parquet") == ["f29.parquet"]
    other = long.machine()
    merging = S3Outputs(other, "other", None, 2)
    long.begun.append(merging)
    merging.stage_table_at("t", "archive:t", "Append", 0, "save", appends=False, label=None)
    assert copied(other, "*.parquet") == ["f29.parquet"]


def test_a_file_of_a_version_that_is_gone_is_told(long: Lake) -> None:
    store = long.machine()
    long.bucket.remove(["t/f3.parquet", "t/f29.parquet"])
    store.table_log("t", "archive:t", "inputURI")
    assert refused(lambda: store.bring_version("t", "archive:t", 3, may_note=True)) == "table-version-gone"
    assert refused(lambda: store.bring_version("t", "archive:t", 29, may_note=True)) == "input-changed"


def test_a_checkpoint_that_was_made_here_is_sent_along(long: Lake) -> None:
    run = long.run(add("mine.parquet"), appends=True)
    (run.root.folder / "t" / LOG / f"{29:020d}.checkpoint.parquet").write_bytes(checkpoint(add("f29.parquet")))
    (run.root.folder / "t" / LOG / "_last_checkpoint").write_text('{"version":29,"size":3}')
    run.send()
    run.publish(nothing)
    assert {f"t/{LOG}/{29:020d}.checkpoint.parquet", f"t/{LOG}/_last_checkpoint"} <= set(long.keys(f"t/{LOG}/"))
    for version in range(31, 31 + bucket_logs.BACK):
        long.commit(version, info(), add(f"f{version}.parquet"))
    store = long.machine()
    store.read("t", "archive:t", "inputURI")
    assert len(copied(store, f"{LOG}/*.json")) == 2 + bucket_logs.BACK
    assert Log.of(store.folder / "t", "t").state().rows == 2 + bucket_logs.BACK


# --- cleaning up ------------------------------------------------------------------------------------------------------------


def test_what_no_version_needs_goes_and_what_is_kept_can_be_read(long: Lake) -> None:
    store = long.machine()
    would = store.clean_up("t", "archive:t", SOON, only_look=True)
    assert len(long.keys("t/f")) == 30
    done = store.clean_up("t", "archive:t", SOON)
    assert would == done and (done.keep_from, done.gone) == (27, tuple(range(27)))
    assert sorted(long.keys("t/f")) == ["t/f27.parquet", "t/f28.parquet", "t/f29.parquet"]
    assert long.files() == ["f29.parquet"] and cleaned_up(Log.of(store.table_log("t", "t", "uri"), "t")) == frozenset(range(27))
    assert refused(lambda: store.put_back("t", "version-3", "archive:t")) == "kept-output-gone"
    store.put_back("t", "version-27", "archive:t", "Ana")
    assert long.files() == ["f27.parquet"] and store.clean_up("t", "archive:t", SOON).files == ()


def test_who_puts_a_version_back_at_the_last_moment_is_first(long: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at all and the commit: then all is looked at anew, and what was put back stays."""
    true_commit, first = delta_vacuum.commit_of, iter([True])

    def late(*given: Any) -> bytes:
        if next(first, False):
            long.machine().put_back("t", "version-20", "archive:t")
        return true_commit(*given)

    monkeypatch.setattr(bucket_tables, "commit_of", late)
    done = long.machine().clean_up("t", "archive:t", SOON)
    assert done.keep_from == 28 and "t/f20.parquet" in long.keys("t/f") and long.files() == ["f20.parquet"]


@pytest.mark.lake
def test_who_puts_one_back_behind_the_commit_is_refused(long: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have looked before it came; the number of their version is taken, and the log says why when they look again."""
    other, true_put, told = long.machine(), bucket_tables._put, iter([True])

    def late(bucket: Bucket, version: Any) -> None:
        if next(told, False):
            long.machine().clean_up("t", "archive:t", SOON)
        true_put(bucket, version)

    with monkeypatch.context() as patch:
        patch.setattr(bucket_tables, "_put", late)
        assert refused(lambda: other.put_back("t", "version-3", "archive:t")) == "output-changed-meanwhile"
    assert refused(lambda: other.put_back("t", "version-3", "archive:t")) == "kept-output-gone"
    assert long.files() == ["f29.parquet"]


@pytest.mark.lake
def test_wherever_it_dies_what_can_be_read_is_whole(long: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, name in enumerate(("put", "remove")):
        with monkeypatch.context() as patch:
            patch.setattr(Bucket, name, dying(getattr(Bucket, name), iter((1,)), 1))
            with contextlib.suppress(Dies):
                long.machine().clean_up("t", "archive:t", SOON)
        store = long.machine()
        log, there = Log.of(store.table_log("t", "t", "uri"), "t"), store.table_files("t")
        for version in set(range(log.latest + 1)) - cleaned_up(log):
            assert all(path in there for path, _ in log.state(version).files), (at, version)
    long.machine().clean_up("t", "archive:t", SOON)
    assert len(long.keys("t/f")) == 3


def test_what_a_run_has_sent_and_not_published_stays(long: Lake) -> None:
    """It is younger than whatever goes: at least a week."""
    run = long.run(add("part-0-new.parquet"), appends=True)
    long.machine().clean_up("t", "archive:t", Wish(datetime.now(UTC) - timedelta(hours=1)))
    assert "t/part-0-new.parquet" in long.keys("t/part")
    run.publish(nothing)
    assert long.files() == ["f29.parquet", "part-0-new.parquet"]


@pytest.mark.lake
def test_its_history_is_told_without_a_copy_of_its_rows(long: Lake) -> None:
    store = long.machine()

    class OneRoot:
        def at(self, uri: str, field: str, *, writes: bool = False) -> tuple[S3Store, str]:
            return store, "t"

    told = tables.table({"uri": "archive:t", "do": "history"}, OneRoot(), lambda *said: None)  # type: ignore[arg-type]
    assert [one["version"] for one in told["history"]] == list(range(29, -1, -1)) and all(one["is_readable"] for one in told["history"])
    assert copied(store, "*.parquet") == [] and told["rows"] == 1
    assert store.table_files("t")["f3.parquet"] == DataFile(3, store.table_files("t")["f3.parquet"].changed)
    assert json.loads(json.dumps(told))
