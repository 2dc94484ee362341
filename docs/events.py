"""Writes the table of events in docs/contract.md from the event classes. `python docs/events.py`; a test says when it is stale."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "contract.md"
BEGIN, END = "<!-- events: made by docs/events.py -->", "<!-- end of events -->"


def drawn(page: str) -> str:
    """The page with a fresh table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def table() -> str:
    from executor.events import BY_NAME, OF_RUNS, OF_THE_PORTAL, open_fields, problem_fields

    lines = ["| event | said by | everybody sees | as far as the problem is open | needs the right to data |", "|---|---|---|---|---|"]
    for name, event in BY_NAME.items():
        by = "run, serve" if event in OF_RUNS else "the portal" if event in OF_THE_PORTAL else "serve"
        names = [one.name for one in fields(event)]
        opened, problems = open_fields(event), problem_fields(event)
        kinds = (opened, problems, set(names) - opened - problems)
        lines.append(f"| `{name}` | {by} | " + " | ".join(", ".join(one for one in names if one in kind) or "–" for kind in kinds) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
