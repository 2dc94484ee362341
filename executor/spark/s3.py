"""Opens buckets for a process, with their keys, and closes them again.

Hadoop keeps one file system for each bucket. It is made here, from settings that only it ever sees, before anything reads or writes there;
Spark then finds it ready. So no key is in Spark's or Hadoop's shared settings, where logs, plans and `SET` could show it, and a bucket that
was not opened cannot be reached at all: nothing else in the process knows how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from executor.problems import Problem
from executor.stores.s3_access import NO_ANSWER, NO_TRUST, S3Access, problem_for

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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

ENCRYPTION = {"AES256": "AES256", "aws:kms": "SSE-KMS"}
"""S3's words for it, and Hadoop's."""
MEANINGS = {
    "UnknownHostException": NO_ANSWER,
    "UnknownStoreException": "NoSuchBucket",
    "AWSRedirectException": "PermanentRedirect",
    "AWSServiceThrottledException": "SlowDown",
    "AWSStatus500Exception": "InternalError",
    "SSLException": NO_TRUST,
    "SSLHandshakeException": NO_TRUST,
    "ConnectException": NO_ANSWER,
    "ConnectTimeoutException": NO_ANSWER,
    "SocketTimeoutException": NO_ANSWER,
    "AWSBadRequestException": "400",
    "AccessDeniedException": "403",
}
"""What Java's classes mean where no word of S3's is there, the most telling first."""


def settings_for(access: S3Access) -> dict[str, str]:
    """Hadoop's settings for the file system of one bucket. They hold the keys: nothing else may have them."""
    found = COMMON | {
        "fs.s3a.endpoint.region": access.region,
        "fs.s3a.path.style.access": str(access.path_style).lower(),
        "fs.s3a.requester.pays.enabled": str(access.requester_pays).lower(),
    }
    if access.endpoint:
        found |= {"fs.s3a.endpoint": access.endpoint, "fs.s3a.connection.ssl.enabled": str(access.endpoint.startswith("https:")).lower()}
    if access.encryption:
        found["fs.s3a.encryption.algorithm"] = ENCRYPTION[access.encryption]
    if access.kms_key:
        found["fs.s3a.encryption.key"] = access.kms_key
    return found | _signing(access)


def _signing(access: S3Access) -> dict[str, str]:
    """Only what was given: never the machine's own role, environment or files, as AWS's usual search would."""
    provider = "fs.s3a.aws.credentials.provider"
    if not access.key_id:
        return {provider: f"{PROVIDERS}AnonymousAWSCredentialsProvider"}
    found = {"fs.s3a.access.key": access.key_id, "fs.s3a.secret.key": access.secret}
    if not access.session_token:
        return found | {provider: f"{PROVIDERS}SimpleAWSCredentialsProvider"}
    return found | {provider: f"{PROVIDERS}TemporaryAWSCredentialsProvider", "fs.s3a.session.token": access.session_token}


@contextmanager
def opened(spark: SparkSession, buckets: Mapping[str, S3Access]) -> Iterator[None]:
    """Reads and writes of `s3a://` work for these buckets (by name), inside the block and nowhere else."""
    with ExitStack() as stack:
        for name, access in buckets.items():
            stack.callback(close_bucket, spark, name)
            open_bucket(spark, name, access)
        yield


def open_bucket(spark: SparkSession, bucket: str, access: S3Access) -> None:
    """Makes the bucket's file system; sends nothing yet. One that was open, perhaps with keys that are no longer right, is closed first."""
    close_bucket(spark, bucket)
    settings = _plain_settings(spark)
    for name, value in settings_for(access).items():
        settings.set(name, value)
    _hadoop(spark).fs.FileSystem.get(_uri(spark, bucket), settings)


def close_bucket(spark: SparkSession, bucket: str) -> None:
    """Forgets the bucket and its keys, if it was open. Whatever still reads there fails."""
    from py4j.protocol import Py4JJavaError

    try:
        # Without settings nothing is made: this gives the one that is open, or fails.
        _hadoop(spark).fs.FileSystem.get(_uri(spark, bucket), _plain_settings(spark)).close()
    except Py4JJavaError as error:
        if error.java_exception.getClass().getSimpleName() != "UnsupportedFileSystemException":
            raise


def why_not(spark: SparkSession, bucket: str, prefix: str = "") -> Problem | None:
    """Asks an open bucket for one name below `prefix`, and says why it refuses; None when it does not. Worth asking after an error without
    a code: what is read first is a name alone, and to that S3 answers “forbidden” whether the key is wrong, too old, or lacks a right."""
    from py4j.protocol import Py4JJavaError

    place = _hadoop(spark).fs.Path(f"s3a://{bucket}/{prefix}")
    try:
        place.getFileSystem(_plain_settings(spark)).listFiles(place, True).hasNext()
    except Py4JJavaError as error:
        return problem_of(error, bucket)
    return None


def problem_of(error: BaseException, bucket: str) -> Problem | None:
    """What Hadoop or AWS raised, in plain words; None when it is about something else."""
    chain = _chain(getattr(error, "java_exception", None) or getattr(error, "_origin", None))
    names = {one.getClass().getSimpleName() for one in chain}
    word = next(filter(None, map(_code, chain)), None) or next((word for name, word in MEANINGS.items() if name in names), None)
    return problem_for(f"The bucket “{bucket}”", word, chain[-1].getClass().getSimpleName()) if word else None


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


def _uri(spark: SparkSession, bucket: str) -> Any:
    jvm: Any = spark._jvm
    return jvm.java.net.URI(f"s3a://{bucket}/")
