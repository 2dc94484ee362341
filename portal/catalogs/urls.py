"""Pages of a place for other programs."""

from __future__ import annotations

from django.urls import path

from portal.catalogs import views

app_name = "catalog"
_CATALOG = "p/<slug:project>/data/<slug:environment>/catalog"
urlpatterns = [
    path(_CATALOG, views.place, name="place"),
    path(_CATALOG + "/statement", views.statement, name="statement"),
    path(_CATALOG + "/register", views.register, name="register"),
]
