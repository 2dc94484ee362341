"""A workbook or zip gets a newer version: nobody reads what was made of the older one in silence, and unpacking it again replaces that."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from openpyxl import Workbook

from executor.files.inputs import require_data
from executor.files.made_of import is_newest
from executor.problems import Problem, ProblemError
from portal.data import actions as data
from portal.data.lake import Lake, Taken
from portal.data.models import FileVersion, VersionState
from portal.data.origins import unfinished_of
from portal.looks import unpacking
from portal.looks.asking import NotLookedAt
from portal.looks.unpacking import of_one_kind, unpack_file
from tests.factories import make_job, make_version

pytestmark = pytest.mark.django_db(transaction=True)
Bring = Callable[[str, bytes], FileVersion]


@pytest.fixture
def bring(ana: Any, dev: Any, lake: Path) -> Bring:
    """`bring("a.zip", …)` is Ana's upload into raw/, a new version of what is there."""

    def bring(name: str, content: bytes) -> FileVersion:
        upload = data.begin_upload(actor=ana, environment=dev, name=name, size=len(content), if_there="new_version")
        data.receive_piece(actor=ana, upload=upload, offset=0, parts=[content], length=len(content))
        return data.finish_upload(actor=ana, upload=upload)

    return bring


@pytest.fixture
def unpack(ana: Any, dev: Any) -> Callable[[str], list[str]]:
    """Unpacks, and gives where the parts are."""
    return lambda uri: [version.uri for version in async_to_sync(unpack_file)(actor=ana, environment=dev, uri=uri).files]


def book(**sheets: int) -> bytes:
    """A workbook: a sheet → the only value in it."""
    made, content = Workbook(), io.BytesIO()
    made.remove(made.active)
    for name, value in sheets.items():
        sheet = made.create_sheet(name)
        sheet.append(["v"])
        sheet.append([value])
    made.save(content)
    return content.getvalue()


def packed(**files: str) -> bytes:
    return zipped({f"{name}.csv": text for name, text in files.items()})


def zipped(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def outdated(lake: Path, uri: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        require_data(str(lake / uri), uri)
    (problem,) = caught.value.problems
    return problem


def test_sheets_of_an_older_workbook_are_not_read_and_are_made_anew_where_they_are(ana, dev, lake, bring, unpack, browser_of):
    bring("sales.xlsx", book(May=1, June=2))
    may, june = unpack("raw/sales.xlsx")
    require_data(str(lake / may), may)
    address = "/p/flights/data/dev/look/proposal"
    assert "data-at-once" not in browser_of(ana).post(address, {"uri": "raw/sales.xlsx"}).content.decode()

    bring("sales.xlsx", book(May=7, July=3))
    problem = outdated(lake, may)
    assert (problem.code, problem.file) == ("input-outdated", may)
    assert "an earlier “sales.xlsx”" in problem.message
    assert outdated(lake, "raw/*.csv").code == "input-outdated", "neither by itself nor with others"
    assert "data-at-once" in browser_of(ana).post(address, {"uri": "raw/sales.xlsx"}).content.decode()

    again = unpack("raw/sales.xlsx")
    assert again[0] == may and june not in again
    require_data(str(lake / may), may)
    assert (lake / may).read_text().split() == ["v", "7"]
    assert not (lake / june).exists()
    assert FileVersion.objects.get(uri=june).state == VersionState.BINNED, "it is no longer inside, and can be put back"
    assert FileVersion.objects.filter(uri=may, state=VersionState.KEPT).exists(), "so can the sheet that was replaced"


def test_the_question_names_the_jobs_that_read_what_is_inside(ana, dev, lake, bring, unpack):
    bring("sales.xlsx", book(May=1))
    (may,) = unpack("raw/sales.xlsx")
    document = {"stages": [{"type": "DelimitedExtract", "inputURI": may}]}
    make_version(make_job(dev.project, ana, "by_month"), ana, document, live_in=("dev",))
    with pytest.raises(Taken) as asked:
        data.begin_upload(actor=ana, environment=dev, name="sales.xlsx", size=10)
    assert [use["job"] for use in asked.value.extra["used_by"]] == ["by_month"]


def test_the_folder_of_a_zip_is_used_again_and_an_older_version_put_back_counts_too(ana, dev, lake, bring, unpack):
    first = bring("months.zip", packed(a="v\n1\n", b="v\n2\n"))
    assert unpack("raw/months.zip") == ["raw/months/a.csv", "raw/months/b.csv"]
    bring("months.zip", packed(a="v\n5\n", c="v\n6\n"))
    assert outdated(lake, "raw/months").code == "input-outdated"
    assert unpack("raw/months.zip") == ["raw/months/a.csv", "raw/months/c.csv"]
    assert [file.name for file in require_data(str(lake / "raw/months"), "raw/months").files] == ["raw/months/a.csv", "raw/months/c.csv"]
    first.refresh_from_db()
    data.put_back(actor=ana, version=first)
    assert outdated(lake, "raw/months").code == "input-outdated"


def test_two_who_unpack_one_zip_at_once_have_its_rows_once(ana, dev, lake, bring, unpack, monkeypatch):
    both = threading.Barrier(2, timeout=60)

    async def asked(*given: Any) -> Any:
        answer = await ask(*given)
        await asyncio.to_thread(both.wait)
        return answer

    def at_once() -> list[str]:
        try:
            return unpack("raw/months.zip")
        finally:
            connection.close()

    ask = unpacking.ask
    bring("months.zip", packed(a="v\n1\n", b="v\n2\n"))
    monkeypatch.setattr(unpacking, "ask", asked)
    with ThreadPoolExecutor(2) as people:
        told = [future.result() for future in [people.submit(at_once) for _ in range(2)]]
    assert told == [["raw/months/a.csv", "raw/months/b.csv"]] * 2
    assert sorted(str(file.relative_to(lake)) for file in lake.rglob("*.csv") if ".sluice" not in str(file)) == told[0]


def test_what_came_while_an_older_version_was_unpacked_is_not_taken_for_what_it_was_made_of(ana, dev, lake, bring, unpack, monkeypatch):
    async def asked(*given: Any) -> Any:
        answer = await ask(*given)
        await sync_to_async(bring)("months.zip", packed(a="v\n5\n", b="v\n6\n"))
        return answer

    ask = unpacking.ask
    bring("months.zip", packed(a="v\n1\n", b="v\n2\n"))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(unpacking, "ask", asked)
        unpack("raw/months.zip")
    assert outdated(lake, "raw/months").code == "input-outdated"
    unpack("raw/months.zip")
    assert (lake / "raw/months/a.csv").read_text() == "v\n5\n" and is_newest(str(lake / "raw/months"))


@pytest.mark.parametrize("again", [False, True], ids=["the first time", "a newer one"])
def test_an_unpacking_that_is_broken_off_is_read_by_nobody_and_goes_on_where_it_was(ana, dev, lake, bring, unpack, monkeypatch, again):
    class Killed(BaseException):
        """The web process ends, with no time to tidy anything."""

    def killed(actor: Any, environment: Any, target: str, part: Any, earlier: str | None) -> Any:
        brought = bring_in(actor, environment, target, part, earlier)
        if part.name == "b.csv":
            raise Killed
        return brought

    bring_in = unpacking._bring
    if again:
        bring("months.zip", packed(a="v\n1\n", b="v\n2\n"))
        unpack("raw/months.zip")
    bring("months.zip", packed(a="v\n5\n", b="v\n6\n", c="v\n7\n"))
    with monkeypatch.context() as meanwhile, pytest.raises(Killed):
        meanwhile.setattr(unpacking, "_bring", killed)
        unpack("raw/months.zip")
    assert (lake / "raw/months/b.csv").read_text() == "v\n6\n" and not (lake / "raw/months/c.csv").exists()
    for read in ("raw/months", "raw/months/a.csv", "raw/*/*.csv"):
        assert outdated(lake, read).code == "input-unfinished", read
    assert not is_newest(str(lake / "raw/months"))
    assert unfinished_of(Lake(dev), "raw/months/a.csv") == "raw/months.zip"

    assert unpack("raw/months.zip") == ["raw/months/a.csv", "raw/months/b.csv", "raw/months/c.csv"]
    assert len(require_data(str(lake / "raw/months"), "raw/months").files) == 3
    assert not list(lake.glob("raw/**/.sluice-unpacking.json")) and not (lake / "raw/months_2").exists()


def test_what_lay_there_before_can_be_read_while_parts_come_in_beside_it(ana, dev, lake, bring, unpack, monkeypatch):
    def broken(*given: Any) -> Any:
        raise NotLookedAt("The disk is full.")

    bring("own.csv", b"v\n1\n")
    bring("sales.xlsx", book(May=1, own=2))
    with monkeypatch.context() as meanwhile, pytest.raises(NotLookedAt):
        meanwhile.setattr(unpacking, "_bring", broken)
        unpack("raw/sales.xlsx")
    require_data(str(lake / "raw/own.csv"), "raw/own.csv")
    (lake / "raw/.sluice-unpacking.json").write_text("[]")
    assert unpack("raw/sales.xlsx")
    assert (lake / "raw/own.csv").read_text() == "v\n1\n"


def test_what_lies_beside_the_tables_of_a_zip_keeps_them_from_being_one_no_more(ana, dev, lake, bring, unpack):
    """A README, a workbook, a list of another kind: the monthly files are one table all the same, this month and the next."""
    files = {"01.csv": "v\n1\n", "READ ME.txt": "Ask Tom.\n", "02.csv": "v\n2\n", "codes.json": '{"a": 1}\n'}
    bring("months.zip", zipped(files))
    beside, own = ["raw/READ_ME.txt", "raw/codes.json"], ["raw/months/01.csv", "raw/months/02.csv"]
    assert sorted(unpack("raw/months.zip")) == sorted(beside + own)
    bring("months.zip", zipped(files | {"03.csv": "v\n3\n"}))
    assert sorted(unpack("raw/months.zip")) == sorted([*beside, *own, "raw/months/03.csv"])
    bring("months.zip", zipped({name: text for name, text in files.items() if name != "codes.json"}))
    assert sorted(unpack("raw/months.zip")) == sorted([beside[0], *own])
    assert not (lake / "raw/codes.json").exists() and not (lake / "raw/months/03.csv").exists()


def test_what_was_unpacked_beside_its_zip_is_made_anew_there(ana, dev, lake, bring, unpack):
    bring("months.zip", zipped({"a.csv": "v\n1\n"}))
    assert unpack("raw/months.zip") == ["raw/a.csv"]
    bring("months.zip", zipped({"a.csv": "v\n1\n", "b.csv": "v\n2\n"}))
    assert unpack("raw/months.zip") == ["raw/a.csv", "raw/b.csv"]
    assert is_newest(str(lake / "raw/a.csv"))


@pytest.mark.parametrize(
    ("parts", "table"),
    [
        (["a.csv", "b.csv"], ["a.csv", "b.csv"]),
        (["a.CSV", "b.csv", "x.pdf"], ["a.CSV", "b.csv"]),
        (["a.txt", "b.txt", "README.txt", "License.txt"], ["a.txt", "b.txt"]),
        (["data.txt", "readme.txt"], []),
        (["a.csv", "b.json"], []),
        (["readmissions.csv", "b.csv"], ["readmissions.csv", "b.csv"]),
        ([], []),
    ],
)
def test_which_files_of_a_zip_are_one_table(parts, table):
    assert of_one_kind(parts) == table


@pytest.mark.parametrize(
    ("moved", "to", "reads"),
    [
        ("raw/m/a.csv", "raw/m/first.csv", "raw/m/first.csv"),
        ("raw/m/a.csv", "other/a.csv", "other/a.csv"),
        ("raw/m", "raw/old", "raw/old"),
        ("raw/m", "other/months", "other/months"),
        ("raw/m.zip", "raw/months.zip", "raw/m"),
    ],
)
def test_whatever_is_renamed_meanwhile(ana, dev, lake, bring, unpack, moved, to, reads):
    bring("m.zip", packed(a="v\n1\n", b="v\n2\n"))
    unpack("raw/m.zip")
    data.rename_data(actor=ana, environment=dev, uri=moved, to=to)
    require_data(str(lake / reads), reads)
    bring("months.zip" if to.endswith("zip") else "m.zip", packed(a="v\n5\n", b="v\n6\n"))
    assert outdated(lake, reads).code == "input-outdated"


def test_what_people_changed_by_hand_is_theirs(ana, dev, lake, bring, unpack):
    bring("sales.xlsx", book(May=1))
    (may,) = unpack("raw/sales.xlsx")
    bring(may.rpartition("/")[2], b"v\n9\n")
    bring("sales.xlsx", book(May=7))
    require_data(str(lake / may), may)
    (other,) = unpack("raw/sales.xlsx")
    assert other != may and (lake / may).read_text() == "v\n9\n"


OUTSIDE = '{"a.csv": {"of": "../../../etc/passwd", "part": "", "was": [0, 0], "made": [2, 0]}}'


@pytest.mark.parametrize("note", ["", "[]", "{", '{"a.csv": 1}', OUTSIDE])
def test_a_note_that_is_none_hides_nothing_and_stops_nothing(lake: Path, note: str) -> None:
    (lake / "raw/a.csv").write_text("v\n")
    (lake / "raw/.sluice-made-of.json").write_text(note)
    assert len(require_data(str(lake / "raw/a.csv"), "raw/a.csv").files) == 1
