"""Template tags and filters every page uses. {% load sluice %}; pictures and partials they fill are templates/_*.html."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

from django import template
from django.forms import BoundField
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.ui import pictures, states, words

register = template.Library()

for _word in (words.duration, words.count, words.compact, words.size):
    # A template says "" for what is missing, such as the rows of an output that nobody counted.
    register.filter(_word.__name__, lambda value, word=_word: word(None if value == "" else value))
register.filter(words.short_id)
register.filter(words.short_sha)

SECTIONS = [
    ("home", "Home", "home", "h"),
    ("jobs", "Jobs", "stack-2", "j"),
    ("data", "Data", "table", "d"),
    ("pipelines", "Pipelines", "sitemap", "l"),
    ("runs", "Runs", "player-play", "r"),
    ("promotions", "Promotions", "arrow-up-circle", "p"),
    ("alerts", "Alerts", "bell", "a"),
    ("connections", "Connections", "plug-connected", "c"),
    ("audit", "Audit", "list-details", "u"),
    ("settings", "Settings", "settings", "s"),
]
"""Key, title, icon and letter (g, then the letter) of each place in the navigation, in order."""
ENVIRONMENTS_WITH_A_COLOUR = {"dev", "test", "prod"}


def in_a_line(template_name: str) -> Callable[[Callable[..., dict[str, Any]]], Callable[..., dict[str, Any]]]:
    """Like register.inclusion_tag, for what stands within a sentence: the end of the template's last line is no space before a comma."""

    def registered(values: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        @wraps(values)
        def shown(*arguments: Any, **named: Any) -> SafeString:
            return mark_safe(render_to_string(template_name, values(*arguments, **named)).strip())  # noqa: S308 - a template's own answer

        register.simple_tag(shown, name=values.__name__)
        return values

    return registered


@register.simple_tag
def icon(name: str, tone: str = "") -> SafeString:
    """{% icon "clock" "mut" %}: decoration only; the word beside it carries the meaning."""
    return format_html('<i class="ti ti-{} {}" aria-hidden="true"></i>', name, tone)


@register.filter
def env_tone(environment: object) -> str:
    """Value for data-env: dev, test, prod or other. Takes an Environment, its name, or nothing (dev's grey)."""
    name = str(getattr(environment, "name", environment) or "dev")
    return name if name in ENVIRONMENTS_WITH_A_COLOUR else "other"


@register.filter
def state_tone(state: object) -> str:
    return states.look(state).tone


@register.filter
def state_icon(state: object) -> str:
    return states.look(state).icon


@register.filter
def state_word(state: object) -> str:
    return states.look(state).word


@register.filter
def place(problem: Any) -> str:
    """Where a problem is, from an executor Problem or its dict: stage 4 “daily_delays” · sql · line 3:8."""
    return words.place(problem if isinstance(problem, Mapping) else vars(problem))


@register.filter
def plural(number: int, forms: str) -> str:
    """{{ n|plural:"problem,problems" }} → 2 problems."""
    one, many = forms.split(",")
    return words.plural(number, one, many)


@register.filter
def as_json(value: object) -> str:
    """Readable JSON for a <pre>; escaped by the template like any text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@in_a_line("_state.html")
def state(value: object, plain: bool = False, detail: str = "") -> dict[str, Any]:
    """{% state run.state %}: chip of icon and word. plain=True leaves the chip's border out; detail follows the word."""
    return {"look": states.look(value), "plain": plain, "detail": detail}


@in_a_line("_env.html")
def env(environment: object, text: str = "") -> dict[str, str]:
    """{% env run.environment %} or {% env "prod" "v6" %}: chip in the environment's colour, with its name."""
    return {
        "name": str(getattr(environment, "name", environment)),
        "tone": env_tone(environment),
        "text": text,
    }


@in_a_line("_time.html")
def time(moment: datetime | None, form: str = "ago", none: str = words.NONE_YET) -> dict[str, Any]:
    """A moment, local to the reader, UTC on hover. form: ago, clock (09:30), day (24 Nov 09:30), full."""
    return {
        "moment": moment,
        "form": form,
        "none": none,
        "utc": words.utc_text(moment) if moment else "",
        "text": words.moment_text(moment, form, timezone.now()) if moment else "",
    }


@in_a_line("_ticking.html")
def ticking(since: datetime | None, until: datetime | None = None) -> dict[str, Any]:
    """How long something has taken; it ticks while there is no end."""
    seconds = (until - since).total_seconds() if since and until else None
    return {"since": since, "seconds": seconds}


@in_a_line("_mini_bars.html")
def mini_bars(runs: Iterable[Any]) -> dict[str, Any]:
    return {"picture": pictures.mini_bars(runs)}


@in_a_line("_spark.html")
def spark(values: Sequence[float], says: str = "") -> dict[str, Any]:
    picture = pictures.sparkline(values)
    return {"picture": picture._replace(says=says or picture.says)}


@register.inclusion_tag("_field.html")
def field(bound: BoundField, **attributes: str) -> dict[str, Any]:
    """{% field form.name %}: label, control, hint, problem, wired for screen readers. Attributes go on the control (data_x → data-x)."""
    extra: dict[str, str | bool] = {name.replace("_", "-"): value for name, value in attributes.items()}
    described = [
        part
        for part, there in (
            (f"{bound.auto_id}-hint", bound.help_text),
            (f"{bound.auto_id}-wrong", bound.errors),
        )
        if there
    ]
    if described:
        extra["aria-describedby"] = " ".join(described)
    if bound.errors:
        extra["aria-invalid"] = "true"
    kind = getattr(bound.field.widget, "input_type", "textarea")
    is_check = kind == "checkbox"
    extra.setdefault(
        "class",
        {"checkbox": "form-check-input", "select": "form-select"}.get(kind, "form-control"),
    )
    return {
        "bound": bound,
        "control": bound.as_widget(attrs=extra),
        "is_check": is_check,
        "optional": not bound.field.required and not is_check,
    }


@register.simple_tag
def control(bound: BoundField, placeholder: str = "", *, grow: bool = False) -> SafeString:
    """{% control form.job %}: a field for a form that stands in one line; its label is there for screen readers."""
    kind = getattr(bound.field.widget, "input_type", "text")
    names = ["form-select" if kind == "select" else "form-control", "auto", *(["grow"] if grow else [])]
    extra: dict[str, Any] = {"class": " ".join(names), "aria-label": bound.label, **({"placeholder": placeholder} if placeholder else {})}
    return bound.as_widget(attrs=extra | ({"aria-invalid": "true"} if bound.errors else {}))


@register.inclusion_tag("_chips.html")
def chips(bound: BoundField) -> dict[str, Any]:
    """{% chips form.channel %}: the boxes of a field of which several can be chosen, each a chip."""
    return {"boxes": [{"tag": box.tag(), "label": box.choice_label, "is_on": box.data["selected"]} for box in bound]}


@register.inclusion_tag("_chips.html")
def chip(bound: BoundField) -> dict[str, Any]:
    """{% chip form.tell_owner %}: one box as a chip."""
    return {"boxes": [{"tag": bound.as_widget(), "label": bound.label, "is_on": bool(bound.value())}]}


@register.inclusion_tag("_empty.html")
def empty(icon: str, title: str, why: str = "", action_url: str = "", action: str = "") -> dict[str, str]:
    """An empty place says why it is empty and offers one action."""
    return {
        "icon": icon,
        "title": title,
        "why": why,
        "action_url": action_url,
        "action": action,
    }


@register.inclusion_tag("_problems.html")
def problems(found: Iterable[Any]) -> dict[str, Any]:
    """A list of executor problems (objects or dicts)."""
    return {"problems": list(found)}


@register.simple_tag(takes_context=True)
def sections(context: Context) -> list[dict[str, Any]]:
    """The navigation's places that `nav.urls` knows, with count and which one this page is in (the longest address that fits)."""
    nav = context.get("nav") or {}
    urls: dict[str, str] = nav.get("urls") or {}
    counts: Mapping[str, int] = nav.get("counts") or {}
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    fitting = [key for key, url in urls.items() if path == url or (url != "/" and path.startswith(url))]
    current = context.get("section") or max(fitting, key=lambda key: len(urls[key]), default="")
    return [
        {
            "key": key,
            "title": title,
            "icon": symbol,
            "letter": letter,
            "url": urls[key],
            "count": counts.get(key),
            "current": key == current,
        }
        for key, title, symbol, letter in SECTIONS
        if key in urls
    ]


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """The address of this page with some query values changed: <a href="{% query state="failed" page=None %}">. None takes one out."""
    request: HttpRequest = context["request"]
    values = request.GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = str(value)
    text = values.urlencode()
    return f"?{text}" if text else "?"
