"""What `make test`, `make test-fast` and `make lint` run: parts in order, all of them even when one fails, and a summary at the end.

python -m tests.all [--fast | --lint]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests import machine

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST_END = re.compile(r"^(=+ )?(\d+ (passed|failed|errors?|skipped|deselected|xfailed|warnings?)\b.*|no tests ran) in [\d.]+s")
FAST = "not spark and not browser and not services"

AT_ONCE = ("-n", "3")
"""Three on two cores: tests wait for programs a quarter of their time."""
FILES_AT_ONCE = (*AT_ONCE, "--dist", "loadfile", "--no-loadscope-reorder")
"""Tests of a file stay together, and so do files that share what is dear to start (tests/conftest.py)."""


@dataclass
class Part:
    """One command. `needs` are programs without which it cannot run; `around` gives variables for its environment while it runs."""

    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    around: Callable[[], Any] = field(default=lambda: nullcontext({}))


@dataclass
class Outcome:
    part: Part
    good: bool
    seconds: float
    closing: str


def tool(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def pytest(marks: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-m", marks, "--durations=5", "--durations-min=5", *arguments]


def files_marked(*marks: str) -> list[str]:
    """Files with tests of these marks, so that nobody imports the others: that takes each process some seconds."""
    named = re.compile(rf"\bmark\.({'|'.join(marks)})\b")
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests").rglob("test_*.py")) if named.search(path.read_text("utf-8"))]


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """A fresh PostgreSQL, for as long as the part runs."""
    from tests.services.postgresql import running

    with running() as url:
        yield {"SLUICE_DATABASE_URL": url}


LINT = [
    Part("lint", tool("ruff", "check", ".")),
    Part("format", tool("ruff", "format", "--check", ".")),
    Part("types", tool("mypy")),
    Part("import rules", tool("lint-imports")),
    Part("locks", [sys.executable, "-m", "tests.locks"]),
    Part("scripts", [sys.executable, "-m", "tests.scripts"], needs=("npm",)),
]
QUIET = ("-o", "addopts=--import-mode=importlib", "-p", "no:terminal")
READ = Part("tests are read", [sys.executable, "-m", "pytest", "--collect-only", *QUIET])
"""Once, so that their byte code is there: in a fresh checkout each process would make all of it for itself, 10 s of a processor. What is
wrong with them says the part that runs them."""
UNIT = [Part("unit and API, SQLite", pytest(FAST, "-n", "4"))]  # these wait more than others
SLOW = [
    Part("database tests, PostgreSQL", pytest(FAST, *AT_ONCE, "-p", "tests.services.only_database"), around=postgresql),
    # Tests of one file share its Spark session, its servers, its browser. All together, so that nobody waits for the last of one kind.
    Part(
        "Spark, services, browser",
        pytest("(spark or services or browser) and not lake", *FILES_AT_ONCE, *files_marked("spark", "services", "browser")),
        needs=("bwrap", "chromium", "mariadbd"),
    ),
]


def main(arguments: list[str]) -> int:
    """Exit code 0 when every part is good."""
    tests = [] if "--lint" in arguments else UNIT if "--fast" in arguments else UNIT + SLOW
    before = LINT + [READ] * bool(tests)
    missing = machine.provide(sorted({need for part in before + tests for need in part.needs}))
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:  # each of these keeps one core busy, and says little
        outcomes = list(pool.map(lambda part: run(part, missing, is_alone=False), before))
    outcomes += [run(part, missing) for part in tests]
    summarise(outcomes, time.monotonic() - begun)
    return 0 if all(outcome.good for outcome in outcomes) else 1


def run(part: Part, missing: set[str], *, is_alone: bool = True) -> Outcome:
    """Shows what the part says: at once where it is alone, else when it has ended."""
    said = [f"\n── {part.name} ──\n"]
    show = partial(print, end="", flush=True) if is_alone else said.append
    if is_alone:
        show(said[0])
    outcome = _run(part, missing, show)
    if not is_alone:
        print("".join(said), end="", flush=True)
    return outcome


def _run(part: Part, missing: set[str], show: Callable[[str], object]) -> Outcome:
    begun = time.monotonic()
    if lacking := missing & set(part.needs):
        return Outcome(part, False, 0.0, f"not run: {', '.join(sorted(lacking))} missing")
    with part.around() as variables:
        code, closing = watch(part.command, {**os.environ, **variables}, show)
    return Outcome(part, code == 0, time.monotonic() - begun, closing)


def watch(command: list[str], env: dict[str, str], show: Callable[[str], object]) -> tuple[int, str]:
    """Runs a command, shows its lines, and gives its exit code and pytest's closing line (or its last line)."""
    closing = last = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            show(line)
            last = line.strip() or last
            closing = last if PYTEST_END.match(last) else closing
    return process.returncode, closing or last


def summarise(outcomes: list[Outcome], seconds: float) -> None:
    """One line a part, then pytest's own closing lines once more, so that they are the last of the log."""
    print("\n── summary ──")
    for outcome in outcomes:
        print(f"{'ok  ' if outcome.good else 'FAIL'}  {outcome.part.name:<28}{outcome.seconds:7.1f} s  {outcome.closing[:100]}")
    print(f"total {seconds:.0f} s")
    for outcome in outcomes:
        if PYTEST_END.match(outcome.closing):
            print(f"==== {outcome.closing.strip('= ')} ==== ({outcome.part.name})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
