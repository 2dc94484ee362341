"""`manage.py mail_catcher`: the demo's mail server. It delivers nothing: every mail becomes a file in <home>/mail and one line."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from argparse import ArgumentParser
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from django.conf import settings
from django.core.management.base import BaseCommand


class Folder:
    """Keeps each mail as `<time>-<number>.eml`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0
        path.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        """The name is aiosmtpd's."""
        self._number += 1
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        path = self._path / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{self._number:03d}.eml"
        path.write_bytes(content)
        subject = message_from_bytes(content, policy=policy.default)["subject"]
        print(f"mail to {', '.join(envelope.rcpt_tos)}: {subject}  ({path})", flush=True)  # noqa: T201
        return "250 Kept"


class Command(BaseCommand):
    help = "Catches the demo's mails as files."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fd", type=int, required=True, help="file descriptor of the listening socket")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        asyncio.run(serve(socket.socket(fileno=options["fd"]), Folder(settings.SLUICE_HOME / "mail")))


async def serve(listening: socket.socket, folder: Folder) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: SMTP(folder, hostname="localhost"), sock=listening)
    await stop.wait()
    server.close()
