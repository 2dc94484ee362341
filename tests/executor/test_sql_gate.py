"""The gate lets queries over the job's views through and refuses everything else.

The statements below are of the kinds described in the security design: files, commands, reflection, programs, configuration, other
sessions, scripts, other places to read from. Each is tried as it stands and in other clothes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from executor.gate_functions import function_list, registry
from executor.problems import ProblemError
from executor.sql_gate import Gate

pytestmark = pytest.mark.spark

VIEWS = ["flights", "weather", "nested"]

FILES = [
    "SELECT * FROM csv.`/etc/passwd`",
    "SELECT * FROM text.`file:///etc/passwd`",
    "SELECT * FROM binaryFile.`/etc/hostname`",
    "SELECT * FROM text.`/etc/*`",
    "SELECT * FROM parquet.`/lake/secret`",
    "SELECT * FROM json.`/proc/self/environ`",
    "SELECT * FROM orc.`/tmp/x`",
    "SELECT * FROM xml.`/tmp/x`",
    "SELECT * FROM `org.apache.spark.sql.execution.datasources.text.TextFileFormat`.`/etc/passwd`",
    "SELECT * FROM `text`.`/etc/passwd`",
    "SELECT * FROM /* a */ text /* b */ . /* c */ `/etc/passwd`",
    "SELECT (SELECT first(value) FROM text.`/etc/passwd`)",
    "SELECT * FROM flights WHERE EXISTS (SELECT 1 FROM text.`/etc/passwd`)",
    "SELECT * FROM flights WHERE origin IN (SELECT value FROM text.`/etc/passwd`)",
    "SELECT * FROM flights, LATERAL (SELECT * FROM text.`/etc/passwd`)",
    "SELECT * FROM flights JOIN text.`/etc/passwd` t ON t.value = flights.origin",
    "SELECT * FROM flights UNION ALL SELECT value, 1, 1 FROM text.`/etc/passwd`",
    "TABLE text.`/etc/passwd`",
    "FROM text.`/etc/passwd` SELECT *",
    "FROM text.`/etc/passwd` |> SELECT value",
    "FROM flights |> UNION ALL (SELECT * FROM text.`/etc/passwd`)",
    "SELECT * FROM STREAM(text.`/etc/passwd`)",
    "SELECT * FROM STREAM text.`/etc/passwd`",
    "SELECT * FROM text.`webhdfs://127.0.0.1:1/x`",
    "SELECT * FROM text.`hdfs://127.0.0.1:1/x`",
    "SELECT * FROM text.`ftp://127.0.0.1/x`",
    "SELECT * FROM text.`http://169.254.169.254/latest/meta-data`",
    "SELECT * FROM IDENTIFIER('text.`/etc/passwd`')",
    "SELECT * FROM IDENTIFIER('te' || 'xt.`/etc/passwd`')",
    "SELECT * FROM IDENTIFIER(concat('fli', 'ghts'))",
    "SELECT * FROM VALUES (1), (2) AS t(a) WHERE a = (SELECT count(*) FROM csv.`/etc/passwd`)",
    "SELECT * FROM flights VERSION AS OF 1",
    "SELECT * FROM flights TIMESTAMP AS OF '2020-01-01'",
    "SELECT * FROM flights WITH (`path` = '/etc/passwd')",
]
OTHER_CATALOGS = [
    "SELECT * FROM global_temp.x",
    "SELECT * FROM default.flights",
    "SELECT * FROM spark_catalog.default.flights",
    "SELECT * FROM system.information_schema.tables",
    "SELECT * FROM session.flights",
    "SELECT * FROM no_such_view",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "SELECT * FROM (WITH inner_one AS (SELECT 1) SELECT * FROM inner_one) x, inner_one",
    "WITH a AS (WITH hidden AS (SELECT 1) SELECT * FROM hidden) SELECT * FROM hidden",
]
REFLECTION = [
    "SELECT reflect('java.lang.System', 'getenv', 'HOME')",
    "SELECT java_method('java.lang.System', 'getProperty', 'user.home')",
    "SELECT try_reflect('java.lang.System', 'getenv', 'HOME')",
    "SELECT `reflect`('java.lang.System', 'getenv', 'HOME')",
    "SELECT reflect /* c */ ('java.lang.System', 'getenv', 'HOME')",
    "SELECT builtin.reflect('java.lang.System', 'getenv', 'HOME')",
    "SELECT system.builtin.reflect('java.lang.System', 'getenv', 'HOME')",
    "SELECT * FROM flights WHERE reflect('java.lang.System', 'getenv', origin) IS NOT NULL",
    "SELECT * FROM flights ORDER BY reflect('java.lang.System', 'getenv', origin)",
    "SELECT transform(array('HOME'), x -> reflect('java.lang.System', 'getenv', x))",
    "SELECT aggregate(array('HOME'), '', (a, x) -> reflect('java.lang.System', 'getenv', x))",
    "SELECT max(reflect('java.lang.System', 'getenv', origin)) OVER (PARTITION BY origin) FROM flights",
    "SELECT CASE WHEN reflect('java.lang.System', 'getenv', 'X') IS NULL THEN 1 END",
    "SELECT origin FROM flights GROUP BY origin HAVING reflect('java.lang.System', 'getenv', origin) > ''",
    "SELECT reflect('java.lang.System', 'exit', 0)",
    "SELECT reflect('javax.naming.InitialContext', 'doLookup', 'ldap://127.0.0.1/x')",
    "SELECT IDENTIFIER('ref' || 'lect')('java.lang.System', 'getenv', 'HOME')",
    "SELECT IDENTIFIER('reflect')('java.lang.System', 'getenv', 'HOME')",
    "FROM flights |> EXTEND reflect('java.lang.System', 'getenv', 'HOME') AS x",
    "FROM flights |> SET origin = reflect('java.lang.System', 'getenv', 'HOME')",
    "FROM flights |> AGGREGATE max(reflect('java.lang.System', 'getenv', 'HOME'))",
    "SELECT * FROM flights LATERAL VIEW explode(array(reflect('java.lang.System', 'getenv', 'HOME'))) t AS x",
    "SELECT * FROM explode(array(reflect('java.lang.System', 'getenv', 'HOME')))",
    "SELECT * FROM VALUES (reflect('java.lang.System', 'getenv', 'HOME'))",
    "SELECT * FROM flights PIVOT (max(reflect('java.lang.System', 'getenv', origin)) FOR delay IN (1, 2))",
    "SELECT named_struct('a', reflect('java.lang.System', 'getenv', 'HOME')).a",
    "SELECT * FROM flights f JOIN weather w ON reflect('java.lang.System', 'getenv', f.origin) = w.origin",
    "SELECT count(*) FILTER (WHERE reflect('java.lang.System', 'getenv', 'X') IS NULL) FROM flights",
    "SELECT * FROM flights LIMIT length(reflect('java.lang.System', 'getenv', 'HOME'))",
    "SELECT * FROM flights DISTRIBUTE BY reflect('java.lang.System', 'getenv', origin)",
    "SELECT (SELECT reflect('java.lang.System', 'getenv', 'HOME'))",
]
INSIDE_INFORMATION = [
    "SELECT input_file_name() FROM flights",
    "SELECT input_file_block_start() FROM flights",
    "SELECT current_user()",
    "SELECT user()",
    "SELECT session_user()",
    "SELECT version()",
    "SELECT current_catalog()",
    "SELECT current_database()",
    "SELECT xpath('<a/>', '/a')",
    "SELECT xpath_string('<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>', '/a')",
    "SELECT from_avro(X'00', '{}')",
    "SELECT from_protobuf(X'00', 'M', '/etc/passwd')",
    "SELECT * FROM python_worker_logs()",
    "SELECT * FROM sql_keywords()",
    "SELECT * FROM read_files('/etc/passwd')",
    "SELECT no_such_function(1)",
]
PROGRAMS = [
    "SELECT TRANSFORM (origin) USING 'sh -c id' AS (x) FROM flights",
    "SELECT TRANSFORM (origin) ROW FORMAT DELIMITED USING 'cat' FROM flights",
    "FROM flights MAP origin USING 'sh -c id' AS x",
    "FROM flights REDUCE origin USING 'sh -c id' AS x",
    "SELECT * FROM (SELECT TRANSFORM (origin) USING 'cat' AS (x) FROM flights)",
    "WITH t AS (SELECT TRANSFORM (origin) USING 'cat' AS (x) FROM flights) SELECT * FROM t",
]
COMMANDS = [
    "SET",
    "SET -v",
    "SET spark.sql.runSQLOnFiles=true",
    "SET spark.sql.catalog.evil=org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    "SET TIME ZONE 'UTC'",
    "RESET",
    "ADD JAR 'http://127.0.0.1/x.jar'",
    "ADD FILE '/etc/passwd'",
    "ADD ARCHIVE '/tmp/none.zip'",
    "LIST JARS",
    "CREATE FUNCTION f AS 'x.Y' USING JAR '/tmp/x.jar'",
    "CREATE TEMPORARY FUNCTION f AS 'x.Y'",
    "CREATE FUNCTION f() RETURNS STRING RETURN reflect('java.lang.System', 'getenv', 'HOME')",
    "CREATE TEMPORARY FUNCTION f() RETURNS INT RETURN 1",
    "CREATE TEMPORARY VIEW v USING text OPTIONS (path '/etc/passwd')",
    "CREATE TEMPORARY VIEW v AS SELECT 1",
    "CREATE OR REPLACE GLOBAL TEMPORARY VIEW v AS SELECT 1",
    "CREATE TEMPORARY VIEW v USING jdbc OPTIONS (url 'jdbc:derby:memory:x;create=true', dbtable 't')",
    "CREATE TABLE t (a INT) USING parquet LOCATION '/tmp/x'",
    "CREATE TABLE t AS SELECT * FROM flights",
    "CREATE DATABASE d LOCATION '/tmp/x'",
    "CACHE TABLE c AS SELECT 1",
    "CACHE TABLE flights",
    "UNCACHE TABLE flights",
    "CLEAR CACHE",
    "REFRESH '/etc'",
    "REFRESH TABLE flights",
    "INSERT INTO flights SELECT * FROM flights",
    "INSERT OVERWRITE DIRECTORY '/tmp/x' USING csv SELECT * FROM flights",
    "WITH t AS (SELECT 1) INSERT OVERWRITE DIRECTORY '/tmp/x' USING csv SELECT * FROM t",
    "FROM flights INSERT OVERWRITE DIRECTORY '/tmp/x' USING csv SELECT *",
    "INSERT OVERWRITE LOCAL DIRECTORY '/tmp/x' SELECT 1",
    "DELETE FROM flights",
    "UPDATE flights SET origin = 'x'",
    "MERGE INTO flights USING weather ON true WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE flights",
    "DROP VIEW flights",
    "DROP TABLE flights",
    "ALTER VIEW flights AS SELECT 1",
    "ANALYZE TABLE flights COMPUTE STATISTICS",
    "EXPLAIN SELECT * FROM flights",
    "EXPLAIN EXTENDED SELECT * FROM flights",
    "SHOW TABLES",
    "SHOW DATABASES",
    "SHOW FUNCTIONS",
    "SHOW CREATE TABLE flights",
    "SHOW COLUMNS IN flights",
    "DESCRIBE flights",
    "DESCRIBE FUNCTION EXTENDED reflect",
    "DESCRIBE QUERY SELECT * FROM flights",
    "USE default",
    "USE CATALOG spark_catalog",
    "LOAD DATA INPATH '/etc/passwd' INTO TABLE flights",
    "MSCK REPAIR TABLE flights",
    "CALL system.something()",
    "COMMENT ON TABLE flights IS 'x'",
    "DECLARE VARIABLE x INT DEFAULT 1",
    "SET VAR x = 1",
    "DROP TEMPORARY VARIABLE x",
    "EXECUTE IMMEDIATE 'SEL' || 'ECT 1'",
    "EXECUTE IMMEDIATE 'SELECT * FROM text.`/etc/passwd`'",
    "BEGIN SELECT 1; END",
    "BEGIN WHILE 1 = 1 DO SELECT 1; END WHILE; END",
    "BEGIN DECLARE x INT; SET x = 1; SELECT x; END",
]
PLACEHOLDERS = [
    "SELECT '${env:HOME}'",
    "SELECT '${system:sun.java.command}'",
    "SELECT '${spark.app.name}'",
    "SELECT ${hiveconf:x}",
    "SELECT * FROM ${env:HOME}",
    "SELECT `${env:HOME}` FROM flights",
    "SELECT 1 -- ${env:HOME}\n, '${x'",
    "SELECT :x",
    "SELECT ?",
]
SEVERAL = [
    "SELECT 1; DROP VIEW flights",
    "SELECT 1;; SELECT 2",
    "SELECT 1; SELECT 2;",
    "SELECT /* ; */ 1; SET x=1",
]
TOO_MUCH = [
    "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
    "SELECT " + "(" * 300 + "1" + ")" * 300,
    "SELECT " + "CASE WHEN true THEN " * 200 + "1" + " END" * 200,
    "SELECT " + "1 + " * 40_000 + "1",
    "SELECT explode(sequence(1, 100000000))",
    "SELECT repeat('x', 2147483647)",
    "SELECT space(2000000000)",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT array_repeat(1, 100000000)",
    "SELECT count(*) FROM range(1000000000000000)",
    "SELECT count(*) FROM range(0, 1000000000000000)",
]
NONSENSE = [
    "",
    "   ",
    "-- only a comment",
    ";",
    "hello",
    "SELECT",
    "SELECT * FORM flights",
    "SELECT 'unclosed FROM flights",
    "SELECT * FROM flights -- ok\n\x00",
    "SELECT /*+ NO_SUCH_HINT(flights) */ * FROM flights",
]
ATTACKS = [*FILES, *OTHER_CATALOGS, *REFLECTION, *INSIDE_INFORMATION, *PROGRAMS, *COMMANDS, *PLACEHOLDERS, *SEVERAL, *TOO_MUCH, *NONSENSE]

GOOD = [
    "WITH t AS (SELECT * FROM IDENTIFIER('flights')) SELECT * FROM t",  # the parser puts the name in its place; it is judged like any name
    "SELECT 1",
    "SELECT * FROM flights",
    "SELECT * FROM Flights",
    "SELECT * FROM `flights`",
    "TABLE flights",
    "SELECT origin, count(*) AS n FROM flights GROUP BY origin HAVING count(*) > 1 ORDER BY n DESC NULLS LAST LIMIT 10 OFFSET 2",
    "SELECT origin, avg(delay) FROM flights GROUP BY ALL ORDER BY ALL",
    "SELECT origin, sum(delay) FROM flights GROUP BY ROLLUP (origin)",
    "SELECT origin, sum(delay), grouping_id() FROM flights GROUP BY CUBE (origin, day)",
    "SELECT origin, day, sum(delay) FROM flights GROUP BY GROUPING SETS ((origin), (day), ())",
    "SELECT DISTINCT origin FROM flights",
    "SELECT count(DISTINCT origin), approx_count_distinct(origin) FROM flights",
    "SELECT f.*, w.temp FROM flights f JOIN weather w ON f.origin = w.origin",
    "SELECT * FROM flights f LEFT JOIN weather w USING (origin)",
    "SELECT * FROM flights NATURAL JOIN weather",
    "SELECT * FROM flights CROSS JOIN weather",
    "SELECT * FROM flights f FULL OUTER JOIN weather w ON f.origin <=> w.origin",
    "SELECT * FROM flights f LEFT SEMI JOIN weather w ON f.origin = w.origin",
    "SELECT * FROM flights f LEFT ANTI JOIN weather w ON f.origin = w.origin",
    "SELECT * FROM flights f RIGHT JOIN weather w ON f.origin = w.origin AND f.delay BETWEEN 1 AND 10",
    "SELECT origin FROM flights UNION SELECT origin FROM weather",
    "SELECT origin FROM flights INTERSECT SELECT origin FROM weather",
    "SELECT origin FROM flights EXCEPT ALL SELECT origin FROM weather",
    "WITH busy AS (SELECT origin, count(*) n FROM flights GROUP BY 1), top (o, n) AS (SELECT * FROM busy WHERE n > 1) SELECT * FROM top JOIN busy ON o = origin",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT * FROM t",
    "WITH flights AS (SELECT * FROM flights WHERE delay > 0) SELECT * FROM flights",
    "SELECT row_number() OVER (PARTITION BY origin ORDER BY delay DESC) AS r, lag(delay, 1) OVER w, sum(delay) OVER (ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM flights WINDOW w AS (PARTITION BY origin ORDER BY day)",
    "SELECT * FROM flights QUALIFY row_number() OVER (PARTITION BY origin ORDER BY delay) = 1",
    "SELECT sum(delay) OVER (ORDER BY day RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) FROM flights",
    "SELECT * FROM (SELECT origin, day, delay FROM flights) PIVOT (sum(delay) AS s FOR origin IN ('JFK' AS jfk, 'EWR'))",
    "SELECT * FROM (SELECT 1 AS a, 2 AS b) UNPIVOT (v FOR k IN (a, b))",
    "SELECT transform(list, x -> x + 1), filter(list, (x, i) -> i > 0), aggregate(list, 0, (a, x) -> a + x, a -> a * 2) FROM nested",
    "SELECT exists(list, x -> x > 1), map_filter(pairs, (k, v) -> v > 1), zip_with(list, list, (x, y) -> x + y) FROM nested",
    "SELECT explode(list) FROM nested",
    "SELECT * FROM nested LATERAL VIEW OUTER explode(list) t AS item",
    "SELECT n.part.a, t.col FROM nested n, LATERAL explode(n.list) AS t",
    "SELECT * FROM nested, LATERAL (SELECT sum(x) FROM explode(list) AS e(x))",
    "SELECT * FROM VALUES (1, 'a'), (2, 'b') AS t(id, name)",
    "SELECT * FROM range(10)",
    "SELECT * FROM explode(array(1, 2, 3))",
    "SELECT from_json('{\"a\":1}', 'a INT').a, to_json(named_struct('a', 1)), get_json_object('{}', '$.a')",
    "SELECT parse_json('{\"a\":{\"b\":1}}'):a.b::int",
    "SELECT CAST('1' AS INT), try_cast('x' AS INT), '2'::int, DATE '2013-01-01', TIMESTAMP '2013-01-01 00:00:00', INTERVAL '1' DAY, X'00ff', 1.5BD, 1e3, 2Y, 3S, 4L",
    "SELECT CASE WHEN delay > 10 THEN 'late' WHEN delay IS NULL THEN NULL ELSE 'ok' END, CASE origin WHEN 'JFK' THEN 1 END, if(delay > 0, 1, 0), coalesce(delay, 0), nullif(delay, 0) FROM flights",
    "SELECT * FROM flights WHERE origin IN ('JFK', 'EWR') AND origin NOT IN (SELECT origin FROM weather WHERE origin IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM weather w WHERE w.origin = flights.origin)",
    "SELECT * FROM flights WHERE origin LIKE 'J%' OR origin ILIKE '%k' OR origin RLIKE '^E' OR origin LIKE ANY ('a%', 'b%') OR origin LIKE ALL ('a%') OR origin NOT LIKE ALL ('a%')",
    "SELECT (SELECT max(temp) FROM weather w WHERE w.origin = f.origin) FROM flights f",
    "SELECT extract(YEAR FROM day), date_trunc('MONTH', day), date_add(day, 1), day + INTERVAL 1 MONTH, datediff(DAY, day, current_date()), current_timestamp, timestampadd(HOUR, 1, current_timestamp()) FROM flights",
    "SELECT substring(origin FROM 1 FOR 2), trim(BOTH 'x' FROM origin), position('a' IN origin), overlay(origin PLACING 'x' FROM 1), origin || '-' || upper(origin) FROM flights",
    "SELECT -delay, +delay, ~1, 5 & 3, 5 | 3, 5 ^ 3, 7 DIV 2, 7 % 2, 1 << 2, 8 >> 1, NOT true, 1 = 1, 1 != 2, 1 <> 2, 1 == 1 FROM flights",
    "SELECT map('a', 1)['a'], array(1, 2)[0], named_struct('x', 1).x, struct(1, 2), map_from_arrays(array('a'), array(1))",
    "SELECT count(*) FILTER (WHERE delay > 10), first(origin IGNORE NULLS), last(origin), any_value(origin), percentile_cont(0.5) WITHIN GROUP (ORDER BY delay), collect_list(origin), max_by(origin, delay) FROM flights",
    "SELECT * EXCEPT (delay) FROM flights",
    "SELECT /*+ BROADCAST(w) */ f.origin FROM flights f JOIN weather w ON f.origin = w.origin",
    "SELECT /*+ REPARTITION(3, origin), COALESCE(1) */ * FROM flights",
    "SELECT * FROM flights DISTRIBUTE BY origin SORT BY delay",
    "SELECT * FROM flights CLUSTER BY origin",
    "SELECT * FROM flights TABLESAMPLE (10 PERCENT)",
    "SELECT * FROM flights TABLESAMPLE (5 ROWS) REPEATABLE (7)",
    "FROM flights |> WHERE delay > 0 |> EXTEND delay * 60 AS seconds |> AGGREGATE sum(seconds) AS s GROUP BY origin |> ORDER BY s |> LIMIT 3",
    "FROM flights |> SELECT origin, delay |> AS f |> JOIN weather w ON f.origin = w.origin |> DROP temp",
    "SELECT 'a text with text.`/etc/passwd` and reflect(1) and ; in it' AS t -- SET x = 1",
    "SELECT /* DROP TABLE flights; */ 1",
    'SELECT "double quoted", \'it\'\'s\', r\'raw\\d\'',
    "SELECT origin AS `from`, delay AS `select` FROM flights",
    "SELECT origin COLLATE UTF8_LCASE FROM flights",
    "SELECT assert_true(delay < 1000), raise_error('x') FROM flights WHERE false",
    "SELECT sequence(1, 10), sequence(20130101, 20131231), sequence(DATE '2013-01-01', DATE '2013-12-31'), repeat('x', 10), lpad(origin, 10, ' ') FROM flights",
    "SELECT 1;",
    "SELECT uuid(), rand(), monotonically_increasing_id(), hash(1), sha2('x', 256), base64(X'00') FROM flights",
    "SELECT max(delay) AS `max(delay)`, min(struct(delay, origin)).origin FROM flights",
    "SELECT session_window(t, '5 minutes').start, count(*) FROM (SELECT TIMESTAMP '2013-01-01' AS t) GROUP BY 1",
    "(SELECT 1) UNION ALL (SELECT 2 ORDER BY 1 LIMIT 1)",
    "SELECT * FROM (flights f JOIN weather w ON f.origin = w.origin)",
    "SELECT inline(array(struct(1, 'a'))) AS (n, s)",
    "SELECT stack(2, 'a', 1, 'b', 2) AS (k, v)",
    "SELECT * FROM flights LIMIT ALL",
    "VALUES (1), (2)",
]


def nested_in_cte(sql: str) -> str:
    return f"WITH outer_one AS ({sql}) SELECT * FROM outer_one"


def in_odd_case(sql: str) -> str:
    """Letters alternate, but not inside quotes."""
    parts = re.split(r"('[^']*'|`[^`]*`|\"[^\"]*\")", sql)
    return "".join(part if index % 2 else "".join(sign.upper() if n % 2 else sign.lower() for n, sign in enumerate(part)) for index, part in enumerate(parts))


def with_comments(sql: str) -> str:
    parts = re.split(r"('[^']*'|`[^`]*`|\"[^\"]*\")", sql)
    return "".join(part if index % 2 else part.replace(" ", "/* a */ --b\n ") for index, part in enumerate(parts))


def in_subquery(sql: str) -> str:
    return f"SELECT * FROM flights WHERE 1 IN (SELECT 1 FROM ({sql}) AS x)"


def mutations() -> Iterator[str]:
    for sql in [*FILES, *REFLECTION, *PROGRAMS, *COMMANDS, *INSIDE_INFORMATION]:
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
    spark.sql("SELECT 1 AS a").createOrReplaceTempView("of_nobody")
    assert look("SELECT * FROM of_nobody") == "View"


def test_a_refusal_points_to_the_place(gate: Gate) -> None:
    (problem,) = gate.check("SELECT origin,\n       sume(delay)\nFROM flights", VIEWS).problems
    assert (problem.line, problem.column) == (2, 8)
    assert problem.fix == "Did you mean “sum”?"
    (problem,) = gate.check("SELECT *\nFROM flihgts", VIEWS).problems
    assert (problem.line, problem.column, problem.fix) == (2, 6, "Did you mean “flights”?")


def test_all_mistakes_of_a_query_are_said_at_once(gate: Gate) -> None:
    problems = gate.check("SELECT reflect('a', 'b'), sume(delay) FROM nowhere", VIEWS).problems
    assert [problem.found for problem in problems] == ["reflect", "sume", "nowhere"] or {p.found for p in problems} == {"reflect", "sume", "nowhere"}


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
