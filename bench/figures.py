"""A figure and how it is told: medians of several turns, ours and the peer's alternately, and their ratio."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from bench.programs import Moments

Say = Callable[[Any], None]
MOST_SHOWN = 20


@dataclass
class Figure:
    """`ours` and `peer` in seconds unless `unit` says otherwise, in the order measured. `goal` in words, as in the design.

    `ours_cpu`, `peer_cpu`: seconds of processor of the same turns, where they were measured: they depend less on who else works here.
    """

    what: str
    against: str
    goal: str
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    ours_cpu: list[float] = field(default_factory=list)
    peer_cpu: list[float] = field(default_factory=list)
    unit: str = "s"
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))
    """Of the machine, when the figure was made."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's: the median of the ratios of turns measured side by side."""
        return _ratio(self.ours, self.peer)

    @property
    def cpu_ratio(self) -> float | None:
        return _ratio(self.ours_cpu, self.peer_cpu)

    def as_dict(self) -> dict[str, Any]:
        """For results.json; seconds unless the unit says otherwise."""
        return {
            "what": self.what,
            "against": self.against,
            "goal": self.goal,
            "unit": self.unit,
            "ours_median": _median(self.ours),
            "peer_median": _median(self.peer),
            "ratio": _rounded(self.ratio),
            "ours_cpu_median": _median(self.ours_cpu),
            "peer_cpu_median": _median(self.peer_cpu),
            "cpu_ratio": _rounded(self.cpu_ratio),
            "load": self.load,
            "ours": _some(self.ours),
            "peer": _some(self.peer),
            **self.notes,
        }


def _ratio(ours: list[float], peer: list[float]) -> float | None:
    pairs = [one / other for one, other in zip(ours, peer, strict=False)]
    return statistics.median(pairs) if pairs else None


def _some(values: list[float]) -> list[float]:
    """The first of them: hundreds of latencies need nobody's reading."""
    return [round(value, 4) for value in values[:MOST_SHOWN]]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 4) if values else None


def alternately(turns: int, ours: Callable[[], float], peer: Callable[[], float], say: Say) -> tuple[list[float], list[float]]:
    """Measures both in turn; who goes first changes every time, so that a busy moment of the machine hits both."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            found[which].append((ours, peer)[which]())
        say(f"  turn {turn + 1} of {turns}: ours {found[0][-1]:.2f} s, peer {found[1][-1]:.2f} s")
    return found


def side_by_side(turns: int, ours: Callable[[], Moments], peer: Callable[[], Moments], say: Say) -> tuple[list[Moments], list[Moments]]:
    """The same for whole processes."""
    found: tuple[list[Moments], list[Moments]] = ([], [])

    def kept(which: int, start: Callable[[], Moments]) -> Callable[[], float]:
        def once() -> float:
            found[which].append(start())
            return found[which][-1].end

        return once

    alternately(turns, kept(0, ours), kept(1, peer), say)
    say(f"  processor: ours {_median([one.cpu for one in found[0]])} s, peer {_median([one.cpu for one in found[1]])} s")
    return found


def whole(what: str, against: str, goal: str, ours: list[Moments], peer: list[Moments] | None = None, **notes: Any) -> Figure:
    """From the start of the process to its end."""
    others = peer or []
    (end, cpu), (peer_end, peer_cpu) = (([one.end for one in which], [one.cpu for one in which]) for which in (ours, others))
    return Figure(what, against, goal, ours=end, peer=peer_end, notes=notes, ours_cpu=cpu, peer_cpu=peer_cpu)


def table(figures: list[Figure]) -> Table:
    """What is printed."""
    shown = Table(title="Medians; the ratio is ours ÷ peer; processor: seconds of it, ours / peer", title_justify="left")
    for name in ("what", "ours", "peer", "ratio", "goal", "processor", "load"):
        shown.add_column(name, justify="right" if name in ("ours", "peer", "ratio", "processor", "load") else "left")
    for figure in figures:
        peer = f"{_told(figure, figure.peer)} {figure.against}" if figure.peer else figure.against
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else "–"
        shown.add_row(figure.what, _told(figure, figure.ours), peer, ratio, figure.goal, _processor(figure), f"{figure.load:.1f}")
    return shown


def _told(figure: Figure, values: list[float]) -> str:
    middle = statistics.median(values)
    return duration(middle) if figure.unit == "s" else f"{middle:.0f} {figure.unit}"


def _processor(figure: Figure) -> str:
    if not figure.ours_cpu:
        return "–"
    ours = f"{statistics.median(figure.ours_cpu):.1f}"
    return f"{ours} / {statistics.median(figure.peer_cpu):.1f} = {figure.cpu_ratio:.2f}" if figure.peer_cpu else ours


def duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
