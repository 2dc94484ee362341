"""Signing in and out. Guessing is slow: five wrong tries a minute for one name from one address, whatever else is down."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.db import connection, transaction
from django.http import Http404, HttpRequest
from django.utils import timezone

from portal.accounts.models import SignInFailure, User
from portal.audit import actions as audit
from portal.errors import PortalError

TRIES = 5
WINDOW = timedelta(minutes=1)
FORGOTTEN = timedelta(hours=1)
BACKEND = "django.contrib.auth.backends.ModelBackend"


class WrongPassword(PortalError):
    """The same words for an unknown name and a wrong password."""

    status = 401
    code = "wrong-password"


class TooManyTries(PortalError):
    """Whoever guesses waits."""

    status = 429
    code = "too-many-tries"


def sign_in(request: HttpRequest, *, username: str, password: str) -> User:
    """Begins a new session. Raises WrongPassword, or PortalError 429 when there were too many tries."""
    who = _who(request, username)
    known = User.objects.filter(username=username).first()
    try:
        count_a_try(who)
    except TooManyTries:
        _note("refused", known, why="too many tries")
        raise
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        SignInFailure.objects.filter(at__lt=timezone.now() - FORGOTTEN).delete()
        _note("failed", known)
        raise WrongPassword("This name and password do not fit together.", fix="Check both; capital letters count in the password.")
    forget_tries(who)
    _begin(request, user)
    return user


def count_a_try(who: str) -> None:
    """Counts as failed before it is tried, one at a time, so that forty at once are five too; one that succeeds takes them back
    (`forget_tries`). `who`: a sum of who guesses what. Raises TooManyTries."""
    with transaction.atomic():
        _one_at_a_time(who)
        if SignInFailure.objects.filter(who=who, at__gt=timezone.now() - WINDOW).count() >= TRIES:
            raise TooManyTries("Too many tries. Wait a minute, then try again.")
        SignInFailure.objects.create(who=who)


def forget_tries(who: str) -> None:
    SignInFailure.objects.filter(who=who).delete()


def _one_at_a_time(who: str) -> None:
    """SQLite has one writer anyway: its transactions begin as IMMEDIATE."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(who[:15], 16)])


def sign_in_as(request: HttpRequest, *, username: str) -> User:
    """One click, for the demo's people only and only while demo mode is on."""
    user = User.objects.filter(username=username, is_demo=True, is_active=True).first() if settings.DEMO else None
    if user is None:
        _note("refused", None, why="not a demo person")
        raise Http404
    _begin(request, user)
    return user


def sign_out(request: HttpRequest) -> None:
    """Ends the session here and on the server."""
    if request.user.is_authenticated:
        audit.record(action="sign_out", actor=request.user)
    logout(request)


def _begin(request: HttpRequest, user: User) -> None:
    login(request, user, backend=BACKEND)  # a new session key, and a new CSRF token
    audit.record(action="sign_in", actor=user, subject=user)


def _note(result: str, user: User | None, **details: str) -> None:
    """What was typed is not kept when it is nobody's name: it may be a password."""
    audit.record(action="sign_in", actor=None, actor_name=user.username if user else "unknown", subject=user, result=result, **details)


def _who(request: HttpRequest, username: str) -> str:
    return sum_of(username.lower(), request.META.get("REMOTE_ADDR", ""))


def sum_of(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
