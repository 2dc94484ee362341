"""What files are called in the lake."""

from __future__ import annotations

import pytest

from portal.data import names


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("flights.csv", "flights.csv"),
        ("Umsätze 2024 (50%).CSV", "Umsätze_2024_50.CSV"),
        ("売上 2024.csv", "売上_2024.csv"),
        ("بيانات.csv", "بيانات.csv"),
        ("a b  c.csv", "a_b_c.csv"),
        (".hidden.csv", "hidden.csv"),
        ("_SUCCESS", "SUCCESS"),
        ("___.csv", "file.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\data\\x.csv", "x.csv"),
        ("x*?[a]{b}.csv", "x_a_b.csv"),
        ("year=2013.csv", "year_2013.csv"),
        ("100%25.csv", "100_25.csv"),
        ("a\x00b\nc.csv", "a_b_c.csv"),
        ("-rf.csv", "rf.csv"),
        ("", "file"),
        ("...", "file"),
        ("\u202egnp.csv", "gnp.csv"),
        ("e\u0301t\u00e9.csv", "\u00e9t\u00e9.csv"),
        ("nul.csv", "file_nul.csv"),
        ("a\ud800.csv", "a.csv"),
        ("😀.csv", "file.csv"),
    ],
)
def test_a_name_is_one_that_every_reader_takes(given: str, expected: str) -> None:
    assert names.safe(given) == expected


def test_a_long_name_keeps_its_ending_and_fits() -> None:
    for stem in ("x" * 300, "ä" * 300, "売" * 300):
        name = names.safe(f"{stem}.csv.gz")
        assert name.endswith(".csv.gz") and len(name.encode()) <= names.LONGEST_NAME
        assert len(names.numbered(name, 999).encode()) <= names.LONGEST_NAME
    assert len(names.safe("y" * 5000).encode()) <= names.LONGEST_NAME


def test_every_safe_name_stays_as_it_is() -> None:
    for name in ("a.csv", "Umsätze_2024.csv", "x_2.tar.gz", "売上.parquet", "a-b.c.csv"):
        assert names.safe(name) == name


@pytest.mark.parametrize("place", ["", "/", "..", "a/../b", "a//b", "./a", "a/\x00", "a\\b", "x" * 300])
def test_a_path_out_of_the_lake_is_no_place(place: str) -> None:
    with pytest.raises(names.BadPlace):
        names.parts_of(place)


@pytest.mark.parametrize("folder", ["..", "raw/..", "raw/.hidden", "_x", "a//b", "a b", "year=2013", "a/" * 9 + "a", "raw/*", "raw/%2e%2e"])
def test_a_folder_that_readers_would_not_take_is_refused(folder: str) -> None:
    with pytest.raises(names.BadPlace):
        names.folder(folder)


def test_the_folder_when_none_is_named() -> None:
    assert (names.folder(""), names.folder("/raw/2013/"), names.folder(" raw ")) == ("raw", "raw/2013", "raw")


def test_twins() -> None:
    assert names.same("Flights.CSV") == names.same("flights.csv")
    assert names.same("e\u0301.csv") == names.same("\u00c9.csv")
    assert names.same("straße") == names.same("STRASSE")
