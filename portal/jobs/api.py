"""API of jobs: the same actions as the pages."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.models import User
from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs import actions, advice, documents, job_list, stage_diff
from portal.jobs.models import Draft, Job, JobVersion, Place
from portal.jobs.places import Storages
from portal.jobs.sources import sources_of
from portal.jobs.sql_format import formatted
from portal.locking import EDITION_SIGNS


class LiveOut(serializers.Serializer[Any]):
    environment = serializers.CharField()
    version = serializers.IntegerField(source="number")
    behind = serializers.IntegerField(help_text="How many versions older than the newest.")


class JobOut(serializers.ModelSerializer[Job]):
    owner = serializers.CharField(source="owner.username")
    latest_version = serializers.IntegerField(source="latest_version.number", default=None)
    live = serializers.SerializerMethodField()
    edition = serializers.CharField(read_only=True, help_text="Another one after each change of what is said about it; send it with yours.")

    class Meta:
        model = Job
        fields = ["name", "description", "owner", "tags", "runs_at_once", "latest_version", "live", "created_at", "archived_at", "edition"]

    @extend_schema_field(LiveOut(many=True))
    def get_live(self, job: Job) -> Any:
        return LiveOut(job_list.live_chips(job), many=True).data


class JobIn(serializers.Serializer[Job]):
    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    document = serializers.JSONField(required=False, default=None, help_text="Becomes your draft; an object, or JSON text.")


class JobChange(serializers.Serializer[Job]):
    """What is left out stays as it is."""

    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    owner = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all(), required=False)
    runs_at_once = serializers.IntegerField(
        min_value=1, max_value=actions.MOST_RUNS_AT_ONCE, required=False, help_text="Runs that may work at a time in one environment."
    )
    edition = serializers.CharField(
        max_length=EDITION_SIGNS, required=False, help_text="The one you read: 409 where somebody has changed it since."
    )


class VersionOut(serializers.ModelSerializer[JobVersion]):
    author = serializers.CharField(source="author.username")
    restored_from = serializers.IntegerField(source="restored_from.number", default=None)

    class Meta:
        model = JobVersion
        fields = ["number", "sha256", "author", "message", "restored_from", "created_at"]


class VersionDocument(VersionOut):
    document = serializers.SerializerMethodField(help_text="The exact text whose sha256 is given; a credential in it is masked.")

    class Meta(VersionOut.Meta):
        fields = [*VersionOut.Meta.fields, "document"]

    def get_document(self, version: JobVersion) -> str:
        return documents.shown(version.document)


class VersionIn(serializers.Serializer[JobVersion]):
    document = serializers.JSONField(help_text="An object, or JSON text.")
    message = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    base_version = serializers.IntegerField(
        required=False, default=None, allow_null=True, help_text="The version this is a change of; 409 when a newer one exists."
    )


class DraftOut(serializers.ModelSerializer[Draft]):
    base_version = serializers.IntegerField(source="base_version.number", default=None)
    ended = serializers.SerializerMethodField(help_text="How many drafts of yours have ended: saved as a version, or thrown away.")

    class Meta:
        model = Draft
        fields = ["document", "revision", "base_version", "updated_at", "ended"]

    def get_ended(self, draft: Draft) -> int:
        return actions.ended_drafts(draft.user, draft.job)


class DraftIn(serializers.Serializer[Draft]):
    document = serializers.CharField(trim_whitespace=False, help_text="Text; it may be wrong in every way.")
    revision = serializers.IntegerField(min_value=0, help_text="The revision last seen; 0 before the first.")
    ended = serializers.IntegerField(
        min_value=0,
        required=False,
        help_text="`ended` as last seen: what comes late, after the draft has ended, is then refused with 409 draft-gone.",
    )


class CheckIn(serializers.Serializer[Any]):
    document = serializers.JSONField(help_text="An object, or JSON text.")


class CheckOut(serializers.Serializer[Any]):
    problems = serializers.ListField(child=serializers.DictField(), help_text="Every problem at once; empty when it is right.")
    advice = serializers.ListField(
        child=serializers.DictField(),
        help_text="Queries as other databases write them, with `edit`: the change that makes them Spark's. With severity warning Spark "
        "takes them, but does something that is hardly meant.",
    )


class SqlIn(serializers.Serializer[Any]):
    sql = serializers.CharField(trim_whitespace=False, allow_blank=True)


class SourceOut(serializers.Serializer[Any]):
    uri = serializers.CharField(help_text="As documents write it.")
    is_folder = serializers.BooleanField()
    stage_type = serializers.CharField(allow_null=True, help_text="The stage type that reads it; null: none does.")
    bytes = serializers.IntegerField(allow_null=True, help_text="Of single files.")


class RootInWordsOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What stands before the colon in an address.")
    where = serializers.CharField(help_text="In words.")
    address = serializers.CharField(help_text="by which documents may call it as well, such as s3a://acme/prod/; empty: by its name alone")
    may_write = serializers.BooleanField()
    is_default = serializers.BooleanField(help_text="Whether addresses without a name mean it.")


class SourcesOut(serializers.Serializer[Any]):
    environment = serializers.CharField(allow_null=True)
    roots = RootInWordsOut(many=True)
    sources = SourceOut(many=True, help_text="What lies in the root that needs no name.")
    more = serializers.BooleanField(help_text="Whether there is more than is listed.")


class FieldChangeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class StageChangeOut(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["same", "changed", "added", "removed", "moved"])
    name = serializers.CharField()
    type = serializers.CharField()
    number_before = serializers.IntegerField(allow_null=True)
    number_after = serializers.IntegerField(allow_null=True)
    moved = serializers.BooleanField()
    fields_ = FieldChangeOut(many=True, source="fields")


class ComparisonOut(serializers.Serializer[Any]):
    summary = serializers.CharField()
    stages = StageChangeOut(many=True)
    parameters = FieldChangeOut(many=True)


FILTERS = [
    OpenApiParameter("q", str, description="Words in name, description, tags or the newest document."),
    OpenApiParameter("owner", str, description="A username."),
    OpenApiParameter("tag", str),
    OpenApiParameter("last_run", str, enum=list(job_list.LAST_RUN)),
    OpenApiParameter("archived", str, enum=["1"], description="Archived jobs instead of open ones."),
]


class JobView(ProjectView):
    """A view of one job."""

    def job(self, action: str = "view") -> Job:
        return self.find(job_list.for_list(Job.objects.all()), action, name=self.kwargs["job"])

    def version(self, job: Job) -> JobVersion:
        return self.find(job.versions.select_related("author", "restored_from", "job__project"), number=self.kwargs["number"])


class Jobs(ProjectView, ListView):
    """The jobs of a project, by name."""

    serializer_class = JobOut
    ordering = "name"
    changes = "create_job"

    def get_queryset(self) -> QuerySet[Job]:
        found = self.visible(job_list.for_list(Job.objects.all()))
        return job_list.Filters.of(self.request.GET).apply(found)  # type: ignore[arg-type]

    @extend_schema(summary="Jobs", parameters=FILTERS, tags=["jobs"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(summary="New job", request=JobIn, responses={201: JobOut}, tags=["jobs"])
    def post(self, request: Request, project: str) -> Response:
        job = actions.create_job(actor=self.person, project=self.project, **self.taken(JobIn))
        return Response(JobOut(job).data, status=201)


class JobDetail(JobView):
    changes = "edit_job"

    @extend_schema(summary="One job", responses=JobOut, tags=["jobs"])
    def get(self, request: Request, project: str, job: str) -> Response:
        return Response(JobOut(self.job()).data)

    @extend_schema(summary="Change description, tags, owner", request=JobChange, responses=JobOut, tags=["jobs"])
    def patch(self, request: Request, project: str, job: str) -> Response:
        return Response(JobOut(actions.edit_job(actor=self.person, job=self.job(), **self.taken(JobChange))).data)


class JobDelete(JobView):
    @extend_schema(summary="Delete a job that was never saved", request=None, responses={204: None}, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> Response:
        actions.delete_job(actor=self.person, job=self.job())
        return Response(status=204)


class JobArchive(JobView):
    @extend_schema(summary="Archive", request=None, responses=JobOut, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> Response:
        return Response(JobOut(actions.archive_job(actor=self.person, job=self.job())).data)


class JobBringBack(JobView):
    @extend_schema(summary="Bring back an archived job", request=None, responses=JobOut, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> Response:
        return Response(JobOut(actions.bring_back_job(actor=self.person, job=self.job())).data)


class PlaceIn(serializers.Serializer[Any]):
    environment = serializers.CharField()
    uri = serializers.CharField(max_length=500, help_text="As documents write it.")


class PlaceOut(serializers.ModelSerializer[Place]):
    environment = serializers.CharField(source="environment.name")
    owner = serializers.CharField(source="owner.name", default=None, help_text="The job that publishes here; null for an upload.")
    last_run = serializers.UUIDField(source="last_run_id", allow_null=True)
    kept = serializers.SerializerMethodField(help_text="Earlier outputs that can be put back, the newest first.")

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_kept(self, place: Place) -> list[dict[str, Any]]:
        """Nothing where its root leads elsewhere by now."""
        if place.environment_id not in self._storages:
            self._storages[place.environment_id] = Storages(place.environment)
        return place.kept if place.lies_at == self._storages[place.environment_id].of(place.uri) else []

    @cached_property
    def _storages(self) -> dict[int, Storages]:
        """By the environment's id: a list asks for many places."""
        return {}

    class Meta:
        model = Place
        fields = ["environment", "uri", "owner", "since", "last_run", "published_at", "kept", "file_list"]
        extra_kwargs = {
            "file_list": {"help_text": "On S3, the list of its files for other programs (Athena, Presto): `current`, `behind`, or none."}
        }


class JobTakeOver(JobView):
    changes = "take_over_place"

    def require_right(self, action: str) -> None:
        """As `actions.may_answer_for`, in any of the environments: which one is meant stands in what was sent."""
        if not any(actions.may_answer_for(self.person, action, one) for one in self.project.environments.select_related("project")):
            raise NotAllowed(action, self.project)

    @extend_schema(summary="Take over a place", request=PlaceIn, responses=PlaceOut, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> Response:
        """Gives a place to this job: its next run there may replace what lies there. By role, and audited."""
        found, given = self.job(), self.taken(PlaceIn)
        environment = self.find(Environment.objects.select_related("project"), name=given["environment"])
        place = actions.take_over_place(actor=self.person, job=found, environment=environment, uri=given["uri"])
        return Response(PlaceOut(place).data)


class Versions(JobView, ListView):
    """The versions of a job, the newest first; without their documents."""

    serializer_class = VersionOut
    ordering = "-number"
    changes = "save_version"
    in_lowest = True
    waits = True

    def get_queryset(self) -> QuerySet[JobVersion]:
        found = self.visible(JobVersion.objects.select_related("author", "restored_from").defer("document", "restored_from__document"))
        return found if getattr(self, "swagger_fake_view", False) else found.filter(job=self.job())

    @extend_schema(summary="Save a version", request=VersionIn, responses={201: VersionOut}, tags=["jobs"])
    def post(self, request: Request, project: str, job: str) -> Response:
        given = self.taken(VersionIn)
        version = actions.save_version(actor=self.person, job=self.job(), **{**given, "document": documents.as_text(given["document"])})
        return Response(VersionOut(version).data, status=201)


class VersionDetail(JobView):
    @extend_schema(summary="One version, with its document", responses=VersionDocument, tags=["jobs"])
    def get(self, request: Request, project: str, job: str, number: int) -> Response:
        return Response(VersionDocument(self.version(self.job())).data)


class VersionRestore(JobView):
    waits = True

    @extend_schema(summary="Restore a version as the newest", request=None, responses={201: VersionOut}, tags=["jobs"])
    def post(self, request: Request, project: str, job: str, number: int) -> Response:
        found = self.job()
        made = actions.restore_version(actor=self.person, job=found, version=self.version(found))
        return Response(VersionOut(made).data, status=201)


class Diff(JobView):
    @extend_schema(
        summary="What differs between two versions",
        parameters=[OpenApiParameter("from", OpenApiTypes.INT, required=True), OpenApiParameter("to", OpenApiTypes.INT, required=True)],
        responses=ComparisonOut,
        tags=["jobs"],
    )
    def get(self, request: Request, project: str, job: str) -> Response:
        found = self.job()
        before, after = (self._document(found, name) for name in ("from", "to"))
        comparison = stage_diff.compare(before, after)
        return Response({"summary": comparison.summary, **asdict(comparison)})

    def _document(self, job: Job, name: str) -> str:
        text = self.request.GET.get(name, "")
        if not text.isdecimal() or len(text) > 8:
            raise PortalError(f"“{name}” is not a version's number.", code="invalid-fields", status=422, field=name)
        return documents.shown(self.find(job.versions.all(), number=int(text)).document)


class DraftDetail(JobView):
    """The asking person's own draft."""

    changes = "edit_job"

    @extend_schema(summary="Your draft", responses=DraftOut, tags=["jobs"])
    def get(self, request: Request, project: str, job: str) -> Response:
        drafts = Draft.objects.filter(job=self.job(), user=self.person).select_related("base_version", "job__project")
        return Response(DraftOut(self.find(drafts)).data)

    @extend_schema(summary="Save your draft", request=DraftIn, responses=DraftOut, tags=["jobs"])
    def put(self, request: Request, project: str, job: str) -> Response:
        return Response(DraftOut(actions.save_draft(actor=self.person, job=self.job(), **self.taken(DraftIn))).data)

    @extend_schema(summary="Throw your draft away", responses={204: None}, tags=["jobs"])
    def delete(self, request: Request, project: str, job: str) -> Response:
        actions.discard_draft(actor=self.person, job=self.job())
        return Response(status=204)


class Check(ProjectView):
    scope = "read"
    waits = True

    @extend_schema(summary="Check a document", request=CheckIn, responses=CheckOut, tags=["jobs"])
    def post(self, request: Request, project: str) -> Response:
        """What can be judged without Spark. 200 also when there are problems: they are the answer."""
        document = documents.as_text(self.taken(CheckIn)["document"])
        return Response({"problems": documents.problems_of(document, self.project), "advice": advice.advice_on(document, self.project)})


class Format(ProjectView):
    scope = "read"
    waits = True

    @extend_schema(summary="Format SQL", request=SqlIn, responses=SqlIn, tags=["jobs"])
    def post(self, request: Request, project: str) -> Response:
        """The same query, laid out. Comments and ${parameters} stay."""
        return Response({"sql": formatted(self.taken(SqlIn)["sql"])})


class JobSources(JobView):
    @extend_schema(summary="Sources you can read", responses=SourcesOut, tags=["jobs"])
    def get(self, request: Request, project: str, job: str) -> Response:
        """Files and tables of the lowest environment, for who may edit the job."""
        return Response(SourcesOut(sources_of(self.job("edit_job").project)).data)


_JOB = "projects/<slug:project>/jobs/<slug:job>"
urlpatterns = [
    path("projects/<slug:project>/check", Check.as_view()),
    path("projects/<slug:project>/format", Format.as_view()),
    path("projects/<slug:project>/jobs/", Jobs.as_view()),
    path(_JOB, JobDetail.as_view()),
    path(f"{_JOB}/take-over", JobTakeOver.as_view()),
    path(f"{_JOB}/delete", JobDelete.as_view()),
    path(f"{_JOB}/archive", JobArchive.as_view()),
    path(f"{_JOB}/bring-back", JobBringBack.as_view()),
    path(f"{_JOB}/draft", DraftDetail.as_view()),
    path(f"{_JOB}/diff", Diff.as_view()),
    path(f"{_JOB}/sources", JobSources.as_view()),
    path(f"{_JOB}/versions/", Versions.as_view()),
    path(f"{_JOB}/versions/<int:number>", VersionDetail.as_view()),
    path(f"{_JOB}/versions/<int:number>/restore", VersionRestore.as_view()),
]
