"""The run that speaks for a version in the environment before: what it read, wrote and checked, as it noted itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.files.columns import EDITION
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.jobs.places import Spelling
from portal.runs.models import GOOD_STATES, Run, StageRun


def find(job: Job, environment: Environment, sha256: str) -> Run | None:
    """The last good run of exactly these bytes there."""
    runs = Run.objects.filter(job=job, environment=environment, document_sha256=sha256, version__isnull=False)
    return runs.filter(state__in=GOOD_STATES).order_by("-created_at").first()


def stages_of(run: Run | None) -> list[StageRun]:
    """Its stages in the attempt that ended well."""
    if run is None:
        return []
    stages = list(run.stage_runs.order_by("-attempt_number", "index"))
    return [stage for stage in stages if stage.attempt_number == stages[0].attempt_number]


def noted(run: Run | None, what: str) -> dict[int, Mapping[str, Any]]:
    """`what` is read or wrote → the columns that each stage met, and the place in the one way it is written, by the stage's index. Nothing
    of runs that did not note them, or noted them in words of before."""
    told = {stage.index: stage.details.get(what) for stage in stages_of(run) if isinstance(stage.details, dict)}
    spelling = Spelling(run.environment) if run and told else None
    return {
        index: facts | ({"uri": spelling.of(facts["uri"])} if spelling and isinstance(facts.get("uri"), str) else {})
        for index, facts in told.items()
        if isinstance(facts, dict) and _is_noted(facts)
    }


def _is_noted(facts: Mapping[str, Any]) -> bool:
    return facts.get("edition") == EDITION and isinstance(facts.get("columns"), list)
