from __future__ import annotations

import hashlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.audit import actions as audit
from portal.audit import chain, guards
from portal.audit.models import AuditEvent, Refused

pytestmark = pytest.mark.django_db


def write_some(count, ana=None):
    for number in range(count):
        audit.record(
            action="start_run", actor=ana, number=number, share=number / 3, whole=2.0, name="Å\x00\ud800’", nested={"a": [1, None, True]}
        )


LIFTED = {
    "sqlite": ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"],
    "postgresql": ["SET CONSTRAINTS ALL IMMEDIATE", "ALTER TABLE audit_auditevent DISABLE TRIGGER USER"],
}


def as_owner_of_the_database(statement, *values):
    """What somebody can do who owns the database: lift the triggers first. The test's transaction is rolled back afterwards."""
    with connection.cursor() as cursor:
        for lift in LIFTED[connection.vendor]:
            cursor.execute(lift)
        cursor.execute(statement, values)


def tamper(seq, **changes):
    columns = ", ".join(f"{name} = %s" for name in changes)
    as_owner_of_the_database(f"UPDATE {guards.TABLE} SET {columns} WHERE seq = %s", *changes.values(), seq)


def test_a_whole_chain_is_whole(ana):
    write_some(20, ana)
    verdict = chain.verify()
    assert verdict.broken_seq is None
    assert verdict.count == 20
    assert verdict.head == AuditEvent.objects.order_by("-seq").first().hash


def test_each_event_names_the_one_before(ana):
    write_some(3, ana)
    first, second, third = AuditEvent.objects.order_by("seq")
    assert (first.prev_hash, second.prev_hash, third.prev_hash) == ("0" * 64, first.hash, second.hash)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "view"),
        ("actor_name", "pat"),
        ("details", '{"number": 7}'),
        ("result", "refused"),
        ("at", "2020-01-01 00:00:00"),
        ("ip", "10.0.0.1"),
    ],
)
def test_a_changed_event_is_found(ana, column, value):
    write_some(10, ana)
    victim = AuditEvent.objects.order_by("seq")[4]
    tamper(victim.seq, **{column: value})
    assert chain.verify().broken_seq == victim.seq


def test_an_event_changed_together_with_its_hash_is_found_at_the_next_one(ana):
    write_some(10, ana)
    victim, following = AuditEvent.objects.order_by("seq")[4:6]
    victim.action = "view"
    tamper(victim.seq, action="view", hash=chain.hash_of(victim))
    assert chain.verify().broken_seq == following.seq


def test_any_one_of_two_hundred_changed_events_is_found():
    events, head = [], chain.FIRST_HASH
    for seq in range(1, 201):
        event = AuditEvent(
            seq=seq, at=timezone.now(), actor_name="system", action="start_run", result="done", details={"n": seq}, prev_hash=head
        )
        head = event.hash = chain.hash_of(event)
        events.append(event)
    assert chain.verify(events).broken_seq is None
    for event in events:
        event.details = {"n": -event.seq}
        assert chain.verify(events).broken_seq == event.seq
        event.details = {"n": event.seq}


def test_a_removed_event_is_found(ana):
    write_some(5, ana)
    victim, following = AuditEvent.objects.order_by("seq")[2:4]
    as_owner_of_the_database(f"DELETE FROM {guards.TABLE} WHERE seq = %s", victim.seq)
    assert chain.verify().broken_seq == following.seq


@pytest.mark.parametrize("statement", ["UPDATE audit_auditevent SET action = 'x'", "DELETE FROM audit_auditevent"])
def test_the_database_refuses_to_change_or_delete(ana, statement):
    write_some(2, ana)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert chain.verify().count == 2


def test_the_model_refuses_to_change_or_delete(ana):
    write_some(1, ana)
    event = AuditEvent.objects.get()
    for attempt in (event.save, event.delete, AuditEvent.objects.all().delete, lambda: AuditEvent.objects.update(action="x")):
        with pytest.raises(Refused):
            attempt()


def test_the_event_rolls_back_with_the_action(ana):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(action="start_run", actor=ana)
        _ = 1 / 0
    assert not AuditEvent.objects.exists()


def test_verify_audit_says_that_all_is_well(ana):
    write_some(3, ana)
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "whole: 3 events" in said.getvalue()


def test_verify_audit_names_the_first_broken_event(ana):
    write_some(6, ana)
    victim = AuditEvent.objects.order_by("seq")[2]
    tamper(victim.seq, action="view")
    with pytest.raises(CommandError, match=f"event {victim.seq}"):
        call_command("verify_audit", stdout=StringIO())


def test_noted_heads_find_a_chain_that_was_written_anew(ana, tmp_path):
    write_some(2, ana)
    heads = tmp_path / "heads.txt"
    call_command("verify_audit", heads=heads, stdout=StringIO())
    call_command("verify_audit", heads=heads, stdout=StringIO())
    assert len(heads.read_text().splitlines()) == 2
    other = hashlib.sha256(b"gone").hexdigest()
    heads.write_text(f"2026-01-01T00:00:00Z 2 {other}\n")
    with pytest.raises(CommandError, match="noted earlier"):
        call_command("verify_audit", heads=heads, stdout=StringIO())


def test_an_event_tells_where_the_request_came_from(ana):
    audit.origin.set(audit.Origin(ip="::ffff:10.1.2.3", request_id="r-1"))
    audit.from_token("slc_abc")
    event = audit.record(action="start_run", actor=ana)
    event.refresh_from_db()
    assert (event.ip, event.request_id, event.token_prefix) == ("10.1.2.3", "r-1", "slc_abc")
    assert chain.verify().broken_seq is None
    audit.origin.set(audit.Origin())
