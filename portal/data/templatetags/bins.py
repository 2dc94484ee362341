"""What the bin has to do with pages of other parts."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from django import template
from django.template import Context

from executor.language.places import TooManyChoices, choices, is_pattern, place_of
from executor.problems import Problem
from portal.data import rights
from portal.data.models import FileVersion, VersionState
from portal.jobs.documents import stages_of
from portal.runs.models import Run

register = template.Library()
NOTHING_THERE = ("input-missing", "input-empty", "input-changed")


@register.inclusion_tag("data/_deleted_input.html", takes_context=True)
def deleted_input(context: Context, run: Run, problem: Problem) -> dict[str, Any]:
    """What somebody deleted of the place where this run found nothing, and whether this reader may put it back."""
    found = _deleted(run, problem)
    may = found is not None and rights.may_change(context["request"].user, run.environment, "change_data")
    return {"version": found, "may": may, "project": run.project, "environment": run.environment}


def _deleted(run: Run, problem: Problem) -> FileVersion | None:
    if problem.code not in NOTHING_THERE or problem.stage_index is None:
        return None
    stages = stages_of(run.document)
    uri = stages[problem.stage_index].get(problem.field or "inputURI") if problem.stage_index < len(stages) else None
    if not isinstance(uri, str) or not uri.strip():
        return None
    binned = FileVersion.objects.filter(environment=run.environment, state=VersionState.BINNED).select_related("changed_by")
    found = next((version for version in binned.order_by("-changed_at") if _is_of(version.uri, place_of(uri))), None)
    is_there = found is not None and FileVersion.objects.at(run.environment, found.uri).shown().exists()
    return None if is_there and problem.code == "input-changed" else found  # another one took its place: nothing is missing


def _is_of(deleted: str, wanted: str) -> bool:
    """Whether what lay at `deleted` is what is read at `wanted`, or holds it, or is one of the files of a pattern."""
    if f"{wanted}/".startswith(f"{deleted}/"):
        return True
    try:
        return is_pattern(wanted) and any(fnmatchcase(deleted, one) for one in choices(wanted))
    except TooManyChoices:
        return False
