"""The statement of outputs in a bucket: by the list beside them, and without a data file being opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.catalog.tables import Table, table_at
from executor.problems import ProblemError
from executor.stores.roots import RootGiven, Roots
from executor.stores.s3_access import S3Access
from tests.executor.stores.test_s3_tables import Lake
from tests.executor.test_delta_log import PROTOCOL, add, metadata

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def access(s3_server: object) -> S3Access:
    return S3Access(endpoint=s3_server.address, path_style=True, key_id="test", secret="test-secret")  # type: ignore[attr-defined]


@pytest.fixture
def lake(access: S3Access, tmp_path: Path) -> Iterator[Lake]:
    yield (found := Lake(access, tmp_path))
    for outputs in found.begun:
        outputs.discard()


def table(lake: Lake, tmp_path: Path) -> Table:
    roots = Roots(tmp_path, given={"archive": RootGiven("store", f"s3a://{lake.bucket.bucket}/dev/")})
    roots._opened["archive"] = lake.machine()
    return table_at(roots, "archive:t")


def test_a_delta_table_is_told_by_its_log(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="no list of its files"):
        table(lake, tmp_path)
    days = [
        {"add": {**add(f"day={number}/a.parquet")["add"], "partitionValues": {"day": value}}} for number, value in enumerate(("1", "a/b"))
    ]
    schema = (
        '{"type":"struct","fields":[{"name":"day","type":"string","nullable":true,"metadata":{}},'
        '{"name":"N","type":"long","nullable":true,"metadata":{"description":"how many"}}]}'
    )
    lake.run({"protocol": PROTOCOL}, metadata(partitionColumns=["day"], schemaString=schema), *days).publish(lambda facts: None)
    found = table(lake, tmp_path)
    lists = f"s3://{lake.bucket.bucket}/dev/t/_symlink_format_manifest"
    assert [(one.name, one.type, one.comment) for one in found.columns] == [("n", "bigint", "how many")]
    assert [one.name for one in found.folders] == ["day"] and found.location == lists and found.is_listed and found.is_delta
    assert [(one.values, one.location) for one in found.partitions] == [(("1",), f"{lists}/day=1"), (("a/b",), f"{lists}/day=a%2Fb")]
