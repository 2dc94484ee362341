"""What can be wrong with a document as a whole, in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from executor.language.filling import Filler
from executor.language.parameters import NAME, RESERVED
from executor.plain import did_you_mean, nearest, shown
from executor.problems import Problem
from executor.stages import StageTypes

MAX_STAGES = 500
_KIND_END = re.compile("(Extract|Transform|Validate|Execute|Load)$")
TOP_LEVEL = ("stages", "parameters", "description", "files")


def placed(problem: Problem, index: int, words: Any) -> Problem:
    known = words if isinstance(words, dict) else {}
    name, kind = known.get("name"), known.get("type")
    return replace(
        problem, stage_index=index, stage=name if isinstance(name, str) else None, stage_type=kind if isinstance(kind, str) else None
    )


def top_level_problems(content: Mapping[str, Any]) -> list[Problem]:
    found = [
        Problem(
            code="field-unknown",
            field=key,
            message=f"A job has no field “{key}”.",
            found=key,
            expected="one of " + ", ".join(TOP_LEVEL),
            fix=did_you_mean(key, TOP_LEVEL) or f"Take “{key}” out.",
        )
        for key in content
        if key not in TOP_LEVEL
    ]
    description = content.get("description")
    if description is not None and not isinstance(description, str):
        found.append(wrong_kind("description", description, "a text", "description"))
    files = content.get("files")
    if files is not None and not (isinstance(files, dict) and all(isinstance(text, str) for text in files.values())):
        found.append(wrong_kind("files", files, "an object of addresses and texts", "files"))
    return found


def parameter_name_problems(name: str) -> list[Problem]:
    if name in RESERVED:
        return [
            Problem(
                code="parameter-reserved",
                field=f"parameters.{name}",
                message=f"“{name}” is always there and cannot be declared.",
                fix="Choose another name.",
            )
        ]
    if not NAME.match(name):
        return [
            Problem(
                code="parameter-name",
                field=f"parameters.{name}",
                message="This is not a name for a parameter.",
                found=name,
                expected="letters, digits and _, not beginning with a digit",
                fix="Choose another name.",
            )
        ]
    return []


def stages_problems(given: Any) -> list[Problem]:
    if given is None:
        return [
            Problem(code="field-missing", field="stages", message="“stages” is missing.", expected="a list of stages", fix="Add “stages”.")
        ]
    if not isinstance(given, list):
        return [wrong_kind("stages", given, "a list of stages", "stages")]
    if not given:
        return [Problem(code="no-stages", field="stages", message="The job has no stages.", expected="at least one", fix="Add a stage.")]
    return [
        Problem(
            code="too-many-stages",
            field="stages",
            message="The job has too many stages.",
            found=f"{len(given):,} stages",
            expected=f"at most {MAX_STAGES}",
            fix="Split it into several jobs and join them in a pipeline.",
        )
    ]


def wrong_kind(what: str, found: Any, expected: str, field_name: str | None) -> Problem:
    return Problem(
        code="value-wrong-type",
        field=field_name,
        message=f"“{what}” must be {expected}.",
        found=shown(found),
        expected=expected,
        fix="Correct the value.",
    )


def unknown_type(name: Any, types: StageTypes) -> Problem:
    if name is None:
        return Problem(
            code="field-missing", field="type", message="“type” is missing.", expected="one of " + ", ".join(types), fix="Add “type”."
        )
    return Problem(
        code="stage-type-unknown",
        field="type",
        message=f"There is no stage of type {shown(name)}.",
        found=shown(name),
        expected="one of " + ", ".join(types),
        fix=(_meant_type(name, types) if isinstance(name, str) else None) or "Choose one of these types.",
    )


def _meant_type(name: str, types: StageTypes) -> str | None:
    """Of two types of one kind the long common end makes any two look alike: what stands before it must be alike too."""
    meant = nearest(name, types)
    if meant and (nearest(name, [meant], 0.85) or nearest(_KIND_END.sub("", name), [_KIND_END.sub("", meant)])):
        return f"Did you mean “{meant}”?"
    return None


def unknown_environment(name: str, known: list[str], field_name: str) -> Problem:
    return Problem(
        code="environment-unknown",
        field=field_name,
        message=f"There is no environment “{name}”." if field_name == "environments" else f"No stage of the job takes part in “{name}”.",
        found=name,
        expected="one of " + ", ".join(known),
        fix=did_you_mean(name, known) or "Choose one of these.",
    )


def said_twice(given: list[Any], key: str, code: str, words: str) -> list[Problem]:
    first: dict[str, int] = {}
    found = []
    for index, stage in enumerate(given):
        value = stage.get(key) if isinstance(stage, dict) else None
        if not isinstance(value, str):
            continue
        if value in first:
            problem = Problem(
                code=code,
                field=key,
                message=f"{words} “{value}”.",
                found=f"stage {first[value] + 1} has it already",
                fix="Change one of them.",
            )
            found.append(placed(problem, index, stage))
        first.setdefault(value, index)
    return found


def unused_parameters(filler: Filler, given: list[Any]) -> list[Problem]:
    in_params = {
        key for words in given if isinstance(words, dict) and isinstance(words.get("sqlParams"), dict) for key in words["sqlParams"]
    }
    return [
        Problem(
            code="parameter-unused",
            field=f"parameters.{name}",
            message=f"No stage uses the parameter “{name}”.",
            expected=f"${{{name}}} in a stage",
            fix="Use it or take it out.",
        )
        for name in filler.declared
        if name not in filler.used and name not in in_params and not parameter_name_problems(name)
    ]
