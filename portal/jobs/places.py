"""Whose place is it? What is known of each environment's lake: which job publishes where, what was uploaded, and who uses it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from executor.document import job as judge
from executor.document.places import addresses_as_written
from executor.language import json_text, places
from executor.language.roots import DEFAULT, Located, located
from executor.problems import CONTRACT
from executor.stages.base import WRITES
from portal.accounts.models import User
from portal.environments.models import Environment
from portal.environments.reach import judged_by, storages_of
from portal.errors import Conflict
from portal.jobs.models import Draft, Job, LiveVersion, Place


@dataclass(frozen=True)
class Use:
    """One stage that reads or writes a place: of the job's live version, or of somebody's draft. `uri`: in the one way it is written;
    `where`: what tells whether it meets another (`Spelling.where`)."""

    job: Job
    stage: str
    field: str
    uri: str
    where: str
    writes: bool
    draft_of: User | None = None


# --- one spelling ------------------------------------------------------------------------------------------------------


class Spelling:
    """How places of one environment are written and compared: by its roots of now."""

    def __init__(self, environment: Environment) -> None:
        self.roots = judged_by(environment)

    def of(self, uri: str) -> str:
        """The one way in which the place is written; what leads nowhere stays as it is, and is no place of anybody."""
        found = located(uri, self.roots, "uri")
        return str(found) if isinstance(found, Located) else places.place_of(uri)

    def where(self, uri: str) -> str:
        """For `executor.language.places.meet` and `is_within`."""
        found = located(uri, self.roots, "uri")
        return found.where if isinstance(found, Located) else uri

    def key(self, uri: str) -> str:
        """For `Place.key`."""
        return places.key_of(self.of(uri))


class Storages:
    """Where the roots of an environment lie now."""

    def __init__(self, environment: Environment) -> None:
        self._known = storages_of(environment)

    def of(self, uri: str) -> str:
        """Where the root of a place lies (which is written as `Spelling.of` does); empty for the environment's own folder."""
        root, separator, _ = uri.partition(":")
        return self._known.get(root if separator else DEFAULT, "")


MEANT = "lies_at"
"""Among the values of a program that changes something at a place: where its root led when it was asked for."""


def meant(environment: Environment, uri: str) -> dict[str, str]:
    """To be sent along with what is to change something there: a program waits for its turn, and its root may be led elsewhere."""
    return {MEANT: Storages(environment).of(uri)}


# --- looking up --------------------------------------------------------------------------------------------------------


def place_at(environment: Environment, uri: str) -> Place | None:
    """The place with this address, however it is written."""
    return Place.objects.select_related("owner", "given_by").filter(environment=environment, key=Spelling(environment).key(uri)).first()


def known_at(environment: Environment, uri: str) -> Place | None:
    """The same where what is known of it is so: None where its root leads elsewhere since it was published."""
    place = place_at(environment, uri)
    return place if place and lies_there(place) else None


def lies_there(place: Place) -> bool:
    """Whether its root leads where it led when it was published or taken over. What lies where it leads by now is nobody's that we know."""
    return place.lies_at == Storages(place.environment).of(place.uri)


def places_meeting(environment: Environment, uri: str) -> list[Place]:
    """Known places on, above or below this address (which is no pattern)."""
    found = Place.objects.select_related("owner", "given_by").filter(environment=environment).meeting(Spelling(environment).key(uri))
    return list(found)


def used_by(environment: Environment, uri: str) -> list[Use]:
    """Who reads or writes `uri`, something in it, or something it lies in: live versions of this environment, and where drafts may run,
    drafts. Before a file is replaced, renamed or deleted, this is what people are told."""
    where = Spelling(environment).where(uri)
    return [use for use in _uses(environment) if places.meet(use.where, where)]


def read_by(jobs: Iterable[str]) -> str:
    """Who reads a place, in words: what is put back there, they read next."""
    names = sorted(set(jobs))
    return f"Read by {', '.join(names)}." if names else "No job reads it."


def uses_in(environment: Environment) -> list[Use]:
    """Every use of every place, for a page that lists many: match them by `where` with `executor.language.places.meet`."""
    return list(_uses(environment))


def _uses(environment: Environment) -> Iterator[Use]:
    spelling = Spelling(environment)
    live = LiveVersion.objects.filter(environment=environment, job__archived_at=None).select_related("job", "version")
    for pointer in live:
        yield from _uses_of(environment, spelling, pointer.job, pointer.version.document, None)
    if environment.allows_drafts:
        drafts = Draft.objects.filter(job__project=environment.project_id, job__archived_at=None).select_related("job", "user")
        for draft in drafts:
            yield from _uses_of(environment, spelling, draft.job, draft.document, draft.user)


def _uses_of(environment: Environment, spelling: Spelling, job: Job, document: str, draft_of: User | None) -> Iterator[Use]:
    for one in _addresses_in(document, environment, spelling):
        yield Use(job, one.stage, one.field, one.uri, one.where, one.writes, draft_of)


class _Spelled(NamedTuple):
    stage: str
    field: str
    uri: str
    where: str
    writes: bool


_known: OrderedDict[bytes, tuple[_Spelled, ...]] = OrderedDict()
_lock = threading.Lock()
MOST_KNOWN = 5_000
"""Documents whose addresses are remembered: every upload and every change of a look asks for those of all jobs."""


def _addresses_in(document: str, environment: Environment, spelling: Spelling) -> tuple[_Spelled, ...]:
    """The addresses in the document; nothing where it cannot be read. The same text with the same values and roots is read once."""
    values = json.dumps([environment.name, environment.parameters, repr(spelling.roots)], sort_keys=True, default=str)
    key = hashlib.blake2b(f"{values}\0{document}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    try:
        content = json_text.loads(document)
    except ValueError:
        content = None
    written = addresses_as_written(content, environment.name, environment.parameters) if isinstance(content, dict) else []
    found = tuple(_Spelled(one.stage, one.field, spelling.of(one.uri), spelling.where(one.uri), one.does == WRITES) for one in written)
    with _lock:
        _known[key] = found
        while len(_known) > MOST_KNOWN:
            _known.popitem(last=False)
    return found


def outputs_of(document: str, environment: Environment, parameters: Mapping[str, Any] | None, run_id: str | None = None) -> list[str]:
    """Where this document publishes when it runs here with these values (None: nobody runs it yet), each in the one way it is written."""
    roots = judged_by(environment)
    written = judge.places_written(document, environment=environment.name, parameters=parameters, run_id=run_id, roots=roots)
    return [str(place) for place in written]


def is_used_in(document: str, environment: Environment, uri: str) -> bool:
    """Whether this document reads or writes the place, something in it, or something it lies in."""
    spelling = Spelling(environment)
    where = spelling.where(uri)
    return any(places.meet(one.where, where) for one in _addresses_in(document, environment, spelling))


@dataclass(frozen=True)
class Output:
    """One place that a job would publish in an environment. `place`: what is known of it; `conflict`: why it may not, as a problem."""

    environment: Environment
    uri: str
    place: Place | None
    conflict: dict[str, Any] | None


def written_by(job: Job, draft: str | None = None) -> list[Output]:
    """What the job's live versions would publish, environment by environment; in the lowest, the `draft` where nothing is live yet."""
    pointers = job.live_versions.select_related("environment", "version").order_by("environment__rank")
    documents = [(pointer.environment, pointer.version.document) for pointer in pointers]
    lowest = job.project.environments.order_by("rank").first()
    if draft is not None and lowest is not None and lowest not in [environment for environment, _ in documents]:
        documents.insert(0, (lowest, draft))
    return [
        Output(environment, uri, place_at(environment, uri), next(iter(conflicts(job, environment, [uri])), None))
        for environment, document in documents
        for uri in outputs_of(document, environment, None)
    ]


def owned_by(job: Job) -> list[Place]:
    """The places that the job owns, also those that its versions no longer write."""
    return list(Place.objects.select_related("environment__project", "owner").filter(owner=job).order_by("environment__rank", "uri"))


# --- whose it is -------------------------------------------------------------------------------------------------------


def conflicts(job: Job, environment: Environment, uris: Iterable[str]) -> list[dict[str, Any]]:
    """Problems (dicts) of a job that would publish at these places (of `outputs_of`): those of others on, above or below. Empty when it
    may."""
    return [
        _conflict(environment, uri, place) for uri in uris for place in places_meeting(environment, uri) if not _is_own(job, uri, place)
    ]


def conflicts_in(job: Job, document: str) -> list[dict[str, Any]]:
    """The same of a document that somebody writes, as warnings at its stages, in the lowest environment. Addresses that hang on a parameter
    without a value are judged when it runs; of a document that cannot be read nothing is said."""
    lowest = job.project.environments.select_related("project").order_by("rank").first()
    try:
        content = json_text.loads(document)
    except ValueError:
        return []
    if lowest is None or not isinstance(content, dict) or not isinstance(content.get("stages"), list):
        return []
    index_of = {str(stage.get("name")): index for index, stage in enumerate(content["stages"]) if isinstance(stage, dict)}
    spelling = Spelling(lowest)
    return [
        {**found, "severity": "warning", "stage": one.stage, "stage_index": index_of[one.stage]}
        for one in addresses_as_written(content, lowest.name, lowest.parameters)
        if one.does == WRITES and "*" not in one.uri and one.stage in index_of
        for found in conflicts(job, lowest, [spelling.of(one.uri)])
    ]


def require_own(job: Job, environment: Environment, uris: Iterable[str]) -> None:
    """Raises Conflict, with every problem, when the job would publish where it may not."""
    found = conflicts(job, environment, uris)
    if found:
        raise Conflict(found[0]["message"], code="place-not-own", fix=found[0]["fix"], problems=found)


def claim(job: Job, environment: Environment, uris: Iterable[str]) -> None:
    """Makes the job the owner of the places it publishes from now on. In the caller's transaction, right before it publishes.
    Raises Conflict when somebody was first."""
    wanted = list(uris)
    Environment.objects.select_for_update(of=("self",), no_key=True).get(pk=environment.pk)  # one claim at a time: places may overlap
    require_own(job, environment, wanted)
    storages = Storages(environment)
    for uri in wanted:
        lies_at = storages.of(uri)
        known = {"owner": job, "uri": uri, "lies_at": lies_at}
        place, is_new = Place.objects.get_or_create(environment=environment, key=places.key_of(uri), defaults=known)
        if not is_new and place.lies_at != lies_at:
            place.move_to(lies_at)
            place.may_replace = False
            place.save()


def replaceable(job: Job, environment: Environment, uris: Iterable[str]) -> dict[str, bool]:
    """Which of these places are the job's own already; true where it may replace whatever lies there. For the executor. What lies where a
    root leads by now is not what the job has published where it led before."""
    keys, storages = {places.key_of(uri): uri for uri in uris}, Storages(environment)
    own = Place.objects.filter(environment=environment, owner=job, key__in=keys)
    return {keys[place.key]: place.may_replace for place in own if place.lies_at == storages.of(place.uri)}


@transaction.atomic
def register_upload(*, environment: Environment, uri: str, actor: User) -> Place:
    """Notes an uploaded file as a place of its own, so that no output is published over it. Raises Conflict when it meets an output or
    another upload that is not exactly this file (replacing a file keeps its place)."""
    Environment.objects.select_for_update(of=("self",), no_key=True).get(pk=environment.pk)
    for place in places_meeting(environment, uri):
        if place.owner_id is not None or place.uri != places.place_of(uri):
            raise Conflict(words(uri, place), code="place-taken", fix="Choose another name.")
    return Place.objects.update_or_create(
        environment=environment,
        key=places.key_of(uri),
        defaults={
            "uri": places.place_of(uri),
            "given_by": actor,
            "published_at": timezone.now(),
            "last_run_id": None,  # of a place that its job has given up: the run's output is no longer what lies there
            "lies_at": Storages(environment).of(uri),
        },
    )[0]


def forget(environment: Environment, uri: str) -> None:
    """The file at `uri` is gone, or has another name: its place is free again. Nothing happens where none was known."""
    Place.objects.filter(environment=environment, key=places.key_of(uri)).delete()


def _is_own(job: Job, uri: str, place: Place) -> bool:
    return place.owner_id == job.pk and place.uri == places.place_of(uri)


def _conflict(environment: Environment, uri: str, place: Place) -> dict[str, Any]:
    same = place.uri == places.place_of(uri)
    fix = "Write to another folder."
    if same:
        fix = (
            f"Write to another folder; or take the place over on this job's page, if what lies there in {environment.name} may be replaced."
        )
    return {
        "code": "place-not-own",
        "field": "outputURI",
        "message": words(uri, place),
        "found": place.uri,
        "expected": "a place that nobody else writes",
        "fix": fix,
        "environment": environment.name,
        "can_be_taken_over": same,
        "contract": CONTRACT,
        "names": _open_names(environment, place),
    }


def _open_names(environment: Environment, place: Place) -> list[str]:
    """What a sentence about the place may quote to all who see the project: a job of it, and the place where that job's saved document
    names it so (one with a value put in, or of an upload, may show data)."""
    owner = place.owner
    if owner is None or owner.project_id != environment.project_id:
        return []
    saved = owner.latest_version.document if owner.latest_version else ""
    return [owner.name, *([place.uri] if json.dumps(place.uri, ensure_ascii=False) in saved else [])]


def _without_owner(place: Place) -> str:
    if not place.given_by_id:
        return "whose job was deleted"
    return "which its job has given up" if place.last_run_id else "which was uploaded"


def words(uri: str, place: Place) -> str:
    """Why `uri` cannot be used because of `place`."""
    owner = place.owner
    whose = f"which the job “{owner.name}” publishes" if owner else _without_owner(place)
    if owner and owner.archived_at:
        whose += " (it is archived)"
    if place.uri == places.place_of(uri):
        return f"“{uri}” is a place {whose}."
    if place.key == places.key_of(uri):
        return f"“{uri}” differs from “{place.uri}”, {whose}, in capital letters only."
    where = "above" if place.key.startswith(f"{places.key_of(uri)}/") else "in"
    return f"“{uri}” lies {where} “{place.uri}”, {whose}."
