"""One S3 server of each kind for all tests of stores in a process: what is tried on one is tried on the other, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from executor.stores.s3_access import S3Access
from tests.services import versitygw

if TYPE_CHECKING:
    from tests.services.s3 import S3Server
    from tests.tally import Tally

SERVERS = ["moto", pytest.param("versitygw", marks=pytest.mark.lake)]


@pytest.fixture(scope="session")
def moto(s3_server: S3Server) -> S3Access:
    return _access(s3_server.address)


@pytest.fixture(scope="session")
def versity(tmp_path_factory: pytest.TempPathFactory, tally: Tally) -> Iterator[S3Access]:
    try:
        versitygw.program()
    except versitygw.NotThere as why:
        tally("every store on versitygw").not_run = str(why)
        pytest.skip(f"versitygw: {why}")
    with versitygw.running(tmp_path_factory.mktemp("gw")) as address:
        yield _access(address)


@pytest.fixture(scope="session", params=SERVERS)
def access(request: pytest.FixtureRequest) -> S3Access:
    """The way to a server."""
    found: S3Access = request.getfixturevalue("moto" if request.param == "moto" else "versity")
    return found


@pytest.fixture
def server_name(request: pytest.FixtureRequest) -> str:
    """Of the server that the test has."""
    return str(request.node.callspec.params["access"])


def _access(address: str) -> S3Access:
    return S3Access(endpoint=address, path_style=True, key_id="test", secret="test-secret")
