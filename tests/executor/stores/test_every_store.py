"""What must be true of every store, whoever adds it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.files import marks
from executor.files.folder import place_of
from executor.problems import ProblemError
from executor.stores import base as stores
from executor.stores.s3_access import S3Access
from tests.executor.stores.roots import PLACE, FolderRoot, Root, S3Root, code_of, die, nothing, places, publish, staged, texts


@pytest.fixture(
    params=[
        "folder",
        "another folder",
        pytest.param("moto", marks=pytest.mark.services),
        pytest.param("versity", marks=[pytest.mark.services, pytest.mark.lake]),
    ]
)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Root]:
    if request.param == "folder":
        found: Root = FolderRoot(tmp_path)
    elif request.param == "another folder":
        for folder in ("lake", "archive"):
            (tmp_path / folder).mkdir()
        found = FolderRoot(tmp_path / "archive", own=tmp_path / "lake")
    else:
        access: S3Access = request.getfixturevalue(request.param)
        found = S3Root(access, tmp_path)
    yield found
    for outputs in found.begun:
        die(outputs)


def test_a_place_is_a_file_a_folder_or_a_pattern_and_hidden_names_are_seen_by_nobody(root: Root) -> None:
    named = ["raw/_year=2013/y.csv", "raw/a.csv", "raw/b.csv", "raw/deep/er/c d+ä%20.csv", "raw2/z.csv"]
    for key in (*named, "raw/half.csv._COPYING_", "raw/_b.csv", "raw/.c.csv", "raw/_deep/x.csv", "raw/.sluice-versions/r/x.csv"):
        root.put(key)
    assert places(root, "raw") == places(root, "raw/") == named[:4]
    assert places(root, "raw/a.csv") == ["raw/a.csv"]
    assert places(root, "raw/*.csv") == ["raw/a.csv", "raw/b.csv"]
    assert places(root, "r*/*.csv") == ["raw/a.csv", "raw/b.csv", "raw2/z.csv"]
    assert places(root, "{raw,raw2}") == named
    assert places(root, "ra") == places(root, "raw/a") == places(root, "raw/a.csv/x") == places(root, "nothing") == []


def test_one_folder_is_browsed_as_readers_see_it(root: Root) -> None:
    for key in ("raw/b.csv", "raw/a.csv", "raw/deep/er/c.csv", "raw2/z.csv", "top.csv", "raw/_b.csv", "raw/.c.csv", "raw/_deep/x.csv"):
        root.put(key, "1234")
    publish(root, "r1", {"part-0": "one", "year=2013/part-1": "three"})

    def seen(folder: str) -> list[tuple[str, int | None]]:
        return [(f"{one.name}/" if one.is_folder else one.name, one.size) for one in root.store.entries(folder).entries]

    assert seen("") == [("curated/", None), ("raw/", None), ("raw2/", None), ("top.csv", 4)]
    assert seen("raw") == seen("raw/") == [("a.csv", 4), ("b.csv", 4), ("deep/", None)]
    assert seen("curated") == [("daily/", None)]
    assert seen(PLACE) == [("part-0", 3), ("year=2013/", None)] and seen(f"{PLACE}/year=2013") == [("part-1", 5)]
    assert seen("nothing") == seen("ra") == seen("raw/a.csv") == [] and not root.store.entries("raw").more
    assert all(one.changed and abs(one.changed - time.time()) < 600 for one in root.store.entries("raw").entries if not one.is_folder)
    root.put("tables/t/_delta_log/00000000000000000000.json", "{}")
    root.put("tables/t/part-0.parquet", "1234")
    assert [root.store.entries(folder).is_delta for folder in ("raw", "tables", "tables/t")] == [False, False, True]
    assert seen("tables/t") == [("part-0.parquet", 4)]


def test_of_a_full_folder_the_first_are_shown_and_that_there_are_more(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_ENTRIES", 3)
    for number in range(5):
        root.put(f"raw/{number}.csv")
    found = root.store.entries("raw")
    assert [one.name for one in found.entries] == ["0.csv", "1.csv", "2.csv"] and found.more


@pytest.mark.parametrize("place", ["../x.csv", "raw/../../x.csv", "/etc", "s3a://other/x", ".", "a/../.."])
def test_no_folder_leads_out_of_the_root(root: Root, place: str) -> None:
    with pytest.raises(ProblemError):
        root.store.entries(place)


@pytest.mark.parametrize("place", ["../x.csv", "raw/../../x.csv", "/etc/passwd", "s3a://other/x", "file:///etc/passwd", "", "."])
def test_no_place_leads_out_of_the_root(root: Root, place: str) -> None:
    root.put("raw/a.csv")
    with pytest.raises(ProblemError):
        root.store.read(place, place, "inputURI")
    with pytest.raises(ProblemError):
        root.store.outputs("r1", None, 2).stage(place, place, "Overwrite", 0, "save")


def test_what_stands_for_the_content_changes_with_it_at_the_same_size(root: Root) -> None:
    root.put("raw/a.csv", "a\n1\n")
    before = root.store.read("raw", "raw", "inputURI").state
    assert before == root.store.state("raw")
    root.put("raw/a.csv", "a\n2\n")
    assert root.store.state("raw") != before


def test_what_was_read_is_read_again_as_it_is_then(root: Root) -> None:
    root.put("raw/a.csv", "old")
    root.put("raw/b.csv", "b")
    assert texts(root, "raw") == {"a.csv": "old", "b.csv": "b"}
    root.put("raw/a.csv", "new")
    root.remove("raw/b.csv")
    assert texts(root, "raw") == {"a.csv": "new"}


def test_an_output_is_seen_when_it_is_published_and_as_a_whole(root: Root) -> None:
    seen: list[Any] = []
    (fact,) = publish(root, "r1", {"part-0": "one", "part-1": "two"}, commit=lambda facts: seen.append(texts(root)))
    assert texts(root) == seen[0] == {"part-0": "one", "part-1": "two"}
    assert (fact["stage"], fact["uri"], fact["save_mode"], fact["files"], fact["bytes"]) == ("save", PLACE, "Overwrite", 2, 6)

    publisher = staged(root, "r2", daily={"part-0": "new"})
    assert texts(root) == {"part-0": "one", "part-1": "two"}
    publisher.publish(nothing)
    assert texts(root) == {"part-0": "new"}
    publisher.discard()
    assert texts(root) == {"part-0": "new"}


def test_folders_by_a_column_are_read_from_above_and_from_inside(root: Root) -> None:
    publish(root, "r1", {"month=1/part-0": "jan", "month=2/part-0": "feb"})
    assert texts(root, "curated")["daily/month=1/part-0"] == "jan"
    assert places(root, f"{PLACE}/month=2") == places(root, f"{PLACE}/month=2/part-0") == [f"{PLACE}/month=2/part-0"]
    assert places(root, f"{PLACE}/month=*") == [f"{PLACE}/month=1/part-0", f"{PLACE}/month=2/part-0"]
    assert places(root, "*/daily/month=1") == [f"{PLACE}/month=1/part-0"]


def test_each_save_mode_does_what_it_says(root: Root) -> None:
    publish(root, "r1", {"part-a": "one"})
    publish(root, "r2", {"part-b": "two"}, "Append")
    assert texts(root) == {"part-a": "one", "part-b": "two"}
    assert publish(root, "r3", {"part-c": "three"}, "Ignore")[0]["published"] is False
    with pytest.raises(ProblemError) as refusal:
        publish(root, "r4", {"part-d": "four"}, "ErrorIfExists")
    assert code_of(refusal) == "output-exists"
    assert texts(root) == {"part-a": "one", "part-b": "two"}


def test_a_refused_commit_takes_all_outputs_back_and_leaves_nothing(root: Root) -> None:
    publish(root, "r1", {"part-0": "old"})

    def refuse(facts: Any) -> None:
        assert texts(root) == {"part-0": "new"} and texts(root, "curated/other") == {"part-0": "other"}
        raise RuntimeError("no")

    publisher = staged(root, "r2", daily={"part-0": "new"}, other={"part-0": "other"})
    with pytest.raises(RuntimeError):
        publisher.publish(refuse)
    publisher.discard()
    assert (texts(root), texts(root, "curated/other")) == ({"part-0": "old"}, {})


def test_earlier_outputs_are_kept_put_back_and_in_the_end_gone(root: Root) -> None:
    for number in range(1, 5):
        (fact,) = publish(root, f"r{number}", {"part-0": f"{number}"})
    third, second = [one["id"] for one in fact["kept"]]
    assert [one["run_id"] for one in fact["kept"]] == ["r3", "r2"]
    back = root.store.put_back(PLACE, second, PLACE)
    assert (back["current"]["run_id"], back["current"]["files"], texts(root)) == ("r2", 1, {"part-0": "2"})
    newest, *others = [one["id"] for one in back["kept"]]
    assert others == [third]
    root.store.put_back(PLACE, newest, PLACE)
    assert texts(root) == {"part-0": "4"}
    for gone in ("r1", "20000101T000000000000"):
        with pytest.raises(ProblemError) as refusal:
            root.store.put_back(PLACE, gone, PLACE)
        assert code_of(refusal) == "kept-output-gone"


def test_what_an_output_says_of_itself_is_there_for_whoever_writes_it_again(root: Root) -> None:
    publish(root, "r1", {"part-0": "1"})
    assert marks.facts_of(root.store.target(PLACE, whole=False))["run_id"] == "r1"
    assert marks.facts_of(root.store.target(PLACE, whole=True))["stage"] == "save"
    beside = root.store.target("curated/other", whole=False)
    assert not beside.exists() and marks.facts_of(beside.parent / "daily")["run_id"] == "r1"


def test_what_a_dead_run_has_staged_is_removed_and_what_lives_stays(root: Root) -> None:
    publish(root, "r1", {"part-0": "1"})
    dead, works = staged(root, "r2", daily={"part-0": "2"}), staged(root, "r3", daily={"part-0": "3"})
    die(dead)
    root.store.clear_after("r2", [PLACE], is_published=False)
    works.publish(nothing)
    works.discard()
    assert texts(root) == {"part-0": "3"}


def test_what_is_no_output_is_not_replaced(root: Root) -> None:
    root.put(f"{PLACE}/by-hand.csv")
    with pytest.raises(ProblemError) as refusal:
        publish(root, "r1", {"part-0": "x"})
    assert code_of(refusal) == "output-holds-other-things"
    assert places(root, PLACE) == [f"{PLACE}/by-hand.csv"]


# --- tables of other systems ------------------------------------------------------------------------------------------------

HUDI, STREAM, ICEBERG = "t/.hoodie/hoodie.properties", "t/_spark_metadata/0", "t/metadata/v3.metadata.json"
HIVE = "t/data/k=1/delta_0000003_0000003_0000/000000_0"


@pytest.mark.parametrize("log", [HUDI, STREAM, ICEBERG])
def test_files_of_another_systems_table_are_not_read_one_by_one_nor_put_there(root: Root, log: str) -> None:
    """Of each row its earlier editions lie beside it: they would be counted, too."""
    for key in ("t/data/k=1/a.parquet", "t/data/k=1/b.parquet", "plain/metadata/about.json", "plain/a.parquet", log):
        root.put(key)
    for place in ("t", "t/data", "t/data/k=1/a.parquet", "t/data/*/*.parquet", "*/data", "t*"):
        assert refused(root, place) == "place-is-other-table", place
    for place in ("t/new", "t/data/k=1/new"):
        with pytest.raises(ProblemError) as written:
            root.store.outputs("r1", None, 2).stage(place, place, "Overwrite", 0, "save")
        assert code_of(written) == "place-is-other-table" and written.value.problems[0].field == "outputURI"
    assert places(root, "plain") == ["plain/a.parquet", "plain/metadata/about.json"]


def test_what_a_transactional_hive_table_has_written_over_is_not_read_beside_it(root: Root) -> None:
    for key in (HIVE, "t/data/k=1/base_0000005_v0000012/000000_0", "plain/base_1/a.parquet", "plain/delta_2024/a.parquet"):
        root.put(key)
    for place in ("t", "t/data/k=1", "t/data/k=1/base_0000005_v0000012", "t/data/*/*/000000_0"):
        assert refused(root, place) == "place-is-other-table", place
    assert len(places(root, "plain")) == 2


def test_files_that_a_writer_has_replaced_or_not_finished_are_told(root: Root) -> None:
    for key in ("t/part-0-tid-7-x.parquet", "t/part-0-tid-8-x.parquet", "t/_started_7", "t/_started_8", "t/_SUCCESS"):
        root.put(key)
    root.put("t/_committed_7", '{"added": ["part-0-tid-7-x.parquet"], "removed": []}')
    assert refused(root, "t") == refused(root, "t/*.parquet") == "input-replaced-files"
    root.put("t/_committed_8", '{"added": ["part-0-tid-8-x.parquet"], "removed": ["part-0-tid-7-x.parquet"]}')
    assert refused(root, "t") == "input-replaced-files" and places(root, "t/part-0-tid-8-x.parquet") == ["t/part-0-tid-8-x.parquet"]
    root.put("t/_committed_8", "half")
    assert refused(root, "t") == "input-replaced-files"
    root.put("t/_committed_8", '{"added": ["part-0-tid-8-x.parquet"], "removed": []}')
    assert len(places(root, "t")) == 2


def test_what_is_written_into_a_delta_table_would_not_be_in_it(root: Root) -> None:
    root.put("t/_delta_log/00000000000000000000.json", "{}")
    with pytest.raises(ProblemError) as written:
        root.store.outputs("r1", None, 2).stage("t/new", "t/new", "Overwrite", 0, "save")
    assert code_of(written) == "place-is-table"


def refused(root: Root, place: str) -> str:
    with pytest.raises(ProblemError) as refusal:
        place_of(root.store.read(place, place, "inputURI").path, place)
    assert refusal.value.problems[0].fix
    return code_of(refusal)
