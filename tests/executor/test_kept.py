"""The last good output is kept and can be put back; several outputs become visible together, also when the machine dies in between."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.files import exchange, kept, lake, marks, receipts, tree
from executor.files.kept import PREVIOUS
from executor.files.marks import MARK
from executor.files.publish import STAGING, Publisher
from executor.problems import ProblemError


class Crash(BaseException):
    """The machine dies here: nothing after it is done, also no cleaning up."""


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file() and file.name != MARK}


def publish(root: Path, run_id: str, *names: str, mode: str = "Overwrite", keep: int = 2, **options: dict[str, bool]) -> Publisher:
    """A run that writes its id to each of these places and publishes."""
    publisher = Publisher(run_id, root, keep=keep, **options)  # type: ignore[arg-type]
    with living(publisher):
        for index, name in enumerate(names):
            folder = publisher.stage_output(name, root / name, mode, index, f"save {name}")
            folder.mkdir()
            (folder / f"part-{run_id}").write_text(run_id)
        publisher.publish()
    return publisher


@contextmanager
def living(publisher: Publisher) -> Iterator[None]:
    """Cleans up at the end, except after a crash: then the system closes what was open, and that is all."""
    try:
        yield
    except Crash:
        for lock in publisher._locks.values():
            lock.close()
        raise
    except ProblemError:
        publisher.discard()
        raise
    publisher.discard()


# --- kept, and put back -----------------------------------------------------------------------------------------------------


def test_earlier_outputs_are_kept_up_to_a_number(tmp_path: Path) -> None:
    for number in range(1, 6):
        publish(tmp_path, f"r{number}", "curated/daily")
    listing = kept.listing(tmp_path / "curated/daily")
    assert [entry["run_id"] for entry in listing] == ["r4", "r3"]
    assert all(entry["files"] == 1 and entry["bytes"] == 2 for entry in listing)
    assert content(tmp_path / "curated/daily") == {"part-r5": "r5"}


def test_nothing_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily")
    publish(tmp_path, "r3", "curated/daily", keep=0)
    assert kept.listing(tmp_path / "curated/daily") == []
    assert not (tmp_path / "curated" / PREVIOUS).exists()


def test_an_empty_folder_before_is_nothing_to_keep(tmp_path: Path) -> None:
    (tmp_path / "curated/daily").mkdir(parents=True)
    publish(tmp_path, "r1", "curated/daily")
    assert kept.listing(tmp_path / "curated/daily") == []


def test_an_output_is_put_back_and_that_can_be_undone(tmp_path: Path) -> None:
    target = tmp_path / "curated/daily"
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily")
    (entry,) = kept.listing(target)
    answer = kept.put_back(tmp_path, target, entry["id"], "curated/daily")
    assert content(target) == {"part-r1": "r1"}
    assert answer["current"]["run_id"] == "r1" and [other["run_id"] for other in answer["kept"]] == ["r2"]
    kept.put_back(tmp_path, target, answer["kept"][0]["id"], "curated/daily")
    assert content(target) == {"part-r2": "r2"}


def test_what_was_appended_to_can_be_put_back(tmp_path: Path) -> None:
    target = tmp_path / "curated/daily"
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily", mode="Append")
    assert content(target) == {"part-r1": "r1", "part-r2": "r2"}
    (entry,) = kept.listing(target)
    kept.put_back(tmp_path, target, entry["id"], "curated/daily")
    assert content(target) == {"part-r1": "r1"}
    assert kept.listing(target)[0]["files"] == 2


def test_an_output_that_somebody_removed_can_be_put_back(tmp_path: Path) -> None:
    target = tmp_path / "curated/daily"
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily")
    tree.remove(target)
    kept.put_back(tmp_path, target, kept.ids(target)[0], "curated/daily")
    assert content(target) == {"part-r1": "r1"}


@pytest.mark.parametrize("kept_id", ["20200101T000000000000", "..", "../../raw", "", "x"])
def test_only_what_is_kept_is_put_back(tmp_path: Path, kept_id: str) -> None:
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily")
    with pytest.raises(ProblemError) as refused:
        kept.put_back(tmp_path, tmp_path / "curated/daily", kept_id, "curated/daily")
    assert refused.value.problems[0].code == "kept-output-gone"
    assert content(tmp_path / "curated/daily") == {"part-r2": "r2"}


def test_a_forged_mark_is_only_text(tmp_path: Path) -> None:
    publish(tmp_path, "r1", "curated/daily")
    for text in ("[" * 5000, '{"rows": 1e999, "bytes": -1, "files": true, "run_id": ["x"]}', "\x00", '{"run_id": "' + "x" * 9000 + '"}'):
        (tmp_path / "curated/daily" / MARK).write_text(text)
        facts = marks.facts_of(tmp_path / "curated/daily")
        assert facts["bytes"] == 2 and len(str(facts)) < 400
    (tmp_path / "curated/daily" / MARK).unlink()
    (tmp_path / "curated/daily" / MARK).symlink_to("/etc/hostname")
    assert marks.facts_of(tmp_path / "curated/daily") == {"files": 1, "bytes": 2}


@pytest.mark.parametrize("pattern", ["curated/*", "*/*", "curated/*/*", "{curated,x}/{*}", "curated/?*"])
def test_no_pattern_finds_what_is_kept(tmp_path: Path, pattern: str) -> None:
    publish(tmp_path, "r1", "curated/daily")
    publish(tmp_path, "r2", "curated/daily")
    found = [str(path) for path in lake.matches(tmp_path / pattern)]
    assert found and not [path for path in found if "/.sluice" in path]


# --- what is not its own ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x/part-0", "notes.txt", "year=2013/notes.txt", "x=1/y/part-0", ".hidden", "_temporary/part-0"])
@pytest.mark.parametrize("mode", ["Overwrite", "Append"])
def test_a_folder_that_holds_other_things_is_not_replaced(tmp_path: Path, name: str, mode: str) -> None:
    other = tmp_path / "curated" / name
    other.parent.mkdir(parents=True)
    other.write_text("precious")
    (tmp_path / "curated" / "part-0").write_text("old")
    with pytest.raises(ProblemError) as refused:
        publish(tmp_path, "r1", "curated", mode=mode)
    assert refused.value.problems[0].code == "output-holds-other-things"
    assert other.read_text() == "precious"


def test_what_comes_there_while_the_run_works_is_not_replaced_either(tmp_path: Path) -> None:
    publish(tmp_path, "r1", "curated")
    publisher = Publisher("r2", tmp_path)
    publisher.stage_output("curated", tmp_path / "curated", "Overwrite", 0, "save").mkdir()
    publish(tmp_path, "r3", "curated/x")
    with pytest.raises(ProblemError):
        publisher.publish()
    publisher.discard()
    assert content(tmp_path / "curated") == {"part-r1": "r1", "x/part-r3": "r3"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_is_not_replaced(tmp_path: Path, kind: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "part-0").write_text("precious")
    place = tmp_path / "planes"
    place.write_text("precious") if kind == "file" else place.symlink_to(tmp_path / "other")
    with pytest.raises(ProblemError):
        publish(tmp_path, "r1", "planes")
    assert (place if kind == "file" else place / "part-0").read_text() == "precious"


def test_where_a_list_is_kept_only_own_places_are_replaced(tmp_path: Path) -> None:
    publish(tmp_path, "r1", "curated/daily")
    with pytest.raises(ProblemError) as refused:
        publish(tmp_path, "r2", "curated/daily", places={"curated/other": True})
    assert refused.value.problems[0].code == "place-not-own"
    publish(tmp_path, "r3", "curated/daily", places={"curated/daily": False})
    (tmp_path / "curated/daily/notes.txt").write_text("precious")
    with pytest.raises(ProblemError):
        publish(tmp_path, "r4", "curated/daily", places={"curated/daily": False})
    publish(tmp_path, "r5", "curated/daily", places={"curated/daily": True})
    assert content(tmp_path / "curated/daily") == {"part-r5": "r5"}
    assert kept.listing(tmp_path / "curated/daily")[0]["run_id"] == "r3"


# --- all or nothing ---------------------------------------------------------------------------------------------------------

PLACES = ("curated/a", "curated/b", "other/deep/c")


def dies_at(monkeypatch: pytest.MonkeyPatch, number: int, error: Callable[[], BaseException]) -> None:
    """The `number`th rename of a publish fails."""
    done, real = [0], exchange.rename

    def rename(source: Path, target: Path, flags: int) -> None:
        done[0] += 1
        if done[0] == number:
            raise error()
        real(source, target, flags)

    monkeypatch.setattr(exchange, "rename", rename)


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("error", [Crash, lambda: OSError(28, "No space left on device")])
def test_a_publish_that_ends_half_way_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: Callable[[], BaseException]
) -> None:
    """Two of three places have an earlier output; renames 1, 3 and 5 exchange, 2 and 4 set aside what was there."""
    publish(tmp_path, "r1", *PLACES[:2])
    with monkeypatch.context() as patch:
        dies_at(patch, number, error)
        with pytest.raises((Crash, ProblemError)):
            publish(tmp_path, "r2", *PLACES)
    Publisher("r3", tmp_path).repair()
    assert [content(tmp_path / name) for name in PLACES[:2]] == [{"part-r1": "r1"}] * 2
    assert not (tmp_path / PLACES[2]).exists()
    assert kept.listing(tmp_path / PLACES[0]) == kept.listing(tmp_path / PLACES[1]) == []
    publish(tmp_path, "r4", *PLACES)
    assert [content(tmp_path / name) for name in PLACES] == [{"part-r4": "r4"}] * 3


def test_leftovers_that_must_go_back_are_not_cleaned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, "r1", *PLACES[:2])
    with monkeypatch.context() as patch:
        dies_at(patch, 3, Crash)
        with pytest.raises(Crash):
            publish(tmp_path, "r2", *PLACES, keep=0)
    lock = tmp_path / "curated" / STAGING / "r2.lock"
    os.utime(lock, (0, 0))
    later = Publisher("r3", tmp_path)
    later.stage_output("curated/z", tmp_path / "curated/z", "Overwrite", 0, "save")
    later.repair()
    later.discard()
    assert [content(tmp_path / name) for name in PLACES[:2]] == [{"part-r1": "r1"}] * 2


def test_a_crash_after_the_receipt_takes_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, "r1", *PLACES)

    def receipt_then_crash(facts: object) -> None:
        receipts.write(tmp_path, "r2", "{}")
        raise Crash

    publisher = Publisher("r2", tmp_path)
    with pytest.raises(Crash), living(publisher):
        for index, name in enumerate(PLACES):
            folder = publisher.stage_output(name, tmp_path / name, "Overwrite", index, "save")
            folder.mkdir()
            (folder / "part-r2").write_text("r2")
        publisher.publish(receipt_then_crash)
    receipts.remove(tmp_path, "r2")  # the portal has noted the end of the run before anybody repaired
    assert Publisher("r3", tmp_path).repair() == []
    assert [content(tmp_path / name) for name in PLACES] == [{"part-r2": "r2"}] * 3


def test_when_the_note_of_success_cannot_be_made_nothing_is_published(tmp_path: Path) -> None:
    publish(tmp_path, "r1", *PLACES)
    publisher = Publisher("r2", tmp_path)
    publisher.stage_output(PLACES[0], tmp_path / PLACES[0], "Overwrite", 0, "save").mkdir()

    def fails(facts: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ProblemError), living(publisher):
        publisher.publish(fails)
    assert content(tmp_path / PLACES[0]) == {"part-r1": "r1"}


def test_appends_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    publish(tmp_path, "r0", "curated/daily")
    threads = [threading.Thread(target=publish, args=(tmp_path, f"t{n}", "curated/daily"), kwargs={"mode": "Append"}) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(content(tmp_path / "curated/daily")) == {"part-r0", *(f"part-t{n}" for n in range(6))}
