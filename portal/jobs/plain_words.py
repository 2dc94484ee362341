"""A stage as a sentence for people who do not know stage types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from executor.stages import STAGE_TYPES


@dataclass(frozen=True)
class PlainStage:
    """A stage as a page shows it. `others` are its further fields: name → value."""

    number: int
    name: str
    type: str
    kind: str
    icon: str
    sentence: str
    sql: str | None
    environments: list[str]
    others: dict[str, Any]


def plain_stages(stages: list[dict[str, Any]]) -> Iterator[PlainStage]:
    """Every stage in plain words; a stage of an unknown type is shown by its own words."""
    for number, stage in enumerate(stages, 1):
        cls = STAGE_TYPES.get(str(stage.get("type")))
        sql = stage.get("sql")
        yield PlainStage(
            number=number,
            name=str(stage.get("name", "")),
            type=str(stage.get("type", "")),
            kind=cls.kind if cls else "unknown",
            icon=cls.icon if cls else "question-mark",
            sentence=str(stage.get("description") or sentence(stage)),
            sql=sql if isinstance(sql, str) else None,
            environments=[str(name) for name in stage.get("environments") or []],
            others={key: value for key, value in stage.items() if key not in ("type", "name", "sql", "environments", "description")},
        )


def sentence(stage: dict[str, Any]) -> str:
    """`Reads raw/flights.csv as flights.`; missing parts are an ellipsis."""
    cls = STAGE_TYPES.get(str(stage.get("type")))
    return (cls.sentence if cls else "A stage of type {type}.").format_map(_Gaps(stage))


class _Gaps(dict[str, Any]):
    """Looks fields up for `str.format_map`; what is not there reads as an ellipsis. Values are inserted, never interpreted."""

    def __missing__(self, key: str) -> str:
        return "…"
