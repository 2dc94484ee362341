"""What people do with connections and the roots that lie on them. See docs/decisions/connections.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings as configured
from django.db import transaction
from pydantic import ValidationError

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.connections.base import missing_secrets
from executor.language.credentials import credentials_in
from executor.language.roots import is_root_name
from executor.plain import sentences_of
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.audit.actions import record
from portal.environments import folders, references, sealing
from portal.environments.models import Connection, ConnectionSecret, Environment, Root
from portal.environments.networks import is_allowed
from portal.errors import Conflict, PortalError
from portal.locking import gone, require_seen

MOST = 100
OLD_FOR_MINUTES, LONGEST_OLD_FOR = 15, 24 * 60
SIGNS_IN_ELSEWHERE = "It signs in elsewhere or otherwise than before, so what it signs in with is entered again."


def add_connection(
    *,
    actor: User,
    environment: Environment,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    reference: Mapping[str, Any] | None = None,
) -> Connection:
    """A new connection with its secret, where it signs in with one, or with where that lies (`references.checked`)."""
    require(actor, "manage_environment", environment)
    _check_name(name)
    if kind not in kinds():
        raise PortalError("This kind of connection is not known here.", code="kind-unknown", fix=f"There are: {', '.join(kinds())}.")
    described = read(kind, settings, secrets)
    elsewhere = _elsewhere_or_entered(environment, described, secrets, reference)
    with transaction.atomic():
        locked = _hold(environment)
        if locked.connections.filter(name=name).exists():
            raise Conflict(f"{locked.name} has a connection “{name}” already.", code="name-taken", fix="Choose another name.")
        if locked.connections.count() >= MOST:
            raise PortalError(f"An environment has at most {MOST} connections.", code="too-many-connections")
        made = Connection.objects.create(environment=locked, name=name, kind=kind, settings=described.settings())
        if described.needed_secrets():
            sealing.keep(made, described, set_by=actor, reference=elsewhere)
        record(action="add_connection", actor=actor, subject=made, name=name, kind=kind, **references.for_audit(elsewhere))
    return made


def edit_connection(
    *,
    actor: User,
    connection: Connection,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    reference: Mapping[str, Any] | None = None,
    edition: str = "",
) -> Connection:
    """Runs that begin from now on use it. `secrets`, or `reference`: needed where it signs in otherwise, or elsewhere, than before; they
    become a new version. `edition`: the one that the actor saw. Raises Conflict where somebody has changed it since, and where it is to
    lead elsewhere while something is under way there."""
    require(actor, "manage_environment", connection)
    given = secrets or {}
    described = read(connection.kind, settings, given)
    with transaction.atomic():
        environment = _hold(connection.environment)
        locked = _still_there(environment.connections.filter(pk=connection.pk).first())
        require_seen(edition, locked.edition, locked.name)
        before, elsewhere = stored(locked), None
        if given or reference or before is None or _sign_in(described) != _sign_in(before):
            elsewhere = _elsewhere_or_entered(environment, described, given, reference, SIGNS_IN_ELSEWHERE)
        if before is None or described.storage() != before.storage():
            _require_quiet_ways(locked)
        changed = sorted(name for name, value in described.settings().items() if value != locked.settings.get(name))
        locked.settings = described.settings()
        locked.save(update_fields=["settings"])
        for root in locked.roots.all():
            _require_own_place(environment, described, root.address, root.may_write, root)
        if given or elsewhere:
            sealing.keep(locked, described, set_by=actor, reference=elsewhere)
        elif not described.needed_secrets():
            sealing.end(locked)
        record(
            action="edit_connection",
            actor=actor,
            subject=locked,
            name=locked.name,
            changed=changed,
            secret_replaced=bool(given or elsewhere),
            **references.for_audit(elsewhere),
        )
    return locked


def rotate_secret(
    *,
    actor: User,
    connection: Connection,
    secrets: Mapping[str, str],
    reference: Mapping[str, Any] | None = None,
    old_for_minutes: int = OLD_FOR_MINUTES,
) -> ConnectionSecret:
    """A new version: runs that begin from now on get it, and those that began with the old one can get that for so many minutes."""
    require(actor, "manage_environment", connection)
    if not 0 <= old_for_minutes <= LONGEST_OLD_FOR:
        raise PortalError(f"The old secret works for 0 to {LONGEST_OLD_FOR:,} minutes more.", code="bad-minutes", field="old_for_minutes")
    with transaction.atomic():
        environment = _hold(connection.environment)
        locked = _still_there(environment.connections.filter(pk=connection.pk).first())
        described = read(locked.kind, locked.settings, secrets)
        if not described.needed_secrets():
            raise PortalError(
                f"{locked.name} signs in as nobody: there is no secret.", code="no-secret", fix="Change how it signs in first."
            )
        elsewhere = _elsewhere_or_entered(environment, described, secrets, reference)
        made = sealing.keep(locked, described, set_by=actor, old_for=timedelta(minutes=old_for_minutes), reference=elsewhere)
        record(
            action="rotate_secret",
            actor=actor,
            subject=locked,
            name=locked.name,
            version=made.number,
            old_works_for_minutes=old_for_minutes,
            **references.for_audit(elsewhere),
        )
    return made


def remove_connection(*, actor: User, connection: Connection) -> None:
    """With all versions of its secret. Refused while roots lie on it, and while something is under way there."""
    require(actor, "manage_environment", connection)
    with transaction.atomic():
        environment = _hold(connection.environment)
        locked = _still_there(environment.connections.filter(pk=connection.pk).first())
        roots = list(locked.roots.values_list("name", flat=True))
        if roots:
            raise Conflict(
                f"Roots lie on {locked.name}: {', '.join(roots)}.", code="connection-in-use", fix="Remove them, or give them another place."
            )
        _require_quiet_ways(locked)
        record(action="remove_connection", actor=actor, subject=locked, name=locked.name, kind=locked.kind)
        locked.delete()


def add_root(*, actor: User, environment: Environment, name: str, connection: str, address: str, may_write: bool = False) -> Root:
    """A name for a place on a connection of this environment; without one (""), for a folder of this machine."""
    require(actor, "manage_environment", environment)
    _check_name(name)
    with transaction.atomic():
        locked = _hold(environment)
        if locked.roots.filter(name=name).exists():
            raise Conflict(f"{locked.name} has a root “{name}” already.", code="name-taken", fix="Choose another name.")
        if locked.roots.count() >= MOST:
            raise PortalError(f"An environment has at most {MOST} roots.", code="too-many-roots")
        found, place = _place(actor, locked, connection, address, may_write)
        made = Root.objects.create(environment=locked, name=name, connection=found, address=place, may_write=may_write)
        record(action="add_root", actor=actor, subject=made, name=name, **_where_for_audit(made), may_write=may_write)
    return made


def edit_root(*, actor: User, root: Root, connection: str, address: str, may_write: bool, edition: str = "") -> Root:
    """Runs that begin from now on find it there: on a connection, or without one ("") in a folder of this machine. Without an address
    either, the root that needs no name is the environment's own folder, where jobs may always write. Refused while something is under way
    there."""
    require(actor, "manage_environment", root)
    with transaction.atomic():
        environment = _hold(root.environment)
        locked = _still_there(environment.roots.filter(pk=root.pk).first())
        require_seen(edition, locked.edition, locked.name)
        _require_quiet(locked)
        if locked.is_default and not connection and not address:
            _require_open_folder(may_write)
            locked.connection, locked.address = None, ""
        else:
            locked.connection, locked.address = _place(actor, environment, connection, address, may_write, locked)
        locked.may_write = may_write
        locked.save(update_fields=["connection", "address", "may_write"])
        record(action="edit_root", actor=actor, subject=locked, name=locked.name, **_where_for_audit(locked), may_write=may_write)
    return locked


def remove_root(*, actor: User, root: Root) -> None:
    """Jobs that name it no longer find it. What lies there stays."""
    require(actor, "manage_environment", root)
    with transaction.atomic():
        environment = _hold(root.environment)
        locked = _still_there(environment.roots.filter(pk=root.pk).first())
        _require_not_default(locked)
        _require_quiet(locked)
        record(action="remove_root", actor=actor, subject=locked, name=locked.name)
        locked.delete()


busy: list[Callable[[Root], str]] = []
"""Who knows what is under way in a root: apps above put a function here that says it as the beginning of a sentence; "": nothing is."""
busy_ways: list[Callable[[Connection], str]] = []
"""The same of a connection itself, beside its roots."""


def kinds() -> dict[str, type[ConnectionKind]]:
    """Those that may be made here, by their word; some only where an operator allows them."""
    return {word: cls for word, cls in CONNECTION_KINDS.items() if not cls.needs_permission or word in configured.CONNECTION_KINDS_ALLOWED}


def described_of(connection: Connection) -> ConnectionKind:
    """What is stored, as its kind. Raises PortalError where it no longer fits."""
    if connection.kind not in kinds():
        raise PortalError(
            f"The kind of the connection {connection.name} is not known or not allowed here.", code="kind-unknown", status=409
        )
    return read(connection.kind, connection.settings)


def stored(connection: Connection) -> ConnectionKind | None:
    """What is stored, also where it may no longer be used; None where it cannot be read at all."""
    try:
        return CONNECTION_KINDS[connection.kind].model_validate(connection.settings)
    except (KeyError, ValidationError):
        return None


def read(kind: str, settings: Mapping[str, Any], secrets: Mapping[str, str] | None = None) -> ConnectionKind:
    """The connection that these fields describe. Raises PortalError with a problem for each field that is wrong, never with a value."""
    cls = CONNECTION_KINDS[kind]
    strange = sorted(set(settings) & set(cls.secret_fields()) | set(secrets or {}) - set(cls.secret_fields()))
    if strange:
        raise _refused([_problem(name, "A secret stands among the secrets, and everything else does not.") for name in strange])
    try:
        described = cls.model_validate({**settings, **(secrets or {})})
    except ValidationError as wrong:
        raise _refused([_problem(name, words) for name, words in sentences_of(wrong, cls)]) from None
    found = [_problem(one.field, one.message, one.fix) for one in described.problems()]
    found += [
        _problem(str(one.path[0]), "This is a password or key, which everybody who may see the connection could read.")
        for one in credentials_in(described.settings())
    ]
    found += [
        _problem("private_networks", f"No operator has allowed the network {text}.", "It is done with SLUICE_CONNECTION_NETWORKS.")
        for text in described.private_networks
        if not is_allowed(text, configured.CONNECTION_NETWORKS)
    ]
    if found:
        raise _refused(found)
    return described


def _where_for_audit(root: Root) -> dict[str, str]:
    return {"connection": root.connection.name} if root.connection else {"connection": "", "folder": root.address}


def _place(
    actor: User, environment: Environment, connection: str, address: str, may_write: bool, root: Root | None = None
) -> tuple[Connection | None, str]:
    if not connection:
        _hold_places()
        return None, folders.checked(environment, address, may_write, root, actor)
    found = environment.connections.filter(name=connection).first()
    if found is None:
        raise PortalError(f"{environment.name} has no connection “{connection[:60]}”.", code="connection-unknown", field="connection")
    described = described_of(found)
    try:
        place = described.clean_root(address)
    except ValueError as wrong:
        raise PortalError(str(wrong), code="bad-address", status=422, field="address") from None
    _require_own_place(environment, described, place, may_write, root)
    return found, place


def _require_own_place(environment: Environment, described: ConnectionKind, place: str, may_write: bool, root: Root | None) -> None:
    """A place has one name in an environment: what is read only by one name must not be written by another, and of two jobs that write to
    one place Sluice must know. Which service it is makes no difference there, since an absolute address (`s3a://…`) does not say it. Two
    environments may read one place; only one may write there."""
    _hold_places()
    others = Root.objects.exclude(connection=None)
    if root:
        others = others.exclude(pk=root.pk)
    for other in others.select_related("environment__project", "connection"):
        is_here = other.environment_id == environment.pk
        if not is_here and not (may_write and other.may_write):
            continue
        if other.connection is None or not _overlap(place, other.address):
            continue
        if not is_here and _storage(other.connection) != described.storage():
            continue
        raise folders.taken(environment, other)


def _storage(connection: Connection) -> str:
    described = stored(connection)
    return described.storage() if described else ""


def require_secrets_for_test(described: ConnectionKind, given: Mapping[str, str], connection: Connection | None) -> None:
    """What is given is whole, or what is stored may be used for it. Raises PortalError."""
    if given or connection is None:
        _require_secrets(described, given)
    else:
        require_same_sign_in(connection, described)


def require_same_sign_in(stored_connection: Connection, described: ConnectionKind) -> None:
    """What a connection signs in with goes only to the place for which it was set. Raises PortalError."""
    before = stored(stored_connection)
    if before is None or type(before) is not type(described) or _sign_in(described) != _sign_in(before):
        _require_secrets(described, {}, SIGNS_IN_ELSEWHERE)


def _sign_in(described: ConnectionKind) -> tuple[list[str], str]:
    return described.needed_secrets(), described.signs_in_at()


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _require_not_default(root: Root) -> None:
    if root.is_default:
        raise PortalError(
            f"“{root.name}” is where jobs read and write when they name no root; it stays.",
            code="default-root",
            status=409,
            fix="Give it another place, if it is to lie elsewhere.",
        )


def _require_open_folder(may_write: bool) -> None:
    if not may_write:
        raise PortalError(
            "In the environment's own folder jobs may always write.",
            code="default-root",
            status=409,
            fix="Give the root another place, if jobs are only to read there.",
        )


def _require_quiet(root: Root) -> None:
    """What is under way there would be published where nobody looks, or could not be taken back."""
    for under_way in busy:
        if said := under_way(root):
            message = f"{said}, so the root “{root.name}” stays as it is until that has ended."
            raise Conflict(message, code="root-in-use", fix="Wait until it has ended, or stop it, then try again.")


def _require_quiet_ways(connection: Connection) -> None:
    """The same of the roots that lie on it, and of what goes through it without one."""
    for root in connection.roots.select_related("environment"):
        _require_quiet(root)
    for under_way in busy_ways:
        if said := under_way(connection):
            message = f"{said}, so the connection “{connection.name}” leads where it leads until that has ended."
            raise Conflict(message, code="connection-in-use", fix="Wait until it has ended, or stop it, then try again.")


def _elsewhere_or_entered(
    environment: Environment, described: ConnectionKind, entered: Mapping[str, str], reference: Mapping[str, Any] | None, why: str = ""
) -> dict[str, Any] | None:
    """Where what it signs in with lies; None where it was entered. Raises PortalError where it is neither or both."""
    if not reference:
        _require_secrets(described, entered, why)
        return None
    if entered or not described.needed_secrets():
        said = "Enter what it signs in with, or say where it lies; not both." if entered else "It signs in as nobody: there is no secret."
        raise _refused([_problem("reference_backend", said)])
    try:
        return references.checked(reference, environment, described)
    except references.NoReference as wrong:
        raise _refused([_problem(wrong.field, wrong.message)]) from None


def _require_secrets(described: ConnectionKind, given: Mapping[str, str], why: str = "") -> None:
    missing = missing_secrets(described, given)
    if missing:
        titles = {str(field.title): name for name, field in type(described).model_fields.items()}
        raise _refused([_problem(titles[title], why or f"“{title}” is missing.") for title in missing])


def _hold(environment: Environment) -> Environment:
    """All environments of its project, so that nobody gives out the same place or name at the same moment; gives this one."""
    rows = Environment.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    held = rows.filter(project=environment.project_id).order_by("pk")
    return next((one for one in held if one.pk == environment.pk), None) or _still_there(None)


def _hold_places() -> None:
    """Nobody else gives out a place meanwhile, in no project: the oldest root stands for all of them."""
    Root.objects.select_for_update(no_key=True).order_by("pk").first()


def _still_there(row: Any) -> Any:
    if row is None:
        raise gone()
    return row


def _check_name(name: str) -> None:
    if not is_root_name(name):
        raise PortalError(
            "A name has small letters, digits and _, begins with a letter, and is no word that addresses begin with (s3, https…).",
            code="bad-name",
            status=422,
            field="name",
        )


def _problem(field: str | None, message: str, fix: str | None = None) -> dict[str, Any]:
    return {"code": "bad-connection", "field": field, "message": message, "fix": fix}


def _refused(problems: list[dict[str, Any]]) -> PortalError:
    first = problems[0]
    return PortalError(first["message"], code="bad-connection", status=422, fix=first["fix"], problems=problems)
