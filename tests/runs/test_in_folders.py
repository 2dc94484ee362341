"""Runs, previews and programs over files where places lie in folders of this machine: behind the wall, with those folders alone that they
need, read only unless they write there."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from asgiref.sync import async_to_sync
from django.db import connections as databases
from django.utils import timezone

from executor.files import exchange, receipts, tree
from portal.audit.models import AuditEvent
from portal.environments import connections
from portal.environments.reach import Needs, mounts_of
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.models import Place
from portal.runs import downloads, half_published, launcher, needs, preview_client, preview_reach, published, sandbox, table_actions, worker
from portal.runs import receipts as notes
from portal.runs.launches import Equipment
from portal.runs.preview_pool import Pool
from portal.runs.preview_service import Service, launch_for
from portal.runs.still_allowed import may_still_have
from tests.executor.stores.roots import FolderRoot, die, write
from tests.factories import DOCUMENT, make_job, make_person, make_run, make_version
from tests.runs.behind_the_wall import Wall
from tests.runs.test_downloads import content

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def folders(ada: Any, dev: Any, settings: Any, home: Path) -> Iterator[Path]:
    """dev's roots `archive`, which jobs may write, and `landing`, which they only read; `closed` is nobody's."""
    settings.LAKE_DIR, settings.RUN_DIR, settings.WARM_EXECUTORS = home / "lake", home / "run", 0
    data = Path(tempfile.mkdtemp(prefix="sluice-data-"))
    data.chmod(0o755)
    settings.ROOT_FOLDERS = [str(data)]
    for name, may_write in (("archive", True), ("landing", False), ("closed", None)):
        (data / name).mkdir(parents=True)
        (data / name).chmod(0o777)
        (data / name / "in.csv").write_text("origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
        (data / name / "in.csv").chmod(0o644)
        if may_write is not None:
            place = str(data / name)
            connections.add_root(actor=ada, environment=dev, name=name, connection="", address=place, may_write=may_write)
    yield data
    tree.remove(data)


def document(reads: str = "landing:in.csv", *writes: str) -> dict[str, Any]:
    extract, count, load = json.loads(json.dumps(DOCUMENT))["stages"]
    loads = [load | {"name": f"save {uri}", "outputURI": uri, "saveMode": "Overwrite"} for uri in writes or ("archive:2013/out",)]
    return {"stages": [extract | {"inputURI": reads}, count, *loads]}


def published_in(folders: Path, dev: Any, run_id: str, commit: Any = lambda facts: None) -> None:
    """One file with the run's name in it, as the output `archive:out`."""
    root = FolderRoot(folders / "archive", own=launcher.lake_folder(dev))
    outputs = root.store.outputs(run_id, None, 2)
    try:
        write(outputs.stage("out", "archive:out", "Overwrite", 0, "save"), {"part-0.csv": run_id})
        outputs.publish(commit)
        outputs.discard()
    finally:
        die(outputs)
        sandbox.give_to_executors(folders / "archive")


def there(folders: Path) -> str:
    return (folders / "archive/out/part-0.csv").read_text()


@pytest.fixture
def version(job: Any) -> Any:
    return make_version(job, document=document("archive:in.csv", "archive:out"), live_in=("dev",))


# --- what is seen behind the wall -------------------------------------------------------------------------------------

LOOKS = """
import json, os, sys
told = json.loads(sys.stdin.readline())
def tried(path):
    try:
        open(path, "a").close()
        return ""
    except OSError as error:
        return error.strerror
found = {"roots": sorted(os.listdir("/roots")) if os.path.exists("/roots") else []}
found["writes"] = {path: tried(path) for path in told["paths"]}
found["reads"] = {path: os.path.exists(path) for path in told["reads"]}
print(json.dumps(found))
"""


def test_a_program_sees_the_folders_that_it_needs_and_writes_in_those_alone(wall: Wall, dev: Any, folders: Path, tmp_path: Path) -> None:
    for name in ("archive", "landing"):
        (folders / name).chmod(0o777)
        (folders / name / "out").symlink_to(folders / "closed")
    asked = Needs(frozenset({"archive", "landing"}), written=frozenset({"archive", "landing"}))
    paths = ["/roots/archive/new.csv", "/roots/landing/new.csv", "/roots/landing/in.csv", "/roots/archive/out/new.csv", "/roots/new.csv"]
    reads = ["/roots/landing/in.csv", "/roots/landing/out/in.csv", str(folders), str(folders / "closed/in.csv"), "/roots/landing/../closed"]
    told = wall.run(LOOKS, {"paths": paths, "reads": reads}, roots=mounts_of(dev, asked))
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["roots"] == ["archive", "landing"]
    ok, *refused = (found["writes"][path] for path in paths)
    assert ok == "" and all(refused), found
    assert list(found["reads"].values()) == [True, False, False, False, False]
    nothing = json.loads(wall.run(LOOKS, {"paths": [], "reads": ["/roots"]}).stdout)
    assert nothing["roots"] == [] and nothing["reads"] == {"/roots": False}


# --- programs over files ----------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The end of a process."""


def test_what_a_run_left_half_published_there_is_taken_back_or_ended(
    dev: Any, version: Any, folders: Path, programs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    published_in(folders, dev, "good")
    failed, done = make_run(version, dev, "failed", fence=1), make_run(version, dev, "succeeded", fence=1)
    lake = launcher.lake_folder(dev)

    def crash(facts: Any) -> None:
        raise Crash

    with pytest.raises(Crash):
        published_in(folders, dev, str(failed.pk), crash)
    assert there(folders) == str(failed.pk), "it is visible, though its run has failed"
    failed.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    with exchange.locked(folders / "archive"):
        assert half_published.end_elsewhere() == 1 and programs[-1]["problem"]["code"] == "publishing-busy"
    assert half_published.end_elsewhere() == 1 and programs[-1]["event"] == "repaired", programs
    assert there(folders) == "good"

    with pytest.raises(Crash):
        published_in(folders, dev, str(done.pk), crash)
    receipts.write(lake, str(done.pk), "published")
    done.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    notes.forget(done)
    notes.forget_noted()
    assert receipts.read(lake, str(done.pk)), "whoever publishes there next asks for it"
    assert half_published.end_elsewhere() == 1 and there(folders) == str(done.pk)
    assert half_published.end_elsewhere() == 0 and notes.forget_noted() == 1
    assert receipts.read(lake, str(done.pk)) is None


def test_a_place_that_cannot_be_reached_keeps_no_other_half_published(
    dev: Any, ada: Any, job: Any, folders: Path, programs: list[dict[str, Any]]
) -> None:
    other = folders / "closed"
    connections.add_root(actor=ada, environment=dev, name="other", connection="", address=str(other), may_write=True)
    version = make_version(job, document=document("archive:in.csv", "archive:out", "other:out"))
    published_in(folders, dev, "good")
    failed = make_run(version, dev, "failed", fence=1)

    def crash(facts: Any) -> None:
        raise Crash

    with pytest.raises(Crash):
        published_in(folders, dev, str(failed.pk), crash)
    failed.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    other.rename(folders / "away")
    assert half_published.end_elsewhere() == 1 and programs[-1]["problem"]["code"] == "root-without-folder", programs
    assert there(folders) == "good" and failed.attempts.get().may_have_left
    (folders / "archive").rename(folders / "archived")
    assert half_published.end_elsewhere() == 1 and failed.attempts.get().may_have_left, "nor where none can be reached"
    (folders / "archived").rename(folders / "archive")
    (folders / "away").rename(other)
    assert half_published.end_elsewhere() == 1 and programs[-1]["event"] == "repaired" and not failed.attempts.get().may_have_left


@pytest.mark.lake
def test_an_earlier_output_there_is_put_back_and_noted(dev: Any, ana: Any, job: Any, folders: Path, programs: list[dict[str, Any]]) -> None:
    for run_id in ("run-1", "run-2"):
        published_in(folders, dev, run_id)
    places.claim(job, dev, ["archive:out"])
    place = Place.objects.get()
    kept = os.listdir(folders / "archive/.sluice-previous/out")
    current = published.put_back(ana, place, kept[0])
    assert (current["run_id"], there(folders)) == ("run-1", "run-1")
    place.refresh_from_db()
    assert [one["run_id"] for one in place.kept] == ["run-2"]


@pytest.mark.lake
def test_places_there_are_looked_at_listed_and_surveyed(
    dev: Any, ana: Any, version: Any, folders: Path, programs: list[dict[str, Any]]
) -> None:
    from portal.data.folders import folder
    from portal.data.listing import find_table, list_tables

    published_in(folders, dev, "run-1")
    (folders / "archive/away").symlink_to(folders / "closed")
    assert [one["uri"] for one in folder(ana, dev, "archive:")["entries"]] == ["archive:out", "archive:in.csv"]
    assert [one["uri"] for one in folder(ana, dev, "landing:")["entries"]] == ["landing:in.csv"]
    assert [(table.uri, table.is_folder) for table in list_tables(dev, "archive").tables] == [
        ("archive:in.csv", False),
        ("archive:out", True),
    ]
    assert find_table(dev, "landing:in.csv") and not find_table(dev, "archive:away/in.csv")
    values = {"document": version.document, "environment": "dev", "parameters": {}}
    event = async_to_sync(preview_client.answer_over_files)("survey", user=ana.pk, environment=dev.pk, values=values)
    assert [name for name, _ in event["inputs"][0]["columns"]["columns"]] == ["origin", "delay"], event
    assert event["outputs"][0]["holds"] is True
    asked = {"uri": "landing:in.csv", "settings": {}}
    looked = async_to_sync(preview_client.answer_over_files)("look", user=ana.pk, environment=dev.pk, values=asked)
    assert [column["name"] for column in looked["proposal"]["columns"]] == ["origin", "delay"], looked
    assert str(folders) not in str(programs)


@pytest.mark.lake
def test_a_file_of_a_person_comes_there_is_replaced_thrown_away_and_put_back(
    dev: Any, ana: Any, folders: Path, programs: list[dict[str, Any]]
) -> None:
    from portal.data import actions

    bodies = [b"origin\nJFK\n", b"origin\nEWR\n" * 1000]
    for number, (body, if_there) in enumerate(zip(bodies, ("ask", "new_version"), strict=True), 1):
        upload = actions.begin_upload(actor=ana, environment=dev, name="mine.csv", size=len(body), folder="archive:2013", if_there=if_there)
        actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[body], length=len(body))
        version = actions.finish_upload(actor=ana, upload=upload)
        assert (version.uri, version.number) == ("archive:2013/mine.csv", number)
        assert (folders / "archive/2013/mine.csv").read_bytes() == body
    actions.put_back(actor=ana, version=version.__class__.objects.get(number=1))
    assert (folders / "archive/2013/mine.csv").read_bytes() == bodies[0]
    actions.delete_data(actor=ana, environment=dev, uri="archive:2013/mine.csv")
    assert os.listdir(folders / "archive/2013") == []
    with pytest.raises(PortalError):
        actions.begin_upload(actor=ana, environment=dev, name="mine.csv", size=1, folder="landing:")
    assert {event["event"] for event in programs} >= {"found", "brought", "kept"} and str(folders) not in str(programs)


def test_a_file_there_is_taken_home_as_it_is_by_who_may_see_data(
    dev: Any, ana: Any, vic: Any, folders: Path, programs: list[dict[str, Any]], browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = os.urandom(600_000)
    (folders / "landing/in.csv").write_bytes(body)
    (folders / "landing/link.csv").symlink_to("/etc/passwd")
    page = "/p/flights/data/dev/file"
    answer = browser_of(ana).get(page, {"uri": "landing:in.csv"})
    assert (answer.status_code, answer["Content-Length"], answer["Content-Disposition"]) == (
        200, "600000", "attachment; filename*=UTF-8''in.csv",
    )  # fmt: skip
    assert content(answer) == body
    seen = AuditEvent.objects.get(action="download_data").details
    assert (seen["uri"], seen["form"]) == ("landing:in.csv", "file")
    assert browser_of(vic).get(page, {"uri": "landing:in.csv"}).status_code == 404
    for uri in ("landing:link.csv", "landing:none.csv", "closed:in.csv", "landing:../closed/in.csv"):
        assert browser_of(ana).get(page, {"uri": uri}).status_code in (404, 422), uri
    monkeypatch.setattr(downloads, "MOST_BYTES", 100_000)
    large = browser_of(ana).get(page, {"uri": "landing:in.csv"})
    assert large.status_code >= 400 and "too large" in large.content.decode()


@pytest.mark.lake
def test_sql_that_lies_there_is_kept_with_a_version(dev: Any, ana: Any, folders: Path, programs: list[dict[str, Any]]) -> None:
    from portal.jobs.documents import with_files

    (folders / "landing/sql").mkdir()
    (folders / "landing/sql/count.sql").write_text("SELECT origin FROM flights")
    content = document()
    content["stages"][1] = {key: value for key, value in content["stages"][1].items() if key != "sql"} | {
        "inputURI": "landing:sql/count.sql"
    }
    kept = json.loads(with_files(json.dumps(content), dev.project))
    assert "SELECT origin FROM flights" in json.dumps(kept["files"])


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_whose_folder_is_gone_or_taken_back_says_so(dev: Any, version: Any, folders: Path, settings: Any) -> None:
    run = make_run(version, dev)
    settings.ROOT_FOLDERS = []
    worker.work(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed" and "The root “archive” of dev cannot be used" in run.problem["message"]
    assert "SLUICE_ROOT_FOLDERS" in run.problem["fix"] and str(folders) not in json.dumps(run.problem)


def test_what_a_run_is_started_with(dev: Any, job: Any, folders: Path) -> None:
    run = make_run(make_version(job, document=document("landing:in.csv", "curated/here", "archive:out")), dev)
    assert [(one.name, one.writable) for one in needs.equipment_of(run).folders] == [("archive", True), ("landing", False)]
    reads = make_run(make_version(job, document=document("archive:in.csv", "curated/here")), dev)
    assert [(one.name, one.writable) for one in needs.equipment_of(reads).folders] == [("archive", False)]
    alone = make_run(make_version(job, document=document("raw/in.csv", "curated/here")), dev)
    assert needs.equipment_of(alone).folders == ()


def test_what_waits_may_not_keep_a_folder_that_was_edited_away(dev: Any, ada: Any, job: Any, folders: Path) -> None:
    run = make_run(make_version(job, document=document("landing:in.csv", "archive:out")), dev)
    had = needs.equipment_of(run)
    archive, landing = (dev.roots.get(name=name) for name in ("archive", "landing"))
    assert may_still_have(dev.pk, had)
    connections.edit_root(actor=ada, root=archive, connection="", address=archive.address, may_write=False)
    assert not may_still_have(dev.pk, had), "it is open to be written"
    connections.edit_root(actor=ada, root=archive, connection="", address=archive.address, may_write=True)
    assert may_still_have(dev.pk, had)
    (folders / "landing").rename(folders / "moved")
    (folders / "landing").mkdir()
    assert not may_still_have(dev.pk, had), "another folder lies there"
    connections.remove_root(actor=ada, root=landing)
    assert not may_still_have(dev.pk, had) and may_still_have(dev.pk, Equipment())


def rows(folder: Path) -> dict[str, int]:
    files = list(folder.glob("part-*"))
    return {row["origin"]: row["flights"] for file in files for row in pq.read_table(file).to_pylist()}


@pytest.fixture
def ran(dev: Any, folders: Path) -> Callable[[Any], Any]:
    def run(version: Any) -> Any:
        waiting = make_run(version, dev)
        worker.work(str(waiting.pk))
        waiting.refresh_from_db()
        return waiting

    return run


@pytest.mark.spark
@pytest.mark.lake
def test_a_run_reads_one_and_writes_here_and_there(dev: Any, ana: Any, job: Any, folders: Path, ran: Any, programs: list[Any]) -> None:
    version = make_version(job, document=document("landing:in.csv", "curated/here", "archive:2013/out"), live_in=("dev",))
    first, lake = ran(version), launcher.lake_folder(dev)
    assert first.state == "succeeded", first.problem
    assert rows(lake / "curated/here") == rows(folders / "archive/2013/out") == {"JFK": 2, "EWR": 1}
    (folders / "landing/in.csv").write_text("origin,delay\nLGA,1\n")
    second = ran(version)
    assert second.state == "succeeded" and rows(folders / "archive/2013/out") == {"LGA": 1}, second.problem
    place = Place.objects.get(environment=dev, uri="archive:2013/out")
    assert place.last_run_id == second.pk and place.lies_at == f"folder {folders}/archive" and len(place.kept) == 1
    published.put_back(ana, place, place.kept[0]["id"])
    assert rows(folders / "archive/2013/out") == {"JFK": 2, "EWR": 1}
    assert not second.attempts.get().may_have_left and os.listdir(folders / "landing") == ["in.csv"]
    left = [
        path for path in (folders / "archive").rglob("*") if "staging" in path.name or path.suffix == ".json" and "publishing" in str(path)
    ]
    assert left == []


@pytest.mark.spark
@pytest.mark.lake
def test_a_job_that_writes_where_it_may_only_read_does_not_run(dev: Any, job: Any, folders: Path, ran: Any) -> None:
    version = make_version(job, document=document("archive:in.csv", "landing:out"), live_in=("dev",))
    run = ran(version)
    assert run.state == "failed" and "read only" in run.problem["message"], run.problem
    assert os.listdir(folders / "landing") == ["in.csv"]


@pytest.mark.spark
@pytest.mark.lake
def test_a_preview_reads_there_and_is_told_where_it_may_not(
    dev: Any, ana: Any, ada: Any, job: Any, folders: Path, settings: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREVIEW_SOCKET = home / "previews.sock"
    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)

    def asked(reads: str, to: int) -> dict[str, Any]:
        content = document(reads, "archive:out")
        message = {"request": "preview", "document": content, "to": to, "rows": 10, "environment": "dev", "values": {"parameters": {}}}
        return {"do": "ask", "user": ana.pk, "job": job.pk, "environment": dev.pk, "holder": "Ana", "message": message}

    def change() -> None:
        with databases["default"].cursor():
            (folders / "archive").rename(folders / "moved")
        databases.close_all()

    async def previews() -> tuple[list[Any], int]:
        pool = Pool(launch_for)
        server = await Service(pool).listen(settings.PREVIEW_SOCKET)
        try:
            last = []
            for message in (asked("archive:in.csv", 1), asked("landing:in.csv", 1), asked("archive:in.csv", 1)):
                last.append([event async for event in preview_client.request(message)][-1])
                if len(last) == 2:
                    await asyncio.to_thread(change)
            return last, len(pool.leases)
        finally:
            await pool.end_all()
            server.close()

    with ThreadPoolExecutor(1) as beside:
        (first, second, gone), _ = beside.submit(asyncio.run, previews()).result()
    assert sorted(first["rows"]) == sorted(second["rows"]) == [["EWR", 1], ["JFK", 2]], (first, second)
    assert gone["problem"]["code"] == "root-folder-unusable" and "archive" in gone["problem"]["message"], gone


@pytest.mark.spark
@pytest.mark.lake
def test_the_root_that_needs_no_name_may_be_such_a_folder(
    dev: Any, ana: Any, ada: Any, job: Any, folders: Path, ran: Any, programs: list[Any]
) -> None:
    from portal.data import actions
    from portal.data.listing import list_tables

    lake = launcher.lake_folder(dev)
    (lake / "hidden.csv").write_text("a\n1\n")
    connections.remove_root(actor=ada, root=dev.roots.get(name="archive"))
    connections.edit_root(actor=ada, root=dev.roots.get(name="lake"), connection="", address=str(folders / "archive"), may_write=True)
    body = b"origin,delay\nJFK,1\n"
    upload = actions.begin_upload(actor=ana, environment=dev, name="mine.csv", size=len(body))
    actions.receive_piece(actor=ana, upload=upload, offset=0, parts=[body], length=len(body))
    assert actions.finish_upload(actor=ana, upload=upload).uri == "raw/mine.csv" and (folders / "archive/raw/mine.csv").read_bytes() == body
    version = make_version(job, document=document("raw/mine.csv", "curated/out"), live_in=("dev",))
    for _ in range(2):
        run = ran(version)
        assert run.state == "succeeded", run.problem
    assert rows(folders / "archive/curated/out") == {"JFK": 1} and not (lake / "curated").exists()
    assert [table.uri for table in list_tables(dev).tables] == ["curated/out", "in.csv", "raw/mine.csv"], (
        "nothing of the folder shines through"
    )
    place = Place.objects.get(environment=dev, uri="curated/out")
    published.put_back(ana, place, place.kept[0]["id"])
    place.refresh_from_db()
    assert str(place.last_run_id) != str(run.pk) and os.listdir(
        lake / receipts.FOLDER if (lake / receipts.FOLDER).exists() else folders / "landing"
    )


@pytest.mark.spark
@pytest.mark.lake
def test_a_delta_table_there_is_written_read_and_worked_on(
    dev: Any, ana: Any, job: Any, folders: Path, ran: Any, programs: list[Any]
) -> None:
    extract, count, load = document()["stages"]
    table, where = "archive:2013/by_origin", {"environments": ["dev"]}
    save = {"type": "DeltaLakeLoad", "name": "save", "inputView": "by_origin", "outputURI": table, "saveMode": "Append", **where}
    check = {"type": "DeltaLakeExtract", "name": "check", "inputURI": table, "outputView": "saved", **where}
    passes = {"type": "SQLValidate", "name": "is_there", "sql": "SELECT count(*) > 0 AS outcome, '' AS message FROM saved", **where}
    writes = make_version(job, document={"stages": [extract, count, save, check, passes]}, live_in=("dev",))
    for _ in range(3):
        assert (run := ran(writes)).state == "succeeded", run.problem
    reader = make_job(dev.project, ana, "reader")
    reads = {**check, "versionAsOf": 0}
    copy = {**load, "inputView": "saved", "outputURI": "curated/copy", "saveMode": "Overwrite"}
    assert (run := ran(make_version(reader, document={"stages": [reads, copy]}, live_in=("dev",)))).state == "succeeded", run.problem
    assert rows(launcher.lake_folder(dev) / "curated/copy") == {"JFK": 2, "EWR": 1}, "as it was at first"
    operator = make_person("ope", dev.project, "author", "operator", "environment_admin")

    def history() -> dict[str, Any]:
        return table_actions.ask(operator, dev, table, "history")

    assert (history()["version"], history()["rows"]) == (2, 6)
    table_actions.put_back_version(actor=operator, environment=dev, uri=table, version=0)
    assert (history()["version"], history()["rows"]) == (3, 2)
    until = datetime.now(UTC).isoformat()
    with pytest.raises(PortalError):
        table_actions.change(operator, dev, table, "vacuum", until=until, keep_from=0)
    values = {"uri": table, "do": "optimize", "columns": [], "by": "Ope"}
    done = async_to_sync(preview_client.answer_over_files)("optimize-table", user=operator.pk, environment=dev.pk, values=values)
    assert done["event"] == "table", done
    assert history()["rows"] == 2 and not (folders / "archive/.sluice-reading").exists()
