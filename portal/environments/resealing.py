"""Which key has sealed what, and sealing it all with the present one while Sluice runs. See docs/decisions/vault-keys.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Model
from django.db.models.functions import Substr

from portal.environments import sealing, secrets, vault
from portal.environments.keys import KeyFailed, ring
from portal.environments.models import ConnectionSecret, Secret
from portal.errors import PortalError

BATCH = 100
BEGINNING = len("v2.01234567")
"""Characters of a sealed text that say its version and its key."""


@dataclass(frozen=True)
class Place:
    """A column of texts that the vault has sealed. An empty one is no secret."""

    model: type[Model]
    column: str
    project: str
    """The relation to read along."""
    context: Callable[[Any], str]
    named: Callable[[Any], str]
    """In words whose secret it is."""

    def rows(self) -> Any:
        return self.model._default_manager.exclude(**{self.column: ""}).select_related(self.project).order_by("pk")


PLACES = [
    Place(
        model=Secret,
        column="sealed",
        project="environment__project",
        context=lambda row: secrets.context_of(row.environment, row.name),
        named=lambda row: f"secret {row.name} of {row.environment.project.slug} {row.environment.name}",
    ),
    Place(
        model=ConnectionSecret,
        column="sealed",
        project="connection__environment__project",
        context=lambda row: sealing.context_of(row.connection, row.number),
        named=lambda row: (
            f"connection {row.connection.name} of {row.connection.environment.project.slug} "
            f"{row.connection.environment.name}, version {row.number}"
        ),
    ),
]
"""Other apps add theirs when they are ready."""


@dataclass(frozen=True)
class KeyUse:
    """`title`: what the key is; empty when it is not here. `by_older_form`: of `sealed`, those from before each had a data key."""

    id: str
    title: str
    is_active: bool
    sealed: int
    by_older_form: int
    weakness: str

    @property
    def is_lost(self) -> bool:
        """What it has sealed opens no more."""
        return not self.title


def by_key() -> list[KeyUse]:
    """Each key of the ring, the active one first, then those that are lost; with how many secrets it has sealed."""
    counted, keys = _counted(), ring()
    known = {key.id: key for key in (keys.active, *keys.older)}
    return [
        KeyUse(
            id=key_id,
            title=known[key_id].title if key_id in known else "",
            is_active=key_id == keys.active.id,
            sealed=counted[f"{vault.VERSION}.{key_id}"] + counted[f"{vault.BEFORE}.{key_id}"],
            by_older_form=counted[f"{vault.BEFORE}.{key_id}"],
            weakness=known[key_id].weakness() if key_id in known else "",
        )
        for key_id in dict.fromkeys([*known, *(one.partition(".")[2] for one in sorted(counted))])
    ]


def problem() -> str:
    """In words what is wrong with the keys; empty when all is well. Whoever is not signed in may read it."""
    try:
        uses = by_key()
    except KeyFailed as why:
        return why.message
    gone = sum(use.sealed for use in uses if use.is_lost)
    said = [f"The key is not here with which {gone} of the stored secrets were sealed: put it back, or set them again."] if gone else []
    said += [f"The key of stored secrets is weak. {use.weakness}" for use in uses if use.is_active and use.weakness]
    return " ".join(said)


def lost() -> Iterator[str]:
    """Whose secrets a key has sealed that is not here, in words."""
    here = ring().by_id
    for place in PLACES:
        for row in place.rows():
            if vault.key_id_of(getattr(row, place.column)) not in here:
                yield place.named(row)


@dataclass
class Progress:
    """`resealed` so far; `failed`: whose secret does not open, in words, and why. They are left as they are."""

    resealed: int = 0
    failed: list[str] = field(default_factory=list)


def reseal() -> Iterator[Progress]:
    """Seals with the active key whatever another one, or the older form, has sealed; gives how far it is after each batch.

    A secret is replaced in one statement, and only if it is still the one that was opened: who sets it at the same moment wins, and
    whoever is killed leaves each secret sealed by the one key or the other. What was done is not done again."""
    done = Progress()
    for place in PLACES:
        last: Any = None
        while batch := list(_batch(place, last)):
            for row in batch:
                try:
                    done.resealed += _replaced(place, row)
                except PortalError as why:
                    done.failed.append(f"{place.named(row)}: {why.message}")
            last = batch[-1].pk
            yield done


def left() -> int:
    """How many the active key has not sealed."""
    active = vault.prefix_of(ring().active).rstrip(".")
    return sum(number for beginning, number in _counted().items() if beginning != active)


def _batch(place: Place, last: Any) -> Any:
    rows = place.rows().exclude(**{f"{place.column}__startswith": vault.prefix_of(ring().active)})
    return (rows if last is None else rows.filter(pk__gt=last))[:BATCH]


def _replaced(place: Place, row: Any) -> int:
    """1, or 0 where somebody else has changed it meanwhile."""
    before, context = getattr(row, place.column), place.context(row)
    text = vault.unseal(before, context=context)
    sealed = vault.seal(text, context=context)
    if vault.unseal(sealed, context=context) != text:
        raise vault.Sealed("What was sealed anew does not open, so the old one stays.")
    return place.model._default_manager.filter(pk=row.pk, **{place.column: before}).update(**{place.column: sealed})


def _counted() -> Counter[str]:
    counted: Counter[str] = Counter()
    for place in PLACES:
        found = place.rows().order_by().annotate(beginning=Substr(place.column, 1, BEGINNING)).values("beginning")
        counted.update({row["beginning"]: row["number"] for row in found.annotate(number=Count("pk"))})
    return counted
