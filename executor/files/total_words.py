"""Words by which tables call rows that sum up others, in the languages of the files that are met."""

from __future__ import annotations

import re
from collections.abc import Sequence

from executor.language.quoting import name_in_sql, text_in_sql

_WORDS = (
    "total totals grand-total sub-total subtotal overall sum summe gesamt insgesamt gesamtsumme gesamtergebnis zwischensumme teilsumme "
    "totaal eindtotaal totale totali totaux sous-total somme ensemble total-general total-geral suma totales totais "
    "totalt ialt samtals yhteensä sammanlagt celkem celkom spolu razem ogółem łącznie összesen mindösszesen toplam genel-toplam "
    "ukupno skupaj kokku kopā iš-viso σύνολο итого всего всього разом общо всичко укупно вкупно "
    "合计 总计 总和 小计 合計 総計 小計 總計 합계 총계 소계 المجموع الإجمالي סהכ tổng tổng-cộng jumlah รวม कुल योग"
)
_MIDDLES = (
    "average averages avg mean median mittelwert durchschnitt mittel medianwert moyenne médiane promedio mediana media média gemiddelde "
    "mediaan genomsnitt medelvärde gjennomsnitt gennemsnit keskiarvo mediaani średnia průměr átlag ortalama среднее медиана "
    "平均 平均値 平均值"
)
_SPREADS = "min max minimum maximum mín máx minimo massimo mínimo máximo std stddev stdev std-dev standard-deviation standardabweichung sd"
_TOTALS = _WORDS.split()
_STATISTICS = f"{_MIDDLES} {_SPREADS}".split()


def _any_of(words: list[str]) -> str:
    return "|".join(re.escape(word).replace(r"\-", r"[\s-]*") for word in sorted(words, key=len, reverse=True))


_NAMES = _any_of(_TOTALS)
_ANY = "all|alle|tous|toutes|todos|todas|tutti|tutte|both|wszystkie|wszystko|все|全部|全体"
_FIRST_OR_LAST = (
    frozenset(word for one in [*_TOTALS, *_STATISTICS] for word in one.split("-")) | frozenset(_ANY.split("|")) | {"grand", "i"}
)
_AROUND = " \t\u00a0:;.*()[]'\"-_=#"
TOTAL = re.compile(rf"\W*(?:{_NAMES})\W*|\(\s*(?:all|alle|tous|toutes|todos|tutti)\s*\)|i alt", re.IGNORECASE)
"""A whole cell that is called so and nothing else."""
STATISTIC = re.compile(rf"\W*(?:{_any_of(_STATISTICS)})\W*", re.IGNORECASE)
"""A whole cell by which a row of averages and the like is called; a value of its column may be called so, too: the numbers say which."""
AMBIGUOUS = re.compile("total|sum|suma|ensemble", re.IGNORECASE)
"""What companies and people are called, too."""
ALL = re.compile(
    rf"[^\w\s.]{{1,5}}|_{{1,5}}|[Σ∑]\W*|\W*(?:{_ANY}|total|totals|overall)\b.{{0,40}}|.{{1,40}}\s(?:gesamt|insgesamt|total|totals)\W*",
    re.IGNORECASE,
)
"""A whole cell that may be called so (also by signs alone: Σ, =, ---), or name something else: the numbers say which."""
SIGNS = re.compile(r"[σς∑=+#*_-]{1,5}")
"""A cell of signs by which some reports call a total, in small letters."""
FOOTER = re.compile(
    rf"^\W*(?:(?:grand\s+)?(?:{_NAMES}|count|end( of (file|report))?|eof|\d+ rows?)\b|i alt\b)",
    re.IGNORECASE,
)
"""How a row begins that sums up the others, or ends the file."""

SUBTOTAL = re.compile(
    rf"\W*(?:(?:sub|grand)[\s-]*)?(?:{_NAMES})\b|.{{1,60}}[\s-](?:{_NAMES})\W*$",
    re.IGNORECASE,
)
"""How the first value of a row begins or ends that sums up those above it."""


def may_hold_totals(text: str, separator: str) -> bool:
    """Whether a value in the text may be called so, or begin or end so: quick, as nearly all values of nearly all texts are not."""
    if f"{separator}*" in text or "\n*" in text:
        return True
    for cell in set(re.split(f"{re.escape(separator)}|[\r\n]", text.casefold())):
        if len(cell) < 8 and SIGNS.fullmatch(cell.strip(' "')):
            return True
        words = cell.strip(_AROUND).split() if not cell[-1:].isdigit() else ()
        if words and not _FIRST_OR_LAST.isdisjoint((words[0].strip(_AROUND), words[-1].strip(_AROUND), words[0].partition("-")[0])):
            return True
    return False


def is_no_total(column: str, words: Sequence[str]) -> str:
    """SQL that leaves the rows out that say one of `words` in the column; nothing between two separators is read as no value."""
    name, texts = name_in_sql(column), ", ".join(map(text_in_sql, words))
    if len(words) > 1:
        return f"coalesce({name}, '') NOT IN ({texts})"
    return f"{name} IS DISTINCT FROM {texts}" if words[0] else f"{name} IS NOT NULL"
