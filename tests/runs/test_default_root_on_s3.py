"""One document, unchanged: in a folder, and where the root that needs no name lies on S3. The rows are the same, and so is what people
do."""

from __future__ import annotations

import csv
import ipaddress
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from asgiref.sync import async_to_sync

from executor.files.delta_log import LOG, Log
from executor.stores.bucket import Bucket
from executor.stores.s3 import S3Store
from executor.stores.s3_access import S3Access
from portal.data import actions
from portal.data.lake import Lake
from portal.data.listing import find_table, list_tables
from portal.environments import connections
from portal.jobs.actions import take_over_place
from portal.jobs.models import Place
from portal.runs import preview_client, published, worker
from portal.runs.models import Run
from tests.environments.connected import KEYS
from tests.factories import make_job, make_person, make_run, make_version

pytestmark = [
    pytest.mark.services,
    pytest.mark.spark,
    pytest.mark.lake,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1800),
    pytest.mark.usefixtures("programs"),
]
EXAMPLES = Path(__file__).parents[2] / "examples"
CONTACTS = ("contacts/initial_load", "contacts/delta_load", "contacts/scd2_merge")
FLIGHTS = ("jobs/load_flights", "jobs/daily_delays")
SHARED = ("contacts/initial_load", "contacts/scd2_merge")
"""They write one table, one after the other."""
SNAPSHOT = "curated/contact_snapshot"


@pytest.fixture
def bucket(dev: Any, s3_server: Any, settings: Any, home: Path) -> Bucket:
    settings.LAKE_DIR, settings.RUN_DIR, settings.WARM_EXECUTORS = home / "lake", home / "run", 0
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    name = s3_server.new_bucket()
    return Bucket(name, "dev", S3Access(endpoint=s3_server.address, path_style=True, key_id="test", secret="test-secret"))


def move(ada: Any, dev: Any, bucket: Bucket) -> None:
    """dev's default root goes to the bucket."""
    address = bucket.access.endpoint
    fields = {"service": "other", "endpoint": address, "tls": "off", "bucket_style": "path", "private_networks": ["127.0.0.0/8"]}
    connections.add_connection(actor=ada, environment=dev, name="store", kind="s3", settings=fields, secrets=KEYS)
    root = dev.roots.get(name="lake")
    connections.edit_root(actor=ada, root=root, connection="store", address=f"s3a://{bucket.bucket}/dev/", may_write=True)


def bring(ana: Any, dev: Any, folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    upload = actions.begin_upload(actor=ana, environment=dev, name=name, size=len(data))
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[data], length=len(data))
    assert actions.finish_upload(actor=ana, upload=upload).uri == f"raw/{name}"


@pytest.fixture
def versions(dev: Any, ana: Any) -> dict[str, Any]:
    documents = {name: json.loads((EXAMPLES / f"{name}.json").read_text()) for name in (*CONTACTS, *FLIGHTS)}
    jobs = {name: make_job(dev.project, ana, name.rpartition("/")[2]) for name in documents}
    return {name: make_version(jobs[name], document=documents[name], live_in=("dev",)) for name in documents}


@pytest.fixture
def do(versions: dict[str, Any], dev: Any) -> Callable[..., Run]:
    def run(name: str) -> Run:
        waiting = make_run(versions[name], dev)
        worker.work(str(waiting.pk))
        waiting.refresh_from_db()
        assert waiting.state in ("succeeded", "succeeded_with_warnings"), (name, waiting.problem)
        return waiting

    return run


def flights(to: Path, rows: int = 3000) -> None:
    """The first flights of the package, with the weather and airlines that the jobs read beside them."""
    from portal.demo.flights import (
        _copy,
        package_folder,
        put_into,  # noqa: F401 - named for who looks where the data come from
    )

    for table in ("flights", "weather", "airlines"):
        _copy(package_folder(), table, to / f"{table}.csv")
        with (to / f"{table}.csv").open() as file:
            kept = [row for row, _ in zip(csv.reader(file), range(rows), strict=False)]
        with (to / f"{table}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(kept)


def rows_in(folder: Path, place: str) -> list[str]:
    """Every row below a folder of this machine, without the columns that tell when and by whom it was written."""
    table = folder / place
    files = (
        [key[0] for key in Log.of(table, place).state().files] if (table / LOG).is_dir() else [path.name for path in table.glob("part-*")]
    )
    found = [row for file in files for row in pq.read_table(table / file).to_pylist()]
    return sorted(json.dumps({name: str(value) for name, value in row.items() if name not in TIMES}, sort_keys=True) for row in found)


TIMES = ("valid_from", "valid_to")


class Case:
    """Jobs that run one after the other, in the folder and then in the bucket."""

    def __init__(self, ana: Any, ada: Any, dev: Any, bucket: Bucket, raw: Path, do: Callable[[str], Run]) -> None:
        self.ana, self.ada, self.dev, self.bucket, self.raw, self.do = ana, ada, dev, bucket, raw, do
        raw.mkdir()

    def compare(self, jobs: Sequence[str], outputs: Sequence[str], copies: Path) -> dict[str, list[str]]:
        """Gives the rows of each output, which are the same in both."""
        lake = Lake(self.dev).root
        self._run(jobs)
        rows, listed, files = {place: rows_in(lake, place) for place in outputs}, self._listed(), seen_in(lake)
        move(self.ada, self.dev, self.bucket)
        assert self._listed() == [] and find_table(self.dev, outputs[0]) is None, "nothing of the folder shines through"
        Place.objects.filter(owner=None).delete()
        self._run(jobs)
        there = S3Store("lake", self.bucket, copies)
        for place in outputs:
            there.read(place, place, "inputURI")
            if (copies / place / LOG).is_dir():  # of a table, reading brings its log alone
                there.bring_version(place, place, Log.of(copies / place, place).latest, may_note=False)
            assert rows_in(copies, place) == rows[place] != [], place
        assert seen_in(lake) == files, "nothing was written into the folder"
        assert self._listed() == listed
        return rows

    def _run(self, jobs: Sequence[str]) -> None:
        for file in sorted(self.raw.iterdir()):
            bring(self.ana, self.dev, self.raw, file.name)
        for name in jobs:
            self.do(name)

    def _listed(self) -> list[tuple[str, str, str]]:
        return [(table.uri, table.kind, table.by) for table in list_tables(self.dev).tables]


def seen_in(lake: Path) -> list[Path]:
    return sorted(path for path in lake.rglob("*") if path.is_file() and ".sluice-" not in str(path.relative_to(lake)))


@pytest.fixture
def case(ana: Any, ada: Any, dev: Any, bucket: Bucket, tmp_path: Path, do: Callable[[str], Run]) -> Case:
    return Case(ana, ada, dev, bucket, tmp_path / "in", do)


def test_flights_give_the_same_rows_and_are_put_back(
    case: Case, dev: Any, ana: Any, bucket: Bucket, tmp_path: Path, browser_of: Any
) -> None:
    flights(case.raw)
    case.compare(FLIGHTS, ("curated/flights", "curated/daily_delays"), tmp_path)
    page = browser_of(ana).get("/p/flights/data/dev/table", {"uri": "curated/daily_delays"}).content.decode()
    assert "daily_delays" in page and 'data-opens="rename-table"' not in page
    level = browser_of(ana).get("/p/flights/data/dev/folder", {"uri": "raw"}).json()
    assert [one["uri"] for one in level["entries"]] == sorted(f"raw/{file.name}" for file in case.raw.iterdir())
    asked = {"uri": "raw/airlines.csv", "settings": {}}
    looked = async_to_sync(preview_client.answer_over_files)("look", user=ana.pk, environment=dev.pk, values=asked)
    assert [column["name"] for column in looked["proposal"]["columns"]] == ["carrier", "name"]

    second = case.do("jobs/load_flights")
    place = Place.objects.get(environment=dev, uri="curated/flights")
    assert place.last_run_id == second.pk and [row["id"] for row in place.kept]
    published.put_back(ana, place, place.kept[0]["id"])
    assert bucket.pointer("curated/flights")[0].id != str(second.pk)
    assert not second.attempts.get().may_have_left


def test_a_history_in_a_delta_table_is_the_same(case: Case, dev: Any, versions: dict[str, Any], tmp_path: Path) -> None:
    owner = make_person("owner", dev.project, "author@dev", "operator", "environment_admin")
    for file in (EXAMPLES / "contacts/raw").iterdir():
        (case.raw / file.name).write_bytes(file.read_bytes())
    run = case.do

    def do(name: str) -> Run:
        if name in SHARED:
            take_over_place(actor=owner, job=versions[name].job, environment=dev, uri=SNAPSHOT)
        return run(name)

    case.do = do
    rows = case.compare(CONTACTS, (SNAPSHOT, "curated/contact_updates"), tmp_path)
    assert len(rows[SNAPSHOT]) == 1192 and sum('"is_current": "True"' in row for row in rows[SNAPSHOT]) == 1100
