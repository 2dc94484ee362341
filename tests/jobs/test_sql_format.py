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
    assert sql_format.formatted("select ${a} /* why */ from t -- all\n\nwhere b in (1,2, 3)") == (
        "SELECT ${a} /* why */\nFROM t -- all\nWHERE b IN (1, 2, 3)"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select a div b, x::int, date_diff(a, b), a <=> b, r'\\d+', approx_percentile(a, 0.5) from t",
        "select 'a  b;  c' as `my   col`, \"x  in (1,  2)\" from t /* two\n\n  lines */",
        "select t.left, start, end, order_date, `case` from t lateral view explode(a) e as v",
        "select 'it\\'s', 'x' 'y', 1.5e3, a--1\n, m['k'][0], x -> x+1 from t",
    ],
)
def test_no_word_is_another_afterwards(sql: str) -> None:
    """A function of another name, or a column in capitals, would be another column of the result."""
    done = sql_format.formatted(sql)
    assert "".join(done.split()).replace("SELECT", "select").replace("FROM", "from").replace("AS", "as") == "".join(sql.split())
    assert sql_format.formatted(done) == done
