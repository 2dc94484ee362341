"""A lake with two tables, and what the preview service is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portal.environments.models import Environment

ROWS = {
    "event": "rows", "stage_index": 1, "stage": "query", "view": "query_result", "rows": [[1]], "complete": True, "input": "full",
    "columns": [{"name": "n", "type": "int", "nullable": True}], "duration_ms": 1, "total_rows": 1, "cut_cells": 0, "last": True,
}  # fmt: skip


@pytest.fixture
def lake(settings: Any, tmp_path: Path, dev: Environment, test_env: Environment) -> Path:
    """The folder of dev, with Parquet in curated/daily_delays; the same lies in test."""
    import pyarrow as pa
    import pyarrow.parquet

    settings.LAKE_DIR = tmp_path / "lake"
    for name in ("dev", "test"):
        folder = settings.LAKE_DIR / "flights" / name / "curated" / "daily_delays"
        folder.mkdir(parents=True)
        pyarrow.parquet.write_table(pa.table({"day": ["2013-01-01"], "n": [1]}), folder / "part-0.parquet")
    return tmp_path / "lake" / "flights" / "dev"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, lake: Path) -> list[dict[str, Any]]:
    """What the preview service was asked; `service.events` are what it answers."""
    from portal.runs import preview_client

    asked = _Asked()

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        asked.append(message)
        for event in asked.events:
            yield event

    monkeypatch.setattr(preview_client, "request", request)
    return asked


class _Asked(list[dict[str, Any]]):
    events: list[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.events = [ROWS]
