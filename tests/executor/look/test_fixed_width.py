"""Texts whose columns only stand below each other are told, and cut where they seem to begin; other texts are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.look.fixed_width import cuts_of
from executor.look.looking import look
from executor.look.proposal import Proposal
from executor.look.stages import Choices, stages
from executor.stores.roots import Roots

PEOPLE = [
    ("Meier", "Köln", "1.234,56 "),
    ("Schulze von", "Bad Honnef", "12,00-"),
    ('O"Neill, Jim', "Ulm", "0,99 "),
    ("Ng", "Aachen", "7,10 "),
]


def table(rows: int = 40, header: str = "KDNR  NAME                ORT           BETRAG") -> str:
    lines = [f"{n:06d}{PEOPLE[n % 4][0]:<20}{PEOPLE[n % 4][1]:<12}{PEOPLE[n % 4][2]:>11}" for n in range(rows)]
    return "\n".join([*([header] if header else []), *lines]) + "\n"


def look_at(folder: Path, text: str, **settings: object) -> Proposal:
    (folder / "f.txt").write_text(text)
    return look(Roots(folder), "f.txt", settings, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)


def test_columns_of_fixed_width_are_told_with_what_to_do(tmp_path: Path) -> None:
    found = look_at(tmp_path, table())
    (problem,) = found.problems
    assert problem.code == "look-fixed-width" and "at the signs 1, 7, 27 and" in str(problem.fix)
    assert [cut.name for cut in found.cuts] == ["KDNR", "NAME", "ORT", "BETRAG"]
    assert (len(found.columns), found.rows, found.settings.quote) == (1, 40, "")
    cut = next(stage for stage in stages(found, "f.txt", Choices("f")) if stage["type"] == "SQLTransform")
    assert "trim(substring(`KDNR_NAME_ORT_BETRAG`, 7, 20)) AS `NAME`" in cut["sql"]


def test_it_is_told_without_names_and_with_points(tmp_path: Path) -> None:
    found = look_at(tmp_path, table(header="").replace(",", "."))
    assert [(cut.name, cut.begin) for cut in found.cuts][:1] == [("column_1", 1)]
    assert len(found.cuts) >= 3 and found.problems[0].code == "look-fixed-width"


def test_who_chooses_a_separator_gets_it(tmp_path: Path) -> None:
    found = look_at(tmp_path, table(), separator=",")
    assert (found.cuts, found.problems, found.settings.separator) == ([], [], ",")


@pytest.mark.parametrize(
    "lines",
    [
        [f"2024-01-05 10:00:{n % 60:02}" for n in range(50)],
        [f"DE12 3456 7890 1234 {n:02}" for n in range(50)],
        [f"+49 170 {n:07}" for n in range(50)],
        [f"{n:05}" for n in range(50)],
        ["a prose text.  With two blanks between its sentences, as some people write them."[n % 9 :] for n in range(50)],
        [f"{n:>5} | x{n % 7:<8} | {n * 3:>9}" for n in range(50)],
        [f"{n:>5};x{n % 7:<8};{n * 3:>9},5" for n in range(50)],
        [f"{n:>5}\tx{n % 7:<8}\t{n * 3:>9},5" for n in range(50)],
        [f"{n:>5},x{n % 7:<8},{n * 3:>9}" for n in range(50)],
        ["a  b", "c  d"],
    ],
)
def test_other_texts_are_left_alone(tmp_path: Path, lines: list[str]) -> None:
    found = look_at(tmp_path, "\n".join(lines) + "\n")
    assert (found.cuts, [problem.code for problem in found.problems]) == ([], [])


def test_words_of_one_text_are_not_columns_where_the_names_say_otherwise() -> None:
    lines = [
        "ID    NAME         CITY   ",
        *(f"{n:<6}{name:<13}{'Rome':<7}" for n, name in enumerate(["Ann Lee", "Bob Roy", "Eve Ray"] * 9)),
    ]
    assert [cut.name for cut in cuts_of(lines, "")] == ["ID", "NAME", "CITY"]
