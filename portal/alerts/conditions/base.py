"""What every condition says of itself. One class for each thing that people are told about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from portal.accounts.models import Project, Role, User
from portal.accounts.people import holders_of
from portal.environments.models import Environment
from portal.jobs.models import Job
from portal.pipelines.models import Pipeline

OWN, DUTY = "own", "duty"


@dataclass(frozen=True)
class Told:
    """A person who is told, and why: `because` completes “You are told because …”. `kind` is own or duty (see MailChoice)."""

    user: User
    because: str
    kind: str = OWN
    by_mail: bool = True


class Condition:
    """One kind of happening, asked about one subject.

    A subclass sets `event` (stored), `word` (for the filter), `subject_type`, and answers the questions below. `title` and `lines` never
    hold a value of the data: they go into mails, webhooks and the lists of people who may not see data.
    """

    event: ClassVar[str]
    word: ClassVar[str]
    subject_type: ClassVar[str]
    rule_event: ClassVar[str] = ""
    """Which rules' channels hear of it (models.RULE_EVENTS); "" for none."""
    only_by_rule: ClassVar[bool] = False
    """Nobody is told at all when no rule wants it. Of everything else people find it in their list, whatever the rules say."""
    is_note: ClassVar[bool] = False
    """Good to know: there is nothing to mend, so it is never open."""

    has_stand_ins: ClassVar[bool] = True
    """Operators and admins are told when nobody else is there to act."""

    subject: Any
    project: Project
    environment: Environment
    job: Job | None = None
    pipeline: Pipeline | None = None

    @property
    def occasion(self) -> str:
        """Tells two alerts about the same subject apart."""
        return ""

    @property
    def title(self) -> str:
        raise NotImplementedError

    def lines(self) -> list[str]:
        """What happened, where, why, what to do: plain sentences."""
        raise NotImplementedError

    @property
    def page(self) -> str:
        """Path of the page where it is looked at."""
        raise NotImplementedError

    def people(self) -> Iterator[Told]:
        """Who must act or should know; who comes twice is told once, for the first reason."""
        raise NotImplementedError

    @property
    def jobs(self) -> set[int]:
        """Ids of the jobs it is about, for rules that name one."""
        return {self.job.pk} if self.job else set()

    @property
    def facts(self) -> dict[str, Any]:
        """More for a webhook's receiver. No value of the data."""
        return {}

    def holders(self, role: Role, *, by_mail: bool = True) -> Iterator[Told]:
        """Everybody who has the role where it happened."""
        return holders(role, self.project, self.environment, by_mail=by_mail)


def holders(role: Role, project: Project, environment: Environment, *, by_mail: bool = True) -> Iterator[Told]:
    for user in holders_of(role, project, environment.name):
        yield Told(user, f"you are {role.label.lower()} in {environment.name}", DUTY, by_mail)


def stand_ins(project: Project, environment: Environment) -> Iterator[Told]:
    """Who looks after an environment where nobody else is left to be told."""
    yield from holders(Role.OPERATOR, project, environment)
    yield from holders(Role.ENVIRONMENT_ADMIN, project, environment)


def names(found: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = list(found) or [""]
    return f"{', '.join(first)} and {last}" if first else last
