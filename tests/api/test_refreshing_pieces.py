"""Pieces of pages that ask for themselves again: left open for ten minutes they ask for the same address, and for nothing secret in it."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.environments.models import Environment
from tests import factories

pytestmark = pytest.mark.django_db
ROUNDS = 200  # every 3 s for ten minutes
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


class Refreshing(HTMLParser):
    """Finds the elements that ask again every few seconds, and the address each asks for next, as htmx makes it."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._form: dict[str, str | None] = {}
        self._fields: list[tuple[str, str]] = []

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.addresses

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        asks_again = "every" in (found.get("hx-trigger") or "")
        if tag == "form" and asks_again:
            self._form, self._fields = found, []
        elif tag == "input" and self._form and found.get("name") and found.get("type") not in ("checkbox", "radio"):
            self._fields.append((found["name"] or "", found.get("value") or ""))
        elif asks_again:
            self.addresses.append(found["hx-get"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag != "form" or not self._form:
            return
        address, fields = self._form["hx-get"] or "", [] if self._form.get("hx-params") == "none" else self._fields
        self.addresses.append(address + (("&" if "?" in address else "?") + urlencode(fields) if fields else ""))
        self._form = {}


@pytest.fixture
def addresses(flights: object, ana: User, dev: Environment) -> list[str]:
    """Pages with something that works just now."""
    version = factories.make_version(factories.make_job(ana.memberships.first().project, ana), live_in=("dev",))  # type: ignore[union-attr]
    run = factories.make_run(version, dev, "running")
    return ["/", "/p/flights/runs/?state=active&text=&job=", f"/p/flights/runs/{run.pk}/"]


def test_ten_minutes_of_refreshes_ask_for_the_same_address(browser_of: Callable[[User], Client], ana: User, addresses: list[str]) -> None:
    browser, found = browser_of(ana), 0
    for page in addresses:
        for address in Refreshing.of(browser.get(page, follow=True).content.decode()):
            found += 1
            assert "csrf" not in address
            for _ in range(ROUNDS):
                answer = browser.get(address, headers={"HX-Request": "true"})
                assert answer.status_code == 200
                again = Refreshing.of(answer.content.decode())
                assert again in ([], [address]), "the piece asks for another address than it was asked for by"
                if not again:
                    break
    assert found >= 3


def test_no_form_sends_its_fields_when_it_asks_for_itself_again() -> None:
    for template in TEMPLATES.rglob("*.html"):
        for piece in template.read_text(encoding="utf-8").split("<form")[1:]:
            opening = piece.split(">{%")[0] if "csrf" in piece[:600] else piece[:600]
            asks_again = 'hx-trigger="every' in opening
            assert not asks_again or 'hx-params="none"' in opening, template
