"""Who gets in where: every address of the site and every method, for each role alone, for people of elsewhere and for strangers.

The table (`doors.py`) is the promise; it is written by hand and read from the outside. An address that is not in it fails the test, and so
does a method that is answered without being in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client

from portal.accounts.models import Membership, Project, Role, User
from portal.accounts.policy import can
from portal.alerts.models import Alert, Channel, Rule
from portal.audit.models import AuditEvent
from portal.data.models import Upload
from portal.environments.models import Connection, ConnectionSecret, Root, Secret
from portal.jobs.models import Draft, Job, JobVersion, LiveVersion
from portal.pipelines.models import Pipeline, PipelineRun, Schedule
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests import factories
from tests.api import stocked
from tests.api.doors import BODIES, LONG, METHODS, TABLE, actions_of, scopes_for
from tests.api.stocked import WHERE


@pytest.fixture
def ids(flights: Project, settings: Any, tmp_path: Path) -> dict[str, str]:
    settings.LAKE_DIR = tmp_path / "lake"
    return stocked.stock(flights, factories.make_person("owner", flights, "author", "operator", "approver"))


ROLES = [role for role in Role.values if role != Role.PLATFORM_ADMIN]
PEOPLE = [*ROLES, "platform_admin", "all roles in prod", "all roles in another project", "stranger"]


def make(who: str, project: Project, name: str = "person") -> User | None:
    if who == "stranger":
        return None
    if who == "platform_admin":
        return factories.make_person(name, platform_admin=True)
    if who == "all roles in prod":
        return factories.make_person(name, project, *[f"{role}@prod" for role in ROLES])
    if who == "all roles in another project":
        return factories.make_person(name, factories.make_project("harbour"), *ROLES)
    return factories.make_person(name, project, who)


def may(user: User | None, action: str, project: Project) -> bool:
    """What the table promises this person."""
    if action == "open" or user is None:
        return action == "open"
    if action in ("signed in", "own", "nobody"):
        return action == "signed in"
    if action.endswith(" anywhere"):
        return any(can(user, action.removesuffix(" anywhere"), one) for one in Project.objects.all()) or can(user, "view_audit")
    if " and " in action:
        return all(may(user, one, project) for one in action.split(" and "))
    if " or " in action:
        return any(may(user, one, project) for one in action.split(" or "))
    if action == "manage_platform":
        return can(user, action)
    name, _, where = action.replace("bring_data", "put_back_output").partition(" in ")  # above dev operators do, and nobody else
    return can(user, name, project, **({"environment": where} if where else {}))


class Undone(Exception):
    """Takes back whatever a request has done."""


def asked(client: Client, method: str, route: str, ids: dict[str, str], *, with_body: bool = True, **headers: str) -> Any:
    """The answer, without what it did."""
    body = body_of(method, route, ids) if with_body else {}
    address = stocked.filled(LONG[route], ids)
    as_json = address.startswith("/api/") or method != "POST" or body.get("document") is not None
    more = {} if method == "GET" else {"data": body, **({"content_type": "application/json"} if as_json else {})}
    if (method, route) == ("POST", "A/ENV/files/"):  # the one form that brings a file along
        more = {"data": {"file": SimpleUploadedFile("c.csv", b"a\n1\n")}}
    try:
        with transaction.atomic():
            answer = getattr(client, method.lower())(address, **more, headers=headers)
            raise Undone
    except Undone:
        return answer


def refused(answer: Any) -> bool:
    return answer.status_code in (401, 403, 404) or (answer.status_code == 302 and answer["Location"].startswith("/sign-in?next"))


def test_every_address_is_in_the_table() -> None:
    assert sorted(LONG) == sorted(TABLE)


def doors() -> Iterator[tuple[str, str, str]]:
    for route in TABLE:
        for method, action in actions_of(route).items():
            yield route, method, action


def body_of(method: str, route: str, ids: dict[str, str]) -> dict[str, Any]:
    """What is sent, with the ids of what is there."""
    return {
        key: ids.get(value[1:], value) if str(value).startswith("$") else value
        for key, value in BODIES.get(f"{method} {route}", {}).items()
    }


def is_streamed(route: str) -> bool:
    """Answered in threads of their own, which do not see what a test has not committed."""
    return route in ("P/runs/<uuid:run>/events", "P/runs/<uuid:run>/log")


def text_of(answer: Any) -> str:
    """All that it says, and where it leads."""
    return f"{b'' if answer.streaming else answer.content!r} {answer.headers}"


SEE_ALIKE = {"open", "signed in", "view", "view in test", "own", "nobody", "view or manage_members"}
"""Every role of the project means the same to these: one is asked."""


@pytest.mark.django_db
@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_gets_in_where_the_table_says_and_without_the_right_sees_no_data(
    who: str, flights: Project, ids: dict[str, str]
) -> None:
    user, wrong = make(who, flights), []
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    session = client.cookies.output(header="", sep=";")
    for route, method, action in doors():
        if is_streamed(route) or (who in ROLES[1:] and action in SEE_ALIKE):
            continue
        client.cookies.load(session)
        stocked.put_file(flights)
        answer = asked(client, method, route, ids)
        if refused(answer) == may(user, action, flights) or (answer.status_code >= 500 and answer.status_code != 503):
            wrong.append((method, route, action, answer.status_code))
        if not (user and can(user, "view_data", flights, environment=WHERE)) and stocked.CANARY in text_of(answer):
            wrong.append((method, route, "shows data"))
        if stocked.SECRET_CANARY in text_of(answer):
            wrong.append((method, route, "shows a secret"))
    assert "\n".join(map(str, wrong)) == ""


NAMED_IN_WHAT_IS_SENT = (
    "A/alert-channels/",
    "A/alert-rules/",
    "A/jobs/<slug:job>/roll-back",
    "A/jobs/<slug:job>/take-over",
    "A/pipelines/<slug:pipeline>/runs/",
    "A/runs/",
    "P/jobs/<slug:job>/run",
)
"""Where the environment is said by what is sent: who has the right in another one is told what is missing."""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "who", ["viewer", "author", "operator", "approver", "all roles in prod", "all roles in another project", "stranger"]
)
def test_the_right_is_asked_for_before_a_word_about_what_was_sent(who: str, flights: Project, ids: dict[str, str]) -> None:
    """Nothing is sent that the door could take: without the right the answer is the same as with all of it."""
    user, told = make(who, flights), []
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    session = client.cookies.output(header="", sep=";")
    for route, method, action in doors():
        if method == "GET" or is_streamed(route) or action == "own" or may(user, action, flights):
            continue
        if route in NAMED_IN_WHAT_IS_SENT and (may(user, action.split(" in ")[0], flights) or may(user, "run_draft in dev", flights)):
            continue
        client.cookies.load(session)
        stocked.put_file(flights)
        answer = asked(client, method, route, ids, with_body=False, accept="application/json")
        if not refused(answer):
            told.append((method, route, action, answer.status_code))
    assert "\n".join(map(str, told)) == ""


@pytest.mark.django_db(transaction=True)
def test_each_person_gets_the_streams_that_the_table_says(flights: Project, ids: dict[str, str]) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("threads of the event loop keep their connections open, and the test's database could not be removed")
    wrong = []
    for number, who in enumerate(("viewer", "all roles in prod", "all roles in another project", "platform_admin", "stranger")):
        user, client = make(who, flights, f"p{number}"), Client()
        if user:
            client.force_login(user)
        for route, method, action in doors():
            if is_streamed(route) and refused(client.get(stocked.filled(LONG[route], ids))) == may(user, action, flights):
                wrong.append((who, method, route))
    assert wrong == []


@pytest.mark.django_db
def test_a_method_that_the_table_does_not_name_does_nothing(flights: Project, ids: dict[str, str]) -> None:
    """Asked by the one who may most: such a method is refused, or answered as GET is."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username="owner"))
    answered = []
    for route in TABLE:
        for method in set(METHODS) - set(actions_of(route)) - {"GET"}:
            if asked(client, method, route, ids, accept="application/json").status_code in (403, 404, 405):
                continue
            before, status = rows(), client.generic(method, stocked.filled(LONG[route], ids)).status_code
            if status not in (200, 302) or rows() != before:
                answered.append((method, route, status))
    assert answered == []


def rows() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in (AuditEvent, Run, Job, JobVersion, Alert, Membership)}


@pytest.mark.django_db
def test_reading_changes_nothing_but_what_was_read(flights: Project, ids: dict[str, str]) -> None:
    """A link in a mail, an image, a browser that fetches ahead: none of them may act."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username="owner"))
    seen = {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED}
    for route, method, _ in doors():
        if method == "GET" and not is_streamed(route):
            client.get(stocked.filled(LONG[route], ids))
    assert {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED} == seen


UNTOUCHED = (
    Run,
    Job,
    JobVersion,
    LiveVersion,
    Draft,
    Promotion,
    Pipeline,
    PipelineRun,
    Schedule,
    Alert,
    Channel,
    Rule,
    Membership,
    Secret,
    Connection,
    ConnectionSecret,
    Root,
    Upload,
)


@pytest.mark.django_db
def test_a_session_without_the_csrf_token_changes_nothing_anywhere(flights: Project, ids: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(User.objects.get(username="owner"))
    let_in = []
    for route in TABLE:
        for method in METHODS[1:]:
            status = asked(client, method, route, ids, accept="application/json").status_code
            if status not in (403, 405):
                let_in.append((method, route, status))
    assert let_in == []


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["read", "write", "run"])
def test_a_token_opens_what_its_scope_is_said_to_open(scope: str, flights: Project, ids: dict[str, str]) -> None:
    """Of somebody who may everything. What no scope opens is done by people who are signed in, and pages are for them alone."""
    owner = User.objects.get(username="owner")
    for role in set(ROLES) - {"author", "operator", "approver"}:
        Membership.objects.create(user=owner, project=flights, role=role)
    Membership.objects.create(user=owner, role=Role.PLATFORM_ADMIN)
    token, wrong = factories.make_token(owner, *{"read", scope}), []
    for route, method, action in doors():
        if is_streamed(route) or action in ("open", "nobody"):
            continue
        stocked.put_file(flights)
        answer = asked(Client(raise_request_exception=False), method, route, ids, authorization=f"Bearer {token}")
        if refused(answer) == (scopes_for(method, route) <= {"read", scope}):
            wrong.append((method, route, answer.status_code))
    assert "\n".join(map(str, wrong)) == ""
