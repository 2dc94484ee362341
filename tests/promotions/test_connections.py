"""A version that reads and writes databases: who decides sees it, and the target has to have the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from portal.errors import PortalError
from portal.promotions.actions import request_promotion
from tests.environments.connected import make_database, make_s3
from tests.factories import make_job, make_run, make_version
from tests.promotions.test_promotion_pages import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment
    from portal.jobs.models import JobVersion

DOCUMENT = {
    "stages": [
        {"type": "JDBCExtract", "name": "payments", "connection": "shop", "tableName": "payments", "outputView": "payments"},
        {
            "type": "JDBCLoad",
            "name": "copy",
            "connection": "shop",
            "inputView": "payments",
            "tableName": "payments_copy",
            "saveMode": "Append",
        },
        {"type": "JDBCExecute", "name": "tidy", "connection": "shop", "sql": "DELETE FROM old", "environments": ["dev", "test"]},
    ]
}


@pytest.fixture
def version(flights: Project, ana: User, ada: User, dev: Environment) -> JobVersion:
    make_database(ada, dev)
    made = make_version(make_job(flights, ana, "shop_copy"), ana, DOCUMENT, live_in=("dev",))
    make_run(made, dev, "succeeded")
    return made


def test_it_goes_no_further_than_its_connections(version: JobVersion, ana: User, ada: User, test_env: Environment) -> None:
    with pytest.raises(PortalError, match="test has no connection “shop”"):
        request_promotion(actor=ana, version=version)
    make_s3(ada, test_env, "shop")
    with pytest.raises(PortalError, match="is a connection to S3; this stage needs one to a database"):
        request_promotion(actor=ana, version=version)


def test_who_decides_sees_what_is_read_and_written_in_databases(
    version: JobVersion, ana: User, ada: User, pat: User, test_env: Environment, browser_of: Callable[[User], Client]
) -> None:
    make_database(ada, test_env)
    asked = request_promotion(actor=ana, version=version)
    effects = browser_of(pat).get(f"/api/v1/projects/flights/promotions/{asked.pk}").json()["effects"]
    assert [(one["connection"], one["kind"], one["does"], one["what"], one["save_mode"]) for one in effects["through"]] == [
        ("shop", "PostgreSQL", "reads", "payments", ""),
        ("shop", "PostgreSQL", "writes", "payments_copy", "Append"),
        ("shop", "PostgreSQL", "acts", "SQL of its own", ""),
    ]
    page = text_of(browser_of(pat).get(f"/p/flights/promotions/{asked.pk}/"))
    assert "payments_copy" in page and "Append" in page and "It reads no files and publishes nothing" not in page
