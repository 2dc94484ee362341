"""The form in which a pipeline is put together. It works without script: adding and removing a job sends the form and shows it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from django.http import QueryDict

from portal.accounts.models import Project
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.locking import edition_in
from portal.page_actions import sentence
from portal.pipelines import actions, lineage, readiness
from portal.pipelines.models import Pipeline


@dataclass
class PipelineForm:
    """`after`: the jobs chosen, in order, each with the jobs it runs after. `name` is fixed once the pipeline exists.
    `edition`: of the pipeline as it was when the form was opened."""

    project: Project
    name: str = ""
    description: str = ""
    after: dict[str, list[str]] = field(default_factory=dict)
    problem: PortalError | None = None
    edition: str = ""
    meanwhile: list[str] = field(default_factory=list)
    """What somebody else has saved since, where that is something else."""

    @classmethod
    def of(cls, pipeline: Pipeline) -> PipelineForm:
        return cls(pipeline.project, pipeline.name, pipeline.description, pipeline.dependencies(), edition=pipeline.edition)

    @classmethod
    def sent(cls, project: Project, data: QueryDict) -> PipelineForm:
        """What was sent: `job` many times, and for each job `after-<job>` many times; `add` and `remove` change the list."""
        chosen = [name for name in dict.fromkeys(data.getlist("job")) if name and name != data.get("remove")]
        added = str(data.get("add", ""))
        if data.get("step") == "add" and added:
            chosen = list(dict.fromkeys([*chosen, added]))
        after = {name: [before for before in data.getlist(f"after-{name}") if before in chosen] for name in chosen}
        form = cls(project, data.get("name", "").strip(), data.get("description", "").strip(), after, edition=edition_in(data))
        form.check()
        if data.get("step") == "order" and form.proposal:
            form.after = form.proposal.after
            del form.proposal
        return form

    @cached_property
    def proposal(self) -> lineage.Proposal | None:
        """The order by what the jobs read and write; None while what was chosen is wrong."""
        return None if self.problem or len(self.after) < 2 else lineage.proposed(self.project, self.after)

    @property
    def free(self) -> list[str]:
        """Jobs that can still be added."""
        names = Job.objects.filter(project=self.project, archived_at=None).order_by("name").values_list("name", flat=True)
        return [name for name in names if name not in self.after]

    @property
    def rows(self) -> list[tuple[str, str, list[tuple[str, bool]]]]:
        """Each job, why it cannot run, and the others with whether it runs after them."""
        why = self.obstacles
        return [
            (name, why.get(name, ""), [(other, other in before) for other in self.after if other != name])
            for name, before in self.after.items()
        ]

    @property
    def obstacles(self) -> dict[str, str]:
        """Of the chosen jobs those that can run nowhere, with the reason, so that it is said while choosing."""
        jobs = Job.objects.filter(project=self.project, name__in=self.after).select_related("project")
        return {one.job: one.says for one in readiness.never_saved(jobs)}

    def compare(self, now: Pipeline) -> None:
        """With the pipeline as somebody else has saved it; saving again then puts this form in its place."""
        there, self.edition = now.dependencies(), now.edition
        if now.description != self.description:
            self.meanwhile.append(f"Description: {now.description or 'none'}")
        self.meanwhile += [
            _waits(name, there[name]) for name in there if name not in self.after or set(there[name]) != set(self.after[name])
        ]
        self.meanwhile += [f"{name} is not in it" for name in self.after if name not in there]

    @property
    def says(self) -> str:
        """What is wrong, and the fix."""
        return sentence(self.problem) if self.problem else ""

    def check(self) -> None:
        """Looks for a circle or an unknown job, so that it is shown while choosing."""
        try:
            actions.check_jobs(self.project, self.after)
        except PortalError as refusal:
            self.problem = refusal


def _waits(job: str, before: list[str]) -> str:
    return f"{job} runs after {', '.join(before)}" if before else f"{job} runs after nothing else"
