"""Programs that look at files, as the preview service starts them: a process of their own, behind the wall where there is one."""

from __future__ import annotations

import errno
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections

from executor import cli
from executor.files import kept
from executor.files.publish import Publisher
from executor.look import commands
from portal.environments.connections import add_root
from portal.runs import file_programs, launcher, preview_reach
from portal.runs.file_programs import OF_ONE_PERSON, FilePrograms
from tests.factories import DOCUMENT, as_text
from tests.runs.stack import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _threads_leave_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here every request has an event loop, and so threads, of its own."""
    monkeypatch.setattr(preview_reach, "close_old_connections", connections.close_all)


SLEEPS = "import time; from executor.lifeline import end_with_stdin; end_with_stdin(); time.sleep(600)"


def answers(programs: FilePrograms, **request: Any) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [event async for event in programs.answer(request)]

    return async_to_sync(collect)()


def test_a_look_and_an_unpacking_each_end_with_one_answer(dev: Any, ana: Any, lake: Path) -> None:
    (lake / "raw" / "own.csv").write_text("a;b\n1;2\n")
    programs = FilePrograms()
    found = answers(programs, what="look", user=ana.pk, environment=dev.pk, values={"uri": "raw/own.csv"})
    assert [event.get("last", False) for event in found].count(True) == 1
    assert found[-1]["proposal"]["settings"]["separator"] == ";"
    missing = answers(programs, what="unpack", user=ana.pk, environment=dev.pk, values={"uri": "raw/none.zip", "to": "raw/x"})
    assert (missing[-1]["event"], missing[-1]["last"]) == ("problem", True)


def test_many_files_come_and_whole_folders_go_behind_the_wall(
    ada: Any, ana: Any, dev: Any, lake: Path, tmp_path: Path, settings: Any
) -> None:
    archive = tmp_path.resolve() / "data/archive"
    archive.mkdir(parents=True)
    for folder in (archive.parent, archive):
        folder.chmod(0o777)
    settings.ROOT_FOLDERS = [str(archive.parent)]
    add_root(actor=ada, environment=dev, name="archive", connection="", address=str(archive), may_write=True)
    staged = lake / ".sluice-unpacked/x"
    staged.mkdir(parents=True)
    for name in ("a", "b"):
        (staged / f"{name}.csv").write_text(f"{name}\n1\n")
    parts = [
        {"uri": f"archive:in/{name}.csv", "upload": name, "size": 4, "over": None, "source": f".sluice-unpacked/x/{name}.csv"}
        for name in ("a", "b")
    ]
    programs = FilePrograms()

    def done(what: str, **values: Any) -> dict[str, Any]:
        return answers(programs, what=what, user=ana.pk, environment=dev.pk, values=values)[-1]

    brought = done("bring", uri="archive:in/a.csv", parts=parts)
    assert [one["is_there"] for one in brought["parts"]] == [True, True], brought
    outside = [parts[0] | {"uri": "archive:in/c.csv", "source": "../../other"}, parts[0] | {"uri": "archive:../c.csv"}]
    assert all(done("bring", uri="archive:in/a.csv", parts=[one]).get("parts", []) == [] for one in outside)
    for step in ({"do": "set-aside", "kept": "k1"}, {"do": "bring-back", "kept": "k1"}, {"do": "rename", "to": "out"}):
        assert done("keep", uri="archive:in", **step)["event"] == "kept", step
    assert sorted(path.name for path in (archive / "out").iterdir()) == ["a.csv", "b.csv"] and not (archive / "in").exists()


@pytest.mark.parametrize("what", file_programs.SECONDS)
def test_each_is_a_command_that_the_executor_has(what: str) -> None:
    assert launcher.COMMANDS.get(what, what) in cli.main.commands


def test_only_these_programs_are_started_and_a_person_has_a_share(dev: Any, ana: Any, lake: Path) -> None:
    programs = FilePrograms()
    with pytest.raises(ValueError, match="no program"):
        answers(programs, what="run", user=ana.pk, environment=dev.pk, values={"uri": "x"})
    programs._people[ana.pk] = OF_ONE_PERSON + 1
    (busy,) = answers(programs, what="look", user=ana.pk, environment=dev.pk, values={"uri": "raw/own.csv"})
    assert busy["problem"]["code"] == "look-busy"


# --- files that are made to swell -------------------------------------------------------------------------------------------

SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml."
CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'


def workbook(path: Path, rows: str, strings: str = "", before: str = "") -> None:
    """A workbook as somebody writes it by hand: `rows` of its sheet, its shared `strings`, and what stands `before` them."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="/xl/{name}.xml" ContentType="{TYPES}{kind}+xml"/>'
            for name, kind in (("workbook", "sheet.main"), ("worksheets/sheet1", "worksheet"), ("sharedStrings", "sharedStrings"))
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEETS}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEETS}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<?xml version="1.0"?>{before}<sst xmlns="{SHEETS}">{strings}</sst>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def answer_of(what: str, dev: Any, ana: Any, name: str) -> dict[str, Any]:
    *_, last = answers(FilePrograms(), what=what, user=ana.pk, environment=dev.pk, values={"uri": f"raw/{name}", "to": "raw/parts"})
    assert last["event"] == "problem", last
    return dict(last["problem"])


ENTITIES = "<!DOCTYPE l [" + "".join(f'<!ENTITY a{n} "{"a" * 10 if not n else f"&a{n - 1};" * 10}">' for n in range(9)) + "]>"


@pytest.mark.parametrize(
    ("rows", "strings", "before", "code"),
    [
        (CELL + '<row r="2147483648"><c r="A2147483648"><v>2</v></c></row>', "", "", "sheet-too-large"),
        (CELL + '<row r="99999999999999999999"><c r="A99999999999999999999"><v>2</v></c></row>', "", "", "sheet-too-large"),
        (CELL + '<row r="2"><c r="ZZZZZZ2"><v>2</v></c></row>', "", "", "zip-broken"),
        (CELL + '<row r="2"><c r="ZZZ2"><v>2</v></c></row>', "", "", "sheet-too-large"),
        ('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', "<si><t>&a8;</t></si>", ENTITIES, "zip-broken"),
        (CELL, "<si><t>" + "x" * 30_000_000 + "</t></si>", "", "zip-ratio"),
        ('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', "<si><t>of another cell</t></si>", "", "zip-broken"),
        ('<row r="1"><c r="A1" t="s"><v>1</v></c></row>', "<si><t>of another cell</t></si>", "", "zip-broken"),
    ],
)
def test_a_workbook_that_is_made_to_swell_ends_with_a_plain_sentence(
    dev: Any, ana: Any, lake: Path, rows: str, strings: str, before: str, code: str
) -> None:
    workbook(lake / "raw" / "odd.xlsx", rows, strings, before)
    problem = answer_of("unpack", dev, ana, "odd.xlsx")
    assert problem["code"] == code and problem["fix"]
    assert not (lake / "raw" / "parts").exists() or list((lake / "raw" / "parts").iterdir()) == []


def test_what_fills_memory_is_ended_and_told(dev: Any, ana: Any, lake: Path, settings: Any) -> None:
    settings.FILES_MEMORY_MB = 150
    texts = "".join(f"<si><t>{number:07d}{'x' * 90}{number * 7919:09d}</t></si>" for number in range(600_000))
    workbook(lake / "raw" / "odd.xlsx", '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', texts)
    problem = answer_of("unpack", dev, ana, "odd.xlsx")
    assert problem["code"] in ("limit-memory", "look-too-much") and "Bring" in problem["fix"]
    assert problem["code"] == "look-too-much" or "150 MB" in problem["message"]


def test_what_fills_the_disk_is_ended_and_told(dev: Any, ana: Any, lake: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.runs import measures

    settings.KEEP_FREE_MB = 10**9
    monkeypatch.setattr(measures, "DISK_SECONDS", 0.1)
    monkeypatch.setattr(launcher, "command", lambda arguments: [sys.executable, "-c", SLEEPS])
    problem = answer_of("unpack", dev, ana, "much.zip")
    assert (problem["code"], "file" in problem["message"], "None" in problem["message"]) == ("disk-nearly-full", False, False)
    assert "free some space" in problem["fix"]


def test_a_disk_that_is_full_is_told_as_that_and_not_as_a_broken_file(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"uri": "two.zip", "lake": str(lake)}) + "\n"))
    assert commands.answer(full) == commands.NOT_RIGHT
    assert json.loads(capsys.readouterr().out)["problem"]["code"] == "disk-full"


def test_what_is_ended_while_its_wall_is_built_does_not_go_on(dev: Any, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "command", lambda arguments: [sys.executable, "-c", SLEEPS, mark])
    mark = f"of-{lake}"
    for moment in range(60):
        executor = launcher.Executor(launcher.for_run(dev, "early"))
        time.sleep(moment / 1000)
        executor.kill()
        executor.finish()
    until(lambda: not [path for path in Path("/proc").glob("[0-9]*") if mark in command_line(path)], "all of them to be gone", 30)


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_what_takes_too_long_is_ended_and_told(dev: Any, ana: Any, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(file_programs.SECONDS, "look", 0.05)
    (lake / "raw" / "own.csv").write_text("a;b\n1;2\n")
    assert answer_of("look", dev, ana, "own.csv")["code"] == "look-too-long"


def test_what_lies_where_a_job_would_run_is_told_from_behind_the_wall(dev: Any, ana: Any, lake: Path) -> None:
    (lake / "raw" / "flights.csv").write_text("origin,n\nJFK,1\n")
    values = {"document": as_text(DOCUMENT), "environment": "dev", "parameters": {}}
    *_, last = answers(FilePrograms(), what="survey", user=ana.pk, environment=dev.pk, values=values)
    assert last["event"] == "surveyed" and last["last"]
    assert last["inputs"][0]["columns"]["columns"] == [["origin", "text"], ["n", "text"]]
    assert last["outputs"] == [
        {"stage": "write", "stage_index": 2, "uri": "curated/by_origin", "save_mode": "Overwrite", "holds": False}
    ], "and it could be written, as by a run"
    assert sorted(entry.name for entry in lake.iterdir()) == ["raw"], "looking leaves nothing"


def test_what_a_dead_run_left_half_published_is_taken_back_from_behind_the_wall(
    dev: Any, ana: Any, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        """The machine dies between the exchange and the receipt."""

    def die(facts: object) -> None:
        raise Crash

    place = lake / "curated" / "by_origin"
    for run_id in ("good", "dead"):
        publisher = Publisher(run_id, lake)
        folder = publisher.stage_output("curated/by_origin", place, "Overwrite", 2, "write")
        folder.mkdir()
        (folder / "part-0").write_text(run_id)
        if run_id == "dead":
            with pytest.raises(Crash):
                publisher.publish(die)
            for lock in publisher._locks.values():
                lock.close()  # as the system does; nothing else is cleaned up
            break
        publisher.publish()
        publisher.discard()
    assert (place / "part-0").read_text() == "dead", "it is visible, and no receipt says that it is to be"
    *_, last = answers(FilePrograms(), what="repair", user=0, environment=dev.pk, values={"run_id": "dead"})
    assert (last["event"], last["open"]) == ("repaired", False)
    assert (place / "part-0").read_text() == "good"


def test_an_earlier_output_is_put_back_from_behind_the_wall(dev: Any, ana: Any, lake: Path) -> None:
    place = lake / "curated" / "by_origin"
    for number in (1, 2):
        publisher = Publisher(f"run-{number}", lake)
        folder = publisher.stage_output("curated/by_origin", place, "Overwrite", 2, "write")
        folder.mkdir()
        (folder / "part-0").write_text(f"run {number}")
        publisher.publish()
        publisher.discard()
    (earlier,) = kept.listing(place)
    values = {"uri": "curated/by_origin", "kept": earlier["id"]}
    *_, last = answers(FilePrograms(), what="put-back", user=ana.pk, environment=dev.pk, values=values)
    assert (last["event"], last["last"], last["current"]["run_id"]) == ("put_back", True, "run-1")
    assert (place / "part-0").read_text() == "run 1"
    *_, gone = answers(FilePrograms(), what="put-back", user=ana.pk, environment=dev.pk, values=values | {"kept": "20200101T000000000000"})
    assert (gone["event"], gone["problem"]["code"]) == ("problem", "kept-output-gone")
