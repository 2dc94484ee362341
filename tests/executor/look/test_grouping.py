"""Rows that sum up others, and groups named in their first row only: what is taken for such, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from executor.files.grouped_rows import groups, summed_up, totals
from executor.look.stages import Choices, Misfits, stages
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
        ("N,3 S,4 ,7", {0: ("",)}),
        ("N,x,3 N,y,4 N,,7", {1: ("",)}),
        ("1,open 2,closed 3,", {}),
        ("1,10,a 2,20,b 3,30,", {}),
        ("A,10,x B,20,y C,30,", {}),
        ("2024-01-01,10,x 2024-01-02,20,y 2024-01-03,30,", {}),
        ("Total,3 Shell,4", {}),
        ("x,total y,total z,net", {}),
        ("A,10,1.5 B,20,2.5 C,30,4 D,40,4 Average,25,3.0", {0: ("Average",)}),
        ("Mittelwert,25.33 A,10.5 B,20.5 C,30 D,40.3 Min,10.5 Max,40.3", {0: ("Max", "Min", "Mittelwert")}),
        ("A,105 B,205 C,305 D,705 Total,1320 Median,255", {0: ("Median", "Total")}),
        ("2023,A,100 2023,B,207 2023,C,300 2023,avg.,202 2024,D,201", {1: ("avg.",)}),
        ("Poor,15,0.3 Average,12,0.24 Good,20,0.4 Great,3,0.06", {}),
        ("Max,105 Anna,99 Min,33 Otto,77", {}),
        ("count,10 mean,20 std,30 min,40", {}),
        ("A,7.00 B,7.00 C,7.00 Average,7.00", {}),
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
    assert not any(option.is_chosen for question in asked.values() for option in question.options)


def test_a_total_whose_name_is_empty_is_asked(tmp_path: Path) -> None:
    rows = "".join(f"/p{n},{n},0:0{n}\n" for n in range(1, 10))
    asked = {question.key for question in proposal_of(tmp_path, f"page,views,time\n{rows},45,0:05\n\nday,views\n3/1/24,100\n").questions}
    assert "totals" in asked
    assert not proposal_of(tmp_path, f"page,views,time\n{rows},7,0:05\n").questions


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["5.0", "5.1", "4.9", "-999.0", "5.3", "5.2", "-999"], ["-999", "-999.0"]),
        (["1", "2", "3", "4", "5", "9999"], ["9999"]),
        (["100", "2000", "30000", "4", "5", "9999"], []),
        (["996", "997", "998", "999", "1000", "1001"], []),
        (["5", "99999"], []),
        (["12", "14", "12", "14", "12", "-999"], ["-999"]),
        (["20240101", "20240102", "20240105", "20240107", "20240109", "99991231"], ["99991231"]),
        (["2024-01-01", "2024-01-02", "9999-12-31", "2024-01-02", "2024-01-05", "2024-01-02"], ["9999-12-31"]),
        (["03.04.1961", "05.06.1962", "01.01.1900", "03.07.1975", "03.04.1981", "03.04.1966"], ["01.01.1900"]),
        (["2024-01-01 10:00:00", *["2024-01-02 10:00:00"] * 4, "1970-01-01 00:00:00"], ["1970-01-01 00:00:00"]),
        (["1900-01-01", "1901-03-01", "1910-01-04", "1905-01-01", "1920-01-01", "1999-12-31"], []),
    ],
)
def test_values_that_stand_for_no_value_are_asked(tmp_path: Path, values: list[str], texts: list[str]) -> None:
    text = "k;v\n" + "".join(f"a{n};{value}\n" for n, value in enumerate(values))
    asked = [question for question in proposal_of(tmp_path, text).questions if question.key == "nullValues"]
    assert [question.options[0].settings["nullValues"] for question in asked] == ([texts] if texts else [])
    if texts:
        assert texts[0] in proposal_of(tmp_path, text, nullValues=texts).columns[1].type["nullableValues"]


def test_amounts_whose_sign_stands_beside_them_and_another_table_are_told(tmp_path: Path) -> None:
    signs = "k;amount;sh\n" + "".join(f"a;{n},50;{'SH'[n % 2]}\n" for n in range(9))
    assert [one.code for one in proposal_of(tmp_path, signs).problems] == ["look-signs"]
    assert not proposal_of(tmp_path, signs.replace(";3,5", ";-3,5")).problems
    two = "a,b\n1,2\n3,4\n5,6\n\nc,d\n7,8\n"
    assert [one.code for one in proposal_of(tmp_path, two).problems] == ["look-second-table"]
    assert not proposal_of(tmp_path, two.replace("c,d", "9,9")).problems


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"Konto:";"DE12"\n\n"Von:";"01.03.2024"\n\n"Tag";"Wert";"Wer";"Betrag";\n' + "01.03.2024;02.03.2024;x;5,00;\n" * 9, 5),
        ("account;DE12\nday;who;amount\n" + "01.03.2024;x;5,00\n" * 9, 2),
        ("a;b\n" + "1;2;\n" * 9, 1),
        ('"EXTF";700;"B";7;20240101;;"RE"\n"Umsatz";"S/H";"Konto"\n' + '1,50;"S";"x"\n' * 9, 2),
        ("a;b;c;d\n" + "1;2;3\n" * 9, 1),
        ("1;b;c;d\n" + "x;y;z\n" * 9, 0),
        ("x;y\nday;who;amount\nday2;who2;amount2\nd;w;a\nd;w;a\n", 1),
    ],
)
def test_facts_above_the_names_are_no_names(tmp_path: Path, text: str, line: int) -> None:
    assert proposal_of(tmp_path, text).header_line == line


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,1500 b,2500 c,3100 x,7100", [1]),
        ("a,100,10 b,200,20 c,300,30 x,600,60", [1, 2]),
        ("2020,100 2021,200 2022,300 ,600", [1]),
        ("a,100 b,200 c,300 =,600", [1]),
        ("a,12.50 b,7.25 c,100.00 x,119.75", [1]),
        ("a,1.234,5 b,2.500,6 c,1.000,7 x,4.734,18", [1, 2]),
        *[
            (text, [])
            for text in (
                "a,1 b,2 c,3 x,6",
                "a,500 b,500 c,1000 d,2000 e,4000",
                "1,10 2,20 3,30 4,40",
                "a,1500 b,2500 x,4000",
                "a,0 b,0 c,0 x,0",
                "a,1500 b,2500 c,1 x,9",
            )
        ],
    ],
)
def test_a_last_row_is_a_total_where_its_numbers_are_the_sums(text: str, columns: list[int]) -> None:
    assert summed_up(rows_of(text), text.split()[0].count(",") + 1) == columns


@pytest.mark.parametrize("word", ["=", "---", "Σ", "∑:", "##"])
def test_signs_that_stand_for_a_total(word: str) -> None:
    assert [one.words for one in totals(rows_of(f"a,100 b,200 {word},300 c,50 d,60 {word},110"), 2)] == [(word,)]
    assert not totals(rows_of(f"a,100 b,200 {word},7 c,50 d,60 {word},9"), 2)


def test_totals_without_a_word_and_in_json_are_asked(tmp_path: Path) -> None:
    text = "name;amount\n" + "".join(f"n{number};{number}000\n" for number in range(1, 6))
    asked = proposal_of(tmp_path, text + "x;15000\n").questions
    assert [(one.key, [option.settings for option in one.options]) for one in asked] == [
        ("skipLastLines", [{"skipLastLines": 0}, {"skipLastLines": 1}])
    ]
    assert proposal_of(tmp_path, text + "x;15001\n").questions == []
    (below,) = proposal_of(tmp_path, text + "x;15000\nas of noon;\n").questions
    assert below.options[1].settings == {"skipLastLines": 2}
    rows = [{"region": region, "n": number} for region, number in (("N", 1000), ("S", 2500), ("E", 3001), ("All", 6501))]
    for document in (json.dumps(rows), json.dumps({"data": rows}), "\n".join(map(json.dumps, rows))):
        found = proposal_of(tmp_path, document, totals="leave-out")
        assert [(one.index, one.words) for one in found.total_rows] == [(0 if "n" not in found.columns[0].name[:1] else 1, ["All"])]
        assert "NOT IN ('All')" in str(stages(found, "raw/x.json", Choices("x")))
    rows[-1]["region"] = "W"
    assert [one.code for one in proposal_of(tmp_path, json.dumps(rows)).problems] == ["look-total-row"]


@pytest.mark.parametrize(("count", "codes"), [(500, []), (501, ["look-many-columns"])])
def test_many_columns_are_told_to_take_their_time(tmp_path: Path, count: int, codes: list[str]) -> None:
    lines = [",".join(f"c{n}" for n in range(count)), ",".join(["1"] * count), ",".join(["2"] * count)]
    assert [one.code for one in proposal_of(tmp_path, "\n".join(lines)).problems] == codes


@pytest.mark.parametrize(("count", "misfits", "is_kept"), [(100, "aside", False), (101, "aside", True), (101, "stop", False)])
def test_many_columns_that_are_read_thrice_are_typed_once(tmp_path: Path, count: int, misfits: Misfits, is_kept: bool) -> None:
    found = proposal_of(tmp_path, "\n".join([",".join(f"c{n}" for n in range(count)), ",".join(["1"] * count)]))
    (typed,) = [one for one in stages(found, "raw/x.csv", Choices("x", misfits=misfits)) if one["type"] == "TypingTransform"]
    assert ("persist" in typed) == is_kept
    found.bytes = found.unpacked_bytes = 100_000_000
    assert not any("persist" in one for one in stages(found, "raw/x.csv", Choices("x", misfits=misfits)))
