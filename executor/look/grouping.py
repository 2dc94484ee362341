"""What only a person can say of rows that sum up others, and of cells that are empty below the name of a group."""

from __future__ import annotations

from collections.abc import Sequence

from executor.files.grouped_rows import Groups, Totals, groups, summed_up, totals, without_remarks
from executor.look.proposal import Option, Proposal, ProposedColumn, Question, Said, TotalRows


def group_rows(proposal: Proposal, rows: Sequence[Sequence[str]]) -> None:
    """Puts what is found in `rows` (the first of the file) into the proposal, and asks."""
    columns = [column for column in proposal.columns if not column.dropped]
    if not rows or proposal.cuts:
        return
    sums = [one for one in totals(rows, len(columns)) if columns[one.column].type["type"] == "string"]
    if sums:
        proposal.total_rows = [TotalRows(index=one.column, words=list(one.words)) for one in sums]
        proposal.questions.append(_of_totals(sums, columns, len(rows), proposal.settings.totals))
    is_whole = proposal.rows == len(rows) and not proposal.settings.skip_last_lines
    summed = without_remarks(rows)
    last = summed_up(summed, len(columns)) if is_whole and not any(len(summed) - 1 in one.rows for one in sums) else []
    names = [columns[index].name for index in last]
    if last and proposal.format == "delimited":
        proposal.questions.append(_of_last(names, len(rows) - len(summed) + 1, is_kept=proposal.is_end_chosen))
    elif last:
        message = f"The last row holds the sum of all rows above it in {', '.join(names[:3])}: it looks like a total."
        proposal.problems.append(Said(code="look-total-row", message=message, fix="Leave it out in a query of the job (WHERE)."))
    named = groups(rows, len(columns)) if proposal.format == "delimited" else []
    if named:
        proposal.groups = [one.column for one in named]
        proposal.questions.append(_of_groups(named, columns, proposal.settings.fill_down))


def _of_totals(found: Sequence[Totals], columns: Sequence[ProposedColumn], rows: int, chosen: str | None) -> Question:
    first = found[0]
    words = " or ".join(f"“{word}”" if word else "nothing" for word in first.words[:3])
    where = ", ".join(columns[one.column].name for one in found[:3])
    count = len({row for one in found for row in one.rows})
    options = [
        Option(label="Keep them", words="sums over all rows count them once more", settings={"totals": "keep"}, is_chosen=chosen == "keep"),
        Option(label="Leave them out", words="by a query of the job", settings={"totals": "leave-out"}, is_chosen=chosen == "leave-out"),
    ]
    said = f"{count:,} of {rows:,} rows say {words} in {where}, where the others name one of several."
    return Question(key="totals", title="Are there totals among the rows?", words=said, options=options)


def _of_last(names: Sequence[str], count: int, *, is_kept: bool) -> Question:
    options = [
        Option(label="Keep it", words="it is a row as all others", settings={"skipLastLines": 0}, is_chosen=is_kept),
        Option(label="Leave it out", words="so that it is not counted twice", settings={"skipLastLines": count}),
    ]
    said = f"{'It' if count == 1 else f'The row before the last {count - 1}'} holds the sum of all rows above it in {', '.join(names[:3])}."
    return Question(key="skipLastLines", title="Is the last row a total?", words=said, options=options)


def _of_groups(found: Sequence[Groups], columns: Sequence[ProposedColumn], is_filled: bool | None) -> Question:
    first = found[0]
    names = ", ".join(columns[one.column].name for one in found[:3])
    options = [
        Option(
            label="Leave them empty", words="their rows have no value there", settings={"fillDown": False}, is_chosen=is_filled is False
        ),
        Option(label="Fill them down", words="with the value above", settings={"fillDown": True}, is_chosen=is_filled is True),
    ]
    said = f"{names}: {first.empty:,} of {first.rows:,} cells are empty below a value, as where a group is named in its first row only."
    return Question(key="fillDown", title="What do empty cells mean?", words=said, options=options)
