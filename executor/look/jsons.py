"""The look at JSON: its records, and each key as a column. Types are those that Spark gives to JSON; texts can be typed further."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

from executor.look.delimited import FIRST_LINES, FIRST_ROWS
from executor.look.describing import column_of
from executor.look.encoding import encoding_of
from executor.look.facts import Facts
from executor.look.misfits import MOST, misfits_of
from executor.look.names import safe_names
from executor.look.opening import Opened, python_encoding
from executor.look.proposal import Found, Proposal, ProposedColumn, Said, Settings
from executor.look.questions import questions_of_values
from executor.look.types import Style, Typing, with_usual_decimal
from executor.problems import Problem, ProblemError

LARGEST_DOCUMENT = 64_000_000
LONGEST_LINE = 16_000_000
DEEPEST = 100
ESCAPE = b"\\u"


class _Key:
    """All values of one key."""

    def __init__(self, name: str) -> None:
        self.facts = Facts(name)
        self.kinds: set[str] = set()
        self.shape: dict[str, Any] | None = None
        self.values: list[Any] = []

    @property
    def is_text(self) -> bool:
        return self.kinds <= {"string"} or _merged(self.kinds) == "string"


def look_at_json(file: Opened, uri: str, settings: Settings, kind: str, *, seconds: float, limit_bytes: int | None) -> Proposal:
    """The proposal; lines that are not JSON are told with their place."""
    encoding = encoding_of(file, max(2.0, seconds / 3))
    shown = "JSON, one object a line" if kind == "jsonl" else "one JSON document"
    proposal = Proposal(
        uri=uri,
        format="json" if kind == "json" else "jsonl",
        packed="gzip" if file.is_gzip else "",
        bytes=file.bytes,
        settings=settings.model_copy(update={"format": kind, "encoding": encoding.value}),
        found=[Found(setting="format", value=kind, shown=shown), encoding],
        first_lines=file.head.decode(python_encoding(str(encoding.value)), "replace").splitlines()[:FIRST_LINES],
    )
    if encoding.value != "UTF-8":
        proposal.problems.append(Said(code="input-encoding", message="JSON is read as UTF-8 only.", fix="Save the file as UTF-8."))
    records = _lines(file, proposal, seconds, limit_bytes) if kind == "jsonl" else _document(file)
    keys: dict[str, _Key] = {}
    halves: list[int] = []
    for line, record, has_escapes in records:
        proposal.rows_judged += 1
        whole = _with_whole_signs(record) if has_escapes else record
        if whole is not record:
            halves.append(line)
        _take(keys, whole, line, proposal)
    if halves:
        message = f"{len(halves):,} {'record holds' if len(halves) == 1 else 'records hold'} half of a sign; a question mark stands for it."
        fix = "Look at the data, or at what writes it."
        proposal.problems.append(Said(code="json-half-sign", message=message, line=halves[0], fix=fix))
    proposal.rows = proposal.rows_judged if proposal.rows is None else proposal.rows
    _describe(proposal, keys, settings)
    return proposal


def _lines(file: Opened, proposal: Proposal, seconds: float, limit_bytes: int | None) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """(line, record, whether signs in it are written as numbers)."""
    end, done, broken = time.monotonic() + seconds, 0, 0
    with io.BufferedReader(file.stream()) as stream:  # type: ignore[type-var]
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), 1):
            done += len(line)
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError):
                record = None
            if isinstance(record, dict):
                yield number, record, ESCAPE in line
            else:
                broken += 1
                if broken <= 3:
                    said = Said(code="input-records", message=f"Line {number:,} is not a JSON object.", line=number)
                    proposal.problems.append(said)
            if time.monotonic() > end or (limit_bytes and done > limit_bytes):
                proposal.rows = proposal.rows_judged + sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
                return


def _document(file: Opened) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """As `_lines`, with numbers of records."""
    with file.stream() as stream:
        data = stream.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        message = f"The file is one JSON document of more than {LARGEST_DOCUMENT // 1_000_000} MB; it can only be read whole."
        raise ProblemError(Problem(code="look-too-much", message=message, fix="Write one object a line (JSON lines)."))
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ProblemError(Problem(code="input-encoding", message="The file is not UTF-8.", fix="Save it as UTF-8.")) from None
    except RecursionError:
        raise ProblemError(Problem(code="look-too-much", message="The document is nested too deeply.", fix="Make it flatter.")) from None
    except ValueError as error:
        line = getattr(error, "lineno", None)
        message = f"The file is not JSON{f': it breaks in line {line:,}' if line else ''}."
        raise ProblemError(Problem(code="input-format", message=message, line=line, fix="Correct the file.")) from None
    rows = found if isinstance(found, list) else [found]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ProblemError(
                Problem(code="input-format", message=f"Item {number:,} of the list is not an object.", fix="Bring a list of objects.")
            )
        yield number, row, ESCAPE in data


def _with_whole_signs(record: dict[str, Any]) -> dict[str, Any]:
    """`record` itself; where a text in it has one surrogate without the other, which no text can have, a copy with ? for it."""
    text = json.dumps(record, ensure_ascii=False)
    if text.isascii():
        return record
    plain = text.encode("utf-8", "replace").decode()
    found: dict[str, Any] = record if plain == text else json.loads(plain)
    return found


def _take(keys: dict[str, _Key], record: dict[str, Any], line: int, proposal: Proposal) -> None:
    for name in record:
        if name not in keys:
            keys[name] = _Key(name)
            keys[name].facts.take([None] * (proposal.rows_judged - 1), [0] * (proposal.rows_judged - 1))
    for name, key in keys.items():
        value = record.get(name)
        if value is not None:
            key.kinds.add(_kind(value))
            if isinstance(value, dict | list):
                key.shape = _merge(key.shape, _shape(value, 0))
        key.facts.take([_text(value)], [line])
    if len(proposal.first_rows) < FIRST_ROWS:
        proposal.first_rows.append([line, record])


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long" if -(2**63) <= value < 2**63 else "large"
    return {float: "double", str: "string", dict: "struct", list: "array"}[type(value)]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _merged(kinds: set[str]) -> str:
    """The type Spark gives to a key with values of these kinds."""
    if len(kinds) <= 1:
        return next(iter(kinds), "string")
    return "double" if kinds <= {"long", "double"} else "string"


def _shape(value: Any, depth: int) -> dict[str, Any]:
    """A value's type as a typing schema has it; fields in the order that Spark gives them."""
    if depth > DEEPEST:
        raise ProblemError(Problem(code="look-too-much", message="The records are nested too deeply.", fix="Make them flatter."))
    if isinstance(value, dict):
        return {"type": "struct", "fields": {name: _shape(item, depth + 1) for name, item in value.items()}}
    if isinstance(value, list):
        items: dict[str, Any] | None = None
        for item in value:
            items = _merge(items, _shape(item, depth + 1))
        return {"type": "array", "items": items}
    return {"type": "null"} if value is None else {"type": _kind(value)}


def _merge(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    if one is None or one["type"] == "null":
        return other
    if other["type"] == "null":
        return one
    if one["type"] == other["type"] == "struct":
        names = {**one["fields"], **other["fields"]}
        fields = {}
        for name in names:
            both = [side["fields"][name] for side in (one, other) if name in side["fields"]]
            fields[name] = both[0] if len(both) == 1 else _merge(both[0], both[1])
        return {"type": "struct", "fields": fields}
    if one["type"] == other["type"] == "array":
        return {"type": "array", "items": _merge(one["items"], other["items"]) if other["items"] else one["items"]}
    return {"type": _merged({one["type"], other["type"]})}


def _schema(shape: dict[str, Any] | None, name: str) -> dict[str, Any]:
    """A shape as a column of a typing schema."""
    base: dict[str, Any] = {"name": name, "nullable": True}
    kind = (shape or {}).get("type", "string")
    if shape and kind == "struct" and shape["fields"]:
        return base | {"type": "struct", "fields": [_schema(shape["fields"][key], key) for key in sorted(shape["fields"])]}
    if shape and kind == "array":
        return base | {"type": "array", "elementType": _schema(shape["items"], "element")}
    if kind == "boolean":
        return base | {"type": "boolean", "trueValues": ["true"], "falseValues": ["false"]}
    if kind == "large":
        return base | {"type": "decimal", "precision": 38, "scale": 0}
    return base | {"type": kind if kind in ("long", "double") else "string"}


def _describe(proposal: Proposal, keys: dict[str, _Key], settings: Settings) -> None:
    """Columns in the order in which Spark makes them: by name."""
    style = Style(decimal=settings.decimal, is_day_first=settings.day_first, time_zone=settings.time_zone or "UTC")
    style = style if settings.decimal else with_usual_decimal(style, (key.facts for key in keys.values() if key.is_text))
    ordered = sorted(keys)
    misfits_total = 0
    texts: list[tuple[Typing, ProposedColumn]] = []
    names = safe_names(ordered)
    for index, (raw, name) in enumerate(zip(ordered, names, strict=True)):
        key = keys[raw]
        choice = settings.columns.get(str(index))
        column, typing = column_of(index, raw, name, key.facts, style, choice if key.is_text else None)
        if not key.is_text:
            kind = _merged(key.kinds)
            shape = key.shape if kind in ("struct", "array") else {"type": kind}
            column.type, column.fixed, column.words = _schema(shape, column.name), True, ""
            column.fits, column.prepare = column.rows, None
            if choice and choice.name:
                column.name = choice.name
        else:
            some, count = misfits_of(key.facts, typing, column.name, index)
            proposal.misfits = [*proposal.misfits, *some][:MOST]
            misfits_total += count
            texts.append((typing, column))
        column.words = column.words if key.is_text else ""
        proposal.columns.append(column)
    proposal.questions = questions_of_values(settings, [typing for typing, _ in texts], [column for _, column in texts])
    proposal.misfits_total = misfits_total
    proposal.rows_fit = proposal.rows_judged - len({misfit.line for misfit in proposal.misfits}) if misfits_total <= MOST else None
    proposal.first_rows = [[line, *(_text(record.get(name)) for name in ordered)] for line, record in proposal.first_rows]
    if not proposal.columns and not proposal.problems:
        proposal.problems.append(Said(code="input-empty", message="There are no records in it.", fix="Check how it was made."))
