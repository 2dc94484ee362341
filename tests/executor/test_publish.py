"""What a run writes becomes visible at its end, all of it or nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from executor.files import exchange, publish
from executor.files.marks import MARK
from executor.files.publish import STAGING, Publisher, remove_leftovers
from executor.problems import ProblemError


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "curated").mkdir()
    return tmp_path


def write(publisher: Publisher, target: Path, text: str, mode: str = "Overwrite", file: str = "part-0.txt") -> None:
    """What a load does: writes a file (and Hadoop's checksum of it) into the folder it was given."""
    folder = publisher.stage_output(str(target.name), target, mode, 0, "save")
    folder.mkdir()
    (folder / file).write_text(text)
    (folder / f".{file}.crc").write_text("checksum")


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file() and file.name != MARK}


def test_nothing_is_visible_before_publishing_and_all_of_it_after(lake: Path) -> None:
    publisher, target = Publisher("r1", lake), lake / "curated" / "daily"
    write(publisher, target, "new")
    assert not target.exists()
    (facts,) = publisher.publish()
    publisher.discard()
    assert content(target) == {"part-0.txt": "new"}
    assert (facts["files"], facts["bytes"], facts["uri"]) == (1, 3, "daily")
    assert not (lake / "curated" / STAGING).exists()


def test_overwrite_replaces_the_old_output_whole(lake: Path) -> None:
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    publisher = Publisher("r1", lake)
    write(publisher, target, "new")
    assert content(target) == {"part-old.txt": "old"}
    publisher.publish()
    publisher.discard()
    assert content(target) == {"part-0.txt": "new"}


def test_a_discarded_run_leaves_the_old_output_as_it_was(lake: Path) -> None:
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    publisher = Publisher("r1", lake)
    write(publisher, target, "new")
    publisher.discard()
    assert content(target) == {"part-old.txt": "old"}
    assert not (lake / "curated" / STAGING).exists()


def test_append_keeps_what_was_there(lake: Path) -> None:
    target = lake / "curated" / "daily"
    (target / "year=2012").mkdir(parents=True)
    (target / "year=2012" / "part-a.txt").write_text("old")
    publisher = Publisher("r1", lake)
    write(publisher, target, "new", "Append", "b.txt")
    publisher.publish()
    publisher.discard()
    assert content(target) == {"b.txt": "new", "year=2012/part-a.txt": "old"}


def test_ignore_leaves_data_that_is_there(lake: Path) -> None:
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    publisher = Publisher("r1", lake)
    write(publisher, target, "new", "Ignore")
    publisher.publish()
    publisher.discard()
    assert content(target) == {"part-old.txt": "old"}


def test_error_if_exists_is_said_before_any_work(lake: Path) -> None:
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    with pytest.raises(ProblemError) as raised:
        Publisher("r1", lake).stage_output("curated/daily", target, "ErrorIfExists", 0, "save")
    assert raised.value.problems[0].code == "output-exists"


def test_error_if_exists_also_holds_when_somebody_was_faster(lake: Path) -> None:
    publisher, target = Publisher("r1", lake), lake / "curated" / "daily"
    write(publisher, target, "new", "ErrorIfExists")
    target.mkdir()
    (target / "theirs.txt").write_text("theirs")
    with pytest.raises(ProblemError):
        publisher.publish()
    publisher.discard()
    assert content(target) == {"theirs.txt": "theirs"}


def test_two_stages_cannot_write_to_one_place(lake: Path) -> None:
    publisher, target = Publisher("r1", lake), lake / "curated" / "daily"
    write(publisher, target, "new")
    with pytest.raises(ProblemError) as raised:
        publisher.stage_output("curated/daily", target, "Overwrite", 1, "again")
    assert raised.value.problems[0].code == "output-twice"
    publisher.discard()


def test_when_one_target_cannot_be_published_those_before_it_are_taken_back(lake: Path) -> None:
    first, second = lake / "curated" / "a", lake / "curated" / "b"
    first.mkdir()
    (first / "part-old.txt").write_text("old a")
    publisher = Publisher("r1", lake)
    write(publisher, first, "new a")
    write(publisher, second, "new b", "ErrorIfExists")
    second.mkdir()
    (second / "theirs.txt").write_text("theirs")
    with pytest.raises(ProblemError):
        publisher.publish()
    publisher.discard()
    assert content(first) == {"part-old.txt": "old a"}
    assert content(second) == {"theirs.txt": "theirs"}


def test_a_file_system_without_exchange_publishes_too(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(source: Path, target: Path, flags: int) -> None:
        if flags == exchange.RENAME_EXCHANGE:
            raise OSError(errno.EINVAL, "Invalid argument")
        os.rename(source, target)

    monkeypatch.setattr(exchange, "rename", cannot)
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    publisher = Publisher("r1", lake)
    write(publisher, target, "new")
    publisher.publish()
    publisher.discard()
    assert content(target) == {"part-0.txt": "new"}


def test_a_place_that_may_not_be_written_is_said_before_any_work(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as root, who may write everywhere
    publisher = Publisher("r1", lake)
    with pytest.raises(ProblemError) as raised:
        publisher.stage_output("curated/daily", lake / "curated" / "daily", "Overwrite", 0, "save")
    publisher.discard()
    assert raised.value.problems[0].code == "output-not-writable"
    assert "curated/daily" in raised.value.problems[0].message


def test_a_full_disk_is_named(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **keywords: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(ProblemError) as raised:
        Publisher("r1", lake).stage_output("curated/daily", lake / "new" / "daily", "Overwrite", 0, "save")
    assert raised.value.problems[0].code == "disk-full"


def test_leftovers_of_a_dead_run_go_and_those_of_a_living_one_stay(lake: Path) -> None:
    alive = Publisher("alive", lake)
    write(alive, lake / "curated" / "one", "of the living")
    staging = lake / "curated" / STAGING
    (staging / "dead" / "two").mkdir(parents=True)
    (staging / "dead.lock").touch()
    (staging / "unlocked" / "x").mkdir(parents=True)
    for name, moment in (("alive.lock", 0), ("dead.lock", time.time() + 10**6)):  # times can be set by anybody and say nothing
        os.utime(staging / name, (moment, moment))
    later = Publisher("later", lake)
    write(later, lake / "curated" / "three", "later")
    assert sorted(path.name for path in staging.iterdir()) == ["alive", "alive.lock", "later", "later.lock"]
    assert (staging / "alive" / "one").exists()
    alive.publish()
    alive.discard()
    later.discard()
    assert content(lake / "curated" / "one") == {"part-0.txt": "of the living"}


def test_a_second_attempt_of_a_run_begins_afresh_and_waits_for_no_dead_one(lake: Path) -> None:
    leftover = lake / "curated" / STAGING / "r1" / "daily"
    leftover.mkdir(parents=True)
    (leftover / "half.txt").write_text("half")
    publisher = Publisher("r1", lake)
    write(publisher, lake / "curated" / "daily", "whole")
    publisher.publish()
    publisher.discard()
    assert content(lake / "curated" / "daily") == {"part-0.txt": "whole"}


def test_a_run_that_begins_while_somebody_cleans_up_keeps_its_folder(lake: Path) -> None:
    """Whoever cleans up holds a lock for a moment and takes its file away: the run takes a new one."""
    staging = lake / "curated" / STAGING
    staging.mkdir(parents=True)
    cleaning = (staging / "r1.lock").open("a")
    fcntl.flock(cleaning, fcntl.LOCK_EX)

    def clean_up() -> None:
        time.sleep(0.3)
        os.unlink(cleaning.name)
        cleaning.close()

    helper = threading.Thread(target=clean_up)
    helper.start()
    publisher = Publisher("r1", lake)
    write(publisher, lake / "curated" / "daily", "whole")
    helper.join()
    remove_leftovers(staging, lake)
    publisher.publish()
    publisher.discard()
    assert content(lake / "curated" / "daily") == {"part-0.txt": "whole"}


def test_two_processes_of_one_run_cannot_both_write(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LOCK_SECONDS", 0.1)
    first = Publisher("r1", lake)
    write(first, lake / "curated" / "daily", "first")
    with pytest.raises(ProblemError) as raised:
        Publisher("r1", lake).stage_output("curated/daily", lake / "curated" / "daily", "Overwrite", 0, "save")
    assert raised.value.problems[0].code == "run-still-alive"
    first.discard()


# --- reading what this run has written ---------------------------------------------------------------------------------------


def read(publisher: Publisher, path: Path) -> dict[str, str] | None:
    """What a later stage of the run finds at `path`; None when it reads the lake as it is."""
    found = publisher.readable(path, str(path.name))
    return None if found is None else content(found) if found.is_dir() else {found.name: found.read_text()}


@pytest.fixture
def daily(lake: Path) -> Path:
    """An output of an earlier run."""
    target = lake / "curated" / "daily"
    target.mkdir()
    (target / "part-old.txt").write_text("old")
    return target


def test_what_a_run_appends_is_read_with_what_was_there(lake: Path, daily: Path) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, daily, "new", "Append")
    assert read(publisher, daily) == {"part-old.txt": "old", "part-0.txt": "new"}
    (facts,) = publisher.publish()
    assert (facts["files"], facts["bytes"]) == (1, 3)
    publisher.discard()
    assert content(daily) == {"part-old.txt": "old", "part-0.txt": "new"}


def test_what_a_run_leaves_as_it_is_is_read_as_it_is(lake: Path, daily: Path) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, daily, "new", "Ignore")
    assert read(publisher, daily) is None
    publisher.discard()


def test_a_part_of_an_output_is_read_from_the_run(lake: Path, daily: Path) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, daily, "new")
    assert read(publisher, daily / "part-0.txt") == {"part-0.txt": "new"}
    publisher.discard()


@pytest.mark.parametrize("path", ["curated", "curated/*", "curated/{daily,x}", "curated/d*/part-0.txt", "curated/[^x]aily", "*/daily"])
def test_old_and_new_are_never_mixed_in_silence(lake: Path, daily: Path, path: str) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, daily, "new")
    with pytest.raises(ProblemError) as raised:
        publisher.readable(lake / path, path)
    assert raised.value.problems[0].code == "input-partly-staged"
    publisher.discard()


@pytest.mark.parametrize("path", ["raw", "raw/*", "curated/other", "curated/{a,b}", "curated/[^d]*"])
def test_other_files_are_read_as_they_are(lake: Path, daily: Path, path: str) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, daily, "new")
    assert publisher.readable(lake / path, path) is None
    publisher.discard()


def test_a_run_that_publishes_nothing_leaves_no_empty_folder(lake: Path) -> None:
    publisher = Publisher("r1", lake)
    write(publisher, lake / "new" / "and" / "deep" / "daily", "new")
    (lake / "curated" / "kept").mkdir()
    write(publisher, lake / "curated" / "kept" / "daily", "new")
    publisher.discard()
    assert not (lake / "new").exists()
    assert list((lake / "curated").iterdir()) == [lake / "curated" / "kept"]


def test_folders_that_a_run_made_stay_when_it_has_published(lake: Path) -> None:
    publisher, target = Publisher("r1", lake), lake / "new" / "deep" / "daily"
    write(publisher, target, "new")
    publisher.publish()
    publisher.discard()
    assert content(target) == {"part-0.txt": "new"}


def test_rows_are_not_appended_to_what_holds_links(lake: Path) -> None:
    first, target = Publisher("r1", lake), lake / "curated" / "daily"
    write(first, target, "old")
    first.publish()
    first.discard()
    (target / "part-9.txt").symlink_to("/etc/passwd")
    publisher = Publisher("r2", lake)
    with pytest.raises(ProblemError):
        write(publisher, target, "new", "Append", "part-1.txt")
        publisher.publish()
    publisher.discard()
    assert not [file for file in target.iterdir() if file.name == "part-1.txt"]
