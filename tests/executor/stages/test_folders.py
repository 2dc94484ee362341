"""A folder is one table: all its files are looked at, and what differs is matched by name or told."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def extract(uri: str = "d", **more: Any) -> dict[str, Any]:
    return {"type": "DelimitedExtract", "name": "read", "outputView": "t", "header": True, "inputURI": uri, **more}


def total(bench: Bench, expression: str) -> Any:
    return bench.view("t").selectExpr(expression).collect()[0][0]


def test_columns_are_matched_by_the_names_in_each_header(bench: Bench) -> None:
    bench.write("d/a.csv", "id,bought,sold\n1,100,1\n2,200,2\n")
    bench.write("d/b.csv.gz", gzip.compress(b"sold,id,bought\n3,3,300\n"))
    bench.write("d/c.csv", " ID,Bought ,sold\n4,400,4\n")
    bench.run(extract())
    assert (total(bench, "sum(int(bought))"), total(bench, "sum(int(sold))"), bench.view("t").columns[:3]) == (
        1000,
        10,
        ["id", "bought", "sold"],
    )
    assert any("d/b.csv.gz" in line and "another order" in line for line in bench.logs)
    assert bench.counts["out"] == 4


def test_another_name_is_told_with_both_headers_and_the_fix(bench: Bench) -> None:
    for number in range(25):
        bench.write(f"d/{number:02}.csv", "id,name\n1,x\n")
    bench.write("d/24.csv", "id,title\n1,x\n")
    problem = bench.fails(extract())
    assert (problem.code, problem.file, problem.found, problem.expected) == ("input-header-differs", "d/24.csv", "id, title", "id, name")
    assert "rename “title” to “name”" in (problem.fix or "")


def test_columns_that_a_file_lacks_are_null_when_told_so(bench: Bench) -> None:
    bench.write("d/a.csv", "id,name\n1,x\n")
    bench.write("d/b.csv", "id,city,name\n2,Rome,y\n")
    assert bench.fails(extract()).code == "input-header-differs"
    bench.run(extract(otherHeaders="fill"))
    assert sorted(row[:3] for row in bench.table("t")) == [("1", "x", None), ("2", "y", "Rome")]
    assert bench.view("t").columns[:3] == ["id", "name", "city"]


def test_files_without_names_must_be_of_one_width(bench: Bench) -> None:
    bench.write("d/a.csv", "1,2\n")
    bench.write("d/b.csv", "3,4,5\n")
    problem = bench.fails(extract(header=False))
    assert (problem.code, problem.row, problem.file) == ("input-row-width", 1, "d/b.csv")
    bench.run(extract(header=False, otherWidths="drop"))
    assert sorted(row[:2] for row in bench.table("t")) == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("uri", ["d/20.csv", "d/20.csv.gz"])
def test_a_bad_row_is_told_by_the_stage_that_reads(bench: Bench, uri: str) -> None:
    for number in range(20):
        bench.write(f"d/{number:02}.csv", "a,b\n1,2\n")
    content = b"a,b\n1,2\n3\n"
    bench.write(uri, gzip.compress(content) if uri.endswith("gz") else content)
    problem = bench.fails(extract())
    assert (problem.code, problem.row, problem.file, problem.expected) == ("input-row-width", 2, uri, "2 values")


def test_all_files_at_any_depth_are_read(bench: Bench) -> None:
    bench.write("d/today.csv", "a\n1\n")
    bench.write("d/2024/a.csv", "a\n2\n")
    bench.write("d/2025/05/b.csv", "a\n3\n")
    for hidden in ("d/_old/x.csv", "d/.x/y.csv", "d/_SUCCESS", "d/.part.crc"):
        bench.write(hidden, "zz\n9\n")
    bench.run(extract())
    assert sorted((row[0], row[1]) for row in bench.table("t")) == [("1", "d/today.csv"), ("2", "d/2024/a.csv"), ("3", "d/2025/05/b.csv")]


def test_a_folder_of_folders_alone_is_no_empty_one(bench: Bench) -> None:
    bench.write("d/2024/a.json", '{"a": 1}\n')
    bench.write("d/2025/b.json", '{"a": 2}\n')
    bench.run({"type": "JSONExtract", "name": "read", "inputURI": "d", "multiLine": False, "outputView": "t"})
    assert total(bench, "sum(a)") == 3


CODES = {"zip=01234": "01234", "zip=1e3": "1e3", "zip=a%2Fb": "a/b", "zip=__HIVE_DEFAULT_PARTITION__": None, "zip=": None, "zip=x+y": "x+y"}


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_names_of_folders_make_columns_of_text(bench: Bench, kind: str) -> None:
    for folder in CODES:
        if kind == "parquet":
            bench.spark.sql("SELECT 1 AS n").write.parquet(str(bench.lake / "d" / folder))
        else:
            bench.write(f"d/{folder}/a.{kind}", "n\n1\n" if kind == "csv" else json.dumps({"n": 1}))
    types = {"csv": "DelimitedExtract", "json": "JSONExtract", "parquet": "ParquetExtract"}
    stage = {"type": types[kind], "name": "read", "inputURI": "d", "outputView": "t"} | ({"header": True} if kind == "csv" else {})
    bench.run(stage)
    found = [row["zip"] for row in bench.view("t").collect()]
    assert sorted(map(str, found)) == sorted(map(str, CODES.values()))
    assert dict(bench.view("t").dtypes)["zip"] == "string"


def test_a_file_beside_such_folders_does_not_vanish(bench: Bench) -> None:
    bench.write("d/today.csv", "n\n1\n")
    bench.write("d/year=2024/a.csv", "n\n2\n")
    bench.run(extract())
    assert sorted((row[0], row[1]) for row in bench.table("t")) == [("1", None), ("2", "2024")]
    (warning,) = bench.warnings
    assert (warning.code, warning.file) == ("files-beside-folders", "d/today.csv")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_in_the_file_and_of_its_folder_is_told_with_a_fix_that_works(bench: Bench, kind: str) -> None:
    if kind == "parquet":
        bench.spark.sql("SELECT 'b' AS Zip").write.parquet(str(bench.lake / "d" / "zip=01"))
    else:
        bench.write("d/zip=01/a.csv", "Zip\nb\n")
    stage = extract() if kind == "csv" else {"type": "ParquetExtract", "name": "read", "inputURI": "d", "outputView": "t"}
    problem = bench.fails(stage)
    assert (problem.code, problem.data_column) == ("folder-column-twice", "zip") and "“d/zip=*”" in (problem.fix or "")
    assert bench.run(stage | {"inputURI": "d/zip=*"}).table("t")[0][0] == "b"


def test_the_base_folder_says_where_columns_begin(bench: Bench) -> None:
    bench.write("d/year=2024/month=05/a.csv", "n\n1\n")
    bench.run(extract("d/year=2024/*", basePath="d"))
    assert bench.table("t")[0][:3] == ("1", "2024", "05")
    bench.run(extract("d/year=2024"))
    assert bench.view("t").columns == ["n", "month", "_filename", "_index"]


@pytest.mark.parametrize("name", ["a b.csv", "a+b.csv", "50%.csv", "ü.csv", "a{1}.csv", "a[1].csv"])
def test_files_of_any_name_are_read(bench: Bench, name: str) -> None:
    bench.write(f"d/{name}", "n,m\n1,2\n")
    bench.write("d/z.csv", "m,n\n4,3\n")
    bench.run(extract())
    found = bench.view("t").select("n", "m", "_filename").collect()
    assert sorted(tuple(row) for row in found) == [("1", "2", f"d/{name}"), ("3", "4", "d/z.csv")]


def test_a_colon_in_a_name_is_told(bench: Bench) -> None:
    (bench.lake / "d").mkdir()
    (bench.lake / "d" / "2024-01-01T10:00:00Z.csv").write_text("a\n1\n")
    problem = bench.fails(extract())
    assert (problem.code, problem.file) == ("input-name", "2024-01-01T10:00:00Z.csv")


def test_a_link_in_a_folder_is_told(bench: Bench) -> None:
    bench.write("d/a.csv", "n\n1\n")
    (bench.lake / "d" / "b.csv").symlink_to("/etc/hostname")
    assert bench.fails(extract()).code == "input-link"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_are_no_part_of_names(bench: Bench, encoding: str) -> None:
    bench.write("d/a.csv", "id,n\n1,é\n".encode(encoding))
    bench.write("d/b.csv.gz", gzip.compress("n,id\nü,2\n".encode(encoding)))
    bench.write("d/c.csv", "id,n\n3,x\n")
    bench.run(extract())
    assert sorted(row[:2] for row in bench.table("t")) == [("1", "é"), ("2", "ü"), ("3", "x")]


def test_the_encoding_is_as_the_stage_says(bench: Bench) -> None:
    bench.write("d/a.csv", "id,n\r\n1,Zürich €\r\n".encode("cp1252"))
    problem = bench.fails(extract())
    assert (problem.code, problem.row, problem.file) == ("input-encoding", 2, "d/a.csv") and "windows-1252" in (problem.fix or "")
    assert bench.run(extract(encoding="windows-1252")).table("t")[0][1] == "Zürich €"
    bench.write("d/a.csv", "id,n\r\n1,Zürich €\r\n".encode("utf-16-le"))
    problem = bench.fails(extract())
    assert "to UTF-16LE" in (problem.fix or "")
    assert bench.run(extract(encoding="UTF-16LE")).table("t")[0][1] == "Zürich €"
    assert bench.run(extract(encoding="UTF-16")).table("t")[0][1] == "Zürich €"


@pytest.mark.parametrize("kind", ["DelimitedExtract", "JSONExtract"])
def test_nul_signs_and_other_encodings_are_told(bench: Bench, kind: str) -> None:
    stage = {"type": kind, "name": "read", "inputURI": "a.txt", "outputView": "t"}
    bench.write("a.txt", b'{"a": "b\x00c"}\n')
    assert bench.fails(stage).code == "input-nul"
    bench.write("a.txt", '{"a": 1}\n'.encode("utf-16"))
    if kind == "JSONExtract":
        assert "iconv -f utf16" in (bench.fails(stage).fix or "")


@pytest.mark.parametrize("uri", ["_a.csv", ".a.csv", "d/_*.csv"])
def test_a_file_that_readers_skip_is_no_empty_table(bench: Bench, uri: str) -> None:
    bench.write(uri.replace("*", "a"), "n\n1\n")
    assert bench.fails(extract(uri)).code == "input-hidden"


def test_a_pattern_leaves_out_what_readers_skip_in_every_format(bench: Bench) -> None:
    for name, value in {"a": 1, "_b": 2, "_old/c": 3, "d._COPYING_": 4}.items():
        bench.write(f"d/{name}.json" if "COPYING" not in name else f"d/{name}", json.dumps({"n": value}))
    bench.run({"type": "JSONExtract", "name": "read", "inputURI": "d/*", "outputView": "t"})
    assert [row[0] for row in bench.table("t")] == [1]


def test_folders_that_differ_by_case_give_one_column(bench: Bench) -> None:
    bench.write("d/Zip=01/a.csv", "n\n1\n")
    bench.write("d/zip=1/a.csv", "n\n2\n")
    bench.run(extract())
    assert bench.view("t").columns[:2] == ["n", "Zip"]
    assert sorted(row[:2] for row in bench.table("t")) == [("1", "01"), ("2", "1")]
    assert bench.warnings == []


def test_a_column_that_two_folders_of_a_path_give_is_told(bench: Bench) -> None:
    bench.write("d/y=1/Y=2/a.csv", "n\n1\n")
    assert bench.fails(extract()).code == "folder-column-twice"


@pytest.mark.parametrize("text", ["ид,имя\n1,Анна\n2,Борис\n", "编号,姓名\n一,王小明\n二,李华\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_in_any_script(bench: Bench, text: str, encoding: str) -> None:
    bench.write("d/a.csv", text.encode(encoding))
    name = encoding.upper().replace("UTF-16-", "UTF-16")
    assert f"to {name}" in (bench.fails(extract()).fix or "")
    assert len(bench.run(extract(encoding="UTF-16")).table("t")) == 2


def test_an_old_excel_file_is_called_what_it_is(bench: Bench) -> None:
    bench.write("d/a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "Excel" in bench.fails(extract()).message


@pytest.mark.parametrize("more", [{}, {"multiLine": True}])
def test_files_put_behind_each_other_are_told(bench: Bench, more: dict[str, Any]) -> None:
    mark = b"\xef\xbb\xbf"
    bench.write("a.csv", mark + mark + b"id,n\n" + b"1,2\n" * 200 + mark + b"id,n\n3,4\n")
    bench.run(extract("a.csv", **more))
    assert bench.view("t").columns[:2] == ["id", "n"]
    (warning,) = bench.warnings
    assert (warning.code, warning.row) == ("input-header-again", 201)


@pytest.mark.parametrize("more", [{}, {"multiLine": True}])
def test_empty_lines_of_a_single_column_are_told(bench: Bench, more: dict[str, Any]) -> None:
    bench.write("a.csv", "v\n" + "1\n" * 50 + "\n2\n\n\n")
    assert len(bench.run(extract("a.csv", **more)).table("t")) == 51
    (warning,) = bench.warnings
    assert warning.code == "input-blank-lines" and warning.message.startswith("1 empty line ")


@pytest.mark.parametrize("more", [{}, {"multiLine": True}])
def test_comments_that_may_be_rows_are_told(bench: Bench, more: dict[str, Any]) -> None:
    """A row that begins with the comment sign would vanish; a sentence with a comma is none."""
    bench.write("a.csv", "# by hand, in May\nid,channel\n" + "1,x\n" * 30 + "# more, of June\n#7,y\n#none,at all\n2,z\n")
    assert len(bench.run(extract("a.csv", comment="#", **more)).table("t")) == 31
    (warning,) = bench.warnings
    assert (warning.code, warning.found) == ("input-comments-like-rows", "line 34 of a.csv")
    assert warning.message.startswith("1 line begins with “#” and is left out")


def test_comments_in_a_view_that_may_be_rows_are_told(bench: Bench) -> None:
    lines = {"type": "SQLTransform", "name": "lines", "outputView": "lines"}
    lines["sql"] = "SELECT explode(array('general,5', '#random,7', '# by hand, in May', '#')) AS line"
    bench.run(lines, extract(None, header=False, inputView="lines", comment="#"))
    (warning,) = bench.warnings
    assert (warning.code, warning.found) == ("input-comments-like-rows", "#random,7")


@pytest.mark.parametrize("name", ["d/b.csv", "d/b.csv.gz"])
def test_utf8_where_another_encoding_is_said_is_read_as_utf8_and_told(bench: Bench, name: str) -> None:
    """An export that changes its encoding from one day to the next keeps its letters."""
    late = ("id,town\n" + "1,Bonn\n" * 400_000 + "2,Köln\n").encode()
    bench.write("d/a.csv", "id,town\n1,Zürich\n".encode("cp1252"))
    bench.write(name, gzip.compress(late) if name.endswith("gz") else late)
    bench.run(extract(encoding="windows-1252"))
    assert total(bench, "array_sort(collect_set(town))") == ["Bonn", "Köln", "Zürich"]
    (warning,) = bench.warnings
    assert (warning.code, warning.file, warning.expected) == ("input-encoding-differs", name, "windows-1252")


def test_lines_of_two_encodings_are_told(bench: Bench) -> None:
    bench.write("d/a.csv", "id,town\n1,Zürich\n".encode("cp1252") + "2,Köln\n3,Ürümqi\n".encode())
    bench.write("d/b.csv", "id,town\n4,SÃO PAULO\n6,Genève\n".encode("cp1252"))
    bench.run(extract(encoding="windows-1252"))
    (warning,) = bench.warnings
    assert (warning.code, warning.file, warning.found) == ("input-encoding-mixed", "d/a.csv", "first in line 3")


def test_what_a_mac_wrote_is_read(bench: Bench) -> None:
    bench.write("d/a.csv", "id,town\n1,Zürich\n".encode("mac_roman"))
    assert total(bench.run(extract(encoding="MacRoman")), "max(town)") == "Zürich"


def test_lines_around_the_table_have_a_fix_that_works(bench: Bench) -> None:
    semicolon = {"delimiter": "Custom", "customDelimiter": ";"}
    bench.write("a.csv", "sep=;\nid;n\n1;2\n")
    assert bench.fails(extract("a.csv", **semicolon)).code == "input-sep-line"
    assert bench.run(extract("a.csv", skipLines=1, **semicolon)).table("t")[0][:2] == ("1", "2")
    bench.write("b.csv", "id,n\n1,2\n3,4\n(2 rows)\n")
    assert "skipLastLines" in (bench.fails(extract("b.csv")).fix or "")
    bench.write("c.csv", "Report of May\nid,n\n1,2\n")
    assert "skipLines" in (bench.fails(extract("c.csv")).fix or "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n", "a web page"),
        ("  <html lang='en'><head></head></html>", "a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "a pointer of Git LFS, not the file itself"),
        ('{"a":1,"b":2}\n{"a":3,"b":4}\n', "JSON"),
        ('[{"a": 1}]', "JSON"),
    ],
)
def test_text_that_is_no_table_is_refused(bench: Bench, text: str, told: str) -> None:
    bench.write("a.csv", text)
    problem = bench.fails(extract("a.csv"))
    assert (problem.code, problem.file, problem.found) == ("input-format", "a.csv", told)
    assert bench.run(extract("a.csv", header=False, otherWidths="fit")).table("t"), "as lines of text it can be read"


def test_a_tab_can_be_written_as_it_is_told(bench: Bench) -> None:
    bench.write("a.csv", "id\tn\n1\ta\n")
    assert "'\\t'" in (bench.fails(extract("a.csv")).fix or "")
    assert bench.run(extract("a.csv", delimiter="Custom", customDelimiter="\\t")).table("t")[0][:2] == ("1", "a")


def test_names_that_come_twice_in_another_order_are_told(bench: Bench) -> None:
    bench.write("d/a.csv", "id,v,v\n1,2,3\n")
    bench.write("d/b.csv", "v,id,v\n5,4,6\n")
    assert "“v”" in (bench.fails(extract()).fix or "")


def test_names_that_are_read_as_data_are_told(bench: Bench) -> None:
    bench.write("d/a.csv", "buy,sell\n1,10\n")
    bench.write("d/b.csv", "sell,Buy\n20,2\n")
    extract = {"type": "DelimitedExtract", "name": "read", "inputURI": "d", "outputView": "t"}
    (problem,) = bench.run(extract).warnings
    assert (problem.code, problem.file) == ("input-names-as-data", "d/b.csv")
    assert "another order" in problem.message and "header" in (problem.fix or "")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("1,x\n2,y\n", "id,name\n3,z\n"), "d/b.csv"),
        (("1,x\n", "id,name\n"), "d/b.csv"),
        (("id;name\n".replace(";", ",") + "1,x\n2,y\n",), "d/a.csv"),
        (("1,x\n2,y\n", "3,z\n"), None),
        (("-,x\n1,y\n",), None),
        (("a,b\n1,c\nd,e\n",), None),
        (("total,5\n7,6\n8,9\n",), None),
    ],
)
def test_one_line_of_names_among_numbers_is_told(bench: Bench, files: tuple[str, ...], told: str | None) -> None:
    for name, text in zip("ab", files, strict=False):
        bench.write(f"d/{name}.csv", text)
    bench.run({"type": "DelimitedExtract", "name": "read", "inputURI": "d", "outputView": "t"})
    assert [warning.file for warning in bench.warnings if warning.code == "input-names-as-data"] == ([told] if told else [])


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("1,2013-01-01,5.5\n2,2013-01-02,6.5\n",), "d/a.csv"),
        (("Bonn,5\nUlm,6\n",), "d/a.csv"),
        (("1,20\n2,30\n",), "d/a.csv"),
        (("2013,1,1,517\n2013,1,2,533\n",), "d/a.csv"),
        (("Bonn,01.02.2024\nUlm,02.02.2024\n",), "d/a.csv"),
        (("Bonn,open\nUlm,open\nKiel,closed\n",), "d/a.csv"),
        (("Bonn,2024-01-05\n",), "d/a.csv"),
        (("Bonn,5\nUlm,6\n", "Bonn,5\nKiel,7\n"), "d/a.csv"),
        (("town,n\nBonn,5\n",), None),
        (("town,2019,2020,2021\nBonn,5,6,7\n",), None),
        (("town,2019\nBonn,5\n",), None),
        (("town,1,2,3\nBonn,5,6,7\n",), None),
        (("town,10,20,50\nBonn,5,6,7\n",), "d/a.csv"),
        ((",0,1\n0,5,6\n",), None),
        (("0,1\n5,6\n",), None),
        (("town,2024-01-05,2024-01-06\nBonn,5,6\n",), None),
        (("id,n\n1,2\nid,n\n3,4\n",), None),
        (("town,n\n",), None),
    ],
)
def test_data_that_is_read_as_names_is_told(bench: Bench, files: tuple[str, ...], told: str | None) -> None:
    for name, text in zip("ab", files, strict=False):
        bench.write(f"d/{name}.csv", text)
    bench.run(extract())
    found = [warning for warning in bench.warnings if warning.code == "input-data-as-names"]
    assert [warning.file for warning in found] == ([told] if told else [])
    if found and len(set(names := files[0].splitlines()[0].split(","))) == len(names):
        bench.run(extract(names=names))
        assert [warning for warning in bench.warnings if warning.code == "input-data-as-names"] == found, "who writes them down knows"


@pytest.mark.parametrize(
    ("files", "more", "told"),
    [
        (("town,n\nBonn,2\nUlm,4\n",), {"skipLastLines": 1}, "d/a.csv"),
        (("town,n\nBonn,2\nTotal,2\n", "town,n\nUlm,4\nKiel,6\n"), {"skipLastLines": 1}, "d/b.csv"),
        (("day;n\n2024-01-01;2,5\n2024-01-02;4\n",), {"skipLastLines": 1, "delimiter": "Custom", "customDelimiter": ";"}, "d/a.csv"),
        (("town,n\nBonn,2\nTotal,2\n",), {"skipLastLines": 1}, None),
        (("town,n\nBonn,2\n,2\n",), {"skipLastLines": 1}, None),
        (("town,n\nBonn,2\n(1 row)\n",), {"skipLastLines": 1}, None),
        (("town,name\nBonn,x\nUlm,y\n",), {"skipLastLines": 1}, None),
        (("Bonn,2\nUlm,4\n",), {"skipLines": 1, "header": False}, "d/a.csv"),
        (("town,n\nUlm,4\n",), {"skipLines": 1, "header": False}, None),
        (("Report,May\nUlm,4\n", "Bonn,2\nUlm,4\n"), {"skipLines": 1, "header": False}, "d/b.csv"),
        (("Report\ntown,n\nUlm,4\n",), {"skipLines": 1}, None),
    ],
)
def test_rows_that_are_left_out_and_look_like_data_are_told(
    bench: Bench, files: tuple[str, ...], more: dict[str, Any], told: str | None
) -> None:
    for name, text in zip("ab", files, strict=False):
        bench.write(f"d/{name}.csv", text)
    bench.run(extract(**more))
    found = [warning for warning in bench.warnings if warning.code == "input-row-left-out"]
    assert [(warning.file, warning.field) for warning in found] == ([(told, next(iter(more)))] if told else [])


def test_a_file_without_names_among_others_is_told_as_such(bench: Bench) -> None:
    bench.write("d/a.csv", "id,n\n1,2\n")
    bench.write("d/b.csv", "2,2\n3,5\n")
    problem = bench.fails(extract())
    assert (problem.code, problem.file, problem.found) == ("input-header-differs", "d/b.csv", "2, 2")
    assert "looks like data" in (problem.fix or "")
    bench.run(extract(otherHeaders="fill"))
    assert "input-data-as-names" in [warning.code for warning in bench.warnings]


@pytest.mark.parametrize("rows", [("a,b\n", "a,c\n"), ("1,2\n", "2,1\n"), ("a,a\n", "a,a\n"), ("a\n", "a\n")])
def test_rows_that_are_no_names_are_no_matter(bench: Bench, rows: tuple[str, str]) -> None:
    for name, text in zip("ab", rows, strict=True):
        bench.write(f"d/{name}.csv", text)
    assert not bench.run({"type": "DelimitedExtract", "name": "read", "inputURI": "d", "outputView": "t"}).warnings


@pytest.mark.parametrize(("kind", "name"), [("JSONExtract", "x.json"), ("ParquetExtract", "x.parquet")])
def test_of_files_of_one_name_in_several_folders_the_one_that_is_meant_is_named(bench: Bench, kind: str, name: str) -> None:
    for year, keys in (("2024", ["a"]), ("2025", ["a", "A"])):
        (bench.lake / "d" / year).mkdir(parents=True)
        if kind == "JSONExtract":
            (bench.lake / "d" / year / name).write_text(json.dumps(dict.fromkeys(keys, 1)))
        else:
            pq.write_table(pa.table([pa.array([1])] * len(keys), names=keys), bench.lake / "d" / year / name)
    problem = bench.fails({"type": kind, "name": "read", "inputURI": "d", "outputView": "v"})
    assert problem.file == f"d/2025/{name}" and f"d/2025/{name}" in str(problem.found)


@pytest.mark.parametrize("kind", ["DelimitedExtract", "JSONExtract", "ParquetExtract"])
@pytest.mark.parametrize("uri", ["d", "d/*"])
def test_what_systems_put_beside_files_is_left_out_and_named(bench: Bench, kind: str, uri: str) -> None:
    if kind == "ParquetExtract":
        pq.write_table(pa.table({"id": [1, 2]}), bench.lake / bench.write("d/a.x", ""))
    else:
        bench.write("d/a.x", "id\n1\n2\n" if kind == "DelimitedExtract" else '[{"id":1},{"id":2}]')
    for name in ("Thumbs.db", "desktop.ini", "~$book.xlsx", ".DS_Store", "__MACOSX/._a.x", "sub/THUMBS.DB"):
        bench.write(f"d/{name}", b"\xff\xfe\0\1")
    bench.run({"type": kind, "name": "read", "outputView": "t", "inputURI": uri} | ({"header": True} if kind[0] == "D" else {}))
    assert total(bench, "sum(int(id))") == 3
    assert any("Thumbs.db" in line for line in bench.logs)
