"""An output is a place of its own: a load writes neither above, below nor on what the same job reads before it or writes elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from executor.language import places
from executor.language.filling import PLACEHOLDER
from executor.language.roots import FOLDER_ONLY, Located, Root, located, of_its_form, without_root
from executor.problems import Problem
from executor.stages import STAGE_TYPES
from executor.stages.base import ACTS, DECIDES, LOOKS, READS, WRITES, Stage
from executor.stages.file_kinds import PlaceExtract, PlaceLoad

LONGEST_KEY = 800
"""Bytes of an output's place in a bucket, which takes 1,024: names of files are put behind it."""


@dataclass(frozen=True)
class Address:
    """One address in a document: which stage, which field, what the stage does there (`executor.stages.base.READS` …), and where it leads.
    `uri`: as it is written."""

    index: int
    stage: Stage
    field: str
    uri: str
    does: str
    at: Located

    @property
    def writes(self) -> bool:
        return self.does == WRITES


@dataclass(frozen=True)
class Judge:
    """Says where addresses lead. `environment`: the one whose `roots` they are; None: wherever the job runs."""

    roots: tuple[Root, ...] = FOLDER_ONLY
    environment: str | None = None

    def located(self, uri: str, field: str, does: str, environments: Collection[str] = ()) -> Located | Problem:
        """`environments`: where the stage takes part. One that has no part where the roots are known is judged by its form alone here, and
        by their roots where it has."""
        if self.environment and environments and self.environment not in environments:
            return of_its_form(uri, field)
        return located(uri, self.roots, field, writes=does == WRITES, environment=self.environment)


_FOLDER = Judge()


def addresses(stages: Mapping[int, Stage], environment: str | None, judge: Judge = _FOLDER) -> list[Address]:
    """The places that the stages taking part in `environment` (None: any) read and write, in order; not those whose name alone matters,
    and none of the addresses that lead nowhere."""
    return [
        Address(index, stage, use.field, use.address, use.does, at)
        for index, stage in stages.items()
        if stage.takes_part_in(environment)
        for use in stage.uses()
        if use.does != LOOKS and isinstance(at := judge.located(use.address, use.field, use.does, stage.environments), Located)
    ]


def place_problems(known: Sequence[Address]) -> list[Problem]:
    """What is wrong with the places of a document's outputs. `known`: all its addresses."""
    found = [_name_problem(output) or _clash(output, known) for output in known if output.writes]
    return [problem for problem in found if problem]


def _name_problem(output: Address) -> Problem | None:
    found = places.name_problem(without_root(output.uri), output.field)
    if found is None and len(output.at.address.partition("//")[2].partition("/")[2].encode()) > LONGEST_KEY:
        found = places.too_long(output.uri, output.field, f"{LONGEST_KEY:,} bytes, with the folder of its root before it")
    return found and _placed(found, output)


def _placed(problem: Problem, output: Address) -> Problem:
    return replace(problem, stage_index=output.index, stage=output.stage.name, stage_type=output.stage.type)


def _clash(output: Address, known: Iterable[Address]) -> Problem | None:
    for other in known:
        if other is output or not _may_run_together(output.stage, other.stage) or not places.meet(other.at.where, output.at.where):
            continue
        if _are_one_table(output, other):
            continue
        if other.writes:
            if other.index < output.index:
                return _problem(output, other, "output-in-output", "writes")
        elif other.index < output.index or not places.is_within(other.at.where, output.at.where):  # later, it reads what was staged here
            return _problem(output, other, "output-on-input", "reads")
    return None


def _are_one_table(output: Address, other: Address) -> bool:
    """Whether both are about one Delta table: a stage reads the version that is there and another writes the next one; what several write
    is published as one version."""
    if places.key_of(output.at.where) != places.key_of(other.at.where) or not (
        isinstance(output.stage, PlaceLoad) and output.stage.is_table
    ):
        return False
    if isinstance(other.stage, PlaceLoad):
        return other.stage.is_table
    return isinstance(other.stage, PlaceExtract) and other.stage.reads_versions


def _problem(output: Address, other: Address, code: str, does: str) -> Problem:
    where = "on" if places.key_of(other.at.where) == places.key_of(output.at.where) else "in the way of"
    found = Problem(
        code=code,
        field=output.field,
        message=f"“{output.uri}” lies {where} “{other.uri}”, which the stage “{other.stage.name}” {does}.",
        found=output.uri,
        expected="a folder of its own, neither above nor below what the job reads or writes elsewhere",
        fix="Write to another folder.",
    )
    return _placed(found, output)


def _may_run_together(one: Stage, other: Stage) -> bool:
    return not one.environments or not other.environments or bool(set(one.environments) & set(other.environments))


def connectors_of(content: Any, environment: str | None = None) -> frozenset[str]:
    """What Spark has to be started with for the stages that take part in `environment` (None: any), of a document as somebody wrote it:
    names of `executor.spark.connectors.TITLES`. A stage of an unknown type needs none: it does not run."""
    stages = content.get("stages") if isinstance(content, Mapping) else None
    types = [
        STAGE_TYPES.get(str(stage.get("type")))
        for stage in (stages if isinstance(stages, list) else [])
        if isinstance(stage, Mapping) and (environment is None or _takes_part(stage, environment))
    ]
    return frozenset(name for cls in types if cls is not None for name in cls.connectors)


class Written(NamedTuple):
    """An address as a document writes it, which may be wrong in every way. `does`: as in `Address`."""

    stage: str
    field: str
    uri: str
    does: str


_OF_UNKNOWN_TYPES = {"inputURI": READS, "schemaURI": DECIDES, "outputURI": WRITES}


def uses_as_written(stage: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(field, address, what it does there) of a stage's words; of a type that is not known, what the names of its fields say."""
    cls = STAGE_TYPES.get(str(stage.get("type")))
    return _as_written(stage, cls.address_fields() if cls else _OF_UNKNOWN_TYPES)


def _connections_of(stage: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    cls = STAGE_TYPES.get(str(stage.get("type")))
    return _as_written(stage, cls.connection_fields() if cls else {"connection": ACTS})


def _as_written(stage: Mapping[str, Any], fields: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(field, text, does) for field, does in fields.items() if isinstance(text := stage.get(field), str) and text.strip()]


def addresses_as_written(content: Mapping[str, Any], environment: str, values: Mapping[str, Any]) -> list[Written]:
    """The addresses of a document that may be wrong in every way, read quickly and without judging it. A parameter has its value of
    `values`, else its default; one without either becomes `*`: it may be anything."""
    return _written(content, environment, values, uses_as_written)


def connections_as_written(content: Mapping[str, Any], environment: str, values: Mapping[str, Any]) -> list[Written]:
    """The names of connections in such a document, in the same way (`uri` is the name): one with `*` may be any of the environment's."""
    return _written(content, environment, values, _connections_of)


def _written(
    content: Mapping[str, Any],
    environment: str,
    values: Mapping[str, Any],
    told: Callable[[Mapping[str, Any]], list[tuple[str, str, str]]],
) -> list[Written]:
    filled, stages = filling_as_written(content, environment, values), content.get("stages")
    return [
        Written(str(stage.get("name") or f"stage {index + 1}"), field, filled(uri), does)
        for index, stage in enumerate(stages if isinstance(stages, list) else [])
        if isinstance(stage, dict) and _takes_part(stage, environment)
        for field, uri, does in told(stage)
        if does != LOOKS
    ]


def filling_as_written(content: Mapping[str, Any], environment: str, values: Mapping[str, Any]) -> Callable[[str], str]:
    """What puts values into a text of such a document, in the same way."""
    declared = content.get("parameters")
    defaults = {name: about["default"] for name, about in declared.items() if _has_default(about)} if isinstance(declared, dict) else {}
    known = {"environment": environment, **defaults, **values}
    return lambda text: PLACEHOLDER.sub(lambda sign: str(known.get(sign.group(1).strip(), "*")), text)


def _has_default(about: Any) -> bool:
    return isinstance(about, dict) and about.get("default") is not None


def _takes_part(stage: Mapping[str, Any], environment: str) -> bool:
    named = stage.get("environments")
    return not isinstance(named, list) or not named or environment in named
