"""Pages of audit."""

from __future__ import annotations

from django.urls import path, re_path

from portal.audit.pages import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.list_events, name="list"),
    path("audit/verify", views.verify, name="verify"),
    path("audit/<int:seq>", views.show_event, name="event"),
    re_path(r"^audit/export\.(?P<kind>csv|jsonl)$", views.export_events, name="export"),
]
