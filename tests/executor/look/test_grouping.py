"""Rows that sum up others, and groups named in their first row only: what is taken for such, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.files.grouped_rows import groups, totals
from tests.executor.look.test_look_delimited import proposal_of

PARTS = [("N", "M", 35), ("S", "M", 15), ("N", "F", 25), ("S", "F", 25)]


ALONE = "Gesamt Summe: Insgesamt TOTAL Totale Totaal Celkem Итого Всего 合计 総計 합계"
BETWEEN = "(all) *Total* Overall Razem Összesen Toplam Yhteensä Ukupno Σύνολο Σύνολο:"


def rows_of(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.split()]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("N,3 S,4 All,7", {0: ("All",)}),
        ("All,7 N,3 S,4", {0: ("All",)}),
        ("2020,N,3 2020,S,4 2020,All,7 2021,N,1 2021,S,1 2021,All,2", {1: ("All",)}),
        ("N,M,35 S,M,15 All,M,50 N,F,25 S,F,25 All,F,50 N,All,60 S,All,40 All,All,100", {0: ("All",), 1: ("All",)}),
        *[(f"a,3 b,4 {word},7", {0: (word,)}) for word in ALONE.split()],
        *[(f"a,3 {word},9 b,4", {0: (word,)}) for word in BETWEEN.split()],
        ("0-9,30 10-19,40 All_ages,70", {}),
        ("a,3 all,1 b,4 c,5", {}),
        ("Total,3 Shell,4", {}),
        ("x,total y,total z,net", {}),
    ],
)
def test_totals_among_rows(text: str, found: dict[int, tuple[str, ...]]) -> None:
    assert {one.column: one.words for one in totals(rows_of(text), text.split()[0].count(",") + 1)} == found


def test_names_of_all_parts_are_told_by_their_numbers() -> None:
    ages = [["0-9", "30.5"], ["10-19", "1,040.5"], ["All ages", "1,071"]]
    assert [one.words for one in totals(ages, 2)] == [("All ages",)]
    assert not totals([*ages[:2], ["All ages", "12"]], 2)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("N,A,1 ,B,2 ,C,3 S,D,4 ,E,5", [0]),
        ("N,A,1,7 ,,2,7 ,B,3,7 S,D,4,7 ,,5,7", [0, 1]),
        ("1,N,A,1 2,,B,2 3,,C,3 4,S,D,4", [1]),
        ("01.02.2024,a,1 ,b,2 ,c,3", [0]),
        ("N,A,1 S,B,2 ,C,3 W,D,4 O,E,5 P,F,6 Q,G,7 R,H,8 ,I,9", []),
        ("Y,1 ,2 Y,3 ,4 ,5", []),
        ("1.5,a ,b 2.5,c ,d", []),
        (",a N,b ,c ,d", []),
        ("1,note,5 2,,6 3,,7 4,other,8", []),
    ],
)
def test_groups_that_are_named_once(text: str, columns: list[int]) -> None:
    assert [one.column for one in groups(rows_of(text), text.split()[0].count(",") + 1)] == columns


def test_both_are_asked_with_a_way_out(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "region,shop,n\nN,A,1\n,B,2\n,C,3\nS,D,4\n,Total,10\nW,E,1\n")
    asked = {question.key: question for question in found.questions}
    assert asked["totals"].words.startswith("1 of 6 rows say “Total” in shop")
    assert asked["fillDown"].words.startswith("region: 3 of 6 cells are empty below a value")
    assert [option.label for option in asked["fillDown"].options if option.is_chosen] == ["Leave them empty"]
