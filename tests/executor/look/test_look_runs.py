"""From a messy file to a green run with right numbers: the stages of a proposal, run as they are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.look.looking import look
from executor.look.stages import Choices, Mend, stages, table_name
from executor.stores.roots import Roots
from portal.looks.starts import with_start
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark
Ran = Callable[..., tuple[str, dict[str, list[dict[str, Any]]]]]


@pytest.fixture
def ran(spark_process: SparkProcess, tmp_path: Path) -> Ran:
    """`ran(content, …)` → how the run of the proposal ended, and the rows of each table it made."""

    def run(
        content: bytes | dict[str, bytes], name: str = "t.csv", misfits: Any = "", mends: tuple[Mend, ...] = (), **settings: Any
    ) -> Any:
        from pyarrow import parquet

        (tmp_path / "raw").mkdir(exist_ok=True)
        for file, text in content.items() if isinstance(content, dict) else [(name, content)]:
            (tmp_path / "raw" / name).mkdir(exist_ok=True) if isinstance(content, dict) else None
            (tmp_path / "raw" / name / file if isinstance(content, dict) else tmp_path / "raw" / name).write_bytes(text)
        proposal = look(Roots(tmp_path), f"raw/{name}", settings, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)
        misfits = misfits or ("aside" if proposal.misfits_total or proposal.settings.other_widths == "reject" else "stop")
        made = stages(proposal, f"raw/{name}", Choices(table_name(name), misfits, mends))
        outcome = run_here(spark_process, made, tmp_path)
        problems = [event["problem"] for event in outcome.events if "problem" in event]
        assert outcome.code == 0, problems
        tables = {place.name: parquet.read_table(place).to_pylist() for place in sorted((tmp_path / "curated").iterdir())}
        return outcome.result, tables

    return run


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_more_cells_than_names_blank_line_and_gzip(ran: Ran) -> None:
    """The shape of the green taxi file: 20 names and 22 cells, an empty line in between, a blank behind the last name."""
    rows = [f"2,2013-08-{n % 28 + 1:02} 08:14:37,N,-73.93776702880859375,.{n:02},,{n}.5,,,\r\n" for n in range(1, 41)]
    head = "VendorID,pickup,Store_flag,Pickup_longitude,Trip_distance,Ehail_fee,Total_amount,Trip_type \n\r\n"
    rows[3] = rows[3].replace(",N,", ",Y,")
    outcome, tables = ran(gzip.compress((head + "".join(rows)).encode()), "trips.csv.gz")
    found = columns(tables["trips"])
    assert (outcome, len(tables["trips"])) == ("succeeded", 40)
    assert sum(found["Total_amount"]) == Decimal(sum(range(1, 41))) + 20
    assert sum(found["Trip_distance"]) == Decimal("8.20")
    assert found["Pickup_longitude"][0] == Decimal("-73.93776702880859375")
    assert (found["Store_flag"].count(True), set(found["Ehail_fee"]), "Trip_type" in found) == (1, {None}, True)


def test_columns_of_fixed_width(ran: Ran) -> None:
    people = [
        ("Meier", "Köln", "1.234,56 "),
        ('O"Neill, Jim', "Bad Honnef", "12,00-"),
        ("'t Hooft", "Ulm", "0,99 "),
        ("#1", "  Ulm", "7,10 "),
    ]
    lines = [f"{n:06d}{name:<20}{city:<12}{amount:>11}" for n, (name, city, amount) in enumerate(people * 10)]
    outcome, tables = ran("\r\n".join(["KDNR  NAME                ORT           BETRAG", *lines]).encode("cp1252"), "fest.txt")
    assert outcome == "succeeded"
    expected = [(f"{n:06d}", name, city.strip(), amount.strip()) for n, (name, city, amount) in enumerate(people * 10)]
    assert [tuple(row.values()) for row in tables["fest"]] == expected
    assert list(tables["fest"][0]) == ["KDNR", "NAME", "ORT", "BETRAG"]


def test_cells_without_names_are_kept_when_wanted(ran: Ran) -> None:
    _, tables = ran(b"a,b\n" + b"1,x,7,\n" * 5, otherWidths="keep")
    assert tables["t"][0] == {"a": 1, "b": "x", "column_3": 7, "column_4": None}


def test_rows_of_other_widths_are_kept_aside(ran: Ran) -> None:
    outcome, tables = ran(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n" + b"10,11,12\n" * 20)
    assert outcome == "succeeded_with_warnings"
    assert (len(tables["t"]), sum(columns(tables["t"])["a"])) == (21, 201)
    assert [row["a"] for row in tables["t_errors"]] == [None, None]
    assert "6,7,8,9" in tables["t_errors"][1]["errors"]
    empty_end = b"10,11,12\n" * 20 + b",,\n" * 3  # as spreadsheets write it
    outcome, fitted = ran(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n" + empty_end, misfits="stop", otherWidths="fit")
    assert (outcome, len(fitted["t"])) == ("succeeded_with_warnings", 23)
    assert fitted["t"][1:3] == [{"a": 4, "b": 5, "c": None}, {"a": 6, "b": 7, "c": 8}]


MISFITS = (
    "id,tip,at\n" + "".join(f"{n},{n}.25,2024-08-{n % 28 + 1:02} 10:00:00\n" for n in range(1, 101)) + '101,"1,50",2024-08-09 24:00:00\n'
)


def test_misfits_are_kept_aside_or_read_as_said(ran: Ran) -> None:
    outcome, tables = ran(MISFITS.encode())
    assert outcome == "succeeded_with_warnings"
    assert (len(tables["t"]), [row["id"] for row in tables["t_errors"]]) == (100, [101])
    mends = (Mend(1, "1,50", "1.50"), Mend(2, "2024-08-09 24:00:00", "2024-08-10 00:00:00"))
    outcome, mended = ran(MISFITS.encode(), misfits="stop", mends=mends)
    assert (outcome, len(mended["t"]), sum(columns(mended["t"])["tip"])) == ("succeeded", 101, Decimal("5076.50"))
    assert mended["t"][-1]["at"].replace(tzinfo=None) == datetime(2024, 8, 10)


def test_windows_letters_decimal_commas_and_days_with_points(ran: Ran) -> None:
    text = "Kunde;Betrag;Datum;PLZ\nMüller;1.234,50;01.02.2024;01234\nWeiß;2,25;28.02.2024;98765\nGroß;-3;15.02.2024;10115\n"
    _, tables = ran(text.encode("cp1252"))
    assert columns(tables["t"]) == {
        "Kunde": ["Müller", "Weiß", "Groß"],
        "Betrag": [Decimal("1234.50"), Decimal("2.25"), Decimal("-3.00")],
        "Datum": [date(2024, 2, 1), date(2024, 2, 28), date(2024, 2, 15)],
        "PLZ": ["01234", "98765", "10115"],
    }


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_other_encodings(ran: Ran, encoding: str) -> None:
    _, tables = ran("Stadt\tGröße\nKöln\t1\nZürich\t2\n".encode(encoding), "t.tsv")
    assert tables["t"] == [{"Stadt": "Köln", "Groesse": 1}, {"Stadt": "Zürich", "Groesse": 2}]


def test_numbers_with_signs_around_and_between(ran: Ran) -> None:
    text = "n|p|c|s\n1,234|12.5%|$1,234.50|1 234,5\n5|7%|-$3.25|12,25\n1,000,000|0.5%|$0.10|7\n"
    _, tables = ran(text.encode())
    assert columns(tables["t"]) == {
        "n": [1234, 5, 1_000_000],
        "p": [Decimal("0.125"), Decimal("0.07"), Decimal("0.005")],
        "c": [Decimal("1234.50"), Decimal("-3.25"), Decimal("0.10")],
        "s": [Decimal("1234.50"), Decimal("12.25"), Decimal("7.00")],
    }


def test_numbers_as_they_are_set_elsewhere(ran: Ran) -> None:
    """Of India, of Switzerland, with the minus of web pages, with a long dash for no value; a telephone number is none."""
    text = (
        "i|s|m|d|phone\n1,23,456.50|1’234.50|\u22121.5|–|+49 170 123\n"
        "12,34,567|7.25|2|5|+49 171 555\n1,000|1’000’000|\u22123|7|+1 202 555\n"
    )
    _, tables = ran(text.encode())
    assert columns(tables["t"]) == {
        "i": [Decimal("123456.50"), Decimal("1234567.00"), Decimal("1000.00")],
        "s": [Decimal("1234.50"), Decimal("7.25"), Decimal("1000000.00")],
        "m": [Decimal("-1.5"), Decimal("2.0"), Decimal("-3.0")],
        "d": [None, 5, 7],
        "phone": ["+49 170 123", "+49 171 555", "+1 202 555"],
    }


def test_the_next_export_in_another_writing_is_no_other_number(ran: Ran) -> None:
    """1.5 among decimal commas is not 15, and 1 5, 1,5 and 1'5 are no numbers between those with groups."""
    usual = "1.234,50|1 234,5|1,23,456|1'234.5\n3,25|12 345,25|12,34,567.5|3.5\n" * 20
    for place, odd in enumerate(("1.5", "1 5", "1,5", "1'5")):
        line = "|".join(odd if at == place else text for at, text in enumerate(("1,5", "1,5", "15", "15")))
        outcome, tables = ran(f"a|b|c|d\n{usual}{line}\n".encode(), f"t{place}.csv")
        assert outcome == "succeeded_with_warnings"
        assert (len(tables[f"t{place}"]), len(tables[f"t{place}_errors"])) == (40, 1)
        assert odd in tables[f"t{place}_errors"][0]["errors"]
        assert tables[f"t{place}"][0] == {
            "a": Decimal("1234.50"),
            "b": Decimal("1234.50"),
            "c": Decimal("123456.0"),
            "d": Decimal("1234.5"),
        }


def test_a_value_that_is_read_as_said_is_written_as_the_others(ran: Ran) -> None:
    mends = (Mend(0, "1.5", "1,5"),)
    outcome, tables = ran(("a|b\n" + "1.234,50|x\n3,25|y\n" * 20 + "1.5|z\n").encode(), misfits="stop", mends=mends)
    assert (outcome, tables["t"][-1]["a"]) == ("succeeded", Decimal("1.50"))


def test_days_and_times_in_every_writing(ran: Ran) -> None:
    text = (
        "a|b|c|d|day\n1/2/2024|2024-01-01T10:00:00Z|5 Jan 2024|10:15|20240131\n"
        "25/12/2024|2024-01-01T10:00:00.250+02:00|15 Feb 2024|23:59|20241231\n"
    )
    _, tables = ran(text.encode())
    found = columns(tables["t"])
    assert found["a"] == [date(2024, 2, 1), date(2024, 12, 25)]
    assert [moment.replace(tzinfo=None) for moment in found["b"]] == [datetime(2024, 1, 1, 10), datetime(2024, 1, 1, 8, 0, 0, 250_000)]
    assert found["c"] == [date(2024, 1, 5), date(2024, 2, 15)]
    assert (found["d"], found["day"]) == (["10:15:00", "23:59:00"], [date(2024, 1, 31), date(2024, 12, 31)])


def test_names_that_sql_does_not_take(ran: Ran) -> None:
    _, tables = ran(b'"a b","a b","x${y}",\n"1,5",2,u,\n"2,5",3,v,\n', misfits="stop")
    assert tables["t"] == [
        {"a_b": Decimal("1.50"), "a_b_2": 2, "x_usd_y": "u", "column_4": None},
        {"a_b": Decimal("2.50"), "a_b_2": 3, "x_usd_y": "v", "column_4": None},
    ]


def test_titles_comments_totals_and_line_breaks(ran: Ran) -> None:
    _, tables = ran(b"Report\n\nid,v\n1,2\n3,4\n5,6\n7,8\nTotal,20\n")
    assert columns(tables["t"]) == {"id": [1, 3, 5, 7], "v": [2, 4, 6, 8]}
    _, quoted = ran(b'a;b\n"x ""y"" z";1\n"multi\nline; yes";2\n"";3\n')
    assert columns(quoted["t"]) == {"a": ['x "y" z', "multi\nline; yes", None], "b": [1, 2, 3]}
    _, commented = ran(b"# by hand\nid,v\n1,2\n# more\n3,4\n")
    assert columns(commented["t"]) == {"id": [1, 3], "v": [2, 4]}


def test_whoever_is_called_total_is_a_row(ran: Ran) -> None:
    _, tables = ran(b"company,country,v\nShell,NL,4\nBP,UK,2\nEni,IT,1\nSum 41,CA,3\nTotal,FR,5\n")
    assert columns(tables["t"])["v"] == [4, 2, 1, 3, 5]
    _, summed = ran(b"company,country,v\nShell,NL,4\nBP,UK,2\nEni,IT,1\nTotal,,7\n")
    assert columns(summed["t"])["v"] == [4, 2, 1]


def test_plus_signs_are_read_as_proposed(ran: Ran) -> None:
    text = "a;b;c\n" + "".join(f"{'+' if n % 2 else '-'}{n},5;+{n},5 %;+{n},25 €\n" for n in range(1, 5))
    _, tables = ran(text.encode())
    assert columns(tables["t"])["a"] == [Decimal("1.5"), Decimal("-2.5"), Decimal("3.5"), Decimal("-4.5")]
    assert (tables["t"][0]["b"], tables["t"][0]["c"]) == (Decimal("0.015"), Decimal("1.25"))


SUBTOTALS = "region{0}month{0}v\nN{0}1{0}10\nN{0}2{0}20\n{1}{0}{0}30\nS{0}1{0}5\nS{0}2{0}5\n{1}{0}{0}10\nT{0}1{0}1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", SUBTOTALS.format(",", "Total N").encode()),
        ("t.csv", SUBTOTALS.format(";", "N total").encode()),
        ("t.csv.gz", gzip.compress(SUBTOTALS.format(";", "Zwischensumme").replace("\n", "\r\n").encode())),
        ("t.csv", SUBTOTALS.format(",", '"Sub-total:"').replace("N,1", '"N,\nw",1').encode()),
    ],
)
def test_subtotals_between_rows_are_told(ran: Ran, name: str, content: bytes) -> None:
    """Added with the rows that they sum up, each would be counted twice."""
    outcome, tables = ran(content, name)
    assert (outcome, len(tables["t"])) == ("succeeded_with_warnings", 7)


A_CSV = b"id,d,n,name\n1,2024-01-02,1.5,K\xc3\xb6ln\n2,2024-01-03,2.5,Ulm\n"


@pytest.mark.parametrize(
    ("other", "outcome", "n", "names"),
    [
        (b"id;d;n;name\n3;2024-01-02;1.5;Bonn\n4;2024-01-05;2;Ulm\n", "succeeded", [1.5, 2.5, 1.5, 2], ["Köln", "Ulm", "Bonn", "Ulm"]),
        (b"name\td\tid\tn\nBonn\t2024-01-02\t3\t1.5\n", "succeeded", [1.5, 2.5, 1.5], ["Köln", "Ulm", "Bonn"]),
        ("id;d;n;name\n3;2024-01-02;7;Zürich\n".encode("utf-16"), "succeeded", [1.5, 2.5, 7], ["Köln", "Ulm", "Zürich"]),
        ("id,d,n,name\n3,2024-01-02,7,Zürich\n".encode("cp1252"), "succeeded_with_warnings", [1.5, 2.5, 7], ["Köln", "Ulm", "Zürich"]),
        (b"id,d,n,name\n3,01/13/2024,7,Ulm\n", "succeeded", [1.5, 2.5, 7], ["Köln", "Ulm", "Ulm"]),
        (b"id,d,n,name\n3,2024-01-02,7,Ulm,x\n4,2024-01-02,8,Ulm\n", "succeeded_with_warnings", [1.5, 2.5, 8], ["Köln", "Ulm", "Ulm"]),
    ],
)
def test_files_of_a_folder_that_are_written_otherwise(ran: Ran, other: bytes, outcome: str, n: list[float], names: list[str]) -> None:
    ended, tables = ran({"a.csv": A_CSV, "b.csv": other}, "f")
    rows = sorted(tables["f"], key=lambda row: row["id"])
    assert (ended, [row["n"] for row in rows], [row["name"] for row in rows]) == (outcome, n, names)


def test_misfits_of_all_files_are_counted(ran: Ran) -> None:
    first = "id,at\n" + "".join(f"{n},2024-03-31 05:{n:02}:00\n" for n in range(40))
    other = b"id,at\n50,2024-03-31 02:30:00\n51,2024-03-31 03:30:00\n"
    outcome, tables = ran({"a.csv": first.encode(), "b.csv": other}, "f", timeZone="Europe/Berlin")
    assert (outcome, len(tables["f"]), [row["id"] for row in tables["f_errors"]]) == ("succeeded_with_warnings", 41, [50])


def test_a_single_object_among_lines_of_objects(ran: Ran) -> None:
    _, tables = ran({"a.json": b'{"a":1}\n', "b.json": b'{"a":2}\n{"a":3}\n'}, "f")
    assert sorted(row["a"] for row in tables["f"]) == [1, 2, 3]


PYRAMID = "region,sex,n\nAll,All,10\nN,All,6\nS,All,4\nAll,M,5\nN,M,4\nS,M,1\nAll,F,5\nN,F,2\nS,F,3\n"
GROUPS = "region;shop;n\nN;A;1,5\n;B;2\n;C;3\nS;D;4\n;E;5\n"


@pytest.mark.parametrize(
    ("text", "settings", "outcome", "rows", "first"),
    [
        (PYRAMID, {}, "succeeded_with_warnings", 9, "All"),
        (PYRAMID, {"totals": "keep"}, "succeeded", 9, "All"),
        (PYRAMID, {"totals": "leave-out"}, "succeeded", 4, "N"),
        ("y,k,n\n2023,a,1\n2023,b,2\n2023,Celkem,3\n2024,a,2\n2024,b,3\n", {}, "succeeded_with_warnings", 5, 2023),
        ("k\tn\nа\t1\nИтого\t3\nб\t2\n", {"totals": "leave-out"}, "succeeded", 2, "а"),
        (GROUPS, {}, "succeeded_with_warnings", 5, "N"),
        (GROUPS, {"fillDown": False}, "succeeded", 5, "N"),
    ],
)
def test_totals_in_a_column_and_groups_named_once_are_told(
    ran: Ran, text: str, settings: dict[str, Any], outcome: str, rows: int, first: Any
) -> None:
    ended, tables = ran(text.encode(), **settings)
    assert (ended, len(tables["t"]), next(iter(tables["t"][0].values()))) == (outcome, rows, first)


@pytest.mark.parametrize("header", [True, False])
def test_groups_are_filled_down(ran: Ran, header: bool) -> None:
    text = GROUPS if header else GROUPS.partition("\n")[2]
    outcome, tables = ran(text.encode(), fillDown=True, header=header)
    found = list(columns(tables["t"]).values())
    assert (outcome, found[0], sum(found[2])) == ("succeeded", ["N", "N", "N", "S", "S"], Decimal("15.5"))


@pytest.mark.parametrize(
    "text",
    [
        "company,country,v\nTotal,FR,5\nShell,NL,4\nSum 41,CA,3\nBP,UK,1\nEni,IT,2\n",
        "metric,v,note\nTotal revenue,5,\nTotal cost,3,\nHeads,7,x\nSum,1,\nOther,3,\n",
        "company,country,v\nTotal,,5\nShell,,4\nBP,UK,3\nEni,,1\nMol,,2\n",
    ],
)
def test_rows_that_are_only_called_so_are_not_told(ran: Ran, text: str) -> None:
    assert ran(text.encode())[0] == "succeeded"


def test_names_once_more_among_text_are_told_and_the_columns_keep_their_names(ran: Ran) -> None:
    rows = [*(f"a{n},town{n}" for n in range(1, 20)), "name,city", *(f"b{n},town{n}" for n in range(20, 40))]
    outcome, tables = ran("\n".join(["name,city", *rows, ""]).encode())
    assert (outcome, len(tables["t"]), list(tables["t"][0])[:2]) == ("succeeded_with_warnings", 40, ["name", "city"])


@pytest.mark.parametrize("kind", ["csv", "bare", "json", "parquet"])
def test_names_of_folders_make_columns_of_a_proposal(spark_process: SparkProcess, tmp_path: Path, kind: str) -> None:
    import pyarrow
    from pyarrow import parquet

    for year, n in (("2024", 1), ("2025", 2)):
        place = tmp_path / f"raw/y/year={year}"
        place.mkdir(parents=True)
        if kind == "parquet":
            parquet.write_table(pyarrow.table({"id": [n], "v": [n + 0.5]}), place / "a.parquet")
        else:
            text = {"csv": f"id,v\n{n},{n}.5\n", "bare": f"{n},{n}.5\n", "json": json.dumps({"id": n, "v": n + 0.5}) + "\n"}[kind]
            (place / ("a.jsonl" if kind == "json" else "a.csv")).write_text(text)
    proposal = look(Roots(tmp_path), "raw/y", {}, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)
    mends = (Mend(1, "7.5", "2.5"),) if kind in ("csv", "bare") else ()
    outcome = run_here(spark_process, stages(proposal, "raw/y", Choices("y", "stop", mends)), tmp_path)
    assert outcome.code == 0, [event["problem"] for event in outcome.events if "problem" in event]
    rows = parquet.read_table(tmp_path / "curated/y").to_pylist()
    assert sorted(list(map(str, row.values())) for row in rows) == [["1", "1.5", "2024"], ["2", "2.5", "2025"]]
    assert proposal.first_rows[0][-1] in ("2024", "2025")


def test_words_for_no_value(ran: Ran) -> None:
    _, tables = ran(b"delay,country\n5,NA\nNA,DE\nN/A,FR\n,IT\n-,ES\n" + b"7,PT\n" * 10)
    found = columns(tables["t"])
    assert (found["delay"][:5], found["country"][0]) == ([5, None, None, None, None], "NA")


def test_json_lines_and_parquet(ran: Ran, tmp_path: Path) -> None:
    from pyarrow import parquet

    text = (
        '{"id":1,"at":"2024-01-01T10:00:00Z","zip":"01234","who":{"n":"A","k":[1,2]},"p":1.5,"t":"NaN"}\n'
        '{"id":2,"at":null,"zip":"98765","who":{"n":"B"},"p":2,"t":3}\n'
    )
    _, tables = ran(text.encode(), "j.jsonl")
    found = columns(tables["j"])
    assert (found["zip"], found["t"][1], found["t"][0] != found["t"][0]) == (["01234", "98765"], 3.0, True)  # NaN among numbers is one
    assert tables["j"][0]["who"] == {"k": [1, 2], "n": "A"}
    (part,) = (tmp_path / "curated" / "j").glob("*.parquet")
    table = parquet.read_table(part).drop_columns("t")
    parquet.write_table(table.rename_columns(["an at", *table.column_names[1:]]), tmp_path / "named.parquet")
    _, again = ran((tmp_path / "named.parquet").read_bytes(), "p.parquet", columns={"1": {"name": "no"}})
    assert again["p"] == [{"an_at": row["at"], "no": row["id"], "p": row["p"], "who": row["who"], "zip": row["zip"]} for row in tables["j"]]


ORDERS = [
    {"no": 1, "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]},
    {"no": 2, "lines": []},
    {"no": 3, "lines": [{"sku": "a", "n": 4}]},
]


def test_lists_inside_json_become_rows(ran: Ran) -> None:
    """As an interface answers: one object around the list; and as orders with their lines, where an order without lines stays."""
    outcome, tables = ran(json.dumps({"status": "ok", "result": {"next": None, "items": ORDERS}}).encode(), "answer.json")
    assert (outcome, columns(tables["answer"])["no"], tables["answer"][0]["status"]) == ("succeeded", [1, 2, 3], "ok")
    _, tables = ran("\n".join(map(json.dumps, ORDERS)).encode(), "orders.jsonl", rowsOf="lines")
    assert tables["orders"] == [
        {"no": 1, "sku": "a", "n": 1}, {"no": 1, "sku": "b", "n": 2}, {"no": 2, "sku": None, "n": None}, {"no": 3, "sku": "a", "n": 4},
    ]  # fmt: skip


def test_names_that_sql_could_take_for_others_stay_apart_when_unfolded(ran: Ran) -> None:
    record = {"a.b": 1, "item": 2, "my list": [{"id": 3, "a`b": "2024-02-29"}]}
    _, tables = ran(json.dumps(record).encode(), "odd.json")
    assert list(tables["odd"][0].values()) == [1, 2, 3, date(2024, 2, 29)]


def test_long_numbers_of_json_keep_their_digits(ran: Ran) -> None:
    text = '{"id": 9223372036854775807, "in": {"n": 123456789012345678901234}}\n{"ID": 9223372036854775808, "in": {"N": 1}}\n'
    _, tables = ran(text.encode(), "long.jsonl")
    assert columns(tables["long"])["id"] == [Decimal(2**63 - 1), Decimal(2**63)]
    assert [row["in"]["n"] for row in tables["long"]] == [Decimal("123456789012345678901234"), Decimal(1)]


def test_whole_numbers_that_fit_64_bits_are_numbers(ran: Ran) -> None:
    _, tables = ran(b"n|note\n9223372036854775807|a\n-9223372036854775808|b\n17|c\n", "n.psv")
    assert sum(columns(tables["n"])["n"]) == 16


def test_the_days_of_a_guided_start_are_those_of_the_clocks_that_wrote_the_times(spark_process: SparkProcess, tmp_path: Path) -> None:
    """Half an hour past midnight in Berlin is the day before in UTC."""
    from pyarrow import parquet

    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/calls.csv").write_text("at,price\n2024-07-01 00:30:00,1.5\n2024-07-01 12:00:00,2.5\n2024-07-02 00:10:00,7.5\n")
    settings = {"timeZone": "Europe/Berlin"}
    proposal = look(Roots(tmp_path), "raw/calls.csv", settings, limit_bytes=None, seconds=20, tell=lambda what, done, whole: None)
    made = with_start(stages(proposal, "raw/calls.csv", Choices("calls", "stop", ())), proposal, "daily_aggregate")
    assert run_here(spark_process, made, tmp_path).result == "succeeded"
    rows = parquet.read_table(tmp_path / "curated/calls_by_day").to_pylist()
    assert sorted((row["day"], row["rows"]) for row in rows) == [(date(2024, 7, 1), 2), (date(2024, 7, 2), 1)]


PRINTED = [(1, "Ann", "a", "12.50"), (2, "Bob", None, None), (3, "Çağ", "x|y", "-7.00"), (4, "O'Neil, Di", "35 rows", "1.50")]


def printed(null: str, between: str, ruler: str, edge: str = "", end: str = "") -> str:
    """The rows as a console prints them. `ruler`: what stands between its dashes."""
    widths = (4, 12, 9, 8)
    cells = [[f"{row[0]:>4}", f"{row[1]:<12}", f"{row[2] or null:<9}", f"{row[3] or null:>8}"] for row in PRINTED]
    names = [f"{name:<{width}}" for name, width in zip(("id", "name", "note", "amount"), widths, strict=True)]
    dashes = ruler.join("-" * width for width in widths)
    lines = [edge + between.join(row) + edge[::-1] for row in (names, *cells)]
    line = ("+-" if edge else "") + dashes + ("-+" if edge else "")
    return "\n".join([*[line] * bool(edge), lines[0], line, *lines[1:], *[line] * bool(edge), end, ""])


@pytest.mark.parametrize(
    "text",
    [
        printed("NULL", " | ", "-+-", "| ", "4 rows in set (0.00 sec)"),
        printed("", " | ", "-+-", "", "(4 rows)\n"),
        printed("", " ", " ", "", "\n4 rows selected.\n"),
        printed("NULL", " ", " ", "", "\n(4 rows affected)").replace("\n", "\r\n"),
        printed("", "  ", "  "),
    ],
    ids=["mysql", "psql", "SQL*Plus", "sqlcmd", "sqlite"],
)
def test_what_a_console_prints_is_cut_where_its_dashes_are(ran: Ran, text: str) -> None:
    outcome, tables = ran(text.encode(), "printed.txt")
    rows = [tuple(row.values()) for row in tables["printed"]]
    assert rows == [(str(number), *rest) for number, *rest in PRINTED]
    assert outcome == "succeeded" or "\n\n" in text.replace("\r", "")  # an empty line of a single column is told


def test_pages_of_a_console_repeat_names_and_dashes(ran: Ran) -> None:
    page = "\n        ID NAME           AMOUNT\n---------- ---------- ----------\n"
    rows = [f"{n:>10} {f'Name {n}':<10} {n * 1.5:>10.2f}\n" for n in range(1, 36)]
    text = "".join(page + "".join(rows[at : at + 11]) for at in range(0, 35, 11)) + "\n35 rows selected.\n"
    _, tables = ran(text.encode(), "pages.lst")
    assert [(row["ID"], row["NAME"], row["AMOUNT"]) for row in tables["pages"]] == [
        (str(n), f"Name {n}", f"{n * 1.5:.2f}") for n in range(1, 36)
    ]


CODED = [
    (1, 'say "hi"', "a\tb", Decimal("12.50")),
    (2, "Bob\\x", None, None),
    (3, "", "two\nlines\\n", Decimal("7.00")),
    (4, "Ünal", "C:\\new", Decimal("1.50")),
]


@pytest.mark.parametrize(
    ("null", "around", "separator"),
    [("\\N", ("", ""), "|"), ("\\N", ("COPY public.t (id, name) FROM stdin;\n", "\\.\n\n"), "\t"), ("NULL", ("", ""), "\t")],
    ids=["COPY", "pg_dump", "mysql"],
)
def test_backslashes_as_databases_write_them(ran: Ran, null: str, around: tuple[str, str], separator: str) -> None:

    def cell(value: object) -> str:
        if value is None:
            return null
        text = str(value).replace("\\", "\\\\")
        return text.replace("\n", "\\n").replace("\t", "\\t")

    names = separator.join(("id", "name", "note", "amount")) + "\n"
    text = around[0] + ("" if around[0] else names) + "".join(separator.join(map(cell, row)) + "\n" for row in CODED) + around[1]
    outcome, tables = ran(text.encode(), "coded.txt")
    assert outcome == "succeeded"
    assert [tuple(row.values()) for row in tables["coded"]] == CODED
