"""Pages of promotions."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.promotions import views

_ONE = "p/<slug:project>/promotions/<int:promotion>/"
_JOB = "p/<slug:project>/jobs/<slug:job>/"

app_name = "promotions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("p/<slug:project>/promotions/", views.list_promotions, name="list"),
    path(_ONE, views.promotion, name="promotion"),
    path(_ONE + "now", views.now, name="now"),
    path(_ONE + "approve", views.approve, name="approve"),
    path(_ONE + "decline", views.decline, name="decline"),
    path(_ONE + "run-once", views.run_once, name="run_once"),
    path(_ONE + "withdraw", views.withdraw, name="withdraw"),
    path(_JOB + "promote", views.ask, name="ask"),
    path(_JOB + "roll-back", views.roll_back, name="roll_back"),
]
