"""Looks at JSON, Parquet, Excel and zip; unpacking within bounds."""

from __future__ import annotations

import json
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from executor.look import packed
from executor.look.looking import look
from executor.look.packed import unpack
from executor.look.proposal import Proposal
from executor.look.stages import Choices, stages
from executor.problems import ProblemError
from executor.stores.roots import Roots


def quiet(what: str, done: int, whole: int) -> None:
    """Nobody listens."""


def look_at(folder: Path, name: str, **settings: Any) -> Proposal:
    return look(Roots(folder), name, settings, limit_bytes=None, seconds=20, tell=quiet)


def unpacked(folder: Path, name: str, **limits: int) -> list[dict[str, Any]]:
    return unpack(folder, name, "out", quiet, limits)


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"id": 1, "at": "2024-01-01T10:00:00Z", "tags": ["a"], "who": {"name": "Ann", "age": 3}}, {"id": 2, "price": 1.5}]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = look_at(tmp_path, "f.jsonl")
    assert (found.format, found.rows) == ("jsonl", 2)
    assert [(column.name, column.type["type"]) for column in found.columns] == [
        ("at", "timestamp"), ("id", "long"), ("price", "double"), ("tags", "array"), ("who", "struct"),
    ]  # fmt: skip
    assert [field["name"] for field in found.columns[-1].type["fields"]] == ["age", "name"]
    assert [column.nulls for column in found.columns] == [1, 0, 1, 1, 1]


def test_what_means_no_value_in_json_and_whose_clocks_it_has_are_told_and_can_be_corrected(tmp_path: Path) -> None:
    records = [{"id": n, "at": f"2026-03-0{1 + n % 9} 10:00:00", "price": f"1.{n:03},50"} for n in range(40)] + [{"id": "n/a"}]
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    (tmp_path / "a.jsonl").write_text(text)
    found = look_at(tmp_path, "a.jsonl")
    told = {one.setting: (one.value, one.sure) for one in found.found}
    assert (told["nullValues"], told["timeZone"], told["decimal"]) == ((["n/a"], True), ("UTC", False), (",", True))
    corrected = look_at(tmp_path, "a.jsonl", nullValues=[], timeZone="Europe/Berlin")
    assert [misfit.value for misfit in corrected.misfits] == ["n/a"]
    assert {column.name: column.type.get("timezoneId") for column in corrected.columns}["at"] == "Europe/Berlin"


def test_a_json_document_and_what_is_wrong_with_one(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps([{"zip": "01234", "n": 1}, {"zip": "98765", "n": "x"}], indent=1))
    found = look_at(tmp_path, "f.json")
    assert [(column.name, column.type["type"]) for column in found.columns] == [("n", "string"), ("zip", "string")]
    (tmp_path / "g.jsonl").write_text('{"a": 1}\n{"a": \n{"a": 2}\n')
    broken = look_at(tmp_path, "g.jsonl")
    assert (broken.rows, broken.problems[0].line) == (2, 2)
    for text in ('{"a": [1, 2}', "[1, 2]", '{"a":' * 5000):
        (tmp_path / "h.json").write_text(text)
        with pytest.raises(ProblemError):
            look_at(tmp_path, "h.json", format="json")


@pytest.mark.parametrize(
    "content", ['{"a": "x\\ud800"}\n{"a": "y"}\n', '[{"a": "x\\ud800"}, {"a": "y"}]', '{"a\\udc00": "x"}\n{"a": "y"}\n']
)
def test_half_of_a_sign_is_told_and_breaks_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.json").write_text(content)
    found = look_at(tmp_path, "f.json")
    assert [(said.code, said.line) for said in found.problems] == [("json-half-sign", 1)]
    assert "?" in found.model_dump_json()


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"id": [3, 1, 2], "day": [date(2024, 1, 1), None, date(2024, 1, 3)], "p €": [{"x": 1}, None, {"x": 2}]})
    parquet.write_table(table, tmp_path / "f.parquet")
    found = look_at(tmp_path, "f.parquet", columns={"1": {"name": "at"}})
    assert (found.format, found.rows) == ("parquet", 3)
    assert [(column.name, column.type["type"]) for column in found.columns] == [("id", "long"), ("at", "date"), ("p_eur", "struct")]
    assert found.first_rows[0] == [1, 3, "2024-01-01", '{"x": 1}']


def kept_as_parquet(folder: Path, **columns: Any) -> dict[str, tuple[Any, str, list[str]]]:
    """Name → (how many have no value, from where to where, samples), as a look at a file of these columns tells."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), folder / "f.parquet", row_group_size=2)
    return {column.name: (column.nulls, column.range_words, column.samples) for column in look_at(folder, "f.parquet").columns}


def test_numbers_of_a_parquet_file_are_as_they_stand_in_it(tmp_path: Path) -> None:
    """Parquet writes a least value of zero as -0.0; numbers of 32 bits are no longer ones."""
    import pyarrow as pa

    found = kept_as_parquet(
        tmp_path,
        weight=[0.0, 2.5, 4.0],
        less=[-1.5, -0.5, 0.0],
        single=pa.array([0.1, 100.0, 16777216.0], pa.float32()),
        odd=[float("nan"), float("-inf"), 1.0],
        yes=[True, None, False],
    )
    assert [words for _, words, _ in found.values()] == [
        "0.0 – 4.0", "-1.5 – 0.0", "0.1 – 16777216.0", "-Infinity – 1.0", "false – true",
    ]  # fmt: skip
    assert (found["single"][2], found["odd"][2]) == (["0.1", "100.0", "16777216.0"], ["NaN", "-Infinity", "1.0"])


def test_what_is_empty_in_a_parquet_file_is_told_where_it_says_so(tmp_path: Path) -> None:
    """What it says of the items of a list says nothing of the lists."""
    import pyarrow as pa

    found = kept_as_parquet(
        tmp_path,
        who=[{"a": 1, "b": 2}, None, {"a": None, "b": 3}],
        tags=[["x", None], [], None],
        ages=pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        id=[1, None, 3],
        all_empty=pa.array([None, None, None], pa.float64()),
    )
    assert {name: nulls for name, (nulls, _, _) in found.items()} == {
        "who": None, "tags": None, "ages": None, "id": 1, "all_empty": 3,
    }  # fmt: skip
    assert {name: words for name, (_, words, _) in found.items() if words} == {"id": "1 – 3"}
    assert (found["tags"][2], found["ages"][2]) == (['["x", null]', "[]"], ['[["a", 1]]', "[]"])


def test_bytes_and_types_of_a_parquet_file_are_called_as_elsewhere(tmp_path: Path) -> None:
    import pyarrow as pa

    assert kept_as_parquet(tmp_path, raw=[b"\x00\xff", b"", None])["raw"] == (1, "", ["AP8=", ""])
    kept_as_parquet(tmp_path, at=pa.array([0], pa.timestamp("us")), day=[date(2024, 1, 1)], n=pa.array([1], pa.int32()), big=[1])
    assert [column.words for column in look_at(tmp_path, "f.parquet").columns] == ["timestamp without zone", "", "int", ""]


def workbook(path: Path) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Sales 2024")
    sheet.write_row(0, 0, ["day", "at", "clock", "n", "text", "yes"])
    sheet.write_datetime(2, 0, datetime(2024, 2, 29), book.add_format({"num_format": "dd.mm.yyyy"}))
    sheet.write_datetime(2, 1, datetime(2024, 2, 29), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
    sheet.write_datetime(2, 2, time(13, 5), book.add_format({"num_format": "hh:mm"}))
    sheet.write_number(2, 3, 0.1)
    sheet.write_string(2, 4, '=1+1 "x", y\nz')
    sheet.write_boolean(2, 5, True)
    sheet.merge_range(3, 0, 3, 2, "merged")
    book.add_worksheet("Empty")
    book.add_worksheet("Other").write(0, 0, "a")
    book.close()


def test_each_sheet_becomes_a_file_with_nothing_lost(tmp_path: Path) -> None:
    workbook(tmp_path / "b.xlsx")
    assert [member.name for member in look_at(tmp_path, "b.xlsx").members] == ["Sales 2024", "Empty", "Other"]
    files = unpacked(tmp_path, "b.xlsx")
    assert [(file["uri"], file["rows"]) for file in files] == [("out/b_Sales_2024.csv", 3), ("out/b_Other.csv", 1)]
    assert files[0]["notes"] == ["1 empty row was left out", "1 sheet is empty and became no file"]
    assert (tmp_path / "out/b_Sales_2024.csv").read_text() == (
        'day,at,clock,n,text,yes\n2024-02-29,2024-02-29 00:00:00,13:05:00,0.1,"=1+1 ""x"", y\nz",true\nmerged,,,,,\n'
    )


@pytest.mark.parametrize(
    ("formats", "words"),
    [
        (('"€"#,##0.00', "[$$-409]#,##0.00"), "shown with € (cell A2) and $ (cell A3)"),
        (('0.0" kg"', '0.0" t";-0.0" t"'), "shown with kg (cell A2) and t (cell A3)"),
        (("[$€-407] #,##0.00", "[Red]#,##0.00\\ [$€-1]"), ""),
        (("#,##0.00_);(#,##0.00)", '"-"0.00'), ""),
        (("0%", "General"), "shown with % (cell A2) and without (cell A3)"),
        (("0.0%", "0%"), ""),
        (("General", "0%"), ""),
    ],
)
def test_currencies_and_units_that_only_formats_tell_apart_are_told(tmp_path: Path, formats: tuple[str, str], words: str) -> None:
    book = Workbook()
    for row in [["v"], [1.5], [2.5]]:
        book.active.append(row)
    book.active["A2"].number_format, book.active["A3"].number_format = formats
    book.save(tmp_path / "b.xlsx")
    notes = " ".join(unpacked(tmp_path, "b.xlsx")[0]["notes"])
    assert words in notes and bool(notes) is bool(words)


def test_formulas_without_a_stored_value_are_told(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["n", 123456789012345])
    book.active.append(["=1+1", 2])
    book.save(tmp_path / "f.xlsx")
    (file,) = unpacked(tmp_path, "f.xlsx")
    assert (tmp_path / file["uri"]).read_text() == "n,123456789012345\n,2\n"
    assert "1 formula has no stored value" in file["notes"][0]


def zipped(path: Path, **files: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)


def test_files_of_a_zip_get_safe_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("a.csv", "sub/A.csv", "../../evil.csv", "C:\\x\\Umsätze (50%).CSV", "__MACOSX/a.csv", ".hidden", "sub/"):
            archive.writestr(name, b"a,b\n1,2\n")
    names = [file["uri"] for file in unpacked(tmp_path, "z.zip")]
    assert names == ["out/a.csv", "out/sub_A.csv", "out/evil.csv", "out/Umsätze_50.CSV"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "z.zip"]


def test_what_is_unpacked_keeps_the_name_that_people_gave_it(tmp_path: Path) -> None:
    given = [
        "東京/売上.csv",
        "Αθήνα/πωλήσεις.csv",
        "данные за май.csv",
        "📈.csv",
        "नमस्ते.csv",
        "_x.csv",
        "a=b%20{c}*.csv.gz",
        "n" * 300 + ".csv",
    ]
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in given:
            archive.writestr(name, b"a,b\n1,2\n")
    made = [file["uri"].removeprefix("out/") for file in unpacked(tmp_path, "z.zip")]
    assert made[:7] == ["売上.csv", "πωλήσεις.csv", "данные_за_май.csv", "file.csv", "नमस्ते.csv", "x.csv", "a_b_20_c.csv.gz"]
    assert made[7].endswith("n.csv") and len(made[7]) <= 200
    book = Workbook()
    book.active.title = "Größen 2024"
    book.create_sheet("売上").append(["a"])
    book.active.append(["a"])
    book.save(tmp_path / "Преглед.xlsx")
    assert [file["uri"] for file in unpacked(tmp_path, "Преглед.xlsx")] == ["out/Преглед_Größen_2024.csv", "out/Преглед_売上.csv"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    names = ["data/2023/sales.csv", "data/2024/sales.csv", "data/2024/other.csv", "__MACOSX/data/2023/._sales.csv", "data/2023/.DS_Store"]
    names += ["data/Thumbs.db", "data/desktop.ini", "data/~$book.xlsx"]
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in names:
            archive.writestr(name, f"a\n{name}\n")
    made = {file["uri"]: (tmp_path / file["uri"]).read_text().split()[1] for file in unpacked(tmp_path, "z.zip")}
    assert made == {"out/2023_sales.csv": names[0], "out/2024_sales.csv": names[1], "out/other.csv": names[2]}


def test_the_sheets_of_a_workbook_in_a_zip_come_too(tmp_path: Path) -> None:
    workbook(tmp_path / "b.xlsx")
    whole = unpack(tmp_path, "b.xlsx", "alone", quiet, {})
    zipped(tmp_path / "z.zip", **{"first.csv": b"a\n1\n", "b.xlsx": (tmp_path / "b.xlsx").read_bytes(), "c.csv": b"c\n"})
    parts = unpacked(tmp_path, "z.zip")
    assert [part["uri"] for part in parts] == ["out/first.csv", *(part["uri"].replace("alone", "out") for part in whole), "out/c.csv"]
    for part, alone in zip(parts[1:-1], whole, strict=True):
        assert (tmp_path / part["uri"]).read_bytes() == (tmp_path / alone["uri"]).read_bytes()
        assert part["name"] == f"b.xlsx: {alone['name']}"
    assert not list((tmp_path / "out").glob("*.xlsx"))


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (1234, "00000", "01234"),
        (12345678, "00000", "12345678"),
        (12345678, "00000-0000", "01234-5678"),
        (7, '[$-407]000" "00', "000 07"),
        (1234, "General", "1234"),
        (1234, "0.00", "1234"),
        (-5, "000", "-5"),
        (0.5, "00000", "0.5"),
    ],
)
def test_zeros_in_front_of_a_code_stay(tmp_path: Path, value: float, number_format: str, shown: str) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["plz", "x"])
    book.active.append([value, 1])
    book.active["A2"].number_format = number_format
    book.save(tmp_path / "c.xlsx")
    (file,) = unpacked(tmp_path, "c.xlsx")
    assert (tmp_path / file["uri"]).read_text() == f"plz,x\n{shown},1\n"


@pytest.mark.parametrize(
    ("files", "limits", "code"),
    [
        ({"a.csv": b"x", "b.zip": b"PK\x03\x04 inner"}, {}, "zip-nested"),
        ({"a.csv": b"x", "b.csv": b"y"}, {"members": 1}, "zip-too-many"),
        ({"a.csv": b"x" * 1000, "b.csv": b"y" * 1000}, {"bytes": 1500}, "zip-too-large"),
        ({"a.csv": b"0" * 30_000_000}, {}, "zip-ratio"),
        ({}, {}, "input-empty"),
    ],
)
def test_what_is_not_unpacked_leaves_nothing(tmp_path: Path, files: dict[str, bytes], limits: dict[str, int], code: str) -> None:
    zipped(tmp_path / "z.zip", **files)
    with pytest.raises(ProblemError) as refused:
        unpacked(tmp_path, "z.zip", **limits)
    assert refused.value.problems[0].code == code
    assert list((tmp_path / "out").iterdir()) == []


def test_a_zip_that_lies_about_sizes_or_needs_a_password(tmp_path: Path) -> None:
    zipped(tmp_path / "z.zip", **{"a.csv": b"a,b\n" * 1000})
    data = bytearray((tmp_path / "z.zip").read_bytes())
    for magic, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(magic) + offset] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    with pytest.raises(ProblemError) as locked:
        unpacked(tmp_path, "locked.zip")
    assert locked.value.problems[0].code == "zip-encrypted"
    (tmp_path / "cut.zip").write_bytes((tmp_path / "z.zip").read_bytes()[:-30])
    with pytest.raises(ProblemError) as cut:
        unpacked(tmp_path, "cut.zip")
    assert cut.value.problems[0].code == "zip-broken"


def test_an_entity_bomb_in_a_workbook_is_refused(tmp_path: Path) -> None:
    workbook(tmp_path / "b.xlsx")
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><workbook>&b;</workbook>'
    with zipfile.ZipFile(tmp_path / "b.xlsx") as source, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w") as out:
        for info in source.infolist():
            out.writestr(info.filename, bomb if info.filename == "xl/workbook.xml" else source.read(info))
    with pytest.raises(ProblemError):
        unpacked(tmp_path, "bomb.xlsx")
    assert packed.is_workbook(tmp_path / "bomb.xlsx")


def test_a_folder_of_files_with_other_columns_is_one_table(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.csv").write_text("day,store,units\n2024-01-01,001,5\n2024-01-02,002,6\n")
    (tmp_path / "d" / "2.csv").write_text("store,day,units\n001,2024-02-01,7\n002,2024-02-02,8\n")
    (tmp_path / "d" / "3.csv").write_text("day,store id,units,channel\n2024-03-01,001,9,web\n2024-03-02,002,1,shop\n")
    found = look(Roots(tmp_path), "d", {}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    assert [column.name for column in found.columns] == ["day", "store_id", "units", "channel", "store"]
    assert [column.type["type"] for column in found.columns] == ["date", "string", "integer", "string", "string"]
    (question,) = found.questions
    assert question.title == "2 of 3 files have other columns"
    assert question.words.startswith("Not there is “store id” in 2") and "“store” in 1 of 3 files." in question.words
    assert question.must_be_answered and not any(option.is_chosen for option in question.options), "columns would be empty, green"
    read = stages(found, "d", Choices(name="d"))[0]
    assert (read["otherHeaders"], read["names"]) == ("fill", ["day", "store id", "units", "channel", "store"])
    stop = look(Roots(tmp_path), "d", {"otherHeaders": "stop"}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    assert "otherHeaders" not in stages(stop, "d", Choices(name="d"))[0]
    assert not stop.questions[0].must_be_answered and stop.questions[0].options[1].is_chosen


def test_columns_that_only_other_files_have_get_their_types_there_and_are_corrected_like_others(tmp_path: Path) -> None:
    def looked(settings: dict[str, Any]) -> Any:
        return look(Roots(tmp_path), "d", settings, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)

    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.csv").write_text("paid,id\n03/04/2024,1\n05/06/2024,2\n")
    (tmp_path / "d" / "2.csv").write_text("id,tax,rate\n3,1.50,a\n4,2.75,b\n")
    (tmp_path / "d" / "3.csv").write_text("id,a,b,c\n5,x,y,z\n")
    found = looked({})
    types = {column.name: column.type["type"] for column in found.columns}
    assert types == {"id": "integer", "a": "string", "b": "string", "c": "string", "paid": "date", "tax": "decimal", "rate": "string"}
    assert [question.key for question in found.questions] == ["otherHeaders", "dayFirst"], "what those values leave open is asked, too"
    assert not any(column.fixed for column in found.columns)
    place = {column.name: str(column.index) for column in found.columns}
    said = looked({"dayFirst": False, "columns": {place["tax"]: {"type": "string"}, place["rate"]: {"name": "kind", "type": "integer"}}})
    chosen = {column.name: column for column in said.columns}
    assert (chosen["tax"].type["type"], chosen["kind"].type["type"], chosen["kind"].fits) == ("string", "integer", 0)
    assert chosen["id"].type["type"] == "integer"
    schema = next(stage for stage in stages(said, "d", Choices(name="d")) if stage["type"] == "TypingTransform")["schema"]
    assert [column["name"] for column in schema] == ["id", "a", "b", "c", "paid", "tax", "kind"]
    assert schema[4]["formatters"] == ["MM/dd/uuuu"]


def test_what_a_column_of_other_files_leaves_open_is_asked_by_its_place_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.csv").write_text("lat;amount;id\n48.137;1,5;1\n11.575;2,25;2\n")
    (tmp_path / "d" / "2.csv").write_text("id;amount;a;b\n3;2.500,75;x;y\n")
    found = look(Roots(tmp_path), "d", {}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    question = found.questions[-1]
    assert (question.title, question.key) == ("What does the point mean in lat?", "decimal-4")
    said = look(Roots(tmp_path), "d", question.options[1].settings, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    assert (said.columns[4].name, said.columns[4].type["type"], said.columns[4].sure) == ("lat", "decimal", True)
    assert [one.key for one in said.questions if one.must_be_answered] == ["otherHeaders"]


def test_of_many_files_with_columns_of_their_own_a_few_are_looked_at_and_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for number in range(7):
        (tmp_path / "d" / f"{number}.csv").write_text(f"id,n{number}\n1,2\n")
    found = look(Roots(tmp_path), "d", {}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    assert [column.type["type"] for column in found.columns] == ["integer"] * 5 + ["string"] * 3
    assert found.columns[-1].words == "in other files only, of which 3 were looked at; read as text"


def test_a_folder_of_files_with_the_same_columns_asks_nothing(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "d" / "2.csv").write_text("B ,a\n1,2\n")
    (tmp_path / "d" / "0.csv").write_text("\n\n")  # no rows, and none of a run's business
    found = look(Roots(tmp_path), "d", {}, limit_bytes=None, seconds=5, tell=lambda what, done, whole: None)
    assert ([column.name for column in found.columns], found.questions, found.strange_files) == (["B", "a"], [], [])


def test_names_of_groups_above_the_names_and_a_second_table_are_told(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    for row in [["Survey 2024 (confidential)"], ["by phone"], [], ["Respondent", None, "Scores"], ["ID", "Age group", "Q1", "Q2"]]:
        sheet.append(row)
    for n in range(40):
        sheet.append([f"{n:03}", "18-29" if n % 2 else "30+", n % 5, n % 3])
    sheet.append(["Total", None, 80, 39])
    sheet.append([])
    sheet.append(["Region", "Interviews"])
    sheet.append(["North", 40])
    book.save(tmp_path / "b.xlsx")
    (file,) = unpacked(tmp_path, "b.xlsx")
    assert file["notes"][0].startswith(
        "line 46, “Region, Interviews”, stands below empty rows and looks like the names of another table, and the one before it, “Total”"
    )
    found = proposal_of_file(tmp_path, file["uri"])
    assert ([column.name for column in found.columns], found.header_line) == (["ID", "Age_group", "Q1", "Q2"], 4)


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "b"], ["x", 1], ["y", 2], ["z", 3], [], ["w", 4]],
        [["Title"], [], ["a", "b"], ["x", 1], ["y", 2]],
        [["a", "b"], ["x", 1], ["y", 2], ["z", 3], [], ["a remark"]],
        [["Title", "x"], ["more", "y"], [], ["a", "b"], ["x", 1]],
    ],
)
def test_empty_rows_alone_are_no_second_table(tmp_path: Path, rows: list[list[Any]]) -> None:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    (file,) = unpacked(tmp_path, "b.xlsx")
    assert not any("another table" in note for note in file["notes"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Person,,Scores,\nid,age,q1,q2\n1,20,3,4\n2,30,4,5\n3,40,5,5\n", 2),
        ("id,,q1\n1,x,3\n2,y,4\n3,z,5\n", 1),
        ("id,,note\nab,x,y\nab,y,z\ncd,z,w\nef,g,h\n", 1),
        ("id,,q1\nn/a,x,none\n2,y,4\n3,z,5\n4,z,5\n", 1),
        (",name,score\nx,Ann,absent\ny,Bob,4\nz,Cy,5\nw,Di,6\n", 1),
        ("a,b,c\nid,age,q1\n1,20,3\n2,30,4\n3,40,5\n", 1),
        ("bin,10,20,30\na,5,6,9\nb,1,2,7\n", 1),
        ("age,0,5,10,15\nDE,5,6,9,1\nFR,1,2,7,3\n", 1),
        ("x,10,20,30\ny,11,25,30\nz,20,40,60\n", 0),
        ("x,10,20,35\ny,11,25,30\nz,20,42,60\n", 0),
    ],
)
def test_which_line_holds_the_names(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "f.csv").write_text(text)
    assert proposal_of_file(tmp_path, "f.csv").header_line == line


def proposal_of_file(folder: Path, uri: str) -> Proposal:
    return look(Roots(folder), uri, {}, limit_bytes=None, seconds=20, tell=quiet)
