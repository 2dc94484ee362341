"""Forms of the pages of alerts. What is allowed is decided by the actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from portal.accounts import policy
from portal.accounts.models import Project, User
from portal.alerts.actions import LONGEST_MINUTES
from portal.alerts.conditions import EVENTS
from portal.alerts.models import KINDS, LATE, RULE_EVENTS, Alert, AlertState, Channel, Rule
from portal.environments.models import Environment
from portal.jobs.models import Job


class FilterForm(forms.Form):
    """What of the list is shown; every value stands in the address."""

    state = forms.ChoiceField(label="State", required=False, choices=[("", "open or unread"), *AlertState.choices, ("all", "any state")])
    event = forms.ChoiceField(label="What happened", required=False, choices=[("", "whatever happened"), *EVENTS])
    environment = forms.ChoiceField(label="Environment", required=False)
    job = forms.ChoiceField(label="Job", required=False)

    def __init__(self, project: Project, jobs: Iterable[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _choices(self, "environment", [("", "every environment"), *((one.name, one.name) for one in project.environments.order_by("rank"))])
        _choices(self, "job", [("", "every job"), *((name, name) for name in jobs)])

    @property
    def chosen(self) -> dict[str, str]:
        """The values that are right; a wrong one filters nothing."""
        self.full_clean()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}


class EnvironmentField(forms.ModelChoiceField):
    """An environment the person looks after; empty, where they look after all, means every one."""

    def label_from_instance(self, obj: Environment) -> str:
        return f"in {obj.name}"


class ChannelsField(forms.ModelMultipleChoiceField):
    def __init__(self, **options: Any) -> None:
        super().__init__(Channel.objects.none(), label="Channels", required=False, widget=forms.CheckboxSelectMultiple, **options)

    def label_from_instance(self, obj: Channel) -> str:
        return f"{obj.name} (paused)" if obj.paused_at else obj.name


class ToldForm(forms.Form):
    """Whom a rule tells."""

    tell_owner = forms.BooleanField(label="the job's owner", required=False)
    channel = ChannelsField()

    def __init__(self, rule: Rule, channels: Iterable[Channel], *args: Any, **options: Any) -> None:
        there = list(rule.channels.all())
        super().__init__(*args, **options)
        self.initial = {"tell_owner": rule.tell_owner, "channel": [one.pk for one in there]}
        fitting = [one.pk for one in channels if one.environment_id in {None, rule.environment_id}]
        _rows(self, "channel", Channel.objects.filter(pk__in=[*fitting, *(one.pk for one in there)]))


class RuleForm(forms.Form):
    """A new rule."""

    job = forms.ModelChoiceField(Job.objects.none(), label="Job", to_field_name="name", required=False, empty_label="any job")
    event = forms.ChoiceField(label="What happens", choices=RULE_EVENTS, initial=LATE)
    minutes = forms.IntegerField(label="Minutes, for late runs", min_value=1, max_value=LONGEST_MINUTES, initial=60, required=False)
    environment = EnvironmentField(Environment.objects.none(), label="Environment", to_field_name="name", required=False)
    tell_owner = forms.BooleanField(label="the job's owner", required=False, initial=True)
    channel = ChannelsField()

    def __init__(self, project: Project, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _rows(self, "job", project.jobs.filter(archived_at=None).order_by("name"))
        _rows(self, "channel", policy.allowed(user, "manage_channels", project.channels.all()))
        _environments(self, project, user, "in every environment")


class ChannelForm(forms.Form):
    """A new channel."""

    name = forms.CharField(label="Name", max_length=80)
    kind = forms.ChoiceField(label="Kind", choices=KINDS)
    target = forms.CharField(
        label="Address", max_length=500, widget=forms.TextInput(attrs={"placeholder": "team@example.org or https://…"})
    )
    environment = EnvironmentField(Environment.objects.none(), label="For", to_field_name="name", required=False)

    def __init__(self, project: Project, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _environments(self, project, user, "for every environment")


class MailForm(forms.Form):
    """Which mails a person gets."""

    own = forms.BooleanField(
        label="About what I own or asked for",
        help_text="My jobs, pipelines, schedules and promotions: failed, could not start, late, decided, well again.",
        required=False,
    )
    duty = forms.BooleanField(
        label="About what I look after",
        help_text="As operator, approver or admin: approvals that wait, schedules that paused themselves, jobs that could not start.",
        required=False,
    )


def filtered(alerts: Any, chosen: dict[str, str], user: User, *, mine: bool) -> Any:
    """`chosen` as FilterForm has it; without a state: what is open, and in one's own list what is not read yet."""
    named = {"event": chosen["event"], "environment__name": chosen["environment"], "job__name": chosen["job"]}
    alerts = alerts.filter(**{name: value for name, value in named.items() if value})
    if chosen["state"] == "all":
        return alerts
    if chosen["state"]:
        return alerts.filter(state=chosen["state"])
    still_open = alerts.filter(state=AlertState.OPEN)
    if not mine:
        return still_open
    return alerts.filter(pk__in=still_open.values("pk")) | alerts.filter(pk__in=Alert.objects.unread_by(user).values("pk"))


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    form.fields[name].choices = choices  # type: ignore[attr-defined]


def _rows(form: forms.Form, name: str, rows: Any) -> None:
    form.fields[name].queryset = rows  # type: ignore[attr-defined]


def _environments(form: forms.Form, project: Project, user: User, all_of_them: str) -> None:
    """Those the person looks after; all of them together only where they look after all."""
    field: Any = form.fields["environment"]
    field.queryset = policy.allowed(user, "manage_channels", project.environments.order_by("rank"))
    everywhere = policy.can(user, "manage_channels", project, environment="")
    field.required, field.empty_label = not everywhere, all_of_them if everywhere else None
