"""Pages of environments."""

from __future__ import annotations

from django.urls import path

from portal.environments import views

app_name = "environments"
urlpatterns = [
    path("p/<slug:project>/settings/environments", views.list_environments, name="list"),
    path("p/<slug:project>/settings/environments/<slug:environment>", views.edit, name="edit"),
    path("p/<slug:project>/settings/environments/<slug:environment>/secrets", views.set_secret, name="set_secret"),
    path("p/<slug:project>/settings/environments/<slug:environment>/secrets/<str:name>/remove", views.remove_secret, name="remove_secret"),
    path("p/<slug:project>/settings/compute", views.save_compute, name="save_compute"),
    path("settings/projects/new", views.create_project, name="create_project"),
]
