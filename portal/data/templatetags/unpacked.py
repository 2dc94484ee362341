"""What files made of a workbook or archive have to do with pages of other parts."""

from __future__ import annotations

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.http import urlencode

from executor.problems import Problem
from portal.data import origins, rights
from portal.data.lake import Lake
from portal.environments.reach import is_elsewhere
from portal.runs.models import Run

register = template.Library()

SOURCE_OF = {"input-outdated": origins.newer_than, "input-unfinished": origins.unfinished_of}
"""Code of a problem → which file is to be unpacked again."""


@register.simple_tag(takes_context=True)
def unpack_again(context: Context, run: Run, problem: Problem) -> str:
    """Where the file is unpacked again of which this run met older parts, or some only; empty where that is not what is wrong, or not the
    reader's."""
    source_of = SOURCE_OF.get(problem.code)
    if source_of is None or not problem.file:
        return ""
    file, environment = str(problem.file), run.environment
    if not rights.may_change_at(context["request"].user, environment, file):
        return ""
    is_away = is_elsewhere(environment, file)  # the root says which file it is once somebody wants it
    uri = file if is_away else source_of(Lake(environment), file)
    page = reverse("data:packed" if is_away else "data:arrived", args=[run.project.slug, environment.name])
    return f"{page}?{urlencode({'uri': uri})}" if uri else ""
