"""API of runs: the same actions as the pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import policy
from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job, JobVersion
from portal.runs import actions, log_lines, reached
from portal.runs.models import Run, StageRun, Trigger
from portal.runs.problems import without_data
from portal.runs.run_list import Filters
from portal.runs.run_page import failure_of, waiting_sentence
from portal.runs.value_rows import remarks_of, stage_values

MOST_LINES = 5000


class RunOut(serializers.Serializer[Run]):
    id = serializers.UUIDField()
    job = serializers.CharField(source="job.name")
    version = serializers.IntegerField(source="version.number", default=None, allow_null=True, help_text="null: a draft")
    environment = serializers.CharField(source="environment.name")
    state = serializers.CharField()
    document_sha256 = serializers.CharField()
    parameters = serializers.JSONField()
    trigger = serializers.CharField()
    trigger_label = serializers.CharField()
    requested_by = serializers.CharField(source="requested_by.username", default=None, allow_null=True)
    rerun_of = serializers.UUIDField(source="rerun_of_id", allow_null=True)
    attempt = serializers.IntegerField(source="fence", help_text="0: no worker has had it yet")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_s = serializers.FloatField(source="duration_seconds", allow_null=True)
    outputs = serializers.JSONField(help_text="what was published: stage, uri, format, rows, bytes, files")
    problem = serializers.SerializerMethodField(help_text="why it failed; values of the data only for those who may see data")
    waiting = serializers.SerializerMethodField(help_text="why it is not working yet, in one sentence")
    log_lines = serializers.IntegerField()

    def get_problem(self, run: Run) -> dict[str, Any] | None:
        if not run.problem:
            return None
        return run.problem if policy.can(self.context["person"], "view_data", run) else without_data(run.problem, run.document)

    def get_waiting(self, run: Run) -> str:
        return waiting_sentence(run)


class LeftByOut(serializers.Serializer[Any]):
    run = serializers.UUIDField(source="run.pk")
    finished_at = serializers.DateTimeField(source="run.finished_at", allow_null=True)
    is_put_back = serializers.BooleanField(help_text="what a later run had published there was put back")


class OneRunOut(RunOut):
    """What is asked of one run alone."""

    left_by = serializers.SerializerMethodField(
        help_text="of a run that failed: the runs as whose end left them what lies at its places now; empty where that is not known of each"
    )

    @extend_schema_field(LeftByOut(many=True))
    def get_left_by(self, run: Run) -> list[dict[str, Any]]:
        failure = failure_of(run, with_data=False)
        return [dict(LeftByOut(one).data) for one in failure.left_by] if failure else []


class StageOut(serializers.Serializer[StageRun]):
    index = serializers.IntegerField()
    name = serializers.CharField()
    type = serializers.CharField()
    state = serializers.CharField(
        help_text="waiting, running, done, warning, skipped, failed, stopped (an earlier stage is at fault), cancelled or not_reached"
    )
    attempt = serializers.IntegerField(source="attempt_number")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    rows_in = serializers.IntegerField(allow_null=True)
    rows_out = serializers.IntegerField(allow_null=True)
    rows_rejected = serializers.IntegerField(allow_null=True)
    metrics = serializers.JSONField()
    values = serializers.SerializerMethodField(
        help_text="null, or what is to be looked at: rows seen, affected of them, counts by column and kind"
    )

    warnings = serializers.SerializerMethodField(help_text="what the stage said is to be looked at, though it did not stop the run")

    def get_warnings(self, stage: StageRun) -> list[dict[str, Any]]:
        return [remark.as_dict() for remark in remarks_of(stage.run, stage, with_data=self.context.get("with_data") is True)]

    def get_values(self, stage: StageRun) -> dict[str, Any] | None:
        values = stage_values(stage, with_data=self.context.get("with_data") is True)
        if values is None:
            return None
        counts = [{"column": column, "rows": rows, "words": words} for column, rows, words in values.counts]
        return {name: getattr(values, name) for name in ("rows", "affected", "is_whole", "can_show")} | {"counts": counts}


class NetworkOut(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    place = serializers.CharField(allow_null=True, help_text="host:port; null for who may not manage the environment")
    through = serializers.ListField(child=serializers.CharField(), help_text="names of the connections that lead there")
    connections = serializers.IntegerField(help_text="that were made")
    sent = serializers.IntegerField(help_text="bytes")
    received = serializers.IntegerField(help_text="bytes")
    refused = serializers.IntegerField(help_text="not tried: against the rules, or too many at once")
    failed = serializers.IntegerField(help_text="not found, no answer, or broken off")
    why = serializers.CharField(help_text="the last reason; empty for who may not manage the environment")


class RunIn(serializers.Serializer[Any]):
    job = serializers.CharField(help_text="name of the job")
    environment = serializers.CharField(help_text="name of the environment")
    version = serializers.IntegerField(
        required=False, allow_null=True, help_text="default: the live one; above the lowest environment no other"
    )
    parameters = serializers.DictField(required=False, default=dict)


class RerunIn(serializers.Serializer[Any]):
    which = serializers.ChoiceField(choices=["same", "live"], default="same")


class ManyIn(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["cancel", "rerun"])
    runs = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=actions.MOST_AT_ONCE)


class RefusedOut(serializers.Serializer[Any]):
    run = serializers.UUIDField()
    code = serializers.CharField()
    message = serializers.CharField()


class ManyOut(serializers.Serializer[Any]):
    done = RunOut(many=True, help_text="The cancelled runs, or the new ones.")
    refused = RefusedOut(many=True, help_text="Why it was not done to the others. A run you may not see is in neither list.")


class LogOut(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.JSONField(), help_text="events in order, each with its number `seq`")
    next_after = serializers.IntegerField(help_text="ask again with ?after= this")
    is_complete = serializers.BooleanField(help_text="the run has ended and nothing follows")


FILTERS = [OpenApiParameter(name, OpenApiTypes.STR) for name in ("job", "state", "environment", "trigger", "person", "version", "text")]


class Runs(ProjectView, ListView):
    """/projects/<project>/runs/"""

    serializer_class = RunOut
    scope = "run"
    changes = "start_run"

    def get_queryset(self) -> Any:
        runs = self.visible(Run.objects.all()).select_related("job", "version", "environment__project", "project", "requested_by")
        query = getattr(self.request, "query_params", None)
        if query is None:  # the schema is being drawn
            return runs
        return Filters.of(query).apply(runs, policy.allowed(self.person, "view_data", Run.objects.all()))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "person": getattr(self.request, "user", None)}

    @extend_schema(summary="List runs", parameters=FILTERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(summary="Start a run", request=RunIn, responses={201: RunOut})
    def post(self, request: Request, project: str) -> Response:
        asked = self.taken(RunIn)
        job = self.find(Job.objects.all(), name=asked["job"])
        environment = self.find(Environment.objects.select_related("project"), name=asked["environment"])
        run = actions.start_run(
            actor=self.person,
            job=job,
            environment=environment,
            version=_version(job, asked.get("version")),
            parameters=asked["parameters"],
            trigger=Trigger.API,
        )
        return Response(RunOut(run, context={"person": self.person}).data, status=201)


def _version(job: Job, number: int | None) -> JobVersion | None:
    if number is None:
        return None
    found = job.versions.filter(number=number).first()
    if found is None:
        raise PortalError(f"{job.name} has no version {number}.", code="version-unknown", status=422)
    return found


class OneRun(ProjectView):
    """A view below /projects/<project>/runs/<run>/."""

    scope = "run"
    serializer_class: Any = RunOut

    def run(self, action: str = "view") -> Run:
        runs = Run.objects.select_related("job", "version", "environment__compute", "environment__project", "project", "requested_by")
        return self.find(runs, action, pk=self.kwargs["run"])

    def answer(self, run: Run, status: int = 200) -> Response:
        return Response(RunOut(run, context={"person": self.person}).data, status=status)


class RunView(OneRun):
    @extend_schema(summary="One run", responses={200: OneRunOut})
    def get(self, request: Request, project: str, run: str) -> Response:
        return Response(OneRunOut(self.run(), context={"person": self.person}).data)


class CancelRun(OneRun):
    @extend_schema(summary="Cancel a run", request=None, responses={200: RunOut})
    def post(self, request: Request, project: str, run: str) -> Response:
        return self.answer(actions.cancel_run(actor=self.person, run=self.run()))


class RerunRun(OneRun):
    changes = "start_run"

    def require_right(self, action: str) -> None:
        run = self.run()
        policy.require(self.person, action if run.version_id else "run_draft", run.job, environment=run.environment.name)

    @extend_schema(summary="Run again", request=RerunIn, responses={201: RunOut})
    def post(self, request: Request, project: str, run: str) -> Response:
        return self.answer(actions.rerun(actor=self.person, run=self.run(), which=self.taken(RerunIn)["which"]), status=201)


class ManyRuns(ProjectView):
    scope = "run"

    @extend_schema(summary="Cancel or rerun many runs", request=ManyIn, responses={200: ManyOut})
    def post(self, request: Request, project: str) -> Response:
        asked = self.taken(ManyIn)
        runs = self.visible(Run.objects.filter(pk__in=asked["runs"])).select_related("project", "job", "environment", "version")
        did = actions.do_to_many(actor=self.person, runs=runs, action=asked["action"])
        refused = [{"run": run.pk, "code": error.code, "message": error.message} for run, error in did.refused]
        return Response(ManyOut({"done": did.done, "refused": refused}, context={"person": self.person}).data)


class RunStages(OneRun):
    @extend_schema(summary="Stages of a run", responses={200: StageOut(many=True)})
    def get(self, request: Request, project: str, run: str) -> Response:
        found = self.run()
        with_data = policy.can(self.person, "view_data", found)
        return Response([StageOut(stage, context={"with_data": with_data}).data for stage in found.stage_runs.all()])


class RunNetwork(OneRun):
    @extend_schema(summary="Which other machines a run could and did reach", responses={200: NetworkOut(many=True)})
    def get(self, request: Request, project: str, run: str) -> Response:
        """For each attempt the places it could reach, and what came of them. Nothing of an attempt without a network."""
        found = self.run()
        with_hosts = policy.can(self.person, "manage_environment", found.environment)
        rows = [
            {"attempt": attempt.number, "place": one.place, "through": list(one.through)} | asdict(one.traffic)
            for attempt in found.attempts.all()
            for one in reached.places_of(attempt.reached, with_hosts=with_hosts)
        ]
        return Response(NetworkOut(rows, many=True).data)


class RunLog(OneRun):
    @extend_schema(summary="Lines of a run's log", parameters=[OpenApiParameter("after", OpenApiTypes.INT)], responses={200: LogOut})
    def get(self, request: Request, project: str, run: str) -> Response:
        found = self.run()
        text = request.query_params.get("after", "0")
        after = int(text) if text.isdecimal() and len(text) < 10 else 0
        with_data = policy.can(self.person, "view_data", found)
        lines = log_lines.lines_after(found.pk, after, with_data=with_data)[:MOST_LINES]
        last = lines[-1].seq if lines else after
        events = [log_lines.event_of(line) for line in lines]
        return Response({"lines": events, "next_after": last, "is_complete": found.is_final and last >= found.log_lines})


_RUN = "projects/<slug:project>/runs/<uuid:run>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:project>/runs/", Runs.as_view()),
    path("projects/<slug:project>/runs/many", ManyRuns.as_view()),
    path(_RUN, RunView.as_view()),
    path(_RUN + "/cancel", CancelRun.as_view()),
    path(_RUN + "/rerun", RerunRun.as_view()),
    path(_RUN + "/stages", RunStages.as_view()),
    path(_RUN + "/network", RunNetwork.as_view()),
    path(_RUN + "/log", RunLog.as_view()),
]
