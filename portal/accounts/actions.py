"""What people do with people, roles and tokens. Nobody changes their own roles, whatever they may do to others'."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from portal.accounts import sign_in, tokens
from portal.accounts.models import ApiToken, Membership, Project, Role, User, slug_validator
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.errors import Conflict, NotAllowed, PortalError

PROJECT_ROLES = [role for role in Role if role != Role.PLATFORM_ADMIN]
"""Roles that are given within a project."""
MAX_TOKENS = 50


def add_member(*, actor: User, project: Project, person: User, role: str, environment: str = "") -> Membership:
    """Gives a role in one environment, or in all of them ("")."""
    require(actor, "manage_members", project, environment=environment)
    _not_oneself(actor, person)
    if role not in PROJECT_ROLES:
        raise PortalError(f"There is no role “{role}”.", code="role-unknown", fix=f"Choose one of: {', '.join(PROJECT_ROLES)}.")
    if environment and not project.environments.filter(name=environment).exists():
        raise PortalError(f"{project.name} has no environment “{environment}”.", code="environment-unknown")
    try:
        with transaction.atomic():
            membership = Membership.objects.create(project=project, user=person, role=role, environment=environment)
            record(action="add_member", actor=actor, subject=membership, person=person.username, role=role, environment_of_role=environment)
    except IntegrityError:
        raise Conflict(f"{person.shown_name} has that role already.", code="role-given-already") from None
    return membership


def remove_member(*, actor: User, membership: Membership) -> None:
    """Takes one role away; it ends with the person's next click."""
    if membership.project is None:
        raise NotAllowed("manage_members", membership)
    require(actor, "manage_members", membership)
    _not_oneself(actor, membership.user)
    with transaction.atomic():
        person, role = membership.user.username, membership.role
        record(
            action="remove_member", actor=actor, subject=membership, person=person, role=role, environment_of_role=membership.environment
        )
        membership.delete()


def create_person(*, actor: User, username: str, name: str, email: str) -> tuple[User, str]:
    """A new person without any role, and a first password, which is shown once."""
    require(actor, "manage_platform")
    _check_person(username, email)
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            person = User.objects.create_user(username, email=email, password=password, first_name=name[:150], has_first_password=True)
            record(action="create_person", actor=actor, subject=person)
    except IntegrityError:
        raise Conflict(f"There is a person named {username} already.", code="name-taken", fix="Choose another user name.") from None
    return person, password


def create_token(*, actor: User, name: str, scopes: list[str], days: int = tokens.DEFAULT_DAYS) -> tuple[ApiToken, str]:
    """A token of one's own, and its text, which is shown once."""
    unknown = set(scopes) - set(tokens.SCOPES)
    if unknown or not scopes:
        raise PortalError("A token needs at least one of the scopes read, write and run.", code="bad-scopes")
    if not name.strip():
        raise PortalError("The token has no name.", code="no-name", fix="Name what will use it, for instance “nightly export”.")
    if not 1 <= days <= tokens.LONGEST_DAYS:
        raise PortalError(f"A token lives from 1 to {tokens.LONGEST_DAYS} days.", code="bad-expiry")
    with transaction.atomic():
        _hold(actor)
        if actor.api_tokens.filter(revoked_at=None).count() >= MAX_TOKENS:
            raise PortalError(f"You have {MAX_TOKENS} tokens.", code="too-many-tokens", fix="Revoke those that nothing uses.")
        token, text = tokens.issue(user=actor, name=name.strip()[:100], scopes=scopes, days=days)
        record(action="create_token", actor=actor, subject=token, scopes=token.scopes, expires_at=token.expires_at.isoformat())
    return token, text


def revoke_token(*, actor: User, token: ApiToken) -> None:
    """From now on it opens nothing. Revoking twice is no mistake."""
    if token.user_id != actor.pk:
        raise NotAllowed("revoke_token", token)
    if token.revoked_at:
        return
    with transaction.atomic():
        token.revoke()
        record(action="revoke_token", actor=actor, subject=token)


def change_password(*, actor: User, old: str, new: str, end_tokens: bool = True) -> int:
    """Ends every other session of this person, and the API tokens unless they are to stay; gives how many tokens ended."""
    from django.contrib.auth.password_validation import validate_password

    who = sign_in.sum_of("password", str(actor.pk))
    sign_in.count_a_try(who)  # a session that somebody left open, or took, is no way to guess it
    if not actor.check_password(old):
        record(action="change_password", actor=actor, subject=actor, result="failed")
        raise PortalError("That is not your present password.", code="wrong-password")
    sign_in.forget_tries(who)
    if old == new:
        raise PortalError("That is the password you have already.", code="same-password", fix="Choose another one.")
    try:
        validate_password(new, actor)
    except ValidationError as exc:
        raise PortalError(" ".join(exc.messages), code="weak-password") from None
    with transaction.atomic():
        _hold(actor)
        actor.set_password(new)
        actor.has_first_password = False
        actor.save(update_fields=["password", "has_first_password"])
        ended = list(actor.api_tokens.filter(revoked_at=None)) if end_tokens else []
        for token in ended:
            token.revoke()
        record(action="change_password", actor=actor, subject=actor, tokens_ended=[token.prefix for token in ended])
    return len(ended)


def _hold(actor: User) -> None:
    """Until the transaction ends, nobody else changes the person. Raises Conflict for a session that a new password has just ended: what it
    asked for in the same moment, a token or yet another password, would outlive it."""
    now = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if not now.is_active or now.password != actor.password:
        raise Conflict("Your password was changed in this moment.", code="password-changed", fix="Sign in again.")


def _not_oneself(actor: User, person: User) -> None:
    if actor.pk == person.pk:
        raise PortalError("Nobody changes their own roles.", code="own-roles", status=403, fix="Ask another admin.")


def _check_person(username: str, email: str) -> None:
    try:
        slug_validator(username)
        validate_email(email)
    except ValidationError as exc:
        raise PortalError(
            " ".join(exc.messages), code="bad-person", fix="User names look like “ana” or “ana-b”, addresses like ana@example.com."
        ) from None
