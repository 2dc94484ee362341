"""The home page."""

from __future__ import annotations

from django.urls import path

from portal.home import views

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("palette.json", views.palette_json, name="palette"),
    path("settings/system", views.system, name="system"),
]
