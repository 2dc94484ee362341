from __future__ import annotations

import base64

import pytest

from portal.environments import vault


def test_what_is_sealed_opens_again_where_it_belongs():
    sealed = vault.seal("s3cret-ü", context="flights/channel/ops")
    assert "s3cret" not in sealed
    assert vault.unseal(sealed, context="flights/channel/ops") == "s3cret-ü"


def test_sealing_twice_gives_two_texts():
    assert vault.seal("a", context="c") != vault.seal("a", context="c")


def test_a_secret_moved_to_another_place_does_not_open():
    sealed = vault.seal("a", context="flights/channel/ops")
    with pytest.raises(vault.Sealed):
        vault.unseal(sealed, context="flights/channel/other")


def test_any_changed_bit_is_found():
    version, key_id, content = vault.seal("secret", context="c").split(".")
    raw = bytearray(base64.urlsafe_b64decode(content))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(vault.Sealed):
            vault.unseal(f"{version}.{key_id}.{base64.urlsafe_b64encode(bytes(changed)).decode()}", context="c")


@pytest.mark.parametrize("damaged", ["", "v1", "v1.x.y", "v1.00000000.%%%", "plain text"])
def test_a_damaged_text_is_said(damaged):
    with pytest.raises(vault.Sealed):
        vault.unseal(damaged, context="c")


def test_after_a_change_of_keys_the_old_secrets_stay_readable(settings):
    settings.VAULT_KEY = "old"
    sealed = vault.seal("secret", context="c")
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "new", ["old"]
    assert vault.unseal(sealed, context="c") == "secret"
    assert vault.needs_resealing(sealed)
    assert not vault.needs_resealing(vault.seal("secret", context="c"))


def test_a_key_that_is_gone_is_named(settings):
    settings.VAULT_KEY = "old"
    sealed = vault.seal("secret", context="c")
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "new", []
    with pytest.raises(vault.Sealed, match=sealed.split(".")[1]):
        vault.unseal(sealed, context="c")
