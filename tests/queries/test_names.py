"""The names of tables in SQL: guessable, and never of two meanings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal.data import kinds
from portal.data.listing import Table
from portal.queries.names import Names


def table(uri: str, *, is_folder: bool = False, ending: str | None = None) -> Table:
    ends = kinds.ending(uri) if ending is None else ending
    return Table(uri, is_folder, "CSV", 1, 1, datetime.now(tz=UTC), "1", ends)


@pytest.mark.parametrize(
    ("uri", "name", "long"),
    [
        ("curated/daily_delays", "curated_daily_delays", "curated_daily_delays"),
        ("raw/flights.csv", "raw_flights", "raw_flights_csv"),
        ("raw/Green Tripdata.csv.gz", "raw_green_tripdata", "raw_green_tripdata_csv_gz"),
        ("raw/2013.v2/ärger.CSV", "raw_2013_v2_aerger", "raw_2013_v2_aerger_csv"),
        ("2013/flights", "c_2013_flights", "c_2013_flights"),
        ("archive:2013/flights.csv", "archive_2013_flights", "archive_2013_flights_csv"),
    ],
)
def test_a_name_is_made_of_the_place(uri: str, name: str, long: str) -> None:
    lies = table(uri)
    names = Names([lies])
    assert (names.all[0].name, names.known()) == (name, [name])
    assert names.meaning(name) == names.meaning(long) == names.meaning(long.upper()) == [lies]


def test_a_name_of_two_tables_stands_for_neither() -> None:
    """Both are then called by their longer names: a saved query never reads another table than it was written for."""
    csv, parquet = table("raw/flights.csv"), table("raw/flights.parquet")
    names = Names([csv, parquet])
    assert names.known() == ["raw_flights_csv", "raw_flights_parquet"]
    assert names.meaning("raw_flights") == [csv, parquet]
    assert names.meaning("raw_flights_csv") == [csv]


def test_tables_that_no_name_tells_apart_have_none() -> None:
    one, other = table("raw/a_b.csv"), table("raw/a/b.csv")
    names = Names([one, other])
    assert names.known() == [] and [named.name for named in names.all] == ["", ""]
    assert names.meaning("raw_a_b_csv") == [one, other]


def test_what_is_called_as_the_long_name_of_another_takes_nothing_from_it() -> None:
    csv, folder = table("raw/flights.csv"), table("raw/flights_csv", is_folder=True, ending="parquet")
    names = Names([csv, folder])
    assert names.known() == ["raw_flights"], "the folder's only name is the file's other one"
    assert names.meaning("raw_flights_csv") == [csv, folder]


def test_packed_files_are_no_tables() -> None:
    assert Names([table("raw/a.xlsx"), table("raw/b.zip")]).all == []
