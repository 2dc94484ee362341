"""API of promotions: the same actions as the pages. Deciding and going back need a signed-in person; no token will do."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import policy
from portal.api_base import ListView, ProjectView
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.promotions import actions
from portal.promotions.effects import Effects
from portal.promotions.models import Approval, Promotion
from portal.promotions.review import review_of


class ApprovalOut(serializers.Serializer[Approval]):
    approver = serializers.CharField(source="approver.username")
    decision = serializers.CharField(help_text="approve or decline")
    note = serializers.CharField()
    at = serializers.DateTimeField()


class PromotionOut(serializers.Serializer[Promotion]):
    id = serializers.IntegerField()
    job = serializers.CharField(source="job.name")
    version = serializers.IntegerField(source="version.number")
    sha256 = serializers.CharField()
    from_environment = serializers.CharField(source="from_environment.name")
    to_environment = serializers.CharField(source="to_environment.name")
    replaces = serializers.IntegerField(source="previous_version.number", allow_null=True, default=None)
    requested_by = serializers.CharField(source="requested_by.username")
    message = serializers.CharField()
    state = serializers.CharField(
        source="state_now", help_text="waiting, live, was_live (went live, and is not live now), declined, withdrawn or expired"
    )
    is_live_now = serializers.BooleanField(help_text="Its version is what runs in to_environment at this moment.")
    is_roll_back = serializers.BooleanField()
    approvals_needed = serializers.IntegerField(source="to_environment.approvals_needed")
    approvals = ApprovalOut(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    run_once = serializers.UUIDField(
        source="run_once_id", allow_null=True, help_text="The run that somebody asked for after it went live (…/run-once)."
    )


class PromotionGateOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    verdict = serializers.CharField(help_text="ok; warn (to know); unseen (could not be looked at: not passed); stop (cannot go live)")
    sentence = serializers.CharField()
    findings = serializers.ListField(child=serializers.CharField(), help_text="What it has found, as far as you may see data.")
    run = serializers.UUIDField(allow_null=True, help_text="The run that is the evidence.")


class PromotionUseOut(serializers.Serializer[Any]):
    job = serializers.CharField()
    does = serializers.CharField(help_text="reads or writes")
    what = serializers.CharField()
    place = serializers.CharField()


class PromotionColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.CharField(help_text="Type in the target now; empty where it is not there.")
    after = serializers.CharField(help_text="Type as the good run read or wrote it.")
    change = serializers.CharField(help_text="same, new, gone or type")


class _PlaceOut(serializers.Serializer[Any]):
    stage = serializers.CharField()
    uri = serializers.CharField(help_text="In the target.")
    run_uri = serializers.CharField(help_text="Where the good run read or wrote; empty where it did not note it.")
    rows = serializers.IntegerField(allow_null=True, help_text="That the good run read or wrote.")
    columns = PromotionColumnOut(many=True)
    hidden = serializers.IntegerField(help_text="Columns whose names you may not see.")
    others = PromotionUseOut(many=True, help_text="Other jobs that read or write the place in the target.")


class PromotionReadOut(_PlaceOut):
    there = serializers.IntegerField(allow_null=True, help_text="Files in the target; null where nothing could be read.")


class PromotionWrittenOut(_PlaceOut):
    save_mode = serializers.CharField()
    holds = serializers.BooleanField(help_text="Something lies there now.")
    rows_before = serializers.IntegerField(allow_null=True, help_text="Of the output that lies there now.")


class PromotionCheckOut(serializers.Serializer[Any]):
    stage = serializers.CharField()
    has_passed = serializers.BooleanField()
    words = serializers.CharField()


class PromotionThroughOut(serializers.Serializer[Any]):
    stage = serializers.CharField(source="used.stage")
    connection = serializers.CharField(source="used.name")
    kind = serializers.CharField(source="used.kind", allow_null=True, help_text="In words; null where the target has none of the name.")
    does = serializers.CharField(source="used.does", help_text="reads, writes or acts")
    what = serializers.CharField(source="used.what", help_text="The table, or that it is SQL of its own.")
    save_mode = serializers.CharField(source="used.save_mode")
    rows = serializers.IntegerField(allow_null=True, help_text="That the good run read or wrote.")


class PromotionRootOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    places = serializers.DictField(
        child=serializers.CharField(), help_text="Environment → where it lies there, of those that you may see; empty: there is none."
    )


class EffectsOut(serializers.Serializer[Effects]):
    run = serializers.UUIDField(source="run.pk", allow_null=True, default=None, help_text="The good run in from_environment.")
    reads = PromotionReadOut(many=True)
    writes = PromotionWrittenOut(many=True)
    checks = PromotionCheckOut(many=True)
    through = PromotionThroughOut(many=True, help_text="What its stages do through connections of the target.")
    roots = PromotionRootOut(many=True, help_text="Roots that it names; none where these are folders of the environments alone.")


class PromotionWithChecksOut(PromotionOut):
    checks = PromotionGateOut(many=True, help_text="What the rules say: now while it waits, else when it was decided.")
    effects = EffectsOut(help_text="What the good run did, and what lies at the same places in the target: now, or when it was decided.")


class PromotionIn(serializers.Serializer[Any]):
    job = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    message = serializers.CharField(max_length=300, allow_blank=True, default="")


class ApproveIn(serializers.Serializer[Any]):
    sha256 = serializers.CharField(help_text="The sha256 the approver has looked at.")
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class DeclineIn(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=1000)


class RollBackIn(serializers.Serializer[Any]):
    environment = serializers.CharField()
    message = serializers.CharField(max_length=300, allow_blank=True, default="")
    live = serializers.IntegerField(
        allow_null=True, default=None, help_text="The version you saw as live: 409 where it is another one now. Null: not asked."
    )


class Promotions(ListView, ProjectView):
    serializer_class = PromotionOut
    changes = "request_promotion"
    waits = True

    def get_queryset(self) -> QuerySet[Promotion]:
        return self.visible(_promotions())

    @extend_schema(summary="Ask for a promotion into the next environment", request=PromotionIn, responses={201: PromotionOut})
    def post(self, request: Request, project: str) -> Response:
        taken = self.taken(PromotionIn)
        job = self.find(Job.objects.select_related("project"), name=taken["job"])
        version = job.versions.filter(number=taken["version"]).first()
        if version is None:
            raise PortalError(f"{job.name} has no version {taken['version']}.", code="version-unknown", status=422)
        asked = actions.request_promotion(actor=self.person, version=version, message=taken["message"])
        return Response(PromotionOut(asked).data, status=201)


class _OfPromotion(ProjectView):
    @property
    def promotion(self) -> Promotion:
        return self.find(_promotions(), pk=self.kwargs["promotion"])


class OnePromotion(_OfPromotion):
    @extend_schema(summary="Read a promotion and its checks", responses=PromotionWithChecksOut)
    def get(self, request: Request, project: str, promotion: int) -> Response:
        review = review_of(self.person, self.promotion)
        checks = [check | {"run": check["run"].pk if check["run"] else None} for check in review.checks]
        effects = EffectsOut(review.effects).data
        return Response({**PromotionOut(self.promotion).data, "checks": checks, "effects": effects})


class _Decision(_OfPromotion):
    scope = None
    changes = "approve_promotion"
    waits = True

    def require_right(self, action: str) -> None:
        policy.require(self.person, action, self.promotion)


class Approve(_Decision):
    @extend_schema(summary="Approve a promotion", request=ApproveIn, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        done = actions.approve_promotion(actor=self.person, promotion=self.promotion, **self.taken(ApproveIn))
        return Response(PromotionOut(done).data)


class Decline(_Decision):
    @extend_schema(summary="Decline a promotion", request=DeclineIn, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        done = actions.decline_promotion(actor=self.person, promotion=self.promotion, **self.taken(DeclineIn))
        return Response(PromotionOut(done).data)


class Withdraw(_OfPromotion):
    @extend_schema(summary="Withdraw a promotion", request=None, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        return Response(PromotionOut(actions.withdraw_promotion(actor=self.person, promotion=self.promotion)).data)


class RunOnce(_OfPromotion):
    scope = "run"

    @extend_schema(
        summary="Run what went live, once and now",
        description="The run is yours. You, who asked for the promotion and who approved it hear how it ends.",
        request=None,
        responses={201: PromotionOut},
    )
    def post(self, request: Request, project: str, promotion: int) -> Response:
        found = self.promotion
        actions.run_once(actor=self.person, promotion=found)
        found.refresh_from_db()
        return Response(PromotionOut(found).data, status=201)


class RollBack(ProjectView):
    scope = None
    changes = "roll_back"

    @extend_schema(summary="Go back to the version that was live before", request=RollBackIn, responses={201: PromotionOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        taken = self.taken(RollBackIn)
        found = self.find(Job.objects.select_related("project"), name=job)
        environment = self.project.environments.filter(name=taken["environment"]).first()
        if environment is None:
            raise PortalError(f"There is no environment “{taken['environment']}” in this project.", code="environment-unknown", status=422)
        done = actions.roll_back(actor=self.person, job=found, environment=environment, message=taken["message"], live=taken["live"])
        return Response(PromotionOut(done).data, status=201)


def _promotions() -> QuerySet[Promotion]:
    related = Promotion.objects.with_live_now().select_related(
        "job__project", "version", "from_environment", "to_environment", "requested_by", "previous_version"
    )
    return related.prefetch_related("approvals__approver")


_ALL = "projects/<slug:project>/promotions/"
_ONE = _ALL + "<int:promotion>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALL, Promotions.as_view()),
    path(_ONE, OnePromotion.as_view()),
    path(_ONE + "/approve", Approve.as_view()),
    path(_ONE + "/decline", Decline.as_view()),
    path(_ONE + "/withdraw", Withdraw.as_view()),
    path(_ONE + "/run-once", RunOnce.as_view()),
    path("projects/<slug:project>/jobs/<slug:job>/roll-back", RollBack.as_view()),
]
