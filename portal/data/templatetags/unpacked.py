"""What files made of a workbook or archive have to do with pages of other parts."""

from __future__ import annotations

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.http import urlencode

from executor.problems import Problem
from portal.data import origins, rights
from portal.data.lake import Lake
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
    uri = source_of(Lake(run.environment), str(problem.file))
    if uri is None or not rights.may_change(context["request"].user, run.environment, "change_data"):
        return ""
    return f"{reverse('data:arrived', args=[run.project.slug, run.environment.name])}?{urlencode({'uri': uri})}"
