"""The form that starts a run, drawn from the parameters the job's document declares."""

from __future__ import annotations

from typing import Any

from django import forms

from executor.language.parameters import SECRET, Parameter
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs.checks import declared_parameters

PREFIX = "parameter_"
MODES = {"integer": "numeric", "decimal": "decimal"}
HINTS = {"timestamp": "2026-01-31 18:00:00", "identifier": "letters, digits and _", "decimal": "12.5"}


class StartForm(forms.Form):
    """One field for each declared parameter. Empty means: the environment's value, else the job's default."""

    def __init__(self, document: str, environment: Environment, data: Any = None, given: dict[str, Any] | None = None) -> None:
        super().__init__(data)
        for name, declared in declared_parameters(document).items():
            if declared.type == SECRET:
                continue  # the environment has it, and no run can be given another
            self.fields[PREFIX + name] = _field(name, declared, environment.parameters.get(name))
            if given and name in given:
                self.initial[PREFIX + name] = given[name]

    def values(self) -> dict[str, Any]:
        """Parameter name → text, for those the person filled in. Call after is_valid()."""
        return {name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def take(self, error: PortalError) -> None:
        """Puts each problem beside the field it is about."""
        for problem in error.problems or [{"message": error.message, "fix": error.fix}]:
            name = PREFIX + str(problem.get("field") or "").removeprefix("parameters.")
            expected = f" Expected {problem['expected']}." if problem.get("expected") else ""
            self.add_error(name if name in self.fields else None, f"{problem['message']}{expected} {problem.get('fix') or ''}".strip())


def _field(name: str, declared: Parameter, from_environment: Any) -> forms.Field:
    about: dict[str, Any] = {"label": declared.label or name, "help_text": _help(declared, from_environment), "required": False}
    if declared.choices or declared.type == "boolean":
        words = [str(choice) for choice in declared.choices or ("true", "false")]
        return forms.ChoiceField(choices=[("", "as usual"), *((word, word) for word in words)], **about)
    if declared.type == "date":
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **about)
    attributes = {"autocomplete": "off", "placeholder": HINTS.get(declared.type, ""), "inputmode": MODES.get(declared.type, "text")}
    return forms.CharField(max_length=10_000, widget=forms.TextInput(attrs=attributes), **about)


def _help(declared: Parameter, from_environment: Any) -> str:
    """What it is for, and which value is used when nothing is given."""
    words = f"{declared.description.rstrip('.')}. " if declared.description else ""
    if from_environment is not None:
        return f"{words}Empty: {from_environment}, the value of this environment."
    return f"{words}Empty: {declared.default}." if declared.default is not None else f"{words}Needs a value ({declared.type})."
