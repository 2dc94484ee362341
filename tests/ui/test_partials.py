"""What the shared tags and partials put on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory

from executor.problems import Problem
from portal.runs.models import RunState

HOSTILE = '<script>alert("x")</script>'


def render(text: str, **context: Any) -> str:
    return Template("{% load sluice %}" + text).render(Context(context))


@pytest.mark.parametrize("state", RunState.values)
def test_every_run_state_has_an_icon_and_a_word(state: str) -> None:
    html = render("{% state state %}", state=state)
    assert "ti ti-" in html
    assert RunState(state).label in html


def test_a_state_nobody_described_is_shown_by_its_own_word() -> None:
    assert "half done" in render("{% state 'half_done' %}")


def test_an_environment_is_named_and_coloured() -> None:
    html = render("{% env one %}{% env 'staging' 'v3' %}", one=SimpleNamespace(name="prod"))
    assert 'data-env="prod"' in html
    assert 'data-env="other"' in html
    assert "staging <b>v3</b>" in html


def test_a_moment_carries_utc_and_is_not_guessed_when_there_is_none() -> None:
    moment = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert 'title="2026-11-24 09:30:00 UTC"' in render("{% time moment %}", moment=moment)
    assert "never" in render("{% time moment none='never' %}", moment=None)


def test_only_an_open_duration_ticks() -> None:
    start, end = datetime(2026, 11, 24, 9, 0, tzinfo=UTC), datetime(2026, 11, 24, 9, 2, 5, tzinfo=UTC)
    assert "ticking" in render("{% ticking start %}", start=start)
    closed = render("{% ticking start end %}", start=start, end=end)
    assert "2 min 05 s" in closed
    assert "ticking" not in closed


@pytest.mark.parametrize(
    "text",
    [
        "{% state value %}",
        "{% env value %}",
        "{% empty 'inbox' value value %}",
        "{% problems found %}",
        "{{ found|as_json }}",
        "{% mini_bars runs %}",
    ],
)
def test_untrusted_text_is_always_shown_as_text(text: str) -> None:
    found = [{"message": HOSTILE, "found": HOSTILE, "stage": HOSTILE, "stage_index": 0, "detail": HOSTILE}]
    html = render(text, value=HOSTILE, found=found, runs=[{"state": HOSTILE, "seconds": 1}])
    assert "<script" not in html
    assert "script" in html


def test_a_problem_says_where_what_and_how_to_mend_it() -> None:
    problem = Problem(
        code="unknown-column",
        message="No column “wind_sped”.",
        stage_index=3,
        stage="daily",
        field="sql",
        line=4,
        fix="Did you mean wind_speed?",
    )
    html = render("{% problems found %}", found=[problem])
    for part in ("No column “wind_sped”.", "stage 4 “daily” · sql · line 4", "Did you mean wind_speed?"):
        assert part in html


def test_bars_that_lead_somewhere_are_links_with_names_and_others_are_one_picture() -> None:
    assert 'role="img"' in render("{% mini_bars runs %}", runs=[{"state": "failed", "seconds": 40}])
    linked = render("{% mini_bars runs %}", runs=[{"state": "failed", "seconds": 40, "url": "/runs/1"}])
    assert 'role="group"' in linked
    assert '<a href="/runs/1" aria-label="failed, 40 s">' in linked


class _Form(forms.Form):
    rows = forms.IntegerField(help_text="At most 1,000.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    header = forms.BooleanField(required=False)


def test_a_wrong_field_is_tied_to_its_hint_and_its_error() -> None:
    html = render("{% field form.rows %}", form=_Form({"rows": "many"}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_rows-hint id_rows-wrong"' in html
    assert 'id="id_rows-wrong"' in html
    assert "Enter a whole number." in html


def test_optional_fields_say_so_and_checks_do_not() -> None:
    html = render("{% field form.note %}{% field form.header %}", form=_Form())
    assert html.count(">optional<") == 1
    assert 'class="form-check-input"' in html


def test_the_navigation_marks_the_place_the_page_is_in() -> None:
    urls = {"home": "/", "jobs": "/p/flights/jobs/", "runs": "/p/flights/runs/"}
    context = {"nav": {"urls": urls, "counts": {"jobs": 42}}, "request": RequestFactory().get("/p/flights/jobs/daily_delays/")}
    html = render("{% sections as places %}{% for p in places %}{{ p.key }}:{{ p.count }}:{{ p.current }} {% endfor %}", **context)
    assert html == "home:None:False jobs:42:True runs:None:False "


def test_a_filter_link_keeps_the_other_filters() -> None:
    request = RequestFactory().get("/p/flights/runs/?state=failed&page=3&job=a%26b")
    assert render("{% query state='queued' page=None %}", request=request) == "?job=a%26b&amp;state=queued"
    assert render("{% query state=None page=None job=None %}", request=request) == "?"


@pytest.mark.parametrize(
    "tag", ['state "failed"', 'env "dev"', "time moment", "time none", "ticking moment moment", "ticking none", "spark few"]
)
def test_what_stands_in_a_sentence_brings_no_space_of_its_own(tag: str) -> None:
    html = render("({% " + tag + " %})", moment=datetime(2026, 11, 24, 9, 30, tzinfo=UTC), none=None, few=[1, 2])
    assert html[:2] == "(<" and html[-2:] == ">)"
