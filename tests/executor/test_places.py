"""An output is a place of its own: what the document alone tells."""

from __future__ import annotations

from typing import Any

import pytest

from executor.document.job import check, parse
from executor.document.places import connectors_of
from executor.language import places
from executor.problems import ProblemError
from executor.stages import STAGE_TYPES


def job(*stages: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {"parameters": parameters, "stages": list(stages)} if parameters else {"stages": list(stages)}


def read(uri: str, view: str = "a", **fields: Any) -> dict[str, Any]:
    return {"type": "ParquetExtract", "name": f"read {view}", "inputURI": uri, "outputView": view, **fields}


def write(uri: str, name: str = "write", **fields: Any) -> dict[str, Any]:
    return {"type": "ParquetLoad", "name": name, "inputView": "a", "outputURI": uri, **fields}


def codes(*stages: dict[str, Any], environment: str | None = None) -> list[str]:
    return [problem.code for problem in check(job(*stages), environment=environment)]


@pytest.mark.parametrize(
    "uri",
    ["*", "curated/*", "{a,b}", "curated/{a}", "curated/a?", "curated/[ab]", ".sluice/x", "curated/.hidden"]
    + ["curated/_hidden", "_x/y", "a/../b", "curated/x:y", "curated/ x", "curated/x /y", "cur\u200bated", "a" * 201]
    + ["/".join(["abcdefghi"] * 60), "x._COPYING_"],
)
def test_names_that_no_output_may_have(uri: str) -> None:
    assert codes(read("raw/a"), write(uri)) == ["output-name"]


@pytest.mark.parametrize("uri", [".sluice-staging/x", "curated/.sluice-previous/x/1", "a/.SLUICE-receipts"])
def test_folders_of_our_own_are_neither_written_nor_read(uri: str) -> None:
    assert codes(read("raw/a"), write(uri)) == ["uri-outside-lake"]
    assert codes(read(uri), write("curated/x")) == ["uri-outside-lake"]


@pytest.mark.parametrize("uri", ["curated/x", "curated/year=2013", "k/p=1/x", "Übersicht/maß", "a-b_c.d", "curated//x/", "./curated/x"])
def test_names_an_output_may_have(uri: str) -> None:
    assert codes(read("raw/a"), write(uri)) == []


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("raw/planes", "raw/planes"),
        ("raw/planes/2013", "raw"),
        ("raw", "raw/out"),
        ("raw/*", "raw/out"),
        ("raw/*/part-0.parquet", "raw"),
        ("{raw,other}/x", "raw/x"),
        ("Raw/Planes", "raw/planes"),
        ("raw/./planes/", "raw//planes"),
        ("raw/pl\u0061\u0301nes", "raw/pl\u00e1nes"),
        ("raw/[op]lanes", "raw/planes/x"),
    ],
)
def test_an_output_lies_nowhere_near_an_input(source: str, target: str) -> None:
    assert codes(read(source), write(target)) == ["output-on-input"]


def test_files_of_sql_and_schema_are_inputs_too() -> None:
    sql = {"type": "SQLTransform", "name": "sql", "inputURI": "sql/q.sql", "outputView": "b"}
    assert "output-on-input" in codes(read("raw/a"), sql, write("sql"))
    assert "output-on-input" in codes(read("raw/a", schemaURI="meta/a.json"), write("meta/a.json"))


def test_what_was_written_may_be_read_again_but_not_mixed() -> None:
    assert codes(read("raw/a"), write("curated/x"), read("curated/x", "b")) == []
    assert codes(read("raw/a"), write("curated/x"), read("curated/x/year=2013", "b")) == []
    assert codes(read("raw/a"), write("curated/x"), read("curated", "b")) == ["output-on-input"]


@pytest.mark.parametrize("other", ["curated/x", "curated", "curated/x/y", "CURATED/X", "curated/./x"])
def test_two_outputs_do_not_meet(other: str) -> None:
    assert codes(read("raw/a"), write("curated/x"), write(other, "second")) == ["output-in-output"]


def test_only_stages_that_run_together_clash() -> None:
    here, there = {"environments": ["dev"]}, {"environments": ["prod"]}
    assert codes(read("raw/a"), write("curated/x", **here), write("curated/x", "second", **there), environment="dev") == []
    assert codes(read("raw/a"), write("curated/x", **here), write("curated/x", "second"), environment="dev") == ["output-in-output"]
    assert codes(read("raw/a"), write("curated/xy"), write("curated/x", "second")) == []


def test_the_values_of_a_run_count() -> None:
    document = job(read("raw/a"), write("${folder}/x"), folder={"default": "curated"})
    assert check(document) == []
    for folder in ("raw/a", "raw/A", "_hidden"):
        with pytest.raises(ProblemError):
            parse(document, parameters={"folder": folder})


@pytest.mark.parametrize(
    ("one", "place", "expected"),
    [
        ("a/b", "a/b", True),
        ("a", "a/b", True),
        ("a/b/c", "a/b", True),
        ("a/bc", "a/b", False),
        ("a/[^x]*", "a/b", True),
        ("b/*", "a/b", False),
    ],
)
def test_meeting(one: str, place: str, expected: bool) -> None:
    assert places.meet(one, place) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("raw/*", "raw/[^._]*"),
        ("raw/*.csv", "raw/[^._]*.csv"),
        ("raw/*flights.csv", "raw/{[^._]*flights.csv,flights.csv}"),
        ("raw/?a/**", "raw/[^._]a/[^._]*"),
        ("{*,b}/{a,*c,?d}", "{[^._]*,b}/{a,[^._]*c,c,[^._]d}"),
        ("raw/flights.csv", "raw/flights.csv"),
        ("a*/[ab]*/*?", "a*/[ab]*/[^._]*"),
        ("raw/*{a,b}", "raw/{[^._]*{a,b},{a,b}}"),
    ],
)
def test_patterns_do_not_find_hidden_names(pattern: str, expected: str) -> None:
    assert places.visible(pattern) == expected
    assert places.visible(expected) == expected


# --- patterns that stand for too much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "raw/" + "{0,1,2,3,4,5,6,7,8,9}" * 12,
        "raw/" + "{a,{b,{c,{d,e}}}}" * 40,
        "/".join(["*a"] * 40)[1:],
        "raw/{" + ",".join(f"x{number}" for number in range(2_000)) + "}",
        "raw/{" + "a," * 5_000 + "}",
    ],
)
def test_a_pattern_that_stands_for_too_many_paths_is_told_at_once(uri: str) -> None:
    found = check(job(read(uri), write("curated/a")))
    assert {problem.code for problem in found} & {"uri-too-many"} and all(problem.fix for problem in found)
    with pytest.raises(places.TooManyChoices):
        places.choices(places.visible(uri))


@pytest.mark.parametrize(
    "uri", ["raw/{a,b}.csv", "raw/{2013,2014}/{01,02,03,04,05,06,07,08,09,10,11,12}/*.csv", "*/*/*.csv", "raw/*{a,b}*"]
)
def test_patterns_that_people_write_are_fine(uri: str) -> None:
    assert "uri-too-many" not in codes(read(uri), write("curated/a"))


def test_choices_come_in_order_and_nest() -> None:
    assert sorted(set(places.choices("x{a,b{1,2}}{,z}[^q]"))) == ["xa[!q]", "xaz[!q]", "xb1[!q]", "xb1z[!q]", "xb2[!q]", "xb2z[!q]"]


def test_what_spark_is_started_with_follows_from_the_stages_that_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STAGE_TYPES["ParquetExtract"], "connectors", ("delta",))
    reads = {"type": "ParquetExtract", "inputURI": "a", "environments": ["prod"]}
    assert connectors_of({"stages": [reads, {"type": "SQLTransform"}]}) == {"delta"}
    assert connectors_of({"stages": [reads]}, "prod") == {"delta"} and connectors_of({"stages": [reads]}, "dev") == set()
    for wrong in (None, [], {"stages": 1}, {"stages": [None, {"type": ["ParquetExtract"]}, {"type": "Nothing"}]}):
        assert connectors_of(wrong) == set()
