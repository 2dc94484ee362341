"""Pages of accounts."""

from __future__ import annotations

from django.urls import path

from portal.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in", views.sign_in_page, name="sign_in"),
    path("sign-in-as", views.sign_in_as, name="sign_in_as"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("account", views.tokens_page, name="tokens"),
    path("account/tokens/<int:token>/revoke", views.revoke_token, name="revoke_token"),
    path("account/first-password", views.first_password, name="first_password"),
    path("account/password", views.change_password, name="change_password"),
    path("switch-project", views.switch_project, name="switch_project"),
    path("p/<slug:project>/settings/", views.settings_page, name="settings"),
    path("p/<slug:project>/settings/people", views.people_page, name="people"),
    path("p/<slug:project>/settings/people/add", views.add_member, name="add_member"),
    path("p/<slug:project>/settings/people/new", views.create_person, name="create_person"),
    path("p/<slug:project>/settings/people/<int:membership>/remove", views.remove_member, name="remove_member"),
]
