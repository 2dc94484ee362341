"""AWS's key service and secret managers for tests: moto's, in the process that serves S3, too."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from tests.services.s3 import S3Server

REGION = "eu-central-1"


def client(server: S3Server, service: str) -> Any:
    """A client of the server's KMS, Secrets Manager or SSM, as whoever fills it."""
    known = {"aws_access_key_id": "test", "aws_secret_access_key": "test-secret", "region_name": REGION}
    return boto3.client(service, endpoint_url=server.address, **known)  # type: ignore[call-overload]


@contextmanager
def refusing(code: str, status: int = 400) -> Iterator[str]:
    """The address of a server that refuses everything in the way of these services: moto's allows nearly all."""

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": "a canary that nobody is shown"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
