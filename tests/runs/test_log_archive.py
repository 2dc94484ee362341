"""Logs of runs that ended long ago lie in the object store, and are read as before."""

from __future__ import annotations

import json

import pytest

from portal.runs import log_archive, log_lines, log_text
from portal.runs.models import LogSegment
from tests import factories

pytestmark = pytest.mark.django_db

SEGMENTS, LINES = 30, 200


@pytest.fixture
def objects(settings, tmp_path):
    settings.OBJECT_STORE = str(tmp_path / "objects")
    return tmp_path / "objects"


@pytest.fixture
def ended(version, dev, objects):
    """A run that failed long ago, its log in the database."""
    run = factories.make_run(version, dev, "failed", minutes_ago=9 * 24 * 60, fence=2, log_lines=SEGMENTS * LINES)
    for number in range(SEGMENTS):
        first = number * LINES + 1
        LogSegment.objects.create(
            run=run,
            attempt_number=1 if number < 10 else 2,
            first_seq=first,
            last_seq=first + LINES - 1,
            lines="".join(_line(seq) for seq in range(first, first + LINES)),
        )
    run.refresh_from_db()
    return run


def _line(seq: int) -> str:
    facts = {"seq": seq, "event": "log", "level": "error" if seq in (700, 5_000) else "info", "message": f"„Zeile“ {seq} CANARY"}
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n"


def _all(run, **how):
    return [(line.seq, line.text) for batch in log_lines.all_lines(run.pk, **how) for line in batch]


def test_a_log_is_the_same_before_and_after_it_has_moved(ended, objects):
    ways = ({"with_data": True}, {"with_data": False}, {"with_data": True, "first": 1_999, "last": 2_203})
    before = [_all(ended, **how) for how in ways]
    failed_at = log_lines.line_of_failure(ended)
    assert log_archive.move_old() == 1
    assert not LogSegment.objects.filter(run=ended).exclude(lines="").exists()
    assert LogSegment.objects.filter(run=ended).count() < SEGMENTS
    ended.refresh_from_db()
    assert [_all(ended, **how) for how in ways] == before
    assert log_lines.line_of_failure(ended) == failed_at == 5_000
    assert "CANARY" not in str(before[1])
    assert log_archive.move_old() == 0


def test_what_works_or_has_just_ended_stays(version, dev, objects):
    for state, minutes in (("running", 9 * 24 * 60), ("failed", 10)):
        run = factories.make_run(version, dev, state, minutes_ago=minutes, fence=1, log_lines=1)
        LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=1, lines=_line(1))
    assert log_archive.move_old() == 0
    assert LogSegment.objects.exclude(lines="").count() == 2


def test_nothing_is_lost_when_the_store_is_away_while_a_log_moves(ended, objects, settings, monkeypatch):
    before = _all(ended, with_data=True)
    monkeypatch.setattr(log_archive, "PIECE", 50_000)
    put, seen = log_archive.storage.put, []

    def put_twice(*what):
        seen.append(what)
        if len(seen) > 2:
            raise log_archive.storage.StoreDown("away")
        put(*what)

    monkeypatch.setattr(log_archive.storage, "put", put_twice)
    assert log_archive.move_old() == 0
    assert _all(ended, with_data=True) == before
    monkeypatch.setattr(log_archive.storage, "put", put)
    assert log_archive.move_old() == 1
    assert _all(ended, with_data=True) == before


def test_two_that_move_the_same_log_leave_it_once(ended, objects, monkeypatch):
    before = _all(ended, with_data=True)
    exchange = log_archive._exchange

    def exchange_late(piece, sha256):
        exchange(piece, sha256)
        exchange(piece, sha256)  # the other one read the same rows before

    monkeypatch.setattr(log_archive, "_exchange", exchange_late)
    log_archive.move(ended.pk)
    assert _all(ended, with_data=True) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streams_leave_no_connection")
@pytest.mark.parametrize(("fault", "status", "words"), [("damaged", 500, "as they were written"), ("away", 503, "does not answer")])
def test_what_the_store_does_not_give_is_told_with_its_lines(ended, objects, browser_of, ana, monkeypatch, fault, status, words):
    log_archive.move_old()
    browser, address = browser_of(ana), f"/p/flights/runs/{ended.pk}/"
    page = browser.get(address).content.decode()
    if fault == "damaged":
        for file in [path for path in objects.rglob("*") if path.is_file()]:
            file.write_bytes(b"another")
    else:
        monkeypatch.setattr(log_archive.storage.FolderStore, "read", _away)
    answer = browser.get(address + "log?from=1&to=300", headers={"Accept": "application/json"})
    assert answer.status_code == status and words in answer.content.decode()
    with pytest.raises((log_text.LogAway, log_text.LogDamaged), match="lines 1 to"):
        _all(ended, with_data=True)
    assert browser.get(address).content.decode().count("Log line 5000") == page.count("Log line 5000")


def _away(*_):
    raise log_archive.storage.StoreDown("gone")
