"""What a document needs besides folders of this machine: the roots and connections that it names, and the ways out that they ask for.

It is read as it is written, without being judged: what is wrong in it is told by whoever checks or runs it. One that names the folder alone
needs nothing, and what works on it gets no connection, no secret and no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from executor.document.places import Written, addresses_as_written, connections_as_written, connectors_of
from executor.language import json_text
from executor.language.roots import Located, located
from executor.problems import Problem
from executor.stages.base import DECIDES, READS, WRITES
from portal.environments.models import Environment
from portal.environments.mounts import Mount
from portal.environments.reach import Needs, Reach, endpoints_of, is_still, judged_by, mounts_of, reach_of, roots_elsewhere
from portal.errors import Conflict, PortalError
from portal.runs.launches import Equipment
from portal.runs.models import Run

ANYTHING = "*"
"""What stands for a parameter without a value, with which nothing runs."""
GONE = ("root-unknown", "uri-outside-roots", "root-read-only")
"""Problems of an address that leads to no root, or to none that is open for it, and not merely to a wrong place in one."""
ONLY_LOOKS = (READS, DECIDES)
"""What a stage that only looks does with an address or a connection."""


def needs_of(content: Mapping[str, Any], environment: Environment, values: Mapping[str, Any], *, only_looks: bool = False) -> Needs:
    """What the document uses here with these values of its parameters; roots that this environment does not have are left out.
    `only_looks`: what it reads, and nothing of what it writes or does elsewhere, as in a preview."""
    found = _located(content, environment, values, may_write=True)
    used = [(one, at) for one, at in found if isinstance(at, Located) and (not only_looks or one.does in ONLY_LOOKS)]
    roots, written = {at.root for _, at in used}, {at.root for one, at in used if one.does == WRITES}
    named = {one.uri for one in connections_as_written(content, environment.name, values) if not only_looks or one.does in ONLY_LOOKS}
    there = roots_elsewhere(environment)
    connections = frozenset(name for name in named if ANYTHING not in name)
    return Needs(frozenset(roots) & there, connections, frozenset(written) & there, frozenset(roots))


def needs_of_place(uri: str, environment: Environment, *, writes: bool = False) -> Needs:
    """What one address needs that somebody has chosen, and which holds no parameters. `writes`: whether something is changed there."""
    found = located(uri, judged_by(environment), "uri")
    if not isinstance(found, Located):
        return Needs()
    roots = frozenset({found.root}) & roots_elsewhere(environment)
    return Needs(roots, written=roots if writes else frozenset())


def require_roots(content: Mapping[str, Any], environment: Environment, values: Mapping[str, Any]) -> None:
    """Raises PortalError, with the root and the stage, where the document leads to a root that this environment does not have (any more),
    or writes in one where jobs only read by now."""
    for one, at in _located(content, environment, values, may_write=False):
        if isinstance(at, Problem) and at.code in GONE:
            raise PortalError(f"The stage “{one.stage}” cannot run: {at.message}", code=at.code, status=409, fix=at.fix)


def reach_for(run: Run) -> tuple[Needs, Reach]:
    """What the run's document uses, and what the run gets of it: as its environment has it now, with the versions of secrets that the run
    began with. Raises PortalError with the name of what is gone, has ended, or does not open."""
    content, values = json_text.loads(run.document), _values(run)
    require_roots(content, run.environment, values)
    needs = needs_of(content, run.environment, values)
    used_by = f"run {run.short_id} of {run.job.name}"
    return needs, reach_of(run.environment, used_by=used_by, needs=needs, versions=run.secret_versions)


def equipment_of(run: Run) -> Equipment:
    """What an executor for the run is started with. Opens no secret. Raises PortalError where a connection can no longer be used."""
    content, environment = json_text.loads(run.document), run.environment
    needs = needs_of(content, environment, _values(run))
    connectors = tuple(sorted(connectors_of(content, environment.name)))
    return Equipment(endpoints_of(environment, needs), connectors, mounts_of(environment, needs))


def _values(run: Run) -> dict[str, Any]:
    return run.parameters | {"run_id": str(run.pk)}


def require_still(run: Run, needs: Needs, begun: Reach, mounts: Sequence[Mount] = ()) -> None:
    """Raises Conflict where a root or a connection that the run began with leads elsewhere by now, or nowhere: it would publish where
    nobody looks for it any more."""
    changed = is_still(run.environment, begun, needs, mounts)
    if changed:
        message = f"{changed} while this run worked, so it publishes nothing."
        problem = Problem(code="place-moved", message=message, fix="Run it again: it works with the places as they are then.")
        raise Conflict(message, code=problem.code, problems=[problem.as_dict()])


def part_until(content: Mapping[str, Any], last: Any) -> dict[str, Any]:
    """The document without what comes after the stage with this index: what is asked of that stage does not need it."""
    stages = content.get("stages")
    if not isinstance(stages, list) or not isinstance(last, int) or last < 0:
        return dict(content)
    return {**content, "stages": stages[: last + 1]}


def _located(
    content: Mapping[str, Any], environment: Environment, values: Mapping[str, Any], *, may_write: bool
) -> list[tuple[Written, Located | Problem]]:
    """`may_write`: whether that is not asked."""
    known = judged_by(environment)
    return [
        (one, located(one.uri, known, one.field, writes=one.does == WRITES and not may_write, environment=environment.name))
        for one in addresses_as_written(content, environment.name, values)
    ]
