"""What the API views of all apps share. A recipe:

    class JobOut(serializers.Serializer): ...              # what is sent; fields with help_text
    class JobIn(serializers.Serializer): ...               # what is taken

    class Jobs(ProjectView, ListView):                     # /api/v1/projects/<project>/jobs/
        serializer_class = JobOut
        ordering = "name"                                  # a cursor page's order; default newest first by created_at

        def get_queryset(self):
            return self.visible(Job.objects.all())         # of this project, and what the person may view

        @extend_schema(summary="Make a job", request=JobIn, responses={201: JobOut})
        def post(self, request, project):
            job = actions.create_job(actor=self.person, project=self.project, **self.taken(JobIn))
            return Response(JobOut(job).data, status=201)

    class RunCancel(ProjectView):                          # /api/v1/projects/<project>/runs/<run>/cancel
        scope = "run"                                # scope a token needs for POST, PUT, PATCH, DELETE; None: no token will do

        @extend_schema(summary="Cancel a run", request=None, responses={200: RunOut})
        def post(self, request, project, run):
            run = self.find(Run.objects.all(), pk=run)     # 404 for unknown and for forbidden; the latter is audited
            actions.cancel_run(actor=self.person, run=run)
            return Response(RunOut(run).data)

Raise PortalError, Conflict, NotAllowed or ProblemError; the answer becomes problem+json. Every POST understands Idempotency-Key.
List the paths in the app's api.py as `urlpatterns` (paths end with a slash only where they are lists).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from portal import idempotency
from portal.accounts import policy
from portal.accounts.models import ApiToken, Project, User
from portal.errors import PortalError

M = TypeVar("M", bound=Model)
MOST_NAMED = 5
"""Of the fields that nobody knows."""


def refuse_unknown(given: Any, known: Collection[str]) -> None:
    """Raises PortalError for fields that are not known. What is no object is for the serializer to refuse."""
    unknown = [name for name in given if name not in known] if isinstance(given, Mapping) else []
    if unknown:
        named = ", ".join(f"“{name[:60]}”" for name in unknown[:MOST_NAMED])
        raise PortalError(
            f"{named} is no field here; nothing was done." if len(unknown) == 1 else f"{named} are no fields here; nothing was done.",
            code="unknown-field",
            fix=f"There are: {', '.join(known)}.",
            problems=[
                {"code": "unknown-field", "field": name[:60], "message": "This field is not known here."} for name in unknown[:MOST_NAMED]
            ],
        )


class ApiView(GenericAPIView):
    """Any API view: token scopes, Idempotency-Key, and the person who asks."""

    scope: str | None = "write"
    """What a token needs for methods that change something; None where only a signed-in person will do."""
    remembers_answers = True
    """False where the answer holds a secret that must not be kept for Idempotency-Key."""
    waits = False
    """Whether a POST waits for other programs, so that the database must not wait for it."""
    changes: str | None = None
    """What the person must be able to do to send anything here (POST, PUT, PATCH, DELETE); asked before a word about what was sent, which
    could tell who or what there is. The action asks again, of the very thing that is meant."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._check_scope(request)
        if self.changes and request.method not in SAFE_METHODS:
            self.require_right(self.changes)
        key = request.headers.get("Idempotency-Key")
        handler = getattr(self, "post", None)
        if key and request.method == "POST" and self.remembers_answers and handler:
            self.__dict__["post"] = idempotency.once(handler, key, waits=self.waits)  # of this instance, which answers this request only

    def require_right(self, action: str) -> None:
        """Raises NotAllowed. For views whose right hangs on more than their address."""
        policy.require(self.person, action)

    def _check_scope(self, request: Request) -> None:
        if not isinstance(request.auth, ApiToken):
            return
        needed = "read" if request.method in SAFE_METHODS else self.scope
        if needed is None:
            raise PermissionDenied("This cannot be done with an API token; a person must be signed in.", code="not-with-a-token")
        if needed not in request.auth.scopes:
            raise PermissionDenied(f"This API token may not {needed}. Make one with the scope “{needed}”.", code="token-scope")

    @property
    def person(self) -> User:
        """Who asks; known, since strangers were refused."""
        return cast(User, self.request.user)

    def taken(self, kind: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The checked values of the request's body. A wrong one is answered with 422 and every problem, a field that nobody knows with 400:
        left out without a word, misspelled `parameters` would start a run with other values than were meant."""
        read = kind(data=self.request.data, **options)
        refuse_unknown(self.request.data, [name for name, field in read.fields.items() if not field.read_only])
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)


class ListView(ListModelMixin, ApiView):
    """GET answers cursor pages of `get_queryset()` through `serializer_class`."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)


class ProjectView(ApiView):
    """A view below /projects/<project>/."""

    needs = "view"
    """What the person must be able to do in the project to be here at all."""
    in_lowest = False
    """Whether `changes` is asked in the lowest environment; else in the one that the address names, or somewhere in the project."""

    @cached_property
    def project(self) -> Project:
        return policy.find(self.person, self.needs, Project.objects.all(), slug=self.kwargs["project"])

    def visible(self, queryset: QuerySet[M], action: str = "view") -> QuerySet[M]:
        """The rows of this project for which the person may do `action`."""
        if getattr(self, "swagger_fake_view", False):  # the schema is being drawn: there is no request
            return queryset.none()
        return policy.allowed(self.person, action, policy.of_project(queryset, self.project))

    def find(self, queryset: QuerySet[M], action: str = "view", **names: Any) -> M:
        """One row of this project. Unknown and forbidden are the same 404; the forbidden is audited."""
        return policy.find(self.person, action, policy.of_project(queryset, self.project), **names)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        _ = self.project  # refuse strangers before anything is looked at

    def require_right(self, action: str) -> None:
        name = self.kwargs.get("environment")
        if self.in_lowest:
            name = self.project.environments.order_by("rank").values_list("name", flat=True).first()
        policy.require(self.person, action, self.project, environment=name)
