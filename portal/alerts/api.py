"""API of alerts, rules and channels: the same actions as the pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.alerts import actions
from portal.alerts.models import EVENTS, KINDS, Alert, Channel, Delivery, Rule
from portal.api_base import ListView, ProjectView
from portal.errors import PortalError


class DeliveryOut(serializers.Serializer[Delivery]):
    kind = serializers.CharField()
    target = serializers.CharField()
    state = serializers.CharField(help_text="waiting, delivered or given_up")
    attempts = serializers.IntegerField()
    last_error = serializers.CharField()


class AlertOut(serializers.Serializer[Alert]):
    id = serializers.UUIDField()
    event = serializers.CharField(help_text="failed or late")
    title = serializers.CharField()
    body = serializers.CharField()
    state = serializers.CharField(help_text="open, acknowledged or resolved")
    run = serializers.UUIDField(source="run_id")
    job = serializers.CharField(source="run.job.name")
    environment = serializers.CharField(source="run.environment.name")
    created_at = serializers.DateTimeField()
    deliveries = DeliveryOut(many=True)


class ChannelOut(serializers.Serializer[Channel]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    target = serializers.CharField()
    paused_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewChannelOut(ChannelOut):
    secret = serializers.CharField(help_text="A webhook's signing key. It is given this once.")


class ChannelIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=KINDS)
    target = serializers.CharField(max_length=500, help_text="An e-mail address, or a webhook's https address.")


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
    event = serializers.ChoiceField(choices=EVENTS)
    job = serializers.CharField(allow_null=True, default=None, help_text="Null: every job.")
    environment = serializers.CharField(allow_null=True, default=None, help_text="Null: every environment.")
    minutes = serializers.IntegerField(allow_null=True, default=None, min_value=1)
    tell_owner = serializers.BooleanField(default=True)
    channels = serializers.ListField(child=serializers.CharField(), default=list, help_text="Names of channels.")


class Alerts(ListView, ProjectView):
    serializer_class = AlertOut

    def get_queryset(self) -> QuerySet[Alert]:
        related = Alert.objects.select_related("run__job", "run__environment").prefetch_related("deliveries")
        state = self.request.query_params.get("state") if self.request else None
        return self.visible(related.filter(state=state) if state else related)


class _OfAlert(ProjectView):
    @property
    def alert(self) -> Alert:
        return self.find(Alert.objects.select_related("run__job", "run__environment", "project"), pk=self.kwargs["alert"])


class Acknowledge(_OfAlert):
    @extend_schema(summary="Acknowledge an alert", request=None, responses=AlertOut)
    def post(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        return Response(AlertOut(actions.acknowledge_alert(actor=self.person, alert=self.alert)).data)


class Resolve(_OfAlert):
    @extend_schema(summary="Resolve an alert", request=None, responses=AlertOut)
    def post(self, request: Request, project: str, alert: uuid.UUID) -> Response:
        return Response(AlertOut(actions.resolve_alert(actor=self.person, alert=self.alert)).data)


class Channels(ListView, ProjectView):
    serializer_class = ChannelOut
    remembers_answers = False

    def get_queryset(self) -> QuerySet[Channel]:
        return self.visible(Channel.objects.all(), "manage_channels")

    @extend_schema(summary="Make a channel", request=ChannelIn, responses={201: NewChannelOut})
    def post(self, request: Request, project: str) -> Response:
        channel, secret = actions.create_channel(actor=self.person, project=self.project, **self.taken(ChannelIn))
        return Response({**ChannelOut(channel).data, "secret": secret}, status=201)


class _OfChannel(ProjectView):
    @property
    def channel(self) -> Channel:
        return self.find(Channel.objects.select_related("project"), "manage_channels", pk=self.kwargs["channel"])


class OneChannel(_OfChannel):
    @extend_schema(summary="Delete a channel", responses={204: None})
    def delete(self, request: Request, project: str, channel: int) -> Response:
        actions.delete_channel(actor=self.person, channel=self.channel)
        return Response(status=204)


class SendTest(_OfChannel):
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

    def get_queryset(self) -> QuerySet[Rule]:
        related = Rule.objects.select_related("job", "environment").prefetch_related("channels")
        return self.visible(related, "manage_channels")

    @extend_schema(summary="Make a rule", request=RuleIn, responses={201: RuleOut})
    def post(self, request: Request, project: str) -> Response:
        taken = self.taken(RuleIn)
        named = {name: self._named(name, taken.pop(name)) for name in ("job", "environment")}
        channels = [self._named("channel", name) for name in taken.pop("channels")]
        rule = actions.create_rule(actor=self.person, project=self.project, **named, channels=channels, **taken)
        return Response(RuleOut(rule).data, status=201)

    def _named(self, noun: str, name: str | None) -> Any:
        if name is None:
            return None
        rows: dict[str, Any] = {"job": self.project.jobs, "environment": self.project.environments, "channel": self.project.channels}
        found = rows[noun].filter(name=name).first()
        if found is None:
            raise PortalError(f"There is no {noun} “{name}” in this project.", code=f"{noun}-unknown", status=422)
        return found


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


_ALERTS = "projects/<slug:project>/alerts/"
_CHANNELS = "projects/<slug:project>/alert-channels/"
_RULES = "projects/<slug:project>/alert-rules/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALERTS, Alerts.as_view()),
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
