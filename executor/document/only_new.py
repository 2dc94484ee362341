"""Stages that take their view for all rows there are, although an extract before them reads only what is new: what lay there before would
be gone, or closed, from the second run on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from executor.language.places import key_of
from executor.problems import Problem
from executor.stages import Stage
from executor.stages.base import READS, WRITES
from executor.stages.extract.jdbc_extract import JDBCExtract
from executor.stages.file_kinds import FileLoad
from executor.stages.kinds import Load
from executor.stages.load.jdbc_load import JDBCLoad


def problems_of(stages: Sequence[Stage], environment: str | None) -> Iterator[Problem]:
    """One warning for each such stage and extract. `stages`: of the job, in order."""
    for index, extract in enumerate(stages):
        if isinstance(extract, JDBCExtract) and extract.watermark_column and extract.takes_part_in(environment):
            yield from problems_behind(stages, index, environment)


def problems_behind(stages: Sequence[Stage], index: int, environment: str | None) -> Iterator[Problem]:
    """The same of the extract at `index`."""
    for load in _loads_of(stages, index, environment):
        if does := load.needs_all_rows():
            yield Problem(
                code="only-new-rows",
                stage=load.name,
                stage_type=load.type,
                field=does.field,
                message=f"“{load.name}” {does.words}, and gets only the rows that are new since the last run, as “{stages[index].name}” "
                "reads no others.",
                found=does.found,
                fix=f"{does.fix} Or have all rows read: take “Only what is new by” out of “{stages[index].name}”.",
                severity="warning",
            )


QUESTION = ("connection", "tableName", "sql", "inputURI", "sqlParams", "predicates", "watermarkColumn")
"""Words of a document in which an extract says what it asks for."""


def asked_in(given: Any) -> dict[str, str]:
    """Stage → what it asks for, as the document's stages write it, before values are put in."""
    words = [one for one in given if isinstance(one, dict) and one.get("watermarkColumn")] if isinstance(given, list) else []
    return {str(one.get("name")): json.dumps([one.get(word) for word in QUESTION], sort_keys=True) for one in words}


def adding(stages: Sequence[Stage], index: int, environment: str | None) -> Iterator[Load]:
    """The loads that add rows of the extract at `index` to those that are there."""
    return (load for load in _loads_of(stages, index, environment) if isinstance(load, FileLoad | JDBCLoad) and load.save_mode == "Append")


def _loads_of(stages: Sequence[Stage], index: int, environment: str | None) -> Iterator[Load]:
    """The loads that write rows of the extract at `index`, but for those that get what lies at their own place, too."""
    comes_from: dict[str, set[int]] = {}
    for place, stage in enumerate(stages):
        if not stage.takes_part_in(environment):
            continue
        views = [view.casefold() for view in stage.reads()]
        origins = {place}.union(*(comes_from.get(view, ()) for view in views))
        comes_from |= {view.casefold(): origins for view in stage.writes()}
        if isinstance(stage, Load) and index in origins and not any(_reads_output(stages[one], stage) for one in origins - {place}):
            yield stage


def _reads_output(extract: Stage, load: Load) -> bool:
    return bool(_places(extract, READS) & _places(load, WRITES))


def _places(stage: Stage, does: str) -> set[str]:
    return {key_of(use.address) for use in stage.uses() if use.does == does}
