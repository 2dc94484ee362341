"""One Spark session for all Spark tests of a process, started as the executor starts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.spark.session import SparkProcess


@pytest.fixture(scope="session")
def spark_process() -> Iterator[SparkProcess]:
    """The JVM and its session: one core, small heap, quick to start."""
    from executor.setup_spark import set_up
    from executor.spark.home import spark_home
    from executor.spark.session import ComputeProfile, SparkProcess

    set_up(spark_home())
    process = SparkProcess(ComputeProfile(cores=1, memory_mb=768, shuffle_partitions=1), "preview", log=lambda level, text: None)
    yield process
    process.stop()


@pytest.fixture
def spark(spark_process: SparkProcess) -> SparkSession:
    """The session, without the views of other tests."""
    session = spark_process.session
    session._jsparkSession.sessionState().catalog().clearTempTables()
    return session
