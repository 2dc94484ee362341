"""The reference of stages: Markdown made from the stage classes, kept as docs/stages.md."""

from __future__ import annotations

import json
from typing import Any

from executor.document.forms import KIND_TITLES, column_fields, description, form_fields
from executor.language.parameters import RESERVED, Parameter
from executor.stages import STAGE_TYPES, Stage, StageTypes

INTRODUCTION = """# Stages

A job is a list of stages. Each reads views that earlier stages made, makes a view, or brings rows out. This page is made from the
program itself (`python -m executor docs`); do not edit it.

Field names follow Arc. A stage without `environments` takes part everywhere. `${name}` is replaced by the job's parameter of that name.

No stage reads an Excel workbook or a zip: unpacked under *Data*, each sheet or file of it becomes a file that a stage reads
([data.md](data.md#places)).
"""


def reference(types: StageTypes = STAGE_TYPES) -> str:
    """The whole page."""
    parts = [INTRODUCTION, _contents(types)]
    for kind, title in KIND_TITLES.items():
        of_kind = [cls for cls in types.values() if cls.kind == kind]
        parts += [f"## {title}\n", *[_stage(cls) for cls in of_kind]] if of_kind else []
    parts += [_parameters(), _columns()]
    return "\n".join(parts)


def _contents(types: StageTypes) -> str:
    lines = [
        f"- {title}: " + ", ".join(f"[{name}](#{name.lower()})" for name, cls in types.items() if cls.kind == kind)
        for kind, title in KIND_TITLES.items()
    ]
    return "\n".join([*lines, "- [Parameters](#parameters), [Columns of a schema](#columns-of-a-schema)", ""])


def _stage(cls: type[Stage]) -> str:
    name = str(cls.model_fields["type"].default)
    example = json.dumps(cls.example, ensure_ascii=False, indent=2)
    return f"### {name}\n\n{description(cls)}\n\n{_table(form_fields(cls))}\n```json\n{example}\n```\n"


def _table(fields: list[dict[str, Any]]) -> str:
    rows = [f"| `{field['name']}` | {_cell(field['label'])} | {_kind(field)} | {_default(field)} | {_help(field)} |" for field in fields]
    return "\n".join(["| field | | value | default | |", "|---|---|---|---|---|", *rows, ""])


def _kind(field: dict[str, Any]) -> str:
    if field["choices"]:
        return _cell(", ".join(f"`{choice}`" for choice in field["choices"]))
    limits = [f"{name} {value}" for name, value in field["limits"].items() if name != "pattern"]
    return " ".join([str(field["widget"]), *([f"({', '.join(limits)})"] if limits else [])])


def _default(field: dict[str, Any]) -> str:
    if field["required"]:
        return "required"
    default = field["default"]
    return "" if default in (None, [], {}) else f"`{_cell(json.dumps(default))}`"


def _help(field: dict[str, Any]) -> str:
    note = f" *Accepted, but does nothing yet: {field['unused']}.*" if field["unused"] else ""
    return _cell(field["help"]) + _cell(note)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _parameters() -> str:
    rows = [
        f"| `{name}` | {_cell(str(rules.get('title', '')))} | {_cell(str(rules.get('description', '')))} |"
        for name, rules in Parameter.model_json_schema()["properties"].items()
    ]
    names = " and ".join(f"`${{{name}}}`" for name in RESERVED)
    words = f"The job's `parameters` declare what a run may be given. {names} are always there.\n"
    return "\n".join(["## Parameters\n", words, "| field | | |", "|---|---|---|", *rows, ""])


def _columns() -> str:
    parts = ["## Columns of a schema\n", "The items of TypingTransform's `schema` and of the files that `schemaURI` names.\n"]
    for word, fields in column_fields().items():
        parts.append(f"### {word}\n\n{_table(fields)}")
    return "\n".join(parts)
