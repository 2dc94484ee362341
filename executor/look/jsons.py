"""The look at JSON: its records, and each key as a column. Types are those that Spark gives to JSON; texts can be typed further."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from executor.files.folder import DataFile
from executor.look.delimited import FIRST_ROWS, show_lines
from executor.look.describing import column_of
from executor.look.encoding import encoding_of
from executor.look.facts import Facts
from executor.look.found_values import found_in_values, style_of
from executor.look.grouping import group_rows
from executor.look.json_faults import no_object, not_json
from executor.look.misfits import MOST, misfits_of
from executor.look.more_pages import told_more
from executor.look.names import safe_names
from executor.look.opening import Opened, python_encoding
from executor.look.other_files import FEWEST_ROWS, FILE_BITS, ROWS_OF_ALL, put_in_files
from executor.look.proposal import Found, Proposal, ProposedColumn, Said, Settings
from executor.look.questions import questions_of_values
from executor.look.types import Typing
from executor.look.unfolding import MOST as MOST_LISTS
from executor.look.unfolding import Items, lists_in, question, rows_of, unfolded, words_of
from executor.problems import Problem, ProblemError

LARGEST_DOCUMENT = 64_000_000
LONGEST_LINE = 16_000_000
DEEPEST = 100
SECONDS_OF_ONE = 2.0
"""For each of the other files of a folder."""
ESCAPE = b"\\u"
READABLE_DIGITS = 1000
"""Of any number, for Spark's reader of JSON."""
MOST_SAMPLE = 5_000
"""Rows that are looked through for totals of the others."""
NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity", "INF", "+INF", "-INF"})
"""Texts that Spark's reader of JSON takes for floating-point numbers, where all other values of the key are numbers."""
MOST_DIGITS = 38
"""Of a whole number; longer ones are text."""


class LongNumber(str):
    """A whole number of more digits than Python reads, as it is written."""

    __slots__ = ()


class NotFinite(float):
    """NaN or Infinity, written as such."""

    __slots__ = ()


_QUICK = json.JSONDecoder(parse_constant=NotFinite)
_SLOW = json.JSONDecoder(parse_constant=NotFinite, parse_int=lambda text: int(text) if len(text) < 1000 else LongNumber(text))


def loads(text: str) -> Any:
    """As json.loads, with numbers of any length."""
    try:
        return _QUICK.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _SLOW.decode(text)


class _Key:
    """All values of one key."""

    def __init__(self, name: str, zone: str = "") -> None:
        self.facts = Facts(name, zone=zone)
        self.kinds: set[str] = set()
        self.digits = 0
        self.shape: dict[str, Any] | None = None
        self.values: list[Any] = []

    @property
    def is_text(self) -> bool:
        return _merged(self.kinds, self.digits) == "string"

    def take(self, value: Any, line: int) -> None:
        if value is not None:
            kind = _kind(value)
            self.kinds.add(kind)
            if kind == "large":
                self.digits = max(self.digits, _digits(value))
            if isinstance(value, dict | list):
                self.shape = _merge(self.shape, _shape(value, 0))
        self.facts.take([_text(value)], [line])

    def as_shape(self) -> dict[str, Any]:
        """What stands here, where all of it is of one kind."""
        kind = _merged(self.kinds, self.digits)
        return self.shape if self.shape and kind in ("struct", "array") else {"type": kind, "digits": self.digits}


def look_at_json(
    file: Opened, uri: str, settings: Settings, kind: str, *, seconds: float, limit_bytes: int | None, others: Sequence[DataFile] = ()
) -> Proposal:
    """The proposal; lines that are not JSON are told with their place. `others`: of the folder, whose first records are judged, too."""
    encoding = encoding_of(file, max(2.0, seconds / 3))
    shown = "JSON, one object a line" if kind == "jsonl" else "one JSON document"
    proposal = Proposal(
        uri=uri,
        format="json" if kind == "json" else "jsonl",
        packed="gzip" if file.is_gzip else "",
        bytes=file.bytes,
        settings=settings.model_copy(update={"format": kind, "encoding": encoding.value}),
        found=[Found(setting="format", value=kind, shown=shown), encoding],
    )
    text = file.head.decode(python_encoding(str(encoding.value)), "replace")
    show_lines(proposal, text.splitlines(), is_whole=not file.is_gzip and len(file.head) >= file.bytes)
    if encoding.value != "UTF-8":
        message = f"The file is written in {encoding.value}; JSON is read as UTF-8 only."
        fix = "Save it again with the encoding UTF-8: editors offer that under “Save as”."
        proposal.problems.append(Said(code="input-encoding", message=message, fix=fix))

    def records() -> Iterator[tuple[int, dict[str, Any], bool]]:
        yield from _lines(file, proposal, seconds, limit_bytes) if kind == "jsonl" else _document(file)
        yield from _of_others(others, kind, seconds / 2)

    if encoding.value == "UTF-8":
        _judge(proposal, settings, records)
        put_in_files(proposal.misfits, others)
    return proposal


def _of_others(others: Sequence[DataFile], kind: str, seconds: float) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """The first records of other files of the folder; what cannot be read of them is told by the run."""
    most, end = max(FEWEST_ROWS, ROWS_OF_ALL // max(1, len(others))), time.monotonic() + seconds
    for number, other in enumerate(others, 1):
        if time.monotonic() > end:
            return
        with suppress(ProblemError, OSError):
            file = Opened(other.path)
            unseen = Proposal(uri="", format="jsonl")
            found = _lines(file, unseen, SECONDS_OF_ONE, None) if kind == "jsonl" else _document(file)
            for line, record, has_escapes in islice(found, most):
                yield line + (number << FILE_BITS), record, has_escapes


def _judge(proposal: Proposal, settings: Settings, records: Callable[[], Iterator[tuple[int, dict[str, Any], bool]]]) -> None:
    """All records, as rows or, where a list in them holds the rows, unfolded: then they are gone through once more."""
    table = _Table(proposal)
    for line, record, has_escapes in records():
        table.take(record, line, has_escapes)
    fields = {name: key.as_shape() for name, key in table.keys.items()}
    lists, count = list(lists_in(fields))[:MOST_LISTS], table.rows
    items, is_cut = table.items, bool(proposal.rows)
    outermost = [path for path in lists if len(path) == min(map(len, lists))]
    usual = words_of(outermost[0]) if count == 1 and proposal.format == "json" and len(outermost) == 1 else ""
    chosen = next((path for path in lists if words_of(path) == (usual if settings.rows_of is None else settings.rows_of)), None)
    if chosen:
        how = unfolded(fields, chosen, is_wrapper=count == 1)
        problems, proposal.problems, proposal.first_rows, proposal.rows = proposal.problems, [], [], None
        problems += told_more(table.sample[0], chosen) if count == 1 else []
        table = _Table(proposal, [column.name for column in how.columns])
        for line, record, has_escapes in records():
            for row in rows_of(record, how):
                table.take(row, line, has_escapes)
        proposal.unfolded, proposal.problems = how, problems
    is_whole = not proposal.rows
    table.finish()
    if chosen and not is_whole:
        proposal.rows = None  # how many items the objects have that were not looked at is not known
    _describe(proposal, table.keys, settings, is_in_order=chosen is not None)
    columns = {column.raw_name: column for column in proposal.columns}
    group_rows(proposal, [[_text_cell(row.get(name)) for name in columns] for row in table.sample])
    if lists:
        proposal.settings.rows_of = words_of(chosen) if chosen else ""
        proposal.questions.insert(0, question(lists, words_of(chosen) if chosen else "", items, is_cut=is_cut))


class _Table:
    """The rows on their way. `names`: the columns that there are; else those that the rows have, where case makes no other key."""

    def __init__(self, proposal: Proposal, names: Sequence[str] = ()) -> None:
        self.proposal, self.rows = proposal, 0
        self.zone = proposal.settings.time_zone or ""
        self.keys: dict[str, _Key] = {name: _Key(name, self.zone) for name in names}
        self.of_others = 0
        self.sample: list[dict[str, Any]] = []
        self.items = Items()
        self.spelled = {name.lower(): name for name in names}
        self.halves: list[int] = []
        self.doubled: list[int] = []

    def take(self, record: dict[str, Any], line: int, has_escapes: bool) -> None:
        whole = _with_whole_signs(record) if has_escapes else record
        if whole is not record:
            self.halves.append(line)
        row = {self.spelled.setdefault(name.lower(), name): value for name, value in whole.items()}
        if len(row) < len(whole):
            self.doubled.append(line)
        for name in row:
            if name not in self.keys:
                self.keys[name] = _Key(name, self.zone)
                self.keys[name].facts.take([None] * self.rows, [0] * self.rows)
        for name, key in self.keys.items():
            key.take(row.get(name), line)
        self.rows += 1
        self.of_others += line >> FILE_BITS > 0
        if line >> FILE_BITS == 0:
            self.items.take(record)
        if len(self.sample) < MOST_SAMPLE and line >> FILE_BITS == 0:
            self.sample.append(row)
        if len(self.proposal.first_rows) < FIRST_ROWS and line >> FILE_BITS == 0:
            self.proposal.first_rows.append([line, row])

    def finish(self) -> None:
        """What is wrong in the rows, and how many there are."""
        found = self.proposal
        if self.halves:
            count = len(self.halves)
            message = f"{count:,} {'record holds' if count == 1 else 'records hold'} half of a sign; a question mark stands for it."
            fix = "Look at the data, or at what writes it."
            found.problems.append(Said(code="json-half-sign", message=message, line=self.halves[0], fix=fix))
        if self.doubled:
            message = "An object has two keys that are the same but for upper and lower case; a run stops there."
            fix = "In the stage that reads, set “Same keys in one object” (sameKeys) to apart, and add a column to the types."
            found.problems.append(Said(code="json-same-keys", message=message, line=self.doubled[0], fix=fix))
        for name, key in self.keys.items():
            if key.digits > READABLE_DIGITS:
                message = (
                    f"“{name}” holds a number of {key.digits:,} digits; a record with one of more than {READABLE_DIGITS:,} is not read."
                )
                found.problems.append(Said(code="json-long-number", message=message, fix="Write it in quotes, as text."))
        rows_left = 0 if found.rows is None else found.rows
        found.rows_judged, found.rows = self.rows, self.rows + rows_left - self.of_others


def _lines(file: Opened, proposal: Proposal, seconds: float, limit_bytes: int | None) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """(line, record, whether signs in it are written as numbers)."""
    end, done, broken = time.monotonic() + seconds, 0, 0
    with io.BufferedReader(file.stream()) as stream:  # type: ignore[type-var]
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), 1):
            done += len(line)
            if not line.strip():
                continue
            try:
                record = loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
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
                proposal.rows = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
                return


def _document(file: Opened) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """As `_lines`, with numbers of records."""
    with file.stream() as stream:
        data = stream.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        message = f"The file is one JSON document of more than {LARGEST_DOCUMENT // 1_000_000} MB; it can only be read whole."
        raise ProblemError(Problem(code="look-too-much", message=message, fix="Write one object a line (JSON lines)."))
    try:
        found = loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ProblemError(Problem(code="input-encoding", message="The file is not UTF-8.", fix="Save it as UTF-8.")) from None
    except RecursionError:
        raise ProblemError(Problem(code="look-too-much", message="The document is nested too deeply.", fix="Make it flatter.")) from None
    except json.JSONDecodeError as error:
        raise not_json(error.doc, error) from None
    rows = found if isinstance(found, list) else [found]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise no_object(row, number)
        yield number, row, ESCAPE in data


def _with_whole_signs(record: dict[str, Any]) -> dict[str, Any]:
    """`record` itself; where a text in it has one surrogate without the other, which no text can have, a copy with ? for it."""
    text = json.dumps(record, ensure_ascii=False)
    if text.isascii():
        return record
    plain = text.encode("utf-8", "replace").decode()
    found: dict[str, Any] = record if plain == text else json.loads(plain)
    return found


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long" if -(2**63) <= value < 2**63 else "large"
    if isinstance(value, str) and value in NOT_FINITE and not isinstance(value, LongNumber):
        return "odd"
    return {LongNumber: "large", NotFinite: "odd", float: "double", str: "string", dict: "struct", list: "array"}[type(value)]


def _digits(value: int | LongNumber) -> int:
    return len(str(value).lstrip("-"))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _text_cell(value: Any) -> str:
    return "" if isinstance(value, bool | dict | list) else _text(value) or ""


def _merged(kinds: set[str], digits: int) -> str:
    """The type Spark gives to a key with values of these kinds; `digits` of the longest whole number beyond 64 bits."""
    if kinds and kinds <= {"long", "large"}:
        return "long" if "large" not in kinds else "large" if digits <= MOST_DIGITS else "string"
    if kinds <= {"long", "large", "double", "odd"} and kinds - {"odd"}:
        return "double"
    return next(iter(kinds)) if len(kinds) == 1 and kinds != {"odd"} else "string"


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
    kind = "null" if value is None else _kind(value)
    return {"type": kind, "digits": _digits(value)} if kind == "large" else {"type": kind}


def _merge(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    if one is None or one["type"] == "null":
        return other
    if other["type"] == "null":
        return one
    if one["type"] == other["type"] == "struct":
        fields = dict(one["fields"])
        spelled = {name.lower(): name for name in fields}
        for name, inner in other["fields"].items():
            own = spelled.setdefault(name.lower(), name)
            fields[own] = _merge(fields[own], inner) if own in fields else inner
        return {"type": "struct", "fields": fields}
    if one["type"] == other["type"] == "array":
        return {"type": "array", "items": _merge(one["items"], other["items"]) if other["items"] else one["items"]}
    digits = max(one.get("digits", 0), other.get("digits", 0))
    return {"type": _merged({one["type"], other["type"]}, digits), "digits": digits}


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
    if shape and kind == "large":
        return base | {"type": "decimal", "precision": max(20, shape["digits"]), "scale": 0}
    return base | {"type": kind if kind in ("long", "double") else "string"}


def _describe(proposal: Proposal, keys: dict[str, _Key], settings: Settings, *, is_in_order: bool) -> None:
    """Columns in the order in which Spark makes them, by name; those of unfolded rows in that of their query."""
    style = style_of(settings, [key.facts for key in keys.values() if key.is_text])
    ordered = list(keys) if is_in_order else sorted(keys)
    misfits_total = 0
    texts: list[tuple[Typing, ProposedColumn]] = []
    names = safe_names(ordered)
    for index, (raw, name) in enumerate(zip(ordered, names, strict=True)):
        key = keys[raw]
        choice = settings.columns.get(str(index))
        column, typing = column_of(index, raw, name, key.facts, style, choice if key.is_text else None)
        if not key.is_text:
            column.type, column.fixed, column.words = _schema(key.as_shape(), column.name), True, ""
            column.fits = column.rows
            if choice and choice.name:
                column.name = choice.name
        else:
            some, count = misfits_of(key.facts, typing, column.name, index)
            proposal.misfits = [*proposal.misfits, *some][:MOST]
            misfits_total += count
            texts.append((typing, column))
        column.words = column.words if key.is_text else ""
        proposal.columns.append(column)
    if texts:
        proposal.found += found_in_values(settings, [typing for typing, _ in texts], style)
    proposal.questions = questions_of_values(settings, [typing for typing, _ in texts], [column for _, column in texts])
    proposal.misfits_total = misfits_total
    proposal.rows_fit = proposal.rows_judged - len({misfit.line for misfit in proposal.misfits}) if misfits_total <= MOST else None
    proposal.first_rows = [[line, *(_text(record.get(name)) for name in ordered)] for line, record in proposal.first_rows]
    if not proposal.columns and not proposal.problems:
        proposal.problems.append(Said(code="input-empty", message="There are no records in it.", fix="Check how it was made."))
