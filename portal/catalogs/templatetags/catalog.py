"""What pages of other apps show of catalogs."""

from __future__ import annotations

from typing import Any

from django import template

from portal.catalogs.models import Registration
from portal.runs.models import Run
from portal.runs.published import places_of

register = template.Library()


@register.simple_tag
def registrations_of(run: Run) -> dict[str, list[Any]]:
    """Of the places that a run has published, by place: those that tell of this run's publish, or of a later one."""
    if not run.outputs:
        return {}
    places = [place for place in places_of(run) if place.last_run_id == run.pk]
    found = Registration.objects.filter(place__in=places).select_related("connection", "place__environment__project")
    return {"rows": list(found), "places": places}
