"""API of environments: the same actions as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import people
from portal.accounts.api import ProjectOut
from portal.accounts.models import Project, slug_validator
from portal.api_base import ListView, ProjectView
from portal.environments import actions, secrets
from portal.environments.models import UPLOAD_ROLES, ComputeProfile, Environment, Secret
from portal.locking import EDITION_SIGNS


class ComputeProfileOut(serializers.ModelSerializer[ComputeProfile]):
    class Meta:
        model = ComputeProfile
        fields = ["name", "cores", "memory_mb", "shuffle_partitions", "time_limit_minutes"]


class ComputeProfileIn(ComputeProfileOut):
    class Meta(ComputeProfileOut.Meta):
        extra_kwargs: dict[str, Any] = {
            "name": {"validators": [slug_validator]},  # and not that it is new: an existing name changes that profile
            **{figure: {"min_value": least, "max_value": most} for figure, (least, most) in actions.LIMITS.items()},
        }


class EnvironmentOut(serializers.ModelSerializer[Environment]):
    compute = serializers.SlugRelatedField[ComputeProfile](slug_field="name", read_only=True)
    parameters = serializers.DictField(help_text="Name → value, for every job that runs here.")
    upload_roles = serializers.ListField(
        child=serializers.CharField(), source="uploaders", help_text="Roles that may bring and change data here by hand."
    )

    edition = serializers.CharField(read_only=True, help_text="Another one after each change; send it with yours.")

    class Meta:
        model = Environment
        fields = ["name", "rank", "allows_drafts", "approvals_needed", "parameters", "compute", "upload_roles", "edition"]


class EnvironmentIn(serializers.Serializer[Environment]):
    """What is left out stays as it is."""

    parameters = serializers.DictField(required=False)
    compute = serializers.SlugRelatedField(slug_field="name", queryset=ComputeProfile.objects.all(), required=False)
    approvals_needed = serializers.IntegerField(required=False, min_value=1, max_value=actions.MOST_APPROVALS)
    upload_roles = serializers.ListField(child=serializers.ChoiceField(choices=UPLOAD_ROLES), required=False)
    edition = serializers.CharField(
        max_length=EDITION_SIGNS, required=False, help_text="The one you read: 409 where somebody has changed it since."
    )


class ProjectIn(serializers.Serializer[Project]):
    slug = serializers.CharField(max_length=60, validators=[slug_validator])
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    as_author = serializers.BooleanField(required=False, default=False, help_text="Whether you write jobs in it, too.")


class Projects(ListView):
    """The projects the person has a role in, and those whose members they manage."""

    serializer_class = ProjectOut
    ordering = "slug"
    changes = "manage_platform"

    def get_queryset(self) -> QuerySet[Project]:
        return people.projects_of(self.person)

    @extend_schema(summary="Make a project", request=ProjectIn, responses={201: ProjectOut}, tags=["projects"])
    def post(self, request: Request) -> Response:
        made = actions.create_project(actor=self.person, **self.taken(ProjectIn))
        return Response(ProjectOut(made).data, status=201)


class Environments(ProjectView, ListView):
    """The environments of a project, the lowest first."""

    serializer_class = EnvironmentOut
    ordering = "rank"

    def get_queryset(self) -> QuerySet[Environment]:
        return self.visible(Environment.objects.select_related("compute"))


class EnvironmentDetail(ProjectView):
    changes = "manage_environment"

    @extend_schema(summary="One environment", responses=EnvironmentOut, tags=["environments"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        return Response(EnvironmentOut(self._environment(environment)).data)

    @extend_schema(summary="Change an environment", request=EnvironmentIn, responses=EnvironmentOut, tags=["environments"])
    def patch(self, request: Request, project: str, environment: str) -> Response:
        found = self._environment(environment)
        given = {
            "parameters": found.parameters,
            "compute": found.compute,
            "approvals_needed": found.approvals_needed,
            "edition": found.edition,
            **self.taken(EnvironmentIn),
        }
        return Response(EnvironmentOut(actions.edit_environment(actor=self.person, environment=found, **given)).data)

    def _environment(self, name: str) -> Environment:
        return self.find(Environment.objects.select_related("compute", "project"), name=name)


class Reference(serializers.Serializer[Any]):
    """Where a secret lies that Sluice does not keep: names only. It is read when a run begins."""

    backend = serializers.CharField(max_length=40, help_text="A secret manager that whoever runs Sluice has set.")
    path = serializers.CharField(max_length=400, help_text="Below what this environment may name there.")
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(max_length=128, allow_blank=True),
        required=False,
        help_text="Secret field → field there; the same name where nothing is said, and all that lies there where it is empty.",
    )


class SecretOut(serializers.ModelSerializer[Secret]):
    set_by = serializers.CharField(source="set_by.shown_name")
    reference = Reference(read_only=True, allow_null=True)

    class Meta:
        model = Secret
        fields = ["name", "reference", "set_by", "set_at"]


class SecretIn(serializers.Serializer[Secret]):
    value = serializers.CharField(
        max_length=secrets.LONGEST, min_length=secrets.SHORTEST, trim_whitespace=False, write_only=True, required=False
    )
    reference = Reference(required=False, help_text="Instead of a value; its one field is “value”, and all that lies there without.")


class OfEnvironment(ProjectView):
    """A view below …/environments/<environment>/."""

    def environment(self) -> Environment:
        return self.find(Environment.objects.select_related("project"), name=self.kwargs["environment"])


class Secrets(OfEnvironment):
    @extend_schema(summary="Secrets of an environment", responses=SecretOut(many=True), tags=["environments"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        """Names only: no request gives the value of a secret."""
        return Response(SecretOut(self.environment().secrets.select_related("set_by"), many=True).data)


class SecretDetail(OfEnvironment):
    changes = "manage_environment"

    @extend_schema(summary="Set or replace a secret", request=SecretIn, responses=SecretOut, tags=["environments"])
    def put(self, request: Request, project: str, environment: str, name: str) -> Response:
        given = self.taken(SecretIn)
        return Response(SecretOut(secrets.set_secret(actor=self.person, environment=self.environment(), name=name, **given)).data)

    @extend_schema(summary="Remove a secret", request=None, responses={204: None}, tags=["environments"])
    def delete(self, request: Request, project: str, environment: str, name: str) -> Response:
        secrets.remove_secret(actor=self.person, environment=self.environment(), name=name)
        return Response(status=204)


class ComputeProfiles(ListView):
    """How much machine a run can get."""

    serializer_class = ComputeProfileOut
    ordering = "name"
    changes = "manage_platform"

    def get_queryset(self) -> QuerySet[ComputeProfile]:
        return ComputeProfile.objects.all()

    @extend_schema(
        summary="Make or change a compute profile", request=ComputeProfileIn, responses={200: ComputeProfileOut}, tags=["environments"]
    )
    def post(self, request: Request) -> Response:
        profile = actions.save_compute_profile(actor=self.person, **self.taken(ComputeProfileIn))
        return Response(ComputeProfileOut(profile).data)


_ENVIRONMENT = "projects/<slug:project>/environments/<slug:environment>"
urlpatterns = [
    path("projects/", Projects.as_view()),
    path("compute-profiles/", ComputeProfiles.as_view()),
    path("projects/<slug:project>/environments/", Environments.as_view()),
    path(_ENVIRONMENT, EnvironmentDetail.as_view()),
    path(_ENVIRONMENT + "/secrets", Secrets.as_view()),
    path(_ENVIRONMENT + "/secrets/<str:name>", SecretDetail.as_view()),
]
