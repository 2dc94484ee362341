"""API of pipelines, their runs and schedules: the same actions as the pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.locking import EDITION_SIGNS
from portal.pipelines import actions, lineage, readiness
from portal.pipelines.models import Pipeline, PipelineRun, PipelineRunJob, Schedule
from portal.pipelines.readiness import Obstacle


class ObstacleOut(serializers.Serializer[Obstacle]):
    job = serializers.CharField()
    environment = serializers.CharField(allow_null=True, help_text="Null: it can run nowhere.")
    code = serializers.CharField()
    message = serializers.CharField(help_text="Why it cannot start.")
    fix = serializers.CharField(help_text="What to do about it.")


class PipelineOut(serializers.Serializer[Pipeline]):
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.CharField(source="owner.username")
    edition = serializers.CharField(help_text="Another one after each edit; send it with a change.")
    after = serializers.SerializerMethodField(help_text="Each job's name and the names of the jobs it runs after.")
    created_at = serializers.DateTimeField()
    obstacles = serializers.SerializerMethodField(help_text="Jobs that cannot run, anywhere or where it has a schedule. Null in lists.")

    @extend_schema_field(ObstacleOut(many=True))
    def get_obstacles(self, pipeline: Pipeline) -> Any:
        if self.context.get("in_list"):
            return None
        found: Any = readiness.obstacles_of(pipeline)
        return ObstacleOut(found, many=True).data

    def get_after(self, pipeline: Pipeline) -> dict[str, list[str]]:
        return pipeline.dependencies()


class PipelineIn(serializers.Serializer[Any]):
    description = serializers.CharField(max_length=300, allow_blank=True, default="")
    after = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Each job's name and the names of the jobs it runs after."
    )


class PipelineChangeIn(PipelineIn):
    edition = serializers.CharField(
        max_length=EDITION_SIGNS,
        allow_blank=True,
        default="",
        help_text="The one you read: 409 where somebody has edited it since. Empty: not asked.",
    )


class NewPipelineIn(PipelineIn):
    name = serializers.CharField(max_length=80)


class OrderIn(serializers.Serializer[Any]):
    after = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Each job's name and the names of the jobs it runs after."
    )


class LinkOut(serializers.Serializer[lineage.Link]):
    job = serializers.CharField()
    before = serializers.CharField(help_text="A job that writes what it reads.")
    place = serializers.CharField()


class OrderOut(serializers.Serializer[lineage.Proposal]):
    after = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), help_text="With what is proposed.")
    added = LinkOut(many=True, help_text="What is proposed, and why.")
    against = LinkOut(many=True, help_text="Jobs that run before one that writes what they read: they get it as of the time before.")


class EnvironmentIn(serializers.Serializer[Any]):
    environment = serializers.CharField(help_text="Name of an environment of the project.")


class JobOfRunOut(serializers.Serializer[PipelineRunJob]):
    job = serializers.CharField(source="job.name")
    after = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField(help_text="waiting, running, succeeded, failed, held or cancelled")
    note = serializers.CharField(help_text="Why it waits, is held or could not start.")
    code = serializers.CharField(help_text="When it could not start: why, as a stable word.")
    fix = serializers.CharField(help_text="When it could not start: what to do about it.")
    run = serializers.UUIDField(source="run_id", allow_null=True)


class PipelineRunOut(serializers.Serializer[PipelineRun]):
    id = serializers.UUIDField()
    pipeline = serializers.CharField(source="pipeline.name")
    environment = serializers.CharField(source="environment.name")
    state = serializers.CharField(source="shown_state", help_text="running, cancelling, succeeded, failed, cancelled or skipped")
    note = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True, help_text="The time of its schedule; null when a person started it.")
    requested_by = serializers.CharField(source="requested_by.username", allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    jobs = JobOfRunOut(source="job_runs", many=True)


class ScheduleOut(serializers.Serializer[Schedule]):
    environment = serializers.CharField(source="environment.name")
    cron = serializers.CharField()
    timezone = serializers.CharField()
    next_due_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_because = serializers.CharField(help_text="Why it is paused.")
    paused_by = serializers.CharField(source="paused_by.username", allow_null=True, default=None, help_text="Null when it paused itself.")
    set_by = serializers.CharField(source="set_by.username")
    edition = serializers.CharField(help_text="Another one after each change of the times; send it with yours.")
    obstacles = serializers.SerializerMethodField(help_text="Jobs that could not start there as they are, with the reason and the fix.")

    @extend_schema_field(ObstacleOut(many=True))
    def get_obstacles(self, schedule: Schedule) -> Any:
        found: Any = readiness.obstacles_in(schedule.pipeline, schedule.environment)
        return ObstacleOut(found, many=True).data


class ScheduleIn(serializers.Serializer[Any]):
    cron = serializers.CharField(max_length=100, help_text="minute, hour, day of the month, month, day of the week")
    timezone = serializers.CharField(max_length=60, default="UTC")
    edition = serializers.CharField(
        max_length=EDITION_SIGNS,
        allow_blank=True,
        default="",
        help_text="The one you read, none where there was no schedule: 409 where it is changed since.",
    )


class _OfPipeline(ProjectView):
    """A view below /pipelines/<pipeline>/."""

    @property
    def pipeline(self) -> Pipeline:
        return self.find(Pipeline.objects.select_related("project", "owner"), name=self.kwargs["pipeline"])

    def environment(self, name: str) -> Environment:
        found = self.project.environments.filter(name=name).first()
        if found is None:
            raise PortalError(f"There is no environment “{name}” in this project.", code="environment-unknown", status=422)
        return found

    def schedule(self) -> Schedule:
        related = Schedule.objects.select_related("pipeline__project", "environment", "set_by", "paused_by")
        return self.find(related.filter(pipeline=self.pipeline), environment__name=self.kwargs["environment"])


class Pipelines(ListView, ProjectView):
    serializer_class = PipelineOut
    changes = "edit_pipeline"

    def get_queryset(self) -> QuerySet[Pipeline]:
        return self.visible(Pipeline.objects.select_related("owner"))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "in_list": True}

    @extend_schema(summary="Make a pipeline", request=NewPipelineIn, responses={201: PipelineOut})
    def post(self, request: Request, project: str) -> Response:
        made = actions.create_pipeline(actor=self.person, project=self.project, **self.taken(NewPipelineIn))
        return Response(PipelineOut(made).data, status=201)


class PipelineOrder(ProjectView):
    scope = "read"

    @extend_schema(summary="Propose an order of jobs by what they read and write", request=OrderIn, responses=OrderOut)
    def post(self, request: Request, project: str) -> Response:
        """By their live versions in the lowest environment. Nothing is saved."""
        after = self.taken(OrderIn)["after"]
        actions.check_jobs(self.project, after)
        return Response(OrderOut(lineage.proposed(self.project, after)).data)


class OnePipeline(_OfPipeline):
    changes = "edit_pipeline"

    @extend_schema(summary="Read a pipeline", responses=PipelineOut)
    def get(self, request: Request, project: str, pipeline: str) -> Response:
        return Response(PipelineOut(self.pipeline).data)

    @extend_schema(summary="Change a pipeline's jobs and dependencies", request=PipelineChangeIn, responses=PipelineOut)
    def put(self, request: Request, project: str, pipeline: str) -> Response:
        changed = actions.edit_pipeline(actor=self.person, pipeline=self.pipeline, **self.taken(PipelineChangeIn))
        return Response(PipelineOut(changed).data)


class PipelineRuns(ListView, _OfPipeline):
    serializer_class = PipelineRunOut
    scope = "run"
    changes = "run_pipeline"

    def get_queryset(self) -> QuerySet[PipelineRun]:
        if getattr(self, "swagger_fake_view", False):
            return PipelineRun.objects.none()
        return self.visible(_runs().filter(pipeline=self.pipeline))

    @extend_schema(summary="Run a pipeline", request=EnvironmentIn, responses={201: PipelineRunOut})
    def post(self, request: Request, project: str, pipeline: str) -> Response:
        environment = self.environment(self.taken(EnvironmentIn)["environment"])
        started = actions.run_pipeline(actor=self.person, pipeline=self.pipeline, environment=environment)
        return Response(PipelineRunOut(started).data, status=201)


class _OfRun(_OfPipeline):
    scope = "run"

    @property
    def pipeline_run(self) -> PipelineRun:
        return self.find(_runs().filter(pipeline=self.pipeline), pk=self.kwargs["run"])


class OnePipelineRun(_OfRun):
    @extend_schema(summary="Read a pipeline run", responses=PipelineRunOut)
    def get(self, request: Request, project: str, pipeline: str, run: uuid.UUID) -> Response:
        return Response(PipelineRunOut(self.pipeline_run).data)


class CancelPipelineRun(_OfRun):
    @extend_schema(summary="Cancel a pipeline run", request=None, responses=PipelineRunOut)
    def post(self, request: Request, project: str, pipeline: str, run: uuid.UUID) -> Response:
        return Response(PipelineRunOut(actions.cancel_pipeline_run(actor=self.person, pipeline_run=self.pipeline_run)).data)


class RerunFailed(_OfRun):
    @extend_schema(summary="Run again what failed", request=None, responses=PipelineRunOut)
    def post(self, request: Request, project: str, pipeline: str, run: uuid.UUID) -> Response:
        return Response(PipelineRunOut(actions.rerun_failed(actor=self.person, pipeline_run=self.pipeline_run)).data)


class Schedules(ListView, _OfPipeline):
    serializer_class = ScheduleOut
    ordering = "pk"

    def get_queryset(self) -> QuerySet[Schedule]:
        if getattr(self, "swagger_fake_view", False):
            return Schedule.objects.none()
        related = Schedule.objects.select_related("pipeline__project", "environment__project", "set_by", "paused_by")
        return self.visible(related.filter(pipeline=self.pipeline))


class OneSchedule(_OfPipeline):
    changes = "edit_schedule"

    def require_right(self, action: str) -> None:
        """Setting one starts runs in the name of who sets it."""
        super().require_right("run_pipeline" if self.request.method == "PUT" else action)

    @extend_schema(summary="Set a schedule", request=ScheduleIn, responses=ScheduleOut)
    def put(self, request: Request, project: str, pipeline: str, environment: str) -> Response:
        taken = self.taken(ScheduleIn)
        saved = actions.save_schedule(
            actor=self.person,
            pipeline=self.pipeline,
            environment=self.environment(environment),
            cron=taken["cron"],
            timezone_name=taken["timezone"],
            edition=taken["edition"],
        )
        return Response(ScheduleOut(saved).data)

    @extend_schema(summary="Remove a schedule", responses={204: None})
    def delete(self, request: Request, project: str, pipeline: str, environment: str) -> Response:
        actions.remove_schedule(actor=self.person, schedule=self.schedule())
        return Response(status=204)


class PauseSchedule(_OfPipeline):
    @extend_schema(summary="Pause a schedule", request=None, responses=ScheduleOut)
    def post(self, request: Request, project: str, pipeline: str, environment: str) -> Response:
        return Response(ScheduleOut(actions.pause_schedule(actor=self.person, schedule=self.schedule())).data)


class ResumeSchedule(_OfPipeline):
    @extend_schema(summary="Resume a schedule", request=None, responses=ScheduleOut)
    def post(self, request: Request, project: str, pipeline: str, environment: str) -> Response:
        return Response(ScheduleOut(actions.resume_schedule(actor=self.person, schedule=self.schedule())).data)


def _runs() -> QuerySet[PipelineRun]:
    related = PipelineRun.objects.select_related("pipeline__project", "environment", "requested_by")
    return related.prefetch_related("job_runs__job")


_ALL = "projects/<slug:project>/pipelines/"
_ONE = _ALL + "<slug:pipeline>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALL, Pipelines.as_view()),
    path("projects/<slug:project>/pipeline-order", PipelineOrder.as_view()),
    path(_ONE, OnePipeline.as_view()),
    path(_ONE + "/runs/", PipelineRuns.as_view()),
    path(_ONE + "/runs/<uuid:run>", OnePipelineRun.as_view()),
    path(_ONE + "/runs/<uuid:run>/cancel", CancelPipelineRun.as_view()),
    path(_ONE + "/runs/<uuid:run>/rerun-failed", RerunFailed.as_view()),
    path(_ONE + "/schedules/", Schedules.as_view()),
    path(_ONE + "/schedules/<slug:environment>", OneSchedule.as_view()),
    path(_ONE + "/schedules/<slug:environment>/pause", PauseSchedule.as_view()),
    path(_ONE + "/schedules/<slug:environment>/resume", ResumeSchedule.as_view()),
]
