"""What a run has published tells its columns: types, what its schema says of them, and folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from executor.cli import main
from tests.executor.running import run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.lake]


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "trim": False, "nullableValues": [], **more}


def test_the_statement_of_a_published_output(spark_process: SparkProcess, tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("day,n,t\n2013-01-01,1,a\n2013-01-02,2,b\n")
    schema = [
        column("day", "date", formatters=["uuuu-MM-dd"], description="when it was"),
        column("n", "long", description="how many\nof them"),
        column("t", "string"),
    ]
    stages: list[dict[str, Any]] = [
        {"type": "DelimitedExtract", "name": "read", "inputURI": "raw.csv", "outputView": "raw", "header": True, "contiguousIndex": False},
        {"type": "TypingTransform", "name": "type", "inputView": "raw", "outputView": "typed", "schema": schema},
        {"type": "SQLTransform", "name": "pick", "sql": "SELECT day, n, t FROM typed", "outputView": "picked"},
        {"type": "ParquetLoad", "name": "save", "inputView": "picked", "outputURI": "curated/days", "partitionBy": ["day"]},
    ]
    outcome = run_here(spark_process, stages, tmp_path)
    assert outcome.result == "succeeded", outcome.events
    printed = CliRunner().invoke(main, ["ddl", "curated/days", "--lake", str(tmp_path), "--database", "dev"])
    assert printed.exit_code == 0, printed.output
    assert "EXTERNAL TABLE `dev`.`curated_days` (\n  `n` bigint COMMENT 'how many of them',\n  `t` string\n)" in printed.output
    assert "PARTITIONED BY (\n  `day` date COMMENT 'when it was'\n)" in printed.output
    assert f"LOCATION '{(tmp_path / 'curated/days').as_uri()}'" in printed.output
    refused = CliRunner().invoke(main, ["ddl", "raw.csv", "--lake", str(tmp_path)])
    assert refused.exit_code == 1 and "does not tell its columns" in refused.output
