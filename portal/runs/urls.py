"""Pages of runs."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.runs import downloads, output_rows, preview_views, start_views, stream_views, value_rows, views

app_name = "runs"
_RUNS = "p/<slug:project>/runs/"
_RUN = _RUNS + "<uuid:run>/"
_JOB = "p/<slug:project>/jobs/<slug:job>/"
urlpatterns: list[URLPattern | URLResolver] = [
    path(_RUNS, views.list_runs, name="list"),
    path(_RUNS + "recent.json", views.recent, name="recent"),
    path(_RUNS + "many", views.many, name="many"),
    path(_RUN, views.run, name="run"),
    path(_RUN + "now", views.run_now, name="now"),
    path(_RUN + "cancel", views.cancel, name="cancel"),
    path(_RUN + "rerun", views.rerun, name="rerun"),
    path(_RUN + "put-back", views.put_back, name="put_back"),
    path(_RUN + "put-back-rows", views.put_back_rows, name="put_back_rows"),
    path(_RUN + "events", stream_views.events, name="events"),
    path(_RUN + "outputs/<int:output>/rows", output_rows.output_rows, name="output_rows"),
    path(_RUN + "stages/<int:stage>/values", value_rows.value_rows, name="value_rows"),
    path(_RUN + "log", stream_views.download, name="log"),
    path(_RUN + "outputs/<int:output>/download", downloads.output_file, name="output_file"),
    path("p/<slug:project>/places/give-up", views.give_up_place, name="give_up_place"),
    path(_JOB + "preview/download", downloads.preview_file, name="preview_file"),
    path(_JOB + "run", start_views.start, name="start"),
    path(_JOB + "run-draft", start_views.run_draft, name="run_draft"),
    path(_JOB + "preview", preview_views.preview, name="preview"),
    path(_JOB + "preview/cancel", preview_views.cancel, name="preview_cancel"),
    path(_JOB + "preview/warm", preview_views.warm, name="preview_warm"),
    path(_JOB + "analyse", preview_views.analyse, name="analyse"),
    path(_JOB + "preview/tables", preview_views.tables, name="preview_tables"),
]
