"""What a page needs to draw a form for any stage, and the JSON Schema of documents: all of it read from the stage classes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from executor.language.parameters import Parameter
from executor.stages import STAGE_TYPES, Stage, StageTypes
from executor.stages.base import WRITES

LIMITS = ("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "minItems", "maxItems")
WIDGETS_BY_TYPE = {"string": "text", "integer": "number", "number": "number", "boolean": "switch", "array": "list", "object": "map"}
PLACEHOLDER = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"}
KIND_TITLES = {
    "extract": "Read data",
    "transform": "Change data",
    "validate": "Check data",
    "execute": "Do something",
    "load": "Write data",
}


def form_fields(described: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of the form of a stage type or a kind of connection, first those that everybody sees, then those under "More fields".

    Each: name (as in documents), label, help, widget, required, default, choices, advanced, limits, and `unused` where a field is
    accepted but does nothing yet. A field of widget `columns` has `item`: column type → its fields; one of widget `connection` has
    `offers`: what must lie behind it. One that counts only with certain choices of another field has `when`: that field → those choices;
    in a stage it is advanced, too, and drawn below that field. An address of an output has `writes`; a query in another language than
    Spark's has its `dialect`.
    """
    schema = _schema_of(described)
    required = set(schema.get("required", ()))
    fields = [_field(name, rules, name in required) for name, rules in schema["properties"].items() if name != "type"]
    return sorted(fields, key=lambda field: (field["advanced"], not field["required"]))


@lru_cache(maxsize=256)
def _schema_of(described: type[BaseModel]) -> dict[str, Any]:
    return described.model_json_schema(by_alias=True)


def _field(name: str, rules: dict[str, Any], required: bool) -> dict[str, Any]:
    kind = _of_one_type(rules)
    field: dict[str, Any] = {
        "name": name,
        "label": rules.get("title", name),
        "help": rules.get("description", ""),
        "widget": rules.get("widget") or WIDGETS_BY_TYPE.get(kind.get("type", "string"), "text"),
        "required": required,
        "default": rules.get("default"),
        "choices": kind.get("enum", []),
        "advanced": bool(rules.get("advanced")),
        "limits": {limit: kind[limit] for limit in LIMITS if limit in kind},
        "unused": rules.get("unused"),
    }
    field |= {mark: rules[mark] for mark in ("offers", "when", "dialect") if mark in rules}
    if rules.get("does") == WRITES:
        field["writes"] = True
    if field["widget"] == "columns":
        field["item"] = column_fields()
    return field


def _of_one_type(rules: dict[str, Any]) -> dict[str, Any]:
    """The rules of the value itself where a field may also be null."""
    kinds = [kind for kind in rules.get("anyOf", ()) if kind.get("type") != "null"]
    return kinds[0] if kinds else rules


@lru_cache(maxsize=1)
def column_fields() -> dict[str, list[dict[str, Any]]]:
    """For each column type of a schema (`integer`, `date`…): the fields that describe such a column."""
    from executor.language.schema import COLUMN_TYPES

    found = {}
    for word, model in COLUMN_TYPES.items():
        schema = model.model_json_schema(by_alias=True)
        rules = schema.get("properties") or schema["$defs"][model.__name__]["properties"]
        required = set(schema.get("required") or schema.get("$defs", {}).get(model.__name__, {}).get("required", ()))
        found[word] = [_field(name, rule, name in required) for name, rule in rules.items() if name != "type"]
    return found


def insert_menu(types: StageTypes = STAGE_TYPES) -> list[dict[str, Any]]:
    """The types by kind: [{kind, label, types: [{type, icon, label, description, example}]}], kinds in the order of a job."""
    menu = []
    for kind, label in KIND_TITLES.items():
        entries = [
            {"type": name, "icon": cls.icon, "label": name, "description": description(cls), "example": cls.example}
            for name, cls in types.items()
            if cls.kind == kind
        ]
        if entries:
            menu.append({"kind": kind, "label": label, "types": entries})
    return menu


def description(cls: type[Stage]) -> str:
    """What a stage type does, in its own words."""
    return " ".join((cls.__doc__ or "").split())


def document_schema(types: StageTypes = STAGE_TYPES) -> dict[str, Any]:
    """The JSON Schema (2020-12) of job documents."""
    models = [(model, "validation") for model in (*types.values(), Parameter)]
    places, definitions = models_json_schema(models, by_alias=True, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    defs = definitions["$defs"]
    for cls in types.values():
        _allow_placeholders(defs[cls.__name__])
    stages = [{"$ref": places[cls, "validation"]["$ref"]} for cls in types.values()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sluice job",
        "type": "object",
        "additionalProperties": False,
        "required": ["stages"],
        "properties": {
            "description": {"type": ["string", "null"], "description": "What the job is for."},
            "files": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Texts of the SQL and schema files that stages name, kept when a version is saved.",
            },
            "parameters": {"type": "object", "additionalProperties": {"$ref": places[Parameter, "validation"]["$ref"]}},
            "stages": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": {"oneOf": stages, "discriminator": {"propertyName": "type"}},
            },
        },
        "$defs": defs,
    }


def _allow_placeholders(stage: dict[str, Any]) -> None:
    """A number or switch may be `${name}` in a document; `type` is what tells the stages apart, so a document must have it."""
    stage["required"] = sorted({*stage.get("required", ()), "type"})
    for name, rules in stage["properties"].items():
        kinds = rules.get("anyOf") or [rules]
        if any(kind.get("type") in ("integer", "number", "boolean") for kind in kinds):
            own = {key: rules[key] for key in ("title", "description", "default", "widget", "advanced", "unused", "when") if key in rules}
            values = [{key: value for key, value in kind.items() if key not in own} for kind in kinds]
            stage["properties"][name] = {**own, "anyOf": [*values, PLACEHOLDER]}
