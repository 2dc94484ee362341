"""Java's number patterns (`#,##0.00;(#,##0.00)`) as regular expressions, so that Spark can read numbers without leaving the JVM.

Java writes patterns with a comma between groups and a point before decimals. Patterns of countries that do it otherwise are understood,
too, by the place of the signs: `#.##0,00`, `# ##0,00`, `0,00` (docs/decisions/typing-and-inputs.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANKS = " \u00a0\u202f"
OTHER_BLANKS = "\u00a0\u202f\u3000"
"""Blanks that web pages, SAP and East Asian programs put around numbers, which Java's trim leaves there."""
APOSTROPHES = "’'"
"""Both are typed between thousands; in a pattern it is the first, as the second quotes."""
_NUMBER = re.compile(r"[#0](?:[#0,.’\u00a0\u202f ]*[#0])?[.,]?(?:E0+)?|\.[#0]+(?:E0+)?")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_SCALES = {"%": 100, "‰": 1000}
ANY_DECIMALS = "[0-9]*"
NO_DECIMALS = "(?:0{0,2}|0{4,})"
"""Zeros behind the point of a whole number. Three are none: `1.000` is a thousand in half of the world."""


@dataclass(frozen=True)
class NumberPattern:
    """One pattern. The regular expressions have the digits as their only group; `scale` divides the number (100 for %).
    `groups`: the signs between groups of digits; `point`: the sign before the decimals."""

    positive: str
    negative: str
    scale: int
    groups: str
    point: str


def number_pattern(pattern: str, decimals: str = ANY_DECIMALS, exponent: str = "-?[0-9]+") -> NumberPattern:
    """The reading of `pattern`; `decimals`, `exponent`: what may stand behind the point and behind an E, as regular expressions.

    A number is written with groups as the pattern has them or with none at all, decimals and an exponent are always understood, and a
    pattern without a negative part takes a minus in front."""
    first, _, second = _without_quotes(pattern).partition(";")
    prefix, digits, suffix = _parts(first)
    negative_prefix, _, negative_suffix = _parts(second) if second else ("-" + prefix, "", suffix)
    if (negative_prefix, negative_suffix) == (prefix, suffix):
        negative_prefix = "-" + prefix
    scale = next((value for sign, value in _SCALES.items() if sign in first), 1)
    groups, point = _signs(digits)
    number = _digits(digits, groups, point, decimals, exponent)
    plus = "" if "+" in first else r"\+?"
    return NumberPattern(
        rf"^{plus}{_literal(prefix)}({number}){_literal(suffix)}$",
        rf"^{_literal(negative_prefix)}({number}){_literal(negative_suffix)}$",
        scale,
        groups,
        point,
    )


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is not right, in plain words; None when it is."""
    plain = _QUOTED.sub("", pattern)
    if not re.search(r"[#0]", plain):
        return "it has no place for digits (# or 0)"
    if plain.count(";") > 1:
        return "it has more than two parts"
    if "'" in plain:
        return "a quote is not closed"
    digits = _parts(plain.split(";")[0])[1]
    groups, point = _signs(digits)
    if digits.count(point) > 1:
        return f"it has more than one {'point' if point == '.' else 'comma before decimals'}"
    return None if len(groups.strip(BLANKS).replace(APOSTROPHES, "’")) <= 1 else "it has more than one sign between groups"


def _without_quotes(pattern: str) -> str:
    return _QUOTED.sub(lambda quoted: quoted[1].replace("''", "'") or "'", pattern)


def _parts(pattern: str) -> tuple[str, str, str]:
    number = _NUMBER.search(pattern)
    if not number:
        return pattern, "", ""
    return pattern[: number.start()], number.group(), pattern[number.end() :]


def _signs(digits: str) -> tuple[str, str]:
    """The signs between groups, and the one before decimals."""
    blanks = BLANKS if any(sign in digits for sign in BLANKS) else ""
    blanks += APOSTROPHES if "’" in digits else ""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and point >= 0:
        return (blanks + ".", ",") if comma > point else (blanks + ",", ".")
    if comma >= 0:
        is_group = not blanks and (digits.count(",") > 1 or len(_after(digits, ",")) == 3)
        return (",", ".") if is_group else (blanks, ",")
    if point >= 0 and not blanks and (digits.count(".") > 1 or re.match(r"#+0", _after(digits, "."))):
        return ".", ","
    return blanks, "."


def _after(digits: str, sign: str) -> str:
    return re.sub("E0+$", "", digits).rpartition(sign)[2]


def _digits(digits: str, groups: str, point: str, decimals: str, exponent: str) -> str:
    whole = "[0-9]+"
    if groups:
        sign = "[" + "".join(map(_literal, groups)) + "]"
        sizes = [len(part) for part in re.split(sign, _whole_part(digits, point))[1:]] or [3]
        last, other = sizes[-1], sizes[-2] if len(sizes) > 1 else sizes[-1]
        whole = rf"(?:[0-9]+|[0-9]{{1,{other}}}(?:{sign}[0-9]{{{other}}})*{sign}[0-9]{{{last}}})"
    dot = _literal(point)
    return rf"(?:{whole}(?:{dot}{decimals})?|{dot}(?=[0-9]){decimals})(?:E{exponent})?"


def _whole_part(digits: str, point: str) -> str:
    return re.sub("E0+$", "", digits).partition(point)[0]


def _literal(text: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", text)
