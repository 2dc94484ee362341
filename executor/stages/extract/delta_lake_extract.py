from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.problems import Problem
from executor.stages.base import READS, StageContext
from executor.stages.file_kinds import PlaceExtract, one_of, unknown_options
from executor.stages.kinds import FlatMap, stage_field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.files.columns import Columns

TRAVEL = ("versionAsOf", "timestampAsOf", "relativeVersion", "label")
"""The ways to name a version, of which one may be used."""
OPTIONS = (*TRAVEL, "canReturnLastCommit")


class DeltaLakeExtract(PlaceExtract):
    """Reads a Delta table: as it is now, or as it was at a version, a time, so many versions ago, or under a label."""

    icon: ClassVar[str] = "table"
    reads_versions: ClassVar[bool] = True
    connectors: ClassVar[tuple[str, ...]] = ("delta",)
    example: ClassVar[dict[str, Any]] = {
        "type": "DeltaLakeExtract",
        "name": "contacts",
        "inputURI": "curated/contacts",
        "outputView": "contacts",
    }

    type: Literal["DeltaLakeExtract"] = "DeltaLakeExtract"
    input_uri: str | None = stage_field(
        "inputURI",
        "Table",
        "The folder of the table, such as curated/contacts, or archive:contacts in another root.",
        "uri",
        default=None,
        marks={"does": READS},
    )
    version_as_of: int | None = stage_field(
        "versionAsOf", "Version", "The number of the version to read. Not given: the latest.", "number", default=None, advanced=True, ge=0
    )
    timestamp_as_of: str | None = stage_field(
        "timestampAsOf",
        "As it was at",
        "A time, such as 2026-01-31 or 2026-01-31 18:00:00 (UTC): the version that was the latest then.",
        "text",
        default=None,
        advanced=True,
    )
    relative_version: int | None = stage_field(
        "relativeVersion",
        "Versions back",
        "0: the latest version, -1: the one before it, and so on.",
        "number",
        default=None,
        advanced=True,
        le=0,
    )
    label: str | None = stage_field(
        "label",
        "Label",
        "The newest version that a load has given this label.",
        "text",
        default=None,
        advanced=True,
        min_length=1,
        max_length=100,
    )
    can_return_last_commit: bool = stage_field(
        "canReturnLastCommit",
        "Else the nearest",
        "On: where there is no version so far back, the oldest is read; where the time lies after the latest, that. Off: the run stops.",
        "switch",
        default=False,
        advanced=True,
    )
    options: FlatMap = stage_field(
        "options",
        "Options",
        "The same as in other systems' documents: versionAsOf, timestampAsOf, relativeVersion, canReturnLastCommit.",
        "map",
        default={},
        advanced=True,
    )

    def travel(self) -> dict[str, str]:
        """How the version is named, by the field's name; nothing: the latest."""
        own = {
            "versionAsOf": self.version_as_of,
            "timestampAsOf": self.timestamp_as_of,
            "relativeVersion": self.relative_version,
            "label": self.label,
        }
        told = {name: str(value) for name, value in own.items() if value is not None}
        return told | {name: value for name, value in self.options.items() if name in TRAVEL}

    @property
    def takes_nearest(self) -> bool:
        return self.can_return_last_commit or self.options.get("canReturnLastCommit", "").lower() == "true"

    def problems(self) -> list[Problem]:
        found = [*super().problems(), *unknown_options(self.options, OPTIONS)]
        twice = [name for name in TRAVEL if name in self.options and self.model_dump(by_alias=True).get(name) is not None]
        if len(self.travel()) > 1 or twice:
            found.append(one_of(list(self.travel()) or twice))
        for name in ("versionAsOf", "relativeVersion"):
            given = self.options.get(name, "0")
            if not given.removeprefix("-").isascii() or not given.removeprefix("-").isdigit():
                found.append(_no_number(name, given))
            elif name == "relativeVersion" and int(given) > 0:
                words = "relativeVersion must be less than or equal to zero."
                found.append(Problem(code="relative-version", field="options", message=words, found=given, expected="0, -1, -2, …"))
        return found

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.delta_reading import frame_of

        self.make_view(frame_of(self, spark, context), context)

    def columns_at(self, path: str, uri: str, base: str | None) -> Columns:
        from pathlib import Path

        from executor.files.delta_columns import columns_of
        from executor.files.delta_log import Log
        from executor.files.delta_travel import version_of

        log = Log.of(Path(path), uri)
        return columns_of(log.state(version_of(log, self.travel(), nearest=self.takes_nearest)))


def _no_number(name: str, given: str) -> Problem:
    return Problem(
        code="option-value", field="options", message=f"“{name}” is no whole number.", found=given, expected="a number such as 3"
    )
