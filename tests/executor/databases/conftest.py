from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, Servers
from tests.services import mariadb, postgresql

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess


@pytest.fixture(scope="session")
def servers(spark_process: SparkProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Once for all tests of databases: PostgreSQL and MariaDB."""
    with postgresql.running() as one, mariadb.running() as other:
        yield Servers(spark_process, {POSTGRESQL: one, MARIADB: other}, tmp_path_factory.mktemp("databases"))
