"""API of accounts: the same actions as the pages."""

from __future__ import annotations

from functools import cached_property

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts import actions, people, tokens
from portal.accounts.models import ApiToken, Membership, Project, Role, User
from portal.api_base import ApiView, ListView, ProjectView
from portal.errors import NotAllowed


class ProjectOut(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["slug", "name", "description", "created_at"]


class RoleOut(serializers.Serializer[Membership]):
    id = serializers.IntegerField()
    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.shown_name")
    role = serializers.ChoiceField(choices=Role.choices)
    environment = serializers.CharField(help_text="Empty: every environment of the project.", allow_blank=True)


class RoleIn(serializers.Serializer[Membership]):
    username = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.filter(is_active=True), source="person")
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in actions.PROJECT_ROLES])
    environment = serializers.CharField(required=False, default="", allow_blank=True, help_text="Empty: every environment of the project.")


class MeOut(serializers.Serializer[User]):
    username = serializers.CharField()
    name = serializers.CharField(source="shown_name")
    email = serializers.EmailField()


class PersonIn(serializers.Serializer[User]):
    username = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=150)
    email = serializers.EmailField()


class PersonMade(MeOut):
    password = serializers.CharField(help_text="The first password; shown only in this answer.")


class TokenOut(serializers.ModelSerializer[ApiToken]):
    state = serializers.ChoiceField(choices=["active", "expired", "revoked"])

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "scopes", "state", "created_at", "expires_at", "last_used_at"]


class TokenIn(serializers.Serializer[ApiToken]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(tokens.SCOPES)), min_length=1)
    days = serializers.IntegerField(min_value=1, max_value=tokens.LONGEST_DAYS, default=tokens.DEFAULT_DAYS)


class TokenMade(TokenOut):
    token = serializers.CharField(help_text="Shown only in this answer.")

    class Meta(TokenOut.Meta):
        fields = [*TokenOut.Meta.fields, "token"]


class Me(ApiView):
    """The person who asks."""

    @extend_schema(summary="Who am I?", responses=MeOut, tags=["people"])
    def get(self, request: Request) -> Response:
        return Response(MeOut(self.person).data)


class People(ApiView):
    scope = None
    remembers_answers = False
    changes = "manage_platform"

    @extend_schema(summary="Make an account", request=PersonIn, responses={201: PersonMade}, tags=["people"])
    def post(self, request: Request) -> Response:
        person, password = actions.create_person(actor=self.person, **self.taken(PersonIn))
        return Response({**MeOut(person).data, "password": password}, status=201)


class Tokens(ListView):
    """One's own tokens."""

    scope = None
    remembers_answers = False
    serializer_class = TokenOut

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=self.person)

    @extend_schema(summary="Make an API token", request=TokenIn, responses={201: TokenMade}, tags=["tokens"])
    def post(self, request: Request) -> Response:
        token, text = actions.create_token(actor=self.person, **self.taken(TokenIn))
        return Response({**TokenOut(token).data, "token": text}, status=201)


class TokenView(ApiView):
    scope = None

    @extend_schema(summary="Revoke an API token", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request, token: int) -> Response:
        found = ApiToken.objects.filter(pk=token).first()
        if found is None:
            raise NotAllowed("revoke_token")
        actions.revoke_token(actor=self.person, token=found)
        return Response(status=204)


class SettingsView(ProjectView):
    """A view of a project's settings: whoever manages its members gets here too, whatever else they may not see."""

    @cached_property
    def project(self) -> Project:
        return people.project_for_people(self.person, self.kwargs["project"])


class ProjectDetail(SettingsView):
    @extend_schema(summary="One project", responses=ProjectOut, tags=["projects"])
    def get(self, request: Request, project: str) -> Response:
        return Response(ProjectOut(self.project).data)


class Members(SettingsView, ListView):
    """Who has which role in the project."""

    scope = None
    changes = "manage_members"
    serializer_class = RoleOut
    ordering = "id"

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return Membership.objects.none()
        return Membership.objects.filter(project=self.project).select_related("user")

    @extend_schema(summary="Give a role", request=RoleIn, responses={201: RoleOut}, tags=["people"])
    def post(self, request: Request, project: str) -> Response:
        membership = actions.add_member(actor=self.person, project=self.project, **self.taken(RoleIn))
        return Response(RoleOut(membership).data, status=201)


class Member(SettingsView):
    scope = None

    @extend_schema(summary="Take a role away", responses={204: None}, tags=["people"])
    def delete(self, request: Request, project: str, member: int) -> Response:
        membership = self.find(Membership.objects.select_related("user", "project"), "manage_members", pk=member)
        actions.remove_member(actor=self.person, membership=membership)
        return Response(status=204)


urlpatterns = [
    path("me", Me.as_view()),
    path("people/", People.as_view()),
    path("tokens/", Tokens.as_view()),
    path("tokens/<int:token>", TokenView.as_view()),
    path("projects/<slug:project>", ProjectDetail.as_view()),
    path("projects/<slug:project>/members/", Members.as_view()),
    path("projects/<slug:project>/members/<int:member>", Member.as_view()),
]
