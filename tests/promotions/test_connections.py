"""A version that reads and writes databases: who decides sees it, and the target has to have the connections."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.environments import connections
from portal.errors import PortalError
from portal.promotions.actions import request_promotion
from portal.promotions.effects import effects_of
from portal.promotions.target import TargetLook
from tests.environments.connected import make_database, make_root, make_s3
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


def test_who_decides_sees_where_each_root_lies_as_far_as_they_may(
    flights: Project, ana: User, ada: User, pat: User, dev: Environment, test_env: Environment, browser_of: Callable[[User], Client],
    settings: Any, tmp_path: Path,
) -> None:  # fmt: skip
    data = Path(os.path.realpath(tmp_path)) / "data"
    (data / "archive").mkdir(parents=True)
    (data / "archive").chmod(0o777)
    settings.ROOT_FOLDERS, settings.LAKE_DIR = [str(data)], tmp_path / "lake"
    connections.add_root(actor=ada, environment=dev, name="archive", connection="", address=str(data / "archive"))
    make_root(ada, make_s3(ada, test_env), "archive", "s3a://acme-lake/test/")
    extract = {"type": "ParquetExtract", "name": "read", "inputURI": "archive:flights", "outputView": "flights"}
    load = {"type": "ParquetLoad", "name": "write", "inputView": "flights", "outputURI": "curated/flights"}
    both = make_version(make_job(flights, ana, "copy"), ana, {"stages": [extract, load]}, live_in=("dev",))
    own = make_version(make_job(flights, ana, "own"), ana, {"stages": [{**extract, "inputURI": "raw/f"}, load]}, live_in=("dev",))
    look = TargetLook.of({})

    def places(reader: User, version: JobVersion) -> dict[str, dict[str, str]]:
        found = effects_of(None, version.job, test_env, version.document, look, with_data=False, reader=reader)
        return {one.name: one.places for one in found.roots}

    assert places(pat, both) == {
        "archive": {"dev": "a folder of this machine", "test": "s3a://acme-lake/test/ on lake_s3"},
        "lake": {"dev": "the folder of dev", "test": "the folder of test"},
    }
    assert places(ada, both)["archive"]["dev"] == str(data / "archive"), "for who manages the environment"
    assert places(pat, own) == {}
    dev.roots.filter(name="archive").delete()
    assert places(pat, both)["archive"]["dev"] == ""
