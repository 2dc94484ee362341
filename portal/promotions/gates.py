"""What must be true before a version goes live: one function per rule, asked when the page is shown and again at the approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from executor.document import job as executor_job
from executor.document.kept_files import keeps_its_files
from executor.problems import Problem, ProblemError
from portal.environments import secrets
from portal.environments.models import Environment
from portal.jobs import places
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.promotions.models import Promotion
from portal.runs.models import GOOD_STATES, Run

Verdict = Literal["ok", "warn", "stop"]


@dataclass(frozen=True)
class Candidate:
    """A version on its way. `live` is what is live in the target now, `expected_live` what was when it was asked for."""

    job: Job
    version: JobVersion
    sha256: str
    source: Environment
    target: Environment
    live: JobVersion | None
    expected_live: JobVersion | None

    @classmethod
    def of(cls, promotion: Promotion) -> Candidate:
        live = live_version(promotion.job, promotion.to_environment)
        return cls(
            job=promotion.job,
            version=promotion.version,
            sha256=promotion.sha256,
            source=promotion.from_environment,
            target=promotion.to_environment,
            live=live,
            expected_live=promotion.previous_version,
        )


@dataclass(frozen=True)
class Gate:
    """One rule's answer. `verdict`: ok; warn (to know); stop (it cannot go live). `run` is the evidence, where a run is it."""

    name: str
    verdict: Verdict
    sentence: str
    run: Run | None = None
    problems: tuple[dict[str, Any], ...] = ()


def evidence(found: list[Gate]) -> list[dict[str, str]]:
    """The answers as they are kept with a decision."""
    return [{"name": gate.name, "verdict": gate.verdict, "sentence": gate.sentence} for gate in found]


def judge(candidate: Candidate) -> list[Gate]:
    """Every rule's answer, in the order people read them."""
    return [gate(candidate) for gate in GATES]


def live_version(job: Job, environment: Environment) -> JobVersion | None:
    pointer = LiveVersion.objects.select_related("version__author").filter(job=job, environment=environment).first()
    return pointer.version if pointer else None


def exact_bytes(it: Candidate) -> Gate:
    name = "Exactly the version that was asked for"
    if it.version.sha256 == it.sha256:
        return Gate(name, "ok", f"sha256 {it.sha256[:4]}…{it.sha256[-4:]}")
    return Gate(name, "stop", "the version's sha256 is not the one that was asked for")


def job_is_open(it: Candidate) -> Gate:
    """Nobody makes an archived job live by a promotion that still waited."""
    if it.job.archived_at is None:
        return Gate("The job is in use", "ok", "not archived")
    return Gate("The job is in use", "stop", f"{it.job.name} was archived; bring it back first")


def document_and_sql(it: Candidate) -> Gate:
    """The checks that need no run: the document's form, its views, and which SQL may run."""
    known = list(it.job.project.environments.values_list("name", flat=True))
    problems = executor_job.check(it.version.document, environment=it.target.name, environments_known=known)
    return _from_problems("Document and SQL check", problems, "no problems")


def all_of_it_kept(it: Candidate) -> Gate:
    """SQL and schema files the version names are kept in it: nobody approves what can be exchanged afterwards."""
    name = "All of it is in the version"
    if keeps_its_files(it.version.document):
        return Gate(name, "ok", "no SQL or schema outside of it")
    return Gate(name, "stop", "it names SQL or schema files whose text it does not keep; save it again")


def places_its_own(it: Candidate) -> Gate:
    """What it publishes in the target belongs to nobody else there."""
    name = f"Places of its own in {it.target.name}"
    uris = places.outputs_of(it.version.document, it.target, None)
    problems = places.conflicts(it.job, it.target, uris)
    if problems:
        return Gate(name, "stop", problems[0]["message"], problems=tuple(problems))
    return Gate(name, "ok", ", ".join(uris) or "it publishes nothing")


def good_run_before(it: Candidate) -> Gate:
    """The same bytes have run well in the environment before."""
    name = f"Good run of v{it.version.number} in {it.source.name}"
    runs = Run.objects.filter(job=it.job, environment=it.source, document_sha256=it.sha256, version__isnull=False)
    run = runs.filter(state__in=GOOD_STATES).order_by("-created_at").first()
    if run is None:
        return Gate(name, "stop", f"run it in {it.source.name} first")
    when = f"{run.created_at:%d %b %H:%M} UTC"
    return Gate(name, "ok", when, run) if run.state == "succeeded" else Gate(name, "warn", f"{when}, with warnings", run)


def parameters_exist(it: Candidate) -> Gate:
    """Every parameter without a default has a value of its type in the target environment, and every secret is set there."""
    try:
        declared = executor_job.parse(it.version.document, environment=it.target.name).parameters
    except ProblemError:
        return Gate(f"Parameters have values in {it.target.name}", "stop", "the document is not right, so they cannot be read")
    hidden = secrets.needed_by(declared)
    given = {name: value for name, value in it.target.parameters.items() if name in declared and name not in hidden}
    set_there = secrets.names_in(it.target)
    problems = executor_job.check(it.version.document, environment=it.target.name, parameters=given, secrets=set_there)
    wrong = [problem for problem in problems if (problem.field or "").startswith("parameters")]
    return _from_problems(
        f"Parameters have values in {it.target.name}", wrong, f"{len(declared)} of {len(declared)}" if declared else "none needed"
    )


def live_unchanged(it: Candidate) -> Gate:
    """What it replaces is still what people saw when they asked and reviewed."""
    name = f"Live in {it.target.name} as when it was asked for"
    if it.live == it.expected_live:
        return Gate(name, "ok", f"v{it.live.number}" if it.live else "nothing live yet")
    now = f"v{it.live.number} is live now" if it.live else "nothing is live now"
    return Gate(name, "stop", f"{now}, not {f'v{it.expected_live.number}' if it.expected_live else 'nothing'}; ask again")


def still_live_before(it: Candidate) -> Gate:
    """To know, not to stop: somebody has moved on in the environment before."""
    live = live_version(it.job, it.source)
    name = f"Live in {it.source.name}"
    if live == it.version:
        return Gate(name, "ok", f"v{it.version.number}")
    return Gate(name, "warn", f"v{live.number} by now" if live else "nothing by now")


GATES: list[Callable[[Candidate], Gate]] = [
    exact_bytes,
    job_is_open,
    document_and_sql,
    all_of_it_kept,
    places_its_own,
    good_run_before,
    parameters_exist,
    live_unchanged,
    still_live_before,
]


def _from_problems(name: str, problems: list[Problem], good: str) -> Gate:
    if not problems:
        return Gate(name, "ok", good)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Gate(name, "stop", problems[0].message + more, problems=tuple(problem.as_dict() for problem in problems))
