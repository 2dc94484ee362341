"""Where the names that a version uses lead in the environment it goes to: who asks for it and who says yes mean these places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from executor.document.job import parse
from executor.language import json_text
from executor.problems import ProblemError
from executor.stages.load.jdbc_load import JDBCLoad
from portal.environments.models import Environment
from portal.environments.reach import judged_by, storages_of
from portal.runs import published_tables
from portal.runs.needs import needs_of


def leads_of(document: str, target: Environment) -> dict[str, str]:
    """The names of roots and connections, and tables that are loaded → what stands for where they lead now. Only a digest: where a
    connection leads is told to those who manage the environment."""
    return {name: hashlib.sha256(place.encode()).hexdigest()[:16] for name, place in _leads(document, target)}


def _leads(document: str, target: Environment) -> Iterator[tuple[str, str]]:
    needs, storages = needs_of(json_text.loads(document), target, target.parameters), storages_of(target)
    for root in sorted(needs.roots):
        yield root, storages.get(root, "")
    for connection in sorted(needs.connections):
        yield connection, published_tables.lies_at(target, connection)
    for table in _loaded(document, target):
        yield table, ""


def _loaded(document: str, target: Environment) -> list[str]:
    """A parameter of the environment may say which table it is."""
    try:
        stages = parse(document, environment=target.name, parameters=target.parameters, roots=judged_by(target)).stages
    except ProblemError:
        return []
    return [f"{one.connection}:{one.table_name}" for one in stages if isinstance(one, JDBCLoad) and one.takes_part_in(target.name)]


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What leads elsewhere, or is used no longer, or only now."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
