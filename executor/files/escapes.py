"""Which escape sign a file was written with, by what both readings of it give."""

from __future__ import annotations

from dataclasses import dataclass

from executor.files.looks import FileLook, Some

BACKSLASH = "\\"


@dataclass(frozen=True)
class Verdict:
    """`sign`: the escape sign; None where the file does not say. `is_proven`: the other one would misread it. `unsure`: the first row that
    the two read differently; `against`: rows for doubled quotes and for the backslash, where there are both."""

    sign: str | None
    is_proven: bool = False
    unsure: Some | None = None
    against: tuple[int, int] | None = None


def verdict(quote: str, doubled: FileLook, slashed: FileLook) -> Verdict:
    """`doubled`, `slashed`: the file as seen with either sign."""
    seen = doubled.rows if doubled.is_cut else slashed.rows
    only_doubled = {row for row in slashed.irregular - doubled.irregular if row <= seen}
    only_slashed = doubled.irregular - slashed.irregular
    if only_doubled and only_slashed:
        return Verdict(None, against=(min(only_doubled), min(only_slashed)))
    if only_doubled or only_slashed:
        return Verdict(quote if only_doubled else BACKSLASH, is_proven=True)
    return Verdict(None, unsure=doubled.slashed)
