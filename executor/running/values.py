"""The values of a run: one JSON object on the first line of standard input. See docs/contract.md."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from executor.connections.given import Connections
from executor.files.kept import KEEP, MOST_KEPT
from executor.problems import Problem, ProblemError
from executor.spark.connectors import TITLES
from executor.spark.session import ComputeProfile
from executor.stores.roots import RootGiven, lake_folder, roots_given

MAX_LINE = 4_000_000
KEYS = {"document": dict, "parameters": dict, "secrets": dict, "lake": str, "run_id": str, "confirm_publish": bool, "compute": dict}
KEYS |= {"places": dict, "keep_outputs": int, "connectors": list, "roots": dict, "connections": dict, "watermarks": dict}
KEYS |= {"took_seconds": int}


@dataclass(frozen=True)
class Values:
    """What the portal hands to an executor. Secrets are held here and nowhere else."""

    document: dict[str, Any] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    connections: Connections = field(default_factory=Connections)
    lake: Path = Path()
    roots: dict[str, RootGiven] = field(default_factory=dict)
    """Where the environment's roots lie, by name; the one without a name is the folder `lake` unless they say otherwise."""
    run_id: str = ""
    confirm_publish: bool = False
    compute: ComputeProfile = ComputeProfile()
    places: dict[str, bool] | None = None
    """The job's own places in the lake: address → whether whatever lies there may be replaced. None: nobody keeps a list."""
    keep_outputs: int = KEEP
    """How many earlier outputs stay beside each new one."""
    watermarks: dict[str, Any] = field(default_factory=dict)
    """Stage → how far its job has read in the runs before (`executor.events.ReadUntil`)."""
    took_seconds: int = 0
    """The longest of the job's last runs; 0: there is none, or nobody knows."""
    connectors: frozenset[str] = frozenset()
    """What Spark is started with, beside what the document needs: an executor that waits does not know its document yet."""


def read_values(stream: IO[str]) -> Values:
    """The values on the next line of `stream`. Raises ProblemError when they are not right."""
    line = stream.readline(MAX_LINE)
    try:
        given = json.loads(line)
    except json.JSONDecodeError as error:
        raise ProblemError(
            Problem(
                code="values-not-json",
                message="The values on standard input are not JSON.",
                found=error.msg,
                expected="one JSON object on one line",
            )
        ) from None
    return values_from(given)


def values_from(given: Any) -> Values:
    """`given` (the JSON object) as values."""
    if not isinstance(given, dict):
        raise ProblemError(Problem(code="values-not-json", message="The values are not an object.", expected="{…}"))
    for name, value in given.items():
        if name not in KEYS:
            raise ProblemError(Problem(code="values-unknown", message=f"There is no value “{name}”.", found=name, expected=", ".join(KEYS)))
        if not isinstance(value, KEYS[name]):
            raise ProblemError(
                Problem(code="values-wrong", message=f"The value “{name}” is of the wrong kind.", expected=KEYS[name].__name__)
            )
    return Values(
        document=given.get("document"),
        parameters=given.get("parameters", {}),
        secrets=given.get("secrets", {}),
        connections=Connections(given.get("connections", {})),
        lake=lake_folder(given.get("lake", ".")),
        roots=roots_given(given.get("roots", {})),
        run_id=checked_run_id(given.get("run_id") or uuid.uuid4().hex),
        confirm_publish=given.get("confirm_publish", False),
        compute=ComputeProfile.from_values(given.get("compute")),
        places={str(uri): all_of_it is True for uri, all_of_it in given["places"].items()} if "places" in given else None,
        watermarks=given.get("watermarks", {}),
        took_seconds=given.get("took_seconds", 0),
        connectors=connectors_given(given.get("connectors", [])),
        keep_outputs=max(0, min(given.get("keep_outputs", KEEP), MOST_KEPT)),
    )


def connectors_given(names: list[Any]) -> frozenset[str]:
    """Raises ProblemError for a name that is none."""
    if unknown := [name for name in names if not (isinstance(name, str) and name in TITLES)]:
        expected = ", ".join(TITLES)
        raise ProblemError(
            Problem(code="values-wrong", message="There is no such connector.", found=str(unknown[0])[:100], expected=expected)
        )
    return frozenset(names)


def checked_run_id(run_id: str) -> str:
    """A run's id becomes the name of a folder, so it may hold letters, digits, - and _ only."""
    if not run_id.replace("-", "").replace("_", "").isalnum() or len(run_id) > 100:
        raise ProblemError(
            Problem(code="values-wrong", message="The run's id is not right.", found=run_id[:100], expected="letters, digits, - and _")
        )
    return run_id
