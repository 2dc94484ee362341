"""Sign-in, the account page, and the people of a project."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts import actions, people, policy, sign_in
from portal.accounts.forms import FirstPasswordForm, MemberForm, PasswordForm, PersonForm, SignInForm, TokenForm
from portal.accounts.models import ApiToken, Membership, Project, Role, User
from portal.errors import NotAllowed, PortalError

IN_USE = "project"
"""Session key of the project the person last looked at."""


class Request(HttpRequest):
    """A request of somebody who is signed in: the middleware lets no other through."""

    user: User


# --- signing in and out ----------------------------------------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """With ?next= the person returns to where the session ended."""
    if request.method == "GET" and request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            sign_in.sign_in(request, **form.cleaned_data)
            return HttpResponseRedirect(_next(request))
        except PortalError as refused:
            form.add_error(None, f"{refused.message} {refused.fix or ''}".strip())
            status = refused.status
    shown = {"form": form, "next": _next(request), "demo_people": people.demo_people() if settings.DEMO else []}
    return render(request, "accounts/sign_in.html", shown, status=status)


@login_not_required
@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    sign_in.sign_in_as(request, username=request.POST.get("username", ""))
    return HttpResponseRedirect(_next(request))


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    sign_in.sign_out(request)
    return redirect("accounts:sign_in")


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: a page of our own, or the home page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return wanted if safe and wanted != reverse("accounts:sign_in") else settings.LOGIN_REDIRECT_URL


# --- one's own account -----------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def tokens_page(request: Request) -> HttpResponse:
    """The new token is shown in the answer to the form and nowhere else, so there is no redirect here."""
    form = TokenForm(request.POST or None)
    made = text = None
    if request.method == "POST" and form.is_valid():
        try:
            made, text = actions.create_token(actor=request.user, **form.cleaned_data)
            form = TokenForm()
        except PortalError as refused:
            form.add_error(None, refused.message)
    shown = {
        "form": form,
        "password_form": PasswordForm(),
        "made": made,
        "text": text,
        "tokens": _tokens_of(request.user),
        "section": "settings",
    }
    return render(request, "accounts/tokens.html", shown, status=200 if not form.errors else 422)


def _tokens_of(user: User) -> list[ApiToken]:
    return sorted(user.api_tokens.order_by("-created_at"), key=lambda token: token.state != "active")


@require_POST
def revoke_token(request: Request, token: int) -> HttpResponse:
    found = ApiToken.objects.filter(pk=token).first()
    if found is None:
        raise NotAllowed("revoke_token")
    actions.revoke_token(actor=request.user, token=found)
    messages.success(request, f"{found.name} opens nothing any more.")
    return redirect("accounts:tokens")


@require_POST
def change_password(request: Request) -> HttpResponse:
    form = PasswordForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Fill in both passwords.")
        return redirect("accounts:tokens")
    try:
        ended = actions.change_password(actor=request.user, **form.cleaned_data)
    except PortalError as refused:
        messages.error(request, refused.message)
    else:
        update_session_auth_hash(request, request.user)
        left = any(token.state == "active" for token in request.user.api_tokens.all())
        tokens = f" So have your {ended} API tokens." if ended > 1 else " So has your API token." if ended else ""
        tokens = " Your API tokens still work." if left else tokens
        messages.success(request, f"Your password is changed; other sessions have ended.{tokens}")
    return redirect("accounts:tokens")


@never_cache
@require_http_methods(["GET", "POST"])
def first_password(request: Request) -> HttpResponse:
    """After the first sign-in: a password of one's own, before anything else (portal.middleware.OwnPassword leads here)."""
    if not request.user.has_first_password:
        return redirect("home:home")
    form = FirstPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_password(actor=request.user, **form.cleaned_data)
        except PortalError as refused:
            form.add_error("old" if refused.code == "wrong-password" else "new", f"{refused.message} {refused.fix or ''}".strip())
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, "Your password is set. Welcome to Sluice.")
            return redirect("home:home")
    return render(request, "accounts/first_password.html", {"form": form}, status=422 if form.errors else 200)


# --- projects and their people ---------------------------------------------------------------------------------------


@require_POST
def switch_project(request: Request) -> HttpResponse:
    project = people.project_for_people(request.user, request.POST.get("project", ""))
    request.session[IN_USE] = project.slug
    return redirect("home:home")


@require_GET
def settings_page(request: Request, project: str) -> HttpResponse:
    """The first page of the settings."""
    return redirect("accounts:people", project=people.project_for_people(request.user, project).slug)


@require_GET
def people_page(request: Request, project: str) -> HttpResponse:
    return _people(request, people.project_for_people(request.user, project))


def _people(request: Request, project: Project, *, status: int = 200, **shown: object) -> HttpResponse:
    shown.setdefault("form", MemberForm(project, request.user))
    shown.setdefault("person_form", PersonForm())
    shown |= {
        "project": project,
        "members": people.members_of(project),
        "platform_admins": User.objects.filter(memberships__role=Role.PLATFORM_ADMIN).order_by("username"),
        "may_manage": policy.can(request.user, "manage_members", project),
        "may_create_people": policy.can(request.user, "manage_platform"),
        "roles": policy.role_table(),
        "section": "settings",
    }
    return render(request, "accounts/people.html", shown, status=status)


@require_POST
def add_member(request: Request, project: str) -> HttpResponse:
    found = policy.find(request.user, "manage_members", Project.objects.all(), slug=project)
    form = MemberForm(found, request.user, request.POST)
    if not form.is_valid():
        return _people(request, found, status=422, form=form)
    try:
        membership = actions.add_member(actor=request.user, project=found, **form.cleaned_data)
    except NotAllowed:
        raise
    except PortalError as refused:
        form.add_error(None, refused.message)
        return _people(request, found, status=refused.status, form=form)
    messages.success(request, f"{membership}.")
    return redirect("accounts:people", project=project)


@require_POST
def remove_member(request: Request, project: str, membership: int) -> HttpResponse:
    rows = policy.of_project(Membership.objects.select_related("user", "project"), people.project_for_people(request.user, project))
    found = policy.find(request.user, "manage_members", rows, pk=membership)
    try:
        actions.remove_member(actor=request.user, membership=found)
    except NotAllowed:
        raise
    except PortalError as refused:
        messages.error(request, f"{refused.message} {refused.fix or ''}")
    else:
        messages.success(
            request, f"{found.user.shown_name} is no longer {found.get_role_display()} in {found.environment or 'every environment'}."
        )
    return redirect("accounts:people", project=project)


@never_cache
@require_POST
def create_person(request: Request, project: str) -> HttpResponse:
    """The first password is shown in this answer and nowhere else."""
    found = policy.find(request.user, "manage_members", Project.objects.all(), slug=project)
    policy.require(request.user, "manage_platform")
    form = PersonForm(request.POST)
    if not form.is_valid():
        return _people(request, found, status=422, person_form=form)
    try:
        person, password = actions.create_person(actor=request.user, **form.cleaned_data)
    except PortalError as refused:
        form.add_error("username", refused.message)
        return _people(request, found, status=refused.status, person_form=form)
    return _people(request, found, made=person, password=password)
