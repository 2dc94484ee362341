"""`manage.py vault_keys`: the keys of stored secrets, all of it while Sluice runs. See docs/decisions/vault-keys.md."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.audit.actions import record
from portal.environments import resealing
from portal.environments.keys import KeyFailed, file, key_of

KEPT_SECONDS = 600
"""An older key stays at least so long after a change of the file: somebody may have begun to seal with it a moment before."""
OF_A_SETTING = (
    "The key is the setting SLUICE_VAULT_KEY. Add the new one to SLUICE_VAULT_OLD_KEYS of every program and start them again, "
    "then make it SLUICE_VAULT_KEY and put the one before into SLUICE_VAULT_OLD_KEYS; then `manage.py vault_keys reseal`."
)


class Command(BaseCommand):
    help = "Says which key has sealed how many secrets; gives a new key; seals everything with it; forgets keys that seal nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action",
            nargs="?",
            default="status",
            choices=["status", "new", "reseal", "forget"],
            help="new: another key seals from now on, and everything is sealed anew; reseal: only the latter, also to go on with it; "
            "forget: takes keys out of the file that have sealed nothing that is kept",
        )
        parser.add_argument("--kms", metavar="ARN", help="new: this key in AWS KMS instead of random signs in the file")

    def handle(self, *args: Any, action: str, kms: str | None = None, **options: Any) -> None:
        try:
            if action == "new":
                self._new(f"kms:{kms}" if kms else file.new_key())
            if action in ("new", "reseal"):
                self._reseal()
            if action == "forget":
                self._forget()
            self._status()
        except KeyFailed as why:
            raise CommandError(" ".join(filter(None, [why.message, why.fix]))) from None

    def _new(self, text: str) -> None:
        self._require_a_file()
        key = key_of(text)
        data_key, wrapped = key.new_data_key("a trial")
        if key.unwrapped(wrapped, "a trial") != data_key:
            raise CommandError("The key does not open what it has sealed; nothing was changed.")
        file.add(settings.VAULT_KEYS_FILE, text)
        record(action="add_vault_key", actor=None, actor_name="operator", key=key.id)
        self.stdout.write(f"The key {key.id} seals from now on. Back up {settings.VAULT_KEYS_FILE}: without it no secret opens.")

    def _reseal(self) -> None:
        done = resealing.Progress()
        for done in resealing.reseal():
            self.stdout.write(f"{done.resealed} sealed anew, {resealing.left()} left")
        if done.resealed:
            record(action="reseal_secrets", actor=None, actor_name="operator", resealed=done.resealed, failed=len(done.failed))
        if done.failed:
            raise CommandError("\n".join(["These do not open and stay as they are; put their key back, or set them again:", *done.failed]))

    def _forget(self) -> None:
        self._require_a_file()
        if time.time() - settings.VAULT_KEYS_FILE.stat().st_mtime < KEPT_SECONDS:
            raise CommandError(f"The file of keys was changed less than {KEPT_SECONDS // 60} minutes ago; try again then.")
        idle = {use.id for use in resealing.by_key() if not use.is_active and not use.sealed}
        file.take_out(settings.VAULT_KEYS_FILE, idle)
        record(action="forget_vault_keys", actor=None, actor_name="operator", keys=sorted(idle))
        self.stdout.write(f"Forgotten: {', '.join(sorted(idle)) or 'none'}")

    def _status(self) -> None:
        for use in resealing.by_key():
            state = "seals now" if use.is_active else "not here" if use.is_lost else "opens still"
            self.stdout.write(f"{use.id}  {state:11}  {use.sealed:5} secrets  {use.title}  {use.weakness}".rstrip())
        for whose in resealing.lost():
            self.stdout.write(f"does not open: {whose}")

    def _require_a_file(self) -> None:
        if settings.VAULT_KEY:
            raise CommandError(OF_A_SETTING)
