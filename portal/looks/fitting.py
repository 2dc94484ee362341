"""How many rows of a file fit, in words: as they are, and with what a person chose for values that do not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from executor.look.proposal import Proposal
from portal.ui.words import count, plural


@dataclass(frozen=True)
class Fit:
    """`is_good`: there is nothing left to look at."""

    words: str
    is_good: bool = False


def judged_words(proposal: Proposal) -> str:
    """Of which rows the types are: “all 40 rows”."""
    judged, rows = count(proposal.rows_judged), proposal.rows
    if proposal.files > 1:
        return f"{judged} rows of {count(proposal.files)} files"
    if is_all_judged(proposal):
        return f"all {judged} rows"
    return f"the first {judged} of {count(rows)} rows" if rows else f"the first {judged} rows"


def is_all_judged(proposal: Proposal) -> bool:
    """Of a folder only the first rows of each file are judged, and how many there are is not known."""
    return proposal.files == 1 and proposal.rows == proposal.rows_judged


def fit_of(proposal: Proposal, mended: Collection[tuple[int, str]]) -> Fit:
    """`mended`: (column, value) of the values that are read as others."""
    judged, shown, total = proposal.rows_judged, len(proposal.misfits), proposal.misfits_total
    if total and proposal.rows_fit is None:
        return Fit(f"{count(total)} values do not fit · here are the first {count(shown)}")
    if proposal.rows_fit is not None and proposal.rows_fit < judged:
        return _not_all(proposal, mended)
    if proposal.format == "parquet":
        return Fit(f"{plural(proposal.rows or 0, 'row', 'rows')}, with the types of the file", is_good=True)
    if not judged:
        return Fit("There are names, and no rows")
    if not is_all_judged(proposal):
        return Fit(f"All {plural(judged, 'row', 'rows')} that were looked at fit", is_good=True)
    return Fit("The only row fits" if judged == 1 else f"All {count(judged)} rows fit", is_good=True)


def _not_all(proposal: Proposal, mended: Collection[tuple[int, str]]) -> Fit:
    judged, fit = proposal.rows_judged, proposal.rows_fit or 0
    shown, total, left = len(proposal.misfits), proposal.misfits_total, judged - fit
    of = f"{count(fit)} of {count(judged)} rows fit"
    chosen = [misfit for misfit in proposal.misfits if (misfit.index, misfit.value) in mended]
    if total > shown:
        as_is = " as they are" if chosen else ""
        return Fit(f"{of}{as_is} · here are the first {count(shown)} of {count(total)} values that do not")
    if chosen:
        return _with_chosen(proposal, mended)
    if not shown:
        return Fit(of)
    return Fit(f"{of} · here {'is the other one' if left == 1 else f'are the {count(left)}' if left == shown else 'is what does not fit'}")


def _with_chosen(proposal: Proposal, mended: Collection[tuple[int, str]]) -> Fit:
    """A row whose values that do not fit are all read as others fits, too."""
    lines = {(misfit.file, misfit.line) for misfit in proposal.misfits}
    wrong = {(misfit.file, misfit.line) for misfit in proposal.misfits if (misfit.index, misfit.value) not in mended}
    now, judged = (proposal.rows_fit or 0) + len(lines - wrong), proposal.rows_judged
    as_chosen = f"{count(len(lines - wrong))} as you chose"
    if now == judged:
        return Fit(f"All {count(judged)} rows fit, {as_chosen}", is_good=True)
    return Fit(f"{count(now)} of {count(judged)} rows fit, {as_chosen}")
