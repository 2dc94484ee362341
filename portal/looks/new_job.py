"""The stages of a new job that reads a file: they keep its rows where nothing lies yet and no other job writes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from executor.language import places as addresses
from executor.language.roots import DEFAULT
from executor.look import stages as look_stages
from executor.look.proposal import Proposal
from executor.look.stages import Choices
from portal.accounts.models import Project
from portal.data.lake import Lake
from portal.environments.models import Environment
from portal.environments.reach import is_here
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.models import Job
from portal.looks.starts import with_start

READABLE = ("delimited", "json", "jsonl", "parquet")
MOST_TRIED = 100
"""Where so many names are taken, the last one is proposed, and the run says whose it is."""


@dataclass(frozen=True)
class Made:
    """`stages` of a new job. `taken`: whose the place is that they would have had by the file's name ("": it was free)."""

    stages: list[dict[str, Any]]
    taken: str = ""

    @property
    def outputs(self) -> list[str]:
        return [str(stage["outputURI"]) for stage in self.stages if "outputURI" in stage]


def stages_for(proposal: Proposal, uri: str, choices: Choices) -> list[dict[str, Any]]:
    """The stages that read the file as proposed. Raises PortalError where nothing reads it."""
    if proposal.format not in READABLE or not proposal.columns:
        words = proposal.problems[0].message if proposal.problems else "This file cannot be read as a table."
        raise PortalError(words, code="look-unreadable", status=422, fix=proposal.problems[0].fix if proposal.problems else None)
    return look_stages.stages(proposal, uri, choices)


def require_answers(proposal: Proposal) -> None:
    """Raises PortalError while values can be read in two ways, and nobody has said which is right: a guess would be a wrong number."""
    question = next((one for one in proposal.questions if one.must_be_answered), None)
    if question is not None:
        answers = " or ".join(f"“{option.label}” ({json.dumps(option.settings)[1:-1]})" for option in question.options)
        fix = f"Choose {answers} in the settings."
        raise PortalError(f"{question.title} {question.words}", code="look-unanswered", status=422, field=question.key, fix=fix)


def read_alone(proposal: Proposal, stage: dict[str, Any]) -> dict[str, Any]:
    """The stage that reads the file, where nothing else is made. What is read as text needs no answer, but whether files may lack columns
    is for a person to say: until then such a file stops it."""
    is_open = any(question.key == "otherHeaders" and question.must_be_answered for question in proposal.questions)
    return {name: value for name, value in stage.items() if not (is_open and name == "otherHeaders")}


def made_for(environment: Environment, proposal: Proposal, uri: str, choices: Choices, start: str) -> Made:
    """The stages for a new job with this guided start ("": none). Raises PortalError where nothing reads the file."""
    owners, first = _Owners(environment), ""
    for number in range(1, MOST_TRIED + 1):
        name = choices.name if number == 1 else f"{choices.name}_{number}"
        made = Made(with_start(stages_for(proposal, uri, replace(choices, name=name)), proposal, start), first)
        taken = next((words for output in made.outputs if (words := owners.whose(output))), "")
        if not taken:
            return made
        first = first or taken
    return made


class _Owners:
    """Who has which place, in all environments that the job may come to; drafts count, since their first run takes the place."""

    def __init__(self, environment: Environment) -> None:
        self._environments = list(environment.project.environments.order_by("rank"))
        self._lake = Lake(environment) if is_here(environment, DEFAULT) else None
        self._writing = [use for use in places.uses_in(environment) if use.writes]

    def whose(self, uri: str) -> str:
        """In words; empty where it is free."""
        for environment in self._environments:
            for place in places.places_meeting(environment, uri):
                return places.words(uri, place)
        for use in self._writing:
            if addresses.meet(use.where, uri):
                return f"“{uri}” is written by {'a draft of ' if use.draft_of else ''}the job “{use.job.name}”."
        return f"There is something at “{uri}” already." if self._lake and self._lake.twin(uri) else ""


def free_job_name(project: Project, wanted: str) -> str:
    """`wanted`, or with a number behind it where a job of the project is called so."""
    taken = set(Job.objects.filter(project=project, name__startswith=wanted[:70]).values_list("name", flat=True))
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted[:70]}_{number}"
    return name
