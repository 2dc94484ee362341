"""A pipeline of four jobs in three layers, as the demo has it, live in test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from portal.accounts.models import Project, User
    from portal.pipelines.models import Pipeline

AFTER = {
    "load_flights": [],
    "load_weather": [],
    "daily_delays": ["load_flights", "load_weather"],
    "delay_report": ["daily_delays"],
}


@pytest.fixture
def pipeline(flights: Project, ana: User) -> Pipeline:
    from portal.pipelines.actions import create_pipeline
    from tests.factories import make_job, make_version

    for name in AFTER:
        make_version(make_job(flights, ana, name), live_in=("dev", "test"))
    return create_pipeline(actor=ana, project=flights, name="nightly_flights", after=AFTER)
