"""What the next file of a folder brings that would make a wrong number of right ones: the same rows again, a column under another name."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from executor.files.folder import DataFile
from executor.files.overlaps import overlaps

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark

CSV = {"type": "DelimitedExtract", "name": "read", "inputURI": "f", "header": True, "outputView": "t"}
LINES = {"type": "JSONExtract", "name": "read", "inputURI": "f", "multiLine": False, "outputView": "t"}
PARQUET = {"type": "ParquetExtract", "name": "read", "inputURI": "f", "outputView": "t"}
ROWS = "id,n\n1,2\n"


def parquet(path: Path, **columns: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()}), path)


def codes(bench: Bench) -> list[str]:
    return [problem.code for problem in bench.warnings]


@pytest.mark.parametrize(
    "files",
    [
        {"a.csv": ROWS, "a (1).csv": ROWS},
        {"jan/a.csv": ROWS, "feb/b.csv": ROWS},
        {"a.csv": ROWS, "a.csv.gz": gzip.compress(ROWS.encode())},
        {"a.csv": ROWS + "x,y\n" * 100_000, "b.csv": ROWS + "x,y\n" * 100_000},
        {"a.csv.gz": gzip.compress(ROWS.encode()), "b.csv.gz": gzip.compress(ROWS.encode(), 1, mtime=1)},
        {"m=1/a.csv": ROWS, "m=1/b.csv": ROWS},
    ],
)
def test_a_file_that_is_there_twice_is_told(bench: Bench, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        bench.write(f"f/{name}", content)
    bench.run(CSV)
    (problem,) = bench.warnings
    assert problem.code == "files-twice"
    assert problem.file in {f"f/{name}" for name in files}


@pytest.mark.parametrize(
    "files",
    [
        {"a.csv": "id,n\n", "b.csv": "id,n\n", "c.csv": ROWS},
        {"m=1/a.csv": ROWS, "m=2/a.csv": ROWS},
        {"part-0.csv": ROWS, "part-1.csv": ROWS},
        {"a.csv": ROWS, "b.csv": "id,n\n1,3\n"},
        {"a.csv": ROWS + "x,y\n" * 50_000 + "1,2\n" + "x,y\n" * 50_000, "b.csv": ROWS + "x,y\n" * 50_000 + "1,3\n" + "x,y\n" * 50_000},
    ],
)
def test_files_that_may_be_alike_are_not_told(bench: Bench, files: dict[str, str]) -> None:
    for name, content in files.items():
        bench.write(f"f/{name}", content)
    assert codes(bench.run(CSV)) == []


def test_parquet_and_json_that_are_there_twice_are_told_where_they_have_rows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        parquet(bench.lake / f"f/{name}.parquet", n=[])
    parquet(bench.lake / "f/c.parquet", n=[1])
    assert codes(bench.run(PARQUET)) == []
    parquet(bench.lake / "f/d.parquet", n=[1])
    assert codes(bench.run(PARQUET)) == ["files-twice"]
    for name in ("a", "b"):
        bench.write(f"j/{name}.jsonl", '{"n": 1}\n{"n": 2}\n')
    bench.warnings.clear()
    assert codes(bench.run(LINES | {"inputURI": "j"})) == ["files-twice"]
    bench.write("j/c.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(1, 5)))
    bench.write("j/d.jsonl", "".join(f'{{"n": {n}}}\n' for n in range(2, 9)))
    bench.warnings.clear()
    assert codes(bench.run(LINES | {"inputURI": "j"})) == ["files-twice", "files-overlap"]
    bench.warnings.clear()
    monkeypatch.setattr("executor.stages.reading.overlaps", Mock(side_effect=FileNotFoundError))
    assert codes(bench.run(LINES | {"inputURI": "j"})) == ["files-twice"], "a look at a file that went meanwhile stops nothing"


HEAD, DAYS = "id;day;v\n", [f"{n};2024-01-{n % 28 + 1:02};{n}.5\n" for n in range(9_000)]


def export(begin: int, end: int, step: int = 1) -> str:
    return HEAD + "".join(DAYS[begin:end][::step])


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        (export(0, 10), export(7, 20), True),
        (export(0, 10, -1), export(7, 20, -1), True),
        (export(0, 5), export(0, 20), True),
        (export(5, 9), export(0, 20), True),
        (export(0, 5), export(0, 5).replace("\n", "\r\n"), True),
        (export(0, 5), export(0, 5).encode("UTF-16"), True),
        (export(0, 6_000), export(0, 9_000), True),
        (export(0, 6_000, -1), export(0, 9_000, -1), True),
        (export(0, 6_000), export(5_900, 9_000), True),
        (export(0, 6_000), export(6_000, 9_000), False),
        (export(0, 10), export(8, 20), False),
        (export(0, 10), export(10, 20), False),
        (HEAD + "0;0;0\n" * 9, HEAD + "0;0;0\n" * 12, False),
        (HEAD + "1;0;0\n2;0;0\n3;0;0\n" * 3, HEAD + "1;0;0\n2;0;0\n3;0;0\n2;0;0\n3;0;0\n1;0;0\n", False),
        (HEAD + "1;0;0\n1;0;0\n" + "2;0;0\n3;0;0\n4;0;0\n1;0;0\n", HEAD + "2;0;0\n3;0;0\n4;0;0\n1;0;0\n1;0;0\n", True),
        (gzip.compress(export(0, 5).encode()), export(0, 20), False),
    ],
)
def test_files_of_which_one_begins_in_another_are_told(tmp_path: Path, one: str | bytes, other: str | bytes, *, is_told: bool) -> None:
    for name, content in (("a.csv", one), ("b.csv", other)):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    files = [DataFile(tmp_path / name, name) for name in ("a.csv", "b.csv")]
    assert bool(overlaps(files, first=1, last=0)) is is_told
    assert not overlaps([replace(file, folders=(("m", file.name),)) for file in files], first=1, last=0)


@pytest.mark.timeout(30)
def test_files_that_go_on_as_others_begin_are_compared_for_no_more_than_a_moment(tmp_path: Path) -> None:
    files = [DataFile(tmp_path / f"{day}.csv", f"{day}.csv") for day in range(6)]
    for day, file in enumerate(files):
        file.path.write_text(HEAD + "1;0;0\n2;0;0\n3;0;0\n" * 6_000 + f"{day};9;9\n")
    assert overlaps(files, first=1, last=0) == []


def test_a_parquet_column_that_a_later_file_lacks_is_told(bench: Bench) -> None:
    parquet(bench.lake / "f/a.parquet", id=[1], n=[1])
    parquet(bench.lake / "f/b.parquet", id=[2], amount=[1])
    bench.run(PARQUET)
    (problem,) = bench.warnings
    assert (problem.code, problem.data_column, problem.file) == ("column-gone", "n", "f/b.parquet")


def test_a_parquet_column_that_is_new_or_lacks_in_a_file_without_rows_is_not_told(bench: Bench) -> None:
    parquet(bench.lake / "f/a.parquet", id=[1], n=[1])
    parquet(bench.lake / "f/b.parquet", id=[2], N=[1], more=[1])
    parquet(bench.lake / "f/c.parquet", id=[])
    assert codes(bench.run(PARQUET)) == []


@pytest.mark.parametrize(
    ("first", "second", "is_told"),
    [
        ('{"n": 1}', '{"amount": 1}', True),
        ('{"a": {"n": 1}}', '{"a": {"amount": 1}}', True),
        ('{"a": [{"n": 1}, {"n": 2}]}', '{"a": [{"amount": 1}]}', True),
        ('{"n": 1, "id": 1}', '{"id": 1}', False),
        ('{"n": 1}', '{"n": 1, "more": 1}', False),
        ('{"n": 1}', '{"N": 1, "more": 1}', False),
        ('{"n": 1}\n{"m": 1}', '{"amount": 1}', False),
        ('{"n": 1}', '{"amount": 1}\n{"n": 1, "amount": 1}', False),
    ],
)
def test_a_key_that_has_another_name_in_a_later_file_is_told(bench: Bench, first: str, second: str, *, is_told: bool) -> None:
    bench.write("f/a.jsonl", first + "\n")
    bench.write("f/b.jsonl", second + "\n")
    assert codes(bench.run(LINES)) == (["column-gone"] if is_told else [])
