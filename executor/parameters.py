"""Parameters of a job: what a document declares, what a run gives, and how `${name}` is replaced: once, in one pass, typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from executor import sql_text
from executor.plain import did_you_mean
from executor.problems import Problem

PLACEHOLDER = re.compile(r"\$\{([^{}\n]{0,100})\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
RESERVED = ("environment", "run_id")
BIGGEST = 2**63 - 1

ParameterType = Literal["string", "integer", "decimal", "boolean", "date", "timestamp", "identifier"]


class Parameter(BaseModel):
    """One declared parameter. `default` may be given as JSON's own type or as text; None means that a run must give a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: ParameterType = Field(default="string", title="Type", description="What kind of value it is.")
    default: str | int | float | bool | None = Field(default=None, title="Default", description="Used when a run gives no value.")
    label: str | None = Field(default=None, title="Label", description="What the run form calls it.", max_length=100)
    description: str | None = Field(default=None, title="Description", description="What it is for.")
    choices: list[str | int | float] | None = Field(default=None, title="Choices", description="The only values allowed.", min_length=1)


@dataclass(frozen=True)
class Value:
    """A parameter's typed value: `python` is a str, int, Decimal, bool, date or datetime."""

    type: str
    python: Any

    @property
    def text(self) -> str:
        """The value as plain text, as in a file name."""
        if isinstance(self.python, bool):
            return "true" if self.python else "false"
        if isinstance(self.python, Decimal):
            return f"{self.python:f}"
        return self.python.isoformat(sep=" ") if isinstance(self.python, datetime) else str(self.python)

    @property
    def json(self) -> Any:
        """The value as a field of a stage takes it: numbers and booleans stay what they are, all else is text."""
        return self.python if isinstance(self.python, bool | int) else float(self.python) if isinstance(self.python, Decimal) else self.text

    @property
    def literal(self) -> str:
        """The value as an SQL literal. A negative number is put in parentheses, so that `x -${n}` never makes a comment."""
        if self.type == "identifier":
            return self.text
        if self.type in ("integer", "decimal"):
            return f"({self.text})" if self.python < 0 else self.text
        if self.type == "boolean":
            return self.text.upper()
        prefix = {"date": "DATE", "timestamp": "TIMESTAMP"}.get(self.type, "")
        quoted = escaped(self.text, "'")
        return f"{prefix}'{quoted}'"


def escaped(text: str, quote: str) -> str:
    """`text` so that it can stand inside a quoted SQL string."""
    return text.replace("\\", "\\\\").replace(quote, quote * 2)


# --- values -------------------------------------------------------------------------------------------------------------


def typed(declared: Parameter, given: Any) -> Value:
    """`given` (JSON value, or text as on a command line) as a value of the declared type; ValueError says what was expected."""
    value = Value(declared.type, _READERS[declared.type](given))
    if declared.choices is not None and value.text not in [str(choice) for choice in declared.choices]:
        raise ValueError("one of " + ", ".join(str(choice) for choice in declared.choices))
    return value


def _string(given: Any) -> str:
    if not isinstance(given, str | int | float) or isinstance(given, bool):
        raise ValueError("a text")
    return str(given)


def _integer(given: Any) -> int:
    text = str(given).strip()
    if isinstance(given, bool) or not re.fullmatch(r"[+-]?\d{1,19}", text) or abs(int(text)) > BIGGEST:
        raise ValueError("a whole number, for instance 2013")
    return int(text)


def _decimal(given: Any) -> Decimal:
    text = str(given).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(given, bool) or not number.is_finite() or len(f"{number:f}") > 40:
        raise ValueError("a number, for instance 12.5")
    return number


def _boolean(given: Any) -> bool:
    word = str(given).strip().lower()
    if word not in ("true", "false", "yes", "no"):
        raise ValueError("true or false")
    return word in ("true", "yes")


def _date(given: Any) -> date:
    text = str(given).strip()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError("a date, for instance 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date that exists, for instance 2026-01-31") from None


def _timestamp(given: Any) -> datetime:
    text = str(given).strip()
    expected = "a date with a time, for instance 2026-01-31 18:00:00"
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(expected)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(expected) from None


def _identifier(given: Any) -> str:
    if not isinstance(given, str) or not NAME.match(given):
        raise ValueError("a name of letters, digits and _")
    return given


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "identifier": _identifier,
}


_STAND_INS: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "decimal": 1,
    "boolean": True,
    "date": "2000-01-01",
    "timestamp": "2000-01-01 00:00:00",
    "identifier": "name",
}


def resolve(
    declared: Mapping[str, Parameter], given: Mapping[str, Any] | None, *, environment: str | None = None, run_id: str | None = None
) -> tuple[dict[str, Value], list[Problem]]:
    """The value of every parameter, and what is wrong with them.

    `given` None means that nobody runs the job yet: a parameter without default then gets a stand-in of its type and is no problem.
    """
    problems = [_unknown_value(name, declared) for name in given or () if name not in declared]
    values = {"environment": Value("string", environment or "dev"), "run_id": Value("string", run_id or "run")}
    for name, parameter in declared.items():
        choice = _chosen(name, parameter, given, problems)
        if choice is None:
            continue
        try:
            values[name] = typed(parameter, choice)
        except ValueError as expected:
            problems.append(_wrong_value(name, choice, str(expected), is_default=not given or name not in given))
    return values, problems


def _chosen(name: str, parameter: Parameter, given: Mapping[str, Any] | None, problems: list[Problem]) -> Any:
    if given and given.get(name) is not None:
        return given[name]
    if parameter.default is not None:
        return parameter.default
    if given is None:
        return parameter.choices[0] if parameter.choices else _STAND_INS[parameter.type]
    problems.append(
        Problem(
            code="parameter-missing",
            field=f"parameters.{name}",
            message=f"The parameter “{name}” has no value.",
            expected=f"a value of type {parameter.type}",
            fix=f"Give it a value for this run (--param {name}=…) or a default in the job.",
        )
    )
    return None


def _unknown_value(name: str, declared: Mapping[str, Parameter]) -> Problem:
    reserved = name in RESERVED
    return Problem(
        code="parameter-reserved" if reserved else "parameter-unknown",
        field=f"parameters.{name}",
        message=f"“{name}” is set by Sluice itself." if reserved else f"The job has no parameter “{name}”.",
        found=name,
        expected="one of " + ", ".join(declared) if declared else "no parameters at all",
        fix="Leave it out." if reserved else did_you_mean(name, declared) or "Leave it out, or declare it in the job's parameters.",
    )


def _wrong_value(name: str, given: Any, expected: str, *, is_default: bool) -> Problem:
    return Problem(
        code="parameter-wrong-type",
        field=f"parameters.{name}" + (".default" if is_default else ""),
        message=f"The {'default' if is_default else 'value'} of the parameter “{name}” does not fit its type.",
        found=repr(given) if isinstance(given, str) else str(given),
        expected=expected,
        fix="Correct the value, or the parameter's type.",
    )


# --- replacement --------------------------------------------------------------------------------------------------------


@dataclass
class Filler:
    """Replaces `${name}` in one stage after another and remembers which names were used, what was wrong, and how often nothing
    could be put in place."""

    values: Mapping[str, Value]
    declared: Collection[str]
    used: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    unfilled: int = 0

    def value(self, value: Any, field_name: str) -> Any:
        """`value` (any JSON) of a field that is not SQL. A text that is only `${name}` becomes the typed value."""
        if isinstance(value, dict):
            return {key: self.value(item, f"{field_name}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, f"{field_name}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = PLACEHOLDER.fullmatch(value)
        if whole:
            found = self._lookup(whole, value, field_name)
            return found.json if found else value
        return PLACEHOLDER.sub(lambda sign: self._text(sign, value, field_name), value)

    def sql(self, text: str, field_name: str, own: Collection[str] = ()) -> str:
        """`text` with literals that fit the place they stand in. Names in `own` (the stage's `sqlParams`) are left alone."""
        if "${" not in text:
            return text
        pieces = []
        for part in sql_text.spans(text):
            write = _WRITERS[part.kind]
            mark = text[part.start + 1] if part.kind == sql_text.RAW_STRING else text[part.start]

            def put(sign: re.Match[str], write: _Writer = write, mark: str = mark, kind: str = part.kind) -> str:
                if sign.group(1).split("=")[0].strip() in own:
                    return sign.group()
                found = self._lookup(sign, text, field_name)
                if found and kind == sql_text.RAW_STRING and mark in found.text:
                    self.problems.append(_quote_in_raw_string(sign, text, field_name))
                return write(found, mark, sign) if found else sign.group()

            pieces.append(_replaced(text, part, put))
        return "".join(pieces)

    def _text(self, sign: re.Match[str], text: str, field_name: str) -> str:
        found = self._lookup(sign, text, field_name)
        return found.text if found else sign.group()

    def _lookup(self, sign: re.Match[str], text: str, field_name: str) -> Value | None:
        name = sign.group(1).strip()
        self.used.add(name)
        if name in self.values:
            return self.values[name]
        if name not in self.declared:
            line, column = sql_text.place(text, sign.start())
            known = [*self.declared, *RESERVED]
            self.problems.append(
                Problem(
                    code="parameter-undeclared",
                    field=field_name,
                    line=line,
                    column=column,
                    message=f"The job has no parameter “{name}”.",
                    found=sign.group(),
                    expected="one of " + ", ".join(known),
                    fix=did_you_mean(name, known) or f"Declare “{name}” in the job's parameters.",
                )
            )
        self.unfilled += 1
        return None


_Writer = Callable[[Value, str, re.Match[str]], str]


def _replaced(text: str, part: sql_text.Span, put: Callable[[re.Match[str]], str]) -> str:
    pieces, position = [], part.start
    for sign in PLACEHOLDER.finditer(text, part.start, part.end):
        pieces += [text[position : sign.start()], put(sign)]
        position = sign.end()
    return "".join([*pieces, text[position : part.end]])


def _in_code(value: Value, mark: str, sign: re.Match[str]) -> str:
    """A literal; kept apart from a letter before it, so that it cannot become part of a prefix such as r'…'."""
    before = sign.string[sign.start() - 1 : sign.start()]
    apart = " " if value.literal.endswith("'") and (before.isalnum() or before in ("_", "'")) else ""
    return apart + value.literal


def _quote_in_raw_string(sign: re.Match[str], text: str, field_name: str) -> Problem:
    line, column = sql_text.place(text, sign.start())
    return Problem(
        code="parameter-in-raw-string",
        field=field_name,
        line=line,
        column=column,
        message="The parameter's value holds a quote, which a raw string (r'…') cannot hold.",
        found=sign.group(),
        fix="Use an ordinary string.",
    )


_WRITERS: dict[str, _Writer] = {
    sql_text.CODE: _in_code,
    sql_text.STRING: lambda value, mark, sign: escaped(value.text, mark),
    sql_text.RAW_STRING: lambda value, mark, sign: value.text,
    sql_text.NAME: lambda value, mark, sign: value.text.replace("`", "``"),
    sql_text.COMMENT: lambda value, mark, sign: re.sub(r"[^\w .:-]", " ", value.text),
}


# --- Arc's sqlParams ----------------------------------------------------------------------------------------------------


def inject_sql_params(text: str, params: Mapping[str, str], field_name: str = "sql") -> tuple[str, list[Problem]]:
    """Arc's `sqlParams`: `${key}`, with blanks and an ignored `=default` allowed, becomes the value as it stands, unquoted.

    A key without a place is a problem; a place without a key stays and is found by `sql_text.sql_problems`.
    """
    problems = []
    for key, value in params.items():
        pattern = re.compile(r"\$\{\s*" + re.escape(key) + r"\s*(?:=[^}]*)?\}")
        text, count = pattern.subn(lambda sign, value=value: value, text)  # type: ignore[misc]
        if not count:
            problems.append(
                Problem(
                    code="sql-parameter-unused",
                    field="sqlParams",
                    message=f"No placeholder found for parameter: '{key}'.",
                    expected=f"${{{key}}} in {field_name}",
                    fix="Use the parameter in the SQL or take it out.",
                )
            )
    return text, problems
