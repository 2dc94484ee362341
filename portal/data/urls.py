"""Pages of data."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.data import version_views, views

app_name = "data"
_DATA = "p/<slug:project>/data/"
_IN = _DATA + "<slug:environment>/"
urlpatterns: list[URLPattern | URLResolver] = [
    path(_DATA, views.home, name="home"),
    path(_IN, views.list_data, name="list"),
    path(_IN + "browse", views.browse, name="browse"),
    path(_IN + "folder", views.folder, name="folder"),
    path(_IN + "arrived", views.arrived, name="arrived"),
    path(_IN + "packed", views.packed, name="packed"),
    path(_IN + "table", views.table, name="table"),
    path(_IN + "versions", version_views.versions, name="versions"),
    path(_IN + "versions/version", version_views.version, name="version"),
    path(_IN + "versions/rows", version_views.version_rows, name="version_rows"),
    path(_IN + "versions/changes", version_views.changed_rows, name="version_changes"),
    path(_IN + "versions/clean-up", version_views.clean_up, name="clean_up"),
    path(_IN + "versions/optimize", version_views.optimize_page, name="optimize"),
    path(_IN + "versions/optimize-now", version_views.optimize, name="optimize_now"),
    path(_IN + "versions/put-back", version_views.put_back, name="put_back_version"),
    path(_IN + "columns", views.columns, name="columns"),
    path(_IN + "rows", views.rows, name="rows"),
    path(_IN + "file", views.file, name="file"),
    path(_IN + "download", views.download, name="download"),
    path(_IN + "rename", views.rename, name="rename"),
    path(_IN + "delete", views.delete, name="delete"),
    path(_IN + "discard", views.discard, name="discard"),
    path(_IN + "put-back", views.put_back, name="put_back"),
]
