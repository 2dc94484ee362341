"""The object store: bytes kept under the sha256 of themselves, in a folder or in an S3 bucket.

What is read is always compared with its name, so a damaged or exchanged object is an error and never a wrong document.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse

from django.conf import settings

from portal.errors import PortalError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Store(Protocol):
    """Where objects are. `read` answers None when there is no such object; both raise StoreDown when the place does not answer."""

    def read(self, sha256: str) -> bytes | None: ...

    def write(self, sha256: str, data: bytes) -> None: ...


class StoreDown(PortalError):
    """The object store does not answer; nothing was changed."""

    status = 503
    code = "object-store-down"

    def __init__(self, reason: object) -> None:
        if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT):
            message, fix = "The disk of the store for documents is full, so nothing was saved.", "Ask whoever runs Sluice for room."
        else:
            message, fix = "The store for documents does not answer, so nothing was saved.", "Try again in a moment."
        told = reason.strerror or type(reason).__name__ if isinstance(reason, OSError) else reason  # without our paths
        super().__init__(message, fix=fix, reason=str(told)[:200])


class ObjectDamaged(PortalError):
    """An object is missing, or its bytes are not those that its name promises."""

    status = 500
    code = "object-damaged"


def put(sha256: str, data: bytes) -> None:
    """Keeps `data` under its sha256; a second time changes nothing. Raises ValueError when they do not belong together."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError("The data has another sha256.")
    _store().write(sha256, data)


def get(sha256: str) -> bytes:
    """The bytes with that sha256, compared with it. Raises ObjectDamaged when they are missing or others."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("This is no sha256.")
    data = _store().read(sha256)
    if data is None:
        raise ObjectDamaged(f"The document {sha256[:12]}… is not in the store.", fix="Tell whoever runs Sluice.")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ObjectDamaged(f"The document {sha256[:12]}… in the store was changed.", fix="Tell whoever runs Sluice.")
    return data


class FolderStore:
    """Objects are files below a folder, spread over 256 folders by the first byte of their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes | None:
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreDown(error) from error

    def write(self, sha256: str, data: bytes) -> None:
        """Atomic: a reader sees the whole object or none, also after a power cut."""
        if self.read(sha256) == data:
            return
        try:
            self._write(self.path(sha256), data)
        except OSError as error:
            raise StoreDown(error) from error

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


class S3Store:
    """Objects in an S3 bucket below a prefix. Credentials come from where boto3 looks for them."""

    def __init__(self, bucket: str, prefix: str, endpoint: str) -> None:
        self.bucket, self.prefix, self.endpoint = bucket, prefix.strip("/"), endpoint

    def key(self, sha256: str) -> str:
        return "/".join(part for part in (self.prefix, sha256[:2], sha256) if part)

    def read(self, sha256: str) -> bytes | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client().get_object(Bucket=self.bucket, Key=self.key(sha256))["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise StoreDown(error) from error
        except BotoCoreError as error:
            raise StoreDown(error) from error

    def write(self, sha256: str, data: bytes) -> None:
        """S3 shows an object only when all of it has arrived; the checksum lets the server refuse a damaged one."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client().put_object(Bucket=self.bucket, Key=self.key(sha256), Body=data, ChecksumAlgorithm="SHA256")
        except (ClientError, BotoCoreError) as error:
            raise StoreDown(error) from error

    def _client(self) -> S3Client:
        return _s3_client(self.endpoint)


@lru_cache(maxsize=4)
def _s3_client(endpoint: str) -> Any:
    """boto3 is only imported where it is used: it costs every process 0.3 s and 30 MB."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"})
    return boto3.client("s3", endpoint_url=endpoint or None, config=config)


def _store() -> Store:
    place = settings.OBJECT_STORE
    if place.startswith("s3://"):
        url = urlparse(place)
        return S3Store(url.netloc, url.path, settings.OBJECT_STORE_ENDPOINT)
    return FolderStore(Path(place))
