"""SQLite: a database that is a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from executor.connections.base import DATABASE, ConnectionKind, Endpoint
from executor.language.uris import uri_problem
from executor.problems import Problem

_PART = r"[^._~/?#%*:{}\[\]\\\"';][^/?#%*:{}\[\]\\\"';]*"
_PLACE = re.compile(rf"{_PART}(/{_PART})*")
"""Nothing hidden, and no sign that begins options in the driver's address, or means several files."""


class SQLite(ConnectionKind):
    """A SQLite file in the environment's own folder."""

    kind: ClassVar[str] = "sqlite"
    title: ClassVar[str] = "SQLite"
    offers: ClassVar[str] = DATABASE
    icon: ClassVar[str] = "file"
    example: ClassVar[dict[str, Any]] = {"file": "raw/shop.sqlite"}
    needs_permission: ClassVar[bool] = True

    file: str = Field(
        min_length=1,
        max_length=500,
        title="File",
        description="Where it lies in the environment's own folder, such as raw/shop.sqlite.",
        json_schema_extra={"widget": "text", "card": "where"},
    )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if uri_problem(self.file, "file") or not _PLACE.fullmatch(self.file):
            found.append(self.wrong("file", "This is no file of the environment's own folder.", fix="Write one such as raw/shop.sqlite."))
        if self.private_networks:
            found.append(self.wrong("private_networks", "A file lies in no network.", fix="Leave it empty."))
        return found

    def where(self) -> str:
        return self.file

    def url(self, path: Path) -> str:
        """The driver's address. `path`: where the file is, as `executor.files.lake` finds it in the folder. Nothing can be attached
        (ATTACH, and VACUUM INTO, which attaches): SQL could open any other file with it."""
        return f"jdbc:sqlite:{path}?limit_attached=0&enable_load_extension=false"

    def endpoints(self, roots: Sequence[str]) -> list[Endpoint]:
        return []

    def storage(self) -> str:
        return f"sqlite:{self.file}"

    def signs_in_at(self) -> str:
        return self.storage()
