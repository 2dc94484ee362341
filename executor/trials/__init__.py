"""Tests of connections: one file tries one kind, and is called like it (`executor.connections`). Drivers are imported here only."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.problems import Problem, ProblemError
from executor.trials.trial import Placed, Stopped, Trial

WRONG = Problem(code="bad-connection", message="The connection is not right as it is.", fix="Correct its fields.")


def try_connection(given: Mapping[str, Any], lake: Path, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """`given`: kind, settings, secrets (field → value), placed ({name, address, may_write} of each root on it). Tells each step; gives the
    last event."""
    connection = _made(given)
    roots = [Placed(str(one["name"]), str(one["address"]), bool(one.get("may_write"))) for one in given.get("placed", [])]
    test = importlib.import_module(f"executor.trials.{connection.kind}").test
    try:
        test(connection, Trial(tell, lake), roots)
    except Stopped:
        return {"event": "tested", "works": False}
    return {"event": "tested", "works": True}


def _made(given: Mapping[str, Any]) -> ConnectionKind:
    """Raises ProblemError, without a word of what was given."""
    cls = CONNECTION_KINDS.get(str(given.get("kind")))
    try:
        made = cls.model_validate({**given.get("settings", {}), **given.get("secrets", {})}) if cls else None
    except (ValidationError, TypeError):
        made = None
    if made is None or made.problems():
        raise ProblemError(WRONG)
    return made
