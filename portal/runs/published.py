"""What runs have made visible: whose places these are, what is kept of earlier outputs, and putting one of them back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from executor.document.places import addresses_as_written
from executor.files import kept, marks
from executor.files.delta_history import version_of, versions_in
from executor.files.facts import TEXTS, facts_in
from executor.language import json_text
from executor.language.places import key_of
from executor.language.roots import DEFAULT, Located, Root, located
from executor.problems import Problem
from executor.stages.base import WRITES
from portal.accounts.models import User
from portal.environments.at_work import changing
from portal.environments.models import Environment
from portal.environments.models import Root as RootRow
from portal.environments.reach import judged_by, roots_elsewhere
from portal.errors import Conflict, PortalError
from portal.jobs import places
from portal.jobs.connections_used import connections_used
from portal.jobs.models import Job, Place
from portal.locking import locked
from portal.runs import launcher, outputs_apart, preview_client, visible
from portal.runs.models import GOOD_STATES, HELD_STATES, Run
from portal.runs.problems import problem_of

STATUS = {"previews-down": 503, "look-busy": 429}


# --- while a run works -------------------------------------------------------------------------------------------------


def outputs_of(run: Run) -> list[str]:
    """Where the run publishes."""
    return places.outputs_of(run.document, run.environment, run.parameters, str(run.pk))


def elsewhere(run: Run) -> list[str]:
    """Those of them that lie in roots on other machines. None where the document cannot be read any more."""
    roots, others = judged_by(run.environment), roots_elsewhere(run.environment)
    try:
        return [uri for uri in outputs_of(run) if _root_of(uri, roots) in others]
    except PortalError:
        return []


def under_way_in(root: RootRow) -> str:
    """See `portal.environments.connections.busy`: runs at work that publish there, and what runs have left there that is not ended yet."""
    roots = judged_by(root.environment)
    here = Run.objects.filter(environment=root.environment_id).select_related("environment", "job")
    for run in here.filter(state__in=HELD_STATES):
        if _publishes_in(run, root.name, roots):
            return f"The run {run.short_id} of {run.job.name} is at work and publishes there"
    for run in here.filter(attempts__may_have_left=True, attempts__finished_at__isnull=False).distinct():
        if _publishes_in(run, root.name, roots):
            return f"The run {run.short_id} of {run.job.name} died while it published there, and what it left is not ended yet"
    return ""


def _publishes_in(run: Run, root: str, roots: tuple[Root, ...]) -> bool:
    try:
        return any(_root_of(uri, roots) == root for uri in outputs_of(run))
    except PortalError:  # its document cannot be read any more: nobody knows
        return True


def _root_of(uri: str, roots: tuple[Root, ...]) -> str:
    found = located(uri, roots, "outputURI")
    return found.root if isinstance(found, Located) else DEFAULT


def values_for(run: Run) -> dict[str, Any]:
    """What its executor is told: which places it may replace, how many earlier outputs stay, how far the runs before have read, and how
    long they took.
    Raises PortalError where it would add rows to a place that has them, or may have them."""
    outputs_apart.require_together(run)
    visible.require_known(run)
    may_replace, read = places.replaceable(run.job, run.environment, outputs_of(run)), _read_so_far(run)
    told = {"places": may_replace, "keep_outputs": settings.KEEP_OUTPUTS, "took_seconds": _took_lately(run)}
    return told | ({"watermarks": read} if read else {})


def _took_lately(run: Run) -> int:
    """Seconds of the longest of the job's last ten runs there, good or bad: one that was ended by its time limit took long, too."""
    late = Run.objects.filter(job=run.job, environment=run.environment, started_at__isnull=False, finished_at__isnull=False)
    return max((round(one.duration_seconds or 0) for one in late.only("started_at", "finished_at").order_by("-created_at")[:10]), default=0)


def _read_so_far(run: Run) -> dict[str, Any]:
    """How far the last run has read that wrote to the same places, as far as its reading counts."""
    if _begins_elsewhere(run):
        return {}
    good = Run.objects.filter(job=run.job, environment=run.environment, state__in=GOOD_STATES, watermarks_hold=True)
    known = good.exclude(watermarks={}).order_by("-finished_at").values_list("watermarks", "document")
    if (latest := known.first()) is None:
        return {}
    mine = _outputs_named(run, run.document)
    for watermarks, document in known.iterator(chunk_size=20):
        if not mine or mine & _outputs_named(run, document):
            return dict(watermarks)
    return {} if _writes_fresh_places(run) else dict(latest[0])


def _outputs_named(run: Run, document: str) -> set[str]:
    """What a document of the job writes to, as it is written there: a place for each day is one output."""
    content = json_text.loads(document) | {"parameters": {}}
    written = [one for one in addresses_as_written(content, run.environment.name, {}) if one.does == WRITES]
    tables = (one for one in connections_used(content, run.environment, {}) if one.does == WRITES)
    return {key_of(one.uri) for one in written} | {f"{one.name}:{one.what}".casefold() for one in tables}


def _writes_fresh_places(run: Run) -> bool:
    """Whether it writes places alone, of which nothing is known: whatever the job has read before is in none of them. Of a table of a
    database nobody here knows what it holds."""
    keys, tables = (
        [key_of(uri) for uri in outputs_of(run)],
        connections_used(json_text.loads(run.document), run.environment, run.parameters),
    )
    if not keys or any(one.does == WRITES for one in tables):
        return False
    return not Place.objects.filter(environment=run.environment, key__in=keys).exists()


def _begins_elsewhere(run: Run) -> bool:
    """Whether all roots that it publishes in lead elsewhere since the job last published: nothing of what it has read lies there."""
    places_known = Place.objects.filter(environment=run.environment, owner=run.job, key__in=[key_of(uri) for uri in outputs_of(run)])
    storages = places.Storages(run.environment)
    moved = [place.lies_at != storages.of(place.uri) for place in places_known]
    return bool(moved) and all(moved)


def read_no_further(job: Job | None, environment: Environment, run_id: UUID | None) -> None:
    """What the runs of the job after that one have read is to be read again: what they had made of it is no longer there. What that one has
    read is there again. All of it is read again where nobody knows whose output lies there now."""
    later = Run.objects.filter(job=job, environment=environment).exclude(watermarks={})
    standing = Run.objects.filter(pk=run_id).first() if run_id else None
    if standing and standing.finished_at:
        later.filter(pk=standing.pk).update(watermarks_hold=True)
        later = later.filter(finished_at__gt=standing.finished_at)
    later.update(watermarks_hold=False)


def claim(run: Run) -> None:
    """The places the run is about to publish are its job's from now on. In the caller's transaction. Raises Conflict."""
    places.claim(run.job, run.environment, outputs_of(run))


def note(run: Run) -> None:
    """A run that published has ended: what lies at its places now, and what is kept beside it; also where somebody took a place over while
    it published. In the caller's transaction."""
    if run.state not in GOOD_STATES:
        return
    written, spelling = set(map(key_of, outputs_of(run))), places.Spelling(run.environment)
    for output in run.outputs:
        if not isinstance(output, dict) or not isinstance(output.get("uri"), str) or output.get("published") is False:
            continue
        said = ({"kept": _facts(output["kept"])} if "kept" in output else {}) | {"file_list": _file_list(output.get("list"))}
        place = Place.objects.filter(environment=run.environment, key=spelling.key(output["uri"]), key__in=written)
        place.update(last_run_id=run.pk, published_at=timezone.now(), **said)
        place.filter(owner=run.job).update(may_replace=False)


def _file_list(said: Any) -> str:
    return said if said in ("current", "behind") else ""


def _facts(given: Any) -> list[dict[str, Any]]:
    """What an executor says of kept outputs, as far as it can be believed: known keys, short text, whole numbers."""
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    return [facts_in(row, texts=("id", *TEXTS)) for row in rows[:20]]


# --- looking back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Publish:
    """One output of a place: the one that lies there (`kept_id` None), or a kept one. `run`: who published it, where that is known."""

    kept_id: str | None
    run: Run | None
    at: Any
    rows: int | None
    bytes: int | None


def history(place: Place) -> list[Publish]:
    """What lies at the place, and what can be put back, the newest first. Where its root leads elsewhere by now, nobody knows."""
    if not places.lies_there(place):
        return [Publish(None, None, None, None, None)]
    present, earlier = runs_and_kept(place.last_run_id, place.kept)
    outputs, spelling = present.outputs if present else [], places.Spelling(place.environment)
    said: dict[str, Any] = next((output for output in outputs if spelling.key(str(output.get("uri"))) == place.key), {})
    is_added_to = said.get("format") == "delta" and said.get("save_mode") == "Append"  # what came is not what lies there
    sums = (None, None) if is_added_to else (said.get("rows"), said.get("bytes"))
    return [Publish(None, present, place.published_at, *sums), *earlier]


def runs_and_kept(last_run_id: UUID | None, kept: list[dict[str, Any]]) -> tuple[Run | None, list[Publish]]:
    """The run that published last, and what is `kept` of before, each with its run."""
    ids = [last_run_id, *(run_id_in(row.get("run_id")) for row in kept)]
    runs = Run.objects.select_related("job", "version").defer("document", "version__document").in_bulk({one for one in ids if one})
    present, *others = (runs.get(one) if one else None for one in ids)
    earlier = [
        Publish(row.get("id", ""), run, parse_moment(row.get("published_at")), row.get("rows"), row.get("bytes"))
        for row, run in zip(kept, others, strict=True)
    ]
    return present, earlier


def places_of(run: Run) -> list[Place]:
    """The places this run has published, as far as they are still its job's and their roots lead where they led."""
    spelling, storages = places.Spelling(run.environment), places.Storages(run.environment)
    keys = [spelling.key(str(output.get("uri"))) for output in run.outputs if isinstance(output, dict)]
    found = Place.objects.select_related("environment", "owner").filter(environment=run.environment, key__in=keys)
    return [place for place in found if place.lies_at == storages.of(place.uri)]


def places_to_write(run: Run) -> list[Place | None]:
    """What is known of each place that the run publishes, or would have; None where nothing is, or where its root leads elsewhere by now.
    Empty where its document cannot be read any more."""
    try:
        keys = [key_of(uri) for uri in outputs_of(run)]
    except PortalError:
        return []
    storages = places.Storages(run.environment)
    here = Place.objects.select_related("environment").filter(environment=run.environment, key__in=keys)
    known = {place.key: place for place in here if place.lies_at == storages.of(place.uri)}
    return [known.get(key) for key in keys]


def left_by(publishes: list[Publish]) -> tuple[Run, bool] | None:
    """(the run as whose end left it a place is now, whether what a later one had published was put back); None where nobody knows.
    `publishes`: of its `history`."""
    present, *earlier = publishes
    if present.run is None or present.run.finished_at is None:
        return None
    ends = [kept.run.finished_at for kept in earlier if kept.run and kept.run.finished_at]
    return present.run, any(end > present.run.finished_at for end in ends)


def run_id_in(text: Any) -> UUID | None:
    """An executor's name for a run begins with the run's id; a later attempt adds its number."""
    try:
        return UUID(str(text)[:36])
    except ValueError:
        return None


def parse_moment(text: Any) -> Any:
    """None for what is no time."""
    try:
        return parse_datetime(str(text))
    except ValueError:
        return None


# --- putting back ------------------------------------------------------------------------------------------------------


def writers_at_work(environment: Environment, key: str) -> list[Run]:
    """Runs under way that write the place with this key."""
    working = Run.objects.filter(environment=environment, state__in=HELD_STATES).select_related("environment", "job")
    return [run for run in working if key in map(key_of, outputs_of(run))]


def at_work_on(environment: Environment, uri: str) -> list[Run]:
    """Runs under way that read or write the place."""
    working = Run.objects.filter(environment=environment, state__in=HELD_STATES).select_related("environment", "job")
    return [run for run in working if places.is_used_in(run.document, environment, uri)]


@dataclass(frozen=True)
class Shown:
    """What lay at a place when somebody looked, as far as that is known: when it was published, of a Delta table its id and newest
    version."""

    seen: str = ""
    table: str = ""
    latest: int | None = None


def put_back(user: User, place: Place, kept_id: str, shown: Shown) -> dict[str, Any]:
    """Has a program behind the wall put the output back and notes what lies there then; gives the facts of it. Raises PortalError, also
    where something else lies there by now than was shown.

    What lies in the environment's folder is looked at once the place is held: a run that began after somebody had looked for one may have
    published since. What lies elsewhere is as the program found it."""
    with changing(place.environment, place.uri):
        return _put_back(user, place, kept_id, shown)


def _put_back(user: User, place: Place, kept_id: str, shown: Shown) -> dict[str, Any]:
    _require_shown(place, shown.seen)
    if not places.lies_there(place):
        words = f"What was kept of “{place.uri}” does not lie where its root leads by now."
        raise PortalError(words, code="output-not-kept", status=409, fix="Look at what lies there now.")
    ask = async_to_sync(preview_client.answer_over_files)
    values = {
        "uri": place.uri,
        "kept": kept_id,
        "by": user.shown_name,
        "table": shown.table,
        "latest": shown.latest,
        places.MEANT: place.lies_at,
    }
    answer = ask("put-back", user=user.pk, environment=place.environment_id, values=values)
    is_here = _root_of(place.uri, judged_by(place.environment)) not in roots_elsewhere(place.environment)
    if answer.get("event") != preview_client.ANSWERS["put-back"] and not (is_here and _is_done_unheard(place, kept_id)):
        raise refusal_of(answer)
    target = _target(place)
    with transaction.atomic():
        there = locked(place)
        if not places.lies_there(there):  # put back where it led: nothing is known of where it leads by now
            return _facts([answer.get("current")])[0]
        found = (marks.facts_of(target), kept.listing(target)) if is_here else (answer.get("current"), answer.get("kept"))
        (current,), beside = _facts([found[0]]), _facts(found[1])
        there.kept, there.last_run_id, there.published_at = beside, run_id_in(current.get("run_id")), timezone.now()
        there.file_list = _file_list(answer.get("list"))
        there.save(update_fields=["kept", "last_run_id", "published_at", "file_list"])
        read_no_further(there.owner, there.environment, there.last_run_id)
    return current


def _require_shown(place: Place, seen: str) -> None:
    """Raises Conflict where somebody has published there, or put something back, since what was published at `seen` was shown."""
    place.refresh_from_db(fields=["published_at", "last_run_id"])
    if not seen or parse_moment(seen) == place.published_at:
        return
    run = Run.objects.select_related("job").filter(pk=place.last_run_id).first() if place.last_run_id else None
    by = f": what lies there now is of run {run.short_id} of {run.job.name}" if run else ""
    raise Conflict(f"“{place.uri}” was published anew since this page was opened{by}.", code="output-changed", fix=LOOK_AGAIN)


LOOK_AGAIN = "Nothing was put back. Look at what lies there now, then decide."


@transaction.atomic
def forget_versions(place: Place, gone: Any) -> None:
    """Versions of a table that can be read no longer ([first, last] pairs) are not offered to be put back."""
    there, lost = locked(place), versions_in(gone)
    there.kept = [row for row in there.kept if version_of(row.get("id", "")) not in lost]
    there.save(update_fields=["kept"])


def _target(place: Place) -> Path:
    return launcher.lake_folder(place.environment) / place.uri


def _is_done_unheard(place: Place, kept_id: str) -> bool:
    """Whether the program ended right after it had put the output back, before it could say so."""
    wanted: dict[str, Any] = next((row for row in place.kept if row.get("id") == kept_id), {})
    current = marks.facts_of(_target(place))
    return bool(wanted.get("run_id")) and all(current.get(name) == wanted.get(name) for name in ("run_id", "published_at"))


def refusal_of(answer: dict[str, Any]) -> PortalError:
    """What a program over files has answered instead."""
    if not answer.get("problem"):
        return PortalError("The program that works on the files gave no answer.", code="no-answer", status=503, fix="Try again.")
    problem: Problem = problem_of(answer["problem"])
    return PortalError(problem.message, code=problem.code, status=STATUS.get(problem.code, 409), fix=problem.fix)
