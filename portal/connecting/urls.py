"""Pieces of the pages of connections."""

from __future__ import annotations

from django.urls import path

from portal.connecting import views

app_name = "connecting"
_ENVIRONMENT = "p/<slug:project>/settings/environments/<slug:environment>"
urlpatterns = [
    path(_ENVIRONMENT + "/new-connection/test", views.test_new, name="test_new"),
    path(_ENVIRONMENT + "/connections/<str:connection>/test", views.test, name="test"),
    path(_ENVIRONMENT + "/roots/<str:root>/test", views.test_root, name="test_root"),
]
