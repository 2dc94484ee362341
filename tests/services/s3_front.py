"""What stands between a test and a real S3 server, and refuses, breaks off or loses what the test wants."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Refuse:
    """S3 refuses, with its own word; `region`: where it says that the bucket is."""

    status: int
    code: str
    region: str = ""


BREAK = "break"
"""Half of the answer's body arrives, then the connection ends."""
LOSE = "lose"
"""The server does it, and its answer is lost."""
Decision = Refuse | str | None
"""None: passed on as it is."""


@dataclass
class Front:
    """`decide`: is asked for each request, by its method and path."""

    decide: Callable[[str, str], Decision] = lambda method, path: None
    address: str = ""
    without: tuple[str, ...] = ()
    """Headers (in small letters) of which the server behind never hears: it does as if it did not know them."""
    ended: set[str] = field(default_factory=set)
    """Access keys that it does not know any more."""
    asked_by: list[str] = field(default_factory=list)
    """Of each request, the access key that signed it; empty where none has."""

    def first(self, times: int, decision: Decision, *methods: str, holding: str = "") -> None:
        """The first so many requests of these methods (none: all), whose path holds that, are answered so."""
        left = [times]

        def decide(method: str, path: str) -> Decision:
            if left[0] and (not methods or method in methods) and holding in path:
                left[0] -= 1
                return decision
            return None

        self.decide = decide

    def always(self, decision: Decision, *methods: str, holding: str = "") -> None:
        self.first(-1, decision, *methods, holding=holding)

    def never(self) -> None:
        self.decide = lambda method, path: None


@contextmanager
def before(server: str) -> Iterator[Front]:
    """`server`: the address of the real one."""
    front, behind = Front(), urlsplit(server)
    assert behind.hostname and behind.port

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def work(self) -> None:
            body = self._body()
            signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization") or "")
            front.asked_by.append(signed[1] if signed else "")
            unknown = Refuse(403, "InvalidAccessKeyId") if front.asked_by[-1] in front.ended else None
            decision = unknown or front.decide(self.command, self.path)
            if isinstance(decision, Refuse):
                self._refuse(decision)
                return
            status, headers, content = self._passed_on(body)
            if decision == LOSE:
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            length = next((value for name, value in headers if name.lower() == "content-length"), str(len(content)))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if decision == BREAK else content)
            self.close_connection = self.close_connection or decision == BREAK

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", *front.without)}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        def _refuse(self, decision: Refuse) -> None:
            about = f"<Region>{decision.region}</Region>" if decision.region else ""
            body = f"<Error><Code>{decision.code}</Code><Message>canary of the server</Message>{about}</Error>".encode()
            self.send_response_only(decision.status)
            if decision.region:
                self.send_header("x-amz-bucket-region", decision.region)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = work

        def log_message(self, *arguments: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    server_here = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server_here.daemon_threads = True
    threading.Thread(target=server_here.serve_forever, args=(0.02,), daemon=True).start()
    front.address = f"http://127.0.0.1:{server_here.server_port}"
    try:
        yield front
    finally:
        server_here.shutdown()
        server_here.server_close()
