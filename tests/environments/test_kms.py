"""A key in AWS KMS, with a real server of its protocol (moto's)."""

from __future__ import annotations

from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.environments import resealing, secrets, vault
from portal.environments.keys import KeyFailed, KmsKey, LocalKey, file, ring
from portal.environments.keys.kms import IN_WORDS
from tests.services import aws
from tests.services.ports import free_port
from tests.services.s3 import CREDENTIALS, S3Server

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def kms(s3_server: S3Server, settings: Any, monkeypatch: Any, tmp_path: Path) -> Any:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings.KMS_ENDPOINT = s3_server.address
    settings.VAULT_KEY, settings.VAULT_KEYS_FILE = "", tmp_path / "vault"
    settings.VAULT_KEYS_FILE.write_text(file.new_key())
    with closing(aws.client(s3_server, "kms")) as client:
        yield client


def new_arn(kms: Any) -> str:
    return kms.create_key()["KeyMetadata"]["Arn"]


def test_from_a_key_of_ones_own_to_kms_and_to_another_there(kms: Any, ada: Any, prod: Any, settings: Any) -> None:
    secrets.set_secret(actor=ada, environment=prod, name="one", value="the first secret")
    said = StringIO()
    for _ in range(2):
        arn = new_arn(kms)
        call_command("vault_keys", "new", kms=arn, stdout=said)
        assert isinstance(ring().active, KmsKey) and resealing.left() == 0
        assert secrets.values_of(prod, ["one"]) == {"one": "the first secret"}
    settings.VAULT_KEYS_FILE.write_text(f"kms:{arn}")  # the others are gone
    assert secrets.values_of(prod, ["one"]) == {"one": "the first secret"}
    assert "in AWS KMS" in said.getvalue() and arn not in said.getvalue().replace(f"kms:{arn}", "")
    call_command("vault_keys", "new", stdout=said)
    assert isinstance(ring().active, LocalKey)
    assert secrets.values_of(prod, ["one"]) == {"one": "the first secret"}


def test_what_kms_has_sealed_opens_at_its_place_and_with_its_key_only(kms: Any, settings: Any) -> None:
    one, other = new_arn(kms), new_arn(kms)
    settings.VAULT_KEY = f"kms:{one}"
    sealed = vault.seal("secret", context="c")
    assert vault.unseal(sealed, context="c") == "secret" and vault.seal("secret", context="c") != sealed
    with pytest.raises(vault.Sealed, match="does not belong"):
        vault.unseal(sealed, context="d")
    settings.VAULT_OLD_KEYS = [f"kms:{other}"]
    version, _, *rest = sealed.split(".")
    with pytest.raises((vault.Sealed, KeyFailed)):
        vault.unseal(".".join([version, KmsKey(other).id, "AAAA", rest[1]]), context="c")
    with pytest.raises(vault.Sealed, match="does not belong"):
        vault.unseal(f"v1.{KmsKey(one).id}.eHh4eHh4", context="c")


def test_what_kms_refuses_is_said_in_words(kms: Any, settings: Any) -> None:
    settings.VAULT_KEY = f"kms:{new_arn(kms)}"
    sealed = vault.seal("secret", context="c")

    def refusals() -> set[str]:
        found = []
        for ask in (lambda: vault.unseal(sealed, context="c"), lambda: vault.seal("secret", context="c")):
            with pytest.raises(KeyFailed) as refused:
                ask()
            found.append(refused.value.message)
        return set(found)

    settings.KMS_ENDPOINT = f"http://127.0.0.1:{free_port()}"
    assert refusals() == {"A stored secret cannot be opened or sealed: KMS does not answer (EndpointConnectionError)."}
    for code, words in (*IN_WORDS.items(), ("OddException", "KMS refuses (OddException).")):
        with aws.refusing(code) as settings.KMS_ENDPOINT, pytest.raises(KeyFailed) as refused:
            vault.unseal(sealed, context="c")
        assert refused.value.message == f"A stored secret cannot be opened or sealed: {words}"
    with aws.refusing("IncorrectKeyException") as settings.KMS_ENDPOINT, pytest.raises(vault.Sealed, match="does not belong"):
        vault.unseal(sealed, context="c")


def test_a_key_that_does_not_work_never_becomes_the_one_that_seals(kms: Any, settings: Any) -> None:
    before = settings.VAULT_KEYS_FILE.read_text()
    for wrong, why in (("alias/lake", "no ARN"), (new_arn(kms)[:-4] + "zzzz", "no such key")):
        with pytest.raises(CommandError, match=why):
            call_command("vault_keys", "new", kms=wrong, stdout=StringIO())
    assert settings.VAULT_KEYS_FILE.read_text() == before
