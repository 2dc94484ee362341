"""A real S3 server for tests: moto's, in a process of its own on a free port."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import boto3

from tests.services.ports import free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_DEFAULT_REGION": "us-east-1"}
"""Put these into the environment of whoever speaks to it (any will do)."""


class S3Server:
    """The server of a process, for all its tests: each asks for a bucket of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = boto3.client(
            "s3", endpoint_url=address, aws_access_key_id="test", aws_secret_access_key="test-secret", region_name="us-east-1"
        )

    def new_bucket(self) -> str:
        """An empty bucket's name."""
        self.client.create_bucket(Bucket=(name := f"lake-{secrets.token_hex(4)}"))
        return name

    def keys(self, bucket: str) -> list[str]:
        """The names of all objects, at most 1,000."""
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


@contextmanager
def serving() -> Iterator[S3Server]:
    """As `running`, with a client."""
    with running() as address:
        server = S3Server(address)
        yield server
        server.client.close()


@contextmanager
def running() -> Iterator[str]:
    """The server's address; it holds no bucket yet."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(server, address)
        yield address
    finally:
        server.kill()
        server.wait()


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(f"{address}/moto-api/", timeout=1).close()
            return
        except (URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
