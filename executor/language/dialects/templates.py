"""Functions of other databases that are a short piece of Spark's SQL, each in one line; and those that only a sentence explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import Call, Query

Rule = Callable[[Query, Call], Iterator[Hint]]

TEMPLATES: dict[tuple[str, int], tuple[str, str]] = {
    ("ISDATE", 1): ("if(try_cast({0} AS DATE) IS NULL, 0, 1)", "SQL Server's"),
    ("ISNUMERIC", 1): ("if(try_cast({0} AS DOUBLE) IS NULL, 0, 1)", "SQL Server's"),
    ("EOMONTH", 1): ("last_day({0})", "SQL Server's"),
    ("EOMONTH", 2): ("last_day(add_months({0}, {1}))", "SQL Server's"),
    ("SQUARE", 1): ("power({0}, 2)", "SQL Server's and Snowflake's"),
    ("STR", 3): ("lpad(CAST(CAST({0} AS DECIMAL(38, {2})) AS STRING), {1})", "SQL Server's"),
    ("STR", 1): ("lpad(CAST(CAST({0} AS DECIMAL(38, 0)) AS STRING), 10)", "SQL Server's"),
    ("DIV0", 2): ("if({1} = 0, 0, {0} / {1})", "Snowflake's"),
    ("DIV0NULL", 2): ("if(coalesce({1}, 0) = 0, 0, {0} / {1})", "Snowflake's"),
    ("TRY_TO_NUMBER", 1): ("try_cast({0} AS DECIMAL(38, 10))", "Snowflake's"),
    ("WEEKISO", 1): ("weekofyear({0})", "Snowflake's"),
    ("UTC_TIMESTAMP", 0): ("current_timestamp()", "MySQL's"),
    ("UTC_DATE", 0): ("current_date()", "MySQL's"),
    ("REGEXP_SUBSTR", 4): ("try_element_at(regexp_extract_all({0}, {1}, 0), {3})", "Oracle's, with four values"),
    ("CONVERT_TZ", 3): ("CAST(convert_timezone({1}, {2}, CAST({0} AS TIMESTAMP_NTZ)) AS TIMESTAMP)", "MySQL's"),
    ("TO_CHAR", 1): ("CAST({0} AS STRING)", ""),
    ("TO_VARCHAR", 1): ("CAST({0} AS STRING)", ""),
    ("TO_NUMBER", 1): ("CAST({0} AS DECIMAL(38, 10))", ""),
}  # fmt: skip
"""(name, how many values) → what to write, and whose function it is; empty: Spark has it too, and needs a pattern."""

SENTENCES = {
    "WEEK": ("MySQL's, whose weeks begin on Sunday and count from 0", "weekofyear(…) for the weeks of ISO 8601, which begin on Monday"),
    "YEARWEEK": ("MySQL's, whose weeks begin on Sunday", "extract(YEAROFWEEK FROM …) * 100 + weekofyear(…) for the weeks of ISO 8601"),
    "STRING_TO_ARRAY": ("PostgreSQL's", "split(text, '[,]'), whose separator is a pattern"),
    "STRFTIME": ("SQLite's and DuckDB's", "date_format(time, 'yyyy-MM-dd HH:mm:ss')"),
    "TRUNCATE": ("MySQL's and Snowflake's", "floor(number, places), or ceil(number, places) below 0"),
    "OPENJSON": ("SQL Server's", "explode(from_json(text, 'array<struct<name: string>>')) with the fields that there are"),
    "AGE": ("PostgreSQL's", "datediff(…, …) for days, months_between(…, …) for months"),
    "STRTOK": ("Teradata's, and leaves out empty parts", "split_part(text, separator, number), which counts them"),
    "IEEE_DIVIDE": ("BigQuery's", "CAST(… AS DOUBLE) / …, or try_divide(…, …) where the second may be 0"),
    "HASHBYTES": ("SQL Server's", "unhex(md5(…)), unhex(sha1(…)) or unhex(sha2(…, 256))"),
    "QUOTENAME": ("SQL Server's", "concat('[', …, ']')"),
    "TIME_TO_SEC": ("MySQL's", "hour(…) * 3600 + minute(…) * 60 + second(…)"),
    "SEC_TO_TIME": ("MySQL's", "date_format(timestamp_seconds(…), 'HH:mm:ss') for less than a day"),
    "TIMEDIFF": ("MySQL's", "timestampdiff(SECOND, early, late)"),
    "PERIOD_DIFF": ("MySQL's", "timestampdiff(MONTH, early, late) of two days"),
    "MAKEDATE": ("MySQL's", "date_add(make_date(year, 1, 1), day - 1)"),
    "STRING_SPLIT": ("SQL Server's", "explode(split(…, '[,]')) AS parts(value) behind FROM"),
    "DATETIMEFROMPARTS": ("SQL Server's", "make_timestamp(year, month, day, hour, minute, second)"),
    "DATETIME2FROMPARTS": ("SQL Server's", "make_timestamp(year, month, day, hour, minute, second)"),
}
"""Name → whose it is, and what comes near: what it gives is not always the same, so no change is offered."""


def filled(query: Query, call: Call) -> Iterator[Hint]:
    """The call as a piece of Spark's SQL."""
    text, whose = TEMPLATES.get((call.name, len(call.arguments)), ("", ""))
    if text:
        values = [query.argument(call, number) for number in range(len(call.arguments))]
        words = f"is {whose}." if whose else "needs a pattern in Spark."
        yield hint(query, call.first, call.last + 1, text.format(*values), f"“{call.name.lower()}” {words}")


def explained(query: Query, call: Call) -> Iterator[Hint]:
    """What comes near, in words."""
    if call.name == "STRING_SPLIT" and query.word(call.first - 1) in ("FROM", "JOIN", ","):
        return
    whose, near = SENTENCES[call.name]
    yield hint(query, call.first, call.last + 1, None, f"“{call.name.lower()}” is {whose}.", f"Write {near}.")


BY_TEMPLATE: dict[str, Rule] = {**{name: filled for name, _ in TEMPLATES}, **dict.fromkeys(SENTENCES, explained)}
