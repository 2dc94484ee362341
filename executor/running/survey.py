"""`python -m executor survey`: what lies where a document would read and write here, before it has ever run here. Starts no Spark.

One JSON object {"document", "environment", "parameters", "lake"} on standard input, one event in answer: `surveyed`, with `inputs` and
`outputs`, or `problem`. Each of them has stage, stage_index, uri, and `columns` (`executor.files.columns`) or `problem`.

It reads bytes that strangers brought, and tries whether outputs could be written: run it behind the wall of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from executor.document.job import Job, parse
from executor.document.places import Address
from executor.files import kept, lake
from executor.files.delta_log import is_table
from executor.files.folder import place_of
from executor.files.publish import holds_data, not_writable, require_writable
from executor.language import places
from executor.language.roots import DEFAULT, from_values
from executor.problems import Problem, ProblemError
from executor.stages.file_kinds import FileLoad, PlaceExtract
from executor.stages.noted_columns import reader_of


def survey(given: dict[str, Any], folder: Path, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Raises ProblemError where the document is not right for this environment."""
    roots, parameters = from_values(given.get("roots")), given.get("parameters") or {}
    job = parse(given["document"], environment=given.get("environment"), parameters=parameters, roots=roots)
    inputs = [one for one in job.addresses if isinstance(one.stage, PlaceExtract) and one.field == "inputURI"]
    outputs = [one for one in job.addresses if isinstance(one.stage, FileLoad) and one.writes]
    said: dict[str, list[dict[str, Any]]] = {"inputs": [], "outputs": []}
    for count, address in enumerate((*inputs, *outputs)):
        tell("places", count, len(inputs) + len(outputs))
        if address.writes:
            said["outputs"].append(_described(address, _output, folder))
        elif not _is_made_by(job, address, outputs):
            said["inputs"].append(_described(address, _input, folder))
    return {"event": "surveyed", **said}


def _is_made_by(job: Job, address: Address, outputs: list[Address]) -> bool:
    """Whether an earlier stage of the job writes what this one reads: then it need not be there before."""
    return any(places.is_within(address.at.where, output.at.where) for output in outputs if output.index < address.index)


def _described(address: Address, look: Callable[[Any, Address, Path], dict[str, Any]], folder: Path) -> dict[str, Any]:
    known = {"stage": address.stage.name, "stage_index": address.index, "uri": str(address.at)}
    try:
        if address.at.root != DEFAULT:
            raise ProblemError(_not_looked_at(address, f"what lies in the root “{address.at.root}” is looked at by runs only"))
        return known | look(address.stage, address, folder)
    except ProblemError as error:
        return known | {"problem": error.problems[0].as_dict()}
    except OSError as error:
        return known | {"problem": _not_looked_at(address, error.strerror).as_dict()}


def _not_looked_at(address: Address, found: str | None) -> Problem:
    return Problem(code="place-not-looked-at", field=address.field, message=f"“{address.uri}” cannot be looked at.", found=found)


def _input(stage: PlaceExtract, address: Address, folder: Path) -> dict[str, Any]:
    base_path = stage.base()
    base = lake.existing(folder, base_path, "basePath") if base_path else None
    return {"columns": stage.columns_at(lake.existing(folder, address.at.place), address.uri, base).as_dict()}


def _output(stage: FileLoad, address: Address, folder: Path) -> dict[str, Any]:
    """`holds`: whether something lies there; `foreign`: the first thing there that no load writes."""
    target = lake.resolve(folder, address.at.place, "outputURI")
    try:
        require_writable(target)
    except OSError as error:
        raise ProblemError(not_writable(stage.output_uri, error)) from error
    facts: dict[str, Any] = {"save_mode": stage.save_mode, "holds": holds_data(target)}
    if not facts["holds"]:
        return facts
    if stage.is_table and is_table(target):
        return facts | _of_table(stage, target)
    foreign = kept.foreign_content(target) or (target.name if stage.is_table else None)
    if foreign is not None:
        facts["foreign"] = foreign
    try:
        place = place_of(str(target), stage.output_uri)
        if not any(file.path.stat().st_size for file in place.files):
            return facts
        return facts | {"columns": reader_of(stage).columns_of(place).as_dict()}
    except ProblemError as error:
        return facts | {"unreadable": error.problems[0].as_dict()}


def _of_table(stage: FileLoad, target: Path) -> dict[str, Any]:
    try:
        return {"columns": reader_of(stage).columns_at(str(target), stage.output_uri, None).as_dict()}
    except ProblemError as error:
        return {"unreadable": error.problems[0].as_dict()}
