"""The gate lets queries over the job's views through and refuses everything else.

The statements below are of the kinds described in the security design: files, commands, reflection, programs, configuration, other
sessions, scripts, other places to read from. Each is tried as it stands and in other clothes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from executor.gate.functions import function_list, registry
from executor.gate.sql_gate import Gate
from executor.problems import ProblemError
from tests.executor.sql_corpus import ATTACKS, COMMANDS, FILES, GOOD, INSIDE_INFORMATION, OPTIONS_THAT_READ, PROGRAMS, REFLECTION, VIEWS

pytestmark = pytest.mark.spark


def nested_in_cte(sql: str) -> str:
    return f"WITH outer_one AS ({sql}) SELECT * FROM outer_one"


def in_odd_case(sql: str) -> str:
    """Letters alternate, but not inside quotes."""
    parts = re.split(r"('[^']*'|`[^`]*`|\"[^\"]*\")", sql)
    return "".join(
        part if index % 2 else "".join(sign.upper() if n % 2 else sign.lower() for n, sign in enumerate(part))
        for index, part in enumerate(parts)
    )


def with_comments(sql: str) -> str:
    parts = re.split(r"('[^']*'|`[^`]*`|\"[^\"]*\")", sql)
    return "".join(part if index % 2 else part.replace(" ", "/* a */ --b\n ") for index, part in enumerate(parts))


def in_subquery(sql: str) -> str:
    return f"SELECT * FROM flights WHERE 1 IN (SELECT 1 FROM ({sql}) AS x)"


def mutations() -> Iterator[str]:
    for sql in [*FILES, *REFLECTION, *PROGRAMS, *COMMANDS, *INSIDE_INFORMATION, *OPTIONS_THAT_READ]:
        yield from (change(sql) for change in (nested_in_cte, in_odd_case, with_comments, in_subquery))


@pytest.fixture
def gate(spark: SparkSession) -> Gate:
    spark.sql("SELECT 'JFK' AS origin, 5 AS delay, DATE '2013-01-01' AS day").createOrReplaceTempView("flights")
    spark.sql("SELECT 'JFK' AS origin, 20.5 AS temp").createOrReplaceTempView("weather")
    spark.sql("SELECT array(1, 2) AS list, map('a', 1) AS pairs, struct(1 AS a) AS part").createOrReplaceTempView("nested")
    return Gate(spark)


def test_every_attack_is_refused(gate: Gate) -> None:
    assert len(set(ATTACKS)) >= 180
    assert [sql[:200] for sql in ATTACKS if not gate.check(sql, VIEWS).problems] == []


def test_attacks_in_other_clothes_are_refused(gate: Gate) -> None:
    changed = list(mutations())
    assert len(changed) >= 600
    assert [sql[:200] for sql in changed if not gate.check(sql, VIEWS).problems] == []


def test_every_refusal_says_what_is_wrong(gate: Gate) -> None:
    for sql in ATTACKS:
        for problem in gate.check(sql, VIEWS).problems:
            assert problem.code and problem.message.endswith((".", "…", "?")), (sql[:100], problem)
            assert problem.field == "sql"


def test_no_legitimate_query_is_refused(gate: Gate) -> None:
    assert len(GOOD) >= 60
    refused = [(sql, [(p.message, p.found) for p in problems]) for sql in GOOD if (problems := gate.check(sql, VIEWS).problems)]
    assert refused == []


def test_legitimate_queries_also_pass_the_look_at_the_analysed_plan(gate: Gate) -> None:
    refused = []
    for sql in GOOD:
        try:
            gate.query(sql, VIEWS)
        except ProblemError as error:
            refused.append((sql, error.problems[0].message, error.problems[0].detail))
    assert refused == []


def test_the_analysed_plan_alone_refuses_what_reads_from_elsewhere(spark: SparkSession, gate: Gate) -> None:
    def look(sql: str) -> str:
        analysed = spark.sql(sql)._jdf.queryExecution().analyzed()
        return str(spark._jvm.sluice.PlanGate.check(analysed, "\n".join(VIEWS)))

    assert look("SELECT * FROM flights") == ""
    assert look("SELECT reflect('java.lang.System', 'getenv', 'HOME')") == "CallMethodViaReflection"
    assert look("SELECT * FROM flights WHERE EXISTS (SELECT try_reflect('java.lang.System', 'getenv', 'HOME'))") == "TryReflect"
    assert look("SELECT input_file_name() FROM flights") == "InputFileName"
    assert look("SELECT current_user") == "CurrentUser"
    assert look("SELECT from_xml('<r/>', 'a INT', map('ROWVALIDATIONXSDPATH', '/etc/passwd'))") == "rowValidationXSDPath"
    spark.sql("SELECT 1 AS a").createOrReplaceTempView("of_nobody")
    assert look("SELECT * FROM of_nobody") == "View"


def test_a_refusal_points_to_the_place(gate: Gate) -> None:
    (problem,) = gate.check("SELECT origin,\n       sume(delay)\nFROM flights", VIEWS).problems
    assert (problem.line, problem.column) == (2, 8)
    assert problem.fix == "Did you mean “sum”?"
    (problem,) = gate.check("SELECT *\nFROM flihgts", VIEWS).problems
    assert (problem.line, problem.column, problem.fix) == (2, 6, "Did you mean “flights”?")


def test_an_option_that_is_refused_is_named(gate: Gate) -> None:
    (problem,) = gate.check("SELECT from_json(origin, 'a DATE', map('dateFormatt', 'dd')) FROM flights", VIEWS).problems
    assert (problem.message, problem.fix) == (
        "The option “dateFormatt” of from_json is not available here.",
        "Did you mean “dateFormat”?",
    )
    (problem,) = gate.check("SELECT from_json(origin, 'a INT', map(origin, 'x')) FROM flights", VIEWS).problems
    assert problem.message == "The options of from_json must be written out as text."


def test_all_mistakes_of_a_query_are_said_at_once(gate: Gate) -> None:
    problems = gate.check("SELECT reflect('a', 'b'), sume(delay) FROM nowhere", VIEWS).problems
    assert [problem.found for problem in problems] == ["reflect", "sume", "nowhere"] or {p.found for p in problems} == {
        "reflect",
        "sume",
        "nowhere",
    }


def test_the_views_of_a_query_are_known_exactly(gate: Gate) -> None:
    verdict = gate.check("WITH w AS (SELECT * FROM weather) SELECT * FROM flights JOIN w USING (origin)", VIEWS)
    assert verdict.views == ["weather", "flights", "w"]


def test_the_list_of_functions_is_that_of_the_installed_spark(spark: SparkSession) -> None:
    functions, tables = registry(spark)
    known = function_list()
    assert known.allowed | set(known.refused) == functions
    assert known.table_functions | set(known.refused_table_functions) == tables
    assert not known.allowed & set(known.refused)


def test_functions_that_reach_out_are_on_no_list_of_allowed_ones() -> None:
    known = function_list()
    for name in ("reflect", "java_method", "try_reflect", "input_file_name", "current_user", "from_avro", "xpath", "version"):
        assert name in known.refused and name not in known.allowed
