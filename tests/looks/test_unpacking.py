"""Unpacking: the parts of a zip and the sheets of a workbook come in like uploads, and what became of them is told."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from openpyxl import Workbook

from portal.audit.models import AuditEvent
from portal.data.lake import Lake
from portal.data.listing import find_table
from portal.data.noted import OwnFolders
from portal.looks import unpacking
from portal.looks.asking import NotLookedAt
from tests.looks.test_looks import API, CSV, LOOK, read

pytestmark = pytest.mark.django_db


def unpacked_by(browser: Any, uri: str, **more: str) -> dict[str, Any]:
    """What the page hears at the end."""
    answer = browser.post(f"{LOOK}/unpack", {"uri": uri, **more}, content_type="application/json")
    assert answer.status_code == 200
    return dict(json.loads(async_to_sync(read)(answer).splitlines()[-1]))


def test_the_parts_of_a_zip_come_in_like_uploads(ana, vic, dev, browser_of, lake):
    with zipfile.ZipFile(lake / "raw" / "z.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
        archive.writestr("own.csv", CSV)
    (lake / "raw" / "own.csv").write_text("there before\n")
    shown = browser_of(ana).post(f"{LOOK}/proposal", {"uri": "raw/z.zip"}).content.decode()
    assert "What is inside" in shown
    assert "data-create" not in shown
    answer = unpacked_by(browser_of(ana), "raw/z.zip")
    assert [file["uri"] for file in answer["files"]] == ["raw/z/a.csv", "raw/z/own.csv"]
    assert (answer["folder"]["uri"], answer["folder"]["files"]) == ("raw/z", 2)
    assert find_table(dev, "raw/z").person == "Ana"
    assert (lake / "raw" / "z" / "own.csv").read_text() == CSV
    later = browser_of(ana).post(f"{LOOK}/proposal", {"uri": "raw/z.zip"}).content.decode()
    assert "raw/z/own.csv</a>" in later and "Look at 2 as one table" in later and "Unpack it again" in later
    again = unpacked_by(browser_of(ana), "raw/z.zip", job="daily")
    assert {file["url"].partition("&")[2] for file in [*again["files"], again["folder"]]} == {"job=daily"}, "the job it is for stays"
    assert [file["uri"] for file in again["files"]] == ["raw/z/a.csv", "raw/z/own.csv"], "its own files are made anew"
    assert (lake / "raw" / "own.csv").read_text() == "there before\n"
    assert list((lake / ".sluice-unpacked").iterdir()) == []
    assert AuditEvent.objects.filter(action="upload_data", actor=ana).count() == 4
    assert browser_of(vic).post(f"{LOOK}/unpack", {"uri": "raw/z.zip"}, content_type="application/json").status_code == 404


def test_whoever_may_not_bring_data_unpacks_nothing(olu, dev, browser_of, lake):
    with zipfile.ZipFile(lake / "raw" / "z.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    refused = browser_of(olu).post(f"{LOOK}/unpack", {"uri": "raw/z.zip"}, content_type="application/json")
    assert refused.status_code in (403, 404)
    assert not (lake / "raw" / "a.csv").exists()


def test_what_cannot_be_unpacked_says_so_at_the_end(ana, dev, browser_of, lake):
    (lake / "raw" / "z.zip").write_bytes(b"PK\x03\x04 and no more")
    assert "cannot be unpacked" in unpacked_by(browser_of(ana), "raw/z.zip")["problem"]
    (lake / "z.zip").write_bytes(b"PK")
    assert "lies in no folder" in unpacked_by(browser_of(ana), "z.zip")["problem"]


def test_what_became_of_a_sheet_is_told_at_once_on_its_page_and_by_api(ana, dev, browser_of, program_of, lake):
    book = Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, "=A2*2"])
    book.save(lake / "raw" / "sums.xlsx")
    (file,) = unpacked_by(browser_of(ana), "raw/sums.xlsx")["files"]
    assert "1 formula has no stored value" in file["notes"][0]
    assert "1 formula has no stored value" in browser_of(ana).get(f"{LOOK}?uri={file['uri']}").content.decode()
    told = program_of(ana, "read", "write").post(f"{API}/unpack", {"uri": "raw/sums.xlsx"}, format="json").json()
    assert [notes[0][:9] for notes in told["notes"].values()] == ["1 formula"]


def test_merged_cells_and_hidden_rows_of_a_sheet_are_told_on_its_page_and_by_api(ana, dev, browser_of, program_of, lake):
    book = Workbook()
    for row in (["region", "shop", "n"], ["N", "A", 1], [None, "B", 2], ["S", "C", 3]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.active.row_dimensions[4].hidden = True
    book.save(lake / "raw" / "shops.xlsx")
    (file,) = unpacked_by(browser_of(ana), "raw/shops.xlsx")["files"]
    page = browser_of(ana).get(f"{LOOK}?uri={file['uri']}").content.decode()
    told = program_of(ana, "read", "write").post(f"{API}/unpack", {"uri": "raw/shops.xlsx"}, format="json").json()
    for text in (page, *(" ".join(notes) for notes in told["notes"].values())):
        assert "cells A2:A3 are one in the sheet" in text and "row 4 of the sheet is hidden" in text


def test_unpacking_by_api_tells_the_folder_that_can_be_read_as_one_table(ana, dev, program_of, lake):
    program = program_of(ana, "read", "write")
    for name, files, folder in (("two.zip", ["a.csv", "b.csv"], "raw/two"), ("one.zip", ["a.csv"], None)):
        with zipfile.ZipFile(lake / "raw" / name, "w") as archive:
            for file in files:
                archive.writestr(file, "a,b\n1,2\n")
        answer = program.post(f"{API}/unpack", {"uri": f"raw/{name}"}, format="json")
        assert answer.json() == {"files": [f"{folder or 'raw'}/{file}" for file in files], "notes": {}, "folder": folder, "gone": []}
    assert program.post(API, {"uri": "raw/two"}, format="json").json()["rows"] == 1
    assert find_table(dev, "raw/two").rows is None, "the rows of one file are not those of the folder"


def test_sheets_with_any_name_come_in(ana, dev, browser_of, lake):
    book = Workbook()
    for name in ("Übersicht Q1", "_calc", "__", "a - (2)"):
        book.create_sheet(name).append(["k", name])
    book["_calc"].sheet_state = "hidden"
    book.remove(book.active)
    book.save(lake / "raw" / "Sales_Q1.xlsx")
    brought = [lake / file["uri"] for file in unpacked_by(browser_of(ana), "raw/Sales_Q1.xlsx")["files"]]
    assert sorted(file.read_text().strip() for file in brought) == sorted(["k,Übersicht Q1", "k,_calc", "k,__", "k,a - (2)"])


@pytest.mark.parametrize("uri", ["../raw/own.csv", "x/.hidden", "x/none.csv", "", "x/..", 7])
def test_a_program_that_unpacks_is_not_trusted_with_a_place(ana, dev, lake, uri):
    with pytest.raises(NotLookedAt):
        unpacking._bring_in(ana, dev, "raw/z.zip", OwnFolders(Lake(dev)), ".sluice-unpacked/1", {"files": [{"uri": uri}]})


def test_what_is_no_table_in_a_zip_is_left_out_and_told(ana, dev, browser_of, lake):
    book = Workbook()
    book.active.append(["k", "v"])
    book.save(lake / "raw" / "book.xls")
    parts = {"a.csv": b"a,b\n1,2\n", "photo.png": b"\x89PNG\r\n", "empty.csv": b"", "old.xls": (lake / "raw" / "book.xls").read_bytes()}
    with zipfile.ZipFile(lake / "raw" / "z.zip", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    files = unpacked_by(browser_of(ana), "raw/z.zip")["files"]
    assert [file["uri"].rpartition("/")[2] for file in files] == ["a.csv", "old.csv"]
    assert "1 of 3 files were left out" in files[0]["notes"][0] and "a picture" in files[0]["notes"][0]
    with zipfile.ZipFile(lake / "raw" / "none.zip", "w") as archive:
        archive.writestr("photo.png", parts["photo.png"])
    assert "a picture" in unpacked_by(browser_of(ana), "raw/none.zip")["problem"]
