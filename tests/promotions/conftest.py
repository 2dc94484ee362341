"""A version that may be promoted from dev to test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import JobVersion
    from portal.promotions.models import Promotion


def changed(sql: str) -> dict[str, Any]:
    """The usual document with another query."""
    from tests.factories import DOCUMENT

    document = json.loads(json.dumps(DOCUMENT))
    document["stages"][1]["sql"] = sql
    return document


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """The looks at targets that were asked for."""
    from tests import targets

    return targets.answer_here(monkeypatch, settings, tmp_path / "lake")


@pytest.fixture
def version(flights: Project, ana: User, dev: Environment) -> JobVersion:
    """Ana's first version, live in dev, with a good run there. What it reads lies in every environment."""
    from tests.factories import make_job, make_run, make_version
    from tests.targets import note_columns, put

    for environment in flights.environments.all():
        put(environment)
    made = make_version(make_job(flights, ana), live_in=("dev",))
    note_columns(make_run(made, dev, "succeeded"))
    return made


@pytest.fixture
def asked(version: JobVersion, ana: User, pat: User) -> Promotion:
    """Ana has asked to make it live in test; Pat may approve."""
    from portal.promotions.actions import request_promotion

    return request_promotion(actor=ana, version=version, message="Counts by origin")
