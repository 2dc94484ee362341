"""The tables that a query may read: those of the page Data, and those of the other roots of the environment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from executor.language.roots import DEFAULT
from executor.look.names import safe_name
from portal.data.listing import Listing, Table, list_tables
from portal.environments.models import Environment
from portal.environments.reach import roots_elsewhere
from portal.jobs.models import Place
from portal.jobs.places import Spelling, Storages
from portal.runs.models import Run

PATIENCE = 2.0
"""Seconds that a page waits for a root: whoever wants to write a query is not to wait for one that does not answer."""


def tables_of(environment: Environment, named: Collection[str] | None = None) -> list[Table]:
    """By place, of the default root first. What jobs publish elsewhere is known without looking, so it is there also while a root does
    not answer, or holds too much to be looked through. `named`: names that tables are wanted by; a root in which none of them can lie is
    not asked."""
    return _of_roots(environment, named, None).tables


def tables_to_show(environment: Environment) -> Listing:
    """The same for a page, which waits for no root that does not answer, and says which these are."""
    return _of_roots(environment, None, PATIENCE)


def _of_roots(environment: Environment, named: Collection[str] | None, patience: float | None) -> Listing:
    listings = [list_tables(environment, patience=patience), Listing(list(_published_elsewhere(environment)), [])]
    for root in sorted(roots_elsewhere(environment) - {DEFAULT}):
        if named is None or any(name.casefold().startswith(safe_name(root).lower()) for name in named):
            listings.append(list_tables(environment, root, patience))
    once: dict[str, Table] = {}
    for table in (table for listing in listings for table in listing.tables):
        once.setdefault(table.uri, table)
    return Listing(list(once.values()), [words for listing in listings for words in listing.warnings])


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
