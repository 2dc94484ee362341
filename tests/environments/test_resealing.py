"""Another key for stored secrets while Sluice works: each opens at every moment, and nobody's change is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from portal.accounts.models import User
from portal.alerts import actions as alerts
from portal.alerts import delivery
from portal.audit.models import AuditEvent
from portal.environments import resealing, sealing, secrets, vault
from portal.environments.keys import file, ring
from portal.environments.management.commands import vault_keys
from portal.environments.models import ConnectionSecret, Environment, Secret
from tests.environments.connected import KEYS, make_s3

pytestmark = pytest.mark.django_db
VALUES = {"one": "the first secret", "two": "the second secret", "three": "the third secret"}


@pytest.fixture(autouse=True)
def keys_file(settings: Any, tmp_path: Path) -> Path:
    """A ring of its own for each test, with one key."""
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS, settings.VAULT_KEYS_FILE = "", [], tmp_path / "vault"
    (tmp_path / "vault").write_text(file.new_key())
    return tmp_path / "vault"


@pytest.fixture
def stored(ada: User, olu: User, prod: Environment) -> Callable[[], dict[str, str]]:
    """Every kind of secret there is; gives all of them, opened."""
    for name, value in VALUES.items():
        secrets.set_secret(actor=ada, environment=prod, name=name, value=value)
    made = make_s3(ada, prod)
    channel, key = alerts.create_channel(actor=olu, project=prod.project, name="ops", kind="webhook", target="https://93.184.216.34/x")
    assert key and secrets.values_of(prod, VALUES) == VALUES

    def opened() -> dict[str, str]:
        channel.refresh_from_db()
        values = {**secrets.values_of(prod, VALUES), **sealing.opened(made, used_by="a test"), "ops": delivery.open_secret(channel)}
        assert values == VALUES | KEYS | {"ops": key}
        return values

    return opened


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("vault_keys", *arguments, stdout=said)
    return said.getvalue()


def sealed_by() -> dict[str, int]:
    return {use.id: use.sealed for use in resealing.by_key()}


def long_ago(path: Path) -> None:
    os.utime(path, (0, 0))


def test_every_column_that_holds_sealed_text_is_known(stored: Any) -> None:
    """A new one that nobody told of would stay with the old key, and be lost when that is forgotten."""
    found = set()
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            for field in model._meta.concrete_fields:
                cursor.execute(f'SELECT "{field.column}" FROM "{model._meta.db_table}"')
                if any(isinstance(value, str) and value.startswith(("v1.", "v2.")) for (value,) in cursor.fetchall()):
                    found.add((model, field.name))
    assert found == {(place.model, place.column) for place in resealing.PLACES}


def test_nobody_else_seals() -> None:
    """Who begins to seal in another column adds it to resealing.PLACES, and to `stored` above."""
    sealing_files = {str(path) for path in Path("portal").rglob("*.py") if "vault.seal(" in path.read_text("utf-8")}
    kept = {"portal/environments/secrets.py", "portal/environments/sealing.py", "portal/alerts/delivery.py"}
    assert sealing_files == kept | {"portal/environments/resealing.py"}


def test_a_new_key_seals_everything_and_the_old_one_can_go(stored: Any, keys_file: Path) -> None:
    old = ring().active.id
    said = command("new")
    new = ring().active.id
    assert new != old and sealed_by() == {new: 5, old: 0} and "5 sealed anew, 0 left" in said
    stored()
    with pytest.raises(CommandError, match="10 minutes"):
        command("forget")
    long_ago(keys_file)
    assert f"Forgotten: {old}" in command("forget")
    assert sealed_by() == {new: 5} and keys_file.stat().st_mode & 0o777 == 0o600
    stored()
    told = [(event.action, event.actor_name) for event in AuditEvent.objects.order_by("-seq")[:3]]
    assert told == [("forget_vault_keys", "operator"), ("reseal_secrets", "operator"), ("add_vault_key", "operator")]
    assert not any(keys_file.read_text().strip() in str(vars(event)) for event in AuditEvent.objects.all())


def test_a_key_that_still_seals_something_is_not_forgotten(stored: Any, keys_file: Path) -> None:
    file.add(keys_file, file.new_key())
    long_ago(keys_file)
    assert "Forgotten: none" in command("forget") and len(keys_file.read_text().split()) == 2
    stored()


def test_it_goes_on_where_it_was_ended(stored: Any, keys_file: Path, monkeypatch: Any) -> None:
    """Whoever is killed has replaced some and not the others: each opens."""
    file.add(keys_file, file.new_key())
    seal, calls = vault.seal, []

    def ends(text: str, *, context: str) -> str:
        calls.append(context)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return seal(text, context=context)

    monkeypatch.setattr(vault, "seal", ends)
    with pytest.raises(KeyboardInterrupt):
        command("reseal")
    monkeypatch.setattr(vault, "seal", seal)
    assert resealing.left() == 3
    stored()
    assert "3 sealed anew, 0 left" in command("reseal") and "sealed anew" not in command("reseal")
    stored()


def test_between_two_batches_everything_opens(stored: Any, keys_file: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(resealing, "BATCH", 1)
    file.add(keys_file, file.new_key())
    numbers = []
    for done in resealing.reseal():
        stored()
        numbers.append((done.resealed, resealing.left()))
    assert numbers == [(1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]


def test_who_sets_a_secret_at_the_same_moment_wins(stored: Any, keys_file: Path, ada: User, prod: Environment, monkeypatch: Any) -> None:
    file.add(keys_file, file.new_key())
    unseal, done = vault.unseal, []

    def meanwhile(sealed: str, *, context: str) -> str:
        text = unseal(sealed, context=context)
        if not done and context.endswith("/one"):
            done.append(secrets.set_secret(actor=ada, environment=prod, name="one", value="set meanwhile"))
        return text

    monkeypatch.setattr(vault, "unseal", meanwhile)
    command("reseal")
    assert done and secrets.values_of(prod, ["one"]) == {"one": "set meanwhile"} and resealing.left() == 0


def test_a_version_that_was_wiped_meanwhile_does_not_come_back(stored: Any, keys_file: Path, monkeypatch: Any) -> None:
    file.add(keys_file, file.new_key())
    unseal = vault.unseal

    def meanwhile(sealed: str, *, context: str) -> str:
        text = unseal(sealed, context=context)
        ConnectionSecret.objects.update(sealed="")
        return text

    monkeypatch.setattr(vault, "unseal", meanwhile)
    command("reseal")
    assert ConnectionSecret.objects.get().sealed == ""


def test_what_does_not_open_is_told_and_left_as_it_is(stored: Any, keys_file: Path, ada: User, browser_of: Any) -> None:
    before = keys_file.read_text()
    Secret.objects.filter(name="two").update(sealed=Secret.objects.get(name="one").sealed)
    keys_file.write_text(f"{file.new_key()}\n{before}")
    with pytest.raises(CommandError, match=r"secret two of flights prod: .*does not belong") as refused:
        command("reseal")
    assert "secret one" not in str(refused.value) and resealing.left() == 1
    keys_file.write_text(file.new_key())
    said = command()
    assert said.count("does not open:") == 5 and "does not open: key of the webhook ops in flights" in said
    assert "with which 5 of the stored secrets were sealed: put it back" in resealing.problem()
    page = browser_of(ada).get("/settings/system").content.decode()
    assert "5 of the stored secrets" in page and "not here" in page and ring().active.id in page
    with pytest.raises(CommandError, match="which is not here"):
        command("reseal")


def test_without_any_key_the_page_says_so(stored: Any, keys_file: Path, ada: User, browser_of: Any) -> None:
    keys_file.unlink()
    page = browser_of(ada).get("/settings/system")
    assert page.status_code == 200 and "cannot be read" in page.content.decode()
    with pytest.raises(CommandError, match="cannot be read"):
        command()


def test_a_key_that_is_a_setting_is_changed_there(stored: Any, settings: Any, keys_file: Path) -> None:
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = file.new_key(), [keys_file.read_text()]
    for action in ("new", "forget"):
        with pytest.raises(CommandError, match="SLUICE_VAULT_KEY"):
            command(action)
    assert "5 sealed anew, 0 left" in command("reseal")
    settings.VAULT_OLD_KEYS = []
    stored()


def test_the_file_is_whole_at_every_moment(keys_file: Path, monkeypatch: Any) -> None:
    """A change that is ended in its middle leaves the file as it was, and the next one is not held up."""
    before = keys_file.read_text()
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            file.add(keys_file, file.new_key())
    assert keys_file.read_text() == before
    file.add(keys_file, "kms:arn:aws:kms:eu-central-1:123456789012:key/0-1")
    assert keys_file.read_text().split()[1:] == [before] and vault_keys.KEPT_SECONDS >= 600
