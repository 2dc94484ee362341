"""All that people see before they ask or decide: checks and effects, as far as this person may see data. Page and API show the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.jobs.models import JobVersion
from portal.promotions import gates
from portal.promotions.candidate import Candidate, Gate
from portal.promotions.effects import Effects, effects_of, may_see
from portal.promotions.models import Promotion
from portal.promotions.target import TargetLook, look_at


@dataclass(frozen=True)
class Review:
    """`with_data`: whether this person may see data in both environments, which `where` names."""

    gates: list[Gate]
    effects: Effects
    with_data: bool
    where: str

    @property
    def checks(self) -> list[dict[str, Any]]:
        """The gates with what this person may read of their findings."""
        return [
            {
                "name": gate.name,
                "verdict": gate.verdict,
                "sentence": gate.sentence,
                "findings": gate.said_to(with_data=self.with_data, where=self.where),
                "run": gate.run,
            }
            for gate in self.gates
        ]

    @property
    def passed(self) -> int:
        return sum(gate.verdict == "ok" for gate in self.gates)

    @property
    def why_not(self) -> str:
        """The first check that stops it, in words."""
        stopped = gates.stopped(self.gates)
        return f"{stopped[0].name}: {stopped[0].sentence}" if stopped else ""


def review_of(user: User, promotion: Promotion) -> Review:
    """While it waits, what is true now; afterwards, what was true when it was decided."""
    with_data = may_see(user, promotion.from_environment, promotion.to_environment)
    if promotion.is_waiting:
        look = look_at(user, promotion.version, promotion.to_environment, anew=False)
        judged = gates.judge(Candidate.of(promotion, look))
    else:
        look, judged = TargetLook.of(promotion.target), gates.kept_with(promotion)
    run = next((gate.run for gate in judged if gate.run), None)
    effects = effects_of(
        run,
        promotion.job,
        promotion.to_environment,
        promotion.version.document,
        look,
        with_data=with_data,
        is_now=promotion.is_waiting,
        reader=user,
    )
    if not promotion.is_waiting and not promotion.target:  # decided before anybody looked at targets
        effects = replace(effects, was_looked_at=False)
    return Review(judged, effects, with_data, _where(promotion.from_environment, promotion.to_environment))


def review_before(user: User, version: JobVersion, source: Environment, target: Environment) -> tuple[Candidate, Review]:
    """The same for what nobody has asked for yet."""
    candidate = Candidate.to_ask_for(version, source, target, look_at(user, version, target, anew=False))
    with_data = may_see(user, source, target)
    effects = effects_of(candidate.run, version.job, target, version.document, candidate.look, with_data=with_data, reader=user)
    return candidate, Review(gates.judge(candidate), effects, with_data, _where(source, target))


def _where(source: Environment, target: Environment) -> str:
    return source.name if source == target else f"{source.name} and {target.name}"
