"""What must be true before a version goes live: one function per rule, asked when the page is shown and again at the approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from executor.document import job as executor_job
from executor.document.kept_files import keeps_its_files
from executor.language import json_text
from executor.problems import Problem, ProblemError
from portal.environments import secrets
from portal.environments.reach import judged_by
from portal.jobs import places
from portal.jobs.connections_used import connections_used
from portal.promotions.candidate import Candidate, Gate, live_version
from portal.promotions.models import Promotion
from portal.promotions.target_gates import columns_as_read, inputs_there, outputs_can_be_written, target_as_asked
from portal.runs.models import Run


def evidence(found: list[Gate]) -> list[dict[str, Any]]:
    """The answers as they are kept with a decision."""
    return [gate.as_evidence() for gate in found]


def judge(candidate: Candidate) -> list[Gate]:
    """Every rule's answer, in the order people read them."""
    return [gate(candidate) for gate in (*GATES, *(OF_ASKED if candidate.is_asked else ()))]


def kept_with(promotion: Promotion) -> list[Gate]:
    """What the rules said when it was decided."""
    ids = [kept["run"] for kept in promotion.evidence if kept.get("run")]
    runs = {str(run.pk): run for run in Run.objects.filter(pk__in=ids)}
    return [Gate.of_evidence(kept, runs) for kept in promotion.evidence]


def stopped(found: list[Gate]) -> list[Gate]:
    """Those that keep it from going live."""
    return [gate for gate in found if gate.verdict == "stop"]


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
    problems = executor_job.check(it.version.document, environment=it.target.name, environments_known=known, roots=judged_by(it.target))
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
    run = it.run
    if run is None:
        return Gate(name, "stop", f"run it in {it.source.name} first")
    when = f"{run.created_at:%d %b %H:%M} UTC"
    return Gate(name, "ok", when, run) if run.state == "succeeded" else Gate(name, "warn", f"{when}, with warnings", run)


def parameters_exist(it: Candidate) -> Gate:
    """Every parameter without a default has a value of its type in the target environment, and every secret is set there."""
    try:
        declared = executor_job.parse(it.version.document, environment=it.target.name, roots=judged_by(it.target)).parameters
    except ProblemError:
        return Gate(f"Parameters have values in {it.target.name}", "stop", "the document is not right, so they cannot be read")
    hidden = secrets.needed_by(declared)
    given = {name: value for name, value in it.target.parameters.items() if name in declared and name not in hidden}
    set_there = secrets.names_in(it.target)
    problems = executor_job.check(
        it.version.document, environment=it.target.name, parameters=given, secrets=set_there, roots=judged_by(it.target)
    )
    wrong = [problem for problem in problems if (problem.field or "").startswith("parameters")]
    return _from_problems(
        f"Parameters have values in {it.target.name}", wrong, f"{len(declared)} of {len(declared)}" if declared else "none needed"
    )


def connections_there(it: Candidate) -> Gate:
    """Every connection that the version names is one in the target, of the kind that its stage needs."""
    name = f"Connections are there in {it.target.name}"
    used = list(connections_used(json_text.loads(it.version.document), it.target))
    troubles = list(dict.fromkeys(one.trouble[1] for one in used if one.trouble))
    if troubles:
        return Gate(name, "stop", " ".join(troubles))
    return Gate(name, "ok", ", ".join(dict.fromkeys(one.name for one in used)) or "it names none")


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
    connections_there,
    inputs_there,
    columns_as_read,
    outputs_can_be_written,
    still_live_before,
]
OF_ASKED: list[Callable[[Candidate], Gate]] = [live_unchanged, target_as_asked]
"""Rules that compare with the moment in which it was asked for."""


def _from_problems(name: str, problems: list[Problem], good: str) -> Gate:
    if not problems:
        return Gate(name, "ok", good)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Gate(name, "stop", problems[0].message + more, problems=tuple(problem.as_dict() for problem in problems))
