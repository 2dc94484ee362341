"""What a person chose on the page of a proposal, read from its form: settings, one change of them, mends, names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executor.language import json_text
from executor.look.looking import settings_from
from executor.look.proposal import Proposal
from executor.look.stages import Choices, Mend, table_name
from executor.problems import ProblemError
from portal.looks.asking import refused

MOST_MENDS = 200
_BOOLEANS = {"header", "dayFirst", "trimNames"}
_NUMBERS = {"skipLines", "skipLastLines"}
_LISTS = {"nullValues"}
_MISFITS = ("aside", "null", "stop")


@dataclass(frozen=True)
class Chosen:
    """`settings` are what the person said, nothing of what was found. `misfits` is empty while nothing was said."""

    settings: dict[str, Any]
    mends: tuple[Mend, ...] = ()
    misfits: str = ""
    name: str = ""
    tab: str = "columns"
    start: str = ""
    description: str = ""
    tags: str = ""
    job: str = ""
    """The job that the person works on, to which the file is to be added."""

    def choices(self, proposal: Proposal, uri: str, **more: Any) -> Choices:
        """The choices for the stages."""
        misfits: Any = self.misfits or default_misfits(proposal)
        return Choices(name=table_name(uri), misfits=misfits, mends=self.mends, **more)


def default_misfits(proposal: Proposal) -> str:
    """Rows that do not fit are kept aside when there are some; else the first one stops the run."""
    return "aside" if proposal.misfits_total or proposal.settings.other_widths == "reject" else "stop"


def read(data: Mapping[str, Any]) -> Chosen:
    """From a form. Raises NotLookedAt for settings that are none."""
    settings = with_change(_object(data.get("settings")), str(data.get("change") or ""), str(data.get("value") or ""))
    misfits = str(data.get("misfits") or "")
    return Chosen(
        checked(settings),
        mends_from(_list(data.get("mends"))),
        misfits if misfits in _MISFITS else "",
        str(data.get("name") or "")[:80],
        str(data.get("tab") or "columns"),
        str(data.get("start") or ""),
        str(data.get("description") or "")[:300],
        str(data.get("tags") or "")[:300],
        str(data.get("job") or "")[:80],
    )


GIVEN = ("start", "name", "description", "tags", "job")
"""What the address of a look may bring along: what a person said before there was a file to look at."""


def given(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """For the form of the page: (its field, what was said before)."""
    return [(name, str(data[name])[:300]) for name in GIVEN if data.get(name)]


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings in their one writing. Raises NotLookedAt."""
    try:
        return settings_from(settings).model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    except ProblemError as error:
        raise refused(error.problems[0]) from None


def with_change(settings: dict[str, Any], change: str, value: str) -> dict[str, Any]:
    """One control of the page was changed: `separator`, or `columns.3.type`. An empty value means: find it out again."""
    if not change:
        return settings
    column = re.fullmatch(r"columns\.(\d{1,5})\.(name|type)", change)
    if column:
        columns = {**_object(settings.get("columns"))}
        columns[column[1]] = {**_object(columns.get(column[1])), column[2]: value or None}
        return {**settings, "columns": columns}
    if change == "format":
        return {"format": value} if value else {}
    if change == "otherWidths" and not value:
        return {key: item for key, item in settings.items() if key != change}
    return {**settings, change: _typed(change, value)}


def _typed(change: str, value: str) -> Any:
    if change in _BOOLEANS:
        return None if value == "" else value == "true"
    if change in _NUMBERS:
        return int(value) if value.isdigit() else None
    if change in _LISTS:
        return [word.strip() for word in value.split(",") if word.strip() and word.strip() != "empty"]
    if change == "separator":
        return {"\\t": "\t", "": None}.get(value, value)
    if change in ("quote", "escape", "comment"):
        return {"none": "", "": None}.get(value, value)
    return value or None


def mends_from(given: list[Any]) -> tuple[Mend, ...]:
    """The values that are read as others; what is not one is left out."""
    found = []
    for item in given[:MOST_MENDS]:
        if isinstance(item, dict) and isinstance(item.get("index"), int) and isinstance(item.get("found"), str):
            value = item.get("value")
            found.append(Mend(item["index"], item["found"][:500], value[:500] if isinstance(value, str) else None))
    return tuple(found)


def _object(given: Any) -> dict[str, Any]:
    found = _json(given)
    return found if isinstance(found, dict) else {}


def _list(given: Any) -> list[Any]:
    found = _json(given)
    return found if isinstance(found, list) else []


def _json(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return json_text.loads(given) if len(given) < 200_000 else None
    except ValueError:
        return None
