"""What differs between two documents, stage by stage: added, removed, changed, moved, the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from executor.language import json_text
from portal.jobs.documents import stages_of

FILE = "file "


@dataclass(frozen=True)
class FieldChange:
    """One field of a stage; texts to show, None where the field is not there. `is_sql`: worth a view side by side."""

    name: str
    before: str | None
    after: str | None
    is_sql: bool = False


@dataclass(frozen=True)
class StageChange:
    """One stage in both documents; numbers count from 1, None where it is not there."""

    kind: str
    name: str
    type: str
    number_before: int | None
    number_after: int | None
    fields: list[FieldChange] = field(default_factory=list)
    moved: bool = False

    @property
    def short(self) -> list[FieldChange]:
        return [change for change in self.fields if not change.is_sql]

    @property
    def sql(self) -> list[FieldChange]:
        return [change for change in self.fields if change.is_sql]


@dataclass(frozen=True)
class Comparison:
    """`parameters` are the changes outside stages, named by their key."""

    stages: list[StageChange]
    parameters: list[FieldChange]

    @property
    def same(self) -> list[StageChange]:
        return [stage for stage in self.stages if stage.kind == "same"]

    @property
    def different(self) -> list[StageChange]:
        return [stage for stage in self.stages if stage.kind != "same"]

    @property
    def summary(self) -> str:
        """For people: `1 stage changed, 1 added · 4 the same`."""
        counts = {kind: sum(stage.kind == kind for stage in self.stages) for kind in ("changed", "added", "removed", "moved")}
        parts = [f"{count} {kind}" for kind, count in counts.items() if count]
        files = [change for change in self.parameters if change.name.startswith(FILE)]
        parts += ["parameters changed"] if len(files) < len(self.parameters) else []
        parts += ["files changed"] if files else []
        same = f" · {len(self.same)} the same" if self.same else ""
        return (", ".join(parts) or "nothing differs") + same


def compare(before: str, after: str) -> Comparison:
    """Compares two documents (texts). Stages belong together by name; where a name is new, by a like stage at a like place."""
    old, new = stages_of(before), stages_of(after)
    pairs = _pairs(old, new)
    moved = _moved(pairs)
    stages = [_stage_change(old, new, first, second, (first, second) in moved) for first, second in pairs]
    return Comparison(stages, _outside(before, after))


def _pairs(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[int | None, int | None]]:
    """Places of stages that belong together, in the order of the new document, removed ones after what they followed."""
    by_name = {str(stage.get("name")): place for place, stage in enumerate(old)}
    partner: dict[int, int] = {}
    for place, stage in enumerate(new):
        found = by_name.pop(str(stage.get("name")), None)
        if found is not None:
            partner[place] = found
    _match_renamed(old, new, partner)
    taken = set(partner.values())
    pairs: list[tuple[int | None, int | None]] = [(partner.get(place), place) for place in range(len(new))]
    for place in (place for place in range(len(old)) if place not in taken):
        behind = next((index for index, (first, _) in enumerate(pairs) if first == place - 1), None)
        pairs.insert(0 if place == 0 else len(pairs) if behind is None else behind + 1, (place, None))
    return pairs


def _match_renamed(old: list[dict[str, Any]], new: list[dict[str, Any]], partner: dict[int, int]) -> None:
    free = [place for place in range(len(old)) if place not in partner.values()]
    for place in (place for place in range(len(new)) if place not in partner):
        alike = [other for other in free if old[other].get("type") == new[place].get("type") and _likeness(old[other], new[place]) > 0.6]
        if alike:
            best = max(alike, key=lambda other: _likeness(old[other], new[place]))
            partner[place] = best
            free.remove(best)


def _likeness(one: dict[str, Any], other: dict[str, Any]) -> float:
    return SequenceMatcher(None, _text(one)[:2000], _text(other)[:2000], autojunk=False).quick_ratio()


def _moved(pairs: list[tuple[int | None, int | None]]) -> set[tuple[int | None, int | None]]:
    """Pairs that are not part of the longest common order."""
    both = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
    befores = sorted(int(pair[0] or 0) for pair in both)
    matcher = SequenceMatcher(None, befores, [pair[0] for pair in both], autojunk=False)
    kept = {befores[block.a + step] for block in matcher.get_matching_blocks() for step in range(block.size)}
    return {pair for pair in both if pair[0] not in kept}


def _stage_change(old: list[dict[str, Any]], new: list[dict[str, Any]], first: int | None, second: int | None, moved: bool) -> StageChange:
    before = old[first] if first is not None else {}
    after = new[second] if second is not None else {}
    fields = _field_changes(before, after)
    kind = "added" if first is None else "removed" if second is None else "changed" if fields else "moved" if moved else "same"
    shown = after or before
    return StageChange(
        kind=kind,
        name=str(shown.get("name", "")),
        type=str(shown.get("type", "")),
        number_before=None if first is None else first + 1,
        number_after=None if second is None else second + 1,
        fields=fields,
        moved=moved,
    )


def _field_changes(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    names = list(dict.fromkeys([*after, *before]))
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [FieldChange(name, _shown(before, name), _shown(after, name), is_sql=name == "sql") for name in changed]


def _outside(before: str, after: str) -> list[FieldChange]:
    old, new = _top(before), _top(after)
    changes = _field_changes(
        {"description": old.get("description"), **_parameters(old), **_files(old)},
        {"description": new.get("description"), **_parameters(new), **_files(new)},
    )
    return [
        FieldChange(change.name, _none_if(change.before), _none_if(change.after), is_sql=change.name.startswith(FILE)) for change in changes
    ]


def _top(text: str) -> dict[str, Any]:
    try:
        content = json_text.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _parameters(content: dict[str, Any]) -> dict[str, Any]:
    given = content.get("parameters")
    return {f"parameter {name}": value for name, value in given.items()} if isinstance(given, dict) else {}


def _files(content: dict[str, Any]) -> dict[str, Any]:
    """Texts of SQL and schema files that the version keeps."""
    given = content.get("files")
    return {f"{FILE}{uri}": text for uri, text in given.items()} if isinstance(given, dict) else {}


def _none_if(text: str | None) -> str | None:
    return None if text == "null" else text


def _shown(stage: dict[str, Any], name: str) -> str | None:
    return _text(stage[name]) if name in stage else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
