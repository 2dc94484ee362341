"""`make bench`: measures, prints one table, writes bench/results.json.

python -m bench [--turns N] [--only GROUP …]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

GROUPS = {
    "cold": ("executor_bench", "cold", 4),
    "taxi": ("taxi_bench", "taxi", 3),
    "preview": ("executor_bench", "preview", 5),
    "stack": ("stack_bench", "live", 2),
    "journey": ("journey_bench", "own_files_journey", 1),
    "tpch": ("tpch_bench", "in_a_folder", 2),
    "tpch-s3": ("tpch_bench", "on_s3", 1),
    "merge": ("merge_bench", "merge", 2),
    "jdbc-postgresql": ("jdbc_bench", "postgresql", 1),
    "jdbc-mariadb": ("jdbc_bench", "mariadb", 1),
    "upload": ("upload_memory", "figure", 1),
}
"""Name → the module, its function (lake, turns, say) → figures, and how many turns are taken."""
RESULTS = Path(__file__).with_name("results.json")
console = Console(highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--turns", type=int, help="how often each thing is measured (median of them); what takes long has fewer turns by itself"
    )
    parser.add_argument("--only", choices=GROUPS, nargs="+", help="these groups only; results.json is then left alone")
    parser.add_argument("--save", action="store_true", help="with --only: put the figures of these groups into results.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        os.environ |= {"SLUICE_HOME": f"{folder}/home", "DJANGO_SETTINGS_MODULE": "portal.settings", "SLUICE_LOG_LEVEL": "WARNING"}
        figures = measure(Path(folder), options.turns, options.only or list(GROUPS))
    if not options.only or options.save:
        save(figures)
        console.print(f"written to {RESULTS}")


def measure(folder: Path, turns: int | None, chosen: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """Runs the groups of benches, prints the table, and gives the figures of each group."""
    import django

    django.setup()
    from bench import figures

    lake = folder / "lake"
    (lake / "raw").mkdir(parents=True)
    found = {}
    for name in chosen:
        module, function, usual = GROUPS[name]
        begun = time.monotonic()
        found[name] = getattr(importlib.import_module(f"bench.{module}"), function)(lake, turns or usual, console.print)
        console.print(f"  {name}: {time.monotonic() - begun:.0f} s in all")
    console.print(figures.table([figure for group in found.values() for figure in group]))
    return {name: [figure.as_dict() for figure in group] for name, group in found.items()}


def save(found: dict[str, list[dict[str, object]]]) -> None:
    """Into results.json; the figures of other groups stay as they are, with the time and machine of their own."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    groups = known.get("groups", {})
    about = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    groups |= {name: about | {"figures": figures} for name, figures in found.items()}
    in_order = {name: groups[name] for name in GROUPS if name in groups}
    RESULTS.write_text(json.dumps({"groups": in_order}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


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
