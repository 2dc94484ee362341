"""Names of columns out of headers: one name for each column, and the same columns in files that write them in another order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from executor.files.dialect import BLANKS
from executor.files.encodings import MARK
from executor.plain import nearest

SHOWN = 30


@dataclass(frozen=True)
class Named:
    """`names`: one for each column, all different, also where capital letters do not count. `told`: what became of the others; `twice`:
    names that came more than once."""

    names: tuple[str, ...]
    told: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()


def listed(names: Sequence[str]) -> str:
    """The first of many names."""
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def in_quotes(names: Sequence[str], most: int = 5) -> str:
    """The first few names as they stand in a sentence."""
    return ", ".join(f"“{name}”" for name in names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def rows_in_words(count: int) -> str:
    """1 row, 2 rows."""
    return f"{count:,} row{'s' if count != 1 else ''}"


def numbered(width: int) -> Named:
    """Names where there is no header."""
    return Named(tuple(f"_c{index}" for index in range(width)))


def named(header: Sequence[str], *, trim: bool) -> Named:
    """Names from a header: an empty one becomes `_c2`, of names that come twice each gets its number (from 0) behind it. A byte order mark
    that stands twice is no part of a name."""
    written = [name.lstrip(MARK) for name in header]
    written = [name.strip(BLANKS + "\u00a0") if trim else name for name in written]
    often = Counter(name.casefold() for name in written if name)
    taken = {name.casefold() for name in written if often[name.casefold()] == 1}
    names, told = [], []
    for index, name in enumerate(written):
        if name and often[name.casefold()] == 1:
            names.append(name)
            continue
        became = _free(f"{name}{index}" if name else f"_c{index}", taken)
        taken.add(became.casefold())
        names.append(became)
        why = f"“{name}” comes more than once" if name else "is empty"
        told.append(f"the name of column {index + 1} {why}: it is called “{became}”")
    blank = [name for name in names if name != name.strip(BLANKS + "\u00a0")]
    if blank:
        shown = ", ".join(f"“{name}”" for name in blank[:5])
        told.append(f"blanks stand before or behind names: {shown}; “Blanks off names” (trimNames) leaves them out")
    return Named(tuple(names), tuple(told), tuple(dict.fromkeys(name for name in written if often[name.casefold()] > 1)))


def _free(name: str, taken: set[str]) -> str:
    while name.casefold() in taken:
        name += "_"
    return name


def key(name: str) -> str:
    """What two ways to write one name have in common."""
    return name.strip(BLANKS + "\u00a0").casefold()


@dataclass(frozen=True)
class Match:
    """The columns of a file beside the expected ones. `names`: the file's columns, called as expected where they are the same; `missing`:
    expected ones that it lacks; `more`: its own ones."""

    names: tuple[str, ...]
    missing: tuple[str, ...]
    more: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.more)


def match(found: Sequence[str], expected: Sequence[str]) -> Match:
    """Compares two headers by name: as written, else without blanks around and capital letters, where that is clear."""
    by_key: dict[str, list[str]] = {}
    for name in expected:
        by_key.setdefault(key(name), []).append(name)
    often = Counter(key(name) for name in found)
    known = set(expected)
    names = []
    for name in found:
        same = by_key.get(key(name), [])
        is_clear = len(same) == 1 and often[key(name)] == 1
        names.append(name if name in known or not is_clear else same[0])
    mine = set(names)
    missing = tuple(name for name in expected if name not in mine)
    return Match(tuple(names), missing, tuple(name for name in names if name not in known))


def how_to_mend(found: Match) -> str:
    """What to do in the file, in words."""
    words = []
    more = list(found.more)
    for name in found.missing:
        near = nearest(name, more) if more else None
        if near is None and len(found.missing) == len(found.more) == 1:
            near = more[0]
        if near is not None:
            more.remove(near)
            words.append(f"rename “{near}” to “{name}”")
        else:
            words.append(f"add “{name}”")
    words += [f"take “{name}” out" for name in more]
    return ", ".join(words[:5]) + (" …" if len(words) > 5 else "")
