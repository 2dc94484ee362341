"""Keeps the tables of each environment's catalogs as its outputs are: after a run has published, or somebody has put an output back.

What is to be done is found by comparing, so nothing is lost with a message. Two programs behind the wall do it: one reads what the output
says of itself, and reaches its root; the other registers that, and reaches the catalog. Neither touches the run: it has published.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from executor.look.names import safe_name
from portal.catalogs.models import Registration, RegistrationState
from portal.environments.connections import stored
from portal.environments.models import Connection, Environment
from portal.environments.mounts import OF_FOLDERS
from portal.errors import PortalError
from portal.jobs.models import Place
from portal.jobs.places import Storages
from portal.runs import preview_client
from portal.runs.models import Run

log = logging.getLogger(__name__)

CATALOGS = ("glue",)
NOBODY = 0
"""No person asks for it: see `portal.runs.half_published`."""
ANSWER_SECONDS = 180
AT_ONCE = 20
MOST_TRIES, LONGEST_PAUSE = 30, timedelta(hours=1)
TRANSIENT = ("catalog-refused", "storage-refused", "previews-down", "look-busy", "no-answer", "look-too-long", "look-stopped")
"""Problems that may be over by themselves. Others stay until the next publish, or until somebody has done something about them."""
MOVED = {
    "code": "place-moved",
    "message": "The root of this place leads elsewhere by now, where its job has not published.",
    "fix": "Run the job that writes it.",
}


def register_due(now: datetime | None = None) -> int:
    """Does what is to be done in all catalogs, as far as it is due. Gives how many places were tried."""
    now = now or timezone.now()
    _look_for_changes(now)
    related = Registration.objects.select_related("place__environment__project", "place__owner", "connection")
    due = list(related.filter(next_try_at__lte=now).order_by("next_try_at")[:AT_ONCE])
    for registration in due:
        _try(registration)
    return len(due)


def _look_for_changes(now: datetime) -> None:
    catalogs = Connection.objects.filter(kind__in=CATALOGS).select_related("environment")
    for catalog in catalogs:
        described = stored(catalog)
        where = described.where() if described else ""
        known = {one.place_id: one for one in Registration.objects.filter(connection=catalog)}
        for place in _places(catalog.environment):
            registration = known.get(place.pk)
            if registration is None:
                registration = Registration(place=place, connection=catalog, name=name_for(place, catalog))
            if registration.is_wanted and (registration.of, registration.registered_in) != (place.published_at, where):
                registration.of, registration.registered_in = place.published_at, where
                again(registration, now)


def _places(environment: Environment) -> Any:
    """What jobs have published in roots on other machines: a folder of this one has no address that a catalog could tell."""
    here = Q(lies_at="") | Q(lies_at__startswith=OF_FOLDERS)
    return Place.objects.filter(environment=environment, owner__isnull=False, published_at__isnull=False).exclude(here)


def name_for(place: Place, catalog: Connection) -> str:
    """Of the place; a number behind it where another place has that name there."""
    base = name = safe_name(place.uri).lower()[:100] or "table"
    number = 2
    while Registration.objects.filter(connection=catalog, name=name).exclude(place=place).exists():
        name, number = f"{base}_{number}", number + 1
    return name


def again(registration: Registration, now: datetime | None = None) -> None:
    """It is tried as soon as may be."""
    registration.state, registration.tries, registration.next_try_at = RegistrationState.WAITING, 0, now or timezone.now()
    registration.save()


def _try(registration: Registration) -> None:
    """Once, and notes what came of it; also where it breaks off."""
    pause = min(timedelta(minutes=2 ** min(registration.tries, 10)), LONGEST_PAUSE)
    Registration.objects.filter(pk=registration.pk).update(tries=F("tries") + 1, next_try_at=timezone.now() + pause)
    try:
        problem = _registered(registration) if registration.is_wanted else _taken_out(registration)
    except TimeoutError:
        problem = {"code": "no-answer", "message": "The catalog, or the root, gave no answer in time.", "fix": "It is tried again."}
    except PortalError as error:
        problem = {"code": error.code, "message": error.message, "fix": error.fix or ""}
    _note(registration, problem)


def _note(tried: Registration, problem: dict[str, Any] | None) -> None:
    """What was asked for meanwhile (another publish, another name) is not taken for done."""
    with transaction.atomic():
        found = Registration.objects.select_for_update(no_key=True, of=("self",)).filter(pk=tried.pk).first()
        if found is None or (found.of, found.name, found.is_wanted) != (tried.of, tried.name, tried.is_wanted):
            return
        now = timezone.now()
        if problem is None:
            found.state = RegistrationState.REGISTERED if found.is_wanted else RegistrationState.OUT
            found.problem, found.failing_since, found.next_try_at, found.registered_at = None, None, None, now
            found.names_before = []
        else:
            found.state, found.problem, found.failing_since = RegistrationState.FAILED, problem, found.failing_since or now
            if problem["code"] not in TRANSIENT or found.tries >= MOST_TRIES:
                found.next_try_at = None
            log.warning("%s is not registered: %s", found, problem["message"])
        found.save()


def _registered(registration: Registration) -> dict[str, Any] | None:
    place, environment = registration.place, registration.place.environment
    if place.lies_at != Storages(environment).of(place.uri):
        return MOVED
    about = _about(place)
    told = _asked("ddl", environment, {"uri": place.uri, "about": about})
    if "problem" in told:
        return _words(told)
    about |= {"sluice.rows": str(told["table"]["facts"]["rows"])} if "rows" in told["table"].get("facts", {}) else {}
    answer = _ask_catalog(registration, registration.name, table=told["table"], about=about)
    return _words(answer) if "problem" in answer else _without_names_before(registration)


def _taken_out(registration: Registration) -> dict[str, Any] | None:
    answer = _ask_catalog(registration, registration.name, remove=True)
    return _words(answer) if "problem" in answer else _without_names_before(registration)


def _without_names_before(registration: Registration) -> dict[str, Any] | None:
    for name in registration.names_before:
        answer = _ask_catalog(registration, name, remove=True)
        if "problem" in answer and answer["problem"].get("code") != "catalog-taken":
            return _words(answer)
    return None


def _ask_catalog(registration: Registration, name: str, **what: Any) -> dict[str, Any]:
    place = registration.place
    owner = f"{place.environment.project.slug}/{place.environment.name}/{place.uri}"
    values = {"kind": registration.connection.kind, "connection": registration.connection.name, "name": name, "owner": owner, **what}
    return _asked("register", place.environment, values)


def _about(place: Place) -> dict[str, str]:
    """What the table says of itself."""
    run = Run.objects.filter(pk=place.last_run_id).select_related("version").first() if place.last_run_id else None
    found = {"sluice.job": place.owner.name if place.owner else "", "sluice.environment": place.environment.name}
    if run is not None:
        found |= {"sluice.run": str(run.pk), "sluice.version": str(run.version.number) if run.version else ""}
    return {name: value for name, value in found.items() if value}


def _words(answer: dict[str, Any]) -> dict[str, Any]:
    problem = answer["problem"]
    return {name: str(problem.get(name) or "")[:500] for name in ("code", "message", "fix")}


def _asked(what: str, environment: Environment, values: dict[str, Any]) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await preview_client.answer_over_files(what, user=NOBODY, environment=environment.pk, values=values)

    answer = async_to_sync(ask)()
    if answer.get("event") != preview_client.ANSWERS[what] and "problem" not in answer:
        raise PortalError("The program that registers tables gave no answer.", code="no-answer", fix="It is tried again.")
    return answer
