"""What only a person can say of rows that have more or fewer cells than the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.look.proposal import Option, ProposedColumn, Question

if TYPE_CHECKING:
    from executor.look.delimited import DelimitedLook


def questions_of_width(look: DelimitedLook, columns: list[ProposedColumn]) -> list[Question]:
    """Where rows have more or fewer cells than there are names, or than most rows have."""
    named = len(look.header) if look.dialect.header else len(look.facts)
    if named < len(look.facts):
        return [_too_few_names(look, named, columns)]
    odd = sum(rows for width, rows in look.widths.items() if width != len(look.facts)) + look.odd_count
    if not odd:
        return []
    widths = {*look.widths, *(width for _, _, width in look.others_odd)}
    is_short = any(width < len(look.facts) for width in widths)
    is_long = any(width > len(look.facts) for width in widths)
    choice = look.widths_choice()
    mend = ("fit", "Fill up and cut", "missing cells become empty, surplus ones are left out")
    if not is_long:
        mend = ("pad", "Fill them up", "missing cells become empty")
    if not is_short:
        mend = ("drop", "Cut them", "surplus cells are left out")
    of_others = [f"line {line:,} of {file} has {width}" for file, line, width in look.others_odd]
    where = ", ".join([*(f"line {line:,} has {width}" for line, width in look.others[:3]), *of_others][:3])
    options = [
        Option(label="Keep them aside", words="their text stands in _errors, without values", settings={"otherWidths": "reject"}),
        Option(label=mend[1], words=mend[2], settings={"otherWidths": mend[0]}),
        Option(label="Stop the run", words="until the file is corrected", settings={"otherWidths": "stop"}),
    ]
    rows = "row is" if odd == 1 else "rows are"
    return [
        Question(
            key="otherWidths",
            title=f"{odd:,} {rows} of another width",
            words=f"The others have {len(look.facts)} cells; {where}{' …' if odd > 3 else ''}.",
            options=_chosen(options, choice),
        )
    ]


def _too_few_names(look: DelimitedLook, named: int, columns: list[ProposedColumn]) -> Question:
    surplus = columns[named:]
    is_empty = all(column.nulls == column.rows for column in surplus)
    new = " and ".join(column.name for column in surplus[:3]) + (" …" if len(surplus) > 3 else "")
    count = len(look.facts) - named
    cells = f"{count} cell{'s' if count > 1 else ''}"
    rows = look.widths.get(len(look.facts), 0)
    wrong = "Where the first cell of each row has no name, or decimals stand behind the separator, values would come under wrong names."
    options = [
        Option(
            label="Drop them",
            words="nothing is lost: all are empty" if is_empty else "their values are lost",
            settings={"otherWidths": "drop"},
        ),
        Option(label="Keep them, with names", words=f"as {new}", settings={"otherWidths": "keep"}),
        Option(label="Reject such rows", words=f"all {rows:,} rows would go to _errors", settings={"otherWidths": "reject"}),
    ]
    return Question(
        key="otherWidths",
        title=f"{named} names, but {len(look.facts)} cells in a row",
        words=f"{rows:,} rows have {cells} more than there are names. What should happen to the {cells} without a name?"
        + ("" if is_empty else f" {wrong}"),
        options=_chosen(options, look.surplus if is_empty or look.settings.other_widths else ""),
        must_be_answered=not is_empty and look.settings.other_widths is None,
    )


def _chosen(options: list[Option], choice: str) -> list[Option]:
    for option in options:
        option.is_chosen = option.settings["otherWidths"] == choice
    return options
