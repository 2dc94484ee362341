"""What other programs write is read as they mean it; what cannot be read rightly is told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from executor.language.quoting import text_in_sql
from executor.problems import ProblemError

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def extract(uri: str = "a.csv", **more: Any) -> dict[str, Any]:
    return {"type": "DelimitedExtract", "name": "read", "outputView": "t", "header": True, "inputURI": uri, **more}


def rows(bench: Bench, content: str | bytes, **more: Any) -> list[tuple[Any, ...]]:
    """The values of all rows, without where they come from."""
    bench.write("a.csv", content)
    table = bench.run(extract(**more)).view("t")
    names = [name for name in table.columns if not name.startswith("_") or name.startswith("_c")]
    return [tuple(row) for row in table.select(*[f"`{name}`" for name in names]).collect()]


SPECTRUM = [
    ("first,city,zip\nJohn,Riverside,08075\n", {}, [("John", "Riverside", "08075")]),
    ('first,address\nJohn,"120 any st., Anytown, WW"\n', {}, [("John", "120 any st., Anytown, WW")]),
    ('a,b,c\n1,"",""\n2,3,4\n', {}, [("1", None, None), ("2", "3", "4")]),
    ('a,b,c\r\n1,"",""\r\n2,3,4\r\n', {}, [("1", None, None), ("2", "3", "4")]),
    ('a,b\n1,"ha ""ha"" ha"\n3,4\n', {}, [("1", 'ha "ha" ha'), ("3", "4")]),
    ('key,val\n1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"\n', {}, [("1", '{"type": "Point", "coordinates": [102.0, 0.5]}')]),
    (
        'a,b,c\n1,2,3\n"Once upon \na time",5,6\n7,8,9\n',
        {"multiLine": True},
        [("1", "2", "3"), ("Once upon \na time", "5", "6"), ("7", "8", "9")],
    ),
    ('a,b,c\r\n1,"x\ny",3\r\n', {"multiLine": True}, [("1", "x\ny", "3")]),
    ('a,b\n1,"ha \n""ha"" \nha"\n3,4\n', {"multiLine": True}, [("1", 'ha \n"ha" \nha'), ("3", "4")]),
    ("a,b,c\n1,2,3\n", {}, [("1", "2", "3")]),
    ("a,b,c\r\n1,2,3\r\n4,5,ʤ\r\n", {}, [("1", "2", "3"), ("4", "5", "ʤ")]),
]


@pytest.mark.parametrize(("content", "more", "expected"), SPECTRUM)
def test_the_shapes_of_csv_spectrum(bench: Bench, content: str, more: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert rows(bench, content, **more) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('id,note\n1,"say ""hi"", then go"\n2,"6"" pipe"\n', [("1", 'say "hi", then go'), ("2", '6" pipe')]),
        ('id,note\n1,"say \\"hi\\", then go"\n2,"C:\\\\"\n', [("1", 'say "hi", then go'), ("2", "C:\\")]),
        ('id,note\n1,"C:\\dir\\"\n2,"6"" pipe"\n', [("1", "C:\\dir\\"), ("2", '6" pipe')]),
        ("id,note\n1,C:\\data\\\n2,\\\\server\\x\n", [("1", "C:\\data\\"), ("2", "\\\\server\\x")]),
        ('id,note\n1,5" pipe\n2,"plain, text"\n', [("1", '5" pipe'), ("2", "plain, text")]),
    ],
)
def test_the_escape_sign_is_found_in_the_file(bench: Bench, content: str, expected: list[tuple[str, str]]) -> None:
    assert rows(bench, content) == expected
    assert bench.warnings == []


def test_a_file_that_says_nothing_follows_the_others_of_its_folder(bench: Bench) -> None:
    bench.write("d/a.csv", 'id,note\n1,"\\\\server\\x, y"\n')
    assert bench.fails(extract("d")).code == "input-escape-unsure"
    bench.write("d/b.csv", 'id,note\n2,"6"" pipe"\n')
    assert {row[1] for row in bench.run(extract("d")).table("t")} == {"\\\\server\\x, y", '6" pipe'}


def test_what_may_mean_two_things_is_told_with_row_and_a_fix_that_works(bench: Bench) -> None:
    content = 'id,note\n1,plain\n2,"\\\\server\\x, y"\n'
    bench.write("a.csv", content)
    problem = bench.fails(extract())
    assert (problem.code, problem.row, problem.field, problem.file) == ("input-escape-unsure", 2, "escape", "a.csv")
    assert rows(bench, content, escape='"')[1] == ("2", "\\\\server\\x, y")
    assert rows(bench, content, escape="\\")[1] == ("2", "\\server\\x, y")


def test_two_ways_to_write_quotes_in_one_file_are_told(bench: Bench) -> None:
    bench.write("a.csv", 'id,note\n1,"6"" pipe"\n2,"say \\"hi\\" now"\n')
    problem = bench.fails(extract())
    assert (problem.code, problem.row) == ("input-escape-mixed", 2) and "row 1" in problem.message


def test_text_behind_a_closing_quote_is_kept_and_told(bench: Bench) -> None:
    assert rows(bench, 'id,note\n1,"a" b\n2,c\n') == [("1", '"a" b'), ("2", "c")]
    (warning,) = bench.warnings
    assert (warning.code, warning.row, warning.file) == ("input-quotes-kept", 1, "a.csv")


def test_a_quote_that_is_never_closed_is_told(bench: Bench) -> None:
    bench.write("a.csv", 'id,note\n1,a\n2,"b\n3,c\n')
    assert (bench.fails(extract()).code, bench.fails(extract()).row) == ("input-line-break", 2)
    assert (bench.fails(extract(multiLine=True)).code, bench.fails(extract(multiLine=True)).row) == ("input-quote-open", 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read(bench: Bench, end: str) -> None:
    assert rows(bench, end.join(["a,b", "1,2", "", "3,4"])) == [("1", "2"), ("3", "4")]
    assert rows(bench, end.join(["a,b", '1,"2"', "", "3,4", ""]), multiLine=True) == [("1", "2"), ("3", "4")]


def test_line_ends_of_two_kinds_are_read_by_line_and_told_over_lines(bench: Bench) -> None:
    content = 'a,b\r\n1,2\n3,"x\ny"\r\n'
    bench.write("a.csv", content)
    assert bench.fails(extract(multiLine=True)).code == "input-line-ends"
    assert rows(bench, content.replace("x\ny", "x")) == [("1", "2"), ("3", "x")]


def test_line_breaks_in_values_stay_as_they_are(bench: Bench) -> None:
    assert rows(bench, 'a,b\r\n1,"x\r\ny\nz"\r\n', multiLine=True) == [("1", "x\r\ny\nz")]


def test_rows_of_empty_values_between_tabs_do_not_vanish(bench: Bench) -> None:
    more = {"delimiter": "Custom", "customDelimiter": "\t"}
    assert rows(bench, "a\tb\n1\t2\n\t\n3\t4\n", **more) == [("1", "2"), (None, None), ("3", "4")]


def test_comments_and_lines_around_the_table_are_left_out(bench: Bench) -> None:
    content = 'Report of May\n\nid,n\n#1,"x\n1,2\n3,4\nTotal,6,sum\n'
    assert rows(bench, content, skipLines=2, skipLastLines=1, comment="#") == [("1", "2"), ("3", "4")]
    assert [row[-1] for row in bench.table("t")] == [1, 2]
    assert rows(bench, content, skipLines=2, skipLastLines=1, comment="#", contiguousIndex=False) == [("1", "2"), ("3", "4")]
    assert rows(bench, content, skipLines=2, skipLastLines=1, comment="#", multiLine=True) == [("1", "2"), ("3", "4")]
    bench.row_limit = 1
    assert rows(bench, content, skipLines=2, skipLastLines=1, comment="#") == [("1", "2")]


def test_lines_around_the_table_are_left_out_of_each_file(bench: Bench) -> None:
    bench.write("d/a.csv", "Report A\nid,n\n1,2\nTotal,2\n")
    bench.write("d/b.csv", "Report B\nof June\nid,n\n3,4\n5,6\nTotal,10\n".replace("of June\n", ""))
    bench.run(extract("d", skipLines=1, skipLastLines=1))
    assert sorted(row for row in bench.table("t")) == [("1", "2", "d/a.csv", 1), ("3", "4", "d/b.csv", 1), ("5", "6", "d/b.csv", 2)]
    assert bench.counts["out"] == 3


def test_texts_for_no_value(bench: Bench) -> None:
    content = 'a,b,c\n1,"",\n2,NA,x\n'
    assert rows(bench, content) == [("1", None, None), ("2", "NA", "x")]
    assert rows(bench, content, nullValue="NA") == [("1", None, None), ("2", None, "x")]
    assert rows(bench, content, quotedEmpty="text") == [("1", "", None), ("2", "NA", "x")]
    assert rows(bench, content, quotedEmpty="text", nullValue="NA") == [("1", "", None), ("2", None, "x")]


def test_names_that_are_empty_twice_or_blank_are_told(bench: Bench) -> None:
    bench.write("a.csv", "id,,ID, name \n1,2,3,4\n")
    assert bench.run(extract()).view("t").columns[:4] == ["id0", "_c1", "ID2", " name "]
    (told,) = bench.logs
    assert "“id” comes more than once: it is called “id0”" in told and "column 2 is empty: it is called “_c1”" in told
    assert "trimNames" in told
    (warning,) = bench.warnings
    assert (warning.code, warning.found) == ("input-names-twice", "“id”, “ID”; now “id0”, “ID2”")
    bench.run(extract(names=["id0", "_c1", "ID2", " name "]))
    assert len(bench.warnings) == 1
    assert bench.run(extract(trimNames=True)).view("t").columns[3] == "name"


@pytest.mark.parametrize(("mode", "first"), [("pad", ("3", None)), ("fit", ("3", None))])
def test_missing_values_become_null_and_are_counted(bench: Bench, mode: str, first: tuple[str, None]) -> None:
    assert rows(bench, "a,b\n1,2\n3\n", otherWidths=mode) == [("1", "2"), first]
    (warning,) = bench.warnings
    assert (warning.code, warning.row, warning.file) == ("rows-of-other-width", 2, "a.csv") and warning.message.startswith("1 row ")


def test_surplus_values_are_left_out_when_told_so(bench: Bench) -> None:
    content = "a,b\n1,2,9\n3,4\n"
    assert rows(bench, content, otherWidths="drop") == [("1", "2"), ("3", "4")]
    assert "surplus" in bench.warnings[0].message
    bench.write("a.csv", content + "5\n")
    assert (bench.fails(extract(otherWidths="drop")).row, bench.fails(extract(otherWidths="pad")).row) == (3, 1)


def test_surplus_values_that_are_empty_lose_nothing(bench: Bench) -> None:
    assert rows(bench, "a,b\n\n1,2,,\n3,4\n") == [("1", "2"), ("3", "4")]
    assert bench.warnings == [] and bench.logs[0].startswith("1 row with more values") and "empty" in bench.logs[0]


def test_rejected_rows_keep_their_text_and_place(bench: Bench) -> None:
    content = 'a,b\n1,2\n3\n4,5,"x, y"\n6,7,,\n8,9\n'
    bench.write("a.csv", content)
    table = bench.run(extract(otherWidths="reject")).view("t")
    assert table.columns == ["a", "b", "_filename", "_index", "_errors"]
    found = [(row.a, row.b, row["_index"], [error.message for error in row["_errors"]]) for row in table.collect()]
    assert [row[:3] for row in found] == [("1", "2", 1), (None, None, 2), (None, None, 3), ("6", "7", 4), ("8", "9", 5)]
    assert found[1][3][0].endswith(": 3") and found[2][3][0].endswith(': 4,5,"x, y"') and found[3][3] == []
    assert (bench.counts["rejected"], bench.warnings[0].code, bench.warnings[0].row) == (2, "rows-rejected", 2)
    assert table.select("_errors").where("size(_errors) > 0").count() == 2


def test_rejected_rows_over_lines(bench: Bench) -> None:
    bench.write("a.csv", 'a,b\n1,"x\ny"\n3,"p\nq",4\n')
    table = bench.run(extract(otherWidths="reject", multiLine=True)).view("t")
    assert [(row.a, len(row["_errors"])) for row in table.collect()] == [("1", 0), (None, 1)]


def test_typing_keeps_what_was_said_of_rejected_rows(bench: Bench) -> None:
    bench.write("a.csv", "a,b\n1,2\n3\nx,5\n")
    columns = [{"name": name, "type": "integer", "nullable": name == "a"} for name in ("a", "b")]
    typed = {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "u", "schema": columns}
    bench.run(extract(otherWidths="reject"), typed)
    found = [(row.a, row.b, [error.field for error in row["_errors"]]) for row in bench.view("u").collect()]
    assert found == [(1, 2, []), (None, None, [""]), (None, 5, ["a"])]


def of_view(bench: Bench, *texts: str, **more: Any) -> list[tuple[Any, ...]]:
    """The values that texts of a view hold, in their order."""
    each = ", ".join(text_in_sql(text) for text in texts)
    lines = {"type": "SQLTransform", "name": "lines", "sql": f"SELECT explode(array({each})) AS line", "outputView": "lines"}
    stage = extract(**more) | {"inputView": "lines"}
    del stage["inputURI"]
    table = bench.run(lines, stage).view("t")
    kept = [f"`{name}`" for name in table.columns if name not in ("_filename", "_index")]
    return [tuple(row) for row in table.orderBy("_index").select(*kept).collect()]


def view_fails(bench: Bench, *texts: str, **more: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        of_view(bench, *texts, **more)
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    ("texts", "more", "expected"),
    [
        (["id,n", '1,"6"" pipe"', '2,"a, b"'], {}, [("1", '6" pipe'), ("2", "a, b")]),
        (["id,n", '1,"6\\" pipe"'], {}, [("1", '6" pipe')]),
        (["id,n", '1,"C:\\dir\\"', '2,"6"" pipe"'], {}, [("1", "C:\\dir\\"), ("2", '6" pipe')]),
        (["id,n", '1,"a\nb"', "2,"], {}, [("1", "a\nb"), ("2", None)]),
        (["id,n", '1,""', "2,NA"], {"quotedEmpty": "text", "nullValue": "NA"}, [("1", ""), ("2", None)]),
        (["#x", "id, n ", "#y", "1,2,"], {"comment": "#", "trimNames": True}, [("1", "2")]),
        (["id,n", "1", "2,3,4"], {"otherWidths": "fit"}, [("1", None), ("2", "3")]),
    ],
)
def test_text_in_a_view_is_read_by_the_rules_of_files(
    bench: Bench, texts: list[str], more: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert of_view(bench, *texts, **more) == expected


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["id,n", '1,"6\\" pipe"', '2,"6"" pipe"'], "input-escape-mixed"),
        (["id,n", '1,"C:\\\\x"'], "input-escape-unsure"),
        (["id,n", "1", "2,3"], "input-row-width"),
        (["id,n\n1,2"], "input-line-break"),
        ([" "], "input-empty"),
    ],
)
def test_text_in_a_view_that_cannot_be_read_rightly_is_told(bench: Bench, texts: list[str], code: str) -> None:
    assert view_fails(bench, *texts) == code


def test_rejected_texts_of_a_view_are_kept(bench: Bench) -> None:
    rows = of_view(bench, "id,n", "1", "2,3,", otherWidths="reject")
    assert [(row[0], len(row[-1])) for row in rows] == [(None, 1), ("2", 0)] and rows[0][-1][0].message.endswith(": 1")
    assert bench.counts["rejected"] == 1


def test_many_rows_with_backslashes_are_looked_at_to_the_end(bench: Bench) -> None:
    """The look takes many rows at a time, and stops reading them the other way once they speak against it."""
    line = '1,"say \\"hi\\", C:\\\\dir\\\\"\n'
    found = rows(bench, "id,note\n" + line * 3000)
    assert (len(found), set(found), bench.warnings) == (3000, {("1", 'say "hi", C:\\dir\\')}, [])
    bench.write("a.csv", "id,note\n" + line * 2500 + '2,"x\\"y",z\n' + line)
    assert (bench.fails(extract()).code, bench.fails(extract()).row) == ("input-row-width", 2501)
    assert rows(bench, "id,note\n" + line * 2500 + "2,C:\\\n")[-1] == ("2", "C:\\")


def test_doubled_quotes_beside_many_other_faults_stay_doubled(bench: Bench) -> None:
    lines = '1,"C:\\\\x",z\n' * 2500 + '2,"say ""hi"", \\"\n'
    found = rows(bench, "id,note\n" + lines, otherWidths="drop")
    assert (found[0], found[-1]) == (("1", "C:\\\\x"), ("2", 'say "hi", \\'))
