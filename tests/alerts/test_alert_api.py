"""Alerts, rules and channels through the API."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.alerts import raising
from portal.alerts.models import Alert, Channel, Rule
from portal.runs.models import Run
from tests.outgoing.receiver import Receiver

Program = Callable[..., APIClient]
ROOT = "/api/v1/projects/flights/"


def test_a_program_reads_and_acknowledges(failed: Run, olu: User, program_of: Program) -> None:
    raising.run_ended(failed.pk)
    program = program_of(olu)
    (alert,) = program.get(ROOT + "alerts/?state=open").json()["results"]
    assert alert["title"] == "daily_delays failed in test" and alert["deliveries"][0]["target"] == "ana@sluice.test"
    assert program.post(f"{ROOT}alerts/{alert['id']}/acknowledge").json()["state"] == "acknowledged"
    assert program.post(f"{ROOT}alerts/{alert['id']}/resolve").json()["state"] == "resolved"
    assert program.get(ROOT + "alerts/?state=open").json()["results"] == []
    assert "hunter2" not in str(program.get(ROOT + "alerts/").json())


def test_a_channels_signing_key_is_given_once(failed: Run, ada: User, hook: Receiver, program_of: Program) -> None:
    program = program_of(ada)
    body = {"name": "Pager", "kind": "webhook", "target": hook.url}
    made = program.post(ROOT + "alert-channels/", body, format="json", headers={"Idempotency-Key": "k"})
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    assert made.json()["secret"] not in str(program.get(ROOT + "alert-channels/").json())
    assert program.post(f"{ROOT}alert-channels/{made.json()['id']}/test").status_code == 204
    rule = program.post(ROOT + "alert-rules/", {"event": "late", "minutes": 30, "channels": ["Pager"]}, format="json")
    assert rule.status_code == 201 and rule.json()["channels"] == ["Pager"]
    assert program.post(f"{ROOT}alert-rules/{rule.json()['id']}/pause").json()["paused_at"]
    assert program.delete(f"{ROOT}alert-rules/{rule.json()['id']}").status_code == 204
    assert program.delete(f"{ROOT}alert-channels/{made.json()['id']}").status_code == 204
    assert not Channel.objects.exists() and not Rule.objects.exists()


def test_a_name_that_is_not_there_is_told(failed: Run, ada: User, program_of: Program) -> None:
    answer = program_of(ada).post(ROOT + "alert-rules/", {"event": "failed", "job": "nothing"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "job-unknown")


def test_viewers_only_look(failed: Run, vic: User, pat: User, program_of: Program) -> None:
    raising.run_ended(failed.pk)
    assert len(program_of(vic).get(ROOT + "alerts/").json()["results"]) == 1
    assert program_of(vic).post(f"{ROOT}alerts/{Alert.objects.get().pk}/acknowledge").status_code == 404
    assert program_of(pat).get(ROOT + "alert-channels/").json()["results"] == []
    body = {"name": "x", "kind": "email", "target": "x@sluice.test"}
    assert program_of(pat).post(ROOT + "alert-channels/", body, format="json").status_code == 404
