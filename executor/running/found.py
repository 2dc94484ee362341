"""What was found at a join, of any kind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """The rows that come of such keys, and one of these keys with its rows on both sides."""

    kind: str
    rows: int
    keys: int
    key: str
    times: tuple[int, int]

    @property
    def example(self) -> str:
        return f"for instance “{self.key}”: {self.times[0]:,} × {self.times[1]:,}"
