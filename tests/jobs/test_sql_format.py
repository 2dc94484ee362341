"""Laying out SQL keeps no web process busy, whatever is given."""

from __future__ import annotations

import time
from typing import Any

import pytest

from portal.errors import PortalError
from portal.jobs import sql_format


def test_what_is_nested_too_deeply_is_refused_at_once() -> None:
    begun = time.process_time()
    for sql in ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT cast(1 AS " + "ARRAY<" * 5000 + "INT" + ">" * 5000 + ")"):
        with pytest.raises(PortalError) as told:
            sql_format.formatted(sql)
        assert told.value.code == "sql-too-deep"
    assert time.process_time() - begun < 2


def test_what_takes_too_long_is_ended_and_said(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PARSE_SECONDS = 1
    monkeypatch.setattr(sql_format, "PROGRAM", ["-c", "while True: pass"])
    with pytest.raises(PortalError) as told:
        sql_format.formatted("SELECT 1")
    assert "took too long" in str(told.value.fix)


def test_comments_and_parameters_stay() -> None:
    assert sql_format.formatted("select ${a} /* why */ from t") == "SELECT\n  ${a} /* why */\nFROM t"
