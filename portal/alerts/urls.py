"""Pages of alerts."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.alerts import channel_views, views

_ALL = "p/<slug:project>/alerts/"


def _steps(route: str, view: object, *steps: str) -> list[URLPattern]:
    """One address for each button: <route>/acknowledge, <route>/resolve …, named <view>_<step>."""
    noun = route.split("/")[0].rstrip("s") if "/" in route else "alert"
    return [path(f"{_ALL}{route}/{step}", view, {"step": step}, name=f"{noun}_{step}") for step in steps]  # type: ignore[call-overload]


app_name = "alerts"
urlpatterns: list[URLPattern | URLResolver] = [
    path(_ALL, views.list_alerts, name="list"),
    path("settings/mails", views.mail, name="mail"),
    path(_ALL + "read-all", views.read_all, name="read_all"),
    path(_ALL + "channels/", channel_views.channels, name="channels"),
    path(_ALL + "rules/new", channel_views.create_rule, name="create_rule"),
    *_steps("channels/<int:channel>", channel_views.change_channel, "test", "pause", "resume", "delete"),
    *_steps("rules/<int:rule>", channel_views.change_rule, "save", "pause", "resume", "delete"),
    path(_ALL + "<uuid:alert>", views.open_alert, name="open"),
    *_steps("<uuid:alert>", views.change_alert, "acknowledge", "resolve", "read"),
]
