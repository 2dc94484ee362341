"""An S3 server that is quick enough to measure against: versitygw over a folder, where Go is; else the one of the tests, which is slow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.figures import Say
from executor.setup_connectors import cache_folder, get, is_kept
from executor.spark.connectors import jars_of
from tests.services import s3, versitygw

KEYS = {"ROOT_ACCESS_KEY": "BENCHBENCHBENCHBENCH", "ROOT_SECRET_KEY": "bench-secret-of-this-machine-alone"}


def jars_for_spark(say: Say) -> list[Path]:
    """What a script needs that reads and writes S3 by itself; got once. Raises RuntimeError where they cannot be got."""
    jars, cache = jars_of(Path(__file__).with_name("s3a.txt")), cache_folder()
    get(jars, cache, say, "the script")
    if missing := [jar.file_name for jar in jars if not is_kept(jar, cache)]:
        raise RuntimeError(f"{len(missing)} jars of bench/s3a.txt could not be got, such as {missing[0]}")
    return [cache / jar.file_name for jar in jars]


@dataclass(frozen=True)
class Server:
    """One that runs. It knows one key, or takes any."""

    title: str
    port: int
    key: str = KEYS["ROOT_ACCESS_KEY"]
    secret: str = KEYS["ROOT_SECRET_KEY"]

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @cached_property
    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.address, aws_access_key_id=self.key, aws_secret_access_key=self.secret, region_name="us-east-1"
        )

    def new_bucket(self) -> str:
        self.client.create_bucket(Bucket="bench")
        return "bench"

    def connection(self) -> dict[str, Any]:
        """As a run is given it."""
        fields = {"service": "other", "endpoint": self.address, "tls": "off", "bucket_style": "path", "private_networks": ["127.0.0.0/8"]}
        return {"kind": "s3", "settings": fields, "secrets": {"access_key": self.key, "secret_key": self.secret}}

    def spark_settings(self) -> dict[str, str]:
        """For a script that reads and writes it by itself."""
        fields = {
            "fs.s3a.endpoint": self.address, "fs.s3a.path.style.access": "true", "fs.s3a.connection.ssl.enabled": "false",
            "fs.s3a.endpoint.region": "us-east-1", "fs.s3a.access.key": self.key, "fs.s3a.secret.key": self.secret,
            "fs.s3a.input.stream.type": "classic", "fs.s3a.audit.enabled": "false", "mapreduce.fileoutputcommitter.algorithm.version": "2",
        }  # fmt: skip
        return {f"spark.hadoop.{name}": value for name, value in fields.items()}

    def clear(self, bucket: str, prefix: str) -> None:
        """Removes all objects below a prefix."""
        for key in self._keys(bucket, prefix):
            self.client.delete_object(Bucket=bucket, Key=key)

    def fetch(self, bucket: str, prefix: str, folder: Path) -> None:
        """All objects below a prefix, as files below the folder."""
        for key in self._keys(bucket, prefix):
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(bucket, key, str(folder / key))

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return [found["Key"] for page in pages for found in page.get("Contents", ()) if not found["Key"].endswith("/")]


@contextmanager
def running(say: Say) -> Iterator[Server]:
    """A server without buckets. `say` is told where it is the slow one."""
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-bench-s3-")))
            title, address = "versitygw", stack.enter_context(versitygw.running(folder, KEYS))
        except versitygw.NotThere as why:
            say(f"  The S3 server is moto's, which is slow, so the figures say little of S3: {why}.")
            title, address = "moto", stack.enter_context(s3.running())
        yield Server(title, int(address.rpartition(":")[2]))
