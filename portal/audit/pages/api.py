"""API of the audit: read-only, for auditors and platform admins."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api_base import ApiView, ListView
from portal.audit import chain
from portal.audit.models import AuditEvent
from portal.audit.pages import export, search
from portal.errors import NotAllowed

FILTERS = [
    OpenApiParameter(name, str, description=field.help_text or field.label or "", required=False)
    for name, field in search.Filters.base_fields.items()
]


class AuditEventOut(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = ["actor", *export.FIELDS]


class AuditEvents(ListView):
    """What was done and what was refused, newest first."""

    serializer_class = AuditEventOut
    ordering = "-seq"

    def get_queryset(self) -> QuerySet[AuditEvent]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEvent.objects.none()
        if not search.may_read(self.person):
            raise NotAllowed("view_audit")
        return search.filtered(search.readable_by(self.person), self.request.GET.dict())[0]

    @extend_schema(summary="Audit events", parameters=FILTERS, tags=["audit"])
    def get(self, request: Request) -> Response:
        return self.list(request)


class VerdictOut(serializers.Serializer[chain.Verdict]):
    count = serializers.IntegerField(help_text="Events that were read.")
    head = serializers.CharField(help_text="The last good hash.")
    broken_seq = serializers.IntegerField(allow_null=True, help_text="The first event that does not fit; null: all do.")
    why = serializers.CharField()


class VerifyAudit(ApiView):
    @extend_schema(summary="Verify the audit", responses={200: VerdictOut}, tags=["audit"])
    def get(self, request: Request) -> Response:
        """Reads the whole chain now."""
        if not search.may_read(self.person):
            raise NotAllowed("view_audit")
        return Response(VerdictOut(chain.verify()).data)


urlpatterns = [path("audit/", AuditEvents.as_view()), path("audit/verify", VerifyAudit.as_view())]
