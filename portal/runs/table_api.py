"""API of tables of databases: those in which runs have published in an environment, and putting back what was there before."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.jobs.actions import may_answer_for
from portal.runs import actions
from portal.runs.models import DatabaseTable
from portal.runs.published_tables import is_known


class DatabaseTableOut(serializers.ModelSerializer[DatabaseTable]):
    environment = serializers.CharField(source="environment.name")
    uri = serializers.CharField(help_text="connection:table, as runs say where they have written.")
    job = serializers.CharField(source="job.name", default=None, help_text="Whose run last published there.")
    last_run = serializers.UUIDField(source="last_run_id", allow_null=True)
    kept = serializers.SerializerMethodField(help_text="What can be put back: nothing, or one earlier state.")

    class Meta:
        model = DatabaseTable
        fields = ["environment", "uri", "job", "last_run", "published_at", "kept"]

    def get_kept(self, table: DatabaseTable) -> list[dict[str, Any]]:
        return table.kept if is_known(table) else []


class DatabaseTables(ProjectView, ListView):
    """Tables of databases in which runs have published in one environment."""

    serializer_class = DatabaseTableOut
    ordering = "pk"

    def get_queryset(self) -> QuerySet[DatabaseTable]:
        found = self.visible(DatabaseTable.objects.select_related("environment", "job"))
        return found.filter(environment__name=self.kwargs.get("environment"))


class PutBackRowsIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=500, help_text="connection:table")
    kept = serializers.CharField(max_length=40, help_text="The `id` of what the table keeps.")


class PutBackRows(ProjectView):
    scope = "run"
    changes = "put_back_output"
    waits = True

    def require_right(self, action: str) -> None:
        environment = self.find(Environment.objects.select_related("project"), name=self.kwargs["environment"])
        if not may_answer_for(self.person, action, environment):
            raise NotAllowed(action, environment)

    @extend_schema(summary="Put back what was in a table of a database", request=PutBackRowsIn, responses=DatabaseTableOut)
    def post(self, request: Request, project: str, environment: str) -> Response:
        """In one transaction; what lies there now is kept in turn. 409 while a run works that writes there, where it is no longer kept,
        and where somebody has changed the rows since."""
        given = self.taken(PutBackRowsIn)
        connection, _, name = given["uri"].partition(":")
        tables = DatabaseTable.objects.select_related("environment__project", "job").filter(environment__name=environment)
        table = self.find(tables, connection=connection, name=name)
        return Response(DatabaseTableOut(actions.put_back_rows(actor=self.person, table=table, kept_id=given["kept"])).data)


_TABLES = "projects/<slug:project>/environments/<slug:environment>/database-tables/"
urlpatterns = [path(_TABLES, DatabaseTables.as_view()), path(_TABLES + "put-back", PutBackRows.as_view())]
