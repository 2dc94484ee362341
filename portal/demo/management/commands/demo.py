"""`manage.py demo`: `up`, with demo people, the project Flights and a first run on real data."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from portal.demo import programs
from portal.demo.management.commands.up import Command as Up
from portal.demo.supervisor import Program, Supervisor


class Command(Up):
    help = "Starts everything, loads the demo project, runs its main job and shows the result."
    catches_mail = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="end after the result: 0 when all went well")

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ["SLUICE_DEMO"] = "1"
        if options["once"]:
            os.environ.setdefault("SLUICE_WARM_EXECUTORS", "0")  # there is no next run that one could wait for
        super().handle(*args, **options)

    def after_start(self, supervisor: Supervisor, options: dict[str, Any]) -> bool:
        first_run = supervisor.start(self._first_run(supervisor))
        supervisor.run_until(lambda: first_run.exit_code is not None)
        if not options["once"]:
            return super().after_start(supervisor, options)
        return first_run.exit_code == 0 and supervisor.deaths == 0

    def _first_run(self, supervisor: Supervisor) -> Program:
        console = supervisor.terminal.console
        env = {"COLUMNS": str(max(console.width, 120))} | ({"FORCE_COLOR": "1"} if console.is_terminal else {})
        return Program("demo", programs.manage("load_demo", "--run"), env=env, script=True)
