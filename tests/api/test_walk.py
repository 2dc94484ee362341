"""Every address of the site refuses strangers: nobody has to remember to guard a new one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from asgiref.sync import iscoroutinefunction
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests import factories

pytestmark = pytest.mark.django_db

OPEN = {"/sign-in", "/sign-in-as", "/sign-out", "/healthz", "/readyz", "/favicon.ico"}
"""What one may ask for without being signed in."""
OWN = {
    "/",
    "/account",
    "/help",
    "/account/password",
    "/account/first-password",
    "/switch-project",
    "/palette.json",
    "/settings/system",
    "/settings/mails",
    "/ui/gallery",
    "/api/schema/",
    "/api/v1/me",
    "/api/v1/tokens/",
    "/api/v1/projects/",
    "/api/v1/compute-profiles/",
}
"""Pages that belong to no project, where everybody who is signed in sees their own."""
ALONE = b"at the same moment"
"""Nobody else is there: who is told this met a fault of ours, a row that is not there or is there twice."""
RUN = uuid.UUID(int=7)
VALUES = {"int": "1", "uuid": str(RUN), "slug": "daily_delays", "str": "x", "path": "x"}


def addresses(patterns, before="") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield "/" + _filled(before + str(pattern.pattern))


def _filled(route: str) -> str:
    route = route.replace("<slug:project>", "flights").replace("<str:project>", "flights")
    route = re.sub(r"\(\?P<\w+>([\w-]+)[^)]*\)", r"\1", route).replace("^", "").replace("$", "").replace("\\", "")
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: VALUES[found[1] or "str"], route)


ALL = sorted(set(addresses(get_resolver().url_patterns)))


def test_the_walk_sees_the_site():
    assert "/p/flights/settings/people" in ALL
    assert "/api/v1/projects/flights/environments/" in ALL
    assert "/audit/export.csv" in ALL
    assert len(ALL) > 40


STREAMED = {address for address in ALL if iscoroutinefunction(resolve(address).func)}
"""Answered in the event loop, in threads of their own: they cannot see the uncommitted rows of an ordinary test."""


@pytest.mark.parametrize("method", ["get", "post", "delete", "patch", "put"])
def test_nobody_gets_in_without_signing_in(method, flights):
    let_in, stranger = [], Client()
    for address in ALL:
        answer = getattr(stranger, method)(address)
        if address in OPEN or _sends_a_stranger_away(address, answer):
            continue
        let_in.append((address, answer.status_code))
    assert let_in == []


def _sends_a_stranger_away(address, answer) -> bool:
    if address.startswith("/api/"):
        return answer.status_code == 401 and answer["Content-Type"].startswith("application/problem+json")
    return answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=")


def found_by_outsider(browser, method, addresses) -> list[tuple[str, int]]:
    """Addresses of flights that tell an outsider anything."""
    found = []
    for address in addresses:
        answer = getattr(browser, method)(address, **({"data": "{}", "content_type": "application/json"} if method == "post" else {}))
        told = b"daily delays" in answer.content if not answer.streaming else True
        if answer.status_code not in (404, 405) or told:
            found.append((address, answer.status_code))
    return found


@pytest.mark.parametrize("method", ["get", "post"])
def test_people_of_another_project_find_nothing(method, ana, outsider, flights, browser_of):
    job = factories.make_job(flights, ana, description="daily delays")
    factories.make_run(factories.make_version(job, live_in=("dev",)), flights.environments.get(name="dev"), "succeeded", id=RUN)
    assert found_by_outsider(browser_of(outsider), method, sorted(set(ALL) - OPEN - OWN - STREAMED)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get", "post"])
def test_people_of_another_project_find_no_stream(method, ana, outsider, flights, browser_of):
    if connection.vendor != "sqlite":
        pytest.skip("threads of the event loop keep their connections open, and the test's database could not be removed")
    job = factories.make_job(flights, ana)
    factories.make_run(factories.make_version(job), flights.environments.get(name="dev"), "succeeded", id=RUN)
    assert found_by_outsider(browser_of(outsider), method, sorted(STREAMED)) == []


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
def test_no_address_ends_in_a_fault_of_ours(method, ana, ada, browser_of, flights):
    """Signed in, allowed or not, with an empty form or body: what is wrong is said, never a 500."""
    factories.make_version(factories.make_job(flights, ana), live_in=("dev",))
    for user in (ana,) if method in ("head", "options") else (ana, ada):  # answered as GET is, or before anybody is asked for
        browser = browser_of(user)
        browser.raise_request_exception = False
        for address in sorted(set(ALL) - STREAMED - {"/sign-out"}):
            body = {} if method in ("get", "head") else {"data": "{}", "content_type": "application/json"}
            answer = getattr(browser, method)(address, **body)
            assert answer.status_code < 500, (address, user.username)
            assert ALONE not in getattr(answer, "content", b""), (address, user.username)
