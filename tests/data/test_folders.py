"""Browsing one folder of a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.environments.connected import make_root, make_s3

if TYPE_CHECKING:
    from django.test import Client

    from portal.accounts.models import User
    from portal.environments.models import Environment

URL = "/p/flights/data/dev/folder"


@pytest.fixture
def root(ada: User, dev: Environment) -> None:
    make_root(ada, make_s3(ada, dev), "archive", "s3a://acme-lake/prod/")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the program behind the wall is asked; it finds a folder, a file and a part of a table."""
    from portal.runs import preview_client

    found: list[dict[str, Any]] = []

    async def answer(what: str, **asked: Any) -> dict[str, Any]:
        found.append({"what": what, **asked["values"]})
        entries = [
            {"name": "x.csv", "is_folder": False, "size": 5, "changed": 0.0},
            {"name": "2013", "is_folder": True},
            {"name": "paid=no", "is_folder": True},
        ]
        return {"event": "listed", "entries": entries, "more": True}

    monkeypatch.setattr(preview_client, "answer_over_files", answer)
    return found


def test_the_environments_own_folder_is_looked_at_at_once(
    client: Client, ana: User, dev: Environment, asked: list[Any], settings: Any, tmp_path: Any
) -> None:
    settings.LAKE_DIR = tmp_path
    folder = tmp_path / "flights" / "dev" / "raw"
    (folder / "deep").mkdir(parents=True)
    (folder / "_hidden").mkdir()
    (folder / "x.csv").write_text("a,b")
    client.force_login(ana)
    for uri in ("raw", "lake:raw", "raw/"):
        told = client.get(URL, {"uri": uri}).json()
        assert [(one["uri"], one["is_folder"], one["stage_type"], one["bytes"]) for one in told["entries"]] == [
            ("raw/deep", True, None, None),
            ("raw/x.csv", False, "DelimitedExtract", 3),
        ]
    assert (
        [one["uri"] for one in client.get(URL).json()["entries"]]
        == ["raw"]
        == [one["name"] for one in client.get(URL, {"uri": "lake:"}).json()["entries"]]
    )
    assert client.get(URL, {"uri": "nothing"}).json() == {"entries": [], "more": False, "is_table": False, "is_delta": False}
    assert asked == []


@pytest.mark.usefixtures("root")
def test_another_root_is_listed_behind_the_wall(client: Client, ana: User, asked: list[dict[str, Any]]) -> None:
    client.force_login(ana)
    for uri, place in (("archive:", ""), ("archive:in/", "in"), ("s3a://acme-lake/prod/in", "in")):
        told = client.get(URL, {"uri": uri}).json()
        assert asked[-1]["what"] == "list" and (asked[-1]["root"], asked[-1]["folder"]) == ("archive", place)
        before = f"archive:{place}/" if place else "archive:"
        assert [one["uri"] for one in told["entries"]] == [f"{before}2013", f"{before}x.csv"], "a name that tells a value is told nobody"
        assert told["more"] and told["is_table"] and told["entries"][1]["changed_at"].startswith("1970-01-01")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    "uri", ["../x", "archive:../x", "other:", "other:x", "s3a://acme-lake/prod", "s3a://other/x", "archive:*", "raw/*", "/etc", ":"]
)
def test_nothing_else_is_listed(client: Client, ana: User, asked: list[Any], uri: str) -> None:
    client.force_login(ana)
    answer = client.get(URL, {"uri": uri}, headers={"accept": "application/json"})
    assert answer.status_code == 422 and answer.json()["code"]
    assert asked == []


@pytest.mark.usefixtures("root", "asked")
def test_the_api_lists_folders_too(client: Client, ana: User) -> None:
    from tests import factories

    asks = {"authorization": f"Bearer {factories.make_token(ana, 'read')}"}
    url = "/api/v1/projects/flights/environments/dev/folder"
    told = client.get(url, {"uri": "archive:in"}, headers=asks).json()
    assert [one["uri"] for one in told["entries"]] == ["archive:in/2013", "archive:in/x.csv"] and told["more"]
    assert client.get(url, {"uri": "nowhere:"}, headers=asks).status_code == 422


@pytest.mark.usefixtures("root")
def test_who_does_not_see_the_environment_browses_nothing(client: Client, asked: list[Any]) -> None:
    from tests import factories

    client.force_login(factories.make_person("eve"))
    assert client.get(URL, {"uri": "archive:"}).status_code == 404
    assert asked == []


@pytest.mark.usefixtures("root")
def test_the_editor_is_told_the_roots(client: Client, ana: User, dev: Environment) -> None:
    from portal.jobs.sources import sources_of

    assert sources_of(dev.project)["roots"] == [
        {"name": "lake", "where": "the folder of dev", "address": "", "may_write": True, "is_default": True},
        {
            "name": "archive",
            "where": "s3a://acme-lake/prod/ on lake_s3",
            "address": "s3a://acme-lake/prod/",
            "may_write": False,
            "is_default": False,
        },
    ]


@pytest.mark.usefixtures("root")
def test_the_page_shows_roots_and_what_lies_in_them(client: Client, ana: User, asked: list[dict[str, Any]], dev: Environment) -> None:
    import json

    from portal.errors import PortalError
    from portal.runs import preview_client
    from tests import factories

    reads = json.loads(json.dumps(factories.DOCUMENT).replace("raw/flights.csv", "s3a://acme-lake/prod/in/x.csv"))
    factories.make_version(factories.make_job(dev.project, ana, "reader_job"), document=reads, live_in=("dev",))
    client.force_login(ana)
    page = client.get("/p/flights/data/dev/").content.decode()
    assert "s3a://acme-lake/prod/ on lake_s3" in page and "?uri=archive:" in page
    page = client.get("/p/flights/data/dev/browse", {"uri": "s3a://acme-lake/prod/in"}).content.decode()
    assert "archive:in" in page and "reader_job" in page and "paid=no" not in page and "There is more" in page
    assert client.get("/p/flights/data/dev/browse", {"uri": "nowhere:"}).status_code == 422

    assert "/versions" not in page

    async def table(what: str, **given: Any) -> dict[str, Any]:
        return {"event": "listed", "entries": [{"name": "part-0.parquet", "is_folder": False}], "more": False, "is_delta": True}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview_client, "answer_over_files", table)
        page = client.get("/p/flights/data/dev/browse", {"uri": "archive:contacts"}).content.decode()
        assert "/p/flights/data/dev/versions?uri=archive%3Acontacts" in page

    async def fails(what: str, **given: Any) -> dict[str, Any]:
        return {"event": "problem", "problem": {"code": "s3-no-bucket", "message": "There is no such bucket.", "fix": "Ask."}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview_client, "answer_over_files", fails)
        assert "There is no such bucket. Ask." in client.get("/p/flights/data/dev/browse", {"uri": "archive:"}).content.decode()
        with pytest.raises(PortalError):
            from portal.data.folders import folder

            folder(ana, dev, "archive:")


def test_files_can_be_brought_where_jobs_may_write(
    client: Client, ada: User, ana: User, vic: User, dev: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.runs import preview_client

    async def empty(what: str, **asked: Any) -> dict[str, Any]:
        return {"event": "listed", "entries": [], "more": False}

    monkeypatch.setattr(preview_client, "answer_over_files", empty)
    store = make_s3(ada, dev)
    make_root(ada, store, "archive", "s3a://acme-lake/prod/")
    make_root(ada, store, "landing", "s3a://acme-lake/in/", may_write=True)
    for person, uri, may in ((ana, "landing:2013", True), (ana, "archive:2013", False), (vic, "landing:2013", False)):
        client.force_login(person)
        page = client.get("/p/flights/data/dev/browse", {"uri": uri}).content.decode()
        assert ('"folder": "landing:2013"' in page) == may, (person, uri)
