"""Which connections a document uses, for what, and whether an environment has them as the document needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from executor.connections import CONNECTION_KINDS
from executor.document.places import connections_as_written, filling_as_written
from executor.stages import STAGE_TYPES
from executor.stages.base import WRITES
from portal.environments.models import Environment


@dataclass(frozen=True)
class Used:
    """One stage's use of a connection. `does`: reads, writes or acts; `what`: the table as it is called there, or that it is SQL of its
    own; `kind`: of the connection there, in words, None where there is none; `trouble`: code and sentence of why it does not serve."""

    stage: str
    field: str
    name: str
    does: str
    what: str
    save_mode: str
    kind: str | None
    trouble: tuple[str, str] | None

    @property
    def adds(self) -> bool:
        """Whether its rows come to those that are there: run again, they would be there twice."""
        return self.does == WRITES and self.save_mode == "Append"


def connections_used(content: Mapping[str, Any], environment: Environment, values: Mapping[str, Any] | None = None) -> Iterator[Used]:
    """In the order of the stages. A name that a parameter gives when a run starts is left out. `values`: of a run, which go before those
    of the environment."""
    known = {**environment.parameters, **(values or {})}
    named = [one for one in connections_as_written(content, environment.name, known) if "*" not in one.uri]
    filled = filling_as_written(content, environment.name, known)
    kinds = dict(environment.connections.values_list("name", "kind")) if named else {}
    given = content.get("stages")
    stages = {str(one.get("name")): one for one in (given if isinstance(given, list) else []) if isinstance(one, dict)}
    for one in named:
        stage = stages.get(one.stage, {})
        kind = CONNECTION_KINDS.get(kinds.get(one.uri, ""))
        trouble = _trouble(one.uri, one.field, one.does, kinds, str(stage.get("type")), environment.name)
        mode = save_mode(stage) if one.does == WRITES else ""
        yield Used(one.stage, one.field, one.uri, one.does, filled(_what(stage)), mode, kind.title if kind else None, trouble)


def _what(stage: Mapping[str, Any]) -> str:
    return str(stage["tableName"]) if isinstance(stage.get("tableName"), str) and stage["tableName"] else "SQL of its own"


def save_mode(stage: Mapping[str, Any]) -> str:
    """What a load does with the rows that are there, as the document says or leaves it; empty for other stages."""
    cls = STAGE_TYPES.get(str(stage.get("type")))
    usual = next((info.default for info in cls.model_fields.values() if info.alias == "saveMode"), "") if cls else ""
    return str(stage.get("saveMode") or usual or "")


def _trouble(name: str, field: str, does: str, kinds: Mapping[str, str], stage_type: str, environment: str) -> tuple[str, str] | None:
    if name not in kinds:
        return "connection-unknown", f"{environment} has no connection “{name}”."
    kind, stage = CONNECTION_KINDS.get(kinds[name]), STAGE_TYPES.get(stage_type)
    wanted = stage.marked("offers").get(field) if stage else None
    if kind is None or wanted is None:
        return None
    leads = f"“{name}” in {environment} is a connection to {kind.title}"
    if kind.offers != wanted:
        return "connection-of-another-kind", f"{leads}; this stage needs one to a {wanted}."
    return None
