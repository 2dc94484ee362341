"""manage.py scheduler"""

from __future__ import annotations

import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand

from portal.scheduler.loop import Loop
from portal.scheduler.ticks import all_ticks

log = logging.getLogger("sluice.scheduler")


class Command(BaseCommand):
    help = "Starts what is due, sends what waits and mends what was lost. Two of them at once are safe."

    def handle(self, *args: Any, **options: Any) -> None:
        loop = Loop(all_ticks())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        log.info("ready: %s", ", ".join(f"{tick.name} every {tick.seconds:g} s" for tick in loop.ticks))
        loop.run()
        log.info("stopped")
