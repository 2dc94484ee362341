"""Which stage a text of SQL or a file comes from. Spark works late: an error comes to light in the stage that asks for rows, and is told
at the stage that its cause belongs to."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from executor.files.inputs import data_files, local_path
from executor.problems import Foreign
from executor.stages import Stage

SEARCHED_LINES = 5_000_000


@dataclass(frozen=True)
class Origin:
    """A stage of the job, and its field that holds the cause."""

    index: int
    stage: Stage
    field: str


@dataclass
class Origins:
    """What the stages of one run have asked Spark for so far."""

    queries: dict[str, Origin] = field(default_factory=dict)
    inputs: dict[str, Origin] = field(default_factory=dict)
    stages: dict[str, Origin] = field(default_factory=dict)
    databases: dict[int, Origin] = field(default_factory=dict)

    def enter(self, index: int, stage: Stage) -> None:
        self.stages[stage.name] = Origin(index, stage, "")

    def asks(self, sql: str, index: int, stage: Stage, field: str) -> None:
        """The stage runs this query. Of two stages with one and the same text the first is named."""
        self.queries.setdefault(sql, Origin(index, stage, field))

    def reads(self, path: str, index: int, stage: Stage) -> None:
        """The stage reads this path."""
        self.inputs.setdefault(path, Origin(index, stage, "inputURI"))

    def reads_database(self, index: int, stage: Stage) -> None:
        """The stage reads through a connection."""
        self.databases[index] = Origin(index, stage, "connection")

    def of_database(self) -> Origin | None:
        """The only stage that reads from a database."""
        return next(iter(self.databases.values())) if len(self.databases) == 1 else None

    def of_file(self, file: Foreign) -> Origin | None:
        """The stage that reads this file; where none fits, the only one that reads anything."""
        path = _plain_path(file.text)
        for asked, origin in self.inputs.items() if path else ():
            inside = _plain_path(asked)
            if path == inside or path.startswith(inside.rstrip("/") + "/") or fnmatchcase(path, inside) or fnmatchcase(path, inside + "/*"):
                return origin
        found = {origin.index: origin for origin in self.inputs.values()}
        return next(iter(found.values())) if len(found) == 1 else None

    def holding(self, record: str) -> tuple[Origin, Foreign] | None:
        """The stage that reads a text file with this row, and the file, where Spark names neither."""
        of_lines = [(asked, origin) for asked, origin in self.inputs.items() if origin.stage.row_on_line(1) is not None]
        for asked, origin in of_lines:
            for file in data_files(_plain_path(asked)):
                if row_of(Foreign(str(file)), record, origin) is not None:
                    return origin, Foreign(str(file))
        return None


def _plain_path(path: str) -> str:
    return re.sub(r"^file:/+", "/", path.strip("`'\""))


def row_of(file: Foreign, record: str, origin: Origin) -> int | None:
    """The row (from 1, without the header) of a text file that begins with `record`; None where it cannot be told for sure."""
    path = local_path(_plain_path(file.text))
    line = record.split("\n")[0].rstrip("\r")
    if path is None or not line or origin.stage.row_on_line(1) is None:
        return None
    try:
        found = next((number for number, text in _lines(path) if text == line), None)
    except (OSError, EOFError, zlib.error):
        return None
    return origin.stage.row_on_line(found) or None if found else None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        number = 0
        for raw in islice(file, SEARCHED_LINES):
            text = raw.decode("utf-8-sig", "replace").rstrip("\r\n")
            if text:
                number += 1
                yield number, text
