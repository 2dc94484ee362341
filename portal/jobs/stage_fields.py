from __future__ import annotations
from typing import Any, Literal, get_args, get_origin
from executor.stages import STAGE_TYPES


def form_fields(name: str) -> list[dict[str, Any]]:
    cls = STAGE_TYPES[name]
    out = []
    for attr, info in cls.model_fields.items():
        if attr == "type":
            continue
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        ann = info.annotation
        choices = list(get_args(ann)) if get_origin(ann) is Literal else None
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        out.append(
            {
                "name": info.alias or attr,
                "label": info.title,
                "help": info.description,
                "widget": extra.get("widget", "text"),
                "required": info.is_required(),
                "default": default,
                "advanced": bool(extra.get("advanced")),
                "unused": extra.get("unused"),
                "choices": choices,
            }
        )
    return sorted(out, key=lambda field: field["advanced"])
