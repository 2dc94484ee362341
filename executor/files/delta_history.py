"""What the versions of a Delta table say of themselves: who wrote them, when, how much."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from executor.files.delta_log import LATEST, Log
from executor.files.facts import TEXTS, facts_in
from executor.problems import ProblemError

MOST_LISTED = 20
_ID = re.compile(r"version-(\d{1,18})")


def facts_of(table: Path) -> dict[str, Any]:
    """run_id, published_at, stage, format, rows, files, bytes, label of the present version, as far as it tells. Text is cut, numbers are
    whole: whoever can write in the lake can write these too."""
    try:
        log = Log.of(table, table.name)
    except ProblemError:
        return {"format": "delta"}
    return facts_of_version(log, log.latest)


def facts_of_version(log: Log, version: int) -> dict[str, Any]:
    """The same of any version that is still there."""
    info = log.info(version)
    said = said_by(info)
    facts: dict[str, Any] = {"format": "delta"}
    stamp = info.get("timestamp")
    if isinstance(stamp, int) and 0 < stamp < LATEST:
        facts["published_at"] = datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="seconds")
    return facts | facts_in(said, texts=(*TEXTS, "label"))


def said_by(info: Mapping[str, Any]) -> dict[str, Any]:
    """What Sluice has put into a commit; nothing where another program made it."""
    try:
        said = json.loads(info.get("userMetadata") or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def earlier(table: Path) -> list[dict[str, Any]]:
    """`id`, and the facts, of the versions before the present one, the newest first."""
    try:
        log = Log.of(table, table.name)
    except ProblemError:
        return []
    versions = range(log.latest - 1, max(log.earliest, log.latest - 1 - MOST_LISTED) - 1, -1)
    return [{"id": f"version-{version}", **facts_of_version(log, version)} for version in versions if version in log.commits][:MOST_LISTED]


def version_of(kept_id: str) -> int | None:
    """The version that an id of `earlier` means."""
    found = _ID.fullmatch(kept_id)
    return int(found[1]) if found else None


def version_called(log: Log, label: str) -> int | None:
    """The newest version that was given this label."""
    versions = sorted((one for one in log.commits if one >= log.earliest), reverse=True)
    return next((version for version in versions if said_by(log.info(version)).get("label") == label), None)


def history(log: Log, most: int = 100) -> list[dict[str, Any]]:
    """version, time (ISO), operation, its metrics (texts), and the facts, of each version, the newest first."""
    times = log.times()
    return [
        {
            "version": version,
            "time": times[version].isoformat(timespec="milliseconds"),
            "operation": str(log.info(version).get("operation", ""))[:100],
            "metrics": _metrics(log.info(version)),
            **{name: fact for name, fact in facts_of_version(log, version).items() if name != "published_at"},
        }
        for version in sorted(times, reverse=True)[:most]
    ]


def _metrics(info: Mapping[str, Any]) -> dict[str, str]:
    said = info.get("operationMetrics")
    return {str(name)[:100]: str(value)[:100] for name, value in list(said.items())[:50]} if isinstance(said, dict) else {}
