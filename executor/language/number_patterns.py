"""Java's number patterns (`#,##0.00;(#,##0.00)`) as regular expressions, so that Spark can read numbers without leaving the JVM."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[#0,.]+(?:E0+)?")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SCALES = {"%": 100, "‰": 1000}


@dataclass(frozen=True)
class NumberPattern:
    """One pattern. The regular expressions have the digits as their only group; `scale` divides the number (100 for %)."""

    positive: str
    negative: str
    scale: int


def number_pattern(pattern: str) -> NumberPattern:
    """The reading of `pattern`. As in Java, grouping signs may stand anywhere, decimals and an exponent are always understood,
    and a pattern without a negative part takes a minus in front."""
    first, _, second = _without_quotes(pattern).partition(";")
    prefix, digits, suffix = _parts(first)
    negative_prefix, _, negative_suffix = _parts(second) if second else ("-" + prefix, "", suffix)
    if (negative_prefix, negative_suffix) == (prefix, suffix):
        negative_prefix = "-" + prefix
    scale = next((value for sign, value in _SCALES.items() if sign in first), 1)
    return NumberPattern(_regex(prefix, digits, suffix), _regex(negative_prefix, digits, negative_suffix), scale)


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is not right, in plain words; None when it is."""
    plain = _QUOTED.sub("", pattern)
    if not re.search(r"[#0]", plain):
        return "it has no place for digits (# or 0)"
    if plain.count(";") > 1:
        return "it has more than two parts"
    if plain.split(";")[0].count(".") > 1:
        return "it has more than one point"
    return "a quote is not closed" if "'" in plain else None


def _without_quotes(pattern: str) -> str:
    return _QUOTED.sub(lambda quoted: quoted[1].replace("''", "'") or "'", pattern)


def _parts(pattern: str) -> tuple[str, str, str]:
    number = _NUMBER.search(pattern)
    if not number:
        return pattern, "", ""
    return pattern[: number.start()], number.group(), pattern[number.end() :]


def _regex(prefix: str, digits: str, suffix: str) -> str:
    whole = "[0-9,]" if "," in digits else "[0-9]"
    return rf"^{_literal(prefix)}((?:[0-9]{whole}*(?:\.[0-9]*)?|\.[0-9]+)(?:E-?[0-9]+)?){_literal(suffix)}$"


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", text)
