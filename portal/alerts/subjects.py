"""From a stored alert back to the thing it is about."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from portal.alerts.conditions import CONDITIONS, Condition
from portal.alerts.conditions.runs import Late
from portal.alerts.models import Alert, Delivery
from portal.catalogs.models import Registration
from portal.pipelines.models import PipelineRun, Schedule
from portal.promotions.models import Promotion
from portal.runs.models import Run

MODELS: dict[str, type[Model]] = {
    "run": Run,
    "pipeline_run": PipelineRun,
    "schedule": Schedule,
    "promotion": Promotion,
    "delivery": Delivery,
    "registration": Registration,
}


def condition_of(alert: Alert) -> Condition | None:
    """The condition as it is now; None when its subject is gone."""
    subject = MODELS[alert.subject_type]._default_manager.filter(pk=alert.subject_id).first()
    if subject is None:
        return None
    if alert.event == Late.event:
        return Late.told(subject, alert.occasion)  # type: ignore[arg-type]
    return CONDITIONS[alert.event](subject)  # type: ignore[call-arg]


def facts_of(alert: Alert) -> dict[str, Any]:
    condition = condition_of(alert)
    return condition.facts if condition else {}
