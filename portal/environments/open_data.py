"""Open data in one click: a connection that signs in as nobody, and a root on it that jobs may only read."""

from __future__ import annotations

from django.db import transaction

from executor.connections.open_data import OPEN_SETS, OpenSet, open_set
from portal.accounts.models import User
from portal.environments import connections
from portal.environments.models import Environment, Root
from portal.errors import PortalError


def add_open_data(*, actor: User, environment: Environment, name: str) -> Root:
    """Both, or neither. Raises PortalError where there is no such set, or a name or the place is taken."""
    found = open_set(name)
    if found is None:
        raise PortalError("This set is not known.", code="open-set-unknown", fix=f"There are: {', '.join(one.name for one in OPEN_SETS)}.")
    with transaction.atomic():
        made = connections.add_connection(
            actor=actor, environment=environment, name=found.name, kind="s3", settings=found.settings(), secrets={}
        )
        return connections.add_root(actor=actor, environment=environment, name=found.name, connection=made.name, address=found.root)


def not_yet_in(environment: Environment) -> list[OpenSet]:
    """Those whose names are still free."""
    taken = {*environment.connections.values_list("name", flat=True), *environment.roots.values_list("name", flat=True)}
    return [one for one in OPEN_SETS if one.name not in taken]
