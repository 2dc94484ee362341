"""Which version of a Delta table is meant by a number, a time, so many versions back, or a label."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from executor.files.delta_history import version_called
from executor.files.delta_log import Log
from executor.problems import Problem, ProblemError


def version_of(log: Log, travel: Mapping[str, str], *, nearest: bool = False) -> int:
    """`travel`: at most one of versionAsOf, timestampAsOf, relativeVersion, label, and what it says; nothing: the latest. `nearest`: where
    there is no such version, the one that is nearest. Raises ProblemError."""
    if "versionAsOf" in travel:
        return _inside(log, int(travel["versionAsOf"]), nearest=nearest)
    if "relativeVersion" in travel:
        return _back(log, int(travel["relativeVersion"]), nearest=nearest)
    if "timestampAsOf" in travel:
        return _at(log, travel["timestampAsOf"], nearest=nearest)
    return _called(log, travel["label"]) if "label" in travel else log.latest


def _inside(log: Log, version: int, *, nearest: bool) -> int:
    if nearest:
        return min(max(version, log.earliest), log.latest)
    if not log.earliest <= version <= log.latest:
        raise ProblemError(_none(log, "versionAsOf", str(version), f"{log.earliest} to {log.latest}"))
    return version


def _back(log: Log, relative: int, *, nearest: bool) -> int:
    oldest = log.earliest - log.latest
    if relative < oldest and not nearest:
        words = f"Cannot time travel Delta table to version {relative}. Available versions: [{oldest} ... 0]."
        fix = "Go back less far, or turn “Else the nearest” (canReturnLastCommit) on."
        raise ProblemError(Problem(code="table-version-gone", field="relativeVersion", message=words, found=str(relative), fix=fix))
    return log.latest + max(relative, oldest)


def _at(log: Log, text: str, *, nearest: bool) -> int:
    wanted = moment_of(text)
    times = log.times()
    before = [version for version, time in times.items() if time <= wanted]
    first, last = min(times.values()), max(times.values())
    if nearest or (before and wanted <= last):
        return max(before, default=min(times))
    expected = f"a time from {_shown(first)} to {_shown(last)}"
    raise ProblemError(_none(log, "timestampAsOf", text, expected))


def moment_of(text: str) -> datetime:
    """A date or a time as a moment; without a zone in UTC, a date alone is its first moment. Raises ProblemError."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ProblemError(
            Problem(
                code="time-form",
                field="timestampAsOf",
                message="“As it was at” (timestampAsOf) is no time.",
                found=text[:100],
                expected="2026-01-31, 2026-01-31 18:00:00 or 2026-01-31T18:00:00Z",
                fix="Write it in one of these forms.",
            )
        ) from None


def _called(log: Log, label: str) -> int:
    version = version_called(log, label)
    if version is None:
        raise ProblemError(_none(log, "label", label, "a label that a load of this table has given"))
    return version


def _shown(time: datetime) -> str:
    """To the millisecond, as logs have it: who writes it so means this version."""
    return time.strftime("%Y-%m-%d %H:%M:%S") + (f".{time.microsecond // 1000:03}" if time.microsecond else "")


def _none(log: Log, field: str, found: str, expected: str) -> Problem:
    return Problem(
        code="table-version-gone",
        field=field,
        message=f"“{log.uri}” has no such version.",
        found=found,
        expected=expected,
        fix="Look at the table's history, and name a version that is there.",
    )
