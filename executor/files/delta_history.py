"""What the versions of a Delta table say of themselves: who wrote them, when, how much."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from executor.files.delta_log import LATEST, Log
from executor.files.facts import NUMBERS, TEXTS, facts_in
from executor.problems import ProblemError

MOST_LISTED = 20
CLEANED = "VACUUM"
"""The operation of a commit that says which versions can be read no longer."""
PUT_TOGETHER = "OPTIMIZE"
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
    """`id`, and the facts, of the versions before the present one, the newest first. Rows, files and bytes are said of a version that was
    written as a whole alone: of one that was added to, what came with it is not what comes back with it."""
    try:
        log = Log.of(table, table.name)
    except ProblemError:
        return []
    gone = cleaned_up(log)
    versions = [one for one in range(log.latest - 1, log.earliest - 1, -1) if one in log.commits and one not in gone]
    return [{"id": f"version-{version}", **_of_the_whole(log, version)} for version in versions[:MOST_LISTED]]


def _of_the_whole(log: Log, version: int) -> dict[str, Any]:
    facts, info = facts_of_rows(log, version), log.info(version)
    parameters = info.get("operationParameters")
    said = parameters if isinstance(parameters, dict) else {}
    is_whole = version == 0 or (said.get("mode") == "Overwrite" and not said.get("predicate"))
    return facts if is_whole else {name: fact for name, fact in facts.items() if name not in NUMBERS}


def version_of(kept_id: str) -> int | None:
    """The version that an id of `earlier` means."""
    found = _ID.fullmatch(kept_id)
    return int(found[1]) if found else None


def facts_of_rows(log: Log, version: int) -> dict[str, Any]:
    """The same; but the run is the one that has brought the rows: work on the files (optimize, clean up) brings none."""
    facts, brought = facts_of_version(log, version), version
    while brought - 1 in log.commits and log.info(brought).get("operation") in (CLEANED, PUT_TOGETHER):
        brought -= 1
    return facts if brought == version else {**facts, "run_id": facts_of_version(log, brought).get("run_id")}


def version_called(log: Log, label: str) -> int | None:
    """The newest version that was given this label."""
    versions = sorted((one for one in log.commits if one >= log.earliest), reverse=True)
    return next((version for version in versions if said_by(log.info(version)).get("label") == label), None)


def history(log: Log, most: int = 100, only: range | None = None) -> list[dict[str, Any]]:
    """version, time (ISO), operation, its mode and metrics (texts), the facts, and by whom it was made and what it puts back where that is
    said, of each version (of `only` these), the newest first."""
    times = log.times()
    listed = [version for version in sorted(times, reverse=True) if only is None or version in only]
    return [_entry(log, version, times[version]) for version in listed[:most]]


def _entry(log: Log, version: int, time: datetime) -> dict[str, Any]:
    info, said = log.info(version), said_by(log.info(version))
    parameters = info.get("operationParameters")
    mode = parameters.get("mode") if isinstance(parameters, dict) else None
    return {
        "version": version,
        "time": time.isoformat(timespec="milliseconds"),
        "operation": str(info.get("operation", ""))[:100],
        "mode": mode[:100] if isinstance(mode, str) else "",
        "metrics": _metrics(info),
        **({"by": said["by"][:100]} if isinstance(said.get("by"), str) else {}),
        **{name: said[name] for name in ("restores", "takes_back") if isinstance(said.get(name), int)},
        **{name: fact for name, fact in facts_of_version(log, version).items() if name != "published_at"},
    }


def cleaned_up(log: Log) -> frozenset[int]:
    """The versions that can be read no longer, or not for sure, since files of theirs were cleaned up or are being so."""
    found: set[int] = set()
    for version in log.commits:
        info = log.info(version)
        if info.get("operation") == CLEANED:
            found |= versions_in(said_by(info).get("gone"))
    return frozenset(found)


def versions_in(ranges: Any) -> set[int]:
    """Of [[first, last], …], as somebody says them: only what is one is taken."""
    found: set[int] = set()
    for pair in ranges if isinstance(ranges, list) else []:
        with suppress(TypeError, ValueError):
            first, last = (int(one) for one in pair)
            if 0 <= first <= last < first + 10_000_000:
                found |= set(range(first, last + 1))
    return found


def _metrics(info: Mapping[str, Any]) -> dict[str, str]:
    said = info.get("operationMetrics")
    return {str(name)[:100]: str(value)[:100] for name, value in list(said.items())[:50]} if isinstance(said, dict) else {}
