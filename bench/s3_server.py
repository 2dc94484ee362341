"""An S3 server that is quick enough to measure against: versitygw over a folder, where Go is; else the one of the tests, which is slow."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.figures import Say
from tests.services import s3
from tests.services.ports import free_port

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
PROGRAMS = Path(tempfile.gettempdir()) / "sluice-bench-go"
KEY, SECRET = "BENCHBENCHBENCHBENCH", "bench-secret-of-this-machine-alone"
GO_SECONDS = 900


@dataclass(frozen=True)
class Server:
    """One that runs. It knows one key."""

    title: str
    port: int
    key: str = KEY
    secret: str = SECRET

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
            "fs.s3a.input.stream.type": "classic", "mapreduce.fileoutputcommitter.algorithm.version": "2",
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
    """A server without buckets. `say` is told which one it is, where that matters."""
    program = versitygw(say)
    if program is None:
        say("  There is no Go here: the S3 server is moto's, which is slow; the figures say little of S3.")
        with s3.running() as address:
            yield Server("moto", int(address.rpartition(":")[2]))
        return
    with tempfile.TemporaryDirectory(prefix="sluice-bench-s3-") as folder:
        port = free_port()
        command = [
            program,
            "--access",
            KEY,
            "--secret",
            SECRET,
            "--port",
            f"127.0.0.1:{port}",
            "--region",
            "us-east-1",
            "--quiet",
            "posix",
            folder,
        ]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait(process, port)
                yield Server("versitygw", port)
            finally:
                process.terminate()


def versitygw(say: Say) -> str | None:
    """The program, made once on each machine; None where it cannot be."""
    found = shutil.which("versitygw") or shutil.which("versitygw", path=str(PROGRAMS))
    if found or not shutil.which("go"):
        return found
    say("  making versitygw (once, some minutes)")
    done = subprocess.run(["go", "install", VERSITYGW], env=os.environ | {"GOBIN": str(PROGRAMS)}, timeout=GO_SECONDS, check=False)
    return shutil.which("versitygw", path=str(PROGRAMS)) if done.returncode == 0 else None


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it answers, with whatever: it knows nobody who does not sign in."""
    from urllib.error import HTTPError, URLError

    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            return
        except HTTPError:
            return
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
