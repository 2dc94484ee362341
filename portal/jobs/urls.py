"""Pages of jobs. A dash in an address can be no job's name, so pages and jobs never clash."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.jobs import editor_views, version_views, views

app_name = "jobs"
_JOBS = "p/<slug:project>/jobs/"
_JOB = _JOBS + "<slug:job>/"
urlpatterns: list[URLPattern | URLResolver] = [
    path("p/<slug:project>/", views.project_start, name="project"),
    path(_JOBS, views.list_jobs, name="list"),
    path(_JOBS + "new-job", views.create, name="create"),
    path(_JOBS + "import-job", views.import_job, name="import"),
    path(_JOB, views.job, name="job"),
    path(_JOB + "details", views.edit_details, name="edit_details"),
    path(_JOB + "take-over", views.take_over, name="take_over"),
    path(_JOB + "archive", views.archive, name="archive"),
    path(_JOB + "delete", views.delete, name="delete"),
    path(_JOB + "bring-back", views.bring_back, name="bring_back"),
    path(_JOB + "versions", version_views.versions_json, name="versions"),
    path(_JOB + "versions/<int:number>", version_views.version, name="version"),
    path(_JOB + "versions/<int:number>.json", version_views.version_json, name="version_json"),
    path(_JOB + "versions/<int:number>/restore", version_views.restore, name="restore"),
    path(_JOB + "diff", version_views.diff, name="diff"),
    path(_JOB + "edit", editor_views.edit, name="edit"),
    path(_JOB + "draft", editor_views.draft, name="draft"),
    path(_JOB + "draft/discard", editor_views.discard_draft, name="discard_draft"),
    path(_JOB + "check", editor_views.check, name="check"),
    path(_JOB + "save", editor_views.save, name="save"),
    path(_JOB + "format", editor_views.format_sql, name="format"),
    path(_JOB + "sources", editor_views.list_sources, name="sources"),
    path(_JOB + "presence", editor_views.presence, name="presence"),
]
