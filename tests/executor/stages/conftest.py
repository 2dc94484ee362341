from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.executor.stages.bench import Bench


@pytest.fixture
def bench(spark: SparkSession, tmp_path: Path) -> Bench:
    """Runs stages on an empty lake."""
    from tests.executor.stages.bench import Bench

    return Bench(spark, tmp_path)
