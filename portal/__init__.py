"""The portal: who does what, when and where. Never imports Spark."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
