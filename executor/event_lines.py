"""Lines that say they are events, judged where they come in: what is not declared in `executor.events` does not get through.

The program that writes them runs what people wrote, so a line may be broken, huge, nested without end, or made up. One bad line is one
refusal, never an error; what can be saved of it is saved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from executor.event_writer import cut
from executor.events import BY_NAME, LARGEST, OF_RUNS, Event

DEEPEST, MOST_ITEMS, LONGEST_KEY = 8, 1_000, 200
FRAME = frozenset({"event", "time", "seq", "id", "last", "over"})
"""Keys that are no fields: they belong to the line."""
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_KEY = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*')


class NotAnEvent(ValueError):
    """The line is no event; the text says why, in our words."""


@dataclass(frozen=True)
class Reading:
    """What a line says. `remarks`: what was left out of it, and why, in our words."""

    event: Event
    time: str
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The event as it may be stored: `event`, `time` and its fields."""
        return self.event.as_dict() | {"time": self.time}


def read(text: str, known: Iterable[type[Event]] = OF_RUNS) -> Reading:
    """The event in one line. Raises NotAnEvent."""
    facts, remarks = _parsed(text)
    name = facts.get("event")
    kind = BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None or kind not in tuple(known):
        raise NotAnEvent(f"It is no event that is known here{_named(name)}.")
    declared = {one.name for one in fields(kind)}
    unknown = sorted(set(facts) - declared - FRAME)
    if unknown:
        remarks.append(f"Fields of “{kind.name}” that nobody knows were left out: {', '.join(map(_short, unknown[:5]))}.")
    given = {key: storable(value) for key, value in facts.items() if key in declared}
    return Reading(_made(kind, given), _moment(facts.get("time")), remarks)


def stored(facts: dict[str, Any]) -> Event | None:
    """The event of a stored line; None when it was cut, or is older than its class."""
    kind = BY_NAME.get(str(facts.get("event")))
    try:
        return _made(kind, {key: value for key, value in facts.items() if key not in FRAME}) if kind else None
    except NotAnEvent:
        return None


def plain(text: str) -> str:
    """Text without colour codes and other control characters, so that a log line cannot play tricks on who reads it."""
    if text.isprintable():
        return text
    return "".join(sign if sign in "\t\n" or sign.isprintable() else "�" for sign in _ANSI.sub("", text))


def storable(value: Any, depth: int = 0) -> Any:
    """The same JSON as every database and every reader can take it: not too deep, not too wide, no text too long, no number
    too large, no control characters."""
    if isinstance(value, str):
        return cut(plain(value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return str(value)
    if not isinstance(value, dict | list):
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {plain(key)[:LONGEST_KEY]: storable(item, depth + 1) for key, item in list(value.items())[:MOST_ITEMS]}
    return [storable(item, depth + 1) for item in value[:MOST_ITEMS]]


def _made(kind: type[Event], given: dict[str, Any]) -> Event:
    try:
        values = _model(kind).model_validate(given)
    except (ValidationError, RecursionError) as error:
        wrong = [".".join(map(str, one["loc"][:3])) for one in error.errors()] if isinstance(error, ValidationError) else []
        raise NotAnEvent(f"“{kind.name}” is not as it must be: {', '.join(map(_short, wrong[:5])) or 'nested too deeply'}.") from None
    return kind(**{one.name: getattr(values, one.name) for one in fields(kind) if one.name in values.model_fields_set})


def _model(kind: type[Event]) -> type[BaseModel]:
    return _model_named(kind.name)


@cache
def _model_named(name: str) -> type[BaseModel]:
    """What judges an event's fields. Unknown keys inside of known fields (an output's, say) are left out."""
    kind = BY_NAME[name]
    hints = get_type_hints(kind, include_extras=True)
    parts: dict[str, Any] = {one.name: (hints[one.name], ... if _is_required(one) else None) for one in fields(kind)}
    return create_model(kind.__name__, __config__=ConfigDict(strict=True, extra="ignore", protected_namespaces=()), **parts)


def _is_required(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING and "None" not in str(one.type)


# --- JSON -------------------------------------------------------------------------------------------------------------------


def _parsed(text: str) -> tuple[dict[str, Any], list[str]]:
    """The line's keys and values; of a line without its end, those that are whole."""
    try:
        facts = json.loads(text, parse_constant=str, parse_float=_float, parse_int=_int)
    except ValueError:
        facts, remarks = _whole_part(text), ["A line was too long and was cut."]
        if "event" not in facts:
            raise NotAnEvent("It is not JSON.") from None
        return facts, remarks
    except RecursionError:
        raise NotAnEvent("It is nested too deeply.") from None
    if not isinstance(facts, dict):
        raise NotAnEvent("It is JSON, but no object.")
    return facts, []


def _whole_part(text: str) -> dict[str, Any]:
    """Key by key from the line's beginning, as long as key and value are whole. A text that was cut is kept to its cut."""
    decoder = json.JSONDecoder(parse_constant=str, parse_float=_float, parse_int=_int)
    facts: dict[str, Any] = {}
    position = 0
    while key := _KEY.match(text, position):
        name = json.loads(key.group(1))
        try:
            facts[name], position = decoder.raw_decode(text, key.end())
        except (ValueError, RecursionError):
            if text[key.end() : key.end() + 1] == '"':
                facts[name] = _cut_text(text[key.end() + 1 :])
            break
    return facts


def _cut_text(text: str) -> str:
    """The beginning of a JSON text that has no end."""
    part = re.sub(r"\\(?:u[0-9a-fA-F]{0,3})?$", "", text)
    try:
        return str(json.loads(f'"{part}"', strict=False))
    except ValueError:
        return ""


def _float(text: str) -> float | str:
    number = float(text)
    return number if abs(number) != float("inf") else text[:50]


def _int(text: str) -> int | str:
    return int(text) if len(text) <= 19 else text[:50]


def _moment(time: Any) -> str:
    """The moment that a line tells, or now."""
    try:
        found = datetime.fromisoformat(str(time)[:40])
    except ValueError:
        found = datetime.now(UTC)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _named(name: Any) -> str:
    return f" (“{_short(name)}”)" if isinstance(name, str) else ""


def _short(text: str) -> str:
    """A name out of a line that is not trusted: only if it looks like one."""
    return text if re.fullmatch(r"[A-Za-z0-9_.]{1,60}", text) else "…"
