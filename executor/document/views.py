"""Which stage makes a view and which reads it: every view is made before it is read, and made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from executor.plain import did_you_mean
from executor.problems import Problem
from executor.stages.base import Stage

HINTS = 50
"""How many of the problems name the nearest view: looking for it takes time, and nobody reads more."""


def view_problems(stages: Mapping[int, Stage], environment: str | None, made_by_words: Sequence[Sequence[str]]) -> list[Problem]:
    """Problems of the views among `stages` (by index in the document).

    `made_by_words[i]` are the views that stage i names in the document: they count as made even when the stage itself is not right,
    so that one mistake is not reported at each of its readers.
    """
    first = _first_makers(stages, environment, made_by_words)
    found: list[Problem] = []
    for index, stage in stages.items():
        names = stage.reads() if stage.takes_part_in(environment) else []
        for name in names:
            if first.get(name.casefold(), index) >= index:
                earlier = [view for made in made_by_words[:index] for view in made] if len(found) < HINTS else []
                elsewhere = _maker_elsewhere(stages, name, environment) if name.casefold() not in first else None
                found.append(_made_elsewhere(index, stage, name, *elsewhere) if elsewhere else _unknown(index, stage, name, first, earlier))
    return found + _made_twice(stages, environment)


def _first_makers(stages: Mapping[int, Stage], environment: str | None, made_by_words: Sequence[Sequence[str]]) -> dict[str, int]:
    first: dict[str, int] = {}
    for index, names in enumerate(made_by_words):
        stage = stages.get(index)
        if stage is None or stage.takes_part_in(environment):
            for name in stage.writes() if stage else names:
                first.setdefault(name.casefold(), index)
    return first


def _maker_elsewhere(stages: Mapping[int, Stage], name: str, environment: str | None) -> tuple[int, Stage, str] | None:
    """The stage that makes the view, but not in this environment; and the environment."""
    if environment is None:
        return None
    makers = ((index, stage) for index, stage in stages.items() if name.casefold() in map(str.casefold, stage.writes()))
    return next(((index, stage, environment) for index, stage in makers if not stage.takes_part_in(environment)), None)


def _made_elsewhere(index: int, stage: Stage, name: str, maker: int, making: Stage, environment: str) -> Problem:
    return Problem(
        code="view-unknown",
        stage_index=index,
        stage=stage.name,
        stage_type=stage.type,
        field=_field_that_reads(stage, name),
        message=f"The view “{name}” is not made in “{environment}”: stage {maker + 1} takes no part there.",
        found=f"stage {maker + 1} “{making.name}” takes part in {', '.join(making.environments)}",
        expected=f"a stage that makes it in “{environment}”",
        fix=f"Add “{environment}” to the environments of stage {maker + 1}, or take it out of this one.",
    )


def _unknown(index: int, stage: Stage, name: str, first: Mapping[str, int], earlier: list[str]) -> Problem:
    maker = first.get(name.casefold())
    if maker is not None:
        itself = maker == index
        message = (
            f"The view “{name}” is made by this stage itself."
            if itself
            else f"The view “{name}” is read before stage {maker + 1} makes it."
        )
        fix = did_you_mean(name, earlier) or "Read a view of an earlier stage." if itself else f"Move this stage behind stage {maker + 1}."
    else:
        message = f"No stage makes the view “{name}”."
        fix = did_you_mean(name, earlier) or "Add a stage that makes it, or name another view."
    return Problem(
        code="view-read-before-made" if maker is not None else "view-unknown",
        stage_index=index,
        stage=stage.name,
        stage_type=stage.type,
        field=_field_that_reads(stage, name),
        message=message,
        found=name,
        expected="one of " + ", ".join(earlier[-20:]) if earlier else "a view made by an earlier stage",
        fix=fix,
    )


def _field_that_reads(stage: Stage, name: str) -> str:
    for attribute, info in type(stage).model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict) and extra.get("widget") == "view" and getattr(stage, attribute) == name:
            return info.alias or attribute
    return "sql"


def _made_twice(stages: Mapping[int, Stage], environment: str | None) -> list[Problem]:
    makers: dict[str, list[tuple[int, Stage]]] = {}
    found = []
    for index, stage in stages.items():
        if not stage.takes_part_in(environment):
            continue
        for name in stage.writes():
            earlier = makers.setdefault(name.casefold(), [])
            clash = next((other for other in earlier if _meet(other[1], stage)), None)
            if clash:
                found.append(_twice(index, stage, name, clash[0]))
            earlier.append((index, stage))
    return found


def _meet(one: Stage, other: Stage) -> bool:
    """Whether there may be an environment in which both stages run."""
    return not one.environments or not other.environments or bool(set(one.environments) & set(other.environments))


def _twice(index: int, stage: Stage, name: str, first: int) -> Problem:
    return Problem(
        code="view-made-twice",
        stage_index=index,
        stage=stage.name,
        stage_type=stage.type,
        field="outputView",
        message=f"Stage {first + 1} makes the view “{name}” already.",
        found=name,
        expected="a name of its own for every view",
        fix="Give this stage's view another name.",
    )
