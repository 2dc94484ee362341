"""Addresses of the help."""

from __future__ import annotations

from django.urls import path

from portal.help import views

app_name = "help"
urlpatterns = [
    path("help", views.home, name="home"),
    path("help/<slug:word>", views.page, name="page"),
]
