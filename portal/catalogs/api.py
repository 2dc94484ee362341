"""API of what runs publish for other programs: the statement for Hive and Athena, and tables in catalogs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ListView, ProjectView
from portal.catalogs import actions
from portal.catalogs.models import Registration
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.jobs.actions import may_answer_for

TAGS = ["catalog"]


class StatementIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=600)
    name = serializers.CharField(max_length=128, required=False, default="", allow_blank=True, help_text="What the table is to be called.")
    database = serializers.CharField(max_length=128, required=False, default="", allow_blank=True)


class StatementOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    ddl = serializers.CharField(help_text="CREATE EXTERNAL TABLE …, with notes in lines that begin with --.")


class RegistrationOut(serializers.ModelSerializer[Registration]):
    uri = serializers.CharField(source="place.uri")
    catalog = serializers.CharField(source="connection.name", help_text="The connection that is the catalog.")
    database = serializers.SerializerMethodField()
    state = serializers.CharField(help_text="waiting, registered, failed or out (taken out)")
    problem = serializers.DictField(allow_null=True, help_text="Why it is not registered: code, message, fix.")

    class Meta:
        model = Registration
        fields = ["uri", "catalog", "database", "name", "state", "problem", "registered_at", "next_try_at", "tries"]

    def get_database(self, row: Registration) -> str:
        return str(row.connection.settings.get("database", ""))


class RegisterIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=600)
    catalog = serializers.CharField(max_length=60)
    name = serializers.CharField(
        max_length=128, required=False, default="", allow_blank=True, help_text="Another name for its table there."
    )


class TakeOutIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=600)
    catalog = serializers.CharField(max_length=60)


class _InEnvironment(ProjectView):
    def environment(self, action: str = "view") -> Environment:
        return self.find(Environment.objects.select_related("project"), action, name=self.kwargs["environment"])

    def require_right(self, action: str) -> None:
        environment = self.environment()
        if not may_answer_for(self.person, action, environment):
            raise NotAllowed(action, environment)


class OfPlace(_InEnvironment):
    scope = "read"
    waits = True

    @extend_schema(summary="The statement for Hive and Athena", request=StatementIn, responses=StatementOut, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        """CREATE EXTERNAL TABLE of what a job has published, for who may see its data."""
        found = self.environment("view_data")
        return Response(StatementOut(actions.statement(self.person, found, **self.taken(StatementIn))).data)


class Registrations(_InEnvironment, ListView):
    """What is registered in the catalogs of an environment, or is to be."""

    serializer_class = RegistrationOut
    ordering = "pk"
    changes = actions.RIGHT

    def get_queryset(self) -> QuerySet[Registration]:
        found = self.visible(Registration.objects.select_related("place", "connection"))
        return found.filter(place__environment__name=self.kwargs.get("environment"))

    @extend_schema(summary="Register again", request=RegisterIn, responses={202: RegistrationOut}, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Has a place registered in a catalog within seconds, under its name or another."""
        found = actions.register(actor=self.person, environment=self.environment(), **self.taken(RegisterIn))
        return Response(RegistrationOut(found).data, status=202)


class TakeOut(_InEnvironment):
    changes = actions.RIGHT

    @extend_schema(summary="Take a table out of a catalog", request=TakeOutIn, responses={202: RegistrationOut}, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Its data stay, and so it stays out until it is registered again."""
        found = actions.take_out(actor=self.person, environment=self.environment(), **self.taken(TakeOutIn))
        return Response(RegistrationOut(found).data, status=202)


_ENVIRONMENT = "projects/<slug:project>/environments/<slug:environment>"
urlpatterns = [
    path(_ENVIRONMENT + "/places/statement", OfPlace.as_view()),
    path(_ENVIRONMENT + "/registrations/", Registrations.as_view()),
    path(_ENVIRONMENT + "/registrations/take-out", TakeOut.as_view()),
]
