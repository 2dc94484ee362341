"""Cleaning up a table: what goes, what never does, and nothing is lost wherever it dies."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.files import delta_vacuum, exchange, kept, readings
from executor.files.delta_commit import Taken
from executor.files.delta_history import cleaned_up
from executor.files.delta_log import Log
from executor.files.delta_vacuum import Wish
from executor.files.delta_versions import listed
from executor.problems import ProblemError
from executor.stores.folder import FolderStore
from tests.executor.test_delta_log import PROTOCOL, Runs, add, info, metadata, refused, remove, runs, write

__all__ = ["runs"]
DAY = 86_400
UNTIL = datetime.now(UTC) - timedelta(days=10)


def at(days: float) -> int:
    """Milliseconds: so many days ago."""
    return int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 1000)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Version 0: a. 1: b for a, 40 days ago. 2: c for b, 20 days ago. 3: d for c, 9 days ago. 4: e besides. 5: f besides. A file of a run
    that died long ago, one of a run that is at work, and somebody's notes."""
    place = Path(os.path.realpath(tmp_path)) / "lake" / "table"
    write(place, 0, info(at(50)), {"protocol": PROTOCOL}, metadata(), add("a.parquet"))
    write(place, 1, info(at(40)), remove("a.parquet"), add("b.parquet"))
    write(place, 2, info(at(20)), remove("b.parquet"), add("c.parquet"))
    write(place, 3, info(at(9)), remove("c.parquet"), add("d.parquet"))
    write(place, 4, info(at(8)), add("e.parquet"))
    write(place, 5, info(at(7)), add("f.parquet"))
    for name in ("part-0-died.parquet", "notes.txt", "part-0-new.parquet"):
        (place / name).write_text("abc")
    for file in place.glob("*"):
        if file.name != "part-0-new.parquet":
            os.utime(file, (at(60) / 1000,) * 2)
    return place


def clean(table: Path, until: datetime = UNTIL, **more: Any) -> delta_vacuum.Plan:
    return FolderStore(table.parent).clean_up("table", "table", Wish(until, by="Ana", **more))


def names(table: Path) -> list[str]:
    return sorted(file.name for file in table.glob("*") if file.is_file())


def readable(table: Path) -> list[int]:
    return [one["version"] for one in listed(Log.of(table, "t"), lambda file: (table / file).is_file()) if one["is_readable"]]


def test_what_goes_is_what_no_version_since_then_has(table: Path) -> None:
    would = FolderStore(table.parent).clean_up("table", "table", Wish(UNTIL), only_look=True)
    assert names(table) == sorted([*(f"{name}.parquet" for name in "abcdef"), "notes.txt", "part-0-died.parquet", "part-0-new.parquet"])
    done = clean(table)
    assert would == done and done.as_dict() == {"keep_from": 2, "files": 3, "bytes": 9, "gone": [[0, 1]]}
    assert names(table) == sorted([*(f"{name}.parquet" for name in "cdef"), "notes.txt", "part-0-new.parquet"])
    assert readable(table) == [6, 5, 4, 3, 2]
    (newest, *_) = listed(Log.of(table, "t"), lambda file: (table / file).is_file())
    assert (newest["operation"], newest["by"]) == ("VACUUM", "Ana")
    assert clean(table).files == () and Log.of(table, "t").latest == 6  # a second time there is nothing to do


def test_the_last_ones_stay_however_old_they_are_and_no_more_goes_than_was_shown(table: Path) -> None:
    done = clean(table, datetime.now(UTC) - timedelta(days=1))
    assert done.keep_from == 3 and readable(table) == [6, 5, 4, 3]
    write(table, 7, info(at(6)), remove("d.parquet"), add("g.parquet"))
    os.utime(table / "d.parquet", (at(60) / 1000,) * 2)
    shown = clean(table, datetime.now(UTC) - timedelta(days=1), keep_from=3)
    assert shown.files == () and (table / "d.parquet").exists()


def test_what_was_cleaned_up_is_neither_offered_nor_put_back_nor_read(table: Path) -> None:
    clean(table)
    assert [one["id"] for one in kept.listing(table)] == ["version-5", "version-4", "version-3", "version-2"]
    for name in "ab":
        (table / f"{name}.parquet").write_text("abc")  # as if they had not gone yet
    store = FolderStore(table.parent)
    assert refused(lambda: store.put_back("table", "version-1", "table")) == "kept-output-gone"
    assert refused(lambda: store.bring_version("table", "table", 1, may_note=True)) == "table-version-gone"
    store.put_back("table", "version-2", "table")
    assert Log.of(table, "t").state().files.keys() == {("c.parquet", "")}


def test_a_version_that_is_being_read_keeps_its_files(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(table.parent)
    reading = store.bring_version("table", "table", 1, may_note=True)
    assert clean(table).gone == (0,) and (table / "b.parquet").exists() and not (table / "a.parquet").exists()
    begun = []
    true_put = delta_vacuum.put_commit

    def late(*given: Any) -> None:
        """Somebody begins to read version 0 after all was looked at, and before it is said that it goes."""
        begun.append(readings.begin(table.parent, table, 1))
        true_put(*given)

    assert reading is not None
    reading.close()
    with monkeypatch.context() as patch:
        patch.setattr(delta_vacuum, "put_commit", late)
        assert clean(table).gone == (1,)
    assert (table / "b.parquet").exists()
    begun[0].close()
    clean(table)
    assert not (table / "b.parquet").exists()


def test_what_a_staged_table_refers_to_stays(table: Path, runs: Runs) -> None:
    write(table, 6, info(at(6)), remove("d.parquet"), add("g.parquet"))
    publisher = runs()
    publisher.stage_table("table", table, "Append", 0, "s", appends=False)  # looks at g, e, f
    for version, name in enumerate("hij", 7):
        write(table, version, info(at(5)), remove("g.parquet" if name == "h" else f"{chr(ord(name) - 1)}.parquet"), add(f"{name}.parquet"))
    os.utime(table / "g.parquet", (at(60) / 1000,) * 2)
    done = clean(table, datetime.now(UTC))
    assert "d.parquet" in done.files and (table / "g.parquet").exists()


def test_a_version_that_came_at_the_last_moment_stops_it(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_commit = delta_vacuum.commit_of

    def late(log: Log, *given: Any) -> bytes:
        write(table, log.latest + 1, info(at(0)), add("theirs.parquet"))
        return true_commit(log, *given)

    monkeypatch.setattr(delta_vacuum, "commit_of", late)
    with pytest.raises(Taken):
        clean(table)
    assert (table / "a.parquet").exists()


class Dies(BaseException):
    """The process ends here."""


def test_wherever_it_dies_what_can_be_read_is_whole(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the commit, after it, and between any two files."""
    for where in range(5):
        steps = iter(range(10))

        def dying(work: Callable[..., Any], where: int = where, steps: Any = steps) -> Callable[..., Any]:
            def one(*given: Any) -> Any:
                if next(steps) == where:
                    raise Dies
                return work(*given)

            return one

        with monkeypatch.context() as patch:
            for name in ("put_commit", "_remove"):
                patch.setattr(delta_vacuum, name, dying(getattr(delta_vacuum, name)))
            with contextlib.suppress(Dies):
                clean(table)
        log = Log.of(table, "t")
        for version in set(range(log.latest + 1)) - cleaned_up(log):
            assert all((table / path).is_file() for path, _ in log.state(version).files), (where, version)
    clean(table)
    assert names(table) == sorted([*(f"{name}.parquet" for name in "cdef"), "notes.txt", "part-0-new.parquet"])
    with exchange.locked(table.parent, seconds=0):
        """Nobody holds it any more."""


def test_who_can_write_no_note_where_it_reads_keeps_all_until_it_has_read(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(folder: Path) -> Any:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(readings, "_opened", read_only)
        reading = readings.begin(table.parent, table, 1)
    before = names(table)
    with pytest.raises(ProblemError) as refusal:
        clean(table)
    assert refusal.value.problems[0].code == "table-being-read" and names(table) == before and Log.of(table, "t").latest == 5
    reading.close()
    assert clean(table).files and names(table) != before
