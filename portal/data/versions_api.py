"""API of the versions of Delta tables: the same as their page, with the same rights and notes in the audit."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.models import User
from portal.api_base import ProjectView
from portal.data import table_rows, table_versions, version_changes
from portal.data.reading import ROWS
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.runs import table_actions
from portal.runs.draft_api import PreviewOut, rows_of
from portal.runs.preview_views import MOST_ROWS

MOST_DAYS = 36_500


class TableVersionOut(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number")
    at = serializers.DateTimeField()
    done = serializers.CharField(help_text="What was done, in words.")
    run = serializers.UUIDField(source="run.pk", default=None, allow_null=True, help_text="The run that made it.")
    job = serializers.CharField(source="run.job.name", default=None, allow_null=True)
    by = serializers.CharField(help_text="Who made it by hand; empty where a run or another program did.")
    added = serializers.IntegerField(allow_null=True, help_text="Rows; null: nobody counted.")
    changed = serializers.IntegerField(allow_null=True)
    removed = serializers.IntegerField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True, help_text="Of the whole table then.")
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_now = serializers.BooleanField()
    is_readable = serializers.BooleanField(help_text="False where files of it have been cleaned up.")


class TableVersionsOut(serializers.Serializer[Any]):
    table = serializers.CharField(help_text="Id of the table: another one where another table has come to lie there.")
    rows = serializers.IntegerField(allow_null=True)
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    columns = serializers.ListField(help_text="[name, type] of each; for who may see the data.")
    folders = serializers.ListField(child=serializers.CharField(), help_text="The columns by which it is split into folders.")
    rules = serializers.DictField(child=serializers.CharField())
    versions = TableVersionOut(many=True, help_text="The newest, the newest first.")
    has_more = serializers.BooleanField()


class TableIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000, help_text="The table, for instance curated/contacts.")
    table = serializers.CharField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text="Id of the table that is meant, as its versions say it: refused where another one lies there by now.",
    )


class PutBackVersionIn(TableIn):
    version = serializers.IntegerField(min_value=0)
    latest = serializers.IntegerField(
        min_value=0,
        allow_null=True,
        default=None,
        help_text="The table's newest version when you looked: refused (409) where there is a newer one.",
    )


URI = OpenApiParameter("uri", str, required=True, description="The table, for instance curated/contacts or archive:contacts.")

TABLE = OpenApiParameter("table", str, description="Id of the table that is meant: refused where another one lies there by now.")


class OfTable(ProjectView):
    """A view of one table of the environment in the address."""

    waits = True

    def here(self, action: str = "view") -> Environment:
        return self.find(Environment.objects.select_related("project", "compute"), action, name=self.kwargs["environment"])

    def require_right(self, action: str) -> None:
        if not table_actions.may_change_table(self.person, self.here()):
            raise NotAllowed(action, self.here())

    def shown(self, uri: str, action: str = "view") -> tuple[Environment, str]:
        """Raises PortalError."""
        found = self.here(action)
        return found, table_versions.require_shown(self.person, found, uri)


class TableVersions(OfTable):
    scope = "read"

    @extend_schema(summary="Versions of a Delta table", parameters=[URI], responses=TableVersionsOut, tags=["data"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        """What was done to it, when, by whom, and how many rows that brought. 409 where there is no Delta table."""
        return Response(TableVersionsOut(table_versions.versions_of(self.person, *self.shown(request.GET.get("uri", "")))).data)


class PutBackVersion(OfTable):
    scope = "run"
    changes = table_actions.CHANGE

    @extend_schema(summary="Put a version of a Delta table back", request=PutBackVersionIn, responses=TableVersionsOut, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """By one more version; what lies there now can be put back in turn. 409 while a run works that writes there."""
        given = self.taken(PutBackVersionIn)
        found, uri = self.shown(given["uri"])
        table_actions.put_back_version(actor=self.person, environment=found, **given | {"uri": uri})
        return Response(TableVersionsOut(table_versions.versions_of(self.person, found, uri)).data)


class DifferenceOut(serializers.Serializer[Any]):
    before = serializers.DictField(help_text="version, rows, files and bytes of the one.")
    now = serializers.DictField(help_text="The same of the other.")
    came = serializers.ListField(help_text="[name, type] of columns that only the later one has.")
    went = serializers.ListField(help_text="[name, type] of columns that only the earlier one has.")
    retyped = serializers.ListField(help_text="[name, type before, type now]")
    same = serializers.ListField(help_text="[name, type] of columns that are in both.")
    keys = serializers.ListField(child=serializers.CharField(), help_text="By which a live job brings rows into it.")
    same_files = serializers.IntegerField()


class _Version(TableIn):
    version = serializers.IntegerField(min_value=0)
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=ROWS)


class VersionRowsIn(_Version):
    pass


class ChangedRowsIn(_Version):
    against = serializers.IntegerField(min_value=0, help_text="The version to compare with.")
    keys = serializers.ListField(
        child=serializers.CharField(max_length=300),
        default=list,
        help_text="Columns that tell one row from another; none: a row that was changed is one that was removed and one that is new.",
    )
    counts = serializers.BooleanField(default=False, help_text="Only how many of each kind.")


class TableDifference(OfTable):
    scope = "read"

    @extend_schema(
        summary="Difference between two versions",
        parameters=[URI, TABLE, OpenApiParameter("version", int, required=True), OpenApiParameter("against", int, required=True)],
        responses=DifferenceOut,
        tags=["data"],
    )
    def get(self, request: Request, project: str, environment: str) -> Response:
        """Columns, rows, files. Its person needs the right to see data there."""
        found, uri = self.shown(request.GET.get("uri", ""), "view_data")
        before, now = (table_versions.number(request.GET.get(name, "")) for name in ("against", "version"))
        told, _ = version_changes.difference(self.person, found, uri, before, now, request.GET.get("table", ""))
        return Response(DifferenceOut(told.model_dump()).data)


class _OfRows(OfTable):
    scope = "read"
    changes = "view_data"
    remembers_answers = False  # they are rows of the data

    def require_right(self, action: str) -> None:
        self.here(action)


class VersionRows(_OfRows):
    @extend_schema(summary="Rows as of a version", request=VersionRowsIn, responses={200: PreviewOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """The first rows as they were. A token needs the scope read, its person the right to see data there."""
        given = self.taken(VersionRowsIn)
        found, uri = self.shown(given["uri"], "view_data")
        table_actions.require_shown(self.person, found, uri, given["table"])
        stages = [version_changes.reader(uri, given["version"])]
        return Response(PreviewOut(rows_of(table_rows.message_for(self.person, found, uri, stages, given["rows"]))).data)


class ChangedRows(_OfRows):
    @extend_schema(summary="Rows that two versions do not share", request=ChangedRowsIn, responses={200: PreviewOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Each with what became of it: new, removed, or, with keys, changed: was, changed: is."""
        given = self.taken(ChangedRowsIn)
        found, uri = self.shown(given["uri"], "view_data")
        told, _ = version_changes.difference(self.person, found, uri, given["against"], given["version"], given["table"])
        stages = version_changes.stages_for(uri, told, given["keys"], counts=given["counts"])
        message = table_rows.message_for(self.person, found, uri, stages, given["rows"], is_whole=True)
        return Response(PreviewOut(rows_of(message)).data)


# --- work on the whole table ------------------------------------------------------------------------------------------------


class CleanUpOut(serializers.Serializer[Any]):
    until = serializers.DateTimeField()
    keep_from = serializers.IntegerField(help_text="The oldest version that stays for sure.")
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    gone = serializers.ListField(help_text="Versions that can be read no longer then, as [first, last] pairs.")
    labels = serializers.ListField(child=serializers.CharField(), help_text="Of those that go.")


class CleanUpIn(TableIn):
    until = serializers.DateTimeField(help_text="As the GET before said it: all that was there then, or came since, stays.")
    keep_from = serializers.IntegerField(min_value=0, help_text="As the GET before said it.")


class CleanedUpOut(serializers.Serializer[Any]):
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    gone = serializers.ListField()


class CleanUp(OfTable):
    scope = "write"  # what goes is gone for good, which no run does
    changes = table_actions.CHANGE

    @extend_schema(
        summary="What cleaning up a Delta table would remove",
        parameters=[URI, OpenApiParameter("days", int, description="What was there in the last days (7 or more) stays.")],
        responses=CleanUpOut,
        tags=["data"],
    )
    def get(self, request: Request, project: str, environment: str) -> Response:
        """Nothing goes yet."""
        self.require_right(self.changes)
        found, uri = self.shown(request.GET.get("uri", ""))
        days = min(table_versions.number(request.GET.get("days", "7")), MOST_DAYS)
        return Response(CleanUpOut(table_versions.would_go(self.person, found, uri, days)).data)

    @extend_schema(summary="Clean up a Delta table", request=CleanUpIn, responses=CleanedUpOut, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Removes what the GET before has shown, and no more. 409 while a run works that reads or writes the table."""
        given = self.taken(CleanUpIn)
        found, uri = self.shown(given["uri"])
        until, keep_from = given["until"].isoformat(), given["keep_from"]
        of = given["table"]
        told = table_actions.clean_up(actor=self.person, environment=found, uri=uri, until=until, keep_from=keep_from, table=of)
        return Response(CleanedUpOut(told).data)


class OptimizeIn(TableIn):
    columns = serializers.ListField(
        child=serializers.CharField(max_length=300), default=list, help_text="Rows that are alike in them come near each other (Z-order)."
    )


class OptimizedOut(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True, help_text="The new one; null: nothing was to be done.")
    before = serializers.DictField(help_text="rows, files and bytes")
    after = serializers.DictField(help_text="rows, files and bytes")


class Optimize(OfTable):
    scope = "run"
    changes = table_actions.CHANGE

    @extend_schema(summary="Put the small files of a Delta table together", request=OptimizeIn, responses=OptimizedOut, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Answers when it is done; it goes on when nobody waits any more. 409 while a run works that writes the table."""
        given = self.taken(OptimizeIn)
        found, uri = self.shown(given["uri"])
        return Response(OptimizedOut(async_to_sync(_last)(self.person, found, uri, given["columns"], given["table"])).data)


async def _last(person: User, environment: Environment, uri: str, columns: list[str], table: str) -> dict[str, Any]:
    work = table_actions.optimize(actor=person, environment=environment, uri=uri, columns=columns, table=table)
    return [event async for event in work][-1]


_TABLE = "projects/<slug:project>/environments/<slug:environment>/table/"
urlpatterns = [
    path(_TABLE + "versions", TableVersions.as_view()),
    path(_TABLE + "difference", TableDifference.as_view()),
    path(_TABLE + "rows", VersionRows.as_view()),
    path(_TABLE + "changes", ChangedRows.as_view()),
    path(_TABLE + "put-back", PutBackVersion.as_view()),
    path(_TABLE + "clean-up", CleanUp.as_view()),
    path(_TABLE + "optimize", Optimize.as_view()),
]
