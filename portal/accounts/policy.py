"""Who may do what: one table of actions and roles, asked for one object (`can`) or for a whole queryset (`allowed`).

A model says where its project and environment are with `access_project` and `access_environment` (Django look-up paths;
an empty path means the object itself, None means the object belongs to no single environment). A row whose environment is not set
belongs to all of them: a role in one of them is not enough.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import Http404

from portal.accounts import token_scopes
from portal.accounts.models import Membership, Project, Role, User
from portal.errors import NotAllowed

R = Role
EVERYONE = {R.VIEWER, R.DATA_VIEWER, R.AUTHOR, R.OPERATOR, R.APPROVER, R.ENVIRONMENT_ADMIN, R.AUDITOR}

# The words of the actions are the words on the buttons and in the audit. Keep the table in the order people meet it.
ROLES_FOR: dict[str, set[Role]] = {
    "view": EVERYONE,
    "view_data": {R.DATA_VIEWER, R.AUTHOR, R.OPERATOR, R.APPROVER},
    "save_query": {R.DATA_VIEWER, R.AUTHOR, R.OPERATOR, R.APPROVER},
    "upload_data": {R.AUTHOR, R.OPERATOR},
    "change_data": {R.AUTHOR, R.OPERATOR},
    "create_job": {R.AUTHOR},
    "edit_job": {R.AUTHOR},
    "save_version": {R.AUTHOR},
    "preview": {R.AUTHOR},
    "run_draft": {R.AUTHOR},
    "start_run": {R.AUTHOR, R.OPERATOR},
    "cancel_run": {R.AUTHOR, R.OPERATOR},
    "request_promotion": {R.AUTHOR},
    "approve_promotion": {R.APPROVER},
    "roll_back": {R.APPROVER, R.ENVIRONMENT_ADMIN},
    "put_back_output": {R.OPERATOR},
    "take_over_place": {R.OPERATOR, R.ENVIRONMENT_ADMIN},
    "give_up_place": {R.OPERATOR, R.ENVIRONMENT_ADMIN},
    "register_table": {R.OPERATOR, R.ENVIRONMENT_ADMIN},
    "edit_pipeline": {R.AUTHOR},
    "run_pipeline": {R.AUTHOR, R.OPERATOR},
    "edit_schedule": {R.AUTHOR, R.OPERATOR, R.ENVIRONMENT_ADMIN},
    "acknowledge_alert": {R.AUTHOR, R.OPERATOR, R.APPROVER, R.ENVIRONMENT_ADMIN},
    "manage_channels": {R.OPERATOR, R.ENVIRONMENT_ADMIN},
    "manage_environment": {R.ENVIRONMENT_ADMIN},
    "change_rules": {R.ENVIRONMENT_ADMIN},
    "manage_members": {R.ENVIRONMENT_ADMIN, R.PLATFORM_ADMIN},
    "view_audit": {R.AUDITOR, R.PLATFORM_ADMIN},
    "manage_platform": {R.PLATFORM_ADMIN},
}

WHERE_AUTHORS_WORK = {"put_back_output", "take_over_place", "give_up_place", "register_table"}
"""What changes data outside a run: authors may do it too, in the lowest environment (see `portal.jobs.actions.may_answer_for`)."""

IN_WORDS = {
    "upload_data": "upload data (where the environment lets this role)",
    "change_data": "rename, delete and put back files (where the environment lets this role)",
    "put_back_output": "put back output, optimize and clean up tables",
}
"""Of rights whose name does not tell what they are about."""

M = TypeVar("M", bound=Model)


def can(user: User, action: str, subject: Any = None, *, environment: str | None = None) -> bool:
    """May `user` do `action` to `subject` (a model object, or None for the platform)?

    Where the subject belongs to no single environment (a job, a pipeline), `environment` may name the one that is meant ("" means
    all of them); without it a role in any environment of the project is enough.
    """
    if not user.is_authenticated or not user.is_active or not token_scopes.allow(action):
        return False
    held = _held(user, ROLES_FOR[action])
    if any(project is None for project, _ in held):
        return True  # a platform admin, whose role stands outside projects
    if subject is None:
        return False
    project, own_environment = _scope(subject)
    name = environment if own_environment is None else own_environment
    return any(project == of and (name is None or inside in ("", name)) for of, inside in held)


def _held(user: User, roles: set[Role]) -> list[tuple[int | None, str]]:
    """(project, environment or "") of each of these roles that a person holds; no project for a platform admin. Chosen here and not in
    the database: a page asks dozens of times, and making a query of many conditions takes longer than answering it."""
    rows = _memberships(user).values_list("project_id", "environment", "role")
    return [(project, environment) for project, environment, role in rows if role in roles]


def _memberships(user: User) -> QuerySet[Membership]:
    """Roles of a person as they came: none once the account was switched off, its password changed or the token revoked since `user` was
    read. Work that takes long (a download, an upload, unpacking) asks again, and learns of it."""
    found = Membership.objects.filter(user=user, user__is_active=True, user__password=user.password)
    return found.filter(Exists(token)) if (token := token_scopes.token_in_use()) is not None else found


def require(user: User, action: str, subject: Any = None, *, environment: str | None = None) -> None:
    """Raises NotAllowed (an unknown and a forbidden object look alike) unless `can`."""
    if not can(user, action, subject, environment=environment):
        raise NotAllowed(action, subject)


def allowed(user: User, action: str, queryset: QuerySet[M]) -> QuerySet[M]:
    """The rows of `queryset` for which `can(user, action, row)` is true."""
    if not user.is_authenticated or not user.is_active or not token_scopes.allow(action):
        return queryset.none()
    model: Any = queryset.model
    project_path = f"{model.access_project}__pk" if model.access_project else "pk"
    membership = _memberships(user).filter(role__in=ROLES_FOR[action])
    here = Q(project=OuterRef(project_path))
    if model.access_environment:
        here &= Q(environment="") | Q(environment=OuterRef(model.access_environment))
    return queryset.filter(Exists(membership.filter(Q(project__isnull=True, role=R.PLATFORM_ADMIN) | here)))


def of_project(queryset: QuerySet[M], project: Project) -> QuerySet[M]:
    """The rows that belong to a project."""
    model: Any = queryset.model
    return queryset.filter(**{model.access_project or "pk": project.pk})


def find(user: User, action: str, queryset: QuerySet[M], **names: Any) -> M:
    """The one row with these values. Raises Http404 when there is none, NotAllowed (which looks the same) when it is not for `user`."""
    try:
        row = queryset.get(**names)
    except (ObjectDoesNotExist, ValueError, ValidationError):  # the latter two: not even an id
        raise Http404 from None
    require(user, action, row)
    return row


def roles_of(user: User, project: Project) -> list[tuple[str, str]]:
    """(role, environment or "") pairs of a person in a project, in the order of the role table."""
    rows = Membership.objects.filter(Q(project=project) | Q(project__isnull=True), user=user).values_list("role", "environment")
    order = {role: index for index, role in enumerate(Role.values)}
    return sorted(rows, key=lambda row: (order[row[0]], row[1]))


def role_table() -> list[tuple[str, list[str]]]:
    """(role, what it allows) in words, for the people page: every right of the table."""
    return [(role.label, _rights_of(role)) for role in Role]


def _rights_of(role: Role) -> list[str]:
    everywhere = [in_words(action) for action, roles in ROLES_FOR.items() if role in roles]
    where_they_work = [in_words(action) for action in ROLES_FOR if role == Role.AUTHOR and action in WHERE_AUTHORS_WORK]
    return everywhere + [f"{said} (in the lowest environment)" for said in where_they_work]


def in_words(action: str) -> str:
    return IN_WORDS.get(action, action.replace("_", " "))


def _scope(subject: Any) -> tuple[int | None, str | None]:
    """(id of its project, its environment: "" for all of them, None where it belongs to no single one)."""
    project = getattr(_walk(subject, subject.access_project), "pk", None)
    environment = (_walk(subject, subject.access_environment) or "") if subject.access_environment else None
    return project, environment


def _walk(subject: Any, path: str) -> Any:
    """None where the path leads through something that is not set: a rule without an environment is about all of them."""
    for name in path.split("__") if path else []:
        subject = getattr(subject, name) if subject is not None else None
    return subject


__all__ = ["ROLES_FOR", "WHERE_AUTHORS_WORK", "allowed", "can", "find", "in_words", "of_project", "require", "role_table", "roles_of"]
