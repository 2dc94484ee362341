"""A proposal as the page shows it: words, choices of every control, stages in plain words."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import Any, get_args

from executor.files.encodings import Encoding
from executor.look.dialect import ESCAPES, QUOTES, SEPARATORS
from executor.look.proposal import FIRST_SIGNS, Found, Misfit, Proposal, ProposedColumn
from executor.look.stages import table_name
from portal.data.noted import Parts, parts_of
from portal.environments.models import Environment
from portal.environments.reach import read_only_problem
from portal.errors import PortalError
from portal.jobs import plain_words
from portal.looks.choosing import Chosen, default_misfits
from portal.looks.fitting import fit_of, judged_words
from portal.looks.new_job import READABLE, Made, free_job_name, made_for
from portal.looks.unpacking import own_folder

TYPES = [
    ("string", "text", "abc"),
    ("integer", "whole number", "number"),
    ("long", "whole number, long", "number"),
    ("decimal", "decimal", "decimal"),
    ("double", "floating point", "decimal"),
    ("boolean", "yes / no", "checkbox"),
    ("date", "date", "calendar"),
    ("timestamp", "date and time", "calendar-clock"),
    ("time", "time of day", "clock"),
]
ICONS = {key: icon for key, _, icon in TYPES} | {"struct": "braces", "array": "brackets", "binary": "binary"}
TITLES = {
    "packed": "Packed",
    "encoding": "Encoding",
    "separator": "Separator",
    "quote": "Quote",
    "escape": "Quote in quotes",
    "header": "Header",
    "skipLines": "Lines before",
    "skipLastLines": "Rows behind",
    "comment": "Comments",
    "emptyLines": "Empty lines",
    "decimal": "Numbers",
    "nullValues": "No value is",
    "dayFirst": "Days are",
    "timeZone": "Times are in",
    "format": "Format",
}
ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Zurich", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney",
]  # fmt: skip
MOST_DRAWN, MOST_CELLS = 300, 10_000
"""Columns, and cells of first rows, that a page shows; a browser needs many seconds for thousands of either."""
TYPED_IN = ("nullValues", "skipLines", "skipLastLines")
"""What is found and corrected as text; what has neither options nor a place here is only told."""
FORMATS = {"delimited": "text with separators", "json": "one JSON document", "jsonl": "JSON, one object a line", "parquet": "Parquet"}


def page(environment: Environment, proposal: Proposal, uri: str, chosen: Chosen) -> dict[str, Any]:
    """What the template of a proposal gets."""
    mended = {(mend.index, mend.found): mend for mend in chosen.mends}
    misfits = chosen.misfits or default_misfits(proposal)
    made = _made(environment, proposal, uri, chosen)
    return {
        "proposal": proposal,
        "uri": uri,
        "chosen": chosen,
        "settings_json": json.dumps(chosen.settings),
        "mends_json": json.dumps([asdict(mend) for mend in chosen.mends]),
        "found": [_fact(found) for found in proposal.found if not _is_more(found)],
        "may_correct": any(_options(found) or found.setting in TYPED_IN for found in proposal.found),
        "found_more": [_fact(found) for found in proposal.found if _is_more(found)],
        "columns": [_column(column) for column in _drawn(proposal)],
        "drawn_names": [column.name for column in proposal.columns[:MOST_DRAWN]],
        "drawn_rows": [row[: MOST_DRAWN + 1] for row in proposal.first_rows[: _most_rows(proposal)]],
        "cut_rows": _cut_rows(proposal),
        "cut_lines": "" if proposal.first_lines_are_all else _cut_lines(proposal),
        "not_drawn": sum(not column.dropped for column in proposal.columns) - len(_drawn(proposal)),
        "dropped": _dropped(proposal),
        "kept": [column for column in proposal.columns if not column.dropped],
        "misfits": [_misfit(misfit, mended) for misfit in proposal.misfits],
        "misfit_choice": misfits,
        "has_misfits": bool(proposal.misfits_total) or proposal.settings.other_widths == "reject",
        "judged": judged_words(proposal),
        "fit": fit_of(proposal, mended),
        "name": chosen.name or free_job_name(environment.project, f"load_{table_name(uri)}"[:80]),
        "sentences": list(plain_words.plain_stages(made.stages)),
        "outputs": made.outputs,
        "taken": made.taken,
        **(_parts(environment, uri) if proposal.members else {}),
        "is_readable": proposal.format in READABLE and bool(proposal.columns),
    }


def _parts(environment: Environment, uri: str) -> dict[str, Any]:
    """What was unpacked from a file before: {"is_outdated", "parts": places of files, none of which is missing or of an earlier version,
    "folder" that holds several of them alone, "is_read_only": nothing can be unpacked there}."""
    made = Parts([])
    is_read_only = read_only_problem(environment, uri) is not None
    with suppress(PortalError):
        made = made if is_read_only else parts_of(environment, uri, None)
    parts = sorted(made.places) if made.is_whole and not made.is_outdated else []
    return {"is_outdated": made.is_outdated, "parts": parts, "folder": own_folder(uri, parts), "is_read_only": is_read_only}


def _drawn(proposal: Proposal) -> list[ProposedColumn]:
    """The columns that the page shows: of a very wide table those that want a look, and the first ones."""
    kept = [column for column in proposal.columns if not column.dropped]
    if len(kept) <= MOST_DRAWN:
        return kept
    wanting = [column for column in kept if column.fits < column.rows or not column.sure][:MOST_DRAWN]
    places = {column.index for column in wanting} | {column.index for column in kept[: MOST_DRAWN - len(wanting)]}
    return [column for column in kept if column.index in places]


def _most_rows(proposal: Proposal) -> int:
    return MOST_CELLS // max(1, len(proposal.columns[:MOST_DRAWN]))


def _cut_rows(proposal: Proposal) -> str:
    """What of the first rows is shown; "" where that is all."""
    rows, columns = min(len(proposal.first_rows), _most_rows(proposal)), len(proposal.columns)
    parts = []
    if proposal.rows is None or proposal.rows > rows:
        parts.append(f"{rows:,} of {proposal.rows:,} rows" if proposal.rows else f"{rows:,} rows; there are more")
    if columns > MOST_DRAWN:
        parts.append(f"{MOST_DRAWN:,} of {columns:,} columns")
    return f"The first {', and the first '.join(parts)}." if parts else ""


def _cut_lines(proposal: Proposal) -> str:
    lines, longest = len(proposal.first_lines), max(map(len, proposal.first_lines), default=0)
    cut = f" A line is shown up to {FIRST_SIGNS:,} signs." if longest >= FIRST_SIGNS else ""
    return f"The first {lines:,} lines of the file.{cut}" if lines > 1 else f"The beginning of the file.{cut}"


def _made(environment: Environment, proposal: Proposal, uri: str, chosen: Chosen) -> Made:
    try:
        return made_for(environment, proposal, uri, chosen.choices(proposal, uri), chosen.start)
    except PortalError:
        return Made([])


def _is_more(found: Found) -> bool:
    """What hardly anybody needs, as long as it is the usual."""
    return found.setting in ("escape", "comment", "skipLines", "skipLastLines") and found.value in ('"', "", 0)


def _fact(found: Found) -> dict[str, Any]:
    """One line of “What was found”: its options are (value, words, whether it is so now)."""
    options = _options(found)
    value = _as_value(found)
    return {
        "setting": found.setting,
        "title": TITLES.get(found.setting, found.setting),
        "shown": found.shown,
        "words": found.words,
        "sure": found.sure,
        "options": [(key, words, key == value) for key, words in _with_current(options, value, found.shown)] if options else [],
        "is_text": found.setting in TYPED_IN,
        "value": ", ".join(found.value) if isinstance(found.value, list) else found.value,
    }


def _as_value(found: Found) -> str:
    if isinstance(found.value, bool):
        return "true" if found.value else "false"
    if found.setting in ("quote", "escape", "comment") and found.value == "":
        return "none"
    return str(found.value)


def _with_current(options: list[tuple[str, str]], value: str, shown: str) -> list[tuple[str, str]]:
    return options if any(key == value for key, _ in options) else [(value, shown), *options]


def _options(found: Found) -> list[tuple[str, str]]:
    named = {
        "encoding": [(name, name.replace("windows", "Windows")) for name in get_args(Encoding)],
        "separator": [(key, found.shown if key == found.value else words) for key, words in SEPARATORS.items()],
        "quote": [(key or "none", words) for key, words in QUOTES.items()],
        "escape": [(key or "none", words) for key, words in ESCAPES.items()],
        "comment": [("none", "none"), ("#", "lines with #"), ("/", "lines with /"), (";", "lines with ;"), ("%", "lines with %")],
        "decimal": [(".", "1,234.56"), (",", "1.234,56")],
        "dayFirst": [("true", "day first"), ("false", "month first")],
        "timeZone": [(zone, zone) for zone in ZONES],
        "format": [] if found.value == "parquet" else [(key, words) for key, words in FORMATS.items() if key != "parquet"],
    }
    if found.setting == "header":
        return [("true", found.shown if found.value else "the first line"), ("false", "no header")]
    return named.get(found.setting, [])


def type_words(column: dict[str, Any]) -> str:
    """A column's type for people."""
    kind = str(column.get("type"))
    if kind == "decimal":
        scale = int(column.get("scale", 0))
        return "decimal, long" if scale > 6 else f"decimal {column.get('precision')},{scale}"
    if kind in ("struct", "array"):
        return "several values"
    words = {key: words for key, words, _ in TYPES}
    return "whole number" if kind == "long" else words.get(kind, kind)


def _column(column: ProposedColumn) -> dict[str, Any]:
    kind = str(column.type.get("type"))
    options = [(key, type_words(column.type) if key == kind else words, key == kind) for key, words, _ in TYPES]
    if column.fixed or not any(is_now for _, _, is_now in options):
        options = []
    return {
        "column": column,
        "icon": ICONS.get(kind, "abc"),
        "type_words": type_words(column.type),
        "options": options,
        "fits_all": column.fits == column.rows,
        "not_fitting": column.rows - column.fits,
        "null_percent": _percent(column.nulls or 0, column.rows),
        "is_empty": column.nulls is not None and column.nulls >= column.rows,
        "was_renamed": column.raw_name != column.name,
        "is_name_lost": bool(column.raw_name.strip()) and column.name == f"column_{column.index + 1}" != column.raw_name.strip(),
        "bars": [
            {"x": 6 * place, "height": max(1, round(bar * 0.14)), "y": 14 - max(1, round(bar * 0.14))}
            for place, bar in enumerate(column.histogram)
        ],
    }


def _dropped(proposal: Proposal) -> dict[str, Any] | None:
    """The columns that are left out, as one line."""
    gone = [column for column in proposal.columns if column.dropped]
    if not gone:
        return None
    first, last = gone[0].index + 1, gone[-1].index + 1
    is_empty = all(column.nulls == column.rows for column in gone)
    return {"numbers": f"{first}–{last}" if last > first else str(first), "words": "always empty" if is_empty else "their values are lost"}


def _percent(part: int, whole: int) -> str:
    if not part or not whole:
        return "0 %"
    percent = 100 * part / whole
    return "< 1 %" if percent < 1 else f"{percent:.0f} %" if part == whole or percent < 99.5 else "> 99 %"


def _misfit(misfit: Misfit, mended: dict[tuple[int, str], Any]) -> dict[str, Any]:
    is_mended = (misfit.index, misfit.value) in mended
    mend = {"index": misfit.index, "found": misfit.value, "value": misfit.fix.value} if misfit.fix else None
    return {"misfit": misfit, "is_mended": is_mended, "mend_json": json.dumps(mend) if mend else ""}
