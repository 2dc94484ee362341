"""The gallery of components; answers only where SLUICE_DEBUG is on."""

from __future__ import annotations

from django.urls import path

from portal.ui import views

app_name = "ui"
urlpatterns = [path("ui/gallery", views.gallery, name="gallery")]
