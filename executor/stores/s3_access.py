"""How a bucket is reached, and what S3's refusals mean. Nothing here comes from the environment: what boto3 would look for there is not
asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from executor.connections.s3 import S3
from executor.problems import Problem, ProblemError
from executor.trust import trusted_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS, ANSWER_SECONDS, TRIES = 5, 30, 4


@dataclass(frozen=True)
class S3Access:
    """`key_id` empty: nobody signs in, as open data allow. `endpoint` empty: Amazon's of the region."""

    region: str = "us-east-1"
    endpoint: str = ""
    path_style: bool = False
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    encryption: str = ""
    """Empty, AES256 or aws:kms."""
    kms_key: str = ""
    requester_pays: bool = False
    answer_seconds: float = ANSWER_SECONDS
    tries: int = TRIES
    role: str = ""
    """What the key takes on first; at `role_endpoint`."""
    role_endpoint: str = ""
    authority: str = ""
    """PEM: who alone may have signed the service's certificate. Empty: whom this machine trusts."""

    def client(self) -> S3Client:
        client: S3Client = _client(self, "s3")
        return client

    def client_of(self, service: str) -> Any:
        """Of another service of Amazon, or one that speaks its language, signed in as this says."""
        return _client(self, service)

    def reading(self) -> dict[str, Any]:
        return {"RequestPayer": "requester"} if self.requester_pays else {}

    def writing(self) -> dict[str, Any]:
        sealed = {"ServerSideEncryption": self.encryption} if self.encryption else {}
        return self.reading() | sealed | ({"SSEKMSKeyId": self.kms_key} if self.kms_key else {})


def access_of(connection: S3) -> S3Access:
    """How a connection reaches its buckets."""
    key, secret = connection.access_key, connection.secret_key
    return S3Access(
        region=connection.region,
        endpoint=connection.url(),
        path_style=connection.bucket_style == "path",
        key_id=key.get_secret_value() if key else "",
        secret=secret.get_secret_value() if secret else "",
        encryption={"none": "", "sse-s3": "AES256", "kms": "aws:kms"}[connection.encryption],
        kms_key=connection.kms_key,
        requester_pays=connection.requester_pays,
        role=connection.role,
        role_endpoint=connection.role_url(),
        authority=connection.authority,
    )


@lru_cache(maxsize=16)
def _client(access: S3Access, service: str) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        region_name=access.region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=access.answer_seconds,
        retries={"max_attempts": access.tries, "mode": "standard"},
        s3={"addressing_style": "path" if access.path_style else "virtual"},
        signature_version=None if access.key_id else UNSIGNED,
        proxies={},
    )
    keys: dict[str, Any] = {
        "aws_access_key_id": access.key_id,
        "aws_secret_access_key": access.secret,
        "aws_session_token": access.session_token or None,
    }
    session: Any = boto3.session.Session(**(keys if access.key_id else {}))
    if access.role:
        session = _in_role(session, access, config)
    return session.client(service, endpoint_url=access.endpoint or None, config=config, verify=trusted_file(access.authority))


def _in_role(session: Any, access: S3Access, config: Any) -> Any:
    """A session that signs in as the role, and again before that ends."""
    import boto3
    from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher
    from botocore.session import get_session

    sts = session.client("sts", endpoint_url=access.role_endpoint or None, config=config, verify=trusted_file(access.authority))
    refresh = create_assume_role_refresher(sts, {"RoleArn": access.role, "RoleSessionName": "sluice"})
    inner: Any = get_session()
    inner._credentials = DeferredRefreshableCredentials(refresh_using=refresh, method="sts-assume-role")
    return boto3.session.Session(botocore_session=inner)


NO_ANSWER, NO_TRUST, NO_S3 = "no answer", "TLS", "no S3"
ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect", "301"}
"""What S3 says where the bucket is in another region."""
_ELSEWHERE = ("the bucket is in another region", "Correct the region of the connection.")
_BUSY = ("it is asked for too much at once, also after some tries", "Run it again later.")
_FAILED = ("the storage has failed, also after some tries", "Run it again later.")
_FULL = ("the storage has no room left", "Ask whoever runs the storage for more room, or remove what nobody needs.")
_WORDS: dict[str, tuple[str, str]] = {
    "AccessDenied": ("the sign-in may not {act} there", "Ask the bucket's owner for the right{right}, or choose another connection."),
    # Said of a name alone, where S3 gives a number and no word: it may be the right, the key or the secret; or the sign-in or the region.
    "403": ("the key is not right, or may not {act} there", "Test the connection; ask the bucket's owner for the right{right}."),
    "400": ("the sign-in has expired, or the bucket is in another region", "Test the connection."),
    "NoSuchBucket": ("there is no such bucket", "Correct the bucket's name in the root."),
    "404": ("there is no such bucket", "Correct the bucket's name in the root."),
    "InvalidAccessKeyId": ("the access key is not known", "Set the key of the connection anew."),
    "SignatureDoesNotMatch": ("the secret is not the one of the access key", "Set the secret of the connection anew."),
    "ExpiredToken": ("the sign-in has expired", "Set the key of the connection anew."),
    "RequestTimeTooSkewed": ("its clock and the one of this machine are too far apart", "Ask whoever runs this machine to set its clock."),
    **dict.fromkeys(ELSEWHERE, _ELSEWHERE),
    **dict.fromkeys(("SlowDown", "503", "ServiceUnavailable", "Throttling", "ThrottlingException"), _BUSY),
    **dict.fromkeys(("500", "InternalError"), _FAILED),
    **dict.fromkeys(("507", "XMinioStorageFull", "QuotaExceeded", "InsufficientStorageSpace"), _FULL),
    "InvalidObjectState": ("a file lies in an archive", "Have it brought back from the archive, or read other files."),
    NO_ANSWER: ("the storage does not answer", "Correct the address of the connection, or wait until the storage is there again."),
    NO_TRUST: ("nobody whom this machine trusts vouches for the server", "Ask whoever runs the storage for its certificate."),
    NO_S3: ("something answers that does not speak S3", "Correct the address of the connection."),
}
_OTHER = ("the storage refuses it", "Look at the connection; if it is right, ask whoever runs the storage.")
_ACTS = {
    **dict.fromkeys(("ListObjectsV2", "HeadBucket"), ("list files", "s3:ListBucket")),
    **dict.fromkeys(("GetObject", "HeadObject"), ("read files", "s3:GetObject")),
    **dict.fromkeys(("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"), ("write files", "s3:PutObject")),
    **dict.fromkeys(("DeleteObject", "DeleteObjects"), ("remove files", "s3:DeleteObject")),
    "AssumeRole": ("take on the role", "sts:AssumeRole"),
}
"""What each question is for, and the right that S3 wants for it."""
_REGION = re.compile(r"[a-z0-9-]{1,40}")


@contextmanager
def told(where: str) -> Iterator[None]:
    """What S3 or the way there refuses, in words. `where`: what was asked for, for people."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        ReadTimeoutError,
        SSLError,
    )

    try:
        yield
    except ClientError as error:
        raise ProblemError(problem_for(where, code_of(error), act=error.operation_name, region=_region_in(error.response))) from None
    except SSLError:
        raise ProblemError(problem_for(where, NO_TRUST)) from None
    except (EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError) as error:
        raise ProblemError(problem_for(where, NO_ANSWER, type(error).__name__)) from None
    except BotoCoreError as error:
        raise ProblemError(_problem(where, "the storage cannot be asked", "Look at the connection.", type(error).__name__)) from None


@contextmanager
def refused(*codes: str, as_problem: Problem | None) -> Iterator[None]:
    """Inside `told`: these refusals are `as_problem`; None: no problem at all."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code_of(error) not in codes:
            raise
        if as_problem is not None:
            raise ProblemError(as_problem) from None


def problem_for(where: str, code: str, found: str | None = None, *, act: str = "", region: str = "") -> Problem:
    """What S3's word, its number, or one of ours means. `where`: what was asked for, for people; `act`: what for, in boto's words."""
    words, fix = _WORDS.get(code, _OTHER)
    done, right = _ACTS.get(act, ("do this", ""))
    if code in ELSEWHERE and region:
        fix = f"Its region is {region}: write that in the connection."
    return _problem(where, words.format(act=done), fix.format(right=f" {right}" if right else ""), found or code)


def _region_in(said: Any) -> str:
    headers = said.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    found = headers.get("x-amz-bucket-region") or said.get("Error", {}).get("Region") or ""
    return found if _REGION.fullmatch(str(found)) else ""


def code_of(error: Any) -> str:
    """S3's word for a refusal, or its number."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _problem(where: str, words: str, fix: str, code: str) -> Problem:
    return Problem(code="storage-refused", message=f"{where}: {words}.", found=code, fix=fix)
