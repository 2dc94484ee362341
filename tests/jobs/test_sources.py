"""The list of sources stands whatever lies in the lake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.files import tree
from tests.executor.test_tree import ODD_NAMES, nest


@pytest.fixture
def lake(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.LAKE_DIR = tmp_path / "lake"
    folder = tmp_path / "lake" / "flights" / "dev"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "flights.csv").write_text("a\n1\n")
    yield folder
    tree.remove(tmp_path / "lake")  # pytest itself cannot


@pytest.fixture
def listed(ana: Any, job: Any, browser_of: Callable[..., Any], program_of: Callable[..., Any]) -> Callable[[], list[str]]:
    """The URIs, the same on the page's and the API's address."""

    def get() -> list[str]:
        page = browser_of(ana).get("/p/flights/jobs/daily_delays/sources")
        program = program_of(ana).get("/api/v1/projects/flights/jobs/daily_delays/sources")
        assert (page.status_code, program.status_code) == (200, 200)
        assert page.json()["sources"] == program.json()["sources"]
        return [source["uri"] for source in page.json()["sources"]]

    return get


@pytest.mark.parametrize("levels", [600, 2_000])
def test_a_folder_nested_out_of_reach(lake: Path, listed: Callable[[], list[str]], levels: int) -> None:
    (lake / "k" / "p=1").mkdir(parents=True)
    nest(lake / "k" / "p=1", levels)
    (lake / "deep").mkdir()
    nest(lake / "deep", levels)
    assert listed() == ["k", "raw/flights.csv"]


def test_links_and_names_that_no_document_can_hold(lake: Path, listed: Callable[[], list[str]]) -> None:
    (lake / "raw" / "itself").symlink_to("itself")
    (lake / "raw" / "up").symlink_to("..")
    (lake / "raw" / "passwd.csv").symlink_to("/etc/passwd")
    (lake / "whole").symlink_to("/")
    for name in ODD_NAMES:
        os.mkdir(os.fsencode(lake) + b"/" + name)
        Path(os.fsdecode(os.fsencode(lake) + b"/" + name + b"/" + name[:40] + b".csv")).write_text("x")
    found = listed()
    assert "raw/flights.csv" in found and "50%/50%.csv" in found and "a=b/a=b.csv" in found
    assert not [uri for uri in found if "itself" in uri or "passwd" in uri or uri.startswith(("whole", "raw/up"))]
    assert all(uri.encode() for uri in found)


def test_many_files_in_one_folder_do_not_hide_the_others(lake: Path, listed: Callable[[], list[str]]) -> None:
    (lake / "aaa").mkdir()
    for number in range(700):
        (lake / "aaa" / f"{number}.csv").write_text("")
    (lake / "zzz.csv").write_text("")
    found = listed()
    assert len(found) == 500
    assert {"raw/flights.csv", "zzz.csv"} <= set(found)


@pytest.mark.parametrize("name", ["x=1", "part-0", "_SUCCESS", "a=b.csv"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_one_odd_name_hides_nothing(lake: Path, listed: Callable[[], list[str]], name: str, is_folder: bool) -> None:
    odd = lake / "raw" / name
    odd.mkdir() if is_folder else odd.write_text("")
    (lake / "raw" / "daily").mkdir()
    (lake / "raw" / "daily" / "part-0.parquet").write_text("")
    assert {"raw/flights.csv", "raw/daily"} <= set(listed())


def test_a_list_that_is_cut_says_so(lake: Path, ana: Any, job: Any, browser_of: Callable[..., Any]) -> None:
    for number in range(700):
        (lake / "raw" / f"{number}.csv").write_text("")
    assert browser_of(ana).get("/p/flights/jobs/daily_delays/sources").json()["more"] is True


def test_a_folder_of_many_files_is_a_source_and_hides_nothing(lake: Path, listed: Callable[[], list[str]]) -> None:
    (lake / "raw" / "daily").mkdir()
    for day in range(600):
        (lake / "raw" / "daily" / f"{day:03}.csv").write_text("a\n1\n")
    found = listed()
    assert {"raw/daily", "raw/daily/000.csv", "raw/flights.csv"} <= set(found)
    assert len(found) == 32
