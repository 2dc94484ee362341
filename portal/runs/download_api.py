"""API of files of rows: what a run published, and what a stage of a document gives. The same rights, reader and notes as the pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from portal.runs import downloads
from portal.runs.doors import find_run
from portal.runs.draft_api import DraftRunIn, OfData, OfDraft

FILE = {(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The file.")}
SAID = """CSV, Excel or Parquet, at most SLUICE_DOWNLOAD_ROWS rows: X-Sluice-Rows says how many came, X-Sluice-Complete whether (yes, no)
these are all, X-Sluice-Notes what was changed. No cell of CSV or Excel acts as a formula. Each download is in the audit."""


class DownloadIn(serializers.Serializer[Any]):
    form = serializers.ChoiceField(
        choices=sorted(downloads.FORMS), required=False, default="csv", help_text="csv-excel has a byte order mark"
    )


class PreviewDownloadIn(DraftRunIn, DownloadIn):
    to = serializers.IntegerField(min_value=0, help_text="The stage whose rows to take, counted from 0.")


class OutputDownload(OfData):
    @extend_schema(summary="Download a run's output", description=SAID, request=DownloadIn, responses=FILE, tags=["runs"])
    def post(self, request: Request, project: str, run: UUID, output: int) -> HttpResponseBase:
        form = self.taken(DownloadIn)["form"]
        asked = downloads.of_output(self.person, find_run(self.person, project, run), output, form)
        return async_to_sync(downloads.download)(*asked)


class PreviewDownload(OfDraft):
    remembers_answers = False  # they are rows of the data

    @extend_schema(summary="Download the rows of a stage", description=SAID, request=PreviewDownloadIn, responses=FILE, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> HttpResponseBase:
        taken = self.taken(PreviewDownloadIn)
        asked = downloads.of_preview(self.person, self.job(), taken)
        return async_to_sync(downloads.download)(*asked)


urlpatterns = [
    path("projects/<slug:project>/runs/<uuid:run>/outputs/<int:output>/download", OutputDownload.as_view()),
    path("projects/<slug:project>/jobs/<slug:job>/preview/download", PreviewDownload.as_view()),
]
