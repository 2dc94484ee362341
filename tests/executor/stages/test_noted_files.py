"""A file that the last run read and that is gone is told: without its rows a sum is another one, and the run was green."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from executor.files import marks
from executor.files.folder import place_of
from executor.problems import Problem
from executor.stages import STAGE_TYPES
from executor.stages.noted_files import warn_of_lost_files

READ = STAGE_TYPES["DelimitedExtract"].model_validate({"name": "read", "inputURI": "raw/d", "header": True, "outputView": "read"})
MONTHS = [f"2024-{month:02}" for month in range(1, 7)]


class Runs:
    """Runs of a job that read a folder, one after the other; what each notes the next one is told."""

    is_preview = False

    def __init__(self, folder: Path) -> None:
        self.folder, self.noted, self.logs, self.warnings = folder, [], [], []  # type: ignore[var-annotated]

    def files_read_before(self, uri: str, files: dict[str, Any]) -> list[dict[str, Any]]:
        before, self.noted = self.noted, [files]
        return before

    def log(self, message: str) -> None:
        self.logs.append(message)

    def warn(self, problem: Problem) -> None:
        self.warnings.append(problem)

    def run(self, names: list[str]) -> list[str]:
        """What is told where the folder holds these files."""
        wanted = set(names)
        for file in sorted(self.folder.rglob("*.csv")):
            if str(file.relative_to(self.folder).with_suffix("")) not in wanted:
                file.unlink()
        for name in names:
            file = self.folder / f"{name}.csv"
            file.parent.mkdir(exist_ok=True)
            if not file.exists():
                file.write_text(f"day,amount\n{name},1\n")
        self.warnings = []
        warn_of_lost_files(READ, self, "raw/d", str(self.folder), place_of(str(self.folder), "raw/d").files)  # type: ignore[arg-type]
        return [str(warning.found) for warning in self.warnings]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (MONTHS[:3] + MONTHS[4:], ["“raw/d/2024-04.csv”"]),
        ([*MONTHS[:3], *MONTHS[4:], "2024-07"], ["“raw/d/2024-04.csv”"]),
        (MONTHS[1:], ["“raw/d/2024-01.csv”"]),
        ([*MONTHS[1:], "2024-07"], ["“raw/d/2024-01.csv”"]),
        (MONTHS[:2], ["“raw/d/2024-03.csv”, “raw/d/2024-04.csv”, “raw/d/2024-05.csv”, “raw/d/2024-06.csv”"]),
        ([*MONTHS, "2024-07"], []),
        (MONTHS, []),
    ],
)
def test_a_file_that_the_last_run_read_and_that_is_gone_is_told_once(runs: Runs, now: list[str], found: list[str]) -> None:
    assert [runs.run(MONTHS), runs.run(now), runs.run(now)] == [[], found, []]
    assert "raw/d" in runs.noted[0]["names"] or len(runs.noted[0]["names"]) < 600, "little is noted of it"


def test_a_file_that_was_renamed_or_replaced_is_not_gone(runs: Runs) -> None:
    runs.run(MONTHS)
    (runs.folder / "2024-04.csv").rename(runs.folder / "april.csv")
    (runs.folder / "2024-05.csv").write_text("day,amount\nother,2\n")
    assert runs.run([*MONTHS[:3], "april", *MONTHS[4:]]) == []


@pytest.mark.parametrize("content", [b"", b"\n\n", b"day,amount\r\n", "day,amount\n".encode("utf-16")])
def test_a_file_whose_rows_are_gone_is_told_as_well(runs: Runs, content: bytes) -> None:
    runs.run(MONTHS)
    (runs.folder / "2024-04.csv").write_bytes(content)
    assert [runs.run(MONTHS), runs.run(MONTHS)] == [["“raw/d/2024-04.csv”"], []]
    (runs.folder / "2024-04.csv").write_bytes(b"day,amount\n2024-04,3\n")
    assert runs.run(MONTHS) == []


def test_a_folder_that_keeps_the_last_months_is_told_once(runs: Runs) -> None:
    told = [runs.run([f"2024-{month:02}" for month in range(first, first + 6)]) for first in range(1, 5)]
    assert [len(warnings) for warnings in told] == [0, 1, 0, 0] and len(runs.logs) == 2
    assert runs.run([f"2024-{month:02}" for month in (4, 6, 7, 8, 9)]) == ["“raw/d/2024-05.csv”"], "but not one of the middle"


@pytest.mark.parametrize(
    "names", [["29.01", "30.01", "31.01", "01.02", "02.02", "03.02"], ["jan", "feb", "mar", "apr", "may", "jun"], MONTHS]
)
def test_a_folder_that_keeps_the_last_files_may_call_them_anything_and_be_read_often(runs: Runs, names: list[str]) -> None:
    told = []
    for number, name in enumerate(names):
        (runs.folder / f"{name}.csv").write_text("day,amount\n2024-04,3\n")
        os.utime(runs.folder / f"{name}.csv", (number, number))
        told += [len(runs.run(names[max(0, number - 2) : number + 1])) for _ in range(2)]
    assert told == [0] * 6 + [1] + [0] * 5


def test_a_folder_of_which_all_files_are_taken_each_time_is_told_once(runs: Runs) -> None:
    told = [runs.run([f"{day}-{number}" for number in range(count)]) for day, count in enumerate((5, 3, 4, 1), 1)]
    assert [len(warnings) for warnings in told] == [0, 1, 0, 0]


def test_what_programs_write_has_other_names_each_time(runs: Runs) -> None:
    days = [f"day={day}" for day in (1, 2, 3)]
    runs.run([f"{day}/part-00000-a" for day in days])
    assert runs.run([f"{day}/part-00000-b" for day in days]) == []
    assert runs.run([f"{day}/part-00000-b" for day in days[1:]]) == ["“raw/d/day=1/part-…”"], "a folder of them may be gone"


def test_what_a_job_of_sluice_wrote_is_its_own_business(runs: Runs) -> None:
    runs.run(MONTHS)
    marks.mark(runs.folder, {"run_id": "r"})
    assert runs.run(MONTHS[:2]) == []


@pytest.mark.parametrize("noted", [[{}], [{"names": "?"}], [{"names": 7}], [{"names": "AAAA"}]])
def test_what_cannot_be_read_of_a_note_is_none(runs: Runs, noted: list[dict[str, Any]]) -> None:
    runs.noted = noted
    assert runs.run(MONTHS) == []


def test_of_thousands_of_files_a_lost_one_is_known(runs: Runs) -> None:
    runs.folder = runs.folder / "d"
    runs.folder.mkdir()
    names = [f"sales_{number:05}" for number in range(2_000)]
    for name in names:
        (runs.folder / f"{name}.csv").write_text("day,amount\n2024-04,3\n")
    runs.run(names)
    assert runs.run(names[:1_234] + names[1_235:]) == ["“raw/d/sales_01234.csv”"]
