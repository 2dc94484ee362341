"""Small pictures as SVG attributes (the CSP allows no style="…"): mini bars of runs, sparklines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from portal.ui.states import look
from portal.ui.words import duration

BAR_WIDTH = 5
BAR_STEP = 7
BARS_HEIGHT = 18
LOWEST = 5.0
SPARK_STEP = 5
SPARK_HEIGHT = 14


class Bar(NamedTuple):
    """One rectangle; x, y, height in SVG units; `tone` is its class, `says` its title."""

    x: int
    y: float
    height: float
    tone: str
    says: str
    url: str


class Picture(NamedTuple):
    width: int
    height: int
    bars: list[Bar]
    says: str

    @property
    def has_links(self) -> bool:
        return any(bar.url for bar in self.bars)


def _value(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _seconds(item: Any) -> float:
    value = _value(item, "seconds")
    return float(value) if value else 0.0


def _bar(place: int, item: Any, longest: float) -> Bar:
    seen = look(_value(item, "state"))
    seconds = _seconds(item)
    height = LOWEST + (BARS_HEIGHT - LOWEST) * (seconds / longest if longest else 0.5)
    says = f"{seen.word}, {duration(seconds)}" if seconds else seen.word
    return Bar(
        place * BAR_STEP,
        round(BARS_HEIGHT - height, 1),
        round(height, 1),
        seen.tone,
        says,
        _value(item, "url") or "",
    )


def mini_bars(runs: Iterable[Any]) -> Picture:
    """Runs (objects or dicts with state, seconds, optional url), oldest first; a bar is as high as the run was long."""
    listed = list(runs)
    longest = max((_seconds(run) for run in listed), default=0.0)
    bars = [_bar(place, run, longest) for place, run in enumerate(listed)]
    bad = sum(bar.tone == "bad" for bar in bars)
    says = f"last {len(bars)} runs, {bad} failed" if bars else "never run"
    return Picture(max(len(bars) * BAR_STEP - 2, 0), BARS_HEIGHT, bars, says)


def sparkline(values: Sequence[float]) -> Picture:
    """Counts as small columns; the highest fills the height."""
    top = max(values, default=0)
    bars = []
    for place, value in enumerate(values):
        height = max(1.0, SPARK_HEIGHT * value / top) if top else 1.0
        bars.append(
            Bar(
                place * SPARK_STEP,
                round(SPARK_HEIGHT - height, 1),
                round(height, 1),
                "",
                "",
                "",
            )
        )
    return Picture(
        max(len(bars) * SPARK_STEP - 1, 0),
        SPARK_HEIGHT,
        bars,
        ", ".join(f"{value:g}" for value in values),
    )
