"""Programs that the tests need and Python cannot bring: got by apt when this is root, else named with the line that installs them."""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = {"bwrap": "bubblewrap", "chromium": "chromium-headless-shell", "npm": "npm", "mariadbd": "mariadb-server-core"}
NAMES = {"chromium": ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")}
"""A program that goes by several names: the best first, which is what `PACKAGES` brings. Each of the others will do."""


def find(program: str) -> str | None:
    """The path of a program, under the first of its names that is there."""
    return next(filter(None, map(shutil.which, _names(program))), None)


def provide(programs: list[str]) -> set[str]:
    """Installs what is missing when it may, and gives the programs that are still missing."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _install([program for program in programs if shutil.which(_names(program)[0]) is None])
    missing = {program for program in programs if find(program) is None}
    if missing:
        print(f"Missing: {', '.join(sorted(missing))}. Install with: {_line(sorted(missing))}", flush=True)
    return missing


def _names(program: str) -> tuple[str, ...]:
    return NAMES.get(program, (program,))


def _install(programs: list[str]) -> None:
    if not programs:
        return
    print(f"Getting {', '.join(PACKAGES[program] for program in programs)} by apt; this takes a minute.", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # One by one: a package that apt does not know would keep the others out.
    for command in ("apt-get update", *(_line([program]) for program in programs)):
        subprocess.run([*command.split(), "--quiet=2"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)


def _line(programs: list[str]) -> str:
    return f"apt-get install --yes --no-install-recommends {' '.join(PACKAGES[program] for program in programs)}"
