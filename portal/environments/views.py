"""Settings pages of environments, compute profiles and new projects."""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.accounts.people import project_for_people
from portal.environments import actions, backends, parameters, references, secrets
from portal.environments.forms import ComputeForm, EnvironmentForm, ProjectForm, differences, rows_in, rows_of
from portal.environments.models import ComputeProfile, Environment
from portal.errors import NotAllowed, PortalError
from portal.locking import ChangedMeanwhile, edition_in
from portal.page_actions import COMPARE


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)


@require_GET
def list_environments(request: HttpRequest, project: str) -> HttpResponse:
    return _list(request, project_for_people(person_of(request), project))


def _list(request: HttpRequest, project: Project, *, status: int = 200, **shown: Any) -> HttpResponse:
    user = person_of(request)
    rows = project.environments.select_related("compute", "project").prefetch_related("secrets")
    shown.setdefault("compute_form", ComputeForm())
    shown |= {
        "project": project,
        "environments": [(environment, policy.can(user, "manage_environment", environment)) for environment in rows],
        "profiles": ComputeProfile.objects.order_by("name"),
        "may_manage_platform": policy.can(user, "manage_platform"),
        "section": "settings",
    }
    return render(request, "environments/list.html", shown, status=status)


def _rules_of(found: Environment) -> dict[str, Any]:
    return {"compute": found.compute, "approvals_needed": found.approvals_needed, "upload_roles": found.uploaders}


def find_environment(request: HttpRequest, project: str, name: str) -> Environment:
    place = project_for_people(person_of(request), project)
    rows = Environment.objects.select_related("compute", "project").filter(project=place)
    return policy.find(person_of(request), "manage_environment", rows, name=name)


def _shown(environment: Environment) -> dict[str, Any]:
    managers = backends.offered_to(environment)
    return {
        "project": environment.project,
        "environment": environment,
        "form": EnvironmentForm(initial=_rules_of(environment)),
        "rows": rows_of(environment),
        "kinds": parameters.KINDS,
        "secrets": environment.secrets.select_related("set_by"),
        "managers": managers,
        "with_manager": json.dumps({"reference_backend": [one.name for one in managers]}),
        "section": "settings",
    }


@never_cache  # the button “back” would show what was typed as a secret
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    found = find_environment(request, project, environment)
    form = EnvironmentForm(request.POST or None, initial=_rules_of(found))
    edition = edition_in(request.POST) or found.edition
    shown = _shown(found) | {"form": form, "edition": edition}
    if request.method == "POST" and form.is_valid():
        try:
            given = parameters.read_rows(rows_in(request.POST))
            actions.edit_environment(actor=person_of(request), environment=found, parameters=given, edition=edition, **form.cleaned_data)
        except NotAllowed:
            raise
        except ChangedMeanwhile as refused:
            now = find_environment(request, project, environment)
            shown |= {
                "problems": [{"message": refused.message, "fix": COMPARE}],
                "rows": _typed(rows_in(request.POST)),
                "edition": now.edition,
            }
            shown["meanwhile"] = differences(now, form.cleaned_data | {"parameters": given})
            return render(request, "environments/edit.html", shown, status=409)
        except PortalError as refused:
            shown |= {
                "problems": refused.problems or [{"message": refused.message, "fix": refused.fix}],
                "rows": _typed(rows_in(request.POST)),
            }
            return render(request, "environments/edit.html", shown, status=422)
        messages.success(request, f"{found.name} is changed; runs that begin from now on use it.")
        return redirect("environments:list", project=project)
    return render(request, "environments/edit.html", shown, status=422 if form.errors else 200)


def _typed(rows: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "kind": kind, "text": text} for name, kind, text in rows]


@never_cache
@require_POST
def set_secret(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    found = find_environment(request, project, environment)
    name, lies_in = request.POST.get("name", "").strip(), _reference_in(request)
    given = {"reference": lies_in} if lies_in else {"value": request.POST.get("value", "")}
    try:
        secrets.set_secret(actor=person_of(request), environment=found, name=name, **given)
    except NotAllowed:
        raise
    except PortalError as refused:
        return render(
            request,
            "environments/edit.html",
            _shown(found) | {"secret_problem": refused, "secret_name": name, "lies_in": lies_in},
            status=422,
        )
    messages.success(request, f"The secret {name} is set in {found.name}; runs that begin from now on use it.")
    return redirect("environments:edit", project=project, environment=environment)


def _reference_in(request: HttpRequest) -> dict[str, Any] | None:
    backend, path, field = (request.POST.get(f"reference_{name}", "").strip() for name in ("backend", "path", "field"))
    return {"backend": backend, "path": path, "fields": {references.VALUE: field}} if backend else None


@require_POST
def remove_secret(request: HttpRequest, project: str, environment: str, name: str) -> HttpResponse:
    found = find_environment(request, project, environment)
    secrets.remove_secret(actor=person_of(request), environment=found, name=name)
    messages.success(request, f"The secret {name} is removed; jobs that need it no longer start in {found.name}.")
    return redirect("environments:edit", project=project, environment=environment)


@require_POST
def save_compute(request: HttpRequest, project: str) -> HttpResponse:
    place = project_for_people(person_of(request), project)
    policy.require(person_of(request), "manage_platform")
    form = ComputeForm(request.POST)
    if form.is_valid():
        try:
            profile = actions.save_compute_profile(actor=person_of(request), **form.cleaned_data)
        except PortalError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, f"The compute profile {profile.name} is saved.")
            return redirect("environments:list", project=project)
    return _list(request, place, status=422, compute_form=form)


@require_http_methods(["GET", "POST"])
def create_project(request: HttpRequest) -> HttpResponse:
    """Below no project: the first one is made here too."""
    policy.require(person_of(request), "manage_platform")
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.create_project(actor=person_of(request), **form.cleaned_data)
        except PortalError as refused:
            form.add_error("slug", refused.message)
        else:
            messages.success(
                request, f"{made.name} is there, with dev, test and prod, and you are its environment admin. Give other people roles in it."
            )
            return redirect("accounts:people", project=made.slug)
    status = 422 if form.errors else 200
    return render(request, "environments/new_project.html", {"form": form, "section": "settings"}, status=status)
