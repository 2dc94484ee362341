"""Which jobs read and write each place of an environment: the answers of portal.jobs.places, found quickly for many places at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from executor.language import places as language
from portal.environments.models import Environment
from portal.jobs import places
from portal.jobs.places import Use

READS, WRITES = "reads", "writes"


class Uses:
    """What live versions, and where drafts may run also drafts, do with the places of one environment."""

    def __init__(self, environment: Environment) -> None:
        self._spelling = places.Spelling(environment)
        self._exact: dict[str, list[Use]] = {}
        self._below: dict[str, list[Use]] = {}
        self._patterns: list[Use] = []
        for use in places.uses_in(environment):
            if language.is_pattern(use.where):
                self._patterns.append(use)
                continue
            key = language.key_of(use.where)
            self._exact.setdefault(key, []).append(use)
            for above in list(_ends(key))[:-1]:
                self._below.setdefault(above, []).append(use)

    def of(self, uri: str) -> list[Use]:
        """Uses of the place, of a folder it lies in, and of whatever lies in it."""
        where = self._spelling.where(uri)
        key = language.key_of(where)
        found = [use for end in _ends(key) for use in self._exact.get(end, [])]
        return [*found, *self._below.get(key, []), *(use for use in self._patterns if language.meet(use.where, where))]

    def jobs(self, uri: str, does: str) -> list[str]:
        """Names of the jobs that read, or write, each once."""
        return sorted({use.job.name for use in self.of(uri) if use.writes == (does == WRITES)})

    def is_named(self, uri: str) -> bool:
        """Whether a job names exactly this place, as one table."""
        return language.key_of(self._spelling.where(uri)) in self._exact


def _ends(key: str) -> Iterator[str]:
    """`a/b/c` → `a`, `a/b`, `a/b/c`."""
    parts = key.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def used_by_any(environment: Environment, uris: Iterable[str]) -> list[dict[str, str]]:
    """Who reads and writes any of these places, as `as_dicts` says it."""
    return as_dicts(use for uri in uris for use in places.used_by(environment, uri))


def as_dicts(uses: Iterable[Use]) -> list[dict[str, str]]:
    """For questions and the API: each job once for each thing it does, live versions first."""
    said: dict[tuple[str, bool], dict[str, str]] = {}
    for use in sorted(uses, key=lambda use: (use.writes, use.job.name, use.draft_of is not None)):
        what = f"draft of {use.draft_of.shown_name}" if use.draft_of else "live version"
        entry = said.setdefault(
            (use.job.name, use.writes), {"job": use.job.name, "does": WRITES if use.writes else READS, "what": what, "place": use.uri}
        )
        if what not in entry["what"]:
            entry["what"] += f", {what}"
    return list(said.values())
