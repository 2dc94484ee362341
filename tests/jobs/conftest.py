"""A job with one version, and documents to change it by."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portal.accounts.models import Project, User
    from portal.jobs.models import Job


@pytest.fixture(autouse=True)
def objects(settings: Any, tmp_path: Path) -> Path:
    """Every test has an object store of its own."""
    settings.OBJECT_STORE = str(tmp_path / "objects")
    return tmp_path / "objects"


@pytest.fixture(autouse=True)
def no_token() -> None:
    """The limits of the token that the test before this one came with are gone, as they are at the start of each request."""
    from portal.accounts import token_scopes

    token_scopes.limit_to(None)


@pytest.fixture
def changed() -> Callable[..., str]:
    """`changed(sql="SELECT …")`: the usual document with another query in its second stage, as text."""

    from tests.factories import DOCUMENT

    def make(sql: str = "SELECT origin FROM flights", **top: Any) -> str:
        document = copy.deepcopy(DOCUMENT) | top
        document["stages"][1]["sql"] = sql
        return json.dumps(document)

    return make


@pytest.fixture
def job(ana: User, flights: Project) -> Job:
    """Made and saved once, by Ana."""
    from portal.jobs import actions
    from tests.factories import DOCUMENT

    made = actions.create_job(actor=ana, project=flights, name="daily_delays", description="Delay by day")
    actions.save_version(actor=ana, job=made, document=json.dumps(DOCUMENT), message="First", base_version=None)
    made.refresh_from_db()
    return made
