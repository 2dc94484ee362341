"""API of looks: the same actions as the page."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from executor.look.proposal import Proposal
from portal.accounts import policy
from portal.api_base import ProjectView
from portal.data.reading import ROWS
from portal.data.rights import require_change
from portal.data.table_rows import message_for
from portal.environments.models import Environment
from portal.looks import actions, asking, choosing
from portal.looks.unpacking import own_folder, unpack_file
from portal.runs.draft_api import PreviewOut, rows_of
from portal.runs.preview_views import MOST_ROWS

SETTINGS = "How the file is read where that was not found out rightly: encoding, separator, quote, escape, header, skipLines, …"


class LookIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000, help_text="A file in the environment's lake, for instance raw/flights.csv.")
    settings = serializers.DictField(required=False, default=dict, help_text=SETTINGS)


MENDS = '{"index": 15, "found": "1,50", "value": "1.50"} each.'


class LookPreviewIn(LookIn):
    mends = serializers.ListField(child=serializers.DictField(), required=False, default=list, help_text=MENDS)
    only = serializers.ChoiceField(choices=["all", "misfits"], required=False, default="all")
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=ROWS)


class JobFromFileIn(LookIn):
    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    misfits = serializers.ChoiceField(
        choices=["aside", "null", "stop"], required=False, default="", allow_blank=True, help_text="What happens to rows that do not fit."
    )
    mends = serializers.ListField(child=serializers.DictField(), required=False, default=list, help_text=MENDS)


class JobFromFileOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    document = serializers.CharField(help_text="Your draft.")


class UnpackIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=1000, help_text="A zip archive or an Excel workbook in the environment's lake.")


class UnpackOut(serializers.Serializer[Any]):
    files = serializers.ListField(child=serializers.CharField(), help_text="The places of its parts.")
    notes = serializers.DictField(help_text="What became of parts, by their places: merged cells, hidden rows, formulas without a value.")
    gone = serializers.ListField(
        child=serializers.CharField(), help_text="Files made of an earlier version whose parts are no longer inside: they are in the bin."
    )
    folder = serializers.CharField(allow_null=True, help_text="The folder that holds them alone, and can be looked at as one table.")


class OfFile(ProjectView):
    """A view about one file below /projects/<project>/environments/<environment>/."""

    changes = "view_data"
    waits = True

    def environment(self) -> Environment:
        return self.find(Environment.objects.select_related("project", "compute"), "view_data", name=self.kwargs["environment"])

    def place(self, uri: str) -> tuple[Environment, str]:
        environment = self.environment()
        return environment, actions.look_at_file(actor=self.person, environment=environment, uri=uri)

    def proposal(self, environment: Environment, uri: str, settings: dict[str, Any]) -> Proposal:
        return async_to_sync(asking.look)(self.person, environment, uri, choosing.checked(settings))


class Look(OfFile):
    scope = "read"
    remembers_answers = False  # it quotes values of the data

    @extend_schema(summary="Look at a file: how it can be read, and what does not fit", request=LookIn, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, project: str, environment: str) -> Response:
        taken = self.taken(LookIn)
        place, uri = self.place(taken["uri"])
        return Response(self.proposal(place, uri, taken["settings"]).model_dump(by_alias=True, exclude_none=True, mode="json"))


class LookPreview(OfFile):
    scope = "read"
    remembers_answers = False  # they are rows of the data

    @extend_schema(summary="Rows of a file as they would be typed", request=LookPreviewIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Nothing is written. `only` "misfits" gives the rows with values that do not fit, and in `_errors` why."""
        taken = self.taken(LookPreviewIn)
        place, uri = self.place(taken["uri"])
        settings = choosing.checked(taken["settings"])
        found = self.proposal(place, uri, settings)
        choices = choosing.Chosen(settings, choosing.mends_from(taken["mends"])).choices(found, uri)
        stages = actions.stages_to_preview(found, uri, choices, only_misfits=taken["only"] == "misfits")
        message = message_for(self.person, place, uri, stages, taken["rows"], is_whole=actions.is_previewed_whole(found))
        return Response(PreviewOut(rows_of(message)).data)


class JobFromFile(OfFile):
    def require_right(self, action: str) -> None:
        super().require_right(action)
        policy.require(self.person, "create_job", self.project)

    @extend_schema(summary="Make a job that reads a file as proposed", request=JobFromFileIn, responses={201: JobFromFileOut})
    def post(self, request: Request, project: str, environment: str) -> Response:
        taken = self.taken(JobFromFileIn)
        place, uri = self.place(taken["uri"])
        settings = choosing.checked(taken["settings"])
        chosen = choosing.Chosen(settings, choosing.mends_from(taken["mends"]), taken["misfits"])
        proposal = self.proposal(place, uri, settings)
        new = actions.NewJob(taken["name"], taken["description"], tuple(taken["tags"]))
        job = actions.create_job_from_file(
            actor=self.person, environment=place, new=new, proposal=proposal, uri=uri, choices=chosen.choices(proposal, uri)
        )
        draft = job.drafts.get(user=self.person)
        return Response(JobFromFileOut({"name": job.name, "document": draft.document}).data, status=201)


class Unpack(OfFile):
    changes = "upload_data"

    def require_right(self, action: str) -> None:
        require_change(self.person, self.environment(), action)

    @extend_schema(summary="Unpack a zip or a workbook into files beside it", request=UnpackIn, responses={201: UnpackOut})
    def post(self, request: Request, project: str, environment: str) -> Response:
        place, uri = self.place(self.taken(UnpackIn)["uri"])
        made = async_to_sync(unpack_file)(actor=self.person, environment=place, uri=uri)
        notes = {file.uri: file.notes for file in made.files if file.notes}
        files, folder = [file.uri for file in made.files], own_folder(uri, [file.uri for file in made.files])
        return Response({"files": files, "notes": notes, "folder": folder.uri if folder else None, "gone": made.gone}, status=201)


_IN = "projects/<slug:project>/environments/<slug:environment>/"
urlpatterns = [
    path(_IN + "look", Look.as_view()),
    path(_IN + "look/preview", LookPreview.as_view()),
    path(_IN + "look/job", JobFromFile.as_view()),
    path(_IN + "look/unpack", Unpack.as_view()),
]
