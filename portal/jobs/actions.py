"""What people do with jobs. Each function: may they, the change, the audit, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from executor.document.kept_files import keeps_its_files
from executor.language.places import key_of, name_problem
from executor.language.roots import located, without_root
from executor.problems import Problem
from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.audit import actions as audit
from portal.environments.models import Environment
from portal.environments.reach import judged_by
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs import documents, places, storage
from portal.jobs.models import Draft, EndedDrafts, Job, JobVersion, LiveVersion, Place, tag_validator
from portal.locking import locked, require_seen


class _Unset:
    """Marks an argument that was not given, where None means something."""


UNSET: Final = _Unset()
MOST_RUNS_AT_ONCE = 20
"""Runs of one job that may work at a time in one environment, at most."""


# --- the job -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_job(
    *,
    actor: User,
    project: Project,
    name: str,
    description: str = "",
    tags: Iterable[str] = (),
    document: Any = None,
    drops_credentials: bool = False,
) -> Job:
    """A new job without versions. `document` (JSON text or object, right or not) becomes the actor's draft; one that holds
    passwords or keys is refused, or (`drops_credentials`) kept without them, as drafts are: to be told by who asks for that."""
    policy.require(actor, "create_job", project)
    job = Job(project=project, name=name.strip(), description=description.strip(), owner=actor, tags=_clean_tags(tags))
    _validate(job)
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError:
        raise Conflict(f"There is a job “{job.name}” already.", code="job-name-taken", fix="Choose another name.") from None
    if document is not None:
        text = documents.as_text(document)
        documents.require_keepable(text)
        if not drops_credentials:
            documents.require_no_credentials(text)
        Draft.objects.create(job=job, user=actor, document=documents.keepable(text))
    audit.record(action="create_job", actor=actor, subject=job)
    return job


@transaction.atomic
def edit_job(
    *,
    actor: User,
    job: Job,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    owner: User | None = None,
    runs_at_once: int | None = None,
    edition: str = "",
) -> Job:
    """Changes what is said about a job; None leaves a part as it is. The owner must be able to see the job.

    `edition` is the one the actor saw, empty where they do not say; raises Conflict when it has been changed since.
    """
    policy.require(actor, "edit_job", job)
    job = locked(job)
    require_seen(edition, job.edition, job.name)
    if description is not None:
        job.description = description.strip()
    if tags is not None:
        job.tags = _clean_tags(tags)
    if owner is not None:
        if not policy.can(owner, "view", job):
            raise PortalError(f"{owner.shown_name} has no role in this project.", code="owner-unknown", fix="Choose one of its people.")
        job.owner = owner
    if runs_at_once is not None:
        if not 1 <= runs_at_once <= MOST_RUNS_AT_ONCE:
            raise PortalError(f"Runs at once are from 1 to {MOST_RUNS_AT_ONCE}.", code="job-runs-at-once", status=422, field="runs_at_once")
        job.runs_at_once = runs_at_once
    _validate(job)
    job.save(update_fields=["description", "tags", "owner", "runs_at_once"])
    said = {"description": job.description, "tags": job.tags, "owner": job.owner.username, "runs_at_once": job.runs_at_once}
    audit.record(action="edit_job", actor=actor, subject=job, **said)
    return job


@transaction.atomic
def archive_job(*, actor: User, job: Job) -> Job:
    """Takes the job out of lists; its versions, runs and audit stay."""
    policy.require(actor, "edit_job", job)
    job = locked(job)
    if job.archived_at is None:
        job.archived_at = timezone.now()
        job.save(update_fields=["archived_at"])
        audit.record(action="archive_job", actor=actor, subject=job)
    return job


def refuse_archived(job: Job) -> None:
    """Of what would make it live, run, or own a place: what is out of all lists changes nothing that others see."""
    if job.archived_at:
        raise PortalError(f"{job.name} is archived.", code="job-archived", status=409, fix="Bring the job back first.")


@transaction.atomic
def bring_back_job(*, actor: User, job: Job) -> Job:
    """Undoes `archive_job`."""
    policy.require(actor, "edit_job", job)
    job = locked(job)
    if job.archived_at is not None:
        job.archived_at = None
        job.save(update_fields=["archived_at"])
        audit.record(action="bring_back_job", actor=actor, subject=job)
    return job


@transaction.atomic
def delete_job(*, actor: User, job: Job) -> None:
    """Throws away a job that was never saved, with its drafts; its name is free again. Where it has run, or stands in a pipeline, it is
    archived under another name, so that nothing that happened is lost. Raises Conflict for a job with versions."""
    policy.require(actor, "edit_job", job)
    job = locked(job)
    if job.latest_version_id is not None:
        raise Conflict(f"{job.name} has versions.", code="job-has-versions", fix="Archive it: versions and runs are kept.")
    audit.record(action="delete_job", actor=actor, subject=job)
    Draft.objects.filter(job=job).delete()
    try:
        with transaction.atomic():
            if not job.runs.exists():
                job.delete()
                return
    except ProtectedError:
        pass
    job.name, job.archived_at = f"{job.name[:50]}_deleted_{job.pk}", timezone.now()
    job.save(update_fields=["name", "archived_at"])


def _validate(job: Job) -> None:
    try:
        job.clean_fields(exclude={field.name for field in Job._meta.fields} - {"name", "description"})
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise PortalError(f"The {field} is not right. {messages[0]}", code=f"job-{field}", status=422, field=field) from None


def _clean_tags(tags: Iterable[str]) -> list[str]:
    cleaned = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    for tag in cleaned:
        try:
            tag_validator(tag)
        except ValidationError as error:
            raise PortalError(f"“{tag}” is no tag. {error.messages[0]}", code="job-tags", status=422, field="tags") from None
    return cleaned


# --- drafts ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def save_draft(
    *, actor: User, job: Job, document: str, revision: int, base_version: int | None | _Unset = UNSET, ended: int | None = None
) -> Draft:
    """Keeps the actor's unsaved work. `revision` is the one the window last saw, 0 before the first save.
    `base_version` is the number of the version the work started from; left out, it stays (or is the latest one at the first save).
    `ended` is how many drafts of this person had ended as far as the window knows; left out, that is not asked.
    Raises PortalError when there is no such version, Conflict when another window of that person was quicker, or the draft has ended."""
    policy.require(actor, "edit_job", job)
    documents.require_keepable(document)
    job = locked(job, "latest_version")
    so_far, _ = EndedDrafts.objects.select_for_update().get_or_create(job=job, user=actor)
    draft = Draft.objects.select_for_update().filter(job=job, user=actor).first()
    if ended is not None and ended != so_far.count:
        raise _draft_gone(draft, so_far.count)
    if (draft.revision if draft else 0) != revision:
        raise _draft_conflict(draft, so_far.count)
    if draft is None:
        draft = Draft(job=job, user=actor, revision=0, base_version=job.latest_version)
        audit.record(action="start_draft", actor=actor, subject=job)
    if not isinstance(base_version, _Unset):
        draft.base_version = _version_numbered(job, base_version)
    draft.document, draft.revision = documents.keepable(document), draft.revision + 1
    draft.save()
    return draft


@transaction.atomic
def discard_draft(*, actor: User, job: Job) -> None:
    """Throws the actor's unsaved work away."""
    policy.require(actor, "edit_job", job)
    if _end_draft(actor, locked(job)):
        audit.record(action="discard_draft", actor=actor, subject=job)


def ended_drafts(user: User, job: Job) -> int:
    """How many drafts of this person have ended."""
    return EndedDrafts.objects.filter(job=job, user=user).values_list("count", flat=True).first() or 0


def _end_draft(user: User, job: Job) -> bool:
    """Deletes the draft, and whatever of it is still on its way here. Whether there was one."""
    so_far, _ = EndedDrafts.objects.select_for_update().get_or_create(job=job, user=user)
    EndedDrafts.objects.filter(pk=so_far.pk).update(count=F("count") + 1)
    gone, _ = Draft.objects.filter(job=job, user=user).delete()
    return bool(gone)


def _version_numbered(job: Job, number: int | None) -> JobVersion | None:
    found = job.versions.filter(number=number).first() if number else None
    if number and found is None:
        raise PortalError(f"{job.name} has no version {number}.", code="version-unknown", status=422)
    return found


def _draft_gone(draft: Draft | None, ended: int) -> Conflict:
    return Conflict(
        "This draft was saved as a version, or thrown away, in another window.",
        code="draft-gone",
        revision=draft.revision if draft else 0,
        ended=ended,
    )


def _draft_conflict(draft: Draft | None, ended: int) -> Conflict:
    if draft is None:
        return _draft_gone(draft, ended)
    return Conflict(
        "You have changed this job in another window.",
        code="draft-changed",
        revision=draft.revision,
        document=draft.document,
        updated_at=draft.updated_at.isoformat(),
        ended=ended,
    )


# --- versions ----------------------------------------------------------------------------------------------------------


def save_version(*, actor: User, job: Job, document: str, message: str, base_version: int | None) -> JobVersion:
    """Makes the document a version that never changes, live in the lowest environment; the actor's draft is done.

    `base_version` is the number of the version that the work started from (None: there was none). When nothing changed, the latest
    version is given back. Raises Conflict when a newer version exists, DocumentNotRight when the document has problems.
    """
    lowest = require_save(actor, job)
    document = documents.with_files(document, job.project)
    documents.require_right(document, job.project)
    text = documents.canonical(document)
    places.require_own(job, lowest, places.outputs_of(text, lowest, None))
    storage.put(documents.sha256_of(text), text.encode())
    return _keep(actor=actor, job=job, text=text, message=message, base=base_version)


def require_save(actor: User, job: Job) -> Environment:
    """The lowest environment, where versions are saved. Raises NotAllowed."""
    lowest = _lowest(job)
    policy.require(actor, "save_version", job, environment=lowest.name)
    return lowest


def restore_version(*, actor: User, job: Job, version: JobVersion) -> JobVersion:
    """Makes an earlier document the newest version again. Nothing is lost: what was newest stays and can be restored in turn."""
    lowest = require_save(actor, job)
    text = version.document
    if not keeps_its_files(text):  # saved before versions kept them
        text = documents.canonical(documents.with_files(text, job.project))
    documents.require_right(text, job.project)
    places.require_own(job, lowest, places.outputs_of(text, lowest, None))
    storage.put(documents.sha256_of(text), text.encode())
    return _keep(actor=actor, job=job, text=text, message=f"Restored v{version.number}", base=UNSET, restored=version)


@transaction.atomic
def _keep(*, actor: User, job: Job, text: str, message: str, base: int | None | _Unset, restored: JobVersion | None = None) -> JobVersion:
    job = locked(job, "latest_version__author", "project")
    lowest = require_save(actor, job)  # reading its files, judging it and the store may have taken long
    refuse_archived(job)
    latest, sha256 = job.latest_version, documents.sha256_of(text)
    if latest and not isinstance(base, _Unset) and base != latest.number and latest.sha256 != sha256:
        raise _newer_version(latest, base)
    _end_draft(actor, job)
    if latest and latest.sha256 == sha256:
        return latest
    version = JobVersion(job=job, number=latest.number + 1 if latest else 1, document=text, sha256=sha256, author=actor)
    version.message, version.restored_from = message.strip()[:300], restored
    version.save()
    audit.record(
        action="restore_version" if restored else "save_version", actor=actor, subject=version, sha256=sha256, message=version.message
    )
    set_live(actor=actor, job=job, environment=lowest, version=version)
    return version


def set_live(
    *, actor: User, job: Job, environment: Environment, version: JobVersion, previous: JobVersion | None | _Unset = UNSET
) -> LiveVersion:
    """Moves the pointer. Whoever calls (save_version, promotions) has asked whether the actor may.

    `previous` is what one would go back to from now on: what was live until now, unless it is named.
    """
    if version.job_id != job.pk or environment.project_id != job.project_id:
        raise ValueError("The version, the job and the environment do not belong together.")
    with transaction.atomic():
        live = LiveVersion.objects.select_for_update().filter(job=job, environment=environment).first()
        live = live or LiveVersion(job=job, environment=environment)
        before = live.version if live.pk else None
        if before != version:
            live.previous, live.version = before if isinstance(previous, _Unset) else previous, version
            live.since, live.set_by = timezone.now(), actor
            live.save()
            audit.record(
                action="set_live",
                actor=actor,
                subject=version,
                environment=environment.name,
                sha256=version.sha256,
                before=before and before.number,
            )
        return live


def _newer_version(latest: JobVersion, base: int | None) -> Conflict:
    return Conflict(
        f"{latest.author.shown_name} saved v{latest.number} while you worked.",
        code="newer-version",
        fix="Look at both changes and choose what stays.",
        latest={
            "number": latest.number,
            "author": latest.author.shown_name,
            "message": latest.message,
            "created_at": latest.created_at.isoformat(),
        },
        base=base,
    )


def _lowest(job: Job) -> Environment:
    lowest = job.project.environments.order_by("rank").first()
    if lowest is None:
        raise PortalError("The project has no environment yet.", code="no-environment", fix="Ask an admin to make one.")
    return lowest


# --- places of outputs -------------------------------------------------------------------------------------------------


def may_answer_for(actor: User, action: str, environment: Environment) -> bool:
    """For what changes data outside a run (`policy.WHERE_AUTHORS_WORK`): whoever may there; and authors, where they work."""
    where_authors_work = action in policy.WHERE_AUTHORS_WORK and not environment.is_protected
    return policy.can(actor, action, environment) or (where_authors_work and policy.can(actor, "run_draft", environment))


@transaction.atomic
def take_over_place(*, actor: User, job: Job, environment: Environment, uri: str) -> Place:
    """Gives the place to `job`: its next run there may replace what lies there, whoever brought it. Raises Conflict where the place holds,
    or lies in, another one."""
    if environment.project_id != job.project_id or not may_answer_for(actor, "take_over_place", environment):
        raise NotAllowed("take_over_place", environment)
    uri = _place_to_publish(environment, uri)
    locked(environment)
    refuse_archived(locked(job))
    others = [place for place in places.places_meeting(environment, uri) if place.uri != uri]
    if others:
        raise Conflict(places.words(uri, others[0]), code="place-not-own", fix="Write to another folder.")
    before = places.place_at(environment, uri)
    place = before or Place(environment=environment, uri=uri, key=key_of(uri))
    was = before.owner.name if before and before.owner else _was_without_owner(before) if before else None
    place.owner, place.given_by, place.may_replace, place.since = job, actor, True, timezone.now()
    if place.lies_at != (lies_at := places.Storages(environment).of(uri)):
        place.move_to(lies_at)
    place.save()
    audit.record(action="take_over_place", actor=actor, subject=job, environment=environment.name, place=place.uri, was=was)
    return place


def _place_to_publish(environment: Environment, uri: str) -> str:
    """The address in the one way it is written. Raises PortalError where no job can publish."""
    found = located(uri, judged_by(environment), "outputURI", writes=True, environment=environment.name)
    wrong = found if isinstance(found, Problem) else name_problem(without_root(uri))
    if wrong:
        raise PortalError(wrong.message, code="output-name", status=422, fix=wrong.fix)
    return str(found)


def _was_without_owner(place: Place) -> str | None:
    if not place.given_by_id:
        return None
    return "given up" if place.last_run_id else "uploaded"
