"""A real HTTP receiver on 127.0.0.1 that keeps what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path


@dataclass
class Receiver:
    """`answers` with this status; `sent` holds (path, headers, body), oldest first."""

    port: int = 0
    answers: int = 204
    location: str = ""
    content: bytes = b""
    packed_as: str = ""
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"


@contextmanager
def running(certificate: Path | None = None) -> Iterator[Receiver]:
    """With a `certificate` (key and certificate in one PEM file) it speaks https."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.sent.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.answers)
            if kept.location:
                self.send_header("Location", kept.location)
            if kept.packed_as:
                self.send_header("Content-Encoding", kept.packed_as)
            self.send_header("Content-Length", str(len(kept.content)))
            self.end_headers()
            self.wfile.write(kept.content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripping(*pieces: bytes, every: float) -> Iterator[str]:
    """The address of a receiver that sends these pieces after each other again and again, for as long as somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()
        heard: list[threading.Thread] = []

        def answer(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.sendall(pieces[0])
                for piece in cycle(pieces[1:]):
                    if over.wait(every):
                        return
                    connection.sendall(piece)

        def listen() -> None:
            with suppress(OSError):
                while not over.is_set():
                    heard.append(threading.Thread(target=answer, args=(server.accept()[0],)))
                    heard[-1].start()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            for one in (thread, *heard):
                one.join()
