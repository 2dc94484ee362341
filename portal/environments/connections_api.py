"""API of connections and roots: the same actions as the pages. A secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from executor.connections import CONNECTION_KINDS
from executor.connections.base import LONGEST_SECRET
from executor.connections.open_data import OPEN_SETS
from portal.accounts import policy
from portal.api_base import refuse_unknown
from portal.environments import connections
from portal.environments.api import OfEnvironment, Reference
from portal.environments.models import Connection, ConnectionSecret, ConnectionTest, Environment, Root
from portal.environments.open_data import add_open_data
from portal.errors import PortalError
from portal.locking import EDITION_SIGNS

TAGS = ["connections"]
MANAGER = {"is_manager": True}
"""Who has just changed a root may see where it lies."""


class SecretVersionOut(serializers.ModelSerializer[ConnectionSecret]):
    version = serializers.IntegerField(source="number")
    set_by = serializers.CharField(source="set_by.shown_name")
    reference = Reference(read_only=True, allow_null=True)

    class Meta:
        model = ConnectionSecret
        fields = ["version", "reference", "key_shown", "set_by", "set_at", "ends_at", "used_at", "used_by"]


class LastTestOut(serializers.ModelSerializer[ConnectionTest]):
    by = serializers.CharField(source="by.shown_name")
    is_stale = serializers.BooleanField(help_text="What it was a test of is another one by now.")

    class Meta:
        model = ConnectionTest
        fields = ["works", "at", "by", "ms", "is_stale", "steps"]


class ConnectionOut(serializers.ModelSerializer[Connection]):
    test = serializers.SerializerMethodField()
    settings = serializers.DictField(help_text="The fields of its kind that are no secret.")
    edition = serializers.CharField(read_only=True, help_text="Another one after each change; send it with yours.")
    versions = SecretVersionOut(many=True, help_text="Of its secret, the newest first: who set it and who got it last, never what it is.")
    roots = serializers.SlugRelatedField[Root](slug_field="name", many=True, read_only=True)

    class Meta:
        model = Connection
        fields = ["name", "kind", "settings", "edition", "versions", "roots", "test"]

    @extend_schema_field(LastTestOut(allow_null=True))
    def get_test(self, row: Connection) -> dict[str, Any] | None:
        """The last one of what was saved."""
        found = getattr(row, "test", None)
        return dict(LastTestOut(found).data) if found else None


class SecretsField(serializers.DictField):
    """Secret field → value."""

    child = serializers.CharField(max_length=LONGEST_SECRET, trim_whitespace=False)

    def __init__(self, **options: Any) -> None:
        super().__init__(write_only=True, help_text="Field → value. Nobody sees it again.", **options)


class ConnectionIn(serializers.Serializer[Connection]):
    name = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField(choices=list(CONNECTION_KINDS))
    settings = serializers.DictField()
    secrets = SecretsField(required=False, default=dict)
    reference = Reference(required=False, help_text="Instead of secrets.")


class ConnectionEdit(serializers.Serializer[Connection]):
    """What is left out stays as it is."""

    settings = serializers.DictField(required=False, default=dict)
    secrets = SecretsField(required=False)
    reference = Reference(required=False)
    edition = serializers.CharField(max_length=EDITION_SIGNS, required=False)


class RotateIn(serializers.Serializer[Connection]):
    secrets = SecretsField(required=False, default=dict)
    reference = Reference(required=False, help_text="Instead of secrets.")
    old_for_minutes = serializers.IntegerField(
        required=False, default=connections.OLD_FOR_MINUTES, min_value=0, max_value=connections.LONGEST_OLD_FOR
    )


class RootOut(serializers.ModelSerializer[Root]):
    connection = serializers.SlugRelatedField[Connection](slug_field="name", read_only=True, help_text="None: a folder of this machine.")
    address = serializers.SerializerMethodField(
        help_text="On the connection; or the folder, for those who manage the environment. Empty of the environment's own folder."
    )
    is_folder = serializers.BooleanField(read_only=True, help_text="It lies in a folder of this machine that is not the environment's own.")

    test = serializers.SerializerMethodField()

    class Meta:
        model = Root
        fields = ["name", "connection", "address", "is_folder", "may_write", "is_default", "edition", "test"]

    def get_address(self, row: Root) -> str:
        return "" if row.is_folder and not self.context.get("is_manager") else row.address

    @extend_schema_field(LastTestOut(allow_null=True))
    def get_test(self, row: Root) -> dict[str, Any] | None:
        """The last one, of a root in a folder; for those who manage the environment."""
        found = getattr(row, "test", None) if self.context.get("is_manager") else None
        return dict(LastTestOut(found).data) if found else None


class RootIn(serializers.Serializer[Root]):
    name = serializers.CharField(max_length=60)
    connection = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        default="",
        help_text="A connection; empty: in a folder of this machine.",
    )
    address = serializers.CharField(max_length=600, help_text="Such as s3a://acme-lake/prod/, or /srv/data/archive.")
    may_write = serializers.BooleanField(required=False, default=False)


class RootEdit(serializers.Serializer[Root]):
    """What is left out stays as it is."""

    connection = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="Empty: in a folder of this machine; for the root “lake” without an address, in the environment's own folder.",
    )
    address = serializers.CharField(max_length=600, required=False, allow_blank=True)
    may_write = serializers.BooleanField(required=False)
    edition = serializers.CharField(max_length=EDITION_SIGNS, required=False)


class OfConnections(OfEnvironment):
    """Where connections lead is told to those who manage the environment."""

    changes = "manage_environment"

    def managed(self) -> Environment:
        return self.find(Environment.objects.select_related("project"), "manage_environment", name=self.kwargs["environment"])

    def connection(self) -> Connection:
        rows = Connection.objects.select_related("environment__project")
        return self.find(rows, "manage_environment", environment__name=self.kwargs["environment"], name=self.kwargs["connection"])


class Connections(OfConnections):
    @extend_schema(summary="Connections of an environment", responses=ConnectionOut(many=True), tags=TAGS)
    def get(self, request: Request, project: str, environment: str) -> Response:
        rows = self.managed().connections.select_related("test__by").prefetch_related("versions__set_by", "roots")
        return Response(ConnectionOut(rows, many=True).data)

    @extend_schema(summary="Add a connection", request=ConnectionIn, responses={201: ConnectionOut}, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        given = self.taken(ConnectionIn)
        refuse_unknown_fields(given["kind"], given["settings"], given["secrets"])
        return Response(ConnectionOut(connections.add_connection(actor=self.person, environment=self.managed(), **given)).data, status=201)


class ConnectionDetail(OfConnections):
    @extend_schema(summary="One connection", responses=ConnectionOut, tags=TAGS)
    def get(self, request: Request, project: str, environment: str, connection: str) -> Response:
        return Response(ConnectionOut(self.connection()).data)

    @extend_schema(summary="Change a connection", request=ConnectionEdit, responses=ConnectionOut, tags=TAGS)
    def patch(self, request: Request, project: str, environment: str, connection: str) -> Response:
        """Where it signs in elsewhere or otherwise than before, `secrets` are needed again."""
        found, given = self.connection(), self.taken(ConnectionEdit)
        refuse_unknown_fields(found.kind, given["settings"], given.get("secrets", {}))
        given = {"edition": found.edition, **given, "settings": {**found.settings, **given["settings"]}}
        return Response(ConnectionOut(connections.edit_connection(actor=self.person, connection=found, **given)).data)

    @extend_schema(summary="Remove a connection", request=None, responses={204: None}, tags=TAGS)
    def delete(self, request: Request, project: str, environment: str, connection: str) -> Response:
        connections.remove_connection(actor=self.person, connection=self.connection())
        return Response(status=204)


class RotateSecret(OfConnections):
    @extend_schema(summary="Rotate the secret of a connection", request=RotateIn, responses=SecretVersionOut, tags=TAGS)
    def post(self, request: Request, project: str, environment: str, connection: str) -> Response:
        found, given = self.connection(), self.taken(RotateIn)
        refuse_unknown_fields(found.kind, {}, given["secrets"])
        return Response(SecretVersionOut(connections.rotate_secret(actor=self.person, connection=found, **given)).data)


class Roots(OfEnvironment):
    changes = "manage_environment"

    @extend_schema(summary="Roots of an environment", responses=RootOut(many=True), tags=TAGS)
    def get(self, request: Request, project: str, environment: str) -> Response:
        """The names that documents may say, and where they lie here."""
        found = self.environment()
        about = {"is_manager": policy.can(self.person, "manage_environment", found)}
        return Response(RootOut(found.roots.select_related("connection", "test__by"), many=True, context=about).data)

    @extend_schema(summary="Add a root", request=RootIn, responses={201: RootOut}, tags=TAGS)
    def post(self, request: Request, project: str, environment: str) -> Response:
        made = connections.add_root(actor=self.person, environment=self.environment(), **self.taken(RootIn))
        return Response(RootOut(made, context=MANAGER).data, status=201)


class OpenDataIn(serializers.Serializer[Root]):
    name = serializers.ChoiceField(choices=[one.name for one in OPEN_SETS], help_text="Of a set of the AWS Open Data Registry.")


class OpenData(OfConnections):
    @extend_schema(
        summary="Add a set of open data: a connection and a root to read", request=OpenDataIn, responses={201: RootOut}, tags=TAGS
    )
    def post(self, request: Request, project: str, environment: str) -> Response:
        made = add_open_data(actor=self.person, environment=self.managed(), **self.taken(OpenDataIn))
        return Response(RootOut(made).data, status=201)


class RootDetail(OfEnvironment):
    changes = "manage_environment"

    @extend_schema(summary="One root", responses=RootOut, tags=TAGS)
    def get(self, request: Request, project: str, environment: str, root: str) -> Response:
        found = self._root()
        about = {"is_manager": policy.can(self.person, "manage_environment", found.environment)}
        return Response(RootOut(found, context=about).data)

    @extend_schema(summary="Change a root", request=RootEdit, responses=RootOut, tags=TAGS)
    def patch(self, request: Request, project: str, environment: str, root: str) -> Response:
        found = self._root()
        given = {
            "connection": found.connection.name if found.connection else "",
            "address": found.address,
            "may_write": found.may_write,
            "edition": found.edition,
            **self.taken(RootEdit),
        }
        return Response(RootOut(connections.edit_root(actor=self.person, root=found, **given), context=MANAGER).data)

    @extend_schema(summary="Remove a root", request=None, responses={204: None}, tags=TAGS)
    def delete(self, request: Request, project: str, environment: str, root: str) -> Response:
        """What lies there stays."""
        connections.remove_root(actor=self.person, root=self._root())
        return Response(status=204)

    def _root(self) -> Root:
        rows = Root.objects.select_related("environment__project", "connection")
        return self.find(rows, "view", environment__name=self.kwargs["environment"], name=self.kwargs["root"])


def refuse_unknown_fields(kind: str, settings: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """A field that the kind has not is answered as one that the door has not."""
    cls = CONNECTION_KINDS.get(kind)
    if cls is None:
        raise PortalError("The kind of this connection is not known here.", code="kind-unknown", status=409)
    secret = cls.secret_fields()
    refuse_unknown(settings, [name for name in cls.model_fields if name not in secret])
    refuse_unknown(secrets, secret)


_ENVIRONMENT = "projects/<slug:project>/environments/<slug:environment>"
urlpatterns = [
    path(_ENVIRONMENT + "/connections", Connections.as_view()),
    path(_ENVIRONMENT + "/connections/<str:connection>", ConnectionDetail.as_view()),
    path(_ENVIRONMENT + "/connections/<str:connection>/rotate", RotateSecret.as_view()),
    path(_ENVIRONMENT + "/open-data", OpenData.as_view()),
    path(_ENVIRONMENT + "/roots", Roots.as_view()),
    path(_ENVIRONMENT + "/roots/<str:root>", RootDetail.as_view()),
]
