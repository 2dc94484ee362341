"""Promotions through the API: a program may ask, never approve."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions.models import Promotion
from tests.factories import make_live

Program = Callable[..., APIClient]
ROOT = "/api/v1/projects/flights/promotions/"


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def test_a_program_asks_and_reads_the_checks(version: JobVersion, ana: User, program_of: Program) -> None:
    program = program_of(ana)
    asked = program.post(ROOT, {"job": "daily_delays", "version": 1, "message": "from a program"}, format="json")
    assert asked.status_code == 201 and asked.json()["to_environment"] == "test"
    shown = program.get(f"{ROOT}{asked.json()['id']}").json()
    assert {check["name"]: check["verdict"] for check in shown["checks"]}["Good run of v1 in dev"] == "ok"
    assert program.post(f"{ROOT}{asked.json()['id']}/withdraw").json()["state"] == "withdrawn"
    assert program.post(ROOT, {"job": "daily_delays", "version": 9}, format="json").json()["code"] == "version-unknown"


def test_a_program_cannot_approve_decline_or_go_back(asked: Promotion, pat: User, prod: Environment, program_of: Program) -> None:
    program = program_of(pat)
    make_live(asked.version, prod)
    for path, body in (
        (f"{ROOT}{asked.pk}/approve", {"sha256": asked.sha256}),
        (f"{ROOT}{asked.pk}/decline", {"note": "no"}),
        ("/api/v1/projects/flights/jobs/daily_delays/roll-back", {"environment": "prod"}),
    ):
        answer = program.post(path, body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "not-with-a-token")
    asked.refresh_from_db()
    assert asked.state == "waiting" and not LiveVersion.objects.filter(environment__name="test").exists()


def test_a_signed_in_approver_approves_what_was_seen(asked: Promotion, pat: User) -> None:
    client = signed_in(pat)
    assert client.post(f"{ROOT}{asked.pk}/approve", {"sha256": "0" * 64}, format="json").json()["code"] == "other-bytes"
    assert client.post(f"{ROOT}{asked.pk}/approve", {"sha256": asked.sha256}, format="json").json()["state"] == "live"


def test_strangers_find_nothing(asked: Promotion, outsider: User, program_of: Program) -> None:
    assert program_of(outsider).get(f"{ROOT}{asked.pk}").status_code == 404
