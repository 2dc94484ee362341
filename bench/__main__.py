"""`make bench`: measures, prints one table, writes bench/results.json.

python -m bench [--turns N] [--only cold|preview|stack|journey]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

RESULTS = Path(__file__).with_name("results.json")
console = Console(highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="how often each thing is measured (median of them)")
    parser.add_argument("--only", choices=("cold", "preview", "stack", "journey"), help="one group only; results.json is then left alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        os.environ |= {"SLUICE_HOME": f"{folder}/home", "DJANGO_SETTINGS_MODULE": "portal.settings", "SLUICE_LOG_LEVEL": "WARNING"}
        results = measure(Path(folder), options.turns, options.only)
    if not options.only:
        RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"written to {RESULTS}")


def measure(folder: Path, turns: int, only: str | None) -> dict[str, object]:
    """Runs the groups of benches, prints the table, and gives what goes into results.json."""
    import django

    django.setup()
    from bench import executor_bench, figures, journey_bench, stack_bench

    groups = {
        "cold": executor_bench.cold,
        "preview": executor_bench.preview,
        "stack": stack_bench.live,
        "journey": journey_bench.own_files_journey,
    }
    chosen = [only] if only else list(groups)
    lake = executor_bench.prepare(folder / "lake")
    found = [figure for name in chosen for figure in groups[name](lake, turns, console.print)]
    console.print(figures.table(found))
    return {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "turns": turns} | {
        "figures": [figure.as_dict() for figure in found]
    }


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
