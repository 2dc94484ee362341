"""Which other machines a run could and did reach: as it is kept with an attempt, and in words.

A place is named by its host to people who look after the environment, and by its connection to everybody else: who may not manage an
environment is not told where its connections lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.runs.egress import Reached, Traffic
from portal.ui.words import plural, size


@dataclass(frozen=True)
class PlaceReached:
    """What came of one place. `place`: host:port, or None for people who are not told; `through`: names of the connections that lead there.
    Bytes are those that were passed on."""

    place: str | None
    through: tuple[str, ...]
    traffic: Traffic

    @property
    def name(self) -> str:
        names = " and ".join(self.through)
        if self.place is None:
            return f"the connection {names}" if names else "another connection"
        return f"{self.place} ({names})" if names else self.place


def facts(found: Reached, through: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """As it is kept. `through`: place → names of the connections that lead there."""
    return found.as_dict() | {"through": {place: list(names) for place, names in through.items()}}


def places_of(kept: Mapping[str, Any] | None, *, with_hosts: bool) -> list[PlaceReached]:
    """The places of an attempt, in order; none where it had no network, or where nothing is known."""
    found = []
    for place in (kept or {}).get("could", ()):
        traffic = Traffic(**(kept or {})["did"].get(place, {}))
        if not with_hosts:
            traffic.why = ""  # the words of a failure name the host
        found.append(PlaceReached(place if with_hosts else None, tuple((kept or {})["through"].get(place, ())), traffic))
    return found


def in_words(places: Sequence[PlaceReached], *, known: str = "Reached") -> list[tuple[str, str]]:
    """(what, the places) for a page: Could reach, Reached, Refused, Failed. Nothing where there was no network. `known`: what “Reached” is
    called where the program may have reached more since it was noted."""
    if not places:
        return []
    traffic = [(one.name, one.traffic) for one in places]
    reached = [
        f"{name}, {plural(one.connections, 'connection', 'connections')}, {size(one.sent + one.received)}"
        for name, one in traffic
        if one.connections
    ]
    refused = [_tries(name, one.refused, one.why) for name, one in traffic if one.refused]
    failed = [_tries(name, one.failed, one.why) for name, one in traffic if one.failed]
    told = [("Could reach", list(dict.fromkeys(name for name, _ in traffic))), (known, reached or ["nothing"])]
    return [(what, "; ".join(names)) for what, names in (*told, ("Refused", refused), ("Failed", failed)) if names]


def _tries(name: str, number: int, why: str) -> str:
    return f"{name}, {plural(number, 'try', 'tries')}" + (f": {why}" if why else "")
