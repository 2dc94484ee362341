"""API of promotions: the same actions as the pages. Deciding and going back need a signed-in person; no token will do."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ListView, ProjectView
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.promotions import actions, gates
from portal.promotions.models import Approval, Promotion


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
    state = serializers.CharField(help_text="waiting, live, declined, withdrawn or expired")
    is_live_now = serializers.BooleanField(help_text="Its version is what runs in to_environment at this moment.")
    is_roll_back = serializers.BooleanField()
    approvals_needed = serializers.IntegerField(source="to_environment.approvals_needed")
    approvals = ApprovalOut(many=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class GateOut(serializers.Serializer[gates.Gate]):
    name = serializers.CharField()
    verdict = serializers.CharField(help_text="ok, warn or stop")
    sentence = serializers.CharField()


class PromotionWithChecksOut(PromotionOut):
    checks = serializers.SerializerMethodField(help_text="What the rules say: now while it waits, else when it was decided.")

    def get_checks(self, promotion: Promotion) -> list[dict[str, str]]:
        return gates.evidence(gates.judge(gates.Candidate.of(promotion))) if promotion.is_waiting else promotion.evidence


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


class Promotions(ListView, ProjectView):
    serializer_class = PromotionOut

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
        return Response(PromotionWithChecksOut(self.promotion).data)


class Approve(_OfPromotion):
    scope = None

    @extend_schema(summary="Approve a promotion", request=ApproveIn, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        done = actions.approve_promotion(actor=self.person, promotion=self.promotion, **self.taken(ApproveIn))
        return Response(PromotionOut(done).data)


class Decline(_OfPromotion):
    scope = None

    @extend_schema(summary="Decline a promotion", request=DeclineIn, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        done = actions.decline_promotion(actor=self.person, promotion=self.promotion, **self.taken(DeclineIn))
        return Response(PromotionOut(done).data)


class Withdraw(_OfPromotion):
    @extend_schema(summary="Withdraw a promotion", request=None, responses=PromotionOut)
    def post(self, request: Request, project: str, promotion: int) -> Response:
        return Response(PromotionOut(actions.withdraw_promotion(actor=self.person, promotion=self.promotion)).data)


class RollBack(ProjectView):
    scope = None

    @extend_schema(summary="Go back to the version that was live before", request=RollBackIn, responses={201: PromotionOut})
    def post(self, request: Request, project: str, job: str) -> Response:
        taken = self.taken(RollBackIn)
        found = self.find(Job.objects.select_related("project"), name=job)
        environment = self.project.environments.filter(name=taken["environment"]).first()
        if environment is None:
            raise PortalError(f"There is no environment “{taken['environment']}” in this project.", code="environment-unknown", status=422)
        done = actions.roll_back(actor=self.person, job=found, environment=environment, message=taken["message"])
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
    path("projects/<slug:project>/jobs/<slug:job>/roll-back", RollBack.as_view()),
]
