"""A worker that is killed in the moment in which a bucket, or a second folder, shows the outputs of its run: in the end the run is told as
what it is, and every place has its rows or none of them."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from executor.files import marks
from tests.environments.connected import KEYS
from tests.runs.stack import Stack, until
from tests.services.s3 import S3Server
from tests.tally import Tally

pytestmark = [pytest.mark.services, pytest.mark.spark, pytest.mark.lake, pytest.mark.timeout(1200)]
MOMENTS = ("bucket", "second folder", "bucket", "second folder")
OUT = "shop_out/by_origin"


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("data")
    (data / "second").mkdir()
    (data / "second").chmod(0o777)
    stack = Stack(tmp_path_factory.mktemp("sl"), SLUICE_ROOT_FOLDERS=str(data))
    try:
        stack.start_redis()
        stack.start_worker()
        stack.start_keepers()
        yield stack
    finally:
        stack.close()


class Bucket:
    """What readers see of the job's output on S3."""

    def __init__(self, server: S3Server) -> None:
        self.server, self.name = server, server.new_bucket()

    def pointer(self) -> dict[str, Any] | None:
        try:
            return json.loads(self._body(f"{OUT}/.sluice-output.json"))
        except self.server.client.exceptions.NoSuchKey:
            return None

    def made_by(self) -> set[str]:
        """The runs whose rows are there: each row says who made it."""
        files = (self.pointer() or {"files": []})["files"]
        return {made for file in files for made in made_in(self._body(f"{OUT}/.sluice-versions/{file}"))}

    def _body(self, key: str) -> bytes:
        return bytes(self.server.client.get_object(Bucket=self.name, Key=key)["Body"].read())


def made_in(parquet: bytes) -> set[str]:
    return set(pq.read_table(io.BytesIO(parquet)).column("made_by").to_pylist())


def made_here(folder: Path) -> set[str]:
    return {made for file in (folder / "of_s3").glob("part-*") for made in made_in(file.read_bytes())}


def test_every_place_has_the_rows_of_one_run_whenever_a_worker_dies(stack: Stack, s3_server: S3Server, tally: Tally) -> None:
    bucket = Bucket(s3_server)
    s3_server.client.put_object(Bucket=bucket.name, Key="archive/2013/flights.csv", Body=b"origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
    second = Path(stack.environment["SLUICE_ROOT_FOLDERS"]) / "second"
    stack.ask("connect", address=s3_server.address, bucket=bucket.name, secrets=KEYS, folder=str(second))
    good = stack.ask("start", name="on_s3")
    assert stack.until_state(good, "succeeded", "failed")["state"] == "succeeded"
    shows: dict[str, Callable[[], str]] = {
        "bucket": lambda: (bucket.pointer() or {}).get("id", ""),
        "second folder": lambda: marks.facts_of(second / "of_s3").get("run_id", ""),
    }

    for moment in MOMENTS:
        run = stack.ask("start", name="on_s3")
        end = time.monotonic() + 120
        while shows[moment]() != run:
            assert time.monotonic() < end
        stack.kill("worker")
        stack.start_worker()
        found = stack.until_state(run, "succeeded", "failed")
        until(lambda run=run: not stack.ask("look", run=run)["attempts"][-1]["may_have_left"], "what it left to be ended", 120)
        good = run if found["state"] == "succeeded" else good
        made = [bucket.made_by(), made_here(stack.home / "lake/flights/dev/curated"), made_here(second)]
        count = tally(f"worker killed the moment the {moment} shows its run, S3 and two folders")
        count.tried(lost=any(good not in there for there in made), half=len(set.union(*made)) > 1)
        assert made == [{good}] * 3, (found["state"], found["problem"])
        assert not [key for key in s3_server.keys(bucket.name) if "publishing" in key]
        assert not [path for path in second.rglob("*.json") if "publishing" in str(path)]
