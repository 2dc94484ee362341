"""Which place is registered in which catalog, as what, and how that went."""

from __future__ import annotations

from django.db import models

from portal.environments.models import Connection
from portal.jobs.models import Place


class RegistrationState(models.TextChoices):
    WAITING = "waiting", "is being registered"
    REGISTERED = "registered", "registered"
    FAILED = "failed", "not registered"
    OUT = "out", "taken out"


class Registration(models.Model):
    """One place in one catalog, which is a connection (`executor.connections.glue`)."""

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="registrations")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="registrations")
    name = models.CharField(max_length=128)
    """What its table is called there."""
    names_before = models.JSONField(default=list)
    """Tables of it that are still to be taken out there."""
    is_wanted = models.BooleanField(default=True)
    """False: its table is to be taken out, and stays out."""
    state = models.CharField(max_length=10, choices=RegistrationState, default=RegistrationState.WAITING)
    problem = models.JSONField(null=True)
    """Why it failed: code, message, fix, in words for everybody."""
    of = models.DateTimeField(null=True)
    """When what was registered, or tried to, had been published."""
    registered_in = models.CharField(max_length=500, blank=True)
    """Where the catalog was then."""
    registered_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, db_index=True)
    """Null: nothing is to be done before the next publish, or before somebody asks for it."""
    failing_since = models.DateTimeField(null=True)

    access_project = "place__environment__project"
    access_environment = "place__environment__name"

    class Meta:
        ordering = ["place__uri", "connection__name"]
        constraints = [models.UniqueConstraint(fields=["place", "connection"], name="one_registration_per_catalog")]

    def __str__(self) -> str:
        return f"{self.place.uri} in {self.connection.name}"

    @property
    def is_given_up(self) -> bool:
        """Nobody tries it again by himself."""
        return self.state == RegistrationState.FAILED and self.next_try_at is None
