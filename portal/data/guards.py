"""Where nothing may be brought to or taken from, and what has to be answered before something is written over."""

from __future__ import annotations

from typing import Any

from executor.language.roots import Located
from portal.data import names, origins, seen
from portal.data.elsewhere import Elsewhere
from portal.data.lake import Lake, NothingThere, Taken
from portal.data.listing import find_table
from portal.data.models import FileVersion, IfThere
from portal.data.uses import used_by_any
from portal.environments.models import Environment
from portal.environments.reach import holds_a_root
from portal.errors import Conflict, PortalError
from portal.jobs import places
from portal.runs.actions import require_nobody_reads


class IsAnOutput(Conflict):
    """A job publishes this place; what somebody put there would be gone with its next run, or be mixed into its rows."""

    code = "is-an-output"


def refuse_outputs(environment: Environment, uri: str) -> None:
    """Raises IsAnOutput when `uri` is, holds or lies in a place that a job publishes, or that a live version would."""
    if said := _writers(environment, uri):
        job, place = next(iter(said.items()))
        raise IsAnOutput(
            f"“{place}” is written by {job}: its next run would remove the file, or mix it into its rows.",
            fix="Choose another folder, for instance raw.",
            jobs=list(said),
        )


def _writers(environment: Environment, uri: str) -> dict[str, str]:
    """Job → the place on, above or below this one that it publishes, or that its live version would."""
    owned = [place for place in places.places_meeting(environment, uri) if not place.given_by_id or place.owner_id]
    writers = {use.job.name: use.uri for use in places.used_by(environment, uri) if use.writes and use.draft_of is None}
    said = {(place.owner.name if place.owner else "a job that was deleted"): place.uri for place in owned} or writers
    return dict(sorted(said.items()))


def require_shown(environment: Environment, uri: str, shown: str, *, may_be_gone: bool = False) -> None:
    """Raises PortalError where something else lies there by now than what was shown with this stamp (see `Table.stamp`); empty: any may.
    `may_be_gone`: or where nothing does."""
    if not shown:
        return
    seen.forget(environment)  # nobody decides by what was seen a while ago
    table = find_table(environment, uri)
    if table is None and may_be_gone:
        return
    if table is None:
        raise NothingThere(f"There is nothing at “{names.shown(uri)}” any more.", fix="Look at the list of data again.")
    if table.stamp != shown:
        what = "has other files" if table.is_folder else "is another one"
        raise Conflict(f"“{uri}” {what} by now than when you saw it.", code="data-changed", fix="Look at it, then decide.")


def require_quiet_folder(environment: Environment, at: Located) -> None:
    """Raises PortalError for a folder of a root elsewhere that a run works on, a job publishes in, or that another root lies in."""
    uri = str(at)
    if said := _writers(environment, uri):
        job, place = next(iter(said.items()))
        message = f"“{place}” is written by {job}, so “{uri}” stays where it is."
        raise IsAnOutput(message, fix="Take what lies beside it one by one.", jobs=list(said))
    require_nobody_reads(environment, uri)
    if holds_a_root(environment, at):
        raise Conflict(f"Another root lies in “{uri}”.", code="is-in-use", fix="Take the files and folders in it one by one.")


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
