"""What `make test-lake` counts: how often somebody was killed, raced or looked, and what was lost, half done or leaked. It stands in a
table behind the last test, also where a test has failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest


@dataclass
class Row:
    """`None`: this is not what is counted there."""

    what: str
    tries: int = 0
    lost: int | None = None
    half: int | None = None
    leaked: int | None = None
    not_run: str = ""

    def tried(self, *, times: int = 1, lost: int | bool | None = None, half: int | bool | None = None, leaked: int | None = None) -> None:
        """Once more, or so many times. `lost`: rows or runs that are gone though they were told to be there; `half`: seen as a mixture."""
        self.tries += times
        for name, count in (("lost", lost), ("half", half), ("leaked", leaked)):
            if count is not None:
                setattr(self, name, (getattr(self, name) or 0) + int(count))


Tally = Callable[[str], Row]
ROWS = pytest.StashKey[dict[str, Row]]()


def rows_of(config: pytest.Config) -> dict[str, Row]:
    return config.stash.setdefault(ROWS, {})


def lines(rows: Sequence[Row]) -> list[str]:
    """The table."""
    width = max(len(row.what) for row in rows)
    head = f"{'what':<{width}}  {'tries':>6} {'lost':>6} {'half':>6} {'leaked':>6}"
    return [head, "-" * len(head), *(_line(row, width) for row in rows)]


def _line(row: Row, width: int) -> str:
    if row.not_run:
        return f"{row.what:<{width}}  NOT RUN: {row.not_run}"
    counts = " ".join(f"{'-' if count is None else count:>6}" for count in (row.lost, row.half, row.leaked))
    return f"{row.what:<{width}}  {row.tries:>6} {counts}"
