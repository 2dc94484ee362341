"""Forms of the pages around the editor."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms

from portal.accounts.models import Project, User
from portal.jobs.models import name_validator
from portal.jobs.starts import STARTS

LARGEST_IMPORT = 12 * 1024 * 1024


class TagsField(forms.CharField):
    """Words with commas or blanks between them ↔ a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [tag for tag in re.split(r"[,\s]+", super().clean(value)) if tag]


class NewJobForm(forms.Form):
    """Name, words, and what to begin with."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        validators=[name_validator],
        help_text="Small letters, digits and _; for instance daily_delays. It stays the same for good.",
    )
    description = forms.CharField(label="Description", max_length=300, required=False, help_text="What others will find here, in one line.")
    tags = TagsField(label="Tags", required=False, help_text="For instance: flights, daily")
    start = forms.ChoiceField(label="Begin with", choices=[(start.key, start.title) for start in STARTS], initial="empty", required=False)
    file = forms.CharField(label="With the file", max_length=1000, required=False)


class ImportForm(forms.Form):
    """A document somebody has as a file."""

    name = forms.CharField(
        label="Name", max_length=80, validators=[name_validator], required=False, help_text="Left empty: the file's name."
    )
    file = forms.FileField(label="Job document", help_text="A .json file as “Download” writes it, or Arc's form of it.")


class PersonField(forms.ModelChoiceField):
    """People by the name others call them."""

    def label_from_instance(self, obj: User) -> str:
        return obj.shown_name


class EditJobForm(forms.Form):
    """What is said about a job. `owner` is one of the project's people."""

    description = forms.CharField(label="Description", max_length=300, required=False)
    tags = TagsField(label="Tags", required=False)
    owner = PersonField(label="Owner", queryset=User.objects.none(), empty_label=None)
    runs_at_once = forms.IntegerField(
        label="Runs at once",
        min_value=1,
        max_value=20,
        help_text="In one environment; further ones wait. Above 1 only where each run writes a place of its own.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = cast(PersonField, self.fields["owner"])
        owner.queryset = User.objects.filter(memberships__project=project).distinct().order_by("first_name", "username")
