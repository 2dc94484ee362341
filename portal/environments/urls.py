"""Pages of environments."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "environments"
urlpatterns: list[URLPattern | URLResolver] = []
