"""The piece of a page that tells what came of a test."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from portal.accounts import policy
from portal.connecting import actions
from portal.environments import connections
from portal.environments.connection_forms import FROM, ConnectionForm, form_of
from portal.environments.connection_views import FIRST
from portal.environments.models import Connection, Environment, RootTest
from portal.environments.views import find_environment, person_of
from portal.errors import NotAllowed, PortalError
from portal.page_actions import sentence


@require_POST
def test_new(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """A connection that is not saved yet, as its form says it."""
    kind = request.GET.get("kind") or FIRST
    if kind not in connections.kinds():
        raise Http404
    return _tested(request, find_environment(request, project, environment), kind, "new")


@require_POST
def test(request: HttpRequest, project: str, environment: str, connection: str) -> HttpResponse:
    """A connection as its form says it now: saved or not."""
    rows = find_environment(request, project, environment).connections.select_related("environment__project")
    found = policy.find(person_of(request), "manage_environment", rows, name=connection)
    if found.kind not in connections.kinds():
        raise Http404
    return _tested(request, found.environment, found.kind, "edit", found)


@require_POST
def test_root(request: HttpRequest, project: str, environment: str, root: str) -> HttpResponse:
    """A root in a folder of this machine."""
    rows = find_environment(request, project, environment).roots.select_related("environment__project", "connection")
    found = policy.find(person_of(request), "manage_environment", rows, name=root)
    try:
        shown: dict[str, Any] = {"outcome": actions.test_root(actor=person_of(request), root=found)}
    except NotAllowed:
        raise
    except PortalError as refusal:
        shown = {"wrong": [sentence(refusal)]}
    test = RootTest.objects.select_related("by", "root").filter(root=found).first()
    return render(request, "connecting/_root_test.html", {"root": found, "test": test, **shown}, status=422 if "wrong" in shown else 200)


def _tested(request: HttpRequest, environment: Environment, kind: str, form_id: str, found: Connection | None = None) -> HttpResponse:
    form = form_of(kind, request.POST)
    form.full_clean()
    if request.POST.get(FROM):
        form.add_error(None, "Save it first: what it signs in with lies elsewhere, and is read for connections that are saved only.")
    if form.errors:
        return _piece(request, form, form_id, wrong=_wrong(form), status=422)
    try:
        outcome = actions.test_connection(
            actor=person_of(request), environment=environment, kind=kind, settings=form.settings, secrets=form.secrets, connection=found
        )
    except NotAllowed:
        raise
    except PortalError as refusal:
        form.refuse(refusal)
        return _piece(request, form, form_id, wrong=_wrong(form), status=422, asks=found is not None)
    return _piece(request, form, form_id, outcome=outcome, found=found)


def _wrong(form: ConnectionForm) -> list[str]:
    """In a sentence each, with the field's label."""
    labels = {name: f"{field.label}: " for name, field in form.fields.items()}
    return [f"{labels.get(name, '')}{words}" for name, found in form.errors.items() for words in found]


def _piece(
    request: HttpRequest, form: ConnectionForm, form_id: str, *, status: int = 200, asks: bool = False, **shown: Any
) -> HttpResponse:
    """`asks`: the secret that has to be entered again is asked for here."""
    secrets = [one for one in form.secret_fields() if one.errors] if asks else []
    return render(request, "connecting/_test.html", {"form": form, "form_id": form_id, "asks": secrets, **shown}, status=status)
