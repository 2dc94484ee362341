"""What the look shows is what the stage reads: for made-up files, the proposal's own document gives the rows that were shown."""

from __future__ import annotations

import csv
import gzip
import io
import random
from typing import TYPE_CHECKING, Any

import pytest

from executor.files.dialect import NO_ESCAPE, NO_QUOTE, Dialect, record_at
from executor.files.rows import Rows, lines_of
from executor.look.looking import look
from executor.look.stages import Choices, stages
from executor.problems import ProblemError
from executor.stores.roots import Roots
from tests.executor.stages.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

CELLS = ["", "a", "01234", " lead", 'say "hi"', 'a"b', "C:\\dir\\", "a,b", "é", "'q'", "#c", "1,5", "\u2028", "2024-01-05", "3.25", "Total"]
OTHER_ENCODINGS = ["utf-8", "utf-8", "utf-8-sig", "utf-16"]


def made_up(chance: random.Random) -> bytes:
    """A file as programs and people write them: quotes, widths, line ends, titles and totals of all kinds."""
    separator, end = chance.choice(",,;\t|"), chance.choice(["\n", "\n", "\r\n", "\r"])
    width = chance.randint(2, 5)
    cells = chance.sample(CELLS, 6) + (["l1\nl2"] if end == "\n" and chance.random() < 0.3 else [])
    rows = [
        [chance.choice(cells) if chance.random() < 0.5 else str(chance.randint(1, 999)) for _ in range(width)]
        for _ in range(chance.choice([3, 8, 120]))
    ]
    text = io.StringIO()
    quoting: Any = {"quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"} if chance.random() < 0.2 else {}
    writer = csv.writer(text, delimiter=separator, lineterminator=end, **quoting)
    writer.writerows([[f"name{place}" for place in range(width)], *rows])
    content = text.getvalue()
    if chance.random() < 0.2:
        content = "Report of May" + end + content
    if chance.random() < 0.2:
        content += separator.join(["Total", *"5" * (width - 1)]) + end
    if chance.random() < 0.2 and "l1\nl2" not in cells:
        content = end.join(line + separator * bool(place) for place, line in enumerate(content.split(end)) if line) + end
    return content.encode(chance.choice(OTHER_ENCODINGS))


@pytest.mark.spark
@pytest.mark.parametrize("seed", range(3))
def test_the_rows_that_were_shown_are_the_rows_that_are_read(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    compared = 0
    for number in range(25):
        content = made_up(random.Random(f"{seed} {number}"))
        name = f"{number}.csv" + (".gz" if number % 7 == 0 else "")
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        try:
            shown = look(Roots(tmp_path), name, {}, limit_bytes=None, seconds=20, tell=lambda *told: None)
        except ProblemError as error:
            assert error.problems[0].code == "input-quote", content
            continue
        bench = Bench(spark, tmp_path)
        stage = stages(shown, name, Choices("t"))[0]
        frame = bench.run(stage).view(stage["outputView"]).orderBy("_index")
        kept = [column.index for column in shown.columns if not column.dropped]
        read = [list(row)[: len(kept)] for row in frame.collect() if not ("_errors" in frame.columns and row["_errors"])]
        expected = [[row[1 + index] or None for index in kept] for row in shown.first_rows]
        assert read[: len(expected)] == expected, (content, stage)
        compared += 1
    assert compared > 15


@pytest.mark.parametrize(("quote", "escape"), [('"', '"'), ('"', "\\"), ('"', NO_ESCAPE), (NO_QUOTE, NO_ESCAPE), ("'", "'")])
def test_rows_fall_into_the_same_values_as_records(quote: str, escape: str) -> None:
    chance = random.Random(quote + escape)
    dialect = Dialect(",", quote, escape, over_lines=True)
    signs = [",", ",", quote.strip("\x00") or '"', '"', escape.strip(NO_ESCAPE) or "c", "a", "b", " ", "\\", '"a,b"', "x"]
    compared = 0
    for _ in range(3000):
        line = "".join(chance.choice(signs) for _ in range(chance.randint(1, 12)))
        record = record_at(line, 0, dialect)
        if record.is_open or record.is_odd or not line.strip():
            continue
        assert list(Rows([line + "\r\n"], dialect)) == [record.cells], line
        compared += 1
    assert compared > 1000


def test_only_line_ends_end_lines() -> None:
    assert lines_of("a\u2028b\x0bc\x85d\r\ne\rf\ng") == ["a\u2028b\x0bc\x85d\r\n", "e\r", "f\n", "g"]


@pytest.mark.spark
@pytest.mark.parametrize(("content", "choice"), [(b"a,b,c\n1,2\n3,4\n5,6\n", "pad"), (b"a,b\n1,2,\n3,4,\n5\n6,7,\n", "reject")])
def test_rows_that_are_narrower_than_the_names_have_a_choice_that_works(
    spark: SparkSession, tmp_path: Path, content: bytes, choice: str
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    shown = look(Roots(tmp_path), "t.csv", {}, limit_bytes=None, seconds=20, tell=lambda *told: None)
    assert shown.settings.other_widths == choice
    stage = stages(shown, "t.csv", Choices("t"))[0]
    columns = Bench(spark, tmp_path).run(stage).view(stage["outputView"]).columns
    assert [column.name for column in shown.columns if not column.dropped] == [name for name in columns if not name.startswith("_")]
