"""The contacts of the published system: 1,000 begin their history; of 1,100 later ones 92 have changed and 100 are new."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.delta.test_tables import done
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.lake]

EXAMPLES = Path(__file__).parents[3] / "examples/contacts"
PUBLISHED = Path(__file__).parents[4] / "shared/data/contacts"
"""The published system's own data, which not everybody has."""


def run(process: SparkProcess, lake: Path, job: str) -> dict[str, Any]:
    """Runs an example; gives the facts of its last output."""
    document = json.loads((EXAMPLES / f"{job}.json").read_text())
    outcome = done(run_here(process, document["stages"], lake, run_id=job))
    return dict(outcome.named("result")[0]["outputs"][-1])


@pytest.mark.parametrize("raw", [EXAMPLES / "raw", PUBLISHED], ids=["ours", "published"])
def test_what_has_changed_is_closed_and_begins_anew_and_a_second_time_changes_nothing(
    spark_process: SparkProcess, tmp_path: Path, raw: Path
) -> None:
    if not raw.is_dir():
        pytest.skip("the published data are not here")
    shutil.copytree(raw, tmp_path / "raw")
    for job in ("initial_load", "delta_load", "scd2_merge"):
        run(spark_process, tmp_path, job)

    def counted() -> tuple[int, int, int]:
        rows = spark_process.session.read.format("delta").load(str(tmp_path / "curated/contact_snapshot"))
        return rows.count(), rows.where("is_current").count(), rows.where("valid_to IS NOT NULL").count()

    assert counted() == (1192, 1100, 92)
    run(spark_process, tmp_path, "scd2_merge")
    assert counted() == (1192, 1100, 92)
