"""Clauses and signs of other databases."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tables import is_pivoted
from executor.language.dialects.tokens import NAME, NUMBER, TEXT, WORD, Query
from executor.language.sql_text import sql_problems

COMPARISONS = {"=", "<", ">", "<=", ">=", "<>", "!=", "IN", "LIKE", "ILIKE", "BETWEEN", "IS", "NOT"}
NOT_NAMES = {
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "ON",
    "BY",
    "THEN",
    "ELSE",
    "WHEN",
    "CASE",
    "LIKE",
    "BETWEEN",
    "AS",
    "VALUES",
}
"""Words behind which a bracket cannot be an index."""
SUM_ENDS = NOT_NAMES | {",", ";", "=", "<", ">", "<=", ">=", "<>", "!=", "UNION", "GROUP", "ORDER", "HAVING", "LIMIT"}


LONGEST_JOINS = 10_000
"""Characters of a query that sqlglot is asked to write again."""


def top(query: Query) -> Iterator[Hint]:
    """SELECT TOP 10 …, SELECT DISTINCT TOP (10) …"""
    for index in range(len(query.tokens)):
        if query.word(index) != "TOP" or query.word(index - 1) not in ("SELECT", "DISTINCT", "ALL"):
            continue
        in_brackets = query.word(index + 1) == "("
        number = index + 2 if in_brackets else index + 1
        if query.kind(number) != NUMBER:
            continue
        rest, end = number + (2 if in_brackets else 1), query.end_of_query(index)
        if query.word(rest) in ("PERCENT", "WITH"):
            fix = "Write QUALIFY with percent_rank() or rank() OVER (ORDER BY …), which says how many of the first rows are meant."
            yield hint(query, index, rest + 1, None, "“TOP … PERCENT” and “WITH TIES” are SQL Server's.", fix)
            continue
        if end <= rest:
            continue
        text = f"{query.text(rest, end)} LIMIT {query.tokens[number].text}"
        yield hint(query, index, end, text, "“TOP” is SQL Server's.", f"Write LIMIT {query.tokens[number].text} at the end of the query")


def limits(query: Query) -> Iterator[Hint]:
    """LIMIT 5, 10 of MySQL; FETCH FIRST 10 ROWS ONLY and OFFSET 5 ROWS of the standard."""
    for index in range(len(query.tokens)):
        if query.word(index) == "LIMIT" and query.kind(index + 1) == NUMBER == query.kind(index + 3) and query.word(index + 2) == ",":
            skipped, count = query.tokens[index + 1].text, query.tokens[index + 3].text
            yield hint(query, index, index + 4, f"LIMIT {count} OFFSET {skipped}", "“LIMIT a, b” is MySQL's.")
        if query.word(index) == "FETCH" and query.word(index + 1) in ("FIRST", "NEXT") and query.word(index + 4) == "ONLY":
            count, start, offset = query.tokens[index + 2].text, index, ""
            if query.word(index - 1) in ("ROW", "ROWS") and query.word(index - 3) == "OFFSET":
                start, offset = index - 3, f" OFFSET {query.tokens[index - 2].text}"
            yield hint(query, start, index + 5, f"LIMIT {count}{offset}", "Spark has no “FETCH”.")


def brackets(query: Query) -> Iterator[Hint]:
    """[name] of SQL Server. `a[0]` is an element of a list."""
    for index in range(len(query.tokens)):
        if query.word(index) != "[":
            continue
        end = next((place for place in range(index + 1, min(index + 12, len(query.tokens))) if query.word(place) == "]"), None)
        if end and is_pivoted(query, index):
            value = query.sql[query.tokens[index].end : query.tokens[end].start]
            yield hint(query, index, end + 1, f"'{value}'", "Behind FOR … IN stand values in Spark, not names in brackets.")
        elif end and query.word(index - 1) == "ARRAY":
            text = f"array({query.sql[query.tokens[index].end : query.tokens[end].start]})"
            yield hint(query, index - 1, end + 1, text, "A list is written array(…) in Spark.")
        elif end and not _is_index(query, index) and not _is_name(query, index, end):
            text = f"array({query.sql[query.tokens[index].end : query.tokens[end].start]})"
            yield hint(query, index, end + 1, text, "A list is written array(…) in Spark.")
        elif end and (not _is_index(query, index) or _is_alias(query, index, end)):
            name = query.sql[query.tokens[index].end : query.tokens[end].start]
            yield hint(query, index, end + 1, f"`{name}`", "“[name]” is SQL Server's; Spark puts such a name into back-ticks.")


def _is_name(query: Query, index: int, end: int) -> bool:
    """Whether what stands in brackets may be a name: it begins with a word, and has no comma or quote."""
    inside = range(index + 1, end)
    return query.kind(index + 1) == WORD and not any(query.word(place) == "," or query.kind(place) == TEXT for place in inside)


def _is_index(query: Query, index: int) -> bool:
    """Whether what stands before the bracket can have elements."""
    kind, word = query.kind(index - 1), query.word(index - 1)
    return kind in (NAME, TEXT) or word in (")", "]") or (kind == WORD and word not in NOT_NAMES)


def _is_alias(query: Query, index: int, end: int) -> bool:
    """`total [My total]`: a name, a blank, and words in brackets before the next column or FROM."""
    apart = query.sql[query.tokens[index - 1].end : query.tokens[index].start].isspace()
    return apart and query.kind(index - 1) == WORD and query.kind(index + 1) == WORD and query.word(end + 1) in ("", ",", "FROM", ")")


def double_quotes(query: Query) -> Iterator[Hint]:
    """A name in double quotes is a text in Spark. Where a text cannot stand it is an error, elsewhere it is compared as the text."""
    for index, token in enumerate(query.tokens):
        before, after = query.word(index - 1), query.word(index + 1)
        if token.kind != TEXT or not token.text.startswith(('"', "'")):
            continue
        if before == "AS" and not _in_call(query, index) and query.word(index - 2) != "":
            yield hint(query, index, index + 1, f"`{token.content}`", "A name behind AS stands in back-ticks in Spark, not in quotes.")
        elif token.is_double and (before in ("FROM", "JOIN", ".") or after == "."):
            yield hint(query, index, index + 1, f"`{token.content}`", "A name stands in back-ticks in Spark: double quotes make a text.")
        elif token.is_double and _looks_like_a_column(query, index):
            words = "In Spark, double quotes make a text: this compares or shows the words themselves, not a column."
            yield hint(query, index, index + 1, f"`{token.content}`", words, is_wrong=False, is_silent=True, column=token.content)


def _in_call(query: Query, index: int) -> bool:
    return query.word(index - 2) in ("CAST", "TRY_CAST")


OF_COLUMNS = {
    "MAX", "MIN", "COUNT", "SUM", "AVG", "UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM", "LENGTH", "COALESCE", "NULLIF", "NVL", "IFNULL", "ABS",
    "ROUND", "SUBSTRING", "SUBSTR", "FIRST", "LAST", "ANY_VALUE", "FIRST_VALUE", "LAST_VALUE", "LAG", "LEAD", "TO_DATE", "TO_TIMESTAMP",
    "REPLACE", "ISNULL", "ISNOTNULL", "COLLECT_LIST", "COLLECT_SET", "MEDIAN", "STDDEV", "INITCAP",
}  # fmt: skip
"""Functions whose first argument hardly ever is a text of the query's own."""


def _looks_like_a_column(query: Query, index: int) -> bool:
    if not re.fullmatch(r"[A-Za-z_][\w ]*", query.tokens[index].content):
        return False
    before, after = query.word(index - 1), query.word(index + 1)
    if after in COMPARISONS and before in ("WHERE", "AND", "OR", "ON", "(", "NOT", "HAVING", "WHEN"):
        return True
    if before in ("BY", "SELECT", "DISTINCT", "ALL") or (before == "," and after in (",", "FROM")):
        return after in (",", "FROM", "", ")", "DESC", "ASC", "ORDER", "HAVING", "LIMIT", "AS", "WHERE")
    if after in (")", ",") and before == "(" and query.word(index - 2) in OF_COLUMNS:
        return True
    return before in COMPARISONS and query.tokens[index - 2].is_double


def nulls(query: Query) -> Iterator[Hint]:
    """= NULL is never true."""
    for index in range(len(query.tokens)):
        sign = query.word(index)
        if sign in ("=", "!=", "<>") and query.word(index + 1) == "NULL":
            text = "IS NULL" if sign == "=" else "IS NOT NULL"
            words = f"“{sign} NULL” is never true, for no row at all: a missing value equals nothing."
            yield hint(query, index, index + 2, text, words, is_wrong=False, is_silent=True)


def last_values(query: Query) -> Iterator[Hint]:
    """last_value(…) OVER (… ORDER BY …): behind an order the window ends at the row itself, whose own value is then the last."""
    for call in query.calls:
        over = call.last + 1
        if call.name not in ("LAST_VALUE", "LAST") or query.word(over) != "OVER" or query.word(over + 1) != "(":
            continue
        end = _closing(query, over + 1)
        words = {query.word(index) for index in range(over + 2, end)}
        if end < len(query.tokens) and "ORDER" in words and not {"ROWS", "RANGE"} & words:
            told = "Behind ORDER BY a window ends at the row itself: the last value is always the row's own."
            text = f"{query.text(end - 1, end)} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
            yield hint(query, end - 1, end, text, told, is_wrong=False, is_silent=True)


def _closing(query: Query, start: int) -> int:
    """The place of the bracket that closes the one at `start`; behind the end where none does."""
    depth = 0
    for index in range(start, len(query.tokens)):
        depth += {"(": 1, ")": -1}.get(query.word(index), 0)
        if depth == 0:
            return index
    return len(query.tokens)


def regular_expressions(query: Query) -> Iterator[Hint]:
    """~, ~*, !~ of PostgreSQL."""
    for index, token in enumerate(query.tokens):
        if token.text not in ("~", "~*", "!~", "!~*") or query.word(index - 1) in {"", "(", ",", "=", *NOT_NAMES}:
            continue
        word = "NOT RLIKE" if token.text.startswith("!") else "RLIKE"
        end, pattern = index + 1, ""
        if token.text.endswith("*"):
            pattern = f" concat('(?i)', {query.text(index + 1, index + 2)})"
            end = index + 2
            if query.kind(index + 1) == TEXT and query.tokens[index + 1].text.startswith("'"):
                pattern = f" '(?i){query.tokens[index + 1].content}'"
        yield hint(query, index, end, word + pattern, f"“{token.text}” is PostgreSQL's sign for a regular expression.")


def joined_texts(query: Query) -> Iterator[Hint]:
    """'a' + b: Spark adds numbers only."""
    for index, token in enumerate(query.tokens):
        beside = [place for place in (index - 1, index + 1) if query.kind(place) == TEXT]
        if token.text != "+" or not any(not _is_number(query.tokens[place].content) for place in beside):
            continue
        if query.word(index - 2) == "INTERVAL" or query.word(index - 2) in ("DATE", "TIMESTAMP"):
            continue
        yield from _chain(query, index)


def added_texts(query: Query, start: int, end: int) -> Iterator[Hint]:
    """Every + between these places of the text, where Spark says that texts are added."""
    plus = next((index for index, token in enumerate(query.tokens) if token.text == "+" and start <= token.start < end), None)
    if plus is not None:
        yield from _chain(query, plus)


def _chain(query: Query, index: int) -> Iterator[Hint]:
    """All + of one sum as one change, told once (at its first +)."""
    if any(query.word(place) == "+" for place in _same_level_before(query, index)):
        return
    depth, places = 0, []
    for place in range(index, len(query.tokens)):
        word = query.word(place)
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or (depth == 0 and word in SUM_ENDS):
            break
        places += [place] if depth == 0 and word == "+" else []
    start, last = query.tokens[places[0]].start, query.tokens[places[-1]]
    text = list(query.sql[start : last.end])
    for place in places:
        text[query.tokens[place].start - start] = "||"
    yield hint(
        query, places[0], places[-1] + 1, "".join(text), "Spark adds numbers with +; texts are joined with ||.", "Write || (or concat)"
    )


def _same_level_before(query: Query, index: int) -> Iterator[int]:
    depth = 0
    for place in range(index - 1, -1, -1):
        word = query.word(place)
        depth += {")": 1, "(": -1}.get(word, 0)
        if depth < 0 or (depth == 0 and word in SUM_ENDS):
            return
        if depth == 0:
            yield place


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", text) is not None


def small_things(query: Query) -> Iterator[Hint]:
    """DUAL, WITH (NOLOCK), N'text', SELECT … INTO, CROSS APPLY."""
    for index, token in enumerate(query.tokens):
        word, before = token.upper, query.word(index - 1)
        if word == "DUAL" and before == "FROM" and "CONNECT" not in query.words:
            yield hint(
                query, index - 1, index + 1, "", "“DUAL” is Oracle's; a query without FROM gives one row here.", "Take “FROM DUAL” out"
            )
        if word == "WITH" and query.word(index + 1) == "(" and query.word(index + 2) in ("NOLOCK", "READUNCOMMITTED", "INDEX"):
            yield hint(query, index, query.closing(index + 1) + 1, "", "Hints of SQL Server do nothing here.", "Take it out")
        if word == "N" and query.kind(index + 1) == TEXT and query.tokens[index + 1].start == token.end:
            yield hint(query, index, index + 1, "", "Every text is Unicode here: the N before it is SQL Server's.", "Take the N out")
        if word == "INTO" and query.kind(index + 1) in (WORD, NAME) and query.word(index + 2) == "FROM":
            words = "A stage's result is a view: its name is in the field Output view, not behind INTO."
            yield hint(query, index, index + 2, "", words, "Take “INTO …” out")
        if word in ("DBO", "PUBLIC") and before in ("FROM", "JOIN") and query.word(index + 1) == ".":
            yield hint(
                query, index, index + 2, "", "A view has a plain name here, without a schema before it.", f"Take “{token.text}.” out"
            )
        if word == "EXCLUDE" and before == "*" and query.word(index + 1) == "(":
            yield hint(query, index, index + 1, "EXCEPT", "“EXCLUDE” is Snowflake's and DuckDB's.")
        if word == "ON" and before == "DISTINCT" and query.word(index + 1) == "(":
            fix = "Write SELECT … FROM … QUALIFY row_number() OVER (PARTITION BY … ORDER BY …) = 1."
            yield hint(query, index - 1, index + 1, None, "“DISTINCT ON” is PostgreSQL's.", fix)
        if word == "APPLY" and before in ("CROSS", "OUTER") and query.word(index + 1) == "(":
            text = "CROSS JOIN LATERAL" if before == "CROSS" else "LEFT JOIN LATERAL"
            yield hint(query, index - 1, index + 1, text, f"“{before} APPLY” is SQL Server's.")


def row_numbers(query: Query) -> Iterator[Hint]:
    """WHERE ROWNUM <= 10 of Oracle."""
    for index in range(len(query.tokens)):
        sign = query.word(index + 1)
        if query.word(index) != "ROWNUM":
            continue
        before, end = query.word(index - 1), query.end_of_query(index)
        count = query.count(index + 2)
        if sign not in ("<", "<=", "=") or count is None or before not in ("WHERE", "AND"):
            yield hint(
                query, index, index + 1, None, "“ROWNUM” is Oracle's.", "Write LIMIT 10 at the end, or row_number() OVER (ORDER BY …)."
            )
            continue
        start, rest = index - 1, index + 3
        if before == "WHERE" and query.word(rest) == "AND":
            start, rest = index, rest + 1
        text = f"{query.text(rest, end)} LIMIT {count - (sign == '<')}".lstrip()
        yield hint(query, start, end, text, "“ROWNUM” is Oracle's.", f"Write LIMIT {count - (sign == '<')} at the end of the query")


def levels(query: Query) -> Iterator[Hint]:
    """CONNECT BY of Oracle: a plain count in one change, a tree in words."""
    for index in range(len(query.tokens)):
        if query.word(index) != "CONNECT" or query.word(index + 1) != "BY":
            continue
        is_count = (
            query.words[index - 2 : index + 4] == ["FROM", "DUAL", "CONNECT", "BY", "LEVEL", "<="] and query.kind(index + 4) == NUMBER
        )
        if is_count and index + 5 == query.end_of_query(index):
            text = f"FROM (SELECT explode(sequence(1, {query.tokens[index + 4].text})) AS LEVEL)"
            yield hint(query, index - 2, index + 5, text, "“CONNECT BY” is Oracle's.")
        else:
            fix = "Write WITH RECURSIVE tree AS (the first rows UNION ALL SELECT … FROM tree JOIN …) SELECT … FROM tree."
            yield hint(query, index, index + 2, None, "“CONNECT BY” is Oracle's; Spark walks a tree with a recursive WITH.", fix)


def outer_joins(query: Query) -> Iterator[Hint]:
    """a.x = b.x(+) of Oracle, turned into a LEFT JOIN by sqlglot."""
    for index in range(len(query.tokens) - 2):
        if [query.word(index + step) for step in range(3)] == ["(", "+", ")"]:
            text = _with_joins(query.sql)
            fix = "Write FROM a LEFT JOIN b ON a.x = b.x."
            if text is None:
                yield hint(query, index, index + 3, None, "“(+)” is Oracle's sign for an outer join.", fix)
            else:
                yield hint(query, 0, len(query.tokens), text, "“(+)” is Oracle's sign for an outer join.", fix)
            return


def _with_joins(sql: str) -> str | None:
    """The query with JOINs in place of the marks; None where that cannot be done for sure."""
    if "${" in sql or "--" in sql or "/*" in sql:
        return None  # what sqlglot writes again would lose them
    if len(sql) > LONGEST_JOINS or sql_problems(sql):
        return None
    import sqlglot
    from sqlglot.transforms import eliminate_join_marks

    try:
        tree = sqlglot.parse_one(sql, read="oracle")
        tables = len(list(tree.find_all(sqlglot.exp.Table)))
        tree = eliminate_join_marks(tree)
        is_sure = len(list(tree.find_all(sqlglot.exp.Table))) == tables  # of a mark at the first table it makes another one, and more rows
        text = tree.sql(dialect="spark", comments=False)
    except (sqlglot.errors.SqlglotError, AssertionError, RecursionError):
        return None
    return text if is_sure and "(+)" not in text else None


def joins(query: Query) -> Iterator[Hint]:
    """A natural join goes by the columns that say where a row came from, too; a column that is compared with itself joins all with all."""
    for index in range(len(query.tokens)):
        if query.word(index) == "NATURAL" and "JOIN" in (query.word(index + ahead) for ahead in (1, 2, 3)):
            words = "A natural join goes by every column that both have, also by _filename and _index, which say where a row came from."
            fix = "Name the columns with USING (…)."
            yield hint(query, index, index + 1, None, words, fix, is_wrong=False, is_silent=True, column="_index")
        if query.word(index) in ("ON", "AND", "WHERE") and query.kind(index + 1) in (WORD, NAME):
            is_pair = query.word(index + 2) == query.word(index + 6) == "." and query.word(index + 4) == "="
            sides = (
                [query.text(start, start + 3).casefold() for start in (index + 1, index + 5)]
                if is_pair and index + 8 <= len(query.tokens)
                else []
            )
            if len(set(sides)) == 1 and query.word(index + 8) not in (".", "(", "+", "-", "*", "/", "||"):
                words = "A column is compared with itself, which is true of every row: of a join, each row meets all of the other side."
                yield hint(query, index + 1, index + 8, None, words, "Name the other side's column.", is_wrong=False, is_silent=True)
