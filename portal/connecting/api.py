"""API of tests of connections: the same action as the pages'."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.connecting import actions
from portal.environments.connections_api import TAGS, OfConnections, SecretsField, refuse_unknown_fields
from portal.environments.models import Root


class StepOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.CharField(help_text="good, bad, or note: nothing is wrong, and there is something to know.")
    words = serializers.CharField()
    fix = serializers.CharField(help_text="What to do about it; empty where nothing is to be done.")
    ms = serializers.IntegerField()


class TestOut(serializers.Serializer[Any]):
    works = serializers.BooleanField()
    steps = StepOut(many=True)
    ms = serializers.IntegerField()
    is_kept = serializers.BooleanField(help_text="It was a test of the connection or root as it is saved, and stands with it.")


class TestIn(serializers.Serializer[Any]):
    """What is left out is as it is saved."""

    settings = serializers.DictField(required=False, default=dict)
    secrets = SecretsField(required=False, default=dict)


class NewTestIn(serializers.Serializer[Any]):
    kind = serializers.CharField(max_length=30)
    settings = serializers.DictField()
    secrets = SecretsField(required=False, default=dict)


class TestNew(OfConnections):
    waits = True
    remembers_answers = False

    @extend_schema(summary="Test a connection before it is made", request=NewTestIn, responses=TestOut, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        given = self.taken(NewTestIn)
        refuse_unknown_fields(given["kind"], given["settings"], given["secrets"])
        return Response(TestOut(actions.test_connection(actor=self.person, environment=self.managed(), **given)).data)


class TestSaved(OfConnections):
    waits = True
    remembers_answers = False

    @extend_schema(summary="Test a connection", request=TestIn, responses=TestOut, tags=TAGS)
    def post(self, request: Request, project: str, environment: str, connection: str) -> Response:
        """As it is saved, or with other settings. What is stored of its secret is used only where it signs in as before."""
        found, given = self.connection(), self.taken(TestIn)
        refuse_unknown_fields(found.kind, given["settings"], given["secrets"])
        given = {**given, "settings": {**found.settings, **given["settings"]}}
        outcome = actions.test_connection(actor=self.person, environment=found.environment, kind=found.kind, connection=found, **given)
        return Response(TestOut(outcome).data)


class TestRoot(OfConnections):
    waits = True
    remembers_answers = False

    @extend_schema(summary="Test a root in a folder of this machine", request=None, responses=TestOut, tags=TAGS)
    def post(self, request: Request, project: str, environment: str, root: str) -> Response:
        """Whether it is there, may be read, and where jobs write be written, and how much room is left."""
        rows = Root.objects.select_related("environment__project", "connection")
        found = self.find(rows, "manage_environment", environment__name=environment, name=root)
        return Response(TestOut(actions.test_root(actor=self.person, root=found)).data)


_ENVIRONMENT = "projects/<slug:project>/environments/<slug:environment>"
urlpatterns = [
    path(_ENVIRONMENT + "/connection-tests", TestNew.as_view()),
    path(_ENVIRONMENT + "/connections/<str:connection>/test", TestSaved.as_view()),
    path(_ENVIRONMENT + "/roots/<str:root>/test", TestRoot.as_view()),
]
