from __future__ import annotations

import base64

import pytest

from portal.environments import vault
from portal.environments.keys import KeyFailed, LocalKey, ring


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
    version, key_id, *parts = vault.seal("secret", context="c").split(".")
    for number, part in enumerate(parts):
        raw = bytearray(base64.urlsafe_b64decode(part))
        for place in range(len(raw)):
            changed = bytearray(raw)
            changed[place] ^= 1
            told = [*parts[:number], base64.urlsafe_b64encode(bytes(changed)).decode(), *parts[number + 1 :]]
            with pytest.raises(vault.Sealed):
                vault.unseal(".".join([version, key_id, *told]), context="c")


def test_the_data_key_of_one_secret_opens_no_other():
    one, other = (vault.seal(text, context="c").split(".") for text in ("secret", "another"))
    with pytest.raises(vault.Sealed):
        vault.unseal(".".join([*one[:3], other[3]]), context="c")


def test_what_was_sealed_before_there_were_data_keys_opens_still(settings):
    """Sealed by Sluice before this form, with the key “old”."""
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "new", ["old"]
    sealed = "v1.940ce48f.1p31KaKUS5Z3ib87YIddJfEXXAz3kbzeIXP4Vi7jqP0jxQ=="
    assert vault.unseal(sealed, context="c") == "secret" and vault.key_id_of(sealed) == LocalKey("old").id
    with pytest.raises(vault.Sealed):
        vault.unseal(sealed, context="d")


@pytest.mark.parametrize(
    "damaged", ["", "v1", "v1.x.y", "v1.00000000.%%%", "plain text", "v2.00000000.eHh4", "v3.00000000.eHh4.eHh4", "v2.....", "v2.0.é.é"]
)
def test_a_damaged_text_is_said(damaged):
    with pytest.raises(vault.Sealed):
        vault.unseal(damaged, context="c")


def test_after_a_change_of_keys_the_old_secrets_stay_readable(settings):
    settings.VAULT_KEY = "old"
    sealed = vault.seal("secret", context="c")
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "new", ["old"]
    assert vault.unseal(sealed, context="c") == "secret"
    assert not sealed.startswith(vault.prefix_of(ring().active))
    assert vault.seal("secret", context="c").startswith(vault.prefix_of(ring().active))


def test_a_key_that_is_gone_is_named(settings):
    settings.VAULT_KEY = "old"
    sealed = vault.seal("secret", context="c")
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "new", []
    with pytest.raises(vault.Sealed, match=sealed.split(".")[1]):
        vault.unseal(sealed, context="c")


def test_keys_that_are_gone_altogether_are_said(settings, tmp_path):
    settings.VAULT_KEY, settings.VAULT_KEYS_FILE = "", tmp_path / "vault"
    for content in (None, "", "\n \n"):
        if content is not None:
            settings.VAULT_KEYS_FILE.write_text(content)
        with pytest.raises(KeyFailed, match="file of the vault's keys"):
            vault.seal("secret", context="c")


def test_a_short_key_is_called_weak():
    assert "guessed" in LocalKey("hunter2").weakness() and not LocalKey("x" * 32).weakness()
