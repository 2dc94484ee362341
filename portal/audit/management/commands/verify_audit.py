"""`manage.py verify_audit`: is the audit as it was written? Exit code 0 when it is, 1 when not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.audit import chain


class Command(BaseCommand):
    help = "Reads the whole audit chain and says the first event that was changed, or where one is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            type=Path,
            help="A file kept elsewhere: its noted hashes must still be in the chain; the present one is added. Finds a cut-off end too.",
        )

    def handle(self, *args: Any, heads: Path | None = None, **options: Any) -> None:
        verdict = chain.verify()
        if verdict.broken_seq is not None:
            raise CommandError(f"The audit is broken at event {verdict.broken_seq}: {verdict.why}.")
        if heads is not None:
            self._compare(heads, verdict)
        self.stdout.write(f"The audit is whole: {verdict.count} events, last hash {verdict.head}.")

    def _compare(self, path: Path, verdict: chain.Verdict) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        lost = chain.lost_heads(line.split()[-1] for line in lines if line.strip())
        if lost:
            raise CommandError(f"The audit is broken: the hash {lost[0]}, noted earlier in {path}, is no longer in it.")
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{timezone.now():%Y-%m-%dT%H:%M:%SZ} {verdict.count} {verdict.head}\n")
