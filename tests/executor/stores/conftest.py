"""One S3 server for all tests of stores in a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executor.stores.s3_access import S3Access
from tests.services import s3


@pytest.fixture(scope="session")
def access() -> Iterator[S3Access]:
    with s3.running() as address:
        yield S3Access(endpoint=address, path_style=True, key_id="test", secret="test-secret")
