"""Opens buckets for a process, with their keys, and closes them again.

Hadoop keeps one file system for each bucket. It is made here, from settings that only it ever sees, before anything reads or writes there;
Spark then finds it ready. So no key is in Spark's or Hadoop's shared settings, where logs, plans and `SET` could show it, and a bucket that
was not opened cannot be reached at all: nothing else in the process knows how.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from executor.problems import Foreign, Problem, ProblemError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
REGION = re.compile(r"[a-z0-9-]{1,40}")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
PROVIDERS = "org.apache.hadoop.fs.s3a."
COMMON = {
    "fs.s3a.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    # What is wrong is told in seconds: a try is made again twice, each after a moment, before the job hears of it.
    "fs.s3a.connection.establish.timeout": "15s",  # Hadoop takes no less
    "fs.s3a.connection.acquisition.timeout": "30s",
    "fs.s3a.connection.timeout": "60s",
    "fs.s3a.attempts.maximum": "2",
    "fs.s3a.retry.limit": "2",
    "fs.s3a.retry.interval": "250ms",
    "fs.s3a.retry.throttle.limit": "4",
    "fs.s3a.retry.throttle.interval": "250ms",
    # Hadoop's own are for hundreds of parts at once.
    "fs.s3a.threads.max": "16",
    "fs.s3a.connection.maximum": "64",
    "fs.s3a.bucket.probe": "0",
    "fs.s3a.input.stream.type": "classic",  # Hadoop's other ones want more jars
    "fs.s3a.audit.enabled": "false",
}

KEY_WRONG = ("S3 does not know this key, or its secret is not right.", "Look at the connection's access key and secret key.")
REFUSED = ("S3 refuses this.", "The key lacks a right (list, read or write), or is wrong or too old: test the connection.")
NO_BUCKET = ("There is no such bucket.", "Look at the bucket's name, and at the connection's endpoint.")
OTHER_REGION = ("The bucket is in another region.", "Enter the bucket's own region in the connection.")
BUSY = ("S3 is too busy and asks to come later.", "Run it again later; fewer or larger files need fewer requests.")
NOT_REACHED = ("S3 does not answer there.", "Look at the connection's endpoint: host, port, and whether it speaks TLS (https).")
WORDS = {
    "InvalidAccessKeyId": KEY_WRONG,
    "SignatureDoesNotMatch": KEY_WRONG,
    "ExpiredToken": ("The key's session has expired.", "Enter new keys and a new session token in the connection."),
    "InvalidToken": ("The session token does not fit the key.", "Enter keys and session token of the same session."),
    "AccessDenied": ("The key has no right to do this.", "Whoever owns the bucket must allow listing, reading or writing it to this key."),
    "NoSuchBucket": NO_BUCKET,
    "PermanentRedirect": OTHER_REGION,
    "AuthorizationHeaderMalformed": OTHER_REGION,
    "SlowDown": BUSY,
}
"""What S3 says, and our words: sentence and fix."""
NAMES = {
    "UnknownHostException": ("There is no host of that name.", "Look at the connection's endpoint."),
    "UnknownStoreException": NO_BUCKET,
    "AWSRedirectException": OTHER_REGION,
    "AWSServiceThrottledException": BUSY,
    "AWSStatus500Exception": ("S3 has failed itself.", "Run it again later."),
    "SSLHandshakeException": ("The server's certificate is not one that this machine trusts.", "Look at the connection's endpoint."),
    "SSLException": NOT_REACHED,
    "ConnectException": NOT_REACHED,
    "ConnectTimeoutException": NOT_REACHED,
    "SocketTimeoutException": NOT_REACHED,
    "AWSBadRequestException": REFUSED,
    "AccessDeniedException": REFUSED,
}
"""The same by Java's classes, the most telling first, where no word of S3's is there."""


@dataclass(frozen=True)
class Keys:
    """What signs requests. `session_token` goes with keys that expire."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class S3Bucket:
    """How one bucket is reached.

    `endpoint`: scheme, host and port, or None for AWS itself. `keys`: None reads without signing (open data). `encryption`: what the server
    shall do with new objects; `kms_key` goes with "kms". `requester_pays`: whoever reads pays for it.
    """

    name: str
    region: str = "us-east-1"
    endpoint: str | None = None
    path_style: bool = False
    keys: Keys | None = None
    encryption: Literal["s3", "kms"] | None = None
    kms_key: str | None = None
    requester_pays: bool = False

    def __post_init__(self) -> None:
        for name, value, form in (("bucket", self.name, BUCKET), ("region", self.region, REGION), ("endpoint", self.endpoint, ENDPOINT)):
            if value is not None and not form.fullmatch(value):
                raise ProblemError(Problem(code="s3-settings", message=f"The {name} of this S3 place is not right.", found=repr(value)))

    @property
    def address(self) -> str:
        return f"s3a://{self.name}/"

    def settings(self) -> dict[str, str]:
        """Hadoop's settings for a file system of this bucket alone. They hold the keys: only `open_bucket` may have them."""
        found = COMMON | {
            "fs.s3a.endpoint.region": self.region,
            "fs.s3a.path.style.access": str(self.path_style).lower(),
            "fs.s3a.requester.pays.enabled": str(self.requester_pays).lower(),
        }
        if self.endpoint:
            found |= {"fs.s3a.endpoint": self.endpoint, "fs.s3a.connection.ssl.enabled": str(self.endpoint.startswith("https:")).lower()}
        if self.encryption:
            found["fs.s3a.encryption.algorithm"] = {"s3": "AES256", "kms": "SSE-KMS"}[self.encryption]
        if self.kms_key:
            found["fs.s3a.encryption.key"] = self.kms_key
        return found | self._signing()

    def _signing(self) -> dict[str, str]:
        """Only what was given: never the machine's own role, environment or files, as AWS's usual search would."""
        provider = "fs.s3a.aws.credentials.provider"
        if self.keys is None:
            return {provider: f"{PROVIDERS}AnonymousAWSCredentialsProvider"}
        found = {"fs.s3a.access.key": self.keys.access_key, "fs.s3a.secret.key": self.keys.secret_key}
        if self.keys.session_token is None:
            return found | {provider: f"{PROVIDERS}SimpleAWSCredentialsProvider"}
        return found | {provider: f"{PROVIDERS}TemporaryAWSCredentialsProvider", "fs.s3a.session.token": self.keys.session_token}


@contextmanager
def opened(spark: SparkSession, buckets: Sequence[S3Bucket]) -> Iterator[None]:
    """Reads and writes of `s3a://` work for these buckets, inside the block and nowhere else. Each bucket may stand once."""
    with ExitStack() as stack:
        for bucket in buckets:
            stack.callback(close_bucket, spark, bucket)
            open_bucket(spark, bucket)
        yield


def open_bucket(spark: SparkSession, bucket: S3Bucket) -> None:
    """Makes the bucket's file system; sends nothing yet. One that was open, perhaps with keys that are no longer right, is closed first."""
    close_bucket(spark, bucket)
    settings = _plain_settings(spark)
    for name, value in bucket.settings().items():
        settings.set(name, value)
    _hadoop(spark).fs.FileSystem.get(_uri(spark, bucket), settings)


def close_bucket(spark: SparkSession, bucket: S3Bucket) -> None:
    """Forgets the bucket and its keys, if it was open. Whatever still reads there fails."""
    from py4j.protocol import Py4JJavaError

    try:
        # Without settings nothing is made: this gives the one that is open, or fails.
        _hadoop(spark).fs.FileSystem.get(_uri(spark, bucket), _plain_settings(spark)).close()
    except Py4JJavaError as error:
        if error.java_exception.getClass().getSimpleName() != "UnsupportedFileSystemException":
            raise


def why_not(spark: SparkSession, bucket: S3Bucket, prefix: str = "") -> Problem | None:
    """Asks an open bucket for one name below `prefix`, and says why it refuses; None when it does not. Worth asking after an error without
    a code: what is read first is a name alone, and to that S3 answers “forbidden” whether the key is wrong, too old, or lacks a right."""
    from py4j.protocol import Py4JJavaError

    place = _hadoop(spark).fs.Path(f"{bucket.address}{prefix}")
    try:
        place.getFileSystem(_plain_settings(spark)).listFiles(place, True).hasNext()
    except Py4JJavaError as error:
        return problem_of(error, bucket)
    return None


def problem_of(error: BaseException, bucket: S3Bucket) -> Problem | None:
    """What Hadoop or AWS raised, in plain words; None when it is about something else."""
    chain = _chain(getattr(error, "java_exception", None) or getattr(error, "_origin", None))
    names = {one.getClass().getSimpleName() for one in chain}
    code = next(filter(None, map(_code, chain)), None)
    found = WORDS.get(code or "") or next((words for name, words in NAMES.items() if name in names), None)
    if found is None:
        return None
    sentence, fix = found
    said = Foreign(str(chain[-1].getMessage())[:300])
    return Problem(code="s3-refused", message=f"{sentence} (bucket “{bucket.name}”)", fix=fix, found=code, detail=said)


def _chain(java: Any) -> list[Any]:
    chain = [java] if java is not None else []
    while chain and len(chain) < 20 and chain[-1].getCause() is not None:
        chain.append(chain[-1].getCause())
    return chain


def _code(java: Any) -> str | None:
    """S3's word for what is wrong; None where it gave none, or where this is no answer of S3's."""
    if not java.getClass().getName().startswith("software.amazon.awssdk.services."):
        return None
    details = java.awsErrorDetails()
    return details.errorCode() if details is not None else None


def _plain_settings(spark: SparkSession) -> Any:
    """A copy of Spark's settings of Hadoop, which know nothing of S3."""
    return _hadoop(spark).conf.Configuration(spark._jsc.hadoopConfiguration())


def _hadoop(spark: SparkSession) -> Any:
    jvm: Any = spark._jvm
    return jvm.org.apache.hadoop


def _uri(spark: SparkSession, bucket: S3Bucket) -> Any:
    jvm: Any = spark._jvm
    return jvm.java.net.URI(bucket.address)
