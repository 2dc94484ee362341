"""Whether an executor that waits may still have what it was started with: a folder that was edited away is not to stay open in it."""

from __future__ import annotations

from contextlib import suppress

from portal.environments.folders import mount
from portal.environments.models import Environment
from portal.environments.mounts import Mount
from portal.environments.reach import endpoints_in_use
from portal.errors import PortalError
from portal.runs.launches import Equipment

SECONDS = 5.0
"""How often it is asked of those that wait."""


def may_still_have(environment: int, equipment: Equipment) -> bool:
    """`environment`: its id. False also where that is gone."""
    if not (equipment.endpoints or equipment.folders):
        return True
    found = Environment.objects.select_related("project").filter(pk=environment).first()
    if found is None or not all(_is_as_it_was(found, one) for one in equipment.folders):
        return False
    return not equipment.endpoints or Equipment(endpoints_in_use(found)).covers(Equipment(equipment.endpoints))


def _is_as_it_was(environment: Environment, one: Mount) -> bool:
    """Also whether it may still be written, where it is open for that."""
    root = environment.roots.filter(name=one.name, connection=None).exclude(address="").select_related("environment__project").first()
    with suppress(PortalError):
        return root is not None and mount(root, writes=one.writable) == one
    return False
