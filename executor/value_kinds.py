"""What can be the matter with a value, in words: the same on the page of a run, in its log, in previews and in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

YEARS_AHEAD = 20
"""A year of two digits that lies further ahead is rather one of the century before."""

KINDS = {
    "not-integer": "not a whole number",
    "not-long": "not a whole number",
    "not-double": "not a number",
    "not-decimal": "not a number that fits the column",
    "not-date": "not a date",
    "not-time": "not a time of day",
    "not-timestamp": "not a date and time",
    "not-boolean": "neither true nor false",
    "not-binary": "not bytes as the column writes them",
    "not-string": "breaks the rules of the column",
    "missing": "no value where there must be one",
    "time-twice": "a time that the clocks showed twice; the first was taken",
    "another-width": "of another width than the header; kept as text in _errors",
    "not-json": "not JSON; kept as text",
    "not-inside": "values inside that do not fit",
    "another-shape": "of another shape than the schema says",
    "not-exact": "more digits than a floating-point number holds",
    "maybe-code": "digits with an E among them, such as 1E5, read as a power of ten; where they are codes, type the column as text",
    "too-fine": "finer than microseconds; the rest was cut off",
    "year-ahead": "a year of two digits that lies far ahead; it was read as 20…",
    "fits-two": "fits two formats of the column, which read it otherwise; the first was taken",
    "empty-folder": "a text that names no folder, as an empty one; it will be read as no value",
    "as-null": "written just as no value is; it will be read as none",
    "not-in-json": "no number in JSON; written as text",
    "numbers-by-letters": "numbers compared as text, so that 10 comes before 9; type the column, or CAST it",
    "dates-by-letters": "dates or times compared as text, letter by letter; type the column, or use to_date",
    "after-midnight": "later on the last day: a date compared with a time is its midnight; write < and the day after",
    "no-seconds": "before the year 1 or after 2499, taken as seconds since 1970; for milliseconds write timestamp_millis(…)",
    "zone-day": "on another day in the column's time zone than in UTC, whose days are counted; use from_utc_timestamp(…, its zone)",
    "zone-hour": "at another hour in the column's time zone than in UTC, whose hours are counted; use from_utc_timestamp(…, its zone)",
    "digits-cut": "a result of decimals with more digits than its type keeps; CAST both sides to fewer digits, or to DOUBLE",
    "keys-differ": "a key with blanks around it or signs that only look the same, unlike all keys of the other side; trim it",
    "zeros-lost": "text with leading zeros that becomes a number beside other numbers; CAST those AS STRING",
    "null-in-list": "no value in the list of a NOT IN, which then lets no row through; add IS NOT NULL to the list",
    "nearly-sought": "almost the text that the query compares with: blanks, case, zeros or decimals differ; TRIM, lower or type it",
    "odd-double": "text such as 1d, 1f or NaN that Spark takes for a number; type the column, or CAST it to DECIMAL",
    "undecided": "neither true nor false, as a value is missing, and left out by bool_and and every; ask for IS NOT NULL, too",
    "keys-alike": "a key that meets none of the other side, though one there looks the same; TRIM, lower or CAST both sides",
    "ranges-overlap": "in more than one range of the other side of the join, and come several times; end each range before the next",
    "range-one-end": "met by several rows of the other side, as one end of the range alone is asked, and come several times",
    "numbers-differ": "a key with zeros before it or needless decimals, as no key of the other side is written; CAST both to a number",
    "written-two-ways": "a key that stands in two ways of writing, so that it makes two groups; TRIM it, or CAST it to a number or date",
    "rows-multiplied": "made of keys that stand more than once on both sides of the join: sums come out too high; join one row a key",
    "rows-repeated": "added several times, as the right side of the join has their key several times; join one row for each key",
    "missing-left-out": "left out, as a value is missing and the condition is neither true nor false; add OR … IS NULL to keep them",
    "missing-not-met": "taken as not meeting the condition, as a value is missing; add OR … IS NULL if they are to meet it",
    "places-lost": "a number whose places CAST cuts off; round(…) rounds it as other databases do, floor(…) says that cutting is meant",
    "added-once": "equal to a value that was added already: DISTINCT adds each value once, also those of different rows",
    "text-lost": "no text at all, as one part of it is missing; use concat_ws, or coalesce(part, '')",
    "whole-units": "a length in whole units; SQL Server, BigQuery and others count the turns between; timestampdiff says that it is meant",
    "week-of-other-year": "a day whose week belongs to another year than the day; use extract(YEAROFWEEK FROM …) with weeks",
    "pad-cuts": "longer than it is filled up to, and cut",
    "nulls-first": "no value in what the rows are put in order by, so that they come first; write NULLS LAST",
    "word-two-ways": "a word or code written with capitals, small letters or blanks, so that it makes two groups; use lower(trim(…))",
    "no-room": "a number that its format has no room for, so that ### is printed; write more 9s before the point",
    "sign-lost": "a number below 0 that is printed without its minus, as the format has no place for it; write S or MI into it",
    "class-gap": "between this WHEN and the one before it, and taken by neither: 10.5 is above 10 and below 11; let one begin where the "
    "other ends",
    "dead-branch": "a row that meets this WHEN, but an earlier one as well, which takes it; put the narrower condition first",
    "underscore": "a text that LIKE finds by another sign where the pattern has _, beside some with _; write \\_ for the sign itself",
    "minus-out": "a number below 0 whose minus or brackets are taken out before it is read, so that it comes above 0; keep its sign",
    "json-lost": "a JSON text with a value for which from_json gives none, as it is of another type (1.5 for INT), or no JSON at all",
    "thousands-cut": "a number of which only what stands before its first sign is read, as 1 of 1,234; take that sign out first",
    "units-out": "a number whose unit is taken out before it is added, while others have another (kg and g, 12% and 1)",
    "decimals-out": "a number whose decimal sign is taken out before it is read, which makes it larger than others; keep that sign",
    "no-number": "NaN, which is counted, and above all numbers; where it stands for no value, use nanvl(…, NULL)",
    "distinct-part": "left out by count(DISTINCT …), as one of its columns has no value; count(DISTINCT struct(…)) counts them",
    "rollup-none": "no value in a key, so that its group looks like a total of ROLLUP or CUBE; use coalesce before, or grouping(…)",
    "null-printed": "printed with the word “null”, as a value is missing; use coalesce(…, '')",
    "never-so": "a date or time, whose text is 2024-05-31 …: what it is compared with never stands in it; use month(…) or date_format(…)",
    "half-even": "a half that format_number rounds to the even digit (2.5 to 2); use round(…) before it",
    "not-read": "a text that cannot be read as what it is to be, so that try_… gives no value; coalesce(…) says what stands for it",
    "empty-text": "an empty text, which is a value for Spark, unlike in Oracle; use nullif(trim(…), '')",
    "maybe-thousands": "a number such as 1.000, read as 1; where points stand for thousands, use replace(…, '.', '')",
    "any-of-group": "a group of several values of which any is taken, and another at the next run, perhaps; use max or max_by",
    "tied-in-group": "a group in which several values stand first in the order, of which any one is taken; add columns to the order",
    "tied-left-out": "left out though equal in the order to one that is kept, so that either may come out; add columns to ORDER BY",
    "tied-at-limit": "at least; left out though equal in the order to one that is kept; to choose, add columns to ORDER BY",
    "tied-before": "equal in the order to the row before it, so that either may come first for lag and lead; add columns to ORDER BY",
    "exploded-none": "left out by explode, as the list is empty or missing; use explode_outer, or LATERAL VIEW OUTER",
    "no-unit": "a date or time that became nothing, as trunc does not know the unit; write YEAR, QUARTER, MONTH, WEEK …",
    "any-rows": "taken by LIMIT in no order, so that others may come out at the next run; write ORDER BY (TABLESAMPLE says it is meant)",
    "clock-gap": "a time that the clocks of the zone leave out; it was moved by an hour",
    "clock-twice": "a time that the clocks of the zone show twice; one of both was taken",
    "span-turned": "below 0, and none above: the ends of the span stand the other way round in Spark",
    "zone-text": "a text with a time zone of its own, whose day and hour become those of UTC; use from_utc_timestamp(…, its zone)",
    "stands-for-none": "a number or day such as -999 or 9999-12-31, far from all others, as is written for no value; use nullif(…)",
    "null-word": "a text such as NULL, as databases write no value; add it to the column's nullableValues; nullIsText says it is a text",
    "null-read": "a text such as NULL, a value here; set nullValue where it is read, or nullif(…); CAST(… AS STRING) says it is a text",
    "no-match": "without a match, for which regexp_extract gives an empty text, a value; use regexp_substr, or nullif(…, '')",
    "later-that-day": "later on that day: a date that equals a time is its midnight; CAST the time AS DATE",
}
"""Kind → words that stand after “5 of 1,000 rows”."""


def described(counts: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> list[tuple[str, int, str]]:
    """(column, rows, words) of each count. `names`: the columns, for a reader who may see names that only the data has."""
    found = []
    for place, count in enumerate(counts):
        column = count.get("column")
        name = "whole rows" if column is None else (names[place] if place < len(names) else "") or column or "a column"
        found.append((name, int(count.get("rows", 0)), KINDS.get(str(count.get("kind")), "to be looked at")))
    return found


def value_sentence(counts: Sequence[Mapping[str, Any]], names: Sequence[str], rows: int, affected: int, *, is_whole: bool) -> str:
    """`2 of 5 rows have values to look at: amount (2, not a number).` It shows no value."""
    told = described(counts, names)
    places = [f"{name} ({number:,}, {words})" for name, number, words in told[:5]]
    more = f" and {len(told) - 5:,} more" if len(told) > 5 else ""
    have = "has" if affected == 1 else "have"
    of = f"{rows:,} rows" if is_whole else f"the {rows:,} rows that were read"
    return f"{affected:,} of {of} {have} values to look at: {', '.join(places)}{more}."
