"""What must hold before a run is accepted, and again before its worker starts it."""

from __future__ import annotations

from typing import Any

from executor.document.job import check
from executor.document.kept_files import keeps_its_files
from executor.language import json_text
from executor.language.parameters import Parameter
from executor.problems import Problem
from portal.accounts import policy
from portal.environments import secrets
from portal.environments.models import Environment
from portal.environments.reach import judged_by
from portal.errors import Conflict, PortalError
from portal.jobs.models import Job, JobVersion, LiveVersion
from portal.runs.models import Run

GIVEN = "Declare it in the job with the type secret, and have it set in the environment: a run's values are kept and shown."


def declared_parameters(document: str) -> dict[str, Parameter]:
    """The parameters a document declares. Raises PortalError when the document cannot be read."""
    try:
        declared = json_text.loads(document).get("parameters") or {}
        return {name: Parameter.model_validate(words) for name, words in declared.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise PortalError(
            "The job's document is not right.", code="document-not-right", fix="Open it in the editor; it shows every problem."
        ) from error


def values_for(document: str, environment: Environment, given: dict[str, Any] | None) -> dict[str, Any]:
    """The values a run starts with: what the person gave, else what the environment says; the document's own defaults do the rest.

    An empty text means "not given". Raises PortalError with every problem of document and values.
    """
    if environment.is_protected and not keeps_its_files(document):
        raise PortalError(
            "This version names SQL or schema files whose text it does not keep, so it is not known what would run.",
            code="files-not-kept",
            status=409,
            fix="Save it again as a new version, which keeps them, and have that promoted.",
        )
    declared = declared_parameters(document)
    hidden = secrets.needed_by(declared)
    from_environment = {name: value for name, value in environment.parameters.items() if name in declared and name not in hidden}
    chosen = {name: value for name, value in (given or {}).items() if value not in ("", None)}
    secrets.require_no_credentials({name: value for name, value in chosen.items() if name not in hidden}, GIVEN)
    values = from_environment | chosen
    known = list(environment.project.environments.values_list("name", flat=True))
    set_here = secrets.names_in(environment)
    problems = check(
        document,
        environment=environment.name,
        parameters=values,
        environments_known=known,
        secrets=set_here,
        roots=judged_by(environment),
    )
    if problems:
        raise PortalError(
            _sentence(problems), code="not-ready-to-run", status=422, fix=problems[0].fix, problems=[p.as_dict() for p in problems]
        )
    return values


def secrets_for(run: Run) -> dict[str, str]:
    """The values of the secrets that the run's document declares, as its environment has them now. Raises PortalError when one is gone."""
    declared = declared_parameters(run.document)
    missing = secrets.missing_in(run.environment, declared)
    if missing:
        raise PortalError(
            f"The secret “{missing[0]}” is not set in {run.environment.name} any more.",
            code="secret-missing",
            fix=f"Have whoever administers {run.environment.name} set it, then run it again.",
        )
    return secrets.values_of(run.environment, secrets.needed_by(declared))


def require_live(job: Job, environment: Environment, version: JobVersion | None) -> JobVersion:
    """The version that may run: above the lowest environment only the live one, of an archived job none. Raises PortalError."""
    if job.archived_at:
        raise PortalError(f"{job.name} is archived, so it does not run.", code="job-archived", status=409, fix="Bring the job back first.")
    live = LiveVersion.objects.filter(job=job, environment=environment).select_related("version").first()
    if version is None:
        if live:
            return live.version
        fix = f"Ask for a promotion to {environment.name} first." if environment.is_protected else "Save a version first."
        raise PortalError(f"No version of {job.name} is live in {environment.name}.", code="nothing-live", status=409, fix=fix)
    if version.job_id != job.pk:
        raise PortalError("This version belongs to another job.", code="wrong-job")
    if environment.is_protected and (live is None or live.version_id != version.pk):
        now = f"v{live.version.number}" if live else "none"
        message = f"v{version.number} of {job.name} is not live in {environment.name}; live there: {now}."
        raise PortalError(message, code="version-not-live", status=409, fix="Run the live version, or ask for a promotion.")
    return version


def refusal(run: Run) -> dict[str, Any] | None:
    """Why a worker must not start this run after all (a problem), asked again because rights and versions may have changed since."""
    action = "start_run" if run.version_id else "run_draft"
    who = run.requested_by
    if run.job.archived_at:
        return _problem("job-archived", f"{run.job.name} was archived meanwhile.", "Bring the job back first, then run it again.")
    if who and not policy.can(who, action, run.job, environment=run.environment.name):
        message = f"{who.shown_name} may not run {run.job.name} in {run.environment.name} any more."
        return _problem("requester-not-allowed", message, "Somebody with the right to run it can rerun it.")
    if run.version_id is None and not run.environment.allows_drafts:
        return _problem("draft-not-allowed", f"A draft never runs in {run.environment.name}.", "Save a version and have it promoted.")
    if run.version_id and run.environment.is_protected and not _was_live(run):
        message = f"v{run.version.number} is not live in {run.environment.name} any more."  # type: ignore[union-attr]
        return _problem("version-not-live", message, "Run the version that is live now.")
    return None


def require_not_withdrawn(run: Run) -> None:
    """Raises Conflict when somebody has gone back from the run's version since it was asked for: what it would publish is what was taken
    back. A version that a newer one has replaced meanwhile publishes still."""
    if run.version is None or not run.environment.is_protected:
        return
    live = LiveVersion.objects.filter(job=run.job, environment=run.environment).select_related("version").first()
    if live is not None and live.version.number < run.version.number and live.since > run.created_at:
        message = f"v{run.version.number} was gone back from in {run.environment.name} while this run worked, so it publishes nothing."
        problem = _problem("version-withdrawn", message, "Run the version that is live now.")
        raise Conflict(message, code="version-withdrawn", problems=[problem])


def _was_live(run: Run) -> bool:
    """Live now, or replaced only after this run was asked for."""
    live = LiveVersion.objects.filter(job=run.job, environment=run.environment).first()
    if live is None:
        return False
    return live.version_id == run.version_id or (live.previous_id == run.version_id and live.since > run.created_at)


def _sentence(problems: list[Problem]) -> str:
    more = len(problems) - 1
    return problems[0].message + (f" And {more} more." if more else "")


def _problem(code: str, message: str, fix: str) -> dict[str, Any]:
    return Problem(code=code, message=message, fix=fix).as_dict()
