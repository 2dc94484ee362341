"""The query page."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.queries import views

app_name = "queries"
_IN = "p/<slug:project>/data/<slug:environment>/query"
urlpatterns: list[URLPattern | URLResolver] = [
    path("p/<slug:project>/query", views.home, name="home"),
    path(_IN, views.page, name="page"),
    path(f"{_IN}/run", views.run, name="run"),
    path(f"{_IN}/columns", views.columns, name="columns"),
    path(f"{_IN}/format", views.format_sql, name="format"),
]
