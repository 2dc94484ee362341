"""What people bring that is not what it is called, or no table at all: told by its content, with a way out."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pytest
from pyarrow import parquet

from executor.look.looking import look
from executor.look.packed import unpack
from executor.look.proposal import Proposal
from executor.problems import ProblemError
from executor.stores.roots import Roots


def quiet(what: str, done: int, whole: int) -> None:
    """Nobody listens."""


def look_at(folder: Path, name: str, content: bytes | str, **settings: Any) -> Proposal:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return look(Roots(folder), name, settings, limit_bytes=None, seconds=20, tell=quiet)


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "<a/>")
    return stream.getvalue()


def a_workbook() -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["a", "b"])
    book.active.append([1, 2.5])
    book.save(stream)
    return stream.getvalue()


def a_parquet_file() -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"a": [1]}), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("report.xls", "<html><body><table><tr><td>1</td></tr></table></body></html>", "web page"),
        ("sign-in.csv", "\ufeff\n<!DOCTYPE html>\n<html><body>Please, sign in</body></html>", "web page"),
        ("sheet.xls", '<?xml version="1.0"?><Workbook><Worksheet/></Workbook>', "XML"),
        ("feed.csv", "<rows>\n <row><a>1</a></row>\n</rows>\n", "XML"),
        ("wide.csv", "<?xml version='1.0'?>\n<rows/>".encode("utf-16"), "XML"),
        ("t.ods", zipped("mimetype", "content.xml", "META-INF/manifest.xml"), "OpenDocument"),
        ("t.xlsb", zipped("[Content_Types].xml", "xl/workbook.bin"), "xlsb"),
        ("t.docx", zipped("[Content_Types].xml", "word/document.xml"), "Word"),
        ("t.rtf", "{\\rtf1\\ansi a,b}", "RTF"),
        ("t.csv.gz", gzip.compress(gzip.compress(b"a,b\n1,2\n", mtime=0), mtime=0), "twice"),
        ("t.parquet.gz", gzip.compress(a_parquet_file(), mtime=0), "Parquet"),
        ("t.csv", "a,b\n1,2\n".encode("utf-32"), "UTF-32"),
        ("t.csv", "ö,b\n1,2\n".encode("utf-32-be"), "UTF-32"),
        ("t.xlsx.gz", gzip.compress(a_workbook(), mtime=0), "Excel"),
    ],
)
def test_what_is_no_table_is_called_by_its_name_with_a_way_out(tmp_path: Path, name: str, content: bytes | str, word: str) -> None:
    found = look_at(tmp_path, name, content)
    assert (found.format, found.columns, found.members) == ("unknown", [], [])
    assert word in found.problems[0].message
    assert found.problems[0].fix


@pytest.mark.parametrize(
    "content", ["ORCID,name\n0000-0001,Ann\n", "BZh,name\n1,Ann\n", "<5,>5\n1,2\n3,4\n", "<b>,x\n1,2\n", "a,b\n<html>,1\n", "{a},b\n1,2\n"]
)
def test_text_that_only_begins_like_something_else_is_a_table(tmp_path: Path, content: str) -> None:
    found = look_at(tmp_path, "t.csv", content)
    assert (found.format, len(found.columns)) == ("delimited", 2)


@pytest.mark.parametrize("name", ["t.xls", "t.csv", "t", "t.xlsx", "t.zip"])
def test_a_workbook_is_one_by_whatever_name(tmp_path: Path, name: str) -> None:
    found = look_at(tmp_path, name, a_workbook())
    assert (found.format, [member.kind for member in found.members]) == ("xlsx", ["sheet"])
    (sheet,) = unpack(tmp_path, name, "out", quiet)
    assert (tmp_path / sheet["uri"]).read_text() == "a,b\n1,2.5\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ['[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'])
def test_json_of_another_encoding_is_told_and_not_taken_apart_at_its_commas(tmp_path: Path, encoding: str, text: str) -> None:
    found = look_at(tmp_path, "t.json", text.encode(encoding))
    assert found.format in ("json", "jsonl")
    assert (found.columns, [problem.code for problem in found.problems]) == ([], ["input-encoding"])


@pytest.mark.parametrize(
    "text", ['// made by us\n[{"a": 1}]', "[{'a': 1}]", '[{"a": 1},]', "[{a: 1}]", '"text"', '[{"a": 1}', '{"a": 1}{"a": 2}']
)
def test_what_is_called_json_and_is_none_is_told_and_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        look_at(tmp_path, "t.json", text)
    assert caught.value.problems[0].code == "input-format"


@pytest.mark.parametrize(
    "lines",
    [
        ["ts=2024-01-01T10:00:01Z msg=hello", "ts=2024-01-01T10:00:02Z msg=hello", "ts=2024-01-01T10:00:03Z msg=hello"],
        ["00001NAME1     20240101", "00002NAME2     20240102", "00003NAME3     20240103"],
        ["- a: 1", "- a: 2", "- a: 3"],
        ["user 1,in", "user 2,out", "user 3,on"],
        ["R1/2024,x", "R2/2024,y", "R13/2023,z"],
    ],
)
def test_a_first_line_that_is_written_like_the_others_is_a_row(tmp_path: Path, lines: list[str]) -> None:
    found = look_at(tmp_path, "t.txt", "\n".join(lines) + "\n")
    assert (found.settings.header, found.rows) == (False, len(lines))


def test_names_with_numbers_in_them_stay_names(tmp_path: Path) -> None:
    found = look_at(tmp_path, "t.csv", "q1,q2\nyes,no\nno,yes\nmaybe,no\n")
    assert [column.name for column in found.columns] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("n", ["9223372036854775807", "-9223372036854775808"], "long"),
        ("n", ["9223372036854775807", "9223372036854775808"], "string"),
        ("n", ["100000000000000000", "100000000000000007"], "long"),
        ("card_number", ["4111111111111111", "4222222222222222"], "string"),
        ("n", ["0100000000000000000", "100000000000000007"], "string"),
        ("took", ["25:01:00", "30:15:00", "08:00:00"], "string"),
        ("song", ["4:35", "12:20", "1:02:10"], "string"),
        ("track_length", ["3:45", "2:58"], "string"),
        ("track_length", ["0:03:45", "0:02:58"], "time"),
        ("at", ["9:05 am", "10:05:30 PM"], "time"),
        ("ip", ["192.168.100.101", "192.168.100.110"], "string"),
        ("n", ["192.168.100.101", "192.168.100.256"], "long"),
        ("day", ["2024-02-30", "2024-02-31", "2024-02-28"], "string"),
        ("n", ["1.5", "1,5", "2.5", "2,5"], "string"),
        ("day", [*["2024-02-28"] * 19, "2024-02-30"], "date"),
        ("nace", ["01.11", "10.12", "62.01"], "string"),
        ("dewey", ["005.133", "813.54"], "string"),
        ("siren", ["732 829 320", "005 520 135"], "string"),
        ("at", ["01.10", "23.15"], "string"),
        ("n", ["0.5", "00.7", "-03.1"], "decimal"),
        ("n", ["0,5", "10,25", "0,125"], "decimal"),
        ("version", ["1.1", "1.2", "1.10"], "string"),
        ("month", [f"2024.{month}" for month in range(1, 13)], "string"),
        ("icd9", ["250.0", "250.00", "401.9"], "string"),
        ("price", ["1.5", "1.50", "2.25"], "decimal"),
        ("day", ["24/01/05", "24/01/18", "24/02/07"], "string"),
        ("day", ["24.01.31", "23.12.05", "24.02.07"], "string"),
        ("day", ["98-01-05 10:00", "98-01-06 10:00", "99-12-31 10:00"], "string"),
        ("day", ["05/01/24", "18/01/24", "07/02/24"], "date"),
        ("day", ["05.01.23", "18.01.24", "07.02.24"], "date"),
        ("day", ["2024-02-01", "2024-03-01", "13/01/2024", "15/01/2024"], "string"),
        ("day", ["2024-02-01", "2024-03-13", "13/01/2024", "15/01/2024"], "date"),
    ],
)
def test_a_type_is_proposed_only_where_the_values_fit_it(tmp_path: Path, name: str, values: list[str], kind: str) -> None:
    found = look_at(tmp_path, "t.psv", f"{name}|note\n" + "".join(f"{value}|x{value}\n" for value in values))
    assert found.columns[0].type["type"] == kind
    assert found.columns[0].fits >= 0.9 * found.columns[0].rows


def test_short_years_that_come_first_are_read_so_where_a_day_is_chosen(tmp_path: Path) -> None:
    text = "day|note\n98-01-05|a\n98-02-28|b\n24-01-31|c\n"
    column = look_at(tmp_path, "t.psv", text, columns={"0": {"type": "date"}}).columns[0]
    assert (column.type["formatters"], column.fits, column.range_words) == (["uu-MM-dd"], 3, "31 Jan 2024 – 28 Feb 2098")


def test_days_of_another_calendar_are_told(tmp_path: Path) -> None:
    found = look_at(tmp_path, "t.psv", "a|b|c\n05/01/2567|1403/01/31|01.01.1400\n25/01/2567|1403/02/01|31.12.2024\n")
    assert [column.words.partition(":")[0] for column in found.columns] == ["years 2567", "years 1403", ""]


def test_long_numbers_in_json_have_the_type_that_spark_gives_them(tmp_path: Path) -> None:
    rows = '{"a": 9223372036854775807, "b": 9223372036854775808, "c": 1, "d": %s, "e": {"f": 99999999999999999999999}, "g": 1e999999999}\n'
    found = look_at(tmp_path, "t.jsonl", rows % ("9" * 39) + rows % "1")
    kinds = {column.name: column.type for column in found.columns}
    assert {name: kind["type"] for name, kind in kinds.items()} == {
        "a": "long", "b": "decimal", "c": "long", "d": "string", "e": "struct", "g": "double",
    }  # fmt: skip
    assert (kinds["b"]["precision"], kinds["e"]["fields"][0]["precision"]) == (20, 23)


def test_a_number_too_long_to_be_read_is_told(tmp_path: Path) -> None:
    found = look_at(tmp_path, "t.jsonl", '{"a": %s}\n{"a": 1}\n' % ("7" * 100_000))
    assert (found.rows, [problem.code for problem in found.problems]) == (2, ["json-long-number"])
    assert "100,000 digits" in found.problems[0].message


def test_keys_that_differ_by_case_are_one_column_as_for_spark(tmp_path: Path) -> None:
    found = look_at(tmp_path, "t.jsonl", '{"id": 1, "in": {"x": 1}}\n{"ID": 2, "IN": {"X": 2, "y": 3}}\n')
    assert [(column.name, column.nulls) for column in found.columns] == [("id", 0), ("in", 0)]
    assert [field["name"] for field in found.columns[1].type["fields"]] == ["x", "y"]
    both = look_at(tmp_path, "t.jsonl", '{"id": 1, "ID": 2}\n')
    assert [problem.code for problem in both.problems] == ["json-same-keys"]


ORDERS = [{"order": 1, "at": "2024-01-01", "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}, {"order": 2, "lines": []}]


def test_one_object_around_a_list_is_read_as_the_list(tmp_path: Path) -> None:
    found = look_at(tmp_path, "t.json", json.dumps({"status": "ok", "result": {"next": None, "items": ORDERS}}))
    assert (found.settings.rows_of, found.rows) == ("result/items", 2)
    assert [column.name for column in found.columns] == ["status", "result_next", "order", "at", "lines"]
    whole = look_at(tmp_path, "t.json", (tmp_path / "t.json").read_bytes(), rowsOf="")
    assert ([column.name for column in whole.columns], whole.rows) == (["result", "status"], 1)


@pytest.mark.parametrize(
    ("around", "is_told"),
    [
        ({"object": "list", "has_more": True}, True),
        ({"nextPageToken": "CAU"}, True),
        ({"paging": {"next": {"href": "https://x.org/?after=2"}}}, True),
        ({"@odata.nextLink": "https://x.org/?skip=2"}, True),
        ({"meta": {"totalCount": 500, "page": 1}}, True),
        ({"total": 500, "limit": 2}, True),
        ({"page": 1, "totalPages": 7}, True),
        ({"LastEvaluatedKey": {"id": {"N": "2"}}}, True),
        ({"hits": {"total": {"value": 500, "relation": "gte"}}}, True),
        ({"total": 2, "limit": 50, "pages": 1, "LastEvaluatedKey": {}, "hits": {"total": {"value": 2, "relation": "eq"}}}, False),
        ({"has_more": False, "next": None, "totalCount": 2, "nextPageToken": ""}, False),
        ({"total": 500, "more": "see there", "note": "next", "next_due": "2024-01-01"}, False),
    ],
)
def test_the_first_page_of_more_is_told(tmp_path: Path, around: dict[str, Any], is_told: bool) -> None:
    found = look_at(tmp_path, "t.json", json.dumps(around | {"data": [{"id": 1, "v": 5}, {"id": 2, "v": 7}]}))
    assert ([problem.code for problem in found.problems] == ["look-more-pages"], found.rows) == (is_told, 2)


def test_lists_in_many_objects_are_offered_and_none_is_lost(tmp_path: Path) -> None:
    text = "\n".join(map(json.dumps, ORDERS))
    found = look_at(tmp_path, "t.jsonl", text)
    assert (found.settings.rows_of, found.rows, found.questions[0].key) == ("", 2, "rowsOf")
    wanted = found.questions[0].options[0].settings
    rows = look_at(tmp_path, "t.jsonl", text, **wanted)
    assert [row[1:] for row in rows.first_rows] == [
        ["1", "2024-01-01", "a", "1"], ["1", "2024-01-01", "b", "2"], ["2", None, None, None],
    ]  # fmt: skip
    assert [option.is_chosen for option in rows.questions[0].options] == [True, False]
    for shown in (found, rows):
        assert [option.words.split(";")[0] for option in shown.questions[0].options] == [
            "3 rows: 2 items, and 1 object without any", "2 rows",
        ]  # fmt: skip


def test_of_lists_it_is_told_how_many_rows_each_gives(tmp_path: Path) -> None:
    records = [
        {"id": 1, "Lines": [{"n": 1}] * 2, "in": {"tax": [{"t": 1}]}},
        {"id": 2, "lines": [{"n": 1}] * 3, "in": {"tax": [{"t": 1}] * 4}},
    ]
    found = look_at(tmp_path, "t.json", json.dumps(records))
    assert [option.words.split(";")[0] for option in found.questions[0].options] == ["5 rows", "5 rows", "2 rows"]
    other = [*records, {"id": 3, "lines": []}]
    found = look_at(tmp_path, "t.json", json.dumps(other))
    assert [option.words.split(";")[0] for option in found.questions[0].options] == [
        "6 rows: 5 items, and 1 object without any", "6 rows: 5 items, and 1 object without any", "3 rows",
    ]  # fmt: skip


def test_of_a_file_that_is_not_looked_at_to_its_end_no_number_of_items_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"id": n, "lines": [{"a": 1}] * 2}) + "\n" for n in range(1000)))
    found = look(Roots(tmp_path), "t.jsonl", {"rowsOf": "lines"}, limit_bytes=2_000, seconds=20, tell=quiet)
    judged = found.rows_judged // 2
    assert (found.rows, found.rows_judged % 2) == (None, 0) and 0 < judged < 1000
    assert [option.words.split(";")[0] for option in found.questions[0].options] == [
        f"{2 * judged} rows of the first {judged} objects", f"{judged} rows of the first {judged} objects",
    ]  # fmt: skip
    whole = look(Roots(tmp_path), "t.jsonl", {"rowsOf": ""}, limit_bytes=2_000, seconds=20, tell=quiet)
    assert whole.rows == 1000


def test_names_of_unfolded_rows_never_meet(tmp_path: Path) -> None:
    record = {"id": 1, "lines_id": 2, "lines": [{"ID": 3, "lines_id": 4}]}
    found = look_at(tmp_path, "t.jsonl", json.dumps(record), rowsOf="lines")
    assert len({column.name.lower() for column in found.columns}) == len(found.columns) == 4
    assert sorted(found.first_rows[0][1:]) == ["1", "2", "3", "4"]
