"""A URI leads to a place in the lake and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from executor.files import lake
from executor.problems import ProblemError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lake" / "raw").mkdir(parents=True)
    (tmp_path / "lake" / "raw" / "flights.csv").write_text("a\n1\n")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "lake"


def code(raised: pytest.ExceptionInfo[ProblemError]) -> str:
    return raised.value.problems[0].code


@pytest.mark.parametrize("uri", ["raw/flights.csv", "./raw/flights.csv", "raw/../raw/flights.csv", "raw/*.csv", "raw"])
def test_places_in_the_lake_are_found(folder: Path, uri: str) -> None:
    assert lake.existing(folder, uri).startswith(str(folder))


@pytest.mark.parametrize(
    "uri",
    [
        "../secret.txt",
        "raw/../../secret.txt",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3a://bucket/x",
        "http://127.0.0.1/",
        "hdfs:x",
        ".",
        "",
    ],
)
def test_places_out_of_the_lake_are_refused(folder: Path, uri: str) -> None:
    with pytest.raises(ProblemError) as raised:
        lake.existing(folder, uri)
    assert code(raised) == "uri-outside-lake"


def test_a_link_out_of_the_lake_is_refused_also_through_a_pattern(folder: Path) -> None:
    os.symlink(folder.parent / "secret.txt", folder / "raw" / "link.txt")
    for uri in ("raw/link.txt", "raw/*.txt"):
        with pytest.raises(ProblemError):
            lake.existing(folder, uri)


def test_a_missing_file_names_the_nearest_one(folder: Path) -> None:
    with pytest.raises(ProblemError) as raised:
        lake.existing(folder, "raw/flihgts.csv")
    assert code(raised) == "input-missing"
    assert raised.value.problems[0].fix == "Did you mean “raw/flights.csv”?"


def test_a_snapshot_changes_with_the_files(folder: Path) -> None:
    path = str(folder / "raw")
    before = lake.snapshot(path)
    assert before == lake.snapshot(path)
    (folder / "raw" / "more.csv").write_text("a\n2\n")
    assert lake.snapshot(path) != before


def test_alternatives_in_braces_are_found_as_spark_finds_them(folder: Path) -> None:
    (folder / "raw" / "weather.csv").write_text("a")
    assert [path.name for path in lake.matches(folder / "raw" / "{flights,weather}.csv")] == ["flights.csv", "weather.csv"]
    assert lake.existing(folder, "raw/{flights,weather}.csv").endswith("raw/{flights,weather}.csv")
    assert len(lake.snapshot(str(folder / "raw" / "{flights,weather}.csv"))) == 2
