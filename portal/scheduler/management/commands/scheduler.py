"""manage.py scheduler"""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from portal.scheduler.loop import Loop
from portal.scheduler.ticks import all_ticks

log = logging.getLogger("sluice.scheduler")


class Command(BaseCommand):
    help = "Starts what is due, sends what waits and mends what was lost. Two of them at once are safe."
    requires_system_checks: list[str] = []  # they would load every page, which this program never shows

    def handle(self, *args: Any, **options: Any) -> None:
        loops = [Loop(ticks) for ticks in all_ticks()]

        def stop(*_: object) -> None:
            for loop in loops:
                loop.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        log.info("ready: %s", ", ".join(f"{tick.name} every {tick.seconds:g} s" for loop in loops for tick in loop.ticks))
        others = [threading.Thread(target=loop.run) for loop in loops[1:]]
        for thread in others:
            thread.start()
        loops[0].run()
        for thread in others:
            thread.join()
        log.info("stopped")
