"""The tables that a query may read: those of the page Data, and those of the other roots of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from executor.language.roots import DEFAULT
from portal.data.listing import Table, list_tables
from portal.environments.models import Environment
from portal.environments.reach import roots_elsewhere
from portal.jobs.models import Place
from portal.jobs.places import Spelling, Storages
from portal.runs.models import Run


def tables_of(environment: Environment) -> list[Table]:
    """By place, of the default root first. What jobs publish elsewhere is known without looking, so it is there also while a root does
    not answer, or holds too much to be looked through."""
    found = [*list_tables(environment).tables, *_published_elsewhere(environment)]
    for root in sorted(roots_elsewhere(environment) - {DEFAULT}):
        found += list_tables(environment, root).tables
    once: dict[str, Table] = {}
    for table in found:
        once.setdefault(table.uri, table)
    return list(once.values())


def _published_elsewhere(environment: Environment) -> Iterator[Table]:
    """Outputs in roots of other storages. A root that leads elsewhere by now holds what its owner has not published."""
    places = Place.objects.filter(environment=environment, owner__isnull=False, published_at__isnull=False).exclude(lies_at="")
    here = list(places.select_related("owner").order_by("uri"))
    storages, spelling = Storages(environment), Spelling(environment)
    runs = Run.objects.in_bulk([place.last_run_id for place in here if place.last_run_id]) if here else {}
    for place in here:
        output = _output(runs.get(place.last_run_id), place.uri, spelling) if place.lies_at == storages.of(place.uri) else None
        if output is not None and place.owner is not None and place.published_at is not None:
            ending, size, rows = str(output.get("format", "")), output.get("bytes"), output.get("rows")
            yield Table(
                uri=place.uri,
                is_folder=True,
                kind=f"{ending} of {place.owner.name}",
                bytes=size if isinstance(size, int) else 0,
                files=0,
                changed_at=place.published_at,
                stamp=str(place.last_run_id),
                ending=ending,
                rows=rows if isinstance(rows, int) and output.get("save_mode") != "Append" else None,
                job=place.owner.name,
                run=str(place.last_run_id),
            )


def _output(run: Run | None, uri: str, spelling: Spelling) -> dict[str, Any] | None:
    """What the run says of the place."""
    outputs = run.outputs if run is not None and isinstance(run.outputs, list) else []
    return next((one for one in outputs if isinstance(one, dict) and spelling.of(str(one.get("uri", ""))) == uri), None)
