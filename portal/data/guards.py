"""Where nothing may be brought to, and what has to be answered before something is written over."""

from __future__ import annotations

from typing import Any

from portal.data import names, origins
from portal.data.elsewhere import Elsewhere
from portal.data.lake import Lake, Taken
from portal.data.models import FileVersion, IfThere
from portal.data.uses import used_by_any
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs import places


class IsAnOutput(Conflict):
    """A job publishes this place; what somebody put there would be gone with its next run, or be mixed into its rows."""

    code = "is-an-output"


def refuse_outputs(environment: Environment, uri: str) -> None:
    """Raises IsAnOutput when `uri` is, holds or lies in a place that a job publishes, or that a live version would."""
    owned = [place for place in places.places_meeting(environment, uri) if not place.given_by_id or place.owner_id]
    writers = {use.job.name: use.uri for use in places.used_by(environment, uri) if use.writes and use.draft_of is None}
    said = {(place.owner.name if place.owner else "a job that was deleted"): place.uri for place in owned} or writers
    if said:
        job, place = sorted(said.items())[0]
        raise IsAnOutput(
            f"“{place}” is written by {job}: its next run would remove the file, or mix it into its rows.",
            fix="Choose another folder, for instance raw.",
            jobs=sorted(said),
        )


def require_answer(lake: Lake | Elsewhere, uri: str, if_there: str) -> str:
    """Where the file goes: `uri`, what lies there already (perhaps with other capital letters), or a free place beside it.

    Raises Taken, with what may be done and who uses the place, when nobody has said what to do.
    """
    twin = lake.twin(uri)
    if twin is None:
        return uri
    if if_there == IfThere.KEEP_BOTH:
        return _free_place(lake, uri)
    entry = lake.find(twin)
    if entry is None or entry.is_folder:
        raise Taken(f"“{twin}” is taken by a folder.", fix="Choose another name or folder.", choices=[IfThere.KEEP_BOTH], uri=twin)
    if if_there == IfThere.ASK:
        raise Taken(
            f"There is a file “{twin}” already.",
            fix="Say whether to replace it, to keep both, or to add it as a new version of the same source.",
            choices=[IfThere.NEW_VERSION, IfThere.REPLACE, IfThere.KEEP_BOTH],
            uri=twin,
            free=_free_place(lake, uri),
            **about(lake, twin),
        )
    return twin


def about(lake: Lake | Elsewhere, uri: str) -> dict[str, Any]:
    """Who reads and writes the place, or what was unpacked from it, and how many versions of it are kept, for the question."""
    kept = FileVersion.objects.at(lake.environment, uri).can_come_back().count()
    made = origins.made_from(lake, uri) if isinstance(lake, Lake) else []  # another root cannot be asked in a transaction
    return {"used_by": used_by_any(lake.environment, [uri, *made]), "kept_versions": kept}


def _free_place(lake: Lake | Elsewhere, uri: str) -> str:
    folder, name = names.parted(uri)
    for number in range(2, 1000):
        place = folder + names.numbered(name, number)
        if lake.twin(place) is None:
            return place
    raise PortalError(f"“{uri}” is there a thousand times.", code="file-exists", status=409, fix="Give the file another name.")
