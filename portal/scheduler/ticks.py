"""What the scheduler does, and how often. Each of these finds its work in the database, so it may run twice, late or after a crash."""

from __future__ import annotations

from portal.alerts import delivery, left_alone, not_taken, raising
from portal.catalogs import registering
from portal.data import tidying
from portal.environments import sealing
from portal.pipelines import progress, ticks
from portal.promotions import actions as promotions
from portal.runs import doorbell, half_published, log_archive, outbox, sweeper
from portal.scheduler.loop import Tick


def all_ticks() -> list[list[Tick]]:
    """Ticks by thread: what waits for receivers elsewhere or for other programs must not make a schedule late."""
    catalogs = [Tick("register tables", 3, registering.register_due)]
    return [_ours(), [Tick("deliver alerts", 2, delivery.deliver_due)], _of_the_lake(), catalogs]


def _of_the_lake() -> list[Tick]:
    return [
        Tick("end half publishing", 10, half_published.take_back),
        Tick("remove what was staged", 20, half_published.remove_staged),
        Tick("end half publishing elsewhere", 10, half_published.end_elsewhere),
    ]


def _ours() -> list[Tick]:
    return [
        Tick("send waiting messages", 1, outbox.relay),
        Tick("start due schedules", 1, ticks.start_due),
        Tick("advance pipelines", 1, progress.advance_all),
        Tick("sweep runs", 5, sweeper.sweep),
        Tick("raise missed alerts", 10, raising.find_untold),
        Tick("find late runs", 10, raising.find_late),
        Tick("find runs that no worker takes", 30, not_taken.find_not_taken),
        Tick("find alerts of which nobody is left", 60, left_alone.find_left_alone),
        Tick("expire promotions", 60, promotions.expire_waiting),
        Tick("wipe secrets that have ended", 60, sealing.forget_ended),
        Tick("mend times of schedules", 60, ticks.mend_times),
        Tick("tidy uploads and bins", 600, tidying.tidy),
        Tick("move logs of ended runs", 60, log_archive.move_old),
        Tick("give a sign of life", 10, lambda: doorbell.give_sign("scheduler")),
    ]
