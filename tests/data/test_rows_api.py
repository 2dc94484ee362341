"""Rows of data by API: who may, what is asked for, and what a file brings along."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.runs import preview_client

pytestmark = pytest.mark.django_db(transaction=True)
FILES = "/api/v1/projects/flights/environments/{}/files/"
DEV = FILES.format("dev")
ROWS = {
    "event": "rows", "stage": "table", "view": "table", "columns": [{"name": "n", "type": "string", "nullable": True}], "rows": [["1"]],
    "complete": True, "input": "sample", "duration_ms": 1, "last": True,
}  # fmt: skip
FILE = [
    {"event": "piece", "data": base64.b64encode(b"n\n1\n").decode()},
    {"event": "exported", "rows": 1, "complete": False, "bytes": 4, "notes": [], "last": True},
]
Programs = Callable[..., Any]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, lake: Path) -> list[dict[str, Any]]:
    """What the preview service is asked to show or write; raw/a.csv is there."""
    (lake / "raw").mkdir()
    (lake / "raw" / "a.csv").write_bytes(b"n\n1\n")
    found: list[dict[str, Any]] = []

    async def answer(message: dict[str, Any]) -> Any:
        if message["do"] == "files":  # a look: this one cannot be had, so that the name alone tells the reader
            yield {"event": "problem", "problem": {"message": "no", "code": "x"}, "last": True}
            return
        found.append(message["message"])
        for event in FILE if message["message"]["request"] == "export" else [ROWS]:
            yield event

    monkeypatch.setattr(preview_client, "request", answer)
    return found


def test_rows_and_files_of_rows(program_of: Programs, ana: User, dev: Environment, asked: list[dict[str, Any]]) -> None:
    program = program_of(ana, "read")
    rows = program.post(DEV + "rows", {"uri": "raw/a.csv", "rows": 7}, format="json")
    assert (rows.status_code, rows.json()["rows"], rows.json()["complete"]) == (200, [["1"]], True)
    assert (asked[0]["rows"], asked[0]["input"], asked[0]["document"]["stages"][0]["inputURI"]) == (7, "sample", "raw/a.csv")
    for form, ending in (("csv", "csv"), ("csv-excel", "csv"), ("xlsx", "xlsx"), ("parquet", "parquet")):
        answer = program.post(DEV + "download", {"uri": "raw/a.csv", "form": form}, format="json")
        assert (answer.status_code, read(answer)) == (200, b"n\n1\n")
        assert answer["Content-Disposition"] == f"attachment; filename*=UTF-8''a_first_1_rows.{ending}", "the file says that there are more"
        assert (answer["X-Sluice-Rows"], answer["X-Sluice-Complete"]) == ("1", "no")
        assert (asked[-1]["request"], asked[-1]["form"], asked[-1]["input"]) == ("export", form.removesuffix("-excel"), "full")
    noted = AuditEvent.objects.filter(action="download_data", actor=ana, result="done")
    assert {(event.details["form"], event.details["uri"], event.details["rows"]) for event in noted} == {
        (form, "raw/a.csv", 1) for form in ("csv", "csv-excel", "xlsx", "parquet")
    }


def read(answer: Any) -> bytes:
    async def all_of() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    return async_to_sync(all_of)()


def test_without_the_right_to_see_data_there_is_nothing(
    program_of: Programs, vic: User, ana: User, outsider: User, test_env: Environment, asked: list[dict[str, Any]]
) -> None:
    """Ana is author in dev; in test she sees what there is, and no data."""
    for person, place in ((vic, "dev"), (outsider, "dev"), (ana, "test")):
        for door, more in (("rows", {}), ("download", {"form": "csv"})):
            answer = program_of(person, "read", "write").post(FILES.format(place) + door, {"uri": "raw/a.csv", **more}, format="json")
            assert answer.status_code == 404
    assert asked == [] and not AuditEvent.objects.filter(action="download_data", result="done").exists()


@pytest.mark.parametrize(("body", "status"), [
    ({"uri": "raw/none.csv"}, 404), ({"uri": "../../other/dev/raw/a.csv"}, 422), ({"uri": ".sluice-staging/x"}, 404), ({"uri": ""}, 422),
    ({"uri": "raw/a.csv", "form": "exe"}, 422), ({"uri": "raw/a.csv", "rows": 100_000}, 422), ({"uri": "raw/a.csv\x00"}, 400), ({}, 422),
])  # fmt: skip
def test_what_is_not_right_is_refused(
    program_of: Programs, ana: User, dev: Environment, asked: list[dict[str, Any]], body: Any, status: int
) -> None:
    door = "rows" if "rows" in body else "download"
    assert program_of(ana, "read").post(DEV + door, body, format="json").status_code == status
    assert asked == []
