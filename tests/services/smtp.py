"""A real SMTP server for tests; it keeps what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.services.ports import free_port


@dataclass
class Mailbox:
    """`mails` are what arrived, oldest first. While `refuses` is true, every mail is refused for now (SMTP 451)."""

    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """The name is aiosmtpd's."""
        if self.refuses:
            return "451 Try again later"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)  # type: ignore[arg-type]
        return "250 Kept"


@contextmanager
def running() -> Iterator[Mailbox]:
    """A started server, gone afterwards."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
