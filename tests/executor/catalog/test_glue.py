"""Tables in a Glue catalog (moto's): as the output is, never over somebody else's, and told in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from executor.catalog.glue import OWNER, GlueCatalog
from executor.catalog.tables import Column, Partition, Table
from executor.connections.glue import Glue
from executor.problems import ProblemError
from executor.trials import try_connection
from tests.services import aws
from tests.services.s3 import S3Server

pytestmark = pytest.mark.services

PLACE = "acme/prod/archive:daily"
LISTS = "s3://acme/daily/_symlink_format_manifest"
TABLE = Table("archive:daily", "parquet", (Column("n", "bigint", "how many"), Column("a b", "array<int>")), (), LISTS, True)
ABOUT = {"sluice.job": "daily", "sluice.run": "r1"}


def given(address: str, database: str) -> dict[str, Any]:
    settings = {"service": "other", "endpoint": address, "tls": "off", "database": database, "private_networks": ["127.0.0.0/8"]}
    return {"kind": "glue", "settings": settings, "secrets": {"access_key": "test-key", "secret_key": "test-secret"}}


def catalog_at(address: str, database: str, **limits: Any) -> GlueCatalog:
    said = given(address, database)
    return GlueCatalog(Glue.model_validate(said["settings"] | said["secrets"]), **limits)


@pytest.fixture
def catalog(s3_server: S3Server) -> Iterator[GlueCatalog]:
    found = catalog_at(s3_server.address, f"lake_{secrets.token_hex(4)}")
    found.client.create_database(DatabaseInput={"Name": found.database})
    yield found


def with_days(*days: str, kind: str = "bigint") -> Table:
    parts = tuple(Partition((day,), f"{LISTS}/day={day}") for day in days)
    return replace(TABLE, columns=(Column("n", kind),), folders=(Column("day", "date"),), partitions=parts)


def there(catalog: GlueCatalog, name: str = "daily") -> Any:
    return catalog.client.get_table(DatabaseName=catalog.database, Name=name)["Table"]


def problem_of(work: Any) -> Any:
    with pytest.raises(ProblemError) as refused:
        work()
    return refused.value.problems[0]


def test_a_table_is_made_and_follows_its_output(catalog: GlueCatalog) -> None:
    assert catalog.register(TABLE, "daily", PLACE, ABOUT)["is_new"]
    found = there(catalog)
    assert found["TableType"] == "EXTERNAL_TABLE" and found["PartitionKeys"] == []
    about = {"EXTERNAL": "TRUE", "classification": "parquet", "sluice.job": "daily", "sluice.run": "r1", OWNER: PLACE}
    assert found["Parameters"] == about and found["StorageDescriptor"]["Location"] == LISTS
    columns = [{"Name": "n", "Type": "bigint", "Comment": "how many"}, {"Name": "a b", "Type": "array<int>"}]
    assert found["StorageDescriptor"]["Columns"] == columns and "SymlinkTextInputFormat" in found["StorageDescriptor"]["InputFormat"]
    other = replace(TABLE, columns=(Column("n", "string"),))
    assert not catalog.register(other, "daily", PLACE, {"sluice.run": "r2"})["is_new"]
    assert there(catalog)["StorageDescriptor"]["Columns"] == [{"Name": "n", "Type": "string"}]
    assert there(catalog)["Parameters"]["sluice.run"] == "r2"


def test_partitions_come_change_and_go(catalog: GlueCatalog) -> None:
    def partitions() -> dict[str, str]:
        return {
            values[0]: one["StorageDescriptor"]["Columns"][0]["Type"] + " " + one["StorageDescriptor"]["Location"]
            for values, one in catalog._partitions("daily").items()
        }

    days = [f"2013-{month:02d}-{day:02d}" for month in range(1, 8) for day in range(1, 29)]
    assert catalog.register(with_days(*days), "daily", PLACE, ABOUT)["partitions"] == 196
    assert partitions() == {day: f"bigint {LISTS}/day={day}" for day in days}
    catalog.register(with_days("2013-01-02", "2014-01-01", kind="string"), "daily", PLACE, ABOUT)
    assert partitions() == {day: f"string {LISTS}/day={day}" for day in ("2013-01-02", "2014-01-01")}
    catalog.register(TABLE, "daily", PLACE, ABOUT)
    assert there(catalog)["PartitionKeys"] == [] and not catalog._partitions("daily")


@pytest.mark.parametrize("said", [{}, {OWNER: "acme/dev/archive:daily"}, {"sluice.job": "daily"}])
def test_what_somebody_else_has_registered_is_left_as_it_is(catalog: GlueCatalog, said: dict[str, str]) -> None:
    theirs = {"Name": "daily", "Parameters": said, "StorageDescriptor": {"Location": "s3://theirs/"}}
    catalog.client.create_table(DatabaseName=catalog.database, TableInput=theirs)
    assert problem_of(lambda: catalog.register(TABLE, "daily", PLACE, ABOUT)).code == "catalog-taken"
    assert problem_of(lambda: catalog.remove("daily", PLACE)).code == "catalog-taken"
    assert there(catalog)["StorageDescriptor"]["Location"] == "s3://theirs/"


def test_a_table_is_taken_out_once(catalog: GlueCatalog) -> None:
    catalog.register(TABLE, "daily", PLACE, ABOUT)
    assert catalog.remove("daily", PLACE) and not catalog.remove("daily", PLACE) and catalog.tables() == []


def test_refusals_are_told_in_our_words(catalog: GlueCatalog) -> None:
    nowhere = catalog_at(catalog.client.meta.endpoint_url, "nowhere")
    assert "no such database" in problem_of(lambda: nowhere.register(TABLE, "daily", PLACE, ABOUT)).message
    for code, words in (("AccessDeniedException", "may not do this"), ("ExpiredTokenException", "expired"), ("Odd", "refuses it")):
        with aws.refusing(code) as address:
            problem = problem_of(lambda address=address: catalog_at(address, "lake").register(TABLE, "daily", PLACE, ABOUT))
            assert words in problem.message and "canary" not in str(problem)
    assert "does not answer" in problem_of(lambda: catalog_at("http://127.0.0.1:1", "lake", tries=1).require_database()).message


def test_a_connection_is_tried_step_by_step(catalog: GlueCatalog, tmp_path: Any) -> None:
    def steps(database: str) -> dict[str, str]:
        told: list[dict[str, Any]] = []
        try_connection(given(catalog.client.meta.endpoint_url, database) | {"placed": []}, tmp_path, told.append)
        return {one["name"]: one["state"] for one in told if one["event"] == "step"}

    assert steps(catalog.database) == {"TLS": "note", "Sign-in and database": "good", "List tables": "good", "Register": "note"}
    assert steps("nowhere")["Sign-in and database"] == "bad"
