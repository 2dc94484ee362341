"""Pages of environments."""

from __future__ import annotations

from django.urls import path

from portal.environments import connection_views, views

app_name = "environments"
_ENVIRONMENT = "p/<slug:project>/settings/environments/<slug:environment>"
urlpatterns = [
    path("p/<slug:project>/settings/environments", views.list_environments, name="list"),
    path(_ENVIRONMENT, views.edit, name="edit"),
    path(_ENVIRONMENT + "/secrets", views.set_secret, name="set_secret"),
    path(_ENVIRONMENT + "/secrets/<str:name>/remove", views.remove_secret, name="remove_secret"),
    path("p/<slug:project>/connections/", connection_views.home, name="connections_home"),
    path(_ENVIRONMENT + "/connections", connection_views.list_connections, name="connections"),
    path(_ENVIRONMENT + "/open-data", connection_views.add_open_data, name="add_open_data"),
    path(_ENVIRONMENT + "/new-connection", connection_views.add_connection, name="add_connection"),
    path(_ENVIRONMENT + "/connections/<str:connection>", connection_views.edit_connection, name="connection"),
    path(_ENVIRONMENT + "/connections/<str:connection>/rotate", connection_views.rotate_secret, name="rotate_secret"),
    path(_ENVIRONMENT + "/connections/<str:connection>/remove", connection_views.remove_connection, name="remove_connection"),
    path(_ENVIRONMENT + "/connections/<str:connection>/roots", connection_views.add_root, name="add_root"),
    path(_ENVIRONMENT + "/roots", connection_views.add_folder_root, name="add_folder_root"),
    path(_ENVIRONMENT + "/roots/<str:root>/edit", connection_views.edit_root, name="edit_root"),
    path(_ENVIRONMENT + "/roots/<str:root>/remove", connection_views.remove_root, name="remove_root"),
    path("p/<slug:project>/settings/compute", views.save_compute, name="save_compute"),
    path("settings/projects/new", views.create_project, name="create_project"),
]
