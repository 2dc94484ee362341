"""Pages of connections and roots, for those who manage an environment."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.language.roots import DEFAULT
from portal.accounts import policy
from portal.accounts.people import project_for_people
from portal.environments import connections, folders, open_data
from portal.environments.connection_forms import FROM, PATH, ConnectionForm, RootForm, form_of, rotate_form
from portal.environments.models import Connection, ConnectionTest, Environment, Root
from portal.environments.reach import places_of
from portal.environments.views import find_environment, person_of
from portal.errors import NotAllowed, PortalError
from portal.locking import ChangedMeanwhile, edition_in
from portal.page_actions import COMPARE, attempt, refused, sentence

PAGE, LIST = "environments:connection", "environments:connections"
FIRST = "s3"
"""The kind that a new connection is of, until another one is chosen."""


@require_GET
def home(request: HttpRequest, project: str) -> HttpResponse:
    """To the first environment whose connections this person looks after."""
    place = project_for_people(person_of(request), project)
    policy.require(person_of(request), "manage_environment", place)
    first = policy.allowed(person_of(request), "manage_environment", place.environments.all()).first()
    if first is None:
        raise Http404
    return redirect(LIST, project, first.name)


@require_GET
def list_connections(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    return _list(request, find_environment(request, project, environment))


def _list(request: HttpRequest, found: Environment, *, root_form: RootForm | None = None, status: int = 200) -> HttpResponse:
    managed = policy.allowed(person_of(request), "manage_environment", found.project.environments.all())
    rows = found.connections.select_related("test__by").prefetch_related("versions__set_by", "roots")
    shown = {
        "project": found.project,
        "environment": found,
        "environments": managed,
        "connections": [{"row": row, "described": connections.stored(row), "version": _in_use(row), "test": test_of(row)} for row in rows],
        "roots": (roots := list(found.roots.select_related("connection", "environment__project", "test__by"))),
        "folder_roots": (in_folders := [root for root in roots if root.is_folder]),
        "troubles": list(filter(None, map(folders.trouble, in_folders))),
        "default_root": next((root for root in roots if root.is_default), None),
        "allowed": (below := folders.allowed(found)),
        "example": f"{below[0]}/archive" if below else "",
        "offered": folders.offered(found, person_of(request)),
        "root_form": root_form or RootForm(auto_id="root-%s"),
        "open_sets": open_data.not_yet_in(found),
        "section": "connections",
    }
    return render(request, "environments/connections.html", shown, status=status)


@require_POST
def add_open_data(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """A set of open data: connection and root at once."""
    found, name = find_environment(request, project, environment), request.POST.get("name", "")
    done = f"{name} is there: jobs read it as {name}:… – test it to see whether its owner lets everybody in."
    return attempt(
        request, lambda: open_data.add_open_data(actor=person_of(request), environment=found, name=name), done, LIST, project, environment
    )


@never_cache  # the button “back” would show what was typed
@require_http_methods(["GET", "POST"])
def add_connection(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    found = find_environment(request, project, environment)
    known = connections.kinds()
    kind = request.GET.get("kind") or FIRST
    if kind not in known:
        raise Http404
    form = form_of(kind, request.POST if request.method == "POST" else None, is_new=True, environment=found)
    if request.method == "POST" and form.is_valid():
        try:
            made = connections.add_connection(
                actor=person_of(request),
                environment=found,
                name=form.cleaned_data["name"],
                kind=kind,
                settings=form.settings,
                secrets=form.secrets,
                reference=form.reference,
            )
        except NotAllowed:
            raise
        except PortalError as refusal:
            form.refuse(refusal)
        else:
            messages.success(
                request, f"{made.name} is there." + (" Add a root on it, so that jobs can name it." if form.kind.has_roots else "")
            )
            return redirect(PAGE, project, environment, made.name)
    shown = {
        "project": found.project,
        "environment": found,
        "form": form,
        "kind": kind,
        "kinds": [_about(one) for one in known.values()],
        "section": "connections",
    }
    return render(request, "environments/new_connection.html", shown, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def edit_connection(request: HttpRequest, project: str, environment: str, connection: str) -> HttpResponse:
    """The page of one connection; POST changes where it leads and how it signs in."""
    found = _connection(request, project, environment, connection)
    if request.method == "GET":
        return _page(request, found)
    form = form_of(found.kind, request.POST, environment=found.environment)
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    try:
        connections.edit_connection(
            actor=person_of(request),
            connection=found,
            settings=form.settings,
            secrets=form.secrets,
            reference=form.reference,
            edition=edition_in(request.POST),
        )
    except NotAllowed:
        raise
    except ChangedMeanwhile as refusal:
        now = _connection(request, project, environment, connection)
        differs = [
            f"{form.fields[name].label}: {value}"
            for name, value in now.settings.items()
            if name in form.fields and value != form.settings.get(name)
        ]
        form.add_error(None, f"{refusal.message} {COMPARE}")
        return _page(request, now, form=form, meanwhile=differs, status=409)
    except PortalError as refusal:
        form.refuse(refusal)
        return _page(request, found, form=form, status=422)
    messages.success(request, f"{found.name} is changed; runs that begin from now on use it.")
    return redirect(PAGE, project, environment, connection)


@never_cache
@require_POST
def rotate_secret(request: HttpRequest, project: str, environment: str, connection: str) -> HttpResponse:
    found = _connection(request, project, environment, connection)
    form = rotate_form(found.kind, request.POST, environment=found.environment)
    if form.is_valid():
        minutes = form.cleaned_data["old_for_minutes"]
        try:
            made = connections.rotate_secret(
                actor=person_of(request), connection=found, secrets=form.secrets, reference=form.reference, old_for_minutes=minutes
            )
        except NotAllowed:
            raise
        except PortalError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"Runs that begin from now on sign in with {made}.")
            return redirect(PAGE, project, environment, connection)
    return _page(request, found, rotate=form, status=422)


@require_POST
def remove_connection(request: HttpRequest, project: str, environment: str, connection: str) -> HttpResponse:
    found = _connection(request, project, environment, connection)
    try:
        connections.remove_connection(actor=person_of(request), connection=found)
    except NotAllowed:
        raise
    except PortalError as refusal:
        refused(request, sentence(refusal))
        return redirect(PAGE, project, environment, connection)
    messages.success(request, f"{found.name} is removed, with what it signed in with.")
    return redirect(LIST, project, environment)


@require_POST
def add_root(request: HttpRequest, project: str, environment: str, connection: str) -> HttpResponse:
    found = _connection(request, project, environment, connection)
    form = RootForm(request.POST, auto_id="root-%s")
    if form.is_valid():
        try:
            connections.add_root(actor=person_of(request), environment=found.environment, connection=found.name, **form.cleaned_data)
        except NotAllowed:
            raise
        except PortalError as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, f"{form.cleaned_data['name']} is a root of {found.environment.name}.")
            return redirect(PAGE, project, environment, connection)
    return _page(request, found, root_form=form, status=422)


@require_POST
def add_folder_root(request: HttpRequest, project: str, environment: str) -> HttpResponse:
    """A root in a folder of this machine."""
    found, form = find_environment(request, project, environment), RootForm(request.POST, auto_id="root-%s")
    if form.is_valid():
        try:
            connections.add_root(actor=person_of(request), environment=found, connection="", **form.cleaned_data)
        except NotAllowed:
            raise
        except PortalError as refusal:
            form.add_error(None, sentence(refusal))
        else:
            messages.success(request, f"{form.cleaned_data['name']} is a root of {found.name}.")
            return redirect(LIST, project, environment)
    return _list(request, found, root_form=form, status=422)


@require_POST
def edit_root(request: HttpRequest, project: str, environment: str, root: str) -> HttpResponse:
    """What jobs may do there: the button beside a root. Of the root that needs no name also where it lies."""
    found = _root(request, project, environment, root)
    may_write, on = (
        request.POST.get("may_write") == "yes",
        request.POST.get("connection", found.connection.name if found.connection else ""),
    )
    words = "read and write" if may_write else "only read"
    return attempt(
        request,
        lambda: connections.edit_root(
            actor=person_of(request),
            root=found,
            connection=on,
            address=request.POST.get("address", found.address),
            may_write=may_write,
            edition=edition_in(request.POST),
        ),
        f"Jobs that begin from now on {words} at {found.name}.",
        *_back(found),
    )


@require_POST
def remove_root(request: HttpRequest, project: str, environment: str, root: str) -> HttpResponse:
    found = _root(request, project, environment, root)
    done = f"{found.name} is no root any more; what lies there stays."
    return attempt(request, lambda: connections.remove_root(actor=person_of(request), root=found), done, *_back(found))


def _back(root: Root) -> tuple[str, ...]:
    place = root.environment.project.slug, root.environment.name
    return (PAGE, *place, root.connection.name) if root.connection else (LIST, *place)


def _connection(request: HttpRequest, project: str, environment: str, name: str) -> Connection:
    rows = find_environment(request, project, environment).connections.select_related("environment__project")
    return policy.find(person_of(request), "manage_environment", rows, name=name)


def _root(request: HttpRequest, project: str, environment: str, name: str) -> Root:
    rows = find_environment(request, project, environment).roots.select_related("environment__project", "connection")
    return policy.find(person_of(request), "manage_environment", rows, name=name)


def _page(request: HttpRequest, found: Connection, *, status: int = 200, **shown: Any) -> HttpResponse:
    cls = CONNECTION_KINDS.get(found.kind)
    if cls is None:
        raise PortalError("The kind of this connection is not known here.", code="kind-unknown", status=409)
    shown.setdefault("form", form_of(found.kind, initial=found.settings, environment=found.environment))
    shown.setdefault("rotate", rotate_form(found.kind, environment=found.environment))
    shown.setdefault("root_form", RootForm(auto_id="root-%s"))
    described = connections.stored(found)
    try:
        shown["reached"] = places_of(found)
    except PortalError as wrong:
        shown["wrong"] = wrong
    shown |= {
        "project": found.environment.project,
        "environment": found.environment,
        "connection": found,
        "kind": _about(cls),
        "edition": found.edition,
        "signs_in": bool(described and described.needed_secrets()),
        "enters_secret": _enters_secret(shown["form"], found),
        "in_use": _in_use(found),
        "versions": found.versions.select_related("set_by"),
        "roots": found.roots.all(),
        "default_root": found.environment.roots.select_related("connection").filter(name=DEFAULT).first(),
        "elsewhere": _elsewhere(request, found),
        "test": test_of(found),
        "section": "connections",
    }
    return render(request, "environments/connection.html", shown, status=status)


def _about(cls: type[ConnectionKind]) -> dict[str, Any]:
    """For templates, which would call a class."""
    return {"kind": cls.kind, "title": cls.title, "icon": cls.icon, "has_roots": cls.has_roots}


def _enters_secret(form: ConnectionForm, found: Connection) -> bool:
    """Whether the form asks for what it signs in with: there is none, or it has to be entered again."""
    return not found.versions.filter(ends_at=None).exists() or any(name in form.errors for name in (FROM, PATH, *form.kind.secret_fields()))


def _in_use(found: Connection) -> Any:
    return next((version for version in found.versions.all() if version.ends_at is None), None)


def test_of(found: Connection) -> ConnectionTest | None:
    """The last one; None where it was never tested."""
    return getattr(found, "test", None)


def _elsewhere(request: HttpRequest, found: Connection) -> list[dict[str, Any]]:
    """The connection of this name in each environment, where this person may know of it."""
    rows: list[dict[str, Any]] = []
    for environment in Environment.objects.filter(project=found.environment.project).select_related("project"):
        may_see = policy.can(person_of(request), "manage_environment", environment)
        same = environment.connections.filter(name=found.name).first() if may_see else None
        described = connections.stored(same) if same else None
        rows.append({"environment": environment, "may_see": may_see, "connection": same, "where": described.where() if described else ""})
    return rows
