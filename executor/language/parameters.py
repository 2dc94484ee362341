"""Parameters of a job: what a document declares, what a run gives, and the typed values that come of both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from executor.language.quoting import escaped
from executor.plain import did_you_mean
from executor.problems import Problem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
RESERVED = ("environment", "run_id")
BIGGEST = 2**63 - 1
MOST_DIGITS = 38

ParameterType = Literal["string", "integer", "decimal", "boolean", "date", "timestamp", "identifier", "secret"]
SECRET: ParameterType = "secret"  # noqa: S105 - the name of a kind
"""Its value is kept by the environment, never by a document or a run, and stands in for credentials only (`executor.language.filling`)."""


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
    """A parameter's typed value: `python` is a str, int, Decimal, bool, date or datetime. `is_own`: the document itself holds it, as a
    default or a choice; every other value comes from outside of what was approved."""

    type: str
    python: Any = field(repr=False)
    is_own: bool = False
    is_stand_in: bool = False
    """Nobody runs the job yet, and only a run will say it."""

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
    if isinstance(given, bool) or not re.fullmatch(r"[+-]?\d{1,4000}", text):
        raise ValueError("a whole number, for instance 2013")
    if abs(int(text)) > BIGGEST:
        raise ValueError(f"a whole number of at most {BIGGEST:,}; for longer ones give the parameter the type decimal or string")
    return int(text)


def _decimal(given: Any) -> Decimal:
    text = str(given).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(given, bool) or not number.is_finite():
        raise ValueError("a number, for instance 12.5")
    if (digits := _digits(number)) > MOST_DIGITS:
        raise ValueError(f"a number of at most {MOST_DIGITS} digits, before and behind the point together; this one has {digits:,}")
    return number


def _digits(number: Decimal) -> int:
    """Digits of the number as it is written out, but for a 0 before the point."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite
    whole = max(0, len(digits) + exponent) if any(digits) else 0
    return whole + max(0, -exponent)


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
    if re.search(r"[.,]\d{6}0*[1-9]", text):
        raise ValueError("a time with at most six digits behind the second, which is all that Spark keeps")
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
    SECRET: _string,
}


_STAND_INS: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "decimal": 1,
    "boolean": True,
    "date": "2000-01-01",
    "timestamp": "2000-01-01 00:00:00",
    "identifier": "name",
    SECRET: "secret",
}


def resolve(
    declared: Mapping[str, Parameter],
    given: Mapping[str, Any] | None,
    *,
    environment: str | None = None,
    run_id: str | None = None,
    secrets: Mapping[str, str] | None = None,
) -> tuple[dict[str, Value], list[Problem]]:
    """The value of every parameter, and what is wrong with them.

    `given` None means that nobody runs the job yet: a parameter without default then gets a stand-in of its type and is no problem.
    `secrets` None means that the secrets are not at hand: they get stand-ins.
    """
    problems = [_unknown_value(name, declared) for name in given or () if name not in declared]
    values = {"environment": Value("string", environment or "dev", True), "run_id": Value("string", run_id or "run", True)}
    for name, parameter in declared.items():
        if parameter.type == SECRET:
            problems += _secret_problems(name, parameter, given, secrets)
            values[name] = Value(SECRET, (secrets or {}).get(name) or _STAND_INS[SECRET])
            continue
        choice = _chosen(name, parameter, given, problems)
        if choice is None:
            continue
        try:
            value = typed(parameter, choice)
            only_a_run_says = given is None and parameter.default is None and not parameter.choices
            values[name] = replace(value, is_own=_is_own(parameter, value, given is None), is_stand_in=only_a_run_says)
        except ValueError as expected:
            problems.append(_wrong_value(name, choice, str(expected), is_default=not given or name not in given))
    return values, problems


def _secret_problems(name: str, parameter: Parameter, given: Mapping[str, Any] | None, secrets: Mapping[str, str] | None) -> list[Problem]:
    """Where a secret's value must not be, and whether it has one."""
    found = []
    if parameter.default is not None or parameter.choices is not None:
        what = "default" if parameter.default is not None else "choices"
        found.append(
            Problem(
                code="secret-in-document",
                field=f"parameters.{name}.{what}",
                message=f"The secret “{name}” has its value in the job, where everybody who sees the job could read it.",
                expected="no default and no choices",
                fix="Take it out, and have it set in each environment.",
            )
        )
    if given and given.get(name) not in (None, ""):
        found.append(
            Problem(
                code="secret-given",
                field=f"parameters.{name}",
                message=f"“{name}” is a secret: its value is kept by the environment and cannot be given to a run.",
                fix="Leave it out, and change it in the environment where it is not right.",
            )
        )
    if secrets is not None and not secrets.get(name):
        found.append(
            Problem(
                code="secret-missing",
                field=f"parameters.{name}",
                message=f"The secret “{name}” is not set in this environment.",
                expected="a value kept by the environment",
                fix=f"Have whoever administers the environment set the secret “{name}” there.",
            )
        )
    return found


def _is_own(parameter: Parameter, value: Value, is_stand_in: bool) -> bool:
    """Whether it is a value that the document holds (or one of ours, where nobody runs it yet)."""
    return is_stand_in or any(_means(parameter, one, value) for one in (parameter.default, *(parameter.choices or [])) if one is not None)


def _means(parameter: Parameter, given: Any, value: Value) -> bool:
    try:
        return bool(typed(parameter, given).python == value.python)
    except ValueError:
        return False


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
