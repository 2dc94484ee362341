"""What people do with a place's statement and its tables in catalogs. Each function: may they, the change, the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction

from executor.catalog.hive import require_name
from executor.problems import ProblemError
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit import actions as audit
from portal.catalogs import registering
from portal.catalogs.models import Registration
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.actions import may_answer_for
from portal.jobs.models import Place
from portal.jobs.places import place_at
from portal.runs import preview_client

RIGHT = "register_table"


@dataclass(frozen=True)
class Statement:
    """`name`: what the table is called in it."""

    name: str
    ddl: str


def statement(user: User, environment: Environment, uri: str, *, name: str = "", database: str = "") -> Statement:
    """By which Hive, Athena and others come to know what a job has published at `uri`: it names its columns, as who sees data may know
    them. Raises PortalError."""
    require(user, "view_data", environment)
    values = {"uri": uri, "name": name, "database": database, "address": lake_address(environment)}
    answer = async_to_sync(preview_client.answer_over_files)("ddl", user=user.pk, environment=environment.pk, values=values)
    if answer.get("event") != preview_client.ANSWERS["ddl"]:
        problem: dict[str, Any] = answer.get("problem") or {}
        message = str(problem.get("message") or "The program that reads the place gave no answer.")
        raise PortalError(message, code=str(problem.get("code") or "no-answer"), status=422, fix=str(problem.get("fix") or "Try again."))
    require(user, "view_data", environment)  # it may have been taken away meanwhile
    return Statement(str(answer["name"]), str(answer["ddl"]))


def lake_address(environment: Environment) -> str:
    """How other programs reach the environment's own folder; "" where nobody has said so."""
    base: str = settings.LAKE_ADDRESS
    return f"{base.rstrip('/')}/{environment.project.slug}/{environment.name}" if base else ""


def registrations_at(place: Place) -> list[Registration]:
    return list(place.registrations.select_related("connection", "place__environment__project"))


@transaction.atomic
def register(*, actor: User, environment: Environment, uri: str, catalog: str, name: str = "") -> Registration:
    """Has a place registered in a catalog within seconds, also where it was taken out; `name`: as that, and its table of the name before is
    taken out. Raises PortalError."""
    found = _held(actor, environment, uri, catalog)
    if name and name != found.name:
        _require_free(found, name)
        found.names_before = [*(one for one in found.names_before if one != name), *([found.name] if found.pk else [])]
        found.name = name
    found.is_wanted = True
    registering.again(found)
    _record("register_table", actor, found)
    return found


@transaction.atomic
def take_out(*, actor: User, environment: Environment, uri: str, catalog: str) -> Registration:
    """Its table is removed from the catalog, and none is made until somebody registers it again. The data stay. Raises PortalError."""
    found = _held(actor, environment, uri, catalog)
    found.is_wanted = False
    registering.again(found)
    _record("take_out_table", actor, found)
    return found


def _held(actor: User, environment: Environment, uri: str, catalog: str) -> Registration:
    if not may_answer_for(actor, RIGHT, environment):
        raise NotAllowed(RIGHT, environment)
    place = place_at(environment, uri)
    connection = environment.connections.filter(name=catalog, kind__in=registering.CATALOGS).first()
    if place is None or connection is None:
        what = f"catalog “{catalog}”" if place else f"published place “{uri}”"
        raise PortalError(f"{environment.name} has no {what}.", code="catalog-unknown", status=409, fix="Look at its list.")
    if place.is_in_a_folder:
        raise PortalError(
            f"“{uri}” lies in a folder of this machine, of which no catalog can tell the address.",
            code="catalog-no-address",
            status=409,
            fix="Publish it to a root on S3.",
        )
    held = Registration.objects.select_for_update(no_key=True, of=("self",)).filter(place=place, connection=connection)
    found = held.select_related("place__environment__project", "connection").first()
    return found or Registration(place=place, connection=connection, name=registering.name_for(place, connection))


def _require_free(found: Registration, name: str) -> None:
    try:
        require_name(name)
    except ProblemError as error:
        problem = error.problems[0]
        raise PortalError(problem.message, code=problem.code, status=422, fix=f"Write {problem.expected}.") from None
    if Registration.objects.filter(connection=found.connection, name=name).exclude(pk=found.pk).exists():
        raise Conflict(f"Another place is called “{name}” in this catalog.", code="catalog-taken", fix="Choose another name.")


def _record(action: str, actor: User, found: Registration) -> None:
    place, environment = found.place, found.place.environment
    audit.record(
        action=action,
        actor=actor,
        subject=environment,
        project=environment.project.slug,
        environment=environment.name,
        place=place.uri,
        catalog=found.connection.name,
        table=found.name,
    )
