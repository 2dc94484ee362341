"""Programs that the tests need and Python cannot bring: got by apt when this is root, else named with the line that installs them."""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = {"bwrap": "bubblewrap", "chromium": "chromium", "npm": "npm"}
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find(program: str) -> str | None:
    """The path of a program; Chromium goes by several names."""
    names = CHROMIUM_NAMES if program == "chromium" else (program,)
    return next(filter(None, map(shutil.which, names)), None)


def provide(programs: list[str]) -> set[str]:
    """Installs what is missing when it may, and gives the programs that are still missing."""
    missing = {program for program in programs if find(program) is None}
    if not missing:
        return missing
    packages = sorted(PACKAGES[program] for program in missing)
    line = f"apt-get install --yes --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Missing: {', '.join(packages)}. Install with: {line}", flush=True)
        return missing
    print(f"Getting {', '.join(packages)} by apt; this takes a minute.", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "--quiet=2"], line.split() + ["--quiet=2"]):
        subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return {program for program in missing if find(program) is None}
