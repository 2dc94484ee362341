"""SQL as text: what is not fit for a parser is found without one, quickly and at its place."""

from __future__ import annotations

import pytest

from executor.language.lineage import views_defined, views_read
from executor.language.sql_text import CODE, COMMENT, NAME, RAW_STRING, STRING, place, spans, sql_problems


def kinds(text: str) -> list[tuple[str, str]]:
    return [(part.kind, text[part.start : part.end]) for part in spans(text)]


def test_code_strings_names_and_comments_are_told_apart() -> None:
    assert kinds("a 'b' `c` -- d\n/* e */ \"f\" r'g'") == [
        (CODE, "a "),
        (STRING, "'b'"),
        (CODE, " "),
        (NAME, "`c`"),
        (CODE, " "),
        (COMMENT, "-- d"),
        (CODE, "\n"),
        (COMMENT, "/* e */"),
        (CODE, " "),
        (STRING, '"f"'),
        (CODE, " "),
        (RAW_STRING, "r'g'"),
    ]


@pytest.mark.parametrize("text", ["'it''s'", "'it\\'s'", '"a\\"b"', "`a``b`", "r'\\'", "/* a /* b */ c */"])
def test_a_sign_inside_does_not_end_a_part(text: str) -> None:
    assert "".join(piece for _, piece in kinds(text)) == text
    assert all(part.closed and part.kind != CODE for part in spans(text))


def test_a_hint_is_code() -> None:
    assert kinds("/*+ BROADCAST(a) */") == [(CODE, "/*+ BROADCAST(a) */")]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT 1;",
        "SELECT ';' ; ; -- the end",
        "SELECT '(((' AS a",
        "SELECT CASE WHEN a THEN 1 END FROM b",
        "SELECT " + "(" * 100 + "1" + ")" * 100,
        "SELECT\t'ä'\r\n",
        "SELECT '$' || '{' AS a",
    ],
)
def test_ordinary_sql_is_fit(text: str) -> None:
    assert sql_problems(text) == []


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("", "sql-empty", None, None),
        (" ;\n-- nothing\n;", "sql-empty", None, None),
        ("SELECT 1;\nSELECT 2", "sql-two-statements", 2, 1),
        ("SELECT 1; 'x'", "sql-two-statements", 1, 11),
        ("SELECT\n 'a", "sql-unclosed", 2, 2),
        ("SELECT `a", "sql-unclosed", 1, 8),
        ("SELECT 1 /* a /* b */", "sql-unclosed", 1, 10),
        ("SELECT \x00", "sql-control-character", 1, 8),
        ("SELECT " + "(" * 101 + ")" * 101, "sql-too-deep", 1, 108),
        ("SELECT " + "CASE WHEN " * 101, "sql-too-deep", 1, 1008),
        ("SELECT ${env:HOME}", "sql-left-over", 1, 8),
        ("SELECT '${system:x}'", "sql-left-over", 1, 9),
        ("SELECT 1 -- ${x}", "sql-left-over", 1, 13),
        ("SELECT '" + "x" * 100_000 + "'", "sql-too-long", None, None),
    ],
)
def test_what_is_not_fit_is_told_at_its_place(text: str, code: str, line: int | None, column: int | None) -> None:
    (problem,) = sql_problems(text)
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert problem.fix


def test_a_hundred_thousand_parentheses_do_no_harm() -> None:
    assert [problem.code for problem in sql_problems("SELECT " + "(" * 100_000)] == ["sql-too-long"]
    assert [problem.code for problem in sql_problems("(" * 99_000)] == ["sql-too-deep"]


def test_lines_and_columns_count_from_one() -> None:
    assert place("ab\ncd", 0) == (1, 1)
    assert place("ab\ncd", 4) == (2, 2)


# --- views read -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "views"),
    [
        ("SELECT * FROM a", ["a"]),
        ("SELECT * FROM a, b JOIN c USING (k), d", ["a", "b", "c", "d"]),
        ("SELECT * FROM `a view` AS x", ["a view"]),
        ("SELECT a.b FROM a WHERE x IN (SELECT y FROM b)", ["a", "b"]),
        ("WITH t AS (SELECT * FROM raw), u (k) AS (SELECT 1) SELECT * FROM t JOIN u", ["raw"]),
        ("SELECT extract(YEAR FROM day), trim(BOTH 'x' FROM y) FROM a", ["a"]),
        ("SELECT a IS DISTINCT FROM b FROM c", ["c"]),
        ("SELECT * FROM range(10), a", ["a"]),
        ("SELECT * FROM a LATERAL VIEW explode(x) t AS k, v", ["a"]),
        ("SELECT 'from b' -- from c\nFROM a", ["a"]),
        ("SELECT * FROM (SELECT * FROM a) s, b", ["a", "b"]),
        ("SELECT * FROM VALUES (1, 2) AS t(a, b)", []),
        ("SELECT * FROM csv.`/etc/passwd`", []),
        ("FROM a SELECT *", ["a"]),
        ("SELECT * FROM a UNION ALL SELECT x, y FROM b", ["a", "b"]),
        ("SELECT a, b FROM t GROUP BY a, b ORDER BY a, b", ["t"]),
        ("SELECT 1", []),
        ("FROM", []),
        ("not sql at all (", []),
        ("WITH RECURSIVE t(n) MAX RECURSION LEVEL 9 AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t JOIN a", ["a"]),
        ("WITH RECURSIVE t MAX RECURSION LEVEL 9 (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t", []),
        ("WITH t (SELECT 1 FROM a), u(n) (VALUES (1)) SELECT * FROM t, u", ["a"]),
        ("SELECT * FROM a JOIN (SELECT 1) b WHERE x IN (SELECT y FROM c) AND EXISTS (TABLE d)", ["a", "c", "d"]),
        ("SELECT * FROM a JOIN b JOIN A", ["a", "b"]),
        ("TABLE a", ["a"]),
        ("WITH x AS (SELECT 1) TABLE a", ["a"]),
        ("TABLE a UNION ALL TABLE b", ["a", "b"]),
        ("SELECT table FROM a", ["a"]),
        ("(SELECT * FROM a) UNION (SELECT * FROM b)", ["a", "b"]),
    ],
)
def test_views_read(sql: str, views: list[str]) -> None:
    assert views_read(sql) == views


def test_names_that_a_query_defines_may_be_those_of_views_that_it_reads() -> None:
    sql = "WITH a AS (SELECT * FROM a JOIN b), c AS (SELECT 1) SELECT * FROM A, c, d"
    assert (views_read(sql), views_defined(sql)) == (["b", "d"], ["a", "c"])


def test_views_read_agree_with_a_full_parser_on_the_examples() -> None:
    import json
    from pathlib import Path

    import sqlglot
    from sqlglot import exp

    folder = Path(__file__).parents[2] / "examples" / "jobs"
    queries = [stage["sql"] for file in folder.glob("*.json") for stage in json.loads(file.read_text())["stages"] if "sql" in stage]
    assert len(queries) >= 10
    for sql in queries:
        plain = sql.replace("${year}", "2013").replace("${wind}", "20").replace("${min_flights}", "1")
        tables = {table.name for table in sqlglot.parse_one(plain, read="spark").find_all(exp.Table)}
        assert set(views_read(sql)) == tables
