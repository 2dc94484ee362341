"""What a preview session is started with, and what each request of it is told: of the environment's roots, connections and secrets only
what the document in the request reads.

It is looked up here, in the preview service, and not by whoever asks: so secrets are on no socket and in no web process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import close_old_connections

from executor.document.places import connectors_of
from executor.language import json_text
from portal.accounts.models import User
from portal.environments import secrets
from portal.environments.models import Environment
from portal.environments.reach import (
    Needs,
    endpoints_in_use,
    endpoints_of,
    mounts_in_use,
    mounts_of,
    reach_of,
    roots_elsewhere,
    without_unusable,
)
from portal.errors import PortalError
from portal.jobs import places
from portal.jobs.models import Draft, JobVersion
from portal.runs import checks, needs
from portal.runs.launches import Equipment
from portal.runs.preview_lease import Given, Key

WRITE = ("put-back", "repair", "change-table", "optimize-table", "bring", "keep", "test-root")
"""Programs over files that change something at the address that they are told."""


IN_WORDS = {
    "look": "a look at a file",
    "unpack": "the unpacking of a file",
    "survey": "a look at what a promotion would meet",
    "put-back": "putting an output back",
    "repair": "tidying up behind a run",
    "list": "a look into a folder",
    "walk": "the list of data",
    "texts": "reading the files that a job names",
    "find": "a file to be brought or deleted",
    "take": "taking a file home",
    "bring": "bringing a file",
    "keep": "a file brought, deleted or put back",
    "test-root": "a test of a root",
    "table": "a look at a table's versions",
    "change-table": "a change of a table's versions",
    "optimize-table": "putting a table's files together",
    "put-back-rows": "putting rows of a database back",
    "ddl": "describing a table for a catalog",
    "register": "registering a table in a catalog",
}
"""What a program over files does (`preview_client.ANSWERS`), for whoever reads to whom a secret was given."""


def used_by(what: str, person: User | None) -> str:
    """“the list of data, for Ana”. Nobody: Sluice does it by itself."""
    return f"{IN_WORDS[what]}, for {person.shown_name}" if person else f"{IN_WORDS[what]}, by Sluice itself"


class Wanted(NamedTuple):
    """What a session must have, and the most that one of this environment may have by now: a session that has more is given up."""

    least: Equipment = Equipment()
    most: Equipment = Equipment()

    def fits(self, there: Equipment) -> bool:
        return there.covers(self.least) and self.most.covers(Equipment(there.endpoints, folders=there.folders))


class PreviewReach:
    """Asked in threads of the event loop."""

    def wanted(self, key: Key, message: Any) -> Wanted:
        """`message`: the request; None where a session is started ahead, for what the person last saved. Raises PortalError."""
        content = _document(message)
        if content is None and message is not None:
            return Wanted()
        with fresh_connection():
            content = content or _last_saved(key)
            if content is None:
                return Wanted()
            environment = Environment.objects.select_related("project").get(pk=key.environment)
            try:
                least = _equipment(environment, content, message)
            except PortalError:  # perhaps of a stage that comes later
                least = _equipment(environment, _asked_part(content, message), message)
            return Wanted(least, Equipment(endpoints_in_use(environment), folders=mounts_in_use(environment)))

    def of_files(self, what: str, user: int, environment: int, values: Mapping[str, Any]) -> tuple[Equipment, Given]:
        """What a program over files is started with and told, by the address or the document in its values. Raises PortalError."""
        with fresh_connection():
            here = Environment.objects.select_related("project").get(pk=environment)
            _require_same_place(here, values)
            used = _needs_of_files(here, values, writes=what in WRITE)
            if used == Needs():
                return Equipment(), Given()
            if what == "repair":  # one place that cannot be reached keeps no other one half published
                used = without_unusable(here, used)
            person = User.objects.filter(pk=user).first()
            reach = reach_of(here, used_by=used_by(what, person), needs=used)
        return Equipment(reach.endpoints, folders=reach.mounts), Given(reach.for_executor(), frozenset(reach.secrets), reach.through)

    def given(self, key: Key, message: Any, holder: str) -> Given:
        """Opens what the request's part of the document signs in with. Where roots lie is told of all, since the whole may be judged.
        Raises PortalError."""
        content = _document(message)
        if content is None:
            return Given({"secrets": {}})
        with fresh_connection():
            environment = Environment.objects.select_related("project").get(pk=key.environment)
            hidden = _secrets(environment, content)
            part, values = _asked_part(content, message), _parameters(environment, message)
            if needs.needs_of(content, environment, values) == Needs():
                return Given({"secrets": hidden}, frozenset(hidden.values()))
            used = _known(environment, needs.needs_of(part, environment, values, only_looks=True))
            reach = reach_of(environment, used_by=f"a preview of {holder}", needs=used)
        every = frozenset([*hidden.values(), *reach.secrets])
        return Given({"secrets": hidden, **reach.for_executor()}, every, reach.through)


@contextmanager
def fresh_connection() -> Iterator[None]:
    """Threads of the event loop live long: a connection that the database has closed meanwhile is not used, and none is kept."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def _document(message: Any) -> dict[str, Any] | None:
    content = message.get("document") if isinstance(message, dict) else None
    return content if isinstance(content, dict) else None


def _last_saved(key: Key) -> dict[str, Any] | None:
    """The document that the person works on, or the newest version."""
    draft = Draft.objects.filter(job=key.job, user=key.user).first()
    saved = draft or JobVersion.objects.filter(job=key.job).order_by("-number").first()
    return _read(saved.document) if saved else None


def _read(document: str) -> dict[str, Any] | None:
    try:
        content = json_text.loads(document)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _require_same_place(environment: Environment, values: Mapping[str, Any]) -> None:
    """Whoever asked meant the place where the root led then; a program may have waited for its turn since. Raises PortalError."""
    meant, uri = values.get(places.MEANT), str(values.get("uri"))
    if meant is not None and meant != places.Storages(environment).of(uri):
        message = f"“{uri}” leads elsewhere since this was asked for, so nothing was done there."
        raise PortalError(message, code="place-moved", status=409, fix="Look at what lies there now.")


def _needs_of_files(environment: Environment, values: Mapping[str, Any], *, writes: bool) -> Needs:
    """Roots alone: these programs look at files, and at nothing else that a document names. Who registers a table, or puts rows back,
    reaches one connection alone. `writes`: whether places are changed that are named by themselves."""
    if isinstance(only := values.get("connection"), str):
        return Needs(connections=frozenset({only}))
    if isinstance(root := values.get("root"), str):
        found = frozenset({root}) & roots_elsewhere(environment)
        return Needs(found, written=found if writes else frozenset())
    uris = [values.get("uri"), *(values.get("staged") or ()), *(values.get("uris") or ())]
    if named := [needs.needs_of_place(uri, environment, writes=writes) for uri in uris if isinstance(uri, str)]:
        roots, written = ([getattr(one, name) for one in named] for name in ("roots", "written"))
        return Needs(frozenset().union(*roots), written=frozenset().union(*written))
    document = values.get("document")
    content = _read(document) if isinstance(document, str) else document
    if not isinstance(content, dict):
        return Needs()
    return replace(needs.needs_of(content, environment, values.get("parameters") or {}), connections=frozenset())


def _asked_part(content: Mapping[str, Any], message: Any) -> dict[str, Any]:
    return needs.part_until(content, message.get("to") if isinstance(message, dict) else None)


def _parameters(environment: Environment, message: Any) -> dict[str, Any]:
    values = message.get("values") if isinstance(message, dict) else None
    given = values.get("parameters") if isinstance(values, dict) else None
    return environment.parameters | (given if isinstance(given, dict) else {})


def _equipment(environment: Environment, content: Mapping[str, Any], message: Any) -> Equipment:
    used = needs.needs_of(content, environment, _parameters(environment, message), only_looks=True)
    connectors = tuple(sorted(connectors_of(content, environment.name)))
    return Equipment(endpoints_of(environment, used), connectors, mounts_of(environment, used))


def _known(environment: Environment, used: Needs) -> Needs:
    """Without names of connections that are still being typed: the executor says what is wrong with them."""
    return Needs(used.roots, used.connections & set(environment.connections.values_list("name", flat=True)))


def _secrets(environment: Environment, content: Mapping[str, Any]) -> dict[str, str]:
    """The values of the secrets that a document declares; of one that is still being typed, none."""
    try:
        needed = secrets.needed_by(checks.declared_parameters(json.dumps(content)))
    except PortalError:
        return {}
    return secrets.values_of(environment, needed) if needed else {}
