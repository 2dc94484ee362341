"""API of what a warm executor shows (a preview of a document, the rows of an output) and of running a document that is not saved."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ProjectView
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import actions, output_rows, preview_client
from portal.runs.api import RunOut
from portal.runs.doors import find_run
from portal.runs.preview_views import MOST_ROWS, message_for


class DraftRunIn(serializers.Serializer[Any]):
    document = serializers.JSONField(help_text="An object, or JSON text.")
    parameters = serializers.DictField(required=False, default=dict)


class PreviewIn(DraftRunIn):
    to = serializers.IntegerField(min_value=0, help_text="The stage to show, counted from 0.")
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=100)
    input = serializers.ChoiceField(choices=["sample", "full"], required=False, default="sample")


class OutputRowsIn(serializers.Serializer[Any]):
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=100)


class PreviewColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField()
    nullable = serializers.BooleanField()
    internal = serializers.BooleanField(default=False, help_text="A stage added it, for instance _filename.")


class PreviewOut(serializers.Serializer[Any]):
    stage = serializers.CharField()
    view = serializers.CharField()
    columns = PreviewColumnOut(many=True)
    rows = serializers.JSONField(help_text="A list of rows; each is a list of cells in the order of the columns.")
    complete = serializers.BooleanField(help_text="Whether these are all rows.")
    input = serializers.CharField()
    duration_ms = serializers.IntegerField()


class OfDraft(ProjectView):
    """A view below /projects/<project>/jobs/<job>/ that is given a document."""

    scope = "run"

    def job(self) -> Job:
        return self.find(Job.objects.select_related("project"), name=self.kwargs["job"])


class PreviewStage(OfDraft):
    remembers_answers = False  # they are rows of the data

    @extend_schema(summary="Preview a stage", request=PreviewIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        asked = self.taken(PreviewIn)
        preview = {"request": "preview", "rows": asked["rows"], "input": asked["input"]}
        return Response(PreviewOut(rows_of(message_for(self.person, self.job(), "ask", asked, preview))).data)


class OutputRows(ProjectView):
    scope = "read"
    remembers_answers = False  # they are rows of the data

    @extend_schema(summary="Rows of a run's output", request=OutputRowsIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, run: UUID, output: int) -> Response:
        """`output` counts from 0 in the run's outputs. The rows are those that lie in the lake now."""
        found = find_run(self.person, project, run)
        return Response(PreviewOut(rows_of(output_rows.message_for(self.person, found, output, self.taken(OutputRowsIn)["rows"]))).data)


class RunDraft(OfDraft):
    @extend_schema(summary="Run a draft", request=DraftRunIn, responses={201: RunOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        asked = self.taken(DraftRunIn)
        run = actions.run_draft(actor=self.person, job=self.job(), **asked)
        return Response(RunOut(run, context={"person": self.person}).data, status=201)


@async_to_sync
async def rows_of(message: dict[str, Any]) -> dict[str, Any]:
    """The `rows` event of the service's answer. Raises PortalError with every problem when there are no rows."""
    problems, event = [], {}
    async for event in preview_client.request(message):
        if event.get("problem"):
            problems.append(event["problem"])
    if event.get("event") == "rows":
        return event
    first = problems[0] if problems else {"message": "The preview was cancelled.", "code": "cancelled"}
    status = 503 if first["code"] == preview_client.DOWN["problem"]["code"] else 422
    raise PortalError(first["message"], code=first["code"], status=status, fix=first.get("fix"), problems=problems)


_JOB = "projects/<slug:project>/jobs/<slug:job>"
urlpatterns = [
    path(_JOB + "/preview", PreviewStage.as_view()),
    path(_JOB + "/run-draft", RunDraft.as_view()),
    path("projects/<slug:project>/runs/<uuid:run>/outputs/<int:output>/rows", OutputRows.as_view()),
]
