"""Looks at messy text files: what is found, which types are proposed, what does not fit, what is asked."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from executor.look.looking import look
from executor.look.proposal import Proposal, ProposedColumn
from executor.look.stages import Choices, stages
from executor.problems import ProblemError
from executor.stores.roots import Roots


def proposal_of(folder: Path, content: str | bytes, encoding: str = "utf-8", name: str = "f.csv", **settings: Any) -> Proposal:
    data = content.encode(encoding) if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return look(Roots(folder), name, settings, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)


def types(proposal: Proposal) -> dict[str, str]:
    return {column.name: column.type["type"] for column in proposal.columns if not column.dropped}


def column(proposal: Proposal, name: str) -> ProposedColumn:
    return next(column for column in proposal.columns if column.name == name)


def value(proposal: Proposal, setting: str) -> Any:
    return next(found.value for found in proposal.found if found.setting == setting)


SPECTRUM = {
    "comma in quotes": ('first,city,zip\nJohn,"Anytown, WW",08123\n', [["John", "Anytown, WW", "08123"]]),
    "empty": ('a,b,c\n1,"",""\n2,3,4\n', [["1", "", ""], ["2", "3", "4"]]),
    "empty, CRLF": ('a,b,c\r\n1,"",""\r\n2,3,4\r\n', [["1", "", ""], ["2", "3", "4"]]),
    "doubled quotes": ('a,b\n1,"ha ""ha"" ha"\n3,4\n', [["1", 'ha "ha" ha'], ["3", "4"]]),
    "json": ('key,val\n1,"{""type"": ""Point"", ""at"": [102.0, 0.5]}"\n', [["1", '{"type": "Point", "at": [102.0, 0.5]}']]),
    "no header": ('1,"Anytown, WW",3\n4,"B, CC",6\n', [["1", "Anytown, WW", "3"], ["4", "B, CC", "6"]]),
    "newlines": ('a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n', [["1", "2", "3"], ["Once upon \na time", "5", "6"], ["7", "8", "9"]]),
    "newlines, CRLF": ('a,b,c\r\n1,2,3\r\n"Once \r\na",5,6\r\n7,8,9\r\n', [["1", "2", "3"], ["Once \r\na", "5", "6"], ["7", "8", "9"]]),
    "quotes and newlines": ('a,b\n1,"ha \n""ha"" \nha"\n3,4\n', [["1", 'ha \n"ha" \nha'], ["3", "4"]]),
    "simple": ("a,b,c\n1,2,3\n", [["1", "2", "3"]]),
    "utf-8": ("a,b,c\n1,2,3\n4,5,ʤ\n", [["1", "2", "3"], ["4", "5", "ʤ"]]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SPECTRUM)
def test_the_shapes_of_csv_spectrum(tmp_path: Path, shape: str) -> None:
    text, rows = SPECTRUM[shape]
    found = proposal_of(tmp_path, text)
    assert [row[1:] for row in found.first_rows] == rows
    assert found.settings.header is (shape != "no header")
    assert found.multi_line is ("newlines" in shape)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "~", "^"])
def test_separators(tmp_path: Path, separator: str) -> None:
    rows = [["id", "name", "price"], ["1", "Anna", "1.5"], ["2", "Bert, jun.; the | one", "2.75"], ["3", "Carl", "3"]]
    text = "".join(separator.join(f'"{cell}"' if " " in cell else cell for cell in row) + "\n" for row in rows)
    found = proposal_of(tmp_path, text)
    assert found.settings.separator == separator
    assert types(found) == {"id": "integer", "name": "string", "price": "decimal"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    found = proposal_of(tmp_path, "Stadt;Größe\nKöln;1\nMünchen;2\nZürich;3\n", encoding)
    assert [column.raw_name for column in found.columns] == ["Stadt", "Größe"]
    assert found.first_rows[0][1] == "Köln"
    assert value(found, "encoding") in {
        "utf-8": ["UTF-8"], "utf-8-sig": ["UTF-8"], "utf-16": ["UTF-16LE", "UTF-16BE"], "utf-16-le": ["UTF-16LE"],
        "utf-16-be": ["UTF-16BE"], "cp1252": ["windows-1252"], "mac_roman": ["MacRoman"],
    }[encoding]  # fmt: skip


def test_lines_of_two_encodings_are_told(tmp_path: Path) -> None:
    text = b"id,town\n1,M\xc3\xbcnchen\n2,K\xf6ln\n3,Bonn\n"
    found = proposal_of(tmp_path, text)
    assert (value(found, "encoding"), [said.code for said in found.problems]) == ("windows-1252", ["look-encoding-mixed"])


@pytest.mark.parametrize("name", ["Café „Süß“", "Białystok „Główna“", "Süßöl", "„Ja“ – „Süß“…"])
def test_letters_that_western_and_central_europe_write_alike_are_western(tmp_path: Path, name: str) -> None:
    encoding = "cp1250" if "ł" in name else "cp1252"
    found = proposal_of(tmp_path, f"Name;Betrag\n{name};1\nBert;2\n", encoding)
    assert (found.first_rows[0][1], value(found, "encoding")) == (name, f"windows-{encoding[2:]}")


def test_cyrillic_is_guessed_and_said_to_be_a_guess(tmp_path: Path) -> None:
    text = "Город;Число\n" + "".join(f"Москва и другие города {n};{n}\n" for n in range(30))
    found = proposal_of(tmp_path, text, "cp1251")
    assert found.first_rows[0][1].startswith("Москва")
    assert not next(one for one in found.found if one.setting == "encoding").sure


def test_titles_comments_and_totals_are_no_rows(tmp_path: Path) -> None:
    text = "Report of sales 2024\nMade on 2024-03-01\n\nregion,units,price\nN,10,1.5\nS,20,2.5\nE,30,3.5\nW,1,1\nTotal,61,\n"
    found = proposal_of(tmp_path, text)
    assert (found.settings.skip_lines, found.settings.skip_last_lines, found.rows) == (3, 1, 4)
    assert types(found) == {"region": "string", "units": "integer", "price": "decimal"}
    commented = proposal_of(tmp_path, "# exported by X\n# on monday\nid;v\n1;2\n3;4\n")
    assert (commented.settings.comment, commented.rows, types(commented)) == ("#", 2, {"id": "integer", "v": "integer"})
    assert proposal_of(tmp_path, "#id;v\n1;2\n3;4\n").settings.comment == ""


@pytest.mark.parametrize(
    ("end", "count"),
    [
        ("Notes: p = provisional,,\n", 1),
        ("Total,7,\nSource: Office,,\n*) estimated,,\n1) revised,,\nStand: 01.02.2024,,\n", 5),
        ("These figures were revised in March and in May,,\n", 1),
        ("1007,,\n", 0),
        ("Miller and Sons,,\n", 0),
        ("Source: Office,4,\n", 0),
    ],
)
def test_remarks_below_a_table_are_no_rows_though_they_have_all_its_cells(tmp_path: Path, end: str, count: int) -> None:
    rows = (
        "".join(f"{n:05} place of its own,{n},1.5\n" for n in range(9)) if end[:1] != "1" else "".join(f"{n},{n},1.5\n" for n in range(9))
    )
    found = proposal_of(tmp_path, f"code,n,price\n{rows}{end}")
    assert (found.settings.skip_last_lines, found.rows) == (count, 9 + end.count("\n") - count)
    grouped = proposal_of(tmp_path, f"code,n,price\nNotes on the north,,\n{rows}Notes on the south,,\n")
    assert grouped.settings.skip_last_lines == 0


def test_rows_of_separators_alone_are_asked_and_left_out_unless_they_are_to_stay(tmp_path: Path) -> None:
    rows = "a;b\n" + "".join(f"x{n};{n}\n" for n in range(9))
    for text, kept, asked in ((";\n;\n", "", 1), (";\n", "keep", 1), ("", "", 0)):
        found = proposal_of(tmp_path, rows + text, **({"emptyRows": kept} if kept else {}))
        assert [one.key for one in found.questions] == ["emptyRows"] * asked
        made = stages(found, "raw/f.csv", Choices("f"))
        assert (made[0].get("emptyRows") == "known", "(`a` IS NOT NULL OR `b` IS NOT NULL)" in str(made)) == (
            bool(asked),
            bool(asked and not kept),
        )
    assert proposal_of(tmp_path, rows + "Total;36\n;\n;\n").settings.skip_last_lines == 3
    assert proposal_of(tmp_path, rows.replace(";", ";;") + "Note: all\n;;\nSource: x;;\n;;\n").settings.skip_last_lines == 4


@pytest.mark.parametrize(
    ("header", "row", "is_header"),
    [
        ("sku,2023,2024,2023,2024", "{n:03},{n},3,4,5", True),
        (",Units,,Sales,\nsku,2023,2024,2023,2024", "{n:03},{n},3,4,5", True),
        ("Report of 2024,,,\nsku,Units,Units,Sales\n,2023,2024,2024", "{n:03},{n},3,4", True),
        ("name,Units,Sales\nA,1999,2010", "B{n},{n},4", False),
        ("region,2024-01-31,2024-02-29", "r{n},{n},4", True),
        ("region;31.01.2024;29.02.2024", "r{n};{n};4", True),
        ("shop,1,2,3,4", "s{n},{n},4,4,7", True),
        ("shop,00:00,01:00", "s{n},{n},4", True),
        ("Smith,1998,2004", "Jones{n},200{n},2011", False),
        ("Ann,2024-01-31,5", "Bob{n},2024-02-0{m},6", False),
        ("a,1,2,3", "b{n},1,2,3", False),
        ("2023,2024", "{n},4", False),
    ],
)
def test_years_days_and_hours_side_by_side_are_names(tmp_path: Path, header: str, row: str, is_header: bool) -> None:
    text = "\n".join([header, *(row.format(n=n, m=n + 1) for n in range(6))]) + "\n"
    found = proposal_of(tmp_path, text)
    assert found.rows == 6 + (not is_header)
    assert {value.name.startswith("column_") for value in found.columns[1:]} == {not found.settings.header}


def test_what_was_found_can_be_corrected(tmp_path: Path) -> None:
    text = "a;b,c\n1;2,5\n3;4,5\n"
    corrected = proposal_of(tmp_path, text, separator=";", header=False, columns={"0": {"name": "first"}, "1": {"type": "string"}})
    assert [column.name for column in corrected.columns] == ["first", "column_2"]
    assert corrected.rows == 3
    assert corrected.columns[1].type["type"] == "string"


def test_cells_without_names_are_asked_about(tmp_path: Path) -> None:
    dropped = proposal_of(tmp_path, "a,b\n" + "1,x,,\n" * 5)
    question = dropped.questions[0]
    assert question.title == "2 names, but 4 cells in a row"
    assert [option.label for option in question.options if option.is_chosen] == ["Drop them"]
    assert types(dropped) == {"a": "integer", "b": "string"}
    kept = proposal_of(tmp_path, "a,b\n" + "1,x,7,\n" * 5)
    assert types(kept) == {"a": "integer", "b": "string", "column_3": "integer", "column_4": "string"}
    assert proposal_of(tmp_path, "a,b\n" + "1,x,7,\n" * 5, otherWidths="drop").columns[2].dropped


def test_rows_of_other_widths_are_counted(tmp_path: Path) -> None:
    text = "a,b,c\n1,2,3\n4,5\n6,7,8,9\n" + "10,11,12\n" * 4
    found = proposal_of(tmp_path, text)
    assert found.widths == {2: 1, 3: 5, 4: 1}
    assert (found.rows, found.rows_fit, found.settings.other_widths) == (7, 5, "reject")
    assert "line 3 has 2, line 4 has 4" in found.questions[0].words
    assert proposal_of(tmp_path, text, otherWidths="fit").rows_fit == 7


@pytest.mark.parametrize(
    ("name", "values", "type_"),
    [
        ("zip", ["01234", "98765", "10115"], "string"),
        ("code", ["007", "008", "9"], "string"),
        ("account", ["1234567890123456", "2234567890123456"], "string"),
        ("phone", ["5551234", "5559876"], "string"),
        ("n", ["1", "-2", "+3"], "integer"),
        ("n", ["1", "3000000000"], "long"),
        ("n", ["1.5", ".00", "-3"], "decimal"),
        ("n", ["1e5", "2.5E-3", "1"], "double"),
        ("n", ["1E+05", "2E-3", "1"], "double"),
        ("item", ["1E5", "12", "700"], "string"),
        ("branch", ["1e3", "12e3", "5E999"], "string"),
        ("paid", ["Y", "N", "Y"], "boolean"),
        ("ean", ["4.00638E+12", "5.01234E+12", "12345678901"], "string"),
        ("n", ["4.00638E+12", "1.5E+03", "1"], "double"),
        ("n", ["4.0063813E+12", "5.01234E+12"], "double"),
        ("error", ["(0.12)", "(1.50)"], "string"),
        ("n", ["(0.12)", "1.50"], "decimal"),
        ("paid", ["ja", "nein", "ja"], "boolean"),
        ("paid", ["WAHR", "FALSCH", "wahr"], "boolean"),
        ("day", ["2024-02-29", "2023-01-01"], "date"),
        ("day", ["20240229", "20230101"], "date"),
        ("n", ["20240229", "20230101"], "integer"),
        ("at", ["2024-02-29 10:00:00", "2023-01-01 23:59:59.25"], "timestamp"),
        ("at", ["10:15", "23:59"], "time"),
        ("price", ["$1,234.50", "$7.00"], "decimal"),
        ("price", ["$1.50", "€7.00"], "string"),
        ("version", ["1.2.3", "1.2.4"], "string"),
        ("day", ["01/02/98", "03/04/99"], "string"),
    ],
)
def test_types(tmp_path: Path, name: str, values: list[str], type_: str) -> None:
    found = proposal_of(tmp_path, f"{name}|note\n" + "".join(f"{text}|x\n" for text in values))
    assert types(found)[name] == type_


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ('id,code\n1,="001"\n2,="010"\n', "regexp_extract(code,"),
        ('id, name, n\n1, "Ann", 3\n2, "Bob", 4\n', "FROM trim(name)"),
        ('id,note\n1,=A1\n2, 5" pipe\n3,"quoted"\n', None),
    ],
)
def test_signs_around_texts_that_are_hardly_meant_are_told(tmp_path: Path, text: str, fix: str | None) -> None:
    found = [said for said in proposal_of(tmp_path, text).problems if said.code == "look-wrapped"]
    assert [str(fix) in str(said.fix) for said in found] == [True] * (fix is not None)


def test_words_for_no_value_hold_for_typed_columns_only(tmp_path: Path) -> None:
    text = "delay,country\n5,NA\nNA,DE\nN/A,FR\n,IT\n-,ES\n" + "7,PT\n" * 10
    found = proposal_of(tmp_path, text)
    assert column(found, "delay").type["nullableValues"] == ["", "-", "N/A", "NA"]
    assert (column(found, "delay").nulls, column(found, "country").nulls) == (4, 0)
    assert column(proposal_of(tmp_path, text, nullValues=["NA"]), "country").type["nullableValues"] == ["", "NA"]


def test_misfits_are_told_with_line_reason_and_fix(tmp_path: Path) -> None:
    rows = [f"{n}.5,2013-08-{n % 28 + 1:02} 10:00:00" for n in range(1, 101)]
    rows[9], rows[19], rows[29] = (
        "1,50;2013-08-01 10:00:00".replace(";", '","').join('""'),
        "7.5,2013-08-09 24:00:00",
        "1e999,2013-02-30 10:00:00",
    )
    found = proposal_of(tmp_path, "tip,at\n" + "\n".join(rows) + "\n")
    assert [(misfit.line, misfit.column, misfit.value) for misfit in found.misfits] == [
        (11, "tip", "1,50"), (21, "at", "2013-08-09 24:00:00"), (31, "tip", "1e999"), (31, "at", "2013-02-30 10:00:00"),
    ]  # fmt: skip
    assert (found.rows_fit, found.rows_judged, found.misfits_total) == (97, 100, 4)
    fixes = [misfit.fix.value if misfit.fix else None for misfit in found.misfits]
    assert fixes == ["1.50", "2013-08-10 00:00:00", None, None]
    assert "larger than any number" in found.misfits[2].why


def test_decimal_commas(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "Betrag;Kunde\n1.234,56;A\n12,5;B\n1.000;C\n-3,00;D\n")
    assert value(found, "decimal") == ","
    assert (column(found, "Betrag").lowest, column(found, "Betrag").highest) == ("-3,00", "1.234,56")
    assert column(found, "Betrag").fits == 4


@pytest.mark.parametrize(
    ("content", "proposed", "title"),
    [
        ('n,x\n"1,234",a\n"5,678",b\n', "integer", "What does the comma mean?"),
        ("n;x\n1,234;a\n5,678;b\n", "decimal", "What does the comma mean?"),
        ("land;n\nDE;83.800\nFR;999\nIT;1.234\n", "integer", "What does the point mean?"),
        ("n,x\n1.234,a\n5.678,b\n", "decimal", "What does the point mean?"),
        ("d,n\n01.02.2024,1.234\n13.04.2024,2.500\n", "integer", "What does the point mean?"),
    ],
)
def test_three_digits_behind_a_sign_are_asked_about(tmp_path: Path, content: str, proposed: str, title: str) -> None:
    found = proposal_of(tmp_path, content)
    (question,) = found.questions
    assert (question.title, column(found, "n").type["type"], column(found, "n").sure) == (title, proposed, False)
    assert question.must_be_answered and not any(option.is_chosen for option in question.options)
    for sign in (".", ","):
        seen = "." if "point" in title else ","
        answered = proposal_of(tmp_path, content, decimal=sign)
        assert (answered.questions, column(answered, "n").type["type"]) == ([], "decimal" if sign == seen else "integer")


def test_decimals_that_another_column_shows_need_no_question(tmp_path: Path) -> None:
    points = proposal_of(tmp_path, "a,b\n1.234,0.5\n2.500,7.25\n")
    assert (points.questions, types(points)) == ([], {"a": "decimal", "b": "decimal"})
    commas = proposal_of(tmp_path, "a;b\n1,234;0,5\n2,500;7,25\n")
    assert (commas.questions, types(commas)) == ([], {"a": "decimal", "b": "decimal"})


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("amount;lat\n1.234,50;48.137\n12,00;11.575\n", ["lat"]),
        ("amount;lat;lon\n1.234,50;-48.137;11.575\n12,00;47.001;9.250\n", ["lat", "lon"]),
        ("amount;n\n0,5;12\n1,5;1.234\n", ["n"]),
        ('amount,n\n0.5,"1,234"\n7.25,"€2,500"\n', ["n"]),
        ("amount;lat\n1.234;48.13712\n2.500;11.57549\n", ["amount"]),
        ("amount,lat,day\n1.234,48.13712,01.02.2024\n2.500,11.57549,13.02.2024\n", ["amount"]),
        ("amount,lat\n1.234,48.13712\n2.500,11.57549\n", []),
        ("amount;n\n0,5;1.234\n1,5;1.234.500\n", []),
        ("amount;n\n0,5;1.234\n1,5;1.234,5\n", []),
        ("amount;n\n0,5;1.234\n1,5;0.137\n", []),
        ("amount;n\n0,5;1 234\n1,5;2 500\n", []),
    ],
)
def test_a_column_is_proved_to_have_signs_between_thousands_by_its_own_values_alone(tmp_path: Path, content: str, asked: list[str]) -> None:
    found = proposal_of(tmp_path, content)
    assert [question.title.rpartition(" in ")[2].rstrip("?") for question in found.questions] == asked
    assert all(question.must_be_answered for question in found.questions)
    assert [column.name for column in found.columns if not column.sure] == asked
    for option, kind in zip(found.questions[0].options if asked else [], ("integer", "decimal"), strict=False):
        answered = proposal_of(tmp_path, content, **option.settings)
        assert (column(answered, asked[0]).type["type"], column(answered, asked[0]).sure) == (kind, True)
        assert column(answered, "amount").fits == 2, "the others keep their own"
        assert [one.label for one in answered.questions[0].options if one.is_chosen] == [option.label], "it can be corrected"
        assert [question.must_be_answered for question in answered.questions] == [False, True][: len(asked)]


def test_who_says_that_null_is_a_text_has_said_it_for_the_runs_too(tmp_path: Path) -> None:
    text = "id;name\n1;Ann\n2;NULL\n3;Joe\n"
    assert column(proposal_of(tmp_path, text), "name").type["nullableValues"] == ["", "NULL"]
    said = column(proposal_of(tmp_path, text, nullValues=[]), "name").type
    assert (said["nullableValues"], said["nullIsText"]) == ([""], True)
    assert "nullIsText" not in column(proposal_of(tmp_path, text, nullValues=["NULL"]), "name").type


def test_words_for_no_value_mean_it_also_where_nothing_else_is(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "id;v\n1;NULL\n2;N/A\n3;-\n")
    assert column(found, "v").type["nullableValues"] == ["", "-", "N/A", "NULL"]


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ("time,temp\n10:00,21,5\n10:01,21,6\n10:02,22,1\n", True),
        ("mpg\tcyl\nMazda\t21.5\t6\nFiat\t32.4\t4\n", True),
        ("time,temp\n10:00,21,\n10:01,22,\n10:02,23,\n", False),
    ],
)
def test_values_without_a_name_are_not_put_under_one_before_somebody_has_said_what_they_are(
    tmp_path: Path, text: str, is_asked: bool
) -> None:
    (question,) = proposal_of(tmp_path, text).questions
    assert (question.key, question.must_be_answered) == ("otherWidths", is_asked)
    assert any(option.is_chosen for option in question.options) is not is_asked
    (answered,) = proposal_of(tmp_path, text, otherWidths="keep").questions
    assert not answered.must_be_answered and answered.options[1].is_chosen


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("time,v,t\n,m/s,°C\n2024-01-01,1.5,3\n2024-01-02,2.5,4\n2024-01-03,2.5,5\n", ["date", "decimal", "integer"]),
        ("k;v\n[-];[km]\na;1,5\nb;2,5\nc;3,5\n", ["string", "decimal"]),
        ("geo,n,m\nArea,Total,Male\nX,10,5\nY,12,7\nZ,11,6\n", ["string", "integer", "integer"]),
        ("name,amount\nSmith,unknown\nX,10\nY,12\nZ,11\n", []),
        ("name,a,b\nSmith,n/a,none\nX,10,5\nY,12,7\nZ,11,6\n", []),
        ("name,a,b\nSmith,x1,y\nX,10,b5\nY,12,c\nZ,11,d\n", []),
    ],
)
def test_a_line_of_units_below_the_names_is_told_and_the_columns_keep_their_types(tmp_path: Path, text: str, kinds: list[str]) -> None:
    found = proposal_of(tmp_path, text)
    told = [(problem.line, "write 1 into “Lines before”" in problem.fix) for problem in found.problems if problem.code == "look-units"]
    assert told == ([(2, True)] if kinds else [])
    assert [column.type["type"] for column in found.columns] == kinds or not kinds


def test_a_table_of_eurostat_has_tabs_between_its_columns(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "freq,unit,geo\\TIME_PERIOD\t2010 \t2011 \nA,PC,AT\t1.5 \t2.5 \nA,PC,DE\t3.5 \t4.5 \n")
    assert types(found) == {"freq_unit_geo_TIME_PERIOD": "string", "c_2010": "decimal", "c_2011": "decimal"}


def test_a_day_that_can_be_a_month_is_asked_about(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "d|x\n01/02/2024|a\n03/04/2024|b\n")
    (question,) = found.questions
    assert (question.key, question.must_be_answered, [option.is_chosen for option in question.options]) == ("dayFirst", True, [False] * 2)
    assert column(found, "d").type["formatters"] == ["dd/MM/uuuu"]
    (question,) = proposal_of(tmp_path, "d|x\n01/01/2024|a\n03/04/2024|b\n").questions
    assert [option.words for option in question.options] == ["03/04/2024 is 2024-04-03", "03/04/2024 is 2024-03-04"], (
        "no day that is the same"
    )
    month_first = proposal_of(tmp_path, "d|x\n01/02/2024|a\n03/04/2024|b\n", dayFirst=False)
    assert (month_first.questions, column(month_first, "d").type["formatters"]) == ([], ["MM/dd/uuuu"])
    sure = proposal_of(tmp_path, "d|x\n01/02/2024|a\n25/04/2024|b\n")
    assert (sure.questions, column(sure, "d").type["formatters"]) == ([], ["dd/MM/uuuu"])
    assert column(proposal_of(tmp_path, "d|x\n1/2/2024|a\n4/25/2024|b\n"), "d").type["formatters"] == ["M/d/uuuu"]
    assert [one.key for one in proposal_of(tmp_path, "d|x\n01/02/2024|a\n15-04-2024|b\n").questions] == ["dayFirst"], (
        "another writing shows it"
    )


def test_patterns_share_what_differs_in_seconds_and_fractions(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "at|x\n2024-01-01T10:00:00Z|a\n2024-01-01T10:00:00.123Z|b\n")
    assert column(found, "at").type["formatters"] == ["uuuu-MM-dd'T'HH:mm:ss[.SSS]XXX"]
    mixed = proposal_of(tmp_path, "at|x\n2024-01-01 10:00|a\n2024-01-01 10:00:01|b\n")
    assert column(mixed, "at").type["formatters"] == ["uuuu-MM-dd HH:mm[:ss]"]


def test_names_become_ones_that_sql_takes(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, "Trip type , Preis (€),,ID,id,2013,Straße,%\n1,2,3,4,5,6,7,8\n")
    assert [column.name for column in found.columns] == [
        "Trip_type", "Preis_eur", "column_3", "ID", "id_2", "c_2013", "Strasse", "percent",
    ]  # fmt: skip
    assert found.columns[0].raw_name == "Trip type "


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("όνομα,Ποσό €,ΗΜΕΡΟΜΗΝΊΑ,ψάρι", ["onoma", "Poso_eur", "IMEROMINIA", "psari"]),
        ("Имя,ёлка,Щука,Їжак", ["Imya", "elka", "Shchuka", "Izhak"]),
        ("価格,😀 mood,x,ό", ["column_1", "mood", "x", "o"]),
    ],
)
def test_names_in_other_letters_are_told_in_latin_ones_where_that_is_usual(tmp_path: Path, header: str, names: list[str]) -> None:
    found = proposal_of(tmp_path, f"{header}\n1,2,3,4\n")
    assert [column.name for column in found.columns] == names
    assert [column.raw_name for column in found.columns] == header.split(",")


def test_gzip_is_seen_by_its_content(tmp_path: Path) -> None:
    found = proposal_of(tmp_path, gzip.compress(b"a,b\n1,2\n"), name="x.csv")
    assert (found.packed, found.rows, types(found)) == ("gzip", 1, {"a": "integer", "b": "integer"})
    with pytest.raises(ProblemError) as refused:
        proposal_of(tmp_path, gzip.compress(b"a,b\n1,2\n" * 100_000)[:-50], name="y.csv.gz")
    assert refused.value.problems[0].code == "input-gzip"


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.4 x", b"\xd0\xcf\x11\xe0 old", bytes(range(256)) * 40, b"PAR1 broken", b"PK\x03\x04 broken"]
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes) -> None:
    found = proposal_of(tmp_path, content)
    assert not found.columns
    assert found.problems[0].message
    assert found.problems[0].fix


def test_a_quote_that_is_never_closed_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        proposal_of(tmp_path, 'a,b\n1,2\n3,"x\n' + "4,5\n" * 30_000, separator=",", quote='"')
    assert (refused.value.problems[0].code, refused.value.problems[0].line) == ("input-quote", 3)


def test_beyond_the_limit_rows_are_counted_but_not_judged(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_text("a,b\n" + "1,2\n" * 100_000)
    found = look(Roots(tmp_path), "big.csv", {}, limit_bytes=100_000, seconds=20, tell=lambda what, done, whole: None)
    assert found.rows_judged < 30_000
    assert found.rows == 100_000


def test_rows_that_time_does_not_suffice_for_are_counted_all(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("a,b\n" + "1,some longer text\n" * 40_000 + "1,the last one")
    found = look(Roots(tmp_path), "long.csv", {}, limit_bytes=None, seconds=0, tell=lambda what, done, whole: None)
    assert found.rows_judged < 40_000
    assert found.rows == 40_001


def test_a_table_that_is_too_wide_is_refused_and_not_cut(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        proposal_of(tmp_path, ",".join(f"c{place}" for place in range(2_001)) + "\n" + "1," * 2_000 + "1\n")
    assert (refused.value.problems[0].code, "2,001 columns" in refused.value.problems[0].message) == ("look-too-wide", True)


@pytest.mark.parametrize("uri", ["../x", "/etc/passwd", "s3://b/k", "missing.csv"])
def test_only_files_of_the_lake_are_looked_at(tmp_path: Path, uri: str) -> None:
    with pytest.raises(ProblemError):
        look(Roots(tmp_path), uri, {}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)


@pytest.mark.parametrize("settings", [{"separator": "ab"}, {"encoding": "utf-7"}, {"nothing": 1}, {"columns": {"0": {"name": "a b"}}}])
def test_settings_that_are_none_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    (tmp_path / "f.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ProblemError):
        look(Roots(tmp_path), "f.csv", settings, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)


@pytest.mark.parametrize("sign", ["`", "~", "\x00", "\u2028"])
def test_odd_signs_are_no_quotes_and_stop_nothing(tmp_path: Path, sign: str) -> None:
    found = proposal_of(tmp_path, f"{sign}a{sign},b\n{sign}1{sign},2\n{sign}3{sign},4\n")
    assert found.settings.quote in ('"', "'", "")


def test_a_line_without_end_is_told_and_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as told:
        proposal_of(tmp_path, "a,b\n1,2\n3," + "x" * 20_000_000)
    problem = told.value.problems[0]
    assert (problem.code, problem.line) == ("input-row-endless", 3) and problem.fix


@pytest.mark.parametrize(
    ("times", "zones"),
    [
        (["2024-01-01 10:00:00", "2024-01-01 10:00:00+02:00"], ["UTC", "+02:00"]),
        (["2024-01-01T10:00:00", "2024-01-01T10:00:00.5Z", "2024-01-02T10:00:00Z"], ["UTC"]),
        (["2024-01-01 10:00 -0500", "2024-01-01 10:00"], ["UTC", "-05:00"]),
    ],
)
def test_times_with_and_without_a_zone_in_one_column_are_asked_about(tmp_path: Path, times: list[str], zones: list[str]) -> None:
    content = "id,at\n" + "".join(f"{number},{time}\n" for number, time in enumerate(times))
    (question,) = proposal_of(tmp_path, content).questions
    assert (question.key, "at: 1 says no zone" in question.words) == ("timeZone", True)
    assert [option.settings["timeZone"] for option in question.options] == zones
    answered = proposal_of(tmp_path, content, timeZone=zones[-1])
    assert (answered.questions, column(answered, "at").type["timezoneId"]) == ([], zones[-1])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["03.05.2024", "16.06.2024", "open", "01.07.2024"], "3 of 4 would be a date: choose that type, and the others are shown"),
        (["10:30", "11:15", "later", "12:00"], "3 of 4 would be a time of day: choose that type, and the others are shown"),
        (["999.50", "12.25", "on request", "1.5"], "3 of 4 would be a number: choose that type, and the others are shown"),
        (["9", "10", "12a", "14"], ""),
        (["9", "10", "012", "a"], ""),
        (["03.05.2024", "open", "late", "never"], ""),
        (
            ["2024-05-01T08:00:00+02:00", "2024-05-02T08:00:00+02:00"],
            "times of a zone of their own, +02:00, become UTC: so do their hours and days",
        ),
        (
            ["2024-05-01 08:00:00-0500", "2024-05-02 08:00:00-0500"],
            "times of a zone of their own, -0500, become UTC: so do their hours and days",
        ),
        (["2024-05-01T08:00:00Z", "2024-05-02T08:00:00Z"], ""),
        (["2024-05-01T08:00:00+00:00", "2024-05-02T08:00:00+00:00"], ""),
        (["2024-05-01 08:00:00", "2024-05-02 08:00:00"], ""),
    ],
)
def test_what_a_column_would_be_and_what_becomes_of_zones_is_said(tmp_path: Path, values: list[str], words: str) -> None:
    content = "id,x\n" + "".join(f"{number},{value}\n" for number, value in enumerate(values))
    assert column(proposal_of(tmp_path, content), "x").words == words


def test_times_that_all_say_a_zone_or_none_ask_nothing(tmp_path: Path) -> None:
    for ending in ("", "Z"):
        assert not proposal_of(tmp_path, f"id,at\n1,2024-01-01 10:00:00{ending}\n2,2024-01-02 11:00:00{ending}\n").questions


@pytest.mark.parametrize("sign", [b"\x0b", b"\x1b", b"\x1f"])
def test_a_control_sign_makes_no_unknown_file_of_a_few_lines(tmp_path: Path, sign: bytes) -> None:
    assert types(proposal_of(tmp_path, b"id,t\n1,a" + sign + b"b\n2,x\n")) == {"id": "integer", "t": "string"}
    assert proposal_of(tmp_path, bytes(range(1, 32)) * 3 + b"\xff").format == "unknown"


def test_of_a_folder_it_is_said_which_file_is_shown(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    for name in ("a.csv", "b.csv"):
        proposal_of(tmp_path / "m", "a,b\n1,2\n", name=name)
    found = look(Roots(tmp_path), "m", {}, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)
    assert [(said.code, "2 files" in said.message and "“m/b.csv”" in said.message) for said in found.problems] == [
        ("look-first-file", True)
    ]
    (tmp_path / "m/a.csv").unlink()
    assert not look(Roots(tmp_path), "m", {}, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None).problems


def told(first: str, rows: list[str], tmp_path: Path) -> tuple[bool, int | None, str]:
    found = proposal_of(tmp_path, "\n".join([first, *rows]) + "\n")
    return value(found, "header"), found.header_line, next(one.words for one in found.found if one.setting == "header")


LETTERS = [f"{chr(97 + n % 26)}{'xyz'[n % 3]}{n},town {chr(97 + n % 26)}" for n in range(40)]


@pytest.mark.parametrize("first", ["name,city", " name , city ", "name,city,"])
@pytest.mark.parametrize("times", [1, 3])
def test_names_that_stand_further_down_among_text_are_names_and_told(tmp_path: Path, first: str, times: int) -> None:
    rows = [*LETTERS[:19], *[first] * times, *LETTERS[19:]]
    is_header, line, words = told(first, rows, tmp_path)
    assert (is_header, line) == (True, 1)
    assert "the same line stands further down" in words


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("apple", ["pear", "plum", "apple", "fig"]),
        ("red,small", ["blue,large", "blue,large", "red,small", "green,tiny", "blue,large"]),
        ("red,small", ["red,large", "red,small", "blue,tiny"]),
        ("ax99,town a", [*LETTERS, "ax99,town a"]),
    ],
)
def test_a_row_that_is_met_again_as_others_are_is_data(tmp_path: Path, first: str, rows: list[str]) -> None:
    assert told(first, rows, tmp_path)[0] is False
