"""Patterns of dates as Oracle, PostgreSQL and MySQL write them. Some mean another thing to Spark, without an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.language.dialects.hints import Hint, hint
from executor.language.dialects.tokens import TEXT, Query

FUNCTIONS = {
    "DATE_FORMAT",
    "TO_DATE",
    "TO_TIMESTAMP",
    "TO_CHAR",
    "TO_VARCHAR",
    "TRY_TO_DATE",
    "TRY_TO_TIMESTAMP",
    "UNIX_TIMESTAMP",
    "FROM_UNIXTIME",
    "TO_UNIX_TIMESTAMP",
    "STR_TO_DATE",
    "TO_TIMESTAMP_NTZ",
    "TO_TIMESTAMP_LTZ",
    "FORMAT",
}
"""Their second argument is a pattern."""
ORACLE = [
    (pair.split("=")[0], pair.split("=")[1])
    for pair in [
        "FM=",
        "YYYY=yyyy",
        "RRRR=yyyy",
        "YY=yy",
        "RR=yy",
        "MONTH=MMMM",
        "MON=MMM",
        "MM=MM",
        "DDD=DDD",
        "DD=dd",
        "DAY=EEEE",
        "DY=EEE",
        "HH24=HH",
        "HH12=hh",
        "MI=mm",
        "SSSSS=SSSSS",
        "SS=ss",
        "FF3=SSS",
        "FF6=SSSSSS",
        "FF9=SSSSSSSSS",
        "FF=SSSSSS",
        "AM=a",
        "PM=a",
        "TZH:TZM=xxx",
    ]
]
"""Oracle's and PostgreSQL's signs and Spark's; of those that begin alike, the longest first."""
MYSQL = dict(
    pair.split("=")
    for pair in [
        "%Y=yyyy",
        "%y=yy",
        "%m=MM",
        "%c=M",
        "%d=dd",
        "%e=d",
        "%H=HH",
        "%k=H",
        "%h=hh",
        "%I=hh",
        "%i=mm",
        "%s=ss",
        "%S=ss",
        "%p=a",
        "%b=MMM",
        "%M=MMMM",
        "%a=EEE",
        "%W=EEEE",
        "%j=DDD",
        "%T=HH:mm:ss",
        "%f=SSSSSS",
        "%F=yyyy-MM-dd",
    ]
)


STRFTIME = MYSQL | {"%M": "mm", "%B": "MMMM", "%A": "EEEE", "%h": "MMM", "%S": "ss", "%D": "MM/dd/yy", "%R": "HH:mm", "%E": "", "%k": "H"}
"""BigQuery's signs are those of strftime: %M is the minute there, %B the month."""
_PARTS = {"IW": "lpad(weekofyear({}), 2, '0')", "D": "CAST(dayofweek({}) AS STRING)"}
"""Parts of a date for which Spark has a function and no sign."""


def patterns(query: Query) -> Iterator[Hint]:
    """Hints on the patterns in calls."""
    for call in query.calls:
        if call.name not in FUNCTIONS or len(call.arguments) != 2:
            continue
        first, end = call.arguments[1]
        if end != first + 1 or query.kind(first) != TEXT or query.tokens[first].text[:1] not in "'\"":
            continue
        found = query.tokens[first].content
        if call.name == "TO_CHAR" and (text := _PARTS.get(found.upper() if found != "d" else "")):
            whole = text.format(query.argument(call, 0))
            yield hint(query, call.first, call.last + 1, whole, "This date pattern is Oracle's or PostgreSQL's.", is_wrong=False)
            continue
        if re.search("[09]", found):
            continue  # a pattern of numbers
        wanted = spark_pattern(found)
        if call.name == "STR_TO_DATE":
            to = "to_timestamp" if re.search(r"%[HhIkTs]", found) else "to_date"
            text = f"{to}({query.argument(call, 0)}, {quoted(wanted or found)})"
            yield hint(query, call.first, call.last + 1, text, "“str_to_date” is MySQL's.")
        elif wanted and wanted != found:
            yield hint(query, first, end, quoted(wanted), _words(found), is_wrong=bool(re.search(r"[Y%]", found)), is_silent=True)


def _words(found: str) -> str:
    if "%" in found:
        return "This date pattern is MySQL's."
    return (
        "This date pattern means something else in Spark: yyyy is the year (YYYY: of the week), dd the day of the month (DD: of the year), "
        "MM the month, mm the minute, ss the second (SS: parts of it), HH the hour from 0 to 23 (hh: to 12, kk: from 1 to 24)."
    )


def quoted(pattern: str) -> str:
    """The pattern as an SQL text; a quote in it stands in double quotes."""
    return f'"{pattern}"' if "'" in pattern else f"'{pattern}'"


def spark_pattern(pattern: str) -> str | None:
    """Spark's pattern for one of another database; None where the pattern may be Spark's own already."""
    if re.search(r"%[A-Za-z]", pattern):
        return re.sub(r"%[A-Za-z]", lambda sign: MYSQL.get(sign.group(), sign.group()), pattern)
    moved = _in_their_places(pattern)
    if _is_spark(moved):
        return moved if moved != pattern else None
    return _from_oracle(pattern)


def strftime_pattern(pattern: str) -> str:
    """Spark's pattern for one of BigQuery."""
    plain = re.sub(r"%E(\d)S", lambda sign: "%S." + "S" * int(sign.group(1)), pattern).replace("%E*S", "%S.SSSSSS")
    return re.sub(r"%[A-Za-z]", lambda sign: STRFTIME.get(sign.group(), sign.group()), plain)


def _is_spark(pattern: str) -> bool:
    """Small y or u for the year, and no letters that mean another thing than is meant beside them."""
    has_day_of_year = "DD" in pattern and "DDD" not in pattern and "MM" in pattern
    minute_as_month = "mm" in pattern and "M" not in pattern and re.search(r"[yu]", pattern) and not re.search(r"[Hh]", pattern)
    theirs = re.search(r"YY|RR|HH24|HH12|MI|\b[Mm]on\b|\bMON\b|MONTH|Month|\bDay\b|\bDAY\b|\bDy\b|\bDY\b|^FM|FF\d|hh24|\bmi\b", pattern)
    return not (has_day_of_year or minute_as_month or theirs)


def _in_their_places(pattern: str) -> str:
    """MM beside the year or the day, mm behind the hour, and hours to 24 where nothing says which half of the day it is."""
    moved = re.sub(r"(?<=[yud])([-/._]?)mm(?!m)|(?<!m)mm(?=[-/._]?[yud])", r"\1MM", pattern)
    moved = re.sub(r"(?<=[HhkK])([:.]?)MM(?!M)", r"\1mm", moved)
    moved = re.sub(r"(?<=[HhkK])([:.]?)mm([:.]?)SS(?!S)", r"\1mm\2ss", moved)
    return moved if "a" in re.sub(r"'[^']*'", "", moved) else re.sub("hh|kk|KK", "HH", moved)


def _from_oracle(pattern: str) -> str:
    """Sign by sign, the longest first, whatever their case."""
    done, rest = "", pattern
    month_seen = bool(re.search(r"MM|MON", pattern))
    while rest:
        upper = rest.upper()
        found = next(((theirs, ours) for theirs, ours in ORACLE if upper.startswith(theirs)), None)
        if found is None:
            quoted = re.match(r'"([^"]*)"', rest)
            done += f"'{quoted.group(1)}'" if quoted else rest[0]
            rest = rest[len(quoted.group()) if quoted else 1 :]
            continue
        theirs, ours = found
        part = rest[: len(theirs)]
        if part == "mm" and (month_seen and re.search(r"HH", pattern, re.IGNORECASE)):
            ours = "mm"
        done, rest = done + ours, rest[len(theirs) :]
    return _twelve_hours(done, pattern)


def _twelve_hours(done: str, pattern: str) -> str:
    """HH without 24 counts to 12 in Oracle; with no AM or PM beside it, 24 is what is meant."""
    if re.search(r"HH12", pattern, re.IGNORECASE):
        return done
    has_half = re.search(r"[AP]M", pattern, re.IGNORECASE) and not re.search("HH24", pattern, re.IGNORECASE)
    return done.replace("HH", "hh") if has_half else done.replace("hh", "HH")
