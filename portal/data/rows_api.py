"""API of rows: to look at, and to take home as a file; and of what lies in a folder. The same readers, rights and notes in the audit as the
pages."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponseBase
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ProjectView
from portal.data import table_rows
from portal.data.folders import folder
from portal.data.listing import Table, find_table
from portal.data.reading import ROWS
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import downloads
from portal.runs.download_api import FILE, SAID, DownloadIn
from portal.runs.draft_api import PreviewOut, rows_of
from portal.runs.preview_views import MOST_ROWS


class FileRowsIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000, help_text="A file or a table, for instance curated/daily_delays.")
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=ROWS)


class FileDownloadIn(DownloadIn):
    uri = serializers.CharField(max_length=1000, help_text="A file or a table, for instance curated/daily_delays.")


class _Rows(ProjectView):
    scope = "read"
    changes = "view_data"
    remembers_answers = False  # they are rows of the data

    def asked(self, uri: str) -> tuple[Environment, Table]:
        """Raises as for an environment that is not there without the right to see its data."""
        environments = Environment.objects.select_related("project", "compute")
        environment = self.find(environments, "view_data", name=self.kwargs["environment"])
        table = find_table(environment, uri)
        if table is None:
            raise PortalError(
                "There is no such file or table.", code="nothing-there", status=404, fix="List the files of this environment."
            )
        return environment, table

    def message(self, environment: Environment, table: Table, rows: int) -> dict[str, Any]:
        reader = async_to_sync(table_rows.reader_of)(self.person, environment, table)
        return table_rows.message_for(self.person, environment, table.uri, [reader.stage], rows, names=reader.names)


class FileRows(_Rows):
    @extend_schema(summary="Rows of a file or table", request=FileRowsIn, responses={200: PreviewOut}, tags=["data"])
    def post(self, request: Request, project: str, environment: str) -> Response:
        """The first rows, as they lie there now. A token needs the scope read, its person the right to see data there."""
        taken = self.taken(FileRowsIn)
        place, table = self.asked(taken["uri"])
        return Response(PreviewOut(rows_of(self.message(place, table, taken["rows"]))).data)


class FileDownload(_Rows):
    @extend_schema(
        summary="Download the rows of a file or table",
        description=SAID,
        request=FileDownloadIn,
        responses=FILE,
        tags=["data"],
    )
    def post(self, request: Request, project: str, environment: str) -> HttpResponseBase:
        taken = self.taken(FileDownloadIn)
        place, table = self.asked(taken["uri"])
        form = taken["form"]
        name = downloads.file_name(table.original_name or table.uri, form)
        note = downloads.noted(self.person, place, place.name, form, uri=table.uri)
        return async_to_sync(downloads.download)(self.message(place, table, ROWS), form, name, note)


class EntryOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    uri = serializers.CharField(help_text="As documents write it.")
    is_folder = serializers.BooleanField()
    stage_type = serializers.CharField(allow_null=True, help_text="The stage type that reads the file; null: none does.")
    bytes = serializers.IntegerField(allow_null=True)
    changed_at = serializers.DateTimeField(allow_null=True)


class FolderOut(serializers.Serializer[Any]):
    entries = EntryOut(many=True)
    more = serializers.BooleanField(help_text="Whether there is more than is listed.")
    is_table = serializers.BooleanField(help_text="Whether it holds parts of one table; names that tell values are left out.")
    is_delta = serializers.BooleanField(help_text="Whether that is a Delta table, which has versions.")


URI = OpenApiParameter(
    "uri", str, description="A root (`archive:`) or a folder in one (`archive:2013`); none: the environment's own folder."
)


class Folder(ProjectView):
    scope = "read"
    waits = True

    @extend_schema(summary="What lies in one folder of a root", parameters=[URI], responses=FolderOut, tags=["data"])
    def get(self, request: Request, project: str, environment: str) -> Response:
        """One level, as jobs see it. 422 for what is no folder of a root, 503 where the root cannot be reached."""
        found = self.find(Environment.objects.select_related("project"), name=environment)
        return Response(FolderOut(folder(self.person, found, request.GET.get("uri", ""))).data)


_FILES = "projects/<slug:project>/environments/<slug:environment>/files/"
urlpatterns = [
    path(_FILES + "rows", FileRows.as_view()),
    path(_FILES + "download", FileDownload.as_view()),
    path("projects/<slug:project>/environments/<slug:environment>/folder", Folder.as_view()),
]
