"""A figure and how it is told: medians of several turns, ours and the peer's alternately, and their ratio."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table


@dataclass
class Figure:
    """`ours` and `peer` in seconds, in the order measured. `goal` in words, as in the design."""

    what: str
    against: str
    goal: str
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's: the median of the ratios of turns measured side by side."""
        pairs = [ours / peer for ours, peer in zip(self.ours, self.peer, strict=False)]
        return statistics.median(pairs) if pairs else None

    def as_dict(self) -> dict[str, Any]:
        """For results.json; seconds."""
        return {
            "what": self.what,
            "against": self.against,
            "goal": self.goal,
            "ours_median": round(statistics.median(self.ours), 4),
            "peer_median": round(statistics.median(self.peer), 4) if self.peer else None,
            "ratio": round(self.ratio, 3) if self.ratio is not None else None,
            "ours": [round(value, 4) for value in self.ours],
            "peer": [round(value, 4) for value in self.peer],
            **self.notes,
        }


def alternately(
    turns: int, ours: Callable[[], float], peer: Callable[[], float], say: Callable[[str], None]
) -> tuple[list[float], list[float]]:
    """Measures both in turn; who goes first changes every time, so that a busy moment of the machine hits both."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            found[which].append((ours, peer)[which]())
        say(f"  turn {turn + 1} of {turns}: ours {found[0][-1]:.2f} s, peer {found[1][-1]:.2f} s")
    return found


def table(figures: list[Figure]) -> Table:
    """What is printed."""
    shown = Table(title="Medians; the ratio is ours ÷ peer", title_justify="left")
    for name in ("what", "ours", "peer", "ratio", "goal"):
        shown.add_column(name, justify="right" if name in ("ours", "peer", "ratio") else "left")
    for figure in figures:
        peer = f"{duration(statistics.median(figure.peer))} {figure.against}" if figure.peer else figure.against
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else "–"
        shown.add_row(figure.what, duration(statistics.median(figure.ours)), peer, ratio, figure.goal)
    return shown


def duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
