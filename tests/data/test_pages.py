"""Pages of data: what is listed, who sees what, and what the buttons do."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from executor.files import noting
from executor.files.made_of import Origin, state
from portal.accounts.models import User
from portal.data import actions, listing, table_rows, upload_api
from portal.data.lake import Lake
from portal.data.listing import Filters, find_table, list_tables
from portal.data.models import FileVersion, TableFacts
from portal.data.reading import stage_for
from portal.data.templatetags.column_types import type_in_words
from portal.environments.models import Environment
from portal.errors import NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.models import Place
from tests.factories import make_job, make_run, make_version

pytestmark = pytest.mark.django_db
Bring = Callable[..., FileVersion]
Browsers = Callable[[User], Client]
PAGE = "/p/flights/data/dev/"


def put(lake: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_tables_are_files_and_folders_that_are_read_as_one(lake: Path, dev: Environment) -> None:
    put(
        lake,
        **{
            "raw/a.csv": b"x\n", "raw/b.json": b"{}", "raw/c.csv.gz": b"\x1f\x8b", "raw/zones/z_1.csv": b"x\n",
            "raw/zones/z_2.csv": b"x\n",
            "raw/mixed/a.csv": b"x\n", "raw/mixed/other.csv": b"x\n", "curated/daily/part-0.parquet": b"P", "curated/daily/_SUCCESS": b"",
            "curated/by_year/year=2013/part-0.parquet": b"P", "curated/by_year/year=2014/part-0.parquet": b"PP", "top.csv": b"x\n",
            ".sluice-staging/x/part-0": b"", "raw/.hidden/a.csv": b"x\n", "raw/_tmp/a.csv": b"x\n",
        },
    )  # fmt: skip
    found = {table.uri: table.kind for table in list_tables(dev).tables}
    assert found == {
        "curated/by_year": "Parquet, 2 parts", "curated/daily": "Parquet, 1 part", "raw/a.csv": "CSV", "raw/b.json": "JSON",
        "top.csv": "CSV",
        "raw/c.csv.gz": "CSV, gzip", "raw/mixed/a.csv": "CSV", "raw/mixed/other.csv": "CSV", "raw/zones": "folder of 2 CSV",
    }  # fmt: skip


def test_what_is_known_of_a_table(lake: Path, dev: Environment, ana: User, bring: Bring) -> None:
    put(lake, **{"curated/daily/part-0.parquet": b"P"})
    document = {
        "stages": [
            {"type": "DelimitedExtract", "name": "r", "inputURI": "raw/*.csv", "outputView": "r"},
            {"type": "ParquetLoad", "name": "w", "inputView": "r", "outputURI": "curated/daily"},
        ]
    }
    job = make_job(dev.project, ana, "report")
    version = make_version(job, ana, document, live_in=("dev",))
    run = make_run(version, dev, state="succeeded", outputs=[{"stage": "w", "uri": "curated/daily", "rows": 365, "format": "parquet"}])
    places.claim(job, dev, ["curated/daily"])
    wrote = {"uri": "curated/daily", "is_named": True, "columns": [["day", "date"], ["mean", "double"]]}
    run.stage_runs.create(attempt_number=1, index=1, name="w", type="ParquetLoad", details={"wrote": wrote})
    Place.objects.update(last_run_id=run.pk)
    bring("Some file.csv", b"x\n1\n")
    daily, file = list_tables(dev).tables
    assert (daily.job, daily.rows, daily.readers, daily.kind) == ("report", 365, [], "Parquet, 1 part")
    assert daily.columns == [{"name": "day", "type": "date"}, {"name": "mean", "type": "double"}]
    assert (file.person, file.original_name, file.readers, file.kind) == ("Ana", "Some file.csv", ["report"], "CSV, upload")
    assert stage_for(dev, daily)["type"] == "ParquetExtract"
    remember = table_rows.rememberer(dev, file)
    remember(
        {
            "columns": [{"name": "Amount", "type": "string"}, {"name": "_filename", "type": "string", "internal": True}],
            "complete": True,
            "total_rows": 1,
        }
    )
    assert [
        (table.rows, [c["name"] for c in table.columns or []])
        for table in Filters(words="amount").take(list_tables(dev).tables, with_data=True)
    ] == [(1, ["Amount"])]
    (lake / "raw" / "Some_file.csv").write_bytes(b"x\n1\n2\n")  # changed: what was seen of it is worth nothing
    assert find_table(dev, "raw/Some_file.csv").rows is None  # type: ignore[union-attr]


def test_rows_of_a_table_that_was_merged_into_are_those_of_its_version(lake: Path, dev: Environment, ana: User) -> None:
    """Never those that the run alone has brought, and none once somebody else has written it."""
    put(lake, **{"curated/t/part-0.parquet": b"P", f"curated/t/_delta_log/{3:020d}.json": b"{}"})
    document = {"stages": [{"type": "MergeLoad", "name": "w", "inputView": "r", "outputURI": "curated/t", "keys": ["id"]}]}
    job = make_job(dev.project, ana, "report")
    said = {"stage": "w", "uri": "curated/t", "rows": 2, "format": "delta", "save_mode": "Append", "whole_rows": 1192, "version": 3}
    run = make_run(make_version(job, ana, document, live_in=("dev",)), dev, state="succeeded", outputs=[said])
    places.claim(job, dev, ["curated/t"])
    Place.objects.update(last_run_id=run.pk)
    assert [table.rows for table in list_tables(dev).tables] == [1192]
    put(lake, **{f"curated/t/_delta_log/{4:020d}.json": b"{}"})
    found = find_table(dev, "curated/t")
    assert found is not None and (found.version, found.rows) == (4, None)


def test_what_a_job_has_published_is_browsed_with_rows_size_and_age(lake: Path, dev: Environment, ana: User, browser_of: Browsers) -> None:
    """Of a folder the store tells neither; on S3 nothing is looked at for it."""
    put(lake, **{"curated/daily/part-0.parquet": b"P", "curated/mine/x.csv": b"n\n"})
    job = make_job(dev.project, ana, "report")
    said = {"stage": "w", "uri": "curated/daily", "rows": 365, "whole_bytes": 5_000_000, "format": "parquet", "save_mode": "Overwrite"}
    run = make_run(make_version(job, ana, live_in=("dev",)), dev, state="succeeded", outputs=[said])
    places.claim(job, dev, ["curated/daily"])
    Place.objects.update(last_run_id=run.pk, published_at=timezone.now() - timedelta(hours=3))
    page = browser_of(ana).get("/p/flights/data/dev/browse", {"uri": "curated"}).content.decode()
    assert "365" in page and "5.0 MB" in page and "3 h" in page
    Place.objects.update(lies_at="s3a://elsewhere/")  # its root leads elsewhere by now
    assert "5.0 MB" not in browser_of(ana).get("/p/flights/data/dev/browse", {"uri": "curated"}).content.decode()


def test_columns_are_known_of_what_a_run_has_read(lake: Path, dev: Environment, ana: User) -> None:
    put(lake, **{"raw/a.csv": b"city,amount\nBern,1\n", "raw/b.csv": b"x\n1\n"})
    document = {"stages": [{"type": "DelimitedExtract", "name": "r", "inputURI": "raw/a.csv", "outputView": "r"}]}
    run = make_run(make_version(make_job(dev.project, ana, "report"), ana, document, live_in=("dev",)), dev, state="succeeded")
    read = {
        "uri": "raw/a.csv",
        "is_named": True,
        "is_whole": True,
        "files": 1,
        "bytes": 19,
        "columns": [["city", "text"], ["amount", "text"]],
    }
    run.stage_runs.create(
        attempt_number=1,
        index=0,
        name="r",
        type="DelimitedExtract",
        details={"read": read},
        started_at=timezone.now() + timedelta(seconds=1),
    )
    known = {table.uri: [one["name"] for one in table.columns or []] for table in list_tables(dev).tables}
    assert known == {"raw/a.csv": ["city", "amount"], "raw/b.csv": []}
    later = (timezone.now() + timedelta(minutes=1)).timestamp()
    os.utime(lake / "raw/a.csv", (later, later))  # another file of the same size may have come
    assert find_table(dev, "raw/a.csv").columns is None  # type: ignore[union-attr]


def test_the_largest_file_is_said_before_anybody_chooses_one(
    lake: Path, dev: Environment, ana: User, browser_of: Browsers, settings: Any
) -> None:
    settings.UPLOAD_LIMIT_MB = 250
    make_job(dev.project, ana, "report")
    for address in (PAGE, "/p/flights/jobs/", "/p/flights/jobs/report/edit"):
        assert "250 MB" in browser_of(ana).get(address).content.decode(), address


@pytest.mark.parametrize(
    ("name", "data", "stage"),
    [
        ("a.csv", b"a;b\n1;2\n", {"type": "DelimitedExtract", "delimiter": "Custom", "customDelimiter": ";"}),
        ("a.csv", b"a,b\n1,2\n", {"type": "DelimitedExtract", "delimiter": "Comma"}),
        ("a.tsv", b"a\tb\n", {"customDelimiter": "\t"}),
        ("a.csv", "a;b\n".encode("utf-16"), {"customDelimiter": ";"}),
        ("a", b"a|b\n", {"type": "DelimitedExtract", "customDelimiter": "|"}),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', {"type": "JSONExtract", "multiLine": False}),
        ("a.json", b'[{"a": 1}]', {"type": "JSONExtract", "multiLine": True}),
        ("a.json", b'{\n"a": 1\n}', {"type": "JSONExtract", "multiLine": True}),
        ("a.parquet", b"PAR1", {"type": "ParquetExtract", "unreadableColumns": "leave-out"}),
    ],
)
def test_each_kind_has_its_reader(lake: Path, dev: Environment, name: str, data: bytes, stage: dict[str, Any]) -> None:
    put(lake, **{f"raw/{name}": data})
    table = find_table(dev, f"raw/{name}")
    assert table is not None
    assert stage.items() <= stage_for(dev, table).items()


def test_what_must_be_unpacked_has_none(lake: Path, dev: Environment) -> None:
    put(lake, **{"raw/a.xlsx": b"PK\x03\x04", "raw/a.zip": b"PK\x03\x04"})
    for name in ("a.xlsx", "a.zip"):
        table = find_table(dev, f"raw/{name}")
        with pytest.raises(PortalError) as refused:
            stage_for(dev, table)  # type: ignore[arg-type]
        assert "Unpack" in (refused.value.fix or "")


def test_no_name_and_no_depth_breaks_the_list(lake: Path, browser_of: Browsers, ana: User) -> None:
    put(lake, **{"raw/<script>alert(1)<.csv": b"x\n", "raw/a b%20&c=d.csv": b"x\n", "raw/" + "d/" * 60 + "deep.csv": b"x\n"})
    deep = os.open(lake, os.O_RDONLY)
    try:
        for _ in range(1200):
            os.mkdir("d", dir_fd=deep)
            inner = os.open("d", os.O_RDONLY, dir_fd=deep)
            os.close(deep)
            deep = inner
    finally:
        os.close(deep)
    (lake / "raw" / os.fsdecode(b"\xff\xfe.csv")).write_bytes(b"x")
    (lake / "raw" / "loop").symlink_to("loop")
    (lake / "raw" / "out").symlink_to("/etc")
    page = browser_of(ana).get(PAGE).content.decode()
    assert "&lt;script&gt;alert" in page and "<script>alert" not in page
    assert "1 name cannot be shown" in page and "nested too deeply" in page and "passwd" not in page
    assert browser_of(ana).get(PAGE + "table", {"uri": "raw/a b%20&c=d.csv"}).status_code == 200
    assert "\\xff\\xfe.csv" in browser_of(ana).get(PAGE + "table", {"uri": "raw"}).content.decode()
    from executor.files.tree import remove

    remove(lake)


def test_thousands_come_in_pages(lake: Path, browser_of: Browsers, ana: User) -> None:
    put(lake, **{f"raw/{letter}{number}_{letter}.csv": b"x\n" for letter in "ab" for number in range(400)} | {"raw/zz.csv": b""})
    first = browser_of(ana).get(PAGE).content.decode()
    assert "801 tables and files" in first and first.count("row-link") == 100
    last = browser_of(ana).get(PAGE, {"page": 9, "q": ""}).content.decode()
    assert last.count("row-link") == 1 and "zz.csv" in last
    found = browser_of(ana).get(PAGE, {"q": "zz"}, HTTP_HX_REQUEST="true").content.decode()
    assert found.count("row-link") == 1 and "<html" not in found


def test_a_list_that_is_cut_says_so(lake: Path, browser_of: Browsers, ana: User, program_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, **{f"{folder}/{name}.csv": b"n\n1\n" for folder in ("raw", "raw/a") for name in ("x", "yy")})
    address = "/api/v1/projects/flights/environments/dev/files/"
    program = program_of(ana, "read")
    assert program.get(address)["X-Sluice-Complete"] == "yes"
    monkeypatch.setattr(upload_api, "MOST_LISTED", 3)
    answer = program.get(address)
    assert (len(answer.json()), answer["X-Sluice-Complete"]) == (3, "no")
    monkeypatch.setattr(upload_api, "MOST_LISTED", 2_000)
    monkeypatch.setattr(listing, "MOST_TABLES", 1)
    assert program.get(address)["X-Sluice-Complete"] == "no"
    assert "There is more in this lake than is listed here." in browser_of(ana).get(PAGE).content.decode()


@pytest.mark.parametrize(
    "uri", ["../prod/x.csv", "/etc/passwd", "raw/../../prod/x", "raw/nothing.csv", ".sluice/x", "raw/a\x00", "a/" * 600]
)
def test_a_path_out_of_the_lake_leads_nowhere(lake: Path, lake_root: Path, browser_of: Browsers, ana: User, uri: str) -> None:
    put(lake_root / "flights" / "prod", **{"x.csv": b"secret"})
    for page in ("table", "file"):
        assert browser_of(ana).get(PAGE + page, {"uri": uri}).status_code in (404, 422)


def test_an_address_without_a_file_leads_to_the_list(lake: Path, browser_of: Browsers, ana: User, outsider: User) -> None:
    for page in ("table", "look", "arrived"):
        assert browser_of(ana).get(PAGE + page, follow=True).redirect_chain[-1][0] == PAGE
        assert browser_of(outsider).get(PAGE + page).status_code == 404


def test_a_file_can_be_dropped_on_home_and_on_every_page_of_jobs(
    lake: Path, browser_of: Browsers, ana: User, vic: User, dev: Environment
) -> None:
    job = make_job(dev.project, ana, "report")
    for message in ("one", "two"):
        make_version(job, ana, {"stages": [{"type": "LogExecute", "sql": f"SELECT '{message}' AS message"}]})
    jobs = "/p/flights/jobs/"
    for page in (
        "/",
        jobs,
        f"{jobs}new-job",
        f"{jobs}report/",
        f"{jobs}report/versions/1",
        f"{jobs}report/diff?from=1&to=2",
        f"{jobs}report/edit",
    ):
        answer = browser_of(ana).get(page)
        assert answer.status_code == 200 and "uploads-config" in answer.content.decode(), page
        assert "uploads-config" not in browser_of(vic).get(page).content.decode(), page
    put(lake, **{"raw/zones/a.csv": b"n\n1\n", "raw/zones/b.csv": b"n\n2\n", "raw/c.csv": b"n\n3\n"})
    for uri, folder, offered in (("raw/zones", "raw/zones", "Add a file"), ("raw/c.csv", "", "Replace")):  # next month's, among the others
        shown = browser_of(ana).get("/p/flights/data/dev/table", {"uri": uri}).content.decode()
        assert f'"folder": "{folder}"' in shown and f"{offered}</button>" in re.sub(r"\s+<", "<", shown)


def test_an_empty_lake_says_what_to_do_first(lake: Path, browser_of: Browsers, ana: User, vic: User, prod: Environment) -> None:
    assert "Drop your first file" in browser_of(ana).get(PAGE).content.decode()
    seen = browser_of(vic).get(PAGE).content.decode()
    assert "Drop your first file" not in seen and "authors may bring data" in seen and "uploads-config" not in seen
    assert "An environment admin could say who may: there is none yet" in browser_of(ana).get("/p/flights/data/prod/").content.decode()


def test_who_may_not_see_data_sees_names_and_no_rows(
    lake: Path, browser_of: Browsers, vic: User, ana: User, outsider: User, bring: Bring, dev: Environment
) -> None:
    bring("a.csv", b"secret\n1\n")
    page = browser_of(vic).get(PAGE + "table", {"uri": "raw/a.csv"}).content.decode()
    assert "raw/a.csv" in page and "See rows" not in page and "data-download" not in page and "Delete" not in page
    table = find_table(dev, "raw/a.csv")
    assert table is not None
    table_rows.rememberer(dev, table)({"columns": [{"name": "cell of no header", "type": "string"}], "complete": False})
    assert "cell of no header" in browser_of(ana).get(PAGE + "table", {"uri": "raw/a.csv"}).content.decode()
    assert "raw/a.csv" in browser_of(ana).get(PAGE, {"q": "header"}).content.decode()
    for page in (PAGE + "table?uri=raw/a.csv", PAGE + "?q=header"):  # a first line that was taken for names is data
        seen = browser_of(vic).get(page).content.decode()
        assert "cell of no header" not in seen and (page != PAGE + "?q=header" or "raw/a.csv" not in seen)
    with pytest.raises(NotAllowed):
        table_rows.message_for(vic, dev, table, {})  # type: ignore[arg-type]
    for address in (PAGE, PAGE + "table?uri=raw/a.csv", PAGE + "file?uri=raw/a.csv", "/p/flights/data/"):
        assert browser_of(outsider).get(address).status_code == 404
    for action in ("rename", "delete"):
        assert browser_of(vic).post(PAGE + action, {"uri": "raw/a.csv", "to": "raw/b.csv"}).status_code == 404
    assert (lake / "raw" / "a.csv").exists()


def test_values_in_names_of_folders_are_seen_by_who_may_see_data(
    lake: Path, browser_of: Browsers, vic: User, ana: User, dev: Environment
) -> None:
    """`name=Smith` is a value of a column: it is in no list for others, and whether there is such a place they cannot find out."""
    put(
        lake,
        **{
            "out/people/name=Smith/part-0.parquet": b"P", "out/mixed/name=Smith/a.csv": b"x\n", "out/mixed/name=Smith/other.json": b"{}",
            "name=Smith/a.csv": b"x\n", "out/mixed/b.csv": b"x\n",
        },
    )  # fmt: skip
    pages = [
        PAGE,
        PAGE + "?q=smith",
        PAGE + "table?uri=out/people",
        PAGE + "table?uri=out/mixed",
        "/api/v1/projects/flights/environments/dev/files/",
    ]

    seen = {who: [browser_of(who).get(page).content.decode().replace('value="smith"', "") for page in pages] for who in (vic, ana)}
    kept = "/api/v1/projects/flights/environments/dev/files/versions"
    there = [
        browser_of(vic).get(f"{page}?uri=out/people/name={name}").status_code
        for name in ("Smith", "Jones")
        for page in (PAGE + "table", kept)
    ]

    assert not [page for page, text in zip(pages, seen[vic], strict=True) if "smith" in text.lower()]
    assert "name=Smith/part-0.parquet" in seen[ana][2] and "name=Smith" in seen[ana][0]
    assert there == [404] * 4 and browser_of(ana).get(f"{kept}?uri=out/people/name=Smith").status_code == 200


def test_rename_delete_and_put_back(lake: Path, browser_of: Browsers, ana: User, vic: User, bring: Bring) -> None:
    bring("a.csv", b"x\n1\n")
    browser = browser_of(ana)
    put(lake, **{"top.csv": b"x\n", "out/part-0.parquet": b"P"})  # what lies in no folder
    assert [browser.get(PAGE + "table", {"uri": uri}).status_code for uri in ("top.csv", "out", "raw")] == [200] * 3
    assert "raw%2Ftop.csv" in browser.post(PAGE + "rename", {"uri": "top.csv", "to": "raw/top.csv"})["Location"]
    browser.post(PAGE + "delete", {"uri": "out"})
    assert sorted(file.name for file in lake.iterdir()) == ["raw"] and (lake / "raw" / "top.csv").exists()
    (lake / "raw" / "top.csv").unlink()
    FileVersion.objects.filter(uri="out").delete()
    to = browser.post(PAGE + "rename", {"uri": "raw/a.csv", "to": "raw/b.csv"})
    assert to.status_code == 302 and "raw%2Fb.csv" in to["Location"]
    again = browser.post(PAGE + "rename", {"uri": "raw/b.csv", "to": "../b.csv"}, follow=True)
    assert "cannot be a folder" in again.content.decode()
    browser.post(PAGE + "delete", {"uri": "raw/b.csv"})
    assert not (lake / "raw" / "b.csv").exists() and "Put back" in browser.get(PAGE).content.decode()
    version = FileVersion.objects.get()
    assert browser_of(vic).post(PAGE + "put-back", {"version": version.pk}).status_code == 404
    browser.post(PAGE + "put-back", {"version": version.pk})
    bring("b.csv", b"x\n2\n", if_there="new_version")
    assert "Put v1 back?" in (page := browser.get(PAGE + "table", {"uri": "raw/b.csv"}).content.decode()) and "No job reads it." in page
    browser.post(PAGE + "put-back", {"version": version.pk})
    assert (lake / "raw" / "b.csv").read_bytes() == b"x\n1\n"
    assert browser.post(PAGE + "put-back", {"version": uuid.uuid4()}).status_code == 404


def test_the_file_itself_goes_home_under_its_own_name(lake: Path, browser_of: Browsers, ana: User, bring: Bring) -> None:
    bring("Ümsatz 50%.csv", b"x\n1\n")
    answer = browser_of(ana).get(PAGE + "file", {"uri": "raw/Ümsatz_50.csv"})
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%9Cmsatz%2050%25.csv"
    assert (answer["Content-Type"], answer["X-Content-Type-Options"], answer["Content-Length"]) == (
        "application/octet-stream",
        "nosniff",
        "4",
    )


def test_columns_are_forgotten_with_the_file(lake: Path, dev: Environment, bring: Bring) -> None:
    bring("a.csv", b"x\n1\n")
    table_rows.rememberer(dev, find_table(dev, "raw/a.csv"))({"columns": [{"name": "x", "type": "string"}], "complete": False})  # type: ignore[arg-type]
    bring("a.csv", b"y\n1\n", if_there="replace")
    assert not TableFacts.objects.exists()


@pytest.mark.parametrize(
    ("reads", "deleted", "offers"),
    [
        ("raw/a.csv", "raw/a.csv", True),
        ("raw/*.csv", "raw/a.csv", True),
        ("raw/", "raw", True),
        ("raw/a.csv", "raw", True),
        ("raw/{a,b}.csv", "raw/a.csv", True),
        ("raw/b.csv", "raw/a.csv", False),
        ("raw/a.csv.gz", "raw/a.csv", False),
    ],
)
def test_a_run_whose_input_was_deleted_offers_to_put_it_back(
    lake: Path, browser_of: Browsers, ana: User, vic: User, dev: Environment, bring: Bring, reads: str, deleted: str, offers: bool
) -> None:
    bring("a.csv", b"x\n1\n")
    actions.delete_data(actor=ana, environment=dev, uri=deleted)
    document = {"stages": [{"type": "DelimitedExtract", "name": "a", "inputURI": reads, "outputView": "a"}]}
    version = make_version(make_job(dev.project, ana), document=document, live_in=("dev",))
    problem = {"code": "input-missing", "message": "There is no such file.", "stage_index": 0, "stage": "a", "field": "inputURI"}
    run = make_run(version, dev, "failed", problem=problem)
    address = f"/p/flights/runs/{run.pk}/"
    page = browser_of(ana).get(address).content.decode()
    assert ("Put it back" in page and f"“{deleted}” was deleted by Ana" in page) is offers
    assert "Put it back" not in browser_of(vic).get(address).content.decode()
    if offers:
        browser_of(ana).post(PAGE + "put-back", {"version": FileVersion.objects.get(state="binned").pk})
        assert (lake / "raw" / "a.csv").exists() and "was deleted by" not in browser_of(ana).get(address).content.decode()


def test_a_packed_file_leads_to_what_was_made_of_it(
    lake: Path, dev: Environment, ana: User, vic: User, bring: Bring, browser_of: Browsers
) -> None:
    version = bring("book.xlsx", b"PK\x03\x04 a workbook")
    uri = f"{PAGE}table?uri={version.uri}"
    assert "none yet" in browser_of(ana).get(uri).text
    put(lake, **{"raw/book_Orders.csv": b"a\n1\n"})
    was, made = state(lake / version.uri), state(lake / "raw/book_Orders.csv")
    assert was and made
    origin = Origin("book.xlsx", "Orders", was, made)
    noting.write(Lake(dev), "raw", {"book_Orders.csv": origin})
    document = {"stages": [{"type": "DelimitedExtract", "name": "r", "inputURI": "raw/book_Orders.csv", "outputView": "r"}]}
    live = make_version(make_job(dev.project, ana, "orders"), document=document, live_in=("dev",))
    page = browser_of(ana).get(uri).text
    assert "uri=raw%2Fbook_Orders.csv" in page and "orders" in page.split("Who uses it")[1]
    assert "See rows" not in page and "Its rows, at most" not in page
    assert "table?uri=raw%2Fbook_Orders.csv" not in browser_of(vic).get(uri).text.split("Who uses it")[0]
    assert "made of another version" not in page
    problem = {"code": "input-outdated", "message": "It is old.", "stage_index": 0, "stage": "r", "file": "raw/book_Orders.csv"}
    run = f"/p/flights/runs/{make_run(live, dev, 'failed', problem=problem).pk}/"
    assert "Unpack it again" not in browser_of(ana).get(run).text, "it has been unpacked again since"
    bring("book.xlsx", b"PK\x03\x04 a workbook of next month", if_there="new_version")
    assert "made of another version" in browser_of(ana).get(uri).text
    seen = browser_of(ana).get(run).text
    assert "Unpack it again" in seen and f"{PAGE}arrived?uri=raw%2Fbook.xlsx" in seen
    assert "Unpack it again" not in browser_of(vic).get(run).text
    put(lake.parent, **{"elsewhere/book.xlsx": b"PK"})
    made_up = Origin("../../elsewhere/book.xlsx", "Orders", was, made)
    noting.write(Lake(dev), "raw", {"book_Orders.csv": made_up})
    assert browser_of(ana).get(run).status_code == 200, "a note that somebody else wrote leads nowhere"
    assert "Unpack it again" not in browser_of(ana).get(run).text


def test_the_page_of_a_table_tells_its_partitions_to_those_who_see_data(browser_of: Browsers, ana: User, vic: User, lake: Path) -> None:
    put(
        lake,
        **{
            "curated/by_city/city=Z%C3%BCrich/y=1/part-0.parquet": b"PP",
            "curated/by_city/city=Z%C3%BCrich/y=1/part-1.parquet": b"P",
            "curated/by_city/city=Bern/y=2/part-0.parquet": b"P",
        },
    )
    page = browser_of(ana).get(PAGE + "table?uri=curated/by_city").content.decode()
    assert re.search(r"Partitions 2</h2>.*city=Bern, y=2.*1 file ·\s+1 B.*city=Zürich, y=1.*2 files ·\s+3 B", page, re.DOTALL)
    assert "Zürich" not in browser_of(vic).get(PAGE + "table?uri=curated/by_city").content.decode()


def test_a_type_is_called_the_same_whoever_noted_it() -> None:
    noted = ("decimal(9,2)", "decimal(9, 2)", "bigint", "long", "array<string>")
    assert list(map(type_in_words, noted)) == ["decimal 9,2", "decimal 9,2", "whole number", "whole number", "several values"]
