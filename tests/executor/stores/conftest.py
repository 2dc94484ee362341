"""One S3 server for all tests of stores in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from executor.stores.s3_access import S3Access

if TYPE_CHECKING:
    from tests.services.s3 import S3Server


@pytest.fixture(scope="session")
def access(s3_server: S3Server) -> S3Access:
    return S3Access(endpoint=s3_server.address, path_style=True, key_id="test", secret="test-secret")
