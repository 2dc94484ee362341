"""One Spark session for all Spark tests of a process, started as the executor starts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess


@pytest.fixture(scope="session")
def spark_log() -> list[tuple[str, str]]:
    """Level and text of every line that Spark has logged in this process."""
    return []


@pytest.fixture(scope="session")
def spark_process(spark_log: list[tuple[str, str]]) -> Iterator[SparkProcess]:
    """The JVM and its session: one core, small heap, quick to start. It has every connector: what gates must hold, they must hold there.
    Runs that tests start as programs have none, as in life."""
    from executor.setup_spark import set_up
    from executor.spark.connectors import TITLES
    from executor.spark.home import spark_home
    from executor.spark.session import ComputeProfile, SparkProcess

    set_up(spark_home(), say=lambda text: print(text))
    process = SparkProcess(
        ComputeProfile(cores=1, memory_mb=768, shuffle_partitions=1), "preview", log=lambda *line: spark_log.append(line), connectors=TITLES
    )
    yield process
    process.stop()


@pytest.fixture
def spark(spark_process: SparkProcess) -> SparkSession:
    """The session, without the views of other tests."""
    session = spark_process.session
    session._jsparkSession.sessionState().catalog().clearTempTables()
    return session
