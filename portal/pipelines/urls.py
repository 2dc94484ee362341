"""Pages of pipelines."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "pipelines"
urlpatterns: list[URLPattern | URLResolver] = []
