"""Servers that behave oddly, on free ports of 127.0.0.1: silent, rude, or saying what a test wants."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Talk = Callable[[socket.socket], None]


@contextmanager
def answering(talk: Talk, certificate: Path | None = None) -> Iterator[int]:
    """A port where each connection gets `talk`, over TLS where there is a certificate; it is closed afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    opened: list[socket.socket] = []

    def one(stream: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError):
            if context:
                stream = context.wrap_socket(stream, server_side=True)
                opened.append(stream)
            talk(stream)
            with suppress(OSError):
                stream.shutdown(socket.SHUT_WR)
        stream.close()

    def accept() -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            opened.append(stream)
            threading.Thread(target=one, args=(stream,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(timeout=5)
        for stream in opened:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()


def silent(stream: socket.socket) -> None:
    """Takes everything, and says nothing until it is closed."""
    with suppress(OSError):
        while stream.recv(4096):
            pass


def rubbish(stream: socket.socket) -> None:
    stream.sendall(b"\x7f\x00\x13\x37 220 this is no such server at all \r\n" * 3)


def hangs_up(stream: socket.socket) -> None:
    pass


def http(status: int, body: bytes = b"", **headers: str) -> Talk:
    """Answers a request so."""
    lines = [
        f"HTTP/1.1 {status} Odd",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def talk(stream: socket.socket) -> None:
        if _request(stream):
            stream.sendall(answer)

    return talk


def s3(status: int, code: str, region: str = "") -> Talk:
    """An S3 that refuses everything so."""
    about = f"<Region>{region}</Region>" if region else ""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>canary of the server</Message>{about}</Error>'
    headers = {"Content_Type": "application/xml"} | ({"x_amz_bucket_region": region} if region else {})
    return http(status, body.encode(), **headers)


def _request(stream: socket.socket) -> bool:
    said = b""
    while b"\r\n\r\n" not in said:
        part = stream.recv(4096)
        if not part:
            return False
        said += part
    return True


def with_postgres_tls(port: int, certificate: Path) -> Talk:
    """TLS in front of a PostgreSQL that has none: answers its request for TLS, then passes everything on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk(stream: socket.socket) -> None:
        stream.recv(8)
        stream.sendall(b"S")
        with context.wrap_socket(stream, server_side=True) as safe, socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=_pass_on, args=(behind, safe), daemon=True)
            back.start()
            _pass_on(safe, behind)
            back.join(timeout=5)

    return talk


def cut_off(port: int, *, sent: int | None = None, received: int | None = None) -> Talk:
    """A server that goes away in the middle: after so many bytes that it was sent, or that it has answered, no byte passes any more, and
    no new connection gets one."""
    gone = threading.Event()
    left = {"sent": sent, "received": received}

    def pass_on(source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while not gone.is_set() and (part := source.recv(65_536)):
                count = left[way]
                if count is not None and count < len(part):
                    gone.set()
                    break
                left[way] = None if count is None else count - len(part)
                sink.sendall(part)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def talk(stream: socket.socket) -> None:
        if gone.is_set():
            return
        with socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=pass_on, args=(behind, stream, "received"), daemon=True)
            back.start()
            pass_on(stream, behind, "sent")
            back.join(timeout=5)

    return talk


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)
