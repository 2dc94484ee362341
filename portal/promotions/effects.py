"""What a version does, for people who decide on it: what its good run read, wrote and checked, what lies at the same places in the target,
and who else reads or writes them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from executor.language import json_text
from executor.stages import STAGE_TYPES
from executor.stages.base import WRITES
from portal.accounts import policy
from portal.accounts.models import User
from portal.data.uses import Uses, as_dicts
from portal.environments.models import Environment
from portal.environments.reach import roots_in_words
from portal.jobs import places
from portal.jobs.connections_used import Used, connections_used
from portal.jobs.models import Job, Place
from portal.promotions import columns, good_run
from portal.promotions.target import TargetLook
from portal.runs import needs, published
from portal.runs.models import Run, StageRun
from portal.runs.problems import names_in, quotes_only_names


@dataclass(frozen=True)
class Read:
    """One input. `uri`: in the target, `run_uri`: as the good run read it; `rows`: that the good run read; `there`: files in the target,
    None where nothing could be read. `others`: who else reads or writes it there (`portal.data.uses.as_dicts`). `hidden`: columns that this
    reader may not see."""

    stage: str
    uri: str
    run_uri: str
    rows: int | None
    there: int | None
    columns: list[dict[str, str]]
    hidden: int
    others: list[dict[str, str]]

    @property
    def total(self) -> int:
        return len(self.columns) + self.hidden


@dataclass(frozen=True)
class Written:
    """One output. `columns`: rows of name, before (in the target now), after (as the good run wrote) and change; `holds`: whether
    something lies there; `rows_before`, `rows`: there now (None where that is not known), and in the good run; `can_be_taken_over`: what
    lies there keeps the job from publishing unless somebody with that right gives it the place."""

    stage: str
    uri: str
    run_uri: str
    save_mode: str
    holds: bool
    rows_before: int | None
    rows: int | None
    columns: list[dict[str, str]]
    hidden: int
    others: list[dict[str, str]]
    is_noted: bool
    can_be_taken_over: bool

    @property
    def total(self) -> int:
        return len(self.columns) + self.hidden

    @property
    def same(self) -> list[dict[str, str]]:
        return [row for row in self.columns if row["change"] == "same"]

    @property
    def changed(self) -> list[dict[str, str]]:
        return [row for row in self.columns if row["change"] != "same"]


@dataclass(frozen=True)
class Through:
    """What a stage does through a connection of the target. `rows`: that it read or wrote in the good run."""

    used: Used
    rows: int | None


@dataclass(frozen=True)
class RootUsed:
    """A root that the version names. `places`: environment → where it lies there, in words, of those that this reader may see; "" where
    there is none."""

    name: str
    places: dict[str, str]


@dataclass(frozen=True)
class Check:
    """One check of the good run. `words`: what it answered, for people who may see data."""

    stage: str
    has_passed: bool
    words: str


@dataclass(frozen=True)
class Effects:
    run: Run | None
    reads: list[Read] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    through: list[Through] = field(default_factory=list)
    roots: list[RootUsed] = field(default_factory=list)
    was_looked_at: bool = True
    """False: what lies in the target is not known. Reads and writes are empty then too."""


def may_see(user: User, *environments: Environment) -> bool:
    """Whether they may see data in all of these: names of columns that no document names come from data."""
    return all(policy.can(user, "view_data", environment) for environment in environments)


def effects_of(
    run: Run | None,
    job: Job,
    target: Environment,
    document: str,
    look: TargetLook,
    *,
    with_data: bool,
    is_now: bool = True,
    reader: User | None = None,
) -> Effects:
    """`run`: the good run; `look`: what lies in the target, or (`is_now` false) what lay there; `reader`: who is told where roots lie."""
    shown = _Shown(None if with_data else names_in(document))
    uses, stages = Uses(target), {stage.index: stage for stage in good_run.stages_of(run)}
    read, wrote = good_run.noted(run, "read"), good_run.noted(run, "wrote")

    def others(uri: str) -> list[dict[str, str]]:
        return as_dicts(use for use in uses.of(uri) if use.job.pk != job.pk)

    reads = [_read(one, stages.get(one["stage_index"]), read.get(one["stage_index"]), shown, others) for one in look.inputs]
    writes = [
        _written(one, stages.get(one["stage_index"]), wrote.get(one["stage_index"]), job, target, shown, others) for one in look.outputs
    ]
    if not is_now:
        writes = [replace(one, rows_before=None, can_be_taken_over=False) for one in writes]
    checks = [_check(stage, with_data) for stage in stages.values() if _is_check(stage)]
    through = _through(document, target, stages.values())
    roots = _roots(document, target, reader) if reader and is_now else []
    return Effects(run, reads, writes, checks, through, roots, was_looked_at=not look.refusal)


def _roots(document: str, target: Environment, reader: User) -> list[RootUsed]:
    """Where the roots lie that the version names, in the target and in the environments below it; not where it names their own folders
    alone."""
    seen = [one for one in target.project.environments.filter(rank__lte=target.rank).order_by("rank") if policy.can(reader, "view", one)]
    where = {one: {root["name"]: root["where"] for root in roots_in_words(one, for_manager=_manages(reader, one))} for one in seen}
    content = json_text.loads(document)
    used = [needs.needs_of(content, one, one.parameters) for one in seen]
    names = sorted({name for one in used for name in one.named}) if any(one.roots for one in used) else []
    return [RootUsed(name, {one.name: where[one].get(name, "") for one in seen}) for name in names]


def _manages(reader: User, environment: Environment) -> bool:
    return policy.can(reader, "manage_environment", environment)


def _through(document: str, target: Environment, stages: Iterable[StageRun]) -> list[Through]:
    by_name = {stage.name: stage for stage in stages}
    found = []
    for used in connections_used(json_text.loads(document), target):
        stage = by_name.get(used.stage)
        rows = (stage.rows_in if used.does == WRITES else stage.rows_out) if stage else None
        found.append(Through(used, rows))
    return found


class _Shown:
    """Which columns a reader sees: all, or those that the document names."""

    def __init__(self, names: str | None) -> None:
        self._names = names

    def of(self, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        if self._names is None:
            return rows
        return [row for row in rows if quotes_only_names(f"“{row['name']}”", self._names)]


def _read(one: Mapping[str, Any], stage: StageRun | None, noted: Mapping[str, Any] | None, shown: _Shown, others: Any) -> Read:
    uri, there = str(one["uri"]), one.get("columns")
    rows = columns.changes(there, noted) if noted and there else []
    seen = shown.of(rows)
    files = there.get("files") if isinstance(there, dict) else None
    run_uri = str(noted.get("uri", "")) if noted else ""
    return Read(one["stage"], uri, run_uri, stage.rows_out if stage else None, files, seen, len(rows) - len(seen), others(uri))


def _written(
    one: Mapping[str, Any],
    stage: StageRun | None,
    noted: Mapping[str, Any] | None,
    job: Job,
    target: Environment,
    shown: _Shown,
    others: Any,
) -> Written:
    uri = str(one["uri"])
    rows = columns.changes(one.get("columns"), noted)
    seen = shown.of(rows)
    place = places.place_at(target, uri)
    return Written(
        stage=one["stage"],
        uri=uri,
        run_uri=str(noted.get("uri", "")) if noted else "",
        save_mode=str(one.get("save_mode", "")),
        holds=bool(one.get("holds")),
        rows_before=published.history(place)[0].rows if place else None,
        rows=stage.rows_out if stage else None,
        columns=seen,
        hidden=len(rows) - len(seen),
        others=others(uri),
        is_noted=noted is not None,
        can_be_taken_over=_can_be_taken_over(job, target, one, place),
    )


def _can_be_taken_over(job: Job, target: Environment, one: Mapping[str, Any], place: Place | None) -> bool:
    found = places.conflicts(job, target, [str(one["uri"])])
    if found:
        return all(conflict["can_be_taken_over"] for conflict in found)
    return bool(one.get("holds")) and (place is None or (bool(one.get("foreign")) and not place.may_replace))


def _is_check(stage: StageRun) -> bool:
    return stage.type in STAGE_TYPES and STAGE_TYPES[stage.type].kind == "validate"


def _check(stage: StageRun, with_data: bool) -> Check:
    message = stage.details.get("message") if with_data and isinstance(stage.details, dict) else ""
    return Check(stage.name, stage.state in ("done", "warning"), str(message or ""))
