"""The same documents on a root in a bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.running.survey import survey
from executor.stages import delta_writing
from executor.stores.roots import roots_of
from tests.executor.delta.test_merging import counts, merge, scd2
from tests.executor.delta.test_tables import check, done, load, read, rows
from tests.executor.running import ROOT
from tests.executor.test_runs_on_s3 import Bucket

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess
    from tests.services.s3 import S3Server

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake]


def test_tables_in_a_bucket(spark_process: SparkProcess, s3_server: S3Server, tmp_path: Path) -> None:
    bucket = Bucket(s3_server)
    plain = {"type": "ParquetLoad", "name": "plain", "inputView": "rows", "outputURI": "plain"}
    made = done(bucket.run(spark_process, tmp_path, rows("SELECT 1 AS id, 'a/b' AS v"), load(partitionBy=["v"]), plain))
    assert [(one["uri"], one["files"]) for one in made.named("result")[0]["outputs"]] == [("table", 1), ("plain", 1)]
    files = bucket.listed_files("table")
    assert list(files) == ["v=a%2Fb"] and set(files["v=a%2Fb"]) <= set(bucket.names()), "as Athena reads it"
    assert {one["list"] for one in made.named("result")[0]["outputs"]} == {"current"} and len(bucket.listed_files("plain")[""]) == 1
    merging = [
        rows("SELECT * FROM VALUES (1, 'A'), (2, 'b') AS t(id, v)"),
        merge(),
        read(),
        check("SELECT count(*) = 2 AND count_if(v = 'A') = 1, 'staged' FROM there"),
        read(view="before", relativeVersion=-1),
        check("SELECT count(*) = 1 AND count_if(v = 'a/b') = 1, 'before' FROM before", "check_before"),
    ]
    assert counts(done(bucket.run(spark_process, tmp_path, *merging))) == (1, 1, 0)
    assert counts(done(bucket.run(spark_process, tmp_path, *merging[:2]))) == (0, 0, 0)
    assert sorted(bucket.listed_files("table")) == ["v=A", "v=b"]
    commits = [name for name in bucket.names() if name.startswith("table/_delta_log/")]
    assert commits == [f"table/_delta_log/{version:020d}.json" for version in range(2)]
    failing = [rows("SELECT 3 AS id, 'c' AS v"), load(saveMode="Append"), check("SELECT false, 'no'")]
    before = bucket.names()
    assert bucket.run(spark_process, tmp_path, *failing).result == "failed" and bucket.names() == before
    refused = {"type": "ParquetExtract", "name": "files", "inputURI": "table", "outputView": "files"}
    assert bucket.run(spark_process, tmp_path, refused).problem["code"] == "place-is-table"
    assert bucket.run(spark_process, tmp_path, rows("SELECT 1 AS id"), load(uri="plain")).problem["code"] == "output-no-table"
    history = done(bucket.run(spark_process, tmp_path, rows("SELECT 1 AS id, 'x' AS v"), scd2(outputURI="history")))
    assert counts(history, "keep") == (1, 0, 0)
    done(bucket.run(spark_process, tmp_path, read("history", "h"), check("SELECT count(*) = 1 AND min(is_current), '' FROM h")))


def test_a_table_in_a_bucket_is_put_together_and_its_log_stays_short(
    spark_process: SparkProcess, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(s3_server)
    monkeypatch.setattr(delta_writing, "COMMITS_BETWEEN", 2)
    for number in range(4):
        done(bucket.run(spark_process, tmp_path, rows(f"SELECT {number} AS id, 'a{number % 3}' AS v"), load(saveMode="Append")))
    assert "table/_delta_log/00000000000000000002.checkpoint.parquet" in bucket.names()
    command = [sys.executable, "-m", "executor", "table", "--values", "-"]

    def asked(**given: Any) -> dict[str, Any]:
        line = json.dumps({"lake": str(tmp_path), "uri": "table", **bucket.values, **given})
        told = subprocess.run(command, cwd=ROOT, input=line, capture_output=True, text=True, timeout=240, check=False)
        return dict(json.loads(told.stdout.splitlines()[-1]))

    told = asked(do="optimize", columns=["v"], by="Ana")
    assert (told["before"]["files"], told["after"]["files"], told["after"]["rows"], told["version"]) == (4, 1, 4, 4), told
    newest = asked(do="history")["history"][0]
    assert (newest["operation"], newest["by"], newest["rows_after"]) == ("OPTIMIZE", "Ana", 4)
    assert asked(do="optimize", columns=["nothing"])["problem"]["code"] == "values-wrong"
    job = [
        read(view="now"),
        check("SELECT count(*) = 4 AND sum(id) = 6, '' FROM now", "check_now"),
        read(view="before", versionAsOf=2),
        check("SELECT count(*) = 3, '' FROM before", "check_before"),
        rows("SELECT 99 AS id, 'z' AS v"),
        load(saveMode="Append"),
        read(),
        check("SELECT count(*) = 5, 'what was there is read with what is new' FROM there"),
    ]
    done(bucket.run(spark_process, tmp_path, *job))
    document = {"stages": [{**load(saveMode="Append"), "inputView": "there"}, read()][::-1]}
    with roots_of({"lake": str(tmp_path), **bucket.values}) as roots:
        told = survey({"document": json.dumps(document), "environment": "dev"}, roots, lambda *said: None)
    (output,) = told["outputs"]
    assert output["columns"]["columns"] == [["id", "int"], ["v", "string"]] and "foreign" not in output
