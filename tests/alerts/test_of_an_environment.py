"""Operators set up rules and channels for their environments, and touch nobody else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.accounts.models import Project, User
from portal.alerts.actions import (
    change_rule,
    create_channel,
    create_rule,
    delete_channel,
    delete_rule,
    pause_channel,
    pause_rule,
    send_test,
)
from portal.alerts.models import Channel, Rule
from portal.alerts.raising import default_rule
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from tests.factories import make_person
from tests.outgoing.receiver import Receiver

ROOT = "/p/flights/alerts/"


def text_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


@pytest.fixture
def dee(flights: Project) -> User:
    """Operator in dev only."""
    return make_person("dee", flights, "operator@dev")


@pytest.fixture
def pager(flights: Project, ada: User, prod: Environment) -> Channel:
    """Prod's, in a rule of prod."""
    channel, _ = create_channel(actor=ada, project=flights, name="Pager", kind="email", target="pager@sluice.test", environment=prod)
    create_rule(actor=ada, project=flights, event="failed", environment=prod, channels=[channel])
    return channel


def test_an_operator_sets_up_their_environment(flights: Project, dee: User, dev: Environment) -> None:
    channel, _ = create_channel(actor=dee, project=flights, name="Dev", kind="email", target="dev@sluice.test", environment=dev)
    rule = create_rule(actor=dee, project=flights, event="late", minutes=5, environment=dev, channels=[channel])
    pause_rule(actor=dee, rule=rule)
    change_rule(actor=dee, rule=rule, channels=[], tell_owner=True)
    delete_rule(actor=dee, rule=rule)
    delete_channel(actor=dee, channel=channel)
    assert not Channel.objects.exists()


def test_an_operator_of_dev_touches_nothing_of_prod_or_of_all(flights: Project, dee: User, pager: Channel, prod: Environment) -> None:
    rule, default = Rule.objects.get(environment=prod), default_rule(flights)
    tries: list[Callable[[], object]] = [
        lambda: create_channel(actor=dee, project=flights, name="x", kind="email", target="x@sluice.test", environment=prod),
        lambda: create_channel(actor=dee, project=flights, name="x", kind="email", target="x@sluice.test"),
        lambda: create_rule(actor=dee, project=flights, event="failed", environment=prod),
        lambda: create_rule(actor=dee, project=flights, event="failed"),
        lambda: pause_channel(actor=dee, channel=pager),
        lambda: delete_channel(actor=dee, channel=pager),
        lambda: send_test(actor=dee, channel=pager),
        lambda: pause_rule(actor=dee, rule=rule),
        lambda: pause_rule(actor=dee, rule=default),
        lambda: change_rule(actor=dee, rule=rule, channels=[], tell_owner=True),
        lambda: delete_rule(actor=dee, rule=rule),
    ]
    for attempt in tries:
        with pytest.raises(NotAllowed):
            attempt()
    assert Channel.objects.count() == 1 and Rule.objects.count() == 2


def test_nor_by_page_or_program(
    flights: Project, dee: User, pager: Channel, browser_of: Callable[[User], Client], program_of: Callable[..., APIClient]
) -> None:
    client, program, api = browser_of(dee), program_of(dee), "/api/v1/projects/flights/"
    page = text_of(client.get(ROOT + "channels/"))
    assert "pager@sluice.test" not in page and "in prod" not in page and "in dev" in page
    body = {"name": "x", "kind": "email", "target": "x@sluice.test", "environment": "prod"}
    for step in ("test", "pause", "delete"):
        assert client.post(f"{ROOT}channels/{pager.pk}/{step}").status_code == 404
        assert client.post(f"{ROOT}rules/{pager.rules.get().pk}/{step}").status_code == 404
    assert (
        client.post(ROOT + "channels/", {"name": "x", "kind": "email", "target": "x@sluice.test", "environment": "prod"}).status_code == 422
    )
    assert program.get(api + "alert-channels/").json()["results"] == []
    assert program.delete(f"{api}alert-channels/{pager.pk}").status_code == 404
    assert program.post(api + "alert-channels/", body, format="json").status_code == 404
    assert program.post(api + "alert-channels/", {**body, "environment": "dev"}, format="json").status_code == 201


def test_a_channel_hears_of_its_environment_only(flights: Project, ada: User, dee: User, pager: Channel, dev: Environment) -> None:
    with pytest.raises(PortalError, match="The channel Pager belongs to prod"):
        create_rule(actor=ada, project=flights, event="failed", environment=dev, channels=[pager])
    for_all, _ = create_channel(actor=ada, project=flights, name="All", kind="email", target="all@sluice.test")
    with pytest.raises(PortalError, match="looked after by people who do so for every environment"):
        create_rule(actor=dee, project=flights, event="failed", environment=dev, channels=[for_all])


def test_a_channel_that_was_the_only_one_told_leaves_nobody_unheard(
    flights: Project, ada: User, browser_of: Callable[[User], Client]
) -> None:
    only, _ = create_channel(actor=ada, project=flights, name="Only", kind="email", target="only@sluice.test")
    rule = create_rule(actor=ada, project=flights, event="failed", channels=[only], tell_owner=False)
    page = text_of(browser_of(ada).post(f"{ROOT}channels/{only.pk}/delete", follow=True))
    rule.refresh_from_db()
    assert rule.tell_owner and "owner is told from now on" in page


def test_a_webhooks_address_is_shown_to_those_who_manage_it_only(
    flights: Project, ada: User, hook: Receiver, failed: object, vic: User, program_of: Callable[..., APIClient]
) -> None:
    from portal.alerts import raising
    from portal.runs.models import Run

    channel, secret = create_channel(actor=ada, project=flights, name="Hook", kind="webhook", target=hook.url + "/T0KEN")
    create_rule(actor=ada, project=flights, event="failed", channels=[channel])
    raising.run_ended(Run.objects.get().pk)
    seen = str(program_of(vic).get("/api/v1/projects/flights/alerts/").json())
    assert "T0KEN" not in seen and "127.0.0.1/…" in seen
    assert "T0KEN" not in str(list(AuditEvent.objects.values_list("details", flat=True))) and secret not in seen
