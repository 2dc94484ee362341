"""The part of HashiCorp Vault's HTTP API that Sluice uses, as its documentation has it, on a real socket: the second version of the
key/value engine, tokens that may read some paths, AppRole, a sealed Vault. No Vault itself can be had here.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and …/auth/approle
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class VaultServer:
    """`secrets`: path → fields; None: its newest version is deleted. `tokens`: token → prefixes that it may read."""

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.tokens: dict[str, list[str]] = {"root-token": [""]}
        self.roles: dict[tuple[str, str], str] = {}
        """(role id, secret id) → token."""
        self.is_sealed = False
        self.leads_to = ""
        """Address that everything is redirected to, as a standby does."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and headers of every request."""
        self.address = ""

    def answer(self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append((path, headers))
        if self.leads_to:
            return 307, None
        if self.is_sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if (method, path) == ("POST", "/v1/auth/approle/login"):
            token = self.roles.get((body["role_id"], body["secret_id"]))
            return (200, {"auth": {"client_token": token}}) if token else (400, {"errors": ["invalid role or secret ID"]})
        kept = path.removeprefix("/v1/secret/data/")
        if kept == path:
            return 404, {"errors": [f"no handler for route {path}"]}
        if not any(kept.startswith(prefix) for prefix in self.tokens.get(headers.get("X-Vault-Token", ""), [])):
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        if kept not in self.secrets:
            return 404, {"errors": []}
        data = self.secrets[kept]
        about = {"version": 3, "deletion_time": "" if data else "2026-11-29T20:00:00Z", "destroyed": False}
        return 200 if data else 404, {"request_id": "1", "lease_duration": 0, "data": {"data": data, "metadata": about}}


@contextmanager
def serving() -> Iterator[VaultServer]:
    vault = VaultServer()

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, said = vault.answer(self.command, self.path, dict(self.headers), body)
            told = json.dumps(said).encode() if said else b""
            self.send_response(status)
            if status == 307:
                self.send_header("Location", vault.leads_to + self.path)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    vault.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
