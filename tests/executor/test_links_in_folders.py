"""What is not a plain file in a folder is refused by name, wherever the folder is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from executor.files import lake as places
from executor.files import tree
from executor.files.inputs import data_files
from executor.problems import ProblemError
from tests.executor.test_tree import nest


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    folder = tmp_path / "lake"
    (folder / "raw" / "day=1").mkdir(parents=True)
    (folder / "raw" / "day=1" / "a.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\nhunter2\n")
    yield folder
    tree.remove(folder)


def link_out(lake: Path) -> None:
    (lake / "raw" / "day=1" / "b.csv").symlink_to(lake.parent / "secret.csv")


def link_to_a_folder(lake: Path) -> None:
    (lake / "raw" / "day=2").symlink_to(lake.parent)


def link_inside(lake: Path) -> None:
    (lake / "raw" / "again.csv").symlink_to("day=1/a.csv")


def link_to_itself(lake: Path) -> None:
    (lake / "raw" / "loop").symlink_to("loop")


def pipe(lake: Path) -> None:
    os.mkfifo(lake / "raw" / "day=1" / "pipe.csv")


def name_that_is_not_utf8(lake: Path) -> None:
    Path(os.fsdecode(os.fsencode(lake / "raw") + b"/\xff.csv")).write_text("a\n2\n")


def folder_without_end(lake: Path) -> None:
    nest(lake / "raw", 1_200)


ODD = [link_out, link_to_a_folder, link_inside, link_to_itself, pipe, name_that_is_not_utf8, folder_without_end]


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("uri", ["raw", "r*", "{raw,other}", "./raw/"])
def test_it_is_refused_and_named(lake: Path, make: Any, uri: str) -> None:
    make(lake)
    with pytest.raises(ProblemError) as told:
        places.existing(lake, uri)
    (problem,) = told.value.problems
    assert problem.code == "input-not-plain"
    assert problem.fix and "hunter2" not in str(problem.as_dict())


@pytest.mark.parametrize("make", ODD)
def test_it_is_refused_or_left_out_and_never_followed(lake: Path, make: Any) -> None:
    make(lake)
    assert not [path for path, _, _ in places.snapshot(str(lake / "raw")) if Path(path).is_symlink() or "day=2" in path]
    try:
        files = data_files(str(lake / "raw"))
    except ProblemError:
        return
    assert not [file for file in files if file.is_symlink() or "day=2" in str(file)]


def test_what_readers_skip_anyway_does_not_matter(lake: Path) -> None:
    (lake / "raw" / "_old").symlink_to("/etc")
    (lake / "raw" / ".staging").mkdir()
    (lake / "raw" / ".staging" / "x").symlink_to("/etc/passwd")
    assert places.existing(lake, "raw") == str(lake / "raw")
    assert data_files(str(lake / "raw")) == [lake / "raw" / "day=1" / "a.csv"]


def test_a_pipe_alone_is_refused(lake: Path) -> None:
    os.mkfifo(lake / "pipe.csv")
    with pytest.raises(ProblemError):
        places.existing(lake, "pipe.csv")


def test_stars_do_not_go_down(lake: Path) -> None:
    nest(lake / "raw", 1_200)
    assert places.matches(lake / "**" / "a.csv") == []
    assert places.matches(lake / "*" / "day=1" / "a.csv") == [lake / "raw" / "day=1" / "a.csv"]
