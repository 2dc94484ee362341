"""API of places: what runs have published in an environment, and putting an earlier output back."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from executor.language.places import OF_A_VALUE
from portal.api_base import ListView, ProjectView
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.jobs.actions import may_answer_for
from portal.jobs.api import PlaceOut
from portal.jobs.models import Place
from portal.jobs.places import Spelling
from portal.runs import actions


class PutBackIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=500)
    kept = serializers.CharField(max_length=40, help_text="The `id` of one of the place's kept outputs.")
    seen = serializers.CharField(
        max_length=40,
        allow_blank=True,
        default="",
        help_text="The place's `published_at` when you looked: refused (409) where somebody has published there since.",
    )


class Places(ProjectView, ListView):
    """What runs have published, and what was uploaded, in one environment; in a folder such as `year=2013`: for who may see its data."""

    serializer_class = PlaceOut
    ordering = "uri"

    def get_queryset(self) -> QuerySet[Place]:
        found = self.visible(Place.objects.select_related("environment", "owner")).filter(environment__name=self.kwargs.get("environment"))
        return found.filter(~Q(uri__contains=OF_A_VALUE) | Q(pk__in=self.visible(found, "view_data")))


class OfPlace(ProjectView):
    """A view that does something to one place of the environment in the address."""

    def require_right(self, action: str) -> None:
        environment = self.find(Environment.objects.select_related("project"), name=self.kwargs["environment"])
        if not may_answer_for(self.person, action, environment):
            raise NotAllowed(action, environment)

    def place_at(self, uri: str) -> Place:
        """However it is written."""
        environment = self.find(Environment.objects.select_related("project"), name=self.kwargs["environment"])
        places = Place.objects.select_related("environment__project", "owner").filter(environment=environment)
        return self.find(places, key=Spelling(environment).key(uri))


class PutBack(OfPlace):
    scope = "run"
    changes = "put_back_output"
    waits = True

    @extend_schema(summary="Put an earlier output back", request=PutBackIn, responses=PlaceOut)
    def post(self, request: Request, project: str, environment: str) -> Response:
        """In one step; what lay there is kept in its place. 409 while a run works that writes there."""
        given = self.taken(PutBackIn)
        place = self.place_at(given["uri"])
        return Response(PlaceOut(actions.put_back_output(actor=self.person, place=place, kept_id=given["kept"], seen=given["seen"])).data)


class GiveUpIn(serializers.Serializer[Any]):
    uri = serializers.CharField(max_length=500)


class GiveUp(OfPlace):
    changes = "give_up_place"

    @extend_schema(summary="Give up a place", request=GiveUpIn, responses={204: None})
    def post(self, request: Request, project: str, environment: str) -> Response:
        """Its job owns it no longer; what lies there stays. 409 while a run works that writes there."""
        actions.give_up_place(actor=self.person, place=self.place_at(self.taken(GiveUpIn)["uri"]))
        return Response(status=204)


_PLACES = "projects/<slug:project>/environments/<slug:environment>/places/"
urlpatterns = [path(_PLACES, Places.as_view()), path(_PLACES + "put-back", PutBack.as_view()), path(_PLACES + "give-up", GiveUp.as_view())]
