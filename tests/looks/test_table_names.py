"""One thing, one name: the page of a table, its rows, the API and the job made of it call each column the same."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from executor.look.stages import Choices
from portal.data.listing import find_table
from portal.data.models import TableFacts
from portal.looks import asking
from portal.looks.new_job import stages_for

pytestmark = pytest.mark.django_db
PAGE = "/p/flights/data/dev/"
API = "/api/v1/projects/flights/environments/dev/files/"
NAMES = ["city", "name", "amount", "day", "column_5", "name_2"]
TYPES = ["text", "text", "decimal", "date", "whole number", "text"]


@pytest.fixture
def sent(lake: Path, monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is asked of a warm session, which answers with the names that the file's reader has; raw/own.csv is there."""
    lines = "".join(f"Bern,Ann,{n}.5,2024-01-{n:02},{n},x\n" for n in range(1, 20))
    (lake / "raw" / "own.csv").write_text(f"city,name,amount,day,,name\n{lines}")
    found: list[dict[str, Any]] = []
    look = asking.preview_client.request

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if "message" not in message or message["message"].get("request") != "preview":
            async for event in look(message):
                yield event
            return
        found.append(message["message"])
        columns = [{"name": name, "type": "string", "nullable": True} for name in ("city", "name1", "amount", "day", "_c4", "name5")]
        yield {
            "event": "rows", "stage": "table", "view": "table", "columns": columns, "rows": [], "complete": True, "total_rows": 19,
            "input": "sample", "duration_ms": 1, "last": True,
        }  # fmt: skip

    monkeypatch.setattr(asking.preview_client, "request", request)
    return found


def columns_on(browser: Any) -> list[tuple[str, str]]:
    page = browser.get(PAGE + "table", {"uri": "raw/own.csv"}).content.decode()
    return re.findall(r'<li><span class="mono">([^<]*)</span> <span class="mut">([^<]*)</span></li>', page)


def test_rows_come_under_the_names_of_the_look_and_leave_its_columns_as_they_are(ana, dev, browser_of, sent):
    browser = browser_of(ana)
    answer = browser.post(PAGE + "rows?uri=raw/own.csv", "{}", content_type="application/json")
    assert answer.status_code == 200 and '"rows"' in async_to_sync(whole)(answer)
    assert sent[0]["names"] == NAMES
    assert columns_on(browser) == list(zip(NAMES, TYPES, strict=True))
    assert find_table(dev, "raw/own.csv").rows == 19
    proposal = async_to_sync(asking.look)(ana, dev, "raw/own.csv", {})
    typed = next(stage for stage in stages_for(proposal, "raw/own.csv", Choices(name="own")) if stage["type"] == "TypingTransform")
    assert [column["name"] for column in typed["schema"]] == NAMES


def test_the_api_asks_for_the_same_names(ana, dev, program_of, sent):
    assert program_of(ana, "read").post(API + "rows", {"uri": "raw/own.csv"}, format="json").status_code == 200
    assert sent[0]["names"] == NAMES
    assert [column["name"] for column in TableFacts.objects.get().columns] == NAMES


def test_json_is_read_under_its_own_names(ana, dev, browser_of, lake, sent):
    """The look may unfold it: its columns are others then than those of the stage that reads."""
    (lake / "raw" / "own.json").write_text('{"a": 1, "b": [1]}\n')
    async_to_sync(whole)(browser_of(ana).post(PAGE + "rows?uri=raw/own.json", "{}", content_type="application/json"))
    assert "names" not in sent[0]


async def whole(answer: Any) -> str:
    return b"".join([part async for part in answer.streaming_content]).decode()
