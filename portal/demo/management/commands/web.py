"""`manage.py web`: the web server on a socket that the supervisor opened (so a port in use is noticed before anything starts)."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand

from portal.wire import collect_static_files


class Command(BaseCommand):
    help = "Serves the portal on an inherited, listening socket."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fd", type=int, required=True, help="file descriptor of the listening socket")

    def handle(self, *args: Any, **options: Any) -> None:
        collect_static_files()
        # Log streams stay open for as long as a page does, so they are cut a moment after the request to stop.
        config = uvicorn.Config(
            "portal.asgi:application", log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2, server_header=False
        )
        uvicorn.Server(config).run(sockets=[socket.socket(fileno=options["fd"])])
