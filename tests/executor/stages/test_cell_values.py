"""Cells are read from their bytes: every text gives what Spark's own expressions give for it, which are slower."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from decimal import Decimal, localcontext
from typing import Any

import pytest

from executor.language.date_patterns import spark_pattern
from executor.language.number_patterns import OTHER_BLANKS
from executor.language.quoting import text_in_sql
from executor.stages.typed_frame import JAVA_BLANKS
from executor.stages.typed_values import _later, _shown_again

pytestmark = pytest.mark.spark

NUMBERS = (
    "", " ", "0", "-0", "+0", "007", "7", "-7", "+7", "--7", "+-7", "1 2", "12.", ".5", "-.5", ".", "-", "+", "1.50", "1.500000", "1e5",
    "1E5", "1E+5", "1.0E+6", "1.25E+1", "1.2E-3", "1E-999999999", "0E-999999999", "1E+999999999", "1E+2147483648", "0E+99", "9E+18",
    "9.3E+18", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "999999999999999999", "1000000000000000000", "0" * 30 + "5", "0." + "0" * 30 + "1",
    "1." + "0" * 40, "1" * 39, "1" * 38 + ".5", "9" * 10 + ".99", "NaN", "nan", "NAN", "-NaN", " NaN", "\tNaN", "NaN ", "Infinity",
    "-inf", "inf", "1e400", "1e-400", "-1e-400", "12d", "12f", "12D ", "0x1p3", "0x10", "1_000", "1,5", "1.2.3", "5\n", "\n5", "5\x00",
    "\x7f5", "5\x7f", "5\u00a0", "\u00a05", "5\u2028", "1E+5\n", "٣", "3\u0301", "٣.٥", "0.1", "0.30000000000000004",
    "123456789012345.678", "1234567890123456", "0.1234567890123456789", "4.35", "1e22", "1e23", "123456789.123456789",
    "2.2250738585072014E-308",
)  # fmt: skip


def texts(alphabet: str, seed: int) -> list[str]:
    """All short ones, and long ones by chance (always the same)."""
    short = ["".join(signs) for length in (1, 2, 3) for signs in itertools.product(alphabet, repeat=length)]
    chance = random.Random(seed)  # noqa: S311 – no secret
    return short + ["".join(chance.choices(alphabet + "0123456789" * 3, k=chance.randint(4, 24))) for _ in range(6000)]


def differing(spark: Any, given: list[str], ours: str, theirs: str) -> list[tuple[Any, ...]]:
    """(text, ours, theirs) where they are not the same."""
    frame = spark.createDataFrame([(one,) for one in dict.fromkeys(given)], "text string")
    found = frame.selectExpr("text", f"{ours} AS ours", f"{theirs} AS theirs").collect()
    return [tuple(row) for row in found if not same(row.ours, row.theirs)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (one == other and math.copysign(1, one) == math.copysign(1, other))
    return bool(one == other)


def whole_by_spark(kind: str) -> str:
    middle = "try_cast(text AS decimal(38,18))"
    large = f"IF({middle} = floor({middle}), try_cast({middle} AS {kind}), NULL)"
    number = rf"coalesce(try_cast(text AS {kind}), CASE WHEN rlike(text, '^[+-]?[0-9]*\\.?[0-9]*[eE]\\+[0-9]+$') THEN {large} END)"
    return f"CASE WHEN text >= '!' AND substring(text, -1, 1) >= '!' THEN {number} END"


def double_by_spark() -> str:
    number = "try_cast(text AS double)"
    wrong = (
        f"isnan({number}) AND trim(text) <> 'NaN'",
        f"abs({number}) = double('Infinity')",
        "contains(text, 'p') OR contains(text, 'P')",
        "substring(rtrim(text), -1, 1) IN ('d', 'D', 'f', 'F')",
    )
    return f"CASE WHEN {' OR '.join(wrong)} THEN NULL ELSE {number} END"


def exactly(text: str, precision: int, scale: int) -> Decimal | None:
    """The number of `text`, where a decimal of this type holds all of it."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\n?", text) or re.search(r"[eE][+]?[0-9]{4}", text):
        return None
    with localcontext(prec=200):
        number = Decimal(text.strip())
        if len(number.as_tuple().digits) + int(number.as_tuple().exponent) > 38:  # 0E+99 is none to Spark
            return None
        kept = number.quantize(Decimal(1).scaleb(-scale)) if abs(number.adjusted()) < 100 else Decimal(0)
        return kept if kept == number and abs(kept) < Decimal(10) ** (precision - scale) else None


@pytest.mark.parametrize(("ours", "kind"), [("sluice_integer(text)", "int"), ("sluice_long(text)", "bigint")])
def test_whole_numbers(spark: Any, ours: str, kind: str) -> None:
    given = [one for one in [*NUMBERS, *texts("0917+-.eE \n", 1)] if not one.endswith("999999999")]  # Spark itself works for hours on those

    assert differing(spark, given, ours, whole_by_spark(kind)) == []


def test_doubles(spark: Any) -> None:
    assert differing(spark, [*NUMBERS, *texts("019+-.eEdpN \t", 2)], "sluice_double(text)", double_by_spark()) == []


@pytest.mark.parametrize(("precision", "scale"), [(10, 2), (5, 0), (18, 6), (20, 4), (38, 18), (38, 0), (3, 3)])
def test_decimals(spark: Any, precision: int, scale: int) -> None:
    given = list(dict.fromkeys([*NUMBERS, *texts("0195+-.eE", 3)]))
    frame = spark.createDataFrame([(one,) for one in given], "text string")
    found = frame.selectExpr("text", f"sluice_decimal(text, {precision}, {scale}) AS ours").collect()

    wanted = {one: exactly(one, precision, scale) for one in given}
    assert [(row.text, row.ours, wanted[row.text]) for row in found if row.ours != wanted[row.text]] == []


@pytest.mark.parametrize("kept", ["value = 0 AND rlike(text, '^[^eE]*[1-9]')", "length(text) > 15"])
def test_digits_that_a_double_does_not_hold(spark: Any, kept: str) -> None:
    held, exact = "try_cast(string(value) AS decimal(38,18))", "try_cast(text AS decimal(38,18))"
    gone = "value = 0 AND rlike(text, '^[^eE]*[1-9]')"
    told = f"coalesce(length(text) > 5 AND value IS NOT NULL AND ({gone} OR (length(text) > 15 AND {held} <> {exact})), false)"
    given = [one for one in [*NUMBERS, *texts("019.eE-", 4)] if "99999999" not in one]
    frame = spark.createDataFrame([(one,) for one in given], "text string").selectExpr("text", "sluice_double(text) AS value")

    assert frame.where(f"coalesce(sluice_is_inexact(text, value), false) <> {told}").collect() == []
    assert frame.where(f"sluice_is_inexact(text, value) AND {kept}").count() > 0


def test_codes_that_look_like_numbers(spark: Any) -> None:
    assert differing(spark, [*NUMBERS, *texts("09eE .", 5)], "sluice_is_maybe_code(text)", "rlike(text, '^ *[0-9]+[eE][0-9]+ *$')") == []


@pytest.mark.parametrize("blanks", [JAVA_BLANKS, JAVA_BLANKS + OTHER_BLANKS])
def test_blanks_at_the_ends(spark: Any, blanks: str) -> None:
    spelt = text_in_sql(blanks)

    assert (
        differing(spark, [*NUMBERS, *texts("a! \t\u00a0\u2003\x7fé", 6)], f"sluice_trimmed(text, {spelt})", f"btrim(text, {spelt})") == []
    )


PATTERNS = (
    "uuuu-MM-dd", "uuuu-MM-dd HH:mm:ss", "uuuu-MM-dd'T'HH:mm:ssX", "uuuu-MM-dd'T'HH:mm:ssXXX", "dd.MM.uuuu HH:mm", "MM/dd/uuuu",
    "uuuuMMdd", "uuuuMMddHHmmss", "uuuu-MM-dd HH:mm:ss.SSS", "uuuu-MM-dd HH:mm:ss.SSSSSS", "dd/MM/uuuu HH", "yyyy-MM-dd",
    "uuuu-MM-dd'T'HH:mm:ss'Z'",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_days_and_times(spark: Any, pattern: str) -> None:
    """What the quick way reads is what Spark reads; what it leaves is asked of Spark."""
    spelt = text_in_sql(spark_pattern(pattern))
    quick, theirs = f"sluice_moment(text, {spelt})", f"try_to_timestamp(text, {spelt})"
    frame = spark.createDataFrame([(one,) for one in moments(pattern)], "text string").selectExpr(
        "text", f"{quick} AS ours", f"{theirs} AS theirs"
    )

    assert frame.where("ours IS NOT NULL AND NOT ours <=> theirs").collect() == []
    assert frame.where("ours IS NOT NULL").count() > 1000


@pytest.mark.parametrize(
    "pattern",
    [
        "d/M/yyyy",
        "yyyy-MM-dd'T'HH:mm:ssxxx",
        "yy-MM-dd",
        "dd MMM yyyy",
        "yyyy-MM",
        "yyyy-MM-dd[ HH:mm]",
        "yyyy-MM-dd hh:mm a",
        "yyyy-MM-dd mm:ss",
        "yyyy-MM-dd ''",
    ],
)
def test_other_patterns_are_left_to_spark(spark: Any, pattern: str) -> None:
    assert spark.range(1).selectExpr(f"sluice_moment('2024-01-05', {text_in_sql(pattern)}) AS m").head().m is None


PARTS = re.compile(r"'(\w)'|([a-zA-Z])\2*|.")


def moments(pattern: str) -> list[str]:
    """Texts in the pattern, right ones and days and times that do not exist, and texts that a sign was changed in."""
    chance = random.Random(7)  # noqa: S311 – no secret
    found = []
    for _ in range(5000):
        parts = {"S": f"{chance.randrange(10**6):06}", "X": "Z"}
        for letter, most in (("M", 13), ("d", 32), ("H", 24), ("m", 60), ("s", 60)):
            parts[letter] = f"{chance.randint(0 if letter in 'Hms' else 1, most):02}"
        parts["u"] = parts["y"] = f"{chance.choice([chance.randint(1, 9999), chance.randint(1890, 2100)]):04}"
        text = "".join(part[1] or (parts[part[2]][: len(part[0])] if part[2] else part[0]) for part in PARTS.finditer(pattern))
        if chance.random() < 0.3:
            place = chance.randrange(len(text))
            text = text[:place] + chance.choice("0 -+Zz/é") + text[place + chance.randint(0, 1) :]
        found.append(text)
    return found


@pytest.mark.parametrize(
    "zone",
    ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"],
)
def test_zones(spark: Any, zone: str) -> None:
    """Every quarter of an hour around the changes of the clocks, and the years between."""
    shown = "timestamp_seconds(id * 900 + 1577836800) AS x"
    frame = (
        spark.range(0, 40_000).selectExpr(shown).union(spark.range(0, 20_000).selectExpr("timestamp_seconds(id * 97003 - 1500000000) AS x"))
    )
    first = f"to_utc_timestamp(x, '{zone}')"
    ways = {
        "first": first,
        "second": f"coalesce({_later(first, 'x', repr(zone))}, {first})",
        "error": f"IF({_later(first, 'x', repr(zone))} IS NULL, {first}, NULL)",
    }
    for repeated, chosen in ways.items():
        theirs = f"CASE WHEN from_utc_timestamp({first}, '{zone}') <> x THEN NULL ELSE {chosen} END"
        assert frame.where(f"NOT sluice_moment_in(x, '{zone}', '{repeated}') <=> {theirs}").collect() == []
    again = _shown_again("x", f"'{zone}'")
    assert frame.where(f"sluice_is_shown_again(x, '{zone}') <> {again}").collect() == []


def test_facts_are_json(spark: Any) -> None:
    """Of a value that stops a run, whatever stands in it; what is null is left out."""
    given = ['"', "\\", "a\nb\tc\x00\x1f", "é ٣ 😀", "</script>", "", "'; --", None]
    frame = spark.createDataFrame([(one,) for one in given], "text string")
    facts = "named_struct('stage', text, 'row', 5L, 'errors', array(named_struct('field', 'x', 'value', text)), 'part', 1)"

    found = [json.loads(row.facts) for row in frame.selectExpr(f"sluice_facts({facts}) AS facts").collect()]

    whole = [{"stage": one, "row": 5, "errors": [{"field": "x", "value": one}], "part": 1} for one in given[:-1]]
    assert found == [*whole, {"row": 5, "errors": [{"field": "x"}], "part": 1}]
