"""Pages of pipelines."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.pipelines import run_views, views

_ALL = "p/<slug:project>/pipelines/"
_ONE = _ALL + "<slug:pipeline>/"
_RUN = _ONE + "runs/<uuid:run>/"

app_name = "pipelines"
urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALL, views.list_pipelines, name="list"),
    path(_ALL + "new-pipeline", views.create, name="create"),
    path(_ALL + "explain-times", run_views.explain, name="explain"),
    path(_ONE, views.pipeline, name="pipeline"),
    path(_ONE + "edit", views.edit, name="edit"),
    path(_ONE + "live", views.live, name="live"),
    path(_ONE + "run", views.run_pipeline, name="start"),
    path(_ONE + "schedule", run_views.schedule, name="schedule"),
    path(_RUN, run_views.run, name="run"),
    path(_RUN + "live", run_views.live_run, name="live_run"),
    path(_RUN + "cancel", run_views.cancel, name="cancel"),
    path(_RUN + "rerun-failed", run_views.rerun_failed, name="rerun_failed"),
]
