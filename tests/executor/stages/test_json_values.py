"""No value of a JSON file is lost or changed in silence: with a schema, without one, and with keys that are the same."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from executor.problems import ProblemError

if TYPE_CHECKING:
    from tests.executor.stages.bench import Bench

pytestmark = pytest.mark.spark
BROKEN = '{"id":4,"amount":9.5,"at":"2024-01-07"'
RECORDS = (
    '{"id":1,"amount":2.5,"at":"2024-01-05"}\n{"id":"two","amount":3.5,"at":"2024-01-06"}\n{"id":3,"amount":"n/a","at":"05/01/2024"}\n'
    + BROKEN
    + '\n{"id":5.7,"amount":1,"at":"2024-01-08"}\n'
)
SCHEMA = [
    {"name": "id", "type": "long", "nullable": True},
    {"name": "amount", "type": "double", "nullable": True},
    {"name": "at", "type": "date", "nullable": True, "formatters": ["uuuu-MM-dd"]},
]


def extract(**more: Any) -> dict[str, Any]:
    return {"type": "JSONExtract", "name": "read", "outputView": "t", "inputURI": "raw/a.json", "multiLine": False, **more}


def typed(bench: Bench, content: str, *columns: dict[str, Any], **more: Any) -> list[Any]:
    bench.write("raw/a.json", content)
    schema = [{"nullable": True, **column} for column in columns]
    bench.write("schema.json", json.dumps(schema))
    return bench.run(extract(schemaURI="schema.json", **more)).view("t").drop("_filename", "_index").collect()


def read(bench: Bench, content: str | bytes, uri: str = "raw/a.json", **more: Any) -> list[dict[str, Any]]:
    bench.write(uri, content)
    rows = bench.run(extract(inputURI=uri, **more)).view("t").drop("_filename", "_index").collect()
    return [row.asDict(recursive=True) for row in rows]


def test_each_value_that_does_not_fit_has_a_message_and_the_broken_record_is_kept(bench: Bench) -> None:
    rows = typed(bench, RECORDS, *SCHEMA)
    assert [(row.id, row.amount, row.at) for row in rows] == [
        (1, 2.5, date(2024, 1, 5)),
        (None, 3.5, date(2024, 1, 6)),
        (3, None, None),
        (None, None, None),
        (None, 1.0, date(2024, 1, 8)),
    ]
    assert [[error.field for error in row._errors] for row in rows] == [[], ["id"], ["amount", "at"], ["_corrupt_record"], ["id"]]
    assert rows[1]._errors[0].message.startswith("Unable to convert 'two' to long")
    assert rows[3]._errors[0].message == "This record is not JSON: " + BROKEN


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ({"type": "integer"}, "2147483648", None),
        ({"type": "integer"}, '"12"', 12),
        ({"type": "integer"}, "5.0", 5),
        ({"type": "integer"}, "true", None),
        ({"type": "integer"}, "[1]", None),
        ({"type": "long"}, "9223372036854775807", 9223372036854775807),
        ({"type": "long"}, "9223372036854775808", None),
        ({"type": "long", "formatters": ["#,##0"]}, "1234", 1234),
        ({"type": "long", "formatters": ["#,##0"]}, '"1,234"', 1234),
        ({"type": "double"}, "1e999", None),
        ({"type": "double"}, '"1,5"', None),
        ({"type": "decimal", "precision": 6, "scale": 2}, "12.345", None),
        ({"type": "decimal", "precision": 6, "scale": 2}, "12.340", Decimal("12.34")),
        ({"type": "decimal", "precision": 38, "scale": 19}, "0.1234567890123456789", Decimal("0.1234567890123456789")),
        (
            {"type": "decimal", "precision": 38, "scale": 0},
            "12345678901234567890123456789012345678",
            Decimal("12345678901234567890123456789012345678"),
        ),
        ({"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}, "true", True),
        ({"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}, '"N"', False),
        ({"type": "boolean", "trueValues": ["Y"], "falseValues": ["N"]}, "1", None),
        ({"type": "date", "formatters": ["dd/MM/uuuu"]}, '"05/01/2024"', date(2024, 1, 5)),
        ({"type": "date", "formatters": ["dd/MM/uuuu"]}, '"2024-01-05"', date(2024, 1, 5)),
        ({"type": "date", "formatters": ["dd/MM/uuuu"]}, '"2024-02-30"', None),
        ({"type": "string"}, "12.50", "12.50"),
        ({"type": "string"}, '{"a": [1.10, 2]}', '{"a": [1.10, 2]}'),
        ({"type": "string", "maxLength": 2}, '"abc"', None),
        ({"type": "integer", "nullableValues": ["NA"]}, '"NA"', "null"),
    ],
)
def test_a_value_is_kept_or_told(bench: Bench, column: dict[str, Any], value: str, expected: Any) -> None:
    (row,) = typed(bench, '{"c": ' + value + "}\n", {"name": "c", **column})
    assert row.c == (None if expected == "null" else expected)
    assert len(row._errors) == (1 if expected is None else 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"2024-07-01 12:00:00"', datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ('"2024-07-01T12:00:00.123456Z"', datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ('"2024-07-01T12:00:00+01:00"', datetime(2024, 7, 1, 11, tzinfo=UTC)),
        ("1719835200", datetime(2024, 7, 1, 12, tzinfo=UTC)),
        ("1719835200000", None),
        ('"2024-03-31 02:30:00"', None),
        ('"yesterday"', None),
    ],
)
def test_moments_are_read_in_the_zone_of_the_column(bench: Bench, value: str, expected: datetime | None) -> None:
    column = {"name": "c", "type": "timestamp", "formatters": ["uuuu-MM-dd HH:mm:ss"], "timezoneId": "Europe/Berlin"}
    typed(bench, '{"c": ' + value + "}\n", column)
    (row,) = bench.spark.sql("SELECT unix_micros(c) AS micros, size(_errors) AS errors FROM t").collect()
    assert row.micros == (None if expected is None else round(expected.timestamp() * 1_000_000))
    assert row.errors == (1 if expected is None else 0)


def test_values_inside_objects_and_lists_are_told_with_their_place(bench: Bench) -> None:
    address = {"name": "address", "type": "struct", "fields": [{"name": "zip", "type": "integer", "nullable": True}]}
    items = {"name": "items", "type": "array", "elementType": {"name": "n", "type": "long", "nullable": True}}
    deep = {
        "name": "deep",
        "type": "array",
        "elementType": {
            "name": "e",
            "type": "struct",
            "nullable": True,
            "fields": [{"name": "at", "type": "date", "nullable": True, "formatters": ["uuuu-MM-dd"]}],
        },
    }
    records = [
        {"address": {"zip": 12}, "items": [1, 2], "deep": [{"at": "2024-01-05"}]},
        {"address": {"zip": "x"}, "items": [1, 2.5, "y"], "deep": [{}, {"at": "soon"}]},
        {},
    ]
    content = "\n".join(map(json.dumps, records))
    good, bad, empty = typed(bench, content, address, items, deep)
    assert (good.address.zip, good["items"], good.deep[0].at, good._errors) == (12, [1, 2], date(2024, 1, 5), [])
    assert (bad.address.zip, bad["items"], bad.deep[1].at) == (None, [1, None, None], None)
    assert [error.field for error in bad._errors] == ["address.zip", "items[1]", "items[2]", "deep[1].at"]
    assert (empty.address, empty["items"], empty._errors) == (None, None, [])


def test_an_object_where_the_schema_says_a_list_is_told_and_the_rest_of_the_record_kept(bench: Bench) -> None:
    items = {"name": "items", "type": "array", "elementType": {"name": "n", "type": "long", "nullable": True}}
    (row,) = typed(bench, '{"id": 7, "items": {"a": 1}}\n', {"name": "id", "type": "long"}, items)
    assert (row.id, row["items"]) == (7, None)
    assert [error.field for error in row._errors] == ["_corrupt_record"] and "another shape" in row._errors[0].message


def test_a_missing_key_is_null_and_told_only_where_there_must_be_a_value(bench: Bench) -> None:
    rows = typed(bench, '{"a": null}\n{}\n', {"name": "a", "type": "long"}, {"name": "b", "type": "string", "nullable": False})
    assert [(row.a, row.b, [error.field for error in row._errors]) for row in rows] == [(None, None, ["b"])] * 2


def test_a_schema_also_types_documents_of_several_lines_and_texts_of_a_view(bench: Bench) -> None:
    rows = typed(bench, '[\n {"n": 1},\n {"n": "x"}\n]', {"name": "n", "type": "long"}, multiLine=True)
    assert [(row.n, len(row._errors)) for row in rows] == [(1, 0), (None, 1)]
    lines = {"type": "SQLTransform", "name": "lines", "sql": 'SELECT \'{"n": "x"}\' AS v', "outputView": "lines"}
    read = {"type": "JSONExtract", "name": "read", "outputView": "u", "inputView": "lines", "schemaURI": "schema.json"}
    (row,) = bench.run(lines, read).view("u").collect()
    assert (row.n, len(row._errors)) == (None, 1)


def test_only_a_count_of_typed_json_can_be_asked_for(bench: Bench) -> None:
    typed(bench, RECORDS, *SCHEMA)
    assert bench.spark.sql("SELECT count(*) AS n FROM t").collect()[0].n == 5


# --- without a schema -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ('{"Id":1,"name":"a"}\n{"id":2,"name":"b"}\n', {}),
        ('[{"Id":1,"name":"a"},\n{"id":2,"name":"b"}]', {"multiLine": True}),
    ],
)
def test_keys_of_two_records_that_differ_by_case_are_one_column(bench: Bench, content: str, more: dict[str, Any]) -> None:
    assert read(bench, content, **more) == [{"Id": 1, "name": "a"}, {"Id": 2, "name": "b"}]
    assert [row.id for row in bench.spark.sql("SELECT id FROM t WHERE ID > 0 ORDER BY Id").collect()] == [1, 2]


def test_keys_inside_objects_and_lists_that_differ_by_case_are_one_field(bench: Bench) -> None:
    rows = read(bench, '{"a":{"B":1},"l":[{"X":1},{"x":2}]}\n{"a":{"b":2},"l":[]}\n{"a":null}\n')
    assert rows == [{"a": {"B": 1}, "l": [{"X": 1}, {"X": 2}]}, {"a": {"B": 2}, "l": []}, {"a": None, "l": None}]


def test_a_schema_takes_a_key_however_it_is_spelt(bench: Bench) -> None:
    rows = typed(
        bench, '{"ID":1,"Name":"a"}\n{"id":2,"name":"b"}\n{"Id":"x"}\n', {"name": "id", "type": "long"}, {"name": "name", "type": "string"}
    )
    assert [(row.id, row.name, len(row._errors)) for row in rows] == [(1, "a", 0), (2, "b", 0), (None, None, 1)]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"a":1}\n{"n":1,"tags":{"Team":"x","team":"y"}}\n', "“Team” and “team” in tags, line 2 of raw/a.json"),
        ('{"id":1,"id":2}\n', "“id” twice, line 1 of raw/a.json"),
        ('{"l":[{"a":1},{"a":1,"A":2}]}\n', "“a” and “A” in l[], line 1 of raw/a.json"),
    ],
)
def test_the_same_keys_in_one_object_are_a_problem_with_both_keys_file_and_record(bench: Bench, content: str, found: str) -> None:
    bench.write("raw/a.json", content)
    bench.write("schema.json", '[{"name": "id", "type": "long", "nullable": true}]')
    for stage in (extract(), extract(schemaURI="schema.json")):
        problem = bench.fails(stage)
        assert (problem.code, problem.found) == ("json-same-keys", found)
        assert "sameKeys" in (problem.fix or "")


def test_the_fix_for_the_same_keys_can_be_followed(bench: Bench) -> None:
    rows = read(bench, '{"n":1,"tags":{"Team":"x","team":"y"},"id":1,"id":2}\n', sameKeys="apart")
    assert rows == [{"id": 2, "n": 1, "tags": {"Team": "x", "team_2": "y"}}]
    assert [problem.code for problem in bench.warnings] == ["json-key-twice"]


@pytest.mark.parametrize(("content", "multi"), [('{"a":1}{"a":2}\n', False), ('{"a":1} trailing\n', False), ('[{"a":1}]\n{"a":2}', True)])
def test_what_stands_behind_a_document_is_a_problem(bench: Bench, content: str, multi: bool) -> None:
    bench.write("raw/a.json", content)
    assert bench.fails(extract(multiLine=multi)).code == "input-many-documents"


def test_numbers_are_kept_as_they_are(bench: Bench) -> None:
    content = '{"a":9007199254740993,"b":12345678901234567890,"c":1.5,"d":1234567890123456789012345678901234567890}\n{"a":1,"b":-1,"c":2}\n'
    first, _ = read(bench, content)
    assert first == {"a": 9007199254740993, "b": Decimal("12345678901234567890"), "c": 1.5, "d": "1234567890123456789012345678901234567890"}
    assert bench.warnings == []


@pytest.mark.parametrize("number", ["1e999", "0.1234567890123456789", "1e-400", "12345678901234567.5"])
def test_numbers_that_a_double_does_not_hold_are_told(bench: Bench, number: str) -> None:
    read(bench, '{"n":0.5,"deep":[{"x":' + number + "}]}\n")
    (problem,) = bench.warnings
    assert (problem.code, problem.found) == ("json-digits", "deep[].x (1)")


def test_whole_numbers_beside_fractions_are_told_when_they_lose_digits(bench: Bench) -> None:
    read(bench, '{"n":9007199254740993}\n{"n":0.5}\n')
    assert [problem.found for problem in bench.warnings] == ["n (1)"]


def test_values_of_several_types_stay_as_they_were_written(bench: Bench) -> None:
    bench.write("raw/d/1.json", '{"a":1.50}\n')
    bench.write("raw/d/2.json", '{"a":"x"}\n{"a":{"b":[1,2]}}\n')
    bench.run(extract(inputURI="raw/d"))
    assert sorted(row.a for row in bench.view("t").collect()) == ["1.50", "x", '{"b":[1,2]}']


def test_gzip_and_a_mark_at_the_beginning_change_nothing(bench: Bench) -> None:
    content = '\ufeff{"a":1}\r\n\r\n{"A":2}\r\n'.encode()
    assert read(bench, content) == [{"a": 1}, {"a": 2}]
    assert read(bench, gzip.compress(content), uri="raw/b.json.gz") == [{"a": 1}, {"a": 2}]


def test_what_is_not_finite_is_a_number_again(bench: Bench) -> None:
    rows = read(bench, '{"a":"NaN","b":"Infinity"}\n{"a":1.5,"b":2}\n')
    assert str(rows[0]["a"]) == "nan" and rows[0]["b"] == float("inf")


def test_odd_names_and_empty_objects_are_kept(bench: Bench) -> None:
    (row,) = read(bench, '{"a.b":1,"c d":2,"é":4,"e":{},"f":[]}\n')
    assert row == {"a.b": 1, "c d": 2, "é": 4, "e": "{}", "f": []}


def read_texts(bench: Bench, *texts: str | None, **more: Any) -> list[dict[str, Any]]:
    values = ", ".join("(NULL)" if text is None else f"('{text}')" for text in texts)
    lines = {"type": "SQLTransform", "name": "lines", "sql": f"SELECT string(v) AS v FROM VALUES {values} AS x(v)", "outputView": "lines"}
    bench.run(lines, {"type": "JSONExtract", "name": "read", "outputView": "t", "inputView": "lines", **more})
    return [row.asDict(recursive=True) for row in bench.view("t").drop("_filename", "_index").collect()]


def test_texts_of_a_view_are_read_as_files_are(bench: Bench) -> None:
    assert read_texts(bench, '{"Id":1}', '{"id":2}') == [{"Id": 1}, {"Id": 2}]
    assert read_texts(bench, '{"id":1}', '{"ID":12345678901234567890}', '[{"id":2},{"id":3}]', None) == [
        {"id": 1}, {"id": 12345678901234567890}, {"id": 2}, {"id": 3}, {"id": None},
    ]  # fmt: skip
    assert read_texts(bench, '{"a":1}', '{"A":"x"}', "x") == [
        {"a": "1", "_corrupt_record": None}, {"a": "x", "_corrupt_record": None}, {"a": None, "_corrupt_record": "x"},
    ]  # fmt: skip
    assert read_texts(bench, '{"x":1,"X":"y"}', sameKeys="apart") == [{"x": 1, "X_2": "y"}]
    bench.write("schema.json", json.dumps([{"name": "id", "type": "long", "nullable": True}]))
    assert read_texts(bench, '{"ID":6}', schemaURI="schema.json") == [{"id": 6, "_errors": []}]
    assert bench.warnings == []
    assert read_texts(bench, '{"n":9007199254740993}', '{"n":0.5}')[0] == {"n": 9007199254740992.0}
    assert [(problem.code, problem.found) for problem in bench.warnings] == [("json-digits", "n (1)")]
    assert read_texts(bench, None) == [{}]


@pytest.mark.parametrize(
    ("text", "code", "found"),
    [
        ('{"Id":1,"id":2}', "json-same-keys", "“Id” and “id”, text 2 of lines"),
        ('{"o":[{"a":1,"a":2}]}', "json-same-keys", "“a” twice in o[], text 2 of lines"),
        ('{"id":5}{"id":6}', "input-many-documents", "text 2 of lines"),
        ('{"a":' * 500 + "1" + "}" * 500, "json-deep", None),
    ],
)
def test_what_would_be_lost_of_texts_in_a_view_stops_the_run(bench: Bench, text: str, code: str, found: str | None) -> None:
    with pytest.raises(ProblemError) as caught:
        read_texts(bench, '{"b":1}', text)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field, problem.file) == (code, "inputView", None)
    assert found in (None, problem.found)


@pytest.mark.parametrize("multi", [True, False])
def test_keys_of_one_object_that_differ_by_case_are_read_apart(bench: Bench, multi: bool) -> None:
    content = '[{"x":1,"X":"y","o":{"k":1,"K":2}},{"X":5}]'
    assert read(bench, content, sameKeys="apart", multiLine=multi) == [
        {"o": {"k": 1, "K_2": 2}, "x": 1, "X_2": "y"},
        {"o": None, "x": None, "X_2": "5"},
    ]


def test_a_key_that_is_called_as_a_column_of_ours_keeps_its_values(bench: Bench) -> None:
    (row,) = read(bench, '{"_errors":[{"field":"a"}],"a":1,"b":2}\n')
    assert row == {"_errors": [{"field": "a"}], "a": 1, "b": 2}
    bench.write("raw/a.json", '{"_corrupt_record":"x","a":1}\n')
    assert bench.fails(extract()).code == "reserved-name"


@pytest.mark.parametrize("name", ["_errors", "_Corrupt_Record"])
def test_a_schema_cannot_take_a_name_of_ours(bench: Bench, name: str) -> None:
    bench.write("raw/a.json", '{"a":1}\n')
    bench.write("schema.json", json.dumps([{"name": name, "type": "string", "nullable": True}]))
    assert bench.fails(extract(schemaURI="schema.json")).code == "reserved-name"


@pytest.mark.parametrize("last", ["All", "Σ", "", "West"])
def test_objects_that_sum_up_the_others_are_told(bench: Bench, last: str) -> None:
    rows = [{"region": region, "n": number} for region, number in (("N", 1000), ("S", 2500), ("E", 3001), (last, 6501))]
    bench.write("raw/a.json", "\n".join(map(json.dumps, rows)))
    bench.run(extract())
    bench.write("raw/a.json", json.dumps({"data": rows}))
    bench.run(extract(multiLine=True))
    assert [one.code for one in bench.warnings] == ["input-totals-among-rows"] * 2
    bench.warnings.clear()
    bench.run(extract(multiLine=True, totals="known"))
    bench.write("raw/a.json", json.dumps({"data": [*rows[:-1], {"region": last if last != "All" else "rest", "n": 9001}]}))
    bench.run(extract(multiLine=True))
    assert [one.code for one in bench.warnings] == []
