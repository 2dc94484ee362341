"""A run that failed, and receivers of alerts on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from tests.outgoing import receiver
from tests.services import smtp

if TYPE_CHECKING:
    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import JobVersion
    from portal.runs.models import Run

PROBLEM = {
    "code": "value-not-type",
    "message": "“hunter2” is no integer.",
    "stage_index": 1,
    "stage": "by_origin",
    "field": "sql",
    "data_column": "flight",
    "value": "hunter2",
    "found": "hunter2",
    "expected": "a whole number",
    "fix": "Type the column as a string.",
    "detail": "CAST_INVALID_INPUT 'hunter2'",
}
"""A failure whose every word of data is hunter2."""


@pytest.fixture
def version(flights: Project, ana: User) -> JobVersion:
    from tests.factories import make_job, make_version

    return make_version(make_job(flights, ana), live_in=("dev", "test"))


@pytest.fixture
def failed(version: JobVersion, test_env: Environment, olu: User) -> Run:
    from tests.factories import make_run

    return make_run(version, test_env, "failed", problem=PROBLEM, requested_by=olu)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[smtp.Mailbox]:
    """A real SMTP server that Django's mail goes to."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with smtp.running() as kept:
        settings.EMAIL_HOST, settings.EMAIL_PORT = kept.host, kept.port
        yield kept


@pytest.fixture
def hook(settings: Any) -> Iterator[receiver.Receiver]:
    """A real HTTP receiver, in a network that is allowed."""
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
    with receiver.running() as kept:
        yield kept
