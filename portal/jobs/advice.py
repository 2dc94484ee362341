"""What is worth knowing of a document while somebody writes it. Advice stops nobody: what is wrong for certain Spark says, too, and what
only may be wrong is a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from executor.document.job import warnings_about
from executor.document.places import addresses_as_written
from executor.language import json_text
from executor.language.dialects.advice import advice
from executor.language.parameters import SECRET
from executor.language.roots import located
from executor.problems import Problem
from executor.stages.base import WRITES
from portal.accounts.models import Project
from portal.environments import secrets
from portal.environments.models import Environment
from portal.environments.reach import judged_by
from portal.jobs.connections_used import connections_used

LONGEST_ADVISED = 100_000
"""Characters of SQL in one document that advice is looked for in: it comes while somebody types."""
OF_ROOTS = ("root-unknown", "root-read-only", "uri-outside-roots")


def advice_on(document: str, project: Project) -> list[dict[str, Any]]:
    """What the document's queries say in another database's way, with the change that makes it Spark's; the secrets that authors' own
    environment does not have; loads that take what is new for all rows there are; the connections that an environment does not have as the
    document needs them; and the roots that those after the lowest do not have."""
    try:
        content = json_text.loads(document)
    except ValueError:
        return []
    if not isinstance(content, dict):
        return []
    given = content.get("stages")
    stages = {index: stage for index, stage in enumerate(given) if isinstance(stage, dict)} if isinstance(given, list) else {}
    environments = list(project.environments.order_by("rank"))
    found = _of_secrets(content, environments[0]) if environments else []
    if environments and any(stage.get("watermarkColumn") for stage in stages.values()):  # read as a whole only then: somebody is typing
        about = warnings_about(content, environment=environments[0].name, roots=judged_by(environments[0]))
        found += [_at_its_stage(one, stages) for one in about]
    for environment in environments:
        is_lowest = environment == environments[0]
        told = list(_of_connections(content, environment, is_lowest=is_lowest))
        found += [_at_its_stage(one, stages) for one in [*told, *(() if is_lowest else _of_roots(content, environment))]]
    return [one.as_dict() for one in [*found, *_of_queries(stages)]]


def _of_queries(stages: Mapping[int, dict[str, Any]]) -> Iterator[Problem]:
    room = LONGEST_ADVISED
    for index, stage in stages.items():
        text = stage.get("sql")
        room -= len(text) if isinstance(text, str) else 0
        for problem in advice(text) if isinstance(text, str) and room >= 0 else ():
            name, kind = (str(stage.get(key) or "") or None for key in ("name", "type"))
            yield replace(problem, stage_index=index, stage=name, stage_type=kind)


def _of_secrets(content: Mapping[str, Any], lowest: Environment) -> list[Problem]:
    """One warning for each secret that the document declares and the lowest environment does not have."""
    declared = content.get("parameters")
    words = declared.items() if isinstance(declared, dict) else ()
    named = {name for name, about in words if isinstance(about, dict) and about.get("type") == SECRET}
    return [
        Problem(
            code="secret-missing",
            field=f"parameters.{name}",
            message=f"The secret “{name}” is not set in {lowest.name} yet, so the job cannot run there.",
            fix=f"Have whoever administers {lowest.name} set it.",
            severity="warning",
        )
        for name in sorted(named - set(secrets.names_in(lowest)) if named else ())
    ]


def _of_roots(content: Mapping[str, Any], later: Environment) -> Iterator[Problem]:
    """One warning for each address whose root an environment after the lowest does not have, or where jobs may only read: the job could not
    be promoted."""
    roots = judged_by(later)
    for one in addresses_as_written(content, later.name, later.parameters):
        problem = located(one.uri, roots, one.field, writes=one.does == WRITES, environment=later.name)
        if isinstance(problem, Problem) and problem.code in OF_ROOTS and "*" not in one.uri.partition(":")[0]:
            fix = f"Have it changed before the job goes to {later.name}."
            yield replace(problem, stage=one.stage, fix=fix, severity="warning")


def _of_connections(content: Mapping[str, Any], environment: Environment, *, is_lowest: bool) -> Iterator[Problem]:
    """One warning for each connection that the environment does not have, or that is none for its stage."""
    when = "runs there" if is_lowest else f"goes to {environment.name}"
    for one in connections_used(content, environment):
        if one.trouble:
            code, message = one.trouble
            fix = f"Have one made before the job {when}, or name another."
            yield Problem(code=code, stage=one.stage, field=one.field, message=message, found=one.name, fix=fix, severity="warning")


def _at_its_stage(problem: Problem, stages: Mapping[int, dict[str, Any]]) -> Problem:
    index = next((index for index, stage in stages.items() if stage.get("name") == problem.stage), None)
    return replace(problem, stage_index=index)
