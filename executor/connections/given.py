"""The connections that a run was given for its environment. Their secrets are held here, and shown nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from executor.connections.base import ConnectionKind
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError


class Connections(Mapping[str, ConnectionKind]):
    """Name → the connection, made when it is asked for: what is wrong with one that nobody uses stops no run."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """`given`: name → kind, settings, secrets (field → value), as `portal.environments.reach` hands them over."""
        self._given = dict(given or {})
        self._made: dict[str, ConnectionKind] = {}

    def __repr__(self) -> str:
        return f"Connections({', '.join(sorted(self._given))})"

    def __len__(self) -> int:
        return len(self._given)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __getitem__(self, name: str) -> ConnectionKind:
        """Raises KeyError where there is none, ProblemError where it is not right."""
        if name not in self._made:
            self._made[name] = _made(name, self._given[name])
        return self._made[name]

    def named(self, name: str, field: str, offers: str | None = None) -> ConnectionKind:
        """The connection that a stage's `field` names; `offers`: what must lie behind it. Raises ProblemError."""
        if name not in self._given:
            raise ProblemError(_unknown(name, field, list(self._given)))
        found = self[name]
        if offers is not None and found.offers != offers:
            raise ProblemError(_another(name, field, found, offers))
        return found


def _made(name: str, given: Any) -> ConnectionKind:
    """Raises ProblemError, without a word of what was given."""
    from executor.connections import CONNECTION_KINDS  # which is made of the files beside this one

    words = given if isinstance(given, dict) else {}
    kind = CONNECTION_KINDS.get(str(words.get("kind")))
    if kind is None:
        raise ProblemError(_not_right(name, "Its kind is not known to this Sluice."))
    try:
        made = kind.model_validate({**words.get("settings", {}), **words.get("secrets", {})})
    except (ValidationError, TypeError) as error:
        places = (
            [str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]] if isinstance(error, ValidationError) else []
        )
        raise ProblemError(_not_right(name, f"Look at: {', '.join(sorted(set(places)))}." if places else "")) from None
    if problems := made.problems():
        raise ProblemError(_not_right(name, problems[0].message))
    return made


def _not_right(name: str, found: str) -> Problem:
    return Problem(
        code="connection-wrong",
        message=f"The connection “{name}” is not right.",
        found=found or None,
        fix="Whoever looks after the environment can correct it under Connections.",
    )


def _unknown(name: str, field: str, known: list[str]) -> Problem:
    return Problem(
        code="connection-unknown",
        field=field,
        message=f"This environment has no connection “{name}”.",
        found=name,
        expected="one of: " + ", ".join(sorted(known)) if known else None,
        fix=did_you_mean(name, known) or "Choose another one, or ask whoever looks after the environment to make it under Connections.",
    )


def _another(name: str, field: str, found: ConnectionKind, offers: str) -> Problem:
    return Problem(
        code="connection-of-another-kind",
        field=field,
        message=f"“{name}” is a connection to {found.title}; this stage needs one to a {offers}.",
        found=found.title,
        fix="Choose another connection.",
    )
