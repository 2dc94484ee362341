"""The look before reading and Spark's parser understand a text alike."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from executor.files.dialect import BLANKS, NO_ESCAPE, Dialect, Record, record_at

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WIDEST = 24
SIGNS = (('"', '"'), ('"', "\\"), ("'", "'"), ('"', NO_ESCAPE), ("\x00", NO_ESCAPE))
Rows = list[list[str]]


def record_of(text: str, dialect: Dialect) -> list[Record]:
    """All records, as the look takes them."""
    found, at = [], 0
    while at < len(text):
        record = record_at(text, at, dialect)
        if text[at : record.end - len(record.line_end)]:
            found.append(record)
        at = record.end
    return found


def read_by_spark(spark: SparkSession, place: Path, dialect: Dialect, **options: str) -> dict[str, Rows]:
    """Of each file its rows' values; what is not there and what is empty are both an empty text."""
    names = ", ".join(f"c{index} string" for index in range(WIDEST))
    given = {"sep": dialect.separator, "quote": dialect.quote, "escape": dialect.escape, "columnPruning": "false"} | options
    found = defaultdict[str, Rows](list)
    for *values, file in spark.read.options(**given).schema(names).csv(str(place)).select("*", "_metadata.file_name").collect():
        found[file].append([value or "" for value in values])
    return found


def padded(records: list[Record]) -> Rows:
    return [record.cells + [""] * (WIDEST - len(record.cells)) for record in records]


def made_up(signs: list[str], longest: int, chance: random.Random) -> str:
    return "".join(chance.choice(signs) for _ in range(chance.randint(1, longest)))


@pytest.mark.spark
@pytest.mark.parametrize("separator", [",", "\t", "||"])
@pytest.mark.parametrize(("quote", "escape"), SIGNS)
def test_every_line_falls_into_the_same_values(spark: SparkSession, tmp_path: Path, separator: str, quote: str, escape: str) -> None:
    chance = random.Random(f"{separator}{quote}{escape}")
    dialect = Dialect(separator, quote, escape)
    mark = quote.strip("\x00") or '"'
    signs = [separator, separator, mark, mark, escape.strip(NO_ESCAPE) or "c", "a", "b", " ", "\\", "x y"]
    lines = [line for line in (made_up(signs, 14, chance) for _ in range(1500)) if line.strip(BLANKS)]
    records = [record_at(line, 0, dialect) for line in lines]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    read = read_by_spark(spark, tmp_path / "a.csv", dialect)["a.csv"]
    differ = [
        (line, expected, found)
        for line, record, expected, found in zip(lines, records, padded(records), read, strict=True)
        if expected != found and not record.is_open and not record.is_odd
    ]
    assert differ == []
    assert sum(not (record.is_open or record.is_odd) for record in records) > 700


@pytest.mark.spark
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("quote", "escape"), SIGNS[:4])
def test_records_over_lines_are_the_same(spark: SparkSession, tmp_path: Path, line_end: str, quote: str, escape: str) -> None:
    chance = random.Random(f"{line_end}{quote}{escape}")
    dialect = Dialect(",", quote, escape, over_lines=True)
    signs = [",", ",", quote, quote, escape.strip(NO_ESCAPE) or "c", "a", "b", " ", line_end, f"{quote},{quote}", quote + line_end]
    texts = {f"{place}.csv": made_up(signs, 30, chance) for place in range(60)}
    records = {file: record_of(text, dialect) for file, text in texts.items()}
    plain = [file for file, found in records.items() if not any(record.is_open or record.is_odd for record in found)]
    assert len(plain) > 10
    for file in plain:
        (tmp_path / file).write_bytes(texts[file].encode())
    read = read_by_spark(spark, tmp_path, dialect, multiLine="true", lineSep=line_end)
    for file in plain:
        assert read[file] == padded(records[file]), re.escape(texts[file])


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"6"" pipe"', ["1", '6" pipe']),
        ('1,"a" ,2', ["1", "a", "2"]),
        ('1,"a"b,2', ["1", '"a"b', "2"]),
        ('1,5" pipe,2', ["1", '5" pipe', "2"]),
        ("C:\\data\\,2", ["C:\\data\\", "2"]),
        ('"C:\\dir\\",2', ["C:\\dir\\", "2"]),
        (",,", ["", "", ""]),
    ],
)
def test_what_a_line_holds(line: str, cells: list[str]) -> None:
    assert record_at(line, 0, Dialect()).cells == cells


def test_a_backslash_escapes_only_where_it_is_the_sign() -> None:
    line = '"say \\"hi\\"",2'
    assert record_at(line, 0, Dialect(escape="\\")).cells == ['say "hi"', "2"]
    assert record_at(line, 0, Dialect()).kept == 1
    assert record_at('"never closed,2', 0, Dialect()).is_open
