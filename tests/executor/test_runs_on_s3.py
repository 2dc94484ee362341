"""Jobs whose files lie on S3: what they read is copied, what they write becomes visible at once, and stages know nothing of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.document.job import parse
from executor.events import Event, Log, PreviewRows, StageFailed
from executor.running.preview import Memory, Preview
from executor.running.reach import reach_of
from executor.running.runner import StageFailure
from executor.running.values import values_from
from executor.stores.roots import Copies
from tests.executor.running import Outcome, environment, program, run_here
from tests.services.s3_front import Refuse, before

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess
    from tests.services.s3 import S3Server

pytestmark = [pytest.mark.spark, pytest.mark.services]

READ = {
    "type": "DelimitedExtract",
    "name": "read",
    "inputURI": "raw/*.csv",
    "outputView": "flights",
    "header": True,
}
SUM = {
    "type": "SQLTransform",
    "name": "sum",
    "sql": "SELECT carrier, sum(CAST(delay AS INT)) AS delay FROM flights GROUP BY carrier",
    "outputView": "daily",
}
SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "daily", "outputURI": "curated/daily"}


class Bucket:
    """The lake of an environment, in a bucket below a prefix."""

    def __init__(self, server: S3Server) -> None:
        self.server, self.name = server, server.new_bucket()
        settings = {
            "service": "other",
            "endpoint": server.address,
            "tls": "off",
            "bucket_style": "path",
            "private_networks": ["127.0.0.0/8"],
        }
        self.settings = settings
        secrets = {"access_key": "test-key", "secret_key": "test-secret"}
        self.values: dict[str, Any] = {
            "connections": {"store": {"kind": "s3", "settings": settings, "secrets": secrets}},
            "roots": {"lake": {"connection": "store", "address": f"s3a://{self.name}/dev/", "may_write": True, "is_default": True}},
        }

    def put(self, key: str, text: str) -> None:
        self.server.client.put_object(Bucket=self.name, Key=f"dev/{key}", Body=text.encode())

    def names(self) -> list[str]:
        return [key.removeprefix("dev/") for key in self.server.keys(self.name)]

    def listed_files(self, place: str) -> dict[str, list[str]]:
        """Folder of an output → its files by the list beside it, as other programs read it; by their names in the root."""
        beginning, found = f"{place}/_symlink_format_manifest/", {}
        for name in self.names():
            if name.startswith(beginning):
                text = self.server.client.get_object(Bucket=self.name, Key=f"dev/{name}")["Body"].read().decode()
                files = [line.removeprefix(f"s3://{self.name}/dev/") for line in text.splitlines()]
                found[name.removeprefix(beginning).removesuffix("manifest").strip("/")] = files
        return found

    def run(self, process: SparkProcess, folder: Path, *stages: dict[str, Any], **values: Any) -> Outcome:
        return run_here(process, list(stages), folder, **self.values, **values)


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    found = Bucket(s3_server)
    found.put("raw/a.csv", "carrier,delay\nAA,1\nUA,2\n")
    found.put("raw/b.csv", "carrier,delay\nAA,3\n")
    return found


def rows_of(outcome: Outcome, stage: str) -> int:
    return int(next(event["rows_out"] for event in outcome.named("stage_finished") if event["stage"] == stage))


def test_a_job_reads_and_writes_a_bucket_as_it_does_a_folder(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    first = bucket.run(spark_process, tmp_path, READ, SUM, SAVE, run_id="r1")
    assert first.result == "succeeded", first.events
    (output,) = first.named("result")[0]["outputs"]
    assert (output["uri"], output["rows"], output["files"], output["kept"]) == ("curated/daily", 2, 1, [])
    assert [key.split("/part-")[0] for key in bucket.names()] == [
        "curated/daily/.sluice-output.json",
        "curated/daily/.sluice-versions/r1",
        "curated/daily/_symlink_format_manifest/manifest",
        "raw/a.csv",
        "raw/b.csv",
    ]

    bucket.put("raw/b.csv", "carrier,delay\nAA,30\nB6,9\n")
    second = bucket.run(spark_process, tmp_path, READ, SUM, SAVE, run_id="r2")
    assert [one["id"] for one in second.named("result")[0]["outputs"][0]["kept"]] == ["r1"]
    again = {"type": "ParquetExtract", "name": "again", "inputURI": "curated/daily", "outputView": "saved"}
    asked = {
        "type": "SQLValidate",
        "name": "ask",
        "sql": "SELECT sum(delay) = 42 AND count(*) = 3, to_json(struct(sum(delay) AS all)) FROM saved",
    }
    third = bucket.run(spark_process, tmp_path, again, asked, run_id="r3")
    assert third.result == "succeeded", third.events
    assert sorted(path.name for path in tmp_path.rglob("*")) == []


def test_what_a_run_has_written_is_read_by_its_later_stages_and_by_nobody_else_before_it_ends(
    spark_process: SparkProcess, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.run(spark_process, tmp_path, READ, SUM, SAVE, run_id="r1")
    again = {"type": "ParquetExtract", "name": "again", "inputURI": "curated/daily", "outputView": "saved"}
    refuse = {"type": "SQLValidate", "name": "refuse", "sql": "SELECT count(*) > 100, to_json(struct(count(*) AS rows)) FROM saved"}
    append = SAVE | {"saveMode": "Append"}
    failed = bucket.run(spark_process, tmp_path, READ, SUM, append, again, refuse, run_id="r2")
    assert failed.result == "failed" and rows_of(failed, "save") == 2
    assert json.loads(failed.problem["found"])["rows"] == 4, "what is there and what was written"
    assert not [key for key in bucket.names() if "r2" in key]
    twice = bucket.run(spark_process, tmp_path, READ, SUM, append, run_id="r3")
    assert twice.result == "succeeded_with_warnings", "the same rows were appended twice"
    assert len([key for key in bucket.names() if "/.sluice-versions/" in key]) == 2


def test_what_is_missing_or_changed_meanwhile_is_told(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    missing = bucket.run(spark_process, tmp_path, READ | {"inputURI": "raw/aa.csv"}, SUM, SAVE)
    assert (missing.problem["code"], missing.problem["fix"]) == ("input-missing", "Did you mean “raw/a.csv”?")


def test_without_leave_nothing_is_published_and_nothing_stays(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    before = bucket.names()
    outcome = bucket.run(spark_process, tmp_path, READ, SUM, SAVE, confirm_publish=True, run_id="r1")
    assert outcome.result == "not_published"
    assert bucket.names() == before


def test_a_key_that_is_wrong_or_a_bucket_that_is_gone_is_said_in_words(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    bucket.values["roots"]["lake"]["address"] = "s3a://no-such-bucket-of-ours/dev/"
    outcome = bucket.run(spark_process, tmp_path, READ, SUM, SAVE)
    assert outcome.problem["code"] == "storage-refused" and "there is no such bucket" in outcome.problem["message"]
    assert outcome.problem["stage"] == "read"


def test_one_job_reads_a_root_by_its_name_or_address_and_publishes_in_two_roots_or_in_none(
    spark_process: SparkProcess, bucket: Bucket, tmp_path: Path
) -> None:
    """The same document as in a folder, with its input in one root and its outputs in that and in the folder."""
    bucket.values["roots"] = {
        "lake": {"connection": None, "address": "", "may_write": True, "is_default": True},
        "archive": bucket.values["roots"]["lake"] | {"is_default": False},
    }
    read = READ | {"inputURI": "archive:raw/*.csv"}
    there, here = SAVE | {"outputURI": f"s3a://{bucket.name}/dev/curated/there"}, SAVE | {"name": "here", "outputURI": "curated/here"}
    seen: list[str] = []
    outcome = bucket.run(spark_process, tmp_path, read, SUM, there, here, run_id="r1", keep_outputs=1)
    assert outcome.result == "succeeded", outcome.events
    facts = outcome.named("result")[0]["outputs"]
    assert [(one["stage"], one["uri"], one["rows"]) for one in facts] == [("save", there["outputURI"], 2), ("here", "curated/here", 2)]
    assert (tmp_path / "curated/here/.sluice-output.json").is_file() and "curated/there/.sluice-output.json" in bucket.names()
    assert "Copied 2 files (43 bytes) of the root “archive” to this machine." in [event["message"] for event in outcome.named("log")], seen
    sent = [(one["where"], one["done"], one["total"]) for one in outcome.named("publishing") if one["step"] == "files"]
    files = facts[0]["files"] + 1  # and what Spark leaves beside them
    assert sent[0] == ("archive", 0, sent[0][2]) and sent[-1] == ("archive", sent[0][2], sent[0][2]) and 0 < sent[0][2] <= files

    before = bucket.names()
    (tmp_path / "curated/here/by-hand.txt").write_text("not an output")
    refused = bucket.run(spark_process, tmp_path, read, SUM, there, run_id="r2", confirm_publish=True)
    assert refused.result == "not_published" and bucket.names() == before
    taken = bucket.run(spark_process, tmp_path, read, SUM, there, here | {"saveMode": "Overwrite"}, run_id="r3")
    assert taken.problem["code"] == "output-holds-other-things" and bucket.names() == before
    unknown = bucket.run(spark_process, tmp_path, read | {"inputURI": "raw/*.csv"}, SUM, there, run_id="r4")
    assert unknown.problem["code"] == "input-missing"


def test_a_preview_shows_a_bucket_as_it_is_now_and_copies_what_has_changed(
    spark_process: SparkProcess, bucket: Bucket, tmp_path: Path
) -> None:
    memory, copies, stages = Memory(), Copies(tmp_path), [READ, SUM]

    def shown() -> tuple[list[list[Any]], list[str]]:
        said: list[Event] = []
        reach = reach_of(values_from({"lake": str(tmp_path)} | bucket.values), copies)
        job = parse({"stages": stages}, parameters={}, roots=reach.roots.known)
        Preview(spark_process, said.append, job, reach, memory=memory).show(1, 10)  # type: ignore[arg-type]
        (rows,) = [event.rows for event in said if isinstance(event, PreviewRows)]
        return sorted(rows), [event.message for event in said if isinstance(event, Log) and event.message.startswith("Copied")]

    assert shown() == ([["AA", 4], ["UA", 2]], ["Copied 2 files (43 bytes) of the root “lake” to this machine."])
    assert shown() == ([["AA", 4], ["UA", 2]], []), "nothing has changed"
    bucket.put("raw/b.csv", "carrier,delay\nAA,4\n")
    assert shown() == ([["AA", 5], ["UA", 2]], ["Copied 1 file (19 bytes) of the root “lake” to this machine."])
    bucket.server.client.delete_object(Bucket=bucket.name, Key="dev/raw/b.csv")
    assert shown()[0] == [["AA", 1], ["UA", 2]]


def answered(bucket: Bucket, lake: Path, what: str, **given: Any) -> dict[str, Any]:
    """The last event of a program over files."""
    line = json.dumps({"lake": str(lake), **bucket.values, **given})
    done = subprocess.run(program(what), input=f"{line}\n", env=environment(lake), capture_output=True, text=True, check=False)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_programs_over_files_look_survey_and_put_back_there(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    for run in ("r1", "r2"):
        assert bucket.run(spark_process, tmp_path, READ, SUM, SAVE, run_id=run).result == "succeeded"
    looked = answered(bucket, tmp_path, "look", uri="raw/a.csv")
    assert [column["name"] for column in looked["proposal"]["columns"]] == ["carrier", "delay"]
    surveyed = answered(bucket, tmp_path, "survey", document=json.dumps({"stages": [READ, SUM, SAVE]}), environment="dev")
    assert "carrier" in json.dumps(surveyed["inputs"][0]["columns"]) and surveyed["outputs"][0]["holds"] is True
    back = answered(bucket, tmp_path, "put-back", uri="curated/daily", kept="r1")
    assert (back["event"], back["current"]["run_id"], [one["id"] for one in back["kept"]]) == ("put_back", "r1", ["r2"])
    assert answered(bucket, tmp_path, "put-back", uri="curated/daily", kept="r7")["problem"]["code"] == "kept-output-gone"
    bucket.put("curated/daily/.sluice-versions/dead/part-0.parquet", "half")
    assert answered(bucket, tmp_path, "repair", run_id="dead", staged=["curated/daily", "gone:x"]) == {"event": "repaired", "open": False}
    assert not [name for name in bucket.names() if "dead" in name] and list(tmp_path.iterdir()) == []


@pytest.mark.lake
def test_what_s3_refuses_is_told_at_every_door(spark_process: SparkProcess, bucket: Bucket, s3_server: S3Server, tmp_path: Path) -> None:
    done = bucket.run(spark_process, tmp_path, READ, SUM, SAVE, run_id="r1")
    assert done.result == "succeeded", done.events[-1]
    with before(s3_server.address) as front:
        bucket.settings["endpoint"] = front.address
        front.always(Refuse(403, "SignatureDoesNotMatch"))
        document = json.dumps({"stages": [READ, SUM, SAVE]})
        told = [
            bucket.run(spark_process, tmp_path, READ, SUM, SAVE).problem,
            preview_problem(spark_process, bucket, tmp_path),
            answered(bucket, tmp_path, "look", uri="raw/a.csv")["problem"],
            answered(bucket, tmp_path, "list", uri="lake:raw", root="lake", folder="raw")["problem"],
            answered(bucket, tmp_path, "put-back", uri="curated/daily", kept="r1")["problem"],
            answered(bucket, tmp_path, "table", uri="curated/daily", do="history")["problem"],
            answered(bucket, tmp_path, "survey", document=document, environment="dev")["inputs"][0]["problem"],
        ]
        front.always(Refuse(403, "AccessDenied"), "PUT")
        unwritten = bucket.run(spark_process, tmp_path, READ, SUM, SAVE).problem
    assert [one["code"] for one in told] == ["storage-refused"] * len(told), told
    assert all("the secret is not the one of the access key" in one["message"] and "canary" not in str(one) and one["fix"] for one in told)
    assert "may not write files there" in unwritten["message"] and "s3:PutObject" in unwritten["fix"]
    bucket.settings["endpoint"] = s3_server.address
    left = [name for name in bucket.names() if name.startswith("curated/") and "r1" not in name and not name.endswith(".json")]
    assert left == ["curated/daily/_symlink_format_manifest/manifest"], "what was not published goes"


def preview_problem(process: SparkProcess, bucket: Bucket, lake: Path) -> dict[str, Any]:
    reach = reach_of(values_from({"lake": str(lake)} | bucket.values), Copies(lake))
    job = parse({"stages": [READ, SUM]}, parameters={}, roots=reach.roots.known)
    said: list[Event] = []
    with pytest.raises(StageFailure):
        Preview(process, said.append, job, reach, memory=Memory()).show(1, 10)  # type: ignore[arg-type]
    (problem,) = [event.problem for event in said if isinstance(event, StageFailed)]
    return problem


def test_a_statement_changes_no_copy_of_a_database(spark_process: SparkProcess, bucket: Bucket, tmp_path: Path) -> None:
    """The run would be good, and what it has changed gone."""
    with sqlite3.connect(tmp_path / "shop.db") as made:
        made.execute("CREATE TABLE orders (id int)")
    made.close()
    bucket.server.client.upload_file(str(tmp_path / "shop.db"), bucket.name, "dev/raw/shop.db")
    connections = {"shop": {"kind": "sqlite", "settings": {"file": "raw/shop.db"}, "secrets": {}}, **bucket.values["connections"]}
    stage = {"type": "JDBCExecute", "name": "add", "connection": "shop", "sql": "INSERT INTO orders VALUES (1)"}
    lake = tmp_path / "lake"
    lake.mkdir()
    outcome = run_here(spark_process, [stage], lake, connections=connections, roots=bucket.values["roots"])
    assert (outcome.result, outcome.problem["code"]) == ("failed", "database-read-only")
