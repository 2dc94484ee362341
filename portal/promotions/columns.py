"""The columns that a good run read or wrote, compared with those that lie in the environment a version goes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.ui.words import plural

MOST = 20
"""Names of columns that one sentence lists."""
NO_VALUE = "no value yet"
"""The type of a key of JSON that has met nothing but null."""


@dataclass(frozen=True)
class Difference:
    """One of them, in words that quote names of columns. `kind`: missing, more, type, order, count or capitals."""

    kind: str
    words: str

    @property
    def is_harmless(self) -> bool:
        return self.kind == "capitals"


@dataclass(frozen=True)
class Comparison:
    """`is_whole`: both sides were looked at so far that nothing else can differ."""

    differences: tuple[Difference, ...]
    is_whole: bool


def compare(run: Mapping[str, Any], there: Mapping[str, Any], *, order_matters: bool) -> Comparison:
    """`run`: what the good run met; `there`: what lies in the target (both as `executor.files.columns`)."""
    is_whole = bool(run.get("is_whole")) and bool(there.get("is_whole"))
    before, now = _pairs(run), _pairs(there)
    if run.get("is_named") is False or there.get("is_named") is False:
        found = [] if len(before) == len(now) else [_count(len(now), len(before))]
        return Comparison(tuple(found), is_whole)
    known, names = {name.casefold(): name for name in before}, {name.casefold(): name for name in now}
    missing = [name for key, name in known.items() if key not in names]
    more = [name for key, name in names.items() if key not in known]
    found = [Difference("missing", f"“{name}” is missing") for name in missing if there.get("is_whole")]
    found += [Difference("more", f"“{name}” is there, and the good run did not read it") for name in more if run.get("is_whole")]
    for key, name in known.items():
        if key in names:
            found += _of_one(name, before[name], names[key], now[names[key]])
    if order_matters and not missing and not more and list(known) != list(names):
        shown = ", ".join(f"“{name}”" for name in list(now)[:MOST])
        found.append(Difference("order", f"the columns come in another order: {shown}"))
    return Comparison(tuple(found), is_whole and not (missing or more) or bool(found))


def _of_one(name: str, kind: str, name_now: str, kind_now: str) -> list[Difference]:
    """Kinds of JSON are those that were met: what holds only nulls tells nothing of its kind."""
    found = []
    if name_now != name:
        found.append(Difference("capitals", f"“{name}” is written “{name_now}” there"))
    before, now = set(kind.split(" or ")) - {""}, set(kind_now.split(" or ")) - {""}
    if before and not now <= before:
        found.append(Difference("type", f"“{name_now}” is {kind_now} there; the good run read {kind}"))
    return found


def _count(now: int, before: int) -> Difference:
    return Difference("count", f"{plural(now, 'column', 'columns')} there; the good run read {before}")


def _pairs(table: Mapping[str, Any]) -> dict[str, str]:
    pairs = [pair for pair in table.get("columns") or () if isinstance(pair, list | tuple) and len(pair) == 2]
    return {str(name): str(kind) for name, kind in pairs}


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The columns of a place before and after, one row for each: name, before, after ("" where it is not there), and change: same, new,
    gone or type."""
    old, new = ({name: kind or NO_VALUE for name, kind in _pairs(table or {}).items()} for table in (before, after))
    rows = [{"name": name, "before": old.get(name, ""), "after": kind} for name, kind in new.items()]
    rows += [{"name": name, "before": kind, "after": ""} for name, kind in old.items() if name not in new]
    return [row | {"change": _change(row)} for row in rows]


def _change(row: Mapping[str, str]) -> str:
    if not row["before"] or not row["after"]:
        return "gone" if row["before"] else "new"
    return "same" if row["before"] == row["after"] else "type"
