"""API of alerts, rules and channels: the same actions as the pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.models import Project
from portal.alerts import actions
from portal.alerts.models import KINDS, RULE_EVENTS, Alert, AlertState, Channel, Delivery, Notice, Rule
from portal.api_base import ListView, ProjectView
from portal.errors import PortalError


class DeliveryOut(serializers.Serializer[Delivery]):
    kind = serializers.CharField()
    target = serializers.CharField(source="shown_target", help_text="A mail's address; of a webhook the host only.")
    channel = serializers.CharField(source="channel.name", allow_null=True, default=None)
    state = serializers.CharField(help_text="waiting, delivered or given_up")
    attempts = serializers.IntegerField()
    last_error = serializers.CharField()


class AlertOut(serializers.Serializer[Alert]):
    id = serializers.UUIDField()
    event = serializers.CharField(help_text="What happened: failed, late, not_started, skipped, paused, undelivered, asked, live …")
    title = serializers.CharField()
    body = serializers.CharField()
    state = serializers.CharField(help_text="open, acknowledged, resolved or note (for information)")
    subject_type = serializers.CharField(help_text="run, pipeline_run, schedule, promotion or delivery")
    subject_id = serializers.CharField()
    page = serializers.CharField(help_text="Path of the page where it is looked at.")
    times = serializers.IntegerField(help_text="How often it has happened since it was told.")
    run = serializers.SerializerMethodField(help_text="The run's id, where it is about one.")
    job = serializers.CharField(source="job.name", allow_null=True, default=None)
    pipeline = serializers.CharField(source="pipeline.name", allow_null=True, default=None)
    environment = serializers.CharField(source="environment.name")
    created_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolution = serializers.CharField(help_text="What resolved it when no person did, for instance: by run 4f2a91c0.")
    is_unread = serializers.SerializerMethodField(help_text="It is in the list of who asks, and they have not read it.")
    deliveries = DeliveryOut(many=True)

    def get_run(self, alert: Alert) -> str | None:
        return alert.subject_id if alert.subject_type == "run" else None

    def get_is_unread(self, alert: Alert) -> bool:
        return str(alert.pk) in self.context.get("unread", ())


class ChannelOut(serializers.Serializer[Channel]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    target = serializers.CharField()
    environment = serializers.CharField(source="environment.name", allow_null=True, default=None)
    paused_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewChannelOut(ChannelOut):
    secret = serializers.CharField(help_text="A webhook's signing key. It is given this once.")


class ChannelIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=KINDS)
    target = serializers.CharField(max_length=500, help_text="An e-mail address, or a webhook's https address.")
    environment = serializers.CharField(allow_null=True, default=None, help_text="Null: every environment.")


class RuleOut(serializers.Serializer[Rule]):
    id = serializers.IntegerField()
    event = serializers.CharField()
    job = serializers.CharField(source="job.name", allow_null=True, default=None)
    environment = serializers.CharField(source="environment.name", allow_null=True, default=None)
    minutes = serializers.IntegerField(allow_null=True)
    tell_owner = serializers.BooleanField()
    channels = serializers.SerializerMethodField(help_text="Names of channels.")
    is_default = serializers.BooleanField()
    paused_at = serializers.DateTimeField(allow_null=True)

    def get_channels(self, rule: Rule) -> list[str]:
        return [channel.name for channel in rule.channels.all()]


class RuleIn(serializers.Serializer[Any]):
    event = serializers.ChoiceField(choices=RULE_EVENTS)
    job = serializers.CharField(allow_null=True, default=None, help_text="Null: every job.")
    environment = serializers.CharField(allow_null=True, default=None, help_text="Null: every environment.")
    minutes = serializers.IntegerField(allow_null=True, default=None, min_value=1)
    tell_owner = serializers.BooleanField(default=True)
    channels = serializers.ListField(child=serializers.CharField(), default=list, help_text="Names of channels.")


class Alerts(ListView, ProjectView):
    serializer_class = AlertOut

    @extend_schema(
        summary="List alerts",
        parameters=[
            OpenApiParameter("state", str, enum=AlertState.values),
            OpenApiParameter("mine", bool, description="true: those in the list of who asks; unread: those of them not read yet."),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Alert]:
        query = self.request.query_params if self.request else {}
        alerts = _alerts()
        if state := query.get("state"):
            alerts = alerts.filter(state=state)
        if (mine := query.get("mine")) in {"true", "unread", "1"}:
            notices = Notice.objects.filter(user=self.person, **({"read_at": None} if mine == "unread" else {}))
            alerts = alerts.filter(pk__in=notices.values("alert"))
        return self.visible(alerts)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "unread": _unread(self)}


class _OfAlert(ProjectView):
    scope = "write"

    @property
    def alert(self) -> Alert:
        return self.find(_alerts(), pk=self.kwargs["alert"])

    def answer(self) -> Response:
        return Response(AlertOut(self.alert, context={"unread": _unread(self)}).data)


class OneAlert(_OfAlert):
    @extend_schema(summary="Read an alert", responses=AlertOut)
    def get(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        return self.answer()


class Acknowledge(_OfAlert):
    @extend_schema(summary="Acknowledge an alert", request=None, responses=AlertOut)
    def post(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        actions.acknowledge_alert(actor=self.person, alert=self.alert)
        return self.answer()


class Resolve(_OfAlert):
    @extend_schema(summary="Resolve an alert", request=None, responses=AlertOut)
    def post(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        actions.resolve_alert(actor=self.person, alert=self.alert)
        return self.answer()


class MarkRead(_OfAlert):
    @extend_schema(summary="Mark an alert as read", request=None, responses=AlertOut)
    def post(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        actions.read_alert(actor=self.person, alert=self.alert)
        return self.answer()


class Channels(ListView, ProjectView):
    serializer_class = ChannelOut
    remembers_answers = False
    changes = "manage_channels"

    def get_queryset(self) -> QuerySet[Channel]:
        return self.visible(Channel.objects.select_related("environment"), "manage_channels")

    @extend_schema(summary="Make a channel", request=ChannelIn, responses={201: NewChannelOut})
    def post(self, request: Request, project: str) -> Response:
        taken = self.taken(ChannelIn)
        taken["environment"] = _named(self.project, "environment", taken["environment"])
        channel, secret = actions.create_channel(actor=self.person, project=self.project, **taken)
        return Response({**ChannelOut(channel).data, "secret": secret}, status=201)


class _OfChannel(ProjectView):
    @property
    def channel(self) -> Channel:
        return self.find(Channel.objects.select_related("project", "environment"), "manage_channels", pk=self.kwargs["channel"])


class OneChannel(_OfChannel):
    @extend_schema(summary="Delete a channel", responses={204: None})
    def delete(self, request: Request, project: str, channel: int) -> Response:
        actions.delete_channel(actor=self.person, channel=self.channel)
        return Response(status=204)


class SendTest(_OfChannel):
    waits = True

    @extend_schema(summary="Send a test message", request=None, responses={204: None})
    def post(self, request: Request, project: str, channel: int) -> Response:
        actions.send_test(actor=self.person, channel=self.channel)
        return Response(status=204)


class PauseChannel(_OfChannel):
    paused = True

    @extend_schema(summary="Pause or resume a channel", request=None, responses=ChannelOut)
    def post(self, request: Request, project: str, channel: int) -> Response:
        return Response(ChannelOut(actions.pause_channel(actor=self.person, channel=self.channel, paused=self.paused)).data)


class Rules(ListView, ProjectView):
    serializer_class = RuleOut
    changes = "manage_channels"

    def get_queryset(self) -> QuerySet[Rule]:
        related = Rule.objects.select_related("job", "environment").prefetch_related("channels")
        return self.visible(related, "manage_channels")

    @extend_schema(summary="Make a rule", request=RuleIn, responses={201: RuleOut})
    def post(self, request: Request, project: str) -> Response:
        taken = self.taken(RuleIn)
        named = {name: _named(self.project, name, taken.pop(name)) for name in ("job", "environment")}
        channels = [_named(self.project, "channel", name) for name in taken.pop("channels")]
        rule = actions.create_rule(actor=self.person, project=self.project, **named, channels=channels, **taken)
        return Response(RuleOut(rule).data, status=201)


class _OfRule(ProjectView):
    @property
    def rule(self) -> Rule:
        return self.find(Rule.objects.select_related("project", "job", "environment"), "manage_channels", pk=self.kwargs["rule"])


class OneRule(_OfRule):
    @extend_schema(summary="Delete a rule", responses={204: None})
    def delete(self, request: Request, project: str, rule: int) -> Response:
        actions.delete_rule(actor=self.person, rule=self.rule)
        return Response(status=204)


class PauseRule(_OfRule):
    paused = True

    @extend_schema(summary="Pause or resume a rule", request=None, responses=RuleOut)
    def post(self, request: Request, project: str, rule: int) -> Response:
        return Response(RuleOut(actions.pause_rule(actor=self.person, rule=self.rule, paused=self.paused)).data)


def _alerts() -> QuerySet[Alert]:
    related = Alert.objects.select_related("project", "environment", "job", "pipeline")
    return related.prefetch_related("deliveries__channel")


def _unread(view: ProjectView) -> set[str]:
    """Ids of the alerts that who asks has not read."""
    mine = Notice.objects.filter(user=view.person, read_at=None, alert__project=view.project)
    return {str(one) for one in mine.values_list("alert_id", flat=True)}


def _named(project: Project, noun: str, name: str | None) -> Any:
    """The job, environment or channel of this name; None for None."""
    if name is None:
        return None
    rows: dict[str, Any] = {"job": project.jobs, "environment": project.environments, "channel": project.channels}
    found = rows[noun].filter(name=name).first()
    if found is None:
        raise PortalError(f"There is no {noun} “{name}” in this project.", code=f"{noun}-unknown", status=422)
    return found


_ALERTS = "projects/<slug:project>/alerts/"
_CHANNELS = "projects/<slug:project>/alert-channels/"
_RULES = "projects/<slug:project>/alert-rules/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALERTS, Alerts.as_view()),
    path(_ALERTS + "<uuid:alert>", OneAlert.as_view()),
    path(_ALERTS + "<uuid:alert>/read", MarkRead.as_view()),
    path(_ALERTS + "<uuid:alert>/acknowledge", Acknowledge.as_view()),
    path(_ALERTS + "<uuid:alert>/resolve", Resolve.as_view()),
    path(_CHANNELS, Channels.as_view()),
    path(_CHANNELS + "<int:channel>", OneChannel.as_view()),
    path(_CHANNELS + "<int:channel>/test", SendTest.as_view()),
    path(_CHANNELS + "<int:channel>/pause", PauseChannel.as_view()),
    path(_CHANNELS + "<int:channel>/resume", PauseChannel.as_view(paused=False)),
    path(_RULES, Rules.as_view()),
    path(_RULES + "<int:rule>", OneRule.as_view()),
    path(_RULES + "<int:rule>/pause", PauseRule.as_view()),
    path(_RULES + "<int:rule>/resume", PauseRule.as_view(paused=False)),
]
