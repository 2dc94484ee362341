"""The jobs of the published system, from a folder and from S3: the contacts, of which 1,000 begin their history, and of 1,100 later ones 92
have changed and 100 are new; and the trips of New York's green taxis."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.files.delta_log import Log, is_table
from executor.stores.bucket import Bucket
from executor.stores.s3 import S3Store
from executor.stores.s3_access import S3Access
from tests.executor.delta.test_tables import done
from tests.executor.running import run_here
from tests.executor.test_runs_on_s3 import Bucket as Lake

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess
    from tests.services.s3 import S3Server

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake, pytest.mark.timeout(900)]

EXAMPLES, SHARED = Path(__file__).parents[3] / "examples", Path(__file__).parents[4] / "shared/data"
"""SHARED: the published system's own data, which not everybody has."""
Run = Callable[[str, str], dict[str, Any]]
"""Runs an example (its file below `examples`, an id); gives the facts of its last output."""


def document(job: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{job}.json").read_text())
    return {"stages": found["stages"], "declared": found.get("parameters", {})}


class Folder:
    """Where the lake is a folder."""

    def __init__(self, process: SparkProcess, raw: Path, folder: Path) -> None:
        self.process, self.folder = process, folder
        shutil.copytree(raw, folder / "raw")

    def run(self, job: str, run_id: str) -> dict[str, Any]:
        said = document(job)
        outcome = done(run_here(self.process, said.pop("stages"), self.folder, run_id=run_id, **said))
        return dict(outcome.named("result")[0]["outputs"][-1])

    def path(self, place: str) -> str:
        return str(self.folder / place)


class OnS3:
    """Where it is a bucket."""

    def __init__(self, process: SparkProcess, raw: Path, folder: Path, server: S3Server) -> None:
        self.process, self.folder, self.lake = process, folder, Lake(server)
        for file in raw.iterdir():
            server.client.upload_file(str(file), self.lake.name, f"dev/raw/{file.name}")

    def run(self, job: str, run_id: str) -> dict[str, Any]:
        said = document(job)
        (here := self.folder / "lake").mkdir(exist_ok=True)
        outcome = done(self.lake.run(self.process, here, *said.pop("stages"), run_id=run_id, **said))
        assert not list(here.rglob("*"))
        return dict(outcome.named("result")[0]["outputs"][-1])

    def path(self, place: str) -> str:
        """A copy, as it is now."""
        access = S3Access(endpoint=self.lake.server.address, path_style=True, key_id="test", secret="test-secret")
        (folder := self.folder / f"copy-{len(list(self.folder.iterdir()))}").mkdir()
        store = S3Store("lake", Bucket(self.lake.name, "dev", access), folder)
        path = store.read(place, place, "uri").path
        if is_table(Path(path)):
            store.bring_version(place, place, Log.of(Path(path), place).latest, may_note=False)
        return path


def both(process: SparkProcess, raw: Path, tmp_path: Path, server: S3Server) -> list[Folder | OnS3]:
    if not raw.is_dir():
        pytest.skip("the published data are not here")
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    return [Folder(process, raw, tmp_path / "here"), OnS3(process, raw, tmp_path / "there", server)]


@pytest.mark.parametrize("raw", [EXAMPLES / "contacts/raw", SHARED / "contacts"], ids=["ours", "published"])
def test_what_has_changed_is_closed_and_begins_anew_and_a_second_time_changes_nothing(
    spark_process: SparkProcess, tmp_path: Path, s3_server: S3Server, raw: Path
) -> None:
    found = []
    for lake in both(spark_process, raw, tmp_path, s3_server):
        for job in ("initial_load", "delta_load", "scd2_merge"):
            lake.run(f"contacts/{job}", job)
        for again in range(2):
            rows = spark_process.session.read.format("delta").load(lake.path("curated/contact_snapshot"))
            assert (rows.count(), rows.where("is_current").count(), rows.where("valid_to IS NOT NULL").count()) == (1192, 1100, 92)
            if not again:
                lake.run("contacts/scd2_merge", "again")
        found.append(sorted(map(str, rows.select("id", "name", "email", "state", "is_current").collect())))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("raw", "trips", "stored"), [(EXAMPLES / "nyc-taxi/raw", 120, 7), (SHARED / "nyc-tlc", 7623, 62)], ids=["ours", "published"]
)
def test_the_taxi_trips_that_were_sent_later(
    spark_process: SparkProcess, tmp_path: Path, s3_server: S3Server, raw: Path, trips: int, stored: int
) -> None:
    found = []
    for lake in both(spark_process, raw, tmp_path, s3_server):
        said = lake.run("nyc-taxi/nyc_taxi", "one")
        rows = spark_process.session.read.parquet(lake.path("curated/green_trips_stored"))
        found.append(sorted(map(str, rows.collect())))
        assert (said["rows"], len(found[-1])) == (stored, stored)
    assert found[0] == found[1]
    job = document("nyc-taxi/nyc_taxi")
    ask = {"type": "SQLValidate", "name": "all_trips", "sql": f"SELECT count(*) = {trips}, string(count(*)) FROM trips"}
    done(run_here(spark_process, [*job["stages"][:3], ask], tmp_path / "here", declared=job["declared"]))
