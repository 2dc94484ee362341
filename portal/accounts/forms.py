"""Forms of the account and settings pages. What is allowed is decided by the actions."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.accounts import tokens
from portal.accounts.actions import PROJECT_ROLES
from portal.accounts.models import Project, User

DAYS = [(7, "a week"), (30, "a month"), (90, "three months"), (365, "a year")]


class SignInForm(forms.Form):
    username = forms.CharField(label="User name", max_length=150)
    password = forms.CharField(label="Password", widget=forms.PasswordInput, strip=False, max_length=200)


class PersonField(forms.ModelChoiceField):
    def label_from_instance(self, obj: User) -> str:
        return f"{obj.shown_name} ({obj.username})"


class MemberForm(forms.Form):
    """Who gets which role, and where."""

    person = PersonField(User.objects.none(), to_field_name="username", label="Person", empty_label="Choose …")
    role = forms.ChoiceField(label="Role", choices=[(role.value, role.label) for role in PROJECT_ROLES])
    environment = forms.ChoiceField(label="Environment", required=False)

    def __init__(self, project: Project, actor: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["person"].queryset = User.objects.filter(is_active=True).exclude(pk=actor.pk).order_by("first_name", "username")  # type: ignore[attr-defined]
        names = project.environments.values_list("name", flat=True)
        self.fields["environment"].choices = [("", "every environment"), *((name, name) for name in names)]  # type: ignore[attr-defined]


class PersonForm(forms.Form):
    username = forms.CharField(label="User name", max_length=60, help_text="Small letters, digits, - and _; begins with a letter.")
    name = forms.CharField(label="Name", max_length=150)
    email = forms.EmailField(label="E-mail", help_text="Alerts about their jobs go there.")


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100, help_text="What will use it, for instance “nightly export”.")
    scopes = forms.MultipleChoiceField(label="It may", choices=list(tokens.SCOPES.items()), widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(label="It ends after", choices=DAYS, coerce=int, initial=tokens.DEFAULT_DAYS)


class PasswordForm(forms.Form):
    old = forms.CharField(label="Present password", widget=forms.PasswordInput, strip=False)
    new = forms.CharField(label="New password", widget=forms.PasswordInput, strip=False, help_text="At least 12 characters.")
    end_tokens = forms.BooleanField(
        label="End my API tokens too", required=False, initial=True, help_text="Programs that use them need new ones then."
    )


class FirstPasswordForm(forms.Form):
    """The password that somebody else made, and one that nobody else knows."""

    old = forms.CharField(label="The password you were given", widget=forms.PasswordInput, strip=False)
    new = forms.CharField(label="Your own password", widget=forms.PasswordInput, strip=False, help_text="At least 12 characters.")
