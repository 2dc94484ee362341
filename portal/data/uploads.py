"""What a page tells its script about uploads."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from portal.accounts.models import Project, User
from portal.data import actions, kinds, rights
from portal.environments.models import Environment


def config(
    user: User, project: Project, environment: Environment | None = None, *, folder: str = "", browsed: bool = False
) -> dict[str, Any] | None:
    """What the page's script needs to send files: where to, and how large they may be. None where this person may bring none.
    `folder`: the one of the page, to which they come; `browsed`: whether it is no table, so each file is one of its own."""
    target = environment or next(iter(rights.environments_for(user, project)), None)
    if target is None or not rights.may_change(user, target):
        return None
    where = [project.slug, target.name]
    return {
        "environment": target.name,
        "folder": folder,
        "browsed": browsed,
        "api": f"/api/v1/projects/{project.slug}/environments/{target.name}/",
        "list": reverse("data:list", args=where),
        "look": reverse("data:arrived", args=where),
        "stages": reverse("looks:stages", args=where),
        "limit": actions.limit_bytes(),
        "accept": kinds.ACCEPTED,
        "said": kinds.SAID,
    }
