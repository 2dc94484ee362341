"""How much a question of one's own would read: what is asked beside a run must not cost more than the run."""

from __future__ import annotations

from typing import Any

LARGEST = 4 * 1024**3
"""Bytes of the files behind a question, by Spark's own estimate."""


def is_large(*frames: Any) -> bool:
    """Whether these frames together read more than that."""
    return sum(_read(frame) for frame in frames) > LARGEST


def _read(frame: Any) -> int:
    leaves = frame._jdf.queryExecution().optimizedPlan().collectLeaves()
    return sum(int(leaves.apply(place).stats().sizeInBytes()) for place in range(leaves.length()))
