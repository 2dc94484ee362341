"""Everything that people are told about: one class for each condition."""

from __future__ import annotations

from portal.alerts.conditions.base import Condition, Told
from portal.alerts.conditions.catalogs import NotRegistered
from portal.alerts.conditions.deliveries import Undelivered
from portal.alerts.conditions.pipelines import Missed, NotStarted, PipelineCancelled, PipelineWellAgain, Skipped
from portal.alerts.conditions.promotions import Asked, Declined, Expired, Live, RolledBack, RunOnceEnded
from portal.alerts.conditions.runs import Cancelled, Failed, Late, NotTaken, WellAgain
from portal.alerts.conditions.schedules import Paused

_ALL: list[type[Condition]] = [
    Failed,
    Late,
    NotTaken,
    NotStarted,
    Skipped,
    Missed,
    Paused,
    NotRegistered,
    Undelivered,
    Asked,
    Declined,
    Live,
    RunOnceEnded,
    RolledBack,
    Expired,
    Cancelled,
    PipelineCancelled,
    WellAgain,
    PipelineWellAgain,
]
CONDITIONS: dict[str, type[Condition]] = {condition.event: condition for condition in _ALL}
EVENTS = [(event, condition.word) for event, condition in CONDITIONS.items()]
"""(stored word, word for people), in the order of the filter."""

__all__ = ["CONDITIONS", "EVENTS", "Condition", "Told"]
