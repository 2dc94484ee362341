"""Tomorrow's export in the place of today's: other columns, another order, other rows at the end. Never a wrong number without a word."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.documents import sql_stage

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark

NAMES = ["store", "units", "revenue"]
TYPED = {
    "type": "TypingTransform",
    "name": "type",
    "inputView": "t",
    "outputView": "typed",
    "failMode": "failfast",
    "schema": [{"name": name, "type": kind, "nullable": True} for name, kind in zip(NAMES, ("string", "integer", "integer"), strict=True)],
}


def extract(uri: str = "s.csv", **more: Any) -> dict[str, Any]:
    return {"type": "DelimitedExtract", "name": "read", "outputView": "t", "header": True, "inputURI": uri, **more}


def rows(bench: Bench, view: str = "t") -> list[tuple[Any, ...]]:
    return sorted(tuple(row[:3]) for row in bench.table(view))


def codes(bench: Bench) -> list[str]:
    return [warning.code for warning in bench.warnings]


def test_columns_in_another_order_are_read_by_their_names(bench: Bench) -> None:
    bench.write("s.csv", "revenue, Store,units\n100,N,5\n200,S,6\n")
    bench.run(extract(names=NAMES), TYPED)
    assert rows(bench, "typed") == [("N", 5, 100), ("S", 6, 200)]
    assert codes(bench) == []
    assert any("another order" in line for line in bench.logs)


def test_a_new_column_is_left_out_and_told(bench: Bench) -> None:
    bench.write("s.csv", "store,tax,units,revenue\nN,1,5,100\n")
    bench.run(extract(names=NAMES), TYPED)
    assert rows(bench, "typed") == [("N", 5, 100)]
    assert codes(bench) == ["input-names-more"]
    assert "“tax”" in bench.warnings[0].message
    assert (bench.warnings[0].fix or "").startswith("Nothing else changes")


def test_a_new_month_by_other_names_is_told_by_its_file_and_by_what_it_lacks(bench: Bench) -> None:
    """The files may lack columns (otherHeaders); a column that none has any more is told all the same."""
    bench.write("d/a.csv", "store,units,revenue\nN,5,100\n")
    bench.write("d/b.csv", "store,units,total\nN,5,100\n")
    bench.run(extract("d", names=NAMES, otherHeaders="fill"))
    assert codes(bench) == ["input-names-more"] and bench.warnings[0].file == "d/b.csv"
    assert "It lacks “revenue”" in bench.warnings[0].message and "Nothing else" not in (bench.warnings[0].fix or "")
    bench.warnings.clear()
    bench.write("d/a.csv", "store,units\nN,5\n")
    bench.write("d/b.csv", "store,units\nS,6\n")
    bench.run(extract("d", names=NAMES, otherHeaders="fill"))
    assert codes(bench) == ["input-names-missing"] and "No file" in bench.warnings[0].message


def test_a_renamed_column_stops_with_both_names(bench: Bench) -> None:
    bench.write("s.csv", "store,sold,revenue\nN,5,100\n")
    problem = bench.fails(extract(names=NAMES))
    assert (problem.code, problem.file, problem.field) == ("input-names-missing", "s.csv", "names")
    assert "“units”" in problem.message
    assert "rename “sold” to “units”" in (problem.fix or "")


def test_the_names_hold_for_each_file_of_a_folder(bench: Bench) -> None:
    bench.write("d/a.csv", "units,store,revenue\n5,N,100\n")
    bench.write("d/b.csv.gz", gzip.compress(b"revenue,units,store\n200,6,S\n"))
    bench.run(extract("d", names=NAMES), TYPED)
    assert rows(bench, "typed") == [("N", 5, 100), ("S", 6, 200)]


def test_a_title_that_got_shorter_does_not_make_a_row_the_header(bench: Bench) -> None:
    bench.write("s.csv", "Sales\nstore,units,revenue\nN,5,100\nS,6,200\n")
    problem = bench.fails(extract(skipLines=2, names=NAMES))
    assert problem.code == "input-names-missing" and "stand higher" in (problem.fix or "")
    bench.write("s.csv", "Sales\nNovember\n\n,,\nstore,units,revenue\nN,5,100\n")
    assert "stand lower" in (bench.fails(extract(skipLines=2, names=NAMES)).fix or "")


@pytest.mark.parametrize("header", ["store,revenue,units", "N,5,100"])
def test_names_in_a_line_that_is_left_out_must_be_the_same(bench: Bench, header: str) -> None:
    bench.write("s.csv", f"Sales\n{header}\nS,6,200\n")
    problem = bench.fails(extract(header=False, skipLines=2, names=NAMES))
    assert (problem.code, problem.found) == ("input-names-differ", header.replace(",", ", "))
    bench.write("s.csv", "Sales\nstore, Units,revenue,,\nS,6,200\n")
    bench.run(extract(header=False, skipLines=2, names=NAMES))
    assert rows(bench) == [("S", "6", "200")]


@pytest.mark.parametrize("pack", [False, True])
def test_a_last_row_that_is_no_total_is_not_left_out(bench: Bench, pack: bool) -> None:
    uri = "s.csv.gz" if pack else "s.csv"

    def write(text: str) -> None:
        bench.write(uri, gzip.compress(text.encode()) if pack else text)

    stage = extract(uri, skipLastLines=2, lastRowsHold=["Total", "Rows:"])
    write('store,units,revenue\nN,5,100\n"TOTAL 2025",5,100\n\nRows: 17\n')
    bench.run(stage)
    assert rows(bench) == [("N", "5", "100")]
    write("store,units,revenue\nN,5,100\nS,6,200\nTotal,11,300\n")
    problem = bench.fails(stage)
    assert (problem.code, problem.found) == ("input-last-rows", "S, 6, 200")
    write("store,units,revenue\nN,5,100\nTotal,5,100\nTotal,5,100\nRows: 3\n")
    assert "more rows at its end" in bench.fails(stage).message


@pytest.mark.parametrize("field", ["names", "lastRowsHold"])
def test_what_files_must_hold_is_refused_for_views(bench: Bench, field: str) -> None:
    stage = {"type": "DelimitedExtract", "name": "read", "outputView": "t", "inputView": "texts", field: ["a"]}
    texts = {"type": "SQLTransform", "name": "texts", "outputView": "texts", "sql": "SELECT 'a,b' AS text"}
    problem = bench.fails(texts, stage)
    assert (problem.code, problem.field) == ("not-for-views", field)


def test_a_last_row_is_looked_for_in_a_long_file(bench: Bench) -> None:
    lines = "".join(f"N{number},{number},1\n" for number in range(20_000))
    bench.write("s.csv", f"store,units,revenue\n{lines}")
    assert bench.fails(extract(skipLastLines=1, lastRowsHold=["Total"])).found == "N19999, 19999, 1"


def test_a_total_that_is_new_is_told(bench: Bench) -> None:
    bench.write("s.csv", "store;units;revenue\nN;5;100\nS;6;200\nGesamt;11;300\n")
    stage = extract(delimiter="Custom", customDelimiter=";")
    bench.run(stage)
    assert codes(bench) == ["input-total-row"]
    bench.warnings.clear()
    bench.run(stage | {"skipLastLines": 0})
    assert codes(bench) == []


def test_a_last_row_that_adds_up_is_told_whatever_it_is_called(bench: Bench) -> None:
    bench.write("s.csv", "store,units,revenue\nN,5,1000\nS,6,2500\nW,6,3007\nx,17,6507\n")
    stage = extract(names=["store", "units", "revenue"])
    bench.run(stage)
    assert codes(bench) == ["input-total-row"] and "“units”, “revenue”" in bench.warnings[0].message
    bench.warnings.clear()
    bench.run(stage | {"skipLastLines": 0})
    bench.run(stage | {"skipLastLines": 1, "lastRowsHold": ["x"]})
    assert codes(bench) == []
    bench.write("s.csv", "store,units,revenue\nN,5,1000\nS,6,2500\nW,6,3007\nx,17,6507\nas of noon,,\n")
    bench.run(stage)
    assert codes(bench) == ["input-total-row"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_names_of_another_table_below_an_empty_line_are_told(bench: Bench, line_end: str) -> None:
    rows = "store,units,revenue\nN,5,1000\nS,6,2500\nW,6,3007\n\n"
    bench.write("s.csv", (rows + "town,kind,count\nx,y,8\n").replace("\n", line_end))
    bench.run(extract())
    assert [(one.code, one.line) for one in bench.warnings] == [("input-second-table", 6)]
    bench.warnings.clear()
    for rest in ("E,7,3008\n", "as,of,noon\n", "E,,\nF,7,1\n", '"E\n",7,3008\nn,o,1\n'):
        bench.write("s.csv", (rows + rest).replace("\n", line_end))
        bench.run(extract(multiLine=True))
    assert codes(bench) == []


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "note",
    ['"line\nTotal, 29"', '"a ""b""\n\nTotal"', '"Total\n""x"""', '"\nTotal 1\nTotal 2\n"'],
)
@pytest.mark.parametrize("before", ["", 'x,"7"" pipe\nTotal",1\n', 'x,6" pipe,1\n'])
def test_a_value_over_lines_before_the_total_is_no_row_of_its_own(bench: Bench, note: str, before: str, line_end: str) -> None:
    text = f"id,note,v\n{before}28,y,3\n29,{note},29.5\n"
    stage = extract(multiLine=True)
    bench.write("s.csv", text.replace("\n", line_end))
    bench.run(stage)
    bench.write("s.csv", (text + "Total,,32.5\n").replace("\n", line_end))
    bench.run(stage | {"skipLastLines": 1, "lastRowsHold": ["Total"]})
    assert [row[0] for row in bench.table("t")][-2:] == ["28", "29"]
    assert codes(bench) == []
    bench.write("s.csv", text.replace("\n", line_end))
    assert bench.fails(stage | {"skipLastLines": 1, "lastRowsHold": ["Total"]}).code == "input-last-rows"


def test_quotes_inside_of_values_join_no_rows(bench: Bench) -> None:
    bench.write("s.csv", 'id,note,v\n1,6" pipe,3\n2,y,4\nTotal,5" pipe,7\n')
    bench.run(extract(multiLine=True))
    assert codes(bench) == ["input-total-row"]


def test_totals_in_many_files_are_one_warning(bench: Bench) -> None:
    for number in range(12):
        bench.write(f"d/{number:02}.csv", f"store,units,revenue\nN,{number},100\nTotal,{number},100\n")
    bench.run(extract(inputURI="d"))
    assert codes(bench) == ["input-total-row"]
    assert "12 files" in bench.warnings[0].message and bench.warnings[0].file == "d/00.csv"


@pytest.mark.parametrize(
    ("end", "more", "count"), [(",,\n" * 2, {}, 2), (",,\n", {"emptyRows": "known"}, 0), ("\n,5,\n", {}, 0), ("N,,\n", {}, 0)]
)
def test_rows_of_separators_alone_are_told(bench: Bench, end: str, more: dict[str, str], count: int) -> None:
    bench.write("s.csv", f"store,units,revenue\nN,1,2.5\nS,2,\n{end}")
    bench.run(extract(**more))
    assert codes(bench) == ["input-empty-rows"] * bool(count)
    assert not count or bench.warnings[0].message.startswith(f"{count} rows have no value")


def test_typing_by_position_does_not_put_values_under_another_name(bench: Bench) -> None:
    bench.write("s.csv", "store,revenue,Units\nN,100,5\n")
    bench.run(extract(), TYPED)
    assert rows(bench, "typed") == [("N", 5, 100)]
    assert codes(bench) == ["columns-in-other-order"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a", "c", "d"], ["“b” becomes “c”"]),
        (["A", "B", "c"], []),
        (["x", "y", "z"], []),
        (["c", "y", "z"], ["“a” becomes “c”"]),
    ],
)
def test_a_column_that_gets_the_name_of_another_one_is_told(bench: Bench, names: list[str], told: list[str]) -> None:
    made = sql_stage("t", sql="SELECT '1' AS a, '2' AS b, '3' AS c")
    schema = [{"name": name, "type": "integer", "nullable": True} for name in names]
    bench.run(made, {"type": "TypingTransform", "name": "typed", "inputView": "t", "outputView": "v", "schema": schema})
    assert codes(bench) == (["columns-by-place"] if told else [])
    for words in told:
        assert words in bench.warnings[0].message
    assert list(bench.view("v").collect()[0])[:3] == [1, 2, 3], "they go by their places all the same"


def test_typing_by_position_still_renames(bench: Bench) -> None:
    bench.write("s.csv", "Filiale,Menge,Umsatz\nN,5,100\n")
    bench.run(extract(), TYPED)
    assert rows(bench, "typed") == [("N", 5, 100)]
    assert codes(bench) == []
