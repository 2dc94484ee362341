"""Looks through the committed locks: every package has a hash, and none names a host that served it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
HOST = re.compile(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)


def problems() -> list[str]:
    """One sentence for each thing that is wrong."""
    found = [problem for path in PYTHON_LOCKS for problem in of_python(path.name, path.read_text(encoding="utf-8"))]
    return found + of_npm((ROOT / "package-lock.json").read_text(encoding="utf-8"))


def of_python(name: str, text: str) -> list[str]:
    """Host names, and packages without a hash, in a requirements list."""
    named = [f"{name}:{number} names a host: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if HOST.search(line)]
    packages = re.split(r"\n(?=[a-zA-Z0-9])", text)
    bare = [package.splitlines()[0] for package in packages if "==" in package.splitlines()[0] and "--hash=sha256:" not in package]
    return named + [f"{name}: no hash for {line}" for line in bare]


def of_npm(text: str) -> list[str]:
    """Registry addresses, and packages without an integrity sum, in package-lock.json."""
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    named = [
        f"package-lock.json: {name} names where it came from; npm install --omit-lockfile-registry-resolved"
        for name, package in packages.items()
        if "resolved" in package
    ]
    return named + [
        f"package-lock.json: no integrity for {name}"
        for name, package in packages.items()
        if not package.get("integrity") and not package.get("inBundle")
    ]


if __name__ == "__main__":
    for problem in problems():
        print(problem)
    print(f"{len(PYTHON_LOCKS)} Python locks and package-lock.json looked through")
    sys.exit(1 if problems() else 0)
