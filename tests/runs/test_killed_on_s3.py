"""A worker that is killed in the moment in which a bucket shows the outputs of its run: in the end the run is told as what it is, and every
place has its rows or none of them."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.environments.connected import KEYS
from tests.runs.stack import Stack, until
from tests.services.s3 import S3Server
from tests.tally import Tally

pytestmark = [pytest.mark.services, pytest.mark.spark, pytest.mark.lake, pytest.mark.timeout(1200)]
TRIES = 3
OUT = "shop_out/by_origin"


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("sl"))
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


def made_here(stack: Stack) -> set[str]:
    files = (stack.home / "lake/flights/dev/curated/of_s3").glob("part-*")
    return {made for file in files for made in made_in(file.read_bytes())}


def test_every_place_has_the_rows_of_one_run_whenever_a_worker_dies(stack: Stack, s3_server: S3Server, tally: Tally) -> None:
    bucket = Bucket(s3_server)
    s3_server.client.put_object(Bucket=bucket.name, Key="archive/2013/flights.csv", Body=b"origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
    stack.ask("connect", address=s3_server.address, bucket=bucket.name, secrets=KEYS)
    good = stack.ask("start", name="on_s3")
    assert stack.until_state(good, "succeeded", "failed")["state"] == "succeeded"

    for _ in range(TRIES):
        run = stack.ask("start", name="on_s3")
        end = time.monotonic() + 120
        while (bucket.pointer() or {}).get("id") != run:
            assert time.monotonic() < end
        stack.kill("worker")
        stack.start_worker()
        found = stack.until_state(run, "succeeded", "failed")
        until(lambda run=run: not stack.ask("look", run=run)["attempts"][-1]["may_have_left"], "what it left to be ended", 120)
        good = run if found["state"] == "succeeded" else good
        there, here = bucket.made_by(), made_here(stack)
        count = tally("worker killed the moment the bucket shows its run, S3 and folder")
        count.tried(lost=good not in there or good not in here, half=len(there | here) > 1)
        assert there == here == {good}, (found["state"], found["problem"])
        assert not [key for key in s3_server.keys(bucket.name) if "publishing" in key]
