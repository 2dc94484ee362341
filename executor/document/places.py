"""An output is a place of its own: a load writes neither above, below nor on what the same job reads before it or writes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from executor.language import places
from executor.language.filling import PLACEHOLDER
from executor.language.uris import uri_problem
from executor.problems import Problem
from executor.stages.base import Stage


@dataclass(frozen=True)
class Address:
    """One address in a document: which stage, which field, and whether the stage writes there."""

    index: int
    stage: Stage
    field: str
    uri: str
    writes: bool


def addresses(stages: Mapping[int, Stage], environment: str | None) -> list[Address]:
    """The places that the stages taking part in `environment` (None: any) read and write, in order."""
    return [
        Address(index, stage, field, uri, field == "outputURI")
        for index, stage in stages.items()
        if stage.takes_part_in(environment)
        for field, uri in _uris(stage)
    ]


def place_problems(stages: Mapping[int, Stage], environment: str | None) -> list[Problem]:
    """What is wrong with the places of the document's outputs."""
    known = addresses(stages, environment)
    found: list[Problem] = []
    for output in (address for address in known if address.writes):
        problem = places.name_problem(output.uri) or _clash(output, known)
        if problem is not None and uri_problem(output.uri, output.field) is None:
            found.append(problem)
    return found


def _clash(output: Address, known: Iterable[Address]) -> Problem | None:
    for other in known:
        if other is output or not _may_run_together(output.stage, other.stage) or not places.meet(other.uri, output.uri):
            continue
        if other.writes:
            if other.index < output.index:
                return _problem(output, other, "output-in-output", "writes")
        elif other.index < output.index or not places.is_within(other.uri, output.uri):  # later, it reads what was staged here
            return _problem(output, other, "output-on-input", "reads")
    return None


def _problem(output: Address, other: Address, code: str, does: str) -> Problem:
    where = "on" if places.key_of(other.uri) == places.key_of(output.uri) else "in the way of"
    return Problem(
        code=code,
        stage_index=output.index,
        stage=output.stage.name,
        stage_type=output.stage.type,
        field=output.field,
        message=f"“{output.uri}” lies {where} “{other.uri}”, which the stage “{other.stage.name}” {does}.",
        found=output.uri,
        expected="a folder of its own, neither above nor below what the job reads or writes elsewhere",
        fix="Write to another folder.",
    )


def _may_run_together(one: Stage, other: Stage) -> bool:
    return not one.environments or not other.environments or bool(set(one.environments) & set(other.environments))


def _uris(stage: Stage) -> list[tuple[str, str]]:
    """(field, address) of what a stage reads or writes; a base folder is only looked at for its name."""
    return [
        (info.alias or name, value)
        for name, info in type(stage).model_fields.items()
        if isinstance(info.json_schema_extra, dict)
        and info.json_schema_extra.get("widget") == "uri"
        and info.alias != "basePath"
        and isinstance(value := getattr(stage, name), str)
        and value.strip()
    ]


URI_FIELDS = ("inputURI", "schemaURI", "outputURI")


def addresses_as_written(content: Mapping[str, Any], environment: str, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(stage, field, address) of a document that may be wrong in every way, read quickly and without judging it. A parameter has its
    value of `values`, else its default; one without either becomes `*`: it may be anything."""
    declared = content.get("parameters")
    defaults = {name: about["default"] for name, about in declared.items() if _has_default(about)} if isinstance(declared, dict) else {}
    known = {"environment": environment, **defaults, **values}

    def filled(uri: str) -> str:
        return PLACEHOLDER.sub(lambda sign: str(known.get(sign.group(1).strip(), "*")), uri)

    stages = content.get("stages")
    return [
        (str(stage.get("name") or f"stage {index + 1}"), field, filled(uri))
        for index, stage in enumerate(stages if isinstance(stages, list) else [])
        if isinstance(stage, dict) and _takes_part(stage, environment)
        for field in URI_FIELDS
        if isinstance(uri := stage.get(field), str) and uri.strip()
    ]


def _has_default(about: Any) -> bool:
    return isinstance(about, dict) and about.get("default") is not None


def _takes_part(stage: Mapping[str, Any], environment: str) -> bool:
    named = stage.get("environments")
    return not isinstance(named, list) or not named or environment in named
