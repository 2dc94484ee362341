"""S3, tried with boto3."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from executor.connections.s3 import S3
from executor.problems import ProblemError
from executor.stores.s3_access import ELSEWHERE, access_of, code_of, told
from executor.trials.trial import Placed, Stopped, Trial, fact, seconds, tls

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_ROOTS = 10
MOST_KEYS = 1_000
MISSING = {"NoSuchBucket", "404"}
REFUSED = {"AccessDenied", "403", "AllAccessDisabled", "AccountProblem"}
NO_MARK = '"00000000000000000000000000000000"'
"""Of no object."""


def test(connection: S3, trial: Trial, roots: Sequence[Placed]) -> None:
    """TLS, sign-in, and each root: list, read of what is listed, and write where jobs may. Raises Stopped."""
    place = connection.test_places([root.address for root in roots])[0]
    tls(trial, place.host, place.port, is_on=connection.tls == "verified", authority=connection.authority)
    client = replace(access_of(connection), answer_seconds=seconds(), tries=1).client()
    _sign_in(trial, connection, client, roots)
    wrong = [why for root in roots[:MOST_ROOTS] if (why := _try_root(trial, connection, client, root))]
    if wrong:
        raise wrong[0]


def _try_root(trial: Trial, connection: S3, client: S3Client, root: Placed) -> Stopped | None:
    """What is wrong there; the other roots may be right."""
    try:
        with trial.step(f"List {_shown(root)}") as step, _in_words_of(connection, root):
            found = _listed(connection, client, root)
            step.good(_in_words(found))
        if found:
            with trial.step(f"Read {_shown(root)}") as step, _in_words_of(connection, root):
                _read(connection, client, root, found[0]["Key"])
                step.good("Files can be read.")
        if root.may_write:
            with trial.step(f"Write {_shown(root)}") as step, _in_words_of(connection, root):
                _write(connection, client, root)
                step.good("Files can be written and removed, and no run writes over what another has published meanwhile.")
    except Stopped as why:
        return why
    return None


def _sign_in(trial: Trial, connection: S3, client: S3Client, roots: Sequence[Placed]) -> None:
    """Whether S3 takes the key, told by what it says to the first question; what the key may not do is for the next steps. Without a root
    the service itself is asked, for which nobody needs a right to be told whether the key is one. Raises Stopped."""
    if connection.sign_in == "nobody":
        trial.untried("Sign-in", "Nobody signs in: this reads open data only.")
        return
    with trial.step("Sign-in") as step:
        try:
            _listed(connection, client, roots[0]) if roots else _buckets(client)
        except _Refused as refused:
            if refused.code in ELSEWHERE:
                step.note("Whether the key is right is not sure before the region is.")
                return
            if refused.code not in REFUSED | MISSING:
                raise
        step.good("The key is accepted." if roots else "The key is accepted. With a root on the connection more is tried.")


class _Refused(Stopped):
    """`code`: S3's word."""

    def __init__(self, words: str, fix: str, code: str) -> None:
        super().__init__(words, fix)
        self.code = code


def _buckets(client: S3Client) -> None:
    """Raises Stopped."""
    if "Buckets" not in _asked("The service", client.list_buckets):
        raise _no_s3()


@contextmanager
def _in_words_of(connection: S3, root: Placed) -> Iterator[None]:
    """Who signs in as nobody has no key that could be wrong."""
    try:
        yield
    except _Refused as refused:
        if connection.sign_in == "nobody" and refused.code in REFUSED:
            raise _not_open(root) from None
        raise


def _not_open(root: Placed) -> Stopped:
    return Stopped(f"{_shown(root)}: its owner does not let everybody in.", "Sign in with keys, or choose other data.")


def _listed(connection: S3, client: S3Client, root: Placed) -> list[Any]:
    parts = urlsplit(root.address)
    paying: dict[str, Any] = {"RequestPayer": "requester"} if connection.requester_pays else {}
    answer = _asked(
        _shown(root),
        lambda: client.list_objects_v2(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"), MaxKeys=MOST_KEYS, **paying),
    )
    if answer.get("Name") != parts.netloc:  # any page would do for boto3
        raise _no_s3()
    return [one for one in answer.get("Contents", []) if one.get("Size")]


def _no_s3() -> Stopped:
    return Stopped("Something answers there, but it does not speak S3.", "Look at the address of the service.")


def _read(connection: S3, client: S3Client, root: Placed, key: str) -> None:
    """One byte."""
    paying: dict[str, Any] = {"RequestPayer": "requester"} if connection.requester_pays else {}

    def ask() -> Any:
        answer = client.get_object(Bucket=urlsplit(root.address).netloc, Key=key, Range="bytes=0-0", **paying)
        with answer["Body"] as body:
            return body.read(1)

    _asked(_shown(root), ask)


def _write(connection: S3, client: S3Client, root: Placed) -> None:
    """A file that no reader sees, and that is removed again. Of two runs that publish at once one has to be refused, so the service has to
    keep to the conditions of a request. Raises Stopped."""
    parts, writing = urlsplit(root.address), access_of(connection).writing()
    place: dict[str, Any] = {"Bucket": parts.netloc, "Key": f"{parts.path.lstrip('/')}.sluice-test-{secrets.token_hex(8)}"}

    def write(**condition: Any) -> Any:
        return _asked(_shown(root), lambda: client.put_object(**place, Body=b"", **writing, **condition))

    write(IfNoneMatch="*")
    try:
        if not (_is_refused(lambda: write(IfNoneMatch="*")) and _is_refused(lambda: write(IfMatch=NO_MARK))):
            raise Stopped(
                "The service writes over a file though it is asked not to: of two runs that publish at once, one could be lost.",
                "Let jobs only read in this root, or use a service that knows conditional writes (If-Match, If-None-Match).",
            )
    finally:
        _asked(_shown(root), lambda: client.delete_object(**place))


def _is_refused(write: Callable[[], Any]) -> bool:
    try:
        write()
    except _Refused as refused:
        if refused.code not in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
            raise
        return True
    return False


def _asked(where: str, ask: Any) -> Any:
    """Raises _Refused, in our words."""
    from botocore.exceptions import ClientError

    code = ""

    def heard() -> Any:
        nonlocal code
        try:
            return ask()
        except ClientError as error:
            code = code_of(error)
            raise

    try:
        with told(where):
            return heard()
    except ProblemError as error:
        problem = error.problems[0]
        raise _Refused(problem.message, problem.fix or "", code) from None


def _shown(root: Placed) -> str:
    return root.address.removeprefix("s3a://")


def _in_words(found: list[Any]) -> str:
    if not found:
        return "There is no file yet."
    newest = max(one["LastModified"] for one in found)
    count = f"{len(found):,}" if len(found) < MOST_KEYS else f"{MOST_KEYS:,} or more"
    return f"{count} file{'s' if len(found) > 1 else ''} seen, the newest {_ago(newest)}."


def _ago(when: datetime) -> str:
    minutes = max(0, round((datetime.now(UTC) - when).total_seconds() / 60))
    for size, word in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return fact(f"{count} {word}{'s' if count > 1 else ''} old")
    return "just written"
