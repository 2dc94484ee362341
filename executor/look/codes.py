"""Digits that are no amount: as numbers they would lose zeros at their beginning, digits at their end, or be one where they are two."""

from __future__ import annotations

import re

from executor.look.facts import Facts, Tally
from executor.look.shapes import BLANKS, GAPS, Number

LONGEST_NUMBER = 15
"""Digits of a whole number; longer ones may be account numbers and the like."""
LARGEST_LONG = 2**63 - 1
_NAMES = re.compile(
    r"(?:^|[_\s-])(?:zip|zip_?code|post_?code|postal_?code|plz|cap|iban|account_?(?:no|number)|card_?(?:no|number)"
    r"|phone|telephone|telefone?|tel[eé]fono|tel|mobile?|handy|cell|fax|telefax|ssn|isbn|ean|gtin|upc|vat)(?:$|[_\s-])",
    re.IGNORECASE,
)
_LONG_NAMES = re.compile(r"account|konto|card|tracking|barcode|serial|imei|reference", re.IGNORECASE)
"""What has many digits and is called so is no amount."""
_ALIKE_NAMES = re.compile(
    r"version|release|section|chapter|clause|paragraph|kapitel|abschnitt|code|icd|diagnos|nace|isced|isic", re.IGNORECASE
)
"""What has several numbers in one name, such as 1.10 and 1.1, and is called so is no amount."""
_ADDRESS = re.compile(r"\d{1,3}(?:[.]\d{3}){3}")
"""As 192.168.100.101; others are no number whatever they are."""
ADDRESS = "four numbers up to 255 with points between them are an address in a network, not an amount"
ZERO_LED = "begins with 0: a code, not an amount"
ALIKE = "as numbers {} and {} would be one; where they are amounts, choose a number"
MAY_BE_ALIKE = "{} and {} are one number; where they are codes, choose text"
SHORTENED = (
    "a spreadsheet shows many digits as 4.00638E+12, and saved them so: the others are lost. Show the column there as a number without "
    "decimals, and save it again; where these are powers of ten, choose a number"
)


def reason(facts: Facts) -> str:
    """Why the digits of the column are no amount: leading zeros, very many, and names that say so. Empty where they are."""
    numbers = {key: tally for key, tally in facts.tallies.items() if isinstance(key, Number)}
    wholes = [(key, tally) for key, tally in numbers.items() if key.form == "whole"]
    if any(key.is_code for key in numbers) or (any(key.zero_led for key in numbers) and not _has_signs(numbers)):
        return ZERO_LED
    rows = sum(tally.rows for tally in numbers.values())
    whole_rows = sum(tally.rows for _, tally in wholes)
    codes = sum(tally.rows for key, tally in numbers.items() if key.may_be_code)
    if codes and codes + whole_rows == rows:
        return "an E among digits is a code, such as 1E5; where it is a power of ten, choose a number"
    shortened = sum(tally.rows for key, tally in numbers.items() if key.is_shortened)
    if shortened and shortened == sum(tally.rows for key, tally in numbers.items() if key.form == "scientific"):
        return SHORTENED
    if wholes and whole_rows == rows:
        is_amount = all(is_long(tally) for _, tally in wholes) and not _LONG_NAMES.search(facts.name)
        if max(tally.digits for _, tally in wholes) > LONGEST_NUMBER and not is_amount:
            return "so many digits are a code, not an amount"
    if rows == sum(tally.rows for key, tally in numbers.items() if key.form == "points") and _are_addresses(facts):
        return ADDRESS
    grouped = sum(tally.rows for key, tally in numbers.items() if key.form in GAPS)
    if rows and whole_rows + grouped == rows and _NAMES.search(facts.name):
        return "the name says that it is a code"
    return ""


def _has_signs(numbers: dict[Number, Tally]) -> bool:
    """Whether some are below 0, or have a currency or a % beside them, as amounts have: 007.50 among them is filled up with zeros."""
    return any(key.around != "#" or tally.bounds[""][0][0] < 0 for key, tally in numbers.items())


def _are_addresses(facts: Facts) -> bool:
    texts = [text for text in map(str.strip, facts.values) if text[:1].isdigit()]
    return all(_ADDRESS.fullmatch(text) and all(int(part) <= 255 for part in text.split(".")) for text in texts)


def is_long(tally: Tally) -> bool:
    """Whether all of them fit 64 bits, which keep every digit; as text they would be summed as floating-point numbers."""
    return all(-LARGEST_LONG - 1 <= number <= LARGEST_LONG for bounds in tally.bounds.values() for number, _ in bounds)


def alike(facts: Facts, sign: str) -> tuple[str, str] | None:
    """Two texts with decimals that are one number, such as 1.1 and 1.10. `sign` stands before decimals."""
    seen: dict[str, str] = {}
    for text in facts.values:
        plain = text.strip(BLANKS)
        if sign in plain and plain[:1].isdigit() and plain[-1:].isdigit():
            bare = plain.rstrip("0")
            if seen.setdefault(bare, plain) != plain:
                return min(plain, seen[bare], key=len), max(plain, seen[bare], key=len)
    return None


def are_codes(facts: Facts, pair: tuple[str, str]) -> bool:
    """Whether what is `alike` is told apart by its column's name, or counts on: after 1.9 come 1.10 and 1.11 among
    versions, chapters, months of a year."""
    shorter, longer = pair
    if _ALIKE_NAMES.search(facts.name):
        return True
    texts = {text.strip(BLANKS) for text in facts.values}
    return longer == f"{shorter}0" and shorter[-2:-1] in (".", ",") and shorter[-1] == "1" and {f"{shorter[:-1]}9", f"{shorter}1"} <= texts
