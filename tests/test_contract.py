"""The table of events in docs/contract.md is the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("events_page", ROOT / "docs" / "events.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_table_of_events_is_fresh(page: ModuleType) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.drawn(text) == text, "docs/contract.md is stale: run `python docs/events.py`"
