"""“Change parameters” opens what has run: the same draft, or the same version."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests import factories

if TYPE_CHECKING:
    from django.test import Client

    from portal.accounts.models import User
    from portal.environments.models import Environment
    from portal.jobs.models import JobVersion

DRAFT: dict[str, Any] = {
    "parameters": {"year": {"type": "integer", "default": 2013}},
    "stages": [{"type": "SQLTransform", "name": "q", "sql": "SELECT ${year} AS year", "outputView": "v"}],
}


def test_of_a_draft_the_same_document_runs(
    version: JobVersion, dev: Environment, ana: User, olu: User, browser_of: Callable[..., Client]
) -> None:
    from portal.runs import actions

    first = actions.run_draft(actor=ana, job=version.job, document=json.dumps(DRAFT), parameters={"year": 2014})
    address = f"/p/flights/jobs/{version.job.name}/run"
    page = browser_of(ana).get(f"{address}?environment=dev&from={first.pk}").content.decode()
    assert "Run this draft" in page and 'value="2014"' in page
    answer = browser_of(ana).post(address, {"from": str(first.pk), "environment": "dev", "parameter_year": "2015"})
    assert answer.status_code == 302
    again = version.job.runs.exclude(pk=first.pk).get()
    assert (again.version, again.document, str(again.parameters["year"])) == (None, first.document, "2015")
    assert browser_of(olu).post(address, {"from": str(first.pk), "environment": "dev"}).status_code == 404


def test_of_a_version_the_same_version_is_offered_where_it_may_run(
    version: JobVersion, dev: Environment, ana: User, browser_of: Callable[..., Client]
) -> None:
    run = factories.make_run(version, dev, "succeeded")
    factories.make_version(version.job, live_in=("dev",))
    page = browser_of(ana).get(f"/p/flights/runs/{run.pk}/").content.decode()
    assert f"from={run.pk}&amp;version={version.number}" in page
