"""Draws the picture in docs/architecture.md from the code: which part imports which when it is loaded. `python docs/picture.py` writes it.

An arrow that follows from others (a → c, when a → b → c) is left out, so the picture stays readable; a test says when it is stale.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- picture: made by docs/picture.py -->", "<!-- end of picture -->"
COMMANDS, SHARED = "commands", "events and problems"
COMMAND_MODULES = {"__main__", "cli", "commands", "setup_connectors", "setup_spark"}
AUDIT_PAGES = "portal.audit.pages"
"""A box of its own: the record is below accounts, the pages that show it are above."""
SPARK, DJANGO = "PySpark", "Django"
FRAMEWORKS = {"pyspark": SPARK, "py4j": SPARK, "django": DJANGO, "rest_framework": DJANGO}
Edges = set[tuple[str, str]]


def modules() -> dict[str, Path]:
    """Every module of both programs, without migrations."""
    paths = [path for package in ("portal", "executor") for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports_of(path: Path) -> Iterator[str]:
    """The names a module imports when it is loaded: not those inside functions, nor those that only type checkers see."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_graph() -> dict[str, set[str]]:
    """Module → the modules of ours, and the frameworks, that it imports."""
    known = modules()
    return {name: {found for text in imports_of(path) if (found := _resolved(text, known))} for name, path in known.items()}


def _resolved(text: str, known: dict[str, Path]) -> str | None:
    for name in (text, text.rpartition(".")[0]):
        if name in known:
            return name
    return FRAMEWORKS.get(text.split(".")[0])


def edges() -> Edges:
    """Every pair of boxes of which one imports the other."""
    pairs = {(part_of(name), part_of(imported)) for name, found in import_graph().items() for imported in found}
    return {(a, b) for a, b in pairs if a and b and a != b}


def part_of(module: str) -> str:
    """The box of a module: the portal's app, or the executor's part; "" for what belongs to neither (settings, middleware …)."""
    if module in FRAMEWORKS.values():
        return module
    if module.startswith(AUDIT_PAGES):
        return "audit pages"
    program, name, *_ = [*module.split("."), ""]
    if (ROOT / program / name).is_dir() and name:
        return name
    if program == "executor" and name:
        return COMMANDS if name in COMMAND_MODULES else SHARED
    return ""


def executor_parts() -> set[str]:
    """The boxes of the executor."""
    return {part for name in modules() if name.startswith("executor.") and (part := part_of(name))}


def _reached(graph: dict[str, set[str]], start: list[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen


def reduced(pairs: Edges) -> Edges:
    """Without the arrows that follow from others, and without those to Django, which every app has."""
    kept = {(a, b) for a, b in pairs if b != DJANGO or a in executor_parts()}
    for a, b in sorted(kept):
        others: dict[str, set[str]] = {}
        for c, d in kept - {(a, b)}:
            others.setdefault(c, set()).add(d)
        if b in _reached(others, [a]):
            kept.discard((a, b))
    return kept


def mermaid(pairs: Edges) -> str:
    """The picture in Mermaid's words."""
    boxes = sorted({box for pair in pairs for box in pair})
    ids = {box: re.sub(r"\W+", "_", box) for box in boxes}
    parts = [box for box in boxes if box in executor_parts()]
    apps = [box for box in boxes if box not in (*parts, *FRAMEWORKS.values())]
    lines = ["```mermaid", "flowchart LR", '  subgraph portal["portal"]']
    lines += [f'    {ids[box]}["{box}"]' for box in apps] + ["  end", '  subgraph executor["executor"]']
    lines += [f'    {ids[box]}["{box}"]' for box in parts] + ["  end"]
    lines += [f"  {ids[a]} --> {ids[b]}" for a, b in sorted(pairs)]
    return "\n".join([*lines, f'  runs -. "document and values in, events out" .-> {ids[COMMANDS]}', "```"])


def drawn(page: str) -> str:
    """The page with a fresh picture."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{mermaid(reduced(edges()))}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
