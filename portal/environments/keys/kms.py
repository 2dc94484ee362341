"""A key in AWS KMS: it never leaves there; KMS makes, wraps and unwraps the data keys, and notes each use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings

from portal.environments.keys.base import Key, KeyFailed, id_of

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]+")
IN_WORDS = {
    "AccessDeniedException": "KMS does not let Sluice use the key.",
    "UnrecognizedClientException": "KMS does not know who Sluice signs in as.",
    "ExpiredTokenException": "What Sluice signs in to KMS with has expired.",
    "NotFoundException": "KMS has no such key.",
    "DisabledException": "The key is disabled in KMS.",
    "KMSInvalidStateException": "The key is to be deleted from KMS, or is not ready.",
    "ThrottlingException": "KMS has too much to do just now.",
}
NOT_OURS = ("InvalidCiphertextException", "IncorrectKeyException")


class KmsKey(Key):
    """Named by its ARN, since an alias may mean another key tomorrow. Who Sluice signs in as is found as boto3 finds it."""

    prefix: ClassVar[str] = "kms:"

    def __init__(self, arn: str) -> None:
        found = ARN.fullmatch(arn)
        if found is None:
            raise KeyFailed(
                "A key of the vault is no ARN of a KMS key.", fix="Write kms:arn:aws:kms:eu-central-1:123456789012:key/…, no alias."
            )
        self._arn, self._region = arn, found["region"]
        self.id = id_of(arn.encode())
        self.title = f"in AWS KMS, {self._region}"

    def new_data_key(self, context: str) -> tuple[bytes, bytes]:
        with self._asked() as kms:
            made = kms.generate_data_key(KeyId=self._arn, KeySpec="AES_256", EncryptionContext={"sluice": context})
        return made["Plaintext"], made["CiphertextBlob"]

    def unwrapped(self, wrapped: bytes, context: str) -> bytes:
        with self._asked() as kms:
            return kms.decrypt(CiphertextBlob=wrapped, KeyId=self._arn, EncryptionContext={"sluice": context})["Plaintext"]

    def _asked(self) -> _Asked:
        return _Asked(self._region)


class _Asked:
    """A client of KMS for one question; what KMS refuses is told in words."""

    def __init__(self, region: str) -> None:
        self._region = region

    def __enter__(self) -> KMSClient:
        import boto3  # 0.3 s and 30 MB, which only those who have a key there pay
        from botocore.config import Config

        patience = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
        self._client = boto3.client("kms", region_name=self._region, endpoint_url=settings.KMS_ENDPOINT or None, config=patience)
        return self._client

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self._client.close()
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            if code in NOT_OURS:
                raise ValueError("sealed for another place, or changed") from None
            raise KeyFailed(f"A stored secret cannot be opened or sealed: {IN_WORDS.get(code, f'KMS refuses ({code}).')}") from None
        if isinstance(error, BotoCoreError):
            raise KeyFailed(f"A stored secret cannot be opened or sealed: KMS does not answer ({type(error).__name__}).") from None
