"""What lies in a root that is only read is shown, and nothing is offered that would be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.data import seen
from portal.environments import connections
from portal.environments.models import Environment
from portal.runs import preview_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive(ada: User, dev: Environment, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, lake: Path) -> Any:
    """Makes the root in a folder. The program that looks into it is not started here: what it says is."""

    async def answer(what: str, **_: Any) -> dict[str, Any]:
        return {"event": preview_client.ANSWERS[what], "files": [["flights.csv", 4, 1e9]], "outputs": [], "logs": []}

    monkeypatch.setattr(seen, "SECONDS", 0.0)
    monkeypatch.setattr(preview_client, "answer_over_files", answer)
    folder = tmp_path.resolve() / "data" / "archive"
    folder.mkdir(parents=True)
    for one in (folder.parent, folder):
        one.chmod(0o777)
    settings.ROOT_FOLDERS = [str(folder.parent)]

    def made(may_write: bool) -> None:
        root = {"environment": dev, "name": "archive", "connection": "", "address": str(folder), "may_write": may_write}
        connections.add_root(actor=ada, **root)

    return made


@pytest.mark.parametrize("may_write", [True, False])
def test_buttons_follow_the_root(ana: User, archive: Any, browser_of: Any, may_write: bool) -> None:
    archive(may_write)
    page = browser_of(ana).get("/p/flights/data/dev/table?uri=archive:flights.csv").content.decode()
    assert "archive:flights.csv" in page
    for offered in ("data-upload-over", "delete-table", "uploads-config"):
        assert (offered in page) is may_write, offered
    assert "/p/flights/data/dev/browse?uri=archive%3A" in page  # the way back leads to its root
    assert ("rename-table" in page) is may_write


def test_its_tables_are_not_changed_either(ana: User, archive: Any, browser_of: Any, program_of: Any) -> None:
    archive(False)
    page = browser_of(ana).get("/p/flights/data/dev/versions/clean-up?uri=archive:table")
    body = {"uri": "archive:table", "version": 1}
    answer = program_of(ana).post("/api/v1/projects/flights/environments/dev/table/put-back", body, format="json")
    assert (page.status_code, answer.status_code) == (422, 422) and answer.json()["code"] == "root-read-only"
