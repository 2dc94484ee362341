"""What an interface says beside the rows that it answers with: that there are more of them, on further pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from executor.look.proposal import Said, short

_IS_MORE = re.compile(r"(has|is)?_?(more|next|next_?page|truncated|incomplete|incomplete_?results)|more_?(results|records|items)")
_NEXT = re.compile(
    r"last_evaluated_key|(@?odata\.)?next(_?(page|link|url|cursor|token|page_?token|records_?url|href|offset|marker))?|(next_?)?continuation(_?token)?"
)
_TOTAL = re.compile(r"total_?(count|results|records|items|size|hits|elements|rows)|num_?found|records_?total|@?odata\.count")
_COUNT = re.compile(r"total|count")
_PAGES = re.compile(r"(total_?|num_?)?pages|page_?count")
_OF_PAGES = re.compile(
    r"(page_?)?(limit|offset)|start_?at|max_?results|(results_?|items_?)?per_?page|page(_?(size|number|no))?|page_?index"
)
"""Names beside which a total is that of all pages."""
MOST_DEEP = 3


def told_more(record: dict[str, Any], path: Sequence[str]) -> list[Said]:
    """`record`: the one object of the file; `path`: to the list whose items are its rows."""
    rows: Any = record
    for step in path:
        rows = rows.get(step) if isinstance(rows, dict) else None
    count = len(rows) if isinstance(rows, list) else 0
    found = next(
        (
            f"“{name}” says {short(str(value), 40)}"
            for name, value, beside in _around(record, path, 0)
            if _says_more(_plain(name), value, count, beside)
        ),
        "",
    )
    if not found:
        return []
    message = f"The file holds {count:,} rows, and its {found}: these are most likely the first of more."
    fix = "Fetch the other pages, too, and bring all of them as the files of one folder."
    return [Said(code="look-more-pages", message=message, fix=fix)]


def _around(record: dict[str, Any], path: Sequence[str], depth: int) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """What stands around the list, with names of the innermost keys, and what stands beside each."""
    for name, value in record.items():
        if isinstance(value, dict) and depth < MOST_DEEP:
            yield from _around(value, path[1:] if path[:1] == (name,) else (), depth + 1)
            yield from [(name, value["href"], record)] if isinstance(value.get("href"), str) else []
            yield from [("total_hits", value.get("value"), record)] if "relation" in value else []
            yield from [(name, "another key", record)] if value and name == "LastEvaluatedKey" else []
        elif not isinstance(value, list):
            yield name, value, record


def _plain(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_")


def _says_more(name: str, value: Any, count: int, beside: dict[str, Any]) -> bool:
    if isinstance(value, bool):
        return value and bool(_IS_MORE.fullmatch(name))
    if isinstance(value, int) and _PAGES.fullmatch(name):
        return value > 1
    if isinstance(value, int) and (
        _TOTAL.fullmatch(name) or (_COUNT.fullmatch(name) and any(_OF_PAGES.fullmatch(_plain(one)) for one in beside))
    ):
        return value > count
    return isinstance(value, str | int) and value not in ("", 0) and bool(_NEXT.fullmatch(name))
