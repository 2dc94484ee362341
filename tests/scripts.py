"""What holds for scripts, style sheets and templates: format, rules, tests in Node, no long line, static/vendor as its packages give it.

python -m tests.scripts            checks
python -m tests.scripts --write    formats, and mends what can be mended
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
LONGEST_LINE = 160
DJANGOFMT = str(Path(sys.executable).parent / "djangofmt")
LOOKED_AT = ("templates/**/*.html", "static/js/**/*.js", "static/css/*.css", "frontend/*.*js", "tests/scripts/*.mjs", "*.mjs")
FORMATS = (
    ["node_modules/.bin/biome", "check", "--write", "--colors=off", "."],
    [DJANGOFMT, "check", "--fix", "templates"],
    [DJANGOFMT, "templates"],
)
CHECKS = (
    [DJANGOFMT, "--check", "templates"],
    [DJANGOFMT, "check", "templates"],
    ["node_modules/.bin/biome", "ci", "--colors=off", "."],
    ["node", "--test", "--test-reporter=spec", "tests/scripts/"],
    ["node", "build.mjs", "--check"],
)


def main() -> int:
    """Exit code 0 when everything holds; all checks run even when one fails."""
    install()
    if "--write" in sys.argv[1:]:
        return 1 if any(_codes(FORMATS)) else 0
    long = list(long_lines())
    print(*long, f"{len(long)} lines over {LONGEST_LINE}", sep="\n", flush=True)
    return 1 if any([*_codes(CHECKS), bool(long)]) else 0


def _codes(commands: Iterable[list[str]]) -> list[int]:
    """The exit code of each; all run even when one fails."""
    return [subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode for command in commands]


def install() -> None:
    """The packages of package-lock.json, once for each lock. None of their own scripts is run."""
    lock, stamp = ROOT / "package-lock.json", MODULES / ".installed"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT, stdin=subprocess.DEVNULL, check=True)
    stamp.write_bytes(lock.read_bytes())


def long_lines() -> Iterator[str]:
    """`file:line: length` of every line that is too long to be read."""
    for pattern in LOOKED_AT:
        for path in sorted(ROOT.glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if len(line) > LONGEST_LINE:
                    yield f"{path.relative_to(ROOT)}:{number}: {len(line)}"


if __name__ == "__main__":
    sys.exit(main())
