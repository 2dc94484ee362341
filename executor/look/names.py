"""Names that SQL takes without quotes, made from whatever stands in a header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORDS = {
    "%": " percent ",
    "€": " eur ",
    "$": " usd ",
    "£": " gbp ",
    "#": " number ",
    "&": " and ",
    "ß": "ss",
    "æ": "ae",
    "ø": "o",
    "ł": "l",
    "đ": "d",
}
_PAIRS = """
α:a β:v γ:g δ:d ε:e ζ:z η:i θ:th ι:i κ:k λ:l μ:m ν:n ξ:x ο:o π:p ρ:r σ:s ς:s τ:t υ:y φ:f χ:ch ψ:ps ω:o
а:a б:b в:v г:g ґ:g д:d е:e є:ye ж:zh з:z и:i і:i к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch ъ: ы:y ь: э:e
ю:yu я:ya
"""
_LETTERS = dict(pair.split(":") for pair in _PAIRS.split())
"""Greek and Cyrillic letters, without their accents, as passports write them."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def safe_names(raw: Sequence[str]) -> list[str]:
    """One name for each of `raw`: letters, digits and _, none twice (in any case)."""
    taken: set[str] = set()
    names = []
    for index, text in enumerate(raw):
        name = base = safe_name(text) or f"column_{index + 1}"
        number = 2
        while name.lower() in taken:
            name = f"{base[:120]}_{number}"
            number += 1
        taken.add(name.lower())
        names.append(name)
    return names


def safe_name(text: str) -> str:
    """`text` as a name; "" when nothing of it can stay."""
    for sign, word in _WORDS.items():
        text = text.replace(sign, word)
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_UMLAUTS))
    plain = "".join(_in_latin(sign) for sign in plain if not unicodedata.combining(sign))
    name = re.sub(r"_{3,}", "__", re.sub(r"[^A-Za-z0-9_]+", "_", plain)).strip("_")
    if name[:1].isdigit():
        name = f"c_{name}"
    return name[:120]


def _in_latin(sign: str) -> str:
    found = _LETTERS.get(sign.lower(), sign)
    return found.capitalize() if sign.isupper() and found != sign else found
