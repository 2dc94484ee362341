"""A check that passes without a row to look at says so; one that has rows, or that asks for none, does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

READS: list[dict[str, Any]] = [
    {"type": "DelimitedExtract", "name": name, "inputURI": f"{name}.csv", "header": True, "outputView": name} for name in ("full", "empty")
]
BAD = {"type": "SQLTransform", "name": "bad", "sql": "SELECT * FROM full WHERE k = 'z'", "outputView": "bad"}
NONE = {"type": "SQLTransform", "name": "none", "sql": "SELECT * FROM empty WHERE k = 'z'", "outputView": "none"}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "full.csv").write_text("k,v\na,1\nb,2\n")
    (tmp_path / "empty.csv").write_text("k,v\n")
    return tmp_path


@pytest.mark.parametrize(
    ("tail", "names"),
    [
        ("FROM empty WHERE v < '0'", "“empty”"),
        ("FROM none", "“empty”"),
        ("FROM empty LEFT ANTI JOIN full ON full.k = empty.k", "“empty”"),
        ("FROM (SELECT * FROM empty UNION ALL SELECT * FROM none) AS u", "“empty”"),
        ("FROM full WHERE v < '0'", None),
        ("FROM bad", None),
        ("FROM full LEFT ANTI JOIN empty ON full.k = empty.k AND full.k = 'z' WHERE false", None),
        ("FROM (SELECT * FROM empty UNION ALL SELECT * FROM full) AS u WHERE k = 'z'", None),
    ],
)
def test_a_check_that_passes_without_rows_says_so(spark_process: SparkProcess, lake: Path, tail: str, names: str | None) -> None:
    check = {"type": "SQLValidate", "name": "check", "sql": f"SELECT count(*) = 0 AS outcome, 'bad rows' AS message {tail}"}
    outcome = run_here(spark_process, [*READS, BAD, NONE, check], lake)
    (finished,) = [event for event in outcome.named("stage_finished") if event["stage"] == "check"]
    warnings = finished["details"].get("warnings", [])
    assert [one["code"] for one in warnings] == ([] if names is None else ["check-of-nothing"])
    assert names is None or names in warnings[0]["message"]
