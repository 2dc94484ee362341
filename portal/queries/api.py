"""API of queries: which tables there are under which names, asking, taking the rows home, and queries that people keep."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import policy
from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.queries import actions
from portal.queries.answers import answer
from portal.queries.asking import TYPES, Query
from portal.queries.files import file_of
from portal.queries.models import PastQuery, QueryVersion, SavedQuery
from portal.queries.names import Names
from portal.queries.shaping import HOW, Filter, Shape
from portal.queries.tables import tables_to_show
from portal.runs.download_api import FILE, SAID, DownloadIn
from portal.runs.draft_api import PreviewOut, refused
from portal.runs.preview_views import MOST_ROWS

READS = """Each table is read in full, never a sample; nothing is written. Tables are called by their places: `curated/daily_delays` is
curated_daily_delays, `raw/flights.csv` is raw_flights (and raw_flights_csv)."""


class ParameterIn(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=TYPES, required=False, default="string")
    value = serializers.JSONField(required=False, allow_null=True, default=None, help_text="A text, number or boolean.")


class FilterIn(serializers.Serializer[Any]):
    column = serializers.CharField(max_length=1000)
    how = serializers.ChoiceField(choices=HOW)
    value = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True, trim_whitespace=False)


class AskedIn(serializers.Serializer[Any]):
    sql = serializers.CharField(allow_blank=True, trim_whitespace=False, help_text="One query, Spark SQL. `${name}` is a parameter.")
    parameters = serializers.DictField(child=ParameterIn(), required=False, default=dict)

    @staticmethod
    def query(taken: dict[str, Any], **more: Any) -> Query:
        return Query(taken["sql"], taken["parameters"], **more)


class QueryIn(AskedIn):
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=MOST_ROWS)
    order = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True, help_text="A column of the result.")
    descending = serializers.BooleanField(required=False, default=False)
    filters = FilterIn(many=True, required=False, default=list)

    @staticmethod
    def query(taken: dict[str, Any], **more: Any) -> Query:
        filters = tuple(Filter(**one) for one in taken["filters"])
        return AskedIn.query(taken, shape=Shape(taken["order"], taken["descending"], filters), rows=taken["rows"])


class QueryDownloadIn(QueryIn, DownloadIn):
    name = serializers.CharField(max_length=80, required=False, default="query", help_text="What the file is called.")


class ReadingOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    uri = serializers.CharField()
    words = serializers.CharField(help_text="How it is read: with which types.")
    questions = serializers.ListField(
        child=serializers.CharField(), help_text="What the file leaves open; the columns in question are text until somebody answers."
    )
    remarks = serializers.ListField(child=serializers.CharField(), help_text="What a look takes for granted, and nobody has said.")


class AnswerOut(PreviewOut):
    tables = ReadingOut(many=True)
    total_rows = serializers.IntegerField(allow_null=True, help_text="Null where there are more rows than are shown.")


class QueryTableOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="In SQL; empty where another table would have the same name.")
    uri = serializers.CharField(source="table.uri")
    kind = serializers.CharField(source="table.kind")


class QueryTablesOut(serializers.Serializer[Any]):
    tables = QueryTableOut(many=True)
    warnings = serializers.ListField(child=serializers.CharField(), help_text="which roots do not answer, and what else is not listed")


class SavedQueryIn(AskedIn):
    name = serializers.CharField(max_length=80)
    is_shared = serializers.BooleanField(required=False, default=False)
    chart = serializers.DictField(required=False, default=dict, help_text='{"kind": line, bar or scatter, "x", "y": [columns], "by"}')


class SavedQueryChangeIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, required=False)
    is_shared = serializers.BooleanField(required=False)


class QueryVersionIn(AskedIn):
    base = serializers.IntegerField(min_value=1, help_text="The version that yours was made from.")
    chart = serializers.DictField(required=False, default=dict)


class QueryVersionOut(serializers.ModelSerializer[QueryVersion]):
    saved_by = serializers.CharField(source="saved_by.username")

    class Meta:
        model = QueryVersion
        fields = ["number", "sql", "parameters", "chart", "saved_by", "saved_at"]


class SavedQueryOut(serializers.ModelSerializer[SavedQuery]):
    owner = serializers.CharField(source="owner.username")
    owner_name = serializers.CharField(source="owner.shown_name")

    class Meta:
        model = SavedQuery
        fields = ["id", "name", "owner", "owner_name", "is_shared", "number", "created_at"]


class SavedQueryWholeOut(SavedQueryOut):
    version = serializers.SerializerMethodField(help_text="Its latest version.")

    class Meta(SavedQueryOut.Meta):
        fields = [*SavedQueryOut.Meta.fields, "version"]

    @extend_schema(responses=QueryVersionOut)
    def get_version(self, saved: SavedQuery) -> dict[str, Any]:
        return dict(QueryVersionOut(saved.versions.select_related("saved_by").get(number=saved.number)).data)


class PastQueryOut(serializers.ModelSerializer[PastQuery]):
    class Meta:
        model = PastQuery
        fields = ["id", "sql", "parameters", "tables", "outcome", "problem", "rows", "is_complete", "duration_ms", "created_at"]


class _Asks(ProjectView):
    scope = "read"
    changes = "view_data"
    remembers_answers = False  # they are rows of the data

    def environment(self) -> Environment:
        environments = Environment.objects.select_related("project", "compute")
        return self.find(environments, "view_data", name=self.kwargs["environment"])


class QueryTables(_Asks):
    @extend_schema(summary="The tables that a query may read", responses={200: QueryTablesOut}, tags=["queries"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        listing = tables_to_show(self.environment())
        return Response(QueryTablesOut({"tables": Names(listing.tables).all, "warnings": listing.warnings}).data)


class RunQuery(_Asks):
    @extend_schema(summary="Ask a query", description=READS, request=QueryIn, responses={200: AnswerOut}, tags=["queries"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        query = QueryIn.query(self.taken(QueryIn))
        return Response(AnswerOut(_answer_to(self, query)).data)


def _answer_to(view: _Asks, query: Query) -> dict[str, Any]:
    """The rows, and how each table was read. Raises PortalError with every problem."""
    place = view.environment()

    @async_to_sync
    async def events() -> list[dict[str, Any]]:
        async with aclosing(answer(view.person, place, query)) as found:
            return [event async for event in found]

    said = events()
    if said[-1].get("event") != "rows":
        raise refused([event["problem"] for event in said if event.get("problem")])
    tables = next(event["tables"] for event in said if event["event"] == "reading")
    warnings = [
        warning | {"stage": event.get("stage")}
        for event in said
        if event.get("event") == "stage_finished" and isinstance(event.get("details"), dict)
        for warning in event["details"].get("warnings", [])
    ]
    values = [event for event in said if event.get("event") == "value_warnings"]
    return said[-1] | {"tables": tables, "warnings": warnings, "values": values}


class DownloadQuery(_Asks):
    @extend_schema(
        summary="Download the rows of a query", description=f"{READS} {SAID}", request=QueryDownloadIn, responses=FILE, tags=["queries"]
    )
    def post(self, request: Request, project: str, environment: str) -> HttpResponseBase:
        taken = self.taken(QueryDownloadIn)
        return async_to_sync(file_of)(self.person, self.environment(), QueryIn.query(taken), taken["form"], taken["name"])


class History(_Asks, ListView):
    serializer_class = PastQueryOut

    def get_queryset(self) -> QuerySet[PastQuery]:
        own = PastQuery.objects.filter(environment__name=self.kwargs["environment"], person=self.request.user.pk)
        return self.visible(own, "view_data")

    @extend_schema(summary="Your last queries", tags=["queries"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class SavedQueries(ProjectView, ListView):
    serializer_class = SavedQueryOut
    changes = "save_query"

    def get_queryset(self) -> QuerySet[SavedQuery]:
        if getattr(self, "swagger_fake_view", False):
            return SavedQuery.objects.none()
        return policy.of_project(SavedQuery.objects.shown_to(self.person), self.project).select_related("owner")

    @extend_schema(summary="Queries that you or others keep", tags=["queries"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(summary="Keep a query", request=SavedQueryIn, responses={201: SavedQueryWholeOut}, tags=["queries"])
    def post(self, request: Request, project: str) -> Response:
        taken = self.taken(SavedQueryIn)
        saved = actions.save_query(
            actor=self.person,
            project=self.project,
            name=taken["name"],
            query=AskedIn.query(taken),
            chart=taken["chart"],
            is_shared=taken["is_shared"],
        )
        return Response(SavedQueryWholeOut(saved).data, status=201)


class _OfSaved(ProjectView):
    changes = "save_query"

    def saved(self, query: UUID) -> SavedQuery:
        """Unknown, somebody else's and not to be seen are the same 404."""
        shown = SavedQuery.objects.filter(pk__in=SavedQuery.objects.shown_to(self.person).values("pk"))
        return self.find(shown.select_related("project", "owner"), "view_data", pk=query)


class OneSavedQuery(_OfSaved):
    @extend_schema(summary="One query that is kept", responses={200: SavedQueryWholeOut}, tags=["queries"])
    def get(self, request: Request, project: str, query: UUID) -> Response:
        return Response(SavedQueryWholeOut(self.saved(query)).data)

    @extend_schema(summary="Rename or share a query", request=SavedQueryChangeIn, responses={200: SavedQueryWholeOut}, tags=["queries"])
    def patch(self, request: Request, project: str, query: UUID) -> Response:
        """Only its owner may."""
        saved, taken = self.saved(query), self.taken(SavedQueryChangeIn)
        if "name" in taken:
            saved = actions.rename_query(actor=self.person, saved=saved, name=taken["name"])
        if "is_shared" in taken:
            saved = actions.share_query(actor=self.person, saved=saved, is_shared=taken["is_shared"])
        return Response(SavedQueryWholeOut(saved).data)

    @extend_schema(summary="Delete a query that is kept", responses={204: None}, tags=["queries"])
    def delete(self, request: Request, project: str, query: UUID) -> Response:
        """With all its versions. Only its owner may."""
        actions.delete_query(actor=self.person, saved=self.saved(query))
        return Response(status=204)


class QueryVersions(_OfSaved, ListView):
    serializer_class = QueryVersionOut
    ordering = "-number"

    def get_queryset(self) -> QuerySet[QueryVersion]:
        if getattr(self, "swagger_fake_view", False):
            return QueryVersion.objects.none()
        return QueryVersion.objects.filter(query=self.saved(self.kwargs["query"])).select_related("saved_by")

    @extend_schema(summary="Versions of a query, the latest first", tags=["queries"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(summary="Save a new version", request=QueryVersionIn, responses={201: SavedQueryWholeOut}, tags=["queries"])
    def post(self, request: Request, project: str, query: UUID) -> Response:
        """Refused with 409 where there is a newer version than `base`. Only its owner may."""
        saved, taken = self.saved(query), self.taken(QueryVersionIn)
        changed = actions.save_version(actor=self.person, saved=saved, base=taken["base"], query=AskedIn.query(taken), chart=taken["chart"])
        return Response(SavedQueryWholeOut(changed).data, status=201)


_IN = "projects/<slug:project>/environments/<slug:environment>/query"
_SAVED = "projects/<slug:project>/queries/"
urlpatterns = [
    path(_IN, RunQuery.as_view()),
    path(f"{_IN}/tables", QueryTables.as_view()),
    path(f"{_IN}/download", DownloadQuery.as_view()),
    path(f"{_IN}/history", History.as_view()),
    path(_SAVED, SavedQueries.as_view()),
    path(f"{_SAVED}<uuid:query>", OneSavedQuery.as_view()),
    path(f"{_SAVED}<uuid:query>/versions/", QueryVersions.as_view()),
]
