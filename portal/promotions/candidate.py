"""A version on its way to an environment, and what one rule says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from portal.environments.models import Environment
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.promotions import good_run
from portal.promotions.models import Promotion
from portal.promotions.target import TargetLook
from portal.runs.models import Run

Verdict = Literal["ok", "warn", "unseen", "stop"]


@dataclass(frozen=True)
class Candidate:
    """A version on its way. `live` is what is live in the target now, `expected_live` what was when it was asked for; `look`: what lies in
    the target now, `asked`: what lay there when it was asked for (None: it is being asked for, or that was not noted); `run`: the good run
    that speaks for it."""

    job: Job
    version: JobVersion
    sha256: str
    source: Environment
    target: Environment
    live: JobVersion | None
    expected_live: JobVersion | None
    look: TargetLook
    run: Run | None
    asked: TargetLook | None = None
    is_asked: bool = False

    @classmethod
    def of(cls, promotion: Promotion, look: TargetLook) -> Candidate:
        return cls(
            job=promotion.job,
            version=promotion.version,
            sha256=promotion.sha256,
            source=promotion.from_environment,
            target=promotion.to_environment,
            live=live_version(promotion.job, promotion.to_environment),
            expected_live=promotion.previous_version,
            look=look,
            run=good_run.find(promotion.job, promotion.from_environment, promotion.sha256),
            asked=TargetLook.of(promotion.target) if promotion.target else None,
            is_asked=True,
        )

    @classmethod
    def to_ask_for(cls, version: JobVersion, source: Environment, target: Environment, look: TargetLook) -> Candidate:
        live = live_version(version.job, target)
        run = good_run.find(version.job, source, version.sha256)
        return cls(version.job, version, version.sha256, source, target, live, live, look, run)


@dataclass(frozen=True)
class Finding:
    """More of what a rule has found. `is_open`: everybody who sees the promotion may read it; else it may hold data."""

    words: str
    is_open: bool


@dataclass(frozen=True)
class Gate:
    """One rule's answer. `verdict`: ok; warn (to know); unseen (it could not be looked at, and does not count as passed); stop (it cannot
    go live). `sentence` is for everybody. `run` is the evidence, where a run is it."""

    name: str
    verdict: Verdict
    sentence: str
    run: Run | None = None
    problems: tuple[dict[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()

    def as_evidence(self) -> dict[str, Any]:
        """As it is kept with a decision."""
        kept: dict[str, Any] = {"name": self.name, "verdict": self.verdict, "sentence": self.sentence}
        kept |= {"run": str(self.run.pk)} if self.run else {}
        return kept | ({"findings": [asdict(finding) for finding in self.findings]} if self.findings else {})

    @classmethod
    def of_evidence(cls, kept: Mapping[str, Any], runs: Mapping[str, Run]) -> Gate:
        findings = tuple(Finding(one["words"], one["is_open"]) for one in kept.get("findings", ()))
        run = runs.get(kept.get("run", ""))
        return cls(kept["name"], kept["verdict"], kept["sentence"], run, findings=findings)

    def said_to(self, *, with_data: bool, where: str) -> list[str]:
        """Its findings as this reader may see them, but for what the sentence says already. `where`: where one has to see data for more."""
        more = [finding for finding in self.findings if finding.words != self.sentence]
        shown = [finding.words for finding in more if with_data or finding.is_open]
        hidden = len(more) - len(shown)
        return shown + ([f"{hidden} more can be read by people who may see data in {where}"] if hidden else [])


def live_version(job: Job, environment: Environment) -> JobVersion | None:
    pointer = LiveVersion.objects.select_related("version__author").filter(job=job, environment=environment).first()
    return pointer.version if pointer else None
