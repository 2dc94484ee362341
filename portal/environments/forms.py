"""Forms of the environments' pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import slugify

from portal.environments import parameters
from portal.environments.actions import LIMITS, MOST_APPROVALS
from portal.environments.models import ComputeProfile, Environment

EMPTY_ROWS = 3


class EnvironmentForm(forms.Form):
    compute = forms.ModelChoiceField(ComputeProfile.objects.order_by("name"), label="Compute", empty_label=None)
    approvals_needed = forms.IntegerField(label="Approvals before a version goes live here", min_value=1, max_value=MOST_APPROVALS)
    upload_roles = forms.MultipleChoiceField(
        label="Who may upload, replace and delete data here",
        choices=[("author", "authors"), ("operator", "operators")],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nobody, when none is chosen. Jobs write here in any case.",
    )


class ComputeForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60, help_text="Small letters, digits, - and _. An existing name changes that profile.")
    cores = forms.IntegerField(label="Cores", min_value=LIMITS["cores"][0], initial=2)
    memory_mb = forms.IntegerField(label="Memory (MB)", min_value=LIMITS["memory_mb"][0], initial=1024)
    shuffle_partitions = forms.IntegerField(label="Shuffle partitions", min_value=1, initial=4)
    time_limit_minutes = forms.IntegerField(label="Time limit (minutes)", min_value=1, initial=60)


class ProjectForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100)
    slug = forms.CharField(
        label="Short name",
        max_length=60,
        required=False,
        help_text="It is in addresses: small letters, digits, - and _. Made of the name where you leave it empty.",
    )
    description = forms.CharField(label="Description", max_length=300, required=False)
    as_author = forms.BooleanField(label="I write jobs in it", required=False, help_text="You are its environment admin in any case.")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        given["slug"] = given.get("slug") or slugify(given.get("name", ""))[:60].lstrip("-_0123456789")
        if given.get("name") and not given["slug"]:
            self.add_error("slug", "No short name can be made of this name. Write one in small letters, for instance “energy”.")
        return given


def rows_of(environment: Environment) -> list[dict[str, Any]]:
    """The parameters as rows of the form, and empty rows for new ones."""
    there = [
        {"name": name, "kind": parameters.kind_of(value), "text": parameters.shown(value)}
        for name, value in sorted(environment.parameters.items())
    ]
    return there + [{"name": "", "kind": "string", "text": ""}] * EMPTY_ROWS


def rows_in(data: QueryDict) -> list[tuple[str, str, str]]:
    """What was typed, row by row."""
    return [
        (name.strip(), kind, text)
        for name, kind, text in zip(data.getlist("name"), data.getlist("kind"), data.getlist("text"), strict=False)
    ]


def differences(now: Environment, typed: Mapping[str, Any]) -> list[str]:
    """How an environment that somebody else has changed differs from what was typed, one line each."""
    labels = dict(EnvironmentForm.base_fields["upload_roles"].choices)  # type: ignore[attr-defined]
    there, given = now.parameters, typed["parameters"]
    said = [
        (now.compute.pk != typed["compute"].pk, f"Compute: {now.compute.name}"),
        (now.approvals_needed != typed["approvals_needed"], f"Approvals before a version goes live here: {now.approvals_needed}"),
        (
            set(now.uploaders) != set(typed["upload_roles"]),
            f"Who may bring data: {', '.join(labels[role] for role in now.uploaders) or 'nobody'}",
        ),
        *((given.get(name) != value, f"Parameter {name}: {parameters.shown(value)}") for name, value in sorted(there.items())),
        *((True, f"There is no parameter {name}") for name in sorted(given.keys() - there.keys())),
    ]
    return [words for differs, words in said if differs]
