"""The audit as a file: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from portal.audit.models import AuditEvent

FIELDS = [
    "seq",
    "at",
    "actor_name",
    "token_prefix",
    "ip",
    "request_id",
    "action",
    "result",
    "project",
    "environment",
    "subject_type",
    "subject_id",
    "subject_label",
    "details",
    "prev_hash",
    "hash",
]
DANGEROUS_FIRST = ("=", "+", "-", "@", "\t", "\r")


def as_dict(event: AuditEvent) -> dict[str, object]:
    """Everything the hash is made of, so that an export can be checked without Sluice."""
    return {name: getattr(event, name) for name in FIELDS} | {"at": event.at.isoformat(), "actor": event.actor_id}


def as_csv(events: Iterable[AuditEvent]) -> str:
    """A spreadsheet must not run what somebody typed: cells that begin like a formula get a quote in front."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(FIELDS)
    for event in events:
        values = as_dict(event) | {"details": json.dumps(event.details, ensure_ascii=False)}
        writer.writerow([_harmless(values[name]) for name in FIELDS])
    return stream.getvalue()


def as_json_lines(events: Iterable[AuditEvent]) -> str:
    return "".join(json.dumps(as_dict(event), ensure_ascii=False) + "\n" for event in events)


def _harmless(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS_FIRST) else text
