"""A URI leads to a place in the lake and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from executor.files import lake
from executor.files.copies import copies
from executor.files.folder import DataFile
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


def parquet(rows: bytes, footer: bytes) -> bytes:
    return b"PAR1" + rows + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        (parquet(b"rows" * 40_000, b"RLE,PLAIN"), True),  # in the order that the set of another process has
        (parquet(b"rows" * 40_000, b"PLAIN,XLE"), False),
        (parquet(b"rows" * 20_000 + b"sowr" + b"rows" * 19_999, b"PLAIN,RLE"), False),
        (parquet(b"rows" * 40_000, b"PLAIN,RLE")[:-8] + b"\xff\xff\xff\x7fPAR1", False),  # its footer is longer than itself
    ],
)
def test_parquet_holds_the_same_in_whatever_order_its_footer_says_so(tmp_path: Path, other: bytes, *, is_copy: bool) -> None:
    files = [DataFile(tmp_path / name, name) for name in ("a.parquet", "b.parquet")]
    for file, content in zip(files, (parquet(b"rows" * 40_000, b"PLAIN,RLE"), other), strict=True):
        file.path.write_bytes(content)
    assert bool(copies(files)) == is_copy
