"""`python -m executor survey`: what lies where a document would read and write here, before it has ever run here. Starts no Spark.

One JSON object {"document", "environment", "parameters", "lake"} on standard input, one event in answer: `surveyed`, with `inputs` and
`outputs`, or `problem`. Each of them has stage, stage_index, uri, and `columns` (`executor.files.columns`) or `problem`.

It reads bytes that strangers brought, and tries whether outputs could be written: run it behind the wall of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from executor.document.job import Job, parse
from executor.document.places import Address
from executor.files.delta_log import is_table
from executor.files.folder import place_of
from executor.files.publish import holds_data, not_writable, require_writable
from executor.language import places
from executor.problems import Problem, ProblemError
from executor.stages.file_kinds import PlaceExtract, PlaceLoad
from executor.stages.noted_columns import reader_of
from executor.stores.roots import Roots


def survey(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Raises ProblemError where the document is not right for this environment."""
    parameters = given.get("parameters") or {}
    job = parse(given["document"], environment=given.get("environment"), parameters=parameters, roots=roots.known)
    inputs = [one for one in job.addresses if isinstance(one.stage, PlaceExtract) and one.field == "inputURI"]
    outputs = [one for one in job.addresses if isinstance(one.stage, PlaceLoad) and one.writes]
    said: dict[str, list[dict[str, Any]]] = {"inputs": [], "outputs": []}
    for count, address in enumerate((*inputs, *outputs)):
        tell("places", count, len(inputs) + len(outputs))
        if address.writes:
            said["outputs"].append(_described(address, _output, roots))
        elif not _is_made_by(job, address, outputs):
            said["inputs"].append(_described(address, _input, roots))
    return {"event": "surveyed", **said}


def _is_made_by(job: Job, address: Address, outputs: list[Address]) -> bool:
    """Whether an earlier stage of the job writes what this one reads: then it need not be there before."""
    return any(places.is_within(address.at.where, output.at.where) for output in outputs if output.index < address.index)


def _described(address: Address, look: Callable[[Any, Address, Roots], dict[str, Any]], roots: Roots) -> dict[str, Any]:
    known = {"stage": address.stage.name, "stage_index": address.index, "uri": str(address.at)}
    try:
        return known | look(address.stage, address, roots)
    except ProblemError as error:
        return known | {"problem": error.problems[0].as_dict()}
    except OSError as error:
        return known | {"problem": _not_looked_at(address, error.strerror).as_dict()}


def _not_looked_at(address: Address, found: str | None) -> Problem:
    return Problem(code="place-not-looked-at", field=address.field, message=f"“{address.uri}” cannot be looked at.", found=found)


def _input(stage: PlaceExtract, address: Address, roots: Roots) -> dict[str, Any]:
    base_path = stage.base()
    base = _read(roots, base_path, "basePath") if base_path else None
    path = _read(roots, address.uri, "inputURI")
    if stage.reads_versions:  # perhaps one of long ago
        root, place = roots.at(address.uri, "inputURI")
        path = str(root.table_log(place, address.uri, "inputURI"))
    return {"columns": stage.columns_at(path, address.uri, base).as_dict()}


def _read(roots: Roots, uri: str, field: str) -> str:
    root, place = roots.at(uri, field)
    return root.read(place, uri, field).path


def _output(stage: PlaceLoad, address: Address, roots: Roots) -> dict[str, Any]:
    """`holds`: whether something lies there; `foreign`: the first thing there that no load writes."""
    root = roots.named(address.at.root)
    target = root.target(address.at.place, whole=True)
    if stage.is_table:
        with suppress(ProblemError):  # there is none yet
            root.table_log(address.at.place, stage.output_uri, "outputURI", 0)
    try:
        require_writable(target)
    except OSError as error:
        raise ProblemError(not_writable(stage.output_uri, error)) from error
    facts: dict[str, Any] = {"save_mode": stage.saves_as(), "holds": holds_data(target)}
    if not facts["holds"]:
        return facts
    if stage.is_table and is_table(target):
        return facts | _of_table(stage, target)
    foreign = root.foreign(address.at.place) or (target.name if stage.is_table else None)
    if foreign is not None:
        facts["foreign"] = foreign
    try:
        place = place_of(str(target), stage.output_uri)
        if not any(file.path.stat().st_size for file in place.files):
            return facts
        return facts | {"columns": reader_of(stage).columns_of(place).as_dict()}
    except ProblemError as error:
        return facts | {"unreadable": error.problems[0].as_dict()}


def _of_table(stage: PlaceLoad, target: Path) -> dict[str, Any]:
    try:
        return {"columns": reader_of(stage).columns_at(str(target), stage.output_uri, None).as_dict()}
    except ProblemError as error:
        return {"unreadable": error.problems[0].as_dict()}
