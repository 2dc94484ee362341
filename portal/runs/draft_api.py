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

from executor.value_kinds import described
from portal.accounts import policy
from portal.api_base import ProjectView
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import actions, output_rows, preview_client, value_rows
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
    only = serializers.ChoiceField(
        choices=["all", "values"], required=False, default="all", help_text="values: only rows with values to look at"
    )


class OutputRowsIn(serializers.Serializer[Any]):
    rows = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, default=output_rows.ROWS)


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
    complete = serializers.BooleanField(help_text="Whether these are all rows (of the sample, where input says sample).")
    cut_cells = serializers.IntegerField(
        default=0, help_text="So many cells hold the first 4,000 characters of a longer text, and end with …"
    )
    input = serializers.CharField()
    duration_ms = serializers.IntegerField()
    verdict = serializers.JSONField(default=None, help_text="Of a check: passes (true or false) and words; else null.")
    values = serializers.ListField(
        child=serializers.DictField(), default=list, help_text="Values to look at, by stage: rows seen, affected of them, counts, words."
    )
    warnings = serializers.ListField(
        child=serializers.DictField(), default=list, help_text="What else is to be looked at, by stage: message, fix, what was found."
    )


class OfDraft(ProjectView):
    """A view below /projects/<project>/jobs/<job>/ that is given a document."""

    scope = "run"
    changes = "preview"
    in_lowest = True

    def job(self) -> Job:
        return self.find(Job.objects.select_related("project"), name=self.kwargs["job"])


class PreviewStage(OfDraft):
    remembers_answers = False  # they are rows of the data

    @extend_schema(summary="Preview a stage", request=PreviewIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        asked = self.taken(PreviewIn)
        preview = {"request": "preview", "rows": asked["rows"], "input": asked["input"], "only": asked["only"]}
        return Response(PreviewOut(rows_of(message_for(self.person, self.job(), "ask", asked, preview))).data)


class AnalyseIn(DraftRunIn):
    to = serializers.IntegerField(
        min_value=0, required=False, allow_null=True, default=None, help_text="The last stage, from 0; null: all."
    )


class AnalysisOut(serializers.Serializer[Any]):
    problems = serializers.ListField(child=serializers.DictField(), help_text="Every problem, also those only Spark can find.")
    columns = serializers.JSONField(help_text="view → the name and type of each column")


class Analyse(OfDraft):
    remembers_answers = False  # it quotes what stands in files

    @extend_schema(summary="Find problems with Spark", request=AnalyseIn, responses={200: AnalysisOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        """What `check` says, and unknown columns, functions and wrong types: Spark reads the sources' schemas, but no rows."""
        asked = self.taken(AnalyseIn)
        problems, last = answer_to(message_for(self.person, self.job(), "ask", asked, {"request": "analyse"}))
        if last.get("event") != "analysed":
            raise refused(problems)
        return Response({"problems": problems, "columns": last["columns"]})


class TablesIn(serializers.Serializer[Any]):
    connection = serializers.CharField(max_length=200, help_text="Its name in the lowest environment, where previews read.")


class TablesOut(serializers.Serializer[Any]):
    tables = serializers.ListField(child=serializers.CharField(), help_text="As documents write them, 1,000 at most.")


class Tables(OfDraft):
    remembers_answers = False  # it tells what lies in a database

    @extend_schema(summary="Tables of a database", request=TablesIn, responses={200: TablesOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        """The tables and views behind a connection that its user may read, as the editor offers them."""
        stage = {"type": "JDBCExtract", "name": "tables", "outputView": "tables", **self.taken(TablesIn)}
        asked = {"document": {"stages": [stage]}}
        problems, last = answer_to(message_for(self.person, self.job(), "ask", asked, {"request": "tables"}))
        if last.get("event") != "tables":
            raise refused(problems)
        return Response(TablesOut({"tables": last["tables"]}).data)


class OfData(ProjectView):
    """A view of rows, below /projects/<project>/runs/<run>/."""

    scope = "read"
    changes = "view_data"
    remembers_answers = False  # they are rows of the data

    def require_right(self, action: str) -> None:
        policy.require(self.person, action, find_run(self.person, self.kwargs["project"], self.kwargs["run"]))


class OutputRows(OfData):
    @extend_schema(summary="Rows of a run's output", request=OutputRowsIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, run: UUID, output: int) -> Response:
        """`output` counts from 0 in the run's outputs. The rows are those that lie there now."""
        found = find_run(self.person, project, run)
        return Response(PreviewOut(rows_of(output_rows.message_for(self.person, found, output, self.taken(OutputRowsIn)["rows"]))).data)


class ValueRows(OfData):
    @extend_schema(summary="Rows with values to look at", request=OutputRowsIn, responses={200: PreviewOut})
    def post(self, request: Request, project: str, run: UUID, stage: int) -> Response:
        """`stage` counts from 0 and is one whose `values` say that its rows can be shown. Inputs are read as they are now."""
        found = find_run(self.person, project, run)
        return Response(PreviewOut(rows_of(value_rows.message_for(self.person, found, stage, self.taken(OutputRowsIn)["rows"]))).data)


class RunDraft(OfDraft):
    changes = "run_draft"

    @extend_schema(summary="Run a draft", request=DraftRunIn, responses={201: RunOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        asked = self.taken(DraftRunIn)
        run = actions.run_draft(actor=self.person, job=self.job(), **asked)
        return Response(RunOut(run, context={"person": self.person}).data, status=201)


def rows_of(message: dict[str, Any]) -> dict[str, Any]:
    """The `rows` event of the service's answer. Raises PortalError with every problem when there are no rows."""
    problems, last = answer_to(message)
    if last.get("event") != "rows":
        raise refused(problems)
    return last


@async_to_sync
async def answer_to(message: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The problems of the service's answer, and its last event; of that `values`: what it told of values to look at; `warnings`: what else
    its stages said is to be looked at."""
    problems, values, warnings, event = [], [], [], {}
    async for event in preview_client.request(message):
        if event.get("problem"):
            problems.append(event["problem"])
        if event.get("event") == "value_warnings":
            values.append(_values(event))
        if event.get("event") == "stage_finished" and isinstance(found := event.get("details"), dict):
            place = {name: event.get(name) for name in ("stage_index", "stage")}
            warnings += [warning | place for warning in found.get("warnings", [])]
    return problems, event | {"values": values, "warnings": warnings}


def _values(event: dict[str, Any]) -> dict[str, Any]:
    counts = [
        {"column": column, "rows": rows, "words": words} for column, rows, words in described(event["counts"], event.get("names", ()))
    ]
    return {name: event.get(name) for name in ("stage_index", "stage", "rows", "affected", "is_whole", "words")} | {"counts": counts}


def refused(problems: list[dict[str, Any]]) -> PortalError:
    """The error for an answer that is not what was asked for."""
    first = problems[0] if problems else {"message": "The preview was cancelled.", "code": "cancelled"}
    status = 503 if first["code"] == preview_client.DOWN["problem"]["code"] else 422
    return PortalError(first["message"], code=first["code"], status=status, fix=first.get("fix"), problems=problems)


_JOB = "projects/<slug:project>/jobs/<slug:job>"
urlpatterns = [
    path(_JOB + "/preview", PreviewStage.as_view()),
    path(_JOB + "/analyse", Analyse.as_view()),
    path(_JOB + "/tables", Tables.as_view()),
    path(_JOB + "/run-draft", RunDraft.as_view()),
    path("projects/<slug:project>/runs/<uuid:run>/outputs/<int:output>/rows", OutputRows.as_view()),
    path("projects/<slug:project>/runs/<uuid:run>/stages/<int:stage>/values", ValueRows.as_view()),
]
