"""An environment whose default root lies on S3: the list of data, the page of a table, folders, and files that a version keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.accounts.models import User
from portal.data import seen
from portal.data.lake import Lake
from portal.data.listing import find_table, list_tables
from portal.data.models import FileVersion
from portal.environments import connections
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs import actions as jobs
from portal.jobs.documents import DocumentNotRight
from portal.queries.tables import tables_of
from tests.data.programs import in_this_process
from tests.data.test_upload_elsewhere import There
from tests.factories import DOCUMENT, make_job

pytestmark = [pytest.mark.services, pytest.mark.lake, pytest.mark.django_db(transaction=True)]
A = b"n\n1\n2\n"
Bring = Callable[..., FileVersion]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(seen, "SECONDS", 0.0)
    return in_this_process(monkeypatch)


@pytest.fixture
def there(ada: User, dev: Environment, s3_server: Any, settings: Any, asked: Any, lake: Any) -> There:
    """dev's default root is at dev/ of the bucket, and a root `archive` at other/. A file of before lies in the folder."""
    from tests.data.test_upload_elsewhere import connect

    (lake / "raw").mkdir()
    (lake / "raw" / "before.csv").write_bytes(A)
    (lake / "query.sql").write_text("SELECT 'of the folder' AS x")
    found = connect(ada, dev, s3_server, settings)
    root = {"connection": "store", "may_write": True}
    connections.edit_root(actor=ada, root=dev.roots.get(name="lake"), address=f"s3a://{found.bucket}/dev/", **root)
    connections.add_root(actor=ada, environment=dev, name="archive", address=f"s3a://{found.bucket}/other/", **root)
    return found


def test_what_lies_there_is_listed_and_nothing_of_the_folder(
    there: There, dev: Environment, ana: User, bring: Bring, browser_of: Any
) -> None:
    assert list_tables(dev).tables == [] and find_table(dev, "raw/before.csv") is None
    for name in ("2013_01.csv", "2013_02.csv"):
        bring(name, A, folder="raw/delays")
    version = bring("a.csv", A)
    assert version.uri == "raw/a.csv" and there.body("raw/a.csv") == A and Lake(dev).find("raw/a.csv") is None
    bring("b.csv", A, folder="archive:2014")
    found = {table.uri: (table.kind, table.files, table.by) for table in list_tables(dev).tables}
    assert found == {"raw/a.csv": ("CSV, upload", 1, "Ana"), "raw/delays": ("folder of 2 CSV", 2, "Ana")}
    assert [table.uri for table in tables_of(dev)] == ["raw/a.csv", "raw/delays", "archive:2014/b.csv"]
    table = find_table(dev, "archive:2014/b.csv")
    assert table is not None and (table.name, table.bytes, table.person, table.is_elsewhere) == ("b.csv", len(A), "Ana", True)

    browser = browser_of(ana)
    page = browser.get("/p/flights/data/dev/").content.decode()
    assert "raw/delays" in page and "before.csv" not in page and "?uri=lake:" in page
    for uri in ("raw/a.csv", "archive:2014/b.csv", "raw/delays"):
        page = browser.get("/p/flights/data/dev/table", {"uri": uri}).content.decode()
        assert uri in page and ("The file as it is" in page) is (uri != "raw/delays") and 'data-opens="rename-table"' not in page, uri
    assert browser.get("/p/flights/data/dev/file", {"uri": "raw/delays"}).status_code == 422
    assert [one["uri"] for one in browser.get("/p/flights/data/dev/folder", {"uri": ""}).json()["entries"]] == ["raw"]
    browser.post("/p/flights/data/dev/delete", {"uri": "archive:2014/b.csv"})
    assert find_table(dev, "archive:2014/b.csv") is None and len(there.keys()) == 4  # it is kept


def test_who_may_not_see_the_environment_sees_nothing_there(there: There, outsider: User, vic: User, browser_of: Any) -> None:
    there.server.client.put_object(Bucket=there.bucket, Key="dev/raw/paid=no/x.csv", Body=A)
    assert browser_of(outsider).get("/p/flights/data/dev/").status_code == 404
    assert "paid=no" not in browser_of(vic).get("/p/flights/data/dev/").content.decode()


def test_a_root_that_does_not_answer_is_told(there: There, dev: Environment, ana: User, browser_of: Any, s3_server: Any) -> None:
    s3_server.client.delete_bucket(Bucket=there.bucket)
    assert "there is no such bucket" in browser_of(ana).get("/p/flights/data/dev/").content.decode()
    with pytest.raises(PortalError, match="no such bucket"):
        find_table(dev, "raw/a.csv")


def with_sql(uri: str) -> str:
    extract, query, load = json.loads(json.dumps(DOCUMENT))["stages"]
    query.pop("sql")
    return json.dumps({"stages": [extract, query | {"inputURI": uri}, load]})


@pytest.mark.parametrize(("uri", "key"), [("sql/query.sql", "dev/sql/query.sql"), ("archive:query.sql", "other/query.sql")])
def test_sql_of_any_root_is_kept_with_the_version(
    there: There, dev: Environment, ana: User, s3_server: Any, monkeypatch: pytest.MonkeyPatch, uri: str, key: str
) -> None:
    job, put = make_job(dev.project, ana), s3_server.client.put_object
    with pytest.raises(DocumentNotRight):
        jobs.save_version(actor=ana, job=job, document=with_sql(uri), message="", base_version=None)
    put(Bucket=there.bucket, Key=key, Body="SELECT origin, count(*) AS flights FROM flights GROUP BY origin".encode("utf-8-sig"))
    version = jobs.save_version(actor=ana, job=job, document=with_sql(uri), message="", base_version=None)
    assert json.loads(version.document)["files"] == {uri: "SELECT origin, count(*) AS flights FROM flights GROUP BY origin"}
    put(Bucket=there.bucket, Key=key, Body=b"SELECT " + b"1" * 1_000_001)
    again = jobs.save_version(actor=ana, job=job, document=version.document, message="again", base_version=1)
    assert again == version, "what is no text of an SQL file is not taken, and the version keeps what it had"

    async def refused(what: str, **given: Any) -> dict[str, Any]:
        return {"event": "problem", "problem": {"code": "storage-refused", "message": "There is no answer.", "fix": "Wait."}}

    from portal.runs import preview_client

    monkeypatch.setattr(preview_client, "answer_over_files", refused)
    with pytest.raises(PortalError, match="There is no answer"):
        jobs.save_version(actor=ana, job=job, document=version.document, message="", base_version=1)


def test_sql_of_the_folder_is_not_taken_for_that_of_the_bucket(there: There, dev: Environment, ana: User) -> None:
    with pytest.raises(DocumentNotRight):
        jobs.save_version(actor=ana, job=make_job(dev.project, ana), document=with_sql("query.sql"), message="", base_version=None)
