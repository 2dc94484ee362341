"""`manage.py up`: everything on one machine under one supervisor, until Ctrl+C."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo import stack
from portal.demo.supervisor import Supervisor
from portal.demo.terminal import Terminal
from portal.errors import PortalError


class Command(BaseCommand):
    help = "Starts Redis, web, worker, scheduler and previews, and looks after them until Ctrl+C."
    requires_system_checks: list[str] = []
    catches_mail = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default="8000", help="where the portal listens on 127.0.0.1 (0 = any free port)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with stack.only_one(settings.SLUICE_HOME), stack.listen(stack.port_number(options["port"])) as listening:
                self.look_after(listening, options)
        except PortalError as error:
            raise CommandError(" ".join(filter(None, [error.message, error.fix]))) from None

    def look_after(self, listening: Any, options: dict[str, Any]) -> None:
        stack.remove_stale_sockets()
        all_well = True
        with Supervisor(Terminal(settings.SLUICE_HOME / "log")) as supervisor:
            if stack.bring_up(supervisor, listening, catch_mail=self.catches_mail):
                supervisor.terminal.say(f"ready at {stack.address(listening)}; Ctrl+C stops everything", "bold")
                all_well = self.after_start(supervisor, options)
            supervisor.terminal.say("stopping")
        supervisor.terminal.say("stopped")
        if not all_well:
            sys.exit(1)

    def after_start(self, supervisor: Supervisor, options: dict[str, Any]) -> bool:
        """What is done once the portal answers; False makes the exit code 1."""
        supervisor.run_until(lambda: False)
        return True
