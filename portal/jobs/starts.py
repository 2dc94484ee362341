"""Guided starts: documents that a new job may begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Start:
    """`key` is its word in the form; `document` is a job that runs once its file names are those of the reader."""

    key: str
    title: str
    words: str
    icon: str
    document: dict[str, Any]


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "type": "string", "nullable": True, "nullableValues": ["", "NA"]}


def _number(name: str, kind: str) -> dict[str, Any]:
    return {**_text(name), "type": kind}


_READ_AIRPORTS = {"type": "DelimitedExtract", "name": "read", "inputURI": "raw/airports.csv", "header": True, "outputView": "airports_text"}
_TYPE_AIRPORTS = {
    "type": "TypingTransform",
    "name": "typed",
    "inputView": "airports_text",
    "outputView": "airports",
    "schema": [
        _text("faa"),
        _text("name"),
        _number("lat", "double"),
        _number("lon", "double"),
        _number("alt", "integer"),
        _number("tz", "integer"),
        _text("dst"),
        _text("tzone"),
    ],
}
_READ_FLIGHTS = {"type": "DelimitedExtract", "name": "flights", "inputURI": "raw/flights.csv", "header": True, "outputView": "flights"}

STARTS = [
    Start(
        "empty",
        "Empty",
        "Add the stages yourself, one by one.",
        "plus",
        {"stages": []},
    ),
    Start(
        "csv_to_parquet",
        "CSV to typed Parquet",
        "Read a text file, give its columns types, stop on bad rows, keep it as Parquet.",
        "table-import",
        {
            "stages": [
                _READ_AIRPORTS,
                _TYPE_AIRPORTS,
                {
                    "type": "SQLValidate",
                    "name": "all_rows_typed",
                    "sql": "SELECT count(*) = 0 AS outcome, concat(count(*), ' rows do not fit their types') AS message\n"
                    "FROM airports\nWHERE size(_errors) > 0",
                },
                {"type": "ParquetLoad", "name": "save", "inputView": "airports", "outputURI": "curated/airports"},
            ]
        },
    ),
    Start(
        "daily_aggregate",
        "Daily aggregate",
        "Read a file, count and average by day, check the result, keep it.",
        "chart-bar",
        {
            "parameters": {"year": {"type": "integer", "default": 2013, "label": "Year"}},
            "stages": [
                _READ_FLIGHTS,
                {
                    "type": "SQLTransform",
                    "name": "by_day",
                    "sql": "SELECT make_date(year, month, day) AS day,\n       origin,\n       count(*) AS flights,\n"
                    "       avg(try_cast(dep_delay AS DOUBLE)) AS mean_delay\nFROM flights\nWHERE year = ${year}\nGROUP BY ALL",
                    "outputView": "by_day",
                },
                {
                    "type": "SQLValidate",
                    "name": "not_empty",
                    "sql": "SELECT count(*) > 0 AS outcome, 'There is no day at all.' AS message\nFROM by_day",
                },
                {"type": "ParquetLoad", "name": "save", "inputView": "by_day", "outputURI": "curated/by_day"},
            ],
        },
    ),
    Start(
        "quality_gate",
        "Quality gate",
        "Check a table by rules of your own; the run fails with your words when one is broken.",
        "shield-check",
        {
            "stages": [
                _READ_FLIGHTS,
                {
                    "type": "SQLValidate",
                    "name": "no_duplicates",
                    "sql": "SELECT count(*) = count(DISTINCT year, month, day, carrier, flight, origin) AS outcome,\n"
                    "       'Some rows are there twice.' AS message\nFROM flights",
                },
                {
                    "type": "SQLValidate",
                    "name": "delays_are_known",
                    "sql": "SELECT avg(CASE WHEN try_cast(dep_delay AS DOUBLE) IS NULL THEN 1 ELSE 0 END) < 0.05 AS outcome,\n"
                    "       'More than 5 % of the delays are missing.' AS message\nFROM flights",
                },
            ]
        },
    ),
]
START_BY_KEY = {start.key: start for start in STARTS}
