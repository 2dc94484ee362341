"""pydantic's findings and near misses, in the words of an analyst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from executor.problems import Problem

KINDS_OF_VALUES = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known name most like `word`, or None when nothing is near. `alike`: from 0 to 1, as difflib measures it."""
    candidates = {name.casefold(): name for name in known}
    near = get_close_matches(str(word)[:200].casefold(), candidates, n=1, cutoff=alike)
    return candidates[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`Did you mean “flights”?`, or None when nothing is near."""
    near = nearest(word, known)
    return f"Did you mean “{near}”?" if near else None


def counted(number: int, one: str, many: str) -> str:
    """`1 key comes`, `1,200 keys come`: the words behind a number agree with it."""
    return f"{number:,} {one if number == 1 else many}"


def bytes_in_words(size: int) -> str:
    """`1.2 MB`."""
    for unit, of in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if size >= of:
            return f"{size / of:,.1f} {unit}"
    return f"{size:,} bytes"


def shown(value: Any) -> str:
    """A value as a person reads it in `found`: its kind, and itself where it is short."""
    if isinstance(value, str):
        return f"“{value}”" if len(value) <= 60 else f"a text of {len(value):,} characters"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) if isinstance(value, int | float) else KINDS_OF_VALUES.get(type(value), type(value).__name__)


Tagged = Mapping[str, type[BaseModel]]


def problems_of(error: ValidationError, model: type[BaseModel], prefix: str = "", tagged: Tagged | None = None) -> list[Problem]:
    """One problem for each finding of `error`; `field` is the name as in the document, `schema[2].formatters`, after `prefix`.

    `tagged`: the models inside `model` that are told apart by their `type`, by that word.
    """
    return [_problem(dict(finding), model, prefix, tagged or {}) for finding in error.errors(include_url=False, include_context=True)]


def sentences_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """(field, a sentence by the title that people read) for each finding; never with what was given, which may be secret."""
    findings = error.errors(include_url=False, include_input=False)
    return [(str(one["loc"][0]) if one["loc"] else "", _sentence(dict(one), model)) for one in findings]


def _sentence(finding: dict[str, Any], model: type[BaseModel]) -> str:
    kind, place = finding["type"], finding["loc"]
    name = str(place[0]) if place else ""
    known = model.model_fields.get(name)
    title = (known.title if known else None) or name[:60]
    if kind == "extra_forbidden":
        return " ".join(filter(None, (f"There is no field “{title}” here.", did_you_mean(name, model.model_fields))))
    if kind == "missing":
        return f"“{title}” is missing."
    if kind in ("too_short", "too_long") and finding.get("ctx", {}).get("field_type") == "Value":
        kind = f"string_{kind}"  # a secret is a text, too
    problem = _value_problem(kind, name, f"“{title}”", "", finding.get("ctx", {}), str(finding["msg"]))
    return f"“{title}” must be {problem.expected}." if kind == "literal_error" else problem.message


def _problem(finding: dict[str, Any], model: type[BaseModel], prefix: str, tagged: Tagged) -> Problem:
    kind, place = finding["type"], finding["loc"]
    context: Mapping[str, Any] = finding.get("ctx", {})
    model, place = _innermost(model, place, tagged)
    name = ".".join(part for part in (prefix, _field_name(place)) if part)
    last = str(place[-1]) if place else "value"
    called = _called(model, last)
    if kind == "missing":
        wanted, fix = _wanted(model, last), f"Add “{last}”."
        return Problem(code="field-missing", field=name, message=f"{called} is missing.", expected=wanted, fix=fix)
    if kind == "extra_forbidden":
        known = [field.alias or attribute for attribute, field in model.model_fields.items()]
        near = did_you_mean(last, known)
        return Problem(
            code="field-unknown",
            field=name,
            message=f"There is no field “{last}” here.",
            found=last,
            expected="one of " + ", ".join(known) if known else None,
            fix=near or f"Take “{last}” out.",
        )
    if kind == "union_tag_invalid":
        known = [word.strip("' ") for word in str(context.get("expected_tags", "")).split(",")]
        word = str(context.get("tag", ""))
        return Problem(
            code="value-not-allowed",
            field=f"{name}.type",
            message=f"There is no type “{word}”.",
            found=word,
            expected="one of " + ", ".join(known),
            fix=did_you_mean(word, known) or "Choose one of these.",
        )
    if kind == "union_tag_not_found":
        return Problem(
            code="field-missing", field=f"{name}.type", message="“type” is missing.", expected="the type of the column", fix="Add “type”."
        )
    problem = _value_problem(kind, name, called, finding.get("input"), context, str(finding["msg"]))
    value, elsewhere = finding.get("input"), getattr(model, "elsewhere", {})
    is_elsewhere = kind == "literal_error" and isinstance(value, str) and value in elsewhere
    return replace(problem, fix=elsewhere[value]) if is_elsewhere else problem


def _called(model: type[BaseModel], name: str) -> str:
    """What a field of a document is called in sentences: by the title that the form shows, too, where that is another."""
    title = next((field.title for attribute, field in model.model_fields.items() if name in (field.alias, attribute)), None)
    return f"“{title}” ({name})" if title and title.casefold() != name.casefold() else f"“{name}”"


def _value_problem(kind: str, name: str, called: str, value: Any, context: Mapping[str, Any], words: str) -> Problem:
    if kind in ("literal_error", "enum"):
        allowed = [word.strip("' ") for word in str(context.get("expected", "")).replace(" or ", ",").split(",")]
        near = did_you_mean(value, allowed) if isinstance(value, str) else None
        return Problem(
            code="value-not-allowed",
            field=name,
            message=f"{called} does not take this value.",
            found=shown(value),
            expected="one of " + ", ".join(allowed),
            fix=near or "Choose one of these.",
        )
    if kind in ("value_error", "assertion_error") or "." in kind or "-" in kind:
        return Problem(
            code="value-wrong",
            field=name,
            message=words.removeprefix("Value error, ").removeprefix("Assertion failed, "),
            found=shown(value),
        )
    limits = {key: PATTERNS.get(str(limit), str(limit)) for key, limit in context.items()}
    expected = _EXPECTED.get(kind, "another kind of value").format_map(limits)
    return Problem(
        code="value-wrong-type",
        field=name,
        message=f"{called} must {'have' if 'too_' in kind else 'be'} {expected}.",
        found=f"{len(value)} characters" if kind == "string_too_long" else shown(value),
        expected=expected,
        fix="Shorten it." if kind == "string_too_long" else "Correct the value.",
    )


PATTERNS = {
    r"^[A-Za-z_][A-Za-z0-9_]{0,127}$": "letters, digits and _, not beginning with a digit",
    r"^[A-Za-z0-9:/_-]*$": "letters, digits and : / _ -",
    r"^[a-z][a-z0-9_]{0,59}$": "small letters, digits and _, beginning with a letter",
}
"""Patterns of fields, in words."""

_EXPECTED = {
    "string_type": "a text",
    "string_sub_type": "a text",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "{pattern}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of at most 64 bits",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object of names and values",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "{min_length} or more items",
    "too_long": "at most {max_length} items",
}


def _field_name(place: Sequence[int | str]) -> str:
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _wanted(model: type[BaseModel], alias: str) -> str | None:
    return next((field.title for field in model.model_fields.values() if field.alias == alias), None)


def _innermost(model: type[BaseModel], place: Sequence[int | str], tagged: Tagged) -> tuple[type[BaseModel], list[int | str]]:
    """The model that the last step of `place` belongs to, and the place without the type words that pydantic puts in."""
    steps: list[int | str] = []
    for step in place:
        if step in tagged and steps and (isinstance(steps[-1], int) or steps[-1] == "elementType"):
            model = tagged[str(step)]
        else:
            steps.append(step)
    return model, steps
