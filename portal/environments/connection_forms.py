"""Forms of connections, drawn from the fields of their kinds. A form reads text; what is right is for the kind to say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.document.forms import form_fields
from portal.environments.backends import offered_to
from portal.environments.backends.base import LONGEST_PATH
from portal.environments.connections import LONGEST_OLD_FOR, OLD_FOR_MINUTES
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.page_actions import sentence

OLD_FOR = {0: "not at all", 15: "15 minutes", 60: "an hour", 6 * 60: "6 hours", LONGEST_OLD_FOR: "a day"}
"""Minutes → words."""
FROM = "reference_backend"
"""The field that says which secret manager, if any."""
PATH = "reference_path"


class ConnectionForm(forms.Form):
    """Base of the forms that `form_of` makes. `settings` and `secrets` are what the actions take."""

    kind: type[ConnectionKind]
    use_required_attribute = False
    """A browser would not send a form whose missing field is not shown."""

    def clean(self) -> dict[str, Any]:
        """Fields that have no meaning with the chosen ones are left as they would be without having been shown."""
        given = super().clean() or {}
        for name in self._without_meaning(given):
            self.errors.pop(name, None)
            given[name] = ""
        for name in [name for name in self.fields if name in self.kind.model_fields and not self._counts(name, given)]:
            self.errors.pop(name, None)
            given[name] = "" if name in self.kind.secret_fields() else self.kind.model_fields[name].get_default(call_default_factory=True)
        return given

    @property
    def not_yet(self) -> str:
        return self.kind.not_yet

    @property
    def settings(self) -> dict[str, Any]:
        secret = self.kind.secret_fields()
        return {name: value for name, value in self.cleaned_data.items() if name in self.kind.model_fields and name not in secret}

    @property
    def secrets(self) -> dict[str, str]:
        """Those that were entered."""
        return {name: self.cleaned_data[name] for name in self.kind.secret_fields() if self.cleaned_data.get(name)}

    @property
    def reference(self) -> dict[str, Any] | None:
        """Where the secrets lie that were not entered."""
        given = self.cleaned_data
        if not given.get(FROM):
            return None
        names = [name for name in self.kind.secret_fields() if self._counts(name, given)]
        return {"backend": given[FROM], "path": given[PATH], "fields": {name: given[f"reference_{name}"] for name in names}}

    def refuse(self, refusal: PortalError) -> None:
        """Each problem beside its field."""
        for problem in refusal.problems or [{"field": refusal.extra.get("field"), "message": sentence(refusal)}]:
            words = " ".join(filter(None, [problem["message"], problem.get("fix")]))
            field = problem.get("field") if problem.get("field") in self.fields else None
            if field in self.kind.secret_fields():
                self.fields[field].required = True
            self.add_error(field, words)

    def of_card(self, card: str, *, advanced: bool = False, secret: bool = False) -> list[forms.BoundField]:
        """The fields of one card of the page."""
        return [
            self[name]
            for name in self.fields
            if name in self.kind.model_fields
            and self.kind.hints(name)["card"] == card
            and bool(self.kind.hints(name).get("advanced")) == advanced
            and (name in self.kind.secret_fields()) == secret
        ]

    def where_fields(self) -> list[forms.BoundField]:
        return self.of_card("where")

    def more_fields(self) -> list[forms.BoundField]:
        return self.of_card("where", advanced=True)

    def sign_in_fields(self) -> list[forms.BoundField]:
        return self.of_card("sign-in")

    def secret_fields(self) -> list[forms.BoundField]:
        return self.of_card("sign-in", secret=True)

    def reference_fields(self) -> list[forms.BoundField]:
        """Where the secrets lie; nothing where there is no secret manager for the environment."""
        return [self[name] for name in self.fields if name.startswith("reference_")]

    def _without_meaning(self, given: Mapping[str, Any]) -> Sequence[str]:
        """What is entered counts without a secret manager, and a path with one. One that there is not is a mistake, and both stay."""
        if given.get(FROM):
            return self.kind.secret_fields()
        return () if self.data.get(FROM) else (FROM, PATH)

    def _counts(self, name: str, given: Mapping[str, Any]) -> bool:
        when = self.kind.hints(name).get("when", {})
        return all(other not in self.fields or given.get(other) in values for other, values in when.items())


def form_of(
    kind: str,
    data: QueryDict | None = None,
    *,
    initial: Mapping[str, Any] | None = None,
    is_new: bool = False,
    environment: Environment | None = None,
) -> ConnectionForm:
    """The form of a kind. A new connection has a name and what it signs in with, too; in the secret managers of `environment` that may
    lie."""
    cls = CONNECTION_KINDS[kind]
    found = {field["name"]: _control(cls, field, needs_secret=is_new) for field in form_fields(cls)}
    ordered = {name: found[name] for name in cls.model_fields} | _where_secrets_lie(cls, found, environment)
    more = (
        {"name": forms.CharField(label="Name", max_length=60, help_text="Small letters, digits and _, such as lake_s3.")} if is_new else {}
    )
    made: type[ConnectionForm] = type("KindForm", (ConnectionForm,), {**more, **ordered, "kind": cls})
    return made(data, initial={name: _shown(value) for name, value in (initial or {}).items()})


def rotate_form(kind: str, data: QueryDict | None = None, *, environment: Environment | None = None) -> ConnectionForm:
    """The secret fields of a kind, and for how long the old ones work."""
    cls = CONNECTION_KINDS[kind]
    secrets = {field["name"]: _control(cls, field) for field in form_fields(cls) if field["widget"] == "secret"}
    for control in secrets.values():
        control.widget.attrs.pop("data-when", None)
        control.required = True
    elsewhere = _where_secrets_lie(cls, secrets, environment)
    minutes = forms.TypedChoiceField(
        label="The old one works for",
        choices=list(OLD_FOR.items()),
        coerce=int,
        initial=OLD_FOR_MINUTES,
        help_text="For runs that began with it.",
    )
    made: type[ConnectionForm] = type("RotateForm", (ConnectionForm,), {**elsewhere, **secrets, "old_for_minutes": minutes, "kind": cls})
    return made(data, auto_id="rotate-%s")


def _where_secrets_lie(
    cls: type[ConnectionKind], controls: Mapping[str, forms.Field], environment: Environment | None
) -> dict[str, forms.Field]:
    """Fields that name a secret manager and a place there; what is entered, in `controls`, is shown without one only."""
    managers = offered_to(environment) if environment else []
    if environment is None or not managers or not cls.secret_fields():
        return {}
    names = [one.name for one in managers]
    begins = " or ".join(dict.fromkeys(prefix for one in managers for prefix in one.prefixes_of(environment)))
    choices = [("", "entered here, sealed by Sluice"), *((one.name, f"{one.name} ({one.title})") for one in managers)]
    made: dict[str, forms.Field] = {
        FROM: forms.ChoiceField(label="What it signs in with is", choices=choices),
        PATH: forms.CharField(label="Path", max_length=LONGEST_PATH, help_text=f"It begins with {begins} and is read when a run begins."),
    }
    for name in cls.secret_fields():
        made[f"reference_{name}"] = forms.CharField(
            label=f"Field of “{controls[name].label}”",
            max_length=128,
            required=False,
            initial=name,
            help_text="Empty: all that lies there.",
        )
        _shown_when(controls[name], {FROM: [""]})
        _shown_when(made[f"reference_{name}"], {**cls.hints(name).get("when", {}), FROM: names})
    _shown_when(made[PATH], {FROM: names})
    return made


def _shown_when(control: forms.Field, choices: Mapping[str, Sequence[str]]) -> None:
    """Beside the choices that it needs already."""
    control.widget.attrs["data-when"] = json.dumps({**json.loads(control.widget.attrs.get("data-when", "{}")), **choices})


class RootForm(forms.Form):
    name = forms.CharField(label="Name", max_length=60)
    address = forms.CharField(label="Lies at", max_length=600)
    may_write = forms.BooleanField(label="jobs may write there", required=False)


class Lines(forms.CharField):
    """One name = value a line ⇄ a dictionary."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, str(value or "").splitlines())):
            name, is_there, text = line.partition("=")
            if not is_there or name.strip() in found:
                raise ValidationError("Write one name = value a line, each name once.")
            found[name.strip()] = text.strip()
        return found


class Words(forms.CharField):
    """Words with commas between them ⇄ a list."""

    def to_python(self, value: Any) -> Any:
        return [word.strip() for word in str(value or "").split(",") if word.strip()]


MAY_BE_EMPTY = ("lines", "list", "map", "switch")


def _control(cls: type[ConnectionKind], field: Mapping[str, Any], *, needs_secret: bool = False) -> forms.Field:
    """A field that counts is needed, unless nothing is something to choose: no private network, no option, no new secret."""
    hints, limits = cls.hints(field["name"]), field["limits"]
    needed = (
        needs_secret if field["widget"] == "secret" else hints.get("needed") or field["widget"] not in ("lines", "list", "map", "switch")
    )
    common: dict[str, Any] = {"label": field["label"], "help_text": field["help"], "required": needed, "initial": field["default"]}
    if field["widget"] == "choice":
        made: forms.Field = forms.ChoiceField(choices=list(hints["words"].items()), **common)
    elif field["widget"] == "number":
        made = forms.IntegerField(min_value=limits.get("minimum"), max_value=limits.get("maximum"), **common)
    elif field["widget"] == "switch":
        made = forms.BooleanField(**common)
    elif field["widget"] == "list":
        made = Words(**common)
    elif field["widget"] == "map":
        made = Lines(**common)
    elif field["widget"] == "lines":
        made = forms.CharField(
            max_length=limits.get("maxLength"), widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), **common
        )
    elif field["widget"] == "secret":
        made = forms.CharField(
            min_length=limits["minLength"],
            max_length=limits["maxLength"],
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            **common,
        )
    else:
        made = forms.CharField(max_length=limits.get("maxLength"), **common)
    made.widget.attrs.setdefault("autocomplete", "off")
    if hints.get("when"):
        made.widget.attrs["data-when"] = json.dumps(hints["when"])
    return made


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "\n".join(f"{name} = {text}" for name, text in value.items())
    return value
