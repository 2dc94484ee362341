"""Reading JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark


def extract(**more: Any) -> dict[str, Any]:
    return {"type": "JSONExtract", "name": "read", "outputView": "t", "inputURI": "raw/a.json", **more}


def test_one_document_per_file_is_the_default(bench: Bench) -> None:
    bench.write("raw/a.json", '[\n {"a": 1, "b": "x"},\n {"a": 2}\n]')
    assert bench.run(extract()).table("t") == [(1, "x", "raw/a.json", 1), (2, None, "raw/a.json", 2)]


def test_one_document_per_line(bench: Bench) -> None:
    bench.write("raw/a.json", '{"a": 1}\n{"a": 2}\n')
    assert [row[0] for row in bench.run(extract(multiLine=False)).table("t")] == [1, 2]


def test_lines_read_as_one_document_are_refused_in_place_of_losing_all_but_the_first(bench: Bench) -> None:
    bench.write("raw/a.json", '{"a": 1}\n{"a": 2}\n')
    problem = bench.fails(extract())
    assert (problem.code, problem.found) == ("input-many-documents", "behind the first document of raw/a.json")
    assert "multiLine" in (problem.fix or "")


def test_a_schema_says_what_is_read(bench: Bench) -> None:
    bench.write("raw/a.json", '{"a": 1, "b": "x"}\n')
    bench.write(
        "schema.json", '{"schema": [{"name": "a", "type": "long", "nullable": true}, {"name": "c", "type": "string", "nullable": true}]}'
    )
    bench.run(extract(multiLine=False, schemaURI="schema.json"))
    assert bench.view("t").drop("_filename", "_index").collect()[0].asDict() == {"a": 1, "c": None, "_errors": []}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"id": 1}\n{"id ": 2}\n', "“id”, “id ”"),
        ('{"é": 1}\n{"e\u0301": 2}\n', "“é”, “e\u0301”"),
        ('{"a": [{"x": 1}, {"\\u200bX": 2}]}\n', "“x”, “\u200bX”"),
        ('{"id": 1}\n{"Id": 2}\n', None),
        ('{"a b": 1}\n{"ab": 2}\n', None),
    ],
)
def test_keys_that_look_the_same_are_told(bench: Bench, lines: str, told: str | None) -> None:
    bench.write("raw/a.json", lines)
    bench.run(extract(multiLine=False))
    assert [warning.found for warning in bench.warnings if warning.code == "json-keys-alike"] == ([told] if told else [])


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"ident": 1}\n{"ident": 2, "a": {"n": 1}}\n', ("“id”", "“ident”")),
        ('{"id ": 1, "a": {"n": 1}}\n', ("“id”", "“id ”")),
        ('{"id": 1, "a": {"m": 1}}\n', ("“n”", "“m”")),
        ('{"ID": 1, "a": {"n": 1}, "more": 1}\n{"more": 2}\n', None),
        ('{"id": 1}\n', None),
    ],
)
def test_columns_of_a_schema_that_no_record_has_are_told_where_records_have_other_keys(
    bench: Bench, lines: str, told: tuple[str, str] | None
) -> None:
    inner = '{"name": "a", "type": "struct", "nullable": true, "fields": [{"name": "n", "type": "long", "nullable": true}]}'
    bench.write("schema.json", f'[{{"name": "id", "type": "long", "nullable": true}}, {inner}]')
    bench.write("raw/a.json", lines)
    bench.run(extract(multiLine=False, schemaURI="schema.json"))
    found = [(warning.expected, warning.found) for warning in bench.warnings if warning.code == "json-keys-unmet"]
    assert found == ([told] if told else [])


def test_a_line_that_is_not_json_is_kept_and_told(bench: Bench) -> None:
    bench.write("raw/a.json", '{"a": 1}\n{"a":\n')
    bench.run(extract(multiLine=False))
    assert [row._corrupt_record for row in bench.view("t").collect()] == [None, '{"a":']


def test_a_file_without_any_json_fails(bench: Bench) -> None:
    bench.write("raw/a.json", "origin,dest\nJFK,LAX\n")
    assert bench.fails(extract(multiLine=False)).message == "raw/a.json: No record in it is JSON."


def test_json_in_a_view_is_read(bench: Bench) -> None:
    lines = {"type": "SQLTransform", "name": "lines", "sql": "SELECT '{\"a\": 5}' AS v", "outputView": "lines"}
    bench.run(lines, {"type": "JSONExtract", "name": "read", "outputView": "t", "inputView": "lines"})
    assert bench.table("t") == [(5, "", 1)]


@pytest.mark.parametrize("inside", ["[" * 500 + "1" + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, '{"a":' * 1500 + "1" + "}" * 1500])
def test_values_too_deep_for_columns_are_told_with_their_line(bench: Bench, inside: str) -> None:
    bench.write("raw/a.json", '{"a":1}\n{"b":' + inside + "}\n")
    problem = bench.fails(extract(multiLine=False))
    assert (problem.code, problem.row, problem.file) == ("json-deep", 2, "raw/a.json")
    assert "DelimitedExtract" in (problem.fix or "") and "in b" in str(problem.found)


def test_values_as_deep_as_can_be_are_read(bench: Bench) -> None:
    bench.write("raw/a.json", '{"a":' + "[" * 99 + "1" + "]" * 99 + "}\n")
    assert bench.run(extract(multiLine=False)).view("t").selectExpr("to_json(a) AS a").collect()[0].a == "[" * 99 + "1" + "]" * 99


@pytest.mark.parametrize("schema", [False, True])
def test_half_of_a_sign_is_told(bench: Bench, schema: bool) -> None:
    bench.write("raw/a.json", '{"a": "x\\ud83d\\ude00"}\n{"a": "x\\ud800y"}\n{"a": "\\udc00"}\n')
    bench.write("schema.json", '[{"name": "a", "type": "string", "nullable": true}]')
    more = {"schemaURI": "schema.json"} if schema else {}
    bench.run(extract(multiLine=False, **more))
    (problem,) = bench.warnings
    assert problem.code == "json-half-sign" and problem.message.startswith("2 texts hold")
    assert problem.found == "first in a, line 2 of raw/a.json"
    assert [row.a for row in bench.view("t").collect()] == ["x😀", "x?y", "?"]
