"""Pages about one file of an environment's lake, and what a job's editor asks of a look."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.looks import views

app_name = "looks"
_LOOK = "p/<slug:project>/data/<slug:environment>/look"
urlpatterns: list[URLPattern | URLResolver] = [
    path(_LOOK, views.look, name="look"),
    path(_LOOK + "/proposal", views.proposal, name="proposal"),
    path(_LOOK + "/create", views.create_job, name="create"),
    path(_LOOK + "/stages", views.stages, name="stages"),
    path(_LOOK + "/preview", views.preview, name="preview"),
    path(_LOOK + "/unpack", views.unpack, name="unpack"),
    path("p/<slug:project>/jobs/<slug:job>/input-columns", views.input_columns, name="input_columns"),
]
