"""The gallery: every component in every state, to look at while changing the look. Only where SLUICE_DEBUG is on."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal.ui import states


class ExampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="Small letters, digits and _; begins with a letter.")
    view = forms.CharField(label="View", required=False)
    rows = forms.IntegerField(label="Rows", min_value=1)
    kind = forms.ChoiceField(label="Kind", choices=[("csv", "CSV"), ("parquet", "Parquet")])
    header = forms.BooleanField(label="The first line is a header", required=False)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))


def _examples() -> dict[str, object]:
    now = timezone.now()
    outcomes = ["succeeded"] * 6 + ["failed"] + ["succeeded"] * 5 + ["succeeded_with_warnings", "running"]
    return {
        "form": ExampleForm({"name": "9 lives", "rows": "0", "kind": "csv"}),
        "states": list(states.LOOKS),
        "runs": [{"state": state, "seconds": 20 + place * 7 % 23} for place, state in enumerate(outcomes)],
        "sparks": [5, 8, 7, 9, 12, 4, 3],
        "page": Paginator(range(2000), 50).page(2),
        "minute_ago": now - timedelta(minutes=12),
        "soon": now + timedelta(minutes=18),
        "yesterday": now - timedelta(days=1),
        "document": {"stages": [{"type": "SQLTransform", "name": "daily_delays"}]},
        "hostile": '<script>alert("x")</script><img src=x onerror=alert(1)>',
        "found": [
            {
                "message": "No column “wind_sped” in weather.",
                "found": "wind_sped",
                "expected": "a column of weather",
                "fix": "Did you mean wind_speed?",
                "stage_index": 3,
                "stage": "daily_delays",
                "field": "sql",
                "line": 4,
                "column": 14,
            },
            {
                "message": "The stage has no name.",
                "stage_index": 4,
                "field": "name",
                "detail": "java.lang.RuntimeException: at line 1",
            },
        ],
    }


def gallery(request: HttpRequest) -> HttpResponse:
    """With ?env= the page is shown as one about that environment."""
    if not settings.DEBUG:
        raise Http404
    return render(
        request,
        "ui/gallery.html",
        {**_examples(), "environment": request.GET.get("env", "dev")},
    )
