"""Programs that look at files, as the preview service starts them: a process of their own, behind the wall where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections

from portal.runs import file_programs
from portal.runs.file_programs import OF_ONE_PERSON, FilePrograms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _threads_leave_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here every request has an event loop, and so threads, of its own."""
    monkeypatch.setattr(file_programs, "close_old_connections", connections.close_all)


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


def test_only_these_programs_are_started_and_a_person_has_a_share(dev: Any, ana: Any, lake: Path) -> None:
    programs = FilePrograms()
    with pytest.raises(ValueError, match="no program"):
        answers(programs, what="run", user=ana.pk, environment=dev.pk, values={"uri": "x"})
    programs._people[ana.pk] = OF_ONE_PERSON + 1
    (busy,) = answers(programs, what="look", user=ana.pk, environment=dev.pk, values={"uri": "raw/own.csv"})
    assert busy["problem"]["code"] == "look-busy"
