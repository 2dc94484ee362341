"""Pieces of pages that ask for themselves again: left open for ten minutes they ask for the same address, and for nothing secret in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.pipelines.actions import create_pipeline, run_pipeline
from portal.promotions.models import Promotion
from tests import factories

pytestmark = pytest.mark.django_db
STEP, ROUNDS = timedelta(seconds=15), 40  # ten minutes
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
    """Pages with something that works just now: of every piece that asks for itself again, one."""
    project = ana.memberships.first().project  # type: ignore[union-attr]
    version = factories.make_version(factories.make_job(project, ana), live_in=("dev",))
    run = factories.make_run(version, dev, "running")
    pipeline = create_pipeline(actor=ana, project=project, name="night", after={version.job.name: []})
    pipeline_run = run_pipeline(actor=ana, pipeline=pipeline, environment=dev)
    night = f"/p/flights/pipelines/{pipeline.name}/"
    test = project.environments.get(name="test")
    went = Promotion.objects.create(
        job=version.job, version=version, from_environment=dev, to_environment=test, requested_by=ana, sha256=version.sha256,
        state="live", decided_at=timezone.now(), expires_at=timezone.now(),
    )  # fmt: skip
    factories.make_run(version, test, "running")
    runs = [
        f"/p/flights/promotions/{went.pk}/",
        "/p/flights/runs/",
        "/p/flights/runs/?state=active&text=&job=",
        f"/p/flights/runs/{run.pk}/",
    ]
    return ["/", *runs, f"{night}?environment=dev", f"{night}runs/{pipeline_run.pk}/"]


def test_ten_minutes_of_refreshes_ask_for_the_same_address(
    browser_of: Callable[[User], Client], ana: User, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, rounds = browser_of(ana), ROUNDS if connection.vendor == "sqlite" else 10  # the database has no part in addresses
    begun = timezone.now()
    pieces = {page: Refreshing.of(browser.get(page, follow=True).content.decode()) for page in addresses}
    assert all(pieces.values())
    for address in dict.fromkeys(address for found in pieces.values() for address in found):  # the frame's is on every page
        assert "csrf" not in address
        for passed in range(rounds):
            monkeypatch.setattr(timezone, "now", lambda passed=passed: begun + passed * STEP)
            answer = browser.get(address, headers={"HX-Request": "true"})
            assert answer.status_code == 200
            again = Refreshing.of(answer.content.decode())
            assert again in ([], [address]), "the piece asks for another address than it was asked for by"
            if not again:
                break


def test_every_piece_that_asks_again_is_among_those(addresses: list[str], browser_of: Callable[[User], Client], ana: User) -> None:
    """A piece in a template that no page above shows would be tried by nobody."""
    asking = [path for path in TEMPLATES.rglob("*.html") if re.search(r"every [{\d]", path.read_text(encoding="utf-8"))]
    shown = {str(used.name) for page in addresses for used in browser_of(ana).get(page, follow=True).templates}
    assert asking and [path.name for path in asking if str(path.relative_to(TEMPLATES)) not in shown] == []


def test_no_form_sends_its_fields_when_it_asks_for_itself_again() -> None:
    for template in TEMPLATES.rglob("*.html"):
        for piece in template.read_text(encoding="utf-8").split("<form")[1:]:
            opening = piece.split(">{%")[0] if "csrf" in piece[:600] else piece[:600]
            asks_again = 'hx-trigger="every' in opening
            assert not asks_again or 'hx-params="none"' in opening, template
