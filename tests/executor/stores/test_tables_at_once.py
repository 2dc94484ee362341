"""Two who append, one who puts files together, one who cleans up and one who puts versions back, all at once: nothing is lost."""

from __future__ import annotations

import os
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.files.delta_commit import name_of, text_of
from executor.files.delta_history import cleaned_up, said_by
from executor.files.delta_log import LOG, Log
from executor.files.delta_vacuum import DataFile, Wish
from executor.problems import ProblemError
from executor.stores import bucket_logs, bucket_tables
from executor.stores.base import Store
from executor.stores.bucket import Bucket
from executor.stores.folder import FolderStore
from executor.stores.s3 import S3Store
from executor.stores.s3_access import S3Access
from tests.executor.test_delta_log import PROTOCOL, add, info, metadata, remove, write

pytestmark = [pytest.mark.services, pytest.mark.lake]
OLD, APPENDS = 10, 6
MEANWHILE = {"output-changed-meanwhile", "publishing-busy", "input-changed"}
"""What somebody is told who was not quick enough, and tries again."""
Machine = Callable[[], Store]


def first_versions(put: Callable[[str, bytes], None]) -> None:
    """Ten versions of long ago, each with another file in place of the one before."""
    for version in range(OLD):
        begun = [{"protocol": PROTOCOL}, metadata()] if version == 0 else [remove(f"old-{version - 1}.parquet")]
        put(f"old-{version}.parquet", b"abc")
        put(f"{LOG}/{name_of(version)}", text_of([info(1_000 + version), *begun, add(f"old-{version}.parquet")]))


def in_folder(tmp_path: Path) -> Machine:
    place = Path(os.path.realpath(tmp_path)) / "lake" / "t"
    (place / LOG).mkdir(parents=True)

    def put(name: str, content: bytes) -> None:
        (place / name).write_bytes(content)
        os.utime(place / name, (1_000, 1_000))

    first_versions(put)
    return lambda: FolderStore(place.parent)


def on_s3(access: S3Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    name = f"t{uuid.uuid4().hex[:12]}"
    access.client().create_bucket(Bucket=name)
    bucket, true_files = Bucket(name, "dev", access), bucket_logs.data_files
    first_versions(lambda key, content: bucket.client.put_object(Bucket=name, Key=f"dev/t/{key}", Body=content) and None)

    def aged(root: S3Store, place: str) -> dict[str, DataFile]:
        return {file: replace(one, changed=1_000) if file.startswith("old-") else one for file, one in true_files(root, place).items()}

    for module in (bucket_logs, bucket_tables):
        monkeypatch.setattr(module, "data_files", aged)

    def machine() -> Store:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        return S3Store("archive", bucket, folder)

    return machine


@pytest.fixture(params=["folder", "moto", "versity"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if request.param == "folder":
        return in_folder(tmp_path)
    return on_s3(request.getfixturevalue(request.param), tmp_path, monkeypatch)


def again(work: Callable[[], Any]) -> Any:
    """Until nobody was quicker."""
    for _ in range(200):
        try:
            return work()
        except ProblemError as error:
            if error.problems[0].code not in MEANWHILE:
                raise
    raise AssertionError("others were quicker each time")


def publish(machine: Machine, change: Callable[[Log], list[dict[str, Any]]], *, appends: bool) -> None:
    """A run that does to the table as it finds it what Spark would do."""
    outputs = machine().outputs(uuid.uuid4().hex, None, 2)
    try:
        staged = outputs.stage_table_at("t", "t", "Append", 0, "save", appends=appends, label=None)
        actions = change(Log.of(staged.target, "t"))
        for one in actions:
            if "remove" in one:
                one["remove"]["path"] = f"file://{staged.target}/{one['remove']['path']}"
        write(staged.folder, 1, info(int(datetime.now(UTC).timestamp() * 1000)), *actions)
        outputs.send()
        outputs.publish(lambda facts: None)
    finally:
        outputs.discard()


def together(log: Log) -> list[dict[str, Any]]:
    """The same rows in one file."""
    state = log.state()
    whole = add(f"part-{uuid.uuid4().hex}.parquet", state.rows or 0, dataChange=False)
    return [*({"remove": {**remove(path)["remove"], "dataChange": False}} for path, _ in state.files), whole]


def cleaner(machine: Machine) -> None:
    again(lambda: machine().clean_up("t", "t", Wish(datetime.now(UTC) - timedelta(hours=168))))


def restorer(machine: Machine) -> None:
    """An old version may have been cleaned up: then that is said, and nothing is done."""
    version = random.randrange(OLD)  # noqa: S311 - which one does not matter
    try:
        again(lambda: machine().put_back("t", f"version-{version}", "t"))
    except ProblemError as error:
        assert error.problems[0].code == "kept-output-gone"


def log_of(store: Store) -> tuple[Log, set[str]]:
    return Log.of(store.table_log("t", "t", "uri"), "t"), set(store.table_files("t"))


@pytest.mark.parametrize("goes_back", [False, True])
def test_nothing_is_lost(machine: Machine, *, goes_back: bool) -> None:
    wrong: list[BaseException] = []

    def worker(times: int, work: Callable[[int], Any]) -> threading.Thread:
        def all_of_it() -> None:
            try:
                for number in range(times):
                    work(number)
            except BaseException as error:  # noqa: BLE001 - told by the test
                wrong.append(error)

        return threading.Thread(target=all_of_it)

    def writer(name: str) -> Callable[[int], None]:
        return lambda number: again(
            lambda: publish(machine, lambda log: [add(f"{name}-{number}-{uuid.uuid4().hex}.parquet")], appends=True)
        )

    workers = [worker(APPENDS, writer("a")), worker(APPENDS, writer("b"))]
    workers += [worker(3, lambda number: again(lambda: publish(machine, together, appends=False)))]
    workers += [worker(5, lambda number: cleaner(machine))]
    workers += [worker(4, lambda number: restorer(machine))] if goes_back else []
    for one in workers:
        one.start()
    for one in workers:
        one.join(240)
    assert not wrong, wrong
    log, there = log_of(machine())
    gone = cleaned_up(log)
    for version in range(log.latest + 1):
        assert version in gone or {path for path, _ in log.state(version).files} <= there, version
    assert sorted(appended(log)) == sorted([f"{name}-{number}" for name in "ab" for number in range(APPENDS)])
    for version in range(OLD, log.latest + 1):
        state, before = log.state(version), log.state(version - 1)
        is_back = "restores" in said_by(log.info(version))
        assert is_back or (state.rows or 0) - (before.rows or 0) == len(list(appended_in(log, version))), version
    if not goes_back:
        assert log.state().rows == 1 + 2 * APPENDS
    assert gone


def appended(log: Log) -> Iterator[str]:
    for version in range(OLD, log.latest + 1):
        yield from appended_in(log, version)


def appended_in(log: Log, version: int) -> Iterator[str]:
    """What a writer has brought with a version. One that puts an earlier version back brings nothing new."""
    if "restores" in said_by(log.info(version)):
        return
    for action in log.actions(version):
        path = action.get("add", {}).get("path", "")
        if path[:2] in ("a-", "b-"):
            yield path.rpartition("-")[0]
