"""Parameters: declared, given, and put in place once, typed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from executor.language.filling import Filler, inject_sql_params
from executor.language.parameters import Parameter, Value, resolve, typed
from executor.language.quoting import escaped
from tests.executor.documents import check, codes, document, only_problem, sql_stage


def filler(**values: Value) -> Filler:
    return Filler(values, list(values))


def text(value: str) -> Value:
    return Value("string", value)


@pytest.mark.parametrize(
    ("kind", "given", "literal"),
    [
        ("integer", "2013", "2013"),
        ("integer", -5, "(-5)"),
        ("decimal", "12.50", "12.50"),
        ("decimal", "1e3", "1000"),
        ("boolean", "yes", "TRUE"),
        ("boolean", False, "FALSE"),
        ("date", "2026-01-31", "DATE'2026-01-31'"),
        ("timestamp", "2026-01-31T18:00:00", "TIMESTAMP'2026-01-31 18:00:00'"),
        ("string", "O'Brien \\ x", "'O''Brien \\\\ x'"),
        ("identifier", "dep_delay", "dep_delay"),
    ],
)
def test_outside_quotes_a_value_becomes_a_literal_of_its_type(kind: Any, given: Any, literal: str) -> None:
    value = typed(Parameter(type=kind), given)
    assert filler(x=value).sql("SELECT ${x}", "sql") == f"SELECT {literal}"


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "20x"),
        ("integer", 1.5),
        ("integer", True),
        ("integer", "9" * 30),
        ("decimal", "much"),
        ("decimal", "Infinity"),
        ("boolean", "perhaps"),
        ("date", "2026-02-30"),
        ("date", "31.1.2026"),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-01-31T18:00:00.123456789Z"),
        ("identifier", "a; DROP TABLE b"),
        ("string", ["a"]),
    ],
)
def test_a_value_of_the_wrong_type_says_what_was_expected(kind: Any, given: Any) -> None:
    values, problems = resolve({"x": Parameter(type=kind)}, {"x": given})
    assert [problem.code for problem in problems] == ["parameter-wrong-type"]
    assert problems[0].expected and "x" not in values


def test_inside_a_string_the_value_is_escaped_text() -> None:
    put = filler(x=text('it\'s "so" \\n')).sql
    assert put("'a ${x} b'", "sql") == "'a it''s \"so\" \\\\n b'"
    assert put('"${x}"', "sql") == '"it\'s ""so"" \\\\n"'


def test_a_value_cannot_leave_its_string() -> None:
    evil = "' OR 1=1 -- "
    assert filler(x=text(evil)).sql("WHERE a = '${x}'", "sql") == "WHERE a = ''' OR 1=1 -- '"
    assert filler(x=text(evil)).sql("WHERE a = ${x}", "sql") == "WHERE a = ''' OR 1=1 -- '"


def test_a_value_cannot_leave_its_comment() -> None:
    assert filler(x=text("\nDROP")).sql("SELECT 1 -- ${x}", "sql") == "SELECT 1 --  DROP"
    assert filler(x=text("*/ DROP")).sql("SELECT 1 /* ${x} */", "sql") == "SELECT 1 /*    DROP */"


def test_a_value_cannot_leave_its_back_ticks() -> None:
    assert filler(x=text("a` b")).sql("SELECT `${x}`", "sql") == "SELECT `a`` b`"


def test_a_raw_string_cannot_hold_a_quote() -> None:
    fill = filler(x=text("it's"))
    fill.sql("SELECT r'${x}'", "sql")
    assert [problem.code for problem in fill.problems] == ["parameter-in-raw-string"]


def test_a_value_never_becomes_part_of_a_prefix() -> None:
    assert filler(x=text("\\")).sql("SELECT r${x}", "sql") == "SELECT r '\\\\'"


@pytest.mark.parametrize(
    ("given", "digits"),
    [("9" * 39, 39), ("0." + "0" * 38 + "1", 39), ("-" + "1" * 30 + "." + "2" * 9, 39), ("1e38", 39), ("1E-39", 39), ("1e999999", 1000000)],
)
def test_a_decimal_of_more_digits_than_spark_keeps_is_told_with_their_number(given: str, digits: int) -> None:
    _, (problem,) = resolve({"x": Parameter(type="decimal")}, {"x": given})
    assert problem.expected == f"a number of at most 38 digits, before and behind the point together; this one has {digits:,}"


@pytest.mark.parametrize("given", ["9" * 38, "-" + "9" * 38, "0." + "9" * 38, "1e37", "1E-38", "0", "0.000", "-0.5", "00012.50"])
def test_a_decimal_that_spark_keeps_is_taken(given: str) -> None:
    values, problems = resolve({"x": Parameter(type="decimal")}, {"x": given})
    assert (problems, values["x"].python) == ([], Decimal(given))


def test_a_whole_number_that_is_too_long_says_what_to_do() -> None:
    for given in ("9223372036854775808", "-9223372036854775808", "9" * 300):
        _, (problem,) = resolve({"x": Parameter(type="integer")}, {"x": given})
        assert str(problem.expected).startswith("a whole number of at most 9,223,372,036,854,775,807; for longer ones")


def test_a_value_is_not_searched_for_placeholders_again() -> None:
    for sql in ("'${x}'", "${x}", '"${x}"'):
        assert filler(x=text("${y}"), y=text("secret")).sql(sql, "sql")[1:-1] == "\\u0024{y}"
        for value in ("${y}", "${x}", "a ${ b", "${{y}}"):
            assert codes(document(sql_stage(sql=f"SELECT {sql}"), parameters={"x": {}}), parameters={"x": value}) == []
    assert codes(document(sql_stage(sql="SELECT r'${x}'"), parameters={"x": {}}), parameters={"x": "${y}"})[0] == "parameter-in-raw-string"


def test_outside_sql_a_lone_placeholder_becomes_the_typed_value() -> None:
    fill = filler(n=Value("integer", 4), day=text("monday"))
    assert fill.value({"a": "${n}", "b": ["raw/${day}/${n}.csv"], "c": "${day}"}, "field") == {
        "a": 4,
        "b": ["raw/monday/4.csv"],
        "c": "monday",
    }


def test_blanks_around_a_name_are_allowed() -> None:
    assert filler(n=Value("integer", 4)).sql("SELECT ${ n }", "sql") == "SELECT 4"


def test_the_environment_and_the_run_are_always_there() -> None:
    stage = sql_stage(sql="SELECT '${environment}' AS e, ${run_id} AS r")
    assert check(document(stage), environment="test") == []


# --- declarations ---------------------------------------------------------------------------------------------------------

YEAR = {"year": {"type": "integer"}}
USES_YEAR = sql_stage(sql="SELECT ${year} AS y")


def test_a_missing_parameter_is_told_only_when_a_run_is_at_hand() -> None:
    assert check(document(USES_YEAR, parameters=YEAR)) == []
    problem = only_problem(document(USES_YEAR, parameters=YEAR), parameters={})
    assert (problem.code, problem.field) == ("parameter-missing", "parameters.year")


def test_a_misspelt_parameter_is_told_with_the_nearest() -> None:
    problem = only_problem(document(USES_YEAR, parameters=YEAR), parameters={"year": 2013, "yaer": 2014})
    assert (problem.code, problem.fix) == ("parameter-unknown", "Did you mean “year”?")


def test_a_placeholder_that_is_misspelt_is_told_with_the_nearest() -> None:
    problems = check(document(sql_stage(sql="SELECT ${yaer}"), parameters=YEAR))
    assert [problem.code for problem in problems] == ["parameter-unused", "parameter-undeclared"]
    assert problems[1].fix == "Did you mean “year”?"


def test_a_value_of_the_wrong_type_is_told_with_what_was_found() -> None:
    problem = only_problem(document(USES_YEAR, parameters=YEAR), parameters={"year": "next"})
    assert (problem.found, problem.expected) == ("'next'", "a whole number, for instance 2013")


def test_a_default_of_the_wrong_type_is_told_at_the_default() -> None:
    problem = only_problem(document(USES_YEAR, parameters={"year": {"type": "integer", "default": "x"}}))
    assert problem.field == "parameters.year.default"


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ({"year": {"type": "intger"}}, "value-not-allowed"),
        ({"year": {"typ": "integer"}}, "field-unknown"),
        ({"year": 2013}, "value-wrong-type"),
        ({"run_id": {}}, "parameter-reserved"),
        ({"1st": {}}, "parameter-name"),
    ],
)
def test_a_wrong_declaration_is_told(declared: dict[str, Any], code: str) -> None:
    assert code in codes(document(sql_stage(sql="SELECT 1 AS y /* ${year} ${run_id} */"), parameters=declared))


def test_a_parameter_that_nothing_uses_is_told() -> None:
    problem = only_problem(document(sql_stage(), parameters=YEAR))
    assert (problem.code, problem.field) == ("parameter-unused", "parameters.year")


def test_only_the_choices_are_allowed() -> None:
    declared = {"year": {"type": "integer", "choices": [2013, 2014]}}
    assert check(document(USES_YEAR, parameters=declared), parameters={"year": "2014"}) == []
    problem = only_problem(document(USES_YEAR, parameters=declared), parameters={"year": 2015})
    assert problem.expected == "one of 2013, 2014"


# --- Arc's sqlParams ------------------------------------------------------------------------------------------------------


def test_sql_params_are_put_in_as_they_stand() -> None:
    assert inject_sql_params("SELECT '${a}', ${ b }, ${c=old}", {"a": "x$1\\", "b": "1 + 1", "c": "2"}) == ("SELECT 'x$1\\', 1 + 1, 2", [])


def test_a_sql_param_without_a_place_is_told() -> None:
    problem = only_problem(document(sql_stage(sqlParams={"day": "1"})))
    assert (problem.code, problem.field) == ("sql-parameter-unused", "sqlParams")


def test_a_place_without_a_sql_param_is_told() -> None:
    assert codes(document(sql_stage(sql="SELECT ${a}, ${b}", sqlParams={"a": "1"}))) == ["parameter-undeclared"]


def test_a_sql_param_may_carry_a_parameter_of_the_job() -> None:
    stage = sql_stage(sql="SELECT * FROM range(${n})", sqlParams={"n": "${year}"})
    assert check(document(stage, parameters={"year": {"type": "integer", "default": 3}})) == []


def test_what_a_sql_param_brings_is_looked_at_again() -> None:
    assert codes(document(sql_stage(sql="SELECT ${a}", sqlParams={"a": "1; DROP TABLE x"}))) == ["sql-two-statements"]


def test_escaping_doubles_what_could_end_the_string() -> None:
    assert escaped("a'b\\'", "'") == "a''b\\\\''"
